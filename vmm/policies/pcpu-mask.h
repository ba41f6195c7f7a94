/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sets of pCPUs: VMM_MASK_WORDS words, a bit for each. */
#pragma once

#include "vmm-policy.h"

#include <string.h>

typedef struct {
    uint64_t w[VMM_MASK_WORDS];
} pcpu_mask;

static inline pcpu_mask pcpu_mask_of(const uint64_t words[VMM_MASK_WORDS])
{
    pcpu_mask m;
    memcpy(m.w, words, sizeof m.w);
    return m;
}

static inline bool pcpu_mask_has(const pcpu_mask *m, uint32_t pcpu)
{
    return vmm_mask_has(m->w, pcpu);
}

static inline void pcpu_mask_add(pcpu_mask *m, uint32_t pcpu)
{
    m->w[pcpu / 64] |= UINT64_C(1) << pcpu % 64;
}

static inline void pcpu_mask_drop(pcpu_mask *m, uint32_t pcpu)
{
    m->w[pcpu / 64] &= ~(UINT64_C(1) << pcpu % 64);
}

static inline pcpu_mask pcpu_mask_and(const pcpu_mask *a, const uint64_t b[VMM_MASK_WORDS])
{
    pcpu_mask m;
    for (unsigned i = 0; i < VMM_MASK_WORDS; i++)
        m.w[i] = a->w[i] & b[i];
    return m;
}

static inline pcpu_mask pcpu_mask_without(const pcpu_mask *a, const pcpu_mask *b)
{
    pcpu_mask m;
    for (unsigned i = 0; i < VMM_MASK_WORDS; i++)
        m.w[i] = a->w[i] & ~b->w[i];
    return m;
}

static inline unsigned pcpu_mask_count(const pcpu_mask *m)
{
    unsigned n = 0;
    for (unsigned i = 0; i < VMM_MASK_WORDS; i++)
        n += (unsigned)__builtin_popcountll(m->w[i]);
    return n;
}

static inline bool pcpu_mask_empty(const pcpu_mask *m)
{
    return pcpu_mask_count(m) == 0;
}

/* The first pCPU from `from` on, or VMM_PCPU_NONE. */
static inline uint32_t pcpu_mask_from(const pcpu_mask *m, uint32_t from)
{
    for (uint32_t i = from / 64; i < VMM_MASK_WORDS; i++) {
        uint64_t w = i == from / 64 ? m->w[i] & ~UINT64_C(0) << from % 64 : m->w[i];
        if (w)
            return i * 64 + (uint32_t)__builtin_ctzll(w);
    }
    return VMM_PCPU_NONE;
}

/* The next pCPU after `after`, round and round: `after` itself is the last one. VMM_PCPU_NONE: the set is empty. */
static inline uint32_t pcpu_mask_cycle(const pcpu_mask *m, uint32_t after)
{
    uint32_t next = pcpu_mask_from(m, after + 1);
    return next != VMM_PCPU_NONE ? next : pcpu_mask_from(m, 0);
}

/* `wanted` if it is in the set, else the next one. */
static inline uint32_t pcpu_mask_test_or_cycle(const pcpu_mask *m, uint32_t wanted)
{
    return pcpu_mask_has(m, wanted) ? wanted : pcpu_mask_cycle(m, wanted);
}
