/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the state management unit gathers, as policies see it: samples, and profiles of vCPUs, pCPUs and tasks. Part of the policies' ABI: fields are
 * added at the ends alone. */
#pragma once

#include "sim-types.h"
#include "vmm-view.h"

#include <stdint.h>

#define VMM_SMU_EVENTS 8
#define VMM_SMU_RING 16

/* One interval between two readings. Rates are per million instructions. */
typedef struct {
    sim_ps at;            /* of the later reading */
    uint64_t insns, cycles;
    uint32_t fresh;       /* bit per event: counted in this interval */
    uint64_t count[VMM_SMU_EVENTS]; /* 0 unless fresh */
    uint64_t rate[VMM_SMU_EVENTS];  /* last one known; UINT64_MAX: none yet */
    vmm_view view;        /* at the later reading ... */
    uint32_t dirty_before; /* ... and at the earlier one: dirty L1D lines, */
    uint64_t flushes, fills, writebacks, loop_exits; /* ... and what was added since (fills, write-backs: L1D) */
} vmm_smu_sample;

typedef struct {
    vmm_smu_sample ring[VMM_SMU_RING]; /* the sample number i in ring[i % VMM_SMU_RING] */
    uint64_t n;                        /* samples since power-on */
    uint64_t insns, cycles;            /* since power-on, of all samples */
    /* Decaying averages, each sample weighing 1/8. */
    uint64_t mean_ipc_permille, mean_btb_permille, mean_rate[VMM_SMU_EVENTS];
    uint64_t earlier;                  /* of n: samples of earlier runs (--profile-in), whose `at` is 0 */
} vmm_smu_profile;

/* What tasks of a kind cost a VM (the guests' task markers). */
typedef struct {
    uint64_t n;                 /* that ended, since power-on (of earlier runs too, with --profile-in) */
    sim_ps last, total;         /* begin to end */
    sim_ps mean;                /* decaying, each task weighing 1/8 */
    uint64_t insns;             /* executed in them, all together; 0: not known */
} vmm_task_profile;
