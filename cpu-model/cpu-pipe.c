/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the pipeline does seldom, and its set-up. */
#include "cpu-pipe-run.h"

#include <string.h>

enum { WORDS = CPU_PIPE_HORIZON / 64, CACHE_WAYS = 8, LINE_UOPS = 6, WINDOW_LINES = 3 };

/* ---- code ---------------------------------------------------------------------------------------------------------- */

/* Lays the instructions out in windows of 32 bytes and lines of 6 micro-ops, after Fog, section 9.3 (Sandy Bridge): no more than 3 lines a window; an
 * instruction's micro-ops lie in one line; a microcoded one has a line for itself. */
static void lay_out_lines(const cpu_core_desc *core, cpu_pipe_code *code)
{
    uint64_t at = code->addr, window = UINT64_MAX;
    unsigned used = 0, lines = 0;
    cpu_pipe_insn *first = NULL;
    bool edge = false;
    for (unsigned i = 0; i < code->n_insns; i++) {
        cpu_pipe_insn *insn = &code->insns[i];
        uint64_t last = at + MAX(insn->length, 1) - 1;
        insn->line = 0;
        insn->n_lines = 0;
        if (at >> CPU_PIPE_WINDOW_BITS != window && !(insn->flags & CPU_XI_FUSED && first)) {
            if (first)
                first->n_lines = lines > WINDOW_LINES || edge ? 0 : (uint8_t)lines;
            window = at >> CPU_PIPE_WINDOW_BITS;
            first = insn;
            lines = 0;
            edge = false;
            used = LINE_UOPS;
            insn->line = CPU_PIPE_LINE_WINDOW;
        }
        if (!(insn->flags & CPU_XI_FUSED)) {
            unsigned need = MAX(insn->n_decode, 1);
            if (used + need > LINE_UOPS || insn->flags & CPU_XI_MICROCODE) {
                insn->line |= CPU_PIPE_LINE_NEW;
                lines++;
                used = 0;
            }
            used = insn->flags & CPU_XI_MICROCODE ? LINE_UOPS : used + need;
        }
        /* A branch that crosses or touches the end of 32 bytes: "Mitigations for Jump Conditional Code Erratum", Intel, 2019. */
        if (insn->flags & CPU_XI_BRANCH && !core->pipe.uop_cache_branch_edge && (last + 1) >> CPU_PIPE_WINDOW_BITS != at >> CPU_PIPE_WINDOW_BITS)
            edge = true;
        at += insn->length;
    }
    if (first)
        first->n_lines = lines > WINDOW_LINES || edge ? 0 : (uint8_t)lines;
}

/* `reserved` of the micro-ops of one instruction. */
static void mark_heads(cpu_xuop *uops, unsigned n)
{
    for (unsigned i = 0; i < n;) {
        unsigned slots = 1, needs = 0, k = i;
        do {
            slots += k > i && !(uops[k].flags & CPU_XU_FUSED);
            needs |= uops[k].kind == CPU_XK_LOAD ? CPU_PIPE_HAS_LOAD : 0;
            needs |= uops[k].kind == CPU_XK_STORE_ADDRESS ? CPU_PIPE_HAS_STORE : 0;
            uops[k++].reserved = 0;
        } while (k < n && uops[k].flags & (CPU_XU_FUSED | CPU_XU_LAMINATED));
        uops[i].reserved = (uint8_t)(MIN(slots, CPU_PIPE_HEAD) | needs);
        i = k;
    }
}

cpu_pipe_code *cpu_pipe_compile(const cpu_core_desc *core, const cpu_xblock *block)
{
    size_t uops_at = sizeof(cpu_pipe_code), operands_at = uops_at + block->n_uops * sizeof(cpu_xuop);
    size_t insns_at = operands_at + block->n_operands * sizeof(cpu_xoperand);
    char *memory = g_malloc0(insns_at + block->n_insns * sizeof(cpu_pipe_insn));
    cpu_pipe_code *code = (cpu_pipe_code *)(void *)memory;
    *code = (cpu_pipe_code){.addr = block->addr, .bytes = block->bytes, .n_uops = block->n_uops, .n_insns = block->n_insns, .n_slots = block->n_slots_used,
                            .stack_change = block->stack_change, .uops = (cpu_xuop *)(void *)(memory + uops_at),
                            .operands = (cpu_xoperand *)(void *)(memory + operands_at), .insns = (cpu_pipe_insn *)(void *)(memory + insns_at)};
    if (block->n_operands)
        memcpy(code->operands, block->operands, block->n_operands * sizeof *code->operands);
    if (block->n_uops)
        memcpy(code->uops, block->uops, block->n_uops * sizeof *code->uops);
    cpu_xuop *u = code->uops;
    for (unsigned i = 0; i < block->n_insns; i++) {
        const cpu_xinsn *x = &block->insns[i];
        cpu_pipe_insn *insn = &code->insns[i];
        *insn = (cpu_pipe_insn){.length = MAX(x->length, 1), .opcode_at = x->opcode_at, .flags = x->flags, .n_decode = x->n_decode, .n_uops = x->n_uops};
        insn->simple = x->beside;
        mark_heads(u, x->n_uops);
        u += x->n_uops;
    }
    lay_out_lines(core, code);
    return code;
}

