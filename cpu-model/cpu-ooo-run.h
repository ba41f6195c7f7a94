/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The engine of cpu-ooo.h, to be inlined into its user: cpu_ooo_block is the way in. */
#pragma once

#include "cpu-ooo.h"

#include <string.h>

#define CPU_OOO_INLINE static inline __attribute__((always_inline))

/* Cycles beyond an L1D hit of the access of `slot`, which looks its line up at `cycle`. */
typedef uint64_t (*cpu_ooo_hook)(void *data, int slot, bool is_store, uint64_t cycle);

/* Out of line: clears the rings ahead, so that they reach beyond `cycle`; finds a rename cycle that no sibling has. */
void cpu_ooo_extend(cpu_ooo_shared *shared, uint64_t cycle);
uint64_t cpu_ooo_turn(cpu_ooo *o, cpu_ooo_shared *shared, uint64_t cycle);

/* Moves the clock of rename to `to`: what leaves the scheduler until then does. */
CPU_OOO_INLINE void cpu_ooo_advance(cpu_ooo *o, cpu_ooo_hot *h, uint64_t to)
{
    uint64_t c = h->cycle;
    h->cycle = to;
    do {
        uint64_t *leaving = &o->leaving[++c % CPU_OOO_WAITING];
        h->usage = h->waiting;
        h->waiting -= *leaving;
        *leaving = 0;
    } while (__builtin_expect(c < to && h->usage, 0));
}

CPU_OOO_INLINE unsigned cpu_ooo_scheduled(const cpu_ooo_hot *h)
{
    return (unsigned)(h->waiting * UINT64_C(0x0101010101010101) >> 56);
}

/* Begins another cycle of rename, not before `at`, that has room for a full group. */
CPU_OOO_INLINE void cpu_ooo_new_cycle(cpu_ooo *o, cpu_ooo_hot *h, cpu_ooo_shared *shared, uint64_t at)
{
    uint64_t c = MAX(h->cycle + 1, at), after = h->renamed + o->width;
    if (after >= o->rob_limit)
        c = MAX(c, o->rob[(after - o->rob_limit) % CPU_OOO_ROB] + 1);
    cpu_ooo_advance(o, h, c);
    while (__builtin_expect(cpu_ooo_scheduled(h) + o->width > o->sched_limit, 0))
        cpu_ooo_advance(o, h, h->cycle + 1);
    if (__builtin_expect(shared->n_active > 1, 0))
        cpu_ooo_advance(o, h, cpu_ooo_turn(o, shared, h->cycle));
    if (__builtin_expect(h->cycle + CPU_OOO_HORIZON / 2 >= shared->horizon, 0))
        cpu_ooo_extend(shared, h->cycle);
    h->slots = o->width;
}

/* The first cycle from `at` on in which one of `ports` is free, which it then is no more. */
CPU_OOO_INLINE uint64_t cpu_ooo_take(uint64_t cycle, cpu_ooo_shared *shared, unsigned ports, uint64_t at)
{
    if (__builtin_expect(at - cycle >= CPU_OOO_HORIZON / 2 - 64, 0))
        return at;
    for (;; at++) {
        uint16_t *taken = &shared->taken[at % CPU_OOO_HORIZON];
        unsigned t = *taken, free = ports & ~t;
        if (__builtin_expect(free != 0, 1)) {
            *taken = (uint16_t)(t | (free & -free));
            return at;
        }
        if (__builtin_expect(at + CPU_OOO_HORIZON < shared->horizon || at >= shared->horizon, 0)) /* long past for a sibling: nobody knows */
            return at;
    }
}

/* Of u's ports, the one that it is bound to, as a number, when it is renamed in slot `slot` of its cycle (Abel and Reineke, ICS 2022, section 4.1.3; as
 * cpu_pipe_bind). */
CPU_OOO_INLINE unsigned cpu_ooo_bind(cpu_ooo *o, const cpu_ooo_hot *h, const cpu_ooo_uop *u, unsigned slot)
{
    unsigned ports = u->ports;
    if (u->bind == CPU_OOO_BIND_TURNS)
        return 2 + (o->load_turn++ & 1);
    const bool eight = u->bind == CPU_OOO_BIND_INTEL8;
    const cpu_ooo_choice *choice = &cpu_ooo_choices[eight][ports & 0xff];
    uint64_t usage = h->usage;
    uint32_t a = (uint32_t)(usage >> choice->shift[0] & 0xff) * 16 + choice->tag[0], b = (uint32_t)(usage >> choice->shift[1] & 0xff) * 16 + choice->tag[1];
    uint32_t c = (uint32_t)(usage >> choice->shift[2] & 0xff) * 16 + choice->tag[2], d = (uint32_t)(usage >> choice->shift[3] & 0xff) * 16 + choice->tag[3];
    uint32_t low = MIN(a, b), low2 = MIN(c, d), high = MAX(a, b), high2 = MAX(c, d), best = MIN(low, low2);
    if (eight) {
        uint32_t others = MAX(low, low2), second = MIN(high, high2);
        second = MIN(second, others);
        return 15 - ((slot & 1) == 0 || second / 16 >= best / 16 + 3 ? best : second) % 16;
    }
    uint32_t most = MAX(high, high2), least = best % 16;
    if (most / 16 >= best / 16 + 5)
        return least;
    if (ports == 0x23) {
        static const uint8_t turn[3][4] = {{0, 5, 1, 0}, {1, 5, 0, 1}, {5, 1, 0, 5}};
        return turn[least == 5 ? 2 : least][slot % 4];
    }
    return slot % 2 == 0 ? least : most % 16;
}

