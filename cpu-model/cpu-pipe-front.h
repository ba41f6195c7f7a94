/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The pipeline's front end, to be inlined by cpu-pipe-run.h: predecoder, instruction queue, decoders, microcode sequencer, micro-op cache, loop buffer. After
 * section 4.1.1 of "uiCA" (ICS 2022) and Agner Fog, "The microarchitecture of Intel, AMD and VIA CPUs", chapters on Sandy Bridge to Skylake.
 *
 * Approximate: an entry of the micro-op cache is looked up by its window of 32 bytes alone, not by where the window is entered; the ways that
 * a window takes fall out of it one by one, and it is a miss when its first is gone. */
#pragma once

#include "cpu-pipe.h"

enum { CPU_PIPE_PREDECODE_TO_DECODE = 3, CPU_PIPE_WINDOW_BITS = 5, CPU_PIPE_MS_WIDTH = 4, CPU_PIPE_LCP_STALL = 3 };

/* Out of line: whether a window of `n_lines` lines is in the micro-op cache; if not, it is put there. */
bool cpu_pipe_cache_look(cpu_pipe *p, uint64_t window, unsigned n_lines);
/* Out of line: a block that does not follow the one before it begins. */
void cpu_pipe_front_jump(cpu_pipe *p, uint64_t addr);
/* Out of line: the loop buffer's loop has been left. */
void cpu_pipe_front_leave_loop(cpu_pipe *p);

static inline __attribute__((always_inline)) void cpu_pipe_front_begin(cpu_pipe *p, const cpu_pipe_code *code, uint64_t addr)
{
    if (addr != p->next_addr)
        cpu_pipe_front_jump(p, addr);
    else if (__builtin_expect(p->source == CPU_PIPE_FROM_LOOP, 0) && p->queued - p->loop_begin >= p->loop_length)
        cpu_pipe_front_leave_loop(p);
    p->next_addr = addr + code->bytes;
}

/* Predecodes instruction number `n`; returns when a decoder can have it. */
static inline __attribute__((always_inline)) uint64_t cpu_pipe_predecode(cpu_pipe *p, const cpu_pipe_insn *insn, uint64_t addr, uint64_t n)
{
    const cpu_pipe_desc *d = &p->core->pipe;
    unsigned shift = p->chunk_shift;
    uint64_t chunk = addr >> shift, last = (addr + insn->length - 1) >> shift, before = p->predecode;
    if (chunk != p->chunk) {
        p->chunk_before = p->chunk_cycles;
        p->chunk_cycles = 1;
        p->predecode++;
        p->chunk = chunk;
        p->chunk_insns = 0;
        p->chunk_stalls = 0;
    }
    if (__builtin_expect(insn->flags & CPU_XI_LCP, 0)) {
        unsigned hidden = p->chunk_stalls++ || p->chunk_before == 0 ? 0 : MIN(p->chunk_before - 1, CPU_PIPE_LCP_STALL);
        p->predecode += CPU_PIPE_LCP_STALL - hidden;
    }
    if (last != chunk) {
        /* It ends in the next bytes and comes with them; a full group in front of its opcode costs a cycle more. */
        if (p->chunk_insns == d->predecode_width && (addr & ((1u << shift) - 1)) + insn->opcode_at < 1u << shift) {
            p->predecode++;
            p->chunk_cycles++;
        }
        p->chunk_before = p->chunk_cycles;
        p->chunk_cycles = 1;
        p->predecode++;
        p->chunk = last;
        p->chunk_insns = 1;
        p->chunk_stalls = 0;
    } else if (p->chunk_insns == d->predecode_width) {
        p->predecode++;
        p->chunk_cycles++;
        p->chunk_insns = 1;
    } else {
        p->chunk_insns++;
    }
    if (p->predecode != before) {
        uint32_t room = d->insn_queue - d->predecode_width;
        if (n > room)
            p->predecode = MAX(p->predecode, p->insn_removed[(n - room - 1) % CPU_PIPE_INSNS] + 1);
    }
    return p->predecode + CPU_PIPE_PREDECODE_TO_DECODE;
}

