/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Looking an access up in the first-level tables, inline, for the run loops: cpu-core.c and cpu-window.c. */
#pragma once

#include "cpu-lp.h"

/* The first-level tables that accesses are looked up in: constant while a loop runs. */
typedef struct {
    const cpu_tlb_entry *tlb;
    uint64_t *l1;
    uint64_t tlb_mask, l1_mask, owner_key;
    bool near; /* sets of L1D have four ways or more, in the order of recency: cpu_near_hit may look there */
} cpu_tables;

static inline cpu_tables cpu_tables_of(const cpu_lp *lp)
{
    const cpu_tlb *t = &lp->core->dtlb;
    const cpu_cache *l1 = &lp->core->mem->l1d;
    return (cpu_tables){.tlb = t->entries, .l1 = l1->ways, .tlb_mask = t->set_mask, .l1_mask = l1->set_mask, .owner_key = lp->owner_key,
                        .near = l1->ordered && l1->way_shift >= 2};
}

enum { CPU_LINE_QUIET = CPU_LINE_DIRTY | CPU_LINE_SHARED }; /* flags that do not concern a load */

/* The shapes of the first-level tables, as shifts: constants in the loops made for them. */
typedef struct {
    unsigned line, l1, tlb; /* binary logarithms: bytes of a line, ways of a set of L1D, of the data TLB */
} cpu_shapes;

static inline cpu_shapes cpu_shapes_of(const cpu_lp *lp)
{
    return (cpu_shapes){lp->core->memory->line_shift, lp->core->mem->l1d.way_shift, lp->core->dtlb.way_shift};
}

static inline bool cpu_is_quiet(uint64_t word, uint64_t line, unsigned store)
{
    uint64_t off = word ^ (line << 8);
    return store ? off == CPU_LINE_DIRTY : off <= CPU_LINE_QUIET;
}

/* Whether an access hits way 0 of the TLB's and the cache's set, lies in one line, waits for nothing and changes nothing. */
static G_ALWAYS_INLINE inline bool cpu_quiet_hit(const cpu_tables *t, uint64_t va, unsigned store, uint64_t room, cpu_shapes s)
{
    const uint64_t line_mask = (UINT64_C(1) << s.line) - 1;
    const cpu_tlb_entry *e = t->tlb + ((va >> CPU_PAGE_SHIFT & t->tlb_mask) << s.tlb);
    if (G_UNLIKELY(e->key != (t->owner_key | (va << 16 >> 28)) || (va & line_mask) > room))
        return false;
    uint64_t line = (e->pa | (va & ((1u << CPU_PAGE_SHIFT) - 1))) >> s.line;
    return cpu_is_quiet(t->l1[(line & t->l1_mask) << s.l1], line, store);
}

/* The same of ways 1 and 2 of the cache's set, where arrays take turns in it: the line becomes the most recent. */
static G_ALWAYS_INLINE inline bool cpu_near_hit(const cpu_tables *t, uint64_t va, unsigned store, uint64_t room, cpu_shapes s)
{
    const uint64_t line_mask = (UINT64_C(1) << s.line) - 1;
    const cpu_tlb_entry *e = t->tlb + ((va >> CPU_PAGE_SHIFT & t->tlb_mask) << s.tlb);
    if (e->key != (t->owner_key | (va << 16 >> 28)) || (va & line_mask) > room || !t->near)
        return false;
    uint64_t line = (e->pa | (va & ((1u << CPU_PAGE_SHIFT) - 1))) >> s.line;
    uint64_t *set = &t->l1[(line & t->l1_mask) << s.l1];
    const uint64_t second = set[1], third = set[2];
    bool is_second = cpu_is_quiet(second, line, store);
    if (!is_second && !cpu_is_quiet(third, line, store))
        return false;
    set[2] = is_second ? third : second;
    set[1] = set[0];
    set[0] = is_second ? second : third;
    return true;
}
G_STATIC_ASSERT(CPU_PAGE_SHIFT == 12 && CPU_VPN_BITS == 36); /* the shifts above */

/* Fetches a block's lines; those that way 0 of L1I has, on the page of the block before, cost nothing. Returns the clock. */
static inline uint64_t cpu_fetch(cpu_lp *lp, const cpu_tblock *b, uint64_t clock)
{
    uint64_t line = b->line;
    unsigned n = b->n_lines;
    if (G_LIKELY(line == lp->last_line)) {
        if (n == 1)
            return clock;
        line++;
        n--;
    }
    if (G_UNLIKELY(b->n_lines == CPU_LINES_SLOW || b->addr >> CPU_PAGE_SHIFT != lp->last_page))
        return cpu_lp_fetch_slow(lp, b, clock);
    for (; n; n--, line++) {
        if (G_UNLIKELY((*cpu_cache_set(&lp->core->mem->l1i, line) ^ (line << 8)) > CPU_LINE_QUIET))
            return cpu_lp_fetch_slow(lp, b, clock);
        lp->ev[SIM_EV_L1I_LOADS]++;
        clock = cpu_lp_next_line(lp, line, clock);
    }
    return clock;
}
