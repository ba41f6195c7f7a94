/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "run-experiment.h"

#include "run-below.h"
#include "run-feed.h"
#include "run-metrics.h"
#include "run-single.h"
#include "run-tasks.h"
#include "sim-error.h"
#include "vmm-params.h"
#include "vmm-registry.h"

#include <string.h>

#define REFERENCE "round-robin"

/* What all recordings of a comparison may hold in memory together; beyond that they go to temporary files. */
enum { RECORDINGS_MEMORY = 48 << 20 };

void run_status_init(run_status *s, gint runs_all)
{
    *s = (run_status){.runs_all = runs_all};
    s->simulated = g_new0(uint64_t, MAX(runs_all, 1));
    s->finished = g_new0(bool, MAX(runs_all, 1));
}

void run_status_clear(run_status *s)
{
    g_free((gpointer)s->simulated);
    g_free((gpointer)s->finished);
    s->simulated = NULL;
    s->finished = NULL;
}

static void free_source(gpointer source)
{
    insn_source_free(source);
}

static void free_feed(gpointer feed)
{
    run_feed_free(feed);
}

static void run_over(run_status *status, gint number)
{
    status->finished[status->offset + number] = true;
    g_atomic_int_inc(&status->runs_done);
}

run_result *run_live(const run_scenario *s, const char *policy_name, run_status *status, GError **error)
{
    const run_policy *policy = run_scenario_policy(s, policy_name, error);
    if (!policy)
        return NULL;
    bool copies;
    if (!run_single_copies(s, policy, &copies, error))
        return NULL;
    g_autoptr(GPtrArray) feeds = g_ptr_array_new_with_free_func(free_feed);
    g_autoptr(wl_task_pool) pool = run_tasks_pool(s); /* goes after the sources */
    g_autoptr(GPtrArray) sources = g_ptr_array_new_with_free_func(free_source);
    for (guint i = 0; i < s->vms->len; i++) {
        run_feed *feed = run_feed_new(s, g_ptr_array_index(s->vms, i), 0, !copies, error);
        if (!feed)
            return NULL;
        g_ptr_array_add(feeds, feed);
        insn_source *source = run_feed_open(feed, pool, error);
        if (!source)
            return NULL;
        g_ptr_array_add(sources, source);
    }
    g_autoptr(GPtrArray) below_feeds = run_below_feeds(s, 0, !copies, error);
    g_autoptr(GPtrArray) below = below_feeds ? run_below_open(below_feeds, error) : NULL;
    if (!below)
        return NULL;
    run_request q = {.scenario = s, .policy = policy, .sources = (insn_source *const *)sources->pdata, .pool = pool,
                     .below = s->below ? (insn_source *const *)below->pdata : NULL,
                     .cancel = &status->cancel, .copies = copies ? g_get_num_processors() : 0,
                     .progress = status->simulated + status->offset, .pictures = s->pictures, .series_period = s->series_period};
    run_result *r = run_single(&q, error);
    run_over(status, 0);
    if (status->cancel)
        g_clear_pointer(&r, run_result_free);
    return r;
}

/* ---- comparisons -------------------------------------------------------------------------------------------- */

typedef struct {
    const run_scenario *scenario;
    GPtrArray *feeds;   /* run_feed of every VM */
    GPtrArray *below_feeds; /* of what is below the VMM */
    run_status *status;
    GMutex lock;
    GError *error;      /* the first, in the order of jobs */
    gint error_job;
} experiment;

typedef struct {
    experiment *experiment;
    const run_policy *policy;
    gint number;
    gint only;          /* the only VM that takes part, or -1 */
    uint64_t insns_limit;
    unsigned copies;    /* of the process that it makes at a time; 0: none */
    run_result *result;
} job;

static void run_job(gpointer data, gpointer user)
{
    (void)user;
    job *j = data;
    experiment *x = j->experiment;
    guint n = x->scenario->vms->len;
    g_autofree insn_source **sources = g_new0(insn_source *, n + 1);
    g_autoptr(wl_task_pool) pool = run_tasks_pool(x->scenario);
    GError *error = NULL;
    for (guint i = 0; i < n && !error; i++)
        if (j->only < 0 || (guint)j->only == i)
            sources[i] = run_feed_open(g_ptr_array_index(x->feeds, i), pool, &error);
    /* A VM that is alone has the bare machine. */
    g_autoptr(GPtrArray) below = !error && j->only < 0 && x->scenario->below ? run_below_open(x->below_feeds, &error) : NULL;
    run_request q = {.scenario = x->scenario, .policy = j->policy, .sources = sources, .pool = pool, .cancel = &x->status->cancel,
                     .below = below ? (insn_source *const *)below->pdata : NULL,
                     .progress = &x->status->simulated[x->status->offset + j->number], .curves = j->only >= 0, .insns_limit = j->insns_limit,
                     .series_period = j->only < 0 ? x->scenario->series_period : 0, .pictures = j->only < 0 ? x->scenario->pictures : NULL,
                     .number = (unsigned)j->number,
                     .copies = j->copies};
    if (!error && !x->status->cancel)
        j->result = run_single(&q, &error);
    if (error) {
        g_mutex_lock(&x->lock);
        if (!x->error || j->number < x->error_job) {
            g_clear_error(&x->error);
            x->error = error;
            x->error_job = j->number;
        } else {
            g_error_free(error);
        }
        g_mutex_unlock(&x->lock);
    }
    for (guint i = 0; i < n; i++)
        insn_source_free(sources[i]);
    run_over(x->status, j->number);
}

