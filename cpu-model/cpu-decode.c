/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From code bytes to micro-ops. The breakdown is the common one of Intel's cores: an instruction is its loads,
 * one operation (more for the few that need it), its stores; a plain move from or to memory has no operation.
 * Left out: micro-fusion (it does not change dispatch counts of the machines that un-laminate), macro-fusion of
 * compare and branch is counted (cmp/test/add/sub/and/inc/dec + jcc: one micro-op, Intel optimization manual
 * 3.4.2.2), move elimination and zero idioms break the dependency and cost a dispatch slot only. */
#include "cpu-decode.h"

#include <string.h>

enum { MAX_BLOCK_UOPS = 4096 };

typedef cpu_builder builder;
typedef cpu_decoded_insn decoded;

uint64_t cpu_decode_reg(ZydisRegister reg)
{
    ZydisRegisterClass class = ZydisRegisterGetClass(reg);
    ZyanI8 id = ZydisRegisterGetId(reg);
    switch (class) {
    case ZYDIS_REGCLASS_GPR8:
        /* AH, CH, DH, BH are ids 4 to 7 of their own numbering. */
        if (reg >= ZYDIS_REGISTER_AH && reg <= ZYDIS_REGISTER_BH)
            return UINT64_C(1) << (reg - ZYDIS_REGISTER_AH);
        if (reg >= ZYDIS_REGISTER_SPL)
            return UINT64_C(1) << (4 + reg - ZYDIS_REGISTER_SPL);
        return UINT64_C(1) << (reg - ZYDIS_REGISTER_AL);
    case ZYDIS_REGCLASS_GPR16:
    case ZYDIS_REGCLASS_GPR32:
    case ZYDIS_REGCLASS_GPR64:
        return UINT64_C(1) << (CPU_REG_GPR + (id & 15));
    case ZYDIS_REGCLASS_XMM:
    case ZYDIS_REGCLASS_YMM:
    case ZYDIS_REGCLASS_ZMM:
        return UINT64_C(1) << (CPU_REG_VEC + (id & 15));
    case ZYDIS_REGCLASS_FLAGS:
        return UINT64_C(1) << CPU_REG_FLAGS;
    case ZYDIS_REGCLASS_X87:
    case ZYDIS_REGCLASS_MMX:
        return UINT64_C(1) << CPU_REG_X87;
    default:
        return 0;
    }
}

static const uint64_t RSP_BIT = UINT64_C(1) << (CPU_REG_GPR + 4);

/* The resource of an SSE/x87 operation, from its mnemonic's stem. */
static cpu_resource vector_resource(const char *m, int *extra)
{
    *extra = 0;
    if (*m == 'v')
        m++;
    if (g_str_has_prefix(m, "div") || g_str_has_prefix(m, "sqrt") || g_str_has_prefix(m, "fdiv") || g_str_has_prefix(m, "fsqrt"))
        return CPU_RES_DIV;
    if (g_str_has_prefix(m, "mul") || g_str_has_prefix(m, "fmul") || g_str_has_prefix(m, "pmul") || g_str_has_prefix(m, "pmadd") ||
        g_str_has_prefix(m, "psad") || g_str_has_prefix(m, "rcp") || g_str_has_prefix(m, "rsqrt"))
        return CPU_RES_FP_MUL;
    if (g_str_has_prefix(m, "cvt")) {
        *extra = 1;
        return CPU_RES_FP_ADD;
    }
    if (g_str_has_prefix(m, "fadd") || g_str_has_prefix(m, "fsub") || g_str_has_prefix(m, "fcom") || g_str_has_prefix(m, "fucom"))
        return CPU_RES_FP_ADD;
    if (*m == 'p') { /* packed integer */
        if (g_str_has_prefix(m, "pshuf") || g_str_has_prefix(m, "punpck") || g_str_has_prefix(m, "pack") ||
            g_str_has_prefix(m, "palign") || g_str_has_prefix(m, "pslldq") || g_str_has_prefix(m, "psrldq"))
            return CPU_RES_SHUFFLE;
        if (g_str_has_prefix(m, "pmovmsk") || g_str_has_prefix(m, "pextr") || g_str_has_prefix(m, "pinsr")) {
            *extra = 1;
            return CPU_RES_SHUFFLE;
        }
        if (g_str_has_prefix(m, "psll") || g_str_has_prefix(m, "psrl") || g_str_has_prefix(m, "psra"))
            return CPU_RES_SHUFFLE;
        return CPU_RES_VEC;
    }
    if (g_str_has_prefix(m, "shuf") || g_str_has_prefix(m, "unpck") || g_str_has_prefix(m, "movlhps") || g_str_has_prefix(m, "movhlps") ||
        g_str_has_prefix(m, "movddup") || g_str_has_prefix(m, "movsldup"))
        return CPU_RES_SHUFFLE;
    if (g_str_has_prefix(m, "add") || g_str_has_prefix(m, "sub") || g_str_has_prefix(m, "min") || g_str_has_prefix(m, "max") ||
        g_str_has_prefix(m, "cmp") || g_str_has_prefix(m, "comi") || g_str_has_prefix(m, "ucomi") || g_str_has_prefix(m, "round"))
        return CPU_RES_FP_ADD;
    return CPU_RES_VEC;
}