/* A micro-op whose unit is not pipelined: the divider, or a port that it keeps for `busy` cycles. */
static inline uint64_t cpu_ooo_take_busy(uint64_t cycle, cpu_ooo_shared *shared, const cpu_ooo_uop *u, unsigned ports, uint64_t at)
{
    if (!(u->flags & (CPU_OOO_LOAD | CPU_OOO_STORE_ADDRESS | CPU_OOO_STORE_DATA))) {
        at = cpu_ooo_take(cycle, shared, ports, MAX(at, shared->divider));
        shared->divider = at + u->busy;
        return at;
    }
    at = cpu_ooo_take(cycle, shared, ports, at);
    unsigned port = ports & -ports;
    for (unsigned k = 1; k < u->busy && at + k - cycle < CPU_OOO_HORIZON / 2 - 64; k++)
        shared->taken[(at + k) % CPU_OOO_HORIZON] = (uint16_t)(shared->taken[(at + k) % CPU_OOO_HORIZON] | port);
    return at;
}

CPU_OOO_INLINE cpu_ooo_forward *cpu_ooo_forward_at(cpu_ooo *o, uint64_t word)
{
    return &o->forwards[(word ^ word >> 6) % CPU_OOO_FORWARDS];
}

/* When a load that issues at `at` and would have its value at `done` has it, given the stores before it. */
static inline uint64_t cpu_ooo_forwarded(cpu_ooo *o, uint64_t n_stores, const cpu_ooo_forward *f, uint64_t addr, uint64_t end, uint64_t at, uint64_t done)
{
    const cpu_ooo_store *s = &o->stores[f->number % CPU_OOO_STORES];
    if (n_stores - f->number >= CPU_OOO_STORES || s->commit <= at || end <= s->addr || addr >= s->end)
        return done;
    if (addr < s->addr || end > s->end) /* only a part of it: the store has to be written first */
        return MAX(done, (s->commit == UINT64_MAX ? s->ready : s->commit) + (done - at));
    return MAX(done, s->ready + o->forward);
}

/* A store's address is known at `at`. */
CPU_OOO_INLINE void cpu_ooo_store_begin(cpu_ooo *o, cpu_ooo_hot *h, cpu_ooo_shared *shared, const cpu_ooo_uop *u, const uint64_t *addrs,
                                        const insn_access *slots, uint64_t at)
{
    if (h->n_stores >= o->store_limit) {
        uint64_t room = o->stores[(h->n_stores - o->store_limit) % CPU_OOO_STORES].commit;
        if (__builtin_expect(room >= h->cycle && room != UINT64_MAX, 0)) {
            cpu_ooo_new_cycle(o, h, shared, room + 1);
            h->slots--;
        }
    }
    cpu_ooo_store *s = &o->stores[h->n_stores % CPU_OOO_STORES];
    *s = (cpu_ooo_store){.ready = at + 1, .commit = UINT64_MAX};
    if (G_LIKELY(u->slot >= 0)) {
        s->addr = addrs[u->slot];
        s->end = s->addr + slots[u->slot].size;
        uint64_t word = s->addr >> 3;
        *cpu_ooo_forward_at(o, word) = (cpu_ooo_forward){word, h->n_stores};
        for (unsigned k = 8 - (unsigned)(s->addr & 7); __builtin_expect(k < slots[u->slot].size && k < 64, 0); k += 8) {
            word++;
            *cpu_ooo_forward_at(o, word) = (cpu_ooo_forward){word, h->n_stores};
        }
    }
    h->n_stores++;
}

/* A store's data is there at `at`. */
CPU_OOO_INLINE void cpu_ooo_store_data(cpu_ooo *o, const cpu_ooo_hot *h, uint64_t at)
{
    if (h->n_stores) {
        cpu_ooo_store *s = &o->stores[(h->n_stores - 1) % CPU_OOO_STORES];
        s->ready = MAX(s->ready, at);
    }
}

/* A slot has executed at `done`: it retires, in order. */
CPU_OOO_INLINE void cpu_ooo_retire(cpu_ooo *o, cpu_ooo_hot *h, uint64_t done)
{
    /* Without branches, which the host would foresee no better than the guest's. */
    bool late = done >= h->retired_at, full = h->retired_slots == 0;
    uint64_t at = h->retired_at + full;
    h->retired_at = late ? done + 1 : at;
    h->retired_slots = (late | full ? o->retire_width : h->retired_slots) - 1;
    o->rob[h->renamed++ % CPU_OOO_ROB] = h->retired_at;
}

