/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "emon-policy.h"

#include <glib.h>

emon_policy_state emon_state;

static void *p_init(vmm_host *h, const vmm_services *s, G_GNUC_UNUSED const vmm_param_value *values)
{
    emon_policy_state *e = &emon_state;
    e->h = h;
    e->s = s;
    if (e->arm.period)
        s->emon_program(h, 0, e->armed, &e->arm, &e->why);
    if (e->turn) {
        e->emon = vmm_emon_new(h, s, 0, e->turn);
        sim_emon_config configs[8] = {{0}};
        for (unsigned i = 0; i < e->n_events; i++)
            configs[i].event = e->events[i];
        for (unsigned i = 0; i < e->n_events; i += e->per_group)
            vmm_emon_add(e->emon, configs + i, MIN(e->per_group, e->n_events - i), &e->why);
        s->set_tick(h, 0, e->turn);
    }
    if (e->tick)
        s->set_tick(h, 0, e->tick);
    if (e->llc_mask)
        e->masked = s->way_mask(h, 0, 0, VMM_CACHE_LLC, e->llc_mask);
    return e;
}

static void p_exit(G_GNUC_UNUSED void *self)
{
    vmm_emon_free(emon_state.emon);
    emon_state.emon = NULL;
}

static void p_wake(G_GNUC_UNUSED void *self, uint32_t vcpu)
{
    emon_state.runnable |= vcpu == 0;
}

static void p_sleep(G_GNUC_UNUSED void *self, G_GNUC_UNUSED uint32_t vcpu)
{
    emon_state.runnable = false;
}

static void p_saved(G_GNUC_UNUSED void *self, G_GNUC_UNUSED uint32_t pcpu, G_GNUC_UNUSED uint32_t vcpu, G_GNUC_UNUSED vmm_off_reason why)
{
    emon_state.runnable = true;
}

static vmm_choice p_schedule(G_GNUC_UNUSED void *self, G_GNUC_UNUSED uint32_t pcpu, G_GNUC_UNUSED sim_ps now)
{
    emon_policy_state *e = &emon_state;
    if (!e->runnable || pcpu)
        return (vmm_choice){.vcpu = VMM_VCPU_NONE};
    e->runnable = false;
    if (e->emon)
        vmm_emon_begin(e->emon, e->values);
    return (vmm_choice){.vcpu = 0, .quantum = SIM_PS_PER_S};
}

static void take_view(uint32_t pcpu, uint32_t vcpu)
{
    emon_policy_state *e = &emon_state;
    e->s->view(e->h, pcpu, vcpu, &e->view);
    for (unsigned i = 0; i < SIM_CPI_COUNT; i++)
        e->sum.cpi_stack[i] += e->view.cpi_stack[i];
    e->sum.insns += e->view.insns;
    e->views++;
}

static vmm_verdict p_tick(G_GNUC_UNUSED void *self, uint32_t pcpu, uint32_t vcpu, sim_ps now)
{
    if (emon_state.tick)
        take_view(pcpu, vcpu);
    if (emon_state.emon)
        vmm_emon_tick(emon_state.emon);
    if (emon_state.on_tick)
        emon_state.on_tick(now);
    return (vmm_verdict){.kind = VMM_KEEP};
}

static vmm_verdict p_overflow(G_GNUC_UNUSED void *self, uint32_t pcpu, G_GNUC_UNUSED uint32_t vcpu, uint32_t counter, G_GNUC_UNUSED sim_ps now)
{
    emon_policy_state *e = &emon_state;
    e->counter = counter;
    e->status = e->s->emon_status(e->h, pcpu);
    e->s->emon_acknowledge(e->h, pcpu, e->status);
    e->status_after = e->s->emon_status(e->h, pcpu);
    e->insns[MIN(e->overflows, 63)] = e->s->emon_read_fixed(e->h, pcpu, 0);
    e->overflows++;
    if (e->rearm)
        e->s->emon_program(e->h, pcpu, e->armed, &e->arm, &e->why);
    return e->verdict;
}

const struct vmm_policy_ops emon_policy = {
    .abi_version = VMM_POLICY_ABI, .struct_size = sizeof(struct vmm_policy_ops), .name = "counting", .summary = "for tests", .flags = VMM_POLICY_MAY_IDLE,
    .init = p_init, .exit = p_exit, .wake = p_wake, .sleep = p_sleep, .context_saved = p_saved, .schedule = p_schedule, .tick = p_tick,
    .pmu_overflow = p_overflow,
};
