/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Decoded x86 instructions, for cpu-decode.c and cpu-describe.c only: Zydis ends here. */
#pragma once

#include "cpu-builder.h"

#include <Zydis/Zydis.h>

typedef struct {
    ZydisDecodedInstruction in;
    ZydisDecodedOperand ops[ZYDIS_MAX_OPERAND_COUNT];
} cpu_decoded_insn;

uint64_t cpu_decode_reg(ZydisRegister reg); /* its bit in a register mask, or 0 */
cpu_branch_kind cpu_decode_branch(const cpu_decoded_insn *d);
/* Resource, extra latency and further micro-ops of the operation; count 0: none (plain move). */
unsigned cpu_decode_operation(const cpu_decoded_insn *d, cpu_resource *res, int *extra, bool *known);
/* Whether an operand is memory that an emulator really accesses, how, and by which registers. */
bool cpu_decode_is_access(const cpu_decoded_insn *d, const ZydisDecodedOperand *op);
unsigned cpu_decode_access_flags(const ZydisDecodedOperand *op);
uint64_t cpu_decode_address_regs(const ZydisDecodedOperand *op);
