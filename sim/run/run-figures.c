/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "run-figures.h"

#include "run-metrics.h"
#include "sim-error.h"

#include <string.h>

enum { NEITHER = RUN_BETTER_NEITHER, HIGHER = RUN_BETTER_HIGHER, LOWER = RUN_BETTER_LOWER };

/* X(identifier, name, unit, better, of a run, of a VM, help) */
#define METRICS(X)                                                                                                                                    \
    X(RUN_STP, "stp", RATIO, HIGHER, 1, 0, "system throughput: sum of normalised progress")                                                           \
    X(RUN_ANTT, "antt", RATIO, LOWER, 1, 0, "average normalised turnaround time: mean slowdown")                                                      \
    X(RUN_HARMONIC, "harmonic_speedup", RATIO, HIGHER, 1, 0, "harmonic mean of normalised progress")                                                  \
    X(RUN_JAIN, "jain", RATIO, HIGHER, 1, 0, "Jain's fairness index of normalised progress")                                                          \
    X(RUN_MIN_MAX, "min_max_fairness", RATIO, HIGHER, 1, 0, "least normalised progress over the greatest")                                            \
    X(RUN_ENTITLED_JAIN, "entitled_jain", RATIO, HIGHER, 1, 0, "Jain's index of progress over entitlement")                                           \
    X(RUN_ENTITLED_MIN_MAX, "entitled_min_max_fairness", RATIO, HIGHER, 1, 0, "least progress over entitlement over the greatest")                    \
    X(RUN_PROGRESS, "normalised_progress", RATIO, HIGHER, 0, 1, "time alone over time here for the same instructions")                                \
    X(RUN_SLOWDOWN, "slowdown", RATIO, LOWER, 0, 1, "time here over time alone")                                                                      \
    X(RUN_ENTITLED_SLOWDOWN, "entitled_slowdown", RATIO, LOWER, 0, 1, "slowdown over what the weights entitle to")                                    \
    X(RUN_INSTRUCTIONS, "instructions", COUNT, HIGHER, 1, 1, "retired")                                                                               \
    X(RUN_CYCLES, "cycles", COUNT, NEITHER, 1, 1, "of logical processors")                                                                            \
    X(RUN_IPC, "ipc", RATIO, HIGHER, 1, 1, "instructions per cycle")                                                                                  \
    X(RUN_L1D_MPKI, "l1d_mpki", RATIO, LOWER, 1, 1, "L1D misses per 1,000 instructions")                                                              \
    X(RUN_L1I_MPKI, "l1i_mpki", RATIO, LOWER, 1, 1, "L1I misses per 1,000 instructions")                                                              \
    X(RUN_L2_MPKI, "l2_mpki", RATIO, LOWER, 1, 1, "L2 misses per 1,000 instructions")                                                                 \
    X(RUN_LLC_MPKI, "llc_mpki", RATIO, LOWER, 1, 1, "last-level cache misses per 1,000 instructions")                                                 \
    X(RUN_BRANCH_MPKI, "branch_mpki", RATIO, LOWER, 1, 1, "mispredictions per 1,000 instructions")                                                    \
    X(RUN_DTLB_MPKI, "dtlb_mpki", RATIO, LOWER, 1, 1, "data TLB misses per 1,000 instructions")                                                       \
    X(RUN_STEAL, "steal", RATIO, LOWER, 1, 1, "part of the time in which it could have run that it waited")                                           \
    X(RUN_RUNNING, "running", PS, NEITHER, 1, 1, "time on a logical processor")                                                                       \
    X(RUN_RUNNABLE, "runnable", PS, LOWER, 1, 1, "time in which it waited for one")                                                                   \
    X(RUN_BLOCKED, "blocked", PS, NEITHER, 1, 1, "time in which it waited for a device, a timer or work")                                             \
    X(RUN_WAKES, "wakes", COUNT, NEITHER, 1, 1, "wake-ups")                                                                                           \
    X(RUN_WAKE_P50, "wake_p50", PS, LOWER, 1, 1, "wake-up to first instruction, median")                                                              \
    X(RUN_WAKE_P90, "wake_p90", PS, LOWER, 1, 1, "... 90th percentile")                                                                               \
    X(RUN_WAKE_P99, "wake_p99", PS, LOWER, 1, 1, "... 99th percentile")                                                                               \
    X(RUN_SWITCHES, "switches", COUNT, LOWER, 1, 1, "times a vCPU was put on from another or idle")                                                   \
    X(RUN_QUANTA_CHANGED, "quanta_changed", COUNT, NEITHER, 1, 1, "quanta that were lengthened or ended early")

