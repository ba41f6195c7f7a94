/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A host OS below the VMM: earliest eligible virtual deadline first on each pCPU, as Linux since 6.6 (kernel/sched/fair.c; see policies/eevdf.c, which
 * models the same for a VMM's policy, with its sources). The entity that runs goes on until its slice is used up or it has had more than its share; of
 * the eligible ones the one with the earliest virtual deadline is next; lag is kept over a sleep. Slices end at the host's tick, which interrupts
 * whoever runs.
 *
 * The work of the host is an estimate, of the order of what small kernels have: a tick handler as the VMM's own (vmm-work.c), and a switch of 1,200
 * cycles and 72 lines of 64 bytes beyond its cache misses. C. Li, C. Ding, K. Shen, "Quantifying the cost of context switch", ExpCS 2007, measured 3.8
 * us for a whole one on a 2 GHz Xeon, pipe and all. */
#include "vmm-below-private.h"

enum {
    NORM = 256,
    /* Lines of the host, apart from the VMM's. */
    HOST_LINE = 1 << 22,
    SWITCH_LINE = HOST_LINE, SWITCH_CODE = 48, SWITCH_DATA = 24, SWITCH_CYCLES = 1200,
    TICK_LINE = HOST_LINE + 64, TICK_CODE = 30, TICK_DATA = 6, TICK_CYCLES = 200,
    THREAD_LINE = HOST_LINE + 4096, THREAD_STRIDE = 32, THREAD_DATA = 16,
};

static int64_t to_virtual(const below_entity *e, sim_ps span)
{
    return (int64_t)((unsigned __int128)span * NORM / e->weight);
}

static void add(const below_entity *e, __int128 *sum, uint64_t *weight)
{
    *sum += (__int128)e->vtime * e->weight;
    *weight += e->weight;
}

/* Average virtual time of all that compete here, by weight, rounded down. */
static int64_t average(below_pc *p)
{
    __int128 sum = 0;
    uint64_t weight = 0;
    for (guint i = 0; i < p->queue->len; i++)
        add(g_ptr_array_index(p->queue, i), &sum, &weight);
    if (p->on && p->on->state == BELOW_RUNS)
        add(p->on, &sum, &weight);
    if (weight) {
        __int128 floor = sum / (__int128)weight;
        p->virtual_now = (int64_t)(sum < 0 && floor * (__int128)weight != sum ? floor - 1 : floor);
    }
    return p->virtual_now;
}

static int64_t slice_of(const below_pc *p, const below_entity *e)
{
    return to_virtual(e, p->below->config.slice);
}

/* The one that enters does not count yet: its virtual time is what is to be found. */
static void enter(below_pc *p, below_entity *e)
{
    g_ptr_array_remove(p->queue, e);
    e->vtime = average(p) - e->lag;
    e->deadline = e->vtime + slice_of(p, e);
    e->expired = false;
    g_ptr_array_add(p->queue, e);
}

/* Its lag, two slices at most [update_entity_lag]. It is not counted any more: state and queue say so already. */
static void leave(below_pc *p, below_entity *e)
{
    __int128 sum = (__int128)e->vtime * e->weight;
    uint64_t weight = e->weight;
    for (guint i = 0; i < p->queue->len; i++)
        add(g_ptr_array_index(p->queue, i), &sum, &weight);
    if (p->on && p->on != e && p->on->state == BELOW_RUNS)
        add(p->on, &sum, &weight);
    int64_t most = 2 * slice_of(p, e), mean = (int64_t)(sum / (__int128)weight);
    e->lag = CLAMP(mean - e->vtime, -most, most);
    p->virtual_now = mean;
}

static void charge(G_GNUC_UNUSED below_pc *p, below_entity *e, sim_ps span)
{
    e->vtime += to_virtual(e, span);
}

static void consider(below_entity *e, int64_t mean, below_entity **best)
{
    bool eligible = e->vtime <= mean;
    if (!eligible)
        return;
    if (!*best || e->deadline < (*best)->deadline || (e->deadline == (*best)->deadline && e->number < (*best)->number))
        *best = e;
}

static below_entity *pick(below_pc *p)
{
    below_entity *on = p->on && p->on->state == BELOW_RUNS ? p->on : NULL, *best = NULL;
    int64_t mean = average(p);
    if (on && !on->expired && on->vtime <= mean)
        return on;
    if (on)
        consider(on, mean, &best);
    for (guint i = 0; i < p->queue->len; i++)
        consider(g_ptr_array_index(p->queue, i), mean, &best);
    if (best)
        best->expired = false;
    return best;
}

/* Nothing but the tick looks at who runs. */
static sim_ps next_turn(const below_pc *p, sim_ps now)
{
    return (now / p->below->config.tick + 1) * p->below->config.tick;
}

static void tick_work(below_pc *p)
{
    below_work(p, TICK_CYCLES, TICK_LINE, TICK_CODE, TICK_DATA);
}

static void turn(below_pc *p)
{
    below_entity *e = p->on;
    p->below->pcpu_stats[p->pc->facts.id].ticks++;
    below_interrupt(p, tick_work);
    if (e->vtime < e->deadline)
        return;
    e->deadline = e->vtime + slice_of(p, e);
    e->expired = true;
}

static void switch_work(below_pc *p, const below_entity *next)
{
    below_work(p, SWITCH_CYCLES, SWITCH_LINE, SWITCH_CODE, SWITCH_DATA);
    uint32_t number = below_is_vmm(next) ? p->pc->facts.id : p->pc->v->n_pcs + next->number;
    below_work(p, 0, THREAD_LINE + number * THREAD_STRIDE, 0, THREAD_DATA);
}

const below_ops below_host = {
    .enter = enter, .leave = leave, .charge = charge, .pick = pick, .next_turn = next_turn, .turn = turn, .switch_work = switch_work,
};
