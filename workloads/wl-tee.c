/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "wl-tee.h"

#include "wl-source.h"

typedef struct {
    wl_source source;
    insn_source *inner;
    tr_filter filter;
    wl_tee_group *group;
    GError *error;
} tee;

enum { PS_PER_NS = 1000, PS_PER_INSN = 1000 };

static tee *of(const insn_source *source)
{
    return (tee *)(uintptr_t)source;
}

static void tee_fill(insn_source *source, uint64_t now_ps, uint32_t limit, insn_batch *batch)
{
    tee *t = of(source);
    insn_source_fill(t->inner, now_ps, limit, batch);
    if (t->group->cancel && *t->group->cancel)
        t->group->stop = 1;
    if (t->error || t->filter.done)
        return;
    tr_progress now;
    wl_report report;
    wl_source_progress(t->inner, &now);
    wl_source_report(t->inner, &report);
    if (!tr_filter_put(&t->filter, batch, &now, report.out, report.err, &t->error))
        t->filter.done = true;
    if (t->filter.done && --t->group->open == 0)
        t->group->stop = 1;
}

static void tee_report(const insn_source *source, wl_report *report)
{
    wl_source_report(of(source)->inner, report);
}

static void tee_progress(const insn_source *source, tr_progress *progress)
{
    wl_source_progress(of(source)->inner, progress);
}

static void tee_free(insn_source *source)
{
    tee *t = of(source);
    insn_source_free(t->inner);
    g_clear_error(&t->error);
    g_free(t);
}

insn_source *wl_tee_new(insn_source *inner, tr_writer *writer, const tr_window *window, wl_tee_group *group)
{
    tee *t = g_new0(tee, 1);
    t->source.base = (insn_source){ .code = inner->code, .fill = tee_fill, .free = tee_free };
    t->source.report = tee_report;
    t->source.progress = tee_progress;
    t->inner = inner;
    t->group = group;
    group->open++;
    tr_filter_init(&t->filter, writer, inner->code, window);
    return &t->source.base;
}

bool wl_tee_done(const insn_source *source)
{
    return of(source)->filter.done;
}

uint64_t wl_tee_kept(const insn_source *source)
{
    return of(source)->filter.kept;
}

static uint64_t after(uint64_t now_ps, uint64_t ns)
{
    return ns < (UINT64_MAX / 4 - now_ps) / PS_PER_NS ? now_ps + ns * PS_PER_NS : UINT64_MAX / 4;
}

void wl_tee_run(insn_source *source, uint64_t now_ps, uint64_t kept, const volatile int *cancel)
{
    tee *t = of(source);
    uint64_t insns = t->filter.last.insns;
    now_ps = MIN(now_ps, UINT64_MAX / 4);
    while (!t->filter.done && t->filter.kept < kept && !(cancel && *cancel)) {
        insn_batch batch;
        insn_source_fill(source, now_ps, TR_BATCH_BLOCKS, &batch);
        now_ps = after(now_ps, t->filter.last.insns - MIN(insns, t->filter.last.insns));
        insns = t->filter.last.insns;
        if (batch.event.kind == INSN_EVENT_SLEEP)
            now_ps = after(now_ps, batch.event.arg0);
        else if (batch.event.kind == INSN_EVENT_SLEEP_UNTIL)
            now_ps = MAX(now_ps, after(0, batch.event.arg0));
    }
}

bool wl_tee_ended(const insn_source *source, bool interrupted, tr_ended *ended, GError **error)
{
    const tee *t = of(source);
    *ended = tr_filter_ended(&t->filter, interrupted);
    if (t->error)
        g_propagate_error(error, g_error_copy(t->error));
    return !t->error;
}