static bool touches_vector(const decoded *d)
{
    for (unsigned i = 0; i < d->in.operand_count; i++)
        if (d->ops[i].type == ZYDIS_OPERAND_TYPE_REGISTER) {
            ZydisRegisterClass c = ZydisRegisterGetClass(d->ops[i].reg.value);
            if (c == ZYDIS_REGCLASS_XMM || c == ZYDIS_REGCLASS_YMM || c == ZYDIS_REGCLASS_ZMM || c == ZYDIS_REGCLASS_MMX || c == ZYDIS_REGCLASS_X87)
                return true;
        }
    return false;
}

/* Resource, extra latency and further micro-ops of the operation; count 0: none (plain move). */
unsigned cpu_decode_operation(const decoded *d, cpu_resource *res, int *extra, bool *known)
{
    const char *m = ZydisMnemonicGetString(d->in.mnemonic);
    *extra = 0;
    *known = true;
    *res = CPU_RES_ALU;
    switch (d->in.mnemonic) {
    case ZYDIS_MNEMONIC_LEA:
        *res = CPU_RES_LEA;
        return 1;
    case ZYDIS_MNEMONIC_IMUL:
    case ZYDIS_MNEMONIC_MUL:
        *res = CPU_RES_MUL;
        return d->in.operand_count_visible == 1 ? 2 : 1;
    case ZYDIS_MNEMONIC_DIV:
    case ZYDIS_MNEMONIC_IDIV:
        *res = CPU_RES_DIV;
        *extra = d->in.operand_width == 64 ? 16 : 12;
        return 8;
    case ZYDIS_MNEMONIC_BSF:
    case ZYDIS_MNEMONIC_BSR:
    case ZYDIS_MNEMONIC_POPCNT:
    case ZYDIS_MNEMONIC_TZCNT:
    case ZYDIS_MNEMONIC_LZCNT:
        *res = CPU_RES_MUL;
        return 1;
    case ZYDIS_MNEMONIC_XCHG:
        return 3;
    case ZYDIS_MNEMONIC_CPUID:
        *extra = 100;
        return 12;
    default:
        break;
    }
    switch (d->in.meta.category) {
    case ZYDIS_CATEGORY_NOP:
    case ZYDIS_CATEGORY_WIDENOP:
    case ZYDIS_CATEGORY_PREFETCH:
    case ZYDIS_CATEGORY_CET:
        return 1;
    case ZYDIS_CATEGORY_SHIFT:
    case ZYDIS_CATEGORY_ROTATE:
        *res = CPU_RES_SHIFT;
        return 1;
    case ZYDIS_CATEGORY_COND_BR:
    case ZYDIS_CATEGORY_UNCOND_BR:
    case ZYDIS_CATEGORY_CALL:
    case ZYDIS_CATEGORY_RET:
        *res = CPU_RES_BRANCH;
        return 1;
    case ZYDIS_CATEGORY_SYSCALL:
    case ZYDIS_CATEGORY_INTERRUPT:
    case ZYDIS_CATEGORY_SYSTEM:
        *res = CPU_RES_BRANCH;
        *extra = 20;
        return 4;
    case ZYDIS_CATEGORY_BINARY:
    case ZYDIS_CATEGORY_LOGICAL:
    case ZYDIS_CATEGORY_CMOV:
    case ZYDIS_CATEGORY_SETCC:
    case ZYDIS_CATEGORY_FLAGOP:
        return 1;
    case ZYDIS_CATEGORY_BITBYTE:
        *res = CPU_RES_SHIFT;
        return 1;
    case ZYDIS_CATEGORY_STRINGOP:
        return 2;
    case ZYDIS_CATEGORY_SEMAPHORE:
        *extra = 12; /* locked: serialises the pipe's memory side */
        return 4;
    case ZYDIS_CATEGORY_PUSH:
    case ZYDIS_CATEGORY_POP:
        return d->in.mnemonic == ZYDIS_MNEMONIC_PUSHFQ || d->in.mnemonic == ZYDIS_MNEMONIC_POPFQ ? 3 : 0;
    case ZYDIS_CATEGORY_DATAXFER:
        /* Moves between register files and register moves take an operation; loads and stores do not. */
        for (unsigned i = 0; i < d->in.operand_count_visible; i++)
            if (d->ops[i].type == ZYDIS_OPERAND_TYPE_MEMORY)
                return g_str_has_prefix(m, "movh") || g_str_has_prefix(m, "movl") ? 1 : 0;
        *res = touches_vector(d) ? CPU_RES_VEC : CPU_RES_ALU;
        return 1;
    case ZYDIS_CATEGORY_CONVERT:
    case ZYDIS_CATEGORY_SSE:
    case ZYDIS_CATEGORY_MMX:
    case ZYDIS_CATEGORY_LOGICAL_FP:
    case ZYDIS_CATEGORY_X87_ALU:
    case ZYDIS_CATEGORY_FCMOV:
    case ZYDIS_CATEGORY_AES:
    case ZYDIS_CATEGORY_PCLMULQDQ:
    case ZYDIS_CATEGORY_SHA:
    case ZYDIS_CATEGORY_BLEND:
    case ZYDIS_CATEGORY_STTNI:
        if (!touches_vector(d)) /* cdqe, cqo and their like */
            return 1;
        *res = vector_resource(m, extra);
        return 1;
    case ZYDIS_CATEGORY_MISC:
    case ZYDIS_CATEGORY_BMI1:
    case ZYDIS_CATEGORY_BMI2:
    case ZYDIS_CATEGORY_RDWRFSGS:
    case ZYDIS_CATEGORY_DECIMAL:
    case ZYDIS_CATEGORY_SEGOP:
    case ZYDIS_CATEGORY_XSAVE:
        return 1;
    default:
        *known = false;
        *res = touches_vector(d) ? CPU_RES_VEC : CPU_RES_ALU;
        return 1;
    }
}

