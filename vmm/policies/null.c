/* SPDX-License-Identifier: GPL-2.0-or-later */
/* No scheduling: every vCPU has a pCPU to itself, where it runs whenever it can. After Xen's null scheduler (xen/common/sched/null.c, 4.17): a new vCPU gets
 * the pCPU where it ran last if that is free, else a free one that its affinity allows; if none is free it waits in a queue, until a pCPU becomes free because
 * its vCPU is gone. A vCPU that waits there does not run at all, but for the VMM's starvation watchdog. */
#include "policies.h"
#include "vmm-runqueue.h"

#include <glib.h>

typedef struct {
    vmm_host *h;
    const vmm_services *services;
    uint32_t n_pcpus;
    uint32_t *owner;       /* [pCPU]: vCPU, or VMM_VCPU_NONE */
    uint32_t *home;        /* [vCPU]: pCPU, or VMM_PCPU_NONE */
    vmm_runqueue *waiting; /* those without one, in order of arrival */
} null_policy;

static void *null_init(vmm_host *h, const vmm_services *services, G_GNUC_UNUSED const vmm_param_value *values)
{
    null_policy *p = g_new0(null_policy, 1);
    uint32_t n = services->n_vcpus(h);
    p->h = h;
    p->services = services;
    p->n_pcpus = services->n_pcpus(h);
    p->owner = g_new(uint32_t, p->n_pcpus);
    p->home = g_new(uint32_t, n);
    p->waiting = vmm_runqueue_new(n, p->n_pcpus);
    for (uint32_t i = 0; i < p->n_pcpus; i++)
        p->owner[i] = VMM_VCPU_NONE;
    for (uint32_t i = 0; i < n; i++) {
        p->home[i] = VMM_PCPU_NONE;
        vmm_runqueue_admit(p->waiting, i, services->vcpu(h, i)->affinity);
    }
    return p;
}

static void null_exit(void *self)
{
    null_policy *p = self;
    vmm_runqueue_free(p->waiting);
    g_free(p->owner);
    g_free(p->home);
    g_free(p);
}

static void assign(null_policy *p, uint32_t vcpu, uint32_t pcpu)
{
    p->owner[pcpu] = vcpu;
    p->home[vcpu] = pcpu;
}

static void null_insert(void *self, uint32_t vcpu)
{
    null_policy *p = self;
    const vmm_vcpu_facts *f = p->services->vcpu(p->h, vcpu);
    for (uint32_t i = 0; i < p->n_pcpus; i++)
        if (p->owner[i] == VMM_VCPU_NONE && vmm_mask_has(f->affinity, i)) {
            assign(p, vcpu, i);
            return;
        }
    vmm_runqueue_insert(p->waiting, vcpu, 0);
}

static void null_remove(void *self, uint32_t vcpu)
{
    null_policy *p = self;
    uint32_t pcpu = p->home[vcpu];
    vmm_runqueue_remove(p->waiting, vcpu);
    if (pcpu == VMM_PCPU_NONE)
        return;
    p->home[vcpu] = VMM_PCPU_NONE;
    p->owner[pcpu] = VMM_VCPU_NONE;
    uint32_t next = vmm_runqueue_first(p->waiting, pcpu);
    if (next == VMM_VCPU_NONE)
        return;
    vmm_runqueue_remove(p->waiting, next);
    assign(p, next, pcpu);
    if (p->services->vcpu(p->h, next)->state == VMM_RUNNABLE)
        p->services->resched(p->h, pcpu);
}

/* Who has a pCPU needs no queue: the states say whether it can run. */
static void nothing(G_GNUC_UNUSED void *self, G_GNUC_UNUSED uint32_t vcpu)
{
}

static void null_context_saved(G_GNUC_UNUSED void *self, G_GNUC_UNUSED uint32_t pcpu, G_GNUC_UNUSED uint32_t vcpu, G_GNUC_UNUSED vmm_off_reason why)
{
}

/* One that waits for a pCPU to itself is placed where it may run, though it will not. */
static uint32_t null_pick_pcpu(void *self, uint32_t vcpu)
{
    const null_policy *p = self;
    const vmm_vcpu_facts *f = p->services->vcpu(p->h, vcpu);
    if (p->home[vcpu] != VMM_PCPU_NONE)
        return p->home[vcpu];
    uint32_t pcpu = 0;
    while (!vmm_mask_has(f->affinity, pcpu))
        pcpu++;
    return pcpu;
}

static vmm_choice null_schedule(void *self, uint32_t pcpu, G_GNUC_UNUSED sim_ps now)
{
    const null_policy *p = self;
    uint32_t owner = p->owner[pcpu];
    if (owner == VMM_VCPU_NONE || p->services->vcpu(p->h, owner)->state != VMM_RUNNABLE)
        return (vmm_choice){ .vcpu = VMM_VCPU_NONE };
    return (vmm_choice){ .vcpu = owner, .quantum = VMM_QUANTUM_MAX, .reason = "its own pCPU" };
}

const struct vmm_policy_ops vmm_policy_null = {
    .abi_version = VMM_POLICY_ABI,
    .struct_size = sizeof(struct vmm_policy_ops),
    .name = "null",
    .summary = "a pCPU for each vCPU, no scheduling; more vCPUs than pCPUs wait (Xen)",
    .flags = VMM_POLICY_MAY_IDLE,
    .init = null_init,
    .exit = null_exit,
    .vcpu_insert = null_insert,
    .vcpu_remove = null_remove,
    .wake = nothing,
    .sleep = nothing,
    .context_saved = null_context_saved,
    .pick_pcpu = null_pick_pcpu,
    .schedule = null_schedule,
};
