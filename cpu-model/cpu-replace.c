/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Replacement policies that need to know a line's physical way: see cpu-cache.h for what each does. */
#include "cpu-outer.h"

static size_t set_start(const cpu_cache *c, const uint64_t *set)
{
    return (size_t)(set - c->ways);
}

void cpu_replace_init(cpu_cache *c)
{
    size_t words = (size_t)c->sets << c->way_shift;
    c->place = g_malloc(words);
    for (size_t i = 0; i < words; i++)
        c->place[i] = (uint8_t)(i & ((1u << c->way_shift) - 1));
    if (c->policy == CPU_REPLACE_SRRIP)
        c->rrpv = g_malloc0(words);
    cpu_replace_init_state(c);
}

void cpu_replace_init_state(cpu_cache *c)
{
    if (c->policy == CPU_REPLACE_PLRU || c->policy == CPU_REPLACE_FIFO)
        c->state = g_new0(uint64_t, c->sets);
    c->stream = CPU_RANDOM_SEED;
}

bool cpu_cache_way_mask(cpu_cache *c, uint32_t owner, uint64_t mask)
{
    uint64_t all = c->assoc < 64 ? (UINT64_C(1) << c->assoc) - 1 : UINT64_MAX;
    if (c->assoc > 64 || !(mask & all))
        return false;
    if (c->ordered) {
        cpu_replace_init(c);
        c->ordered = false;
    }
    if (!c->masks) {
        c->masks = g_new(uint64_t, 1u << CPU_OWNER_BITS);
        for (unsigned i = 0; i < 1u << CPU_OWNER_BITS; i++)
            c->masks[i] = all;
    }
    c->masks[owner] = mask & all;
    return true;
}

static bool may_take(uint64_t mask, uint32_t place)
{
    return place >= 64 || mask >> place & 1;
}

/* The tree's bits on the way to `place` point away from it. */
static void plru_touch(cpu_cache *c, uint64_t *tree, uint32_t place)
{
    uint32_t node = 1;
    for (unsigned level = c->way_shift; level--;) {
        uint32_t upper = place >> level & 1;
        *tree = upper ? *tree & ~(UINT64_C(1) << node) : *tree | UINT64_C(1) << node;
        node = node * 2 + upper;
    }
}

static uint32_t plru_victim(const cpu_cache *c, uint64_t tree, uint64_t mask)
{
    uint32_t node = 1, place = 0;
    for (unsigned level = c->way_shift; level--;) {
        uint32_t upper = tree >> node & 1;
        uint64_t half = (UINT64_C(1) << (1u << level)) - 1; /* as many ways as a half has */
        uint32_t first = place | upper << level;
        if (!(mask >> first & half)) /* the owner may use none of them */
            upper ^= 1;
        place |= upper << level;
        node = node * 2 + upper;
    }
    return place;
}

static uint32_t srrip_victim(cpu_cache *c, uint8_t *rrpv, uint64_t mask)
{
    for (;;) {
        for (uint32_t p = 0; p < c->assoc; p++)
            if (may_take(mask, p) && rrpv[p] >= CPU_RRPV_DISTANT)
                return p;
        for (uint32_t p = 0; p < c->assoc; p++)
            rrpv[p] = (uint8_t)(rrpv[p] + may_take(mask, p));
    }
}

static uint32_t random_victim(cpu_cache *c, uint64_t mask)
{
    if (!c->masks)
        return cpu_replace_draw(&c->stream, c->assoc);
    uint32_t n = cpu_replace_draw(&c->stream, (uint32_t)__builtin_popcountll(mask));
    while (n--)
        mask &= mask - 1;
    return (uint32_t)__builtin_ctzll(mask);
}

static uint32_t fifo_victim(cpu_cache *c, uint64_t *next, uint64_t mask)
{
    uint32_t p = (uint32_t)*next;
    while (!may_take(mask, p))
        p = (p + 1) % c->assoc;
    *next = (p + 1) % c->assoc;
    return p;
}

static uint32_t lru_victim(const cpu_cache *c, const uint8_t *place, uint64_t mask)
{
    uint32_t w = c->assoc - 1;
    while (!may_take(mask, place[w]))
        w--;
    return place[w];
}

