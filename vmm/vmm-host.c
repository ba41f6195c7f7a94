/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The services that policies call: see vmm-policy.h. */
#include "vmm-private.h"

#include "sim-emon-code.h"

#include <string.h>

static sim_ps present(const vmm_host *h)
{
    return sim_engine_now(h->v->engine);
}

static sim_ps now(const vmm_host *h, uint32_t pcpu)
{
    return pcpu < h->v->n_pcs ? vmm_now(&h->v->pcs[pcpu]) : present(h);
}

static uint32_t n_pcpus(const vmm_host *h)
{
    return h->v->n_pcs;
}

static uint32_t n_vcpus(const vmm_host *h)
{
    return h->v->vcpus->len;
}

static const vmm_pcpu_facts *pcpu_facts(const vmm_host *h, uint32_t pcpu)
{
    return pcpu < h->v->n_pcs ? &h->v->pcs[pcpu].facts : NULL;
}

static const vmm_vcpu_facts *vcpu_facts(const vmm_host *h, uint32_t vcpu)
{
    const vmm_vcpu *c = vmm_vcpu_at(h->v, vcpu);
    return c ? &c->facts : NULL;
}

static const uint64_t *idle_mask(const vmm_host *h)
{
    return h->v->idle;
}

/* The pCPU, if its hook is being called; else the policy misuses `service`. */
static vmm_pc *here(vmm_host *h, uint32_t pcpu, const char *service)
{
    vmm *v = h->v;
    if (pcpu < v->n_pcs && v->hook_pcpu == pcpu)
        return &v->pcs[pcpu];
    vmm_bad_answer(v, "%s on pCPU %u from outside of it", service, pcpu);
    return NULL;
}

static bool emon_select(vmm_host *h, uint32_t pcpu, uint32_t counter, int event)
{
    vmm *v = h->v;
    vmm_pc *pc = v->initialising && pcpu < v->n_pcs ? &v->pcs[pcpu] : here(h, pcpu, "emon_select");
    if (!pc || counter >= pc->facts.emon_counters || event < 0 || event >= SIM_EV_COUNT || vmm_smu_owns(pc, counter))
        return false;
    if (!v->initialising)
        vmm_work_registers(pc, 1);
    pc->port->ops->emon_select(pc->port, counter, (enum sim_emon_event)event);
    return true;
}

/* A service failed; tells why. */
static bool refuse(vmm *v, GError *error, const char **why)
{
    g_free(v->why);
    v->why = g_strdup(error->message);
    g_error_free(error);
    if (why)
        *why = v->why;
    return false;
}

static bool emon_program(vmm_host *h, uint32_t pcpu, uint32_t counter, const sim_emon_config *config, const char **why)
{
    vmm *v = h->v;
    GError *error = NULL;
    vmm_pc *pc = v->initialising && pcpu < v->n_pcs ? &v->pcs[pcpu] : here(h, pcpu, "emon_program");
    if (!pc) {
        if (why)
            *why = "the pCPU is not the one whose hook is called";
        return false;
    }
    if (vmm_smu_owns(pc, counter)) {
        if (why)
            *why = "the state management unit uses the counter";
        return false;
    }
    if (!v->initialising)
        vmm_work_registers(pc, 1);
    return pc->port->ops->emon_program(pc->port, counter, config, &error) || refuse(v, error, why);
}

static uint64_t emon_status(vmm_host *h, uint32_t pcpu)
{
    vmm_pc *pc = here(h, pcpu, "emon_status");
    if (!pc)
        return 0;
    vmm_work_registers(pc, 1);
    return pc->port->ops->emon_status(pc->port);
}

static void emon_acknowledge(vmm_host *h, uint32_t pcpu, uint64_t status)
{
    vmm_pc *pc = here(h, pcpu, "emon_acknowledge");
    if (!pc)
        return;
    vmm_work_registers(pc, 1);
    pc->port->ops->emon_acknowledge(pc->port, status);
}

static bool emon_parse(vmm_host *h, const char *event, sim_emon_config *config, const char **why)
{
    GError *error = NULL;
    return sim_emon_parse(event, config, &error) || refuse(h->v, error, why);
}

static uint64_t emon_read(vmm_host *h, uint32_t pcpu, uint32_t counter)
{
    vmm_pc *pc = here(h, pcpu, "emon_read");
    if (!pc)
        return 0;
    if (counter >= pc->facts.emon_counters) {
        vmm_bad_answer(h->v, "emon_read of counter %u; pCPU %u has %u", counter, pcpu, pc->facts.emon_counters);
        return 0;
    }
    vmm_work_registers(pc, 1);
    return pc->port->ops->emon_read(pc->port, counter);
}

static uint64_t emon_read_fixed(vmm_host *h, uint32_t pcpu, uint32_t fixed)
{
    vmm_pc *pc = here(h, pcpu, "emon_read_fixed");
    if (!pc)
        return 0;
    if (fixed > 2) {
        vmm_bad_answer(h->v, "emon_read_fixed of counter %u; there are 0 to 2", fixed);
        return 0;
    }
    vmm_work_registers(pc, 1);
    return pc->port->ops->emon_read_fixed(pc->port, fixed);
}

