/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One execution of a guest for many readers. The reader that needs more runs the guest on under the lock, a chunk at a
 * time; what is recorded never changes, so readers decode it without the lock, each with a model of its own.
 *
 * Where the guest first reads the clock the recording ends, as each reader has its own time from there: a reader goes
 * on with an execution of its own, run again to that point (the first one takes over the recorded guest itself).
 * A guest with a writable folder cannot be run again, as its writes would be repeated over each other: readers of such
 * a recording get INSN_EVENT_ERROR there. */
#include "sim-error.h"
#include "tr-codec.h"
#include "wl-source.h"
#include "wl-store.h"
#include "wl-trace.h"

#include <string.h>

/* A chunk closes at the first of these. */
#define CHUNK_BYTES (256u << 10)
#define CHUNK_SEGMENTS 64

struct wl_recording {
    GMutex lock; /* guards all below but config and code */
    wl_guest_config *config;
    insn_code *code;
    insn_source *guest; /* NULL once taken over */
    wl_store *store;
    tr_codec codec;
    GArray *ids;       /* of uint32_t: the code store's id of each block, by its number in the codec */
    GArray *known;     /* of uint32_t: how many of them each chunk needs */
    GByteArray *bytes; /* scratch: the chunk being made */
    tr_progress progress;
    bool ended; /* nothing more will be appended */
    char *failure; /* why it ended early, or NULL */
    GBytes *out, *err; /* captured output once the guest is taken over */
    uint64_t executed; /* instructions, by all executions */
};

typedef struct {
    wl_source source;
    wl_recording *recording;
    tr_codec codec;
    uint32_t *blocks;
    uint64_t *addrs;
    unsigned next_chunk;
    const uint8_t *at, *end; /* of the present chunk */
    uint8_t *buffer; /* of a chunk from the file */
    uint32_t buffer_room;
    tr_progress progress;
    uint64_t n_missing; /* calls in `missing` */
    uint64_t counted; /* instructions of `live` that are in recording->executed */
    GArray *missing;
    insn_source *live; /* own execution, from the first reading of the clock on */
    bool fork_due, dead;
    insn_event last_event;
    GPtrArray *texts; /* event texts handed out */
    char *out, *err;  /* copies made for a report */
} reader;

/* ---- the producer; all under the lock ----------------------------------------------------------------------------- */

static void extend(wl_recording *r)
{
    GByteArray *bytes = r->bytes;
    g_autoptr(GError) error = NULL;
    tr_progress before = { 0 };
    g_byte_array_set_size(bytes, 0);
    tr_codec_begin(&r->codec);
    for (unsigned i = 0; i < CHUNK_SEGMENTS && bytes->len < CHUNK_BYTES && !r->ended; i++) {
        insn_batch batch;
        tr_progress now;
        insn_source_fill(r->guest, 0, TR_BATCH_BLOCKS, &batch);
        wl_guest_progress(r->guest, &now);
        for (unsigned n = tr_codec_meet(&r->codec, r->code, &batch); n; n--)
            g_array_append_val(r->ids, r->codec.blocks[r->codec.n_blocks - n].id);
        tr_codec_encode(&r->codec, bytes, &batch, &now, &before);
        before = now;
        r->executed += now.insns - r->progress.insns;
        r->progress = now;
        r->ended = batch.event.kind == INSN_EVENT_TIME_READ || batch.event.kind == INSN_EVENT_END
                   || batch.event.kind == INSN_EVENT_FAULT || batch.event.kind == INSN_EVENT_ERROR;
    }
    uint32_t known = r->ids->len;
    g_array_append_val(r->known, known);
    if (!wl_store_append(r->store, bytes->data, bytes->len, &error)) {
        r->ended = true;
        r->failure = g_strdup(error->message);
    }
}

/* ---- own executions ------------------------------------------------------------------------------------------------- */

static void die(reader *d, insn_event_kind kind, const char *text)
{
    d->dead = true;
    d->last_event = (insn_event){ .kind = kind, .text = g_strdup(text) };
    g_ptr_array_add(d->texts, (char *)d->last_event.text);
}

static void count_executed(reader *d)
{
    tr_progress now;
    wl_guest_progress(d->live, &now);
    g_mutex_lock(&d->recording->lock);
    d->recording->executed += now.insns - d->counted;
    g_mutex_unlock(&d->recording->lock);
    d->counted = now.insns;
}

