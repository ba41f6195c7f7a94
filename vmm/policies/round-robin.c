/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Round-robin, the reference: one queue for all pCPUs, in order of arrival; each vCPU gets its pre-assigned quantum, and
 * goes to the end of the queue. A vCPU that woke waits for its turn. */
#include "policies.h"
#include "vmm-runqueue.h"

#include <glib.h>

typedef struct {
    vmm_runqueue *queue;
} round_robin;

static void *rr_init(vmm_host *h, const vmm_services *services, G_GNUC_UNUSED const vmm_param_value *values)
{
    round_robin *rr = g_new0(round_robin, 1);
    uint32_t n = services->n_vcpus(h);
    rr->queue = vmm_runqueue_new(n, services->n_pcpus(h));
    for (uint32_t i = 0; i < n; i++)
        vmm_runqueue_admit(rr->queue, i, services->vcpu(h, i)->affinity);
    return rr;
}

static void rr_exit(void *self)
{
    round_robin *rr = self;
    vmm_runqueue_free(rr->queue);
    g_free(rr);
}

static void rr_wake(void *self, uint32_t vcpu)
{
    vmm_runqueue_insert(((round_robin *)self)->queue, vcpu, 0);
}

static void rr_sleep(void *self, uint32_t vcpu)
{
    vmm_runqueue_remove(((round_robin *)self)->queue, vcpu);
}

static void rr_context_saved(void *self, G_GNUC_UNUSED uint32_t pcpu, uint32_t vcpu, vmm_off_reason why)
{
    round_robin *rr = self;
    if (why == VMM_OFF_REFUSED)
        vmm_runqueue_insert_front(rr->queue, vcpu, 0);
    else
        vmm_runqueue_insert(rr->queue, vcpu, 0);
}

static vmm_choice rr_schedule(void *self, uint32_t pcpu, G_GNUC_UNUSED sim_ps now)
{
    round_robin *rr = self;
    uint32_t next = vmm_runqueue_first(rr->queue, pcpu);
    if (next != VMM_VCPU_NONE)
        vmm_runqueue_remove(rr->queue, next);
    return (vmm_choice){ .vcpu = next, .reason = "turn" };
}

const struct vmm_policy_ops vmm_policy_round_robin = {
    .abi_version = VMM_POLICY_ABI,
    .struct_size = sizeof(struct vmm_policy_ops),
    .name = "round-robin",
    .summary = "each vCPU in turn for its pre-assigned quantum; the reference",
    .init = rr_init,
    .exit = rr_exit,
    .wake = rr_wake,
    .sleep = rr_sleep,
    .context_saved = rr_context_saved,
    .schedule = rr_schedule,
};
