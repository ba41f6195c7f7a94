/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the kinds of state management units differ in; shared by the files vmm-smu*.c. */
#pragma once

#include "vmm-private.h"

/* Counters as they read, or, of hardware, the truth of the guest inside. */
typedef struct {
    uint64_t insns, cycles;
    uint64_t count[VMM_SMU_EVENTS]; /* by event */
} smu_readings;

typedef struct {
    vmm_pc *pc;
    sim_event over;  /* the period is */
    smu_readings last;
    vmm_view view;   /* the last one, of this vCPU in this stay ... */
    bool viewed;     /* ... if there was one */
    uint32_t vcpu;   /* `last` is of its stay; VMM_VCPU_NONE: nobody's */
    unsigned group;  /* software: events that are programmed: group * counters and on */
    uint64_t period[VMM_SMU_EVENTS], insns_period; /* hybrid: counts between overflows */
    vmm_smu_profile profile;
} smu_pcpu;

typedef struct {
    smu_readings gathered; /* hardware, hybrid: since its last sample */
    uint64_t left[VMM_SMU_EVENTS], insns_left; /* hybrid: until overflow; 0: the whole period */
    vmm_smu_profile profile;
} smu_vcpu;

/* The operations of a kind. All but `prepare` are called for the vCPU that is on the pCPU, or about to be. */
typedef struct {
    bool beside;    /* samples without a VM-exit */
    bool periodic;  /* ... at its period, and where a quantum is over; else at overflows */
    unsigned view_cost; /* registers */
    /* At power-on. NULL: nothing to do. */
    void (*prepare)(vmm_pc *pc);
    /* The vCPU is about to run; `same`: it was the last one here and did not leave. True: a view is to be taken, from which the next sample's differences
     * are counted; false: that of the last sample holds if there was one in this stay. */
    bool (*begin)(vmm_pc *pc, smu_vcpu *s, bool same);
    /* Its guest leaves the pCPU. NULL: nothing to do. */
    void (*unload)(vmm_pc *pc, smu_vcpu *s);
    /* What was counted since its last sample; returns a bit for each event that was. `inside`: the guest was not taken out. */
    uint32_t (*count)(vmm_pc *pc, smu_vcpu *s, uint64_t overflowed, bool inside, smu_readings *since);
    /* After a sample. NULL: nothing to do. */
    void (*sampled)(vmm_pc *pc);
    /* Fills in what is armed on the pCPU. NULL: nothing. */
    void (*report)(const vmm_pc *pc, vmm_smu_stats *stats);
} smu_kind_ops;

extern const smu_kind_ops smu_software, smu_hardware, smu_hybrid;

struct vmm_smu {
    const smu_kind_ops *ops;
    vmm_smu_kind kind;
    sim_ps period;
    int events[VMM_SMU_EVENTS];
    unsigned n_events;
    smu_pcpu *pcpus;
    smu_vcpu *vcpus;
    uint64_t samples, accesses, exits;
    sim_ps time;
};

static inline smu_pcpu *smu_at(const vmm_pc *pc)
{
    return &pc->v->smu->pcpus[pc->facts.id];
}

static inline enum sim_emon_event smu_event(const struct vmm_smu *smu, unsigned i)
{
    return (enum sim_emon_event)smu->events[i];
}

/* Programmable counters that the unit uses. */
static inline unsigned smu_counters(const vmm_pc *pc)
{
    return MIN(pc->facts.emon_counters, pc->v->smu->n_events);
}

/* The pCPU takes its time for `n` register accesses; none at power-on. Without any, it is not touched: the guest may be inside. */
static inline void smu_access(vmm_pc *pc, unsigned n)
{
    if (!n || pc->v->initialising)
        return;
    pc->v->smu->accesses += n;
    vmm_work_registers(pc, n);
}

static inline uint64_t smu_read(vmm_pc *pc, unsigned counter)
{
    smu_access(pc, 1);
    if (counter & SIM_EMON_FIXED)
        return pc->port->ops->emon_read_fixed(pc->port, counter & ~(unsigned)SIM_EMON_FIXED);
    return pc->port->ops->emon_read(pc->port, counter);
}
