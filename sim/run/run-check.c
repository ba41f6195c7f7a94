/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Runs the cases of a suite and holds what comes out against what is expected. */
#include "run-check.h"

#include "run-diff.h"
#include "run-figures.h"
#include "run-policies.h"
#include "sim-emon.h"
#include "sim-error.h"

#include <math.h>
#include <string.h>

enum { SHOWN_DIGITS = 12 /* of a digest */ };

static void free_run(gpointer data)
{
    run_check_run *r = data;
    g_free(r->policy);
    g_free(r->failure);
    g_free(r->digest);
    g_hash_table_unref(r->figures);
    if (r->record)
        json_object_unref(r->record);
    g_free(r);
}

static void free_result(gpointer data)
{
    run_check_result *r = data;
    run_outcome_clear(&r->outcome);
    g_free(r->expected);
    g_free(r->measured);
    g_free(r);
}

void run_check_report_free(run_check_report *report)
{
    if (!report)
        return;
    g_ptr_array_unref(report->runs);
    g_ptr_array_unref(report->results);
    g_free(report);
}

/* ---- runs ---------------------------------------------------------------------------------------------------------------- */

/* A figure over the seeds; its mean is told when every seed had it. */
typedef struct {
    char *name;
    run_unit unit;
    bool unrecorded;     /* baselines do without it */
    double sum;
    unsigned n;
} total;

/* A run's figures while its seeds are run. */
typedef struct {
    GPtrArray *order;    /* total */
    GHashTable *by_name; /* looked up only */
    GChecksum *digest;
    run_result *first;   /* of the first seed */
    char *failure;
} gathering;

static void free_total(gpointer data)
{
    total *t = data;
    g_free(t->name);
    g_free(t);
}

/* As in results: six decimals. */
static double rounded(double value)
{
    char text[G_ASCII_DTOSTR_BUF_SIZE + 320];
    return g_ascii_strtod(g_ascii_formatd(text, sizeof text, "%.6f", value), NULL);
}

static void add_figure(void *user, const char *name, const run_figure_kind *kind, double value)
{
    gathering *g = user;
    total *t = g_hash_table_lookup(g->by_name, name);
    if (!t) {
        t = g_new0(total, 1);
        t->name = g_strdup(name);
        t->unit = kind->unit;
        int event = sim_emon_by_name(kind->name);
        t->unrecorded = g_str_has_prefix(name, "vm.") && event >= 0 && event != SIM_EV_INSTRUCTIONS && event != SIM_EV_CYCLES;
        g_ptr_array_add(g->order, t);
        g_hash_table_insert(g->by_name, t->name, t);
    }
    t->sum += kind->unit == RUN_UNIT_RATIO ? rounded(value) : value;
    t->n++;
}

/* Why a run is no good, newly allocated; NULL: it is. */
static char *failure_of(const run_result *r)
{
    if (r->failure)
        return g_strdup(r->failure);
    for (guint i = 0; i < r->vms->len; i++) {
        const run_vm_result *vm = g_ptr_array_index(r->vms, i);
        if (vm->faulted)
            return g_strdup_printf("VM '%s' faulted: %s", vm->name, vm->fault_text ? vm->fault_text : "");
    }
    return NULL;
}

/* The result is freed, or kept if it is the first. */
static void gather(gathering *g, run_result *r, uint64_t seed)
{
    g_autofree char *failure = failure_of(r);
    run_figures_each(r, add_figure, g);
    g_checksum_update(g->digest, (const guchar *)r->digest, -1);
    if (failure && !g->failure)
        g->failure = g_strdup_printf("policy '%s', seed %" G_GUINT64_FORMAT ": %s", r->policy, seed, failure);
    if (g->first)
        run_result_free(r);
    else
        g->first = r;
}

