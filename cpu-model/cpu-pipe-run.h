/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The pipeline's code, to be inlined: see cpu-pipe.h for what it models. cpu_pipe_block below is the way in; cpu-pipe-front.h has the front end.
 *
 * `reserved` of a cpu_xuop in a cpu_pipe_code is CPU_PIPE_HEAD with the number of rename slots that it and those laminated with it take in one
 * cycle (a queue entry begins with it), and whether one of them needs an entry of the load or store buffer. */
#pragma once

#include "cpu-pipe-front.h"

/* For tools that look at single micro-ops: defined by the includer. */
#ifndef CPU_PIPE_ISSUED
#define CPU_PIPE_ISSUED(pipe, uop, port, at, done) ((void)0)
#endif

#define CPU_PIPE_INLINE static inline __attribute__((always_inline))

enum { CPU_PIPE_HEAD = 15, CPU_PIPE_HAS_LOAD = 16, CPU_PIPE_HAS_STORE = 32 };

/* ---- ports ------------------------------------------------------------------------------------------------------------ */

/* Makes the rings stand for the cycles up to half the horizon behind the present one. Out of line. */
void cpu_pipe_extend(cpu_pipe *p);

/* The first cycle from `at` on in which port `ring` is free for `busy` cycles, which it then is no more. */
CPU_PIPE_INLINE uint64_t cpu_pipe_take(cpu_pipe *p, unsigned ring, uint64_t at, unsigned busy)
{
    enum { WORDS = CPU_PIPE_HORIZON / 64 };
    uint64_t *taken = p->taken[ring];
    if (__builtin_expect(at - p->cycle >= CPU_PIPE_HORIZON / 2 - 128, 0))
        return at;
    unsigned run = 0;
    for (;;) {
        uint64_t free = ~taken[at / 64 % WORDS] >> (at % 64);
        if (__builtin_expect(free == 0, 0)) {
            at = (at | 63) + 1;
            run = 0;
            if (at + 64 >= p->horizon)
                return at;
            continue;
        }
        at += (unsigned)__builtin_ctzll(free);
        if (__builtin_expect(busy <= 1, 1))
            break;
        for (run = 1; run < busy && at + run < p->horizon; run++)
            if (taken[(at + run) / 64 % WORDS] >> ((at + run) % 64) & 1)
                break;
        if (run == busy || at + run >= p->horizon)
            break;
        at += run;
    }
    taken[at / 64 % WORDS] |= UINT64_C(1) << (at % 64);
    for (unsigned k = 1; k < busy && at + k < p->horizon; k++)
        taken[(at + k) / 64 % WORDS] |= UINT64_C(1) << ((at + k) % 64);
    return at;
}

/* The port that a micro-op is bound to at rename, in slot `slot` of its cycle, by what waits for each (ICS 2022, section 4.1.3). */
CPU_PIPE_INLINE unsigned cpu_pipe_bind(cpu_pipe *p, unsigned ports, unsigned slot)
{
    if (__builtin_expect((ports & (ports - 1)) == 0, 0))
        return (unsigned)__builtin_ctz(ports);
    cpu_binding binding = p->core->pipe.binding;
    if (ports == 0x0c && binding != CPU_BIND_LEAST)
        return 2 + (p->next_load_port++ & 1);
    if (binding == CPU_BIND_INTEL8) { /* of equal ones the highest */
        unsigned best = UINT32_MAX, second = UINT32_MAX;
        for (unsigned m = ports; m; m &= m - 1) {
            unsigned port = (unsigned)__builtin_ctz(m), key = p->usage.n[port] * 16u + 15 - port, worse = MAX(best, key);
            best = MIN(best, key);
            second = MIN(second, worse);
        }
        return 15 - (slot % 2 == 0 || second / 16 >= best / 16 + 3 ? best : second) % 16;
    }
    unsigned best = 0, best_use = UINT32_MAX, most_use = 0, most = 0;
    for (unsigned m = ports; m; m &= m - 1) {
        unsigned port = (unsigned)__builtin_ctz(m), use = p->usage.n[port] + (binding == CPU_BIND_LEAST ? p->fresh.n[port] : 0u);
        if (use < best_use) {
            best = port;
            best_use = use;
        }
        if (use >= most_use) {
            most = port;
            most_use = use;
        }
    }
    /* The paper has 3 for all cores; with it, chains wait for others on Ivy Bridge more often than they do (estimate). */
    if (binding == CPU_BIND_LEAST || most_use >= best_use + 5)
        return best;
    if (ports == 0x23) {
        static const uint8_t turn[3][4] = {{0, 5, 1, 0}, {1, 5, 0, 1}, {5, 1, 0, 5}};
        return turn[best == 5 ? 2 : best][slot % 4];
    }
    return slot % 2 == 0 ? best : most;
}

