/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a decoded block becomes on a kind of core: micro-ops with issue ports and latencies, and what the front end has to know of each
 * instruction. Machine-dependent, made once per block and kind of core (cpu-block.h's micro-ops know no machine). The breakdown of x86
 * instructions on Intel's cores is in cpu-uarch-intel*.c; cores described by classes alone (`units`, `latencies`) get theirs from cpu-uarch.c. */
#pragma once

#include "cpu-code.h"

/* Registers as bits of a mask, finer than those of cpu-code.h. */
enum {
    CPU_XR_GPR = 0,    /* 16 */
    CPU_XR_VEC = 16,   /* 16 (xmm, ymm) */
    CPU_XR_CF = 32,    /* carry flag: renamed apart from ... */
    CPU_XR_FLAGS = 33, /* ... the other status flags */
    CPU_XR_X87 = 34,   /* 8: x87 stack places and MMX registers */
    CPU_XR_MISC = 42,  /* MXCSR, x87 control and status words, segment registers */
    CPU_XR_MASK = 43,  /* 8: k0 to k7 */
    CPU_XR_TEMP = 51,  /* 9: within one instruction */
    CPU_XR_HIGH8 = 60, /* 4: AH, CH, DH, BH while renamed apart */
    CPU_XR_COUNT = 64,
};

enum {
    CPU_XU_FUSED = 1,     /* micro-fused with the micro-op before it: no slot of its own at rename, in the reorder buffer, at retirement */
    CPU_XU_LAMINATED = 2, /* fused with the micro-op before it up to the micro-op queue, apart from rename on */
    CPU_XU_MOVE = 4,      /* a register move that rename may eliminate */
    CPU_XU_IDLE = 8,      /* done at rename: no port (nop, zero idiom; an eliminated move is decided by the pipeline) */
    CPU_XU_SIMPLE = 16,   /* a load from [base + 0 .. 2047]: a cycle less than `latency` when the base comes straight from a load (CPU_XU_POINTER) */
    CPU_XU_POINTER = 32,  /* a load straight into a general register (mov r32/r64, movsxd r64, pop r64) */
};

/* What a micro-op does to memory. */
typedef enum { CPU_XK_EXEC, CPU_XK_LOAD, CPU_XK_STORE_ADDRESS, CPU_XK_STORE_DATA } cpu_xuop_kind;

typedef struct {
    uint64_t reads, writes; /* CPU_XR_* masks */
    uint16_t ports;         /* issue ports that can take it, a bit each; 0 with CPU_XU_IDLE */
    uint8_t kind;           /* cpu_xuop_kind */
    uint8_t flags;          /* CPU_XU_* */
    uint8_t latency;        /* cycles from issue to the result; of a load: L1D hit to use, by addressing mode and register file */
    uint8_t busy;           /* cycles that a unit that is not pipelined (the divider) stays taken; 0: pipelined */
    uint8_t insn;           /* instruction of the block, saturating at 255 */
    uint8_t reserved;
    int16_t slot;           /* access slot of the block, or -1 */
    uint16_t expression;    /* memory micro-ops: equal numbers in a block and equal values of the address registers, in the order of their numbers, name the
                             * same address (operands[expression - 1]); 0: not known */
    uint8_t size;           /* bytes accessed, saturating */
} cpu_xuop;

enum {
    CPU_XI_COMPLEX = 1,      /* only the first decoder takes it */
    CPU_XI_MICROCODE = 2,    /* from the microcode sequencer */
    CPU_XI_LCP = 4,          /* length-changing prefix: predecoding stalls */
    CPU_XI_FUSED = 8,        /* macro-fused with the instruction before it: decoded with it, its micro-ops stand there */
    CPU_XI_BRANCH = 16,
    CPU_XI_UNKNOWN = 64,     /* the tables lack it: default of its class */
    CPU_XI_FUSIBLE = 128,    /* may macro-fuse with a branch behind it (whether or not one is there): the decoders hold it until they see the next */
};

typedef struct {
    uint8_t length;     /* bytes */
    uint8_t opcode_at;  /* offset of the nominal opcode (after prefixes): where predecoding counts it */
    uint8_t flags;      /* CPU_XI_* */
    uint8_t n_decode;   /* micro-ops in the fused domain that the decoders make of it; of a microcoded one: before the sequencer takes over (0 to 4) */
    uint16_t n_uops;    /* of `uops`, in order */
    uint16_t mnemonic;  /* ZydisMnemonic, for reports; 0: abstract */
    uint8_t beside;     /* with CPU_XI_COMPLEX: the most other decoders that work in the same cycle */
} cpu_xinsn;

/* A memory operand of the block: what a micro-op's `expression` (less 1) numbers. Operands of a family (of any block) form their addresses in the same
 * way: while the registers' values are equal, too, their places differ by `disp`. */
typedef struct {
    uint32_t family;
    int64_t disp; /* with the stack engine's offset since RSP was written, where RSP is the base */
} cpu_xoperand;

typedef struct {
    uint64_t addr;
    cpu_xuop *uops;     /* [n_uops], in program order */
    cpu_xinsn *insns;   /* [n_insns] */
    cpu_xoperand *operands; /* [n_operands] */
    uint16_t n_uops, n_insns, n_operands;
    uint16_t n_slots_used; /* rename slots: micro-ops but those with CPU_XU_FUSED */
    uint16_t bytes;
    uint8_t branch;     /* cpu_branch_kind of the last instruction */
    uint8_t again;      /* INSN_BLOCK_REP_AGAIN: no instruction begins here */
    int32_t stack_change; /* bytes by which the stack engine has moved RSP since the register was written, as to `operands` */
} cpu_xblock;

/* Pure function of its arguments; never NULL. Free with cpu_xblock_free. */
cpu_xblock *cpu_uarch_expand(const cpu_core_desc *core, const cpu_block *block);
void cpu_xblock_free(cpu_xblock *block);

/* ---- instructions that the tables lack -------------------------------------------------------------------------------- */

/* Executions of each block of a code store, counted from the batches that a source hands over: where somebody asks for weights, not in the run loop. */
typedef struct {
    uint64_t *executions; /* [n], by block id */
    uint32_t n;
} cpu_weights;

void cpu_weights_add(cpu_weights *weights, const insn_batch *batch);
void cpu_weights_clear(cpu_weights *weights);

/* A form of instruction (mnemonic and kinds of operands) of which a kind of core only knows the class. */
typedef struct {
    char *form;          /* "vpfoo xmm, xmm, m128"; "(bad)": bytes that are no instruction */
    uint32_t blocks;     /* that have it */
    uint64_t executions; /* of the instruction; 0 without weights */
} cpu_unknown;

/* All of a code store, the most executed first, then those in the most blocks, then by name. `weights` may be NULL. An array of cpu_unknown to be freed
 * with g_array_unref. */
GArray *cpu_uarch_unknown(const cpu_core_desc *core, const insn_code *code, const cpu_weights *weights);
