/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "run-report-sweep.h"

#include "run-figures.h"
#include "run-stats.h"

#include <math.h>
#include <string.h>

#define REFERENCE "round-robin"

const char *const run_report_sweep_figures[RUN_REPORT_FIGURES] = {
    "stp", "antt", "jain", "min_max_fairness", "ipc", "llc_mpki", "l1d_mpki", "branch_mpki", "steal", "wake_p50", "wake_p99", "switches", "quanta_changed",
    "instructions", "entitled_jain", "harmonic_speedup",
};

/* In the order of sim_cpi_names; the second is the whole pipeline, of which the base is a part. */
const char *const run_report_sweep_stack[RUN_REPORT_STACK] = {
    "cpi_stack.base", "cpi_stack.pipeline", "cpi_stack.frontend", "cpi_stack.branch", "cpi_stack.l2", "cpi_stack.llc", "cpi_stack.memory", "cpi_stack.tlb",
    "cpi_stack.smt", "cpi_stack.system",
};
G_STATIC_ASSERT((int)RUN_REPORT_STACK == (int)SIM_CPI_COUNT);

typedef struct {
    char *name;
    GPtrArray *values; /* char *, in the order in which they were first seen */
    GHashTable *known; /* of value: its number + 1 */
} axis;

typedef struct {
    uint64_t seed;
    double figures[RUN_REPORT_FIGURES]; /* NAN: not known */
    double stack[RUN_REPORT_STACK];     /* cycles */
    double instructions;
} told_run;

/* A combination. */
typedef struct {
    guint at[RUN_REPORT_AXES]; /* number of the value + 1; 0: none */
    GArray *runs;              /* told_run, by seed once all are there */
} place;

struct run_report_sweep {
    GPtrArray *axes;
    GHashTable *known;   /* of a place's numbers: place */
    GPtrArray *places;   /* in the order in which they were first seen */
    told_run run;
    guint at[RUN_REPORT_AXES];
    bool open;           /* a run is being told */
    bool of_reference[RUN_REPORT_AXES];
    guint n_runs, n_left_out;
};

static void axis_free(gpointer data)
{
    axis *a = data;
    g_hash_table_unref(a->known);
    g_ptr_array_unref(a->values);
    g_free(a->name);
    g_free(a);
}

static void place_free(gpointer data)
{
    place *p = data;
    g_array_unref(p->runs);
    g_free(p);
}

run_report_sweep *run_report_sweep_new(void)
{
    run_report_sweep *s = g_new0(run_report_sweep, 1);
    s->axes = g_ptr_array_new_with_free_func(axis_free);
    s->known = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    s->places = g_ptr_array_new_with_free_func(place_free);
    return s;
}

void run_report_sweep_free(run_report_sweep *s)
{
    if (!s)
        return;
    g_ptr_array_unref(s->axes);
    g_hash_table_unref(s->known);
    g_ptr_array_unref(s->places);
    g_free(s);
}

/* ---- telling ------------------------------------------------------------------------------------------------------ */

static place *place_of(run_report_sweep *s, const guint at[RUN_REPORT_AXES], bool make)
{
    g_autoptr(GString) key = g_string_new(NULL);
    for (unsigned i = 0; i < RUN_REPORT_AXES; i++)
        g_string_append_printf(key, "%u,", at[i]);
    place *p = g_hash_table_lookup(s->known, key->str);
    if (p || !make || s->places->len == RUN_REPORT_PLACES)
        return p;
    p = g_new0(place, 1);
    memcpy(p->at, at, sizeof p->at);
    p->runs = g_array_new(FALSE, FALSE, sizeof(told_run));
    g_ptr_array_add(s->places, p);
    g_hash_table_insert(s->known, g_strdup(key->str), p);
    return p;
}

static void finish_run(run_report_sweep *s)
{
    place *p = s->open ? place_of(s, s->at, true) : NULL;
    if (p)
        g_array_append_val(p->runs, s->run);
    else
        s->n_left_out += s->open;
    s->open = false;
}

