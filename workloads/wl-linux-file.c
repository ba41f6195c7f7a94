/* SPDX-License-Identifier: GPL-2.0-or-later */
/* System calls on open files. */
#include "wl-linux-internal.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#define PIPE_BYTES 65536

/* ---- moving bytes ---------------------------------------------------------------------------------------------- */

/* pread or pwrite between a host file and guest memory. Bytes moved, or a negative errno when there are none. */
static int64_t file_move(wl_linux *lx, const wl_open *o, uint64_t addr, uint64_t size, uint64_t offset, bool write)
{
    uint64_t done = 0;
    while (done < size) {
        uint64_t n = size - done;
        uint8_t *at = wl_memory_span(lx->memory, addr + done, &n, write ? WL_READ : WL_WRITE);
        if (!at)
            return done ? (int64_t)done : -EFAULT;
        ssize_t got = write ? pwrite(o->host_fd, at, n, (off_t)(offset + done)) : pread(o->host_fd, at, n, (off_t)(offset + done));
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return done ? (int64_t)done : -errno;
        if (got == 0)
            break;
        done += (uint64_t)got;
    }
    return (int64_t)done;
}

static uint64_t file_size(const wl_open *o)
{
    struct stat st;
    return fstat(o->host_fd, &st) == 0 && st.st_size > 0 ? (uint64_t)st.st_size : 0;
}

/* What is taken off the disk limit: the bytes written, or by how much the file grows if that is more. */
static uint64_t write_cost(const wl_open *o, uint64_t offset, uint64_t size)
{
    uint64_t old = file_size(o), end = offset + size;
    return end > old ? MAX(size, end - old) : size;
}

static int64_t capture(wl_linux *lx, GString *stream, uint64_t addr, uint64_t size)
{
    uint64_t room = lx->config->disk_limit > stream->len ? lx->config->disk_limit - stream->len : 0;
    if (size && !room)
        return -ENOSPC;
    size = MIN(size, room);
    for (uint64_t done = 0; done < size;) {
        uint64_t n = size - done;
        const uint8_t *from = wl_memory_span(lx->memory, addr + done, &n, WL_READ);
        if (!from)
            return done ? (int64_t)done : -EFAULT;
        g_string_append_len(stream, (const char *)from, (gssize)n);
        done += n;
    }
    return (int64_t)size;
}

static int64_t pipe_read(wl_linux *lx, wl_open *o, uint64_t addr, uint64_t size)
{
    GByteArray *bytes = o->pipe->bytes;
    if (!bytes->len)
        return o->pipe->writers ? -EAGAIN : 0; /* one thread: a blocking read would never return */
    uint64_t n = MIN(size, bytes->len);
    if (wl_memory_put(lx->memory, addr, bytes->data, n) < 0)
        return -EFAULT;
    if (n)
        g_byte_array_remove_range(bytes, 0, (guint)n);
    return (int64_t)n;
}

static int64_t pipe_write(wl_linux *lx, wl_open *o, uint64_t addr, uint64_t size)
{
    GByteArray *bytes = o->pipe->bytes;
    uint64_t n = MIN(size, PIPE_BYTES - bytes->len);
    uint8_t buffer[4096];
    if (!o->pipe->readers)
        return -EPIPE;
    if (size && !n)
        return -EAGAIN;
    for (uint64_t done = 0; done < n;) {
        uint64_t some = MIN(n - done, sizeof buffer);
        if (wl_memory_get(lx->memory, addr + done, buffer, some) < 0)
            return done ? (int64_t)done : -EFAULT;
        g_byte_array_append(bytes, buffer, (guint)some);
        done += some;
    }
    return (int64_t)n;
}

static int64_t read_at(wl_linux *lx, wl_open *o, uint64_t addr, uint64_t size, uint64_t offset)
{
    int64_t n = file_move(lx, o, addr, size, offset, false);
    if (n > 0)
        wl_linux_cache_read(lx, o->inode, offset, (uint64_t)n);
    return n;
}

