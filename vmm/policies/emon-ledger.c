/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "emon-ledger.h"

#include <glib.h>
#include <string.h>

/* Those vCPUs that may run on the same pCPUs. */
typedef struct {
    uint64_t mask[VMM_MASK_WORDS];
    unsigned n;   /* that wait */
    int64_t part; /* what each of them has been credited since the start */
} group;

typedef struct {
    int64_t balance; /* while it waits: without what was credited since */
    int64_t since;   /* its group's `part` when it began to wait */
    unsigned group;
    bool open, waits;
} account;

struct emon_ledger {
    account *accounts;
    unsigned n;
    int64_t limit;
    GArray *groups; /* of group */
};

static group *group_at(const emon_ledger *l, unsigned i)
{
    return &g_array_index(l->groups, group, i);
}

emon_ledger *emon_ledger_new(unsigned n_vcpus, sim_ps limit)
{
    emon_ledger *l = g_new0(emon_ledger, 1);
    l->accounts = g_new0(account, n_vcpus);
    l->n = n_vcpus;
    l->limit = (int64_t)MIN(limit, INT64_MAX / 4);
    l->groups = g_array_new(FALSE, TRUE, sizeof(group));
    return l;
}

void emon_ledger_free(emon_ledger *l)
{
    if (!l)
        return;
    g_array_unref(l->groups);
    g_free(l->accounts);
    g_free(l);
}

void emon_ledger_admit(emon_ledger *l, uint32_t vcpu, const uint64_t affinity[VMM_MASK_WORDS])
{
    unsigned i = 0;
    while (i < l->groups->len && memcmp(group_at(l, i)->mask, affinity, sizeof group_at(l, i)->mask) != 0)
        i++;
    if (i == l->groups->len) {
        g_array_set_size(l->groups, i + 1);
        memcpy(group_at(l, i)->mask, affinity, sizeof group_at(l, i)->mask);
    }
    l->accounts[vcpu].group = i;
}

void emon_ledger_open(emon_ledger *l, uint32_t vcpu)
{
    l->accounts[vcpu].open = true;
}

/* ---- who waits ------------------------------------------------------------------------------------------------ */

void emon_ledger_wait(emon_ledger *l, uint32_t vcpu)
{
    account *a = &l->accounts[vcpu];
    if (a->waits || !a->open)
        return;
    a->waits = true;
    a->since = group_at(l, a->group)->part;
    group_at(l, a->group)->n++;
}

void emon_ledger_leave(emon_ledger *l, uint32_t vcpu)
{
    account *a = &l->accounts[vcpu];
    if (!a->waits)
        return;
    a->balance = emon_ledger_balance(l, vcpu);
    a->waits = false;
    group_at(l, a->group)->n--;
}

unsigned emon_ledger_waiting(const emon_ledger *l, uint32_t pcpu)
{
    unsigned n = 0;
    for (unsigned i = 0; i < l->groups->len; i++)
        if (vmm_mask_has(group_at(l, i)->mask, pcpu))
            n += group_at(l, i)->n;
    return n;
}

/* ---- bookings ------------------------------------------------------------------------------------------------- */

static sim_ps bounded(const emon_ledger *l, uint32_t vcpu, int64_t left, sim_ps wanted)
{
    if (vcpu >= l->n || !l->accounts[vcpu].open || left <= 0)
        return 0;
    return MIN((sim_ps)left, wanted);
}

sim_ps emon_ledger_room_to_run(const emon_ledger *l, uint32_t vcpu, sim_ps wanted)
{
    return vcpu < l->n ? bounded(l, vcpu, l->limit - emon_ledger_balance(l, vcpu), wanted) : 0;
}

sim_ps emon_ledger_room_to_end(const emon_ledger *l, uint32_t vcpu, sim_ps wanted)
{
    return vcpu < l->n ? bounded(l, vcpu, l->limit + emon_ledger_balance(l, vcpu), wanted) : 0;
}

