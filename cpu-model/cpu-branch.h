/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Resolving branches against the predictors: inline, for the run loops (cpu-core.c, cpu-window.c). */
#pragma once

#include "cpu-lp.h"

static inline void cpu_lp_end_loop(cpu_lp *lp)
{
    if (lp->loop.iterations >= CPU_LOOP_LONG) {
        lp->loop.exits++;
        lp->loop.last = lp->loop.iterations;
        lp->loop.ended += lp->loop.iterations;
    }
    lp->loop.branch = 0;
    lp->loop.iterations = 0;
}

static inline void cpu_lp_follow_loop(cpu_lp *lp, uint64_t branch, uint64_t insns)
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

/* When the right way was known, and the cycles that fetching anew takes from then on: the kind in the low two bits, the cycles above. 0: all as foreseen. */
typedef uint32_t cpu_branch_outcome;
enum {
    CPU_REDIRECT_DECODE = 1,  /* a taken branch that the BTBs lacked, found at decode or in the second BTB */
    CPU_REDIRECT_EXECUTE = 2, /* mispredicted: found when the branch has executed */
};

static inline cpu_branch_outcome cpu_lp_mispredicted(cpu_lp *lp)
{
    lp->ev[SIM_EV_BRANCH_MISSES]++;
    return CPU_REDIRECT_EXECUTE | lp->core->desc->mispredict << 2;
}

/* A taken branch that the first BTB did not foresee: found in the second, or at decode. */
static G_GNUC_UNUSED G_GNUC_NO_INLINE cpu_branch_outcome cpu_lp_btb_missed(cpu_lp *lp, uint64_t branch, uint64_t target)
{
    cpu_core *core = lp->core;
    if (core->btb2.count && cpu_btb_lookup(&core->btb2, branch ^ lp->btb_key, target) == target)
        return CPU_REDIRECT_DECODE | core->desc->btb2_latency << 2;
    lp->ev[SIM_EV_BTB_MISSES]++;
    return CPU_REDIRECT_DECODE | core->desc->btb_miss << 2;
}

static inline cpu_branch_outcome cpu_lp_direct_target(cpu_lp *lp, uint64_t branch, uint64_t target)
{
    uint64_t predicted = cpu_btb_lookup(&lp->core->btb, branch ^ lp->btb_key, target);
    lp->ev[SIM_EV_TAKEN_BRANCHES]++;
    return G_LIKELY(predicted == target) ? 0 : cpu_lp_btb_missed(lp, branch, target);
}

static inline cpu_branch_outcome cpu_lp_indirect_target(cpu_lp *lp, uint64_t branch, uint64_t target)
{
    cpu_core *core = lp->core;
    uint64_t predicted = cpu_btb_lookup(&core->btb, branch ^ lp->btb_key, target);
    lp->ev[SIM_EV_TAKEN_BRANCHES]++;
    if (predicted == UINT64_MAX) {
        if (core->btb2.count)
            predicted = cpu_btb_lookup(&core->btb2, branch ^ lp->btb_key, target);
        lp->ev[SIM_EV_BTB_MISSES] += predicted == UINT64_MAX;
    }
    if (core->indirect.entries)
        predicted = cpu_indirect_predict(&core->indirect, &lp->targets, branch, predicted, target);
    if (predicted == target)
        return 0;
    lp->ev[SIM_EV_INDIRECT_MISSES]++;
    return cpu_lp_mispredicted(lp);
}

/* Not a conditional branch. */
static G_GNUC_UNUSED G_GNUC_NO_INLINE cpu_branch_outcome cpu_lp_other_branch(cpu_lp *lp, const cpu_tblock *p, uint64_t next, uint64_t insns)
{
    lp->ev[SIM_EV_BRANCHES]++;
    if (lp->core->tage)
        cpu_tage_note(lp->core->tage, lp->tage, p->fall, next);
    switch (p->branch) {
    case CPU_BR_JUMP:
        if (next < p->fall)
            cpu_lp_follow_loop(lp, p->fall, insns);
        return cpu_lp_direct_target(lp, p->fall, next);
    case CPU_BR_CALL:
    case CPU_BR_ICALL:
        lp->ras_top = lp->ras_top + 1 == lp->core->desc->ras ? 0 : lp->ras_top + 1;
        lp->ras[lp->ras_top] = p->fall;
        return p->branch == CPU_BR_ICALL ? cpu_lp_indirect_target(lp, p->fall, next) : cpu_lp_direct_target(lp, p->fall, next);
    case CPU_BR_RET: {
        lp->ev[SIM_EV_TAKEN_BRANCHES]++;
        uint64_t predicted = lp->ras[lp->ras_top];
        lp->ras_top = lp->ras_top ? lp->ras_top - 1 : lp->core->desc->ras - 1;
        if (G_LIKELY(predicted == next))
            return 0;
        lp->ev[SIM_EV_RETURN_MISSES]++;
        return cpu_lp_mispredicted(lp);
    }
    default: /* CPU_BR_IJUMP */
        return cpu_lp_indirect_target(lp, p->fall, next);
    }
}

/* Looks the branch that ended `p` up, now that the next block is known to begin at `next`; `insns` are the instructions retired. Counts events,
 * but not the cycles lost. */
static G_ALWAYS_INLINE inline cpu_branch_outcome cpu_lp_branch(cpu_lp *lp, cpu_core *core, const cpu_tblock *p, uint64_t next, uint64_t insns)
{
    if (p->branch != CPU_BR_COND)
        return p->branch == CPU_BR_NONE || p->branch == CPU_BR_REP ? 0 : cpu_lp_other_branch(lp, p, next, insns);
    bool taken = next != p->fall;
    lp->ev[SIM_EV_COND_BRANCHES]++;
    bool right = G_UNLIKELY(core->tage != NULL) ? cpu_tage_predict(core->tage, lp->tage, p->fall, taken)
                                                : cpu_gshare_predict(&core->gshare, &lp->history, p->fall ^ lp->predictor_key, taken);
    cpu_branch_outcome out = 0;
    if (taken) {
        if (next < p->fall)
            cpu_lp_follow_loop(lp, p->fall, insns);
        out = cpu_lp_direct_target(lp, p->fall, next);
    } else if (lp->loop.branch == p->fall) {
        cpu_lp_end_loop(lp);
    }
    return G_LIKELY(right) ? out : cpu_lp_mispredicted(lp);
}
