/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "wl-ahead.h"

#include "wl-source.h"

#include <string.h>

/* Batches that may wait to be consumed; one more is being consumed. */
enum { AHEAD = 3, PLACES = AHEAD + 1 };

/* A batch with memory of its own, and what the source says of itself after it. */
typedef struct {
    insn_batch batch;
    uint32_t *blocks;
    uint64_t *addrs;
    wl_report report;     /* without pointers */
    struct wl_missing *missing;
    unsigned skipped;
    const char *skip_note; /* the source's */
} place;

typedef struct {
    wl_source source;
    insn_source *inner;   /* the thread's while it runs */
    GThread *thread;
    GMutex lock;          /* guards what follows */
    GCond filled, emptied;
    place places[PLACES];
    unsigned first, n;    /* places that are filled */
    bool taken;           /* the first of them is being consumed */
    bool stop, over;      /* over: the thread has put its last batch */
    place *now;           /* consumed last, or NULL */
} ahead;

static ahead *of(const insn_source *source)
{
    return (ahead *)(uintptr_t)source;
}

static bool is_last(insn_event_kind kind)
{
    return kind == INSN_EVENT_END || kind == INSN_EVENT_FAULT || kind == INSN_EVENT_ERROR || kind == INSN_EVENT_CUT;
}

static void note(place *p, const insn_source *inner)
{
    wl_source_report(inner, &p->report);
    g_free(p->missing);
    p->missing = p->report.n_missing ? g_memdup2(p->report.missing, p->report.n_missing * sizeof *p->missing) : NULL;
    p->report.missing = p->missing;
    p->skipped = wl_source_skipped(inner, &p->skip_note);
}

static void fill_place(place *p, insn_source *inner)
{
    insn_source_fill(inner, 0, TR_BATCH_BLOCKS, &p->batch);
    if (p->batch.n_blocks)
        memcpy(p->blocks, p->batch.blocks, p->batch.n_blocks * sizeof *p->blocks);
    if (p->batch.n_addrs)
        memcpy(p->addrs, p->batch.addrs, p->batch.n_addrs * sizeof *p->addrs);
    p->batch.blocks = p->blocks;
    p->batch.addrs = p->addrs;
    note(p, inner);
}

static gpointer decode(gpointer user)
{
    ahead *a = user;
    bool over = false;
    g_mutex_lock(&a->lock);
    while (!over) {
        while (a->n == PLACES && !a->stop)
            g_cond_wait(&a->emptied, &a->lock);
        if (a->stop)
            break;
        place *p = &a->places[(a->first + a->n) % PLACES];
        g_mutex_unlock(&a->lock);
        fill_place(p, a->inner);
        over = is_last(p->batch.event.kind);
        g_mutex_lock(&a->lock);
        a->n++;
        a->over = over;
        g_cond_signal(&a->filled);
    }
    g_mutex_unlock(&a->lock);
    return NULL;
}

static void ahead_fill(insn_source *source, uint64_t now_ps, uint32_t limit, insn_batch *batch)
{
    (void)now_ps, (void)limit;
    ahead *a = of(source);
    g_mutex_lock(&a->lock);
    bool last = a->over && a->n == 1 && a->taken;
    if (a->taken && !last) {
        a->first = (a->first + 1) % PLACES;
        a->n--;
        g_cond_signal(&a->emptied);
    }
    while (a->n == 0)
        g_cond_wait(&a->filled, &a->lock);
    a->taken = true;
    a->now = &a->places[a->first];
    g_mutex_unlock(&a->lock);
    *batch = a->now->batch;
    if (last) /* the same event, again and again */
        batch->n_blocks = batch->n_addrs = 0;
}

/* The thread ends: nobody reads on. */
static void finish(ahead *a)
{
    if (!a->thread)
        return;
    g_mutex_lock(&a->lock);
    a->stop = true;
    g_cond_signal(&a->emptied);
    g_mutex_unlock(&a->lock);
    g_thread_join(g_steal_pointer(&a->thread));
}

static void ahead_report(const insn_source *source, wl_report *report)
{
    ahead *a = of(source);
    finish(a); /* the output grows under the thread's hands */
    wl_report latest;
    wl_source_report(a->inner, &latest);
    *report = a->now ? a->now->report : (wl_report){ 0 };
    report->out = latest.out;
    report->err = latest.err;
}

static void ahead_free(insn_source *source)
{
    ahead *a = of(source);
    finish(a);
    insn_source_free(a->inner);
    for (unsigned i = 0; i < PLACES; i++) {
        g_free(a->places[i].blocks);
        g_free(a->places[i].addrs);
        g_free(a->places[i].missing);
    }
    g_mutex_clear(&a->lock);
    g_cond_clear(&a->filled);
    g_cond_clear(&a->emptied);
    g_free(a);
}

static unsigned ahead_skipped(const insn_source *source, const char **first)
{
    const ahead *a = of(source);
    *first = a->now ? a->now->skip_note : NULL;
    return a->now ? a->now->skipped : 0;
}

insn_source *wl_ahead_new(const wl_replay_config *config, insn_code *code, GError **error)
{
    insn_source *inner = wl_replay_new(config, code, error);
    if (!inner)
        return NULL;
    ahead *a = g_new0(ahead, 1);
    a->source.base = (insn_source){ .code = code, .fill = ahead_fill, .free = ahead_free };
    a->source.report = ahead_report;
    a->source.skipped = ahead_skipped;
    a->inner = inner;
    g_mutex_init(&a->lock);
    g_cond_init(&a->filled);
    g_cond_init(&a->emptied);
    for (unsigned i = 0; i < PLACES; i++) {
        a->places[i].blocks = g_new(uint32_t, TR_BATCH_BLOCKS);
        a->places[i].addrs = g_new(uint64_t, TR_BATCH_ADDRS + TR_ADDR_MARGIN);
    }
    a->thread = g_thread_new("decode", decode, a);
    return &a->source.base;
}