/* ---- rename ------------------------------------------------------------------------------------------------------------- */

/* Moves the clock of rename to `to`, letting go what left the scheduler. */
CPU_PIPE_INLINE void cpu_pipe_advance(cpu_pipe *p, uint64_t to)
{
    p->pending.v += p->fresh.v;
    p->fresh.v = (cpu_pipe_v16){0};
    while (p->cycle < to) {
        if (p->pending.n[CPU_PIPE_ALL] == 0) {
            p->cycle = to;
            p->usage.v = (cpu_pipe_v16){0};
            break;
        }
        p->cycle++;
        cpu_pipe_counts *leaving = &p->leaving[p->cycle % CPU_PIPE_HORIZON];
        p->usage = p->pending;
        p->pending.v -= leaving->v;
        leaving->v = (cpu_pipe_v16){0};
    }
    if (__builtin_expect(p->cycle + CPU_PIPE_HORIZON / 2 > p->horizon, 0))
        cpu_pipe_extend(p);
}

/* Out of line: move elimination's slots when `cycles` cycles have ended. */
void cpu_pipe_moves_advance(cpu_pipe *p, uint64_t cycles);
/* Out of line: whether a move of `from` to `to` (masks of one register) is eliminated. */
bool cpu_pipe_eliminate(cpu_pipe *p, uint64_t from, uint64_t to);
void cpu_pipe_unalias(cpu_pipe *p, uint64_t writes, uint64_t keep);

/* Begins a new cycle of rename, the first after the present one and not before `at` that has room for a full group. `why`: CPU_PIPE_LOST_*, for the slots
 * that the present one leaves, and of `at`. */
CPU_PIPE_INLINE void cpu_pipe_new_cycle(cpu_pipe *p, uint64_t at, unsigned why, unsigned needs)
{
    const cpu_pipe_desc *d = &p->core->pipe;
    uint32_t width = p->core->dispatch_width, rob = p->core->rob;
    uint64_t from = p->cycle, c = from + 1;
    p->lost[why] += width - MIN(p->slots, width);
    if (at > c) {
        p->lost[why] += width * (at - c);
        c = at;
    }
    if (__builtin_expect(p->renamed + width > rob, 1)) {
        uint64_t room = p->rob[(p->renamed + width - rob - 1) % CPU_PIPE_ROB] + 1;
        if (room > c) {
            p->lost[CPU_PIPE_LOST_ROB] += width * (room - c);
            c = room;
        }
    }
    if (needs & CPU_PIPE_HAS_LOAD && p->n_loads >= d->load_buffer) {
        uint64_t room = p->load_free[(p->n_loads - d->load_buffer) % CPU_PIPE_LOADS] + 1;
        if (room > c) {
            p->lost[CPU_PIPE_LOST_LOADS] += width * (room - c);
            c = room;
        }
    }
    if (needs & CPU_PIPE_HAS_STORE && p->n_stores >= d->store_buffer) {
        uint64_t room = p->stores[(p->n_stores - d->store_buffer) % CPU_PIPE_STORES].commit + 1;
        if (room > c) {
            p->lost[CPU_PIPE_LOST_STORES] += width * (room - c);
            c = room;
        }
    }
    cpu_pipe_advance(p, c);
    uint64_t here = p->cycle;
    while (__builtin_expect(p->pending.n[CPU_PIPE_ALL] + width > d->scheduler, 0))
        cpu_pipe_advance(p, p->cycle + 1);
    p->lost[CPU_PIPE_LOST_SCHEDULER] += width * (p->cycle - here);
    p->slots = 0;
    if (__builtin_expect(p->moves, 0))
        cpu_pipe_moves_advance(p, p->cycle - from);
}

/* Whether the load or store buffer has no entry in the present cycle for an entry of the queue that needs one. */
CPU_PIPE_INLINE bool cpu_pipe_buffers_full(const cpu_pipe *p, unsigned needs)
{
    const cpu_pipe_desc *d = &p->core->pipe;
    return (needs & CPU_PIPE_HAS_LOAD && p->n_loads >= d->load_buffer &&
            p->load_free[(p->n_loads - d->load_buffer) % CPU_PIPE_LOADS] >= p->cycle) ||
           (needs & CPU_PIPE_HAS_STORE && p->n_stores >= d->store_buffer &&
            p->stores[(p->n_stores - d->store_buffer) % CPU_PIPE_STORES].commit >= p->cycle);
}

