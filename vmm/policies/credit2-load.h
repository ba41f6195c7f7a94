/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Load averages of credit2, and which vCPUs to move between two run queues: after xen/common/sched/credit2.c (update_runq_load, update_svc_load,
 * consider) of Xen 4.23-unstable. */
#pragma once

#include "vmm-policy.h"

/* One vCPU that can always run. */
#define CREDIT2_LOAD_ONE (INT64_C(1) << 18)

/* How many vCPUs can run, and the average of that over the time before: the newest stretch of length d counts d / window, what was before the rest. */
typedef struct {
    int64_t average; /* CREDIT2_LOAD_ONE for one */
    int32_t n;
    sim_ps at;
} credit2_load;

void credit2_load_update(credit2_load *load, int change, sim_ps window, sim_ps now);

typedef struct {
    int64_t load;
    uint32_t vcpu;
} credit2_candidate;

typedef struct {
    uint32_t push, pull; /* VMM_VCPU_NONE: none */
} credit2_swap;

/* What of `push` to move away and what of `pull` to fetch, one of each at the most, so that the difference of loads (own less other) gets smallest. Both
 * arrays are sorted by this. O((n_push + n_pull) log n). */
credit2_swap credit2_best_swap(credit2_candidate *push, unsigned n_push, credit2_candidate *pull, unsigned n_pull, int64_t difference);
