/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How many figures of a machine file have a source. A comment stands for the keys below it, up to the next one; one that begins with "Estimate" says
 * that they have none. */
#include "cpu-machine.h"

#include <string.h>

enum { MAX_DEPTH = 4 };

static void count_file(const char *path, GHashTable *seen, cpu_machine_figures *f, unsigned depth);

static void count_included(const char *path, const char *list, GHashTable *seen, cpu_machine_figures *f, unsigned depth)
{
    g_autofree char *folder = g_path_get_dirname(path);
    g_auto(GStrv) names = g_strsplit(list, ";", -1);
    for (char **n = names; *n && depth < MAX_DEPTH; n++) {
        g_strstrip(*n);
        g_autofree char *included = g_build_filename(folder, *n, NULL);
        if (**n)
            count_file(included, seen, f, depth + 1);
    }
}

static void count_file(const char *path, GHashTable *seen, cpu_machine_figures *f, unsigned depth)
{
    g_autofree char *text = NULL, *group = g_strdup(""), *included = NULL;
    if (!g_file_get_contents(path, &text, NULL, NULL))
        return;
    bool estimate = false, in_comment = false;
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    for (char **l = lines; *l; l++) {
        char *line = g_strstrip(*l), *equals = strchr(line, '=');
        if (*line == '#') {
            if (!in_comment)
                estimate = g_str_has_prefix(g_strchug(line + 1), "Estimate");
            in_comment = true;
            continue;
        }
        in_comment = false;
        if (*line == '[') {
            g_free(group);
            group = g_strdup(line);
            estimate = false;
        }
        if (*line == '[' || !equals)
            continue;
        if (strcmp(group, "[machine]") == 0) {
            if (g_str_has_prefix(line, "include"))
                included = g_strdup(equals + 1);
            continue;
        }
        *equals = '\0';
        g_autofree char *name = g_strconcat(group, g_strchomp(line), NULL);
        if (g_hash_table_add(seen, g_steal_pointer(&name))) {
            f->all++;
            f->estimates += estimate;
        }
    }
    if (included)
        count_included(path, included, seen, f, depth);
}

cpu_machine_figures cpu_machine_count_figures(const char *path)
{
    cpu_machine_figures f = {0, 0};
    g_autoptr(GHashTable) seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    count_file(path, seen, &f, 0);
    return f;
}
