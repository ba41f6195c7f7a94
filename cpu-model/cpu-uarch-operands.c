/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What an instruction reads, writes and accesses, in the finer registers of cpu-uarch.h, and what it leaves behind for those that follow: the stack engine's
 * offset, AH to DH renamed apart, the x87 stack. */
#include "cpu-uarch-insn.h"

#include <string.h>

static const uint64_t ALL_GPR = 0xffff;

/* ---- registers ------------------------------------------------------------------------------------------------------------ */

static bool is_high8(ZydisRegister reg)
{
    return reg >= ZYDIS_REGISTER_AH && reg <= ZYDIS_REGISTER_BH;
}

/* The register's bit, or 0 where it is not followed. */
static uint64_t reg_bit(const cpu_intel_state *s, ZydisRegister reg)
{
    switch (ZydisRegisterGetClass(reg)) {
    case ZYDIS_REGCLASS_X87:
        return BIT(CPU_XR_X87 + s->x87[ZydisRegisterGetId(reg) & 7]);
    case ZYDIS_REGCLASS_MMX:
        return BIT(CPU_XR_X87 + (ZydisRegisterGetId(reg) & 7));
    case ZYDIS_REGCLASS_MASK:
        return BIT(CPU_XR_MASK + (ZydisRegisterGetId(reg) & 7));
    case ZYDIS_REGCLASS_GPR8:
    case ZYDIS_REGCLASS_GPR16:
    case ZYDIS_REGCLASS_GPR32:
    case ZYDIS_REGCLASS_GPR64:
    case ZYDIS_REGCLASS_XMM:
    case ZYDIS_REGCLASS_YMM:
    case ZYDIS_REGCLASS_ZMM:
        return cpu_decode_reg(reg); /* the numbering is the same */
    default:
        return 0;
    }
}
G_STATIC_ASSERT((int)CPU_XR_GPR == (int)CPU_REG_GPR && (int)CPU_XR_VEC == (int)CPU_REG_VEC);

/* Scalar instructions without VEX that leave the rest of their destination as it was, though the decoder calls it written only. */
static bool merges_destination(const cpu_intel_state *s, const cpu_decoded_insn *d)
{
    switch (d->in.mnemonic) {
    case ZYDIS_MNEMONIC_CVTSI2SS:
    case ZYDIS_MNEMONIC_CVTSI2SD:
    case ZYDIS_MNEMONIC_CVTSS2SD:
    case ZYDIS_MNEMONIC_CVTSD2SS:
    case ZYDIS_MNEMONIC_CVTPI2PS:
    case ZYDIS_MNEMONIC_SQRTSS:
    case ZYDIS_MNEMONIC_SQRTSD:
    case ZYDIS_MNEMONIC_RCPSS:
    case ZYDIS_MNEMONIC_RSQRTSS:
    case ZYDIS_MNEMONIC_ROUNDSS:
    case ZYDIS_MNEMONIC_ROUNDSD:
    case ZYDIS_MNEMONIC_MOVLPS:
    case ZYDIS_MNEMONIC_MOVLPD:
    case ZYDIS_MNEMONIC_MOVHPS:
    case ZYDIS_MNEMONIC_MOVHPD:
    case ZYDIS_MNEMONIC_MOVLHPS:
    case ZYDIS_MNEMONIC_MOVHLPS:
        return d->ops[0].type == ZYDIS_OPERAND_TYPE_REGISTER;
    case ZYDIS_MNEMONIC_MOVSS:
    case ZYDIS_MNEMONIC_MOVSD:
        return d->ops[0].type == ZYDIS_OPERAND_TYPE_REGISTER && d->ops[1].type == ZYDIS_OPERAND_TYPE_REGISTER;
    case ZYDIS_MNEMONIC_BSF:
    case ZYDIS_MNEMONIC_BSR:
    case ZYDIS_MNEMONIC_POPCNT: /* a false dependence, uops.info */
        return true;
    case ZYDIS_MNEMONIC_LZCNT:
    case ZYDIS_MNEMONIC_TZCNT:
        return s->generation < CPU_INTEL_SKL;
    default:
        return false;
    }
}

