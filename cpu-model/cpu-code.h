/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Decoded code: what a block is made of, independent of any machine. The code store behind insn-source.h's
 * `insn_code` keeps these; cpu-decode.c (x86 code) and cpu-abstract.c make them. */
#pragma once

#include "cpu-machine.h"

/* Registers as bits of a mask: what a micro-op reads and writes. */
enum {
    CPU_REG_GPR = 0,    /* 16 */
    CPU_REG_VEC = 16,   /* 16 */
    CPU_REG_FLAGS = 32,
    CPU_REG_X87 = 33,   /* x87, MMX, MXCSR: one name */
    CPU_REG_ARCH = 34,  /* number of architectural names */
    CPU_REG_TEMP = 34,  /* within one instruction: results of its loads, then of its operation */
    CPU_REG_COUNT = 40,
};

typedef enum { CPU_UOP_EXEC, CPU_UOP_LOAD, CPU_UOP_STORE } cpu_uop_kind;

typedef struct {
    uint64_t reads, writes; /* register masks */
    uint8_t kind;           /* cpu_uop_kind */
    uint8_t res;            /* cpu_resource */
    uint8_t insn;           /* instruction of the block, saturating */
    int8_t extra;           /* cycles beyond the resource's latency (division by width, conversions, ...) */
    int16_t slot;           /* access slot, or -1 */
} cpu_uop;

typedef enum {
    CPU_BR_NONE,     /* falls through: system call, block cut, rep again */
    CPU_BR_COND,
    CPU_BR_JUMP,     /* direct */
    CPU_BR_CALL,
    CPU_BR_RET,
    CPU_BR_IJUMP,    /* indirect */
    CPU_BR_ICALL,
    CPU_BR_REP,      /* leaves or re-enters a rep string instruction: not a branch to any predictor */
} cpu_branch_kind;

/* On what an address, a register at the block's end or the final branch depends: registers at the block's
 * entry, and access slots (loads) within the block (slots from 63 on share the last bit); and the longest way
 * from each kind to here, in cycles of a typical core (loads 4, multiplications 3, floating point 4, else 1). */
typedef struct {
    uint64_t regs, slots;
    uint16_t reg_cycles, slot_cycles;
} cpu_deps;

typedef struct cpu_block {
    insn_block_facts facts;
    insn_access *slots;
    uint16_t n_uops, n_loads, n_stores, n_written;
    uint8_t branch;         /* cpu_branch_kind */
    uint8_t unknown;        /* an instruction that the tables lack is in it */
    uint64_t target;        /* of a direct branch */
    uint64_t fall;          /* address after the last instruction */
    uint64_t reads;         /* registers read before written */
    uint64_t writes;        /* registers written */
    cpu_uop *uops;
    cpu_deps *addr_deps;    /* [n_slots] */
    uint8_t *written;       /* [n_written] register numbers ... */
    cpu_deps *written_deps; /* ... and what each depends on at the block's end */
    cpu_deps branch_deps;
    uint64_t slots_used;    /* loads whose result is read within the block */
    uint8_t *bytes;
    uint32_t flags;         /* INSN_BLOCK_* */
    uint8_t variant;        /* defined by an explicit list of accesses */
    struct cpu_block *next; /* in its hash bucket */
} cpu_block;

/* Fills all of `block` but facts.id and next. `seen` as in insn_code.define. */
void cpu_decode_block(cpu_block *block, uint64_t addr, const uint8_t *bytes, uint16_t size, unsigned flags,
                      const insn_access *seen, unsigned n_seen);
void cpu_block_clear(cpu_block *block);
/* insn_code.instruction, of a block. */
bool cpu_describe(const cpu_block *block, unsigned index, insn_instruction *out);

/* The block of an id that was defined. Thread-safe, lock-free, O(1). */
const cpu_block *cpu_code_block(const insn_code *code, uint32_t id);
uint32_t cpu_code_count(const insn_code *code);
