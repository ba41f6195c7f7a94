/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The in-order pipelines, micro-op by micro-op.
 *
 * `inorder`: a scoreboard. Micro-ops issue in program order, up to the core's width per cycle, each to a port that is free in that cycle; one whose
 * sources are not ready holds back all behind it. A load that misses does not: it is its first user that waits (stall on use). Results
 * come out of order, but two to the same register in order. After Thornton, "Parallel operation in the Control Data 6600", AFIPS 1964; Hennessy and
 * Patterson, "Computer Architecture: A Quantitative Approach", appendix C.
 *
 * `epic`: a compiler's issue groups, formed once per block: consecutive micro-ops up to a stop, which a dependence on a result of the
 * same group or the block's end makes; a branch may use the flags of a comparison in its own group. A group that has more micro-ops than the
 * bundles of a cycle have slots, or more of a kind than there are ports and template slots of it, is split, and issues over several
 * cycles. What issues in a cycle issues as a whole, when all its sources are ready. After Intel, "Itanium 2 Processor Reference Manual for Software
 * Development and Optimization", 251110, chapters 2 and 3.
 *
 * Logical processors of a core share issue slots and ports by cycle (fine-grained multithreading): what one leaves of a cycle another can take.
 *
 * Left out: fetch and decode limits but that a taken branch ends a cycle's issue, replays, write-back ports, register-file ports; see docs/models/inorder.md,
 * docs/models/epic.md. The code is in cpu-inorder-run.h, inlined into its users. All times are in cycles of the core since power-on. */
#pragma once

#include "cpu-uarch.h"

enum {
    CPU_INORDER_HORIZON = 512, /* cycles for which the issue slots are remembered */
    CPU_INORDER_DIVIDER = 15,  /* stands for a port: the unit that is not pipelined */
    CPU_INORDER_STORES = 64,   /* the most entries of a store buffer; a power of two */
};

/* ---- code ---------------------------------------------------------------------------------------------------------- */

typedef struct {
    uint64_t reads, writes; /* CPU_XR_* */
    uint64_t ordered;       /* of `writes`: registers whose earlier results have to come first */
    uint16_t ports;         /* `epic`: the one that its group gives it */
    uint8_t latency;        /* to the use of the result in execution ... */
    uint8_t address_latency; /* ... and in an address */
    uint8_t busy;
    uint8_t kind;           /* cpu_xuop_kind */
    uint8_t flags;          /* CPU_INORDER_* */
    uint8_t bypassed;       /* of a load that does not use L1D: cycles by which its latency exceeds L1D's */
    int16_t slot;           /* access slot, or -1; of a store's two micro-ops one has it */
} cpu_inorder_uop;
enum {
    CPU_INORDER_FREE = 1,    /* takes no issue slot */
    CPU_INORDER_ADDRESS = 2, /* its sources make an address */
    CPU_INORDER_LAST = 4,    /* of the block's last instruction, which may be a branch */
};

/* What issues in a cycle, `epic` only. */
typedef struct {
    uint64_t reads, address_reads; /* what has to be ready */
    uint16_t ports;
    uint16_t n_uops;
    uint8_t n_slots, n_stores;
    uint8_t stop;                  /* the compiler put a stop before it (else: the machine split a group) */
} cpu_inorder_issue;

/* A block as the engine reads it: made once per block and kind of core from its cpu_xblock, of which it keeps no reference. */
typedef struct {
    uint64_t addr;
    uint32_t bytes;
    uint16_t n_uops, n_issues;
    uint8_t branch, again;     /* as in cpu_xblock */
    uint8_t epic;
    uint32_t alone;            /* cycles from the first issue to the last when it begins with nothing under way and every access hits */
    cpu_inorder_uop *uops;     /* [n_uops] */
    cpu_inorder_issue *issues; /* [n_issues]; `epic` */
} cpu_inorder_code;

/* Pure function of its arguments; never NULL; one allocation. */
cpu_inorder_code *cpu_inorder_compile(const cpu_core_desc *core, const cpu_xblock *block);
void cpu_inorder_code_free(cpu_inorder_code *code);

/* ---- state --------------------------------------------------------------------------------------------------------- */

/* What issued in a cycle. */
typedef struct {
    uint64_t cycle;
    uint16_t taken;                     /* ports */
    uint8_t slots;                      /* issue slots taken */
    uint8_t n;                          /* micro-ops that may yet be moved to another port: */
    uint16_t ports[CPU_MAX_INORDER_WIDTH];  /* ... those that they can take ... */
    uint8_t at[CPU_MAX_INORDER_WIDTH];      /* ... and the one that they have */
} cpu_inorder_cycle;

/* What the logical processors of a core share. Their clocks may be up to CPU_INORDER_HORIZON / 2 cycles apart. */
typedef struct {
    cpu_inorder_cycle cycles[CPU_INORDER_HORIZON];
} cpu_inorder_shared;

/* One logical processor's. */
typedef struct {
    const cpu_core_desc *core;
    uint64_t cycle;         /* of the last issue */
    uint32_t slots;         /* issue slots that it has taken in it */
    uint32_t width;
    uint64_t not_before;    /* nothing issues before */
    uint64_t next_addr;     /* where straight code goes on */
    uint64_t done;          /* when all results so far are there */
    uint64_t n_stores, asked_at, written_at; /* stores so far; when the last of them asked for its line, left the store buffer */
    uint64_t ready[CPU_XR_COUNT];  /* when execution can use a register ... */
    uint64_t ready_address[CPU_XR_COUNT]; /* ... and an address can */
    uint64_t store_free[CPU_INORDER_STORES]; /* when a store's entry falls free again */
} cpu_inorder;

/* At cycle 0 with nothing in flight. */
cpu_inorder *cpu_inorder_new(const cpu_core_desc *core);
void cpu_inorder_free(cpu_inorder *lp);
void cpu_inorder_shared_init(cpu_inorder_shared *shared);

/* As new, at cycle `at`. */
void cpu_inorder_reset(cpu_inorder *lp, uint64_t at);
/* The next micro-op issues at `at` at the earliest (misprediction, serializing event). `at` before the present cycle: no effect. */
void cpu_inorder_restart(cpu_inorder *lp, uint64_t at);
/* When all results are there and all stores are written. */
uint64_t cpu_inorder_drained(const cpu_inorder *lp);

/* When the last micro-op of a block issued, its branch can be resolved, all its results and those before are there. */
typedef struct {
    uint64_t issued, resolved, retired;
} cpu_inorder_times;

/* Cost of `block` when it follows `pred` (NULL: nothing known), in 1/64 cycles: the steady-state time of `block` in the endless alternation pred,
 * block, pred, block, ... on an otherwise idle core in which every access hits L1 and every branch is predicted. Pure function of its arguments. */
uint32_t cpu_inorder_cost(const cpu_core_desc *core, const cpu_inorder_code *pred, const cpu_inorder_code *block);

/* Cycles by which the block's issue ends later where its loads take `extra` cycles beyond L1D hits, by access slot; slots from CPU_INORDER_SLOTS - 1 on
 * share the last. */
enum { CPU_INORDER_SLOTS = 64 };
uint64_t cpu_inorder_delay(const cpu_core_desc *core, const cpu_inorder_code *code, const uint32_t extra[CPU_INORDER_SLOTS]);
