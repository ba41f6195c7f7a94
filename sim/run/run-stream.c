/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "run-stream.h"

#include "run-copies.h"
#include "run-json.h"
#include "sim-error.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

enum { BUFFER = 1 << 16 };

struct run_stream {
    char *path, *beside; /* beside: NULL once it has no name */
    bool in_place;       /* the path is a device or a pipe */
    int fd, error;
    uint64_t written;    /* without what is in the buffer */
    size_t n;
    char buffer[BUFFER];
};

static bool fail(const char *path, int number, GError **error)
{
    g_set_error(error, SIM_ERROR, SIM_ERROR_IO, "cannot write '%s': %s", path, g_strerror(number));
    return false;
}

static run_stream *stream_new(const char *path, char *beside, GError **error)
{
    run_stream *s = g_new0(run_stream, 1);
    s->path = g_strdup(path);
    s->beside = beside;
    s->fd = g_mkstemp_full(beside, O_RDWR | O_CLOEXEC, 0666);
    if (s->fd >= 0)
        return s;
    fail(path, errno, error);
    g_clear_pointer(&s->beside, g_free);
    run_stream_free(s);
    return NULL;
}

static void forget_name(run_stream *s)
{
    g_unlink(s->beside);
    g_clear_pointer(&s->beside, g_free);
}

run_stream *run_stream_new(const char *path, GError **error)
{
    bool in_place = g_file_test(path, G_FILE_TEST_EXISTS) && !g_file_test(path, G_FILE_TEST_IS_REGULAR) && !g_file_test(path, G_FILE_TEST_IS_DIR);
    char *beside = in_place ? g_build_filename(g_get_tmp_dir(), "quanta.XXXXXX", NULL) : g_strconcat(path, ".XXXXXX", NULL);
    run_stream *s = stream_new(path, beside, error);
    if (s && in_place) {
        s->in_place = true;
        forget_name(s);
    }
    return s;
}

run_stream *run_stream_new_part(const char *path, GError **error)
{
    bool special = g_file_test(path, G_FILE_TEST_EXISTS) && !g_file_test(path, G_FILE_TEST_IS_REGULAR);
    run_stream *s = stream_new(path, special ? g_build_filename(g_get_tmp_dir(), "quanta.XXXXXX", NULL) : g_strconcat(path, ".XXXXXX", NULL), error);
    if (s)
        forget_name(s);
    return s;
}

void run_stream_free(run_stream *s)
{
    if (!s)
        return;
    if (s->beside)
        forget_name(s);
    if (s->fd >= 0)
        close(s->fd);
    g_free(s->path);
    g_free(s);
}

static void write_out(run_stream *s, int fd, const char *bytes, size_t n)
{
    while (n && !s->error && !run_copies_inside()) { /* a copy of the simulation shares the file with the original */
        ssize_t done = write(fd, bytes, n);
        if (done < 0 && errno == EINTR)
            continue;
        if (done <= 0) {
            s->error = done < 0 ? errno : EIO;
            return;
        }
        bytes += done;
        n -= (size_t)done;
    }
}

static void flush(run_stream *s)
{
    write_out(s, s->fd, s->buffer, s->n);
    s->written += s->n;
    s->n = 0;
}

/* All of a stream from its beginning to a descriptor; errors are those of `s`. */
static void copy(run_stream *s, run_stream *from, int fd)
{
    char *block = g_malloc(BUFFER);
    flush(from);
    s->error = s->error ? s->error : from->error;
    if (!s->error && lseek(from->fd, 0, SEEK_SET) < 0)
        s->error = errno;
    for (ssize_t n = 1; n && !s->error;) {
        n = read(from->fd, block, BUFFER);
        if (n > 0)
            write_out(s, fd, block, (size_t)n);
        else if (n < 0 && errno != EINTR)
            s->error = errno;
    }
    g_free(block);
}

