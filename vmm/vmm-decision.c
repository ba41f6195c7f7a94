/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The decision engine: asks the policy, checks every answer, and puts round-robin in the place of a bad one. */
#include "vmm-private.h"

#include <string.h>

void vmm_bad_answer(vmm *v, const char *format, ...)
{
    if (v->n_bad++)
        return;
    va_list args;
    va_start(args, format);
    g_autofree char *what = g_strdup_vprintf(format, args);
    va_end(args);
    v->first_bad = g_strdup_printf("policy '%s': %s", v->policy.name, what);
}

/* What is wrong with running the vCPU on the pCPU (static text), or NULL. */
static const char *cannot_run(const vmm *v, uint32_t vcpu, const vmm_pc *pc)
{
    const vmm_vcpu *c = vmm_vcpu_at(v, vcpu);
    if (!c)
        return "which does not exist";
    switch (c->facts.state) {
    case VMM_RUNNING:
        return "which runs on another pCPU";
    case VMM_BLOCKED:
        return "which is blocked";
    case VMM_OFFLINE:
        return "which is off line";
    default:
        return vmm_may_run(c, pc->facts.id) ? NULL : "which may not run there";
    }
}

static bool quantum_is_good(sim_ps quantum)
{
    return quantum >= VMM_QUANTUM_MIN && quantum <= VMM_QUANTUM_MAX;
}

/* The VMM's own choice: the policy has to forget that the vCPU waits. */
static vmm_pick impose(vmm *v, uint32_t vcpu, sim_ps quantum)
{
    vmm_vcpu *c = vmm_vcpu_at(v, vcpu);
    v->policy.sleep(v->self, vcpu);
    return (vmm_pick){ .vcpu = c, .quantum = quantum ? quantum : c->facts.quantum };
}

static vmm_pick round_robin(vmm_pc *pc)
{
    uint32_t first = vmm_runqueue_first(pc->v->ready, pc->facts.id);
    return first == VMM_VCPU_NONE ? (vmm_pick){ .vcpu = NULL } : impose(pc->v, first, 0);
}

/* Takes a pending wish for a vCPU, if it can be granted. */
static bool granted(vmm_pc *pc, uint32_t *wish)
{
    uint32_t vcpu = *wish;
    *wish = VMM_VCPU_NONE;
    return vcpu != VMM_VCPU_NONE && !cannot_run(pc->v, vcpu, pc);
}

static vmm_pick refuse(vmm_pc *pc, uint32_t vcpu)
{
    vmm *v = pc->v;
    const vmm_vcpu *c = vmm_vcpu_at(v, vcpu);
    if (c && c->facts.state == VMM_RUNNABLE)
        v->policy.context_saved(v->self, pc->facts.id, vcpu, VMM_OFF_REFUSED);
    return round_robin(pc);
}

const char *vmm_choice_wrong(const vmm_pc *pc, const vmm_choice *choice)
{
    const char *wrong = cannot_run(pc->v, choice->vcpu, pc);
    return wrong || !choice->quantum || quantum_is_good(choice->quantum) ? wrong : "with a quantum that is not within 10us and 1s";
}

static vmm_pick check_choice(vmm_pc *pc, vmm_choice choice)
{
    vmm *v = pc->v;
    unsigned id = pc->facts.id;
    if (choice.vcpu == VMM_VCPU_NONE) {
        vmm_pick other = { .vcpu = NULL };
        if (!(v->policy.flags & VMM_POLICY_MAY_IDLE) && vmm_runqueue_first(v->ready, id) != VMM_VCPU_NONE) {
            other = round_robin(pc);
            vmm_bad_answer(v, "schedule let pCPU %u idle while vCPU %u was runnable (not work-conserving)", id,
                           other.vcpu->facts.id);
        }
        return other;
    }
    const char *wrong = cannot_run(v, choice.vcpu, pc);
    if (wrong) {
        vmm_bad_answer(v, "schedule chose vCPU %u for pCPU %u, %s", choice.vcpu, id, wrong);
        return refuse(pc, choice.vcpu);
    }
    vmm_vcpu *c = vmm_vcpu_at(v, choice.vcpu);
    sim_ps quantum = choice.quantum ? choice.quantum : c->facts.quantum;
    if (!quantum_is_good(quantum)) {
        vmm_bad_answer(v, "schedule gave vCPU %u a quantum of %" G_GUINT64_FORMAT " ps; valid: 10us to 1s", choice.vcpu,
                       quantum);
        return refuse(pc, choice.vcpu);
    }
    return (vmm_pick){ .vcpu = c, .quantum = quantum };
}

static vmm_pick ask(vmm_pc *pc)
{
    vmm *v = pc->v;
    v->deciding = true;
    vmm_choice choice = v->policy.schedule(v->self, pc->facts.id, vmm_now(pc));
    v->deciding = false;
    return check_choice(pc, choice);
}

vmm_pick vmm_decide(vmm_pc *pc)
{
    vmm *v = pc->v;
    vmm_pick pick;
    uint32_t forced = pc->forced, heir = pc->donated_to;
    v->hook_pcpu = pc->facts.id;
    if (granted(pc, &pc->forced) && vmm_vcpu_at(v, forced)->forced)
        pick = impose(v, forced, 0);
    else if (granted(pc, &pc->donated_to))
        pick = impose(v, heir, pc->donated);
    else
        pick = ask(pc);
    v->hook_pcpu = VMM_PCPU_NONE;
    pc->donated_to = VMM_VCPU_NONE;
    return pick;
}

