/* SPDX-License-Identifier: GPL-2.0-or-later */
/* System calls that take paths. */
#include "wl-linux-internal.h"

#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define CREATE_COST WL_PAGE /* what a new file or directory takes off the disk limit */

int wl_linux_path(wl_linux *lx, uint64_t dirfd, uint64_t addr, char **path)
{
    char text[PATH_MAX];
    *path = NULL;
    int r = wl_memory_get_string(lx->memory, addr, text, sizeof text);
    if (r < 0)
        return r;
    if (!text[0] || !lx->folder)
        return -ENOENT;
    const char *base = lx->cwd;
    if (text[0] != '/' && (int)dirfd != AT_FDCWD) {
        const wl_open *o = wl_linux_open(lx, dirfd);
        if (!o)
            return -EBADF;
        if (o->kind != WL_DIR)
            return -ENOTDIR;
        base = o->path;
    }
    *path = text[0] == '/' ? g_strdup(text) : g_strconcat(base, strcmp(base, "/") ? "/" : "", text, NULL);
    if (strlen(*path) >= PATH_MAX) {
        g_clear_pointer(path, g_free);
        return -ENAMETOOLONG;
    }
    return 0;
}

/* ---- open ----------------------------------------------------------------------------------------------------------- */

static int64_t install_host(wl_linux *lx, int fd, int host_fd, int flags, char *path)
{
    struct stat st;
    if (fstat(host_fd, &st) < 0)
        return -errno;
    wl_open *o = wl_open_new(S_ISDIR(st.st_mode) ? WL_DIR : WL_FILE, flags & (O_ACCMODE | O_APPEND | O_NONBLOCK));
    o->host_fd = host_fd;
    if (o->kind == WL_DIR)
        wl_folder_canonical(lx->folder, path, &o->path);
    if (!o->path)
        o->path = g_strdup(path);
    o->inode = wl_linux_inode(lx, &st);
    o->inode->refs++;
    wl_linux_install(lx, fd, o, flags & O_CLOEXEC);
    return fd;
}

static int64_t open_at(wl_linux *lx, uint64_t dirfd, uint64_t addr, int flags, mode_t mode)
{
    g_autofree char *path = NULL;
    bool created;
    int r = wl_linux_path(lx, dirfd, addr, &path);
    if (r < 0)
        return r;
    int fd = wl_linux_free_fd(lx, 0);
    if (fd < 0)
        return fd;
    bool full = (flags & O_CREAT) && lx->disk_left < CREATE_COST;
    int host_fd = wl_folder_openat(lx->folder, path, full ? flags & ~O_CREAT : flags, mode, &created);
    if (host_fd == -ENOENT && full)
        return -ENOSPC;
    if (host_fd < 0)
        return host_fd;
    if (created)
        wl_linux_charge(lx, CREATE_COST);
    int64_t result = install_host(lx, fd, host_fd, flags, path);
    if (result < 0)
        close(host_fd);
    return result;
}

static int64_t sys_open(wl_linux *lx, const uint64_t *a)
{
    return open_at(lx, (uint64_t)AT_FDCWD, a[0], (int)a[1], (mode_t)a[2]);
}

static int64_t sys_openat(wl_linux *lx, const uint64_t *a)
{
    return open_at(lx, a[0], a[1], (int)a[2], (mode_t)a[3]);
}

static int64_t sys_creat(wl_linux *lx, const uint64_t *a)
{
    return open_at(lx, (uint64_t)AT_FDCWD, a[0], O_CREAT | O_WRONLY | O_TRUNC, (mode_t)a[1]);
}

/* ---- looking ---------------------------------------------------------------------------------------------------------- */

static int64_t stat_at(wl_linux *lx, uint64_t dirfd, uint64_t addr, uint64_t to, bool follow)
{
    g_autofree char *path = NULL;
    struct stat host, st;
    int r = wl_linux_path(lx, dirfd, addr, &path);
    if (r == 0)
        r = wl_folder_stat(lx->folder, path, follow, &host);
    if (r < 0)
        return r;
    wl_linux_guest_stat(lx, &host, &st);
    return wl_memory_put(lx->memory, to, &st, sizeof st);
}

static int64_t sys_stat(wl_linux *lx, const uint64_t *a)
{
    return stat_at(lx, (uint64_t)AT_FDCWD, a[0], a[1], true);
}

static int64_t sys_lstat(wl_linux *lx, const uint64_t *a)
{
    return stat_at(lx, (uint64_t)AT_FDCWD, a[0], a[1], false);
}