static int64_t write_at(wl_linux *lx, wl_open *o, uint64_t addr, uint64_t size, uint64_t offset)
{
    if (offset > (uint64_t)INT64_MAX - size)
        return -EFBIG;
    if (size && !wl_linux_charge(lx, write_cost(o, offset, size)))
        return -ENOSPC;
    int64_t n = file_move(lx, o, addr, size, offset, true);
    if (n > 0)
        wl_linux_cache_write(lx, o->inode, offset, (uint64_t)n);
    return n;
}

static int64_t do_read(wl_linux *lx, wl_open *o, uint64_t addr, uint64_t size)
{
    size = MIN(size, WL_MAX_RW);
    switch (o->kind) {
    case WL_STDIN: return 0;
    case WL_PIPE_READ: return pipe_read(lx, o, addr, size);
    case WL_DIR: return -EISDIR;
    case WL_FILE: break;
    default: return -EBADF;
    }
    if ((o->flags & O_ACCMODE) == O_WRONLY)
        return -EBADF;
    int64_t n = read_at(lx, o, addr, size, o->offset);
    if (n > 0)
        o->offset += (uint64_t)n;
    return n;
}

static int64_t do_write(wl_linux *lx, wl_open *o, uint64_t addr, uint64_t size)
{
    size = MIN(size, WL_MAX_RW);
    switch (o->kind) {
    case WL_STDOUT: return capture(lx, lx->out, addr, size);
    case WL_STDERR: return capture(lx, lx->err, addr, size);
    case WL_PIPE_WRITE: return pipe_write(lx, o, addr, size);
    case WL_FILE: break;
    default: return -EBADF;
    }
    if ((o->flags & O_ACCMODE) == O_RDONLY)
        return -EBADF;
    if (o->flags & O_APPEND)
        o->offset = file_size(o);
    int64_t n = write_at(lx, o, addr, size, o->offset);
    if (n > 0)
        o->offset += (uint64_t)n;
    return n;
}

static int64_t sys_read(wl_linux *lx, const uint64_t *a)
{
    wl_open *o = wl_linux_open(lx, a[0]);
    return o ? do_read(lx, o, a[1], a[2]) : -EBADF;
}

static int64_t sys_write(wl_linux *lx, const uint64_t *a)
{
    wl_open *o = wl_linux_open(lx, a[0]);
    return o ? do_write(lx, o, a[1], a[2]) : -EBADF;
}

static int64_t move_vector(wl_linux *lx, const uint64_t *a, int64_t (*move)(wl_linux *, wl_open *, uint64_t, uint64_t))
{
    wl_open *o = wl_linux_open(lx, a[0]);
    int64_t done = 0;
    if (!o)
        return -EBADF;
    if (a[2] > IOV_MAX)
        return -EINVAL;
    for (uint64_t i = 0; i < a[2]; i++) {
        uint64_t part[2]; /* struct iovec */
        if (wl_memory_get(lx->memory, a[1] + i * sizeof part, part, sizeof part) < 0)
            return done ? done : -EFAULT;
        if (!part[1])
            continue;
        int64_t n = move(lx, o, part[0], part[1]);
        if (n < 0)
            return done ? done : n;
        done += n;
        if ((uint64_t)n < part[1] || done > (int64_t)WL_MAX_RW)
            break;
    }
    return done;
}

static int64_t sys_readv(wl_linux *lx, const uint64_t *a)
{
    return move_vector(lx, a, do_read);
}

static int64_t sys_writev(wl_linux *lx, const uint64_t *a)
{
    return move_vector(lx, a, do_write);
}

static int64_t position_check(const wl_open *o, const uint64_t *a)
{
    if (!o)
        return -EBADF;
    if (o->kind != WL_FILE)
        return o->kind == WL_DIR ? -EISDIR : -ESPIPE;
    return (int64_t)a[3] < 0 ? -EINVAL : 0;
}

