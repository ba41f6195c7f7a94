/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From abstract instructions (insn-source.h) to micro-ops. */
#include "cpu-builder.h"

static const struct {
    uint8_t res;    /* cpu_resource */
    uint8_t branch; /* cpu_branch_kind */
} ops[] = {
    [INSN_OP_MOVE] = {CPU_RES_ALU, CPU_BR_NONE},      [INSN_OP_INT] = {CPU_RES_ALU, CPU_BR_NONE},
    [INSN_OP_MUL] = {CPU_RES_MUL, CPU_BR_NONE},       [INSN_OP_DIV] = {CPU_RES_DIV, CPU_BR_NONE},
    [INSN_OP_FP_ADD] = {CPU_RES_FP_ADD, CPU_BR_NONE}, [INSN_OP_FP_MUL] = {CPU_RES_FP_MUL, CPU_BR_NONE},
    [INSN_OP_FP_DIV] = {CPU_RES_DIV, CPU_BR_NONE},    [INSN_OP_VEC] = {CPU_RES_VEC, CPU_BR_NONE},
    [INSN_OP_COND] = {CPU_RES_BRANCH, CPU_BR_COND},   [INSN_OP_JUMP] = {CPU_RES_BRANCH, CPU_BR_JUMP},
    [INSN_OP_CALL] = {CPU_RES_BRANCH, CPU_BR_CALL},   [INSN_OP_RET] = {CPU_RES_BRANCH, CPU_BR_RET},
    [INSN_OP_IJUMP] = {CPU_RES_BRANCH, CPU_BR_IJUMP}, [INSN_OP_ICALL] = {CPU_RES_BRANCH, CPU_BR_ICALL},
};
G_STATIC_ASSERT(G_N_ELEMENTS(ops) == INSN_OP_COUNT);

/* An integer division costs what a 32-bit one of x86 code does (cpu_decode_operation). */
enum { DIV_EXTRA = 12, DIV_UOPS = 8 };

static void build(cpu_builder *b, const insn_abstract *a)
{
    uint64_t src = cpu_abstract_regs(a->src, G_N_ELEMENTS(a->src)), dst = cpu_abstract_regs(a->dst, G_N_ELEMENTS(a->dst));
    uint64_t addr = cpu_abstract_regs(a->addr, G_N_ELEMENTS(a->addr)), temps = 0;
    uint64_t result = UINT64_C(1) << (CPU_REG_TEMP + 3);
    int stores[INSN_ABSTRACT_ACCESSES];
    unsigned n_stores = 0, n_loads = 0;
    for (unsigned k = 0; k < a->n_accesses; k++) {
        unsigned flags = a->access[k] & 3;
        int slot = cpu_add_slot(b, 1u << (a->access[k] >> 2), flags);
        if (flags & INSN_ACCESS_LOAD) {
            uint64_t temp = UINT64_C(1) << (CPU_REG_TEMP + MIN(n_loads, 2u));
            cpu_add_uop(b, CPU_UOP_LOAD, CPU_RES_LOAD, addr, temp | (a->op == INSN_OP_MOVE ? dst : 0), slot, 0);
            temps |= temp;
            n_loads++;
        }
        if (flags & INSN_ACCESS_STORE)
            stores[n_stores++] = slot;
    }
    bool operates = a->op != INSN_OP_MOVE || !a->n_accesses;
    if (operates && a->op == INSN_OP_DIV) {
        cpu_add_uop(b, CPU_UOP_EXEC, CPU_RES_DIV, src | temps, result, -1, DIV_EXTRA);
        for (unsigned k = 2; k <= DIV_UOPS; k++)
            cpu_add_uop(b, CPU_UOP_EXEC, CPU_RES_ALU, result, k == DIV_UOPS ? dst | result : result, -1, 0);
    } else if (operates) {
        cpu_add_uop(b, CPU_UOP_EXEC, (cpu_resource)ops[a->op].res, src | temps, dst | result, -1, 0);
    }
    for (unsigned k = 0; k < n_stores; k++)
        cpu_add_uop(b, CPU_UOP_STORE, CPU_RES_STORE, addr | (operates ? result : src | temps), 0, stores[k], 0);
}

void cpu_abstract_insns(cpu_block *block, cpu_builder *b, const uint8_t *bytes, uint16_t size)
{
    const insn_abstract *a = (const insn_abstract *)(const void *)bytes;
    unsigned n = size / sizeof *a;
    for (unsigned i = 0; i < n; i++) {
        block->facts.last_at = block->facts.bytes;
        block->facts.bytes = (uint16_t)(block->facts.bytes + a[i].size);
        block->branch = ops[a[i].op].branch;
        build(b, &a[i]);
        b->n_insns++;
    }
}
