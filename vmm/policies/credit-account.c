/* SPDX-License-Identifier: GPL-2.0-or-later */
/* After csched_acct of xen/common/sched/credit.c. */
#include "credit.h"

void credit_burn(credit *c, uint32_t vcpu, uint32_t pcpu, sim_ps now)
{
    c->vcpus[vcpu].credit -= (int64_t)stints_take(&c->clock, vcpu, pcpu, now);
}

void credit_start_earning(credit *c, uint32_t vcpu)
{
    credit_vm *vm = &c->vms[credit_facts(c, vcpu)->vm];
    c->vcpus[vcpu].active = true;
    c->weight += vm->weight;
    if (!vm->n_active++)
        g_queue_push_head_link(&c->active, &vm->link);
}

void credit_stop_earning(credit *c, uint32_t vcpu)
{
    credit_vm *vm = &c->vms[credit_facts(c, vcpu)->vm];
    if (!c->vcpus[vcpu].active)
        return;
    c->vcpus[vcpu].active = false;
    c->weight -= vm->weight;
    if (!--vm->n_active)
        g_queue_unlink(&c->active, &vm->link);
}

static int64_t share(__int128 credits, uint64_t part, uint64_t whole)
{
    return (int64_t)((credits * (__int128)part + whole - 1) / whole);
}

static void park(credit *c, uint32_t vcpu)
{
    credit_vcpu *v = &c->vcpus[vcpu];
    v->parked = true;
    if (credit_facts(c, vcpu)->state == VMM_RUNNING)
        c->services->resched(c->h, credit_facts(c, vcpu)->pcpu);
    else
        credit_queue_drop(c, vcpu);
}

static void unpark(credit *c, uint32_t vcpu)
{
    c->vcpus[vcpu].parked = false;
    if (credit_facts(c, vcpu)->state != VMM_RUNNABLE)
        return;
    credit_queue_insert(c, vcpu);
    credit_tickle(c, vcpu);
}

/* Gives one vCPU what it earned; returns its credits. `cap`: 0, or how far below zero they may be. */
static int64_t earn(credit *c, uint32_t vcpu, int64_t earned, int64_t cap)
{
    credit_vcpu *v = &c->vcpus[vcpu];
    int64_t most = (int64_t)c->p[P_SLICE].u;
    v->credit += earned;
    credit_set_priority(c, vcpu, v->credit < 0 ? OVER : UNDER);
    if (v->credit < 0) {
        if (cap && v->credit < -cap && !v->parked)
            park(c, vcpu);
        v->credit = MAX(v->credit, -most);
        return v->credit;
    }
    if (v->parked)
        unpark(c, vcpu);
    if (v->credit > most) {
        credit_stop_earning(c, vcpu);
        v->credit /= 2;
    }
    return v->credit;
}

typedef struct {
    __int128 total;        /* credits to hand out */
    uint64_t weight, left; /* of all; of the VMs that come later */
    bool spare;            /* some VM could have taken more */
} handout;

static void account_vm(credit *c, credit_vm *vm, handout *out, int64_t *balance)
{
    uint64_t n = vm->n_active, weight = vm->weight * n;
    int64_t slice = (int64_t)c->p[P_SLICE].u, peak = (int64_t)n * slice, cap = 0;
    out->left -= weight;
    if (c->balance < 0)
        peak += share(-(__int128)c->balance, weight, out->weight);
    if (vm->cap) {
        cap = share(slice, vm->cap, 100);
        peak = MIN(peak, cap);
        cap = share(cap, 1, n);
    }
    int64_t fair = share(out->total, weight, out->weight);
    if (fair < peak) {
        out->spare = true;
    } else {
        if (out->left)
            out->total += share(fair - peak, out->weight, out->left);
        if (out->spare) {
            g_queue_unlink(&c->active, &vm->link);
            g_queue_push_head_link(&c->active, &vm->link);
        }
        fair = peak;
    }
    for (uint32_t i = vm->first; i != VMM_VCPU_NONE; i = c->vcpus[i].next)
        if (c->vcpus[i].active)
            *balance += earn(c, i, share(fair, 1, n), cap);
}

void credit_account(credit *c)
{
    handout out = { .total = (__int128)c->p[P_SLICE].u * c->topology.n, .weight = c->weight, .left = c->weight };
    int64_t balance = 0;
    for (uint32_t p = 0; p < c->topology.n; p++)
        if (credit_running_on(c, p) != VMM_VCPU_NONE)
            credit_burn(c, credit_running_on(c, p), p, c->services->now(c->h, p));
    if (c->balance < 0)
        out.total -= c->balance;
    for (GList *l = c->active.head, *next; l; l = next) {
        next = l->next;
        account_vm(c, l->data, &out, &balance);
    }
    c->balance = balance;
}