static insn_sensitivity sensitivity_of(const ZydisDecodedInstruction *in)
{
    switch (in->mnemonic) {
    case ZYDIS_MNEMONIC_RDTSC:
    case ZYDIS_MNEMONIC_RDTSCP:
        return INSN_READS_TIME;
    case ZYDIS_MNEMONIC_RDPMC:
    case ZYDIS_MNEMONIC_CLI: /* at IOPL 0, as Linux runs programs */
    case ZYDIS_MNEMONIC_STI:
        return INSN_PRIVILEGED;
    default:
        return in->attributes & ZYDIS_ATTRIB_IS_PRIVILEGED || in->meta.category == ZYDIS_CATEGORY_IO ||
                       in->meta.category == ZYDIS_CATEGORY_IOSTRINGOP
                   ? INSN_PRIVILEGED
                   : INSN_PLAIN;
    }
}

/* Instructions that a VMM may want to see. */
static void count_instruction(insn_block_facts *f, ZydisMnemonic m)
{
    bool reads_time = m == ZYDIS_MNEMONIC_RDTSC || m == ZYDIS_MNEMONIC_RDTSCP;
    f->n_cpuid += m == ZYDIS_MNEMONIC_CPUID && f->n_cpuid < UINT8_MAX;
    f->n_rdtsc += reads_time && f->n_rdtsc < UINT8_MAX;
    f->n_pause += m == ZYDIS_MNEMONIC_PAUSE && f->n_pause < UINT8_MAX;
}

