/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What has to hold at every instant of a run, and at its end. */
#include "vmm-conform-private.h"
#include "vmm-private.h"

/* So long may work wait beside an idle pCPU: what a kick and a decision take, and what a block overshoots. */
#define SLACK MS(1)
/* So long may it where the policy may idle: longer than any period or cap that a policy has by default. An estimate, 5 times the longest (credit's 100 ms). */
#define LOST MS(500)
/* Rounds of all vCPUs that one may wait: the watchdog's own factor. */
enum { ROUNDS = 10 };
/* A policy that leaves pCPUs idle may refuse a vCPU for good (null has no more than one for each pCPU). Who had so many turns was not refused. */
enum { KNOWN = 10 };

static double ms(sim_ps t)
{
    return (double)t / (double)SIM_PS_PER_MS;
}

/* ---- slices: who is where, for how long, and who waits -------------------------------------------------------------- */

/* A vCPU of weight w waits for ROUNDS rounds in which each other one has its longest quantum, times the ratio of their weights where that is above 1, shared
 * by the pCPUs that it may use. */
static sim_ps patience(const vmm *v, const vmm_vcpu *c)
{
    uint64_t turns = 0, places = 0;
    for (guint i = 0; i < v->vcpus->len; i++)
        turns += MAX(1, vmm_vcpu_at(v, i)->facts.weight / c->facts.weight);
    for (unsigned i = 0; i < v->n_pcs; i++)
        places += vmm_may_run(c, i);
    return ROUNDS * (turns / places + 1);
}

static void waited(const conform_run *r, uint32_t vcpu, sim_ps until)
{
    const conform_vcpu *c = &r->vcpus[vcpu];
    if (r->may_idle || r->of->flags & MAY_STARVE || !c->waits || until <= c->since + SLACK)
        return;
    unsigned __int128 limit = (unsigned __int128)c->patience * MAX(r->longest, r->of->quantum);
    if (until - c->since - SLACK > limit)
        conform_broke("no-starvation", until, VMM_PCPU_NONE, vcpu,
                      "vCPU %u has been runnable for %.3f ms without running; with its weight, the others' and quanta of %.3f ms it may be for %.3f ms", vcpu,
                      ms(until - c->since), ms(MAX(r->longest, r->of->quantum)), ms((sim_ps)limit));
}

static void begins(conform_run *r, const vmm_sight *s)
{
    conform_vcpu *c = &r->vcpus[s->vcpu];
    conform_pcpu *p = &r->pcpus[s->pcpu];
    if (c->on != VMM_PCPU_NONE)
        conform_broke("one-place", s->at, s->pcpu, s->vcpu, "vCPU %u begins on pCPU %u while it is on pCPU %u", s->vcpu, s->pcpu, c->on);
    if (p->vcpu != VMM_VCPU_NONE || s->at < p->since || s->at < c->since)
        conform_broke("one-place", s->at, s->pcpu, s->vcpu, "vCPU %u begins on pCPU %u at %.6f ms, before the pCPU is free, or the vCPU", s->vcpu,
                      s->pcpu, ms(s->at));
    waited(r, s->vcpu, s->at);
    r->longest = MAX(r->longest, s->span);
    p->vcpu = s->vcpu;
    p->since = s->at;
    c->on = s->pcpu;
    c->turns++;
    c->since = s->at;
    c->waits = false;
}

static void ends(conform_run *r, const vmm_sight *s)
{
    conform_vcpu *c = &r->vcpus[s->vcpu];
    conform_pcpu *p = &r->pcpus[s->pcpu];
    if (c->on != s->pcpu || p->vcpu != s->vcpu || s->at < p->since)
        conform_broke("one-place", s->at, s->pcpu, s->vcpu, "vCPU %u ends on pCPU %u, where it was not", s->vcpu, s->pcpu);
    c->ran += s->at > r->of->span ? r->of->span - MIN(p->since, r->of->span) : s->at - p->since;
    c->on = VMM_PCPU_NONE;
    c->since = s->at;
    c->waits = s->why < VMM_SLICE_BLOCKED;
    p->vcpu = VMM_VCPU_NONE;
    p->since = s->at;
}

static void see(void *user, const vmm_sight *s)
{
    conform_run *r = user;
    switch (s->kind) {
    case VMM_SEEN_BEGIN:
        begins(r, s);
        break;
    case VMM_SEEN_END:
        ends(r, s);
        break;
    case VMM_SEEN_ON:
    case VMM_SEEN_WAKE:
        if (r->vcpus[s->vcpu].on != VMM_PCPU_NONE) /* it halts there */
            break;
        r->vcpus[s->vcpu].waits = true;
        r->vcpus[s->vcpu].since = s->at;
        break;
    case VMM_SEEN_OFF:
        waited(r, s->vcpu, s->at);
        r->vcpus[s->vcpu].waits = false;
        break;
    default:
        break;
    }
}

void conform_watch_begin(conform_run *r)
{
    const vmm *v = r->m->v;
    r->vcpus = g_new0(conform_vcpu, v->vcpus->len);
    r->pcpus = g_new0(conform_pcpu, v->n_pcs);
    for (guint i = 0; i < v->vcpus->len; i++)
        r->vcpus[i] = (conform_vcpu){.on = VMM_PCPU_NONE, .patience = patience(v, vmm_vcpu_at(v, i))};
    for (unsigned i = 0; i < v->n_pcs; i++)
        r->pcpus[i] = (conform_pcpu){.vcpu = VMM_VCPU_NONE, .idle_since = SIM_PS_NEVER};
    r->m->v->observe = see;
    r->m->v->observe_user = r;
}

void conform_watch_free(conform_run *r)
{
    g_free(r->vcpus);
    g_free(r->pcpus);
}

