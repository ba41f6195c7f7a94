/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The timing of an address space's blocks on a kind of core: made when first seen, kept. */
#include "cpu-lp.h"

cpu_space *cpu_space_new(insn_code *code, uint16_t owner)
{
    cpu_space *s = g_new0(cpu_space, 1);
    s->owner = owner;
    s->code = code;
    return s;
}

void cpu_space_free(cpu_space *s)
{
    if (!s)
        return;
    for (unsigned k = 0; k < CPU_MAX_KINDS; k++) {
        g_aligned_free(s->timing[k].blocks);
        g_aligned_free(s->timing[k].demand);
        g_free(s->timing[k].decoded);
        g_free(s->timing[k].edge_keys);
        g_free(s->timing[k].edge_costs);
    }
    g_free(s);
}

static void fill_tblock(const cpu_core *core, const cpu_space *space, const cpu_block *d, cpu_tblock *b)
{
    unsigned shift = core->memory->line_shift;
    uint64_t last = d->fall > d->facts.addr ? d->fall - 1 : d->facts.addr;
    uint64_t key = (uint64_t)space->owner << CPU_VPN_BITS | (d->facts.addr >> CPU_PAGE_SHIFT & CPU_VPN_MASK);
    uint64_t pa = cpu_memory_page(core->memory, key) | (d->facts.addr & ((1u << CPU_PAGE_SHIFT) - 1));
    uint64_t lines = (last >> shift) - (d->facts.addr >> shift) + 1;
    bool crosses = d->facts.addr >> CPU_PAGE_SHIFT != last >> CPU_PAGE_SHIFT;
    *b = (cpu_tblock){.stat = {d->facts.n_insns, d->n_uops, d->n_loads, d->n_stores}, .regs = d->reads | d->writes, .addr = d->facts.addr, .fall = d->fall,
                      .line = pa >> shift, .pred = CPU_NO_BLOCK, .n_slots = (uint8_t)MIN(d->facts.n_slots, UINT8_MAX),
                      .n_lines = crosses || lines >= CPU_LINES_SLOW ? CPU_LINES_SLOW : (uint8_t)lines, .branch = d->branch};
    unsigned span = 0; /* the widest access */
    for (unsigned i = 0; i < d->facts.n_slots; i++) {
        span = MAX(span, d->slots[i].size);
        if (i < 32)
            b->stores |= (uint32_t)(d->slots[i].flags & INSN_ACCESS_STORE ? 1 : 0) << i;
    }
    b->room = (uint8_t)MIN((1u << shift) - MIN(span, 1u << shift), UINT8_MAX);
}

/* Brings the space's table for the LP's kind of core up to the code store's blocks. */
void cpu_lp_sync_timing(cpu_lp *lp)
{
    cpu_timing *t = lp->timing;
    uint32_t count = cpu_code_count(lp->space->code);
    if (count > t->capacity) {
        uint32_t capacity = MAX(count + count / 2, 1024);
        cpu_tblock *blocks = g_aligned_alloc(capacity, sizeof *blocks, 64);
        if (t->n)
            memcpy(blocks, t->blocks, t->n * sizeof *blocks);
        g_aligned_free(t->blocks);
        t->blocks = blocks;
        cpu_shares *demand = g_aligned_alloc(capacity, sizeof *demand, 64);
        if (t->n)
            memcpy(demand, t->demand, t->n * sizeof *demand);
        g_aligned_free(t->demand);
        t->demand = demand;
        t->decoded = g_renew(const cpu_block *, t->decoded, capacity);
        t->capacity = capacity;
    }
    for (; t->n < count; t->n++) {
        const cpu_block *d = cpu_code_block(lp->space->code, t->n);
        fill_tblock(lp->core, lp->space, d, &t->blocks[t->n]);
        t->decoded[t->n] = d;
        cpu_sched_demand(lp->core->desc, d, &t->demand[t->n]);
    }
    lp->table = t->blocks;
}

static uint32_t edge_place(const cpu_timing *t, uint64_t key)
{
    uint32_t place = (uint32_t)(key * UINT64_C(0x9e3779b97f4a7c15) >> 32) & t->edge_mask;
    while (t->edge_keys[place] && t->edge_keys[place] != key)
        place = (place + 1) & t->edge_mask;
    return place;
}

static void grow_edges(cpu_timing *t)
{
    uint64_t *keys = t->edge_keys;
    uint32_t *costs = t->edge_costs;
    uint32_t old = keys ? t->edge_mask + 1 : 0;
    uint32_t size = MAX(old * 2, 1024);
    t->edge_keys = g_new0(uint64_t, size);
    t->edge_costs = g_new(uint32_t, size);
    t->edge_mask = size - 1;
    for (uint32_t i = 0; i < old; i++)
        if (keys[i]) {
            uint32_t place = edge_place(t, keys[i]);
            t->edge_keys[place] = keys[i];
            t->edge_costs[place] = costs[i];
        }
    g_free(keys);
    g_free(costs);
}

/* The cost of block `id` after block `prev`, from the table of all pairs seen. */
uint32_t cpu_lp_edge_cost(cpu_lp *lp, uint32_t prev, uint32_t id)
{
    cpu_timing *t = lp->timing;
    uint64_t key = ((uint64_t)prev << 32 | id) + 1; /* prev is below 2^32 - 1 but for CPU_NO_BLOCK, which does not come here */
    if (t->n_edges * 2 >= (t->edge_keys ? t->edge_mask + 1 : 0))
        grow_edges(t);
    uint32_t place = edge_place(t, key);
    if (!t->edge_keys[place]) {
        insn_code *code = lp->space->code;
        t->edge_keys[place] = key;
        t->edge_costs[place] = cpu_sched_cost(lp->core->desc, cpu_code_block(code, prev), cpu_code_block(code, id));
        t->n_edges++;
    }
    cpu_tblock *b = &t->blocks[id];
    b->pred = prev;
    return b->cost = t->edge_costs[place];
}
