/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From micro-ops to a block: which values flow where, and the accesses that were seen instead of those expected. */
#include "cpu-builder.h"

#include <string.h>

/* ---- dependences ------------------------------------------------------------------------------------------------ */

static void or_deps(cpu_deps *into, const cpu_deps *from)
{
    into->regs |= from->regs;
    into->slots |= from->slots;
    into->reg_cycles = MAX(into->reg_cycles, from->reg_cycles);
    into->slot_cycles = MAX(into->slot_cycles, from->slot_cycles);
}

/* Cycles that a micro-op adds to a way; typical, since decoding knows no machine. */
static uint16_t way_cycles(const cpu_uop *u)
{
    if (u->kind == CPU_UOP_LOAD)
        return 4;
    switch (u->res) {
    case CPU_RES_MUL:
        return 3;
    case CPU_RES_FP_ADD:
    case CPU_RES_FP_MUL:
        return 4;
    case CPU_RES_DIV:
        return 20;
    default:
        return 1;
    }
}

/* Follows values through the block: what each address, each register at the end and the branch depend on. */
static void analyse_deps(cpu_block *block)
{
    cpu_deps state[CPU_REG_COUNT];
    for (unsigned r = 0; r < CPU_REG_COUNT; r++)
        state[r] = (cpu_deps){.regs = r < CPU_REG_ARCH ? UINT64_C(1) << r : 0};
    uint64_t written = 0;
    unsigned insn = UINT_MAX;
    for (unsigned i = 0; i < block->n_uops; i++) {
        const cpu_uop *u = &block->uops[i];
        if (u->insn != insn) {
            insn = u->insn;
            for (unsigned r = CPU_REG_ARCH; r < CPU_REG_COUNT; r++)
                state[r] = (cpu_deps){0};
        }
        cpu_deps deps = {0};
        for (uint64_t m = u->reads; m; m &= m - 1) {
            unsigned r = (unsigned)__builtin_ctzll(m);
            or_deps(&deps, &state[r]);
            if (r < CPU_REG_ARCH && !(written >> r & 1))
                block->reads |= UINT64_C(1) << r;
        }
        block->slots_used |= deps.slots;
        if (u->slot >= 0 && u->slot < block->facts.n_slots)
            or_deps(&block->addr_deps[u->slot], &deps);
        uint16_t cycles = way_cycles(u);
        deps.reg_cycles = deps.regs ? (uint16_t)MIN(deps.reg_cycles + cycles, UINT16_MAX) : 0;
        deps.slot_cycles = deps.slots ? (uint16_t)MIN(deps.slot_cycles + cycles, UINT16_MAX) : 0;
        if (u->kind == CPU_UOP_LOAD && u->slot >= 0)
            deps.slots |= UINT64_C(1) << MIN(u->slot, 63);
        for (uint64_t m = u->writes; m; m &= m - 1) {
            unsigned r = (unsigned)__builtin_ctzll(m);
            state[r] = deps;
            written |= UINT64_C(1) << r;
        }
        if (u->res == CPU_RES_BRANCH && u->kind == CPU_UOP_EXEC)
            block->branch_deps = deps;
    }
    block->writes = written & ((UINT64_C(1) << CPU_REG_ARCH) - 1);
    block->n_written = (uint16_t)__builtin_popcountll(block->writes);
    block->written = g_new(uint8_t, MAX(block->n_written, 1));
    block->written_deps = g_new(cpu_deps, MAX(block->n_written, 1));
    unsigned n = 0;
    for (uint64_t m = block->writes; m; m &= m - 1) {
        unsigned r = (unsigned)__builtin_ctzll(m);
        block->written[n] = (uint8_t)r;
        block->written_deps[n++] = state[r];
    }
}

/* ---- making ----------------------------------------------------------------------------------------------------- */

