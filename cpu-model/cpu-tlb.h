/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Translation look-aside buffers, set-associative with true LRU (sets in the order of recency, as in
 * cpu-cache.h). An entry is tagged with owner and virtual page number, so that spaces can share a TLB
 * (VPID-like) or be flushed on a switch. */
#pragma once

#include "cpu-cache.h"

typedef struct {
    uint64_t key; /* owner << 36 | vpn; UINT64_MAX where empty */
    uint64_t pa;  /* physical address of the page */
} cpu_tlb_entry;

/* A second level is looked up on a miss only, and large: up to 16 ways are kept in place, with tag bytes and ages beside them, as in cpu-outer.h. */
typedef struct {
    cpu_tlb_entry *entries; /* [sets][1 << way_shift], the first `ways` of each in use */
    uint8_t *outer;         /* [sets][32] tag bytes and ages: cpu_tlb_init_outer; else NULL */
    uint64_t set_mask;
    uint32_t ways, way_shift;
    uint32_t count;         /* all entries; 0: no such TLB */
} cpu_tlb;

void cpu_tlb_init(cpu_tlb *tlb, const cpu_tlb_desc *desc);
/* For a level that no run loop looks into: cpu_tlb_touch_outer and cpu_tlb_fill_outer. */
void cpu_tlb_init_outer(cpu_tlb *tlb, const cpu_tlb_desc *desc);
void cpu_tlb_clear(cpu_tlb *tlb);
void cpu_tlb_flush(cpu_tlb *tlb);

static inline void cpu_tlb_shift(cpu_tlb_entry *set, uint32_t n)
{
    for (; n; n--)
        set[n] = set[n - 1];
}

/* The entry of a key, made the most recent of its set; NULL on a miss. */
static inline cpu_tlb_entry *cpu_tlb_touch(cpu_tlb *t, uint64_t key)
{
    cpu_tlb_entry *set = t->entries + ((key & t->set_mask) << t->way_shift);
    if (G_LIKELY(set[0].key == key))
        return set;
    for (uint32_t w = 1; w < t->ways; w++)
        if (set[w].key == key) {
            cpu_tlb_entry e = set[w];
            cpu_tlb_shift(set, w);
            set[0] = e;
            return set;
        }
    return NULL;
}

static inline void cpu_tlb_fill(cpu_tlb *t, uint64_t key, uint64_t pa)
{
    cpu_tlb_entry *set = t->entries + ((key & t->set_mask) << t->way_shift);
    cpu_tlb_shift(set, t->ways - 1);
    set[0] = (cpu_tlb_entry){key, pa};
}

/* The same of a TLB of cpu_tlb_init_outer; one without entries has none. */
cpu_tlb_entry *cpu_tlb_touch_outer(cpu_tlb *tlb, uint64_t key);
void cpu_tlb_fill_outer(cpu_tlb *tlb, uint64_t key, uint64_t pa);
