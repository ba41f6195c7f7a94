/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From code bytes to micro-ops. The breakdown is the common one of Intel's cores: an instruction is its loads,
 * one operation (more for the few that need it), its stores; a plain move from or to memory has no operation.
 * Left out: micro-fusion (it does not change dispatch counts of the machines that un-laminate), macro-fusion of
 * compare and branch is counted (cmp/test/add/sub/and/inc/dec + jcc: one micro-op, Intel optimization manual
 * 3.4.2.2), move elimination and zero idioms break the dependency and cost a dispatch slot only. */
#include "cpu-code.h"

#include <Zydis/Zydis.h>
#include <string.h>

enum { MAX_UOPS_PER_INSN = 12, MAX_INSNS = 600, MAX_BLOCK_UOPS = 4096 };

typedef struct {
    ZydisDecodedInstruction in;
    ZydisDecodedOperand ops[ZYDIS_MAX_OPERAND_COUNT];
} decoded;

typedef struct {
    GArray *uops;  /* cpu_uop */
    GArray *slots; /* insn_access */
    unsigned n_insns;
} builder;

static uint64_t reg_bit(ZydisRegister reg)
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
static unsigned operation(const decoded *d, cpu_resource *res, int *extra, bool *known)
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

static cpu_branch_kind branch_of(const decoded *d)
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
static bool is_access(const decoded *d, const ZydisDecodedOperand *op)
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

static unsigned access_flags(const ZydisDecodedOperand *op)
{
    return (op->actions & ZYDIS_OPERAND_ACTION_MASK_READ ? INSN_ACCESS_LOAD : 0u) |
           (op->actions & ZYDIS_OPERAND_ACTION_MASK_WRITE ? INSN_ACCESS_STORE : 0u);
}

static uint64_t address_regs(const ZydisDecodedOperand *op)
{
    uint64_t mask = 0;
    if (op->mem.base != ZYDIS_REGISTER_NONE && op->mem.base != ZYDIS_REGISTER_RIP)
        mask |= reg_bit(op->mem.base);
    if (op->mem.index != ZYDIS_REGISTER_NONE)
        mask |= reg_bit(op->mem.index);
    return mask;
}

static void add_uop(builder *b, cpu_uop_kind kind, cpu_resource res, uint64_t reads, uint64_t writes, int slot, int extra)
{
    cpu_uop u = {.reads = reads, .writes = writes, .kind = (uint8_t)kind, .res = (uint8_t)res, .extra = (int8_t)MIN(extra, 120),
                 .insn = (uint8_t)MIN(b->n_insns, 255), .slot = (int16_t)slot};
    if (b->uops->len < MAX_BLOCK_UOPS)
        g_array_append_val(b->uops, u);
}

static int add_slot(builder *b, unsigned size, unsigned flags)
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
            uint64_t bit = reg_bit(op->reg.value);
            /* Writes of 8 and 16 bits merge into the old value. */
            bool partial = op->size < 32 && bit < (UINT64_C(1) << 16);
            if (op->actions & ZYDIS_OPERAND_ACTION_MASK_READ || (partial && op->actions & ZYDIS_OPERAND_ACTION_MASK_WRITE))
                *reads |= bit;
            if (op->actions & ZYDIS_OPERAND_ACTION_MASK_WRITE)
                *writes |= bit;
        } else if (op->type == ZYDIS_OPERAND_TYPE_MEMORY && op->mem.type == ZYDIS_MEMOP_TYPE_AGEN) {
            *reads |= address_regs(op);
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
    unsigned n_op = operation(d, &res, &extra, known);
    int store_slot[4];
    uint64_t store_regs[4];
    unsigned n_stores = 0, n_loads = 0;

    for (unsigned i = 0; i < d->in.operand_count; i++) {
        const ZydisDecodedOperand *op = &d->ops[i];
        if (!is_access(d, op) || !(access_flags(op) & INSN_ACCESS_LOAD))
            continue;
        int slot = add_slot(b, op->size / 8, access_flags(op));
        uint64_t temp = UINT64_C(1) << (CPU_REG_TEMP + MIN(n_loads, 2u));
        bool plain = n_op == 0 && !(access_flags(op) & INSN_ACCESS_STORE) && n_loads == 0;
        bool to_memory = false;
        for (unsigned k = 0; k < d->in.operand_count; k++)
            to_memory |= is_access(d, &d->ops[k]) && access_flags(&d->ops[k]) == INSN_ACCESS_STORE;
        add_uop(b, CPU_UOP_LOAD, CPU_RES_LOAD, address_regs(op), plain && !to_memory ? writes : temp, slot, 0);
        temps |= temp;
        n_loads++;
        if (access_flags(op) & INSN_ACCESS_STORE && n_stores < 4) {
            store_slot[n_stores] = slot;
            store_regs[n_stores++] = address_regs(op);
        }
    }
    for (unsigned i = 0; i < d->in.operand_count; i++) {
        const ZydisDecodedOperand *op = &d->ops[i];
        if (!is_access(d, op) || access_flags(op) != INSN_ACCESS_STORE || n_stores == 4)
            continue;
        store_slot[n_stores] = add_slot(b, op->size / 8, INSN_ACCESS_STORE);
        store_regs[n_stores++] = address_regs(op);
    }
    uint64_t result = UINT64_C(1) << (CPU_REG_TEMP + 3);
    uint64_t store_data = reads | temps;
    if (fused) {
        /* The pair is one micro-op: the branch that follows carries it. */
    } else if (n_op) {
        if (is_zero_idiom(d))
            reads &= ~reg_bit(d->ops[0].reg.value);
        for (unsigned k = 0; k < n_op; k++) {
            bool last = k + 1 == n_op;
            add_uop(b, CPU_UOP_EXEC, k == 0 ? res : CPU_RES_ALU, k == 0 ? reads | temps : result,
                    last ? writes | result : result, -1, k == 0 ? extra : 0);
        }
        store_data = result;
    }
    for (unsigned i = 0; i < n_stores; i++)
        add_uop(b, CPU_UOP_STORE, CPU_RES_STORE, store_regs[i] | store_data, 0, store_slot[i], 0);
    if (!n_op && !n_loads && !n_stores)
        add_uop(b, CPU_UOP_EXEC, CPU_RES_ALU, 0, 0, -1, 0);
}

