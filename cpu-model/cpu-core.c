/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The run loop: one pass per executed block. */
#include "cpu-access.h"
#include "cpu-branch.h"
#include "cpu-window.h"

/* ---- accesses ------------------------------------------------------------------------------------------------- */

static inline const cpu_block *decoded(const cpu_lp *lp, uint32_t id)
{
    return lp->timing->decoded[id];
}

/* One access, whatever happens. */
static G_ALWAYS_INLINE inline uint64_t access_line(cpu_lp *lp, uint32_t id, unsigned slot, uint64_t va, bool load, bool store, uint64_t clock)
{
    cpu_core *core = lp->core;
    uint64_t key = lp->owner_key | (va >> CPU_PAGE_SHIFT & CPU_VPN_MASK);
    const cpu_tlb_entry *e = core->dtlb.entries + ((key & core->dtlb.set_mask) << core->dtlb.way_shift);
    uint32_t penalty = 0;
    uint64_t pa = e->pa;
    if (G_UNLIKELY(e->key != key))
        pa = cpu_lp_translate_slow(lp, &core->dtlb, key, load ? CPU_FOR_LOAD : CPU_FOR_STORE, cpu_lp_address_ready(lp, decoded(lp, id), slot, clock), &penalty);
    pa |= va & ((1u << CPU_PAGE_SHIFT) - 1);
    uint64_t line = pa >> core->memory->line_shift;
    uint64_t *word = cpu_cache_touch(&core->mem->l1d, line);
    if (G_LIKELY(word && penalty == 0)) {
        uint64_t off = *word ^ (line << 8);
        if (store ? off == CPU_LINE_DIRTY : off <= CPU_LINE_QUIET)
            return clock;
    }
    return cpu_lp_data_slow(lp, decoded(lp, id), slot, pa, word, load, store, penalty, clock);
}

/* An access of the widest kind of the block could reach into the next line: see whether this one does. */
static G_GNUC_NO_INLINE uint64_t access_next_line(cpu_lp *lp, uint32_t id, unsigned slot, uint64_t va, uint64_t clock)
{
    const cpu_block *d = decoded(lp, id);
    const insn_access *a = &d->slots[slot];
    uint64_t line_bytes = UINT64_C(1) << lp->core->memory->line_shift;
    uint64_t offset = va & (line_bytes - 1);
    if (a->size == 0 || offset + a->size <= line_bytes)
        return clock;
    for (uint64_t next = va - offset + line_bytes; next < va + a->size; next += line_bytes)
        clock = access_line(lp, id, slot, next, a->flags & INSN_ACCESS_LOAD, a->flags & INSN_ACCESS_STORE, clock);
    return clock;
}

/* Slots from 32 on. */
static G_GNUC_NO_INLINE uint64_t access_many(cpu_lp *lp, uint32_t id, const uint64_t *va, unsigned n, uint64_t uops, uint64_t clock)
{
    const cpu_block *d = decoded(lp, id);
    uint64_t counted = lp->counted[1];
    lp->counted[1] = uops;
    for (unsigned s = 32; s < n; s++) {
        clock = access_line(lp, id, s, va[s], d->slots[s].flags & INSN_ACCESS_LOAD, d->slots[s].flags & INSN_ACCESS_STORE, clock);
        clock = access_next_line(lp, id, s, va[s], clock);
    }
    lp->counted[1] = counted;
    return clock;
}

/* ---- the loop --------------------------------------------------------------------------------------------------- */

/* An access that is no quiet hit. */
static G_GNUC_NO_INLINE uint64_t access_slow(cpu_lp *lp, uint32_t id, const cpu_tblock *b, unsigned slot, uint64_t va, uint64_t uops, uint64_t clock)
{
    const uint64_t line_mask = (UINT64_C(1) << lp->core->memory->line_shift) - 1;
    unsigned flags = decoded(lp, id)->slots[slot].flags;
    uint64_t counted = lp->counted[1];
    lp->counted[1] = uops; /* the position that a miss notes */
    clock = access_line(lp, id, slot, va, flags & INSN_ACCESS_LOAD, flags & INSN_ACCESS_STORE, clock);
    if (G_UNLIKELY((va & line_mask) > b->room))
        clock = access_next_line(lp, id, slot, va, clock);
    lp->counted[1] = counted;
    return clock;
}

