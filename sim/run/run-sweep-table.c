/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The outcome of a sweep, from the store. */
#include "run-sweep.h"

#include "run-stats.h"

#include <sqlite3.h>

static const char *const figures[] = {"stp", "antt"};
enum { N_FIGURES = G_N_ELEMENTS(figures) };

/* Values over the seeds of a policy at a point; a seed whose run is not there, or does not tell, is left out of both sides. */
typedef struct {
    double *values[N_FIGURES];
    bool *known[N_FIGURES]; /* [seeds] */
} sample;

static void sample_init(sample *s, unsigned n)
{
    for (unsigned f = 0; f < N_FIGURES; f++) {
        s->values[f] = g_new0(double, n);
        s->known[f] = g_new0(bool, n);
    }
}

static void sample_clear(sample *s)
{
    for (unsigned f = 0; f < N_FIGURES; f++) {
        g_free(s->values[f]);
        g_free(s->known[f]);
    }
}

static bool read_value(run_store *store, const char *key, const char *figure, double *value, bool *known, GError **error)
{
    sqlite3_stmt *q = run_store_statement(store, "SELECT value FROM figures WHERE kind = (SELECT id FROM kinds WHERE name = ?1) AND vm = -1"
                                          " AND run = (SELECT id FROM runs WHERE key = ?2)", error);
    if (!q)
        return false;
    sqlite3_bind_text(q, 1, figure, -1, SQLITE_TRANSIENT);
    sqlite3_bind_text(q, 2, key, -1, SQLITE_TRANSIENT);
    int code = sqlite3_step(q);
    *known = code == SQLITE_ROW;
    *value = *known ? sqlite3_column_double(q, 0) : 0;
    bool good = code == SQLITE_ROW || code == SQLITE_DONE || run_store_fail(store, error);
    sqlite3_reset(q);
    return good;
}

static void put_figure(GString *text, const sample *s, const sample *reference, unsigned f, unsigned n)
{
    g_autofree double *a = g_new(double, n), *b = g_new(double, n);
    unsigned pairs = 0;
    for (unsigned i = 0; i < n; i++)
        if (s->known[f][i] && reference->known[f][i]) {
            a[pairs] = s->values[f][i];
            b[pairs++] = reference->values[f][i];
        }
    if (!pairs) {
        g_string_append_printf(text, "  %8s %8s %-8s %-20s", "-", "", "", "");
        return;
    }
    run_summary mean = run_stats_summary(a, pairs);
    run_paired paired = run_stats_paired(a, b, pairs);
    g_autofree char *spread = mean.has_interval ? g_strdup_printf("+-%.3f", (mean.high - mean.low) / 2) : g_strdup("");
    g_autofree char *ratio = s == reference ? g_strdup("") : g_strdup_printf("(%.2f)", paired.ratio);
    const char *verdict = s == reference ? "" : run_verdict_names[paired.verdict];
    g_string_append_printf(text, "  %8.3f %8s %-8s %-20s", mean.mean, spread, ratio, verdict);
}

static void put_point(GString *text, const run_sweep_point *p, const run_sweep *s)
{
    if (!p->axes[0] && s->points->len == 1)
        return;
    for (char **a = p->axes; a[0]; a += 2)
        g_string_append_printf(text, "%s%s = %s", a == p->axes ? "" : ", ", a[0], a[1]);
    g_string_append_c(text, '\n');
}

static bool add_point(GString *text, const run_sweep *s, const run_sweep_point *p, run_store *store, GError **error)
{
    g_autoptr(run_scenario) scenario = run_sweep_scenario(s, p, error);
    if (!scenario)
        return false;
    g_auto(GStrv) names = NULL;
    g_autoptr(GPtrArray) keys = g_ptr_array_new_with_free_func((GDestroyNotify)g_strfreev);
    for (unsigned i = 0; i < s->n_seeds; i++) {
        char **of_seed = run_sweep_keys(s, scenario, s->seeds[i], names ? NULL : &names, error);
        if (!of_seed)
            return false;
        g_ptr_array_add(keys, of_seed);
    }
    unsigned n = g_strv_length(names);
    g_autofree sample *samples = g_new0(sample, n);
    bool good = true;
    for (unsigned i = 0; i < n; i++) {
        sample_init(&samples[i], s->n_seeds);
        for (unsigned k = 0; k < s->n_seeds; k++)
            for (unsigned f = 0; good && f < N_FIGURES; f++)
                good = read_value(store, ((char **)g_ptr_array_index(keys, k))[i], figures[f], &samples[i].values[f][k], &samples[i].known[f][k], error);
    }
    put_point(text, p, s);
    for (unsigned i = 0; good && i < n; i++) {
        g_string_append_printf(text, "  %-18s", names[i]);
        for (unsigned f = 0; f < N_FIGURES; f++)
            put_figure(text, &samples[i], &samples[0], f, s->n_seeds);
        while (text->len && text->str[text->len - 1] == ' ')
            g_string_truncate(text, text->len - 1);
        g_string_append_c(text, '\n');
    }
    for (unsigned i = 0; i < n; i++)
        sample_clear(&samples[i]);
    return good;
}

char *run_sweep_table(const run_sweep *s, run_store *store, bool colour, GError **error)
{
    GString *text = g_string_new(NULL);
    g_string_append_printf(text, "%s%-20s  %8s %8s %-8s %-20s  %8s %8s %-8s %s%s\n", colour ? "\033[1m" : "", "policy", "STP", "95%", "ratio", "", "ANTT",
                           "95%",
                           "ratio", "", colour ? "\033[0m" : "");
    for (guint i = 0; i < s->points->len; i++)
        if (!add_point(text, s, g_ptr_array_index(s->points, i), store, error)) {
            g_string_free(text, TRUE);
            return NULL;
        }
    return g_string_free(text, FALSE);
}
