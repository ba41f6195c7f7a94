/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Looking on while a VMM runs: for timelines, time series, reports. Nothing here changes what the VMM does; without an observer nothing is spent. */
#pragma once

#include "vmm-policy.h"

typedef struct vmm vmm;

/* ---- what happens, as it happens -------------------------------------------------------------------------------- */

typedef enum {
    VMM_SEEN_ON,      /* the vCPU is on line and runnable: power-on */
    VMM_SEEN_BEGIN,   /* a slice begins: the pCPU works for the vCPU from now on. `other` is the pCPU where it ran before, or VMM_PCPU_NONE */
    VMM_SEEN_END,     /* the slice is over, for the reason `why` */
    VMM_SEEN_RAN,     /* the first instruction of the vCPU since it woke; `span` is how long that took */
    VMM_SEEN_IDLE,    /* the pCPU has found nobody to run. `vcpu` is VMM_VCPU_NONE */
    VMM_SEEN_WAKE,    /* the vCPU wakes. `other` is the pCPU where it is to run; VMM_PCPU_NONE: where it halts, without having left */
    VMM_SEEN_OFF,     /* a vCPU that did not run is off line for good */
    VMM_SEEN_DECIDED, /* a decision has been recorded: `decision`, its number `number`, and the evidence beyond its own pairs. `vcpu` as in IDLE */
    VMM_SEEN_KINDS
} vmm_seen;

/* Why a slice ended. */
typedef enum {
    VMM_SLICE_QUANTUM,   /* as vmm_off_reason: the quantum was used up, */
    VMM_SLICE_ENDED,     /* ended early by the policy, */
    VMM_SLICE_PREEMPTED,
    VMM_SLICE_YIELDED,
    VMM_SLICE_BLOCKED,   /* the vCPU sleeps or waits for its disk */
    VMM_SLICE_OFF,       /* it is off line for good */
    VMM_SLICE_TAKEN,     /* the layer below took the pCPU; another slice begins when it gives it back */
    VMM_SLICE_ENDS
} vmm_slice_end;
extern const char *const vmm_slice_end_names[VMM_SLICE_ENDS];

/* Times are local to the pCPU and may be past the machine's present, never before it: what is told later may have happened earlier on another pCPU. What
 * lies past the end of the run did not happen, but for decisions. Pointers live until the call returns; all names are static. */
typedef struct {
    vmm_seen kind;
    vmm_slice_end why;
    uint32_t vcpu, pcpu, other;
    sim_ps at, span;
    uint64_t number;
    const vmm_decision *decision;
    const struct vmm_fact *more;
    unsigned n_more;
} vmm_sight;

/* vmm_config.observe. Must not call the VMM. */
typedef void (*vmm_observe_fn)(void *user, const vmm_sight *sight);

/* ---- what a VM is doing ----------------------------------------------------------------------------------------- */

/* Its times in the four states from the beginning to `at`, which must not be far in the past: a pCPU's local time may be past the machine's present, and
 * the latest changes of state can be taken back. After vmm_finish: those of the whole run. */
void vmm_states_at(const vmm *v, unsigned vm, sim_ps at, sim_ps in_state[VMM_N_STATES]);
/* The quantum of its present slice, as it is by now; else of the latest slice; else the pre-assigned one. */
sim_ps vmm_quantum_of(const vmm *v, unsigned vm);