void run_report_sweep_run(run_report_sweep *s, uint64_t seed)
{
    finish_run(s);
    memset(s->at, 0, sizeof s->at);
    s->run.seed = seed;
    for (unsigned i = 0; i < RUN_REPORT_FIGURES; i++)
        s->run.figures[i] = NAN;
    memset(s->run.stack, 0, sizeof s->run.stack);
    s->run.instructions = 0;
    s->open = true;
    s->n_runs++;
}

static guint axis_of(run_report_sweep *s, const char *name)
{
    for (guint i = 0; i < s->axes->len; i++)
        if (strcmp(((axis *)g_ptr_array_index(s->axes, i))->name, name) == 0)
            return i;
    if (s->axes->len == RUN_REPORT_AXES)
        return RUN_REPORT_AXES;
    axis *a = g_new0(axis, 1);
    a->name = g_strdup(name);
    a->values = g_ptr_array_new_with_free_func(g_free);
    a->known = g_hash_table_new(g_str_hash, g_str_equal);
    g_ptr_array_add(s->axes, a);
    return s->axes->len - 1;
}

void run_report_sweep_place(run_report_sweep *s, const char *name, const char *value)
{
    guint number = axis_of(s, name);
    if (number == RUN_REPORT_AXES)
        return;
    axis *a = g_ptr_array_index(s->axes, number);
    guint at = GPOINTER_TO_UINT(g_hash_table_lookup(a->known, value));
    if (!at) {
        char *copy = g_strdup(value);
        g_ptr_array_add(a->values, copy);
        at = a->values->len;
        g_hash_table_insert(a->known, copy, GUINT_TO_POINTER(at));
    }
    s->at[number] = at;
}

void run_report_sweep_figure(run_report_sweep *s, const char *name, double value)
{
    for (unsigned i = 0; i < RUN_REPORT_FIGURES; i++)
        if (strcmp(run_report_sweep_figures[i], name) == 0)
            s->run.figures[i] = value;
    for (unsigned i = 0; i < RUN_REPORT_STACK; i++)
        if (strcmp(run_report_sweep_stack[i], name) == 0)
            s->run.stack[i] = value;
    if (strcmp(name, "instructions") == 0)
        s->run.instructions = value;
}

/* ---- statistics --------------------------------------------------------------------------------------------------- */

static int by_seed(gconstpointer a, gconstpointer b)
{
    uint64_t x = ((const told_run *)a)->seed, y = ((const told_run *)b)->seed;
    return x < y ? -1 : x > y;
}

/* Runs by seed, each seed once. */
static void sort_runs(place *p)
{
    g_array_sort(p->runs, by_seed);
    guint n = 0;
    for (guint i = 0; i < p->runs->len; i++) {
        told_run run = g_array_index(p->runs, told_run, i);
        if (!n || g_array_index(p->runs, told_run, n - 1).seed != run.seed)
            g_array_index(p->runs, told_run, n++) = run;
    }
    g_array_set_size(p->runs, n);
}

static run_summary summary_of(const place *p, unsigned figure)
{
    g_autofree double *values = g_new(double, p->runs->len + 1);
    unsigned n = 0;
    for (guint i = 0; i < p->runs->len; i++)
        if (!isnan(g_array_index(p->runs, told_run, i).figures[figure]))
            values[n++] = g_array_index(p->runs, told_run, i).figures[figure];
    return run_stats_summary(values, n);
}

/* Over the seeds that both have. */
static run_paired against(const place *p, const place *reference, unsigned figure)
{
    guint most = MIN(p->runs->len, reference->runs->len);
    g_autofree double *values = g_new(double, most + 1), *base = g_new(double, most + 1);
    unsigned n = 0;
    for (guint i = 0, k = 0; i < p->runs->len && k < reference->runs->len;) {
        const told_run *a = &g_array_index(p->runs, told_run, i), *b = &g_array_index(reference->runs, told_run, k);
        if (a->seed == b->seed && !isnan(a->figures[figure]) && !isnan(b->figures[figure])) {
            values[n] = a->figures[figure];
            base[n++] = b->figures[figure];
        }
        i += a->seed <= b->seed;
        k += b->seed <= a->seed;
    }
    return run_stats_paired(values, base, n);
}