static bool donation_is_good(vmm_pc *pc, const vmm_verdict *verdict, const char *hook)
{
    const char *wrong = cannot_run(pc->v, verdict->to, pc);
    if (wrong)
        vmm_bad_answer(pc->v, "%s donated time on pCPU %u to vCPU %u, %s", hook, pc->facts.id, verdict->to, wrong);
    else if (verdict->span && !quantum_is_good(verdict->span))
        vmm_bad_answer(pc->v, "%s donated %" G_GUINT64_FORMAT " ps; valid: 10us to 1s", hook, verdict->span);
    else
        return true;
    return false;
}

vmm_verdict vmm_verdict_checked(vmm_pc *pc, vmm_verdict verdict, const char *hook)
{
    const vmm_pcpu_facts *f = &pc->facts;
    bool good = true;
    switch (verdict.kind) {
    case VMM_KEEP:
    case VMM_END:
        break;
    case VMM_EXTEND:
        /* A quantum that would end in the past even so is no extension. */
        good = verdict.span <= VMM_QUANTUM_MAX && f->quantum_end - f->quantum_begin + verdict.span <= VMM_QUANTUM_MAX &&
               f->quantum_end + verdict.span > vmm_now(pc);
        if (!good)
            vmm_bad_answer(pc->v, "%s extended a quantum of %" G_GUINT64_FORMAT " ps by %" G_GUINT64_FORMAT
                           " ps; it has to end in the future and be 1s at most", hook,
                           f->quantum_end - f->quantum_begin, verdict.span);
        break;
    case VMM_SHORTEN:
        good = verdict.span > 0;
        if (!good)
            vmm_bad_answer(pc->v, "%s shortened a quantum by nothing", hook);
        break;
    case VMM_DONATE:
        good = donation_is_good(pc, &verdict, hook);
        break;
    default:
        good = false;
        vmm_bad_answer(pc->v, "%s gave the unknown verdict %d", hook, (int)verdict.kind);
    }
    if (!good)
        verdict = (vmm_verdict){ .kind = VMM_KEEP };
    if (verdict.kind == VMM_KEEP)
        vmm_facts_forget(pc->v);
    return verdict;
}

/* ---- placing ------------------------------------------------------------------------------------------------ */

/* Smaller is better: a core of which all pCPUs idle, then near to where the vCPU ran last (NULL: nowhere). */
static unsigned cost_of(const vmm *v, const vmm_pc *pc, const vmm_pc *last)
{
    unsigned shared = 0, far = 0;
    for (unsigned w = 0; w < VMM_MASK_WORDS; w++)
        shared |= (pc->siblings[w] & ~v->idle[w]) != 0;
    if (last)
        far = pc == last ? 0 : pc->facts.core == last->facts.core ? 1 : pc->facts.package == last->facts.package ? 2 : 3;
    return shared * 4 + far;
}

uint32_t vmm_idle_for(const vmm_vcpu *c)
{
    const vmm *v = c->v;
    const vmm_pc *last = c->facts.pcpu == VMM_PCPU_NONE ? NULL : &v->pcs[c->facts.pcpu];
    uint32_t best = VMM_PCPU_NONE;
    unsigned least = UINT_MAX;
    if (last && vmm_mask_has(v->idle, last->facts.id))
        return last->facts.id;
    for (unsigned w = 0; w < VMM_MASK_WORDS && least > 0; w++) {
        for (uint64_t m = v->idle[w] & c->facts.affinity[w]; m && least > 0; m &= m - 1) {
            uint32_t id = w * 64 + (uint32_t)__builtin_ctzll(m);
            unsigned cost = cost_of(v, &v->pcs[id], last);
            if (cost < least) {
                least = cost;
                best = id;
            }
        }
    }
    return best;
}

static uint32_t default_place(const vmm_vcpu *c)
{
    uint32_t best = vmm_idle_for(c);
    if (best != VMM_PCPU_NONE)
        return best;
    if (c->facts.pcpu != VMM_PCPU_NONE)
        return c->facts.pcpu;
    for (best = 0; !vmm_may_run(c, best); best++)
        ;
    return best;
}

uint32_t vmm_place(vmm_vcpu *c)
{
    vmm *v = c->v;
    if (!v->policy.pick_pcpu)
        return default_place(c);
    uint32_t answer = v->policy.pick_pcpu(v->self, c->facts.id);
    if (answer < v->n_pcs && vmm_may_run(c, answer))
        return answer;
    vmm_bad_answer(v, "pick_pcpu placed vCPU %u on pCPU %u, %s", c->facts.id, answer,
                   answer < v->n_pcs ? "where it may not run" : "which does not exist");
    return default_place(c);
}

/* ---- getters ------------------------------------------------------------------------------------------------ */

uint64_t vmm_bad_answers(const vmm *v, const char **first)
{
    if (first)
        *first = v->first_bad;
    return v->n_bad;
}

uint64_t vmm_starvations(const vmm *v, const char **first)
{
    if (first)
        *first = v->first_starved;
    return v->n_starved;
}
