/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cpu-ooo-run.h"

#include <string.h>

/* ---- code ---------------------------------------------------------------------------------------------------------- */

/* The first registers of a mask, as numbers; returns the rest of it. */
static uint64_t take_regs(uint64_t mask, uint8_t *out, unsigned n, uint8_t fill)
{
    for (unsigned i = 0; i < n; i++) {
        out[i] = mask ? (uint8_t)__builtin_ctzll(mask) : fill;
        mask &= mask - (mask != 0);
    }
    return mask;
}

static bool eliminated(const cpu_core_desc *core, const cpu_xuop *u)
{
    const uint64_t vectors = UINT64_C(0xffff) << CPU_XR_VEC;
    return u->flags & CPU_XU_MOVE && (u->writes & vectors ? core->pipe.move_vec : core->pipe.move_gpr);
}

static unsigned binding_of(const cpu_core_desc *core, unsigned ports)
{
    if (core->pipe.binding_window == CPU_BIND_LEAST || (ports & (ports - 1)) == 0)
        return CPU_OOO_BIND_FREE;
    if (ports == 0x0c)
        return CPU_OOO_BIND_TURNS;
    return core->pipe.binding_window == CPU_BIND_INTEL6 ? CPU_OOO_BIND_INTEL6 : CPU_OOO_BIND_INTEL8;
}

/* Appends a micro-op: what has more than three sources or results takes further entries that cost nothing. */
static void add_uop(GArray *out, const cpu_core_desc *core, const cpu_xuop *u, unsigned flags, bool accesses)
{
    cpu_ooo_uop o = {.ports = u->ports, .latency = u->latency, .busy = u->busy, .slot = accesses ? u->slot : (int16_t)-1,
                     .bind = (uint8_t)binding_of(core, u->ports), .lane = (uint8_t)(8 * ((unsigned)__builtin_ctz(u->ports | 0x100u) % 8))};
    bool idle = u->flags & CPU_XU_IDLE || u->ports == 0 || eliminated(core, u);
    uint64_t reads = u->reads, writes = u->writes;
    static const uint8_t kinds[] = {[CPU_XK_EXEC] = 0, [CPU_XK_LOAD] = CPU_OOO_LOAD, [CPU_XK_STORE_ADDRESS] = CPU_OOO_STORE_ADDRESS,
                                    [CPU_XK_STORE_DATA] = CPU_OOO_STORE_DATA};
    flags |= kinds[u->kind] | (idle ? (unsigned)CPU_OOO_IDLE : 0u) | (u->flags & CPU_XU_SIMPLE ? (unsigned)CPU_OOO_SIMPLE : 0u) |
             (u->busy > 1 ? (unsigned)CPU_OOO_BUSY : 0u);
    o.pointer = u->flags & CPU_XU_POINTER ? 1 : 0;
    bool gathered = false;
    while (__builtin_popcountll(reads) + gathered > CPU_OOO_SOURCES) {
        cpu_ooo_uop g = {.flags = (uint8_t)(CPU_OOO_IDLE | (flags & CPU_OOO_SLOT)), .dst = {CPU_OOO_GATHER, CPU_OOO_SINK, CPU_OOO_SINK}};
        reads = take_regs(reads, g.src + gathered, CPU_OOO_SOURCES - gathered, CPU_OOO_NONE);
        if (gathered)
            g.src[0] = CPU_OOO_GATHER;
        gathered = true;
        flags &= ~(unsigned)CPU_OOO_SLOT;
        g_array_append_val(out, g);
    }
    take_regs(reads, o.src + gathered, CPU_OOO_SOURCES - gathered, CPU_OOO_NONE);
    if (gathered)
        o.src[0] = CPU_OOO_GATHER;
    uint64_t more = take_regs(writes, o.dst, CPU_OOO_SOURCES, CPU_OOO_SINK);
    unsigned retire = more ? flags & CPU_OOO_RETIRE : 0;
    o.flags = (uint8_t)(flags & ~retire);
    g_array_append_val(out, o);
    while (more) {
        cpu_ooo_uop s = {.flags = (uint8_t)(CPU_OOO_IDLE | (flags & CPU_OOO_STORE_DATA)), .src = {o.dst[0], CPU_OOO_NONE, CPU_OOO_NONE}, .slot = o.slot};
        more = take_regs(more, s.dst, CPU_OOO_SOURCES, CPU_OOO_SINK);
        s.flags |= (uint8_t)(more ? 0 : retire);
        g_array_append_val(out, s);
    }
}

