/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The local clock of an out-of-order core is that of retirement: a block has passed when its last micro-op has retired; of an in-order one that of
 * issue. A branch is resolved when its micro-op has executed; after a misprediction the next block comes from there on. A load looks its line up when
 * it issues, a store when it retires; accesses reach the caches in program order.
 *
 * Stalls are told apart by blame: time that a block took beyond what its micro-ops need at full width is put down to the miss under way that completes
 * last, then to a redirected or starved front end; what is left is the pipeline's own (dependences, ports). */
#include "cpu-window.h"

#include "cpu-access.h"
#include "cpu-branch.h"
#include "cpu-inorder-run.h"
#include "cpu-ooo-run.h"

struct cpu_window {
    cpu_ooo *ooo;         /* out of order ... */
    cpu_inorder *inorder; /* ... or in order: one of them */
    uint64_t clock;       /* the LP's when the pipe last ran: if it has moved since, the front end begins anew */
    uint64_t front;       /* rename or issue of the last block, cycles */
    uint64_t resolved;    /* when the last block's branch was, cycles */
    uint64_t missed;      /* clock when the last of the misses under way completes ... */
    unsigned reason;      /* ... and SIM_EV_STALLS_* */
};

/* What the accesses of the present block are about. */
typedef struct {
    cpu_lp *lp;
    cpu_tables tables;
    const uint64_t *addrs;
    const insn_access *slots;
    uint64_t ip;       /* names the block */
    uint64_t room;
} window_block;

cpu_window *cpu_window_new(cpu_lp *lp)
{
    cpu_window *w = g_new0(cpu_window, 1);
    if (lp->core->desc->pipeline == CPU_PIPELINE_OOO)
        w->ooo = cpu_ooo_new(lp->core->desc, (unsigned)(lp - lp->core->lps));
    else
        w->inorder = cpu_inorder_new(lp->core->desc);
    return w;
}

void cpu_window_free(cpu_window *w)
{
    if (!w)
        return;
    g_free(w->ooo);
    if (w->inorder)
        cpu_inorder_free(w->inorder);
    g_free(w);
}

void *cpu_window_shared_new(const cpu_core_desc *core)
{
    if (core->pipeline == CPU_PIPELINE_OOO)
        return cpu_ooo_shared_new();
    cpu_inorder_shared *shared = g_new(cpu_inorder_shared, 1);
    cpu_inorder_shared_init(shared);
    return shared;
}

static uint64_t cycles_of(uint64_t clock)
{
    return (clock + CPU_SUB - 1) >> CPU_SUB_BITS;
}

void cpu_window_set_active(cpu_lp *lp)
{
    if (!lp->level->ooo)
        return;
    uint32_t active = 0;
    for (unsigned t = 0; t < lp->core->desc->threads; t++)
        active |= (lp->core->lps[t].space ? 1u : 0u) << t;
    for (unsigned t = 0; t < lp->core->desc->threads; t++)
        cpu_ooo_set_active(lp->core->lps[t].level->ooo, lp->core->engine, active);
}

uint64_t cpu_window_drained(const cpu_lp *lp, uint64_t clock)
{
    const cpu_window *w = lp->level;
    return MAX(clock, (w->ooo ? cpu_ooo_drained(w->ooo) : cpu_inorder_drained(w->inorder)) << CPU_SUB_BITS);
}

unsigned cpu_window_rob_fill(const cpu_lp *lp)
{
    const cpu_ooo *o = lp->level->ooo;
    return o ? cpu_ooo_rob_fill(o, MAX(cycles_of(lp->clock), o->hot.cycle)) : 0;
}

/* ---- accesses ------------------------------------------------------------------------------------------------------ */

/* A load that missed is issued again every `replay` cycles, with what depends on it: the ports are taken. */
static void replay(cpu_lp *lp, uint64_t at, uint64_t cycles)
{
    const cpu_core_desc *k = lp->core->desc;
    cpu_ooo_shared *s = lp->core->engine;
    for (uint64_t again = at + k->replay; again < at + MIN(cycles, CPU_OOO_HORIZON / 2 - 64) && again + 8 < s->horizon; again += k->replay) {
        cpu_ooo_take(at, s, lp->core->ports[CPU_RES_LOAD], again);
        for (unsigned i = 0; i < CPU_REPLAY_DEPENDENTS; i++)
            cpu_ooo_take(at, s, lp->core->ports[CPU_RES_ALU], again + 1);
    }
}

