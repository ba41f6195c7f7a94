/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From an emulator's callbacks to the stream of blocks and accesses: the blocks that a guest executes, and for
 * each how the emulator's raw memory callbacks map to the access slots that decoding expects. */
#pragma once

#include "insn-source.h"
#include "tr-progress.h"

#define WL_UNLEARNED UINT32_MAX
#define WL_RAW_WRITE 0x80u /* in the tag of a raw callback; the rest is its size in bytes */

/* A block as the emulator enters it. One cache line holds what the hot path reads. */
typedef struct wl_block wl_block;
struct wl_block {
    uint64_t addr;
    uint32_t size;
    uint32_t id;       /* handed out when the callbacks come as learned */
    uint32_t n_raw;    /* callbacks of a normal execution; WL_UNLEARNED at first */
    uint16_t n_slots;  /* slots of `id` */
    uint16_t n_insns;
    uint16_t *gather;  /* callback index of each slot; NULL: callbacks are the slots */
    wl_block *next;    /* the block that followed last time */
    uint64_t rep_at;   /* address of the rep string instruction at its end, or WL_NO_REP */
    wl_block *again;   /* the further iterations of that */
    /* second line */
    const insn_block_facts *facts; /* as decoded */
    uint8_t *code;     /* copy of its bytes */
    bool writable;     /* the guest may change them: compare at every entry */
    bool is_again;
    bool permuted;     /* gather does not ascend */
};

#define WL_NO_REP UINT64_MAX

typedef struct {
    /* hot */
    uint64_t *cur;     /* next raw callback goes here */
    uint64_t *end;
    uint64_t *addrs;   /* [TR_BATCH_ADDRS + TR_ADDR_MARGIN] */
    uint8_t *tags;     /* parallel to addrs */
    uint64_t *open_at; /* first callback of the open block */
    wl_block *open;    /* being executed, or NULL */
    wl_block *last;    /* finished last, or NULL */
    uint32_t *blocks;  /* [TR_BATCH_BLOCKS] */
    uint32_t n_blocks, max_blocks;
    uint64_t insns;    /* of all finished blocks */
    uint64_t insns_stop;
    /* cold */
    insn_code *code;
    wl_block **table;  /* open addressing by (addr, size) */
    uint32_t table_mask, n_table;
    GPtrArray *all;    /* owns the blocks */
    uint32_t n_new;    /* blocks met since it was set to 0 */
    bool failed;       /* the code store is full */
    uint16_t *gather;  /* scratch of the slow path, [TR_ADDR_MARGIN] each */
    insn_access *seen;
    uint64_t *sorted;
} wl_trace;

void wl_trace_init(wl_trace *trace, insn_code *code);
void wl_trace_clear(wl_trace *trace);
/* Empties the batch. */
void wl_trace_begin(wl_trace *trace, uint32_t max_blocks);
/* Forgets all blocks: code may have changed. */
void wl_trace_forget(wl_trace *trace);

/* The block at (addr, size), NULL when it is not known yet. */
wl_block *wl_trace_find(const wl_trace *trace, uint64_t addr, uint32_t size);
/* Makes it known. `writable`: the guest may change the bytes. NULL when the code store is full. */
wl_block *wl_trace_add(wl_trace *trace, uint64_t addr, const uint8_t *bytes, uint32_t size, bool again, bool writable);
/* The again-variant of a block that ends with a rep string instruction. */
wl_block *wl_trace_again(wl_trace *trace, wl_block *block);
/* Drops one block from the table (its bytes have changed). */
void wl_trace_drop(wl_trace *trace, wl_block *block);

/* Finishes the open block when its callbacks did not come as learned. */
void wl_trace_finish_slow(wl_trace *trace);
/* Which instruction of the open block makes the access that follows the callbacks so far, from 0; -1 when that
 * cannot be told. */
int wl_trace_insn(const wl_trace *trace);
/* Finishes the open block at instruction `ip` in it, which faulted: what came before it is handed out. */
void wl_trace_finish_fault(wl_trace *trace, uint64_t ip);
/* Hands out a block without accesses that the emulator did not execute. */
void wl_trace_emit(wl_trace *trace, const insn_block_facts *facts);

static inline void wl_trace_finish(wl_trace *t)
{
    wl_block *b = t->open;
    if (!b)
        return;
    if (G_UNLIKELY((size_t)(t->cur - t->open_at) != b->n_raw)) {
        wl_trace_finish_slow(t);
        return;
    }
    if (b->gather) {
        uint64_t *at = t->open_at;
        if (G_UNLIKELY(b->permuted)) {
            wl_trace_finish_slow(t);
            return;
        }
        for (unsigned i = 0; i < b->n_slots; i++)
            at[i] = at[b->gather[i]];
        t->cur = at + b->n_slots;
    }
    t->blocks[t->n_blocks++] = b->id;
    t->insns += b->n_insns;
    t->last = b;
    t->open = NULL;
}
