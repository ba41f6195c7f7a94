/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sets of an outer level of up to 16 ways: see cpu-cache.h. With LRU the ages of the ways in use are a permutation of 0 to assoc - 1, and empty ones are the
 * oldest. With SRRIP the ages are re-reference predictions, 0 to 3; with the other policies they only tell which ways are empty. */
#pragma once

#include "cpu-cache.h"

#include <emmintrin.h>

enum {
    CPU_OUTER_WAYS = 16,
    CPU_OUTER_EMPTY = 64,   /* all but lru: the age of empty ways */
    CPU_OUTER_UNUSED = 127, /* ... of ways that there are not */
};

typedef struct {
    uint8_t tag[CPU_OUTER_WAYS], age[CPU_OUTER_WAYS];
} cpu_outer_set;

static inline cpu_outer_set *cpu_outer_of(const cpu_cache *c, const uint64_t *set)
{
    return (cpu_outer_set *)(void *)c->outer + ((size_t)(set - c->ways) >> c->way_shift);
}

/* A byte that tells the lines of a set apart. */
static inline uint8_t cpu_outer_tag(uint64_t line)
{
    return (uint8_t)(line * UINT64_C(0x9e3779b97f4a7c15) >> 56);
}

/* The ways whose tag byte is that of `number`, a bit each. */
static inline unsigned cpu_outer_alike(const cpu_outer_set *s, uint32_t assoc, uint64_t number)
{
    __m128i tags = _mm_loadu_si128((const __m128i *)(const void *)s->tag);
    return (unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(tags, _mm_set1_epi8((char)cpu_outer_tag(number)))) & ((1u << assoc) - 1);
}

/* The way of a line, or CPU_OUTER_WAYS. */
static inline unsigned cpu_outer_find(const cpu_cache *c, const cpu_outer_set *s, const uint64_t *set, uint64_t line)
{
    unsigned alike = cpu_outer_alike(s, c->assoc, line);
    for (; alike; alike &= alike - 1)
        if (cpu_line_is(set[__builtin_ctz(alike)], line))
            return (unsigned)__builtin_ctz(alike);
    return CPU_OUTER_WAYS;
}

/* Makes a way the youngest. */
static inline void cpu_outer_young(cpu_outer_set *s, unsigned way)
{
    __m128i ages = _mm_loadu_si128((const __m128i *)(const void *)s->age);
    __m128i younger = _mm_cmplt_epi8(ages, _mm_set1_epi8((char)s->age[way]));
    _mm_storeu_si128((__m128i *)(void *)s->age, _mm_sub_epi8(ages, younger));
    s->age[way] = 0;
}

/* ... the oldest: it is empty. */
static inline void cpu_outer_old(cpu_outer_set *s, unsigned way, unsigned assoc)
{
    __m128i ages = _mm_loadu_si128((const __m128i *)(const void *)s->age);
    __m128i older = _mm_cmpgt_epi8(ages, _mm_set1_epi8((char)s->age[way]));
    __m128i used = _mm_cmplt_epi8(ages, _mm_set1_epi8((char)assoc));
    _mm_storeu_si128((__m128i *)(void *)s->age, _mm_add_epi8(ages, _mm_and_si128(older, used)));
    s->age[way] = (uint8_t)(assoc - 1);
}

/* The ways of an age, a bit each. */
static inline unsigned cpu_outer_aged(const cpu_outer_set *s, unsigned age)
{
    __m128i ages = _mm_loadu_si128((const __m128i *)(const void *)s->age);
    return (unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(ages, _mm_set1_epi8((char)age)));
}