static insn_source *take_over(wl_recording *r)
{
    g_mutex_lock(&r->lock);
    insn_source *guest = g_steal_pointer(&r->guest);
    if (guest) {
        wl_report report;
        wl_source_report(guest, &report);
        r->out = g_bytes_new(report.out, report.out_len);
        r->err = g_bytes_new(report.err, report.err_len);
    }
    g_mutex_unlock(&r->lock);
    return guest;
}

/* Runs a new execution to the first reading of the clock. */
static void run_again(reader *d)
{
    g_autoptr(GError) error = NULL;
    insn_batch batch;
    tr_progress now;
    d->live = wl_guest_new(d->recording->config, d->recording->code, &error);
    if (!d->live) {
        die(d, INSN_EVENT_ERROR, error->message);
        return;
    }
    d->counted = 0;
    do
        insn_source_fill(d->live, 0, TR_BATCH_BLOCKS, &batch);
    while (batch.event.kind != INSN_EVENT_TIME_READ && batch.event.kind != INSN_EVENT_END
           && batch.event.kind != INSN_EVENT_FAULT && batch.event.kind != INSN_EVENT_ERROR);
    count_executed(d);
    wl_guest_progress(d->live, &now);
    if (batch.event.kind != INSN_EVENT_TIME_READ || now.insns != d->progress.insns) {
        g_clear_pointer(&d->live, insn_source_free);
        die(d, INSN_EVENT_ERROR, "the guest did not do the same when it was run again: its program or folder has changed meanwhile");
    }
}

static void fork_off(reader *d)
{
    const wl_guest_config *config = d->recording->config;
    d->fork_due = false;
    if (config->folder && config->folder_writable) {
        die(d, INSN_EVENT_ERROR, "the guest reads the clock and has a writable folder: it cannot be shared by several runs, as each"
            " would repeat its writes; make its folder read-only or run one policy at a time");
        return;
    }
    d->live = take_over(d->recording);
    if (d->live)
        d->counted = d->progress.insns;
    else
        run_again(d);
}

/* ---- readers ---------------------------------------------------------------------------------------------------------- */

static bool next_chunk(reader *d)
{
    wl_recording *r = d->recording;
    g_autoptr(GError) error = NULL;
    g_mutex_lock(&r->lock);
    if (d->next_chunk == wl_store_count(r->store) && !r->ended)
        extend(r);
    const wl_chunk *chunk = d->next_chunk < wl_store_count(r->store) ? wl_store_chunk(r->store, d->next_chunk) : NULL;
    for (uint32_t i = tr_codec_count(&d->codec); chunk && i < g_array_index(r->known, uint32_t, d->next_chunk); i++) {
        uint32_t id = g_array_index(r->ids, uint32_t, i);
        tr_codec_add(&d->codec, id, r->code->facts(r->code, id)->n_slots);
    }
    g_autofree char *failure = chunk ? NULL : g_strdup(r->failure ? r->failure : "the recording has no end");
    g_mutex_unlock(&r->lock);
    if (!chunk) {
        die(d, INSN_EVENT_ERROR, failure);
        return false;
    }
    d->at = wl_store_read(r->store, chunk, &d->buffer, &d->buffer_room, &error);
    if (!d->at) {
        die(d, INSN_EVENT_ERROR, error->message);
        return false;
    }
    d->end = d->at + chunk->size;
    d->next_chunk++;
    d->progress = (tr_progress){ 0 };
    tr_codec_begin(&d->codec);
    return true;
}

static void replay(reader *d, insn_batch *batch)
{
    d->at = tr_codec_decode(&d->codec, d->at, d->end, d->blocks, d->addrs, batch, &d->progress);
    g_assert(d->at);
    if (d->progress.n_missing != d->n_missing)
        wl_note_missing(d->missing, d->progress.last_missing);
    d->n_missing = d->progress.n_missing;
    if (batch->event.text)
        g_ptr_array_add(d->texts, (char *)batch->event.text);
    switch (batch->event.kind) {
    case INSN_EVENT_TIME_READ: d->fork_due = true; break;
    case INSN_EVENT_END: case INSN_EVENT_FAULT: case INSN_EVENT_ERROR:
        d->dead = true;
        d->last_event = batch->event;
        break;
    default: break;
    }
}