/* X(identifier, name, unit, better, of a run, known where, value of a VM `v`, help): figures that are no metric of results */
#define OF_VMS(X)                                                                                                                                     \
    X(WAKE_MAX, "wake_max", PS, LOWER, v->wakes, v->wake_max, "longest time from a wake-up to the first instruction")                                 \
    X(WAKE_MEAN, "wake_mean", PS, LOWER, v->wakes, v->wake_mean, "mean time from a wake-up to the first instruction")                                 \
    X(TASKS, "tasks", COUNT, HIGHER, true, v->tasks, "tasks that ended")                                                                              \
    X(TASK_P50, "task_p50", PS, LOWER, v->tasks, v->task_p50, "a task's time from begin to end, median")                                              \
    X(TASK_P99, "task_p99", PS, LOWER, v->tasks, v->task_p99, "... 99th percentile")                                                                  \
    X(MIGRATIONS, "migrations", COUNT, LOWER, true, v->migrations, "moves to another logical processor")                                              \
    X(PREEMPTIONS, "preemptions", COUNT, NEITHER, true, v->preemptions, "times that another vCPU followed though it could have gone on")              \
    X(VMM_TIME, "vmm", PS, LOWER, true, v->work_time, "time of the VMM's work on its behalf")                                                         \
    X(TAKEN, "taken", PS, LOWER, v->times_taken, v->taken, "time in which a host OS or an outer VMM took its processor away")                         \
    X(OUTER_TIME, "outer", PS, LOWER, v->outer_exits, v->outer_time, "time of exits to an outer VMM on its behalf")                                   \
    X(ENDED_AT, "ended_at", PS, LOWER, v->ended, v->ended_at, "when the guest ended")

typedef enum {
#define X(id, ...) METRIC_##id,
    METRICS(X)
#undef X
        N_METRICS,
#define X(id, ...) VM_##id,
    FIRST_OF_VMS = N_METRICS - 1,
    OF_VMS(X)
#undef X
        FIRST_EVENT
} figure_number;

enum { N_KINDS = FIRST_EVENT + SIM_EV_COUNT };

const run_figure_kind run_figure_kinds[N_KINDS] = {
#define X(id, name, unit, better, of_run, of_vm, help) [METRIC_##id] = {name, RUN_UNIT_##unit, (run_better)better, of_run, of_vm, help},
    METRICS(X)
#undef X
#define X(id, name, unit, better, known, value, help) [VM_##id] = {name, RUN_UNIT_##unit, (run_better)better, false, true, help},
        OF_VMS(X)
#undef X
#define X(id, name, raw, unit, help) [FIRST_EVENT + SIM_EV_##id] = {name, RUN_UNIT_COUNT, RUN_BETTER_NEITHER, true, true, help},
            SIM_EMON_EVENTS(X)
#undef X
};

static const run_metric metric_of[N_METRICS] = {
#define X(id, ...) [METRIC_##id] = id,
    METRICS(X)
#undef X
};

unsigned run_figure_count(void)
{
    return N_KINDS;
}

/* Events that are metrics by the same name are told once. */
static bool is_shadowed(unsigned kind)
{
    return kind == (unsigned)FIRST_EVENT + SIM_EV_INSTRUCTIONS || kind == (unsigned)FIRST_EVENT + SIM_EV_CYCLES;
}

static bool own_figure(const run_vm_result *v, unsigned kind, double *value)
{
    switch ((figure_number)kind) {
#define X(id, name, unit, better, known, figure, help) \
    case VM_##id:                                      \
        *value = (double)(figure);                     \
        return known;
        OF_VMS(X)
#undef X
    default: return false;
    }
}

static bool wake_figure_unknown(run_metric m, uint64_t wakes)
{
    return (m == RUN_WAKE_P50 || m == RUN_WAKE_P90 || m == RUN_WAKE_P99) && !wakes;
}

static bool value_of_vm(const run_vm_result *v, unsigned kind, double *value)
{
    if (kind >= FIRST_EVENT) {
        *value = (double)v->ev[kind - FIRST_EVENT];
        return true;
    }
    if (kind >= N_METRICS)
        return own_figure(v, kind, value);
    run_metric_value m = run_metric_of_vm(v, metric_of[kind]);
    *value = m.value;
    return m.known && !wake_figure_unknown(metric_of[kind], v->wakes);
}