/* Counts up the predictions of the ways that `mask` allows. */
static inline void cpu_outer_count_up(cpu_outer_set *s, unsigned assoc, unsigned mask)
{
    if (G_LIKELY(mask == UINT32_MAX)) {
        __m128i ages = _mm_loadu_si128((const __m128i *)(const void *)s->age);
        __m128i used = _mm_cmplt_epi8(ages, _mm_set1_epi8(CPU_RRPV_DISTANT));
        _mm_storeu_si128((__m128i *)(void *)s->age, _mm_sub_epi8(ages, used));
        return;
    }
    for (unsigned w = 0; w < assoc; w++)
        s->age[w] = (uint8_t)(s->age[w] + (mask >> w & 1));
}

/* srrip: all that `mask` allows are counted up until one has 3. */
static inline unsigned cpu_outer_distant(cpu_outer_set *s, unsigned assoc, unsigned mask)
{
    unsigned found = cpu_outer_aged(s, CPU_OUTER_EMPTY) & mask;
    if (!found)
        found = cpu_outer_aged(s, CPU_RRPV_DISTANT) & mask;
    for (; !found; found = cpu_outer_aged(s, CPU_RRPV_DISTANT) & mask)
        cpu_outer_count_up(s, assoc, mask);
    return (unsigned)__builtin_ctz(found);
}

/* lru: the oldest of those that `mask` allows. */
static inline unsigned cpu_outer_oldest(const cpu_outer_set *s, unsigned assoc, uint64_t mask)
{
    unsigned oldest = (unsigned)__builtin_ctz(cpu_outer_aged(s, assoc - 1));
    if (G_LIKELY(mask >> oldest & 1))
        return oldest;
    unsigned found = (unsigned)__builtin_ctzll(mask);
    for (mask &= mask - 1; mask; mask &= mask - 1)
        if (s->age[__builtin_ctzll(mask)] > s->age[found])
            found = (unsigned)__builtin_ctzll(mask);
    return found;
}

/* cpu-replace.c: the same for the other policies. */
void cpu_outer_touched(cpu_cache *cache, size_t set, unsigned way);
unsigned cpu_outer_victim(cpu_cache *cache, const cpu_outer_set *s, size_t set, uint64_t mask);

static inline size_t cpu_outer_number(const cpu_cache *c, const uint64_t *set)
{
    return (size_t)(set - c->ways) >> c->way_shift;
}

static inline uint64_t *cpu_outer_touch(cpu_cache *c, uint64_t line)
{
    uint64_t *set = cpu_cache_set(c, line);
    cpu_outer_set *s = cpu_outer_of(c, set);
    unsigned way = cpu_outer_find(c, s, set, line);
    if (way == CPU_OUTER_WAYS)
        return NULL;
    if (c->policy == CPU_REPLACE_LRU)
        cpu_outer_young(s, way);
    else if (c->policy == CPU_REPLACE_SRRIP)
        s->age[way] = 0;
    else
        cpu_outer_touched(c, cpu_outer_number(c, set), way);
    return set + way;
}

static inline uint64_t cpu_outer_fill(cpu_cache *c, uint64_t line, uint64_t flags)
{
    uint64_t *set = cpu_cache_set(c, line), word = line << 8 | flags;
    cpu_outer_set *s = cpu_outer_of(c, set);
    uint64_t mask = G_UNLIKELY(c->masks) ? c->masks[cpu_line_owner(c, word)] : UINT64_MAX;
    unsigned way;
    if (c->policy == CPU_REPLACE_LRU)
        way = cpu_outer_oldest(s, c->assoc, mask);
    else if (c->policy == CPU_REPLACE_SRRIP)
        way = cpu_outer_distant(s, c->assoc, (unsigned)mask);
    else
        way = cpu_outer_victim(c, s, cpu_outer_number(c, set), mask);
    uint64_t victim = set[way];
    set[way] = word;
    s->tag[way] = cpu_outer_tag(line);
    if (c->policy == CPU_REPLACE_LRU)
        cpu_outer_young(s, way);
    else
        s->age[way] = CPU_RRPV_LONG;
    c->fills++;
    cpu_cache_account_in(c, word);
    if (G_LIKELY(victim != CPU_LINE_NONE))
        cpu_cache_account_out(c, victim);
    return victim;
}