void cpu_pipe_code_free(cpu_pipe_code *code)
{
    g_free(code);
}

/* ---- state --------------------------------------------------------------------------------------------------------- */

cpu_pipe *cpu_pipe_new(const cpu_core_desc *core)
{
    cpu_pipe *p = g_aligned_alloc0(1, sizeof *p, 64);
    p->core = core;
    if (core->pipe.uop_cache) {
        p->cache_sets = MAX(core->pipe.uop_cache / (CACHE_WAYS * LINE_UOPS), 1);
        p->cache = g_new0(uint64_t, (size_t)p->cache_sets * CACHE_WAYS);
    }
    cpu_pipe_reset(p);
    return p;
}

void cpu_pipe_free(cpu_pipe *p)
{
    if (!p)
        return;
    g_free(p->cache);
    g_aligned_free(p);
}

void cpu_pipe_reset(cpu_pipe *p)
{
    const cpu_core_desc *core = p->core;
    uint64_t *cache = p->cache;
    uint32_t cache_sets = p->cache_sets;
    bool legacy_only = p->legacy_only;
    memset(p, 0, sizeof *p);
    p->core = core;
    p->cache = cache;
    p->cache_sets = cache_sets;
    p->legacy_only = legacy_only;
    if (cache)
        memset(cache, 0, (size_t)cache_sets * CACHE_WAYS * sizeof *cache);
    p->chunk_shift = core->pipe.predecode_bytes ? (uint8_t)g_bit_nth_lsf(core->pipe.predecode_bytes, -1) : 0;
    p->horizon = CPU_PIPE_HORIZON;
    p->chunk = p->next_addr = UINT64_MAX;
    for (unsigned r = 0; r < CPU_XR_COUNT; r++)
        p->value[r] = (r + 1) * UINT64_C(0x9e3779b97f4a7c15);
    for (unsigned i = 0; i < CPU_PIPE_FORWARDS; i++)
        p->forwards[i].number = UINT64_MAX;
}

typedef struct {
    cpu_core_desc core; /* a copy: the caller's may be gone, and another one lie there, when the thread asks again */
    cpu_pipe *pipe;
} scratch;

static void scratch_free(void *data)
{
    scratch *s = data;
    cpu_pipe_free(s->pipe);
    g_free(s);
}

cpu_pipe *cpu_pipe_scratch(const cpu_core_desc *core)
{
    static GPrivate key = G_PRIVATE_INIT(scratch_free);
    scratch *s = g_private_get(&key);
    if (!s || memcmp(&s->core, core, sizeof *core) != 0) {
        s = g_new0(scratch, 1);
        memcpy(&s->core, core, sizeof *core);
        s->pipe = cpu_pipe_new(&s->core);
        g_private_replace(&key, s);
    }
    s->pipe->legacy_only = false;
    cpu_pipe_reset(s->pipe);
    return s->pipe;
}

/* ---- ports ------------------------------------------------------------------------------------------------------------ */

void cpu_pipe_extend(cpu_pipe *p)
{
    uint64_t to = (p->cycle + CPU_PIPE_HORIZON / 2 + 128) & ~UINT64_C(63);
    if (to > p->horizon + CPU_PIPE_HORIZON)
        p->horizon = to - CPU_PIPE_HORIZON;
    for (; p->horizon < to; p->horizon += 64)
        for (unsigned port = 0; port <= CPU_PIPE_PORTS; port++)
            p->taken[port][p->horizon / 64 % WORDS] = 0;
}

/* ---- move elimination (ICS 2022, section 4.1.4) ----------------------------------------------------------------- */

static const uint64_t VECTORS = UINT64_C(0xffff) << CPU_XR_VEC;

/* Frees slots whose registers have been overwritten, at the end of a cycle. */
static void free_aliases(cpu_pipe *p, unsigned file)
{
    bool any = (p->core->pipe.move_any_alias || file == 1) && (p->eliminated[file] & 0xff) == 0;
    uint64_t all = 0;
    unsigned n = 0;
    for (unsigned i = 0; i < p->alias_used[file]; i++) {
        uint64_t mask = p->alias[file][i];
        if (mask == 0 || (any && (mask & (mask - 1)) == 0))
            continue;
        p->alias[file][n++] = mask;
        all |= mask;
    }
    p->alias_used[file] = (uint8_t)n;
    p->aliased[file] = all;
}

