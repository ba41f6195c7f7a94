/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The result of one run, and of a comparison: plain data that owns everything it points to. */
#pragma once

#include "sim-emon.h"
#include "sim-types.h"
#include "vmm.h"

#include <glib.h>

typedef struct {
    uint32_t nr;
    uint64_t count;
} run_missing_call;

/* A figure told of decisions: their evidence, or what came of them. */
typedef struct {
    const char *name; /* static */
    bool outcome;
    uint64_t count;
    int64_t min, max;
    __int128 sum;
} run_reason_fact;

enum { RUN_REASON_FACTS = 24 };

/* How often a quantum was changed in which way and why, and from what to what, summed up. Texts are static (the policy's). */
typedef struct {
    const char *action, *reason;
    uint64_t count;
    sim_ps before, after;
    unsigned n_facts;
    run_reason_fact facts[RUN_REASON_FACTS]; /* in the order in which they were first told */
} run_reason;

/* Ratios of a VM's run that are derived, as decimals. */
typedef struct {
    double ipc, l1d_mpki, l1i_mpki, l2_mpki, llc_mpki, branch_mpki, dtlb_mpki;
    double progress;  /* normalised: time alone over time here for the same instructions; 0 when unknown */
    double slowdown;  /* 1 / progress; 0 when unknown */
    double entitled_slowdown; /* entitlement / progress; 0 when unknown */
    double steal;     /* of the time in which it could have run */
} run_ratios;

/* What switches cost the guests that came back (run-warm.h), in picoseconds; negative where others left the caches better than they were. */
typedef struct {
    uint64_t switches, insns; /* that were measured; executed in each of the two copies, all together */
    int64_t p50, p90, p99, max, sum;
} run_warm_up;

/* A point of a progress curve. */
typedef struct {
    sim_ps at;
    uint64_t insns;
    sim_ps blocked;   /* time spent blocked so far */
} run_point;

typedef struct {
    char *name, *workload, *program_sha256;
    char **argv;
    char **params;          /* of the policy for this VM, name, value, ..., NULL; or NULL: it has none */
    bool started, ended, faulted;
    bool stopped;           /* removed while it ran */
    uint32_t weight;
    double entitlement;     /* its weight's share, in logical processors; 0 when unknown */
    vmm_controls controls;
    vmm_vcpu_state state;   /* at the end of the run */
    int exit_status;
    uint64_t fault_address, fault_ip;
    char *fault_text;
    sim_ps started_at, ended_at;
    sim_ps reached_at;      /* when it had retired all its instructions: the end of the run, or when it ended or blocked for good */
    sim_ps in_state[VMM_N_STATES];
    sim_ps work_time;
    sim_ps taken, outer_time; /* by the layer below the VMM: see vmm_vm_stats */
    uint64_t times_taken, outer_exits;
    uint64_t ev[SIM_EV_COUNT];
    uint64_t exits[VMM_N_EXITS];
    sim_ps exit_time[VMM_N_EXITS], dispatch_time, halted;
    uint64_t switched_off[VMM_N_OFF_REASONS];
    uint64_t dispatches, preemptions, voluntary, migrations;
    uint64_t quanta_extended, quanta_ended_early, quanta_full;
    uint64_t wakes;
    sim_ps wake_p50, wake_p90, wake_p99, wake_max, wake_mean;
    GArray *wake_latency;   /* of uint64_t ps, sorted */
    uint64_t tasks;
    sim_ps task_p50, task_p99, task_sum;
    GArray *task_kinds;     /* run_task_kind (run-tasks.h), by kind; or NULL */
    GArray *reasons;        /* run_reason, most frequent first */
    GArray *figures;        /* vmm_figure: of the policy, about this VM */
    GArray *missing;        /* run_missing_call */
    bool time_dependent;
    bool replayed;          /* from a trace of an earlier execution */
    bool cut;               /* its trace ended before the guest did */
    unsigned salvaged;      /* chunks of its trace that were damaged and passed over */
    char *salvage_note;     /* what was wrong with the first of them, or NULL */
    uint64_t touched_bytes;
    char *out, *err;        /* captured; at most RUN_OUTPUT_KEPT bytes, but for a stdout that goes to a file */
    gsize out_len, err_len; /* kept */
    uint64_t out_total, err_total;
    sim_ps alone_time;      /* for the same instructions; 0 when unknown */
    run_ratios ratios;
    run_warm_up warm_up;
} run_vm_result;

