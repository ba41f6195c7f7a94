/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cpu-tlb.h"

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

void cpu_tlb_clear(cpu_tlb *t)
{
    g_aligned_free(t->entries);
    *t = (cpu_tlb){0};
}

void cpu_tlb_flush(cpu_tlb *t)
{
    if (t->count)
        memset(t->entries, 0xff, ((t->set_mask + 1) << t->way_shift) * sizeof *t->entries);
}
