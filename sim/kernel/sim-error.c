/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "sim-error.h"

#include <limits.h>
#include <string.h>

G_DEFINE_QUARK(quanta-error, sim_error)

enum { MAX_WORD = 64 };

/* Optimal string alignment distance, case-insensitive; words longer than MAX_WORD are far from everything. */
static unsigned distance(const char *a, const char *b)
{
    size_t n = strlen(a), m = strlen(b);
    if (n > MAX_WORD || m > MAX_WORD)
        return UINT_MAX;
    unsigned rows[3][MAX_WORD + 1];
    for (size_t j = 0; j <= m; j++)
        rows[0][j] = (unsigned)j;
    for (size_t i = 1; i <= n; i++) {
        unsigned *row = rows[i % 3], *above = rows[(i - 1) % 3], *second = rows[(i + 1) % 3];
        row[0] = (unsigned)i;
        for (size_t j = 1; j <= m; j++) {
            char x = g_ascii_tolower(a[i - 1]), y = g_ascii_tolower(b[j - 1]);
            row[j] = MIN(MIN(above[j], row[j - 1]) + 1, above[j - 1] + (x != y));
            if (i > 1 && j > 1 && x == g_ascii_tolower(b[j - 2]) && g_ascii_tolower(a[i - 2]) == y)
                row[j] = MIN(row[j], second[j - 2] + 1);
        }
    }
    return rows[n % 3][m];
}

const char *sim_nearest(const char *word, const char *const *candidates)
{
    const char *best = NULL;
    unsigned least = (unsigned)strlen(word) / 3 + 2;
    for (; candidates && *candidates; candidates++) {
        unsigned d = distance(word, *candidates);
        if (d < least) {
            least = d;
            best = *candidates;
        }
    }
    return best;
}

char *sim_suggest(const char *word, const char *const *candidates)
{
    const char *near = sim_nearest(word, candidates);
    if (near)
        return g_strdup_printf("; did you mean '%s'?", near);
    if (!candidates || !*candidates)
        return g_strdup("");
    g_autofree char *all = g_strjoinv(", ", (char **)(gpointer)candidates);
    return g_strconcat("; valid: ", all, NULL);
}
