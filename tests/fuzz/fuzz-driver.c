/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Runs a target on a corpus and on mutations of it: fuzz-X [-n MUTATIONS] PATH... Deterministic. */
#include "fuzz.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MUTATIONS = 300, LARGEST = 1 << 20 };

static uint64_t state = 1;

static uint64_t next_random(uint64_t below)
{
    state = state * UINT64_C(6364136223846793005) + 1442695040888963407u;
    return (state >> 33) % below;
}

static void mutate(GByteArray *a)
{
    static const uint8_t nice[] = { 0, 1, 7, 0x7f, 0x80, 0xff, 0x40, ' ' };
    for (uint64_t n = 1 + next_random(6); n && a->len; n--) {
        guint at = (guint)next_random(a->len), span = (guint)next_random(MIN(a->len - at, 64)) + 1;
        switch (next_random(6)) {
        case 0: a->data[at] ^= (uint8_t)(1u << next_random(8)); break;
        case 1: a->data[at] = nice[next_random(sizeof nice)]; break;
        case 2: a->data[at] = (uint8_t)next_random(256); break;
        case 3: g_byte_array_remove_range(a, at, MIN(span, a->len - at)); break;
        case 4: g_byte_array_set_size(a, at); break;
        default: {
            g_autofree uint8_t *copy = g_memdup2(a->data + at, MIN(span, a->len - at));
            guint have = MIN(span, a->len - at), to = (guint)next_random(a->len);
            memcpy(a->data + to, copy, MIN(have, a->len - to));
        }
        }
    }
}

static unsigned run_file(const char *path, unsigned mutations)
{
    g_autofree char *data = NULL;
    gsize size;
    if (!g_file_get_contents(path, &data, &size, NULL) || size > LARGEST)
        return 0;
    state = 1;
    LLVMFuzzerTestOneInput((const uint8_t *)data, size);
    for (unsigned i = 0; i < mutations; i++) {
        g_autoptr(GByteArray) a = g_byte_array_new();
        g_byte_array_append(a, (const guint8 *)data, (guint)size);
        mutate(a);
        LLVMFuzzerTestOneInput(a->data ? a->data : (const uint8_t *)"", a->len);
    }
    return 1;
}

static int compare(gconstpointer a, gconstpointer b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static unsigned run_path(const char *path, unsigned mutations)
{
    g_autoptr(GDir) dir = g_dir_open(path, 0, NULL);
    if (!dir)
        return run_file(path, mutations);
    g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
    const char *entry;
    unsigned n = 0;
    while ((entry = g_dir_read_name(dir)))
        g_ptr_array_add(names, g_build_filename(path, entry, NULL));
    g_ptr_array_sort(names, compare);
    for (guint i = 0; i < names->len; i++)
        n += run_file(g_ptr_array_index(names, i), mutations);
    return n;
}

int main(int argc, char **argv)
{
    unsigned mutations = MUTATIONS, n = 0;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "-n") == 0 && i + 1 < argc)
            mutations = (unsigned)atoi(argv[++i]);
        else
            n += run_path(argv[i], mutations);
    }
    printf("%u inputs with %u mutations each\n", n, mutations);
    return n ? 0 : 1;
}
