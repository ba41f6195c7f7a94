/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From x86-64 instructions to the micro-ops of Ivy Bridge, Haswell and Skylake: the rules; what is particular to an instruction is in the tables
 * (cpu-uarch-intel.h).
 *
 * Sources: [OPT] Intel, "64 and IA-32 Architectures Optimization Reference Manual", 248966; [FOG] Agner Fog, "The microarchitecture of Intel, AMD and VIA
 * CPUs", chapters on Sandy Bridge to Skylake; [UICA] Abel and Reineke, "uiCA: Accurate Throughput Prediction of Basic Blocks on Recent Intel
 * Microarchitectures", ICS 2022.
 *   Loads: 4 cycles to a general register from [base + 0..2047] after a load, else 5; 6 to xmm and mmx registers, 7 to ymm
 *   and x87 [OPT, tables of L1D latency].
 *   Store addresses without an index can use port 7 (Haswell, Skylake); 256-bit accesses take their port for two cycles on Ivy Bridge [OPT].
 *   A load and the operation on it, a store's address and data are micro-fused; with an index register they are parted before rename: always on Ivy
 *   Bridge; on Haswell and Skylake when the operation has more than two operands or does not overwrite its first source [OPT, "Unlamination"].
 *   Compare and branch: macro-fused as in [OPT, "Macro-fusion"]; not when the branch begins a cache line [UICA].
 *   Decoders: the first takes what becomes several micro-ops, and all together make four (Skylake: five) in a cycle [OPT]. Some instructions of one micro-op
 *   want the first decoder, too, or want it alone ("@N" in the tables): [UICA] reports that there are such. Estimate: which they are was concluded from blocks
 *   that the decoders hold up (Chen et al., "BHive", IISWC 2019).
 *   Stack engine: pushes, pops, calls and returns change RSP without a micro-op; an instruction that then uses RSP is preceded by one that brings it
 *   up to date [FOG]. A block is taken to begin in the state in which it ends, as a loop does.
 *   AH, CH, DH and BH are renamed apart when written, and merged by a micro-op when the whole register is read [FOG]. Other writes of 8 and 16
 *   bits depend on the register's old value.
 * Left out: bypass delays between the integer and floating-point domains, SSE/AVX transitions, merging of flags. */
#include "cpu-uarch-insn.h"

const cpu_intel_generation cpu_intel_generations[CPU_N_INTEL] = {
    [CPU_INTEL_IVB] = {.load = 0x0c, .store = 0x0c, .store_indexed = 0x0c, .store_data = 0x10, .alu = 0x23, .merge = 0x23, .decoded = 4, .laminates_all = true,
                       .slow_256 = true},
    [CPU_INTEL_HSW] = {.load = 0x0c, .store = 0x8c, .store_indexed = 0x0c, .store_data = 0x10, .alu = 0x63, .merge = 0x22, .decoded = 4},
    [CPU_INTEL_SKL] = {.load = 0x0c, .store = 0x8c, .store_indexed = 0x0c, .store_data = 0x10, .alu = 0x63, .merge = 0x22, .decoded = 5},
};

/* ---- making micro-ops ----------------------------------------------------------------------------------------------------- */

static unsigned load_latency(const cpu_intel_insn *x, const cpu_intel_memory *m)
{
    for (unsigned i = 0; i < x->d->in.operand_count_visible; i++) {
        const ZydisDecodedOperand *op = &x->d->ops[i];
        if (op->type != ZYDIS_OPERAND_TYPE_REGISTER)
            continue;
        switch (ZydisRegisterGetClass(op->reg.value)) {
        case ZYDIS_REGCLASS_X87: return 7;
        case ZYDIS_REGCLASS_MMX: return 6;
        case ZYDIS_REGCLASS_XMM: return m->size > 16 ? 7 : 6;
        case ZYDIS_REGCLASS_YMM: return 7;
        default: break;
        }
    }
    return x->d->in.meta.category == ZYDIS_CATEGORY_X87_ALU ? 7 : 5;
}

/* Whether an operation on a load from an indexed address stays fused with it. */
static bool keeps_index(const cpu_intel_state *s, const cpu_intel_insn *x)
{
    if (cpu_intel_generations[s->generation].laminates_all)
        return false;
    const cpu_decoded_insn *d = x->d;
    if (x->stores || d->in.operand_count_visible > 2 || x->flag_reads)
        return false;
    return d->ops[0].type == ZYDIS_OPERAND_TYPE_REGISTER && (x->reads[0] || !x->writes[0]);
}

