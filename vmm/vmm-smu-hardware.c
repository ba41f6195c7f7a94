/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The state management unit beside the processor: it counts what the guest inside does, all events at once and without the processor's help. */
#include "vmm-smu-kind.h"

static void note_truth(vmm_pc *pc, const uint64_t now[SIM_EV_COUNT])
{
    const struct vmm_smu *smu = pc->v->smu;
    smu_readings *last = &smu_at(pc)->last;
    last->insns = now[SIM_EV_INSTRUCTIONS];
    last->cycles = now[SIM_EV_CYCLES];
    for (unsigned i = 0; i < smu->n_events; i++)
        last->count[i] = now[smu->events[i]];
}

static void add_truth(vmm_pc *pc, smu_vcpu *s, const uint64_t now[SIM_EV_COUNT])
{
    const struct vmm_smu *smu = pc->v->smu;
    const smu_readings *last = &smu_at(pc)->last;
    s->gathered.insns += now[SIM_EV_INSTRUCTIONS] - last->insns;
    s->gathered.cycles += now[SIM_EV_CYCLES] - last->cycles;
    for (unsigned i = 0; i < smu->n_events; i++)
        s->gathered.count[i] += now[smu->events[i]] - last->count[i];
    note_truth(pc, now);
}

void vmm_smu_in(vmm_pc *pc)
{
    const struct vmm_smu *smu = pc->v->smu;
    if (smu && smu->kind == VMM_SMU_HARDWARE)
        note_truth(pc, pc->truth);
}

void vmm_smu_out(vmm_pc *pc, const uint64_t now[SIM_EV_COUNT])
{
    const struct vmm_smu *smu = pc->v->smu;
    if (smu && smu->kind == VMM_SMU_HARDWARE)
        add_truth(pc, &smu->vcpus[pc->cur->facts.id], now);
}

static bool begin(G_GNUC_UNUSED vmm_pc *pc, G_GNUC_UNUSED smu_vcpu *s, G_GNUC_UNUSED bool same)
{
    return true;
}

static uint32_t count(vmm_pc *pc, smu_vcpu *s, G_GNUC_UNUSED uint64_t overflowed, bool inside, smu_readings *since)
{
    if (inside) {
        uint64_t now[SIM_EV_COUNT];
        pc->port->ops->truth(pc->port, now);
        add_truth(pc, s, now);
    }
    *since = s->gathered;
    s->gathered = (smu_readings){ 0 };
    return (1u << pc->v->smu->n_events) - 1;
}

const smu_kind_ops smu_hardware = {
    .beside = true, .periodic = true, .begin = begin, .count = count,
};
