/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tables of what x86-64 instructions become on Intel's cores, for cpu-uarch*.c only.
 *
 * A row holds for some mnemonics (`names`: apart by spaces; "*addps" stands for addps and vaddps) and operand forms (`when`); the first row that fits counts.
 * `when` is a list of letters, all of which must hold, "!" before one negates it:
 *   m  a memory operand that is accessed        M  operand 1 is one            i  the last operand is an immediate
 *   g  operand 1 is a general register           G  operand 2 is one            0  ... of value 0
 *   v  operand 1 is an xmm or ymm register        V  operand 2 is one            c  the last operand is CL
 *   y  a 256-bit operand                          n  an mmx operand              =  the last two operands are the same register
 *   q d w b  operand 1 has 64, 32, 16, 8 bits     1 2 3 4  number of operands    s  shift in the short form for one bit (opcodes D0, D1)
 *   L  locked (xchg with memory always is)        R  repeated                    h  operand 2 is al to bl or r8b to r11b
 *   X  VEX-encoded                                Q  the last operand is a 64-bit register
 *   l  address of base + index + displacement
 *
 * A recipe lists the micro-ops between those of the memory operands (an access is a load before them, a store address and a store data behind
 * them), apart by spaces: PORTS[/LATENCY][!BUSY][:READS[>WRITES]]
 *   PORTS    "p015"; "idle": done at rename; "move": a move that may be eliminated, then its ports ("move015"); "N*p015": N micro-ops that only take ports
 *   LATENCY  cycles, 1 unless said; BUSY: cycles that the divider is taken
 *   READS, WRITES  of digits (operands; for memory: the value loaded, to be stored), f (status flags), a d c S D (RAX, RDX, RCX, RSI, RDI), i (implicit
 *            registers), t u v w (temporaries), M (what serializes locked operations), x (mxcsr and x87 control), * (all).
 * Micro-ops without READS make a chain: the first reads all, the last writes all. A recipe that begins with "!" is not micro-fused with its load; "@N": the
 * first decoder takes it and no more than N others work beside it; "-": no micro-op, the load or store alone is the move; "+N" adds N to the load's
 * latency; "ms": from the microcode sequencer. */
#pragma once

#include "cpu-decode.h"
#include "cpu-uarch.h"

enum { CPU_INTEL_IVB, CPU_INTEL_HSW, CPU_INTEL_SKL, CPU_N_INTEL };

typedef struct {
    const char *names, *when;
    const char *uops[CPU_N_INTEL]; /* NULL: as on the generation before */
} cpu_intel_row;

typedef struct {
    const cpu_intel_row *rows;
    unsigned n;
} cpu_intel_table;
extern const cpu_intel_table cpu_intel_int, cpu_intel_sse, cpu_intel_vec, cpu_intel_x87;

/* The recipe of an instruction, or NULL when the tables lack it. Thread-safe. */
const char *cpu_intel_recipe(const cpu_decoded_insn *d, unsigned generation);
/* The names in the tables that this Zydis does not know, for the tests: their number. */
unsigned cpu_intel_bad_names(void);

/* Micro-ops in the making. */
typedef struct {
    const cpu_core_desc *core;
    const cpu_block *block;
    GArray *uops, *insns, *operands;
    unsigned slot;            /* expected accesses so far */
    int *slot_map;            /* expected to seen accesses; NULL: the same */
    uint8_t *extra;           /* of a variant: accesses that decoding does not expect */
    int stack_change;         /* result: as in cpu_xblock */
} cpu_xbuilder;

void cpu_intel_expand(cpu_xbuilder *b, unsigned generation);
cpu_xuop *cpu_xadd(cpu_xbuilder *b, cpu_xuop_kind kind, unsigned ports, unsigned latency, uint64_t reads, uint64_t writes, unsigned flags);