static void or_deps(cpu_deps *into, const cpu_deps *from)
{
    into->regs |= from->regs;
    into->slots |= from->slots;
    into->reg_cycles = MAX(into->reg_cycles, from->reg_cycles);
    into->slot_cycles = MAX(into->slot_cycles, from->slot_cycles);
}

/* Cycles that a micro-op adds to a way; typical, since decoding knows no machine. */
static uint16_t way_cycles(const cpu_uop *u)
{
    if (u->kind == CPU_UOP_LOAD)
        return 4;
    switch (u->res) {
    case CPU_RES_MUL:
        return 3;
    case CPU_RES_FP_ADD:
    case CPU_RES_FP_MUL:
        return 4;
    case CPU_RES_DIV:
        return 20;
    default:
        return 1;
    }
}

/* Follows values through the block: what each address, each register at the end and the branch depend on. */
static void analyse_deps(cpu_block *block)
{
    cpu_deps state[CPU_REG_COUNT];
    for (unsigned r = 0; r < CPU_REG_COUNT; r++)
        state[r] = (cpu_deps){.regs = r < CPU_REG_ARCH ? UINT64_C(1) << r : 0};
    uint64_t written = 0;
    unsigned insn = UINT_MAX;
    for (unsigned i = 0; i < block->n_uops; i++) {
        const cpu_uop *u = &block->uops[i];
        if (u->insn != insn) {
            insn = u->insn;
            for (unsigned r = CPU_REG_ARCH; r < CPU_REG_COUNT; r++)
                state[r] = (cpu_deps){0};
        }
        cpu_deps deps = {0};
        for (uint64_t m = u->reads; m; m &= m - 1) {
            unsigned r = (unsigned)__builtin_ctzll(m);
            or_deps(&deps, &state[r]);
            if (r < CPU_REG_ARCH && !(written >> r & 1))
                block->reads |= UINT64_C(1) << r;
        }
        block->slots_used |= deps.slots;
        if (u->slot >= 0 && u->slot < block->facts.n_slots)
            or_deps(&block->addr_deps[u->slot], &deps);
        uint16_t cycles = way_cycles(u);
        deps.reg_cycles = deps.regs ? (uint16_t)MIN(deps.reg_cycles + cycles, UINT16_MAX) : 0;
        deps.slot_cycles = deps.slots ? (uint16_t)MIN(deps.slot_cycles + cycles, UINT16_MAX) : 0;
        if (u->kind == CPU_UOP_LOAD && u->slot >= 0)
            deps.slots |= UINT64_C(1) << MIN(u->slot, 63);
        for (uint64_t m = u->writes; m; m &= m - 1) {
            unsigned r = (unsigned)__builtin_ctzll(m);
            state[r] = deps;
            written |= UINT64_C(1) << r;
        }
        if (u->res == CPU_RES_BRANCH && u->kind == CPU_UOP_EXEC)
            block->branch_deps = deps;
    }
    block->writes = written & ((UINT64_C(1) << CPU_REG_ARCH) - 1);
    block->n_written = (uint16_t)__builtin_popcountll(block->writes);
    block->written = g_new(uint8_t, MAX(block->n_written, 1));
    block->written_deps = g_new(cpu_deps, MAX(block->n_written, 1));
    unsigned n = 0;
    for (uint64_t m = block->writes; m; m &= m - 1) {
        unsigned r = (unsigned)__builtin_ctzll(m);
        block->written[n] = (uint8_t)r;
        block->written_deps[n++] = state[r];
    }
}

/* Gives the accesses that were seen to the micro-ops that decoding made, in order; a micro-op left over keeps its
 * place in the pipeline without an access, an access left over is a further micro-op of the last instruction. */
