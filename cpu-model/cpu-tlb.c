/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cpu-tlb.h"

#include "cpu-outer.h"

void cpu_tlb_init(cpu_tlb *t, const cpu_tlb_desc *desc)
{
    *t = (cpu_tlb){.ways = desc->ways, .count = desc->entries};
    if (desc->entries == 0)
        return;
    t->set_mask = desc->entries / desc->ways - 1;
    while (1u << t->way_shift < t->ways)
        t->way_shift++;
    t->entries = g_aligned_alloc((t->set_mask + 1) << t->way_shift, sizeof *t->entries, 64);
    cpu_tlb_flush(t);
}

void cpu_tlb_init_outer(cpu_tlb *t, const cpu_tlb_desc *desc)
{
    cpu_tlb_init(t, desc);
    if (!t->count || t->ways > CPU_OUTER_WAYS)
        return;
    t->outer = g_aligned_alloc0(t->set_mask + 1, sizeof(cpu_outer_set), 64);
    for (uint64_t i = 0; i <= t->set_mask; i++) {
        cpu_outer_set *s = (cpu_outer_set *)(void *)t->outer + i;
        for (unsigned w = 0; w < CPU_OUTER_WAYS; w++)
            s->age[w] = w < t->ways ? (uint8_t)(t->ways - 1 - w) : CPU_OUTER_UNUSED;
    }
}

cpu_tlb_entry *cpu_tlb_touch_outer(cpu_tlb *t, uint64_t key)
{
    if (!t->outer)
        return t->count ? cpu_tlb_touch(t, key) : NULL;
    cpu_outer_set *s = (cpu_outer_set *)(void *)t->outer + (key & t->set_mask);
    cpu_tlb_entry *set = t->entries + ((key & t->set_mask) << t->way_shift);
    for (unsigned alike = cpu_outer_alike(s, t->ways, key); alike; alike &= alike - 1) {
        unsigned way = (unsigned)__builtin_ctz(alike);
        if (set[way].key != key)
            continue;
        cpu_outer_young(s, way);
        return set + way;
    }
    return NULL;
}

void cpu_tlb_fill_outer(cpu_tlb *t, uint64_t key, uint64_t pa)
{
    if (!t->outer) {
        if (t->count)
            cpu_tlb_fill(t, key, pa);
        return;
    }
    cpu_outer_set *s = (cpu_outer_set *)(void *)t->outer + (key & t->set_mask);
    unsigned way = cpu_outer_oldest(s, t->ways, UINT64_MAX);
    t->entries[((key & t->set_mask) << t->way_shift) + way] = (cpu_tlb_entry){key, pa};
    s->tag[way] = cpu_outer_tag(key);
    cpu_outer_young(s, way);
}

void cpu_tlb_clear(cpu_tlb *t)
{
    g_aligned_free(t->outer);
    g_aligned_free(t->entries);
    *t = (cpu_tlb){0};
}

void cpu_tlb_flush(cpu_tlb *t)
{
    if (t->count)
        memset(t->entries, 0xff, ((t->set_mask + 1) << t->way_shift) * sizeof *t->entries);
}
