/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cpu-view.h"

#include "cpu-window.h"

static void view_cache(const cpu_cache *c, uint16_t owner, cpu_cache_view *v)
{
    *v = (cpu_cache_view){0};
    if (!c->sets)
        return;
    *v = (cpu_cache_view){.lines = c->sets * c->assoc, .valid = c->valid, .mine = c->owned[owner], .mine_dirty = c->owned_dirty[owner],
                          .fills = c->fills, .writebacks = c->writebacks, .flushes = c->flushes, .flushed = c->flushed,
                          .mine_writebacks = c->owned_writebacks[owner]};
}

static void view_tlb(const cpu_tlb *t, uint16_t owner, cpu_tlb_view *v)
{
    *v = (cpu_tlb_view){.entries = t->count};
    uint64_t places = t->count ? (t->set_mask + 1) << t->way_shift : 0;
    for (uint64_t i = 0; i < places; i++)
        v->mine += t->entries[i].key >> CPU_VPN_BITS == owner;
}

/* When the last of the flights is there; they are in the order of the program, not of completion. */
static uint64_t last_of(const cpu_flights *f, uint64_t least)
{
    for (uint32_t k = 0; k < f->n; k++)
        least = MAX(least, f->at[(f->head + k) % CPU_RING].complete);
    return least;
}

static void view_pipeline(const cpu_lp *lp, cpu_view *v)
{
    const cpu_core *core = lp->core;
    uint64_t drained = lp->level ? cpu_window_drained(lp, lp->clock) : last_of(&lp->stores, last_of(&lp->loads, lp->clock));
    v->drain_cycles = (uint32_t)((drained - lp->clock) >> CPU_SUB_BITS);
    uint32_t rob = MAX(core->desc->rob / MAX(core->active, 1u), 1u);
    uint64_t fill = lp->level ? cpu_window_rob_fill(lp) : lp->loads.n ? lp->counted[1] - lp->loads.at[lp->loads.head].position : 0;
    v->rob_permille = (uint32_t)(MIN(fill, rob) * 1000 / rob);
}

void cpu_lp_view(const cpu_lp *lp, uint16_t owner, cpu_view *v)
{
    const cpu_core *core = lp->core;
    const cpu_cache *l3 = &core->memory->packages[core->mem->package].l3;
    *v = (cpu_view){.loop = lp->loop};
    cpu_lp_counts(lp, v->counts);
    view_cache(&core->mem->l1i, owner, &v->l1i);
    view_cache(&core->mem->l1d, owner, &v->l1d);
    view_cache(core->mem->l2, owner, &v->l2);
    view_cache(l3->sets ? l3 : core->mem->l2, owner, &v->llc);
    view_tlb(&core->itlb, owner, &v->itlb);
    view_tlb(&core->dtlb, owner, &v->dtlb);
    view_tlb(&core->stlb, owner, &v->stlb);
    view_pipeline(lp, v);
}
