/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A set-associative cache's tag store with true LRU replacement: each set is kept in the order of recency, way 0 the
 * most recent, so that a hit on it changes nothing. One 64-bit word per line: line address << 8 | flags; eight
 * ways are one host cache line. The owner of a line is the top 12 bits of its physical address. */
#pragma once

#include "cpu-machine.h"

#include <string.h>

/* Physical addresses: 12 bits of owner, 36 of page number, 12 of offset. */
enum { CPU_PAGE_SHIFT = 12, CPU_VPN_BITS = 36, CPU_OWNER_BITS = 12, CPU_PA_BITS = 60 };
#define CPU_VPN_MASK ((UINT64_C(1) << CPU_VPN_BITS) - 1)

enum {
    CPU_LINE_DIRTY = 1,
    CPU_LINE_SHARED = 2, /* another core may hold it: a store has to invalidate there first */
    CPU_LINE_PENDING = 4, /* in L1D: it may still be on its way, see cpu_pending */
    CPU_LINE_SHARER = 4, /* in a directory: the first of six bits, one per core modulo six that may hold it */
    CPU_LINE_SHARERS = 0xfc,
    CPU_LINE_FLAGS = 0xff,
};
#define CPU_LINE_NONE UINT64_MAX

typedef struct {
    uint64_t *ways;     /* [sets][1 << way_shift], the first `assoc` of each in use; CPU_LINE_NONE where empty */
    uint32_t sets, assoc;
    uint32_t way_shift; /* assoc, rounded up to a power of two */
    uint64_t set_mask;  /* sets - 1 where that is a mask, else 0 and sets > 1: modulo */
    uint32_t latency;   /* cycles */
    uint32_t owner_shift;
    uint32_t *owned, *owned_dirty; /* [1 << CPU_OWNER_BITS] lines per owner */
    uint32_t valid;
    uint64_t fills, writebacks, flushes;
} cpu_cache;

void cpu_cache_init(cpu_cache *cache, const cpu_cache_desc *desc);
void cpu_cache_clear(cpu_cache *cache);
/* Puts a line in as the most recent of its set and returns the word of the line that had to go (CPU_LINE_NONE: none). The line
 * must not be present. */
uint64_t cpu_cache_fill(cpu_cache *cache, uint64_t line, uint64_t flags);
/* Takes a line out; its word, or CPU_LINE_NONE. */
uint64_t cpu_cache_remove(cpu_cache *cache, uint64_t line);

static inline uint64_t *cpu_cache_set(const cpu_cache *c, uint64_t line)
{
    uint64_t set = G_LIKELY(c->set_mask || c->sets == 1) ? line & c->set_mask : line % c->sets;
    return c->ways + (set << c->way_shift);
}

/* Moves the first `n` words of a set up by one. Sets are small: a call of memmove costs more than this. */
static inline void cpu_cache_shift(uint64_t *set, uint32_t n)
{
    for (; n; n--)
        set[n] = set[n - 1];
}

static inline bool cpu_line_is(uint64_t word, uint64_t line)
{
    return (word ^ (line << 8)) <= CPU_LINE_FLAGS;
}

static inline uint32_t cpu_line_owner(const cpu_cache *c, uint64_t word)
{
    return (uint32_t)(word >> c->owner_shift);
}

/* Looks a line up and makes it the most recent; the set's word of it, or NULL on a miss. */
static inline uint64_t *cpu_cache_touch(cpu_cache *c, uint64_t line)
{
    uint64_t *set = cpu_cache_set(c, line);
    if (G_LIKELY(cpu_line_is(set[0], line)))
        return set;
    for (uint32_t w = 1; w < c->assoc; w++) {
        if (!cpu_line_is(set[w], line))
            continue;
        uint64_t word = set[w];
        cpu_cache_shift(set, w);
        set[0] = word;
        return set;
    }
    return NULL;
}

/* Looks a line up and changes nothing. */
static inline uint64_t *cpu_cache_peek(const cpu_cache *c, uint64_t line)
{
    uint64_t *set = cpu_cache_set(c, line);
    for (uint32_t w = 0; w < c->assoc; w++)
        if (cpu_line_is(set[w], line))
            return set + w;
    return NULL;
}

static inline void cpu_cache_mark_dirty(cpu_cache *c, uint64_t *word)
{
    if (!(*word & CPU_LINE_DIRTY)) {
        *word |= CPU_LINE_DIRTY;
        c->owned_dirty[cpu_line_owner(c, *word)]++;
    }
}

static inline void cpu_cache_mark_clean(cpu_cache *c, uint64_t *word)
{
    if (*word & CPU_LINE_DIRTY) {
        *word &= ~(uint64_t)CPU_LINE_DIRTY;
        c->owned_dirty[cpu_line_owner(c, *word)]--;
    }
}