static bool is_pointer_load(const cpu_intel_insn *x)
{
    const cpu_decoded_insn *d = x->d;
    bool moves = d->in.mnemonic == ZYDIS_MNEMONIC_MOV || d->in.mnemonic == ZYDIS_MNEMONIC_MOVSXD || d->in.mnemonic == ZYDIS_MNEMONIC_POP;
    return moves && d->ops[0].type == ZYDIS_OPERAND_TYPE_REGISTER && d->ops[0].size >= 32;
}

static void emit_loads(const cpu_intel_state *s, const cpu_intel_insn *x, const cpu_intel_head *h)
{
    unsigned n = 0;
    for (unsigned i = 0; i < x->n_mem; i++) {
        const cpu_intel_memory *m = &x->mem[i];
        if (!(m->access & INSN_ACCESS_LOAD))
            continue;
        uint64_t writes = cpu_intel_loaded(n);
        bool direct = h->none && n == 0;
        if (direct)
            writes |= cpu_intel_all_writes(x) & ~BIT(STORED);
        cpu_xuop *u = cpu_xadd(s->b, CPU_XK_LOAD, cpu_intel_generations[s->generation].load, load_latency(x, m) + h->load_extra, m->regs, writes, 0);
        u->flags = (uint8_t)((m->simple ? CPU_XU_SIMPLE : 0) | (direct && is_pointer_load(x) ? CPU_XU_POINTER : 0));
        u->busy = cpu_intel_generations[s->generation].slow_256 && m->size == 32 ? 2 : 0;
        u->slot = m->slot;
        u->expression = m->expression;
        u->size = (uint8_t)MIN(m->size, 255u);
        n++;
    }
}

/* Registers whose values a store without an operation writes. */
static uint64_t store_sources(const cpu_intel_insn *x)
{
    uint64_t mask = cpu_intel_all_reads(x);
    if (x->d->in.meta.category == ZYDIS_CATEGORY_STRINGOP)
        mask &= ~(BIT(CPU_XR_GPR + 1) | BIT(CPU_XR_GPR + 6) | BIT(CPU_XR_GPR + 7));
    return mask;
}

static void emit_stores(const cpu_intel_state *s, const cpu_intel_insn *x, uint64_t data)
{
    for (unsigned i = 0; i < x->n_mem; i++) {
        const cpu_intel_memory *m = &x->mem[i];
        if (!(m->access & INSN_ACCESS_STORE))
            continue;
        bool by_stack = x->stack && m->operand == 4;
        unsigned ports = m->indexed ? cpu_intel_generations[s->generation].store_indexed : cpu_intel_generations[s->generation].store;
        cpu_xuop *a = cpu_xadd(s->b, CPU_XK_STORE_ADDRESS, ports, 1, m->regs, 0, 0);
        a->slot = m->slot;
        a->expression = m->expression;
        a->size = (uint8_t)MIN(m->size, 255u);
        bool parts = m->indexed && (cpu_intel_generations[s->generation].laminates_all || m->access & INSN_ACCESS_LOAD);
        uint64_t reads = by_stack && x->d->in.meta.category == ZYDIS_CATEGORY_CALL ? 0 : data;
        cpu_xuop *u = cpu_xadd(s->b, CPU_XK_STORE_DATA, cpu_intel_generations[s->generation].store_data, 1, reads, 0, parts ? CPU_XU_LAMINATED : CPU_XU_FUSED);
        u->slot = m->slot;
        u->expression = m->expression;
        u->size = (uint8_t)MIN(m->size, 255u);
        u->busy = cpu_intel_generations[s->generation].slow_256 && m->size == 32 ? 2 : 0;
    }
}

/* How the operation behind the load is fused with it. */
static unsigned fusion(const cpu_intel_state *s, const cpu_intel_insn *x, const cpu_intel_head *h)
{
    if (x->loads != 1 || h->unfused)
        return 0;
    const cpu_intel_memory *m = &x->mem[0];
    bool immediate = x->d->in.raw.imm[0].size != 0 && !x->d->in.raw.imm[0].is_relative;
    for (unsigned i = 0; i < x->d->in.operand_count; i++)
        if (x->d->ops[i].type == ZYDIS_OPERAND_TYPE_MEMORY && x->d->ops[i].mem.base == ZYDIS_REGISTER_RIP && immediate)
            return 0; /* [FOG]: a rip-relative address and an immediate do not fit into one micro-op */
    return m->indexed && !keeps_index(s, x) ? CPU_XU_LAMINATED : CPU_XU_FUSED;
}

