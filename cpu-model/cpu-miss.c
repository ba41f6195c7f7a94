/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What happens on a miss: the request goes down the hierarchy, joins the flights, and is paid for when the reorder
 * buffer, the store buffer, a dependent access or a mispredicted branch has to wait for it. */
#include "cpu-lp.h"

static void push(cpu_flights *f, uint64_t complete, uint64_t position, enum sim_emon_event reason)
{
    f->at[(f->head + f->n++) % CPU_RING] = (cpu_flight){complete, position, (uint8_t)reason};
}

static uint64_t stall_until(cpu_lp *lp, uint64_t clock, uint64_t until, unsigned reason)
{
    if (until <= clock)
        return clock;
    lp->ev[reason] += until - clock;
    return until;
}

static void pop(cpu_flights *f)
{
    f->head = (f->head + 1) % CPU_RING;
    f->n--;
}

uint64_t cpu_lp_drain(cpu_lp *lp, uint64_t position, uint64_t clock)
{
    const cpu_core *core = lp->core;
    uint32_t rob = core->desc->rob / MAX(core->active, 1u); /* partitioned among active LPs */
    cpu_flights *l = &lp->loads, *s = &lp->stores;
    while (l->n) {
        const cpu_flight *head = &l->at[l->head];
        if (head->complete > clock) {
            if (position - head->position < rob && l->n < CPU_RING - 1)
                break;
            clock = stall_until(lp, clock, head->complete, head->reason);
        }
        pop(l);
    }
    while (s->n) {
        const cpu_flight *head = &s->at[s->head];
        if (head->complete > clock) {
            if (s->n < MIN(core->desc->mshrs, CPU_RING - 1))
                break;
            clock = stall_until(lp, clock, head->complete, head->reason);
        }
        pop(s);
    }
    lp->in_flight = l->n + s->n;
    lp->drain_clock = MIN(l->n ? l->at[l->head].complete : UINT64_MAX, s->n ? s->at[s->head].complete : UINT64_MAX);
    lp->drain_position = l->n ? l->at[l->head].position + rob : UINT64_MAX;
    return clock;
}

uint64_t cpu_lp_drain_all(cpu_lp *lp, uint64_t clock)
{
    for (; lp->loads.n; pop(&lp->loads))
        clock = stall_until(lp, clock, lp->loads.at[lp->loads.head].complete, lp->loads.at[lp->loads.head].reason);
    for (; lp->stores.n; pop(&lp->stores))
        clock = stall_until(lp, clock, lp->stores.at[lp->stores.head].complete, lp->stores.at[lp->stores.head].reason);
    lp->in_flight = 0;
    lp->tainted = lp->missed = 0;
    lp->branch_ready = 0;
    return clock;
}

/* When everything that `deps` names is there. */
static inline uint64_t deps_ready(const cpu_lp *lp, const cpu_deps *deps, uint64_t least)
{
    uint64_t regs = deps->regs & lp->tainted, slots = deps->slots & lp->missed;
    if (!(regs | slots))
        return least;
    for (uint64_t m = regs; m; m &= m - 1)
        least = MAX(least, lp->taint[__builtin_ctzll(m)] + (uint64_t)deps->reg_cycles * CPU_SUB);
    for (uint64_t m = slots; m; m &= m - 1)
        least = MAX(least, lp->slot_ready[__builtin_ctzll(m)] + (uint64_t)deps->slot_cycles * CPU_SUB);
    return least;
}

/* The MSHR that is free first. */
static unsigned next_mshr(const cpu_lp *lp)
{
    unsigned first = 0;
    for (unsigned k = 1; k < lp->core->desc->mshrs; k++)
        if (lp->mshr_free[k] < lp->mshr_free[first])
            first = k;
    return first;
}