static void apply_seen(builder *b, const insn_access *seen, unsigned n_seen)
{
    GArray *expected = b->slots;
    b->slots = g_array_new(FALSE, FALSE, sizeof(insn_access));
    int *map = g_new(int, MAX(expected->len, 1));
    unsigned next = 0;
    for (unsigned i = 0; i < expected->len; i++) {
        const insn_access *e = &g_array_index(expected, insn_access, i);
        map[i] = -1;
        if (next < n_seen && seen[next].flags == e->flags) {
            insn_access a = seen[next];
            a.insn = e->insn;
            map[i] = (int)next++;
            g_array_append_val(b->slots, a);
        }
    }
    for (unsigned i = 0; i < b->uops->len; i++) {
        cpu_uop *u = &g_array_index(b->uops, cpu_uop, i);
        if (u->slot >= 0)
            u->slot = (int16_t)map[u->slot];
    }
    for (; next < n_seen; next++) {
        insn_access a = seen[next];
        a.insn = (uint8_t)MIN(b->n_insns ? b->n_insns - 1 : 0, 255);
        g_array_append_val(b->slots, a);
        bool load = a.flags & INSN_ACCESS_LOAD;
        add_uop(b, load ? CPU_UOP_LOAD : CPU_UOP_STORE, load ? CPU_RES_LOAD : CPU_RES_STORE, 0, 0, (int)b->slots->len - 1, 0);
    }
    g_free(map);
    g_array_free(expected, TRUE);
}

static void decode_insns(cpu_block *block, builder *b, const uint8_t *bytes, uint16_t size)
{
    ZydisDecoder decoder;
    ZydisDecoderInit(&decoder, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64);
    decoded d, ahead;
    unsigned at = 0;
    bool have_ahead = false;
    while (at < size) {
        if (have_ahead)
            d = ahead;
        else if (!ZYAN_SUCCESS(ZydisDecoderDecodeFull(&decoder, bytes + at, size - at, &d.in, d.ops))) {
            block->unknown = 1; /* what is left counts as one instruction of default cost */
            block->facts.last_at = (uint16_t)at;
            add_uop(b, CPU_UOP_EXEC, CPU_RES_ALU, 0, 0, -1, 0);
            b->n_insns++;
            return;
        }
        unsigned next = at + d.in.length;
        have_ahead = next < size && ZYAN_SUCCESS(ZydisDecoderDecodeFull(&decoder, bytes + next, size - next, &ahead.in, ahead.ops));
        bool fused = have_ahead && ahead.in.meta.category == ZYDIS_CATEGORY_COND_BR && fuses_with_branch(&d.in);
        insn_sensitivity s = sensitivity_of(&d.in);
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
        block->branch = (uint8_t)branch_of(&d);
        if (d.in.operand_count && d.ops[0].type == ZYDIS_OPERAND_TYPE_IMMEDIATE && d.ops[0].imm.is_relative)
            block->target = block->facts.addr + next + (uint64_t)d.ops[0].imm.value.s;
        b->n_insns++;
        at = next;
    }
}

void cpu_decode_block(cpu_block *block, uint64_t addr, const uint8_t *bytes, uint16_t size, unsigned flags,
                      const insn_access *seen, unsigned n_seen)
{
    builder b = {.uops = g_array_new(FALSE, FALSE, sizeof(cpu_uop)), .slots = g_array_new(FALSE, FALSE, sizeof(insn_access))};
    *block = (cpu_block){.flags = flags, .fall = addr + size, .variant = seen != NULL};
    block->facts.addr = addr;
    block->facts.bytes = size;
    block->bytes = g_memdup2(bytes, MAX(size, 1));
    block->facts.code = block->bytes;
    block->facts.code_bytes = size;
    block->facts.flags = (uint8_t)flags;
    block->facts.variant = seen != NULL;
    decode_insns(block, &b, bytes, size);
    if (seen)
        apply_seen(&b, seen, n_seen);
    block->facts.ends_with_rep = block->branch == CPU_BR_REP;
    block->facts.n_insns = flags & INSN_BLOCK_REP_AGAIN ? 0 : (uint16_t)b.n_insns;
    block->facts.n_slots = (uint16_t)b.slots->len;
    block->n_uops = (uint16_t)b.uops->len;
    block->uops = (cpu_uop *)(void *)g_array_free(b.uops, FALSE);
    block->slots = (insn_access *)(void *)g_array_free(b.slots, FALSE);
    block->facts.slots = block->slots;
    for (unsigned i = 0; i < block->facts.n_slots; i++) {
        block->n_loads += block->slots[i].flags & INSN_ACCESS_LOAD ? 1 : 0;
        block->n_stores += block->slots[i].flags & INSN_ACCESS_STORE ? 1 : 0;
    }
    block->addr_deps = g_new0(cpu_deps, MAX(block->facts.n_slots, 1));
    analyse_deps(block);
}

void cpu_block_clear(cpu_block *block)
{
    g_free(block->uops);
    g_free(block->slots);
    g_free(block->addr_deps);
    g_free(block->written);
    g_free(block->written_deps);
    g_free(block->bytes);
}
