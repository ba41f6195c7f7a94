/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The insides of cores and logical processors, shared by cpu-core.c (the run loop), cpu-branch.h, cpu-miss.c (what happens on a
 * miss), cpu-smt.c, cpu-timing.c and cpu-state.c (counters and views). Not for others. */
#pragma once

#include "cpu-core.h"

#include <stddef.h>

enum { CPU_NO_BLOCK = UINT32_MAX, CPU_RING = 128, CPU_SLOT_READY = 64 };

typedef uint32_t cpu_v4 __attribute__((vector_size(16)));

/* What the LPs of a core share. */
typedef struct {
    const cpu_core_desc *desc;
    cpu_mem_core *mem;
    cpu_memory *memory;
    unsigned index, kind;
    cpu_tlb itlb, dtlb, stlb;
    cpu_gshare gshare;
    cpu_btb btb;
    uint32_t active;                    /* LPs with a guest on them */
    cpu_lp *lps;                        /* its LPs, desc->threads of them */
} cpu_core;

/* Misses in flight, in program order. */
typedef struct {
    uint64_t complete; /* local clock */
    uint64_t position; /* micro-ops retired before it */
    uint8_t reason;    /* SIM_EV_STALLS_*: what to blame a stall on */
} cpu_flight;
typedef struct {
    cpu_flight at[CPU_RING];
    uint32_t head, n;
} cpu_flights;

/* A line on its way to L1D, found again by its number: a direct-mapped table. Such a line has CPU_LINE_PENDING in L1D until an access finds
 * that it has come. */
typedef struct {
    uint64_t line, complete;
} cpu_pending;
enum { CPU_PENDING = 64 };

struct cpu_lp {
    /* The run loop's own: two host cache lines. */
    uint64_t clock;
    const uint32_t *ids;
    const uint64_t *addrs;      /* next address */
    uint32_t i, n;              /* next block, blocks in the batch */
    cpu_tblock *table;
    uint64_t owner_key;         /* owner << 36 */
    uint64_t last_line, last_page;
    uint32_t prev;              /* id of the block before; CPU_NO_BLOCK */
    uint32_t history;
    cpu_core *core;
    uint64_t tainted;           /* registers that wait for a miss */
    uint64_t branch_ready;      /* when the last block's branch can resolve, if it waits for a miss; else 0 */
    uint32_t in_flight;         /* loads.n + stores.n */
    uint64_t drain_clock;       /* cpu_lp_drain has nothing to do before this clock ... */
    uint64_t drain_position;    /* ... and before this many micro-ops */
    uint64_t taint_min;         /* the first of the tainted registers is ready then */
    bool resolved;              /* the branch before block i has been resolved */
    uint64_t missed;            /* slots of the present block that wait for a miss */

    cpu_shares used;            /* what the blocks since `window` demanded of each share, ... */
    uint64_t work;              /* ... their cost together, without stalls */
    uint64_t window, window_before; /* local clock when this accounting window and the one before began */
    cpu_shares used_before;

    uint64_t counted[4];        /* instructions, micro-ops, loads, stores */
    cpu_space *space;
    cpu_timing *timing;
    const uint64_t *addrs_begin;
    uint64_t busy;              /* 1/64 cycles not halted, but for those since ... */
    uint64_t started;           /* ... this clock, while a guest is on the LP */
    uint64_t ev[SIM_EV_COUNT];  /* events that are counted one by one; STALLS_* in 1/64 cycles */
    cpu_flights loads, stores;
    uint64_t mshr_free[64];     /* when each of the desc->mshrs miss status holding registers is free again */
    cpu_pending pending[CPU_PENDING];
    uint64_t taint[CPU_REG_ARCH];
    uint64_t slot_ready[CPU_SLOT_READY];
    uint64_t *ras;
    uint32_t ras_top;
    cpu_loop loop;
    uint64_t hz_sub;            /* 1/64 cycles per second */
    struct {
        enum sim_emon_event event;
        uint64_t base;
    } emon[16];
};

/* Brings the table of the LP's space for its kind of core up to the code store's blocks. */
void cpu_lp_sync_timing(cpu_lp *lp);
/* The cost of block `id` after block `prev`, from the table of all pairs seen. */
uint32_t cpu_lp_edge_cost(cpu_lp *lp, uint32_t prev, uint32_t id);

/* An accounting window's worth of work. */
enum { CPU_SMT_WINDOW = 256 << CPU_SUB_BITS };
/* Ends an accounting window: what the LP demanded of the shared resources beyond its share costs time. Returns the clock. */
uint64_t cpu_lp_settle(cpu_lp *lp, uint64_t clock);

/* The slow half of a data access: L1D missed, or the TLB did, or a store found the line clean or shared. `penalty` are
 * the TLB's cycles. Returns the local clock, moved on where the LP had to stall. */
uint64_t cpu_lp_data_slow(cpu_lp *lp, const cpu_block *block, unsigned slot, uint64_t line, bool load, bool store,
                          uint32_t penalty, uint64_t clock);
/* A load hits a line that is still on its way: it waits for it like the miss that asked for it. Returns the clock. */
uint64_t cpu_lp_join(cpu_lp *lp, unsigned slot, uint64_t complete, uint64_t clock);
/* Finds a translation that the first way of the data TLB's set did not have. */
uint64_t cpu_lp_translate_slow(cpu_lp *lp, cpu_tlb *tlb, uint64_t key, bool fetch, uint32_t *penalty);
/* Fetches the code lines of a block; returns the local clock after the stall, if any. */
uint64_t cpu_lp_fetch_slow(cpu_lp *lp, const cpu_tblock *b, uint64_t clock);
/* Lets complete what has completed by `clock`, and stalls where the reorder buffer or the store buffer is full. */
uint64_t cpu_lp_drain(cpu_lp *lp, uint64_t position, uint64_t clock);
/* Waits for everything in flight. */
uint64_t cpu_lp_drain_all(cpu_lp *lp, uint64_t clock);
/* Before a block, in-order cores only: waits for the registers that it reads. */
uint64_t cpu_lp_use_stall(cpu_lp *lp, const cpu_block *block, uint64_t clock);
/* After a block: which registers, and the branch, wait for which miss. Returns the clock (in-order cores stall on use). */
uint64_t cpu_lp_propagate(cpu_lp *lp, const cpu_block *block, uint64_t clock);

G_STATIC_ASSERT(offsetof(struct cpu_lp, clock) == 0); /* cpu_lp_clock */

static inline sim_ps cpu_lp_ps(const cpu_lp *lp, uint64_t clock)
{
    return sim_cycles_to_ps(clock, lp->hz_sub);
}