/* What a block loses to the siblings beyond its cost. */
static inline uint64_t contend(cpu_lp *lp, const cpu_shares *demand, uint32_t cost)
{
    cpu_shares_add(&lp->used, demand);
    lp->work += cost;
    uint32_t need = cpu_shares_need(demand, &lp->inverse);
    if (G_LIKELY(need <= cost))
        return 0;
    lp->ev[SIM_EV_STALLS_SMT] += need - cost;
    return need - cost;
}

/* The branch before block `i` of the batch was not foreseen: what the LP loses by it. */
static G_GNUC_NO_INLINE uint64_t redirected(cpu_lp *lp, cpu_branch_outcome out, uint32_t i, uint64_t clock)
{
    uint64_t lost = (uint64_t)(out >> 2) * CPU_SUB;
    if ((out & 3) == CPU_REDIRECT_DECODE) {
        lp->ev[SIM_EV_STALLS_BTB] += lost;
        return clock + lost;
    }
    uint32_t n = MIN(i - lp->redirected, (uint32_t)CPU_PATH);
    lp->redirected = i;
    if (n)
        lost = cpu_lp_path_loss(lp, lp->ids + i - n, n);
    uint64_t restart = MAX(clock, lp->branch_ready) + lost;
    lp->ev[SIM_EV_STALLS_BRANCH] += restart - clock;
    if (lp->core->active > 1 && n)
        cpu_lp_wrong_path(lp, lp->ids + i - n, n, restart - clock);
    return restart;
}

/* Resolves the branch from block `p` to block `i` of the batch, which begins at `next`. */
static G_ALWAYS_INLINE inline uint64_t resolve(cpu_lp *lp, cpu_core *core, const cpu_tblock *p, uint32_t i, uint64_t next, uint64_t insns, uint64_t clock)
{
    cpu_branch_outcome out = cpu_lp_branch(lp, core, p, next, insns);
    return G_LIKELY(out == 0) ? clock : redirected(lp, out, i, clock);
}

