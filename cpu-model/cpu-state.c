/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Building a machine's cores, and system software's work on them. */
#include "cpu-window.h"

struct cpu_complex {
    const cpu_machine *desc;
    cpu_memory memory;
    cpu_core *cores;
    cpu_lp *lps;
};

cpu_complex *cpu_complex_new(const cpu_machine *desc)
{
    cpu_complex *x = g_new0(cpu_complex, 1);
    x->desc = desc;
    cpu_memory_init(&x->memory, desc);
    x->cores = g_new0(cpu_core, desc->n_cores);
    x->lps = g_aligned_alloc0(desc->n_lps, sizeof *x->lps, 64);
    unsigned lp_id = 0;
    for (unsigned i = 0; i < desc->n_cores; i++) {
        cpu_core *c = &x->cores[i];
        const cpu_core_desc *k = &desc->kinds[desc->core_kind[i]];
        c->desc = k;
        c->mem = &x->memory.cores[i];
        c->memory = &x->memory;
        c->index = i;
        c->kind = desc->core_kind[i];
        cpu_core_ports(k, c->ports);
        cpu_tlb_init(&c->itlb, &k->itlb);
        cpu_tlb_init(&c->dtlb, &k->dtlb);
        cpu_tlb_init_outer(&c->stlb, &k->stlb);
        if (k->predictor == CPU_PREDICTOR_TAGE)
            c->tage = cpu_tage_new(k->tage_kib);
        else
            cpu_gshare_init(&c->gshare, k->gshare_bits, k->gshare_history);
        cpu_btb_init(&c->btb, &k->btb);
        if (k->btb2.entries)
            cpu_btb_init(&c->btb2, &k->btb2);
        cpu_indirect_init(&c->indirect, k->indirect);
        cpu_lines_init(&c->lines, k->line_predictor);
        c->lps = &x->lps[lp_id];
        if (k->timing == CPU_TIMING_WINDOW)
            c->engine = cpu_window_shared_new(k);
        for (unsigned t = 0; t < k->threads; t++) {
            cpu_lp *lp = &x->lps[lp_id++];
            lp->core = c;
            lp->prev = CPU_NO_BLOCK;
            lp->last_line = lp->last_page = UINT64_MAX;
            lp->hz_sub = k->hz << CPU_SUB_BITS;
            lp->ras = g_new0(uint64_t, k->ras);
            lp->tage = c->tage ? g_new0(cpu_tage_history, 1) : NULL;
            lp->btb_key = k->predictor_tagged ? (uint64_t)t << 60 : 0;
            lp->predictor_key = k->predictor_tagged ? (uint64_t)t << (k->gshare_bits - (k->threads > 4 ? 3 : k->threads > 2 ? 2 : 1)) : 0;
            if (k->timing == CPU_TIMING_WINDOW)
                lp->level = cpu_window_new(lp);
            cpu_lp_emon_init(lp, desc->reference_hz ? desc->reference_hz : k->hz);
        }
    }
    return x;
}

void cpu_complex_free(cpu_complex *x)
{
    if (!x)
        return;
    for (unsigned i = 0; i < x->desc->n_cores; i++) {
        cpu_tlb_clear(&x->cores[i].itlb);
        cpu_tlb_clear(&x->cores[i].dtlb);
        cpu_tlb_clear(&x->cores[i].stlb);
        cpu_gshare_clear(&x->cores[i].gshare);
        cpu_tage_free(x->cores[i].tage);
        cpu_btb_clear(&x->cores[i].btb);
        cpu_btb_clear(&x->cores[i].btb2);
        cpu_indirect_clear(&x->cores[i].indirect);
        cpu_lines_clear(&x->cores[i].lines);
        g_free(x->cores[i].engine);
        g_free(x->cores[i].resolver);
        g_free(x->cores[i].resolver_shared);
    }
    for (unsigned i = 0; i < x->desc->n_lps; i++) {
        g_free(x->lps[i].ras);
        g_free(x->lps[i].tage);
        cpu_window_free(x->lps[i].level);
    }
    cpu_memory_clear(&x->memory);
    g_free(x->cores);
    g_aligned_free(x->lps);
    g_free(x);
}

cpu_lp *cpu_complex_lp(cpu_complex *x, unsigned id)
{
    return &x->lps[id];
}

cpu_occupancy cpu_complex_occupancy(const cpu_complex *x, uint16_t owner)
{
    const cpu_memory *m = &x->memory;
    cpu_occupancy o = {0};
    for (unsigned i = 0; i < m->desc->n_cores; i++)
        if (m->cores[i].l1d.sets)
            o.l1d += m->cores[i].l1d.owned[owner];
    for (unsigned i = 0; i < m->n_clusters; i++)
        if (m->clusters[i].l2.sets)
            o.l2 += m->clusters[i].l2.owned[owner];
    for (unsigned i = 0; m->l3 && i < m->desc->n_packages; i++)
        o.llc += m->packages[i].l3.owned[owner];
    if (!m->l3)
        o.llc = o.l2;
    return o;
}

