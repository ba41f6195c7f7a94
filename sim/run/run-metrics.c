/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "run-metrics.h"

#include <string.h>

static int compare_u64(gconstpointer a, gconstpointer b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

sim_ps run_metrics_percentile(const GArray *sorted, unsigned percent)
{
    if (!sorted || sorted->len == 0)
        return 0;
    guint rank = (guint)(((uint64_t)sorted->len * percent + 99) / 100);
    return g_array_index(sorted, uint64_t, MAX(rank, 1) - 1);
}

sim_ps run_metrics_mean(const GArray *latencies)
{
    unsigned __int128 sum = 0;
    guint n = latencies ? latencies->len : 0;
    for (guint i = 0; i < n; i++)
        sum += g_array_index(latencies, uint64_t, i);
    return n ? (sim_ps)(sum / n) : 0;
}

void run_metrics_latencies(GArray *latencies, sim_ps *p50, sim_ps *p99, sim_ps *max)
{
    *p50 = *p99 = *max = 0;
    if (!latencies || latencies->len == 0)
        return;
    g_array_sort(latencies, compare_u64);
    *p50 = run_metrics_percentile(latencies, 50);
    *p99 = run_metrics_percentile(latencies, 99);
    *max = g_array_index(latencies, uint64_t, latencies->len - 1);
}

void run_metrics_tasks(const GArray *tasks, run_vm_result *vm)
{
    g_autoptr(GArray) times = g_array_new(FALSE, FALSE, sizeof(uint64_t));
    for (guint i = 0; tasks && i < tasks->len; i++) {
        uint64_t ps = g_array_index(tasks, vmm_task_time, i).ps;
        g_array_append_val(times, ps);
        vm->task_sum += ps;
    }
    vm->tasks = times->len;
    sim_ps max;
    run_metrics_latencies(times, &vm->task_p50, &vm->task_p99, &max);
}

static double per_kilo(uint64_t events, uint64_t insns)
{
    return insns ? (double)events * 1000.0 / (double)insns : 0;
}

void run_metrics_ratios(const uint64_t ev[SIM_EV_COUNT], run_ratios *r)
{
    uint64_t insns = ev[SIM_EV_INSTRUCTIONS];
    r->ipc = ev[SIM_EV_CYCLES] ? (double)insns / (double)ev[SIM_EV_CYCLES] : 0;
    r->l1d_mpki = per_kilo(ev[SIM_EV_L1D_LOAD_MISSES] + ev[SIM_EV_L1D_STORE_MISSES], insns);
    r->l1i_mpki = per_kilo(ev[SIM_EV_L1I_MISSES], insns);
    r->l2_mpki = per_kilo(ev[SIM_EV_L2_MISSES], insns);
    r->llc_mpki = per_kilo(ev[SIM_EV_LLC_MISSES], insns);
    r->branch_mpki = per_kilo(ev[SIM_EV_BRANCH_MISSES], insns);
    r->dtlb_mpki = per_kilo(ev[SIM_EV_DTLB_MISSES] + ev[SIM_EV_DTLB_STORE_MISSES], insns);
}

double run_metrics_steal(sim_ps running, sim_ps runnable)
{
    return running + runnable ? (double)runnable / ((double)running + (double)runnable) : 0;
}

void run_metrics_totals(run_result *result)
{
    run_totals *t = &result->totals;
    *t = (run_totals){0};
    uint64_t ev[SIM_EV_COUNT] = {0};
    g_autoptr(GArray) wakes = g_array_new(FALSE, FALSE, sizeof(uint64_t));
    for (guint i = 0; i < result->vms->len; i++) {
        const run_vm_result *vm = g_ptr_array_index(result->vms, i);
        for (int e = 0; e < SIM_EV_COUNT; e++)
            ev[e] += vm->ev[e];
        t->switches += vm->dispatches;
        t->quanta_changed += vm->quanta_extended + vm->quanta_ended_early;
        t->running += vm->in_state[VMM_RUNNING];
        t->runnable += vm->in_state[VMM_RUNNABLE];
        t->blocked += vm->in_state[VMM_BLOCKED];
        if (vm->wake_latency)
            g_array_append_vals(wakes, vm->wake_latency->data, vm->wake_latency->len);
    }
    t->wakes = wakes->len;
    run_metrics_latencies(wakes, &t->wake_p50, &t->wake_p99, &t->wake_max);
    t->wake_p90 = run_metrics_percentile(wakes, 90);
    t->instructions = ev[SIM_EV_INSTRUCTIONS];
    t->cycles = ev[SIM_EV_CYCLES];
    run_metrics_ratios(ev, &t->ratios);
    t->ratios.steal = run_metrics_steal(t->running, t->runnable);
}

sim_ps run_metrics_time_at(const GArray *curve, sim_ps start, uint64_t insns)
{
    run_point before = {start, 0, 0};
    for (guint i = 0; curve && i < curve->len; i++) {
        run_point p = g_array_index(curve, run_point, i);
        if (p.insns >= insns) {
            uint64_t span = p.insns - before.insns;
            sim_ps time = p.at - before.at, idle = MIN(p.blocked - before.blocked, time);
            if (span == 0 || insns == before.insns)
                return before.at - start;
            return before.at - start + idle + (sim_ps)((unsigned __int128)(time - idle) * (insns - before.insns) / span);
        }
        before = p;
    }
    return before.at - start;
}

/* Time that the VM's run alone took for the instructions it retired in this run; 0: unknown. */
static sim_ps time_alone(const run_vm_result *vm, const run_result *alone, guint i)
{
    const run_vm_result *own = g_ptr_array_index(alone->vms, 0);
    if (vm->ended && own->ended && !vm->stopped && !own->stopped)
        return own->ended_at - own->started_at;
    return run_metrics_time_at(alone->curves[i], own->started_at, vm->ev[SIM_EV_INSTRUCTIONS]);
}

void run_metrics_against_alone(run_result *result, run_result *const *alone)
{
    run_totals *t = &result->totals;
    double sum = 0, slow = 0, squares = 0, least = 0, most = 0;
    guint n = 0, stuck = 0;
    for (guint i = 0; i < result->vms->len; i++) {
        run_vm_result *vm = g_ptr_array_index(result->vms, i);
        if (!alone[i] || !vm->started)
            continue;
        sim_ps here = vm->reached_at - vm->started_at;
        if (vm->ev[SIM_EV_INSTRUCTIONS] == 0) { /* waited for all of the run: no progress, its slowdown without bounds */
            stuck += vm->in_state[VMM_RUNNABLE] > 0;
            continue;
        }
        vm->alone_time = time_alone(vm, alone[i], i);
        if (vm->alone_time == 0 || here == 0)
            continue;
        double progress = (double)vm->alone_time / (double)here;
        vm->ratios.progress = progress;
        vm->ratios.slowdown = 1 / progress;
        sum += progress;
        squares += progress * progress;
        slow += 1 / progress;
        least = n == 0 ? progress : MIN(least, progress);
        most = MAX(most, progress);
        n++;
    }
    if (n == 0)
        return;
    t->stp = sum;
    t->antt = stuck ? 0 : slow / n;
    t->harmonic = stuck ? 0 : n / slow;
    t->jain = sum * sum / ((n + stuck) * squares);
    t->min_max = stuck ? 0 : least / most;
    run_metrics_entitled(result);
}

/* ---- metrics by name ---------------------------------------------------------------------------------------------- */

const char *const run_metric_keys[RUN_N_METRICS] = {
    [RUN_STP] = "stp", [RUN_ANTT] = "antt", [RUN_HARMONIC] = "harmonic_speedup", [RUN_JAIN] = "jain",
    [RUN_MIN_MAX] = "min_max_fairness", [RUN_ENTITLED_JAIN] = "entitled_jain", [RUN_ENTITLED_MIN_MAX] = "entitled_min_max_fairness",
    [RUN_PROGRESS] = "normalised_progress", [RUN_SLOWDOWN] = "slowdown", [RUN_ENTITLED_SLOWDOWN] = "entitled_slowdown", [RUN_STEAL] = "steal",
    [RUN_INSTRUCTIONS] = "instructions", [RUN_CYCLES] = "cycles", [RUN_IPC] = "ipc",
    [RUN_L1D_MPKI] = "l1d_mpki", [RUN_L1I_MPKI] = "l1i_mpki", [RUN_L2_MPKI] = "l2_mpki", [RUN_LLC_MPKI] = "llc_mpki",
    [RUN_BRANCH_MPKI] = "branch_mpki", [RUN_DTLB_MPKI] = "dtlb_mpki",
    [RUN_RUNNING] = "running_ps", [RUN_RUNNABLE] = "runnable_ps", [RUN_BLOCKED] = "blocked_ps",
    [RUN_WAKES] = "wakes", [RUN_WAKE_P50] = "wake_latency_p50_ps", [RUN_WAKE_P90] = "wake_latency_p90_ps", [RUN_WAKE_P99] = "wake_latency_p99_ps",
    [RUN_SWITCHES] = "switches", [RUN_QUANTA_CHANGED] = "quanta_changed",
};

static run_metric_value whole(uint64_t count)
{
    return (run_metric_value){true, true, count, (double)count};
}

static run_metric_value decimal(double value, bool known)
{
    return (run_metric_value){known, false, 0, value};
}

static run_metric_value of_ratios(const run_ratios *r, run_metric metric)
{
    switch (metric) {
    case RUN_PROGRESS: return decimal(r->progress, r->progress > 0);
    case RUN_SLOWDOWN: return decimal(r->slowdown, r->slowdown > 0);
    case RUN_ENTITLED_SLOWDOWN: return decimal(r->entitled_slowdown, r->entitled_slowdown > 0);
    case RUN_STEAL: return decimal(r->steal, true);
    case RUN_IPC: return decimal(r->ipc, true);
    case RUN_L1D_MPKI: return decimal(r->l1d_mpki, true);
    case RUN_L1I_MPKI: return decimal(r->l1i_mpki, true);
    case RUN_L2_MPKI: return decimal(r->l2_mpki, true);
    case RUN_LLC_MPKI: return decimal(r->llc_mpki, true);
    case RUN_BRANCH_MPKI: return decimal(r->branch_mpki, true);
    case RUN_DTLB_MPKI: return decimal(r->dtlb_mpki, true);
    default: return (run_metric_value){0};
    }
}

run_metric_value run_metric_of_vm(const run_vm_result *vm, run_metric metric)
{
    switch (metric) {
    case RUN_INSTRUCTIONS: return whole(vm->ev[SIM_EV_INSTRUCTIONS]);
    case RUN_CYCLES: return whole(vm->ev[SIM_EV_CYCLES]);
    case RUN_RUNNING: return whole(vm->in_state[VMM_RUNNING]);
    case RUN_RUNNABLE: return whole(vm->in_state[VMM_RUNNABLE]);
    case RUN_BLOCKED: return whole(vm->in_state[VMM_BLOCKED]);
    case RUN_WAKES: return whole(vm->wakes);
    case RUN_WAKE_P50: return whole(vm->wake_p50);
    case RUN_WAKE_P90: return whole(vm->wake_p90);
    case RUN_WAKE_P99: return whole(vm->wake_p99);
    case RUN_SWITCHES: return whole(vm->dispatches);
    case RUN_QUANTA_CHANGED: return whole(vm->quanta_extended + vm->quanta_ended_early);
    default: return of_ratios(&vm->ratios, metric);
    }
}

run_metric_value run_metric_of_run(const run_result *r, run_metric metric)
{
    const run_totals *t = &r->totals;
    switch (metric) {
    case RUN_STP: return decimal(t->stp, t->stp > 0);
    case RUN_ANTT: return decimal(t->antt, t->antt > 0);
    case RUN_HARMONIC: return decimal(t->harmonic, t->stp > 0);
    case RUN_JAIN: return decimal(t->jain, t->stp > 0);
    case RUN_MIN_MAX: return decimal(t->min_max, t->stp > 0);
    case RUN_ENTITLED_JAIN: return decimal(t->entitled_jain, t->entitled_jain > 0);
    case RUN_ENTITLED_MIN_MAX: return decimal(t->entitled_min_max, t->entitled_jain > 0);
    case RUN_PROGRESS:
    case RUN_ENTITLED_SLOWDOWN:
    case RUN_SLOWDOWN: return (run_metric_value){0};
    case RUN_INSTRUCTIONS: return whole(t->instructions);
    case RUN_CYCLES: return whole(t->cycles);
    case RUN_RUNNING: return whole(t->running);
    case RUN_RUNNABLE: return whole(t->runnable);
    case RUN_BLOCKED: return whole(t->blocked);
    case RUN_WAKES: return whole(t->wakes);
    case RUN_WAKE_P50: return whole(t->wake_p50);
    case RUN_WAKE_P90: return whole(t->wake_p90);
    case RUN_WAKE_P99: return whole(t->wake_p99);
    case RUN_SWITCHES: return whole(t->switches);
    case RUN_QUANTA_CHANGED: return whole(t->quanta_changed);
    default: return of_ratios(&t->ratios, metric);
    }
}

bool run_metric_ratio(run_metric_value value, run_metric_value reference, double *ratio)
{
    if (!value.known || !reference.known || (reference.value == 0 && value.value != 0))
        return false;
    *ratio = reference.value == 0 ? 1 : value.value / reference.value;
    return true;
}