/* One line: the cycles beyond an L1D hit. */
static uint64_t access_line(window_block *b, unsigned slot, uint64_t va, bool load, bool store, uint64_t at)
{
    cpu_lp *lp = b->lp;
    uint64_t key = lp->owner_key | (va >> CPU_PAGE_SHIFT & CPU_VPN_MASK);
    const cpu_tlb_entry *e = lp->core->dtlb.entries + ((key & lp->core->dtlb.set_mask) << lp->core->dtlb.way_shift);
    uint32_t penalty = 0;
    uint64_t pa = e->key == key ? e->pa : cpu_lp_translate_slow(lp, &lp->core->dtlb, key, load ? CPU_FOR_LOAD : CPU_FOR_STORE, at << CPU_SUB_BITS, &penalty);
    pa |= va & ((1u << CPU_PAGE_SHIFT) - 1);
    enum sim_emon_event reason;
    uint64_t extra = cpu_lp_data_latency(lp, b->ip + slot, pa, load, store, penalty, at << CPU_SUB_BITS, &reason);
    if (load && extra && lp->core->desc->replay && lp->level->ooo && lp->core->active > 1)
        replay(lp, at, extra);
    uint64_t complete = (at + extra) << CPU_SUB_BITS;
    if (load && extra && complete > lp->level->missed) {
        lp->level->missed = complete;
        lp->level->reason = reason;
    }
    return extra;
}

static G_GNUC_NO_INLINE uint64_t access_slow(window_block *b, unsigned slot, uint64_t at)
{
    uint64_t va = b->addrs[slot], line_bytes = UINT64_C(1) << b->lp->core->memory->line_shift;
    const insn_access *a = &b->slots[slot];
    bool load = a->flags & INSN_ACCESS_LOAD, store = a->flags & INSN_ACCESS_STORE;
    uint64_t extra = access_line(b, slot, va, load, store, at);
    for (uint64_t next = (va | (line_bytes - 1)) + 1; next < va + a->size; next += line_bytes)
        extra = MAX(extra, access_line(b, slot, next, load, store, at) + 1);
    return extra;
}

/* The pipeline's hook. The store half of a read-modify-write was made with its load. */
static inline uint64_t access_hook(void *data, int slot, bool is_store, uint64_t at)
{
    window_block *b = data;
    unsigned flags = b->slots[slot].flags;
    if (is_store && flags & INSN_ACCESS_LOAD)
        return 0;
    static const cpu_shapes common = {6, 3, 2};
    if (G_LIKELY(cpu_quiet_hit(&b->tables, b->addrs[slot], flags & INSN_ACCESS_STORE, b->room, common)))
        return 0;
    return access_slow(b, (unsigned)slot, at);
}

static inline uint64_t access_hook_any(void *data, int slot, bool is_store, uint64_t at)
{
    window_block *b = data;
    return is_store && b->slots[slot].flags & INSN_ACCESS_LOAD ? 0 : access_slow(b, (unsigned)slot, at);
}

/* ---- the loop -------------------------------------------------------------------------------------------------------- */

/* What comes next enters the back end at cycle `at` at the earliest. */
static void restart(cpu_window *w, uint64_t at)
{
    if (w->ooo)
        cpu_ooo_restart(w->ooo, at);
    else
        cpu_inorder_restart(w->inorder, at);
    w->front = MAX(w->front, at);
}

/* Resolves the branch of block `p`, now that the next begins at `next`; returns the cycle before which nothing can be renamed (0: no matter), and what
 * to blame that on. */
static G_ALWAYS_INLINE inline uint64_t redirect(cpu_lp *lp, const cpu_tblock *p, uint64_t next, unsigned *reason)
{
    const cpu_window *w = lp->level;
    cpu_branch_outcome out = cpu_lp_branch(lp, lp->core, p, next, lp->counted[0]);
    if (G_LIKELY(out == 0))
        return 0;
    *reason = (out & 3) == CPU_REDIRECT_EXECUTE ? SIM_EV_STALLS_BRANCH : SIM_EV_STALLS_BTB;
    if ((out & 3) == CPU_REDIRECT_EXECUTE && w->ooo && lp->core->active > 1)
        cpu_ooo_wrong_path(w->ooo, lp->core->engine, lp->timing->code[lp->prev]->ooo, w->resolved);
    return ((out & 3) == CPU_REDIRECT_EXECUTE ? w->resolved : w->front) + (out >> 2);
}

