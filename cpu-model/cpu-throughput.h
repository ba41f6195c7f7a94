/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The core model seen alone: how fast a basic block runs that is repeated for ever, on an otherwise idle core in which every access hits L1 and every
 * branch is predicted. What llvm-mca and uiCA tell of a block. */
#pragma once

#include "cpu-uarch.h"

typedef enum {
    CPU_REPEAT_AUTO,   /* LOOP when the block ends in a branch, else UNROLL */
    CPU_REPEAT_UNROLL, /* copies one behind the other in memory, decoded anew each time: as BHive and uops.info measure */
    CPU_REPEAT_LOOP,   /* a branch leads back to the block's begin */
} cpu_repeat;

typedef enum {
    CPU_BOUND_PREDECODE, CPU_BOUND_DECODE, CPU_BOUND_UOP_CACHE, CPU_BOUND_WIDTH, CPU_BOUND_PORT, CPU_BOUND_DIVIDER, CPU_BOUND_BUFFERS, CPU_BOUND_LATENCY
} cpu_bound;

/* Per iteration. */
typedef struct {
    double cycles;
    double uops, slots;                /* micro-ops, and of the fused domain */
    double ports[CPU_MAX_PORTS];       /* micro-ops that each took */
    double divider;                    /* cycles that it was taken */
    cpu_bound bound;
    unsigned bound_port;               /* of CPU_BOUND_PORT */
    unsigned unknown;                  /* instructions that the tables lack */
    bool looped;
} cpu_throughput;

/* What became of one micro-op of the block. */
typedef struct {
    float ports[CPU_MAX_PORTS]; /* share of the iterations in which each took it */
    bool eliminated;            /* a move, in most iterations */
} cpu_throughput_uop;

/* Pure function of its arguments. `uops`: an array of block->n_uops, or NULL (ooo only; left alone for other pipelines). */
void cpu_throughput_measure(const cpu_core_desc *core, const cpu_xblock *block, cpu_repeat repeat, cpu_throughput *out, cpu_throughput_uop *uops);

/* "port 5", "dependence chain", ... */
char *cpu_throughput_bound_text(const cpu_throughput *t);
/* The core's ports, a bit each. */
uint16_t cpu_throughput_ports(const cpu_core_desc *core, const cpu_xblock *block);
