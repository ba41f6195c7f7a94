/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tr-import-input.h"

#include "sim-error.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

/* Packings within packings: no tool makes more than two; a crafted file could make each take memory of its own. */
enum { ROOM = 256 << 10, READ_BLOCK = 128 << 10, MAX_FILTERS = 2 };

struct tr_input {
    char *name;
    int fd;
    struct archive *archive;
    uint8_t *bytes; /* [ROOM + 1] */
    size_t at, end;
    const uint8_t *block; /* libarchive's: what was unpacked last and is not in `bytes` yet */
    size_t block_size;
    bool ended;
};

static bool fail(const tr_input *in, GError **error)
{
    const char *why = archive_error_string(in->archive);
    g_set_error(error, SIM_ERROR, SIM_ERROR_INPUT, "%s: cannot be read or unpacked: %s", in->name, why ? why : "damaged");
    return false;
}

/* Only what works in this process: libarchive would call programs for other packings. */
static void allow(struct archive *a)
{
    archive_read_support_filter_gzip(a);
    archive_read_support_filter_xz(a);
    archive_read_support_filter_bzip2(a);
    archive_read_support_filter_zstd(a);
    archive_read_support_filter_lz4(a);
    archive_read_support_format_raw(a);
    archive_read_support_format_zip(a);
    archive_read_support_format_empty(a);
}

static bool next_entry(tr_input *in, GError **error)
{
    struct archive_entry *entry;
    int got = archive_read_next_header(in->archive, &entry);
    in->ended = got == ARCHIVE_EOF;
    return in->ended || got == ARCHIVE_OK || got == ARCHIVE_WARN || fail(in, error);
}

static bool start(tr_input *in, GError **error)
{
    if (archive_read_open_fd(in->archive, in->fd, READ_BLOCK) != ARCHIVE_OK || !next_entry(in, error))
        return error && *error ? false : fail(in, error);
    if (archive_filter_count(in->archive) > MAX_FILTERS + 1) {
        g_set_error(error, SIM_ERROR, SIM_ERROR_INPUT, "%s: packed more than %d times over", in->name, MAX_FILTERS);
        return false;
    }
    return true;
}

tr_input *tr_input_open(const char *path, GError **error)
{
    g_autoptr(tr_input) in = g_new0(tr_input, 1);
    bool standard = strcmp(path, "-") == 0;
    in->name = g_strdup(standard ? "standard input" : path);
    in->fd = standard ? dup(STDIN_FILENO) : open(path, O_RDONLY | O_CLOEXEC);
    if (in->fd < 0) {
        g_set_error(error, SIM_ERROR, SIM_ERROR_INPUT, "%s: %s", in->name, g_strerror(errno));
        return NULL;
    }
    in->bytes = g_malloc(ROOM + 1);
    in->archive = archive_read_new();
    allow(in->archive);
    return start(in, error) ? g_steal_pointer(&in) : NULL;
}

void tr_input_free(tr_input *in)
{
    if (!in)
        return;
    if (in->archive)
        archive_read_free(in->archive);
    if (in->fd >= 0)
        close(in->fd);
    g_free(in->bytes);
    g_free(in->name);
    g_free(in);
}

const char *tr_input_name(const tr_input *in)
{
    return in->name;
}

/* Unpacks a block. archive_read_data would wait until all that it was asked for is there, which a pipe may never send. */
static bool next_block(tr_input *in, GError **error)
{
    const void *block;
    la_int64_t offset;
    int got = archive_read_data_block(in->archive, &block, &in->block_size, &offset);
    in->block = block;
    if (got == ARCHIVE_OK || got == ARCHIVE_WARN)
        return true;
    in->block_size = 0;
    return got == ARCHIVE_EOF ? next_entry(in, error) : fail(in, error);
}

/* Has at least `want` bytes ready unless the input ends before. */
static bool fill(tr_input *in, size_t want, GError **error)
{
    if (in->end - in->at >= want || in->ended)
        return true;
    memmove(in->bytes, in->bytes + in->at, in->end - in->at);
    in->end -= in->at;
    in->at = 0;
    while (in->end < want && !in->ended) {
        if (!in->block_size && !next_block(in, error))
            return false;
        size_t n = MIN(in->block_size, ROOM - in->end);
        if (!n)
            continue;
        memcpy(in->bytes + in->end, in->block, n);
        in->end += n;
        in->block += n;
        in->block_size -= n;
    }
    return true;
}

const uint8_t *tr_input_peek(tr_input *in, size_t want, size_t *n, GError **error)
{
    if (!fill(in, want, error))
        return NULL;
    *n = MIN(in->end - in->at, (size_t)TR_INPUT_WINDOW);
    return in->bytes + in->at;
}

int tr_input_record(tr_input *in, size_t size, const char *what, uint64_t *count, const uint8_t **record, GError **error)
{
    if (G_UNLIKELY(in->end - in->at < size)) {
        if (!fill(in, size, error))
            return -1;
        if (in->end == in->at)
            return 0;
        if (in->end - in->at < size) {
            g_set_error(error, SIM_ERROR, SIM_ERROR_INPUT, "%s: %s %" G_GUINT64_FORMAT " is cut off: %zu of %zu bytes", in->name, what,
                        *count, in->end - in->at, size);
            return -1;
        }
    }
    *record = in->bytes + in->at;
    in->at += size;
    ++*count;
    return 1;
}

int tr_input_line(tr_input *in, uint64_t *line, char **text, size_t *n, GError **error)
{
    uint8_t *end = memchr(in->bytes + in->at, '\n', in->end - in->at);
    if (G_UNLIKELY(!end)) {
        if (!fill(in, TR_INPUT_LINE + 1, error))
            return -1;
        if (in->at == in->end)
            return 0;
        end = memchr(in->bytes + in->at, '\n', in->end - in->at);
    }
    size_t size = end ? (size_t)(end - in->bytes) - in->at : in->end - in->at;
    ++*line;
    if (size > TR_INPUT_LINE) {
        g_set_error(error, SIM_ERROR, SIM_ERROR_INPUT, "%s: line %" G_GUINT64_FORMAT " is longer than %d bytes", in->name, *line, TR_INPUT_LINE);
        return -1;
    }
    *text = (char *)in->bytes + in->at;
    in->at += size + (end ? 1 : 0);
    if (size && (*text)[size - 1] == '\r')
        size--;
    (*text)[size] = 0;
    *n = size;
    return 1;
}
