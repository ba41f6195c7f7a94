/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Metrics of runs; definitions and sources in docs/metrics.md. */
#pragma once

#include "run-result.h"

/* Nearest-rank percentiles of an array of uint64_t picoseconds (NULL or empty: 0). Sorts the array. */
void run_metrics_latencies(GArray *latencies, sim_ps *p50, sim_ps *p99, sim_ps *max);
/* The nearest-rank percentile of a sorted array of uint64_t; NULL or empty: 0. */
sim_ps run_metrics_percentile(const GArray *sorted, unsigned percent);
sim_ps run_metrics_mean(const GArray *latencies);
/* What weights entitle VMs to, in logical processors (run-entitled.c): `n_lps` of them are shared out in proportion to weight, to each at most one for each
 * of its vCPUs; what that leaves over, among the others. A weight of 0: nothing. */
void run_metrics_entitle(const uint32_t *weights, unsigned n, unsigned n_lps, double *entitled);
/* Entitlements, entitled slowdowns and their fairness, of a result whose progress is known. */
void run_metrics_entitled(run_result *result);
/* Fills tasks, task_p50, task_p99 and task_sum from vmm_task_time entries (or NULL). */
void run_metrics_tasks(const GArray *tasks, run_vm_result *vm);
/* IPC and misses per 1,000 instructions. */
void run_metrics_ratios(const uint64_t ev[SIM_EV_COUNT], run_ratios *ratios);
/* What part of the time in which it could have run it waited for a processor. */
double run_metrics_steal(sim_ps running, sim_ps runnable);
/* Sums over the VMs. */
void run_metrics_totals(run_result *result);
/* Simulated time since `start` at which a curve reaches `insns`: linear between its points, with the time that the guest
 * was blocked between two of them at the first one; beyond its end the last point's. 0: no curve. */
sim_ps run_metrics_time_at(const GArray *curve, sim_ps start, uint64_t insns);
/* Normalised progress of every VM against its run alone (a result with one VM, and the curve of VM i in curves[i]; or
 * NULL), then STP, ANTT, harmonic speed-up, Jain's index, min/max, and the same by entitlement. */
void run_metrics_against_alone(run_result *result, run_result *const *alone);

/* ---- metrics by name, for reports -------------------------------------------------------------------------------- */

typedef enum {
    RUN_STP, RUN_ANTT, RUN_HARMONIC, RUN_JAIN, RUN_MIN_MAX, RUN_ENTITLED_JAIN, RUN_ENTITLED_MIN_MAX, /* of a run only */
    RUN_PROGRESS, RUN_SLOWDOWN, RUN_ENTITLED_SLOWDOWN,     /* of a VM only */
    RUN_INSTRUCTIONS, RUN_CYCLES, RUN_IPC, RUN_L1D_MPKI, RUN_L1I_MPKI, RUN_L2_MPKI, RUN_LLC_MPKI, RUN_BRANCH_MPKI, RUN_DTLB_MPKI, RUN_STEAL,
    RUN_RUNNING, RUN_RUNNABLE, RUN_BLOCKED, RUN_WAKES, RUN_WAKE_P50, RUN_WAKE_P90, RUN_WAKE_P99, RUN_SWITCHES, RUN_QUANTA_CHANGED,
    RUN_N_METRICS
} run_metric;

extern const char *const run_metric_keys[RUN_N_METRICS]; /* in JSON */

typedef struct {
    bool known;
    bool whole;     /* `count` is it; else `value` is all there is */
    uint64_t count;
    double value;   /* always filled in */
} run_metric_value;

run_metric_value run_metric_of_vm(const run_vm_result *vm, run_metric metric);
run_metric_value run_metric_of_run(const run_result *result, run_metric metric);
/* value / reference; 1 when both are 0. False: not defined. */
bool run_metric_ratio(run_metric_value value, run_metric_value reference, double *ratio);
