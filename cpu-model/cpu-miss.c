/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What happens on a miss: the request goes down the hierarchy, joins the flights, and is paid for when the reorder
 * buffer, the store buffer, a dependent access or a mispredicted branch has to wait for it. */
#include "cpu-window.h"

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

/* The reorder buffer or the store buffer is full until then. */
static uint64_t full_until(cpu_lp *lp, const cpu_flights *f, uint64_t clock)
{
    const cpu_flight *head = &f->at[f->head];
    uint64_t stalled = head->complete > clock ? head->complete - clock : 0;
    lp->ev[SIM_EV_STALLS_RESOURCE] += stalled;
    if (f == &lp->stores)
        lp->ev[SIM_EV_STALLS_STORE] += stalled;
    return stall_until(lp, clock, head->complete, head->reason);
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
            clock = full_until(lp, l, clock);
        }
        pop(l);
    }
    while (s->n) {
        const cpu_flight *head = &s->at[s->head];
        if (head->complete > clock) {
            if (s->n < MIN(core->desc->mshrs, CPU_RING - 1))
                break;
            clock = full_until(lp, s, clock);
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
    if (lp->level)
        return cpu_window_drained(lp, clock);
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

uint64_t cpu_lp_address_ready(const cpu_lp *lp, const cpu_block *block, unsigned slot, uint64_t clock)
{
    return deps_ready(lp, &block->addr_deps[slot], clock);
}

static void count_traffic(cpu_lp *lp, const cpu_mem_result *r)
{
    uint64_t *ev = lp->ev;
    ev[SIM_EV_L1D_WRITEBACKS] += r->l1_writeback;
    ev[SIM_EV_L2_WRITEBACKS] += r->l2_writeback;
    ev[SIM_EV_LLC_WRITEBACKS] += r->llc_writeback;
    ev[SIM_EV_MEM_READS] += r->mem_reads;
    ev[SIM_EV_MEM_WRITES] += r->mem_writes;
    ev[SIM_EV_SNOOP_INVALIDATIONS] += r->invalidations;
    ev[SIM_EV_SNOOP_FORWARDS] += r->forwards;
    ev[SIM_EV_PREFETCHES] += r->prefetches;
    ev[SIM_EV_PREFETCH_HITS] += r->prefetch_hits;
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
    count_traffic(lp, r);
    if (r->level == CPU_LEVEL_L2)
        return;
    bool written = store && !load; /* a read-modify-write is a load */
    ev[SIM_EV_L2_MISSES]++;
    ev[SIM_EV_L2_CODE_MISSES] += fetch;
    ev[SIM_EV_LLC_REFERENCES]++;
    ev[SIM_EV_LLC_LOADS] += load;
    ev[SIM_EV_LLC_STORES] += written;
    if (r->level == CPU_LEVEL_MEM) {
        ev[SIM_EV_LLC_MISSES]++;
        ev[SIM_EV_LLC_LOAD_MISSES] += load;
        ev[SIM_EV_LLC_STORE_MISSES] += written;
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
        clock = full_until(lp, f, clock);
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
    lp->missed_at = lp->missed ? lp->missed_at : clock;
    lp->slot_ready[bit] = lp->missed >> bit & 1 ? MAX(lp->slot_ready[bit], complete) : complete;
    lp->missed |= UINT64_C(1) << bit;
    return fly(lp, &lp->loads, complete, reason, clock);
}

/* L1D's prefetchers see an access. */
static void train(cpu_lp *lp, uint64_t ip, uint64_t pa, uint64_t at)
{
    cpu_mem_result r = {0};
    cpu_memory_train_data(lp->core->memory, lp->core->index, ip, pa, at, &r);
    count_traffic(lp, &r);
}

static bool trains(const cpu_lp *lp)
{
    return lp->core->desc->prefetch.l1d != 0;
}

/* What to blame a wait of `cycles` for a line under way on: what the miss noted that asked for it; where a prefetcher did, the level whose latency
 * would be that long. */
static enum sim_emon_event reason_of_flight(const cpu_lp *lp, uint64_t line, uint64_t cycles)
{
    const cpu_core *core = lp->core;
    const cpu_flying *f = &core->mem->flying[line % CPU_L1_FLYING];
    if (f->reason)
        return (enum sim_emon_event)f->reason;
    if (cycles <= core->mem->l2->latency)
        return SIM_EV_STALLS_L2;
    return core->memory->l3 && cycles <= core->memory->packages[core->mem->package].l3.latency ? SIM_EV_STALLS_LLC : SIM_EV_STALLS_MEM;
}

/* The line of an access is in L1D: what a store does to it, and whether it is still on its way. */
typedef struct {
    uint32_t latency;  /* cycles until other cores have given it up */
    uint64_t complete; /* when it arrives, if it is on its way; else 0 */
    bool first;        /* a prefetcher brought it, and this is the first to use it */
} cpu_hit;

/* A store to a line that is shared, or that is written through. */
static G_GNUC_NO_INLINE uint32_t store_beyond(cpu_lp *lp, uint64_t line, uint64_t *word, uint64_t at)
{
    cpu_mem_result r = {0};
    uint32_t cycles = cpu_memory_store(lp->core->memory, lp->core->index, line, word, at, &r);
    count_traffic(lp, &r);
    return cycles;
}

static G_ALWAYS_INLINE inline cpu_hit hit(cpu_lp *lp, uint64_t line, uint64_t *word, bool store, uint64_t at)
{
    cpu_hit h = {0};
    cpu_core *core = lp->core;
    if (store && G_UNLIKELY(*word & CPU_LINE_SHARED || core->mem->l1d.through))
        h.latency = store_beyond(lp, line, word, at);
    else if (store)
        cpu_cache_mark_dirty(&core->mem->l1d, word);
    if (*word & CPU_LINE_PENDING) {
        h.complete = cpu_memory_pending(core->memory, core->index, false, line, word, at, &h.first);
        lp->ev[SIM_EV_PREFETCH_HITS] += h.first;
    }
    return h;
}

/* A store misses a write-through L1D, and the line of it is on its way already: it joins. */
static bool store_joins(const cpu_lp *lp, uint64_t line, bool load, uint64_t at)
{
    const cpu_flying *f = &lp->core->mem->flying[line % CPU_L1_FLYING];
    return lp->core->mem->l1d.through && !load && f->line == line && f->complete > at;
}

/* A line is on its way to L1D until `complete`. */
static void set_pending(cpu_lp *lp, uint64_t line, uint64_t complete, enum sim_emon_event reason)
{
    cpu_mem_core *mem = lp->core->mem;
    uint64_t *word = cpu_cache_set(&mem->l1d, line); /* it has become the most recent of its set */
    if (cpu_line_is(*word, line))
        *word |= CPU_LINE_PENDING;
    mem->flying[line % CPU_L1_FLYING] = (cpu_flying){line, complete, (uint8_t)reason};
}

uint64_t cpu_lp_data_slow(cpu_lp *lp, const cpu_block *block, unsigned slot, uint64_t pa, uint64_t *word, bool load, bool store,
                          uint32_t penalty, uint64_t clock)
{
    cpu_core *core = lp->core;
    uint64_t line = pa >> core->memory->line_shift;
    uint32_t latency = penalty;
    enum sim_emon_event reason = penalty ? SIM_EV_STALLS_TLB : SIM_EV_STALLS_LLC; /* the latter: other cores have to give the line up */
    uint64_t begin = clock, *mshr = NULL;
    if (word) {
        cpu_hit h = hit(lp, line, word, store, clock);
        latency += h.latency;
        if (h.first)
            train(lp, block->facts.addr + slot, pa, clock);
        if (load && h.complete)
            return cpu_lp_join(lp, slot, line, h.complete + (uint64_t)latency * CPU_SUB, clock);
        if (latency == 0)
            return clock;
        begin = deps_ready(lp, &block->addr_deps[slot], clock);
    } else {
        if (store_joins(lp, line, load, clock))
            return clock;
        cpu_memory_prefetch(core->memory, core->mem, line);
        begin = deps_ready(lp, &block->addr_deps[slot], clock);
        mshr = cpu_mshr_take(&core->mem->mshrs, &begin);
        cpu_mem_result r;
        cpu_memory_miss(core->memory, core->index, line, store, false, begin, &r);
        count_miss(lp, &r, load, store, false);
        if (load && core->desc->replay && core->active > 1)
            cpu_lp_replay(lp, r.latency);
        latency += r.latency;
        reason = penalty > r.latency ? SIM_EV_STALLS_TLB : reason_of(r.level);
    }
    uint64_t complete = begin + (uint64_t)(core->desc->l1d.latency + latency) * CPU_SUB;
    set_pending(lp, line, complete, reason);
    if (mshr) {
        *mshr = complete;
        if (trains(lp))
            train(lp, block->facts.addr + slot, pa, begin);
    }
    return load ? load_waits(lp, slot, complete, reason, clock) : fly(lp, &lp->stores, complete, reason, clock);
}

uint64_t cpu_lp_data_latency(cpu_lp *lp, uint64_t ip, uint64_t pa, bool load, bool store, uint32_t penalty, uint64_t at, enum sim_emon_event *reason)
{
    cpu_core *core = lp->core;
    uint64_t line = pa >> core->memory->line_shift, extra = penalty, begin = at;
    uint64_t *word = cpu_cache_touch(&core->mem->l1d, line);
    *reason = SIM_EV_STALLS_TLB;
    if (word) {
        uint64_t arrives = at + (uint64_t)core->desc->l1d.latency * CPU_SUB;
        cpu_hit h = hit(lp, line, word, store, arrives);
        if (h.first)
            train(lp, ip, pa, at);
        if (!h.complete)
            return extra + h.latency;
        lp->ev[SIM_EV_L1D_PENDING_HITS] += load;
        *reason = reason_of_flight(lp, line, (h.complete - arrives) >> CPU_SUB_BITS);
        return MAX(extra + h.latency, (h.complete - arrives) >> CPU_SUB_BITS);
    }
    if (store_joins(lp, line, load, at))
        return extra;
    uint64_t *mshr = cpu_mshr_take(&core->mem->mshrs, &begin);
    cpu_mem_result r;
    cpu_memory_miss(core->memory, core->index, line, store, false, begin, &r);
    count_miss(lp, &r, load, store, false);
    if (r.latency >= penalty)
        *reason = reason_of(r.level);
    extra += r.latency;
    *mshr = begin + (uint64_t)(core->desc->l1d.latency + extra) * CPU_SUB;
    set_pending(lp, line, *mshr, *reason);
    if (trains(lp))
        train(lp, ip, pa, begin);
    return extra + ((begin - at) >> CPU_SUB_BITS);
}

uint64_t cpu_lp_join(cpu_lp *lp, unsigned slot, uint64_t line, uint64_t complete, uint64_t clock)
{
    lp->ev[SIM_EV_L1D_PENDING_HITS]++;
    return load_waits(lp, slot, complete, reason_of_flight(lp, line, (complete - clock) >> CPU_SUB_BITS), clock);
}

/* The walk for a translation that no TLB had: cycles. */
static uint32_t page_walk(cpu_lp *lp, uint64_t key, cpu_translation what, uint64_t at)
{
    static const enum sim_emon_event walks[] = {SIM_EV_DTLB_MISSES, SIM_EV_DTLB_STORE_MISSES, SIM_EV_ITLB_MISSES};
    static const enum sim_emon_event cycles_of[] = {SIM_EV_DTLB_WALK_CYCLES, SIM_EV_DTLB_STORE_WALK_CYCLES, SIM_EV_ITLB_WALK_CYCLES};
    cpu_core *core = lp->core;
    uint32_t cycles = core->desc->page_walk;
    if (core->desc->walk.enabled) {
        cpu_mem_result r;
        cycles = cpu_memory_walk(core->memory, core->index, key, at, &r);
        count_traffic(lp, &r);
    }
    lp->ev[walks[what]]++;
    lp->ev[cycles_of[what]] += cycles;
    return cycles;
}

/* The second level keeps a page of 2 MiB as one entry; the first level keeps it in pieces of 4 KiB. */
static cpu_tlb_entry *stlb_touch(cpu_core *core, uint64_t key, unsigned large)
{
    return cpu_tlb_touch_outer(&core->stlb, (key & ~CPU_VPN_MASK) | (key & CPU_VPN_MASK) >> large);
}

static void stlb_fill(cpu_core *core, uint64_t key, unsigned large, uint64_t pa)
{
    unsigned shift = CPU_PAGE_SHIFT + large;
    cpu_tlb_fill_outer(&core->stlb, (key & ~CPU_VPN_MASK) | (key & CPU_VPN_MASK) >> large, pa >> shift << shift);
}

uint64_t cpu_lp_translate_slow(cpu_lp *lp, cpu_tlb *tlb, uint64_t key, cpu_translation what, uint64_t at, uint32_t *penalty)
{
    static const enum sim_emon_event hits[] = {SIM_EV_DTLB_STLB_HITS, SIM_EV_DTLB_STORE_STLB_HITS, SIM_EV_ITLB_STLB_HITS};
    cpu_core *core = lp->core;
    cpu_tlb_entry *e = cpu_tlb_touch(tlb, key);
    if (e)
        return e->pa;
    unsigned large = core->memory->desc->page_size > 4096 ? CPU_LARGE_SHIFT : 0;
    cpu_tlb_entry *second = stlb_touch(core, key, large);
    uint64_t pa;
    if (second) {
        pa = second->pa + ((key & ((1u << large) - 1)) << CPU_PAGE_SHIFT);
        *penalty += core->desc->stlb_hit;
        lp->ev[hits[what]]++;
    } else {
        pa = cpu_memory_page(core->memory, key);
        *penalty += page_walk(lp, key, what, at);
        stlb_fill(core, key, large, pa);
    }
    cpu_tlb_fill(tlb, key, pa);
    return pa;
}

/* L1I has a line that a prefetcher brought, or whose first hit its policy wants to see. */
static uint64_t fetch_pending(cpu_lp *lp, uint64_t line, uint64_t *word, uint64_t clock)
{
    cpu_core *core = lp->core;
    bool first;
    uint64_t complete = cpu_memory_pending(core->memory, core->index, true, line, word, clock, &first);
    lp->ev[SIM_EV_PREFETCH_HITS] += first;
    if (first) {
        cpu_mem_result r = {0};
        cpu_memory_train_fetch(core->memory, core->index, line, clock, &r);
        count_traffic(lp, &r);
    }
    return stall_until(lp, clock, complete, SIM_EV_STALLS_ICACHE);
}

static uint64_t fetch_line(cpu_lp *lp, uint64_t line, uint64_t clock)
{
    cpu_core *core = lp->core;
    if (line == lp->last_line)
        return clock;
    clock = cpu_lp_next_line(lp, line, clock);
    lp->ev[SIM_EV_L1I_LOADS]++;
    uint64_t *word = cpu_cache_touch(&core->mem->l1i, line);
    if (word)
        return *word & CPU_LINE_PENDING ? fetch_pending(lp, line, word, clock) : clock;
    cpu_mem_result r;
    cpu_memory_miss(core->memory, core->index, line, false, true, clock, &r);
    if (core->desc->prefetch.l1i)
        cpu_memory_train_fetch(core->memory, core->index, line, clock, &r);
    count_miss(lp, &r, false, false, true);
    return stall_until(lp, clock, clock + (uint64_t)r.latency * CPU_SUB, SIM_EV_STALLS_ICACHE);
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
            uint64_t pa = cpu_lp_translate_slow(lp, &core->itlb, key, CPU_FOR_FETCH, clock, &penalty);
            lp->last_page = page;
            line = (pa >> shift) + ((va >> shift) & (page_lines - 1));
            clock = stall_until(lp, clock, clock + (uint64_t)penalty * CPU_SUB, SIM_EV_STALLS_ITLB);
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

/* In-order cores: how much longer the block takes where it uses what its own loads missed, 1/64 cycles. What each load takes counts from when its
 * address is there. */
static uint64_t inorder_delay(const cpu_lp *lp, const cpu_block *block)
{
    const cpu_core_desc *core = lp->core->desc;
    uint32_t extra[CPU_INORDER_SLOTS] = {0};
    G_STATIC_ASSERT((int)CPU_INORDER_SLOTS == (int)CPU_SLOT_READY);
    for (uint64_t m = lp->missed; m; m &= m - 1) {
        unsigned slot = (unsigned)__builtin_ctzll(m);
        uint64_t begin = lp->missed_at;
        for (uint64_t d = block->addr_deps[slot].slots & lp->missed & ((UINT64_C(1) << slot) - 1); d; d &= d - 1)
            begin = MAX(begin, lp->slot_ready[__builtin_ctzll(d)]);
        uint64_t hit = begin + (uint64_t)core->l1d.latency * CPU_SUB;
        extra[slot] = lp->slot_ready[slot] > hit ? (uint32_t)MIN((lp->slot_ready[slot] - hit) >> CPU_SUB_BITS, UINT32_MAX) : 0;
    }
    return cpu_inorder_delay(core, lp->timing->code[block->facts.id]->inorder, extra) << CPU_SUB_BITS;
}

uint64_t cpu_lp_propagate(cpu_lp *lp, const cpu_block *block, uint64_t clock)
{
    if (lp->core->desc->pipeline != CPU_PIPELINE_OOO && block->slots_used & lp->missed) {
        unsigned reason = lp->loads.n ? lp->loads.at[(lp->loads.head + lp->loads.n - 1) % CPU_RING].reason : SIM_EV_STALLS_MEM;
        clock = stall_until(lp, clock, clock + inorder_delay(lp, block), reason);
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