static void take_register(const cpu_intel_state *s, cpu_intel_insn *x, unsigned i)
{
    const ZydisDecodedOperand *op = &x->d->ops[i];
    ZydisRegister reg = op->reg.value;
    uint64_t bit = reg_bit(s, reg), reads = 0, writes = 0;
    if (!bit)
        return;
    bool visible = i < x->d->in.operand_count_visible, gpr = bit & ALL_GPR, high = is_high8(reg);
    if (x->stack && !visible && bit == BIT(RSP))
        return;
    unsigned number = (unsigned)__builtin_ctzll(bit);
    bool written = op->actions & ZYDIS_OPERAND_ACTION_MASK_WRITE;
    bool read = op->actions & ZYDIS_OPERAND_ACTION_MASK_READ || (written && op->actions & ZYDIS_OPERAND_ACTION_CONDWRITE);
    if (high) {
        uint64_t apart = BIT(CPU_XR_HIGH8 + number);
        reads = read ? (s->high8 >> number & 1 ? apart : bit) : 0;
        writes = written ? apart : 0;
    } else {
        bool merges = written && ((gpr && op->size < 32) || (i == 0 && merges_destination(s, x->d)));
        reads = read || merges ? bit : 0;
        writes = written ? bit : 0;
        if (gpr && read && op->size > 8)
            x->whole |= bit;
    }
    if (gpr && bit == BIT(RSP)) {
        x->uses_rsp |= reads != 0;
        reads |= reads && s->rsp_synced ? BIT(SYNCED) : 0;
        x->writes_rsp |= writes != 0;
    }
    if (visible) {
        x->reads[MIN(i, 4u)] |= reads;
        x->writes[MIN(i, 4u)] |= writes;
    } else {
        x->implicit_reads |= reads;
        x->implicit_writes |= writes;
    }
}

/* ---- memory operands ------------------------------------------------------------------------------------------------------ */

static uint32_t family_of(const cpu_intel_state *s, const ZydisDecodedOperand *op)
{
    /* Which registers they are, their values tell; but not which of two is the index. */
    bool both = op->mem.base != ZYDIS_REGISTER_NONE && op->mem.index != ZYDIS_REGISTER_NONE;
    bool based = op->mem.segment == ZYDIS_REGISTER_FS || op->mem.segment == ZYDIS_REGISTER_GS, indexed = op->mem.index != ZYDIS_REGISTER_NONE;
    uint32_t base = op->mem.base == ZYDIS_REGISTER_RIP ? 2 : op->mem.base != ZYDIS_REGISTER_NONE;
    uint32_t index = both && reg_bit(s, op->mem.base) < reg_bit(s, op->mem.index) ? 2 : indexed;
    return base | index << 2 | (indexed ? (uint32_t)op->mem.scale : 0) << 4 | (based ? (uint32_t)op->mem.segment : 0) << 8;
}

/* A number for the operand, from 1; equal operands have equal numbers. */
static uint16_t expression_of(cpu_intel_state *s, const ZydisDecodedOperand *op, bool pushes)
{
    cpu_xoperand o = {.family = family_of(s, op), .disp = op->mem.disp.has_displacement ? op->mem.disp.value : 0};
    if (op->mem.base == ZYDIS_REGISTER_RSP)
        o.disp += s->rsp_offset + (pushes ? -(int64_t)(op->size / 8) : 0);
    if (op->mem.base == ZYDIS_REGISTER_RIP)
        o.disp += (int64_t)s->next_addr;
    GArray *a = s->b->operands;
    unsigned i = 0;
    for (; i < a->len; i++) {
        const cpu_xoperand *p = &g_array_index(a, cpu_xoperand, i);
        if (p->family == o.family && p->disp == o.disp)
            break;
    }
    if (i == a->len)
        g_array_append_val(a, o);
    return (uint16_t)(i + 1);
}