/* Runs a block. `addrs` and `slots` are its accesses; `hook` is called for each load when it issues and for each store when it has retired, in
 * program order; it must be a static inline function. */
CPU_OOO_INLINE cpu_ooo_times cpu_ooo_block(cpu_ooo *o, cpu_ooo_shared *shared, const cpu_ooo_code *code, const uint64_t *addrs, const insn_access *slots,
                                           cpu_ooo_hook hook, void *data)
{
    cpu_ooo_hot h = o->hot;
    uint64_t front = MAX(o->front, (h.cycle << 6) - MIN(h.cycle << 6, o->queue)), begin = front >> 6, slot_done = 0, done = h.cycle;
    const unsigned delay = o->issue_delay;
    o->front = front + code->front;
    if (begin > h.cycle)
        cpu_ooo_new_cycle(o, &h, shared, begin);
    for (const cpu_ooo_uop *u = code->uops, *end = u + code->n_uops; u != end; u++) {
        uint64_t ready = o->ready[u->src[0]], second = o->ready[u->src[1]], third = o->ready[u->src[2]];
        unsigned flags = u->flags, pointer = (unsigned)ready & 1;
        if (flags & CPU_OOO_SLOT) {
            if (h.slots == 0)
                cpu_ooo_new_cycle(o, &h, shared, 0);
            h.slots--;
            slot_done = 0;
        }
        ready = MAX(ready, second);
        ready = MAX(ready, third);
        if (__builtin_expect(flags & CPU_OOO_IDLE, 0)) {
            done = h.cycle;
            if (flags & CPU_OOO_STORE_DATA)
                cpu_ooo_store_data(o, &h, ready >> 1);
            o->ready[u->dst[0]] = o->ready[u->dst[1]] = o->ready[u->dst[2]] = ready;
        } else {
            if (flags & CPU_OOO_LOAD && h.n_loads >= o->load_limit) {
                uint64_t room = o->load_free[(h.n_loads - o->load_limit) % CPU_OOO_LOADS];
                if (__builtin_expect(room >= h.cycle, 0)) {
                    cpu_ooo_new_cycle(o, &h, shared, room + 1);
                    h.slots--;
                }
            }
            uint64_t first = h.cycle + delay, at = ready >> 1;
            at = MAX(at, first);
            unsigned ports = u->ports, lane = u->lane;
            if (u->bind != CPU_OOO_BIND_FREE) {
                unsigned port = cpu_ooo_bind(o, &h, u, o->width - 1 - h.slots);
                ports = 1u << port;
                lane = 8 * port;
            }
            at = __builtin_expect(flags & CPU_OOO_BUSY, 0) ? cpu_ooo_take_busy(h.cycle, shared, u, ports, at) : cpu_ooo_take(h.cycle, shared, ports, at);
            uint64_t leave = MIN(at + 1, h.cycle + CPU_OOO_WAITING - 1), one = UINT64_C(1) << lane;
            o->leaving[leave % CPU_OOO_WAITING] += one;
            h.waiting += one;
            done = at + u->latency;
            if (flags & CPU_OOO_LOAD) {
                if (flags & CPU_OOO_SIMPLE)
                    done -= pointer;
                if (G_LIKELY(u->slot >= 0)) {
                    done += hook(data, u->slot, false, at);
                    uint64_t va = addrs[u->slot];
                    const cpu_ooo_forward *f = cpu_ooo_forward_at(o, va >> 3);
                    if (__builtin_expect(f->word == va >> 3, 0))
                        done = cpu_ooo_forwarded(o, h.n_stores, f, va, va + slots[u->slot].size, at, done);
                }
                h.n_loads++;
            } else if (flags & CPU_OOO_STORE_ADDRESS) {
                cpu_ooo_store_begin(o, &h, shared, u, addrs, slots, at);
            } else if (flags & CPU_OOO_STORE_DATA) {
                cpu_ooo_store_data(o, &h, at + 1);
            }
            o->ready[u->dst[0]] = o->ready[u->dst[1]] = o->ready[u->dst[2]] = done << 1 | u->pointer;
        }
        slot_done = MAX(slot_done, done);
        if (flags & CPU_OOO_RETIRE) {
            cpu_ooo_retire(o, &h, slot_done);
            while (h.n_loads_free < h.n_loads)
                o->load_free[h.n_loads_free++ % CPU_OOO_LOADS] = h.retired_at;
            if (flags & CPU_OOO_STORE_DATA && h.n_committed < h.n_stores) {
                uint64_t extra = u->slot >= 0 ? hook(data, u->slot, true, h.retired_at + 1) : 0;
                h.committed_at = MAX(h.committed_at + 1, h.retired_at + 1 + extra);
                o->stores[h.n_committed++ % CPU_OOO_STORES].commit = h.committed_at;
            }
        }
    }
    shared->front[o->lp] = h.cycle;
    o->hot = h;
    return (cpu_ooo_times){.renamed = h.cycle, .resolved = done, .retired = h.retired_at};
}
