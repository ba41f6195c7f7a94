/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tr-meta.h"

#include "sim-error.h"

#include <string.h>

#define GROUP "trace"

/* Members that are texts, by key. */
static const struct {
    const char *key;
    size_t offset;
} texts[] = {
    { "name", G_STRUCT_OFFSET(tr_meta, name) },         { "origin", G_STRUCT_OFFSET(tr_meta, origin) },
    { "workload", G_STRUCT_OFFSET(tr_meta, workload) }, { "sha256", G_STRUCT_OFFSET(tr_meta, sha256) },
    { "writer", G_STRUCT_OFFSET(tr_meta, writer) },     { "notes", G_STRUCT_OFFSET(tr_meta, notes) },
};

static const struct {
    const char *key;
    size_t offset;
} numbers[] = {
    { "seed", G_STRUCT_OFFSET(tr_meta, seed) },
    { "memory", G_STRUCT_OFFSET(tr_meta, memory) },
    { "skipped", G_STRUCT_OFFSET(tr_meta, skipped) },
};

#define TEXT(meta, i) G_STRUCT_MEMBER(char *, meta, texts[i].offset)
#define NUMBER(meta, i) G_STRUCT_MEMBER(uint64_t, meta, numbers[i].offset)

void tr_meta_clear(tr_meta *m)
{
    for (unsigned i = 0; i < G_N_ELEMENTS(texts); i++)
        g_free(TEXT(m, i));
    g_strfreev(m->argv);
    *m = (tr_meta){ 0 };
}

void tr_meta_copy(tr_meta *to, const tr_meta *from)
{
    *to = *from;
    for (unsigned i = 0; i < G_N_ELEMENTS(texts); i++)
        TEXT(to, i) = g_strdup(TEXT(from, i));
    to->argv = g_strdupv(from->argv);
}

/* Key files are UTF-8; what a guest's arguments hold need not be. */
static void set_text(GKeyFile *f, const char *key, const char *text)
{
    g_autofree char *valid = g_utf8_make_valid(text, -1);
    g_key_file_set_string(f, GROUP, key, valid);
}

char *tr_meta_to_text(const tr_meta *m)
{
    g_autoptr(GKeyFile) f = g_key_file_new();
    for (unsigned i = 0; i < G_N_ELEMENTS(texts); i++)
        if (TEXT(m, i))
            set_text(f, texts[i].key, TEXT(m, i));
    for (unsigned i = 0; i < G_N_ELEMENTS(numbers); i++)
        g_key_file_set_uint64(f, GROUP, numbers[i].key, NUMBER(m, i));
    g_key_file_set_boolean(f, GROUP, "regions", m->regions);
    if (m->argv) {
        g_autoptr(GPtrArray) valid = g_ptr_array_new_with_free_func(g_free);
        for (char **a = m->argv; *a; a++)
            g_ptr_array_add(valid, g_utf8_make_valid(*a, -1));
        g_key_file_set_string_list(f, GROUP, "argv", (const char *const *)valid->pdata, valid->len);
    }
    return g_key_file_to_data(f, NULL, NULL);
}

bool tr_meta_from_text(tr_meta *m, const char *text, size_t size, GError **error)
{
    g_autoptr(GKeyFile) f = g_key_file_new();
    g_autoptr(GError) local = NULL;
    *m = (tr_meta){ 0 };
    if (!g_utf8_validate(text, (gssize)size, NULL) || !g_key_file_load_from_data(f, text, size, G_KEY_FILE_NONE, &local)
        || !g_key_file_has_group(f, GROUP)) {
        g_set_error(error, SIM_ERROR, SIM_ERROR_INPUT, "its facts are malformed: %s", local ? local->message : "no group [" GROUP "]");
        return false;
    }
    for (unsigned i = 0; i < G_N_ELEMENTS(texts); i++)
        TEXT(m, i) = g_key_file_get_string(f, GROUP, texts[i].key, NULL);
    for (unsigned i = 0; i < G_N_ELEMENTS(numbers); i++)
        NUMBER(m, i) = g_key_file_get_uint64(f, GROUP, numbers[i].key, NULL);
    m->regions = g_key_file_get_boolean(f, GROUP, "regions", NULL);
    m->argv = g_key_file_get_string_list(f, GROUP, "argv", NULL, NULL);
    if (m->argv && !m->argv[0]) /* an empty list says nothing */
        g_clear_pointer(&m->argv, g_strfreev);
    return true;
}
