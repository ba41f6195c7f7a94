/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a block costs when nothing misses: a micro-op scheduler that runs once per pair of consecutive blocks. */
#pragma once

#include "cpu-code.h"

/* Fractions of a cycle that clocks and costs are counted in. */
enum { CPU_SUB_BITS = 6, CPU_SUB = 1 << CPU_SUB_BITS };

/* Cost of `block` when it follows `pred` (NULL: nothing known), in 1/64 cycles: the steady-state time of `block` in
 * the endless alternation pred, block, pred, block, ... on an otherwise idle core in which every access hits L1
 * and every branch is predicted. Pure function of its arguments. */
uint32_t cpu_sched_cost(const cpu_core_desc *core, const cpu_block *pred, const cpu_block *block);

/* What SMT siblings compete for, in groups so that a block's demand is two vector registers: dispatch slots, ALUs,
 * branch units, shifters and LEA, integer multiplier and divider, load and store ports, floating point and vectors. */
enum { CPU_SHARE_DISPATCH, CPU_SHARE_ALU, CPU_SHARE_BRANCH, CPU_SHARE_SHIFT, CPU_SHARE_MUL, CPU_SHARE_LOAD, CPU_SHARE_STORE, CPU_SHARE_FP, CPU_N_SHARES };
typedef uint32_t cpu_share_half __attribute__((vector_size(16)));
typedef union {
    uint32_t share[CPU_N_SHARES]; /* 1/64 cycles */
    cpu_share_half half[CPU_N_SHARES / 4];
} cpu_shares;

/* The time that a block's micro-ops take of each; a group of several classes takes its most wanted one's. */
void cpu_sched_demand(const cpu_core_desc *core, const cpu_block *block, cpu_shares *demand);
