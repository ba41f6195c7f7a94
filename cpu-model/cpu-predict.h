/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Branch prediction: bimodal and gshare counters (McFarling, WRL TN-36, 1993; TAGE is in cpu-tage.h), branch target buffers with true LRU, an indirect
 * predictor, a line predictor, and the loop detector that the VMM reads. Shared by the logical processors of a core; the
 * histories, the return stack and the loop detector are each processor's own. */
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

/* Targets of indirect jumps and calls by their address and the targets before: a tagged table beside the BTB, which is asked first. After Chang, Hao and
 * Patt, "Target prediction for indirect jumps", ISCA 1997; tags and allocation on a misprediction as in ITTAGE (Seznec, CBP-3, 2011), with one table. */
typedef struct {
    uint64_t tag, target; /* 0: empty */
} cpu_indirect_entry;
typedef struct {
    cpu_indirect_entry *entries;
    uint32_t mask;         /* entries - 1 */
} cpu_indirect;

static inline void cpu_indirect_init(cpu_indirect *p, uint32_t entries)
{
    p->entries = entries ? g_new0(cpu_indirect_entry, entries) : NULL;
    p->mask = entries ? entries - 1 : 0;
}

static inline void cpu_indirect_clear(cpu_indirect *p)
{
    g_free(p->entries);
    p->entries = NULL;
}

/* Predicts the target of the jump at `pc`, of which the BTB says `btb`; learns `target`, and lengthens *history by it. */
static inline uint64_t cpu_indirect_predict(cpu_indirect *p, uint64_t *history, uint64_t pc, uint64_t btb, uint64_t target)
{
    uint64_t key = ((pc ^ *history * UINT64_C(0x9e3779b97f4a7c15)) * UINT64_C(0xd1342543de82ef95)) | 1;
    cpu_indirect_entry *e = &p->entries[key >> 32 & p->mask];
    uint64_t predicted = e->tag == key ? e->target : btb;
    if (e->tag == key)
        e->target = target;
    else if (predicted != target)
        *e = (cpu_indirect_entry){key, target};
    *history = *history << 10 ^ (target >> 2 & 0x3ff) ^ target >> 12 % 64; /* the last six targets */
    return predicted;
}

/* Which line comes after which, by the line before; its way is known with it. After Calder and Grunwald, "Next cache line and set prediction", ISCA 1995,
 * and Kessler,
 * "The Alpha 21264 microprocessor", IEEE Micro 19(2), 1999; the design calls it the cache line predictor. */
typedef struct {
    uint64_t *next;        /* [mask + 1] lines */
    uint32_t mask;
} cpu_lines;

static inline void cpu_lines_init(cpu_lines *p, uint32_t entries)
{
    p->next = entries ? g_new0(uint64_t, entries) : NULL;
    p->mask = entries ? entries - 1 : 0;
}

static inline void cpu_lines_clear(cpu_lines *p)
{
    g_free(p->next);
    p->next = NULL;
}

/* Whether `line` was the one that was predicted to follow `before`; learns it. */
static inline bool cpu_lines_predict(cpu_lines *p, uint64_t before, uint64_t line)
{
    uint64_t *next = &p->next[(before ^ before >> 16) & p->mask];
    bool right = *next == line;
    *next = line;
    return right;
}

/* The same taken backward branch, again and again. */
typedef struct {
    uint64_t branch;       /* address that names it; 0: none */
    uint64_t iterations;   /* so far */
    uint64_t insns_at;     /* instructions retired when the loop was entered */
    uint64_t exits;        /* loops of at least CPU_LOOP_LONG iterations that ended */
    uint64_t last;         /* iterations of the last such loop */
    uint64_t ended;        /* iterations of all such loops */
} cpu_loop;
enum { CPU_LOOP_LONG = 64 };