static uint64_t address_regs(const cpu_intel_state *s, const ZydisDecodedOperand *op)
{
    uint64_t mask = 0;
    if (op->mem.base != ZYDIS_REGISTER_NONE && op->mem.base != ZYDIS_REGISTER_RIP)
        mask |= reg_bit(s, op->mem.base);
    if (op->mem.index != ZYDIS_REGISTER_NONE)
        mask |= reg_bit(s, op->mem.index);
    return mask;
}

static int next_slot(cpu_intel_state *s)
{
    unsigned slot = s->b->slot++;
    int mapped = s->b->slot_map ? s->b->slot_map[slot] : (int)slot;
    return mapped <= INT16_MAX ? mapped : -1;
}

static void take_memory(cpu_intel_state *s, cpu_intel_insn *x, unsigned i, unsigned access)
{
    const ZydisDecodedOperand *op = &x->d->ops[i];
    int slot = s->dry ? -1 : next_slot(s);
    if (x->n_mem == MAX_MEMORY)
        return;
    bool visible = i < x->d->in.operand_count_visible;
    bool by_stack = x->stack && !visible && op->mem.base == ZYDIS_REGISTER_RSP;
    bool indexed = op->mem.index != ZYDIS_REGISTER_NONE;
    int64_t disp = op->mem.disp.has_displacement ? op->mem.disp.value : 0;
    uint64_t regs = address_regs(s, op);
    x->whole |= regs & ALL_GPR;
    x->uses_rsp |= !by_stack && regs & BIT(RSP);
    x->mem[x->n_mem++] = (cpu_intel_memory){.operand = (uint8_t)(visible ? MIN(i, 4u) : 4u), .access = (uint8_t)access, .slot = (int16_t)slot,
                                  .size = (uint16_t)(op->size / 8), .indexed = indexed, .simple = !indexed && disp >= 0 && disp < 2048, .regs = regs,
                                  .expression = s->dry ? 0 : expression_of(s, op, by_stack && access & INSN_ACCESS_STORE)};
    x->loads += access & INSN_ACCESS_LOAD ? 1 : 0;
    x->stores += access & INSN_ACCESS_STORE ? 1 : 0;
}

/* ---- an instruction's operands -------------------------------------------------------------------------------------------- */

static int stack_change_of(const cpu_decoded_insn *d)
{
    int width = d->in.operand_width == 16 ? 2 : 8;
    switch (d->in.mnemonic) {
    case ZYDIS_MNEMONIC_PUSH:
    case ZYDIS_MNEMONIC_PUSHF:
    case ZYDIS_MNEMONIC_PUSHFQ:
        return -width;
    case ZYDIS_MNEMONIC_CALL:
        return -8;
    case ZYDIS_MNEMONIC_POP:
    case ZYDIS_MNEMONIC_POPF:
    case ZYDIS_MNEMONIC_POPFQ:
        return width;
    case ZYDIS_MNEMONIC_RET:
        return 8;
    default:
        return 0;
    }
}

static uint64_t flag_mask(uint32_t flags)
{
    return (flags & ZYDIS_CPUFLAG_CF ? BIT(CPU_XR_CF) : 0) |
           (flags & (ZYDIS_CPUFLAG_PF | ZYDIS_CPUFLAG_AF | ZYDIS_CPUFLAG_ZF | ZYDIS_CPUFLAG_SF | ZYDIS_CPUFLAG_OF) ? BIT(CPU_XR_FLAGS) : 0);
}

