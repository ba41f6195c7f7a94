/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "run-seeds.h"

#include "run-scenario.h"
#include "sim-error.h"

#include <stdlib.h>
#include <string.h>

static int compare(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

/* Whether one of them stands twice. */
static bool repeated(const GArray *seeds, uint64_t *which)
{
    g_autofree uint64_t *sorted = g_memdup2(seeds->data, seeds->len * sizeof(uint64_t));
    qsort(sorted, seeds->len, sizeof *sorted, compare);
    for (guint i = 1; i < seeds->len; i++)
        if (sorted[i] == sorted[i - 1]) {
            *which = sorted[i];
            return true;
        }
    return false;
}

static bool fail(GError **error, const char *format, ...) G_GNUC_PRINTF(2, 3);
static bool fail(GError **error, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    g_autofree char *text = g_strdup_vprintf(format, args);
    va_end(args);
    g_set_error(error, SIM_ERROR, SIM_ERROR_INPUT, "%s", text);
    return false;
}

static bool add_range(GArray *seeds, const char *part, GError **error)
{
    g_auto(GStrv) ends = g_strsplit(part, "-", 2);
    guint64 first = 0, last = 0;
    if (!ends[0] || !g_ascii_string_to_unsigned(g_strstrip(ends[0]), 10, 0, RUN_MAX_SEED, &first, NULL) ||
        (ends[1] && !g_ascii_string_to_unsigned(g_strstrip(ends[1]), 10, 0, RUN_MAX_SEED, &last, NULL)))
        return fail(error, "'%s' is no list of seeds; for example 1-10 or 1,5,8-12", part);
    last = ends[1] ? last : first;
    if (last < first)
        return fail(error, "'%s' is a range that ends before it begins", part);
    if (last - first >= RUN_SEEDS_MAX || seeds->len + (last - first) >= RUN_SEEDS_MAX)
        return fail(error, "more than %d seeds", RUN_SEEDS_MAX);
    for (guint64 i = first; i <= last; i++)
        g_array_append_val(seeds, i);
    return true;
}

uint64_t *run_seeds_parse(const char *text, unsigned *n, GError **error)
{
    g_autoptr(GArray) seeds = g_array_new(FALSE, FALSE, sizeof(uint64_t));
    g_auto(GStrv) parts = g_strsplit(text, ",", -1);
    uint64_t twice;
    if (!*parts) {
        fail(error, "a list of seeds is empty; for example 1-10");
        return NULL;
    }
    for (char **p = parts; *p; p++)
        if (!add_range(seeds, *p, error))
            return NULL;
    if (repeated(seeds, &twice)) {
        fail(error, "seed %" G_GUINT64_FORMAT " is named twice", twice);
        return NULL;
    }
    *n = seeds->len;
    return (uint64_t *)(void *)g_array_free(g_steal_pointer(&seeds), FALSE);
}
