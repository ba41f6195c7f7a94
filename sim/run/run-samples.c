/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "run-samples.h"

#include "run-blank.h"
#include "sim-error.h"

#include <math.h>
#include <string.h>

#define DEFAULTS "stp,antt,jain,min_max_fairness,ipc,llc_mpki,steal,wake_p99,switches"

static void free_figure(gpointer data)
{
    g_free(((run_sample_figure *)data)->name);
    g_free(((run_sample_figure *)data)->policies);
    g_free(data);
}

void run_samples_free(run_samples *s)
{
    if (!s)
        return;
    for (guint i = 0; i < s->figures->len; i++)
        for (unsigned p = 0; p < s->n_policies; p++)
            g_array_unref(((run_sample_figure *)g_ptr_array_index(s->figures, i))->policies[p].values);
    g_ptr_array_unref(s->figures);
    g_ptr_array_unref(s->digests);
    g_array_unref(s->seeds);
    g_free(s->scenario);
    g_free(s->machine);
    g_strfreev(s->policies);
    g_strfreev(s->wanted);
    g_free(s);
}

static bool is_pattern(const char *name)
{
    return strpbrk(name, "*?") != NULL;
}

run_samples *run_samples_new(const run_scenario *scenario, const char *figures, GError **error)
{
    g_autoptr(run_samples) s = g_new0(run_samples, 1);
    g_autoptr(run_result) blank = run_blank_result(scenario);
    s->seeds = g_array_new(FALSE, FALSE, sizeof(uint64_t));
    s->digests = g_ptr_array_new_with_free_func(g_free);
    s->figures = g_ptr_array_new_with_free_func(free_figure);
    s->scenario = g_strdup(scenario->name);
    s->machine = g_strdup(scenario->machine->name);
    s->n_vms = scenario->vms->len;
    s->wanted = g_strsplit(figures ? figures : DEFAULTS, ",", -1);
    for (char **name = s->wanted; *name; name++) {
        double value;
        bool known;
        if (!is_pattern(g_strstrip(*name)) && !run_figure(blank, *name, &value, NULL, &known, error))
            return NULL;
    }
    if (*s->wanted)
        return g_steal_pointer(&s);
    g_set_error(error, SIM_ERROR, SIM_ERROR_USAGE, "the list of figures is empty; for example stp,vm.*.slowdown");
    return NULL;
}

/* ---- adding ---------------------------------------------------------------------------------------------------------------- */

typedef struct {
    run_samples *samples;
    unsigned policy;
} adding;

static bool wants(const run_samples *s, const char *name)
{
    for (char **w = s->wanted; *w; w++)
        if (is_pattern(*w) ? g_pattern_match_simple(*w, name) : strcmp(*w, name) == 0)
            return true;
    return false;
}

static run_sample_figure *figure_of(run_samples *s, const char *name, const run_figure_kind *kind)
{
    for (guint i = 0; i < s->figures->len; i++) {
        run_sample_figure *f = g_ptr_array_index(s->figures, i);
        if (strcmp(f->name, name) == 0)
            return f;
    }
    run_sample_figure *f = g_new0(run_sample_figure, 1);
    f->name = g_strdup(name);
    f->kind = kind;
    f->policies = g_new0(run_sample, s->n_policies);
    for (unsigned p = 0; p < s->n_policies; p++)
        f->policies[p].values = g_array_new(FALSE, FALSE, sizeof(double));
    g_ptr_array_add(s->figures, f);
    return f;
}

static void fill_up(GArray *values, guint n)
{
    const double unknown = NAN;
    while (values->len < n)
        g_array_append_val(values, unknown);
}

static void add_value(void *user, const char *name, const run_figure_kind *kind, double value)
{
    const adding *a = user;
    if (!wants(a->samples, name))
        return;
    GArray *values = figure_of(a->samples, name, kind)->policies[a->policy].values;
    fill_up(values, a->samples->seeds->len - 1);
    g_array_append_val(values, value);
}

