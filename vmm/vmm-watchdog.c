/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The starvation watchdog. A vCPU that was runnable without a break for longer than 10 x (number of vCPUs) x (default
 * quantum), and 1 s of simulated time at least, runs next, whatever the policy says: on the pCPU where it ran last, or
 * an idle one, or the first one that it may run on. */
#include "vmm-private.h"

static vmm_pc *where(const vmm_vcpu *c)
{
    vmm *v = c->v;
    for (unsigned i = 0; i < v->n_pcs; i++)
        if (vmm_mask_has(v->idle, i) && vmm_may_run(c, i))
            return &v->pcs[i];
    if (c->facts.pcpu != VMM_PCPU_NONE)
        return &v->pcs[c->facts.pcpu];
    unsigned first = 0;
    while (!vmm_may_run(c, first))
        first++;
    return &v->pcs[first];
}

static void force(vmm_vcpu *c, sim_ps waited)
{
    vmm *v = c->v;
    vmm_pc *pc = where(c);
    if (c->forced || pc->forced != VMM_VCPU_NONE)
        return;
    c->forced = true;
    pc->forced = c->facts.id;
    if (!v->n_starved++)
        v->first_starved = g_strdup_printf("policy '%s' left the vCPU of VM '%s' runnable for %" G_GUINT64_FORMAT
                                           " ms without running it", v->policy.name, c->vm->name, waited / SIM_PS_PER_MS);
    vmm_pc_resched(pc, sim_engine_now(v->engine));
}

static void fire(G_GNUC_UNUSED sim_event *event, void *user)
{
    vmm *v = user;
    uint32_t oldest = vmm_runqueue_head(v->ready);
    if (oldest == VMM_VCPU_NONE)
        return;
    vmm_vcpu *c = vmm_vcpu_at(v, oldest);
    sim_ps now = sim_engine_now(v->engine), due = c->facts.since + v->starvation_limit;
    if (due <= now) {
        force(c, now - c->facts.since);
        due = now + v->default_quantum;
    }
    sim_engine_schedule(v->engine, &v->watchdog, due);
}

void vmm_watchdog_init(vmm *v)
{
    v->starvation_limit = MAX(SIM_PS_PER_S, 10 * v->vcpus->len * v->default_quantum);
    sim_event_init(&v->watchdog, fire, v, SIM_PRIO_TICK);
}

void vmm_watchdog_arm(vmm *v, sim_ps since)
{
    if (!sim_event_pending(&v->watchdog))
        sim_engine_schedule(v->engine, &v->watchdog, since + v->starvation_limit);
}