static int64_t sys_newfstatat(wl_linux *lx, const uint64_t *a)
{
    char first = 1;
    if ((a[3] & AT_EMPTY_PATH) && (!a[1] || (wl_memory_get(lx->memory, a[1], &first, 1) == 0 && !first))) {
        uint64_t args[6] = { a[0], a[2] };
        return wl_linux_file_call(SYS_fstat)(lx, args);
    }
    return stat_at(lx, a[0], a[1], a[2], !(a[3] & AT_SYMLINK_NOFOLLOW));
}

static int64_t access_at(wl_linux *lx, uint64_t dirfd, uint64_t addr, int mode)
{
    g_autofree char *path = NULL;
    struct stat st;
    int r = wl_linux_path(lx, dirfd, addr, &path);
    if (r == 0)
        r = wl_folder_stat(lx->folder, path, true, &st);
    if (r == 0 && (mode & W_OK) && !wl_folder_writable(lx->folder))
        r = -EROFS;
    if (r == 0 && (mode & X_OK) && !S_ISDIR(st.st_mode) && !(st.st_mode & S_IXUSR))
        r = -EACCES;
    return r;
}

static int64_t sys_access(wl_linux *lx, const uint64_t *a)
{
    return access_at(lx, (uint64_t)AT_FDCWD, a[0], (int)a[1]);
}

static int64_t sys_faccessat(wl_linux *lx, const uint64_t *a)
{
    return access_at(lx, a[0], a[1], (int)a[2]);
}

static int64_t readlink_at(wl_linux *lx, uint64_t dirfd, uint64_t addr, uint64_t to, uint64_t size)
{
    char text[PATH_MAX], target[PATH_MAX];
    g_autofree char *path = NULL;
    ssize_t n;
    if ((int64_t)size <= 0)
        return -EINVAL;
    int r = wl_memory_get_string(lx->memory, addr, text, sizeof text);
    if (r < 0)
        return r;
    if (!strcmp(text, "/proc/self/exe")) {
        n = (ssize_t)MIN(strlen(lx->exe), sizeof target);
        memcpy(target, lx->exe, (size_t)n);
    } else {
        r = wl_linux_path(lx, dirfd, addr, &path);
        n = r < 0 ? r : wl_folder_readlink(lx->folder, path, target, sizeof target);
    }
    if (n < 0)
        return n;
    n = (ssize_t)MIN((uint64_t)n, size);
    return wl_memory_put(lx->memory, to, target, (uint64_t)n) < 0 ? -EFAULT : n;
}

static int64_t sys_readlink(wl_linux *lx, const uint64_t *a)
{
    return readlink_at(lx, (uint64_t)AT_FDCWD, a[0], a[1], a[2]);
}

static int64_t sys_readlinkat(wl_linux *lx, const uint64_t *a)
{
    return readlink_at(lx, a[0], a[1], a[2], a[3]);
}

static int64_t sys_getcwd(wl_linux *lx, const uint64_t *a)
{
    uint64_t n = strlen(lx->cwd) + 1;
    if (n > a[1])
        return -ERANGE;
    return wl_memory_put(lx->memory, a[0], lx->cwd, n) < 0 ? -EFAULT : (int64_t)n;
}

static int64_t sys_chdir(wl_linux *lx, const uint64_t *a)
{
    g_autofree char *path = NULL;
    char *canonical;
    int r = wl_linux_path(lx, (uint64_t)AT_FDCWD, a[0], &path);
    if (r == 0)
        r = wl_folder_canonical(lx->folder, path, &canonical);
    if (r < 0)
        return r;
    g_free(lx->cwd);
    lx->cwd = canonical;
    return 0;
}

static int64_t sys_fchdir(wl_linux *lx, const uint64_t *a)
{
    const wl_open *o = wl_linux_open(lx, a[0]);
    if (!o)
        return -EBADF;
    if (o->kind != WL_DIR)
        return -ENOTDIR;
    g_free(lx->cwd);
    lx->cwd = g_strdup(o->path);
    return 0;
}

/* ---- changing --------------------------------------------------------------------------------------------------------- */

/* The host may give a removed file's number to the next one, so what was known of it goes. */
static void forget(wl_linux *lx, const char *path)
{
    struct stat st;
    if (wl_folder_stat(lx->folder, path, false, &st) == 0)
        wl_linux_forget_inode(lx, &st);
}