/* 1/64 cycles in which the block's micro-ops are delivered: by the decoders, from the micro-op cache 32 bytes of code at a time, or, where small loops have a
 * buffer, as from that. */
static uint32_t front_cost(const cpu_core_desc *core, const cpu_xblock *x)
{
    const cpu_pipe_desc *d = &core->pipe;
    if (!d->uop_cache) {
        uint32_t rate = MIN(d->decoders, core->dispatch_width), cost = x->n_slots_used * 64u / rate;
        return d->predecode_bytes ? MAX(cost, x->bytes * 64u / d->predecode_bytes) : cost;
    }
    uint32_t cycles = 0, in_window = 0, all = 0;
    uint64_t at = x->addr, window = UINT64_MAX;
    for (unsigned i = 0; i < x->n_insns; i++) {
        if (at >> 5 != window) {
            cycles += (in_window + d->uop_cache_width - 1) / d->uop_cache_width;
            in_window = 0;
            window = at >> 5;
        }
        in_window += x->insns[i].n_decode;
        all += x->insns[i].n_decode;
        at += x->insns[i].length;
    }
    if (d->loop_buffer)
        return all * 64 / core->dispatch_width;
    if (!d->predecode_bytes) /* a trace cache: its lines follow the path, not the addresses */
        return all * 64 / d->uop_cache_width;
    return (cycles + (in_window + d->uop_cache_width - 1) / d->uop_cache_width) * 64;
}

cpu_ooo_code *cpu_ooo_compile(const cpu_core_desc *core, const cpu_xblock *x, bool accesses)
{
    g_autoptr(GArray) uops = g_array_new(FALSE, FALSE, sizeof(cpu_ooo_uop));
    for (unsigned i = 0; i < x->n_uops; i++) {
        bool begins = i == 0 || !(x->uops[i].flags & CPU_XU_FUSED), ends = i + 1u == x->n_uops || !(x->uops[i + 1].flags & CPU_XU_FUSED);
        add_uop(uops, core, &x->uops[i], (begins ? (unsigned)CPU_OOO_SLOT : 0u) | (ends ? (unsigned)CPU_OOO_RETIRE : 0u),
                accesses);
    }
    cpu_ooo_code *code = g_malloc(sizeof *code + uops->len * sizeof(cpu_ooo_uop));
    code->n_uops = uops->len;
    code->front = front_cost(core, x);
    if (uops->len)
        memcpy(code->uops, uops->data, uops->len * sizeof(cpu_ooo_uop));
    return code;
}

/* ---- binding of ports ------------------------------------------------------------------------------------------------ */

#define PORT(m) ((m) ? (unsigned)__builtin_ctz((m) | 0x100u) : 0u)
#define REST(m) ((m) & ((m) - 1u))
#define REST2(m) REST(REST(m))
#define REST3(m) REST(REST2(m))
#define OR(m, first) ((m) ? (m) : (first)) /* a missing port: the first */
#define SHIFT6(m, first) (uint16_t)(8 * PORT(OR(m, first)))
#define TAG6(m, first) (uint16_t)PORT(OR(m, first))
#define SHIFT8(m) (uint16_t)((m) ? 8 * PORT(m) : 0)
#define TAG8(m) (uint16_t)((m) ? 15 - PORT(m) : 0x4000)
#define SIX(m) {{SHIFT6(m, m), SHIFT6(REST(m), m), SHIFT6(REST2(m), m), SHIFT6(REST3(m), m)}, \
                {TAG6(m, m), TAG6(REST(m), m), TAG6(REST2(m), m), TAG6(REST3(m), m)}},