enum { RUN_OUTPUT_KEPT = 65536, RUN_DECISIONS_KEPT = 1000 };

typedef struct {
    uint32_t id, core, package;
    char *kind;
    uint64_t hz;
    uint32_t l1i_lines, l1d_lines, l2_lines, llc_lines;
    uint64_t ev[SIM_EV_COUNT];
} run_lp_result;

typedef struct {
    double stp, antt, harmonic, jain, min_max; /* 0 when there is no run alone to compare with */
    double entitled_jain, entitled_min_max;    /* likewise, of progress over entitlement */
    uint64_t instructions, cycles;
    run_ratios ratios;
    uint64_t switches, quanta_changed;
    sim_ps running, runnable, blocked;
    uint64_t wakes;
    sim_ps wake_p50, wake_p90, wake_p99, wake_max; /* over the wake-ups of all VMs */
} run_totals;

typedef struct {
    char *scenario, *machine, *machine_description;
    char *policy;            /* or the variant's name ... */
    char *policy_used;       /* ... whose policy this is */
    vmm_smu_stats smu;
    vmm_profile *profile;    /* that the run left, if it was to be kept; or NULL */
    char *profile_digest;    /* of the file that it began with, or NULL */
    unsigned profile_known;  /* VMs that were in it */
    GPtrArray *profile_fallbacks; /* of char *: what did not fit */
    char *plugin_sha256;     /* of the shared object that the policy is in; NULL: built in */
    char **params;           /* name, value, ... as they held, NULL */
    uint64_t seed;
    sim_ps quantum;          /* default of the scenario */
    sim_ps duration, simulated;
    bool finished;           /* every VM ended before `duration` */
    GPtrArray *vms;          /* run_vm_result */
    GPtrArray *lps;          /* run_lp_result */
    bool strict;
    GArray *decisions;       /* vmm_decision: the first RUN_DECISIONS_KEPT */
    GArray *facts;           /* vmm_fact: told of `decisions` */
    GArray *reasons;         /* run_reason, over all VMs, most frequent first */
    uint64_t n_decisions;
    uint64_t bad_answers, starvations;
    char *bad_answer, *starvation; /* the first of each, or NULL */
    char *failure;           /* strict: why the run ended */
    char *digest;            /* SHA-256, hexadecimal */
    run_totals totals;
    uint64_t warm_up_insns;  /* over which switches were measured; 0: they were not */
    uint64_t warm_up_different; /* guests that came back and did not execute the same */
    run_warm_up warm_up;     /* of all VMs */
    GArray *unknown;         /* run_unknown, the most executed first; NULL: nobody asked */
    struct run_below_result *below; /* run-below.h; NULL: the VMM had the bare machine */
    struct run_series *series; /* run-series.h, or NULL: nobody asked */
    GArray **curves;         /* [n_vms] of run_point: progress, for runs alone */
} run_result;

/* An instruction that a kind of core has no table entry for. */
typedef struct {
    char *kind, *form;       /* of core; for example "pmulhuw xmm, m128" */
    uint64_t executions, blocks;
} run_unknown;

/* What it took to feed all runs of an experiment, those alone included. */
typedef struct {
    char *name;
    bool time_dependent;     /* the guest reads the clock: an execution per run */
    uint32_t executions;
    uint64_t instructions;   /* executed by the emulator, all executions together */
    sim_ps alone_time;       /* of the run alone, and ... */
    uint64_t alone_insns;    /* ... the instructions it retired in it */
} run_guest_work;

typedef struct {
    GPtrArray *runs;         /* run_result: round-robin first, then by name */
    GPtrArray *guests;       /* run_guest_work of every VM */
    char *digest;            /* SHA-256 over the runs' digests */
} run_comparison;

/* SHA-256 in hexadecimal over the schedule and the decisions of `v`, and all counters, states and outputs of the result. */
char *run_result_digest(const run_result *result, const vmm *v);
/* An empty result with its containers. */
run_result *run_result_new(void);
void run_result_free(run_result *result);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(run_result, run_result_free)
void run_comparison_free(run_comparison *comparison);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(run_comparison, run_comparison_free)
