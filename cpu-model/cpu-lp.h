/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The insides of cores and logical processors, shared by cpu-core.c (the run loop), cpu-branch.h, cpu-miss.c (what happens on a
 * miss), cpu-smt.c, cpu-timing.c and cpu-state.c (counters and views). Not for others. */
#pragma once

#include "cpu-core.h"
#include "cpu-tage.h"

#include <stddef.h>

enum { CPU_NO_BLOCK = UINT32_MAX, CPU_RING = 128, CPU_SLOT_READY = 64 };

typedef uint32_t cpu_v4 __attribute__((vector_size(16)));

typedef struct cpu_window cpu_window; /* cpu-window.h */

/* What the LPs of a core share. */
typedef struct {
    const cpu_core_desc *desc;
    cpu_mem_core *mem;
    cpu_memory *memory;
    unsigned index, kind;
    cpu_tlb itlb, dtlb, stlb;
    cpu_gshare gshare;                  /* where the predictor is bimodal or gshare, */
    cpu_tage *tage;                     /* else this */
    cpu_btb btb, btb2;                  /* btb2.count 0: absent */
    cpu_indirect indirect;
    cpu_lines lines;
    uint16_t ports[CPU_N_RES];          /* as cpu_core_ports has them */
    uint32_t active;                    /* LPs with a guest on them */
    void *engine;                       /* window level: cpu_ooo_shared or cpu_inorder_shared */
    cpu_ooo *resolver;                  /* interval level: plays paths to mispredicted branches */
    cpu_ooo_shared *resolver_shared;
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
    uint32_t redirected;        /* block of the batch that came first after the last misprediction, or that the LP began with */
    uint64_t missed;            /* slots of the present block that wait for a miss ... */
    uint64_t missed_at;         /* ... and the clock at the first */

    cpu_shares inverse;         /* of the part of each share that the siblings leave, as powers of two: CPU_INVERSE_BITS behind the point */
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
    uint64_t ev[SIM_EV_COUNT];  /* events that are counted one by one; those in cycles (sim_emon_events' unit) in 1/64 cycles */
    cpu_flights loads, stores;
    uint64_t taint[CPU_REG_ARCH];
    uint64_t slot_ready[CPU_SLOT_READY];
    cpu_tage_history *tage;
    uint64_t targets;           /* indirect ones, of late */
    uint64_t predictor_key, btb_key; /* tell the LPs of a core apart where their entries are tagged */
    uint64_t *ras;
    uint32_t ras_top;
    cpu_loop loop;
    uint64_t hz_sub;            /* 1/64 cycles per second */
    cpu_window *level;          /* window level; else NULL */
    cpu_emon emon;
};

/* Brings the table of the LP's space for its kind of core up to the code store's blocks. */
void cpu_lp_sync_timing(cpu_lp *lp);
/* The cost of block `id` after block `prev`, from the table of all pairs seen. */
uint32_t cpu_lp_edge_cost(cpu_lp *lp, uint32_t prev, uint32_t id);
/* What a misprediction of the branch that ends the last of `ids` costs on top of the blocks' own costs when its operands are
 * there, in 1/64 cycles. `ids` are the n blocks (1 to CPU_PATH) up to it since the pipeline was empty, or the last of them. It is
 * the time for the branch to resolve, through all that it depends on, and the refill of the front end: "interval analysis" (Eyerman, Eeckhout, Karkhanis and
 * Smith, "A mechanistic performance model for superscalar out-of-order processors", ACM TOCS 27(2), 2009). */
uint32_t cpu_lp_path_loss(cpu_lp *lp, const uint32_t *ids, unsigned n);
enum { CPU_PATH = 8 };

/* An accounting window's worth of work. */
enum { CPU_SMT_WINDOW = 256 << CPU_SUB_BITS };
/* Ends an accounting window: looks what the siblings leave of the shared resources. */
void cpu_lp_settle(cpu_lp *lp, uint64_t clock);
/* Estimate: micro-ops that wait for a missing load and are issued again with it. */
enum { CPU_REPLAY_DEPENDENTS = 3 };
/* A load missed for `cycles`: what issuing it and its dependents again and again took. */
void cpu_lp_replay(cpu_lp *lp, uint64_t cycles);
/* After the blocks `ids` a branch was mispredicted, and `lost` 1/64 cycles went by until the right path was there: what the wrong one took. */
void cpu_lp_wrong_path(cpu_lp *lp, const uint32_t *ids, unsigned n, uint64_t lost);

/* The slow half of a data access: L1D missed, or the TLB did, or a store found the line clean or shared. `word` is what
 * L1D has of the line, or NULL; `penalty` are the TLB's cycles. Returns the local clock, moved on where the LP had to stall. */
uint64_t cpu_lp_data_slow(cpu_lp *lp, const cpu_block *block, unsigned slot, uint64_t pa, uint64_t *word, bool load, bool store,
                          uint32_t penalty, uint64_t clock);
/* Window level: cycles that an access takes beyond an L1D hit when it looks its line up at clock `at`; `ip` names the instruction to the
 * prefetchers; `reason`: SIM_EV_STALLS_* to blame them on. */
uint64_t cpu_lp_data_latency(cpu_lp *lp, uint64_t ip, uint64_t pa, bool load, bool store, uint32_t penalty, uint64_t at, enum sim_emon_event *reason);
/* A load hits a line that is still on its way: it waits for it like the miss that asked for it. Returns the clock. */
uint64_t cpu_lp_join(cpu_lp *lp, unsigned slot, uint64_t line, uint64_t complete, uint64_t clock);
/* When the address of an access is known, at `clock` at the earliest: no walk for it begins before. */
uint64_t cpu_lp_address_ready(const cpu_lp *lp, const cpu_block *block, unsigned slot, uint64_t clock);
/* Finds a translation that the first way of the TLB's set did not have, at clock `at`. Adds the cycles that it takes to *penalty. */
typedef enum { CPU_FOR_LOAD, CPU_FOR_STORE, CPU_FOR_FETCH } cpu_translation; /* a read-modify-write is a load */
uint64_t cpu_lp_translate_slow(cpu_lp *lp, cpu_tlb *tlb, uint64_t key, cpu_translation what, uint64_t at, uint32_t *penalty);
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

/* Fetch goes on in another line: whether the line predictor, where there is one, foresaw it. Returns the clock. */
static inline uint64_t cpu_lp_next_line(cpu_lp *lp, uint64_t line, uint64_t clock)
{
    cpu_core *core = lp->core;
    if (G_UNLIKELY(core->lines.next != NULL) && lp->last_line != UINT64_MAX && !cpu_lines_predict(&core->lines, lp->last_line, line)) {
        uint64_t lost = (uint64_t)core->desc->line_miss * CPU_SUB;
        lp->ev[SIM_EV_LINE_MISSES]++;
        lp->ev[SIM_EV_STALLS_ICACHE] += lost;
        clock += lost;
    }
    lp->last_line = line;
    return clock;
}

static inline sim_ps cpu_lp_ps(const cpu_lp *lp, uint64_t clock)
{
    return sim_cycles_to_ps(clock, lp->hz_sub);
}