static void count_miss(cpu_lp *lp, const cpu_mem_result *r, bool load, bool store, bool fetch)
{
    uint64_t *ev = lp->ev;
    if (fetch)
        ev[SIM_EV_L1I_MISSES]++;
    else if (load)
        ev[SIM_EV_L1D_LOAD_MISSES]++;
    else if (store)
        ev[SIM_EV_L1D_STORE_MISSES]++;
    ev[SIM_EV_L2_REFERENCES]++;
    ev[SIM_EV_L1D_WRITEBACKS] += r->l1_writeback;
    ev[SIM_EV_L2_WRITEBACKS] += r->l2_writeback;
    ev[SIM_EV_LLC_WRITEBACKS] += r->llc_writeback;
    ev[SIM_EV_MEM_READS] += r->mem_reads;
    ev[SIM_EV_MEM_WRITES] += r->mem_writes;
    if (r->level == CPU_LEVEL_L2)
        return;
    ev[SIM_EV_L2_MISSES]++;
    ev[SIM_EV_LLC_REFERENCES]++;
    ev[SIM_EV_LLC_LOADS] += load;
    if (r->level == CPU_LEVEL_MEM) {
        ev[SIM_EV_LLC_MISSES]++;
        ev[SIM_EV_LLC_LOAD_MISSES] += load;
    }
}

static enum sim_emon_event reason_of(cpu_level level)
{
    return level == CPU_LEVEL_L2 ? SIM_EV_STALLS_L2 : level == CPU_LEVEL_LLC ? SIM_EV_STALLS_LLC : SIM_EV_STALLS_MEM;
}

/* One more in flight; stalls where the ring is full. */
static uint64_t fly(cpu_lp *lp, cpu_flights *f, uint64_t complete, enum sim_emon_event reason, uint64_t clock)
{
    if (f->n == CPU_RING - 1) {
        clock = stall_until(lp, clock, f->at[f->head].complete, f->at[f->head].reason);
        pop(f);
    }
    push(f, complete, lp->counted[1], reason);
    lp->drain_clock = 0;
    lp->in_flight = lp->loads.n + lp->stores.n;
    return clock;
}

/* The load of a slot has its value at `complete`. */
static uint64_t load_waits(cpu_lp *lp, unsigned slot, uint64_t complete, enum sim_emon_event reason, uint64_t clock)
{
    unsigned bit = MIN(slot, 63u);
    lp->slot_ready[bit] = lp->missed >> bit & 1 ? MAX(lp->slot_ready[bit], complete) : complete;
    lp->missed |= UINT64_C(1) << bit;
    return fly(lp, &lp->loads, complete, reason, clock);
}

/* Whether another LP of the core has the line in its table of those under way. */
static bool siblings_wait(const cpu_lp *lp, uint64_t line)
{
    const cpu_core *core = lp->core;
    for (unsigned t = 0; t < core->desc->threads; t++) {
        const cpu_lp *other = &core->lps[t];
        const cpu_pending *p = &other->pending[line % CPU_PENDING];
        if (other != lp && other->in_flight && p->line == line && p->complete > other->clock)
            return true;
    }
    return false;
}

