/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cpu-outer.h"

void cpu_cache_init(cpu_cache *c, const cpu_cache_desc *desc)
{
    uint64_t lines = desc->size / desc->line;
    *c = (cpu_cache){.assoc = desc->ways, .sets = (uint32_t)(lines / desc->ways), .latency = desc->latency, .policy = desc->policy};
    if (c->sets && (c->sets & (c->sets - 1)) == 0)
        c->set_mask = c->sets - 1;
    if (lines == 0)
        return;
    unsigned line_shift = (unsigned)__builtin_ctz(desc->line);
    c->owner_shift = 8 + CPU_PA_BITS - CPU_OWNER_BITS - line_shift;
    while (1u << c->way_shift < c->assoc)
        c->way_shift++;
    /* Aligned to pairs of the host's lines: a set of eight ways is one line, one of sixteen a pair. */
    size_t bytes = ((((size_t)c->sets << c->way_shift) * sizeof *c->ways) + 127) & ~(size_t)127;
    c->ways = g_aligned_alloc(1, bytes, 128);
    memset(c->ways, 0xff, bytes);
    c->owned = g_new0(uint32_t, 1u << CPU_OWNER_BITS);
    c->owned_dirty = g_new0(uint32_t, 1u << CPU_OWNER_BITS);
    c->owned_writebacks = g_new0(uint64_t, 1u << CPU_OWNER_BITS);
    c->ordered = c->policy == CPU_REPLACE_LRU;
    if (!c->ordered)
        cpu_replace_init(c);
}

/* All ways are empty, the lowest the first to be filled. */
static void empty_outer(cpu_cache *c)
{
    bool lru = c->policy == CPU_REPLACE_LRU;
    for (uint32_t i = 0; i < c->sets; i++) {
        cpu_outer_set *s = cpu_outer_of(c, c->ways + ((size_t)i << c->way_shift));
        for (unsigned w = 0; w < CPU_OUTER_WAYS; w++)
            s->age[w] = w >= c->assoc ? CPU_OUTER_UNUSED : lru ? (uint8_t)(c->assoc - 1 - w) : CPU_OUTER_EMPTY;
    }
}

void cpu_cache_init_outer(cpu_cache *c, const cpu_cache_desc *desc)
{
    cpu_cache_desc plain = *desc;
    bool suits = desc->ways <= CPU_OUTER_WAYS;
    if (suits)
        plain.policy = CPU_REPLACE_LRU;
    cpu_cache_init(c, &plain);
    if (!c->sets || !suits)
        return;
    c->ordered = false;
    c->policy = desc->policy;
    cpu_replace_init_state(c);
    c->outer = g_aligned_alloc0(c->sets, sizeof(cpu_outer_set), 64);
    empty_outer(c);
}

uint64_t *cpu_cache_touch_any(cpu_cache *c, uint64_t line)
{
    return c->outer ? cpu_outer_touch(c, line) : c->place ? cpu_replace_touch(c, line) : cpu_cache_touch(c, line);
}

void cpu_cache_clear(cpu_cache *c)
{
    g_aligned_free(c->ways);
    g_free(c->owned);
    g_free(c->owned_dirty);
    g_free(c->owned_writebacks);
    g_aligned_free(c->outer);
    g_free(c->place);
    g_free(c->rrpv);
    g_free(c->state);
    g_free(c->masks);
    *c = (cpu_cache){0};
}

uint64_t cpu_cache_fill(cpu_cache *c, uint64_t line, uint64_t flags)
{
    if (!c->ordered)
        return c->outer ? cpu_outer_fill(c, line, flags) : cpu_replace_fill(c, line, flags);
    uint64_t *set = cpu_cache_set(c, line);
    uint64_t victim = set[c->assoc - 1];
    cpu_cache_shift(set, c->assoc - 1);
    set[0] = line << 8 | flags;
    c->fills++;
    cpu_cache_account_in(c, set[0]);
    if (victim != CPU_LINE_NONE)
        cpu_cache_account_out(c, victim);
    return victim;
}

uint64_t cpu_cache_remove(cpu_cache *c, uint64_t line)
{
    uint64_t *word = cpu_cache_peek(c, line);
    if (!word)
        return CPU_LINE_NONE;
    uint64_t removed = *word;
    uint64_t *set = cpu_cache_set(c, line);
    uint32_t w = (uint32_t)(word - set);
    cpu_cache_account_out(c, removed);
    if (c->outer) {
        if (c->policy == CPU_REPLACE_LRU)
            cpu_outer_old(cpu_outer_of(c, set), w, c->assoc);
        else
            cpu_outer_of(c, set)->age[w] = CPU_OUTER_EMPTY;
        *word = CPU_LINE_NONE;
        return removed;
    }
    if (c->place)
        cpu_replace_remove(c, set, w);
    memmove(set + w, set + w + 1, (c->assoc - 1 - w) * sizeof *set);
    set[c->assoc - 1] = CPU_LINE_NONE;
    return removed;
}

void cpu_cache_count_writeback(cpu_cache *c, uint64_t word)
{
    c->writebacks++;
    c->owned_writebacks[cpu_line_owner(c, word)]++;
}

uint64_t cpu_cache_flush(cpu_cache *c, GArray *dirty)
{
    uint64_t n = 0;
    for (uint64_t i = 0; i < (uint64_t)c->sets << c->way_shift; i++) {
        uint64_t word = c->ways[i];
        if (word == CPU_LINE_NONE)
            continue;
        if (cpu_cache_is_dirty(c, word)) {
            uint64_t line = word >> 8;
            g_array_append_val(dirty, line);
            cpu_cache_count_writeback(c, word);
            n++;
        }
        uint32_t owner = cpu_line_owner(c, word);
        c->owned[owner] = c->owned_dirty[owner] = 0;
        c->ways[i] = CPU_LINE_NONE;
    }
    if (c->outer)
        empty_outer(c);
    c->flushed += c->valid;
    c->valid = 0;
    c->flushes++;
    return n;
}
