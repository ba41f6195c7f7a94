/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Fixed priority: the most urgent runnable vCPUs run, in turn within a priority, each for its pre-assigned quantum; a
 * vCPU that wakes preempts the least urgent running one, if that is less urgent than itself. A preempted vCPU stays
 * first of its priority and keeps what was left of its quantum (as SCHED_RR of POSIX has it). The less urgent starve
 * for as long as the more urgent do not block, but for the VMM's starvation watchdog. */
#include "policies.h"
#include "vmm-runqueue.h"

#include <glib.h>

typedef struct {
    vmm_host *h;
    const vmm_services *services;
    vmm_runqueue *queue;
    uint32_t n_pcpus;
    sim_ps *left;     /* [vCPU]: of a preempted quantum; 0: a whole one is next */
    uint32_t *displaced; /* [pCPU]: vCPU that was taken off just now, or VMM_VCPU_NONE */
    uint32_t *tickled; /* [pCPU]: vCPU for whose sake it was asked to decide anew, or VMM_VCPU_NONE */
} priority;

static const vmm_vcpu_facts *facts(const priority *p, uint32_t vcpu)
{
    return p->services->vcpu(p->h, vcpu);
}

/* The queue's key: smaller is first. */
static int64_t urgency(const priority *p, uint32_t vcpu)
{
    return -(int64_t)facts(p, vcpu)->priority;
}

static void *prio_init(vmm_host *h, const vmm_services *services, G_GNUC_UNUSED const vmm_param_value *values)
{
    priority *p = g_new0(priority, 1);
    uint32_t n = services->n_vcpus(h);
    p->h = h;
    p->services = services;
    p->n_pcpus = services->n_pcpus(h);
    p->queue = vmm_runqueue_new(n, p->n_pcpus);
    p->left = g_new0(sim_ps, n);
    p->displaced = g_new(uint32_t, p->n_pcpus);
    p->tickled = g_new(uint32_t, p->n_pcpus);
    for (uint32_t i = 0; i < n; i++)
        vmm_runqueue_admit(p->queue, i, services->vcpu(h, i)->affinity);
    for (uint32_t i = 0; i < p->n_pcpus; i++)
        p->tickled[i] = p->displaced[i] = VMM_VCPU_NONE;
    return p;
}

static void prio_exit(void *self)
{
    priority *p = self;
    vmm_runqueue_free(p->queue);
    g_free(p->left);
    g_free(p->displaced);
    g_free(p->tickled);
    g_free(p);
}

/* What the pCPU is about to run: its vCPU, or the one that it was asked to look for. */
static uint32_t occupant(const priority *p, uint32_t pcpu)
{
    uint32_t tickled = p->tickled[pcpu];
    return tickled != VMM_VCPU_NONE ? tickled : p->services->pcpu(p->h, pcpu)->vcpu;
}

/* The pCPU with the least urgent occupant that is less urgent than the vCPU, the lowest number first; or
 * VMM_PCPU_NONE. Looks at the pCPUs that the vCPU may run on. */
static uint32_t victim(const priority *p, uint32_t vcpu)
{
    const vmm_vcpu_facts *c = facts(p, vcpu);
    uint32_t best = VMM_PCPU_NONE;
    int64_t least = c->priority;
    for (uint32_t i = 0; i < p->n_pcpus; i++) {
        uint32_t who = vmm_mask_has(c->affinity, i) ? occupant(p, i) : VMM_VCPU_NONE;
        if (who == VMM_VCPU_NONE || facts(p, who)->priority >= least)
            continue;
        least = facts(p, who)->priority;
        best = i;
    }
    return best;
}

static bool idle_for(const priority *p, uint32_t vcpu)
{
    const uint64_t *idle = p->services->idle_mask(p->h), *may = facts(p, vcpu)->affinity;
    uint64_t any = 0;
    for (unsigned w = 0; w < VMM_MASK_WORDS; w++)
        any |= idle[w] & may[w];
    return any != 0;
}

/* Makes room for a queued vCPU, unless a pCPU idles for it (the VMM wakes that one). */
static void preempt_for(priority *p, uint32_t vcpu)
{
    if (idle_for(p, vcpu))
        return;
    uint32_t where = victim(p, vcpu);
    if (where != VMM_PCPU_NONE) {
        p->tickled[where] = vcpu;
        p->services->resched(p->h, where);
    }
}

static void prio_wake(void *self, uint32_t vcpu)
{
    priority *p = self;
    p->left[vcpu] = 0;
    vmm_runqueue_insert(p->queue, vcpu, urgency(p, vcpu));
    preempt_for(p, vcpu);
}

static void prio_sleep(void *self, uint32_t vcpu)
{
    vmm_runqueue_remove(((priority *)self)->queue, vcpu);
}

static void prio_context_saved(void *self, uint32_t pcpu, uint32_t vcpu, vmm_off_reason why)
{
    priority *p = self;
    sim_ps now = p->services->now(p->h, pcpu), end = p->services->pcpu(p->h, pcpu)->quantum_end;
    if (why == VMM_OFF_REFUSED) {
        vmm_runqueue_insert_front(p->queue, vcpu, urgency(p, vcpu));
        return;
    }
    p->displaced[pcpu] = vcpu;
    p->left[vcpu] = 0;
    if (why == VMM_OFF_PREEMPTED && end > now) {
        p->left[vcpu] = MAX(end - now, VMM_QUANTUM_MIN);
        vmm_runqueue_insert_front(p->queue, vcpu, urgency(p, vcpu));
    } else {
        vmm_runqueue_insert(p->queue, vcpu, urgency(p, vcpu));
    }
}

static vmm_choice prio_schedule(void *self, uint32_t pcpu, G_GNUC_UNUSED sim_ps now)
{
    priority *p = self;
    uint32_t next = vmm_runqueue_first(p->queue, pcpu), displaced = p->displaced[pcpu];
    p->tickled[pcpu] = p->displaced[pcpu] = VMM_VCPU_NONE;
    if (next == VMM_VCPU_NONE)
        return (vmm_choice){ .vcpu = VMM_VCPU_NONE };
    vmm_runqueue_remove(p->queue, next);
    sim_ps quantum = p->left[next];
    p->left[next] = 0;
    p->tickled[pcpu] = next;
    if (displaced != VMM_VCPU_NONE && displaced != next)
        preempt_for(p, displaced);
    p->tickled[pcpu] = VMM_VCPU_NONE;
    return (vmm_choice){ .vcpu = next, .quantum = quantum, .reason = "most urgent" };
}

const struct vmm_policy_ops vmm_policy_priority = {
    .abi_version = VMM_POLICY_ABI,
    .struct_size = sizeof(struct vmm_policy_ops),
    .name = "priority",
    .summary = "fixed priorities, round-robin within one; a more urgent vCPU that wakes preempts",
    .init = prio_init,
    .exit = prio_exit,
    .wake = prio_wake,
    .sleep = prio_sleep,
    .context_saved = prio_context_saved,
    .schedule = prio_schedule,
};
