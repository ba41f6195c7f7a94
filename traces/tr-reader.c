/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tr-reader.h"

#include "sim-error.h"
#include "tr-block.h"
#include "tr-chunk.h"
#include "tr-codec.h"
#include "tr-index.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

struct tr_reader {
    char *path;
    int fd;
    tr_info info;
    tr_index index;
    char *meta_problem;   /* why there are no facts, or NULL */
    insn_code *code;
    bool salvage;
    tr_codec codec;
    tr_unpacker unpacker;
    unsigned next;        /* chunk */
    unsigned high;        /* chunks before it have been loaded, but for DATA */
    uint64_t weight;      /* of the blocks defined, see load_code */
    GError *failure;      /* reading is over */
    bool ended;
    unsigned chunk;       /* the open DATA chunk, ... */
    const uint8_t *at, *end; /* ... what is left of it */
    uint32_t segments;    /* ... in segments */
    tr_progress progress;
    uint32_t *blocks;
    uint64_t *addrs;
    GByteArray *output[2];
    GPtrArray *texts;     /* of events handed out */
    unsigned n_skipped;
    tr_damage_fn on_damage;
    void *damage_user;
    char *first_skipped;
};

/* ---- opening -------------------------------------------------------------------------------------------------------- */

static bool fail_input(GError **error, const char *path, const char *what)
{
    g_set_error(error, SIM_ERROR, SIM_ERROR_INPUT, "%s: %s", path, what);
    return false;
}

/* What a file that is no trace may be instead. */
static const char *foreign(const uint8_t *b, size_t n)
{
    if (n == 0)
        return "it is empty";
    if (n >= 6 && memcmp(b, "\xfd" "7zXZ\0", 6) == 0)
        return "it is no quanta trace but an xz file; a ChampSim trace can be imported: quanta trace import";
    if (n >= 2 && memcmp(b, "\x1f\x8b", 2) == 0)
        return "it is no quanta trace but a gzip file; ChampSim and drmemtrace files can be imported: quanta trace import";
    if (n >= 4 && memcmp(b, "\x7f" "ELF", 4) == 0)
        return "it is no quanta trace but a program; it can be run (workload = elf:FILE) or recorded (quanta record)";
    if (n >= 4 && memcmp(b, "\x89QTR", 4) == 0)
        return "it was a quanta trace, but its first bytes are damaged (by a conversion of line ends?)";
    return "it is no quanta trace (traces of other tools can be imported: quanta trace import)";
}

static bool check_header(tr_reader *r, GError **error)
{
    tr_header *h = &r->info.header;
    uint8_t begin[sizeof *h] = { 0 };
    size_t n = (size_t)MIN(r->info.file_size, sizeof begin);
    if (!tr_read_all(r->fd, 0, begin, n))
        return fail_input(error, r->path, "it cannot be read");
    memcpy(h, begin, sizeof *h);
    if (memcmp(h->magic, TR_MAGIC, MIN(n, sizeof h->magic)) || n == 0)
        return fail_input(error, r->path, foreign(begin, n));
    if (n < sizeof *h)
        return fail_input(error, r->path, "it is cut off within its header");
    if (h->hash != XXH64(h, offsetof(tr_header, hash), 0))
        return fail_input(error, r->path, "its header is damaged");
    if (h->version_major != TR_VERSION_MAJOR) {
        g_set_error(error, SIM_ERROR, SIM_ERROR_INPUT, "%s: its format has version %u.%u; this quanta reads version %d.x", r->path,
                    h->version_major, h->version_minor, TR_VERSION_MAJOR);
        return false;
    }
    if (h->isa != TR_ISA_X86_64 || h->header_bytes != sizeof *h) {
        g_set_error(error, SIM_ERROR, SIM_ERROR_INPUT, "%s: it is of instruction set number %u; this quanta knows %d (x86-64)", r->path, h->isa,
                    TR_ISA_X86_64);
        return false;
    }
    return true;
}