static void run_jobs(job *jobs, guint n, unsigned threads)
{
    GThreadPool *pool = g_thread_pool_new(run_job, NULL, (gint)CLAMP(threads, 1, 64), FALSE, NULL);
    for (guint i = 0; i < n; i++)
        if (!jobs[i].copies)
            g_thread_pool_push(pool, &jobs[i], NULL);
    g_thread_pool_free(pool, FALSE, TRUE);
    /* One after another, and nothing beside them: see run-copies.h. */
    for (guint i = 0; i < n; i++)
        if (jobs[i].copies)
            run_job(&jobs[i], NULL);
}

static int compare_policies(gconstpointer a, gconstpointer b)
{
    const run_policy *x = *(const run_policy *const *)a, *y = *(const run_policy *const *)b;
    return strcmp(x->label, y->label);
}

/* Round-robin, then the others by name, each once. */
static GPtrArray *choose(const run_scenario *s, const char *const *names, GError **error)
{
    g_autoptr(GPtrArray) chosen = g_ptr_array_new();
    const run_policy *reference = run_scenario_policy(s, REFERENCE, error);
    for (const char *const *n = names; *n; n++) {
        const run_policy *p = run_scenario_policy(s, *n, error);
        if (!p)
            return NULL;
        if (g_strv_contains(n + 1, *n)) {
            g_set_error(error, SIM_ERROR, SIM_ERROR_USAGE, "policy '%s' is named twice", *n);
            return NULL;
        }
        if (p != reference)
            g_ptr_array_add(chosen, (gpointer)p);
    }
    g_ptr_array_sort(chosen, compare_policies);
    g_ptr_array_insert(chosen, 0, (gpointer)reference);
    return g_steal_pointer(&chosen);
}

gint run_compare_runs(const run_scenario *s, const char *const *policies)
{
    gint n = 1;
    for (; policies && *policies; policies++)
        n += strcmp(*policies, REFERENCE) != 0;
    return n + (gint)s->vms->len;
}

static bool feed_all(experiment *x, GError **error)
{
    const run_scenario *s = x->scenario;
    for (guint i = 0; i < s->vms->len; i++) {
        run_feed *feed = run_feed_new(s, g_ptr_array_index(s->vms, i), RECORDINGS_MEMORY / s->vms->len, true, error);
        if (!feed)
            return false;
        g_ptr_array_add(x->feeds, feed);
    }
    x->below_feeds = run_below_feeds(s, RECORDINGS_MEMORY / 4, true, error);
    return x->below_feeds != NULL;
}

static uint64_t most_insns(const job *jobs, guint n, guint vm)
{
    uint64_t most = 0;
    for (guint i = 0; i < n; i++) {
        const run_vm_result *r = jobs[i].result ? g_ptr_array_index(jobs[i].result->vms, vm) : NULL;
        most = MAX(most, r ? r->ev[SIM_EV_INSTRUCTIONS] : 0);
    }
    return most;
}

static run_guest_work *guest_work(const experiment *x, const job *runs, guint n, const job *alone, guint vm)
{
    run_guest_work *w = g_new0(run_guest_work, 1);
    w->name = g_strdup(((const run_vm *)g_ptr_array_index(x->scenario->vms, vm))->name);
    w->instructions = run_feed_executed(g_ptr_array_index(x->feeds, vm));
    unsigned readers = 0;
    for (guint i = 0; i < n; i++)
        readers += ((const run_vm_result *)g_ptr_array_index(runs[i].result->vms, vm))->time_dependent;
    const run_vm_result *own = g_ptr_array_index(alone[vm].result->vms, 0);
    readers += own->time_dependent;
    w->time_dependent = readers > 0;
    w->executions = !w->instructions ? 0 : MAX(readers, 1);
    w->alone_insns = own->ev[SIM_EV_INSTRUCTIONS];
    w->alone_time = own->reached_at - own->started_at;
    return w;
}