static bool value_of_run(const run_result *r, unsigned kind, double *value)
{
    *value = 0;
    if (kind >= FIRST_EVENT) {
        for (guint i = 0; i < r->vms->len; i++)
            *value += (double)((const run_vm_result *)g_ptr_array_index(r->vms, i))->ev[kind - FIRST_EVENT];
        return true;
    }
    run_metric_value m = run_metric_of_run(r, metric_of[kind]);
    *value = m.value;
    return m.known && !wake_figure_unknown(metric_of[kind], r->totals.wakes);
}

static bool find_kind(const char *name, bool of_vm, unsigned *kind)
{
    for (unsigned i = 0; i < N_KINDS; i++) {
        if (!(of_vm ? run_figure_kinds[i].of_vm : run_figure_kinds[i].of_run) || strcmp(run_figure_kinds[i].name, name) != 0)
            continue;
        *kind = i;
        return true;
    }
    return false;
}

static bool no_kind(const char *name, const char *word, bool of_vm, GError **error)
{
    g_autofree const char **names = g_new0(const char *, N_KINDS + 1);
    unsigned n = 0;
    for (unsigned i = 0; i < N_KINDS; i++)
        if (of_vm ? run_figure_kinds[i].of_vm : run_figure_kinds[i].of_run)
            names[n++] = run_figure_kinds[i].name;
    g_autofree char *hint = sim_suggest(word, names);
    g_set_error(error, SIM_ERROR, SIM_ERROR_INPUT, "there is no figure '%s'%s", name, hint);
    return false;
}

/* The VM whose name `rest` begins with, the longest such, and what follows the dot behind it. */
static const run_vm_result *find_vm(const run_result *r, const char *rest, const char **word)
{
    const run_vm_result *best = NULL;
    size_t most = 0;
    for (guint i = 0; i < r->vms->len; i++) {
        const run_vm_result *v = g_ptr_array_index(r->vms, i);
        size_t n = strlen(v->name);
        if (n > most && strncmp(rest, v->name, n) == 0 && rest[n] == '.') {
            best = v;
            most = n;
        }
    }
    if (best)
        *word = rest + most + 1;
    return best;
}

static bool no_vm(const run_result *r, const char *name, const char *rest, GError **error)
{
    g_autofree const char **names = g_new0(const char *, r->vms->len + 1);
    for (guint i = 0; i < r->vms->len; i++)
        names[i] = ((const run_vm_result *)g_ptr_array_index(r->vms, i))->name;
    g_autofree char *word = g_strndup(rest, strcspn(rest, ".")), *hint = sim_suggest(word, names);
    g_set_error(error, SIM_ERROR, SIM_ERROR_INPUT, "there is no VM '%s' for the figure '%s'%s", word, name, hint);
    return false;
}

bool run_figure(const run_result *r, const char *name, double *value, const run_figure_kind **kind, bool *known, GError **error)
{
    unsigned number;
    bool of_vm = g_str_has_prefix(name, "vm.");
    const char *word = name;
    const run_vm_result *v = of_vm ? find_vm(r, name + strlen("vm."), &word) : NULL;
    if (of_vm && !v)
        return no_vm(r, name, name + strlen("vm."), error);
    if (!find_kind(word, of_vm, &number))
        return no_kind(name, word, of_vm, error);
    *known = v ? value_of_vm(v, number, value) : value_of_run(r, number, value);
    if (kind)
        *kind = &run_figure_kinds[number];
    return true;
}

void run_figures_each(const run_result *r, void (*fn)(void *user, const char *name, const run_figure_kind *kind, double value), void *user)
{
    double value;
    for (unsigned i = 0; i < N_KINDS; i++)
        if (run_figure_kinds[i].of_run && !is_shadowed(i) && value_of_run(r, i, &value))
            fn(user, run_figure_kinds[i].name, &run_figure_kinds[i], value);
    for (guint n = 0; n < r->vms->len; n++) {
        const run_vm_result *v = g_ptr_array_index(r->vms, n);
        for (unsigned i = 0; i < N_KINDS; i++) {
            if (!run_figure_kinds[i].of_vm || is_shadowed(i) || !value_of_vm(v, i, &value))
                continue;
            g_autofree char *name = g_strdup_printf("vm.%s.%s", v->name, run_figure_kinds[i].name);
            fn(user, name, &run_figure_kinds[i], value);
        }
    }
}