/* The micro-ops of the recipe. Returns whether one of them makes the data to be stored. */
static bool emit_operation(const cpu_intel_state *s, const cpu_intel_insn *x, const char *p, unsigned fuse)
{
    unsigned chained = 0;
    cpu_intel_uop u;
    for (const char *q = p; *q;) {
        q = cpu_intel_parse_uop(x, q, &u);
        chained += u.chained;
    }
    bool stores = false, first = true;
    uint64_t link = cpu_intel_all_reads(x), written = 0;
    for (unsigned n = 0; *p;) {
        p = cpu_intel_parse_uop(x, p, &u);
        if (u.chained) {
            u.reads = link;
            link = BIT(SCRATCH + 3);
            u.writes = ++n == chained ? cpu_intel_all_writes(x) : link;
        }
        if (u.count) /* what only takes ports wants the values from before the instruction */
            u.reads &= ~written;
        written |= u.writes;
        stores |= (u.writes & BIT(STORED)) != 0;
        for (unsigned k = 0; k < MAX(u.count, 1u); k++) {
            cpu_xuop *made = cpu_xadd(s->b, CPU_XK_EXEC, u.ports, u.latency, u.reads, u.writes, u.flags | (first ? fuse : 0));
            made->busy = (uint8_t)MIN(u.busy, 255u);
            first = false;
        }
    }
    return stores;
}

/* By class, for what the tables lack: one micro-op on the ports of the typical operation. */
static const char *default_recipe(const cpu_intel_state *s, const cpu_decoded_insn *d)
{
    cpu_resource res;
    int extra;
    bool known;
    bool hsw = s->generation != CPU_INTEL_IVB;
    if (cpu_decode_operation(d, &res, &extra, &known) == 0)
        return "-";
    switch (res) {
    case CPU_RES_BRANCH: return extra ? "ms 4*p015 p5/20" : hsw ? "p6" : "p5";
    case CPU_RES_SHIFT: return hsw ? "p06" : "p05";
    case CPU_RES_MUL: return "p1/3";
    case CPU_RES_FP_ADD: return s->generation == CPU_INTEL_SKL ? "p01/4" : "p1/3";
    case CPU_RES_FP_MUL: return s->generation == CPU_INTEL_SKL ? "p01/4" : "p0/5";
    case CPU_RES_VEC: return "p015";
    case CPU_RES_SHUFFLE: return "p5";
    case CPU_RES_DIV: return "p0/20!8";
    case CPU_RES_LEA: return hsw ? "p15" : "p01";
    default: return hsw ? "p0156" : "p015";
    }
}

/* ---- rules before and behind an instruction --------------------------------------------------------------------------------- */

static void emit_merges(cpu_intel_state *s, const cpu_intel_insn *x)
{
    for (unsigned i = 0; i < 4; i++)
        if (s->high8 >> i & 1 && x->whole >> i & 1) {
            s->high8 &= (uint8_t)~(1u << i);
            if (!s->dry)
                cpu_xadd(s->b, CPU_XK_EXEC, cpu_intel_generations[s->generation].merge, 1, BIT(i) | BIT(CPU_XR_HIGH8 + i), BIT(i), 0);
        }
}

/* Operations on RSP wait for the stack engine's micro-op; addresses do not, so that they go on being told apart by the register's values. */
static void emit_stack_sync(cpu_intel_state *s, cpu_intel_insn *x)
{
    if (!s->rsp_changed || !x->uses_rsp)
        return;
    if (!s->dry)
        cpu_xadd(s->b, CPU_XK_EXEC, cpu_intel_generations[s->generation].alu, 1, s->rsp_synced ? BIT(SYNCED) : BIT(RSP), BIT(SYNCED), 0);
    s->rsp_changed = false;
    s->rsp_synced = true;
    for (unsigned i = 0; i < G_N_ELEMENTS(x->reads); i++)
        if (x->reads[i] & BIT(RSP))
            x->reads[i] |= BIT(SYNCED);
}

