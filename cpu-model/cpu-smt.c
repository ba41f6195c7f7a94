/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Simultaneous multithreading at interval level: siblings compete for slots and ports by rates. Every CPU_SMT_WINDOW of work an LP sees what its siblings took
 * of each share over their last windows; until the next, a block costs at least what it demands of a share over what they leave of it, a fair part at the
 * least.
 * Beside what their blocks demand, siblings take slots and ports for wrong paths until a mispredicted branch is resolved, and, on machines that replay, for the
 * micro-ops that are issued again and again until a miss has come. */
#include "cpu-lp.h"

/* How much of a share, in 1/65536, the LP's active siblings have taken of late: over their present and previous windows. */
static uint64_t siblings_rate(const cpu_lp *lp, unsigned share, uint64_t clock)
{
    uint64_t rate = 0;
    const cpu_core *core = lp->core;
    for (unsigned t = 0; t < core->desc->threads; t++) {
        const cpu_lp *other = &core->lps[t];
        if (other == lp || !other->space)
            continue;
        uint64_t now = MAX(clock, other->clock);
        uint64_t elapsed = now - MIN(other->window_before, now - 1);
        uint64_t used = (uint64_t)other->used.share[share] + other->used_before.share[share];
        rate += (used << 16) / MAX(elapsed, 1);
    }
    return rate;
}

void cpu_lp_settle(cpu_lp *lp, uint64_t clock)
{
    uint64_t fair = 65536 / MAX(lp->core->active, 1u);
    for (unsigned k = 0; k < CPU_N_SHARES; k++) {
        uint64_t taken = siblings_rate(lp, k, clock);
        uint64_t left = taken < 65536 - fair ? 65536 - taken : fair;
        lp->inverse.share[k] = (uint16_t)MIN((UINT64_C(65536) << CPU_INVERSE_BITS) / left, UINT16_MAX);
    }
    lp->window_before = lp->window;
    lp->used_before = lp->used;
    lp->window = clock;
    lp->used = (cpu_shares){0};
    lp->work = 0;
}

void cpu_lp_wrong_path(cpu_lp *lp, const uint32_t *ids, unsigned n, uint64_t lost)
{
    const cpu_core *core = lp->core;
    uint64_t rob = (uint64_t)core->desc->rob / core->active * CPU_SUB / core->desc->dispatch_width; /* cycles of rename that its part holds */
    uint64_t slots = MIN(lost / core->active, rob), path = 0; /* in turn with the siblings */
    for (unsigned i = 0; i < n; i++)
        path += lp->timing->demand[ids[i]].share[CPU_SHARE_DISPATCH];
    if (path == 0)
        return;
    /* The wrong path is taken to be like the right one. */
    for (unsigned k = 0; k < CPU_N_SHARES; k++) {
        uint64_t sum = lp->used.share[k];
        for (unsigned i = 0; i < n; i++)
            sum += lp->timing->demand[ids[i]].share[k] * slots / path;
        lp->used.share[k] = (uint16_t)MIN(sum, UINT16_MAX);
    }
}

void cpu_lp_replay(cpu_lp *lp, uint64_t cycles)
{
    const cpu_core_desc *k = lp->core->desc;
    uint64_t again = cycles / k->replay * CPU_SUB;
    cpu_shares *u = &lp->used;
    unsigned load = (unsigned)__builtin_ctz(lp->core->ports[CPU_RES_LOAD]), alus = lp->core->ports[CPU_RES_ALU];
    u->share[load] = (uint16_t)MIN(u->share[load] + again, UINT16_MAX);
    for (unsigned m = alus; m; m &= m - 1) { /* its dependents, spread over the ports of simple operations */
        unsigned port = (unsigned)__builtin_ctz(m);
        u->share[port] = (uint16_t)MIN(u->share[port] + again * CPU_REPLAY_DEPENDENTS / (unsigned)__builtin_popcount(alus), UINT16_MAX);
    }
}