/* ---- at every instant ----------------------------------------------------------------------------------------------- */

static void bad_answers(const vmm *v, sim_ps at)
{
    const char *first;
    if (vmm_bad_answers(v, &first))
        conform_broke("good-answers", at, VMM_PCPU_NONE, VMM_VCPU_NONE, "%s, at %.6f ms", first, ms(at));
}

/* A runnable vCPU that may run on the idle pCPU, or NULL. */
static const vmm_vcpu *waits_for(const vmm *v, unsigned pcpu)
{
    uint32_t first = vmm_runqueue_first(v->ready, pcpu);
    return first == VMM_VCPU_NONE ? NULL : vmm_vcpu_at(v, first);
}

/* The pCPU has idled beside the vCPU until now. */
static void idled(const conform_run *r, unsigned pcpu, sim_ps at)
{
    const conform_pcpu *p = &r->pcpus[pcpu];
    uint32_t vcpu = p->beside;
    /* A vCPU may have come off a pCPU whose time is past the machine's. */
    if (!r->may_idle && at > MAX(p->idle_since, p->beside_since) + SLACK)
        conform_broke("work-conserving", at, pcpu, vcpu,
                      "pCPU %u has idled since %.6f ms though vCPU %u, which may run there, has been runnable since %.6f ms", pcpu, ms(p->idle_since), vcpu,
                      ms(p->beside_since));
    if (r->may_idle && r->vcpus[vcpu].turns >= KNOWN && at > p->beside_since + LOST)
        conform_broke("none-lost", at, pcpu, vcpu,
                      "vCPU %u has been runnable since %.6f ms, and pCPU %u, which it may use, idles, though it was chosen %u times before", vcpu,
                      ms(p->beside_since), pcpu, r->vcpus[vcpu].turns);
}

/* Since the last event nothing has changed: who idled then, did until now. */
static void idle_pcpus(conform_run *r, const vmm *v, sim_ps at)
{
    for (unsigned i = 0; i < v->n_pcs; i++)
        if (r->pcpus[i].idle_since != SIM_PS_NEVER)
            idled(r, i, at);
    for (unsigned i = 0; i < v->n_pcs; i++) {
        const vmm_pc *pc = &v->pcs[i];
        const vmm_vcpu *c = !pc->cur && !sim_event_pending(&pc->resched_event) ? waits_for(v, i) : NULL;
        conform_pcpu *p = &r->pcpus[i];
        p->idle_since = !c ? SIM_PS_NEVER : p->idle_since == SIM_PS_NEVER ? at : p->idle_since;
        p->beside = c ? c->facts.id : VMM_VCPU_NONE;
        p->beside_since = c ? c->facts.since : SIM_PS_NEVER;
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
            conform_broke("one-place", at, i, f->id, "vCPU %u is on pCPU %u at %.6f ms, but is not running there by its accounts, or may not", f->id, i,
                          ms(at));
        if (pc->facts.quantum_end < pc->facts.quantum_begin || pc->facts.quantum_end - pc->facts.quantum_begin > VMM_QUANTUM_MAX)
            conform_broke("quantum-bounds", at, i, f->id, "vCPU %u has a quantum of %" G_GUINT64_FORMAT " ps on pCPU %u at %.6f ms", f->id,
                          pc->facts.quantum_end - pc->facts.quantum_begin, i, ms(at));
    }
}

void conform_watch(void *run)
{
    conform_run *r = run;
    const vmm *v = r->m->v;
    sim_ps at = sim_engine_now(r->m->engine);
    bad_answers(v, at);
    one_place(v, at);
    idle_pcpus(r, v, at);
    uint32_t oldest = vmm_runqueue_head(v->ready);
    if (oldest != VMM_VCPU_NONE)
        waited(r, oldest, at);
}

/* ---- at the end ----------------------------------------------------------------------------------------------------- */

static void accounts_of(conform_run *r, unsigned i)
{
    conform_vcpu *c = &r->vcpus[i];
    const vmm_vm_stats *s = vmm_stats(r->m->v, i);
    sim_ps sum = mock_total(r->m, i), end = r->m->end;
    if (c->on != VMM_PCPU_NONE)
        c->ran += end - MIN(c->since, end);
    if (sum != end)
        conform_broke("accounts", end, VMM_PCPU_NONE, i,
                      "the times of vCPU %u in its states are %" G_GUINT64_FORMAT " ps together, the run's is %" G_GUINT64_FORMAT " ps", i, sum, end);
    if (c->ran != s->in_state[VMM_RUNNING])
        conform_broke("accounts", end, VMM_PCPU_NONE, i,
                      "pCPUs worked for vCPU %u for %" G_GUINT64_FORMAT " ps, but it was running for %" G_GUINT64_FORMAT " ps", i, c->ran,
                      s->in_state[VMM_RUNNING]);
    if (((mock_guest *)g_ptr_array_index(r->m->guests, i))->ran > s->in_state[VMM_RUNNING] + r->m->block)
        conform_broke("accounts", end, VMM_PCPU_NONE, i, "vCPU %u has executed for longer than it was running", i);
}

void conform_watch_end(conform_run *r)
{
    const char *first;
    bad_answers(r->m->v, r->m->end);
    if (!vmm_all_ended(r->m->v))
        idle_pcpus(r, r->m->v, r->m->end);
    for (guint i = 0; i < r->m->guests->len; i++) {
        waited(r, i, r->m->end);
        accounts_of(r, i);
    }
    if (!r->may_idle && !(r->of->flags & MAY_STARVE) && vmm_starvations(r->m->v, &first))
        conform_broke("no-starvation", r->m->end, VMM_PCPU_NONE, VMM_VCPU_NONE, "%s", first);
}