/* Reads a chunk into the unpacker. NULL, or what is wrong. */
static const char *read_chunk(tr_reader *r, unsigned i, tr_chunk_header *h)
{
    const tr_index_entry *e = &r->info.chunks[i];
    if (e->kind == 0)
        return "it has no whole header";
    if (!tr_read_all(r->fd, e->offset, h, sizeof *h) || !tr_chunk_header_whole(h) || h->kind != e->kind || h->first != e->first
        || h->count != e->count)
        return "its header is damaged";
    return tr_unpacker_read(&r->unpacker, r->fd, e->offset, h);
}

static void read_meta(tr_reader *r)
{
    tr_chunk_header h;
    g_autoptr(GError) error = NULL;
    if (r->info.n_chunks == 0) {
        r->meta_problem = g_strdup("it ends before its first chunk");
        return;
    }
    const char *problem = r->info.chunks[0].kind == TR_CHUNK_META ? read_chunk(r, 0, &h) : "it has no whole header";
    if (!problem && !tr_meta_from_text(&r->info.meta, (const char *)r->unpacker.data, h.size, &error))
        problem = error->message;
    if (problem)
        r->meta_problem = g_strdup(problem);
}

static void read_end(tr_reader *r)
{
    tr_chunk_header h;
    r->info.end.ended = TR_ENDED_UNKNOWN;
    for (unsigned i = r->info.n_chunks; i-- > 0;) {
        if (r->info.chunks[i].kind != TR_CHUNK_END)
            continue;
        if (!read_chunk(r, i, &h) && h.size == sizeof r->info.end) {
            memcpy(&r->info.end, r->unpacker.data, sizeof r->info.end);
            r->info.complete = r->info.end.ended < TR_ENDED_UNKNOWN;
        }
        return;
    }
}

static void find_chunks(tr_reader *r)
{
    tr_index_find(&r->index, r->fd, r->info.file_size);
    r->info.chunks = (const tr_index_entry *)(const void *)r->index.chunks->data;
    r->info.n_chunks = r->index.chunks->len;
    r->info.indexed = r->index.from_index;
    r->info.cut_at = r->index.cut_at;
}

tr_reader *tr_reader_open(const char *path, GError **error)
{
    g_autoptr(tr_reader) r = g_new0(tr_reader, 1);
    struct stat st;
    r->path = g_strdup(path);
    r->texts = g_ptr_array_new_with_free_func(g_free);
    r->output[0] = g_byte_array_new();
    r->output[1] = g_byte_array_new();
    r->blocks = g_new(uint32_t, TR_BATCH_BLOCKS);
    r->addrs = g_new(uint64_t, TR_BATCH_ADDRS + TR_ADDR_MARGIN);
    tr_codec_init(&r->codec);
    r->fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (r->fd < 0 || fstat(r->fd, &st) < 0) {
        g_set_error(error, SIM_ERROR, SIM_ERROR_INPUT, "%s: %s", path, g_strerror(errno));
        return NULL;
    }
    if (!S_ISREG(st.st_mode)) {
        fail_input(error, path, "it is no regular file");
        return NULL;
    }
    r->info.file_size = (uint64_t)st.st_size;
    if (!check_header(r, error))
        return NULL;
    find_chunks(r);
    read_meta(r);
    read_end(r);
    return g_steal_pointer(&r);
}

void tr_reader_free(tr_reader *r)
{
    if (!r)
        return;
    if (r->fd >= 0)
        close(r->fd);
    tr_index_clear(&r->index);
    tr_meta_clear(&r->info.meta);
    tr_unpacker_clear(&r->unpacker);
    tr_codec_clear(&r->codec);
    g_free(r->blocks);
    g_free(r->addrs);
    g_byte_array_unref(r->output[0]);
    g_byte_array_unref(r->output[1]);
    g_ptr_array_unref(r->texts);
    g_clear_error(&r->failure);
    g_free(r->meta_problem);
    g_free(r->first_skipped);
    g_free(r->path);
    g_free(r);
}

const tr_info *tr_reader_info(const tr_reader *r)
{
    return &r->info;
}