/* ---- memory ------------------------------------------------------------------------------------------------------------- */

/* Cycles from the writing of a store to the value of a load that had to wait for it because the store has only a part of it (Fog, chapters on Sandy
 * Bridge to Skylake: about 12 cycles in all). */
enum { CPU_PIPE_BLOCKED = 11 };

/* Names what micro-op number `number` of the present block makes. */
CPU_PIPE_INLINE uint64_t cpu_pipe_value(const cpu_pipe *p, const cpu_xuop *u, unsigned number)
{
    uint64_t value = (uint64_t)p->block << 16 | number;
    for (uint64_t m = u->reads; m; m &= m - 1)
        value = (value ^ (value >> 29) ^ p->value[__builtin_ctzll(m)]) * UINT64_C(0xbf58476d1ce4e5b9);
    return value;
}

/* What a memory micro-op accesses, as a number for its place: operands of one family with equal values of their registers are apart by their displacements,
 * all others elsewhere. False: not known. */
CPU_PIPE_INLINE bool cpu_pipe_place(const cpu_pipe *p, const cpu_pipe_code *code, const cpu_xuop *u, uint64_t *addr, uint64_t *end)
{
    if (!u->expression)
        return false;
    const cpu_xoperand *o = &code->operands[u->expression - 1];
    uint64_t m = u->reads, base = o->family * UINT64_C(0x94d049bb133111eb);
    if (m)
        base += p->value[__builtin_ctzll(m)];
    for (m &= m - 1; m; m &= m - 1)
        base = (base ^ (base >> 31)) * UINT64_C(0xbf58476d1ce4e5b9) + p->value[__builtin_ctzll(m)];
    *addr = base + (uint64_t)o->disp;
    *end = *addr + u->size;
    return true;
}

CPU_PIPE_INLINE cpu_pipe_forward *cpu_pipe_forward_at(cpu_pipe *p, uint64_t place)
{
    return &p->forwards[place * UINT64_C(0x9e3779b97f4a7c15) >> 57];
}
G_STATIC_ASSERT(CPU_PIPE_FORWARDS == 1 << 7);

CPU_PIPE_INLINE void cpu_pipe_store_begin(cpu_pipe *p, const cpu_pipe_code *code, const cpu_xuop *u)
{
    cpu_pipe_store *s = &p->stores[p->n_stores % CPU_PIPE_STORES];
    *s = (cpu_pipe_store){UINT64_MAX, UINT64_MAX, UINT64_MAX, 0, 0, 0};
    if (cpu_pipe_place(p, code, u, &s->addr, &s->end))
        for (uint64_t place = s->addr >> 2; place <= (s->end - 1) >> 2 && place - (s->addr >> 2) < 16; place++)
            *cpu_pipe_forward_at(p, place) = (cpu_pipe_forward){place, p->n_stores};
    p->n_stores++;
}

/* The youngest store that wrote any of the bytes from `addr` to `end`, or NULL: none that is remembered. `part`: it did not write all of them. */
CPU_PIPE_INLINE const cpu_pipe_store *cpu_pipe_source(cpu_pipe *p, uint64_t addr, uint64_t end, bool *part)
{
    const cpu_pipe_store *found = NULL;
    uint64_t number = 0;
    for (uint64_t place = addr >> 2; place <= (end - 1) >> 2 && place - (addr >> 2) < 16; place++) {
        const cpu_pipe_forward *f = cpu_pipe_forward_at(p, place);
        if (f->place != place || f->number >= p->n_stores || p->n_stores - f->number > CPU_PIPE_STORES / 2)
            continue;
        const cpu_pipe_store *s = &p->stores[f->number % CPU_PIPE_STORES];
        if (s->addr < end && addr < s->end && (!found || f->number > number)) {
            found = s;
            number = f->number;
        }
    }
    *part = found && (addr < found->addr || end > found->end);
    return found;
}

