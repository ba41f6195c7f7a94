/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tr-export-file.h"

#include "sim-error.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

enum { ROOM = 256 << 10 };

struct tr_export_file {
    char *path, *part; /* part: NULL on standard output */
    int fd;
    struct archive *archive;
    char *bytes;
    size_t n;
};

static bool fail(const tr_export_file *f, GError **error, const char *why)
{
    g_set_error(error, SIM_ERROR, SIM_ERROR_IO, "%s: cannot write: %s", f->path, why ? why : "unknown reason");
    return false;
}

static bool fail_archive(const tr_export_file *f, GError **error)
{
    return fail(f, error, archive_error_string(f->archive));
}

static int add_filter(struct archive *a, const char *path)
{
    if (g_str_has_suffix(path, ".xz"))
        return archive_write_add_filter_xz(a);
    if (g_str_has_suffix(path, ".gz"))
        return archive_write_add_filter_gzip(a);
    if (g_str_has_suffix(path, ".zst"))
        return archive_write_add_filter_zstd(a);
    return archive_write_add_filter_none(a);
}

static bool start(tr_export_file *f, GError **error)
{
    f->archive = archive_write_new();
    struct archive_entry *entry = archive_entry_new();
    archive_entry_set_filetype(entry, AE_IFREG);
    archive_entry_set_pathname(entry, "trace");
    bool ok = archive_write_set_format_raw(f->archive) == ARCHIVE_OK && add_filter(f->archive, f->path) == ARCHIVE_OK
              && archive_write_set_bytes_in_last_block(f->archive, 1) == ARCHIVE_OK && archive_write_open_fd(f->archive, f->fd) == ARCHIVE_OK
              && archive_write_header(f->archive, entry) == ARCHIVE_OK;
    archive_entry_free(entry);
    return ok || fail_archive(f, error);
}

tr_export_file *tr_export_file_open(const char *path, GError **error)
{
    g_autoptr(tr_export_file) f = g_new0(tr_export_file, 1);
    bool standard = strcmp(path, "-") == 0;
    f->path = g_strdup(standard ? "standard output" : path);
    f->bytes = g_malloc(ROOM);
    f->fd = -1;
    if (standard) {
        f->fd = dup(STDOUT_FILENO);
    } else {
        char *part = g_strconcat(path, ".part", NULL);
        if (!g_file_test(path, G_FILE_TEST_IS_DIR))
            f->fd = open(part, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
        else
            errno = EISDIR;
        if (f->fd >= 0)
            f->part = part;
        else
            g_free(part);
    }
    if (f->fd < 0) {
        fail(f, error, g_strerror(errno));
        return NULL;
    }
    return start(f, error) ? g_steal_pointer(&f) : NULL;
}

static bool flush(tr_export_file *f, GError **error)
{
    for (size_t done = 0; done < f->n;) {
        la_ssize_t wrote = archive_write_data(f->archive, f->bytes + done, f->n - done);
        if (wrote <= 0)
            return fail_archive(f, error);
        done += (size_t)wrote;
    }
    f->n = 0;
    return true;
}

bool tr_export_file_write(tr_export_file *f, const void *bytes, size_t n, GError **error)
{
    if (f->n + n > ROOM && !flush(f, error))
        return false;
    memcpy(f->bytes + f->n, bytes, n);
    f->n += n;
    return true;
}

bool tr_export_file_finish(tr_export_file *f, GError **error)
{
    if (!flush(f, error))
        return false;
    if (archive_write_close(f->archive) != ARCHIVE_OK)
        return fail_archive(f, error);
    if (f->part && (fsync(f->fd) < 0 || g_rename(f->part, f->path) < 0))
        return fail(f, error, g_strerror(errno));
    g_clear_pointer(&f->part, g_free);
    return true;
}

void tr_export_file_free(tr_export_file *f)
{
    if (!f)
        return;
    if (f->archive)
        archive_write_free(f->archive);
    if (f->fd >= 0)
        close(f->fd);
    if (f->part)
        g_unlink(f->part);
    g_free(f->part);
    g_free(f->path);
    g_free(f->bytes);
    g_free(f);
}