unsigned cpu_map_seen(const GArray *expected, const insn_access *seen, unsigned n_seen, int *map, uint8_t *extra)
{
    unsigned next = 0, n_extra = 0;
    for (unsigned i = 0; i < expected->len; i++)
        map[i] = -1;
    for (unsigned k = 0; k < n_seen; k++) {
        unsigned i = next;
        for (; i < expected->len; i++) {
            const insn_access *e = &g_array_index(expected, insn_access, i);
            if (e->insn == seen[k].insn && e->flags == seen[k].flags)
                break;
        }
        extra[k] = i == expected->len;
        if (extra[k]) {
            n_extra++;
        } else {
            map[i] = (int)k;
            next = i + 1;
        }
    }
    return n_extra;
}

/* Gives the accesses that were seen to the micro-ops that decoding made, by instruction and kind; a micro-op left over keeps its
 * place in the pipeline without an access, an access left over is a further micro-op at the end. */
static void apply_seen(cpu_builder *b, const insn_access *seen, unsigned n_seen)
{
    g_autofree int *map = g_new(int, MAX(b->slots->len, 1));
    g_autofree uint8_t *extra = g_new(uint8_t, MAX(n_seen, 1));
    cpu_map_seen(b->slots, seen, n_seen, map, extra);
    for (unsigned i = 0; i < b->uops->len; i++) {
        cpu_uop *u = &g_array_index(b->uops, cpu_uop, i);
        if (u->slot >= 0)
            u->slot = (int16_t)map[u->slot];
    }
    g_array_set_size(b->slots, 0);
    if (n_seen)
        g_array_append_vals(b->slots, seen, n_seen);
    for (unsigned k = 0; k < n_seen; k++) {
        bool load = seen[k].flags & INSN_ACCESS_LOAD;
        if (extra[k])
            cpu_add_uop(b, load ? CPU_UOP_LOAD : CPU_UOP_STORE, load ? CPU_RES_LOAD : CPU_RES_STORE, 0, 0, (int)k, 0);
    }
}

void cpu_decode_block(cpu_block *block, uint64_t addr, const uint8_t *bytes, uint16_t size, unsigned flags,
                      const insn_access *seen, unsigned n_seen)
{
    cpu_builder b = {.uops = g_array_new(FALSE, FALSE, sizeof(cpu_uop)), .slots = g_array_new(FALSE, FALSE, sizeof(insn_access))};
    *block = (cpu_block){.flags = flags, .variant = seen != NULL};
    block->facts.addr = addr;
    block->bytes = g_memdup2(bytes, MAX(size, 1));
    block->facts.code = block->bytes;
    block->facts.code_bytes = size;
    block->facts.flags = (uint8_t)flags;
    block->facts.variant = seen != NULL;
    if (flags & INSN_BLOCK_ABSTRACT)
        cpu_abstract_insns(block, &b, bytes, size);
    else
        cpu_decode_insns(block, &b, bytes, size);
    block->fall = addr + block->facts.bytes;
    if (seen)
        apply_seen(&b, seen, n_seen);
    block->facts.ends_with_rep = block->branch == CPU_BR_REP;
    block->facts.n_insns = flags & INSN_BLOCK_REP_AGAIN ? 0 : (uint16_t)b.n_insns;
    block->facts.n_slots = (uint16_t)b.slots->len;
    block->n_uops = (uint16_t)b.uops->len;
    block->uops = (cpu_uop *)(void *)g_array_free(b.uops, FALSE);
    block->slots = (insn_access *)(void *)g_array_free(b.slots, FALSE);
    block->facts.slots = block->slots;
    for (unsigned i = 0; i < block->facts.n_slots; i++) {
        block->n_loads += block->slots[i].flags & INSN_ACCESS_LOAD ? 1 : 0;
        block->n_stores += block->slots[i].flags & INSN_ACCESS_STORE ? 1 : 0;
    }
    block->addr_deps = g_new0(cpu_deps, MAX(block->facts.n_slots, 1));
    analyse_deps(block);
}

void cpu_block_clear(cpu_block *block)
{
    g_free(block->uops);
    g_free(block->slots);
    g_free(block->addr_deps);
    g_free(block->written);
    g_free(block->written_deps);
    g_free(block->bytes);
}