void run_stream_append(run_stream *s, run_stream *part)
{
    flush(s);
    copy(s, part, s->fd);
    s->written += part->written;
    run_stream_free(part);
}

void run_stream_patch(run_stream *s, uint64_t at, const char *bytes, size_t n)
{
    flush(s);
    while (n && !s->error) {
        ssize_t done = pwrite(s->fd, bytes, n, (off_t)at);
        if (done < 0 && errno == EINTR)
            continue;
        if (done <= 0) {
            s->error = done < 0 ? errno : EIO;
            return;
        }
        bytes += done;
        at += (uint64_t)done;
        n -= (size_t)done;
    }
}

static void deliver(run_stream *s)
{
    int fd = open(s->path, O_WRONLY | O_CLOEXEC);
    if (fd < 0) {
        s->error = errno;
        return;
    }
    copy(s, s, fd);
    if (close(fd) != 0 && !s->error)
        s->error = errno;
}

bool run_stream_close(run_stream *s, GError **error)
{
    flush(s);
    if (s->in_place && !s->error)
        deliver(s);
    if (!s->error && !s->in_place && fsync(s->fd) != 0)
        s->error = errno;
    if (close(s->fd) != 0 && !s->error)
        s->error = errno;
    s->fd = -1;
    if (!s->error && s->beside) {
        if (g_rename(s->beside, s->path) == 0)
            g_clear_pointer(&s->beside, g_free);
        else
            s->error = errno;
    }
    bool good = !s->error || fail(s->path, s->error, error);
    run_stream_free(s);
    return good;
}

uint64_t run_stream_length(const run_stream *s)
{
    return s->written + s->n;
}

void run_stream_bytes(run_stream *s, const char *bytes, size_t n)
{
    if (s->n + n > BUFFER)
        flush(s);
    if (n > BUFFER) {
        write_out(s, s->fd, bytes, n);
        s->written += n;
        return;
    }
    memcpy(s->buffer + s->n, bytes, n);
    s->n += n;
}

void run_stream_text(run_stream *s, const char *text)
{
    run_stream_bytes(s, text, strlen(text));
}

void run_stream_uint(run_stream *s, uint64_t value)
{
    char digits[20];
    unsigned first = sizeof digits;
    do
        digits[--first] = (char)('0' + value % 10);
    while (value /= 10);
    run_stream_bytes(s, digits + first, sizeof digits - first);
}

void run_stream_int(run_stream *s, int64_t value)
{
    if (value < 0)
        run_stream_bytes(s, "-", 1);
    run_stream_uint(s, value < 0 ? -(uint64_t)value : (uint64_t)value);
}

void run_stream_decimal(run_stream *s, uint64_t value, unsigned digits)
{
    char text[20];
    uint64_t one = 1;
    for (unsigned i = 0; i < digits; i++)
        one *= 10;
    run_stream_uint(s, value / one);
    uint64_t rest = value % one;
    if (!rest)
        return;
    for (unsigned i = digits; i-- > 0; rest /= 10)
        text[i] = (char)('0' + rest % 10);
    while (text[digits - 1] == '0')
        digits--;
    run_stream_bytes(s, ".", 1);
    run_stream_bytes(s, text, digits);
}

void run_stream_quoted(run_stream *s, const char *text)
{
    g_autofree char *utf8 = run_json_utf8(text, strlen(text));
    run_stream_bytes(s, "\"", 1);
    for (const char *c = utf8; *c; c++) {
        if (*c == '"' || *c == '\\') {
            run_stream_bytes(s, (const char[]){'\\', *c}, 2);
        } else if ((unsigned char)*c < 0x20 || *c == 0x7f) {
            char code[8];
            run_stream_bytes(s, code, (size_t)g_snprintf(code, sizeof code, "\\u%04x", (unsigned char)*c));
        } else {
            run_stream_bytes(s, c, 1);
        }
    }
    run_stream_bytes(s, "\"", 1);
}