static void take_operands(cpu_intel_state *s, cpu_intel_insn *x, const cpu_decoded_insn *d)
{
    memset(x, 0, sizeof *x);
    x->d = d;
    x->stack_change = stack_change_of(d);
    x->stack = x->stack_change != 0;
    for (unsigned i = 0; i < d->in.operand_count; i++) {
        const ZydisDecodedOperand *op = &d->ops[i];
        if (op->type == ZYDIS_OPERAND_TYPE_REGISTER) {
            take_register(s, x, i);
        } else if (op->type == ZYDIS_OPERAND_TYPE_MEMORY && op->mem.type == ZYDIS_MEMOP_TYPE_AGEN) {
            uint64_t regs = address_regs(s, op);
            x->reads[MIN(i, 4u)] |= regs;
            x->whole |= regs;
            x->uses_rsp |= (regs & BIT(RSP)) != 0;
        }
    }
    /* Loads and read-modify-writes first, then plain stores: the order of the access slots. */
    for (unsigned i = 0; i < d->in.operand_count; i++)
        if (cpu_decode_is_access(d, &d->ops[i]) && cpu_decode_access_flags(&d->ops[i]) & INSN_ACCESS_LOAD)
            take_memory(s, x, i, cpu_decode_access_flags(&d->ops[i]));
    for (unsigned i = 0; i < d->in.operand_count; i++)
        if (cpu_decode_is_access(d, &d->ops[i]) && cpu_decode_access_flags(&d->ops[i]) == INSN_ACCESS_STORE)
            take_memory(s, x, i, INSN_ACCESS_STORE);
    const ZydisAccessedFlags *f = d->in.cpu_flags;
    if (f) {
        x->flag_reads = flag_mask(f->tested);
        x->flag_writes = flag_mask(f->modified | f->set_0 | f->set_1);
    }
    /* A count of 0 leaves the flags as they were. */
    bool counted = d->in.meta.category == ZYDIS_CATEGORY_SHIFT || d->in.meta.category == ZYDIS_CATEGORY_ROTATE;
    if (counted && d->in.operand_count_visible >= 2 && d->ops[d->in.operand_count_visible - 1].type == ZYDIS_OPERAND_TYPE_REGISTER &&
        d->in.encoding == ZYDIS_INSTRUCTION_ENCODING_LEGACY)
        x->flag_reads |= x->flag_writes;
}

static void follow_state(cpu_intel_state *s, const cpu_intel_insn *x)
{
    uint64_t written = x->implicit_writes;
    for (unsigned i = 0; i < G_N_ELEMENTS(x->writes); i++)
        written |= x->writes[i];
    for (unsigned i = 0; i < 4; i++) {
        if (written >> (CPU_XR_HIGH8 + i) & 1)
            s->high8 |= (uint8_t)(1u << i);
        else if (written >> i & 1 && !(x->reads[0] >> i & 1 && x->d->ops[0].size < 32))
            s->high8 &= (uint8_t)~(1u << i);
    }
    if (x->writes_rsp) {
        s->rsp_changed = s->rsp_synced = false;
        s->rsp_offset = 0;
    }
    if (x->stack && !x->writes_rsp) {
        s->rsp_offset += x->stack_change;
        s->rsp_changed = true;
    }
}

/* The x87 stack: fxch renames; pushes come before the destination is written, pops behind the instruction. */
static void turn_x87(cpu_intel_state *s, int by)
{
    uint8_t old[8];
    memcpy(old, s->x87, sizeof old);
    for (unsigned i = 0; i < 8; i++)
        s->x87[i] = old[(i + (unsigned)(by + 8)) & 7];
}

static int x87_pushes(const cpu_decoded_insn *d)
{
    switch (d->in.mnemonic) {
    case ZYDIS_MNEMONIC_FLD:
    case ZYDIS_MNEMONIC_FILD:
    case ZYDIS_MNEMONIC_FBLD:
    case ZYDIS_MNEMONIC_FLD1:
    case ZYDIS_MNEMONIC_FLDZ:
    case ZYDIS_MNEMONIC_FLDPI:
    case ZYDIS_MNEMONIC_FLDL2E:
    case ZYDIS_MNEMONIC_FLDL2T:
    case ZYDIS_MNEMONIC_FLDLG2:
    case ZYDIS_MNEMONIC_FLDLN2:
    case ZYDIS_MNEMONIC_FSINCOS:
    case ZYDIS_MNEMONIC_FPTAN:
    case ZYDIS_MNEMONIC_FXTRACT:
    case ZYDIS_MNEMONIC_FDECSTP:
        return 1;
    default:
        return 0;
    }
}

