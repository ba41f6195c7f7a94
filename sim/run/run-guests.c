/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "run-guests.h"

#include <string.h>

static const char *folders[4];

static void find_folders(void)
{
    unsigned n = 0;
    const char *env = g_getenv("QUANTA_GUESTS");
    if (env && *env)
        folders[n++] = env;
    if (g_file_test(QUANTA_BUILT_GUESTS, G_FILE_TEST_IS_DIR))
        folders[n++] = QUANTA_BUILT_GUESTS;
    folders[n++] = QUANTA_INSTALLED_GUESTS;
    folders[n] = NULL;
}

const char *const *run_guest_folders(void)
{
    static gsize once;
    if (g_once_init_enter(&once)) {
        find_folders();
        g_once_init_leave(&once, 1);
    }
    return folders;
}

static bool is_program(const char *path)
{
    return g_file_test(path, G_FILE_TEST_IS_REGULAR) && g_file_test(path, G_FILE_TEST_IS_EXECUTABLE);
}

static int compare_names(gconstpointer a, gconstpointer b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

char **run_guest_names(void)
{
    g_autoptr(GHashTable) seen = g_hash_table_new(g_str_hash, g_str_equal);
    GPtrArray *names = g_ptr_array_new();
    for (const char *const *f = run_guest_folders(); *f; f++) {
        g_autoptr(GDir) dir = g_dir_open(*f, 0, NULL);
        const char *entry;
        while (dir && (entry = g_dir_read_name(dir))) {
            g_autofree char *path = g_build_filename(*f, entry, NULL);
            if (!is_program(path) || g_hash_table_contains(seen, entry))
                continue;
            char *name = g_strdup(entry);
            g_hash_table_add(seen, name);
            g_ptr_array_add(names, name);
        }
    }
    g_ptr_array_sort(names, compare_names);
    g_ptr_array_add(names, NULL);
    return (char **)g_ptr_array_free(names, FALSE);
}

char *run_guest_find(const char *name)
{
    for (const char *const *f = run_guest_folders(); *f; f++) {
        g_autofree char *path = g_build_filename(*f, name, NULL);
        if (is_program(path))
            return g_steal_pointer(&path);
    }
    return NULL;
}
