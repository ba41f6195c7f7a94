/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "run-record.h"

#include "run-below.h"
#include "run-feed.h"
#include "run-single.h"
#include "run-tasks.h"
#include "sim-error.h"
#include "wl-tee.h"

#include <errno.h>
#include <glib/gstdio.h>

typedef struct {
    run_feed *feed;
    insn_source *tee;
    tr_writer *writer;
    char *path;
} guest;

typedef struct {
    const run_scenario *scenario;
    const run_record_options *options;
    run_status *status;
    wl_tee_group group;
    wl_task_pool *pool; /* or NULL */
    GPtrArray *guests;  /* guest */
    GPtrArray *sources; /* their tees */
    GPtrArray *below_feeds, *below; /* of the threads below the VMM: not recorded; NULL: no run */
} recorder;

static void free_guest(gpointer data)
{
    guest *g = data;
    insn_source_free(g->tee);
    tr_writer_free(g->writer);
    run_feed_free(g->feed);
    g_free(g->path);
    g_free(g);
}

static void free_recorded(gpointer data)
{
    run_recorded *r = data;
    g_free(r->name);
    g_free(r->path);
    g_free(r);
}

static void recorder_init(recorder *r, const run_scenario *s, const run_record_options *options, run_status *status)
{
    *r = (recorder){ .scenario = s, .options = options, .status = status, .group = { .cancel = &status->cancel } };
    r->guests = g_ptr_array_new_with_free_func(free_guest);
    r->sources = g_ptr_array_new();
    r->pool = run_tasks_pool(s);
}

static void recorder_clear(recorder *r)
{
    g_ptr_array_unref(r->sources);
    g_ptr_array_unref(r->guests);
    g_clear_pointer(&r->below, g_ptr_array_unref);
    g_clear_pointer(&r->below_feeds, g_ptr_array_unref);
    wl_tasks_free(r->pool);
}

static bool add_guest(recorder *r, const run_vm *vm, const char *path, GError **error)
{
    if (vm->kind == RUN_WORK_TRACE) {
        g_set_error(error, SIM_ERROR, SIM_ERROR_INPUT, "%s: [vm %s] workload: '%s' is a trace already ('quanta trace cut' makes a part of it)",
                    r->scenario->path, vm->name, vm->workload);
        return false;
    }
    guest *g = g_new0(guest, 1);
    g_ptr_array_add(r->guests, g);
    g->path = g_strdup(path);
    g->feed = run_feed_new(r->scenario, vm, 0, true, error);
    g_autoptr(insn_source) source = g->feed ? run_feed_open(g->feed, r->pool, error) : NULL;
    if (!source)
        return false;
    tr_meta meta = { .name = vm->name, .origin = (char *)"recorded", .workload = vm->workload, .argv = vm->argv, .sha256 = vm->sha256,
                     .writer = (char *)"quanta " QUANTA_VERSION, .seed = r->scenario->seed, .memory = vm->memory,
                     .skipped = r->options->window.from, .regions = r->options->window.regions };
    g->writer = tr_writer_new(path, source->code, &meta, error);
    if (!g->writer)
        return false;
    g->tee = wl_tee_new(g_steal_pointer(&source), g->writer, &r->options->window, &r->group);
    g_ptr_array_add(r->sources, g->tee);
    return true;
}

/* Ends every trace. */
static GPtrArray *finish(recorder *r, GError **error)
{
    g_autoptr(GPtrArray) all = g_ptr_array_new_with_free_func(free_recorded);
    for (guint i = 0; i < r->guests->len; i++) {
        guest *g = g_ptr_array_index(r->guests, i);
        run_recorded *out = g_new0(run_recorded, 1);
        g_ptr_array_add(all, out);
        wl_report report;
        wl_source_report(g->tee, &report);
        out->name = g_strdup(((const run_vm *)g_ptr_array_index(r->scenario->vms, i))->name);
        out->path = g_strdup(g->path);
        out->insns = wl_tee_kept(g->tee);
        out->time_dependent = report.reads_time;
        if (!wl_tee_ended(g->tee, r->status->cancel, &out->ended, error) || !tr_writer_finish(g->writer, out->ended, error))
            return NULL;
        out->bytes = tr_writer_bytes(g->writer);
    }
    return g_steal_pointer(&all);
}

/* Beyond what the run needed. */
static void go_on(recorder *r, sim_ps now)
{
    for (guint i = 0; i < r->guests->len; i++) {
        guest *g = g_ptr_array_index(r->guests, i);
        uint64_t kept = wl_tee_kept(g->tee);
        uint64_t enough = r->options->window.limit ? UINT64_MAX : kept + kept / 100 * r->options->beyond;
        wl_tee_run(g->tee, now, enough, &r->status->cancel);
    }
}

static void discard(recorder *r)
{
    for (guint i = 0; i < r->guests->len; i++) {
        guest *g = g_ptr_array_index(r->guests, i);
        if (g->writer)
            tr_writer_discard(g->writer);
    }
}

static bool simulate(recorder *r, const run_policy *policy, GError **error)
{
    r->below_feeds = run_below_feeds(r->scenario, 0, true, error);
    r->below = r->below_feeds ? run_below_open(r->below_feeds, error) : NULL;
    if (!r->below)
        return false;
    run_request q = { .scenario = r->scenario, .policy = policy, .below = r->scenario->below ? (insn_source *const *)r->below->pdata : NULL,
                     .sources = (insn_source *const *)r->sources->pdata, .pool = r->pool, .cancel = &r->group.stop,
                      .progress = r->status->simulated };
    g_autoptr(run_result) result = run_single(&q, error);
    if (!result)
        return false;
    if (result->failure) {
        g_set_error(error, SIM_ERROR, SIM_ERROR_POLICY, "%s", result->failure);
        return false;
    }
    go_on(r, result->simulated);
    return true;
}

GPtrArray *run_record_scenario(const run_scenario *s, const char *policy_name, const char *folder, const run_record_options *options,
                               run_status *status, GError **error)
{
    const run_policy *policy = run_scenario_policy(s, policy_name, error);
    if (!policy)
        return NULL;
    if (g_mkdir_with_parents(folder, 0777) < 0) {
        g_set_error(error, SIM_ERROR, SIM_ERROR_IO, "%s: cannot make the folder: %s", folder, g_strerror(errno));
        return NULL;
    }
    recorder r;
    recorder_init(&r, s, options, status);
    bool ok = true;
    for (guint i = 0; ok && i < s->vms->len; i++) {
        const run_vm *vm = g_ptr_array_index(s->vms, i);
        g_autofree char *file = g_strconcat(vm->name, ".qtr", NULL);
        g_autofree char *path = g_build_filename(folder, file, NULL);
        ok = add_guest(&r, vm, path, error);
    }
    ok = ok && simulate(&r, policy, error);
    GPtrArray *recorded = ok ? finish(&r, error) : NULL;
    if (!ok)
        discard(&r);
    recorder_clear(&r);
    return recorded;
}

GPtrArray *run_record_program(const run_scenario *s, const char *path, const run_record_options *options, run_status *status, GError **error)
{
    recorder r;
    recorder_init(&r, s, options, status);
    bool ok = add_guest(&r, g_ptr_array_index(s->vms, 0), path, error);
    if (ok)
        wl_tee_run(((guest *)g_ptr_array_index(r.guests, 0))->tee, 0, UINT64_MAX, &status->cancel);
    GPtrArray *recorded = ok ? finish(&r, error) : NULL;
    if (!ok)
        discard(&r);
    recorder_clear(&r);
    return recorded;
}