/* The lowest empty way that the mask allows; `assoc` without. */
static uint32_t empty_place(const cpu_cache *c, const uint64_t *set, const uint8_t *place, uint64_t mask)
{
    uint32_t lowest = c->assoc;
    for (uint32_t w = c->assoc; w-- && set[w] == CPU_LINE_NONE;)
        if (place[w] < lowest && may_take(mask, place[w]))
            lowest = place[w];
    return lowest;
}

static uint32_t victim(cpu_cache *c, size_t start, uint64_t mask)
{
    size_t set = start >> c->way_shift;
    switch (c->policy) {
    case CPU_REPLACE_PLRU:
        return plru_victim(c, c->state[set], mask);
    case CPU_REPLACE_SRRIP:
        return srrip_victim(c, c->rrpv + start, mask);
    case CPU_REPLACE_RANDOM:
        return random_victim(c, mask);
    case CPU_REPLACE_FIFO:
        return fifo_victim(c, &c->state[set], mask);
    default:
        return lru_victim(c, c->place + start, mask);
    }
}

void cpu_outer_touched(cpu_cache *c, size_t set, unsigned way)
{
    if (c->policy == CPU_REPLACE_PLRU)
        plru_touch(c, &c->state[set], way);
}

unsigned cpu_outer_victim(cpu_cache *c, const cpu_outer_set *s, size_t set, uint64_t mask)
{
    unsigned empty = cpu_outer_aged(s, CPU_OUTER_EMPTY) & (unsigned)mask;
    unsigned way = empty ? (unsigned)__builtin_ctz(empty) : victim(c, set << c->way_shift, mask);
    cpu_outer_touched(c, set, way);
    return way;
}

/* Makes the line at `index` the most recent; what was there comes down by one. */
static void to_front(uint64_t *set, uint8_t *place, uint32_t index, uint64_t word)
{
    uint8_t p = place[index];
    cpu_cache_shift(set, index);
    memmove(place + 1, place, index);
    set[0] = word;
    place[0] = p;
}

uint64_t *cpu_replace_touch(cpu_cache *c, uint64_t line)
{
    uint64_t *word = cpu_cache_peek(c, line);
    if (!word)
        return NULL;
    uint64_t *set = cpu_cache_set(c, line);
    size_t start = set_start(c, set);
    uint8_t *place = c->place + start;
    to_front(set, place, (uint32_t)(word - set), *word);
    if (c->policy == CPU_REPLACE_PLRU)
        plru_touch(c, &c->state[start >> c->way_shift], place[0]);
    else if (c->policy == CPU_REPLACE_SRRIP)
        c->rrpv[start + place[0]] = 0;
    return set;
}

uint64_t cpu_replace_fill(cpu_cache *c, uint64_t line, uint64_t flags)
{
    uint64_t *set = cpu_cache_set(c, line);
    size_t start = set_start(c, set);
    uint8_t *place = c->place + start;
    uint64_t word = line << 8 | flags;
    uint64_t mask = c->masks ? c->masks[cpu_line_owner(c, word)] : UINT64_MAX;
    uint32_t p = empty_place(c, set, place, mask);
    if (p == c->assoc)
        p = victim(c, start, mask);
    uint32_t index = 0;
    while (place[index] != p)
        index++;
    uint64_t gone = set[index];
    to_front(set, place, index, word);
    if (c->policy == CPU_REPLACE_PLRU)
        plru_touch(c, &c->state[start >> c->way_shift], p);
    else if (c->policy == CPU_REPLACE_SRRIP)
        c->rrpv[start + p] = CPU_RRPV_LONG;
    c->fills++;
    cpu_cache_account_in(c, word);
    if (gone != CPU_LINE_NONE)
        cpu_cache_account_out(c, gone);
    return gone;
}

void cpu_replace_remove(cpu_cache *c, uint64_t *set, uint32_t index)
{
    uint8_t *place = c->place + set_start(c, set);
    uint8_t p = place[index];
    memmove(place + index, place + index + 1, c->assoc - 1 - index);
    place[c->assoc - 1] = p;
}