cpu_branch_kind cpu_decode_branch(const decoded *d)
{
    bool direct = d->in.operand_count && d->ops[0].type == ZYDIS_OPERAND_TYPE_IMMEDIATE;
    switch (d->in.meta.category) {
    case ZYDIS_CATEGORY_COND_BR:
        return CPU_BR_COND;
    case ZYDIS_CATEGORY_UNCOND_BR:
        return direct ? CPU_BR_JUMP : CPU_BR_IJUMP;
    case ZYDIS_CATEGORY_CALL:
        return direct ? CPU_BR_CALL : CPU_BR_ICALL;
    case ZYDIS_CATEGORY_RET:
        return CPU_BR_RET;
    default:
        return d->in.attributes & (ZYDIS_ATTRIB_HAS_REP | ZYDIS_ATTRIB_HAS_REPE | ZYDIS_ATTRIB_HAS_REPNE) ? CPU_BR_REP : CPU_BR_NONE;
    }
}

/* Memory operand that an emulator really accesses. */
bool cpu_decode_is_access(const decoded *d, const ZydisDecodedOperand *op)
{
    if (op->type != ZYDIS_OPERAND_TYPE_MEMORY || op->mem.type != ZYDIS_MEMOP_TYPE_MEM)
        return false;
    switch (d->in.meta.category) {
    case ZYDIS_CATEGORY_NOP:
    case ZYDIS_CATEGORY_WIDENOP:
    case ZYDIS_CATEGORY_PREFETCH:
    case ZYDIS_CATEGORY_PREFETCHWT1:
    case ZYDIS_CATEGORY_CLFLUSHOPT:
    case ZYDIS_CATEGORY_CLWB:
    case ZYDIS_CATEGORY_CLDEMOTE:
        return false;
    default:
        return d->in.mnemonic != ZYDIS_MNEMONIC_CLFLUSH;
    }
}

unsigned cpu_decode_access_flags(const ZydisDecodedOperand *op)
{
    return (op->actions & ZYDIS_OPERAND_ACTION_MASK_READ ? INSN_ACCESS_LOAD : 0u) |
           (op->actions & ZYDIS_OPERAND_ACTION_MASK_WRITE ? INSN_ACCESS_STORE : 0u);
}

uint64_t cpu_decode_address_regs(const ZydisDecodedOperand *op)
{
    uint64_t mask = 0;
    if (op->mem.base != ZYDIS_REGISTER_NONE && op->mem.base != ZYDIS_REGISTER_RIP)
        mask |= cpu_decode_reg(op->mem.base);
    if (op->mem.index != ZYDIS_REGISTER_NONE)
        mask |= cpu_decode_reg(op->mem.index);
    return mask;
}

void cpu_add_uop(builder *b, cpu_uop_kind kind, cpu_resource res, uint64_t reads, uint64_t writes, int slot, int extra)
{
    cpu_uop u = {.reads = reads, .writes = writes, .kind = (uint8_t)kind, .res = (uint8_t)res, .extra = (int8_t)MIN(extra, 120),
                 .insn = (uint8_t)MIN(b->n_insns, 255), .slot = (int16_t)slot};
    if (b->uops->len < MAX_BLOCK_UOPS)
        g_array_append_val(b->uops, u);
}

int cpu_add_slot(builder *b, unsigned size, unsigned flags)
{
    insn_access a = {.size = (uint16_t)size, .flags = (uint8_t)flags, .insn = (uint8_t)MIN(b->n_insns, 255)};
    g_array_append_val(b->slots, a);
    return (int)b->slots->len - 1;
}

static bool is_zero_idiom(const decoded *d)
{
    switch (d->in.mnemonic) {
    case ZYDIS_MNEMONIC_XOR:
    case ZYDIS_MNEMONIC_SUB:
    case ZYDIS_MNEMONIC_PXOR:
    case ZYDIS_MNEMONIC_XORPS:
    case ZYDIS_MNEMONIC_XORPD:
        return d->ops[0].type == ZYDIS_OPERAND_TYPE_REGISTER && d->ops[1].type == ZYDIS_OPERAND_TYPE_REGISTER &&
               d->ops[0].reg.value == d->ops[1].reg.value;
    default:
        return false;
    }
}

static bool fuses_with_branch(const ZydisDecodedInstruction *in)
{
    switch (in->mnemonic) {
    case ZYDIS_MNEMONIC_CMP:
    case ZYDIS_MNEMONIC_TEST:
    case ZYDIS_MNEMONIC_ADD:
    case ZYDIS_MNEMONIC_SUB:
    case ZYDIS_MNEMONIC_AND:
    case ZYDIS_MNEMONIC_INC:
    case ZYDIS_MNEMONIC_DEC:
        return true;
    default:
        return false;
    }
}