static int64_t sys_pread(wl_linux *lx, const uint64_t *a)
{
    wl_open *o = wl_linux_open(lx, a[0]);
    int64_t r = position_check(o, a);
    if (r == 0 && (o->flags & O_ACCMODE) == O_WRONLY)
        r = -EBADF;
    return r < 0 ? r : read_at(lx, o, a[1], MIN(a[2], WL_MAX_RW), a[3]);
}

static int64_t sys_pwrite(wl_linux *lx, const uint64_t *a)
{
    wl_open *o = wl_linux_open(lx, a[0]);
    int64_t r = position_check(o, a);
    if (r == 0 && (o->flags & O_ACCMODE) == O_RDONLY)
        r = -EBADF;
    return r < 0 ? r : write_at(lx, o, a[1], MIN(a[2], WL_MAX_RW), a[3]);
}

/* ---- position, size, state ---------------------------------------------------------------------------------------- */

static int64_t sys_lseek(wl_linux *lx, const uint64_t *a)
{
    wl_open *o = wl_linux_open(lx, a[0]);
    int64_t base = 0, to;
    if (!o)
        return -EBADF;
    if (o->kind != WL_FILE && o->kind != WL_DIR)
        return -ESPIPE;
    switch ((int)a[2]) {
    case SEEK_SET: break;
    case SEEK_CUR: base = (int64_t)o->offset; break;
    case SEEK_END: base = o->kind == WL_FILE ? (int64_t)file_size(o) : 0; break;
    default: return -EINVAL;
    }
    if (__builtin_add_overflow(base, (int64_t)a[1], &to) || to < 0)
        return -EINVAL;
    o->offset = (uint64_t)to;
    if (o->kind == WL_DIR && to == 0 && o->entries)
        g_clear_pointer(&o->entries, g_ptr_array_unref);
    return to;
}

static int64_t sys_ftruncate(wl_linux *lx, const uint64_t *a)
{
    wl_open *o = wl_linux_open(lx, a[0]);
    if (!o)
        return -EBADF;
    if (o->kind != WL_FILE || (o->flags & O_ACCMODE) == O_RDONLY || (int64_t)a[1] < 0)
        return -EINVAL;
    uint64_t size = file_size(o);
    if (a[1] > size && !wl_linux_charge(lx, a[1] - size))
        return -ENOSPC;
    return ftruncate(o->host_fd, (off_t)a[1]) < 0 ? -errno : 0;
}

static int64_t sys_fsync(wl_linux *lx, const uint64_t *a)
{
    wl_open *o = wl_linux_open(lx, a[0]);
    if (!o)
        return -EBADF;
    if (o->inode)
        wl_linux_cache_flush(lx, o->inode);
    return 0;
}

static int64_t sys_fstat(wl_linux *lx, const uint64_t *a)
{
    wl_open *o = wl_linux_open(lx, a[0]);
    struct stat host, st = { .st_dev = 1, .st_nlink = 1, .st_blksize = WL_PAGE, .st_mode = S_IFIFO | 0600 };
    if (!o)
        return -EBADF;
    if (o->host_fd >= 0) {
        if (fstat(o->host_fd, &host) < 0)
            return -errno;
        wl_linux_guest_stat(lx, &host, &st);
    }
    return wl_memory_put(lx->memory, a[1], &st, sizeof st);
}

static int64_t sys_ioctl(wl_linux *lx, const uint64_t *a)
{
    return wl_linux_open(lx, a[0]) ? -ENOTTY : -EBADF;
}

/* ---- directories ---------------------------------------------------------------------------------------------------- */

