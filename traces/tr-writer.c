/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tr-writer.h"

#include "sim-error.h"
#include "tr-block.h"
#include "tr-chunk.h"
#include "tr-codec.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>
#include <xxhash.h>

/* A DATA chunk closes at the first of these; CODE and OUTPUT chunks hold at most PIECE bytes. */
enum { DATA_BYTES = 256 << 10, DATA_SEGMENTS = 64, PIECE = 1 << 20 };

struct tr_writer {
    char *path, *part;
    int fd;
    uint64_t size;
    insn_code *code;
    tr_codec codec;
    tr_packer *packer;
    GByteArray *data;      /* the open DATA chunk */
    GByteArray *defined;   /* definitions that are not in the file yet */
    GByteArray *output[2]; /* the same of what the guest wrote; the first byte is the stream */
    uint64_t output_done[2];
    uint32_t segments, definitions, first_definition;
    tr_progress before;    /* after the last segment of the open chunk; zero at its start */
    uint64_t first_insn, insns;
    GArray *index;         /* of tr_index_entry */
    tr_end end;
    bool failed, finished;
};

static bool fail(tr_writer *w, GError **error, const char *what)
{
    w->failed = true;
    g_set_error(error, SIM_ERROR, SIM_ERROR_IO, "%s: %s: %s", w->part, what, g_strerror(errno));
    return false;
}

static bool put(tr_writer *w, const void *bytes, size_t n, GError **error)
{
    for (size_t done = 0; done < n;) {
        ssize_t wrote = write(w->fd, (const uint8_t *)bytes + done, n - done);
        if (wrote < 0 && errno == EINTR)
            continue;
        if (wrote <= 0) {
            errno = wrote < 0 ? errno : ENOSPC;
            return fail(w, error, "cannot write");
        }
        done += (size_t)wrote;
    }
    w->size += n;
    return true;
}

static bool put_chunk(tr_writer *w, tr_chunk_kind kind, uint32_t count, uint64_t first, uint64_t amount, const void *payload, size_t size,
                      GError **error)
{
    tr_chunk_header h = { .kind = (uint8_t)kind, .number = w->index->len, .count = count, .first = first, .amount = amount };
    tr_index_entry e = { .offset = w->size, .first = first, .amount = amount, .kind = kind, .count = count };
    size_t n;
    const uint8_t *chunk = tr_packer_pack(w->packer, &h, payload, size, &n);
    g_array_append_val(w->index, e);
    return put(w, chunk, n, error);
}

/* ---- beginning ----------------------------------------------------------------------------------------------------- */

static void parse_sha256(const char *hex, uint8_t bytes[32])
{
    if (!hex || strlen(hex) != 64)
        return;
    for (unsigned i = 0; i < 32; i++)
        bytes[i] = (uint8_t)(g_ascii_xdigit_value(hex[2 * i]) << 4 | g_ascii_xdigit_value(hex[2 * i + 1]));
}

static bool put_beginning(tr_writer *w, const tr_meta *meta, GError **error)
{
    tr_header h = { .magic = TR_MAGIC, .version_major = TR_VERSION_MAJOR, .version_minor = TR_VERSION_MINOR, .isa = TR_ISA_X86_64,
                    .header_bytes = sizeof h };
    parse_sha256(meta->sha256, h.program_sha256);
    h.hash = XXH64(&h, offsetof(tr_header, hash), 0);
    g_autofree char *text = tr_meta_to_text(meta);
    return put(w, &h, sizeof h, error) && put_chunk(w, TR_CHUNK_META, 0, 0, 0, text, strlen(text), error);
}

/* The file has no name until it begins as a trace, where the file system can do that. */
static bool begin(tr_writer *w, const tr_meta *meta, GError **error)
{
    g_autofree char *folder = g_path_get_dirname(w->part);
    if (g_file_test(w->path, G_FILE_TEST_IS_DIR)) {
        errno = EISDIR;
        return fail(w, error, "cannot make the trace");
    }
    if (g_unlink(w->part) < 0 && errno != ENOENT)
        return fail(w, error, "cannot replace the unfinished trace");
    w->fd = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0666);
    bool nameless = w->fd >= 0;
    if (!nameless)
        w->fd = open(w->part, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (w->fd < 0)
        return fail(w, error, "cannot make the trace");
    if (!put_beginning(w, meta, error))
        return false;
    char from[64];
    g_snprintf(from, sizeof from, "/proc/self/fd/%d", w->fd);
    if (nameless && linkat(AT_FDCWD, from, AT_FDCWD, w->part, AT_SYMLINK_FOLLOW) < 0)
        return fail(w, error, "cannot name the trace");
    return true;
}

tr_writer *tr_writer_new(const char *path, insn_code *code, const tr_meta *meta, GError **error)
{
    g_autoptr(tr_writer) w = g_new0(tr_writer, 1);
    w->path = g_strdup(path);
    w->part = g_strconcat(path, ".part", NULL);
    w->fd = -1;
    w->code = code;
    tr_codec_init(&w->codec);
    w->packer = tr_packer_new();
    w->data = g_byte_array_new();
    w->defined = g_byte_array_new();
    w->output[0] = g_byte_array_new();
    w->output[1] = g_byte_array_new();
    w->index = g_array_new(FALSE, TRUE, sizeof(tr_index_entry));
    return begin(w, meta, error) ? g_steal_pointer(&w) : NULL;
}