/* Tells what a block waited for that moved the clock from `from` to `to`: see above. `front` are 1/64 cycles that the front end came late, for `reason`. */
static void blame(cpu_lp *lp, const cpu_tblock *b, uint64_t from, uint64_t to, uint64_t front, unsigned reason)
{
    const cpu_window *w = lp->level;
    uint64_t base = ((uint64_t)b->stat[1] << CPU_SUB_BITS) / lp->core->desc->dispatch_width;
    if (to - from <= base)
        return;
    uint64_t rest = to - from - base, memory = MIN(rest, w->missed > from ? w->missed - from : 0);
    lp->ev[w->reason] += memory;
    lp->ev[reason] += MIN(rest - memory, front);
}

typedef uint64_t (*window_hook)(void *data, int slot, bool is_store, uint64_t at);

/* Runs a block; returns the clock when it has passed. */
static G_ALWAYS_INLINE inline uint64_t run_block(cpu_lp *lp, uint32_t id, const cpu_tblock *b, uint64_t deliver, bool ooo, window_hook hook, window_block *x)
{
    cpu_window *w = lp->level;
    if (ooo) {
        if (G_UNLIKELY(deliver))
            cpu_ooo_restart(w->ooo, deliver);
        cpu_ooo_times t = cpu_ooo_block(w->ooo, lp->core->engine, lp->timing->code[id]->ooo, x->addrs, x->slots, hook, x);
        w->resolved = t.resolved;
        w->front = t.renamed;
        return t.retired << CPU_SUB_BITS;
    }
    cpu_inorder_times t = cpu_inorder_block(w->inorder, lp->core->engine, lp->timing->code[id]->inorder, b->addr, deliver, hook, x);
    w->resolved = t.resolved;
    w->front = t.issued;
    return t.issued << CPU_SUB_BITS;
}

static G_ALWAYS_INLINE inline bool run(cpu_lp *lp, uint64_t until, bool ooo, window_hook hook)
{
    cpu_window *w = lp->level;
    window_block x = {.lp = lp, .tables = cpu_tables_of(lp)};
    uint64_t clock = lp->clock;
    if (clock != w->clock)
        restart(w, cycles_of(clock));
    while (lp->i < lp->n && clock < until) {
        uint32_t id = lp->ids[lp->i++];
        const cpu_tblock *b = &lp->table[id];
        uint64_t deliver = 0, waited = 0;
        unsigned reason = SIM_EV_STALLS_BRANCH;
        if (G_LIKELY(lp->prev != CPU_NO_BLOCK)) {
            uint64_t at = redirect(lp, &lp->table[lp->prev], b->addr, &reason);
            if (G_UNLIKELY(at)) {
                restart(w, at);
                waited = at << CPU_SUB_BITS;
            }
        }
        uint64_t icache = lp->ev[SIM_EV_STALLS_ICACHE], itlb = lp->ev[SIM_EV_STALLS_ITLB];
        uint64_t front = w->front << CPU_SUB_BITS, fetched = cpu_fetch(lp, b, front);
        if (G_UNLIKELY(fetched != front)) { /* what of it costs time is seen afterwards */
            deliver = cycles_of(fetched);
            reason = lp->ev[SIM_EV_STALLS_ICACHE] - icache >= lp->ev[SIM_EV_STALLS_ITLB] - itlb ? SIM_EV_STALLS_ICACHE : SIM_EV_STALLS_ITLB;
            lp->ev[SIM_EV_STALLS_ICACHE] = icache;
            lp->ev[SIM_EV_STALLS_ITLB] = itlb;
            waited = fetched;
        }
        x.addrs = lp->addrs;
        x.slots = lp->timing->decoded[id]->slots;
        x.ip = b->addr;
        x.room = b->room;
        uint64_t passed = run_block(lp, id, b, deliver, ooo, hook, &x);
        passed = MAX(passed, clock);
        if (G_UNLIKELY(waited || w->missed > clock))
            blame(lp, b, clock, passed, waited > clock ? waited - clock : 0, reason);
        clock = passed;
        lp->addrs += G_LIKELY(b->n_slots < UINT8_MAX) ? b->n_slots : lp->timing->decoded[id]->facts.n_slots;
        lp->prev = id;
        for (unsigned k = 0; k < 4; k++)
            lp->counted[k] += b->stat[k];
    }
    lp->clock = w->clock = clock;
    return lp->i == lp->n;
}

bool cpu_window_run(cpu_lp *lp, uint64_t until)
{
    const cpu_shapes shape = cpu_shapes_of(lp);
    bool common = shape.line == 6 && shape.l1 == 3 && shape.tlb == 2;
    if (!lp->level->ooo)
        return run(lp, until, false, access_hook_any);
    return common ? run(lp, until, true, access_hook) : run(lp, until, true, access_hook_any);
}