static int64_t unlink_at(wl_linux *lx, uint64_t dirfd, uint64_t addr, bool directory)
{
    g_autofree char *path = NULL;
    int r = wl_linux_path(lx, dirfd, addr, &path);
    if (r < 0)
        return r;
    if (wl_folder_writable(lx->folder))
        forget(lx, path);
    return wl_folder_unlink(lx->folder, path, directory);
}

static int64_t sys_unlink(wl_linux *lx, const uint64_t *a)
{
    return unlink_at(lx, (uint64_t)AT_FDCWD, a[0], false);
}

static int64_t sys_rmdir(wl_linux *lx, const uint64_t *a)
{
    return unlink_at(lx, (uint64_t)AT_FDCWD, a[0], true);
}

static int64_t sys_unlinkat(wl_linux *lx, const uint64_t *a)
{
    return unlink_at(lx, a[0], a[1], a[2] & AT_REMOVEDIR);
}

static int64_t mkdir_at(wl_linux *lx, uint64_t dirfd, uint64_t addr)
{
    g_autofree char *path = NULL;
    int r = wl_linux_path(lx, dirfd, addr, &path);
    if (r < 0)
        return r;
    if (lx->disk_left < CREATE_COST)
        return -ENOSPC;
    r = wl_folder_mkdir(lx->folder, path);
    if (r == 0)
        wl_linux_charge(lx, CREATE_COST);
    return r;
}

static int64_t sys_mkdir(wl_linux *lx, const uint64_t *a)
{
    return mkdir_at(lx, (uint64_t)AT_FDCWD, a[0]);
}

static int64_t sys_mkdirat(wl_linux *lx, const uint64_t *a)
{
    return mkdir_at(lx, a[0], a[1]);
}

static int64_t rename_at(wl_linux *lx, uint64_t from_dir, uint64_t from_addr, uint64_t to_dir, uint64_t to_addr)
{
    g_autofree char *from = NULL, *to = NULL;
    int r = wl_linux_path(lx, from_dir, from_addr, &from);
    if (r == 0)
        r = wl_linux_path(lx, to_dir, to_addr, &to);
    if (r < 0)
        return r;
    struct stat a, b;
    bool same = wl_folder_stat(lx->folder, from, false, &a) == 0 && wl_folder_stat(lx->folder, to, false, &b) == 0
                && a.st_ino == b.st_ino && a.st_dev == b.st_dev;
    if (wl_folder_writable(lx->folder) && !same)
        forget(lx, to);
    return wl_folder_rename(lx->folder, from, to);
}

static int64_t sys_rename(wl_linux *lx, const uint64_t *a)
{
    return rename_at(lx, (uint64_t)AT_FDCWD, a[0], (uint64_t)AT_FDCWD, a[1]);
}

static int64_t sys_renameat(wl_linux *lx, const uint64_t *a)
{
    return rename_at(lx, a[0], a[1], a[2], a[3]);
}

static int64_t sys_renameat2(wl_linux *lx, const uint64_t *a)
{
    return a[4] ? -EINVAL : rename_at(lx, a[0], a[1], a[2], a[3]);
}

static int64_t sys_umask(wl_linux *lx, const uint64_t *a)
{
    (void)lx, (void)a;
    return 022;
}

wl_sys wl_linux_path_call(uint64_t nr)
{
    static const wl_sys calls[] = {
        [SYS_open] = sys_open, [SYS_openat] = sys_openat, [SYS_creat] = sys_creat, [SYS_stat] = sys_stat, [SYS_lstat] = sys_lstat,
        [SYS_newfstatat] = sys_newfstatat, [SYS_access] = sys_access, [SYS_faccessat] = sys_faccessat,
        [SYS_faccessat2] = sys_faccessat, [SYS_readlink] = sys_readlink, [SYS_readlinkat] = sys_readlinkat,
        [SYS_getcwd] = sys_getcwd, [SYS_chdir] = sys_chdir, [SYS_fchdir] = sys_fchdir, [SYS_unlink] = sys_unlink,
        [SYS_unlinkat] = sys_unlinkat, [SYS_rmdir] = sys_rmdir, [SYS_mkdir] = sys_mkdir, [SYS_mkdirat] = sys_mkdirat,
        [SYS_rename] = sys_rename, [SYS_renameat] = sys_renameat, [SYS_renameat2] = sys_renameat2, [SYS_umask] = sys_umask,
    };
    return nr < G_N_ELEMENTS(calls) ? calls[nr] : NULL;
}