/* When a load that issues at `at` and would have its value at `done` has it, given the stores before it. `value`: the name of what it loads. */
CPU_PIPE_INLINE uint64_t cpu_pipe_forwarded(cpu_pipe *p, const cpu_pipe_code *code, const cpu_xuop *u, uint64_t at, uint64_t done, uint64_t *value)
{
    uint64_t addr, end;
    bool part;
    if (!cpu_pipe_place(p, code, u, &addr, &end))
        return done;
    const cpu_pipe_store *s = cpu_pipe_source(p, addr, end, &part);
    *value = (addr ^ (addr >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    if (!s)
        return done;
    *value = addr == s->addr && end == s->end ? s->value : (s->value + addr) * UINT64_C(0x94d049bb133111eb);
    if (s->commit <= at)
        return done;
    uint64_t ready = MAX(s->ready_address, s->ready_data);
    if (ready == UINT64_MAX) /* its own instruction's store: comes later */
        return done;
    if (part)
        return MAX(done, (s->commit == UINT64_MAX ? ready : s->commit) + CPU_PIPE_BLOCKED);
    return MAX(done, ready + p->core->pipe.forward);
}

/* ---- a micro-op ---------------------------------------------------------------------------------------------------------- */

/* Counts in the scheduler a micro-op that is bound to `port` and leaves at `at`. */
CPU_PIPE_INLINE void cpu_pipe_enter_scheduler(cpu_pipe *p, unsigned port, uint64_t at)
{
    uint64_t leave = MIN(at + 1, p->cycle + CPU_PIPE_HORIZON - 1);
    cpu_pipe_counts *leaving = &p->leaving[leave % CPU_PIPE_HORIZON];
    leaving->n[port]++;
    leaving->n[CPU_PIPE_ALL]++;
    p->fresh.n[port]++;
    p->fresh.n[CPU_PIPE_ALL]++;
}

/* Renames, binds and issues a micro-op in the present cycle; returns when it has executed. */
CPU_PIPE_INLINE uint64_t cpu_pipe_uop(cpu_pipe *p, const cpu_pipe_code *code, const cpu_xuop *u, unsigned slot)
{
    uint64_t c = p->cycle, ready = 0, writes = u->writes;
    uint64_t value = 0;
    if (u->kind != CPU_XK_LOAD)
        value = u->flags & CPU_XU_MOVE ? p->value[__builtin_ctzll(u->reads)] : cpu_pipe_value(p, u, (unsigned)(u - code->uops));
    if (__builtin_expect(u->flags & CPU_XU_MOVE, 0) && cpu_pipe_eliminate(p, u->reads, writes)) {
        unsigned from = (unsigned)__builtin_ctzll(u->reads), to = (unsigned)__builtin_ctzll(writes);
        p->ready[to] = p->ready[from];
        p->value[to] = value;
        p->pointers = p->pointers & u->reads ? p->pointers | writes : p->pointers & ~writes;
        return c;
    }
    if (__builtin_expect(((p->aliased[0] | p->aliased[1]) & writes) != 0, 0))
        cpu_pipe_unalias(p, writes, 0);
    for (uint64_t m = u->reads; m; m &= m - 1) {
        uint64_t t = p->ready[__builtin_ctzll(m)];
        ready = MAX(ready, t);
    }
    if (u->flags & CPU_XU_IDLE) {
        for (uint64_t m = writes; m; m &= m - 1) {
            p->ready[__builtin_ctzll(m)] = ready;
            p->value[__builtin_ctzll(m)] = value;
        }
        p->pointers &= ~writes;
        if (u->kind != CPU_XK_STORE_DATA)
            return c;
        /* The data of a store that is one micro-op, to the machine: what it needs is all that there is to it. */
        p->stores[(p->n_stores - 1) % CPU_PIPE_STORES].ready_data = MAX(c, ready) + 1;
        return MAX(c, ready);
    }
    uint64_t at = MAX(ready, c + p->core->pipe.issue_delay);
    unsigned port = cpu_pipe_bind(p, u->ports, slot);
    if (__builtin_expect(u->busy > 1, 0)) {
        bool divides = u->kind == CPU_XK_EXEC;
        if (divides)
            at = cpu_pipe_take(p, CPU_PIPE_PORTS, at, u->busy);
        at = cpu_pipe_take(p, port, at, divides ? 1 : u->busy);
        p->issued[divides ? CPU_PIPE_PORTS : port] += divides ? u->busy : u->busy - 1u;
    } else {
        at = cpu_pipe_take(p, port, at, 1);
    }
    p->issued[port]++;
    cpu_pipe_enter_scheduler(p, port, at);
    uint64_t done = at + u->latency, executed = at + 2;
    if (u->kind == CPU_XK_LOAD) {
        if (u->flags & CPU_XU_SIMPLE && p->pointers & u->reads)
            done--;
        done = cpu_pipe_forwarded(p, code, u, at, done, &value);
        p->n_loads++;
    } else if (u->kind == CPU_XK_STORE_ADDRESS) {
        cpu_pipe_store_begin(p, code, u);
        p->stores[(p->n_stores - 1) % CPU_PIPE_STORES].ready_address = at + 5;
        executed = at + 5;
    } else if (u->kind == CPU_XK_STORE_DATA) {
        cpu_pipe_store *s = &p->stores[(p->n_stores - 1) % CPU_PIPE_STORES];
        s->ready_data = at + 1;
        s->value = (u->reads & (u->reads - 1)) == 0 && u->reads ? p->value[__builtin_ctzll(u->reads)] : value;
    }
    for (uint64_t m = writes; m; m &= m - 1) {
        p->ready[__builtin_ctzll(m)] = done;
        p->value[__builtin_ctzll(m)] = value;
    }
    p->pointers = u->flags & CPU_XU_POINTER ? p->pointers | writes : p->pointers & ~writes;
    CPU_PIPE_ISSUED(p, u, port, at, done);
    return MAX(executed, done);
}

/* A slot of the reorder buffer is complete at `done`: when it retires. */
CPU_PIPE_INLINE uint64_t cpu_pipe_retire(cpu_pipe *p, uint64_t done)
{
    uint64_t at = done + 1;
    if (at > p->retired_at) {
        p->retired_at = at;
        p->retired_slots = 1;
    } else if (p->retired_slots < p->core->pipe.retire_width) {
        p->retired_slots++;
    } else {
        p->retired_at++;
        p->retired_slots = 1;
    }
    p->rob[p->renamed++ % CPU_PIPE_ROB] = p->retired_at;
    return p->retired_at;
}

/* ---- a block --------------------------------------------------------------------------------------------------------------- */

/* Runs a block that lies at `addr`; returns when its last micro-op retires. Without the micro-op cache (`legacy_only`), the block is taken to follow itself. */
CPU_PIPE_INLINE uint64_t cpu_pipe_block(cpu_pipe *p, const cpu_pipe_code *code, uint64_t addr)
{
    uint32_t width = p->core->dispatch_width;
    const cpu_xuop *u = code->uops;
    p->block = (uint32_t)code->addr;
    cpu_pipe_front_begin(p, code, addr);
    for (unsigned i = 0; i < code->n_insns; i++) {
        const cpu_pipe_insn *insn = &code->insns[i];
        const cpu_pipe_insn *next = i + 1u < code->n_insns ? insn + 1 : p->legacy_only ? code->insns : NULL;
        uint64_t first = cpu_pipe_deliver(p, insn, next, addr), delivered = first;
        addr += insn->length;
        unsigned left = insn->n_uops, entries = 0;
        while (left) {
            /* An entry of the micro-op queue: what renames in one cycle. */
            if (u->reserved & CPU_PIPE_HEAD) {
                if (insn->flags & CPU_XI_MICROCODE)
                    delivered = cpu_pipe_microcode(p, insn, entries++, first);
                unsigned need = u->reserved & CPU_PIPE_HEAD;
                if (delivered > p->cycle)
                    cpu_pipe_new_cycle(p, delivered, p->limit, u->reserved);
                else if (p->slots + need > width)
                    cpu_pipe_new_cycle(p, delivered, CPU_PIPE_LOST_GROUP, u->reserved);
                else if (cpu_pipe_buffers_full(p, u->reserved))
                    cpu_pipe_new_cycle(p, delivered, u->reserved & CPU_PIPE_HAS_STORE ? CPU_PIPE_LOST_STORES : CPU_PIPE_LOST_LOADS, u->reserved);
                p->dequeued[p->queued++ % CPU_PIPE_QUEUE] = p->cycle;
            }
            /* A slot of the reorder buffer: micro-ops fused. */
            unsigned slot = p->slots++;
            uint64_t done = 0, loads = p->n_loads;
            bool stores = false;
            do {
                uint64_t executed = cpu_pipe_uop(p, code, u, slot);
                done = MAX(done, executed);
                stores |= u->kind == CPU_XK_STORE_DATA;
                u++;
                left--;
            } while (left && u->flags & CPU_XU_FUSED);
            uint64_t retired = cpu_pipe_retire(p, done);
            while (__builtin_expect(loads < p->n_loads, 0))
                p->load_free[loads++ % CPU_PIPE_LOADS] = retired;
            if (stores && p->n_committed < p->n_stores) {
                p->committed_at = MAX(p->committed_at, retired) + 1;
                p->stores[p->n_committed++ % CPU_PIPE_STORES].commit = p->committed_at;
            }
        }
    }
    p->value[CPU_XR_GPR + 4] += (uint64_t)(int64_t)code->stack_change; /* RSP */
    return p->retired_at;
}