uint64_t cpu_lp_data_slow(cpu_lp *lp, const cpu_block *block, unsigned slot, uint64_t line, bool load, bool store,
                          uint32_t penalty, uint64_t clock)
{
    cpu_core *core = lp->core;
    uint64_t *word = cpu_cache_touch(&core->mem->l1d, line);
    uint32_t latency = penalty;
    enum sim_emon_event reason = SIM_EV_STALLS_TLB;
    uint64_t begin = clock;
    if (word) {
        if (store) {
            if (*word & CPU_LINE_SHARED)
                latency += cpu_memory_upgrade(core->memory, core->index, line, word);
            cpu_cache_mark_dirty(&core->mem->l1d, word);
        }
        if (*word & CPU_LINE_PENDING) {
            const cpu_pending *p = &lp->pending[line % CPU_PENDING];
            bool on_its_way = lp->in_flight && p->line == line && p->complete > clock;
            if (load && on_its_way)
                return cpu_lp_join(lp, slot, p->complete + (uint64_t)latency * CPU_SUB, clock);
            if (!on_its_way && !siblings_wait(lp, line))
                *word &= ~(uint64_t)CPU_LINE_PENDING;
        }
        if (latency == 0)
            return clock;
        begin = deps_ready(lp, &block->addr_deps[slot], clock);
    } else {
        cpu_memory_prefetch(core->memory, core->mem, line);
        unsigned mshr = next_mshr(lp);
        begin = MAX(lp->mshr_free[mshr], deps_ready(lp, &block->addr_deps[slot], clock));
        cpu_mem_result r;
        cpu_memory_miss(core->memory, core->index, line, store, false, begin, &r);
        count_miss(lp, &r, load, store, false);
        latency += r.latency;
        reason = penalty > r.latency ? SIM_EV_STALLS_TLB : reason_of(r.level);
        lp->mshr_free[mshr] = begin + (uint64_t)(core->desc->l1d.latency + latency) * CPU_SUB;
    }
    uint64_t complete = begin + (uint64_t)(core->desc->l1d.latency + latency) * CPU_SUB;
    *cpu_cache_set(&core->mem->l1d, line) |= CPU_LINE_PENDING; /* it has become the most recent of its set */
    lp->pending[line % CPU_PENDING] = (cpu_pending){line, complete};
    return load ? load_waits(lp, slot, complete, reason, clock) : fly(lp, &lp->stores, complete, reason, clock);
}

uint64_t cpu_lp_join(cpu_lp *lp, unsigned slot, uint64_t complete, uint64_t clock)
{
    const cpu_flights *l = &lp->loads;
    unsigned reason = l->n ? l->at[(l->head + l->n - 1) % CPU_RING].reason : SIM_EV_STALLS_MEM;
    return load_waits(lp, slot, complete, (enum sim_emon_event)reason, clock);
}

uint64_t cpu_lp_translate_slow(cpu_lp *lp, cpu_tlb *tlb, uint64_t key, bool fetch, uint32_t *penalty)
{
    cpu_core *core = lp->core;
    cpu_tlb_entry *e = cpu_tlb_touch(tlb, key);
    if (e)
        return e->pa;
    cpu_tlb_entry *second = core->stlb.count ? cpu_tlb_touch(&core->stlb, key) : NULL;
    uint64_t pa;
    if (second) {
        pa = second->pa;
        *penalty += core->desc->stlb_hit;
        lp->ev[SIM_EV_DTLB_STLB_HITS] += !fetch;
    } else {
        pa = cpu_memory_page(core->memory, key);
        *penalty += core->desc->page_walk;
        lp->ev[fetch ? SIM_EV_ITLB_MISSES : SIM_EV_DTLB_MISSES]++;
        if (core->stlb.count)
            cpu_tlb_fill(&core->stlb, key, pa);
    }
    cpu_tlb_fill(tlb, key, pa);
    return pa;
}

static uint64_t fetch_line(cpu_lp *lp, uint64_t line, uint64_t clock)
{
    cpu_core *core = lp->core;
    if (line == lp->last_line)
        return clock;
    lp->last_line = line;
    lp->ev[SIM_EV_L1I_LOADS]++;
    if (cpu_cache_touch(&core->mem->l1i, line))
        return clock;
    cpu_mem_result r;
    cpu_memory_miss(core->memory, core->index, line, false, true, clock, &r);
    count_miss(lp, &r, false, false, true);
    return stall_until(lp, clock, clock + (uint64_t)r.latency * CPU_SUB, SIM_EV_STALLS_FRONTEND);
}