static void free_work(gpointer data)
{
    run_guest_work *w = data;
    g_free(w->name);
    g_free(w);
}

static run_comparison *gather(const experiment *x, job *runs, guint n, const job *alone)
{
    guint n_vms = x->scenario->vms->len;
    run_comparison *c = g_new0(run_comparison, 1);
    c->runs = g_ptr_array_new_with_free_func((GDestroyNotify)run_result_free);
    c->guests = g_ptr_array_new_with_free_func(free_work);
    for (guint v = 0; v < n_vms; v++)
        g_ptr_array_add(c->guests, guest_work(x, runs, n, alone, v));
    g_autofree run_result **own = g_new0(run_result *, n_vms + 1);
    for (guint v = 0; v < n_vms; v++)
        own[v] = alone[v].result;
    g_autoptr(GChecksum) sum = g_checksum_new(G_CHECKSUM_SHA256);
    for (guint i = 0; i < n; i++) {
        run_result *r = g_steal_pointer(&runs[i].result);
        run_metrics_against_alone(r, own);
        g_checksum_update(sum, (const guchar *)r->digest, -1);
        g_ptr_array_add(c->runs, r);
    }
    c->digest = g_strdup(g_checksum_get_string(sum));
    return c;
}

/* All policies on the shared work, then every VM alone as far as it came under any of them. */
static run_comparison *run_all(experiment *x, GPtrArray *policies, const bool *copies, const run_policy *reference, unsigned threads)
{
    guint n = policies->len, n_vms = x->scenario->vms->len;
    g_autofree job *runs = g_new0(job, n);
    g_autofree job *alone = g_new0(job, n_vms);
    for (guint i = 0; i < n; i++)
        runs[i] = (job){.experiment = x, .policy = g_ptr_array_index(policies, i), .number = (gint)i, .only = -1, .copies = copies[i] ? threads : 0};
    run_jobs(runs, n, threads);
    for (guint v = 0; v < n_vms; v++)
        alone[v] = (job){.experiment = x, .policy = reference, .number = (gint)(n + v), .only = (gint)v,
                         .insns_limit = MAX(most_insns(runs, n, v), 1)};
    if (!x->error && !x->status->cancel)
        run_jobs(alone, n_vms, threads);
    run_comparison *c = !x->error && !x->status->cancel ? gather(x, runs, n, alone) : NULL;
    for (guint i = 0; i < n; i++)
        run_result_free(runs[i].result);
    for (guint v = 0; v < n_vms; v++)
        run_result_free(alone[v].result);
    return c;
}

static bool check_params(GPtrArray *policies, GError **error)
{
    for (guint i = 0; i < policies->len; i++) {
        const run_policy *p = g_ptr_array_index(policies, i);
        g_autofree vmm_param_value *values = vmm_params_parse(p->ops, (const char *const *)p->params, p->origin,
                                                              error);
        if (!values)
            return false;
    }
    return true;
}

static run_comparison *experiment_run(const run_scenario *s, GPtrArray *policies, unsigned threads,
                                      run_status *status, GError **error)
{
    const run_policy *reference = run_scenario_policy(s, REFERENCE, error);
    if (!reference || !check_params(policies, error))
        return NULL;
    g_autofree bool *copies = g_new0(bool, policies->len + 1);
    for (guint i = 0; i < policies->len; i++)
        if (!run_single_copies(s, g_ptr_array_index(policies, i), &copies[i], error))
            return NULL;
    experiment x = {.scenario = s, .status = status};
    x.feeds = g_ptr_array_new_with_free_func(free_feed);
    g_mutex_init(&x.lock);
    run_comparison *c = feed_all(&x, error) ? run_all(&x, policies, copies, reference, threads) : NULL;
    g_ptr_array_unref(x.feeds);
    g_clear_pointer(&x.below_feeds, g_ptr_array_unref);
    g_mutex_clear(&x.lock);
    if (x.error)
        g_propagate_error(error, x.error);
    return c;
}

run_comparison *run_compare(const run_scenario *s, const char *const *names, unsigned threads, run_status *status,
                            GError **error)
{
    g_autoptr(GPtrArray) policies = choose(s, names, error);
    return policies ? experiment_run(s, policies, threads, status, error) : NULL;
}

run_result *run_with_alone(const run_scenario *s, const char *name, unsigned threads, run_status *status,
                           GError **error)
{
    const run_policy *policy = run_scenario_policy(s, name, error);
    if (!policy)
        return NULL;
    g_autoptr(GPtrArray) policies = g_ptr_array_new();
    g_ptr_array_add(policies, (gpointer)policy);
    g_autoptr(run_comparison) c = experiment_run(s, policies, threads, status, error);
    return c ? g_ptr_array_steal_index(c->runs, 0) : NULL;
}
