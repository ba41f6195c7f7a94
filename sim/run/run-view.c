/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "run-view.h"

/* Fewer branches say nothing of a ratio. */
enum { ENOUGH_BRANCHES = 256 };

static vmm_cache_view cache(const cpu_cache_view *c)
{
    return (vmm_cache_view){c->lines, c->valid, c->mine, c->mine_dirty, c->fills, c->writebacks, c->flushes, c->flushed, c->mine_writebacks};
}

static vmm_tlb_view tlb(const cpu_tlb_view *t)
{
    return (vmm_tlb_view){t->entries, t->mine};
}

static uint32_t permille(uint64_t part, uint64_t whole)
{
    return whole ? (uint32_t)(MIN(part, whole) * 1000 / whole) : 0;
}

/* The life's ratio over the recent one; one misprediction is added to both, so that none at all is a ratio too. */
static uint32_t warmth(const run_view_life *life, uint64_t branches, uint64_t misses)
{
    if (life->branches < ENOUGH_BRANCHES || branches < ENOUGH_BRANCHES)
        return 1000;
    unsigned __int128 usual = (unsigned __int128)(life->misses + 1) * branches, recent = (unsigned __int128)(misses + 1) * life->branches;
    return usual >= recent ? 1000 : (uint32_t)(usual * 1000 / recent);
}

void run_view_fill(const cpu_view *v, const uint64_t last[SIM_EV_COUNT], run_view_life *life, vmm_view *out)
{
    uint64_t recent[SIM_EV_COUNT];
    for (unsigned e = 0; e < SIM_EV_COUNT; e++)
        recent[e] = v->counts[e] - last[e];
    uint64_t branches = recent[SIM_EV_BRANCHES], misses = recent[SIM_EV_BRANCH_MISSES];
    uint32_t warm = warmth(life, branches, misses);
    life->branches += branches;
    life->misses += misses;
    if (!out)
        return;
    uint64_t taken = recent[SIM_EV_BTB_LOOKUPS], missed = MIN(recent[SIM_EV_BTB_MISSES], taken);
    uint64_t body = v->loop.iterations ? (v->counts[SIM_EV_INSTRUCTIONS] - v->loop.insns_at) / v->loop.iterations : 0;
    *out = (vmm_view){
        .btb_hit_permille = permille(taken - missed, taken),
        .in_loop = v->loop.iterations >= CPU_LOOP_LONG,
        .loop_branch = v->loop.branch,
        .loop_iterations = v->loop.iterations,
        .loop_body_insns = (uint32_t)MIN(body, UINT32_MAX),
        .loop_exits = v->loop.exits,
        .last_loop_iterations = v->loop.last,
        .l1d = cache(&v->l1d), .l2 = cache(&v->l2), .llc = cache(&v->llc), .l1i = cache(&v->l1i),
        .flushes = v->l1d.flushes,
        .rob_permille = v->rob_permille,
        .drain_cycles = v->drain_cycles,
        .itlb = tlb(&v->itlb), .dtlb = tlb(&v->dtlb), .stlb = tlb(&v->stlb),
        .insns = recent[SIM_EV_INSTRUCTIONS],
        .branch_miss_permille = permille(misses, branches),
        .predictor_warmth_permille = warm,
        .line_miss_permille = permille(recent[SIM_EV_LINE_MISSES], recent[SIM_EV_L1I_LOADS]),
        .loop_ended_iterations = v->loop.ended,
    };
    sim_cpi_stack(recent, out->cpi_stack);
}