static void collect_regs(const decoded *d, uint64_t *reads, uint64_t *writes)
{
    *reads = *writes = 0;
    for (unsigned i = 0; i < d->in.operand_count; i++) {
        const ZydisDecodedOperand *op = &d->ops[i];
        if (op->type == ZYDIS_OPERAND_TYPE_REGISTER) {
            uint64_t bit = cpu_decode_reg(op->reg.value);
            /* Writes of 8 and 16 bits merge into the old value. */
            bool partial = op->size < 32 && bit < (UINT64_C(1) << 16);
            if (op->actions & ZYDIS_OPERAND_ACTION_MASK_READ || (partial && op->actions & ZYDIS_OPERAND_ACTION_MASK_WRITE))
                *reads |= bit;
            if (op->actions & ZYDIS_OPERAND_ACTION_MASK_WRITE)
                *writes |= bit;
        } else if (op->type == ZYDIS_OPERAND_TYPE_MEMORY && op->mem.type == ZYDIS_MEMOP_TYPE_AGEN) {
            *reads |= cpu_decode_address_regs(op);
        }
    }
    /* The flags operand is there even when no status flag is touched. */
    const ZydisAccessedFlags *f = d->in.cpu_flags;
    uint64_t flags_bit = UINT64_C(1) << CPU_REG_FLAGS;
    if (f) {
        *reads = (*reads & ~flags_bit) | (f->tested & 0x8d5 ? flags_bit : 0); /* CF PF AF ZF SF OF; DF left out */
        *writes = (*writes & ~flags_bit) | ((f->modified | f->set_0 | f->set_1 | f->undefined) & 0x8d5 ? flags_bit : 0);
    }
    switch (d->in.meta.category) { /* the stack engine renames RSP at decode */
    case ZYDIS_CATEGORY_PUSH:
    case ZYDIS_CATEGORY_POP:
    case ZYDIS_CATEGORY_CALL:
    case ZYDIS_CATEGORY_RET:
        *reads &= ~RSP_BIT;
        *writes &= ~RSP_BIT;
        break;
    default:
        break;
    }
}

/* Appends the micro-ops of one instruction. Loads come first, then the operation, then the stores: the order in
 * which an emulator makes the accesses. */
static void build_insn(builder *b, const decoded *d, bool fused, bool *known)
{
    uint64_t reads, writes, temps = 0;
    collect_regs(d, &reads, &writes);
    cpu_resource res;
    int extra;
    unsigned n_op = cpu_decode_operation(d, &res, &extra, known);
    int store_slot[4];
    uint64_t store_regs[4];
    unsigned n_stores = 0, n_loads = 0;

    for (unsigned i = 0; i < d->in.operand_count; i++) {
        const ZydisDecodedOperand *op = &d->ops[i];
        if (!cpu_decode_is_access(d, op) || !(cpu_decode_access_flags(op) & INSN_ACCESS_LOAD))
            continue;
        int slot = cpu_add_slot(b, op->size / 8, cpu_decode_access_flags(op));
        uint64_t temp = UINT64_C(1) << (CPU_REG_TEMP + MIN(n_loads, 2u));
        bool plain = n_op == 0 && !(cpu_decode_access_flags(op) & INSN_ACCESS_STORE) && n_loads == 0;
        bool to_memory = false;
        for (unsigned k = 0; k < d->in.operand_count; k++)
            to_memory |= cpu_decode_is_access(d, &d->ops[k]) && cpu_decode_access_flags(&d->ops[k]) == INSN_ACCESS_STORE;
        cpu_add_uop(b, CPU_UOP_LOAD, CPU_RES_LOAD, cpu_decode_address_regs(op), plain && !to_memory ? writes : temp, slot, 0);
        temps |= temp;
        n_loads++;
        if (cpu_decode_access_flags(op) & INSN_ACCESS_STORE && n_stores < 4) {
            store_slot[n_stores] = slot;
            store_regs[n_stores++] = cpu_decode_address_regs(op);
        }
    }
    for (unsigned i = 0; i < d->in.operand_count; i++) {
        const ZydisDecodedOperand *op = &d->ops[i];
        if (!cpu_decode_is_access(d, op) || cpu_decode_access_flags(op) != INSN_ACCESS_STORE || n_stores == 4)
            continue;
        store_slot[n_stores] = cpu_add_slot(b, op->size / 8, INSN_ACCESS_STORE);
        store_regs[n_stores++] = cpu_decode_address_regs(op);
    }
    uint64_t result = UINT64_C(1) << (CPU_REG_TEMP + 3);
    uint64_t store_data = reads | temps;
    if (fused) {
        /* The pair is one micro-op: the branch that follows carries it. */
    } else if (n_op) {
        if (is_zero_idiom(d))
            reads &= ~cpu_decode_reg(d->ops[0].reg.value);
        for (unsigned k = 0; k < n_op; k++) {
            bool last = k + 1 == n_op;
            cpu_add_uop(b, CPU_UOP_EXEC, k == 0 ? res : CPU_RES_ALU, k == 0 ? reads | temps : result,
                    last ? writes | result : result, -1, k == 0 ? extra : 0);
        }
        store_data = result;
    }
    for (unsigned i = 0; i < n_stores; i++)
        cpu_add_uop(b, CPU_UOP_STORE, CPU_RES_STORE, store_regs[i] | store_data, 0, store_slot[i], 0);
    if (!n_op && !n_loads && !n_stores)
        cpu_add_uop(b, CPU_UOP_EXEC, CPU_RES_ALU, 0, 0, -1, 0);
}