static run_check_run *finish_run(const char *policy, gathering *g, unsigned n_seeds)
{
    run_check_run *run = g_new0(run_check_run, 1);
    JsonObject *figures = json_object_new();
    run->policy = g_strdup(policy);
    run->failure = g_steal_pointer(&g->failure);
    run->figures = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    run->digest = g_strdup(n_seeds == 1 ? g->first->digest : g_checksum_get_string(g->digest));
    for (guint i = 0; i < g->order->len; i++) {
        const total *t = g_ptr_array_index(g->order, i);
        if (t->n != n_seeds)
            continue;
        double mean = n_seeds == 1 ? t->sum : rounded(t->sum / n_seeds);
        g_autofree char *key = g_strconcat(t->name, t->unit == RUN_UNIT_PS ? "_ps" : "", NULL);
        g_hash_table_insert(run->figures, g_strdup(t->name), g_memdup2(&mean, sizeof mean));
        if (t->unrecorded)
            continue;
        if (mean == floor(mean) && t->unit != RUN_UNIT_RATIO)
            json_object_set_int_member(figures, key, (gint64)mean);
        else
            json_object_set_double_member(figures, key, mean);
    }
    run->record = run_check_record(g->first, run->digest, figures);
    if (n_seeds > 1)
        json_object_set_int_member(run_read_object(run->record, "scenario"), "seeds", n_seeds);
    return run;
}

static gathering *new_gatherings(unsigned n)
{
    gathering *all = g_new0(gathering, n + 1);
    for (unsigned i = 0; i < n; i++) {
        all[i].order = g_ptr_array_new_with_free_func(free_total);
        all[i].by_name = g_hash_table_new(g_str_hash, g_str_equal);
        all[i].digest = g_checksum_new(G_CHECKSUM_SHA256);
    }
    return all;
}

static void free_gatherings(gathering *all, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        g_hash_table_unref(all[i].by_name);
        g_ptr_array_unref(all[i].order);
        g_checksum_free(all[i].digest);
        run_result_free(all[i].first);
        g_free(all[i].failure);
    }
    g_free(all);
}

static run_scenario *scenario_with(const run_check_case *k, uint64_t seed, GError **error)
{
    const run_overrides overrides = {.sets = (const char *const *)k->sets, .seed = &seed};
    run_scenario *s = run_scenario_load(k->scenario_path, &overrides, error);
    for (guint i = 0; s && i < k->plugins->len; i++) {
        g_autofree char *name = g_strdup(g_ptr_array_index(k->plugins, i));
        if (!run_policies_plugin(s, &name, error))
            g_clear_pointer(&s, run_scenario_free);
    }
    return s;
}

/* One seed: false without error when cancelled. */
static bool run_seed(const run_check_case *k, unsigned number, gathering *all, unsigned jobs, run_status *status, GError **error)
{
    g_autoptr(run_scenario) other = number ? scenario_with(k, k->seeds[number], error) : NULL;
    const run_scenario *s = number ? other : k->scenario;
    g_autoptr(run_comparison) c = s ? run_compare(s, (const char *const *)k->runs, jobs, status, error) : NULL;
    status->offset += run_compare_runs(k->scenario, (const char *const *)k->runs);
    while (c && c->runs->len) {
        run_result *r = g_ptr_array_steal_index(c->runs, c->runs->len - 1);
        unsigned i = 0;
        while (strcmp(k->runs[i], r->policy) != 0)
            i++;
        gather(&all[i], r, k->seeds[number]);
    }
    return c != NULL;
}

static GPtrArray *run_case(const run_check_case *k, unsigned jobs, run_status *status, GError **error)
{
    unsigned n = g_strv_length(k->runs);
    gathering *all = new_gatherings(n);
    bool good = true;
    for (unsigned i = 0; good && i < k->n_seeds; i++)
        good = run_seed(k, i, all, jobs, status, error);
    GPtrArray *runs = good ? g_ptr_array_new_with_free_func(free_run) : NULL;
    for (unsigned i = 0; good && i < n; i++)
        g_ptr_array_add(runs, finish_run(k->runs[i], &all[i], k->n_seeds));
    free_gatherings(all, n);
    return runs;
}

