/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copies of the simulation that try choices out (services.what_if). The copy goes on as a run of its own until its span is over, tells what each
 * vCPU got, and ends. */
#include "vmm-private.h"

#include <string.h>

/* In a copy: what its vCPUs had when it began. */
struct vmm_trial_state {
    sim_event over;
    vmm_trial before[];
};

/* What a vCPU has had in all, up to `at`. */
static vmm_trial life_of(const vmm *v, const vmm_vcpu *c, sim_ps at)
{
    const vmm_vm_stats *s = &c->vm->stats;
    sim_ps in_state[VMM_N_STATES];
    memcpy(in_state, s->in_state, sizeof in_state);
    in_state[c->facts.state] += at > c->facts.since ? at - c->facts.since : 0;
    vmm_trial t = { s->ev[SIM_EV_INSTRUCTIONS], in_state[VMM_RUNNING], in_state[VMM_RUNNABLE], in_state[VMM_BLOCKED] };
    const vmm_pc *pc = c->facts.state == VMM_RUNNING ? &v->pcs[c->facts.pcpu] : NULL;
    if (pc && pc->cur == c) {
        uint64_t now[SIM_EV_COUNT];
        pc->port->ops->truth(pc->port, now);
        t.insns += now[SIM_EV_INSTRUCTIONS] - pc->truth[SIM_EV_INSTRUCTIONS];
    }
    return t;
}

static void tell(vmm *v, sim_ps at)
{
    unsigned n = v->vcpus->len;
    g_autofree vmm_trial *outcome = g_new0(vmm_trial, n);
    for (unsigned i = 0; i < n; i++) {
        vmm_trial now = life_of(v, vmm_vcpu_at(v, i), at), *before = &v->trial->before[i];
        outcome[i] = (vmm_trial){ now.insns - before->insns, now.running - MIN(before->running, now.running),
                                  now.runnable - MIN(before->runnable, now.runnable), now.blocked - MIN(before->blocked, now.blocked) };
    }
    v->copies->tell(v->copies->user, outcome, n * sizeof *outcome);
}

static void over(G_GNUC_UNUSED sim_event *event, void *user)
{
    vmm *v = user;
    tell(v, sim_engine_now(v->engine));
}

void vmm_trial_over(vmm *v)
{
    if (v->trial)
        tell(v, MAX(sim_engine_now(v->engine), v->trial->over.at));
}

static bool good_request(const vmm *v, uint32_t pcpu, uint32_t n, sim_ps span)
{
    return v->deciding && pcpu == v->hook_pcpu && n && n <= VMM_MAX_TRIALS && span && span <= VMM_QUANTUM_MAX &&
           v->policy.flags & VMM_POLICY_TRIALS;
}

static struct vmm_trial_state *begin(const vmm *v, sim_ps at)
{
    unsigned n = v->vcpus->len;
    struct vmm_trial_state *t = g_malloc0(sizeof *t + n * sizeof *t->before);
    for (unsigned i = 0; i < n; i++)
        t->before[i] = life_of(v, vmm_vcpu_at(v, i), at);
    return t;
}

int vmm_service_what_if(vmm_host *h, uint32_t pcpu, const vmm_choice *choices, uint32_t n, sim_ps span, vmm_trial *outcome)
{
    vmm *v = h->v;
    if (!good_request(v, pcpu, n, span)) {
        vmm_bad_answer(v, "what_if of %u choices over %" G_GUINT64_FORMAT
                       " ps on pCPU %u; valid: in `schedule` of the pCPU, by a policy of VMM_POLICY_TRIALS, 1 to"
                       " %d choices, a span of 1s at most", n, span, pcpu, VMM_MAX_TRIALS);
        return VMM_TRIALS_NONE;
    }
    vmm_pc *pc = &v->pcs[pcpu];
    for (uint32_t i = 0; i < n; i++) {
        const char *wrong = vmm_choice_wrong(pc, &choices[i]);
        if (wrong) {
            vmm_bad_answer(v, "what_if of vCPU %u on pCPU %u, %s", choices[i].vcpu, pcpu, wrong);
            return VMM_TRIALS_NONE;
        }
    }
    if (v->trial || !v->copies)
        return VMM_TRIALS_NONE;
    sim_ps now = vmm_now(pc);
    int number = v->copies->make(v->copies->user, n, v->vcpus->len * sizeof(vmm_trial), outcome);
    if (number < 0)
        return number;
    v->trial = begin(v, now);
    sim_event_init(&v->trial->over, over, v, SIM_PRIO_END);
    sim_engine_schedule(v->engine, &v->trial->over, now + span);
    return number;
}