static G_ALWAYS_INLINE inline bool run(cpu_lp *lp, uint64_t until, cpu_shapes shape, bool alone, bool inorder, bool calmable)
{
    cpu_core *core = lp->core;
    const cpu_tables t = cpu_tables_of(lp);
    cpu_tblock *table = lp->table;
    const uint32_t *ids = lp->ids;
    const uint64_t *addrs = lp->addrs;
    uint32_t i = lp->i, n = lp->n, prev = lp->prev;
    const cpu_shares *demands = lp->timing->demand;
    uint64_t clock = lp->clock;
    bool resolved = lp->resolved;
    cpu_v4 stat = {0, 0, 0, 0};

    lp->drain_clock = 0; /* the share of the reorder buffer may have changed */
    while (i < n && clock < until) {
        uint32_t id = ids[i];
        cpu_tblock *b = &table[id];
        if (G_LIKELY(prev != CPU_NO_BLOCK && !resolved))
            clock = resolve(lp, core, &table[prev], i, b->addr, lp->counted[0] + stat[0], clock);
        resolved = false;
        clock = cpu_fetch(lp, b, clock);
        if (lp->in_flight) {
            uint64_t position = lp->counted[1] + stat[1];
            if (clock >= lp->drain_clock || position >= lp->drain_position)
                clock = cpu_lp_drain(lp, position, clock);
            if (inorder && lp->tainted)
                clock = cpu_lp_use_stall(lp, decoded(lp, id), clock);
        }
        if (G_UNLIKELY(clock >= until)) { /* stalled past the others: they go first */
            resolved = true;
            break;
        }
        i++;
        unsigned slots = b->n_slots;
        if (slots) {
            const uint64_t room = b->room;
            if (G_UNLIKELY(slots == UINT8_MAX))
                slots = decoded(lp, id)->facts.n_slots;
            unsigned first = MIN(slots, 32u);
            uint32_t stores = b->stores;
            for (unsigned s = 0; s < first; s++, stores >>= 1)
                if (G_UNLIKELY(!cpu_quiet_hit(&t, addrs[s], stores & 1, room, shape)) && !cpu_near_hit(&t, addrs[s], stores & 1, room, shape))
                    clock = access_slow(lp, id, b, s, addrs[s], lp->counted[1] + stat[1], clock);
            if (G_UNLIKELY(slots > 32))
                clock = access_many(lp, id, addrs, slots, lp->counted[1] + stat[1], clock);
            addrs += slots;
        }
        uint32_t cost = b->cost;
        if (G_UNLIKELY(b->pred != prev))
            cost = prev == CPU_NO_BLOCK ? cpu_sched_cost(NULL, lp->timing->code[id]) : cpu_lp_edge_cost(lp, prev, id);
        clock += cost;
        if (!alone) {
            clock += contend(lp, &demands[id], cost);
            if (G_UNLIKELY(lp->work >= CPU_SMT_WINDOW))
                cpu_lp_settle(lp, clock);
        }
        if (G_UNLIKELY(lp->missed | lp->tainted) && (lp->missed || lp->tainted & b->regs || clock >= lp->taint_min))
            clock = cpu_lp_propagate(lp, decoded(lp, id), clock);
        else
            lp->branch_ready = 0;
        stat += *(const cpu_v4 *)(const void *)b->stat;
        prev = id;
        if (calmable && !(lp->in_flight | lp->tainted))
            break;
    }
    lp->i = i;
    lp->addrs = addrs;
    lp->prev = prev;
    lp->resolved = resolved;
    lp->clock = clock;
    for (unsigned k = 0; k < 4; k++)
        lp->counted[k] += stat[k];
    return i == n;
}

/* ---- nothing in flight ------------------------------------------------------------------------------------------- */

/* The run loop for the common case: no miss in flight, no register that waits for one. Ends where that ends (the
 * general loop goes on from there), at `until`, or with the batch. `*slot` are the accesses of the present block that have been made. */
static G_ALWAYS_INLINE inline void run_calm(cpu_lp *lp, uint64_t until, cpu_shapes shape, bool alone)
{
    cpu_core *core = lp->core;
    const cpu_tables t = cpu_tables_of(lp);
    cpu_tblock *const table = lp->table;
    const uint32_t *id = lp->ids + lp->i, *const end = lp->ids + lp->n;
    const uint64_t *addrs = lp->addrs;
    uint32_t prev = lp->prev;
    const cpu_shares *demands = lp->timing->demand;
    const cpu_tblock *p = &table[prev];
    uint64_t clock = lp->clock;
    cpu_v4 stat = {0, 0, 0, 0};

    do {
        cpu_tblock *b = &table[*id];
        clock = resolve(lp, core, p, (uint32_t)(id - lp->ids), b->addr, lp->counted[0] + stat[0], clock);
        clock = cpu_fetch(lp, b, clock);
        if (G_UNLIKELY(clock >= until)) {
            lp->resolved = true;
            break;
        }
        unsigned slots = b->n_slots;
        if (slots) {
            if (G_UNLIKELY(slots > 32)) {
                lp->resolved = true;
                break;
            }
            const uint64_t room = b->room, *const last = addrs + slots;
            uint32_t stores = b->stores;
            const uint64_t *a = addrs;
            do {
                if (G_UNLIKELY(!cpu_quiet_hit(&t, *a, stores & 1, room, shape)) && !cpu_near_hit(&t, *a, stores & 1, room, shape))
                    clock = access_slow(lp, *id, b, (unsigned)(a - addrs), *a, lp->counted[1] + stat[1], clock);
                stores >>= 1;
            } while (++a != last);
            addrs = last;
        }
        uint32_t cost = b->cost;
        if (G_UNLIKELY(b->pred != prev))
            cost = cpu_lp_edge_cost(lp, prev, *id);
        clock += cost;
        if (!alone) {
            clock += contend(lp, &demands[*id], cost);
            if (G_UNLIKELY(lp->work >= CPU_SMT_WINDOW))
                cpu_lp_settle(lp, clock);
        }
        stat += *(const cpu_v4 *)(const void *)b->stat;
        prev = *id++;
        p = b;
        if (G_UNLIKELY(lp->in_flight)) {
            if (lp->missed)
                clock = cpu_lp_propagate(lp, decoded(lp, prev), clock);
            break;
        }
    } while (id != end && clock < until);
    lp->i = (uint32_t)(id - lp->ids);
    lp->addrs = addrs;
    lp->prev = prev;
    lp->clock = clock;
    for (unsigned k = 0; k < 4; k++)
        lp->counted[k] += stat[k];
}

