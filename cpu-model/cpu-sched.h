/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A block as the pipeline of a kind of core reads it, and what it costs when nothing misses, whatever the pipeline: out of order (cpu-pipe.h), in
 * order or EPIC (cpu-inorder.h). */
#pragma once

#include "cpu-inorder.h"
#include "cpu-ooo.h"
#include "cpu-pipe.h"

#include <emmintrin.h>

/* Fractions of a cycle that clocks and costs are counted in. */
enum { CPU_SUB_BITS = 6, CPU_SUB = 1 << CPU_SUB_BITS };

/* What SMT siblings compete for: slots of dispatch, and issue ports. Sixteen 16-bit numbers, two of the host's vector registers. */
enum { CPU_SHARE_DISPATCH = 15, CPU_N_SHARES = 16 };
typedef union {
    uint16_t share[CPU_N_SHARES]; /* 1/64 cycles, saturating; ports by their number */
    __m128i half[CPU_N_SHARES / 8];
} cpu_shares;

enum { CPU_INVERSE_BITS = 12 };

/* The most that a demand takes of any share, of which `inverse` tells one over the free part (cpu_lp_settle): 1/64 cycles, in steps of 1/16 cycle. */
static inline uint32_t cpu_shares_need(const cpu_shares *demand, const cpu_shares *inverse)
{
    __m128i need[2];
    for (unsigned i = 0; i < 2; i++) { /* (demand << 2) * (inverse << 12) >> 16 is the need in 1/16 cycles */
        __m128i twice = _mm_adds_epu16(demand->half[i], demand->half[i]);
        need[i] = _mm_mulhi_epu16(_mm_adds_epu16(twice, twice), inverse->half[i]);
    }
    __m128i most = _mm_subs_epu16(need[0], need[1]); /* the greater of each: what one has more, and the other */
    most = _mm_add_epi16(most, need[1]);
    most = _mm_add_epi16(_mm_subs_epu16(most, _mm_srli_si128(most, 8)), _mm_srli_si128(most, 8));
    most = _mm_add_epi16(_mm_subs_epu16(most, _mm_srli_si128(most, 4)), _mm_srli_si128(most, 4));
    most = _mm_add_epi16(_mm_subs_epu16(most, _mm_srli_si128(most, 2)), _mm_srli_si128(most, 2));
    return (uint32_t)_mm_extract_epi16(most, 0) * (CPU_SUB / 16);
}

static inline void cpu_shares_add(cpu_shares *to, const cpu_shares *from)
{
    to->half[0] = _mm_adds_epu16(to->half[0], from->half[0]);
    to->half[1] = _mm_adds_epu16(to->half[1], from->half[1]);
}

/* Made once per block and kind of core. */
typedef struct {
    const cpu_core_desc *core;
    cpu_pipe_code *pipe;       /* out of order ... */
    cpu_inorder_code *inorder; /* ... or in order: one of them */
    cpu_ooo_code *ooo;         /* out of order, too: for whole guests; without accesses at interval level */
    uint32_t n_slots;          /* of dispatch: micro-ops as they retire */
    cpu_shares demand;         /* the time that its micro-ops take of each share, flexible ones spread over their ports as evenly as may be */
} cpu_sched_code;

/* Never NULL; free with cpu_sched_free. */
cpu_sched_code *cpu_sched_compile(const cpu_core_desc *core, const cpu_block *block);
void cpu_sched_free(cpu_sched_code *code);

/* Cost of `block` when it follows `pred` (NULL: nothing known), in 1/64 cycles: the steady-state time of `block` in
 * the endless alternation pred, block, pred, block, ... on an otherwise idle core in which every access hits L1
 * and every branch is predicted. Pure function of its arguments. */
uint32_t cpu_sched_cost(const cpu_sched_code *pred, const cpu_sched_code *block);
