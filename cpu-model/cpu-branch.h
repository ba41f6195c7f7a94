/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Resolving branches against the predictors: inline, for the run loops (cpu-core.c). */
#pragma once

#include "cpu-lp.h"

static inline void cpu_lp_end_loop(cpu_lp *lp)
{
    if (lp->loop.iterations >= CPU_LOOP_LONG) {
        lp->loop.exits++;
        lp->loop.last = lp->loop.iterations;
    }
    lp->loop.branch = 0;
    lp->loop.iterations = 0;
}

static inline void follow_loop(cpu_lp *lp, uint64_t branch, uint64_t insns)
{
    if (G_LIKELY(lp->loop.branch == branch)) {
        lp->loop.iterations++;
        return;
    }
    cpu_lp_end_loop(lp);
    lp->loop.branch = branch;
    lp->loop.iterations = 1;
    lp->loop.insns_at = insns;
}

static G_GNUC_UNUSED G_GNUC_NO_INLINE uint64_t mispredicted(cpu_lp *lp, uint64_t clock)
{
    uint64_t resolved = MAX(clock, lp->branch_ready);
    uint64_t restart = resolved + (uint64_t)lp->core->desc->mispredict * CPU_SUB;
    lp->ev[SIM_EV_BRANCH_MISSES]++;
    lp->ev[SIM_EV_STALLS_BRANCH] += restart - clock;
    return restart;
}

static inline uint64_t look_up_target(cpu_lp *lp, uint64_t branch, uint64_t target, bool indirect, uint64_t clock)
{
    uint64_t predicted = cpu_btb_lookup(&lp->core->btb, branch, target);
    lp->ev[SIM_EV_TAKEN_BRANCHES]++;
    if (G_LIKELY(predicted == target))
        return clock;
    if (predicted == UINT64_MAX)
        lp->ev[SIM_EV_BTB_MISSES]++;
    if (indirect)
        return mispredicted(lp, clock);
    lp->ev[SIM_EV_STALLS_FRONTEND] += (uint64_t)lp->core->desc->btb_miss * CPU_SUB;
    return clock + (uint64_t)lp->core->desc->btb_miss * CPU_SUB;
}

static G_GNUC_UNUSED G_GNUC_NO_INLINE uint64_t resolve_other(cpu_lp *lp, const cpu_tblock *p, uint64_t next, uint64_t insns, uint64_t clock)
{
    lp->ev[SIM_EV_BRANCHES]++;
    switch (p->branch) {
    case CPU_BR_JUMP:
        if (next < p->fall)
            follow_loop(lp, p->fall, insns);
        return look_up_target(lp, p->fall, next, false, clock);
    case CPU_BR_CALL:
    case CPU_BR_ICALL:
        lp->ras_top = lp->ras_top + 1 == lp->core->desc->ras ? 0 : lp->ras_top + 1;
        lp->ras[lp->ras_top] = p->fall;
        return look_up_target(lp, p->fall, next, p->branch == CPU_BR_ICALL, clock);
    case CPU_BR_RET: {
        lp->ev[SIM_EV_TAKEN_BRANCHES]++;
        uint64_t predicted = lp->ras[lp->ras_top];
        lp->ras_top = lp->ras_top ? lp->ras_top - 1 : lp->core->desc->ras - 1;
        return G_LIKELY(predicted == next) ? clock : mispredicted(lp, clock);
    }
    default: /* CPU_BR_IJUMP */
        return look_up_target(lp, p->fall, next, true, clock);
    }
}

/* Resolves the branch that ended `p`, now that the next block is known to begin at `next`. */
static G_ALWAYS_INLINE inline uint64_t cpu_lp_resolve_branch(cpu_lp *lp, cpu_core *core, const cpu_tblock *p, uint64_t next, uint64_t insns, uint64_t clock)
{
    if (p->branch != CPU_BR_COND)
        return p->branch == CPU_BR_NONE || p->branch == CPU_BR_REP ? clock : resolve_other(lp, p, next, insns, clock);
    bool taken = next != p->fall;
    lp->ev[SIM_EV_COND_BRANCHES]++;
    bool right = cpu_gshare_predict(&core->gshare, &lp->history, p->fall, taken);
    if (taken) {
        if (next < p->fall)
            follow_loop(lp, p->fall, insns);
        clock = look_up_target(lp, p->fall, next, false, clock);
    } else if (lp->loop.branch == p->fall) {
        cpu_lp_end_loop(lp);
    }
    return G_LIKELY(right) ? clock : mispredicted(lp, clock);
}