static void reader_fill(insn_source *source, uint64_t now_ps, uint32_t limit, insn_batch *batch)
{
    reader *d = (reader *)(void *)source;
    if (d->fork_due)
        fork_off(d);
    if (d->live) {
        insn_source_fill(d->live, now_ps, limit, batch);
        count_executed(d);
        return;
    }
    if (!d->dead && (d->at < d->end || next_chunk(d))) {
        replay(d, batch);
        return;
    }
    *batch = (insn_batch){ .blocks = d->blocks, .addrs = d->addrs, .event = d->last_event };
}

static char *copy_output(wl_recording *r, bool err, uint64_t size)
{
    const char *from;
    if (r->guest) {
        wl_report report;
        wl_source_report(r->guest, &report);
        from = err ? report.err : report.out;
    } else {
        from = g_bytes_get_data(err ? r->err : r->out, NULL);
    }
    char *copy = g_malloc(size + 1);
    if (size)
        memcpy(copy, from, size);
    copy[size] = 0;
    return copy;
}

static void reader_report(const insn_source *source, wl_report *report)
{
    reader *d = (reader *)(uintptr_t)source;
    if (d->live) {
        wl_source_report(d->live, report);
        return;
    }
    g_free(d->out);
    g_free(d->err);
    g_mutex_lock(&d->recording->lock);
    d->out = copy_output(d->recording, false, d->progress.out_len);
    d->err = copy_output(d->recording, true, d->progress.err_len);
    g_mutex_unlock(&d->recording->lock);
    *report = (wl_report){
        .out = d->out, .out_len = d->progress.out_len, .err = d->err, .err_len = d->progress.err_len,
        .insns = d->progress.insns, .reads_time = d->progress.reads_time, .touched_bytes = d->progress.touched,
        .missing = (const struct wl_missing *)(const void *)d->missing->data, .n_missing = d->missing->len,
    };
}

static void reader_free(insn_source *source)
{
    reader *d = (reader *)(void *)source;
    insn_source_free(d->live);
    tr_codec_clear(&d->codec);
    g_free(d->blocks);
    g_free(d->addrs);
    g_free(d->buffer);
    g_array_free(d->missing, TRUE);
    g_ptr_array_free(d->texts, TRUE);
    g_free(d->out);
    g_free(d->err);
    g_free(d);
}

insn_source *wl_recording_open(wl_recording *r)
{
    reader *d = g_new0(reader, 1);
    d->source.base = (insn_source){ .code = r->code, .fill = reader_fill, .free = reader_free };
    d->source.report = reader_report;
    d->recording = r;
    tr_codec_init(&d->codec);
    d->blocks = g_new(uint32_t, TR_BATCH_BLOCKS);
    d->addrs = g_new(uint64_t, TR_BATCH_ADDRS + TR_ADDR_MARGIN);
    d->missing = g_array_new(FALSE, FALSE, sizeof(struct wl_missing));
    d->texts = g_ptr_array_new_with_free_func(g_free);
    return &d->source.base;
}

/* ---- life ----------------------------------------------------------------------------------------------------------------- */

wl_recording *wl_recording_new(const wl_guest_config *config, insn_code *code, uint64_t memory_limit, GError **error)
{
    insn_source *guest = wl_guest_new(config, code, error);
    if (!guest)
        return NULL;
    wl_recording *r = g_new0(wl_recording, 1);
    g_mutex_init(&r->lock);
    r->config = wl_config_copy(config);
    r->code = code;
    r->guest = guest;
    r->store = wl_store_new(memory_limit);
    r->bytes = g_byte_array_new();
    tr_codec_init(&r->codec);
    r->ids = g_array_new(FALSE, FALSE, sizeof(uint32_t));
    r->known = g_array_new(FALSE, FALSE, sizeof(uint32_t));
    return r;
}

void wl_recording_free(wl_recording *r)
{
    if (!r)
        return;
    insn_source_free(r->guest);
    wl_store_free(r->store);
    g_byte_array_unref(r->bytes);
    g_array_unref(r->ids);
    g_array_unref(r->known);
    tr_codec_clear(&r->codec);
    wl_config_free(r->config);
    g_clear_pointer(&r->out, g_bytes_unref);
    g_clear_pointer(&r->err, g_bytes_unref);
    g_free(r->failure);
    g_mutex_clear(&r->lock);
    g_free(r);
}

uint64_t wl_recording_executed(const wl_recording *recording)
{
    wl_recording *r = (wl_recording *)(uintptr_t)recording;
    g_mutex_lock(&r->lock);
    uint64_t executed = r->executed;
    g_mutex_unlock(&r->lock);
    return executed;
}