/* `decoded`: behind what rename and the stack engine have put before the instruction. */
static void finish_insn(const cpu_intel_state *s, const cpu_decoded_insn *d, unsigned first, unsigned decoded, const cpu_intel_head *h, unsigned flags)
{
    cpu_xbuilder *b = s->b;
    unsigned entries = 0;
    for (unsigned i = decoded; i < b->uops->len; i++)
        entries += !(g_array_index(b->uops, cpu_xuop, i).flags & (CPU_XU_FUSED | CPU_XU_LAMINATED));
    bool last_pop = d->in.mnemonic == ZYDIS_MNEMONIC_POP && d->in.opcode == 0x5c; /* pop rsp, pop r12 [UICA] */
    int beside = h->beside >= 0 ? h->beside : (int)cpu_intel_generations[s->generation].decoded - (int)MAX(entries, 1u);
    if (h->microcode || entries > 4) {
        flags |= CPU_XI_MICROCODE | CPU_XI_COMPLEX;
        beside = 0;
    }
    if (entries > 1 || last_pop || h->beside >= 0)
        flags |= CPU_XI_COMPLEX;
    if (last_pop && s->generation < CPU_INTEL_SKL)
        beside = 0;
    if (cpu_intel_length_changing(&d->in))
        flags |= CPU_XI_LCP;
    if (cpu_decode_branch(d) != CPU_BR_NONE && cpu_decode_branch(d) != CPU_BR_REP)
        flags |= CPU_XI_BRANCH;
    if (cpu_intel_fusible(d))
        flags |= CPU_XI_FUSIBLE;
    cpu_xinsn x = {.length = d->in.length, .opcode_at = (uint8_t)cpu_intel_opcode_at(&d->in), .flags = (uint8_t)flags, .n_decode = (uint8_t)MIN(entries, 4u),
                   .n_uops = (uint16_t)(b->uops->len - first), .mnemonic = (uint16_t)d->in.mnemonic, .beside = (uint8_t)MAX(beside, 0)};
    g_array_append_val(b->insns, x);
}


/* ---- an instruction --------------------------------------------------------------------------------------------------------------- */

/* A further iteration of a repeated string operation: what moves, and its counting. The real ones move up to 32 bytes at once when they are long; that is
 * left out. */
static const char *again_recipe(const cpu_intel_state *s, const cpu_decoded_insn *d)
{
    bool ivb = s->generation == CPU_INTEL_IVB;
    switch (d->in.mnemonic) {
    case ZYDIS_MNEMONIC_MOVSB:
    case ZYDIS_MNEMONIC_MOVSW:
    case ZYDIS_MNEMONIC_MOVSD:
    case ZYDIS_MNEMONIC_MOVSQ:
    case ZYDIS_MNEMONIC_STOSB:
    case ZYDIS_MNEMONIC_STOSW:
    case ZYDIS_MNEMONIC_STOSD:
    case ZYDIS_MNEMONIC_STOSQ:
        return ivb ? "p015:i>i" : "p0156:i>i";
    default: /* compares and loads: a result, too */
        return ivb ? "p015:i>i p015:*>fa" : "p0156:i>i p0156:*>fa";
    }
}

/* Accesses that the instruction made though decoding does not expect them. */
static void emit_extra(const cpu_intel_state *s)
{
    const cpu_block *block = s->b->block;
    const cpu_intel_generation *g = &cpu_intel_generations[s->generation];
    for (unsigned k = 0; s->b->extra && k < block->facts.n_slots; k++) {
        if (!s->b->extra[k] || block->slots[k].insn != MIN(s->b->insns->len, 255u))
            continue;
        s->b->extra[k] = 0;
        if (block->slots[k].flags & INSN_ACCESS_LOAD)
            cpu_xadd(s->b, CPU_XK_LOAD, g->load, 5, 0, 0, 0)->slot = (int16_t)k;
        if (block->slots[k].flags & INSN_ACCESS_STORE) {
            cpu_xadd(s->b, CPU_XK_STORE_ADDRESS, g->store, 1, 0, 0, 0)->slot = (int16_t)k;
            cpu_xadd(s->b, CPU_XK_STORE_DATA, g->store_data, 1, 0, 0, CPU_XU_FUSED)->slot = (int16_t)k;
        }
    }
}

