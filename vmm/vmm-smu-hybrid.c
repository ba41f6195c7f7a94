/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The state management unit of hardware and software: counters that are the vCPU's own, and interrupt. */
#include "vmm-smu-kind.h"

/* An armed counter that overflowed sooner would do nothing but interrupt. Estimate. */
enum { LEAST_PERIOD = 100 };
/* In effect never: no counter is ever read back after so long. */
#define NEVER (SIM_EMON_MASK / 2)

/* Plain work: however much of it there is, that is no cause by itself. */
static bool is_work(enum sim_emon_event event)
{
    static const enum sim_emon_event work[] = {
        SIM_EV_CYCLES, SIM_EV_REF_CYCLES, SIM_EV_UOPS, SIM_EV_UOPS_ISSUED, SIM_EV_BRANCHES, SIM_EV_COND_BRANCHES, SIM_EV_TAKEN_BRANCHES,
        SIM_EV_NOT_TAKEN_BRANCHES, SIM_EV_BTB_LOOKUPS, SIM_EV_L1D_LOADS, SIM_EV_L1D_STORES, SIM_EV_L1I_LOADS, SIM_EV_DTLB_LOADS, SIM_EV_ITLB_LOADS,
        SIM_EV_CPI_PIPELINE, SIM_EV_CPI_BASE,
    };
    for (unsigned i = 0; i < G_N_ELEMENTS(work); i++)
        if (work[i] == event)
            return true;
    return false;
}

static uint64_t period_of(const vmm *v, const vmm_pc *pc, enum sim_emon_event event)
{
    const vmm_smu_config *config = &v->smu_config;
    uint64_t per_million = event == SIM_EV_INSTRUCTIONS ? VMM_SMU_RATE_INSNS : is_work(event) ? 0 : VMM_SMU_RATE;
    for (unsigned i = 0; i < config->n_rates; i++)
        if (config->rates[i].event == event)
            per_million = config->rates[i].per_million;
    if (!per_million)
        return NEVER;
    unsigned __int128 n = (unsigned __int128)sim_ps_to_cycles(v->smu->period, pc->facts.hz) * per_million / 1000000;
    return (uint64_t)CLAMP(n, LEAST_PERIOD, NEVER);
}

static void prepare(vmm_pc *pc)
{
    const struct vmm_smu *smu = pc->v->smu;
    smu_pcpu *p = smu_at(pc);
    for (unsigned i = 0; i < smu->n_events; i++)
        p->period[i] = period_of(pc->v, pc, smu_event(smu, i));
    p->insns_period = period_of(pc->v, pc, SIM_EV_INSTRUCTIONS);
}

/* Overflows after `left`. Returns what the counter reads now. */
static uint64_t arm(vmm_pc *pc, unsigned counter, enum sim_emon_event event, uint64_t left)
{
    const sim_emon_config config = { .event = event, .interrupt = true, .period = left };
    smu_access(pc, 1);
    pc->port->ops->emon_program(pc->port, counter, &config, NULL);
    return (SIM_EMON_MASK + 1 - left) & SIM_EMON_MASK;
}

static uint64_t left_or_all(uint64_t left, uint64_t period)
{
    return left ? MIN(left, period) : period;
}

static void load_counters(vmm_pc *pc, const smu_vcpu *s)
{
    const struct vmm_smu *smu = pc->v->smu;
    smu_pcpu *p = smu_at(pc);
    for (unsigned i = 0; i < smu_counters(pc); i++)
        p->last.count[i] = arm(pc, i, smu_event(smu, i), left_or_all(s->left[i], p->period[i]));
    p->last.insns = arm(pc, SIM_EMON_FIXED_INSNS, SIM_EV_INSTRUCTIONS, left_or_all(s->insns_left, p->insns_period));
    p->last.cycles = smu_read(pc, SIM_EMON_FIXED_CYCLES);
}

static void add_reading(uint64_t *last, uint64_t *sum, uint64_t now)
{
    *sum += (now - *last) & SIM_EMON_MASK;
    *last = now;
}

/* What the counters say is the vCPU's. */
static uint32_t read_counters(vmm_pc *pc, smu_vcpu *s)
{
    smu_pcpu *p = smu_at(pc);
    unsigned n = smu_counters(pc);
    for (unsigned i = 0; i < n; i++)
        add_reading(&p->last.count[i], &s->gathered.count[i], smu_read(pc, i));
    add_reading(&p->last.insns, &s->gathered.insns, smu_read(pc, SIM_EMON_FIXED_INSNS));
    add_reading(&p->last.cycles, &s->gathered.cycles, smu_read(pc, SIM_EMON_FIXED_CYCLES));
    return (1u << n) - 1;
}

/* How much is left until a counter that reads so overflows: where it has, and nobody was told, it does at the next event. */
static uint64_t left_of(uint64_t reading, uint64_t period)
{
    uint64_t left = (SIM_EMON_MASK + 1 - reading) & SIM_EMON_MASK;
    return left && left <= period ? left : 1;
}

static void unload(vmm_pc *pc, smu_vcpu *s)
{
    smu_pcpu *p = smu_at(pc);
    read_counters(pc, s);
    for (unsigned i = 0; i < smu_counters(pc); i++)
        s->left[i] = left_of(p->last.count[i], p->period[i]);
    s->insns_left = left_of(p->last.insns, p->insns_period);
}

/* Those that overflowed begin anew, and the instructions, which interrupt only when nothing else does for so long. */
static void arm_again(vmm_pc *pc, uint64_t overflowed)
{
    const struct vmm_smu *smu = pc->v->smu;
    smu_pcpu *p = smu_at(pc);
    for (unsigned i = 0; i < smu_counters(pc); i++)
        if (overflowed & sim_emon_bit(i))
            p->last.count[i] = arm(pc, i, smu_event(smu, i), p->period[i]);
    p->last.insns = arm(pc, SIM_EMON_FIXED_INSNS, SIM_EV_INSTRUCTIONS, p->insns_period);
}

static bool begin(vmm_pc *pc, smu_vcpu *s, bool same)
{
    if (!same)
        load_counters(pc, s);
    return false;
}

static uint32_t count(vmm_pc *pc, smu_vcpu *s, uint64_t overflowed, G_GNUC_UNUSED bool inside, smu_readings *since)
{
    uint32_t fresh = read_counters(pc, s);
    arm_again(pc, overflowed);
    *since = s->gathered;
    s->gathered = (smu_readings){ 0 };
    return fresh;
}

uint64_t vmm_smu_armed(const vmm_pc *pc, uint64_t overflowed)
{
    const struct vmm_smu *smu = pc->v->smu;
    if (!smu || smu->kind != VMM_SMU_HYBRID)
        return 0;
    return overflowed & (((UINT64_C(1) << smu_counters(pc)) - 1) | sim_emon_bit(SIM_EMON_FIXED_INSNS));
}

static void report(const vmm_pc *pc, vmm_smu_stats *stats)
{
    const smu_pcpu *p = smu_at(pc);
    stats->armed_insns = p->insns_period == NEVER ? 0 : p->insns_period;
    for (unsigned i = 0; i < smu_counters(pc); i++)
        stats->armed[i] = p->period[i] == NEVER ? 0 : p->period[i];
}

const smu_kind_ops smu_hybrid = {
    .view_cost = VMM_VIEW_READS, .prepare = prepare, .begin = begin, .unload = unload, .count = count, .report = report,
};