void cpu_decode_insns(cpu_block *block, builder *b, const uint8_t *bytes, uint16_t size)
{
    ZydisDecoder decoder;
    ZydisDecoderInit(&decoder, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64);
    decoded d, ahead;
    unsigned at = 0;
    bool have_ahead = false;
    block->facts.bytes = size;
    while (at < size) {
        if (have_ahead)
            d = ahead;
        else if (!ZYAN_SUCCESS(ZydisDecoderDecodeFull(&decoder, bytes + at, size - at, &d.in, d.ops))) {
            block->unknown = 1; /* what is left counts as one instruction of default cost */
            block->facts.last_at = (uint16_t)at;
            cpu_add_uop(b, CPU_UOP_EXEC, CPU_RES_ALU, 0, 0, -1, 0);
            b->n_insns++;
            return;
        }
        unsigned next = at + d.in.length;
        have_ahead = next < size && ZYAN_SUCCESS(ZydisDecoderDecodeFull(&decoder, bytes + next, size - next, &ahead.in, ahead.ops));
        bool fused = have_ahead && ahead.in.meta.category == ZYDIS_CATEGORY_COND_BR && fuses_with_branch(&d.in);
        insn_sensitivity s = sensitivity_of(&d.in);
        count_instruction(&block->facts, d.in.mnemonic);
        if (s != INSN_PLAIN && block->facts.sensitivity == INSN_PLAIN) {
            block->facts.sensitivity = (uint8_t)s;
            block->facts.sensitive_insn = (uint16_t)b->n_insns;
            block->facts.sensitive_at = (uint16_t)at;
        }
        bool known;
        unsigned before = b->uops->len;
        build_insn(b, &d, false, &known);
        block->unknown |= !known;
        if (fused) { /* drop the operation's slot: the branch's micro-op does it, and reads what it read */
            unsigned last = b->uops->len - 1;
            cpu_uop op = g_array_index(b->uops, cpu_uop, last);
            bool register_form = op.kind == CPU_UOP_EXEC && last >= before;
            if (register_form) {
                g_array_set_size(b->uops, last);
                b->n_insns++;
                block->facts.last_at = (uint16_t)next;
                op.res = CPU_RES_BRANCH;
                g_array_append_val(b->uops, op);
                d = ahead;
                at = next;
                next = at + d.in.length;
                have_ahead = false;
            }
        }
        block->facts.last_at = (uint16_t)at;
        block->branch = (uint8_t)cpu_decode_branch(&d);
        if (d.in.operand_count && d.ops[0].type == ZYDIS_OPERAND_TYPE_IMMEDIATE && d.ops[0].imm.is_relative)
            block->target = block->facts.addr + next + (uint64_t)d.ops[0].imm.value.s;
        b->n_insns++;
        at = next;
    }
}