void cpu_pipe_moves_advance(cpu_pipe *p, uint64_t cycles)
{
    uint32_t left = 0;
    for (unsigned file = 0; file < 2; file++) {
        if (p->alias_used[file])
            free_aliases(p, file);
        uint32_t used = p->alias_used[file] * 0x01010101u;
        if (cycles >= 3) {
            p->eliminated[file] = cycles == 3 ? p->eliminated[file] << 24 : 0;
            p->alias_before[file] = used;
        } else {
            uint32_t new = (1u << 8 * (cycles + 1)) - 1;
            p->eliminated[file] <<= 8 * cycles;
            p->alias_before[file] = (p->alias_before[file] << 8 * cycles & ~new) | (used & new);
        }
        left |= p->alias_used[file] | p->eliminated[file] | p->alias_before[file];
    }
    p->moves = left != 0;
}

bool cpu_pipe_eliminate(cpu_pipe *p, uint64_t from, uint64_t to)
{
    unsigned file = from & VECTORS ? 1 : 0, slots = file ? p->core->pipe.move_vec : p->core->pipe.move_gpr, length = p->core->pipe.move_pipeline;
    if (slots == 0)
        return false;
    unsigned taken = p->alias_before[file] >> 8 * length & 0xff;
    for (unsigned i = 0; i < length; i++)
        taken += p->eliminated[file] >> 8 * i & 0xff;
    if (taken >= slots)
        return false;
    p->eliminated[file]++;
    p->moves = true;
    unsigned n = p->alias_used[file], i = 0;
    while (i < n && !(p->alias[file][i] & from))
        i++;
    if (i < n && p->alias[file][i] & to)
        return true;
    cpu_pipe_unalias(p, to, 0);
    if (i == n) {
        if (n == G_N_ELEMENTS(p->alias[file]))
            return true;
        p->alias[file][p->alias_used[file]++] = from;
    }
    p->alias[file][i] |= to;
    p->aliased[file] |= from | to;
    return true;
}

void cpu_pipe_unalias(cpu_pipe *p, uint64_t writes, uint64_t keep)
{
    for (unsigned file = 0; file < 2; file++)
        for (unsigned i = 0; i < p->alias_used[file]; i++)
            p->alias[file][i] &= ~writes | keep;
    p->aliased[0] &= ~writes | keep;
    p->aliased[1] &= ~writes | keep;
}

/* ---- front end --------------------------------------------------------------------------------------------------------- */

bool cpu_pipe_cache_look(cpu_pipe *p, uint64_t window, unsigned n_lines)
{
    uint64_t *set = &p->cache[(window % p->cache_sets) * CACHE_WAYS], key = (window + 1) << 2;
    unsigned at = 0, keep = 0;
    while (at < CACHE_WAYS && set[at] != key)
        at++;
    if (at == 0)
        return true;
    /* To the front, with all its lines; the last of the set fall out. */
    uint64_t old[CACHE_WAYS];
    memcpy(old, set, sizeof old);
    for (; keep < n_lines && keep < CACHE_WAYS; keep++)
        set[keep] = key + keep;
    for (unsigned i = 0; i < CACHE_WAYS && keep < CACHE_WAYS; i++)
        if (old[i] >> 2 != window + 1)
            set[keep++] = old[i];
    return at < CACHE_WAYS;
}

void cpu_pipe_front_leave_loop(cpu_pipe *p)
{
    p->source = CPU_PIPE_FROM_CACHE;
    p->cached = MAX(p->cached, p->cycle);
    p->cached_left = 0;
    p->predecode = MAX(p->predecode, p->cycle);
    p->decode = MAX(p->decode, p->cycle);
    p->loop_turns = 0;
    if (!p->cache)
        p->source = CPU_PIPE_FROM_DECODERS;
}

void cpu_pipe_front_jump(cpu_pipe *p, uint64_t addr)
{
    p->chunk = UINT64_MAX;
    p->predecoded_next = 0;
    p->cached_left = 0;
    p->decoders_left = 0;
    p->jumped = true;
    if (p->legacy_only || !p->core->pipe.loop_buffer)
        return;
    /* A loop that fits is replayed from the queue from its third turn on; turns are joined as if unrolled to about 28 micro-ops (measured for
     * Haswell in "uiCA", ICS 2022; the same for others is an estimate). */
    if (addr < p->next_addr && addr == p->loop_target) {
        uint64_t length = p->queued - p->loop_begin;
        p->loop_turns = length == p->loop_length && length <= p->core->pipe.loop_buffer ? p->loop_turns + 1 : 0;
        p->loop_length = length;
        p->loop_begin = p->queued;
        if (p->loop_turns >= 2) {
            unsigned group = (unsigned)CLAMP((28 + length / 2) / MAX(length, 1), 1, 8);
            p->source = CPU_PIPE_FROM_LOOP;
            p->loop_group = p->loop_group + 1 >= group ? 0 : p->loop_group + 1;
            p->loop_break = p->loop_group == 0;
            p->limit = CPU_PIPE_LOST_UOP_CACHE;
            return;
        }
    } else if (addr < p->next_addr) {
        p->loop_target = addr;
        p->loop_begin = p->queued;
        p->loop_length = 0;
        p->loop_turns = 0;
    }
    if (p->source == CPU_PIPE_FROM_LOOP && p->queued - p->loop_begin >= p->loop_length)
        cpu_pipe_front_leave_loop(p);
}
