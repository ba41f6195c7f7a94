/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "wl-folder.h"

#include "sim-error.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define MAX_LINKS 40
#define MAX_DEPTH 64

struct wl_folder {
    int fd;
    bool writable;
    bool own_walk; /* openat2 is not available */
};

wl_folder *wl_folder_open(const char *host_path, bool writable, GError **error)
{
    int fd = open(host_path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) {
        g_set_error(error, SIM_ERROR, SIM_ERROR_INPUT, "%s: cannot open the guest's folder: %s", host_path, g_strerror(errno));
        return NULL;
    }
    wl_folder *f = g_new0(wl_folder, 1);
    f->fd = fd;
    f->writable = writable;
    return f;
}

void wl_folder_free(wl_folder *f)
{
    if (!f)
        return;
    close(f->fd);
    g_free(f);
}

bool wl_folder_writable(const wl_folder *f)
{
    return f->writable;
}

void wl_folder_without_openat2(wl_folder *f)
{
    f->own_walk = true;
}

/* ---- the own walk ---------------------------------------------------------------------------------------- */

typedef struct {
    int fds[MAX_DEPTH]; /* directories from the folder (not in here) down to the present one */
    char names[MAX_DEPTH][NAME_MAX + 1];
    unsigned depth;
    int root;
    char rest[2 * PATH_MAX]; /* what is still to be walked */
    char base[NAME_MAX + 1]; /* result: last component, "." for the present directory */
    bool must_be_dir;        /* the path ended in a slash */
} walk;

static int walk_here(const walk *w)
{
    return w->depth ? w->fds[w->depth - 1] : w->root;
}

static void walk_up(walk *w, unsigned depth)
{
    while (w->depth > depth)
        close(w->fds[--w->depth]);
}

/* Puts a link's target before the rest of the path. */
static int walk_link(walk *w, const char *name, const char *after)
{
    char target[PATH_MAX];
    ssize_t n = readlinkat(walk_here(w), name, target, sizeof target - 1);
    if (n < 0)
        return -errno;
    target[n] = 0;
    g_autofree char *rest = g_strconcat(target, "/", after, NULL);
    if (!*after)
        rest[n] = 0;
    if (strlen(rest) >= sizeof w->rest)
        return -ENAMETOOLONG;
    if (target[0] == '/')
        walk_up(w, 0);
    strcpy(w->rest, rest);
    return 0;
}