/* The common machines have loops of their own: out of order, lines of 64 bytes, L1D of eight ways, TLB of four. */
bool cpu_lp_run(cpu_lp *lp, uint64_t until)
{
    if (lp->level)
        return cpu_window_run(lp, until);
    const cpu_core *core = lp->core;
    const cpu_shapes shape = cpu_shapes_of(lp), common = {6, 3, 2};
    bool alone = core->active <= 1, inorder = core->desc->pipeline != CPU_PIPELINE_OOO;
    if (inorder || shape.line != common.line || shape.l1 != common.l1 || shape.tlb != common.tlb)
        return run(lp, until, shape, alone, inorder, false);
    while (lp->i < lp->n && lp->clock < until) {
        bool calm = lp->prev != CPU_NO_BLOCK && !lp->resolved && !(lp->in_flight | lp->tainted | lp->branch_ready);
        if (calm && alone)
            run_calm(lp, until, common, true);
        else if (calm)
            run_calm(lp, until, common, false);
        else if (alone)
            run(lp, until, common, true, false, true);
        else
            run(lp, until, common, false, false, true);
    }
    return lp->i == lp->n;
}

void cpu_lp_start(cpu_lp *lp, cpu_space *space)
{
    lp->space = space;
    lp->timing = &space->timing[lp->core->kind];
    lp->owner_key = (uint64_t)space->owner << CPU_VPN_BITS;
    lp->prev = CPU_NO_BLOCK;
    lp->resolved = false;
    lp->last_line = lp->last_page = UINT64_MAX;
    lp->i = lp->n = 0;
    lp->core->active++;
    lp->started = lp->window = lp->window_before = lp->clock;
    lp->used = lp->used_before = (cpu_shares){0};
    lp->inverse.half[0] = lp->inverse.half[1] = _mm_set1_epi16(1 << CPU_INVERSE_BITS);
    lp->work = 0;
    cpu_lp_sync_timing(lp);
    if (lp->level)
        cpu_window_set_active(lp);
}

void cpu_lp_stop(cpu_lp *lp)
{
    lp->clock = cpu_lp_drain_all(lp, lp->clock);
    lp->busy += lp->clock - lp->started;
    cpu_lp_end_loop(lp);
    lp->prev = CPU_NO_BLOCK;
    lp->space = NULL;
    lp->core->active--;
    if (lp->level)
        cpu_window_set_active(lp);
}

void cpu_lp_feed(cpu_lp *lp, const insn_batch *batch, uint32_t block, uint32_t addr)
{
    lp->ids = batch->blocks;
    lp->addrs_begin = batch->addrs;
    lp->addrs = addr ? batch->addrs + addr : batch->addrs;
    lp->i = lp->redirected = block;
    lp->n = batch->n_blocks;
    cpu_lp_sync_timing(lp);
}

void cpu_lp_position(const cpu_lp *lp, uint32_t *block, uint32_t *addr)
{
    *block = lp->i;
    *addr = (uint32_t)(lp->addrs - lp->addrs_begin);
}
