/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What has to hold at every instant of a run, and at its end. */
#include "vmm-conform-private.h"
#include "vmm-private.h"

/* So long may work wait beside an idle pCPU: what a kick and a decision take, and what a block overshoots. */
#define SLACK MS(1)

static void bad_answers(const vmm *v, sim_ps at)
{
    const char *first;
    if (vmm_bad_answers(v, &first))
        conform_broke("good-answers", "%s, at %.6f ms", first, (double)at / (double)SIM_PS_PER_MS);
}

/* A runnable vCPU that may run on the idle pCPU, or NULL. */
static const vmm_vcpu *waits_for(const vmm *v, unsigned pcpu)
{
    uint32_t first = vmm_runqueue_first(v->ready, pcpu);
    return first == VMM_VCPU_NONE ? NULL : vmm_vcpu_at(v, first);
}

static void work_conserving(conform_run *r, const vmm *v, sim_ps at)
{
    for (unsigned i = 0; i < v->n_pcs; i++) {
        const vmm_pc *pc = &v->pcs[i];
        const vmm_vcpu *c = !pc->cur && !sim_event_pending(&pc->resched_event) ? waits_for(v, i) : NULL;
        if (!c)
            r->idle_since[i] = SIM_PS_NEVER;
        else if (r->idle_since[i] == SIM_PS_NEVER)
            r->idle_since[i] = at;
        else if (at - r->idle_since[i] > SLACK)
            conform_broke("work-conserving", "pCPU %u has idled since %.6f ms though vCPU %u, which may run there, has been runnable since %.6f ms", i,
                          (double)r->idle_since[i] / (double)SIM_PS_PER_MS, c->facts.id, (double)c->facts.since / (double)SIM_PS_PER_MS);
    }
}

static void one_place(const vmm *v, sim_ps at)
{
    for (unsigned i = 0; i < v->n_pcs; i++) {
        const vmm_pc *pc = &v->pcs[i];
        if (!pc->cur)
            continue;
        const vmm_vcpu_facts *f = &pc->cur->facts;
        if (f->state != VMM_RUNNING || f->pcpu != i || !vmm_may_run(pc->cur, i))
            conform_broke("one-place", "vCPU %u is on pCPU %u at %.6f ms, but is not running there by its accounts, or may not", f->id, i,
                          (double)at / (double)SIM_PS_PER_MS);
        if (pc->facts.quantum_end < pc->facts.quantum_begin || pc->facts.quantum_end - pc->facts.quantum_begin > VMM_QUANTUM_MAX)
            conform_broke("quantum-bounds", "vCPU %u has a quantum of %" G_GUINT64_FORMAT " ps on pCPU %u at %.6f ms", f->id,
                          pc->facts.quantum_end - pc->facts.quantum_begin, i, (double)at / (double)SIM_PS_PER_MS);
    }
}

void conform_watch(void *run)
{
    conform_run *r = run;
    const vmm *v = r->m->v;
    sim_ps at = sim_engine_now(r->m->engine);
    bad_answers(v, at);
    one_place(v, at);
    if (!r->may_idle)
        work_conserving(r, v, at);
}

static void accounts(const conform_run *r)
{
    sim_ps running = 0;
    for (guint i = 0; i < r->m->guests->len; i++) {
        sim_ps sum = mock_total(r->m, i);
        const vmm_vm_stats *s = vmm_stats(r->m->v, i);
        running += s->in_state[VMM_RUNNING];
        if (sum != r->m->end)
            conform_broke("accounts", "the times of vCPU %u in its states are %" G_GUINT64_FORMAT " ps together, the run's is %" G_GUINT64_FORMAT " ps", i,
                          sum, r->m->end);
        if (((mock_guest *)g_ptr_array_index(r->m->guests, i))->ran > s->in_state[VMM_RUNNING] + r->m->block)
            conform_broke("accounts", "vCPU %u has executed for longer than it was running", i);
    }
    if (running > r->m->end * r->m->n)
        conform_broke("accounts", "vCPUs were running for longer than %u pCPUs have been there", r->m->n);
}

void conform_watch_end(conform_run *r)
{
    const char *first;
    bad_answers(r->m->v, r->m->end);
    accounts(r);
    if (!r->may_idle && !(r->of->flags & MAY_STARVE) && vmm_starvations(r->m->v, &first))
        conform_broke("no-starvation", "%s", first);
}
