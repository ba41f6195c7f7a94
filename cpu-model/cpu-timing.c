/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The timing of an address space's blocks on a kind of core: made when first seen, kept. */
#include "cpu-lp.h"
#include "cpu-ooo-run.h"

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
        for (uint32_t i = 0; i < s->timing[k].n; i++)
            cpu_sched_free(s->timing[k].code[i]);
        g_free(s->timing[k].code);
        g_free(s->timing[k].edge_keys);
        g_free(s->timing[k].edge_costs);
        g_free(s->timing[k].path_keys);
        g_free(s->timing[k].path_losses);
    }
    g_free(s);
}

static void fill_tblock(const cpu_core *core, const cpu_space *space, const cpu_block *d, const cpu_sched_code *code, cpu_tblock *b)
{
    unsigned shift = core->memory->line_shift;
    uint64_t last = d->fall > d->facts.addr ? d->fall - 1 : d->facts.addr;
    uint64_t key = (uint64_t)space->owner << CPU_VPN_BITS | (d->facts.addr >> CPU_PAGE_SHIFT & CPU_VPN_MASK);
    uint64_t pa = cpu_memory_page(core->memory, key) | (d->facts.addr & ((1u << CPU_PAGE_SHIFT) - 1));
    uint64_t lines = (last >> shift) - (d->facts.addr >> shift) + 1;
    bool crosses = d->facts.addr >> CPU_PAGE_SHIFT != last >> CPU_PAGE_SHIFT;
    *b = (cpu_tblock){.stat = {d->facts.n_insns, code->n_slots, d->n_loads, d->n_stores}, .regs = d->reads | d->writes, .addr = d->facts.addr, .fall = d->fall,
                      .line = pa >> shift, .pred = CPU_NO_PRED, .n_slots = (uint8_t)MIN(d->facts.n_slots, UINT8_MAX),
                      .n_lines = crosses || lines >= CPU_LINES_SLOW ? CPU_LINES_SLOW : (uint8_t)lines, .branch = d->branch};
    unsigned span = 0; /* the widest access */
    for (unsigned i = 0; i < d->facts.n_slots; i++) {
        span = MAX(span, d->slots[i].size);
        if (i < 32)
            b->stores |= (uint32_t)(d->slots[i].flags & INSN_ACCESS_STORE ? 1 : 0) << i;
    }
    b->room = (uint8_t)MIN((1u << shift) - MIN(span, 1u << shift), UINT8_MAX);
}

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
        t->code = g_renew(cpu_sched_code *, t->code, capacity);
        t->capacity = capacity;
    }
    for (; t->n < count; t->n++) {
        const cpu_block *d = cpu_code_block(lp->space->code, t->n);
        t->decoded[t->n] = d;
        t->code[t->n] = cpu_sched_compile(lp->core->desc, d);
        t->demand[t->n] = t->code[t->n]->demand;
        fill_tblock(lp->core, lp->space, d, t->code[t->n], &t->blocks[t->n]);
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

/* The place of an edge, which is made where it is new. */
static uint32_t find_edge(cpu_timing *t, uint32_t prev, uint32_t id)
{
    uint64_t key = ((uint64_t)prev << 32 | id) + 1; /* prev is below 2^32 - 1 but for CPU_NO_BLOCK, which does not come here */
    if (t->n_edges * 2 >= (t->edge_keys ? t->edge_mask + 1 : 0))
        grow_edges(t);
    uint32_t place = edge_place(t, key);
    if (!t->edge_keys[place]) {
        t->edge_keys[place] = key;
        t->edge_costs[place] = cpu_sched_cost(t->code[prev], t->code[id]);
        t->n_edges++;
    }
    return place;
}

static uint32_t cost_of(cpu_timing *t, uint32_t prev, uint32_t id)
{
    uint32_t place = find_edge(t, prev, id); /* may move the tables */
    return t->edge_costs[place];
}

uint32_t cpu_lp_edge_cost(cpu_lp *lp, uint32_t prev, uint32_t id)
{
    cpu_tblock *b = &lp->timing->blocks[id];
    b->pred = prev;
    return b->cost = cost_of(lp->timing, prev, id);
}

/* ---- mispredictions ------------------------------------------------------------------------------------------------- */

static uint32_t path_place(const cpu_timing *t, uint64_t key)
{
    uint32_t place = (uint32_t)(key >> 32) & t->path_mask;
    while (t->path_keys[place] && t->path_keys[place] != key)
        place = (place + 1) & t->path_mask;
    return place;
}

static void grow_paths(cpu_timing *t)
{
    uint64_t *keys = t->path_keys;
    uint32_t *losses = t->path_losses, old = keys ? t->path_mask + 1 : 0, size = MAX(old * 2, 1024);
    t->path_keys = g_new0(uint64_t, size);
    t->path_losses = g_new(uint32_t, size);
    t->path_mask = size - 1;
    for (uint32_t i = 0; i < old; i++)
        if (keys[i]) {
            uint32_t place = path_place(t, keys[i]);
            t->path_keys[place] = keys[i];
            t->path_losses[place] = losses[i];
        }
    g_free(keys);
    g_free(losses);
}

static inline uint64_t no_access(void *data, int slot, bool is_store, uint64_t cycle)
{
    (void)data, (void)slot, (void)is_store, (void)cycle;
    return 0;
}

/* Plays the blocks into an empty pipeline; returns when the last one's branch is resolved, cycles after the first was renamed. */
static uint64_t resolution(cpu_core *core, const cpu_timing *t, const uint32_t *ids, unsigned n)
{
    if (!core->resolver) {
        core->resolver = cpu_ooo_new(core->desc, 0);
        core->resolver_shared = cpu_ooo_shared_new();
    }
    cpu_ooo *o = core->resolver;
    uint64_t begin = cpu_ooo_drained(o) + CPU_OOO_HORIZON, resolved = begin;
    cpu_ooo_restart(o, begin);
    for (unsigned i = 0; i < n; i++)
        resolved = cpu_ooo_block(o, core->resolver_shared, t->code[ids[i]]->ooo, NULL, NULL, no_access, NULL).resolved;
    return resolved - begin;
}

uint32_t cpu_lp_path_loss(cpu_lp *lp, const uint32_t *ids, unsigned n)
{
    cpu_core *core = lp->core;
    cpu_timing *t = lp->timing;
    uint32_t refill = core->desc->mispredict * CPU_SUB;
    if (!t->code[ids[0]]->ooo)
        return refill;
    uint64_t key = n;
    for (unsigned i = 0; i < n; i++)
        key = (key ^ ids[i]) * UINT64_C(0x9e3779b97f4a7c15) ^ key >> 29;
    key |= 1;
    if (t->n_paths * 2 >= (t->path_keys ? t->path_mask + 1 : 0))
        grow_paths(t);
    uint32_t place = path_place(t, key);
    if (t->path_keys[place])
        return t->path_losses[place];
    /* The clock has moved on by the blocks' costs, the first one's as it is after itself. */
    uint64_t counted = cost_of(t, ids[0], ids[0]), resolved;
    for (unsigned i = 1; i < n; i++)
        counted += cost_of(t, ids[i - 1], ids[i]);
    resolved = (resolution(core, t, ids, n) << CPU_SUB_BITS) + refill;
    t->path_keys[place] = key;
    t->n_paths++;
    return t->path_losses[place] = resolved > counted ? (uint32_t)MIN(resolved - counted, 1u << 20) : 0;
}
