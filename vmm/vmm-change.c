/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Changes that last, asked for by the policy: a vCPU's pre-assigned quantum, the VM in which a task waits. */
#include "vmm-private.h"

static sim_ps asking_time(const vmm *v)
{
    return v->hook_pcpu == VMM_PCPU_NONE ? sim_engine_now(v->engine) : vmm_now(&v->pcs[v->hook_pcpu]);
}

/* The policy's reason and evidence for a change that concerns `c`. */
static vmm_decision decision_of(const vmm *v, const vmm_vcpu *c, const vmm_decision *why, const char *action)
{
    vmm_decision d = why ? *why : (vmm_decision){ .reason = NULL };
    d.at = asking_time(v);
    d.pcpu = v->hook_pcpu != VMM_PCPU_NONE ? v->hook_pcpu : c->facts.pcpu != VMM_PCPU_NONE ? c->facts.pcpu : 0;
    d.vm = c->facts.vm;
    d.action = action;
    d.reason = d.reason ? d.reason : "unsaid";
    d.before = d.after = c->facts.quantum;
    return d;
}

bool vmm_service_set_quantum(vmm_host *h, uint32_t vcpu, sim_ps quantum, const vmm_decision *why)
{
    vmm *v = h->v;
    vmm_vcpu *c = vmm_vcpu_at(v, vcpu);
    if (!c || quantum < VMM_QUANTUM_MIN || quantum > VMM_QUANTUM_MAX) {
        vmm_bad_answer(v, "set_quantum of vCPU %u to %" G_GUINT64_FORMAT " ps; valid: 10us to 1s, of a vCPU that exists", vcpu, quantum);
        vmm_facts_forget(v);
        return false;
    }
    if (quantum == c->facts.quantum) {
        vmm_facts_forget(v);
        return true;
    }
    vmm_decision d = decision_of(v, c, why, quantum > c->facts.quantum ? "increase" : "decrease");
    d.after = c->facts.quantum = quantum;
    vmm_account_decision(v, &d);
    return true;
}

static bool refused(vmm *v, const char **why, const char *text)
{
    vmm_facts_forget(v);
    if (why)
        *why = text;
    return false;
}

bool vmm_service_transfer_task(vmm_host *h, uint32_t from, uint32_t to, uint32_t kind, const vmm_decision *reason, const char **why)
{
    vmm *v = h->v;
    vmm_vcpu *giver = vmm_vcpu_at(v, from), *taker = vmm_vcpu_at(v, to);
    const char *text = NULL;
    if (!giver || !taker || giver->facts.vm == taker->facts.vm)
        return refused(v, why, "there is no such pair of VMs");
    if (!v->tasks)
        return refused(v, why, "no VM has tasks that can move");
    if (taker->facts.state == VMM_OFFLINE)
        return refused(v, why, "the VM that was to get it is off line");
    sim_ps now = asking_time(v);
    if (!v->tasks->move(v->tasks->user, giver->facts.vm, taker->facts.vm, kind, now, &text))
        return refused(v, why, text);
    vmm_decision d = decision_of(v, giver, reason, "transfer");
    vmm_account_decision(v, &d);
    vmm_vcpu_wake(taker, v->tasks->wake(v->tasks->user, taker->facts.vm, now));
    return true;
}

uint32_t vmm_service_waiting_tasks(const vmm_host *h, uint32_t vcpu, uint32_t kind)
{
    const vmm *v = h->v;
    const vmm_vcpu *c = vmm_vcpu_at(v, vcpu);
    return c && v->tasks ? v->tasks->waiting(v->tasks->user, c->facts.vm, kind, asking_time(v)) : 0;
}