void tr_reader_start(tr_reader *r, insn_code *code, bool salvage)
{
    r->code = code;
    r->salvage = salvage;
}

void tr_reader_on_damage(tr_reader *r, tr_damage_fn fn, void *user)
{
    r->on_damage = fn;
    r->damage_user = user;
}

/* ---- chunks ----------------------------------------------------------------------------------------------------------- */

/* A chunk is damaged: an error, or with salvage a note. Returns whether reading goes on. */
static bool damaged(tr_reader *r, unsigned chunk, const char *what, GError **error)
{
    bool is_end = chunk >= r->info.n_chunks;
    uint64_t offset = is_end ? (r->info.cut_at ? r->info.cut_at : r->info.file_size) : r->info.chunks[chunk].offset;
    g_autofree char *text = g_strdup_printf("%s: chunk %u (%s, at byte %" G_GUINT64_FORMAT ") is damaged: %s", r->path, chunk,
                                            tr_chunk_kind_name(is_end ? 0 : r->info.chunks[chunk].kind), offset, what);
    if (r->salvage) {
        if (r->on_damage)
            r->on_damage(r->damage_user, text);
        if (!r->n_skipped++)
            r->first_skipped = g_steal_pointer(&text);
        return true;
    }
    g_set_error(error, SIM_ERROR, SIM_ERROR_INPUT, "%s; 'quanta trace verify' tells all, --salvage uses what is whole", text);
    return false;
}

/* Blocks that a damaged chunk would have defined have no meaning; their numbers are passed over. */
static bool number_up_to(tr_reader *r, uint64_t first)
{
    if (first < tr_codec_count(&r->codec) || first > UINT64_C(1) << 22)
        return false;
    while (tr_codec_count(&r->codec) < first)
        tr_codec_add_undefined(&r->codec);
    return true;
}

/* Decoded blocks take about ten times this much memory: what a crafted file may ask for. */
enum { WEIGHT_MAX = 128 << 20 };

static const char *load_code(tr_reader *r, const tr_chunk_header *h)
{
    const uint8_t *at = r->unpacker.data, *end = at + h->size;
    const char *why = "it defines blocks out of order";
    if (!(r->salvage ? number_up_to(r, h->first) : h->first == tr_codec_count(&r->codec)))
        return why;
    for (uint32_t i = 0; i < h->count; i++) {
        const insn_block_facts *f = tr_block_get(r->code, &at, end, &why);
        if (!f)
            return why;
        r->weight += 64 + 4u * f->code_bytes + 8u * f->n_slots;
        if (r->weight > WEIGHT_MAX)
            return "too many different blocks of code";
        tr_codec_add(&r->codec, f->id, f->n_slots);
    }
    return at == end ? NULL : "it is longer than its definitions";
}

static const char *load_output(tr_reader *r, const tr_chunk_header *h)
{
    const uint8_t *data = r->unpacker.data;
    if (h->size == 0 || data[0] < 1 || data[0] > 2)
        return "it names no output stream";
    GByteArray *out = r->output[data[0] - 1];
    if (h->first > out->len && r->salvage && h->first <= TR_OUTPUT_KEPT) {
        guint known = out->len;
        g_byte_array_set_size(out, (guint)h->first);
        memset(out->data + known, '?', out->len - known); /* what is missing */
    } else if (h->first != out->len)
        return "its place in the output is wrong";
    if (h->size - 1 > (size_t)TR_OUTPUT_KEPT - out->len)
        return "the guest's output is longer than 64 MiB";
    g_byte_array_append(out, data + 1, h->size - 1);
    return NULL;
}