static bool way_mask(vmm_host *h, uint32_t pcpu, uint32_t vcpu, vmm_cache_level level, uint64_t mask)
{
    vmm *v = h->v;
    const vmm_vcpu *c = vmm_vcpu_at(v, vcpu);
    vmm_pc *pc = v->initialising && pcpu < v->n_pcs ? &v->pcs[pcpu] : here(h, pcpu, "way_mask");
    if (!pc || !c)
        return false;
    if (!v->initialising)
        vmm_work_registers(pc, 1);
    return pc->port->ops->way_mask(pc->port, c->vm->owner, level, mask);
}

static bool view(vmm_host *h, uint32_t pcpu, uint32_t vcpu, vmm_view *out)
{
    memset(out, 0, sizeof *out);
    vmm_pc *pc = here(h, pcpu, "view");
    const vmm_vcpu *c = vmm_vcpu_at(h->v, vcpu);
    if (!pc || !c)
        return false;
    vmm_work_registers(pc, VMM_VIEW_READS);
    pc->port->ops->view(pc->port, c->vm->owner, out);
    return true;
}

static sim_ps asking_time(const vmm *v)
{
    return v->hook_pcpu == VMM_PCPU_NONE ? sim_engine_now(v->engine) : vmm_now(&v->pcs[v->hook_pcpu]);
}

static void resched(vmm_host *h, uint32_t pcpu)
{
    vmm *v = h->v;
    if (pcpu < v->n_pcs)
        vmm_pc_resched(&v->pcs[pcpu], asking_time(v));
    else
        vmm_bad_answer(v, "resched of pCPU %u, which does not exist", pcpu);
}

static void set_tick(vmm_host *h, uint32_t pcpu, sim_ps period)
{
    vmm *v = h->v;
    if (pcpu >= v->n_pcs || (period && period < VMM_QUANTUM_MIN) || period > VMM_QUANTUM_MAX)
        vmm_bad_answer(v, "set_tick of pCPU %u to %" G_GUINT64_FORMAT " ps; valid: 0, 10us to 1s", pcpu, period);
    else
        vmm_pc_set_tick(&v->pcs[pcpu], period);
}

static void set_timer(vmm_host *h, uint32_t pcpu, sim_ps at)
{
    vmm *v = h->v;
    if (pcpu >= v->n_pcs || !v->policy.timer)
        vmm_bad_answer(v, "set_timer of pCPU %u, %s", pcpu, pcpu < v->n_pcs ? "without a hook for it" : "which does not exist");
    else
        vmm_pc_set_timer(&v->pcs[pcpu], at);
}

static vmm_param_value vm_param(const vmm_host *h, uint32_t vcpu, uint32_t param)
{
    const vmm_vcpu *c = vmm_vcpu_at(h->v, vcpu);
    if (c && param < h->v->policy.n_vm_params)
        return c->vm->params[param];
    vmm_bad_answer(h->v, "vm_param %u of vCPU %u; it has %u, and there are %u vCPUs", param, vcpu, h->v->policy.n_vm_params,
                   h->v->vcpus->len);
    return (vmm_param_value){ .u = 0 };
}

static void note(vmm_host *h, const vmm_decision *decision)
{
    vmm *v = h->v;
    vmm_decision d = *decision;
    if (d.pcpu >= v->n_pcs || d.vm >= v->vms->len || !d.action || !d.reason) {
        vmm_bad_answer(v, "note of a decision without pCPU, VM, action or reason");
        return;
    }
    d.at = asking_time(v);
    vmm_account_decision(v, &d);
}

static uint64_t random_below(vmm_host *h, uint64_t bound)
{
    return bound ? sim_random_below(&h->v->random, bound) : 0;
}

const vmm_services vmm_host_services = {
    .abi_version = VMM_POLICY_ABI,
    .struct_size = sizeof(vmm_services),
    .present = present,
    .now = now,
    .n_pcpus = n_pcpus,
    .n_vcpus = n_vcpus,
    .pcpu = pcpu_facts,
    .vcpu = vcpu_facts,
    .idle_mask = idle_mask,
    .emon_event = sim_emon_by_name,
    .emon_select = emon_select,
    .emon_read = emon_read,
    .emon_read_fixed = emon_read_fixed,
    .view = view,
    .resched = resched,
    .set_tick = set_tick,
    .note = note,
    .random_below = random_below,
    .emon_program = emon_program,
    .emon_status = emon_status,
    .emon_acknowledge = emon_acknowledge,
    .emon_parse = emon_parse,
    .way_mask = way_mask,
    .smu_watch = vmm_service_smu_watch,
    .vcpu_profile = vmm_service_vcpu_profile,
    .pcpu_profile = vmm_service_pcpu_profile,
    .task_profile = vmm_service_task_profile,
    .vm_param = vm_param,
    .set_timer = set_timer,
    .set_quantum = vmm_service_set_quantum,
    .transfer_task = vmm_service_transfer_task,
    .waiting_tasks = vmm_service_waiting_tasks,
    .evidence = vmm_service_evidence,
    .next_decision = vmm_service_next_decision,
    .outcome = vmm_service_outcome,
    .figure = vmm_service_figure,
    .what_if = vmm_service_what_if,
};
