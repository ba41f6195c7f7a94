/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The state management unit in software: EMON registers that are read at each sample. Groups of events take turns where counters are too few. */
#include "vmm-smu-kind.h"

static void select_group(vmm_pc *pc, unsigned group)
{
    const struct vmm_smu *smu = pc->v->smu;
    unsigned n = smu_counters(pc);
    smu_at(pc)->group = group;
    for (unsigned i = 0; i < n && group * n + i < smu->n_events; i++) {
        smu_access(pc, 1);
        pc->port->ops->emon_select(pc->port, i, smu_event(smu, group * n + i));
    }
}

static void prepare(vmm_pc *pc)
{
    select_group(pc, 0);
}

static void read_group(vmm_pc *pc)
{
    smu_pcpu *p = smu_at(pc);
    unsigned n = smu_counters(pc), first = p->group * n;
    p->last.insns = smu_read(pc, SIM_EMON_FIXED_INSNS);
    p->last.cycles = smu_read(pc, SIM_EMON_FIXED_CYCLES);
    for (unsigned i = 0; i < n && first + i < pc->v->smu->n_events; i++)
        p->last.count[first + i] = smu_read(pc, i);
}

static bool begin(vmm_pc *pc, G_GNUC_UNUSED smu_vcpu *s, G_GNUC_UNUSED bool same)
{
    read_group(pc);
    return true;
}

static uint32_t count(vmm_pc *pc, G_GNUC_UNUSED smu_vcpu *s, G_GNUC_UNUSED uint64_t overflowed, G_GNUC_UNUSED bool inside, smu_readings *since)
{
    smu_pcpu *p = smu_at(pc);
    const smu_readings before = p->last;
    unsigned n = smu_counters(pc), first = p->group * n;
    uint32_t fresh = 0;
    read_group(pc);
    since->insns = (p->last.insns - before.insns) & SIM_EMON_MASK;
    since->cycles = (p->last.cycles - before.cycles) & SIM_EMON_MASK;
    for (unsigned i = first; i < first + n && i < pc->v->smu->n_events; i++) {
        fresh |= 1u << i;
        since->count[i] = (p->last.count[i] - before.count[i]) & SIM_EMON_MASK;
    }
    return fresh;
}

/* The next group's turn. */
static void sampled(vmm_pc *pc)
{
    const struct vmm_smu *smu = pc->v->smu;
    smu_pcpu *p = smu_at(pc);
    unsigned n = smu_counters(pc);
    if (!n || n == smu->n_events)
        return;
    select_group(pc, (p->group + 1) * n < smu->n_events ? p->group + 1 : 0);
    for (unsigned i = 0; i < n && p->group * n + i < smu->n_events; i++)
        p->last.count[p->group * n + i] = smu_read(pc, i);
}

const smu_kind_ops smu_software = {
    .periodic = true, .view_cost = VMM_VIEW_READS, .prepare = prepare, .begin = begin, .count = count, .sampled = sampled,
};
