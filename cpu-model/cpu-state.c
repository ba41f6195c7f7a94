/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Building a machine's cores, system software's work on them, counters, EMON registers and the state view. */
#include "cpu-lp.h"

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
        cpu_tlb_init(&c->itlb, &k->itlb);
        cpu_tlb_init(&c->dtlb, &k->dtlb);
        cpu_tlb_init(&c->stlb, &k->stlb);
        cpu_gshare_init(&c->gshare, k->gshare_bits, k->gshare_history);
        cpu_btb_init(&c->btb, &k->btb);
        c->lps = &x->lps[lp_id];
        for (unsigned t = 0; t < k->threads; t++) {
            cpu_lp *lp = &x->lps[lp_id++];
            lp->core = c;
            lp->prev = CPU_NO_BLOCK;
            lp->last_line = lp->last_page = UINT64_MAX;
            lp->hz_sub = k->hz << CPU_SUB_BITS;
            lp->ras = g_new0(uint64_t, k->ras);
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
        cpu_btb_clear(&x->cores[i].btb);
    }
    for (unsigned i = 0; i < x->desc->n_lps; i++)
        g_free(x->lps[i].ras);
    cpu_memory_clear(&x->memory);
    g_free(x->cores);
    g_aligned_free(x->lps);
    g_free(x);
}

cpu_lp *cpu_complex_lp(cpu_complex *x, unsigned id)
{
    return &x->lps[id];
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
    uint64_t pa = cpu_lp_translate_slow(lp, fetch ? &core->itlb : &core->dtlb, key, fetch, &cycles);
    uint64_t line = (pa | (va & ((1u << CPU_PAGE_SHIFT) - 1))) >> core->memory->line_shift;
    cpu_cache *l1 = fetch ? &core->mem->l1i : &core->mem->l1d;
    uint64_t *word = cpu_cache_touch(l1, line);
    if (!word) {
        cpu_mem_result r;
        cpu_memory_miss(core->memory, core->index, line, store, fetch, lp->clock + spent * CPU_SUB, &r);
        return cycles + r.latency;
    }
    if (store) {
        if (*word & CPU_LINE_SHARED)
            cycles += cpu_memory_upgrade(core->memory, core->index, line, word);
        cpu_cache_mark_dirty(l1, word);
    }
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
    lp->last_page = UINT64_MAX;
}

void cpu_lp_flush_caches(cpu_lp *lp)
{
    uint64_t drained = cpu_lp_drain_all(lp, lp->clock);
    uint64_t lines = cpu_memory_flush(lp->core->memory, lp->core->index, drained);
    sim_ps span = lp->core->memory->line_ps * lines;
    uint64_t end = drained + sim_ps_to_cycles(span, lp->hz_sub);
    lp->ev[SIM_EV_L2_WRITEBACKS] += lines;
    lp->ev[SIM_EV_MEM_WRITES] += lines;
    lp->ev[SIM_EV_STALLS_SYSTEM] += end - drained;
    if (!lp->space)
        lp->busy += end - lp->clock;
    lp->clock = end;
    lp->last_line = UINT64_MAX;
}

/* ---- counters -------------------------------------------------------------------------------------------------- */

static uint64_t count_of(const cpu_lp *lp, enum sim_emon_event event)
{
    switch (event) {
    case SIM_EV_INSTRUCTIONS:
        return lp->counted[0];
    case SIM_EV_UOPS:
        return lp->counted[1];
    case SIM_EV_L1D_LOADS:
        return lp->counted[2];
    case SIM_EV_L1D_STORES:
        return lp->counted[3];
    case SIM_EV_DTLB_LOADS:
        return lp->counted[2] + lp->counted[3];
    case SIM_EV_CYCLES:
    case SIM_EV_REF_CYCLES:
        return (lp->busy + (lp->space ? lp->clock - lp->started : 0)) >> CPU_SUB_BITS;
    case SIM_EV_BRANCHES:
        return lp->ev[SIM_EV_BRANCHES] + lp->ev[SIM_EV_COND_BRANCHES];
    case SIM_EV_BTB_LOOKUPS:
        return lp->ev[SIM_EV_TAKEN_BRANCHES];
    case SIM_EV_STALLS_FRONTEND:
    case SIM_EV_STALLS_BRANCH:
    case SIM_EV_STALLS_L2:
    case SIM_EV_STALLS_LLC:
    case SIM_EV_STALLS_MEM:
    case SIM_EV_STALLS_TLB:
    case SIM_EV_STALLS_SMT:
    case SIM_EV_STALLS_SYSTEM:
        return lp->ev[event] >> CPU_SUB_BITS;
    default:
        return lp->ev[event];
    }
}

void cpu_lp_counts(const cpu_lp *lp, uint64_t counts[SIM_EV_COUNT])
{
    for (int e = 0; e < SIM_EV_COUNT; e++)
        counts[e] = count_of(lp, (enum sim_emon_event)e);
}

#define EMON_MASK ((UINT64_C(1) << 48) - 1)

void cpu_lp_emon_select(cpu_lp *lp, unsigned counter, enum sim_emon_event event)
{
    if (counter >= lp->core->desc->emon_counters)
        return;
    lp->emon[counter].event = event;
    lp->emon[counter].base = count_of(lp, event);
}

uint64_t cpu_lp_emon_read(const cpu_lp *lp, unsigned counter)
{
    if (counter >= lp->core->desc->emon_counters)
        return 0;
    return (count_of(lp, lp->emon[counter].event) - lp->emon[counter].base) & EMON_MASK;
}

uint64_t cpu_lp_emon_fixed(const cpu_lp *lp, unsigned fixed)
{
    static const enum sim_emon_event events[] = {SIM_EV_INSTRUCTIONS, SIM_EV_CYCLES, SIM_EV_REF_CYCLES};
    return fixed < G_N_ELEMENTS(events) ? count_of(lp, events[fixed]) & EMON_MASK : 0;
}

static void view_cache(const cpu_cache *c, uint16_t owner, cpu_cache_view *v)
{
    *v = (cpu_cache_view){0};
    if (!c->sets)
        return;
    *v = (cpu_cache_view){.lines = c->sets * c->assoc, .valid = c->valid, .mine = c->owned[owner], .mine_dirty = c->owned_dirty[owner],
                          .fills = c->fills, .writebacks = c->writebacks};
}

void cpu_lp_view(const cpu_lp *lp, uint16_t owner, cpu_view *v)
{
    const cpu_core *core = lp->core;
    *v = (cpu_view){.taken = lp->ev[SIM_EV_TAKEN_BRANCHES], .btb_misses = lp->ev[SIM_EV_BTB_MISSES], .loop = lp->loop,
                    .insns = lp->counted[0], .flushes = core->mem->l1d.flushes};
    view_cache(&core->mem->l1d, owner, &v->l1d);
    view_cache(&core->mem->l2, owner, &v->l2);
    view_cache(&core->memory->packages[core->mem->package].l3, owner, &v->llc);
    if (!core->memory->packages[core->mem->package].l3.sets)
        v->llc = v->l2;
    uint64_t last = lp->clock;
    for (uint32_t k = 0; k < lp->loads.n; k++)
        last = MAX(last, lp->loads.at[(lp->loads.head + k) % CPU_RING].complete);
    v->drain_cycles = (uint32_t)((last - lp->clock) >> CPU_SUB_BITS);
    uint32_t rob = core->desc->rob / MAX(core->active, 1u);
    uint64_t fill = lp->loads.n ? lp->counted[1] - lp->loads.at[lp->loads.head].position : 0;
    v->rob_permille = (uint32_t)(MIN(fill, rob) * 1000 / rob);
}