/* The runs of a case that could not be made because of a policy, a guest or the host. */
static GPtrArray *failed_runs(const run_check_case *k, const char *why)
{
    GPtrArray *runs = g_ptr_array_new_with_free_func(free_run);
    for (char **policy = k->runs; *policy; policy++) {
        run_check_run *run = g_new0(run_check_run, 1);
        run->policy = g_strdup(*policy);
        run->failure = g_strdup(why);
        run->figures = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
        run->digest = g_strdup("");
        g_ptr_array_add(runs, run);
    }
    return runs;
}

/* ---- expectations ------------------------------------------------------------------------------------------------------------ */

typedef struct {
    const run_check_report *report;
    const run_check_case *of;
    GPtrArray *runs;
    const char *policy; /* that is checked, or NULL */
} subject;

static const run_check_run *find_run(const subject *s, const char *policy)
{
    for (guint i = 0; i < s->runs->len; i++) {
        const run_check_run *r = g_ptr_array_index(s->runs, i);
        if (strcmp(r->policy, policy) == 0)
            return r;
    }
    g_assert_not_reached();
}

static bool value_of(void *user, const char *figure, const char *run, double *value, char **why)
{
    const subject *s = user;
    if (run && strcmp(run, RUN_CHECK_RECORDED) == 0) {
        JsonObject *recorded = run_check_recorded(s->report->suite, s->of->name, s->policy);
        if (recorded && run_check_recorded_figure(recorded, figure, value))
            return true;
        *why = g_strdup_printf("no %s is recorded of policy '%s'", figure, s->policy);
        return false;
    }
    const run_check_run *r = find_run(s, run ? run : s->policy);
    const double *found = g_hash_table_lookup(r->figures, figure);
    if (r->failure)
        *why = g_strdup(r->failure);
    else if (!found)
        *why = g_strdup_printf("%s is not known of policy '%s': the run has no such value", figure, r->policy);
    else
        *value = *found;
    return !*why;
}

static char *text_of(double value, bool is_time)
{
    bool whole = value == floor(value) && fabs(value) >= 10;
    return run_diff_value(is_time ? "_ps" : "", value, whole);
}

static void check_expectation(const subject *s, run_check_result *r)
{
    const run_expectation *e = r->item->expectation;
    r->outcome = run_expectation_evaluate(e, value_of, (void *)s);
    if (!r->outcome.known)
        return;
    g_autofree char *bound = text_of(r->outcome.bound, r->outcome.is_time);
    r->measured = text_of(r->outcome.measured, r->outcome.is_time);
    r->expected = g_strdup_printf("%s %s", run_expectation_relation(e), bound);
}

static void check_digest(const subject *s, run_check_result *r)
{
    const run_check_run *run = find_run(s, s->policy);
    bool is_recorded = strcmp(r->item->digest, RUN_CHECK_RECORDED) == 0;
    JsonObject *recorded = is_recorded ? run_check_recorded(s->report->suite, s->of->name, s->policy) : NULL;
    const char *expected = is_recorded ? run_read_string(recorded, "digest") : r->item->digest;
    r->measured = g_strndup(run->digest, SHOWN_DIGITS);
    r->expected = g_strndup(expected ? expected : "", SHOWN_DIGITS);
    r->outcome.known = expected && !run->failure;
    r->outcome.passed = r->outcome.known && strcmp(expected, run->digest) == 0;
    if (run->failure)
        r->outcome.why = g_strdup(run->failure);
    else if (!expected)
        r->outcome.why = g_strdup_printf("no digest is recorded of policy '%s'", s->policy);
    else if (!r->outcome.passed)
        r->outcome.why = g_strdup("another run than the expected one");
}

