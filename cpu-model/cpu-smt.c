/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Simultaneous multithreading at interval level: siblings compete for slots and ports by rates. */
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

uint64_t cpu_lp_settle(cpu_lp *lp, uint64_t clock)
{
    uint64_t fair = 65536 / MAX(lp->core->active, 1u);
    uint64_t need = lp->work;
    for (unsigned k = 0; k < CPU_N_SHARES; k++) {
        uint64_t used = lp->used.share[k];
        if (used * lp->core->active <= lp->work) /* within its fair share in any case */
            continue;
        uint64_t taken = siblings_rate(lp, k, clock);
        uint64_t left = taken < 65536 - fair ? 65536 - taken : fair;
        need = MAX(need, (used << 16) / left);
    }
    lp->ev[SIM_EV_STALLS_SMT] += need - lp->work;
    clock += need - lp->work;
    lp->window_before = lp->window;
    lp->used_before = lp->used;
    lp->window = clock;
    lp->used = (cpu_shares){0};
    lp->work = 0;
    return clock;
}
