/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The in-order pipelines' code, to be inlined: see cpu-inorder.h for what it models. cpu_inorder_block below is the way in. */
#pragma once

#include "cpu-inorder.h"

#define CPU_INORDER_INLINE static inline __attribute__((always_inline))

typedef uint64_t (*cpu_inorder_hook)(void *data, int slot, bool is_store, uint64_t cycle);

/* ---- cycles ------------------------------------------------------------------------------------------------------------ */

/* What has issued in cycle `at`; NULL when that is no longer remembered: nothing competes. */
CPU_INORDER_INLINE cpu_inorder_cycle *cpu_inorder_at(cpu_inorder_shared *shared, uint64_t at)
{
    cpu_inorder_cycle *e = &shared->cycles[at % CPU_INORDER_HORIZON];
    if (e->cycle == at)
        return e;
    if (__builtin_expect(e->cycle > at, 0))
        return NULL;
    e->cycle = at;
    e->taken = e->slots = e->n = 0;
    return e;
}

/* Moves another micro-op of the cycle to a port that it can take as well, so that one of `ports` falls free: that port, or 0. */
static G_GNUC_UNUSED unsigned cpu_inorder_move(cpu_inorder_cycle *e, unsigned ports)
{
    for (unsigned i = 0; i < e->n; i++) {
        unsigned free = e->ports[i] & ~(unsigned)e->taken, old = 1u << e->at[i];
        if (free && ports & old) {
            e->at[i] = (uint8_t)__builtin_ctz(free);
            e->taken |= (uint16_t)(free & -free);
            return old;
        }
    }
    return 0;
}

/* Keeps a unit that is not pipelined from `at` on: the divider, or the port of a wide access. */
static G_GNUC_UNUSED void cpu_inorder_keep(cpu_inorder_shared *shared, unsigned unit, uint64_t at, unsigned busy)
{
    for (unsigned k = 0; k < busy; k++) {
        cpu_inorder_cycle *e = cpu_inorder_at(shared, at + k);
        if (e)
            e->taken |= (uint16_t)unit;
    }
}

/* The first cycle from `at` on in which a micro-op finds an issue slot and a port, which it takes. */
CPU_INORDER_INLINE uint64_t cpu_inorder_take(cpu_inorder_shared *shared, const cpu_inorder_uop *u, uint32_t width, uint64_t at)
{
    unsigned slot = u->flags & CPU_INORDER_FREE ? 0 : 1, divider = u->busy > 1 && u->kind == CPU_XK_EXEC ? 1u << CPU_INORDER_DIVIDER : 0;
    for (;; at++) {
        cpu_inorder_cycle *e = cpu_inorder_at(shared, at);
        if (__builtin_expect(!e, 0))
            return at;
        if (e->slots + slot > width || __builtin_expect(e->taken & divider, 0))
            continue;
        unsigned port = 0;
        if (u->ports) {
            port = u->ports & ~(unsigned)e->taken;
            port = port ? port & -port : cpu_inorder_move(e, u->ports);
            if (!port)
                continue;
            e->taken |= (uint16_t)port;
            if (u->busy <= 1 && e->n < CPU_MAX_INORDER_WIDTH) {
                e->ports[e->n] = u->ports;
                e->at[e->n++] = (uint8_t)__builtin_ctz(port);
            }
        }
        e->slots = (uint8_t)(e->slots + slot);
        if (__builtin_expect(u->busy > 1, 0))
            cpu_inorder_keep(shared, divider ? divider : port, at, u->busy);
        return at;
    }
}

/* ---- results ----------------------------------------------------------------------------------------------------------- */

/* When the store buffer has room for `n` more stores. */
CPU_INORDER_INLINE uint64_t cpu_inorder_room(const cpu_inorder *lp, unsigned n)
{
    return lp->store_free[(lp->n_stores + n - 1 - lp->core->inorder.store_buffer) % CPU_INORDER_STORES];
}

/* A micro-op issues at `at`; returns when it is done. */
CPU_INORDER_INLINE uint64_t cpu_inorder_execute(cpu_inorder *lp, const cpu_inorder_uop *u, uint64_t at, cpu_inorder_hook hook, void *data)
{
    uint64_t extra = 0;
    if (u->slot >= 0) {
        if (u->kind == CPU_XK_LOAD) {
            extra = hook ? hook(data, u->slot, false, at) : 0;
            extra -= MIN(extra, u->bypassed);
        } else {
            /* Stores ask for their lines one a cycle, from the cycle after their issue on, and leave the buffer in order. */
            uint64_t begin = MAX(lp->asked_at, at) + 1;
            lp->asked_at = begin;
            lp->written_at = MAX(lp->written_at + 1, begin + (hook ? hook(data, u->slot, true, begin) : 0));
            lp->store_free[lp->n_stores++ % CPU_INORDER_STORES] = lp->written_at;
        }
    }
    uint64_t done = at + u->latency + extra, address = at + u->address_latency + extra;
    for (uint64_t m = u->writes; m; m &= m - 1) {
        lp->ready[__builtin_ctzll(m)] = done;
        lp->ready_address[__builtin_ctzll(m)] = address;
    }
    lp->done = MAX(lp->done, done);
    return done;
}

