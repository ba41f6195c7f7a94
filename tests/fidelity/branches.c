/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Predictors on recorded branches: branches FOLDER prints "name mispredictions" lines. gcc-2m.txt.zst: a branch per line, hexadecimal address and t or n;
 * SHORT_MOBILE-3.bt9.trace.gz: the BT9 form of the championship of 2016, of which a sequence of edges between branches is read. */
#include "cpu-predict.h"
#include "cpu-tage.h"

#include <archive.h>
#include <stdio.h>
#include <stdlib.h>

typedef struct {
    uint64_t pc, target;
    bool conditional, taken;
} branch;

/* All of a compressed file; NULL when it is not there. */
static GString *contents(const char *folder, const char *name)
{
    g_autofree char *path = g_build_filename(folder, name, NULL);
    struct archive *a = archive_read_new();
    struct archive_entry *entry;
    GString *text = NULL;
    archive_read_support_filter_all(a);
    archive_read_support_format_raw(a);
    if (archive_read_open_filename(a, path, 1 << 16) == ARCHIVE_OK && archive_read_next_header(a, &entry) == ARCHIVE_OK) {
        text = g_string_sized_new(1 << 20);
        static char part[1 << 16];
        ssize_t n;
        while ((n = archive_read_data(a, part, sizeof part)) > 0)
            g_string_append_len(text, part, n);
    }
    archive_read_free(a);
    return text;
}

static GArray *read_plain(const char *text)
{
    GArray *out = g_array_new(FALSE, FALSE, sizeof(branch));
    char *end;
    for (const char *p = text; *p; p = end) {
        branch b = {.pc = strtoull(p, &end, 16), .conditional = true};
        b.taken = *end && end[1] == 't';
        end = strchr(p, '\n');
        end = end ? end + 1 : (char *)p + strlen(p);
        g_array_append_val(out, b);
    }
    return out;
}

/* Of "NODE id address ... class: X" and "EDGE id source destination taken target ...": what a traversal of each edge means. The branch is the edge's source. */
static GArray *read_bt9(char *text)
{
    GArray *out = g_array_new(FALSE, FALSE, sizeof(branch));
    g_autoptr(GArray) nodes = g_array_new(FALSE, TRUE, sizeof(branch)), edges = g_array_new(FALSE, TRUE, sizeof(branch));
    const char *p = text;
    for (char *eol; (eol = strchr(p, '\n')); p = eol + 1) {
        if (g_str_has_prefix(p, "BT9_EDGE_SEQUENCE"))
            break;
        *eol = '\0'; /* sscanf measures the whole of what it is given */
        unsigned long long id, a, b, target;
        char taken;
        if (sscanf(p, "NODE %llu %llx", &id, &a) == 2) {
            g_array_set_size(nodes, MAX(nodes->len, id + 1));
            g_array_index(nodes, branch, id) = (branch){.pc = a, .conditional = strstr(p, "+CND") != NULL};
        } else if (sscanf(p, "EDGE %llu %llu %llu %c %llx", &id, &a, &b, &taken, &target) == 5 && a < nodes->len) {
            g_array_set_size(edges, MAX(edges->len, id + 1));
            branch *e = &g_array_index(edges, branch, id);
            *e = g_array_index(nodes, branch, a);
            e->taken = taken == 'T';
            e->target = target;
        }
    }
    p = *p && strchr(p, '\n') ? strchr(p, '\n') + 1 : "";
    while (g_ascii_isdigit(*p)) {
        char *end;
        uint64_t id = strtoull(p, &end, 10);
        if (id < edges->len && g_array_index(edges, branch, id).pc)
            g_array_append_val(out, g_array_index(edges, branch, id));
        p = strchr(end, '\n');
        p = p ? p + 1 : end;
    }
    return out;
}

static uint64_t gshare(const GArray *branches, unsigned bits, unsigned history_bits, unsigned shift)
{
    cpu_gshare g;
    uint32_t history = 0;
    uint64_t wrong = 0;
    cpu_gshare_init(&g, bits, history_bits);
    for (guint i = 0; i < branches->len; i++) {
        const branch *b = &g_array_index(branches, branch, i);
        if (b->conditional)
            wrong += !cpu_gshare_predict(&g, &history, b->pc >> shift, b->taken);
    }
    cpu_gshare_clear(&g);
    return wrong;
}

static uint64_t tage(const GArray *branches, unsigned kib, unsigned shift)
{
    cpu_tage *t = cpu_tage_new(kib);
    cpu_tage_history *h = g_new0(cpu_tage_history, 1);
    uint64_t wrong = 0;
    for (guint i = 0; i < branches->len; i++) {
        const branch *b = &g_array_index(branches, branch, i);
        if (b->conditional)
            wrong += !cpu_tage_predict(t, h, b->pc >> shift, b->taken);
        else
            cpu_tage_note(t, h, b->pc, b->target);
    }
    cpu_tage_free(t);
    g_free(h);
    return wrong;
}

int main(int argc, char **argv)
{
    const char *folder = argc > 1 ? argv[1] : ".";
    GString *text = contents(folder, "gcc-2m.txt.zst");
    if (text) {
        g_autoptr(GArray) b = read_plain(text->str);
        g_string_free(text, TRUE);
        printf("gcc.bimodal-6 %" G_GUINT64_FORMAT "\n", gshare(b, 6, 0, 2));
        printf("gcc.bimodal-12 %" G_GUINT64_FORMAT "\n", gshare(b, 12, 0, 2));
        printf("gcc.gshare-9-3 %" G_GUINT64_FORMAT "\n", gshare(b, 9, 3, 2));
        printf("gcc.gshare-14-8 %" G_GUINT64_FORMAT "\n", gshare(b, 14, 8, 2));
        printf("gcc.tage-8 %" G_GUINT64_FORMAT "\n", tage(b, 8, 0));
    }
    text = contents(folder, "SHORT_MOBILE-3.bt9.trace.gz");
    if (text) {
        g_autoptr(GArray) b = read_bt9(text->str);
        g_string_free(text, TRUE);
        uint64_t conditional = 0;
        for (guint i = 0; i < b->len; i++)
            conditional += g_array_index(b, branch, i).conditional;
        printf("mobile.conditional %" G_GUINT64_FORMAT "\n", conditional);
        printf("mobile.gshare-32 %" G_GUINT64_FORMAT "\n", gshare(b, 17, 17, 0));
        printf("mobile.tage-8 %" G_GUINT64_FORMAT "\n", tage(b, 8, 0));
        printf("mobile.tage-64 %" G_GUINT64_FORMAT "\n", tage(b, 64, 0));
    }
    return 0;
}
