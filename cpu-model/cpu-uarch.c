/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From decoded blocks to micro-ops of a kind of core: the entry point, and cores that the machine file describes by classes alone
 * (`instructions = classes`); abstract blocks are made so on every core.
 *
 * By classes: each generic micro-op (cpu-block.h) becomes one with the ports of its class (cpu_core_ports) and the class's latency, a division takes its unit
 * for `div-busy` cycles. A store becomes a store address on the ports of `store` and a store data that is fused with it and takes no port. All status flags
 * are one register, as are the x87 registers. */
#include "cpu-uarch-intel.h"

#include "cpu-builder.h"

#include <string.h>

cpu_xuop *cpu_xadd(cpu_xbuilder *b, cpu_xuop_kind kind, unsigned ports, unsigned latency, uint64_t reads, uint64_t writes, unsigned flags)
{
    cpu_xuop u = {.reads = reads, .writes = writes, .ports = (uint16_t)ports, .kind = (uint8_t)kind, .flags = (uint8_t)flags,
                  .latency = (uint8_t)MIN(latency, 255u),
                  .insn = (uint8_t)MIN(b->insns->len, 255u), .slot = -1};
    g_array_append_val(b->uops, u);
    return &g_array_index(b->uops, cpu_xuop, b->uops->len - 1);
}

/* ---- classes ---------------------------------------------------------------------------------------------------------- */

/* A generic register mask in the finer names. */
static uint64_t widen(uint64_t regs)
{
    uint64_t mask = regs & UINT64_C(0xffffffff);
    if (regs >> CPU_REG_FLAGS & 1)
        mask |= UINT64_C(1) << CPU_XR_CF | UINT64_C(1) << CPU_XR_FLAGS;
    if (regs >> CPU_REG_X87 & 1)
        mask |= UINT64_C(1) << CPU_XR_X87;
    return mask | (regs >> CPU_REG_TEMP) << CPU_XR_TEMP;
}

static void add_by_class(cpu_xbuilder *b, const uint16_t ports[CPU_N_RES], const cpu_uop *u)
{
    const cpu_core_desc *k = b->core;
    uint64_t reads = widen(u->reads), writes = widen(u->writes);
    int slot = u->slot;
    if (u->kind == CPU_UOP_STORE) {
        /* The address's registers are not told from the data's: both wait for all. */
        cpu_xadd(b, CPU_XK_STORE_ADDRESS, ports[CPU_RES_STORE], k->latency[CPU_RES_STORE], reads, 0, 0)->slot = (int16_t)slot;
        cpu_xadd(b, CPU_XK_STORE_DATA, 0, 0, reads, 0, CPU_XU_IDLE | CPU_XU_FUSED)->slot = (int16_t)slot;
        return;
    }
    bool load = u->kind == CPU_UOP_LOAD;
    int latency = (int)k->latency[u->res] + u->extra;
    cpu_xuop *x = cpu_xadd(b, load ? CPU_XK_LOAD : CPU_XK_EXEC, ports[u->res], (unsigned)MAX(latency, 1), reads, writes, 0);
    x->slot = (int16_t)slot;
    if (u->res == CPU_RES_DIV && !load)
        x->busy = (uint8_t)MIN(k->div_busy + (unsigned)MAX(u->extra, 0), 255u);
}

/* An instruction without its micro-ops: its length, and whether the generic decoder knows it. */
static cpu_xinsn bare_insn(ZydisDecoder *decoder, const uint8_t *bytes, unsigned left)
{
    cpu_decoded_insn d;
    if (!ZYAN_SUCCESS(ZydisDecoderDecodeFull(decoder, bytes, left, &d.in, d.ops)))
        return (cpu_xinsn){.length = (uint8_t)MIN(left, 15u), .flags = CPU_XI_UNKNOWN};
    cpu_resource res;
    int extra;
    bool known;
    cpu_decode_operation(&d, &res, &extra, &known);
    return (cpu_xinsn){.length = d.in.length, .flags = known ? 0 : CPU_XI_UNKNOWN, .mnemonic = (uint16_t)d.in.mnemonic};
}

static void bare_insns(cpu_xbuilder *b)
{
    const cpu_block *block = b->block;
    unsigned size = block->facts.code_bytes;
    if (block->flags & INSN_BLOCK_ABSTRACT) {
        const insn_abstract *a = (const insn_abstract *)(const void *)block->bytes;
        for (unsigned i = 0; i < size / sizeof *a; i++) {
            cpu_xinsn x = {.length = a[i].size};
            g_array_append_val(b->insns, x);
        }
        return;
    }
    ZydisDecoder decoder;
    ZydisDecoderInit(&decoder, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64);
    for (unsigned at = 0; at < size;) {
        cpu_xinsn x = bare_insn(&decoder, block->bytes + at, size - at);
        g_array_append_val(b->insns, x);
        at += x.mnemonic ? x.length : size; /* behind bytes that are no instruction nothing is decoded */
    }
}

