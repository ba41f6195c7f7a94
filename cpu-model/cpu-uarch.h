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
    CPU_XR_TEMP = 51,  /* 13: within one instruction */
    CPU_XR_COUNT = 64,
};

enum {
    CPU_XU_FUSED = 1,     /* micro-fused with the micro-op before it: no slot of its own at rename, in the reorder buffer, at retirement */
    CPU_XU_LAMINATED = 2, /* fused with the micro-op before it up to the micro-op queue, apart from rename on */
    CPU_XU_MOVE = 4,      /* a register move that rename may eliminate */
    CPU_XU_IDLE = 8,      /* done at rename: no port (nop, zero idiom; an eliminated move is decided by the pipeline) */
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
    uint16_t expression;    /* memory micro-ops: equal numbers in a block name the same operand (base, index, scale, displacement, size); 0: none */
} cpu_xuop;

enum {
    CPU_XI_COMPLEX = 1,      /* only the first decoder takes it */
    CPU_XI_MICROCODE = 2,    /* from the microcode sequencer */
    CPU_XI_LCP = 4,          /* length-changing prefix: predecoding stalls */
    CPU_XI_FUSED = 8,        /* macro-fused with the instruction before it: decoded with it, its micro-ops stand there */
    CPU_XI_BRANCH = 16,
    CPU_XI_JCC_ERRATUM = 32, /* reserved for cores that need it */
    CPU_XI_UNKNOWN = 64,     /* the tables lack it: default of its class */
};

typedef struct {
    uint8_t length;     /* bytes */
    uint8_t opcode_at;  /* offset of the nominal opcode (after prefixes): where predecoding counts it */
    uint8_t flags;      /* CPU_XI_* */
    uint8_t n_decode;   /* micro-ops in the fused domain that decoding makes of it */
    uint16_t n_uops;    /* of `uops`, in order */
    uint16_t mnemonic;  /* ZydisMnemonic, for reports; 0: abstract */
} cpu_xinsn;

typedef struct {
    uint64_t addr;
    cpu_xuop *uops;     /* [n_uops], in program order */
    cpu_xinsn *insns;   /* [n_insns] */
    uint16_t n_uops, n_insns;
    uint16_t n_slots_used; /* rename slots: micro-ops but those with CPU_XU_FUSED */
    uint16_t bytes;
    uint8_t branch;     /* cpu_branch_kind of the last instruction */
    uint8_t again;      /* INSN_BLOCK_REP_AGAIN: no instruction begins here */
} cpu_xblock;

/* Pure function of its arguments; never NULL. Free with cpu_xblock_free. */
cpu_xblock *cpu_uarch_expand(const cpu_core_desc *core, const cpu_block *block);
void cpu_xblock_free(cpu_xblock *block);
