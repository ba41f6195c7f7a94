/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "credit.h"

/* ---- queues ------------------------------------------------------------------------------------------------------ */

void credit_queue_insert(credit *c, uint32_t vcpu)
{
    vmm_runqueue_insert(c->pcpus[c->vcpus[vcpu].home].queue, vcpu, -(int64_t)c->vcpus[vcpu].pri);
}

void credit_queue_drop(credit *c, uint32_t vcpu)
{
    vmm_runqueue_remove(c->pcpus[c->vcpus[vcpu].home].queue, vcpu);
    c->vcpus[vcpu].yielded = false;
}

/* One that yields goes behind those of its priority, or, where there are none, behind one that is less urgent [__runq_insert]. */
void credit_queue_insert_yielded(credit *c, uint32_t vcpu)
{
    credit_vcpu *v = &c->vcpus[vcpu];
    vmm_runqueue *q = c->pcpus[v->home].queue;
    uint32_t head = vmm_runqueue_head(q);
    int64_t key = head == VMM_VCPU_NONE ? 0 : vmm_runqueue_key(q, head);
    credit_queue_insert(c, vcpu);
    v->yielded = true;
    if (head != VMM_VCPU_NONE && key > -(int64_t)v->pri) {
        vmm_runqueue_insert_front(q, vcpu, key);
        vmm_runqueue_insert_front(q, head, key);
    }
}

void credit_set_priority(credit *c, uint32_t vcpu, credit_priority pri)
{
    credit_vcpu *v = &c->vcpus[vcpu];
    vmm_runqueue *q = c->pcpus[v->home].queue;
    bool lower = pri < v->pri;
    if (v->pri == pri)
        return;
    v->pri = pri;
    if (!vmm_runqueue_contains(q, vcpu))
        return;
    if (lower)
        vmm_runqueue_insert_front(q, vcpu, -(int64_t)pri);
    else
        vmm_runqueue_insert(q, vcpu, -(int64_t)pri);
}

/* ---- placing [_csched_cpu_pick, __runq_tickle] -------------------------------------------------------------------- */

/* Idle pCPUs, and the one that would idle if the vCPU left it. */
static pcpu_mask idlers_without(const credit *c, uint32_t vcpu)
{
    pcpu_mask idle = pcpu_mask_of(c->services->idle_mask(c->h));
    uint32_t home = c->vcpus[vcpu].home;
    if (credit_running_on(c, home) == vcpu && !vmm_runqueue_length(c->pcpus[home].queue))
        pcpu_mask_add(&idle, home);
    return idle;
}

/* Whether `next` idles more than `now` does: by idle siblings of their cores within a package, else by idle pCPUs of their packages, twice as many. */
static bool idles_more(const credit *c, const pcpu_mask *idlers, uint32_t now, uint32_t next, pcpu_mask *around)
{
    bool near = pcpu_mask_has(&c->topology.package[next], now);
    const pcpu_mask *domains = near ? c->topology.core : c->topology.package;
    pcpu_mask here = pcpu_mask_and(idlers, domains[now].w);
    *around = pcpu_mask_and(idlers, domains[next].w);
    return pcpu_mask_count(&here) * (near ? 1 : 2) < pcpu_mask_count(around);
}

uint32_t credit_place(credit *c, uint32_t vcpu, bool commit)
{
    uint32_t best = c->vcpus[vcpu].home, biased = VMM_PCPU_NONE;
    pcpu_mask idlers = idlers_without(c, vcpu), left = pcpu_mask_and(&idlers, credit_facts(c, vcpu)->affinity);
    if (!pcpu_mask_empty(&left))
        best = pcpu_mask_test_or_cycle(&left, best);
    pcpu_mask_drop(&left, best);
    while (!pcpu_mask_empty(&left)) {
        uint32_t next = pcpu_mask_cycle(&left, best);
        pcpu_mask around;
        if (!idles_more(c, &idlers, best, next, &around)) {
            left = pcpu_mask_without(&left, &around);
            continue;
        }
        around = pcpu_mask_and(&around, left.w);
        best = pcpu_mask_cycle(&around, c->pcpus[next].idle_bias);
        biased = next;
        left = pcpu_mask_without(&left, &c->topology.core[best]);
    }
    if (commit && biased != VMM_PCPU_NONE)
        c->pcpus[biased].idle_bias = best;
    return best;
}

void credit_tickle(credit *c, uint32_t vcpu)
{
    const credit_vcpu *v = &c->vcpus[vcpu];
    uint32_t home = v->home, current = credit_running_on(c, home);
    pcpu_mask idle = pcpu_mask_of(c->services->idle_mask(c->h)), mine = pcpu_mask_and(&idle, credit_facts(c, vcpu)->affinity);
    if (current == VMM_VCPU_NONE) {
        c->services->resched(c->h, home);
    } else if (!pcpu_mask_empty(&mine)) {
        uint32_t who = pcpu_mask_cycle(&mine, c->pcpus[home].last_tickled);
        c->pcpus[home].last_tickled = who;
        c->services->resched(c->h, who);
    } else if (v->pri > c->vcpus[current].pri) {
        pcpu_mask other = pcpu_mask_and(&idle, credit_facts(c, current)->affinity);
        c->vcpus[current].moving |= !pcpu_mask_empty(&other);
        c->services->resched(c->h, home);
    }
}