/* Credits all that wait for the pCPU with equal parts of `span` (negative: debits). Returns what they got together. */
static int64_t share(emon_ledger *l, uint32_t pcpu, int64_t span)
{
    int64_t n = emon_ledger_waiting(l, pcpu), each = n ? span / n : 0;
    for (unsigned i = 0; each && i < l->groups->len; i++)
        if (vmm_mask_has(group_at(l, i)->mask, pcpu))
            group_at(l, i)->part += each;
    return each * n;
}

sim_ps emon_ledger_ran_longer(emon_ledger *l, uint32_t vcpu, uint32_t pcpu, sim_ps span)
{
    span = emon_ledger_room_to_run(l, vcpu, span);
    if (!span || l->accounts[vcpu].waits)
        return 0;
    int64_t booked = share(l, pcpu, (int64_t)span);
    l->accounts[vcpu].balance += booked;
    return (sim_ps)booked;
}

sim_ps emon_ledger_ended_sooner(emon_ledger *l, uint32_t vcpu, uint32_t pcpu, sim_ps span)
{
    span = emon_ledger_room_to_end(l, vcpu, span);
    if (!span || l->accounts[vcpu].waits)
        return 0;
    int64_t booked = share(l, pcpu, -(int64_t)span);
    l->accounts[vcpu].balance += booked;
    return (sim_ps)-booked;
}

sim_ps emon_ledger_room(const emon_ledger *l, uint32_t taker, uint32_t giver, sim_ps wanted)
{
    return taker == giver ? 0 : emon_ledger_room_to_run(l, taker, emon_ledger_room_to_end(l, giver, wanted));
}

sim_ps emon_ledger_take(emon_ledger *l, uint32_t taker, uint32_t giver, sim_ps span)
{
    span = emon_ledger_room(l, taker, giver, span);
    if (span) {
        l->accounts[taker].balance += (int64_t)span;
        l->accounts[giver].balance -= (int64_t)span;
    }
    return span;
}

/* ---- closing -------------------------------------------------------------------------------------------------- */

static bool opposite(int64_t a, int64_t b)
{
    return (a > 0 && b < 0) || (a < 0 && b > 0);
}

/* Moves `part` of the closing balance `rest` onto account i, not past zero. */
static int64_t settle(emon_ledger *l, unsigned i, int64_t part, int64_t rest)
{
    int64_t balance = emon_ledger_balance(l, i);
    part = MIN(part, MIN(ABS(balance), ABS(rest)));
    int64_t moved = rest < 0 ? -part : part;
    l->accounts[i].balance += moved;
    return moved;
}

void emon_ledger_close(emon_ledger *l, uint32_t vcpu)
{
    emon_ledger_leave(l, vcpu);
    int64_t whole = l->accounts[vcpu].balance, rest = whole;
    __int128 others = 0;
    l->accounts[vcpu].balance = 0;
    l->accounts[vcpu].open = false;
    for (unsigned i = 0; i < l->n; i++)
        if (opposite(emon_ledger_balance(l, i), whole))
            others += ABS(emon_ledger_balance(l, i));
    for (unsigned i = 0; i < l->n && rest; i++) {
        int64_t balance = emon_ledger_balance(l, i);
        if (opposite(balance, whole))
            rest -= settle(l, i, (int64_t)((__int128)ABS(whole) * ABS(balance) / others), rest);
    }
    for (unsigned i = 0; i < l->n && rest; i++) /* what the divisions left */
        if (opposite(emon_ledger_balance(l, i), whole))
            rest -= settle(l, i, INT64_MAX, rest);
}

int64_t emon_ledger_balance(const emon_ledger *l, uint32_t vcpu)
{
    const account *a = &l->accounts[vcpu];
    return a->waits ? a->balance - (group_at(l, a->group)->part - a->since) : a->balance;
}

int64_t emon_ledger_sum(const emon_ledger *l)
{
    int64_t sum = 0;
    for (unsigned i = 0; i < l->n; i++)
        sum += emon_ledger_balance(l, i);
    return sum;
}
