/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Branch prediction: gshare (McFarling, WRL TN-36, 1993), a branch target buffer with true LRU, a return stack that
 * wraps, and the loop detector that the VMM reads. Shared by the logical processors of a core; the
 * history register, the return stack and the loop detector are each processor's own. */
#pragma once

#include "cpu-machine.h"

#include <string.h>

typedef struct {
    uint8_t *counters;  /* 2-bit, start at 2 (weakly taken) */
    uint32_t index_mask;
    uint32_t history_mask;
    uint32_t history_shift; /* history is XORed with the uppermost index bits */
} cpu_gshare;

static inline void cpu_gshare_init(cpu_gshare *g, uint32_t bits, uint32_t history_bits)
{
    g->counters = g_malloc(UINT64_C(1) << bits);
    memset(g->counters, 2, UINT64_C(1) << bits);
    g->index_mask = (1u << bits) - 1;
    g->history_mask = history_bits ? (1u << history_bits) - 1 : 0;
    g->history_shift = bits - history_bits;
}

static inline void cpu_gshare_clear(cpu_gshare *g)
{
    g_free(g->counters);
    g->counters = NULL;
}

/* Predicts the branch at `pc` (any number that names it), learns the outcome; true when the prediction was right. The
 * newest outcome enters the history at its top bit. */
static inline bool cpu_gshare_predict(cpu_gshare *g, uint32_t *history, uint64_t pc, bool taken)
{
    uint8_t *counter = &g->counters[((uint32_t)pc ^ (*history << g->history_shift)) & g->index_mask];
    uint8_t c = *counter;
    bool right = (c >= 2) == taken;
    *counter = (uint8_t)(taken ? c + (c < 3) : c - (c > 0));
    *history = ((*history >> 1) | (taken ? (g->history_mask + 1) >> 1 : 0)) & g->history_mask;
    return right;
}

typedef struct {
    uint64_t key, target;
} cpu_btb_entry;

typedef struct {
    cpu_btb_entry *entries;
    uint64_t set_mask;
    uint32_t ways, way_shift, count;
} cpu_btb;

static inline void cpu_btb_init(cpu_btb *b, const cpu_tlb_desc *desc)
{
    *b = (cpu_btb){.ways = desc->ways, .count = desc->entries, .set_mask = desc->entries / desc->ways - 1};
    while (1u << b->way_shift < b->ways)
        b->way_shift++;
    size_t entries = (b->set_mask + 1) << b->way_shift;
    b->entries = g_aligned_alloc(entries, sizeof *b->entries, 64);
    memset(b->entries, 0xff, entries * sizeof *b->entries);
}

static inline void cpu_btb_clear(cpu_btb *b)
{
    g_aligned_free(b->entries);
    b->entries = NULL;
}

/* Looks a taken branch up and enters or refreshes it; the target that was predicted, or UINT64_MAX. */
static inline uint64_t cpu_btb_lookup(cpu_btb *b, uint64_t pc, uint64_t target)
{
    cpu_btb_entry *set = b->entries + (((pc ^ pc >> 12) & b->set_mask) << b->way_shift);
    if (G_LIKELY(set[0].key == pc)) {
        uint64_t predicted = set[0].target;
        set[0].target = target;
        return predicted;
    }
    uint32_t w = 1;
    while (w < b->ways && set[w].key != pc)
        w++;
    uint64_t predicted = w < b->ways ? set[w].target : UINT64_MAX;
    for (uint32_t k = MIN(w, b->ways - 1); k; k--)
        set[k] = set[k - 1];
    set[0] = (cpu_btb_entry){pc, target};
    return predicted;
}

/* The same taken backward branch, again and again. */
typedef struct {
    uint64_t branch;       /* address that names it; 0: none */
    uint64_t iterations;   /* so far */
    uint64_t insns_at;     /* instructions retired when the loop was entered */
    uint64_t exits;        /* loops of at least CPU_LOOP_LONG iterations that ended */
    uint64_t last;         /* iterations of the last such loop */
} cpu_loop;
enum { CPU_LOOP_LONG = 64 };
