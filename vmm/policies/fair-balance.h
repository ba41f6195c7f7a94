/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The part of Linux's fair scheduler that spreads threads over CPUs (kernel/sched/fair.c), for policies that keep a queue per pCPU: where a
 * thread that wakes goes [select_idle_sibling], what an idle CPU pulls [sched_balance_newidle], and the periodic balance of busy ones
 * [sched_balance_rq, detach_tasks]. Domains are the core, the package and the machine.
 *
 * Simpler than the original: load is the sum of weights of what is runnable, not a decayed average; a CPU looks at the oldest thread of another's queue
 * only; groups, NUMA distances, capacities, active balancing (the moving of a running thread) and limits on the cost of idle balancing are left out. */
#pragma once

#include "pcpu-topology.h"
#include "vmm-runqueue.h"

enum { FAIR_DOMAINS = 3 };

typedef struct {
    vmm_host *h;
    const vmm_services *services;
    pcpu_topology topology;
    sim_ps migration_cost;    /* one that ran more recently is left where its cache is hot */
    /* Takes a waiting vCPU from its queue into that of `to`: fair_leave and fair_join, and what the policy keeps. */
    void (*move)(void *user, uint32_t vcpu, uint32_t to);
    void *user;
    vmm_runqueue **waiting;   /* [pCPU]: those of its queue that wait, in order of arrival */
    uint64_t *load;           /* [pCPU]: weights of those that wait and of the one that runs */
    uint32_t *count;          /* [pCPU]: how many */
    uint32_t *where;          /* [vCPU]: whose queue; VMM_PCPU_NONE: nobody's */
    sim_ps *last_ran;         /* [vCPU] */
    sim_ps (*due)[FAIR_DOMAINS];     /* [pCPU]: next balance */
    uint32_t (*failed)[FAIR_DOMAINS]; /* [pCPU]: balances that moved nothing though there was an imbalance */
} fair_balance;

void fair_balance_init(fair_balance *b, vmm_host *h, const vmm_services *services, sim_ps migration_cost,
                       void (*move)(void *user, uint32_t vcpu, uint32_t to), void *user);
void fair_balance_clear(fair_balance *b);

/* The pCPU for a vCPU that wakes: the last one if it idles, else an idle one of its package, of a core that idles as a whole first, else the last
 * one. For one that never ran: the least loaded one of all. */
uint32_t fair_select(const fair_balance *b, uint32_t vcpu);

/* The vCPU belongs to the pCPU's queue, or not any more; it waits there, or not any more. Leaving ends the waiting. */
void fair_join(fair_balance *b, uint32_t vcpu, uint32_t pcpu);
void fair_leave(fair_balance *b, uint32_t vcpu);
void fair_wait(fair_balance *b, uint32_t vcpu);
void fair_run(fair_balance *b, uint32_t vcpu);

/* The pCPU has nothing to run: moves one vCPU to it. False: nobody waits who may run there. */
bool fair_pull_idle(fair_balance *b, uint32_t pcpu);
/* At a tick of a busy pCPU: balances it with the others of each domain where that is due. */
void fair_tick(fair_balance *b, uint32_t pcpu, sim_ps now);
