/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The state management unit: monitors the processors and gathers what it sees into profiles of each vCPU and each pCPU (vmm-sample.h), on which
 * a policy's `evaluate` decides: the loop of US 7,415,708, Figure 5. In three kinds ([0050], [0054]); docs/smu.md says what each costs.
 *
 *   software   a timer's VM-exit at each period; EMON registers and the state view are read, each at the cost of a register. What is seen between two
 *              samples is stale, and counts the VMM's own work along with the guest's: registers are not switched with the vCPU. Where a pCPU has fewer
 *              counters than events are wanted, they take turns, one group a sample, and a rate stays what it was until its turn comes again
 *   hardware   a unit beside the processor: it counts all events of the guest alone, evaluates at its own period without the processor's help, and
 *              makes a VM-exit only when the verdict is not VMM_KEEP
 *   hybrid     counters are armed, and their overflow interrupts raise the evaluation; between interrupts nothing is read, but that a switch to
 *              another vCPU saves the counters and loads the other's (a register access each), so that what is counted is the vCPU's own */
#pragma once

#include "sim-emon.h"
#include "vmm-sample.h"

#include <stdbool.h>

typedef enum { VMM_SMU_SOFTWARE, VMM_SMU_HARDWARE, VMM_SMU_HYBRID, VMM_N_SMU_KINDS } vmm_smu_kind;
extern const char *const vmm_smu_names[VMM_N_SMU_KINDS + 1]; /* ended by NULL */

/* Default periods. 100us: ten samples in a quantum of 1 ms, the patent's example [0061]; 10us: a hundred. Estimates: no source says how often. */
#define VMM_SMU_PERIOD (100 * SIM_PS_PER_US)
#define VMM_SMU_HARDWARE_PERIOD (10 * SIM_PS_PER_US)
#define VMM_SMU_PERIOD_MIN SIM_PS_PER_US

/* How often an armed event comes per 1,000,000 instructions when it overflows once in a period at one instruction per cycle; 0: it is counted, but
 * never interrupts. */
typedef struct {
    enum sim_emon_event event;
    uint64_t per_million;
} vmm_smu_rate;

/* Estimates, both: 10 misses per 1,000 instructions are what a guest with a working set beyond its cache has; and a tenth of the periods of `software` for
 * a guest to which nothing else happens. Events that are plain work (loads, branches and so on) are 0. */
#define VMM_SMU_RATE 10000u
#define VMM_SMU_RATE_INSNS 10000000u

/* All zero: software at its default period. */
typedef struct {
    vmm_smu_kind kind;
    sim_ps period;              /* 0: the kind's default */
    const vmm_smu_rate *rates;  /* hybrid: of events that have another rate than the default. Copied */
    unsigned n_rates;
} vmm_smu_config;

/* What the unit did in a run. */
typedef struct {
    bool watched;               /* the policy asked for it; else all is 0 */
    vmm_smu_kind kind;
    sim_ps period;
    uint64_t samples;
    uint64_t accesses;          /* register reads and writes; a state view is VMM_VIEW_READS of them */
    uint64_t exits;             /* VM-exits that it made */
    sim_ps time;                /* processors' time that they all took, from VM-exit to VM-entry where nothing else came of it */
    unsigned n_events;
    int events[VMM_SMU_EVENTS]; /* that the policy watches */
    /* Hybrid: after how many the first pCPU's counters interrupt, by event; 0: never (not armed, or no counter is left). */
    uint64_t armed[VMM_SMU_EVENTS], armed_insns;
} vmm_smu_stats;