/* A chunk that has an effect. Sets *open for a DATA chunk that is to be decoded. */
static const char *load(tr_reader *r, unsigned i, bool *open)
{
    tr_chunk_header h;
    uint32_t kind = r->info.chunks[i].kind;
    *open = false;
    if (kind > TR_CHUNK_INDEX || (i < r->high && kind != TR_CHUNK_DATA)) /* of a later minor version, or known already */
        return NULL;
    r->high = MAX(r->high, i + 1);
    if (i == 0)
        return r->meta_problem;
    const char *problem = read_chunk(r, i, &h);
    if (problem)
        return problem;
    switch (kind) {
    case TR_CHUNK_CODE: return load_code(r, &h);
    case TR_CHUNK_OUTPUT: return load_output(r, &h);
    case TR_CHUNK_END: return h.size == sizeof(tr_end) ? NULL : "it is of the wrong size";
    case TR_CHUNK_DATA:
        tr_codec_begin(&r->codec);
        r->progress = (tr_progress){ 0 };
        r->chunk = i;
        r->at = r->unpacker.data;
        r->end = r->at + h.size;
        r->segments = h.count;
        *open = true;
        return NULL;
    default: return NULL;
    }
}

/* The file's end, which a killed recorder or a copy that broke off did not write. */
static int at_end(tr_reader *r, GError **error)
{
    if (r->info.complete || r->ended)
        return 0;
    r->ended = true;
    const char *what = r->info.cut_at ? "the file ends within it: the recording was broken off, or the file was cut"
                                      : "the file ends here: the recording was broken off, or the file was cut";
    return damaged(r, r->info.n_chunks, what, error) ? 0 : -1;
}

/* 1: a DATA chunk is open; 0: the end; -1: error. */
static int next_data(tr_reader *r, GError **error)
{
    while (r->next < r->info.n_chunks) {
        bool open;
        unsigned i = r->next++;
        const char *problem = load(r, i, &open);
        if (problem && !damaged(r, i, problem, error))
            return -1;
        if (!problem && open)
            return 1;
    }
    return at_end(r, error);
}

static int next_segment(tr_reader *r, insn_batch *batch, tr_progress *now, GError **error)
{
    for (;;) {
        if (!r->segments) {
            bool longer = r->at != r->end;
            r->at = r->end = NULL;
            if (longer && !damaged(r, r->chunk, "it is longer than its segments", error))
                return -1;
            int data = next_data(r, error);
            if (data <= 0)
                return data;
            continue;
        }
        const uint8_t *next = tr_codec_decode(&r->codec, r->at, r->end, r->blocks, r->addrs, batch, &r->progress);
        if (next) {
            r->at = next;
            r->segments--;
            break;
        }
        r->segments = 0;
        r->at = r->end = NULL;
        if (!damaged(r, r->chunk, "its segments are malformed", error))
            return -1;
    }
    if (batch->event.text)
        g_ptr_array_add(r->texts, (char *)batch->event.text);
    *now = r->progress;
    return 1;
}

int tr_reader_next(tr_reader *r, insn_batch *batch, tr_progress *now, GError **error)
{
    int got = r->failure ? -1 : next_segment(r, batch, now, &r->failure);
    if (got < 0)
        g_propagate_error(error, g_error_copy(r->failure));
    return got;
}

bool tr_reader_seek(tr_reader *r, uint64_t insn, GError **error)
{
    unsigned target = 0;
    for (unsigned i = 0; i < r->info.n_chunks; i++) {
        const tr_index_entry *e = &r->info.chunks[i];
        if (e->kind == TR_CHUNK_DATA && (!target || e->first <= insn))
            target = i;
    }
    r->segments = 0;
    r->at = r->end = NULL;
    r->next = MIN(r->next, target);
    for (; r->next < target; r->next++) {
        bool open;
        uint32_t kind = r->info.chunks[r->next].kind;
        const char *problem = kind == TR_CHUNK_DATA ? NULL : load(r, r->next, &open);
        if (problem && !damaged(r, r->next, problem, error))
            return false;
    }
    return true;
}

const char *tr_reader_output(const tr_reader *r, unsigned stream, size_t *n)
{
    *n = r->output[stream - 1]->len;
    return (const char *)r->output[stream - 1]->data;
}

unsigned tr_reader_skipped(const tr_reader *r, const char **first)
{
    *first = r->first_skipped;
    return r->n_skipped;
}