/* Where round-robin is on the axis of policies; 0: nowhere. */
static guint reference_value(run_report_sweep *s, guint *policy)
{
    *policy = axis_of(s, "policy");
    return *policy == RUN_REPORT_AXES ? 0 : GPOINTER_TO_UINT(g_hash_table_lookup(((axis *)g_ptr_array_index(s->axes, *policy))->known, REFERENCE));
}

/* Axes on which round-robin has a place at all: a parameter of another policy says nothing of it. */
static void note_reference_axes(run_report_sweep *s)
{
    guint policy, value = reference_value(s, &policy);
    memset(s->of_reference, 0, sizeof s->of_reference);
    for (guint i = 0; value && i < s->places->len; i++) {
        const place *p = g_ptr_array_index(s->places, i);
        for (guint k = 0; p->at[policy] == value && k < RUN_REPORT_AXES; k++)
            s->of_reference[k] |= p->at[k] != 0;
    }
}

static const place *reference_of(run_report_sweep *s, const place *p)
{
    guint at[RUN_REPORT_AXES], policy, value = reference_value(s, &policy);
    if (!value || p->at[policy] == value)
        return NULL;
    for (guint k = 0; k < RUN_REPORT_AXES; k++)
        at[k] = k == policy ? value : s->of_reference[k] ? p->at[k] : 0;
    return place_of(s, at, false);
}

/* ---- the data ----------------------------------------------------------------------------------------------------- */

static void add_decimal(JsonArray *row, double value)
{
    /* Six digits are more than a chart shows, and less than a page of ten thousand runs has no room for. */
    char text[G_ASCII_DTOSTR_BUF_SIZE];
    json_array_add_double_element(row, g_ascii_strtod(g_ascii_formatd(text, sizeof text, "%.5g", isfinite(value) ? value : 0), NULL));
}

static JsonArray *axes_data(const run_report_sweep *s)
{
    JsonArray *list = json_array_new();
    for (guint i = 0; i < s->axes->len; i++) {
        const axis *a = g_ptr_array_index(s->axes, i);
        JsonObject *o = json_object_new();
        JsonArray *values = json_array_new();
        for (guint k = 0; k < a->values->len; k++)
            json_array_add_string_element(values, g_ptr_array_index(a->values, k));
        json_object_set_string_member(o, "name", a->name);
        json_object_set_array_member(o, "values", values);
        json_array_add_object_element(list, o);
    }
    return list;
}

static JsonArray *figures_data(unsigned n)
{
    static const char *const units[] = {[RUN_UNIT_RATIO] = "ratio", [RUN_UNIT_COUNT] = "count", [RUN_UNIT_PS] = "ps"};
    JsonArray *list = json_array_new();
    for (unsigned i = 0; i < n; i++) {
        const run_figure_kind *kind = NULL;
        for (unsigned k = 0; k < run_figure_count() && !kind; k++)
            if (strcmp(run_figure_kinds[k].name, run_report_sweep_figures[i]) == 0)
                kind = &run_figure_kinds[k];
        JsonObject *o = json_object_new();
        json_object_set_string_member(o, "name", run_report_sweep_figures[i]);
        json_object_set_string_member(o, "unit", kind ? units[kind->unit] : "ratio");
        json_object_set_int_member(o, "better", kind && kind->better == RUN_BETTER_HIGHER ? 1 : kind && kind->better == RUN_BETTER_LOWER ? -1 : 0);
        json_object_set_string_member(o, "help", kind ? kind->help : "");
        json_array_add_object_element(list, o);
    }
    return list;
}

/* [n, mean, low, high], and where there is a reference: ratio, p, verdict. NULL element: not known. */
static void add_figure(JsonArray *list, const place *p, unsigned figure, const run_paired *test)
{
    run_summary x = summary_of(p, figure);
    if (!x.n) {
        json_array_add_null_element(list);
        return;
    }
    JsonArray *row = json_array_new();
    json_array_add_int_element(row, x.n);
    add_decimal(row, x.mean);
    add_decimal(row, x.has_interval ? x.low : x.mean);
    add_decimal(row, x.has_interval ? x.high : x.mean);
    if (test && test->n) {
        add_decimal(row, test->ratio);
        add_decimal(row, test->p_adjusted);
        json_array_add_int_element(row, test->verdict);
    }
    json_array_add_array_element(list, row);
}