unsigned cpu_lp_core(const cpu_lp *lp)
{
    return lp->core->index;
}

const cpu_core_desc *cpu_lp_kind(const cpu_lp *lp)
{
    return lp->core->desc;
}

void cpu_lp_advance(cpu_lp *lp, uint64_t clock)
{
    lp->clock = MAX(lp->clock, clock);
}

sim_ps cpu_lp_now(const cpu_lp *lp)
{
    return cpu_lp_ps(lp, lp->clock);
}

uint64_t cpu_lp_clock_at(const cpu_lp *lp, sim_ps at)
{
    return sim_ps_to_cycles(at, lp->hz_sub);
}

/* Where system software lives: the upper half of the address space, code and data apart. */
#define SYSTEM_CODE UINT64_C(0xffffffff80000000)
#define SYSTEM_DATA UINT64_C(0xffff888000000000)

/* Cycles that an access takes, `spent` cycles after the LP's clock. */
static uint64_t system_line(cpu_lp *lp, uint64_t owner_key, uint64_t va, bool fetch, bool store, uint64_t spent)
{
    cpu_core *core = lp->core;
    uint64_t key = owner_key | (va >> CPU_PAGE_SHIFT & CPU_VPN_MASK);
    uint32_t cycles = 0;
    uint64_t at = lp->clock + spent * CPU_SUB;
    uint64_t pa = cpu_lp_translate_slow(lp, fetch ? &core->itlb : &core->dtlb, key, fetch ? CPU_FOR_FETCH : store ? CPU_FOR_STORE : CPU_FOR_LOAD, at, &cycles);
    uint64_t line = (pa | (va & ((1u << CPU_PAGE_SHIFT) - 1))) >> core->memory->line_shift;
    cpu_cache *l1 = fetch ? &core->mem->l1i : &core->mem->l1d;
    uint64_t *word = cpu_cache_touch(l1, line);
    if (!word) {
        cpu_mem_result r;
        cpu_memory_miss(core->memory, core->index, line, store, fetch, at, &r);
        return cycles + r.latency;
    }
    if (store)
        cycles += cpu_memory_store(core->memory, core->index, line, word, at, &(cpu_mem_result){0});
    return cycles;
}

void cpu_lp_system(cpu_lp *lp, uint16_t owner, uint32_t cycles, uint32_t first, unsigned code_lines, unsigned data_lines)
{
    lp->clock = cpu_lp_drain_all(lp, lp->clock);
    uint64_t owner_key = (uint64_t)owner << CPU_VPN_BITS;
    unsigned shift = lp->core->memory->line_shift;
    uint64_t total = cycles;
    for (unsigned i = 0; i < code_lines; i++)
        total += system_line(lp, owner_key, SYSTEM_CODE + ((uint64_t)(first + i) << shift), true, false, total);
    for (unsigned i = 0; i < data_lines; i++) /* every fourth line is written */
        total += system_line(lp, owner_key, SYSTEM_DATA + ((uint64_t)(first + i) << shift), false, i % 4 == 3, total);
    lp->clock += total * CPU_SUB;
    if (!lp->space) /* else it is part of the time since `started` */
        lp->busy += total * CPU_SUB;
    lp->ev[SIM_EV_STALLS_SYSTEM] += total * CPU_SUB;
    lp->last_line = lp->last_page = UINT64_MAX;
}

void cpu_lp_flush_tlb(cpu_lp *lp)
{
    cpu_tlb_flush(&lp->core->itlb);
    cpu_tlb_flush(&lp->core->dtlb);
    cpu_tlb_flush(&lp->core->stlb);
    cpu_memory_flush_structures(lp->core->memory, lp->core->index);
    lp->ev[SIM_EV_TLB_FLUSHES]++;
    lp->last_page = UINT64_MAX;
}

void cpu_lp_flush_caches(cpu_lp *lp)
{
    uint64_t drained = cpu_lp_drain_all(lp, lp->clock);
    cpu_flush_result r;
    cpu_memory_flush(lp->core->memory, lp->core->index, drained, &r);
    uint64_t lines = r.written, end = r.end;
    lp->ev[SIM_EV_CACHE_FLUSHES]++;
    lp->ev[SIM_EV_LLC_WRITEBACKS] += lines;
    lp->ev[SIM_EV_MEM_WRITES] += lines;
    lp->ev[SIM_EV_STALLS_SYSTEM] += end - drained;
    if (!lp->space)
        lp->busy += end - lp->clock;
    lp->clock = end;
    lp->last_line = UINT64_MAX;
}

bool cpu_lp_way_mask(cpu_lp *lp, bool last_level, uint16_t owner, uint64_t mask)
{
    const cpu_core *core = lp->core;
    if (last_level && core->memory->l3)
        return cpu_memory_way_mask(core->memory, CPU_LEVEL_LLC, core->mem->package, owner, mask);
    return cpu_memory_way_mask(core->memory, CPU_LEVEL_L2, core->index, owner, mask);
}