static void expand_insn(cpu_intel_state *s, const cpu_decoded_insn *d)
{
    cpu_intel_insn x;
    cpu_intel_take(s, &x, d);
    unsigned first = s->b->uops->len;
    emit_stack_sync(s, &x);
    emit_merges(s, &x);
    unsigned decoded = s->b->uops->len;
    s->fused_next = s->next && cpu_intel_fuses(d, s->next) && s->next_addr % 64 != 0;
    if (!s->dry) {
        bool again = s->b->block->flags & INSN_BLOCK_REP_AGAIN && cpu_decode_branch(d) == CPU_BR_REP;
        const char *recipe = again ? again_recipe(s, d) : cpu_intel_recipe(d, s->generation);
        unsigned flags = recipe && d->in.encoding != ZYDIS_INSTRUCTION_ENCODING_EVEX ? 0 : CPU_XI_UNKNOWN; /* AVX-512: by the nearest that there is */
        if (!recipe)
            recipe = default_recipe(s, d);
        if (s->fused_next)
            recipe = s->generation == CPU_INTEL_IVB ? "p5" : "p06";
        cpu_intel_head head;
        const char *p = cpu_intel_parse_head(recipe, &head);
        emit_loads(s, &x, &head);
        bool made = !head.none && emit_operation(s, &x, p, fusion(s, &x, &head));
        emit_stores(s, &x, made ? BIT(STORED) : store_sources(&x));
        emit_extra(s);
        finish_insn(s, d, first, decoded, &head, flags);
    }
    cpu_intel_follow(s, &x);
}

static void skip_fused(cpu_intel_state *s, const cpu_decoded_insn *d)
{
    if (s->dry)
        return;
    cpu_xinsn x = {.length = d->in.length, .opcode_at = (uint8_t)cpu_intel_opcode_at(&d->in), .flags = CPU_XI_FUSED | CPU_XI_BRANCH,
                   .mnemonic = (uint16_t)d->in.mnemonic};
    g_array_append_val(s->b->insns, x);
}

/* Bytes that are no instruction: as one of default cost. */
static void expand_bad(cpu_intel_state *s, unsigned length)
{
    if (s->dry)
        return;
    cpu_xadd(s->b, CPU_XK_EXEC, cpu_intel_generations[s->generation].alu, 1, 0, 0, 0);
    cpu_xinsn x = {.length = (uint8_t)MIN(length, 15u), .flags = CPU_XI_UNKNOWN, .n_decode = 1, .n_uops = 1};
    g_array_append_val(s->b->insns, x);
}

static void expand_all(cpu_intel_state *s)
{
    ZydisDecoder decoder;
    ZydisDecoderInit(&decoder, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64);
    const cpu_block *block = s->b->block;
    cpu_decoded_insn insns[2];
    unsigned size = block->facts.code_bytes, which = 0;
    bool have = false;
    for (unsigned i = 0; i < 8; i++)
        s->x87[i] = (uint8_t)i;
    for (unsigned at = 0; at < size;) {
        cpu_decoded_insn *d = &insns[which], *ahead = &insns[which ^ 1];
        if (!have && !ZYAN_SUCCESS(ZydisDecoderDecodeFull(&decoder, block->bytes + at, size - at, &d->in, d->ops))) {
            expand_bad(s, size - at);
            return;
        }
        unsigned next = at + d->in.length;
        have = next < size && ZYAN_SUCCESS(ZydisDecoderDecodeFull(&decoder, block->bytes + next, size - next, &ahead->in, ahead->ops));
        s->next = have ? ahead : NULL;
        s->addr = block->facts.addr + at;
        s->next_addr = block->facts.addr + next;
        expand_insn(s, d);
        at = next;
        which ^= 1;
        if (s->fused_next) {
            skip_fused(s, ahead);
            at += ahead->in.length;
            have = false;
        }
    }
}

void cpu_intel_expand(cpu_xbuilder *b, unsigned generation)
{
    cpu_intel_state s = {.b = b, .generation = generation, .dry = true};
    expand_all(&s); /* to know the state at the end */
    s = (cpu_intel_state){.b = b, .generation = generation, .rsp_changed = s.rsp_changed, .rsp_synced = s.rsp_synced, .high8 = s.high8};
    expand_all(&s);
    b->stack_change = s.rsp_offset;
}
