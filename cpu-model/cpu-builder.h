/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What makes a cpu_block of micro-ops, wherever these come from: cpu-decode.c (x86 code), cpu-abstract.c, and cpu-block.c for what both
 * need. Not for others. */
#pragma once

#include "cpu-code.h"

typedef struct {
    GArray *uops;  /* cpu_uop */
    GArray *slots; /* insn_access */
    unsigned n_insns;
} cpu_builder;

/* Appends a micro-op of the present instruction (number n_insns). */
void cpu_add_uop(cpu_builder *b, cpu_uop_kind kind, cpu_resource res, uint64_t reads, uint64_t writes, int slot, int extra);
int cpu_add_slot(cpu_builder *b, unsigned size, unsigned flags);
/* Builds a block's instructions: facts.sensitivity and last_at, branch, target, unknown, fall; the rest cpu_decode_block does. */
void cpu_decode_insns(cpu_block *block, cpu_builder *b, const uint8_t *bytes, uint16_t size);
void cpu_abstract_insns(cpu_block *block, cpu_builder *b, const uint8_t *bytes, uint16_t size);

/* Which of the accesses `seen` each expected one (insn_access, as decoding lists them) is: map[i], -1 for none; in order, of the same instruction and kind.
 * extra[k]: no expected one is seen[k]. Returns their number. */
unsigned cpu_map_seen(const GArray *expected, const insn_access *seen, unsigned n_seen, int *map, uint8_t *extra);

/* The registers that an abstract instruction names in one of its lists, as a mask. */
static inline uint64_t cpu_abstract_regs(const uint8_t *regs, unsigned n)
{
    uint64_t mask = 0;
    for (unsigned i = 0; i < n; i++)
        if (regs[i] != INSN_REG_NONE)
            mask |= UINT64_C(1) << regs[i];
    return mask;
}
