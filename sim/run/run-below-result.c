/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "run-below.h"

#include <string.h>

static void free_thread(gpointer data)
{
    run_below_thread_result *t = data;
    g_free(t->name);
    g_free(t->workload);
    g_free(t->fault_text);
    g_free(t);
}

void run_below_result_free(run_below_result *b)
{
    if (!b)
        return;
    g_ptr_array_unref(b->threads);
    g_free(b->lps);
    g_free(b);
}

void run_below_collect(const run_scenario *s, const vmm *v, run_result *r)
{
    const vmm_below_stats *stats = vmm_below_report(v);
    if (!stats)
        return;
    run_below_result *b = r->below = g_new0(run_below_result, 1);
    b->kind = stats->kind;
    b->weight = s->below->weight;
    b->load = s->below->load;
    b->slice = stats->slice;
    b->tick = stats->tick;
    b->n_lps = s->machine->n_lps;
    b->lps = g_memdup2(stats->pcpus, b->n_lps * sizeof *b->lps);
    b->threads = g_ptr_array_new_with_free_func(free_thread);
    memcpy(b->exits, stats->exits, sizeof b->exits);
    memcpy(b->exit_time, stats->exit_time, sizeof b->exit_time);
    for (unsigned i = 0; i < stats->n_threads; i++) {
        const vmm_below_thread_stats *from = stats->threads[i];
        const run_below_thread *told = g_ptr_array_index(s->below->threads, i);
        run_below_thread_result *t = g_new0(run_below_thread_result, 1);
        *t = (run_below_thread_result){ .name = g_strdup(told->name), .workload = g_strdup(told->work->workload), .weight = told->weight,
                                        .burst = told->burst, .period = told->period, .ran = from->ran, .waited = from->waited,
                                        .dispatches = from->dispatches, .migrations = from->migrations, .insns = from->insns, .ended = from->ended,
                                        .faulted = from->faulted, .fault_text = g_strdup(from->fault_text) };
        g_ptr_array_add(b->threads, t);
    }
}

static void feed(GChecksum *sum, const uint64_t *words, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        uint64_t word = GUINT64_TO_LE(words[i]);
        g_checksum_update(sum, (const guchar *)&word, sizeof word);
    }
}

void run_below_digest(const run_result *r, GChecksum *sum)
{
    const run_below_result *b = r->below;
    if (!b)
        return;
    feed(sum, (const uint64_t[]){ b->kind, b->weight, b->slice, b->tick }, 4);
    for (unsigned i = 0; i < b->n_lps; i++) {
        const vmm_below_pcpu_stats *lp = &b->lps[i];
        feed(sum, (const uint64_t[]){ lp->vmm, lp->threads, lp->work, lp->idle, lp->taken, lp->ticks }, 6);
    }
    for (guint i = 0; i < b->threads->len; i++) {
        const run_below_thread_result *t = g_ptr_array_index(b->threads, i);
        feed(sum, (const uint64_t[]){ t->ran, t->waited, t->dispatches, t->migrations, t->insns, t->ended, t->faulted }, 7);
    }
    feed(sum, b->exits, VMM_N_OUTER_EXITS);
    feed(sum, b->exit_time, VMM_N_OUTER_EXITS);
    for (guint i = 0; i < r->vms->len; i++) {
        const run_vm_result *vm = g_ptr_array_index(r->vms, i);
        feed(sum, (const uint64_t[]){ vm->taken, vm->times_taken, vm->outer_time, vm->outer_exits }, 4);
    }
}

/* ---- JSON ----------------------------------------------------------------------------------------------------- */

static void add(JsonObject *o, const char *key, uint64_t value)
{
    json_object_set_int_member(o, key, (gint64)MIN(value, (uint64_t)G_MAXINT64));
}

static JsonObject *add_object(JsonObject *o, const char *key)
{
    JsonObject *child = json_object_new();
    json_object_set_object_member(o, key, child);
    return child;
}

static void add_thread(JsonObject *threads, const run_below_thread_result *t)
{
    JsonObject *o = add_object(threads, t->name);
    json_object_set_string_member(o, "workload", t->workload);
    add(o, "weight", t->weight);
    if (t->period) {
        add(o, "burst_ps", t->burst);
        add(o, "period_ps", t->period);
    }
    add(o, "ran_ps", t->ran);
    add(o, "waited_ps", t->waited);
    add(o, "dispatches", t->dispatches);
    add(o, "migrations", t->migrations);
    add(o, "instructions", t->insns);
    json_object_set_boolean_member(o, "ended", t->ended);
    if (t->faulted)
        json_object_set_string_member(o, "fault", t->fault_text);
}

static sim_ps sum_of(const run_below_result *b, sim_ps (*part)(const vmm_below_pcpu_stats *lp))
{
    sim_ps sum = 0;
    for (unsigned i = 0; i < b->n_lps; i++)
        sum += part(&b->lps[i]);
    return sum;
}

static sim_ps vmm_part(const vmm_below_pcpu_stats *lp)
{
    return lp->vmm;
}

static sim_ps threads_part(const vmm_below_pcpu_stats *lp)
{
    return lp->threads;
}

static sim_ps work_part(const vmm_below_pcpu_stats *lp)
{
    return lp->work;
}

static sim_ps idle_part(const vmm_below_pcpu_stats *lp)
{
    return lp->idle;
}

static sim_ps taken_part(const vmm_below_pcpu_stats *lp)
{
    return lp->taken;
}

