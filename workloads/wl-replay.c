/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "wl-replay.h"

#include "sim-error.h"
#include "wl-source.h"

typedef struct {
    wl_source source;
    wl_replay_config config;
    char *path;
    tr_reader *reader;
    uint32_t round;        /* from 0 */
    tr_progress progress;
    uint64_t insns_before; /* of the rounds before */
    uint64_t n_missing;
    GArray *missing;
    bool reads_time, round_over, dead;
    insn_event last_event; /* once dead */
    char *text;
} replay;

static replay *of(const insn_source *source)
{
    return (replay *)(uintptr_t)source;
}

static void die(replay *p, insn_event_kind kind, const char *text)
{
    p->dead = true;
    p->text = g_strdup(text);
    p->last_event = (insn_event){ .kind = kind, .text = p->text };
}

static bool has_another_round(const replay *p)
{
    return (p->config.repeat == 0 || p->round + 1 < p->config.repeat) && p->progress.insns; /* not for ever nothing */
}

static bool begin_again(replay *p)
{
    g_autoptr(GError) error = NULL;
    tr_reader *reader = tr_reader_open(p->path, &error);
    if (!reader) {
        die(p, INSN_EVENT_ERROR, error->message);
        return false;
    }
    tr_reader_free(p->reader);
    p->reader = reader;
    tr_reader_start(reader, p->source.base.code, p->config.salvage);
    p->round++;
    p->insns_before += p->progress.insns;
    p->progress = (tr_progress){ 0 };
    p->n_missing = 0;
    p->round_over = false;
    return true;
}

static void take(replay *p, insn_batch *batch)
{
    if (p->progress.n_missing != p->n_missing)
        wl_note_missing(p->missing, p->progress.last_missing);
    p->n_missing = p->progress.n_missing;
    p->reads_time |= p->progress.reads_time;
    switch (batch->event.kind) {
    case INSN_EVENT_END: case INSN_EVENT_CUT:
        if (has_another_round(p)) {
            p->round_over = true;
            batch->event = (insn_event){ .kind = INSN_EVENT_NONE };
            return;
        }
        break;
    case INSN_EVENT_FAULT: case INSN_EVENT_ERROR: break;
    default: return;
    }
    p->dead = true;
    p->last_event = batch->event;
}

/* Gets one batch, perhaps an empty one. */
static void next_batch(replay *p, insn_batch *batch)
{
    g_autoptr(GError) error = NULL;
    *batch = (insn_batch){ .event = { .kind = INSN_EVENT_NONE } };
    if (p->round_over && !begin_again(p))
        return;
    int got = tr_reader_next(p->reader, batch, &p->progress, &error);
    if (got <= 0)
        *batch = (insn_batch){ .event = { .kind = INSN_EVENT_NONE } };
    if (got > 0)
        take(p, batch);
    else if (got < 0)
        die(p, INSN_EVENT_ERROR, error->message);
    else if (has_another_round(p))
        p->round_over = true;
    else
        die(p, INSN_EVENT_CUT, NULL);
}

static void replay_fill(insn_source *source, uint64_t now_ps, uint32_t limit, insn_batch *batch)
{
    (void)now_ps, (void)limit;
    replay *p = of(source);
    *batch = (insn_batch){ .event = p->last_event };
    while (!p->dead) {
        next_batch(p, batch);
        if (batch->n_blocks || batch->event.kind != INSN_EVENT_NONE)
            return;
        batch->event = p->last_event;
    }
}

static void replay_report(const insn_source *source, wl_report *report)
{
    replay *p = of(source);
    size_t out, err;
    const char *out_text = tr_reader_output(p->reader, 1, &out), *err_text = tr_reader_output(p->reader, 2, &err);
    *report = (wl_report){
        .out = out_text, .out_len = MIN(out, p->progress.out_len), .err = err_text, .err_len = MIN(err, p->progress.err_len),
        .insns = p->insns_before + p->progress.insns, .reads_time = p->reads_time, .touched_bytes = p->progress.touched,
        .cut = p->dead && p->last_event.kind == INSN_EVENT_CUT,
        .missing = (const struct wl_missing *)(const void *)p->missing->data, .n_missing = p->missing->len,
    };
}

static void replay_progress(const insn_source *source, tr_progress *progress)
{
    const replay *p = of(source);
    *progress = p->progress;
    progress->insns += p->insns_before;
    progress->reads_time = p->reads_time;
}

static unsigned replay_skipped(const insn_source *source, const char **first)
{
    return tr_reader_skipped(of(source)->reader, first);
}

static void replay_free(insn_source *source)
{
    replay *p = of(source);
    tr_reader_free(p->reader);
    g_array_unref(p->missing);
    g_free(p->text);
    g_free(p->path);
    g_free(p);
}

bool wl_replay_check(const tr_reader *reader, const char *path, bool salvage, GError **error)
{
    const tr_info *info = tr_reader_info(reader);
    if (info->complete || salvage)
        return true;
    g_set_error(error, SIM_ERROR, SIM_ERROR_INPUT,
                "%s: the trace is unfinished: its end is missing behind chunk %u (the recording was broken off, or the file was cut or damaged);"
                " 'quanta trace verify' tells more, --salvage uses what is whole", path, MAX(info->n_chunks, 1) - 1);
    return false;
}

insn_source *wl_replay_new(const wl_replay_config *config, insn_code *code, GError **error)
{
    g_autoptr(tr_reader) reader = tr_reader_open(config->path, error);
    if (!reader || !wl_replay_check(reader, config->path, config->salvage, error))
        return NULL;
    replay *p = g_new0(replay, 1);
    p->source.base = (insn_source){ .code = code, .fill = replay_fill, .free = replay_free };
    p->source.report = replay_report;
    p->source.progress = replay_progress;
    p->source.skipped = replay_skipped;
    p->config = *config;
    p->config.path = p->path = g_strdup(config->path);
    p->reader = g_steal_pointer(&reader);
    p->missing = g_array_new(FALSE, FALSE, sizeof(struct wl_missing));
    tr_reader_start(p->reader, code, config->salvage);
    return &p->source.base;
}