static int x87_pops(const cpu_decoded_insn *d)
{
    switch (d->in.mnemonic) {
    case ZYDIS_MNEMONIC_FSTP:
    case ZYDIS_MNEMONIC_FISTP:
    case ZYDIS_MNEMONIC_FISTTP:
    case ZYDIS_MNEMONIC_FFREEP:
    case ZYDIS_MNEMONIC_FSTPNCE:
    case ZYDIS_MNEMONIC_FBSTP:
    case ZYDIS_MNEMONIC_FADDP:
    case ZYDIS_MNEMONIC_FSUBP:
    case ZYDIS_MNEMONIC_FSUBRP:
    case ZYDIS_MNEMONIC_FMULP:
    case ZYDIS_MNEMONIC_FDIVP:
    case ZYDIS_MNEMONIC_FDIVRP:
    case ZYDIS_MNEMONIC_FCOMP:
    case ZYDIS_MNEMONIC_FUCOMP:
    case ZYDIS_MNEMONIC_FCOMIP:
    case ZYDIS_MNEMONIC_FUCOMIP:
    case ZYDIS_MNEMONIC_FICOMP:
    case ZYDIS_MNEMONIC_FYL2X:
    case ZYDIS_MNEMONIC_FYL2XP1:
    case ZYDIS_MNEMONIC_FPATAN:
    case ZYDIS_MNEMONIC_FINCSTP:
        return 1;
    case ZYDIS_MNEMONIC_FCOMPP:
    case ZYDIS_MNEMONIC_FUCOMPP:
        return 2;
    default:
        return 0;
    }
}

/* A push's result goes to the new top, its sources are named by the old one. */
static void shift_push(const cpu_intel_state *s, cpu_intel_insn *x)
{
    const uint64_t x87 = UINT64_C(0xff) << CPU_XR_X87;
    if (!x87_pushes(x->d))
        return;
    uint64_t top = BIT(CPU_XR_X87 + s->x87[7]);
    for (unsigned i = 0; i < G_N_ELEMENTS(x->writes); i++)
        if (x->writes[i] & x87)
            x->writes[i] = (x->writes[i] & ~x87) | top;
    if (x->implicit_writes & x87)
        x->implicit_writes = (x->implicit_writes & ~x87) | top;
    if (!(cpu_intel_all_writes(x) & x87))
        x->implicit_writes |= top;
}

static void follow_x87(cpu_intel_state *s, const cpu_decoded_insn *d)
{
    if (d->in.mnemonic == ZYDIS_MNEMONIC_FXCH) {
        unsigned i = 1;
        for (unsigned k = 0; k < d->in.operand_count; k++)
            if (d->ops[k].type == ZYDIS_OPERAND_TYPE_REGISTER && d->ops[k].reg.value > ZYDIS_REGISTER_ST0 && d->ops[k].reg.value <= ZYDIS_REGISTER_ST7)
                i = d->ops[k].reg.value - ZYDIS_REGISTER_ST0;
        uint8_t top = s->x87[0];
        s->x87[0] = s->x87[i];
        s->x87[i] = top;
        return;
    }
    int turn = x87_pops(d) - x87_pushes(d);
    if (turn)
        turn_x87(s, turn);
}

void cpu_intel_take(cpu_intel_state *s, cpu_intel_insn *x, const cpu_decoded_insn *d)
{
    take_operands(s, x, d);
    shift_push(s, x);
}

void cpu_intel_follow(cpu_intel_state *s, const cpu_intel_insn *x)
{
    follow_state(s, x);
    follow_x87(s, x->d);
}