/* Whether one of the runs that the item names failed. */
static bool names_failed_run(const subject *s, const run_check_item *item)
{
    for (guint i = 0; i < s->runs->len; i++) {
        const run_check_run *r = g_ptr_array_index(s->runs, i);
        bool named = (s->policy && strcmp(s->policy, r->policy) == 0) || (item->expectation && run_expectation_uses(item->expectation, r->policy));
        if (r->failure && named)
            return true;
    }
    return false;
}

static void check_item(run_check_report *report, subject *s, const run_check_item *item)
{
    run_check_result *r = g_new0(run_check_result, 1);
    r->of = s->of;
    r->item = item;
    r->policy = s->policy;
    if (item->expectation)
        check_expectation(s, r);
    else
        check_digest(s, r);
    r->failed_run = names_failed_run(s, item);
    report->failed += !r->outcome.passed;
    g_ptr_array_add(report->results, r);
}

/* Whether an item is about the policy (NULL: about the case as a whole). */
static bool applies(const run_check_item *item, const char *policy)
{
    return item->policy ? policy && strcmp(item->policy, policy) == 0 : item->once == !policy;
}

static void check_case(run_check_report *report, const run_check_case *k, GPtrArray *runs)
{
    for (unsigned p = 0; p <= g_strv_length(k->runs); p++) {
        const char *policy = k->runs[p];
        subject s = {report, k, runs, policy};
        bool checked = policy && g_strv_contains((const char *const *)k->policies, policy);
        for (guint i = 0; i < k->items->len; i++) {
            const run_check_item *item = g_ptr_array_index(k->items, i);
            if (applies(item, policy) && (checked || !policy || item->policy))
                check_item(report, &s, item);
        }
    }
    for (guint i = 0; i < runs->len; i++)
        report->run_failures += ((const run_check_run *)g_ptr_array_index(runs, i))->failure != NULL;
}

unsigned run_check_count(const run_check_suite *suite)
{
    unsigned n = 0;
    for (guint c = 0; c < suite->cases->len; c++) {
        const run_check_case *k = g_ptr_array_index(suite->cases, c);
        for (guint i = 0; i < k->items->len; i++) {
            const run_check_item *item = g_ptr_array_index(k->items, i);
            n += item->policy || item->once ? 1 : g_strv_length(k->policies);
        }
    }
    return n;
}

static void free_runs(gpointer runs)
{
    g_ptr_array_unref(runs);
}

void run_check_again(run_check_report *report)
{
    g_ptr_array_set_size(report->results, 0);
    report->failed = report->run_failures = 0;
    for (guint i = 0; i < report->runs->len; i++)
        check_case(report, g_ptr_array_index(report->suite->cases, i), g_ptr_array_index(report->runs, i));
}

run_check_report *run_check(run_check_suite *suite, unsigned jobs, run_status *status, GError **error)
{
    g_autoptr(run_check_report) report = g_new0(run_check_report, 1);
    report->suite = suite;
    report->runs = g_ptr_array_new_with_free_func(free_runs);
    report->results = g_ptr_array_new_with_free_func(free_result);
    for (guint i = 0; i < suite->cases->len; i++) {
        const run_check_case *k = g_ptr_array_index(suite->cases, i);
        GError *wrong = NULL;
        GPtrArray *runs = run_case(k, jobs, status, &wrong);
        if (!runs && (!wrong || g_error_matches(wrong, SIM_ERROR, SIM_ERROR_INPUT) || g_error_matches(wrong, SIM_ERROR, SIM_ERROR_USAGE))) {
            if (wrong)
                g_propagate_prefixed_error(error, wrong, "%s: [case %s]: ", suite->path, k->name);
            return NULL;
        }
        g_ptr_array_add(report->runs, runs ? runs : failed_runs(k, wrong->message));
        g_clear_error(&wrong);
    }
    run_check_again(report);
    return g_steal_pointer(&report);
}
