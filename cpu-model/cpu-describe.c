/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One instruction of a block, for tools: text, registers, accesses. */
#include "cpu-decode.h"

#include <string.h>

static bool describe_abstract(const cpu_block *block, unsigned index, insn_instruction *out)
{
    static const char *const names[] = {"move", "int", "mul", "div", "fp-add", "fp-mul", "fp-div", "vec", "cond", "jump", "call", "ret", "ijump", "icall"};
    G_STATIC_ASSERT(G_N_ELEMENTS(names) == INSN_OP_COUNT);
    const insn_abstract *all = (const insn_abstract *)(const void *)block->bytes, *a = &all[index];
    if (index >= block->facts.code_bytes / sizeof *a)
        return false;
    for (unsigned i = 0; i < index; i++)
        out->addr += all[i].size;
    out->size = a->size;
    out->op = a->op;
    out->reads = cpu_abstract_regs(a->src, G_N_ELEMENTS(a->src)) | cpu_abstract_regs(a->addr, G_N_ELEMENTS(a->addr));
    out->writes = cpu_abstract_regs(a->dst, G_N_ELEMENTS(a->dst));
    g_snprintf(out->text, sizeof out->text, "(abstract) %s", names[a->op]);
    return true;
}

/* ---- x86 ----------------------------------------------------------------------------------------------------------- */

static insn_op op_of(const cpu_decoded_insn *d, uint64_t writes)
{
    static const insn_op branches[] = {[CPU_BR_COND] = INSN_OP_COND, [CPU_BR_JUMP] = INSN_OP_JUMP, [CPU_BR_CALL] = INSN_OP_CALL,
                                       [CPU_BR_RET] = INSN_OP_RET, [CPU_BR_IJUMP] = INSN_OP_IJUMP, [CPU_BR_ICALL] = INSN_OP_ICALL};
    cpu_branch_kind branch = cpu_decode_branch(d);
    if (branch != CPU_BR_NONE && branch != CPU_BR_REP)
        return branches[branch];
    cpu_resource res;
    int extra;
    bool known;
    if (cpu_decode_operation(d, &res, &extra, &known) == 0)
        return INSN_OP_MOVE;
    switch (res) {
    case CPU_RES_MUL: return INSN_OP_MUL;
    case CPU_RES_DIV: return writes & UINT64_C(0xffff) ? INSN_OP_DIV : INSN_OP_FP_DIV;
    case CPU_RES_FP_ADD: return INSN_OP_FP_ADD;
    case CPU_RES_FP_MUL: return INSN_OP_FP_MUL;
    case CPU_RES_VEC:
    case CPU_RES_SHUFFLE: return INSN_OP_VEC;
    default: return INSN_OP_INT;
    }
}

static void registers_of(const cpu_decoded_insn *d, insn_instruction *out)
{
    const uint64_t flags_bit = UINT64_C(1) << CPU_REG_FLAGS;
    for (unsigned i = 0; i < d->in.operand_count; i++) {
        const ZydisDecodedOperand *op = &d->ops[i];
        if (op->type == ZYDIS_OPERAND_TYPE_REGISTER) {
            uint64_t bit = cpu_decode_reg(op->reg.value) & ~flags_bit;
            if (op->actions & ZYDIS_OPERAND_ACTION_MASK_READ)
                out->reads |= bit;
            if (op->actions & ZYDIS_OPERAND_ACTION_MASK_WRITE)
                out->writes |= bit;
        } else if (op->type == ZYDIS_OPERAND_TYPE_MEMORY) {
            out->reads |= cpu_decode_address_regs(op);
        }
    }
    const ZydisAccessedFlags *f = d->in.cpu_flags;
    if (f && f->tested)
        out->reads |= flags_bit;
    if (f && (f->modified | f->set_0 | f->set_1 | f->undefined))
        out->writes |= flags_bit;
}

/* Access slots that decoding expects of an instruction. */
static unsigned slots_of(const cpu_decoded_insn *d)
{
    unsigned n = 0;
    for (unsigned i = 0; i < d->in.operand_count; i++)
        n += cpu_decode_is_access(d, &d->ops[i]) && cpu_decode_access_flags(&d->ops[i]);
    return n;
}

static bool describe_x86(const cpu_block *block, unsigned index, insn_instruction *out)
{
    ZydisDecoder decoder;
    ZydisFormatter formatter;
    cpu_decoded_insn d;
    unsigned at = 0, size = block->facts.code_bytes, i = 0, slots = 0;
    ZydisDecoderInit(&decoder, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64);
    for (;; i++) {
        if (at >= size)
            return false;
        if (!ZYAN_SUCCESS(ZydisDecoderDecodeFull(&decoder, block->bytes + at, size - at, &d.in, d.ops))) {
            if (i < index)
                return false;
            out->addr += at;
            out->size = (uint8_t)MIN(size - at, 15u);
            out->op = INSN_OP_INT;
            g_strlcpy(out->text, "(bad)", sizeof out->text);
            return true;
        }
        if (i == index)
            break;
        at += d.in.length;
        slots += slots_of(&d);
    }
    out->addr += at;
    out->size = d.in.length;
    out->first_slot = (uint16_t)MIN(slots, block->facts.n_slots);
    out->n_slots = (uint16_t)MIN(slots_of(&d), (unsigned)(block->facts.n_slots - out->first_slot));
    registers_of(&d, out);
    out->op = (uint8_t)op_of(&d, out->writes);
    out->rep = cpu_decode_branch(&d) == CPU_BR_REP;
    if (d.in.operand_count && d.ops[0].type == ZYDIS_OPERAND_TYPE_IMMEDIATE && d.ops[0].imm.is_relative)
        out->target = out->addr + out->size + (uint64_t)d.ops[0].imm.value.s;
    ZydisFormatterInit(&formatter, ZYDIS_FORMATTER_STYLE_INTEL);
    if (!ZYAN_SUCCESS(ZydisFormatterFormatInstruction(&formatter, &d.in, d.ops, d.in.operand_count_visible, out->text, sizeof out->text, out->addr, NULL)))
        g_strlcpy(out->text, "(unprintable)", sizeof out->text);
    return true;
}

/* Slots name their instruction up to number 254. Beyond, the slots that decoding expects were counted (describe_x86); in a variant, what
 * lies beyond all belongs to number 255, for want of better knowledge. */
static void find_slots(const cpu_block *block, unsigned index, insn_instruction *out)
{
    const insn_block_facts *f = &block->facts;
    if (index >= 255 && !block->variant)
        return;
    unsigned first = 0;
    while (first < f->n_slots && f->slots[first].insn < index)
        first++;
    unsigned last = first;
    while (last < f->n_slots && f->slots[last].insn == index)
        last++;
    out->first_slot = (uint16_t)first;
    out->n_slots = (uint16_t)(last - first);
}

bool cpu_describe(const cpu_block *block, unsigned index, insn_instruction *out)
{
    *out = (insn_instruction){.addr = block->facts.addr};
    bool found = block->flags & INSN_BLOCK_ABSTRACT ? describe_abstract(block, index, out) : describe_x86(block, index, out);
    if (found)
        find_slots(block, index, out);
    return found;
}
