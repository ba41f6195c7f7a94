/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tr-chunk.h"

#include "tr-codec.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>
#include <xxhash.h>
#include <zstd.h>

/* Recording must not cost much, and the codec has taken most of the redundancy out. */
enum { LEVEL = 1 };

struct tr_packer {
    ZSTD_CCtx *zstd;
    uint8_t *chunk;
    size_t room;
};

tr_packer *tr_packer_new(void)
{
    tr_packer *p = g_new0(tr_packer, 1);
    p->zstd = ZSTD_createCCtx();
    ZSTD_CCtx_setParameter(p->zstd, ZSTD_c_compressionLevel, LEVEL);
    return p;
}

void tr_packer_free(tr_packer *p)
{
    if (!p)
        return;
    ZSTD_freeCCtx(p->zstd);
    g_free(p->chunk);
    g_free(p);
}

const uint8_t *tr_packer_pack(tr_packer *p, const tr_chunk_header *header, const void *payload, size_t size, size_t *stored)
{
    g_assert(size <= TR_CHUNK_MAX);
    size_t room = sizeof *header + MAX(ZSTD_compressBound(size), size) + 8;
    if (room > p->room)
        p->chunk = g_realloc(p->chunk, p->room = room);
    uint8_t *to = p->chunk + sizeof *header;
    size_t n = ZSTD_compress2(p->zstd, to, p->room - sizeof *header, payload, size);
    bool raw = ZSTD_isError(n) || n >= size;
    if (raw && size)
        memcpy(to, payload, size);
    if (raw)
        n = size;
    tr_chunk_header h = *header;
    h.magic = TR_CHUNK_MAGIC;
    h.codec = raw ? TR_CODEC_RAW : TR_CODEC_ZSTD;
    h.reserved = 0;
    h.stored = (uint32_t)n;
    h.size = (uint32_t)size;
    h.payload_hash = XXH64(to, n, 0);
    h.hash = XXH64(&h, offsetof(tr_chunk_header, hash), 0);
    memcpy(p->chunk, &h, sizeof h);
    *stored = (size_t)tr_chunk_bytes(&h);
    memset(to + n, 0, *stored - sizeof h - n);
    return p->chunk;
}

bool tr_chunk_header_whole(const tr_chunk_header *h)
{
    return h->magic == TR_CHUNK_MAGIC && h->hash == XXH64(h, offsetof(tr_chunk_header, hash), 0) && h->size <= TR_CHUNK_MAX
           && h->stored <= TR_CHUNK_MAX + (1u << 16);
}

const char *tr_chunk_kind_name(unsigned kind)
{
    static const char *const names[] = { "unknown", "META", "CODE", "DATA", "OUTPUT", "END", "INDEX" };
    return kind < G_N_ELEMENTS(names) ? names[kind] : names[0];
}

const char *tr_event_name(unsigned kind)
{
    static const char *const names[] = { "none", "syscall", "time-read", "sleep", "sleep-until", "io", "yield", "hypercall", "wbinvd", "roi-begin",
                                         "roi-end", "task-begin", "task-end", "fault", "end", "error", "cut" };
    G_STATIC_ASSERT(G_N_ELEMENTS(names) == INSN_EVENT_COUNT);
    return kind < G_N_ELEMENTS(names) ? names[kind] : "unknown";
}

const char *tr_ended_text(unsigned ended)
{
    static const char *const texts[] = { "with its guest", "where it was told to (--for, or the end of a run)", "where the recording was interrupted",
                                         "with the imported file", "nowhere: it is unfinished" };
    return texts[MIN(ended, (unsigned)TR_ENDED_UNKNOWN)];
}

bool tr_read_all(int fd, uint64_t offset, void *to, size_t size)
{
    for (size_t done = 0; done < size;) {
        ssize_t got = pread(fd, (uint8_t *)to + done, size - done, (off_t)(offset + done));
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return false;
        done += (size_t)got;
    }
    return true;
}

void tr_unpacker_clear(tr_unpacker *u)
{
    g_free(u->packed);
    g_free(u->data);
    ZSTD_freeDCtx(u->context);
    *u = (tr_unpacker){ 0 };
}

static const char *unpack(tr_unpacker *u, const tr_chunk_header *h)
{
    if (h->codec == TR_CODEC_RAW) {
        if (h->stored != h->size)
            return "its sizes contradict each other";
        memcpy(u->data, u->packed, h->size);
        return NULL;
    }
    if (h->codec != TR_CODEC_ZSTD)
        return "its compression is of no known kind";
    if (!u->context)
        u->context = ZSTD_createDCtx();
    size_t n = ZSTD_decompressDCtx(u->context, u->data, h->size, u->packed, h->stored);
    return ZSTD_isError(n) || n != h->size ? "its payload does not decompress to the size it names" : NULL;
}

const char *tr_unpacker_read(tr_unpacker *u, int fd, uint64_t offset, const tr_chunk_header *h)
{
    size_t padded = (size_t)tr_chunk_bytes(h) - sizeof *h;
    if (padded + 1 > u->packed_room)
        u->packed = g_realloc(u->packed, u->packed_room = padded + 1);
    if (h->size + (size_t)TR_CODEC_SLACK > u->data_room)
        u->data = g_realloc(u->data, u->data_room = h->size + (size_t)TR_CODEC_SLACK);
    if (!tr_read_all(fd, offset + sizeof *h, u->packed, padded))
        return "it cannot be read to its end";
    for (size_t i = h->stored; i < padded; i++)
        if (u->packed[i])
            return "its padding is not zero";
    if (XXH64(u->packed, h->stored, 0) != h->payload_hash)
        return "its payload does not match its checksum";
    const char *problem = unpack(u, h);
    memset(u->data + h->size, 0, TR_CODEC_SLACK);
    return problem;
}