#define EIGHT(m) {{SHIFT8(m), SHIFT8(REST(m)), SHIFT8(REST2(m)), SHIFT8(REST3(m))}, {TAG8(m), TAG8(REST(m)), TAG8(REST2(m)), TAG8(REST3(m))}},
#define FOUR(one, m) one((m) + 0u) one((m) + 1u) one((m) + 2u) one((m) + 3u)
#define SIXTEEN(one, m) FOUR(one, m) FOUR(one, (m) + 4u) FOUR(one, (m) + 8u) FOUR(one, (m) + 12u)
#define SIXTY_FOUR(one, m) SIXTEEN(one, m) SIXTEEN(one, (m) + 16u) SIXTEEN(one, (m) + 32u) SIXTEEN(one, (m) + 48u)
#define ALL(one) SIXTY_FOUR(one, 0u) SIXTY_FOUR(one, 64u) SIXTY_FOUR(one, 128u) SIXTY_FOUR(one, 192u)

const cpu_ooo_choice cpu_ooo_choices[2][256] = {{ALL(SIX)}, {ALL(EIGHT)}};

/* ---- state --------------------------------------------------------------------------------------------------------- */

cpu_ooo *cpu_ooo_new(const cpu_core_desc *core, unsigned lp)
{
    const cpu_pipe_desc *d = &core->pipe;
    cpu_ooo *o = g_new0(cpu_ooo, 1);
    o->core = core;
    o->lp = lp;
    o->width = core->dispatch_width;
    o->retire_width = d->retire_width;
    o->issue_delay = d->issue_delay;
    o->forward = d->forward;
    o->queue = d->uop_queue * 64 / core->dispatch_width;
    for (unsigned i = 0; i < CPU_OOO_FORWARDS; i++)
        o->forwards[i].word = UINT64_MAX;
    cpu_ooo_shared none = {.active = 1};
    cpu_ooo_set_active(o, &none, 1);
    return o;
}

cpu_ooo_shared *cpu_ooo_shared_new(void)
{
    cpu_ooo_shared *s = g_new0(cpu_ooo_shared, 1);
    s->horizon = CPU_OOO_HORIZON;
    s->n_active = 1;
    return s;
}

void cpu_ooo_set_active(cpu_ooo *o, cpu_ooo_shared *shared, uint32_t active)
{
    const cpu_pipe_desc *d = &o->core->pipe;
    uint32_t n = MAX((uint32_t)__builtin_popcount(active), 1), least = 2 * o->width;
    shared->active = active;
    shared->n_active = n;
    o->rob_limit = MIN(MAX(o->core->rob / n, least), CPU_OOO_ROB - 16u);
    o->sched_limit = MAX(MIN(d->scheduler, CPU_OOO_SCHEDULER) / n, least);
    o->load_limit = MAX(MIN(d->load_buffer, CPU_OOO_LOADS - 1u) / n, 1);
    o->store_limit = MAX(MIN(d->store_buffer, CPU_OOO_STORES / 2u) / n, 1);
}

void cpu_ooo_restart(cpu_ooo *o, uint64_t at)
{
    o->front = MAX(o->front, at << 6);
}

uint64_t cpu_ooo_drained(const cpu_ooo *o)
{
    return MAX(MAX(o->hot.cycle, o->hot.retired_at), o->hot.committed_at);
}

unsigned cpu_ooo_rob_fill(const cpu_ooo *o, uint64_t at)
{
    unsigned n = 0;
    while (n < o->rob_limit && n < o->hot.renamed && o->rob[(o->hot.renamed - 1 - n) % CPU_OOO_ROB] > at)
        n++;
    return n;
}