static void expand_by_class(cpu_xbuilder *b)
{
    const cpu_block *block = b->block;
    uint16_t ports[CPU_N_RES];
    cpu_core_ports(b->core, ports);
    bare_insns(b);
    unsigned n = b->insns->len, next = 0;
    for (unsigned i = 0; i < n; i++) {
        cpu_xinsn *x = &g_array_index(b->insns, cpu_xinsn, i);
        unsigned first = b->uops->len, made = 0;
        /* Instruction numbers of micro-ops saturate; a fused pair's micro-ops stand at its second instruction. */
        bool last = i + 1 == n;
        while (next < block->n_uops && (last || block->uops[next].insn <= i))
            add_by_class(b, ports, &block->uops[next++]);
        for (unsigned k = first; k < b->uops->len; k++) {
            cpu_xuop *u = &g_array_index(b->uops, cpu_xuop, k);
            u->insn = (uint8_t)MIN(i, 255u);
            made += !(u->flags & CPU_XU_FUSED);
        }
        x->n_uops = (uint16_t)(b->uops->len - first);
        x->n_decode = (uint8_t)MIN(made, 4u);
        x->beside = (uint8_t)(made > 4 ? 0 : 5 - MAX(made, 1u));
        x->flags |= (uint8_t)((made > 1 ? CPU_XI_COMPLEX : 0) | (made > 4 ? CPU_XI_MICROCODE : 0) | (last && block->branch ? CPU_XI_BRANCH : 0));
    }
}

/* ---- all ---------------------------------------------------------------------------------------------------------------- */

/* Of a block that was defined by a list of accesses: which of them decoding expects, and the others. */
static void map_variant(cpu_xbuilder *b)
{
    const cpu_block *block = b->block;
    cpu_builder plain = {.uops = g_array_new(FALSE, FALSE, sizeof(cpu_uop)), .slots = g_array_new(FALSE, FALSE, sizeof(insn_access))};
    cpu_block scratch = {.facts.addr = block->facts.addr};
    cpu_decode_insns(&scratch, &plain, block->bytes, block->facts.code_bytes);
    b->slot_map = g_new(int, MAX(plain.slots->len, 1));
    b->extra = g_new(uint8_t, MAX(block->facts.n_slots, 1));
    cpu_map_seen(plain.slots, block->slots, block->facts.n_slots, b->slot_map, b->extra);
    g_array_free(plain.uops, TRUE);
    g_array_free(plain.slots, TRUE);
}

cpu_xblock *cpu_uarch_expand(const cpu_core_desc *core, const cpu_block *block)
{
    cpu_xbuilder b = {.core = core, .block = block, .uops = g_array_new(FALSE, FALSE, sizeof(cpu_xuop)), .insns = g_array_new(FALSE, FALSE, sizeof(cpu_xinsn)),
                      .operands = g_array_new(FALSE, FALSE, sizeof(cpu_xoperand))};
    if (core->instructions == CPU_INSTRUCTIONS_CLASSES || block->flags & INSN_BLOCK_ABSTRACT) {
        expand_by_class(&b);
    } else {
        if (block->variant)
            map_variant(&b);
        cpu_intel_expand(&b, core->instructions - CPU_INSTRUCTIONS_IVYBRIDGE);
        g_free(b.slot_map);
        g_free(b.extra);
    }
    cpu_xblock *x = g_new0(cpu_xblock, 1);
    x->addr = block->facts.addr;
    x->n_uops = (uint16_t)MIN(b.uops->len, UINT16_MAX);
    x->n_insns = (uint16_t)b.insns->len;
    x->n_operands = (uint16_t)b.operands->len;
    x->bytes = block->facts.bytes;
    x->branch = block->branch;
    x->again = block->flags & INSN_BLOCK_REP_AGAIN ? 1 : 0;
    x->stack_change = b.stack_change;
    x->uops = (cpu_xuop *)(void *)g_array_free(b.uops, FALSE);
    x->insns = (cpu_xinsn *)(void *)g_array_free(b.insns, FALSE);
    x->operands = (cpu_xoperand *)(void *)g_array_free(b.operands, FALSE);
    for (unsigned i = 0; i < x->n_uops; i++)
        x->n_slots_used += !(x->uops[i].flags & CPU_XU_FUSED);
    return x;
}

void cpu_xblock_free(cpu_xblock *block)
{
    if (!block)
        return;
    g_free(block->uops);
    g_free(block->insns);
    g_free(block->operands);
    g_free(block);
}
