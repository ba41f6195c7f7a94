/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The out-of-order pipeline for whole guests: the `window` timing level. It has the parts of cpu-pipe.h that decide how long programs take, in a form that
 * costs some dozens of host instructions a micro-op; that one is for single blocks, and knows the front end in detail.
 *
 * Micro-ops are taken in program order and all their times worked out at once: rename in groups of the core's width, as the reorder buffer, the scheduler and
 * the load and store buffers have room; issue when the sources are ready, in the first cycle in which its port is free (an older one takes its cycle before a
 * younger one looks): the port that it was bound to at rename by what waits for each, or, with `port-binding = least`, any of its ports; retirement in order.
 * Logical processors of a core share ports and rename cycles by time.
 *
 * Left out beside cpu-pipe.h: the decoders (a block is delivered at the rate of the micro-op cache, or of the decoders where there is none), slots of
 * move elimination. All times are in cycles of the core since power-on. */
#pragma once

#include "cpu-uarch.h"

enum {
    CPU_OOO_HORIZON = 4096, /* cycles that the ring of ports reaches; what lies further ahead than half of it competes for no port */
    CPU_OOO_ROB = 1024, CPU_OOO_LOADS = 256, CPU_OOO_STORES = 256, /* rings: the most that a machine may have */
    CPU_OOO_FORWARDS = 64,
    CPU_OOO_WAITING = 1024, /* cycles ahead that the scheduler's ring reaches: what waits longer leaves it then */
    CPU_OOO_SCHEDULER = 240, /* the most that it may hold: counts are bytes, and so is their sum */
    CPU_OOO_SOURCES = 3,    /* of a micro-op; more are gathered by one before it that takes nothing */
    CPU_OOO_NONE = CPU_XR_COUNT,      /* a register that is always ready, ... */
    CPU_OOO_SINK = CPU_XR_COUNT + 1,  /* ... one that nobody reads, ... */
    CPU_OOO_GATHER = CPU_XR_COUNT + 2, /* ... and one for gathering */
    CPU_OOO_REGS = CPU_XR_COUNT + 3,
    CPU_OOO_LPS = 8,
};

enum {
    CPU_OOO_SLOT = 1,    /* begins a slot of rename and of the reorder buffer */
    CPU_OOO_RETIRE = 2,  /* ends it */
    CPU_OOO_IDLE = 4,    /* done at rename: no port */
    CPU_OOO_SIMPLE = 8,  /* as CPU_XU_SIMPLE; src[0] is the base */
    CPU_OOO_LOAD = 16, CPU_OOO_STORE_ADDRESS = 32, CPU_OOO_STORE_DATA = 64,
    CPU_OOO_BUSY = 128,  /* `busy` is above 1 */
};

/* How a micro-op comes to its port: the first free one, by turns, or by one of the two known rules. */
enum { CPU_OOO_BIND_FREE, CPU_OOO_BIND_TURNS, CPU_OOO_BIND_INTEL6, CPU_OOO_BIND_INTEL8 };

/* The first four ports of a mask: where cpu_ooo_hot counts each, and what its key ends with. Missing ones repeat the first (INTEL6) or come last (INTEL8). */
typedef struct {
    uint16_t shift[4], tag[4];
} cpu_ooo_choice;
extern const cpu_ooo_choice cpu_ooo_choices[2][256]; /* [INTEL6, INTEL8][ports] */

typedef struct {
    uint8_t src[CPU_OOO_SOURCES], dst[CPU_OOO_SOURCES];
    uint16_t ports;
    uint8_t flags;   /* CPU_OOO_* */
    uint8_t pointer; /* as CPU_XU_POINTER: 1 */
    uint8_t latency, busy;
    int16_t slot;
    uint8_t bind;    /* CPU_OOO_BIND_* */
    uint8_t lane;    /* where cpu_ooo_hot.waiting counts it, unless bound otherwise: a shift */
} cpu_ooo_uop;
G_STATIC_ASSERT(sizeof(cpu_ooo_uop) == 16);

/* A block as the engine reads it; one allocation, free with g_free. */
typedef struct {
    uint32_t n_uops;
    uint32_t front;     /* 1/64 cycles that its delivery takes */
    cpu_ooo_uop uops[]; /* [n_uops] */
} cpu_ooo_code;