/* Cycles per instruction by what they went into, of all runs of a combination together. NULL: not told. */
static JsonArray *stack_data(const place *p)
{
    double cycles[RUN_REPORT_STACK] = {0}, instructions = 0, all = 0;
    for (guint i = 0; i < p->runs->len; i++) {
        const told_run *run = &g_array_index(p->runs, told_run, i);
        instructions += run->instructions;
        for (unsigned k = 0; k < RUN_REPORT_STACK; k++)
            cycles[k] += run->stack[k];
    }
    cycles[1] = MAX(cycles[1] - cycles[0], 0);
    for (unsigned k = 0; k < RUN_REPORT_STACK; k++)
        all += cycles[k];
    if (!(instructions > 0) || !(all > 0))
        return NULL;
    JsonArray *list = json_array_new();
    for (unsigned k = 0; k < RUN_REPORT_STACK; k++)
        add_decimal(list, cycles[k] / instructions);
    return list;
}

/* All tests of one figure are a family: they are shown together. */
static run_paired *tests_of(run_report_sweep *s, unsigned figure)
{
    guint n = s->places->len;
    run_paired *tests = g_new0(run_paired, n + 1);
    g_autofree run_paired **family = g_new0(run_paired *, n + 1);
    unsigned members = 0;
    for (guint i = 0; i < n; i++) {
        const place *p = g_ptr_array_index(s->places, i), *reference = reference_of(s, p);
        if (!reference)
            continue;
        tests[i] = against(p, reference, figure);
        family[members++] = &tests[i];
    }
    run_stats_holm(family, members);
    return tests;
}

JsonObject *run_report_sweep_data(run_report_sweep *s)
{
    finish_run(s);
    for (guint i = 0; i < s->places->len; i++)
        sort_runs(g_ptr_array_index(s->places, i));
    note_reference_axes(s);
    unsigned n_figures = CLAMP((guint)RUN_REPORT_ROWS / MAX(s->places->len, 1), 1, (guint)RUN_REPORT_FIGURES);
    run_paired *tests[RUN_REPORT_FIGURES];
    for (unsigned f = 0; f < n_figures; f++)
        tests[f] = tests_of(s, f);
    JsonObject *o = json_object_new();
    JsonArray *places = json_array_new(), *verdicts = json_array_new();
    for (guint i = 0; i < s->places->len; i++) {
        const place *p = g_ptr_array_index(s->places, i);
        JsonObject *one = json_object_new();
        JsonArray *at = json_array_new(), *values = json_array_new();
        for (guint k = 0; k < s->axes->len; k++)
            json_array_add_int_element(at, (gint64)p->at[k] - 1);
        for (unsigned f = 0; f < n_figures; f++)
            add_figure(values, p, f, &tests[f][i]);
        json_object_set_array_member(one, "at", at);
        json_object_set_array_member(one, "figures", values);
        JsonArray *stack = n_figures == RUN_REPORT_FIGURES ? stack_data(p) : NULL;
        if (stack)
            json_object_set_array_member(one, "cpi", stack);
        json_array_add_object_element(places, one);
    }
    for (unsigned f = 0; f < n_figures; f++)
        g_free(tests[f]);
    for (unsigned i = 0; i <= RUN_VERDICT_HIGHER; i++)
        json_array_add_string_element(verdicts, run_verdict_names[i]);
    json_object_set_string_member(o, "kind", "store");
    json_object_set_string_member(o, "digest", "");
    json_object_set_int_member(o, "n_runs", s->n_runs);
    json_object_set_int_member(o, "n_left_out", s->n_left_out);
    json_object_set_array_member(o, "vms", json_array_new());
    json_object_set_array_member(o, "verdicts", verdicts);
    json_object_set_array_member(o, "axes", axes_data(s));
    json_object_set_array_member(o, "figures", figures_data(n_figures));
    json_object_set_array_member(o, "places", places);
    return o;
}
