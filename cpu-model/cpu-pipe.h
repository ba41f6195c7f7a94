/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The out-of-order pipeline for single blocks, micro-op by micro-op: front end, rename, reorder buffer, scheduler, ports, retirement. It knows the front end
 * and the binding of ports in detail and works out what blocks cost (cpu_pipe_cost, cpu-throughput.h); every access hits in L1. Whole guests at level
 * `window` run through cpu-ooo.h.
 *
 * Micro-ops are taken in program order, and all their times are worked out at once: in-order stages are clocks that only go forward; a buffer of n
 * entries is a ring of the times at which they fell free; an issue port is a ring of bits, one per cycle. An older micro-op takes its cycle before a
 * younger one looks, so that each port dispatches the oldest ready micro-op first, as the hardware's does. Nothing is stepped cycle by cycle,
 * but for the counts of waiting micro-ops per port.
 *
 * Ports are bound at rename and the front end works as Abel and Reineke found ("uiCA: Accurate Throughput Prediction of Basic Blocks on Recent
 * Intel Microarchitectures", ICS 2022, sections 4.1 to 4.2). The code is in cpu-pipe-run.h, inlined into its users.
 *
 * Left out: wrong-path micro-ops, write-back conflicts, replays, the memory renaming of later cores, bank conflicts, page-split accesses.
 * All times are in cycles. */
#pragma once

#include "cpu-uarch.h"

enum {
    CPU_PIPE_HORIZON = 2048, /* cycles that the rings of ports reach; what lies further ahead than half of it competes for no port */
    CPU_PIPE_PORTS = CPU_MAX_PORTS, /* of 16 bytes in a vector; the last counts all waiting micro-ops */
    CPU_PIPE_ALL = 15,
    CPU_PIPE_ROB = 1024, CPU_PIPE_QUEUE = 256, CPU_PIPE_LOADS = 256, CPU_PIPE_STORES = 256, CPU_PIPE_INSNS = 64, /* rings: the most that a machine may have */
    CPU_PIPE_FORWARDS = 128, /* places that recent stores wrote, found by a hash */
};

/* What rename waited for (`lost`, in slots: `width` of them a cycle), as in Yasin, "A Top-Down Method for Performance Analysis", ISPASS 2014. */
enum {
    CPU_PIPE_LOST_PREDECODE, CPU_PIPE_LOST_DECODE, CPU_PIPE_LOST_UOP_CACHE,
    CPU_PIPE_LOST_GROUP, /* what was to come takes more slots than were left */
    CPU_PIPE_LOST_ROB, CPU_PIPE_LOST_SCHEDULER, CPU_PIPE_LOST_LOADS, CPU_PIPE_LOST_STORES, CPU_PIPE_N_LOST
};

/* ---- code ---------------------------------------------------------------------------------------------------------- */

/* An instruction as the front end reads it. */
typedef struct {
    uint8_t length, opcode_at, flags, n_decode; /* as in cpu_xinsn */
    uint16_t n_uops;
    uint8_t line;                               /* CPU_PIPE_LINE_* */
    uint8_t n_lines;                            /* of a window's first instruction: lines of the micro-op cache that the window takes; 0: cannot be there */
    uint8_t simple;                             /* of a complex one: simple decoders that work beside it */
} cpu_pipe_insn;
enum { CPU_PIPE_LINE_WINDOW = 1, CPU_PIPE_LINE_NEW = 2 };

/* A block as the engine reads it: made once per block and kind of core from its cpu_xblock, which it keeps no reference to. */
typedef struct {
    uint64_t addr;
    uint32_t bytes;
    uint16_t n_uops, n_insns;
    uint16_t n_slots;      /* rename slots */
    int32_t stack_change;  /* as in cpu_xblock */
    cpu_pipe_insn *insns;
    cpu_xoperand *operands;
    cpu_xuop *uops;        /* `reserved`: see cpu-pipe-run.h */
} cpu_pipe_code;

/* Never NULL; one allocation. */
cpu_pipe_code *cpu_pipe_compile(const cpu_core_desc *core, const cpu_xblock *block);
void cpu_pipe_code_free(cpu_pipe_code *code);

/* ---- state --------------------------------------------------------------------------------------------------------- */

typedef uint8_t cpu_pipe_v16 __attribute__((vector_size(16)));
typedef union {
    cpu_pipe_v16 v;
    uint8_t n[16];
} cpu_pipe_counts;

/* A store, from its address's micro-op on. */
typedef struct {
    uint64_t ready_address, ready_data; /* when a load could have its value; UINT64_MAX: not yet known */
    uint64_t commit;                    /* written to the cache; UINT64_MAX: not yet known */
    uint64_t addr, end;                 /* what it writes */
    uint64_t value;                     /* name of the value */
} cpu_pipe_store;
/* The last store to four bytes of memory. */
typedef struct {
    uint64_t place, number;
} cpu_pipe_forward;

typedef struct {
    const cpu_core_desc *core;

    /* Rename and scheduler: the host cache lines that every micro-op touches come first. */
    uint64_t cycle;                 /* of the last renamed micro-op */
    uint32_t slots;                 /* taken in it */
    uint64_t renamed, retired_at;   /* micro-ops (fused domain) so far; when the last of them retired */
    uint32_t retired_slots;         /* ... and how many in that cycle */
    cpu_pipe_counts usage, pending, fresh; /* waiting per port: at this cycle's start as binding sees it; in the scheduler; bound in this cycle */
    uint64_t pointers;              /* registers that come straight from a load */
    uint64_t ready[CPU_XR_COUNT];
    /* A number for the value of each register, which tells places in memory apart. What a micro-op makes is named by itself and its operands, so that what it
     * makes again of the same has the same name; a register moved by a constant has the number moved, as far as that is known (RSP). */
    uint64_t value[CPU_XR_COUNT];
    uint32_t next_load_port;
    uint32_t block;                 /* identity of the block in names of values */
    cpu_pipe_counts leaving[CPU_PIPE_HORIZON]; /* micro-ops that leave the scheduler, by cycle and port */
    uint64_t rob[CPU_PIPE_ROB];     /* when each retired */

    /* Issue ports, and the divider as the last. */
    uint64_t taken[CPU_PIPE_PORTS + 1][CPU_PIPE_HORIZON / 64]; /* a bit per cycle */
    uint64_t horizon;               /* the rings stand for the CPU_PIPE_HORIZON cycles before this one */

    /* Move elimination: registers that share a physical one, a mask per slot in use; [0] general, [1] vector. */
    uint64_t alias[2][8];
    uint64_t aliased[2];            /* all of them */
    bool moves;                     /* any of this is not zero */
    uint8_t alias_used[2];
    uint32_t eliminated[2];         /* byte k: moves eliminated k cycles ago; 0: in this one */
    uint32_t alias_before[2];       /* byte k, from 1: slots in use at the end of the cycle k ago */

    /* Memory. */
    uint64_t n_loads, n_stores, n_committed;
    uint64_t load_free[CPU_PIPE_LOADS], committed_at;
    cpu_pipe_store stores[CPU_PIPE_STORES];
    cpu_pipe_forward forwards[CPU_PIPE_FORWARDS];

    /* Front end. */
    bool legacy_only;               /* nothing comes from the micro-op cache or the loop buffer */
    bool jumped;                    /* what comes is a branch's target */
    bool loop_break;                /* a turn of the loop buffer begins: not in the same cycle as what was before */
    uint8_t source;                 /* CPU_PIPE_FROM_* */
    uint8_t limit;                  /* CPU_PIPE_LOST_*: what held the last delivery */
    uint8_t chunk_shift;            /* log2 of predecode_bytes; 0: no predecoder */
    uint64_t next_addr;             /* where straight code goes on */
    uint64_t predecode;             /* cycle of the predecoder ... */
    uint64_t chunk;                 /* ... on these predecode_bytes (address / bytes) */
    uint32_t chunk_insns;           /* predecoded in that cycle */
    uint32_t chunk_cycles, chunk_before; /* that it has spent on the chunk, and on the one before */
    uint32_t chunk_stalls;          /* length-changing prefixes in the chunk */
    uint64_t predecoded_next;       /* the instruction to come has been predecoded already, and can be decoded then; or 0 */
    uint64_t n_insns;               /* instructions decoded so far */
    uint64_t insn_removed[CPU_PIPE_INSNS]; /* when each left the instruction queue */
    uint64_t decode;                /* cycle of the decoders ... */
    uint32_t decoders_left;         /* ... and how many are free in it */
    uint32_t decoded;               /* instructions decoded in it */
    uint64_t cached;                /* cycle of the micro-op cache ... */
    uint32_t cached_left, cached_lines; /* ... micro-ops that it can still give, lines read */
    uint64_t queued;                /* micro-ops that have entered the queue ... */
    uint64_t dequeued[CPU_PIPE_QUEUE]; /* ... and when each left it */
    uint64_t *cache;                /* windows in the micro-op cache: cache_sets sets of 8, newest first */
    uint32_t cache_sets;
    uint64_t loop_target, loop_begin, loop_length; /* last taken backward branch, micro-ops renamed then, and per turn */
    uint32_t loop_turns, loop_group;

    uint64_t lost[CPU_PIPE_N_LOST]; /* slots */
    uint64_t issued[CPU_PIPE_PORTS + 1]; /* micro-ops per port; the last: cycles of the divider */
} cpu_pipe;
enum { CPU_PIPE_FROM_DECODERS, CPU_PIPE_FROM_CACHE, CPU_PIPE_FROM_LOOP };

/* Empty, at cycle 0. A pipe is some 80 KB. */
cpu_pipe *cpu_pipe_new(const cpu_core_desc *core);
void cpu_pipe_free(cpu_pipe *pipe);
/* As new, but for `legacy_only`. */
void cpu_pipe_reset(cpu_pipe *pipe);
/* The calling thread's own for a kind of core, as new: setting one up costs more than playing a block. The next call takes it back. */
cpu_pipe *cpu_pipe_scratch(const cpu_core_desc *core);

/* Cost of `block` when it follows `pred` (NULL: nothing known), in 1/64 cycles: the steady-state time of `block` in the endless alternation pred,
 * block, pred, block, ... on an otherwise idle core in which every access hits L1, every branch is predicted and all code is in the micro-op cache, if
 * there is one. Pure function of its arguments. */
uint32_t cpu_pipe_cost(const cpu_core_desc *core, const cpu_pipe_code *pred, const cpu_pipe_code *block);