static bool run_failed(const run_result *r)
{
    for (guint i = 0; i < r->vms->len; i++)
        if (((const run_vm_result *)g_ptr_array_index(r->vms, i))->faulted)
            return true;
    return r->failure != NULL;
}

void run_samples_add(run_samples *s, const run_comparison *c, uint64_t seed)
{
    if (!s->policies) {
        s->n_policies = c->runs->len;
        s->policies = g_new0(char *, s->n_policies + 1);
        for (unsigned p = 0; p < s->n_policies; p++)
            s->policies[p] = g_strdup(((const run_result *)g_ptr_array_index(c->runs, p))->policy);
    }
    g_assert(c->runs->len == s->n_policies);
    g_array_append_val(s->seeds, seed);
    for (unsigned p = 0; p < s->n_policies; p++) {
        const run_result *r = g_ptr_array_index(c->runs, p);
        adding a = {s, p};
        run_figures_each(r, add_value, &a);
        s->failures += run_failed(r);
        s->seeds_matter |= s->seeds->len > 1 && strcmp(g_ptr_array_index(s->digests, p), r->digest) != 0;
        g_ptr_array_add(s->digests, g_strdup(r->digest));
    }
}

/* ---- working out ------------------------------------------------------------------------------------------------------------ */

/* The values in `a` for which there are values in `b`. */
static unsigned known_pairs(const GArray *a, const GArray *b, double *of_a, double *of_b)
{
    unsigned n = 0;
    for (guint i = 0; i < a->len; i++) {
        double x = g_array_index(a, double, i), y = g_array_index(b, double, i);
        if (isnan(x) || isnan(y))
            continue;
        of_a[n] = x;
        of_b[n++] = y;
    }
    return n;
}

static void work_out(run_samples *s, run_sample_figure *f, GPtrArray *tests)
{
    guint n = s->seeds->len;
    g_autofree double *values = g_new(double, n + 1), *reference = g_new(double, n + 1);
    for (unsigned p = 0; p < s->n_policies; p++)
        fill_up(f->policies[p].values, n);
    for (unsigned p = 0; p < s->n_policies; p++) {
        run_sample *x = &f->policies[p];
        x->summary = run_stats_summary(values, known_pairs(x->values, x->values, values, reference));
        if (p) {
            x->against = run_stats_paired(values, reference, known_pairs(x->values, f->policies[0].values, values, reference));
            g_ptr_array_add(tests, &x->against);
        }
    }
}

static int compare_figures(gconstpointer a, gconstpointer b)
{
    const run_sample_figure *x = *(const run_sample_figure *const *)a, *y = *(const run_sample_figure *const *)b;
    bool x_vm = g_str_has_prefix(x->name, "vm."), y_vm = g_str_has_prefix(y->name, "vm.");
    return x_vm != y_vm ? x_vm - y_vm : x_vm ? 0 : (x->kind > y->kind) - (x->kind < y->kind);
}

bool run_samples_finish(run_samples *s, GError **error)
{
    g_autoptr(GPtrArray) tests = g_ptr_array_new();
    for (char **w = s->wanted; *w; w++) {
        bool fits = !is_pattern(*w);
        for (guint i = 0; !fits && i < s->figures->len; i++)
            fits = g_pattern_match_simple(*w, ((const run_sample_figure *)g_ptr_array_index(s->figures, i))->name);
        if (fits)
            continue;
        g_set_error(error, SIM_ERROR, SIM_ERROR_INPUT, "no figure of these runs fits '%s'; for example vm.*.slowdown", *w);
        return false;
    }
    g_ptr_array_sort(s->figures, compare_figures); /* stable */
    for (guint i = 0; i < s->figures->len; i++)
        work_out(s, g_ptr_array_index(s->figures, i), tests);
    run_stats_holm((run_paired *const *)tests->pdata, tests->len);
    return true;
}