/* Decodes an instruction (`next`: the one behind it, or NULL); returns the first cycle in which its micro-ops can be renamed. */
static inline __attribute__((always_inline)) uint64_t cpu_pipe_decode(cpu_pipe *p, const cpu_pipe_insn *insn, const cpu_pipe_insn *next, uint64_t addr)
{
    const cpu_pipe_desc *d = &p->core->pipe;
    uint64_t n = p->n_insns++, ready = 0, at = p->decode;
    if (p->chunk_shift) {
        ready = p->predecoded_next ? p->predecoded_next : cpu_pipe_predecode(p, insn, addr, n);
        p->predecoded_next = 0;
    }
    if (insn->flags & CPU_XI_FUSED) {
        p->insn_removed[n % CPU_PIPE_INSNS] = at;
        p->decoders_left = 0;
        return at + 1;
    }
    bool complex = insn->flags & CPU_XI_COMPLEX, fusible = insn->flags & CPU_XI_FUSIBLE;
    if (p->decoders_left == 0 || (complex && p->decoded) || (fusible && !d->fusible_last && p->decoded + 1 == d->decoders))
        at++;
    if (fusible && next && p->chunk_shift) {
        p->predecoded_next = cpu_pipe_predecode(p, next, addr + insn->length, n + 1);
        ready = MAX(ready, p->predecoded_next);
    }
    p->limit = CPU_PIPE_LOST_DECODE;
    if (ready > at) {
        at = ready;
        p->limit = CPU_PIPE_LOST_PREDECODE;
    }
    uint32_t room = d->uop_queue - d->uop_cache_width;
    if (p->queued > room)
        at = MAX(at, p->dequeued[(p->queued - room - 1) % CPU_PIPE_QUEUE]);
    if (at > p->decode) {
        p->decode = at;
        p->decoders_left = d->decoders;
        p->decoded = 0;
    }
    p->decoded++;
    p->decoders_left--;
    if (complex)
        p->decoders_left = MIN(p->decoders_left, insn->simple);
    if (insn->flags & (CPU_XI_BRANCH | CPU_XI_MICROCODE))
        p->decoders_left = 0;
    p->insn_removed[n % CPU_PIPE_INSNS] = at;
    return at + 1;
}

/* When entry number `entry` of a microcoded instruction can be renamed whose first one can at `first`. */
static inline __attribute__((always_inline)) uint64_t cpu_pipe_microcode(cpu_pipe *p, const cpu_pipe_insn *insn, unsigned entry, uint64_t first)
{
    if (entry < insn->n_decode)
        return first;
    uint64_t at = first + 2 + (entry - insn->n_decode) / CPU_PIPE_MS_WIDTH;
    p->decode = MAX(p->decode, at);
    p->cached = MAX(p->cached, at - 1);
    p->decoders_left = 0;
    p->cached_left = 0;
    return at;
}

static inline __attribute__((always_inline)) uint64_t cpu_pipe_cached(cpu_pipe *p, const cpu_pipe_insn *insn)
{
    const cpu_pipe_desc *d = &p->core->pipe;
    if (insn->flags & CPU_XI_FUSED)
        return p->cached + 1;
    uint64_t at = p->cached;
    unsigned n = insn->n_decode;
    if (insn->line & CPU_PIPE_LINE_NEW)
        p->cached_lines++;
    if (p->cached_left < n || p->cached_lines > 2) {
        unsigned over = p->cached_lines > 2 ? n : n - p->cached_left;
        at++;
        p->cached_left = d->uop_cache_width - MIN(over, d->uop_cache_width);
        p->cached_lines = 1;
    } else {
        p->cached_left -= n;
    }
    p->limit = CPU_PIPE_LOST_UOP_CACHE;
    uint32_t room = d->uop_queue - d->uop_cache_width;
    if (p->queued > room)
        at = MAX(at, p->dequeued[(p->queued - room - 1) % CPU_PIPE_QUEUE]);
    p->cached = at;
    return at + 1;
}

/* Brings an instruction into the micro-op queue; returns the first cycle in which its micro-ops can be renamed. */
static inline __attribute__((always_inline)) uint64_t cpu_pipe_deliver(cpu_pipe *p, const cpu_pipe_insn *insn, const cpu_pipe_insn *next, uint64_t addr)
{
    if (insn->line & CPU_PIPE_LINE_WINDOW && p->cache && !p->legacy_only && p->source != CPU_PIPE_FROM_LOOP) {
        bool hit = insn->n_lines && cpu_pipe_cache_look(p, addr >> CPU_PIPE_WINDOW_BITS, insn->n_lines);
        if (!hit && p->source == CPU_PIPE_FROM_CACHE) {
            p->source = CPU_PIPE_FROM_DECODERS;
            p->predecode = MAX(p->predecode, p->cached);
            p->chunk = UINT64_MAX;
        } else if (hit && p->source == CPU_PIPE_FROM_DECODERS && p->jumped) {
            p->source = CPU_PIPE_FROM_CACHE;
            p->cached = MAX(p->cached, p->decode);
            p->cached_left = 0;
        }
        p->jumped = false;
    }
    if (p->source == CPU_PIPE_FROM_CACHE)
        return cpu_pipe_cached(p, insn);
    if (p->source == CPU_PIPE_FROM_DECODERS)
        return cpu_pipe_decode(p, insn, next, addr);
    uint64_t at = p->loop_break ? p->cycle + 1 : 0;
    p->loop_break = false;
    return at;
}
