/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tr-index.h"

#include "tr-chunk.h"

#include <string.h>
#include <xxhash.h>

/* A file with more chunks than this is read up to there: 16 Mi chunks hold more than 10^13 instructions. */
enum { MAX_CHUNKS = 1 << 24, WINDOW = 1 << 20 };

void tr_index_clear(tr_index *x)
{
    g_clear_pointer(&x->chunks, g_array_unref);
    *x = (tr_index){ 0 };
}

static void add(tr_index *x, uint64_t offset, const tr_chunk_header *h)
{
    tr_index_entry e = { .offset = offset };
    if (h)
        e = (tr_index_entry){ .offset = offset, .first = h->first, .amount = h->amount, .kind = h->kind, .count = h->count };
    g_array_append_val(x->chunks, e);
}

static bool header_at(int fd, uint64_t offset, uint64_t size, tr_chunk_header *h)
{
    return size - offset >= sizeof *h && tr_read_all(fd, offset, h, sizeof *h) && tr_chunk_header_whole(h);
}

/* The next chunk header at or behind `offset` (a multiple of 8), or `size`. */
static uint64_t find_header(int fd, uint64_t offset, uint64_t size)
{
    const uint32_t magic = TR_CHUNK_MAGIC;
    g_autofree uint8_t *window = g_malloc(WINDOW);
    tr_chunk_header h;
    for (; size - offset >= sizeof h; offset += WINDOW) {
        size_t n = (size_t)MIN(size - offset, (uint64_t)WINDOW);
        if (!tr_read_all(fd, offset, window, n))
            return size;
        for (size_t i = 0; i + sizeof magic <= n; i += 8)
            if (memcmp(window + i, &magic, sizeof magic) == 0 && header_at(fd, offset + i, size, &h))
                return offset + i;
        if (n < WINDOW)
            break;
    }
    return size;
}

void tr_index_scan(tr_index *x, int fd, uint64_t size)
{
    uint64_t at = sizeof(tr_header);
    x->chunks = g_array_new(FALSE, TRUE, sizeof(tr_index_entry));
    while (at < size && x->chunks->len < MAX_CHUNKS) {
        tr_chunk_header h;
        if (!header_at(fd, at, size, &h)) {
            uint8_t trailer[sizeof(tr_trailer)];
            if (size - at == sizeof trailer && tr_read_all(fd, at, trailer, sizeof trailer) && !memcmp(trailer, TR_TRAILER_MAGIC, 8))
                break;
            uint64_t next = find_header(fd, at + 8, size);
            if (next >= size)
                x->cut_at = at;
            else
                add(x, at, NULL);
            at = next;
            continue;
        }
        if (tr_chunk_bytes(&h) > size - at) {
            uint64_t next = find_header(fd, at + 8, size); /* what claims to be a header may be payload of a damaged chunk */
            if (next >= size) {
                x->cut_at = at;
                break;
            }
            add(x, at, NULL);
            at = next;
            continue;
        }
        add(x, at, &h);
        at += tr_chunk_bytes(&h);
    }
}

static bool entries_fit(const tr_index_entry *e, size_t n, uint64_t index_at)
{
    uint64_t at = sizeof(tr_header);
    for (size_t i = 0; i < n; i++) {
        if (e[i].offset < at || e[i].offset % 8 || e[i].offset > index_at || index_at - e[i].offset < sizeof(tr_chunk_header))
            return false;
        at = e[i].offset + sizeof(tr_chunk_header);
    }
    return n > 0 && e[0].offset == sizeof(tr_header);
}

static bool read_index(tr_index *x, int fd, uint64_t size)
{
    tr_trailer t;
    tr_chunk_header h;
    if (size < sizeof(tr_header) + sizeof t || !tr_read_all(fd, size - sizeof t, &t, sizeof t)
        || memcmp(t.magic, TR_TRAILER_MAGIC, sizeof t.magic) || t.hash != XXH64(&t, offsetof(tr_trailer, hash), 0) || t.file_size != size
        || t.index % 8 || t.index > size - sizeof t || !header_at(fd, t.index, size, &h) || h.kind != TR_CHUNK_INDEX
        || tr_chunk_bytes(&h) > size - t.index || h.size % sizeof(tr_index_entry))
        return false;
    tr_unpacker u = { 0 };
    size_t n = h.size / sizeof(tr_index_entry);
    bool ok = !tr_unpacker_read(&u, fd, t.index, &h) && entries_fit((const tr_index_entry *)(const void *)u.data, n, t.index);
    if (ok) {
        x->chunks = g_array_sized_new(FALSE, TRUE, sizeof(tr_index_entry), (guint)n);
        g_array_append_vals(x->chunks, u.data, (guint)n);
        add(x, t.index, &h);
        x->from_index = true;
    }
    tr_unpacker_clear(&u);
    return ok;
}

void tr_index_find(tr_index *x, int fd, uint64_t size)
{
    *x = (tr_index){ 0 };
    if (!read_index(x, fd, size))
        tr_index_scan(x, fd, size);
}
