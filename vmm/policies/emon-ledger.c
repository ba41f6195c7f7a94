/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "emon-ledger.h"

#include <glib.h>

struct emon_ledger {
    int64_t *balance;
    bool *open;
    unsigned n;
    int64_t limit;
};

emon_ledger *emon_ledger_new(unsigned n_vcpus, sim_ps limit)
{
    emon_ledger *l = g_new0(emon_ledger, 1);
    l->balance = g_new0(int64_t, n_vcpus);
    l->open = g_new0(bool, n_vcpus);
    l->n = n_vcpus;
    l->limit = (int64_t)MIN(limit, INT64_MAX / 4);
    return l;
}

void emon_ledger_free(emon_ledger *l)
{
    if (!l)
        return;
    g_free(l->balance);
    g_free(l->open);
    g_free(l);
}

void emon_ledger_open(emon_ledger *l, uint32_t vcpu)
{
    l->open[vcpu] = true;
}

static bool opposite(int64_t a, int64_t b)
{
    return (a > 0 && b < 0) || (a < 0 && b > 0);
}

/* Moves `part` of the closing balance `rest` onto account i, not past zero. */
static int64_t settle(emon_ledger *l, unsigned i, int64_t part, int64_t rest)
{
    part = MIN(part, MIN(ABS(l->balance[i]), ABS(rest)));
    int64_t moved = rest < 0 ? -part : part;
    l->balance[i] += moved;
    return moved;
}

void emon_ledger_close(emon_ledger *l, uint32_t vcpu)
{
    int64_t whole = l->balance[vcpu], rest = whole;
    __int128 others = 0;
    l->balance[vcpu] = 0;
    l->open[vcpu] = false;
    for (unsigned i = 0; i < l->n; i++)
        if (opposite(l->balance[i], whole))
            others += ABS(l->balance[i]);
    for (unsigned i = 0; i < l->n && rest; i++)
        if (opposite(l->balance[i], whole))
            rest -= settle(l, i, (int64_t)((__int128)ABS(whole) * ABS(l->balance[i]) / others), rest);
    for (unsigned i = 0; i < l->n && rest; i++) /* what the divisions left */
        if (opposite(l->balance[i], whole))
            rest -= settle(l, i, INT64_MAX, rest);
}

sim_ps emon_ledger_room(const emon_ledger *l, uint32_t taker, uint32_t giver, sim_ps wanted)
{
    if (taker == giver || taker >= l->n || giver >= l->n || !l->open[taker] || !l->open[giver])
        return 0;
    int64_t room = MIN(l->limit - l->balance[taker], l->limit + l->balance[giver]);
    return room > 0 ? MIN((sim_ps)room, wanted) : 0;
}

sim_ps emon_ledger_take(emon_ledger *l, uint32_t taker, uint32_t giver, sim_ps span)
{
    span = emon_ledger_room(l, taker, giver, span);
    if (span) {
        l->balance[taker] += (int64_t)span;
        l->balance[giver] -= (int64_t)span;
    }
    return span;
}

int64_t emon_ledger_balance(const emon_ledger *l, uint32_t vcpu)
{
    return l->balance[vcpu];
}

int64_t emon_ledger_sum(const emon_ledger *l)
{
    int64_t sum = 0;
    for (unsigned i = 0; i < l->n; i++)
        sum += l->balance[i];
    return sum;
}