/* ---- out of line ------------------------------------------------------------------------------------------------------- */

void cpu_ooo_extend(cpu_ooo_shared *s, uint64_t cycle)
{
    uint64_t to = (cycle + CPU_OOO_HORIZON / 2 + 256) & ~UINT64_C(63);
    if (to >= s->horizon + CPU_OOO_HORIZON) {
        memset(s->taken, 0, sizeof s->taken);
        memset(s->renamed, 0, sizeof s->renamed);
        s->horizon = to;
        return;
    }
    for (; s->horizon < to; s->horizon += 64) {
        memset(&s->taken[s->horizon % CPU_OOO_HORIZON], 0, 64 * sizeof *s->taken);
        memset(&s->renamed[s->horizon % CPU_OOO_HORIZON], 0, 64);
    }
}

/* Turns of rename: in each cycle one of the active LPs has it, in turn, and leaves it to another when it has nothing to rename. A sibling that has
 * not come to a cycle yet is taken to want its turns there as often as it did of late. */
uint64_t cpu_ooo_turn(cpu_ooo *o, cpu_ooo_shared *s, uint64_t cycle)
{
    enum { SHARE_WINDOW = 256 };
    while (cycle - o->window >= SHARE_WINDOW) {
        uint32_t turns = SHARE_WINDOW / s->n_active;
        s->spare[o->lp] = (s->spare[o->lp] + (o->window_used >= turns ? 0 : 256 - 256 * o->window_used / turns)) / 2;
        o->window_used = 0;
        o->window += SHARE_WINDOW;
        if (cycle - o->window >= 4 * SHARE_WINDOW)
            o->window = cycle;
    }
    for (;; cycle++) {
        if (__builtin_expect(cycle + CPU_OOO_HORIZON / 2 >= s->horizon, 0))
            cpu_ooo_extend(s, cycle);
        uint8_t *renamed = &s->renamed[cycle % CPU_OOO_HORIZON];
        if (cycle + CPU_OOO_HORIZON < s->horizon) /* long past: nobody knows */
            break;
        if (*renamed && *renamed != o->lp + 1)
            continue;
        unsigned turn = (unsigned)(cycle % s->n_active), owner = o->lp;
        for (uint32_t m = s->active, k = 0; m; m &= m - 1, k++)
            if (k == turn)
                owner = (unsigned)__builtin_ctz(m);
        if (owner != o->lp && s->front[owner] <= cycle) {
            o->credit += s->spare[owner];
            if (o->credit < 256)
                continue;
            o->credit -= 256;
        }
        *renamed = (uint8_t)(o->lp + 1);
        break;
    }
    o->window_used++;
    return cycle;
}

void cpu_ooo_wrong_path(cpu_ooo *o, cpu_ooo_shared *s, const cpu_ooo_code *code, uint64_t resolved)
{
    uint64_t c = o->hot.cycle + 1, end = MIN(resolved, c + (uint64_t)o->rob_limit / o->width * s->n_active);
    uint32_t k = 0;
    for (; c < end && code->n_uops; c++) {
        if (c + CPU_OOO_HORIZON / 2 >= s->horizon)
            cpu_ooo_extend(s, c);
        uint8_t *renamed = &s->renamed[c % CPU_OOO_HORIZON];
        if (c % s->n_active != (unsigned)__builtin_popcount(s->active & ((1u << o->lp) - 1)) || *renamed)
            continue;
        *renamed = (uint8_t)(o->lp + 1);
        for (unsigned slot = 0; slot < o->width; slot++, k = k + 1 == code->n_uops ? 0 : k + 1)
            if (!(code->uops[k].flags & CPU_OOO_IDLE))
                cpu_ooo_take(c, s, code->uops[k].ports, c + o->issue_delay);
    }
}
