/* SPDX-License-Identifier: GPL-2.0-or-later */
/* After balance_load, migrate and consider of xen/common/sched/credit2.c. */
#include "credit2.h"

static void migrate(credit2 *c, uint32_t vcpu, uint32_t to, sim_ps now)
{
    c2_vcpu *v = &c->vcpus[vcpu];
    bool waits = vmm_runqueue_contains(c2_queue_of(c, vcpu)->queue, vcpu) || v->kept_for != VMM_PCPU_NONE;
    if (c2_runs(c, vcpu) || vcpu == c->next) {
        v->go_to = to;
        c2_ask(c, c2_runs(c, vcpu) ? c2_facts(c, vcpu)->pcpu : c->at);
        return;
    }
    c2_queue_drop(c, vcpu);
    if (waits)
        c2_count(c, vcpu, -1, now);
    c2_unassign(c, vcpu);
    c2_assign(c, vcpu, to);
    if (!waits)
        return;
    c2_count(c, vcpu, 1, now);
    c2_enqueue(c, vcpu);
}

/* Those of `from` that may move to `to`. */
static unsigned candidates(credit2 *c, const c2_queue *from, const c2_queue *to, credit2_candidate *out, sim_ps now)
{
    unsigned n = 0;
    for (unsigned i = 0; i < from->vcpus->len; i++) {
        uint32_t vcpu = g_array_index(from->vcpus, uint32_t, i);
        c2_vcpu *v = &c->vcpus[vcpu];
        pcpu_mask may = pcpu_mask_and(&to->pcpus, c2_facts(c, vcpu)->affinity);
        credit2_load_update(&v->load, 0, c->p[P_WINDOW].u, now);
        if (v->go_to == UINT32_MAX && !pcpu_mask_empty(&may))
            out[n++] = (credit2_candidate){ v->load.average, vcpu };
    }
    return n;
}

/* The queue whose load differs most from this one's, or UINT32_MAX. */
static uint32_t most_different(credit2 *c, uint32_t rq, sim_ps now)
{
    uint32_t best = UINT32_MAX;
    int64_t most = 0;
    for (uint32_t i = 0; i < c->n_queues; i++) {
        credit2_load_update(&c->queues[i].load, 0, c->p[P_WINDOW].u, now);
        int64_t difference = ABS(c->queues[i].load.average - c->queues[rq].load.average);
        if (i != rq && difference > most) {
            most = difference;
            best = i;
        }
    }
    return best;
}

void c2_balance(credit2 *c, uint32_t rq, sim_ps now)
{
    credit2_load_update(&c->queues[rq].load, 0, c->p[P_WINDOW].u, now);
    uint32_t other = most_different(c, rq, now);
    if (other == UINT32_MAX)
        return;
    c2_queue *own = &c->queues[rq], *theirs = &c->queues[other];
    int64_t difference = own->load.average - theirs->load.average, most = MAX(own->load.average, theirs->load.average);
    bool under = most < (int64_t)MAX(own->n_pcpus, theirs->n_pcpus) * CREDIT2_LOAD_ONE;
    uint64_t tolerance = c->p[under ? P_UNDER : P_OVER].u * (uint64_t)CREDIT2_LOAD_ONE / 1000;
    if ((uint64_t)ABS(difference) < tolerance)
        return;
    unsigned n_push = candidates(c, own, theirs, c->push, now), n_pull = candidates(c, theirs, own, c->pull, now);
    credit2_swap swap = credit2_best_swap(c->push, n_push, c->pull, n_pull, difference);
    if (swap.push != VMM_VCPU_NONE)
        migrate(c, swap.push, other, now);
    if (swap.pull != VMM_VCPU_NONE)
        migrate(c, swap.pull, rq, now);
}
