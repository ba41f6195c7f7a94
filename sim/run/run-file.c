/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "run-file.h"

#include "sim-error.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

static bool fail(const char *what, const char *path, int number, GError **error)
{
    g_set_error(error, SIM_ERROR, SIM_ERROR_IO, "cannot %s '%s': %s", what, path, g_strerror(number));
    return false;
}

static bool write_all(int fd, const char *data, gsize length)
{
    while (length) {
        ssize_t n = write(fd, data, MIN(length, (gsize)1 << 30));
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        data += n;
        length -= (gsize)n;
    }
    return true;
}

bool run_file_check(const char *path, GError **error)
{
    if (strcmp(path, "-") == 0)
        return true;
    g_autofree char *folder = g_path_get_dirname(path);
    if (!*path || g_file_test(path, G_FILE_TEST_IS_DIR))
        return fail("write", path, *path ? EISDIR : ENOENT, error);
    if (!g_file_test(folder, G_FILE_TEST_IS_DIR))
        return fail("write", path, ENOENT, error);
    if (g_access(folder, W_OK | X_OK) != 0)
        return fail("write", path, errno, error);
    return true;
}

/* Devices and pipes (/dev/null, >(cmd)) are written in place: there is nothing to rename over. */
static bool write_in_place(const char *path, const char *data, gsize length, GError **error)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return fail("open", path, errno, error);
    bool good = write_all(fd, data, length);
    int number = errno;
    if (close(fd) != 0 && good) {
        good = false;
        number = errno;
    }
    return good || fail("write", path, number, error);
}

bool run_file_write(const char *path, const char *data, gsize length, GError **error)
{
    if (strcmp(path, "-") == 0)
        return write_all(STDOUT_FILENO, data, length) || fail("write to", "standard output", errno, error);
    if (g_file_test(path, G_FILE_TEST_EXISTS) && !g_file_test(path, G_FILE_TEST_IS_REGULAR) &&
        !g_file_test(path, G_FILE_TEST_IS_DIR))
        return write_in_place(path, data, length, error);
    g_autofree char *beside = g_strconcat(path, ".XXXXXX", NULL);
    int fd = g_mkstemp_full(beside, O_RDWR | O_CLOEXEC, 0666);
    if (fd < 0)
        return fail("write", path, errno, error);
    bool good = write_all(fd, data, length) && fsync(fd) == 0;
    int number = errno;
    if (close(fd) != 0 && good) {
        good = false;
        number = errno;
    }
    if (good && g_rename(beside, path) == 0)
        return true;
    if (good)
        number = errno;
    g_unlink(beside);
    return fail("write", path, number, error);
}