static gint by_name(gconstpointer a, gconstpointer b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static int load_entries(wl_open *o)
{
    int fd = openat(o->host_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
    if (!dir) {
        int r = -errno;
        if (fd >= 0)
            close(fd);
        return r;
    }
    o->entries = g_ptr_array_new_with_free_func(g_free);
    for (struct dirent *e; (e = readdir(dir));)
        g_ptr_array_add(o->entries, g_strdup(e->d_name));
    closedir(dir);
    g_ptr_array_sort(o->entries, by_name);
    return 0;
}

static unsigned char type_of(mode_t mode)
{
    return (unsigned char)IFTODT(mode);
}

/* One record of getdents64 (linux_dirent64) or getdents (type in the last byte). 0 when it does not fit. */
static uint64_t put_entry(wl_linux *lx, wl_open *o, uint64_t addr, uint64_t room, bool wide)
{
    const char *name = g_ptr_array_index(o->entries, o->offset);
    uint8_t record[300] = { 0 };
    size_t length = strlen(name), head = wide ? 19 : 18;
    uint16_t size = (uint16_t)((head + length + 2 + 7) & ~(size_t)7);
    struct stat st;
    uint64_t ino = 0, next = o->offset + 1;
    unsigned char type = DT_UNKNOWN;
    if (size > room || size > sizeof record)
        return 0;
    /* ".." of the top must not show what lies above it. */
    const char *shown = !strcmp(name, "..") && !strcmp(o->path, "/") ? "." : name;
    if (fstatat(o->host_fd, shown, &st, AT_SYMLINK_NOFOLLOW) == 0) {
        ino = wl_linux_inode(lx, &st)->ino;
        type = type_of(st.st_mode);
    }
    memcpy(record, &ino, 8);
    memcpy(record + 8, &next, 8);
    memcpy(record + 16, &size, 2);
    memcpy(record + head, name, length);
    record[wide ? 18 : size - 1] = type;
    return wl_memory_put(lx->memory, addr, record, size) < 0 ? UINT64_MAX : size;
}

static int64_t read_directory(wl_linux *lx, const uint64_t *a, bool wide)
{
    wl_open *o = wl_linux_open(lx, a[0]);
    uint64_t room = MIN(a[2], UINT64_C(1) << 20), done = 0;
    if (!o)
        return -EBADF;
    if (o->kind != WL_DIR)
        return -ENOTDIR;
    int r = o->entries ? 0 : load_entries(o);
    if (r < 0)
        return r;
    for (; o->offset < o->entries->len; o->offset++) {
        uint64_t n = put_entry(lx, o, a[1] + done, room - done, wide);
        if (n == UINT64_MAX)
            return done ? (int64_t)done : -EFAULT;
        if (n == 0)
            return done ? (int64_t)done : -EINVAL;
        done += n;
    }
    return (int64_t)done;
}

static int64_t sys_getdents(wl_linux *lx, const uint64_t *a)
{
    return read_directory(lx, a, false);
}

static int64_t sys_getdents64(wl_linux *lx, const uint64_t *a)
{
    return read_directory(lx, a, true);
}

/* ---- descriptors ------------------------------------------------------------------------------------------------------ */

static int64_t sys_close(wl_linux *lx, const uint64_t *a)
{
    return wl_linux_close(lx, a[0]);
}

static int64_t dup_from(wl_linux *lx, wl_open *o, uint64_t from, bool cloexec)
{
    int fd = wl_linux_free_fd(lx, from);
    if (fd < 0)
        return fd;
    o->refs++;
    wl_linux_install(lx, fd, o, cloexec);
    return fd;
}

static int64_t sys_dup(wl_linux *lx, const uint64_t *a)
{
    wl_open *o = wl_linux_open(lx, a[0]);
    return o ? dup_from(lx, o, 0, false) : -EBADF;
}

static int64_t sys_dup2(wl_linux *lx, const uint64_t *a)
{
    wl_open *o = wl_linux_open(lx, a[0]);
    uint32_t to = (uint32_t)a[1];
    if (!o || to >= WL_MAX_FDS)
        return -EBADF;
    if (to == (uint32_t)a[0])
        return to;
    o->refs++;
    if (lx->fds[to])
        wl_linux_close(lx, to);
    wl_linux_install(lx, (int)to, o, false);
    return to;
}

static int64_t sys_dup3(wl_linux *lx, const uint64_t *a)
{
    if ((uint32_t)a[0] == (uint32_t)a[1])
        return -EINVAL;
    int64_t fd = sys_dup2(lx, a);
    if (fd >= 0)
        lx->cloexec[fd] = a[2] & O_CLOEXEC;
    return fd;
}

static int64_t sys_fcntl(wl_linux *lx, const uint64_t *a)
{
    wl_open *o = wl_linux_open(lx, a[0]);
    if (!o)
        return -EBADF;
    switch ((int)a[1]) {
    case F_DUPFD: return dup_from(lx, o, a[2], false);
    case F_DUPFD_CLOEXEC: return dup_from(lx, o, a[2], true);
    case F_GETFD: return lx->cloexec[a[0]] ? FD_CLOEXEC : 0;
    case F_SETFD: lx->cloexec[a[0]] = a[2] & FD_CLOEXEC; return 0;
    case F_GETFL: return o->flags;
    case F_SETFL: o->flags = (o->flags & O_ACCMODE) | ((int)a[2] & (O_APPEND | O_NONBLOCK)); return 0;
    case F_SETLK: case F_SETLKW: return 0; /* nobody else is there */
    default: return -EINVAL;
    }
}

static int64_t make_pipe(wl_linux *lx, uint64_t addr, int flags)
{
    int fds[2] = { wl_linux_free_fd(lx, 0), -1 };
    if (fds[0] < 0 || (fds[1] = wl_linux_free_fd(lx, (uint64_t)fds[0] + 1)) < 0)
        return -EMFILE;
    if (wl_memory_put(lx->memory, addr, fds, sizeof fds) < 0)
        return -EFAULT;
    wl_pipe *pipe = g_new0(wl_pipe, 1);
    *pipe = (wl_pipe){ g_byte_array_new(), 1, 1, 2 };
    for (unsigned i = 0; i < 2; i++) {
        wl_open *o = wl_open_new(i ? WL_PIPE_WRITE : WL_PIPE_READ, (i ? O_WRONLY : O_RDONLY) | (flags & O_NONBLOCK));
        o->pipe = pipe;
        wl_linux_install(lx, fds[i], o, flags & O_CLOEXEC);
    }
    return 0;
}

static int64_t sys_pipe(wl_linux *lx, const uint64_t *a)
{
    return make_pipe(lx, a[0], 0);
}

static int64_t sys_pipe2(wl_linux *lx, const uint64_t *a)
{
    return make_pipe(lx, a[0], (int)a[1]);
}

static int64_t sys_fadvise(wl_linux *lx, const uint64_t *a)
{
    return wl_linux_open(lx, a[0]) ? 0 : -EBADF;
}

wl_sys wl_linux_file_call(uint64_t nr)
{
    static const wl_sys calls[] = {
        [SYS_read] = sys_read, [SYS_write] = sys_write, [SYS_close] = sys_close, [SYS_fstat] = sys_fstat,
        [SYS_lseek] = sys_lseek, [SYS_ioctl] = sys_ioctl, [SYS_pread64] = sys_pread, [SYS_pwrite64] = sys_pwrite,
        [SYS_readv] = sys_readv, [SYS_writev] = sys_writev, [SYS_dup] = sys_dup, [SYS_dup2] = sys_dup2,
        [SYS_pipe] = sys_pipe, [SYS_fcntl] = sys_fcntl, [SYS_fsync] = sys_fsync, [SYS_fdatasync] = sys_fsync,
        [SYS_ftruncate] = sys_ftruncate, [SYS_getdents] = sys_getdents, [SYS_getdents64] = sys_getdents64,
        [SYS_fadvise64] = sys_fadvise, [SYS_dup3] = sys_dup3, [SYS_pipe2] = sys_pipe2,
    };
    return nr < G_N_ELEMENTS(calls) ? calls[nr] : NULL;
}