static int walk_down(walk *w, const char *name)
{
    if (w->depth == MAX_DEPTH)
        return -ENAMETOOLONG;
    int fd = openat(walk_here(w), name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    strcpy(w->names[w->depth], name);
    w->fds[w->depth++] = fd;
    return 0;
}

/* Walks to the directory that holds the last component. A last component that is a link is followed if `follow`;
 * one that does not exist is no error here. */
static int walk_to(walk *w, int root, const char *path, bool follow)
{
    unsigned links = 0;
    w->depth = 0;
    w->root = root;
    w->must_be_dir = false;
    if (!*path)
        return -ENOENT;
    if (strlen(path) >= PATH_MAX)
        return -ENAMETOOLONG;
    strcpy(w->rest, path);
    for (;;) {
        char name[NAME_MAX + 1];
        const char *at = w->rest + strspn(w->rest, "/");
        size_t n = strcspn(at, "/");
        const char *after = at + n + strspn(at + n, "/");
        bool last = !*after;
        if (n > NAME_MAX)
            return -ENAMETOOLONG;
        memcpy(name, at, n);
        name[n] = 0;
        if (last && at[n] == '/')
            w->must_be_dir = true;
        g_autofree char *rest = g_strdup(after);
        if (n == 0 || !strcmp(name, ".") || !strcmp(name, "..")) {
            if (!strcmp(name, "..") && w->depth)
                walk_up(w, w->depth - 1);
            if (last) {
                strcpy(w->base, ".");
                return 0;
            }
            strcpy(w->rest, rest);
            continue;
        }
        struct stat st;
        bool exists = fstatat(walk_here(w), name, &st, AT_SYMLINK_NOFOLLOW) == 0;
        if (!exists && (!last || errno != ENOENT))
            return -errno;
        if (exists && S_ISLNK(st.st_mode) && (!last || follow || w->must_be_dir)) {
            if (++links > MAX_LINKS)
                return -ELOOP;
            int r = walk_link(w, name, rest);
            if (r < 0)
                return r;
            continue;
        }
        if (last) {
            strcpy(w->base, name);
            return 0;
        }
        int r = walk_down(w, name);
        if (r < 0)
            return r;
        strcpy(w->rest, rest);
    }
}

static int open_by_walk(const wl_folder *f, const char *path, int flags, mode_t mode)
{
    g_autofree walk *w = g_new(walk, 1);
    int r = walk_to(w, f->fd, path, !(flags & O_NOFOLLOW));
    if (r == 0) {
        if (w->must_be_dir && (flags & O_CREAT))
            r = -EISDIR;
        else {
            r = openat(walk_here(w), w->base, flags | O_NOFOLLOW | O_CLOEXEC | (w->must_be_dir ? O_DIRECTORY : 0), mode);
            r = r < 0 ? -errno : r;
        }
    }
    walk_up(w, 0);
    return r;
}

/* ---- opening ----------------------------------------------------------------------------------------------- */

static int open_inside(wl_folder *f, const char *path, int flags, mode_t mode)
{
    if (!f->own_walk) {
        struct open_how how = {
            .flags = (uint64_t)(unsigned)(flags | O_CLOEXEC), .mode = flags & O_CREAT ? mode : 0,
            .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS,
        };
        for (int tries = 0; tries < 4; tries++) {
            long fd = syscall(SYS_openat2, f->fd, path, &how, sizeof how);
            if (fd >= 0)
                return (int)fd;
            if (errno != EAGAIN) /* a rename went on meanwhile */
                break;
        }
        /* Sandboxes answer ENOSYS or EPERM; EPERM for another reason comes back from the walk. */
        if (errno != ENOSYS && errno != EPERM && errno != EAGAIN)
            return -errno;
        f->own_walk = errno == ENOSYS;
    }
    return open_by_walk(f, path, flags, mode);
}

static int check_kind(int fd, struct stat *st)
{
    if (fstat(fd, st) < 0)
        return -errno;
    if (S_ISLNK(st->st_mode))
        return -ELOOP;
    return S_ISREG(st->st_mode) || S_ISDIR(st->st_mode) ? 0 : -EACCES;
}

int wl_folder_openat(wl_folder *f, const char *path, int flags, mode_t mode, bool *created)
{
    struct stat st;
    bool writes = (flags & O_ACCMODE) != O_RDONLY || (flags & O_TRUNC);
    flags &= O_ACCMODE | O_CREAT | O_EXCL | O_TRUNC | O_APPEND | O_DIRECTORY | O_NOFOLLOW;
    if (created)
        *created = false;
    /* Devices and pipes are found out before they are opened, as opening them may have effects. */
    int probe = open_inside(f, path, O_PATH | (flags & (O_NOFOLLOW | O_DIRECTORY)), 0);
    if (probe == -ENOENT && (flags & O_CREAT)) {
        if (!f->writable)
            return -EROFS;
        if (created)
            *created = true;
    } else if (probe < 0) {
        return probe;
    } else {
        int r = check_kind(probe, &st);
        close(probe);
        if (r < 0)
            return r;
        if ((flags & O_CREAT) && (flags & O_EXCL))
            return -EEXIST;
        if (writes && S_ISDIR(st.st_mode))
            return -EISDIR;
        if (writes && !f->writable)
            return -EROFS;
        flags &= ~O_CREAT;
    }
    int fd = open_inside(f, path, flags | O_NONBLOCK | O_NOCTTY, mode & 0777);
    if (fd < 0)
        return fd;
    int r = check_kind(fd, &st);
    if (r < 0) {
        close(fd);
        return r;
    }
    return fd;
}

int wl_folder_stat(wl_folder *f, const char *path, bool follow, struct stat *st)
{
    int fd = open_inside(f, path, O_PATH | (follow ? 0 : O_NOFOLLOW), 0);
    if (fd < 0)
        return fd;
    int r = fstat(fd, st) < 0 ? -errno : 0;
    close(fd);
    return r;
}

ssize_t wl_folder_readlink(wl_folder *f, const char *path, char *target, size_t size)
{
    int fd = open_inside(f, path, O_PATH | O_NOFOLLOW, 0);
    if (fd < 0)
        return fd;
    struct stat st;
    ssize_t n = fstat(fd, &st) == 0 && !S_ISLNK(st.st_mode) ? -EINVAL : readlinkat(fd, "", target, size);
    if (n == -1)
        n = -errno;
    close(fd);
    return n;
}

int wl_folder_unlink(wl_folder *f, const char *path, bool directory)
{
    g_autofree walk *w = g_new(walk, 1);
    if (!f->writable)
        return -EROFS;
    int r = walk_to(w, f->fd, path, false);
    if (r == 0 && w->must_be_dir && !directory)
        r = -ENOTDIR;
    if (r == 0 && !strcmp(w->base, "."))
        r = -EBUSY;
    if (r == 0 && unlinkat(walk_here(w), w->base, directory ? AT_REMOVEDIR : 0) < 0)
        r = -errno;
    walk_up(w, 0);
    return r;
}

int wl_folder_mkdir(wl_folder *f, const char *path)
{
    g_autofree walk *w = g_new(walk, 1);
    int r = walk_to(w, f->fd, path, false);
    if (r == 0 && !strcmp(w->base, "."))
        r = -EEXIST;
    if (r == 0 && !f->writable)
        r = -EROFS;
    if (r == 0 && mkdirat(walk_here(w), w->base, 0755) < 0)
        r = -errno;
    walk_up(w, 0);
    return r;
}

int wl_folder_rename(wl_folder *f, const char *from, const char *to)
{
    g_autofree walk *a = g_new(walk, 1), *b = g_new(walk, 1);
    if (!f->writable)
        return -EROFS;
    b->depth = 0;
    int r = walk_to(a, f->fd, from, false);
    if (r == 0)
        r = walk_to(b, f->fd, to, false);
    if (r == 0 && (!strcmp(a->base, ".") || !strcmp(b->base, ".")))
        r = -EBUSY;
    if (r == 0 && renameat(walk_here(a), a->base, walk_here(b), b->base) < 0)
        r = -errno;
    walk_up(a, 0);
    walk_up(b, 0);
    return r;
}

int wl_folder_canonical(wl_folder *f, const char *path, char **canonical)
{
    g_autofree walk *w = g_new(walk, 1);
    int r = walk_to(w, f->fd, path, true);
    if (r == 0 && strcmp(w->base, "."))
        r = walk_down(w, w->base);
    if (r == 0) {
        GString *s = g_string_new("");
        for (unsigned i = 0; i < w->depth; i++)
            g_string_append_printf(s, "/%s", w->names[i]);
        if (!w->depth)
            g_string_append_c(s, '/');
        *canonical = g_string_free(s, FALSE);
    }
    walk_up(w, 0);
    return r;
}
