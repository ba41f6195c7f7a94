/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the parts of the policy emon-quantum share: its parameters, and what it knows of each vCPU. */
#pragma once

#include "emon-ledger.h"
#include "emon-outcome.h"
#include "emon-triggers.h"
#include "vmm-runqueue.h"

#include <glib.h>

/* Numbers of the parameters: emon-params.c has names, defaults and bounds. */
enum {
    P_MIN, P_MAX, P_CACHE_FLUSHED, P_TIGHT_LOOP, P_LOOP_END, P_L1_TRAVERSED, P_STALLED, P_PREDICTION, P_PROFILE, P_TASK_HISTORY, P_DONATION, P_REPAY,
    P_LASTING, P_TASK_MOVE, P_TASK_TIME, P_MAX_DEBT, P_MIN_GAIN, P_CONFIRM, P_SLACK, P_HOLD, P_FLUSH_DIRTY, P_FLUSH_LEFT, P_LOOP_SAMPLES,
    P_LOOP_ITERATIONS, P_LOOP_BODY, P_LOOP_BTB, P_LOOP_L1I, P_LOOP_L1D, P_L1_FULL, P_L1_MPKI, P_STALL_SHARE, P_COMPUTE_SHARE, P_COLD_MPKI,
    P_PREDICT_WARM, P_PROFILE_QUANTA, P_PROFILE_LOSS, P_PROFILE_STEP, P_TASK_SAMPLES, P_TASK_MARGIN, EMON_N_PARAMS
};
extern const vmm_param emon_params[EMON_N_PARAMS];
bool emon_params_check(const vmm_param_value *values, char *message, size_t size);
emon_thresholds emon_params_thresholds(const vmm_param_value *values);

/* How a quantum that ended early is paid for. */
typedef enum {
    CUT_NONE,
    CUT_SHARED, /* by all who wait: each had an equal part of the time */
    CUT_HEIR,   /* by the one that runs next for so much longer */
} emon_cut;

typedef enum { DUE_NOTHING, DUE_FLUSHED, DUE_COLD } emon_due;

/* Of the stays of a vCPU: what getting warm costs it. */
typedef struct {
    uint64_t first_insns, first_cycles, rest_insns, rest_cycles; /* of this stay: its first sample; the others */
    uint32_t samples;       /* of this stay */
    uint64_t loss;          /* picoseconds lost by a switch: decaying mean, each stay weighing 1/8 */
    uint32_t stays;         /* that told of it, since the last change */
    sim_ps once;            /* at each event: the next quantum; 0: as assigned */
    const char *once_reason;
} emon_habit;

typedef struct {
    emon_tracker tracker;
    emon_findings found;    /* in the last sample ... */
    uint64_t evaluated;     /* ... which was the profile's sample number `evaluated`, from 1 */
    sim_ps assigned;        /* quantum at power-on: bounds are thousandths of it */
    sim_ps extension;       /* of this quantum */
    uint64_t extension_decision;
    sim_ps bonus;           /* this quantum, or while it waits the next, is so much longer ... */
    uint32_t bonus_from;    /* ... at this vCPU's cost; VMM_VCPU_NONE: at that of all who wait */
    sim_ps cut;             /* this quantum is so much shorter */
    emon_cut cut_kind;
    uint32_t cut_to;
    bool cut_last;          /* its last one was */
    emon_due due;           /* is to end early, once `min` allows it */
    int direction;          /* of its changes of late, 1 longer, -1 shorter ... */
    uint32_t since;         /* ... since so many quanta */
    emon_habit habit;
    sim_ps taken, given;    /* all together */
} emon_vcpu;

/* A kind of tasks. */
typedef struct {
    uint32_t kind;
    GArray *vcpus;          /* of uint32_t: those that have ended some */
    uint32_t best;          /* of them, the one with the least mean time of enough tasks; VMM_VCPU_NONE: too few are known */
} emon_kind;

typedef struct {
    vmm_host *h;
    const vmm_services *services;
    vmm_param_value p[EMON_N_PARAMS];
    emon_thresholds limits;
    emon_ledger *ledger;
    emon_outcomes *outcomes;
    vmm_runqueue *queue;    /* in order of arrival */
    vmm_runqueue *owed;     /* the same vCPUs, the one with most to its credit when it began to wait first */
    vmm_runqueue *busy;     /* the same, the one that waits least for memory first */
    emon_vcpu *vcpus;
    uint32_t *next;         /* [pCPU]: vCPU that is to be paid back next, or VMM_VCPU_NONE */
    uint32_t n_vcpus;
    GArray *kinds;          /* of emon_kind */
} emon_quantum;

/* A bound of the quantum, P_MIN or P_MAX, as time. */
sim_ps emon_scaled(const emon_quantum *e, uint32_t vcpu, unsigned param);

/* emon-profile.c: what the vCPU's stays tell of the cost of switches; changes of its quantum that last, or are made for the next one */
void emon_profile_sample(emon_quantum *e, uint32_t vcpu, const vmm_smu_sample *sample);
void emon_profile_stay_over(emon_quantum *e, uint32_t vcpu);
/* A step up or down, within the bounds; `why` has reason and evidence. */
void emon_profile_step(emon_quantum *e, uint32_t vcpu, bool up, const vmm_decision *why);

/* emon-tasks.c: who does tasks of a kind better */
void emon_tasks_ended(emon_quantum *e, uint32_t vcpu, uint32_t kind, sim_ps span);
void emon_tasks_free(emon_quantum *e);