/* Never NULL. Without `accesses`, loads and stores hit and are not forwarded. */
cpu_ooo_code *cpu_ooo_compile(const cpu_core_desc *core, const cpu_xblock *block, bool accesses);

/* What the logical processors of a core share. Their clocks may be some thousand cycles apart. */
typedef struct {
    uint16_t taken[CPU_OOO_HORIZON];  /* ports, by cycle */
    uint8_t renamed[CPU_OOO_HORIZON]; /* 0, or the LP that renamed then, + 1 */
    uint64_t horizon;                 /* they stand for the CPU_OOO_HORIZON cycles before this one */
    uint64_t divider;                 /* it is free from then on */
    uint32_t active, n_active;        /* LPs that run, a bit each */
    uint64_t front[CPU_OOO_LPS];      /* rename of each has come to here */
    uint32_t spare[CPU_OOO_LPS];      /* of 256: turns that each left unused of late */
} cpu_ooo_shared;

/* A store that may not yet have left for the cache, by the 8-byte word that it wrote. */
typedef struct {
    uint64_t word, number;
} cpu_ooo_forward;
typedef struct {
    uint64_t addr, end;            /* what it wrote */
    uint64_t ready, commit;        /* when a load could have it; when it is in the cache (UINT64_MAX: not yet known) */
} cpu_ooo_store;

/* What changes with every micro-op: held in the host's registers while a block runs. */
typedef struct {
    uint64_t cycle;          /* of the last renamed micro-op ... */
    uint32_t slots;          /* ... and slots left in it */
    uint64_t renamed, retired_at;
    uint32_t retired_slots;  /* left in that cycle */
    uint64_t n_loads, n_stores, n_loads_free, n_committed, committed_at;
    uint64_t waiting, usage; /* micro-ops in the scheduler by port (modulo 8), a byte each: now, and as binding sees them, a cycle late */
} cpu_ooo_hot;

typedef struct {
    cpu_ooo_hot hot;
    const cpu_core_desc *core;
    unsigned lp;
    uint32_t width, retire_width, issue_delay, forward, queue; /* `queue`: 1/64 cycles that the front end can be ahead */
    uint32_t rob_limit, sched_limit, load_limit, store_limit;
    uint32_t load_turn;
    uint64_t front;          /* 1/64 cycles: the next block is delivered then */
    uint64_t ready[CPU_OOO_REGS]; /* when a register is ready, times two; odd: it comes straight from a load */
    uint64_t rob[CPU_OOO_ROB];    /* when each retired */
    uint64_t load_free[CPU_OOO_LOADS];
    cpu_ooo_store stores[CPU_OOO_STORES];
    cpu_ooo_forward forwards[CPU_OOO_FORWARDS];
    uint64_t leaving[CPU_OOO_WAITING]; /* micro-ops that leave the scheduler, by cycle and port */
    uint64_t window;         /* turns of rename are counted since */
    uint32_t window_used, credit;
} cpu_ooo;

/* At cycle 0 with nothing in flight; free with g_free. */
cpu_ooo *cpu_ooo_new(const cpu_core_desc *core, unsigned lp);
cpu_ooo_shared *cpu_ooo_shared_new(void);
/* The LPs of the core that run now: buffers are shared out in equal parts, rename cycles in turn. */
void cpu_ooo_set_active(cpu_ooo *ooo, cpu_ooo_shared *shared, uint32_t active);
/* The next micro-op is renamed at `at` at the earliest. */
void cpu_ooo_restart(cpu_ooo *ooo, uint64_t at);
/* Until `resolved`, a branch was on its way that had been mispredicted, behind `code`: in its turns the LP renamed a wrong path, which is taken to be like
 * `code`. Only its siblings feel it. */
void cpu_ooo_wrong_path(cpu_ooo *ooo, cpu_ooo_shared *shared, const cpu_ooo_code *code, uint64_t resolved);
/* When all has retired and all stores are written. */
uint64_t cpu_ooo_drained(const cpu_ooo *ooo);
/* Slots of the reorder buffer in use at `at`. */
unsigned cpu_ooo_rob_fill(const cpu_ooo *ooo, uint64_t at);

typedef struct {
    uint64_t renamed, resolved, retired; /* the last micro-op was renamed; the branch executed; the last retired */
} cpu_ooo_times;