void tr_writer_free(tr_writer *w)
{
    if (!w)
        return;
    if (w->fd >= 0)
        close(w->fd);
    tr_codec_clear(&w->codec);
    tr_packer_free(w->packer);
    g_byte_array_unref(w->data);
    g_byte_array_unref(w->defined);
    g_byte_array_unref(w->output[0]);
    g_byte_array_unref(w->output[1]);
    g_array_unref(w->index);
    g_free(w->path);
    g_free(w->part);
    g_free(w);
}

void tr_writer_discard(tr_writer *w)
{
    if (!w->finished)
        g_unlink(w->part);
    w->failed = true;
}

uint64_t tr_writer_bytes(const tr_writer *w)
{
    return w->size;
}

/* ---- chunks ---------------------------------------------------------------------------------------------------------- */

static bool flush_definitions(tr_writer *w, GError **error)
{
    bool ok = !w->definitions
              || put_chunk(w, TR_CHUNK_CODE, w->definitions, w->first_definition, 0, w->defined->data, w->defined->len, error);
    w->first_definition += w->definitions;
    w->definitions = 0;
    g_byte_array_set_size(w->defined, 0);
    return ok;
}

static bool flush_output(tr_writer *w, unsigned stream, GError **error)
{
    GByteArray *out = w->output[stream - 1];
    if (out->len < 2)
        return true;
    bool ok = put_chunk(w, TR_CHUNK_OUTPUT, 0, w->output_done[stream - 1], 0, out->data, out->len, error);
    w->output_done[stream - 1] += out->len - 1;
    g_byte_array_set_size(out, 0);
    return ok;
}

/* What the open DATA chunk needs goes first. */
static bool flush_data(tr_writer *w, GError **error)
{
    if (!w->segments)
        return true;
    bool ok = flush_definitions(w, error) && flush_output(w, 1, error) && flush_output(w, 2, error)
              && put_chunk(w, TR_CHUNK_DATA, w->segments, w->first_insn, w->insns - w->first_insn, w->data->data, w->data->len, error);
    w->segments = 0;
    w->first_insn = w->insns;
    w->before = (tr_progress){ 0 };
    g_byte_array_set_size(w->data, 0);
    return ok;
}

static bool define_new(tr_writer *w, uint32_t first, GError **error)
{
    for (uint32_t i = first; i < tr_codec_count(&w->codec); i++) {
        tr_block_put(w->defined, w->code->facts(w->code, w->codec.blocks[i + 1].id));
        w->definitions++;
        if (w->defined->len >= PIECE && !flush_definitions(w, error))
            return false;
    }
    return true;
}

bool tr_writer_append(tr_writer *w, const insn_batch *batch, const tr_progress *now, GError **error)
{
    g_assert(!w->failed && !w->finished);
    uint32_t known = tr_codec_count(&w->codec);
    if (tr_codec_meet(&w->codec, w->code, batch) && !define_new(w, known, error))
        return false;
    if (!w->segments)
        tr_codec_begin(&w->codec);
    tr_codec_encode(&w->codec, w->data, batch, now, &w->before);
    w->before = *now;
    w->insns = now->insns;
    w->segments++;
    w->end.time_dependent |= now->reads_time;
    w->end.insns = now->insns;
    w->end.blocks += batch->n_blocks;
    w->end.addrs += batch->n_addrs;
    w->end.segments++;
    if (batch->event.kind < G_N_ELEMENTS(w->end.events))
        w->end.events[batch->event.kind]++;
    return (w->data->len < DATA_BYTES && w->segments < DATA_SEGMENTS) || flush_data(w, error);
}

bool tr_writer_output(tr_writer *w, unsigned stream, const char *bytes, size_t n, GError **error)
{
    GByteArray *out = w->output[stream - 1];
    while (n) {
        const guint8 mark = (guint8)stream;
        if (!out->len)
            g_byte_array_append(out, &mark, 1);
        size_t piece = MIN(n, (size_t)PIECE - out->len);
        g_byte_array_append(out, (const guint8 *)bytes, (guint)piece);
        bytes += piece;
        n -= piece;
        if (out->len >= PIECE && !flush_output(w, stream, error))
            return false;
    }
    return true;
}

/* ---- the end ----------------------------------------------------------------------------------------------------------- */

/* An index of more chunks than one chunk can tell is left out: then readers scan. */
static bool put_index(tr_writer *w, GError **error)
{
    size_t bytes = w->index->len * sizeof(tr_index_entry);
    if (bytes > TR_CHUNK_MAX)
        return true;
    tr_trailer t = { .magic = TR_TRAILER_MAGIC, .index = w->size };
    if (!put_chunk(w, TR_CHUNK_INDEX, 0, 0, 0, w->index->data, bytes, error))
        return false;
    t.file_size = w->size + sizeof t;
    t.hash = XXH64(&t, offsetof(tr_trailer, hash), 0);
    return put(w, &t, sizeof t, error);
}

bool tr_writer_finish(tr_writer *w, tr_ended ended, GError **error)
{
    if (!flush_data(w, error) || !flush_output(w, 1, error) || !flush_output(w, 2, error))
        return false;
    w->end.ended = ended;
    w->end.out_bytes = w->output_done[0];
    w->end.err_bytes = w->output_done[1];
    w->end.defined = tr_codec_count(&w->codec);
    if (!put_chunk(w, TR_CHUNK_END, 0, 0, 0, &w->end, sizeof w->end, error) || !put_index(w, error))
        return false;
    if (fsync(w->fd) < 0 && errno != EINVAL && errno != EROFS)
        return fail(w, error, "cannot write");
    if (g_rename(w->part, w->path) < 0)
        return fail(w, error, "cannot name the trace");
    w->finished = true;
    return true;
}
