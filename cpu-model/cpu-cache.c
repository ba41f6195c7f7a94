/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cpu-cache.h"

void cpu_cache_init(cpu_cache *c, const cpu_cache_desc *desc)
{
    uint64_t lines = desc->size / desc->line;
    *c = (cpu_cache){.assoc = desc->ways, .sets = (uint32_t)(lines / desc->ways), .latency = desc->latency};
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
}

void cpu_cache_clear(cpu_cache *c)
{
    g_aligned_free(c->ways);
    g_free(c->owned);
    g_free(c->owned_dirty);
    *c = (cpu_cache){0};
}

static void account_out(cpu_cache *c, uint64_t word)
{
    uint32_t owner = cpu_line_owner(c, word);
    c->valid--;
    c->owned[owner]--;
    if (word & CPU_LINE_DIRTY)
        c->owned_dirty[owner]--;
}

uint64_t cpu_cache_fill(cpu_cache *c, uint64_t line, uint64_t flags)
{
    uint64_t *set = cpu_cache_set(c, line);
    uint64_t victim = set[c->assoc - 1];
    cpu_cache_shift(set, c->assoc - 1);
    set[0] = line << 8 | flags;
    uint32_t owner = cpu_line_owner(c, set[0]);
    c->fills++;
    c->valid++;
    c->owned[owner]++;
    if (flags & CPU_LINE_DIRTY)
        c->owned_dirty[owner]++;
    if (victim != CPU_LINE_NONE)
        account_out(c, victim);
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
    account_out(c, removed);
    memmove(set + w, set + w + 1, (c->assoc - 1 - w) * sizeof *set);
    set[c->assoc - 1] = CPU_LINE_NONE;
    return removed;
}
