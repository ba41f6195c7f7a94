/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tr-filter.h"

void tr_filter_init(tr_filter *f, tr_writer *writer, insn_code *code, const tr_window *window)
{
    *f = (tr_filter){ .window = *window, .writer = writer, .code = code };
}

/* A stretch of a batch: `n` blocks from `first`, with their addresses. */
typedef struct {
    uint32_t first, n;
    uint32_t addr, n_addrs;
    uint64_t insns;
} stretch;

/* From `at` on, the blocks that begin within `insns` instructions. */
static stretch take(const tr_filter *f, const insn_batch *b, const stretch *after, uint64_t insns)
{
    stretch s = { .first = after->first + after->n, .addr = after->addr + after->n_addrs };
    for (uint32_t i = s.first; i < b->n_blocks && s.insns < insns; i++) {
        const insn_block_facts *facts = f->code->facts(f->code, b->blocks[i]);
        s.n++;
        s.n_addrs += facts->n_slots;
        s.insns += facts->n_insns;
    }
    return s;
}

static bool keep(tr_filter *f, const insn_batch *b, const stretch *s, bool event, const tr_progress *now, const char *out, const char *err,
                  GError **error)
{
    if (!f->begun) {
        f->begun = true;
        f->base = f->last;
    }
    f->kept += s->insns;
    insn_batch part = { .blocks = b->blocks + s->first, .addrs = b->addrs + s->addr, .n_blocks = s->n, .n_addrs = s->n_addrs };
    if (event)
        part.event = b->event;
    tr_progress p = *now;
    p.out_len -= f->base.out_len;
    p.err_len -= f->base.err_len;
    p.n_missing -= f->base.n_missing;
    p.insns = f->kept;
    return tr_writer_output(f->writer, 1, out + f->last.out_len, now->out_len - f->last.out_len, error)
           && tr_writer_output(f->writer, 2, err + f->last.err_len, now->err_len - f->last.err_len, error)
           && tr_writer_append(f->writer, &part, &p, error);
}

static bool is_last(insn_event_kind kind)
{
    return kind == INSN_EVENT_END || kind == INSN_EVENT_FAULT || kind == INSN_EVENT_ERROR || kind == INSN_EVENT_CUT;
}

/* What the guest did in this batch is not in the trace. */
static void leave_out(tr_filter *f, const tr_progress *now)
{
    if (!f->begun)
        return;
    f->base.out_len += now->out_len - f->last.out_len;
    f->base.err_len += now->err_len - f->last.err_len;
    f->base.n_missing += now->n_missing - f->last.n_missing;
}

/* Which blocks of the batch count, and whether its event does. */
static stretch choose(tr_filter *f, const insn_batch *b, uint64_t insns, bool *event)
{
    stretch s = { .n = b->n_blocks, .n_addrs = b->n_addrs, .insns = insns };
    *event = true;
    if (f->window.regions && !f->in_region) {
        s = (stretch){ .first = b->n_blocks, .addr = b->n_addrs };
        *event = b->event.kind == INSN_EVENT_ROI_BEGIN;
    }
    if (f->passed < f->window.from) {
        stretch before = { .first = s.first, .addr = s.addr };
        before = take(f, b, &before, f->window.from - f->passed);
        f->passed += before.insns;
        s = (stretch){ .first = before.first + before.n, .n = s.n - before.n, .addr = before.addr + before.n_addrs,
                       .n_addrs = s.n_addrs - before.n_addrs, .insns = s.insns - MIN(before.insns, s.insns) };
    }
    f->passed += s.insns;
    if (f->window.limit && f->kept + s.insns >= f->window.limit) {
        stretch before = { .first = s.first, .addr = s.addr };
        stretch end = take(f, b, &before, f->window.limit - f->kept);
        *event = *event && end.n == s.n;
        f->done = true;
        s = end;
    }
    return s;
}

bool tr_filter_put(tr_filter *f, const insn_batch *b, const tr_progress *now, const char *out, const char *err, GError **error)
{
    bool ok = true, event;
    if (f->done)
        return true;
    uint64_t insns = now->insns - f->last.insns;
    if (f->recount) {
        const stretch none = {0};
        insns = take(f, b, &none, UINT64_MAX).insns;
    }
    bool outside = f->window.regions && !f->in_region;
    stretch s = choose(f, b, insns, &event);
    if (outside) { /* of what led to a region's marker only the marker counts */
        leave_out(f, now);
        f->last = *now;
    }
    if (f->passed >= f->window.from && (s.n || event)) {
        ok = keep(f, b, &s, event, now, out, err, error);
        f->ended_itself = event && is_last(b->event.kind) && b->event.kind != INSN_EVENT_CUT;
    } else {
        leave_out(f, now);
    }
    f->done |= is_last(b->event.kind);
    if (b->event.kind == INSN_EVENT_ROI_BEGIN)
        f->in_region = true;
    if (b->event.kind == INSN_EVENT_ROI_END)
        f->in_region = false;
    f->last = *now;
    return ok;
}

tr_ended tr_filter_ended(const tr_filter *f, bool interrupted)
{
    return f->ended_itself ? TR_ENDED_GUEST : f->done || !interrupted ? TR_ENDED_LIMIT : TR_ENDED_INTERRUPTED;
}