void run_below_json(JsonObject *run, const run_result *r)
{
    const run_below_result *b = r->below;
    if (!b)
        return;
    JsonObject *o = add_object(run, "below");
    json_object_set_string_member(o, "kind", run_below_names[b->kind]);
    add(o, "weight", b->weight);
    add(o, b->kind == VMM_BELOW_HOST ? "slice_ps" : "quantum_ps", b->slice);
    if (b->kind == VMM_BELOW_HOST)
        add(o, "tick_ps", b->tick);
    json_object_set_double_member(o, "load", b->load);
    add(o, "vmm_ps", sum_of(b, vmm_part));
    add(o, "threads_ps", sum_of(b, threads_part));
    add(o, "work_ps", sum_of(b, work_part));
    add(o, "idle_ps", sum_of(b, idle_part));
    add(o, "taken", sum_of(b, taken_part));
    JsonObject *threads = add_object(o, "threads");
    for (guint i = 0; i < b->threads->len; i++)
        add_thread(threads, g_ptr_array_index(b->threads, i));
    if (b->kind != VMM_BELOW_OUTER)
        return;
    JsonObject *exits = add_object(o, "exits"), *times = add_object(o, "exit_ps");
    sim_ps all = 0;
    for (int i = 0; i < VMM_N_OUTER_EXITS; i++) {
        add(exits, vmm_outer_exit_names[i], b->exits[i]);
        add(times, vmm_outer_exit_names[i], b->exit_time[i]);
        all += b->exit_time[i];
    }
    add(o, "outer_ps", all);
}

void run_below_json_vm(JsonObject *o, const run_result *r, const run_vm_result *vm)
{
    if (!r->below)
        return;
    add(o, "taken_ps", vm->taken);
    add(o, "times_taken", vm->times_taken);
    if (r->below->kind != VMM_BELOW_OUTER)
        return;
    add(o, "outer_ps", vm->outer_time);
    add(o, "outer_exits", vm->outer_exits);
}

void run_below_json_lp(JsonObject *o, const run_result *r, unsigned lp)
{
    if (!r->below)
        return;
    const vmm_below_pcpu_stats *s = &r->below->lps[lp];
    JsonObject *time = add_object(o, "below");
    add(time, "vmm_ps", s->vmm);
    add(time, "threads_ps", s->threads);
    add(time, "work_ps", s->work);
    add(time, "idle_ps", s->idle);
    add(time, "taken", s->taken);
    add(time, "ticks", s->ticks);
}

/* ---- the table ------------------------------------------------------------------------------------------------ */

static void put_time(GString *text, const run_result *r)
{
    const run_below_result *b = r->below;
    double all = (double)r->simulated * b->n_lps / 100;
    sim_ps taken = 0, runnable = 0;
    for (guint i = 0; i < r->vms->len; i++) {
        taken += ((const run_vm_result *)g_ptr_array_index(r->vms, i))->taken;
        runnable += ((const run_vm_result *)g_ptr_array_index(r->vms, i))->in_state[VMM_RUNNABLE];
    }
    g_string_append_printf(text, "  %-20s %9.2f %9.2f %9.2f %9.2f %9" G_GUINT64_FORMAT " %10.2f %11.1f%%\n", r->policy, (double)sum_of(b, vmm_part) / all,
                           (double)sum_of(b, threads_part) / all, (double)sum_of(b, work_part) / all, (double)sum_of(b, idle_part) / all,
                           sum_of(b, taken_part), (double)taken / (double)SIM_PS_PER_MS, runnable ? 100 * (double)taken / (double)runnable : 0);
}

static void put_exits(GString *text, const run_result *r)
{
    const run_below_result *b = r->below;
    const char *left = r->policy;
    for (int i = 0; i < VMM_N_OUTER_EXITS; i++) {
        if (!b->exits[i])
            continue;
        g_string_append_printf(text, "  %-20s %-10s %9" G_GUINT64_FORMAT " %12.1f %10.0f\n", left, vmm_outer_exit_names[i], b->exits[i],
                               (double)b->exit_time[i] / (double)SIM_PS_PER_US,
                               (double)b->exit_time[i] / (double)SIM_PS_PER_NS / (double)b->exits[i]);
        left = "";
    }
}

static void put_faults(GString *text, const run_result *r)
{
    for (guint i = 0; i < r->below->threads->len; i++) {
        const run_below_thread_result *t = g_ptr_array_index(r->below->threads, i);
        if (t->faulted)
            g_string_append_printf(text, "  ! %s: [%s %s] faulted: %s\n", r->policy, run_below_names[r->below->kind], t->name, t->fault_text);
    }
}

void run_below_table(GString *text, GPtrArray *runs)
{
    const run_result *first = g_ptr_array_index(runs, 0);
    if (!first->below)
        return;
    bool host = first->below->kind == VMM_BELOW_HOST;
    g_string_append_printf(text, "\n%-22s %9s %9s %9s %9s %9s %10s %12s\n", host ? "Host OS, % of time" : "Outer VMM, % of time", "VMM",
                           host ? "host" : "others", host ? "its work" : "outer", "idle", "taken", "VMs' ms", "of steal");
    for (guint i = 0; i < runs->len; i++)
        put_time(text, g_ptr_array_index(runs, i));
    if (!host) {
        g_string_append_printf(text, "\n%-22s %-10s %9s %12s %10s\n", "Exits to it", "reason", "count", "time us", "ns each");
        for (guint i = 0; i < runs->len; i++)
            put_exits(text, g_ptr_array_index(runs, i));
    }
    for (guint i = 0; i < runs->len; i++)
        put_faults(text, g_ptr_array_index(runs, i));
}
