/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of the policy credit2 share: see credit2.c. */
#pragma once

#include "credit2-load.h"
#include "pcpu-topology.h"
#include "stint.h"
#include "vmm-runqueue.h"

#include <glib.h>

enum { P_RATELIMIT, P_RUNQUEUE, P_MAX_PCPUS, P_RESIST, P_WINDOW, P_UNDER, P_OVER, P_CAP_PERIOD, N_PARAMS };
enum { V_CAP, N_VM_PARAMS };

/* CSCHED2_MIN_TIMER, CSCHED2_CREDIT_INIT (also the longest stay), CSCHED2_CARRYOVER_MAX, CSCHED2_MIGRATE_COMPENSATION,
 * CSCHED2_RATELIMIT_TICKLE_TOLERANCE. Credit is in picoseconds of the heaviest vCPU. */
#define MIN_STAY (500 * SIM_PS_PER_US)
#define CREDIT_INIT ((int64_t)(10 * SIM_PS_PER_MS))
#define CARRYOVER ((int64_t)MIN_STAY)
#define COMPENSATION ((int64_t)(50 * SIM_PS_PER_US))
#define TOLERANCE (50 * SIM_PS_PER_US)

typedef struct {
    int64_t credit;
    uint32_t weight;
    uint32_t home;        /* pCPU where it ran, or is to run */
    uint32_t rq;          /* run queue; UINT32_MAX: off line */
    uint32_t go_to;       /* run queue to which it moves when it stops; UINT32_MAX: none */
    uint32_t kept_for;    /* pCPU that was asked to take it, or VMM_PCPU_NONE */
    uint32_t place;       /* in its run queue's list */
    bool yielded, parked;
    credit2_load load;    /* whether it can run */
} c2_vcpu;

typedef struct {
    uint32_t cap;
    int64_t budget;
    uint32_t first;       /* of its vCPUs; `next` of each */
} c2_vm;

typedef struct {
    vmm_runqueue *queue;  /* key: -credit; those that wait and are kept for nobody */
    pcpu_mask pcpus;
    uint32_t n_pcpus, max_weight, pick_bias;
    GArray *vcpus;        /* uint32_t: all that belong to it */
    credit2_load load;    /* how many can run */
} c2_queue;

typedef struct {
    vmm_host *h;
    const vmm_services *services;
    vmm_param_value p[N_PARAMS];
    stints clock;
    pcpu_topology topology;
    c2_vcpu *vcpus;
    uint32_t *next_of_vm;
    c2_vm *vms;
    c2_queue *queues;
    uint32_t *queue_of;      /* [pCPU] */
    vmm_runqueue **own;      /* [pCPU]: of its queue's, those whose home it is */
    uint32_t *kept;          /* [pCPU]: vCPU that waits for it, or VMM_VCPU_NONE */
    uint32_t *scratch;       /* [vCPU] */
    pcpu_mask tickled;
    uint32_t n_vcpus, n_vms, n_queues;
    uint32_t pending, pending_on; /* vCPU that was taken off just now and is in no queue, or VMM_VCPU_NONE; and where */
    uint32_t at, next;       /* pCPU in `schedule`, and whom it is about to run; or VMM_PCPU_NONE and VMM_VCPU_NONE */
    credit2_candidate *push, *pull; /* [vCPU]: scratch */
    bool capped;
} credit2;

static inline const vmm_vcpu_facts *c2_facts(const credit2 *c, uint32_t vcpu)
{
    return c->services->vcpu(c->h, vcpu);
}

static inline c2_queue *c2_queue_of(credit2 *c, uint32_t vcpu)
{
    return &c->queues[c->vcpus[vcpu].rq];
}

/* It is on a pCPU. */
static inline bool c2_runs(const credit2 *c, uint32_t vcpu)
{
    const vmm_vcpu_facts *f = c2_facts(c, vcpu);
    return f->pcpu != VMM_PCPU_NONE && c->services->pcpu(c->h, f->pcpu)->vcpu == vcpu;
}

/* credit2-queue.c: run queues, and who looks at them */
void c2_init_queues(credit2 *c);
/* Charges one that runs for what it ran since the last time. */
void c2_burn(credit2 *c, uint32_t vcpu, uint32_t pcpu, sim_ps now);
/* Whether its VM has used up its cap. */
bool c2_over_cap(const credit2 *c, uint32_t vcpu);
/* One more of its run queue can run (1), or one less (-1). */
void c2_count(credit2 *c, uint32_t vcpu, int change, sim_ps now);
void c2_queue_insert(credit2 *c, uint32_t vcpu);
void c2_queue_drop(credit2 *c, uint32_t vcpu);
/* Into a run queue, and out of it. */
void c2_assign(credit2 *c, uint32_t vcpu, uint32_t rq);
void c2_unassign(credit2 *c, uint32_t vcpu);
/* The pCPU looks for work now: what was kept for it waits in the queue again. */
void c2_unkeep(credit2 *c, uint32_t pcpu);
/* Asks the pCPU to decide anew. */
void c2_ask(credit2 *c, uint32_t pcpu);
/* Finds a pCPU that is to take the waiting vCPU: an idle one, or one that runs something with less credit. */
void c2_tickle(credit2 *c, uint32_t vcpu);
void c2_enqueue(credit2 *c, uint32_t vcpu);

/* credit2-balance.c: between this run queue and the one whose load differs most */
void c2_balance(credit2 *c, uint32_t rq, sim_ps now);
