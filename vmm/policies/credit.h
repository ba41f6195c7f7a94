/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of the policy credit share: see credit.c. */
#pragma once

#include "pcpu-topology.h"
#include "stint.h"
#include "vmm-runqueue.h"

#include <glib.h>

enum { P_SLICE, P_TICKS, P_RATELIMIT, P_BALANCE, P_MIGRATION, N_PARAMS };
enum { V_CAP, N_VM_PARAMS };

typedef enum { OVER = -2, UNDER = -1, BOOST = 0 } credit_priority;
enum { IDLE = -64 };

typedef struct {
    int64_t credit;     /* picoseconds of pCPU time */
    credit_priority pri;
    bool active;        /* takes part in accounting */
    bool parked;        /* over its VM's cap */
    bool yielded, moving;
    bool on;            /* on line */
    uint32_t home;      /* pCPU whose queue it belongs to */
    sim_ps last_ran;
    uint32_t next;      /* of its VM, or VMM_VCPU_NONE */
} credit_vcpu;

typedef struct {
    uint32_t weight, cap, n_active, first;
    GList link;         /* in the list of active VMs */
} credit_vm;

typedef struct {
    vmm_runqueue *queue; /* key: -priority */
    uint32_t displaced;  /* vCPU that was taken off just now, or VMM_VCPU_NONE */
    uint32_t idle_bias, last_tickled, assigned;
    sim_ps last_balance;
} credit_pcpu;

typedef struct {
    vmm_host *h;
    const vmm_services *services;
    vmm_param_value p[N_PARAMS];
    stints clock;
    pcpu_topology topology;
    credit_vcpu *vcpus;
    credit_vm *vms;
    credit_pcpu *pcpus;
    uint32_t *balance_bias; /* [pCPU]: of the package that begins with it */
    uint32_t n_vcpus, n_vms;
    uint64_t weight;        /* of all active vCPUs */
    int64_t balance;        /* of all credits after the last accounting */
    GQueue active;          /* of credit_vm */
} credit;

static inline const vmm_vcpu_facts *credit_facts(const credit *c, uint32_t vcpu)
{
    return c->services->vcpu(c->h, vcpu);
}

static inline uint32_t credit_running_on(const credit *c, uint32_t pcpu)
{
    return c->services->pcpu(c->h, pcpu)->vcpu;
}

/* credit-queue.c: queues, and which pCPU is to look at them */
void credit_queue_insert(credit *c, uint32_t vcpu);
/* Behind one that is less urgent, or behind those of its priority where there are such. */
void credit_queue_insert_yielded(credit *c, uint32_t vcpu);
void credit_queue_drop(credit *c, uint32_t vcpu);
void credit_set_priority(credit *c, uint32_t vcpu, credit_priority pri);
/* Where the vCPU had best run: where it is, or on the idle pCPU with the most idle ones around it. `commit`: it goes there. */
uint32_t credit_place(credit *c, uint32_t vcpu, bool commit);
/* Wakes whoever is to look at the queue into which the vCPU was put. */
void credit_tickle(credit *c, uint32_t vcpu);

/* credit-account.c: who earns how much */
/* Charges one that runs for what it ran since the last time. */
void credit_burn(credit *c, uint32_t vcpu, uint32_t pcpu, sim_ps now);
/* The vCPU takes part in accounting from now on; not any more. */
void credit_start_earning(credit *c, uint32_t vcpu);
void credit_stop_earning(credit *c, uint32_t vcpu);
/* Hands out the credits of one slice. */
void credit_account(credit *c);
