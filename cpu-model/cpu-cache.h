/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A set-associative cache's tag store. Each set is kept in the order of recency, word 0 the line touched last, so that touching it
 * again changes nothing. One 64-bit word per line: line address << 8 | flags; eight ways are one host cache line. The owner of a
 * line is the top 12 bits of its physical address.
 *
 * True LRU needs no more than that order. The other policies, and LRU where owners are confined to ways, keep beside each word
 * the physical way that the line is in (`place`), and the policy's own state by physical way (cpu-replace.c):
 * - plru: a binary tree of bits over the ways, each pointing away from the half touched last (Intel's L1s and L2s since the 486).
 * - srrip: two-bit re-reference predictions, SRRIP-HP of Jaleel et al., "High Performance Cache Replacement Using Re-Reference
 *   Interval Prediction", ISCA 2010: filled with 2, 0 on a hit, the lowest way with 3 goes, all are counted up while there is none.
 * - random: draws one number of the cache's own stream (cpu_replace_draw) for each line that has to go.
 * - fifo: a counter per set, as hardware has it: the way after the one filled last into a full set goes.
 * All fill the lowest empty way that the owner may use before any line has to go.
 *
 * Outer levels (cpu_cache_init_outer) are looked up on a miss only, where host cache misses and mispredicted branches are what costs. Up to 16 ways are
 * therefore kept another way (cpu-outer.h): lines stay in their physical ways; a byte of each one's tag and its age make 32 bytes per
 * set that SSE2 looks through. */
#pragma once

#include "cpu-machine.h"

#include <string.h>

/* Physical addresses: 12 bits of owner, 36 of page number, 12 of offset. */
enum { CPU_PAGE_SHIFT = 12, CPU_VPN_BITS = 36, CPU_OWNER_BITS = 12, CPU_PA_BITS = 60 };
enum { CPU_LARGE_SHIFT = 9 }; /* pages of 4 KiB in one of 2 MiB, as a binary logarithm */
#define CPU_VPN_MASK ((UINT64_C(1) << CPU_VPN_BITS) - 1)

enum {
    CPU_LINE_DIRTY = 1,      /* in a write-through L1D: L2 has been told, and holds the line dirty */
    CPU_LINE_SHARED = 2,     /* another core may hold it: a store has to invalidate there first. Without: exclusive or modified */
    CPU_LINE_PENDING = 4,    /* in L1: the next touch must not be quiet, the line may still be on its way (cpu_pending) */
    CPU_LINE_PREFETCHED = 8, /* in L1 and L2: a prefetcher brought it, and nothing has used it yet */
    CPU_LINE_HOLDER = 16,    /* in L2: the first of four bits, one per core of the L2 modulo four that may hold it in L1 */
    CPU_LINE_HOLDERS = 0xf0,
    CPU_LINE_SHARER = 4,     /* in L3: the first of six bits, one per L2 of the package modulo six that may hold it */
    CPU_LINE_SHARERS = 0xfc,
    CPU_LINE_FLAGS = 0xff,
};
#define CPU_LINE_NONE UINT64_MAX

typedef struct {
    uint64_t *ways;     /* [sets][1 << way_shift], the first `assoc` of each in use; CPU_LINE_NONE where empty, all of these last */
    uint32_t sets, assoc;
    uint32_t way_shift; /* assoc, rounded up to a power of two */
    uint64_t set_mask;  /* sets - 1 where that is a mask, else 0 and sets > 1: modulo */
    uint32_t latency;   /* cycles */
    uint32_t owner_shift;
    uint32_t *owned, *owned_dirty; /* [1 << CPU_OWNER_BITS] lines per owner */
    uint64_t *owned_writebacks;    /* ... dirty lines of each owner that left, to make room or by a flush */
    uint32_t valid;
    uint64_t fills, writebacks;
    uint64_t flushes, flushed;     /* how often all of it was written back and invalidated, and the valid lines that it held then */
    bool through;                  /* write-through: never holds a line that the level below has not got */
    uint8_t *outer;     /* [sets][32] tag bytes and ages: an outer level's; else NULL */
    bool ordered;       /* plain LRU in the order of recency: neither `outer` nor `place` */
    /* All but plain LRU: */
    uint8_t *place;     /* as `ways`: the physical way of each word; NULL: plain LRU */
    uint8_t *rrpv;      /* [sets][1 << way_shift] by physical way: srrip */
    uint64_t *state;    /* per set: plru the tree, node i's children 2i and 2i + 1, bit i set: the upper half is next; fifo the next way */
    uint64_t *masks;    /* [1 << CPU_OWNER_BITS] the ways that an owner's fills may take; NULL: all */
    uint64_t stream;    /* random: the last number drawn */
    cpu_replacement policy;
} cpu_cache;

void cpu_cache_init(cpu_cache *cache, const cpu_cache_desc *desc);
/* The same for a level that no run loop looks into: the words of a set are in no order. */
void cpu_cache_init_outer(cpu_cache *cache, const cpu_cache_desc *desc);
void cpu_cache_clear(cpu_cache *cache);
/* Looks a line up and makes it the most recent; the set's word of it, or NULL on a miss. For any cache; cpu_cache_touch is for those of the first level. */
uint64_t *cpu_cache_touch_any(cpu_cache *cache, uint64_t line);
/* Puts a line in as the most recent of its set and returns the word of the line that had to go (CPU_LINE_NONE: none). The line
 * must not be present. */
uint64_t cpu_cache_fill(cpu_cache *cache, uint64_t line, uint64_t flags);
/* Takes a line out; its word, or CPU_LINE_NONE. */
uint64_t cpu_cache_remove(cpu_cache *cache, uint64_t line);
/* Notes that a dirty line left downwards. */
void cpu_cache_count_writeback(cpu_cache *cache, uint64_t word);
/* Invalidates everything; appends the lines that were dirty to `dirty` (uint64_t). Returns how many these were. */
uint64_t cpu_cache_flush(cpu_cache *cache, GArray *dirty);
/* Confines the fills of an owner to the ways of `mask` (bit = physical way), as Intel's Cache Allocation Technology does (SDM vol. 3B,
 * section 17.19): hits and invalidations go everywhere. False, with nothing changed: the mask has no way of the cache, or the cache has more than 64 ways. */
bool cpu_cache_way_mask(cpu_cache *cache, uint32_t owner, uint64_t mask);

enum { CPU_RRPV_DISTANT = 3, CPU_RRPV_LONG = 2 };
/* cpu-replace.c: the same for caches that have `place`. */
void cpu_replace_init(cpu_cache *cache);
void cpu_replace_init_state(cpu_cache *cache);
uint64_t *cpu_replace_touch(cpu_cache *cache, uint64_t line);
uint64_t cpu_replace_fill(cpu_cache *cache, uint64_t line, uint64_t flags);
void cpu_replace_remove(cpu_cache *cache, uint64_t *set, uint32_t index);
/* The next of a stream of numbers below `n`: xorshift64 (Marsaglia 2003, shifts 13, 7, 17) from CPU_RANDOM_SEED on, its upper half scaled. */
#define CPU_RANDOM_SEED UINT64_C(88172645463325252)
static inline uint32_t cpu_replace_draw(uint64_t *stream, uint32_t n)
{
    uint64_t x = *stream;
    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
    *stream = x;
    return (uint32_t)((x >> 32) * n >> 32);
}

static inline uint64_t *cpu_cache_set(const cpu_cache *c, uint64_t line)
{
    uint64_t set = G_LIKELY(c->set_mask || c->sets == 1) ? line & c->set_mask : line % c->sets;
    return c->ways + (set << c->way_shift);
}

/* Moves the first `n` words of a set up by one. Sets are small: a call of memmove costs more than this. */
static inline void cpu_cache_shift(uint64_t *set, uint32_t n)
{
    typedef uint64_t pair __attribute__((vector_size(16), aligned(8), may_alias));
    for (; n >= 2; n -= 2)
        *(pair *)(set + n - 1) = *(const pair *)(set + n - 2);
    if (n)
        set[1] = set[0];
}

static inline bool cpu_line_is(uint64_t word, uint64_t line)
{
    return (word ^ (line << 8)) <= CPU_LINE_FLAGS;
}

static inline uint32_t cpu_line_owner(const cpu_cache *c, uint64_t word)
{
    return (uint32_t)(word >> c->owner_shift);
}

/* As cpu_cache_touch_any: inline where that is plain. */
static inline uint64_t *cpu_cache_touch(cpu_cache *c, uint64_t line)
{
    if (G_UNLIKELY(!c->ordered))
        return cpu_cache_touch_any(c, line);
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
        c->owned_dirty[cpu_line_owner(c, *word)] += !c->through;
    }
}

static inline void cpu_cache_mark_clean(cpu_cache *c, uint64_t *word)
{
    if (*word & CPU_LINE_DIRTY) {
        *word &= ~(uint64_t)CPU_LINE_DIRTY;
        c->owned_dirty[cpu_line_owner(c, *word)] -= !c->through;
    }
}

/* Whether a word stands for data that the level below has not got. */
static inline bool cpu_cache_is_dirty(const cpu_cache *c, uint64_t word)
{
    return word != CPU_LINE_NONE && word & CPU_LINE_DIRTY && !c->through;
}

/* Accounts of lines that come and go. */
static inline void cpu_cache_account_in(cpu_cache *c, uint64_t word)
{
    uint32_t owner = cpu_line_owner(c, word);
    c->valid++;
    c->owned[owner]++;
    c->owned_dirty[owner] += word & CPU_LINE_DIRTY && !c->through;
}

static inline void cpu_cache_account_out(cpu_cache *c, uint64_t word)
{
    uint32_t owner = cpu_line_owner(c, word);
    c->valid--;
    c->owned[owner]--;
    c->owned_dirty[owner] -= word & CPU_LINE_DIRTY && !c->through;
}
