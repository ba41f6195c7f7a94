/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "wl-store.h"

#include "sim-error.h"
#include "tr-codec.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>
#include <zstd.h>

struct wl_store {
    GPtrArray *chunks; /* of wl_chunk */
    uint64_t memory_left;
    int fd; /* -1: no file yet */
    uint64_t file_size;
    pid_t owner; /* a copy of the process keeps what it adds to itself */
    ZSTD_CCtx *compressor;
    uint8_t *packed;
    size_t packed_room;
};

static void free_chunk(gpointer data)
{
    wl_chunk *c = data;
    g_free(c->data);
    g_free(c);
}

wl_store *wl_store_new(uint64_t memory_limit)
{
    wl_store *s = g_new0(wl_store, 1);
    s->chunks = g_ptr_array_new_with_free_func(free_chunk);
    s->memory_left = memory_limit;
    s->fd = -1;
    s->owner = getpid();
    return s;
}

void wl_store_free(wl_store *s)
{
    if (!s)
        return;
    g_ptr_array_free(s->chunks, TRUE);
    if (s->fd >= 0)
        close(s->fd);
    ZSTD_freeCCtx(s->compressor);
    g_free(s->packed);
    g_free(s);
}

static bool fail(GError **error, const char *what, const char *why)
{
    g_set_error(error, SIM_ERROR, SIM_ERROR_IO, "recording of a guest: %s in %s: %s", what, g_get_tmp_dir(), why);
    return false;
}

static bool make_file(wl_store *s, GError **error)
{
    s->fd = open(g_get_tmp_dir(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (s->fd < 0) { /* not every file system has O_TMPFILE */
        g_autofree char *name = g_build_filename(g_get_tmp_dir(), "quanta-recording-XXXXXX", NULL);
        s->fd = g_mkstemp_full(name, O_RDWR | O_CLOEXEC, 0600);
        if (s->fd < 0)
            return fail(error, "cannot make a temporary file", g_strerror(errno));
        g_unlink(name);
    }
    s->compressor = ZSTD_createCCtx();
    ZSTD_CCtx_setParameter(s->compressor, ZSTD_c_compressionLevel, 1);
    ZSTD_CCtx_setParameter(s->compressor, ZSTD_c_checksumFlag, 1);
    return true;
}

static bool write_packed(wl_store *s, wl_chunk *c, const uint8_t *data, GError **error)
{
    if (s->fd < 0 && !make_file(s, error))
        return false;
    size_t bound = ZSTD_compressBound(c->size);
    if (bound > s->packed_room)
        s->packed = g_realloc(s->packed, s->packed_room = bound);
    size_t n = ZSTD_compress2(s->compressor, s->packed, s->packed_room, data, c->size);
    if (ZSTD_isError(n))
        return fail(error, "cannot compress", ZSTD_getErrorName(n));
    for (size_t done = 0; done < n;) {
        ssize_t put = pwrite(s->fd, s->packed + done, n - done, (off_t)(s->file_size + done));
        if (put < 0 && errno == EINTR)
            continue;
        if (put <= 0)
            return fail(error, "cannot write the temporary file", g_strerror(put < 0 ? errno : ENOSPC));
        done += (size_t)put;
    }
    c->packed = (uint32_t)n;
    c->offset = s->file_size;
    s->file_size += n;
    return true;
}

bool wl_store_append(wl_store *s, const uint8_t *data, uint32_t size, GError **error)
{
    wl_chunk *c = g_new0(wl_chunk, 1);
    c->size = size;
    bool copied = getpid() != s->owner;
    if (size <= s->memory_left || copied) {
        s->memory_left -= copied ? 0 : size;
        c->data = g_malloc((size_t)size + TR_CODEC_SLACK);
        memcpy(c->data, data, size);
        memset(c->data + size, 0, TR_CODEC_SLACK);
    } else if (!write_packed(s, c, data, error)) {
        free_chunk(c);
        return false;
    }
    g_ptr_array_add(s->chunks, c);
    return true;
}

unsigned wl_store_count(const wl_store *s)
{
    return s->chunks->len;
}

const wl_chunk *wl_store_chunk(const wl_store *s, unsigned index)
{
    return g_ptr_array_index(s->chunks, index);
}

const uint8_t *wl_store_read(const wl_store *s, const wl_chunk *c, uint8_t **buffer, uint32_t *room, GError **error)
{
    if (c->data)
        return c->data;
    g_autofree uint8_t *packed = g_malloc(c->packed);
    for (uint32_t done = 0; done < c->packed;) {
        ssize_t got = pread(s->fd, packed + done, c->packed - done, (off_t)(c->offset + done));
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0) {
            fail(error, "cannot read the temporary file", got < 0 ? g_strerror(errno) : "it ends early");
            return NULL;
        }
        done += (uint32_t)got;
    }
    if (*room < c->size + TR_CODEC_SLACK)
        *buffer = g_realloc(*buffer, *room = c->size + TR_CODEC_SLACK);
    size_t n = ZSTD_decompress(*buffer, c->size, packed, c->packed);
    if (ZSTD_isError(n) || n != c->size) {
        fail(error, "damaged temporary file", ZSTD_isError(n) ? ZSTD_getErrorName(n) : "wrong length");
        return NULL;
    }
    memset(*buffer + c->size, 0, TR_CODEC_SLACK);
    return *buffer;
}