/* ---- a block ----------------------------------------------------------------------------------------------------------- */

CPU_INORDER_INLINE uint64_t cpu_inorder_sources(const uint64_t *ready, uint64_t mask, uint64_t at)
{
    for (; mask; mask &= mask - 1)
        at = MAX(at, ready[__builtin_ctzll(mask)]);
    return at;
}

CPU_INORDER_INLINE uint64_t cpu_inorder_scoreboard(cpu_inorder *lp, cpu_inorder_shared *shared, const cpu_inorder_code *code, uint64_t at,
                                                   cpu_inorder_hook hook, void *data)
{
    uint64_t resolved = 0, width = lp->width;
    for (const cpu_inorder_uop *u = code->uops, *end = u + code->n_uops; u < end; u++) {
        at = cpu_inorder_sources(u->flags & CPU_INORDER_ADDRESS ? lp->ready_address : lp->ready, u->reads, at);
        for (uint64_t m = u->ordered; m; m &= m - 1) {
            uint64_t before = lp->ready[__builtin_ctzll(m)];
            if (__builtin_expect(before > at + u->latency, 0))
                at = before - u->latency;
        }
        if (u->kind != CPU_XK_LOAD && u->slot >= 0)
            at = MAX(at, cpu_inorder_room(lp, 1));
        at = cpu_inorder_take(shared, u, (uint32_t)width, at);
        if (at != lp->cycle) {
            lp->cycle = at;
            lp->slots = 0;
        }
        lp->slots += u->flags & CPU_INORDER_FREE ? 0 : 1;
        uint64_t done = cpu_inorder_execute(lp, u, at, hook, data);
        if (u->flags & CPU_INORDER_LAST)
            resolved = MAX(resolved, done);
    }
    return resolved;
}

CPU_INORDER_INLINE uint64_t cpu_inorder_groups(cpu_inorder *lp, cpu_inorder_shared *shared, const cpu_inorder_code *code, uint64_t at, cpu_inorder_hook hook,
                                               void *data)
{
    uint64_t resolved = 0;
    const cpu_inorder_uop *u = code->uops;
    for (const cpu_inorder_issue *g = code->issues, *end = g + code->n_issues; g < end; g++, at++) {
        at = cpu_inorder_sources(lp->ready, g->reads, at);
        at = cpu_inorder_sources(lp->ready_address, g->address_reads, at);
        if (g->n_stores)
            at = MAX(at, cpu_inorder_room(lp, g->n_stores));
        for (;; at++) {
            cpu_inorder_cycle *e = cpu_inorder_at(shared, at);
            if (__builtin_expect(!e, 0))
                break;
            if (__builtin_expect((e->taken & g->ports) == 0 && e->slots + g->n_slots <= lp->width, 1)) {
                e->taken |= g->ports;
                e->slots = (uint8_t)(e->slots + g->n_slots);
                break;
            }
        }
        lp->cycle = at;
        lp->slots = lp->width;
        for (unsigned i = 0; i < g->n_uops; i++, u++) {
            uint64_t done = cpu_inorder_execute(lp, u, at, hook, data);
            if (__builtin_expect(u->busy > 1, 0))
                cpu_inorder_keep(shared, u->kind == CPU_XK_EXEC ? 1u << CPU_INORDER_DIVIDER : u->ports, at, u->busy);
            if (u->flags & CPU_INORDER_LAST)
                resolved = MAX(resolved, done);
        }
    }
    return resolved;
}

/* Runs a block that lies at `addr` and of which nothing can issue before `deliver_at`. `hook(data, slot, is_store, cycle)` is called for each load when
 * it issues and for each store when it could be written, in program order, and returns the cycles that the access takes beyond an L1D hit; it must be
 * a static inline function, or NULL. */
CPU_INORDER_INLINE cpu_inorder_times cpu_inorder_block(cpu_inorder *lp, cpu_inorder_shared *shared, const cpu_inorder_code *code, uint64_t addr,
                                                       uint64_t deliver_at, cpu_inorder_hook hook, void *data)
{
    uint64_t at = MAX(lp->cycle, MAX(deliver_at, lp->not_before));
    /* What follows a taken branch issues in another cycle; groups always do. */
    if (at == lp->cycle && lp->slots && (code->epic || addr != lp->next_addr))
        at++;
    lp->next_addr = addr + code->bytes;
    uint64_t resolved = code->epic ? cpu_inorder_groups(lp, shared, code, at, hook, data) : cpu_inorder_scoreboard(lp, shared, code, at, hook, data);
    return (cpu_inorder_times){.issued = lp->cycle, .resolved = MAX(resolved, lp->cycle), .retired = MAX(lp->done, lp->cycle)};
}