uint64_t cpu_lp_fetch_slow(cpu_lp *lp, const cpu_tblock *b, uint64_t clock)
{
    cpu_core *core = lp->core;
    unsigned shift = core->memory->line_shift;
    uint64_t page_lines = (UINT64_C(1) << CPU_PAGE_SHIFT) >> shift;
    uint64_t line = b->line;
    uint64_t va = b->addr & ~((UINT64_C(1) << shift) - 1);
    if (b->n_lines != CPU_LINES_SLOW) { /* lines fetched already, from the first on, need not be fetched again */
        uint64_t done = lp->last_line - line;
        if (done < b->n_lines) {
            line += done;
            va += done << shift;
        }
    }
    for (; va < b->fall || va == b->addr; va += UINT64_C(1) << shift, line++) {
        uint64_t page = va >> CPU_PAGE_SHIFT;
        if (page != lp->last_page) {
            uint64_t key = lp->owner_key | (page & CPU_VPN_MASK);
            uint32_t penalty = 0;
            lp->ev[SIM_EV_ITLB_LOADS]++;
            uint64_t pa = cpu_lp_translate_slow(lp, &core->itlb, key, true, &penalty);
            lp->last_page = page;
            line = (pa >> shift) + ((va >> shift) & (page_lines - 1));
            clock = stall_until(lp, clock, clock + (uint64_t)penalty * CPU_SUB, SIM_EV_STALLS_FRONTEND);
        }
        clock = fetch_line(lp, line, clock);
    }
    return clock;
}

uint64_t cpu_lp_use_stall(cpu_lp *lp, const cpu_block *block, uint64_t clock)
{
    uint64_t until = clock;
    for (uint64_t m = block->reads & lp->tainted; m; m &= m - 1)
        until = MAX(until, lp->taint[__builtin_ctzll(m)]);
    return stall_until(lp, clock, until, lp->loads.n ? lp->loads.at[lp->loads.head].reason : SIM_EV_STALLS_MEM);
}

uint64_t cpu_lp_propagate(cpu_lp *lp, const cpu_block *block, uint64_t clock)
{
    if (lp->core->desc->pipeline == CPU_PIPELINE_INORDER && block->slots_used & lp->missed) {
        cpu_deps used = {.slots = block->slots_used};
        unsigned reason = lp->loads.n ? lp->loads.at[(lp->loads.head + lp->loads.n - 1) % CPU_RING].reason : SIM_EV_STALLS_MEM;
        clock = stall_until(lp, clock, deps_ready(lp, &used, clock), reason);
    }
    uint64_t branch = block->branch != CPU_BR_NONE ? deps_ready(lp, &block->branch_deps, 0) : 0;
    lp->branch_ready = branch > clock ? branch : 0;
    /* What the block writes waits for what it was made of; computed before any of it is noted, as inputs may be outputs. */
    struct {
        uint64_t at;
        uint8_t reg;
    } waits[CPU_REG_ARCH];
    unsigned n = 0;
    const uint64_t tainted = lp->tainted, missed = lp->missed;
    for (unsigned i = 0; i < block->n_written; i++) {
        const cpu_deps *d = &block->written_deps[i];
        if (!((d->regs & tainted) | (d->slots & missed)))
            continue;
        waits[n].at = deps_ready(lp, d, 0);
        waits[n].reg = block->written[i];
        n += waits[n].at > clock;
    }
    lp->tainted &= ~block->writes;
    for (uint64_t m = lp->tainted; m; m &= m - 1) {
        unsigned r = (unsigned)__builtin_ctzll(m);
        if (lp->taint[r] <= clock)
            lp->tainted &= ~(UINT64_C(1) << r);
    }
    while (n--) {
        lp->taint[waits[n].reg] = waits[n].at;
        lp->tainted |= UINT64_C(1) << waits[n].reg;
    }
    lp->taint_min = UINT64_MAX;
    for (uint64_t m = lp->tainted; m; m &= m - 1)
        lp->taint_min = MIN(lp->taint_min, lp->taint[__builtin_ctzll(m)]);
    lp->missed = 0;
    return clock;
}
