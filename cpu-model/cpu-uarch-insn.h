/* SPDX-License-Identifier: GPL-2.0-or-later */
/* An instruction on its way to micro-ops, between cpu-uarch-intel.c (rules), cpu-uarch-operands.c, cpu-uarch-recipe.c and cpu-uarch-fusion.c. Not for
 * others. */
#pragma once

#include "cpu-uarch-intel.h"

#define BIT(r) (UINT64_C(1) << (r))

/* What differs between generations. */
typedef struct {
    uint16_t load, store, store_indexed, store_data, alu, merge;
    uint8_t decoded; /* micro-ops that the decoders make in a cycle [OPT] */
    bool laminates_all, slow_256;
} cpu_intel_generation;
extern const cpu_intel_generation cpu_intel_generations[CPU_N_INTEL];

enum { MAX_MEMORY = 4, LOADED = CPU_XR_TEMP, STORED = CPU_XR_TEMP + 3, SCRATCH = CPU_XR_TEMP + 4, SYNCED = CPU_XR_TEMP + 8, RSP = CPU_XR_GPR + 4 };

/* A memory operand that is accessed. */
typedef struct {
    uint8_t operand;
    uint8_t access; /* INSN_ACCESS_* */
    int16_t slot;
    uint16_t size;  /* bytes */
    uint16_t expression;
    bool indexed, simple;
    uint64_t regs;
} cpu_intel_memory;

/* One instruction. */
typedef struct {
    const cpu_decoded_insn *d;
    uint64_t reads[5], writes[5];             /* registers, by visible operand (the last: those beyond) */
    uint64_t implicit_reads, implicit_writes; /* hidden operands */
    uint64_t flag_reads, flag_writes;
    cpu_intel_memory mem[MAX_MEMORY];
    unsigned n_mem;
    bool stack;                               /* moves RSP by the stack engine */
    int stack_change;
    bool uses_rsp;                            /* apart from that */
    bool writes_rsp;
    uint64_t whole;                           /* general registers read as 16 bits or more */
    unsigned loads, stores;
} cpu_intel_insn;

/* What a block has done so far. */
typedef struct {
    cpu_xbuilder *b;
    unsigned generation;
    bool rsp_changed;   /* the stack engine's offset is not 0 */
    bool rsp_synced;    /* the stack engine has brought RSP up to date since it was written */
    int rsp_offset;     /* bytes that the stack engine has moved RSP since the register was written */
    uint8_t high8;      /* renamed apart: AH, CH, DH, BH */
    uint8_t x87[8];     /* place of st(i) */
    bool dry;           /* only the state matters */
    const cpu_decoded_insn *next;
    uint64_t addr, next_addr;
    bool fused_next;    /* the next instruction has been fused with this one */
} cpu_intel_state;

/* Registers, flags and memory operands of an instruction, in the state that the block is in; access slots are numbered in the order of calls. */
void cpu_intel_take(cpu_intel_state *s, cpu_intel_insn *x, const cpu_decoded_insn *d);
/* The state behind it. */
void cpu_intel_follow(cpu_intel_state *s, const cpu_intel_insn *x);

/* "ms", "!", "@", "-", "+N" at a recipe's begin. */
typedef struct {
    bool microcode, unfused, none;
    int beside; /* -1: not said */
    unsigned load_extra;
} cpu_intel_head;

/* One micro-op of a recipe. */
typedef struct {
    unsigned count; /* 0: one that is not only pressure */
    unsigned ports, latency, busy, flags;
    uint64_t reads, writes;
    bool chained;
} cpu_intel_uop;

/* Both return what is behind the part that they read. */
const char *cpu_intel_parse_head(const char *p, cpu_intel_head *h);
const char *cpu_intel_parse_uop(const cpu_intel_insn *x, const char *p, cpu_intel_uop *u);
/* All that an instruction reads (loaded values too) and writes (the data to be stored, too). */
uint64_t cpu_intel_all_reads(const cpu_intel_insn *x);
uint64_t cpu_intel_all_writes(const cpu_intel_insn *x);
/* Where load number `i` of an instruction puts its value. */
static inline uint64_t cpu_intel_loaded(unsigned i)
{
    return BIT(LOADED + MIN(i, 2u));
}

/* Whether an instruction may macro-fuse with some conditional branch, and with this one. */
bool cpu_intel_fusible(const cpu_decoded_insn *d);
bool cpu_intel_fuses(const cpu_decoded_insn *d, const cpu_decoded_insn *jump);
/* The offset of the nominal opcode, as in cpu_xinsn. */
unsigned cpu_intel_opcode_at(const ZydisDecodedInstruction *in);
/* A prefix changes the length of the immediate operand [OPT, "Length-changing prefixes"]. */
bool cpu_intel_length_changing(const ZydisDecodedInstruction *in);
