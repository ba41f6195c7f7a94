/* SPDX-License-Identifier: GPL-2.0-or-later */
/* File descriptors, inodes, and the model of the guest kernel's page cache. */
#include "wl-linux-internal.h"

#include <fcntl.h>
#include <unistd.h>

#define WRITE_BACK_BYTES (UINT64_C(256) << 10)
/* Pages beyond this one (64 GiB into a file) are never cached: it bounds the bitmap. */
#define MAX_CACHED_PAGE (UINT64_C(1) << 24)

static guint inode_hash(gconstpointer key)
{
    const wl_inode *i = key;
    return (guint)(i->host_ino * UINT64_C(0x9e3779b97f4a7c15) >> 32) ^ (guint)i->host_dev;
}

static gboolean inode_equal(gconstpointer a, gconstpointer b)
{
    const wl_inode *x = a, *y = b;
    return x->host_ino == y->host_ino && x->host_dev == y->host_dev;
}

void wl_inode_unref(wl_inode *inode)
{
    if (inode && --inode->refs == 0) {
        g_free(inode->cached);
        g_free(inode);
    }
}

static void unref_inode(gpointer inode)
{
    wl_inode_unref(inode);
}

wl_inode *wl_linux_inode(wl_linux *lx, const struct stat *host)
{
    wl_inode key = { .host_dev = host->st_dev, .host_ino = host->st_ino };
    wl_inode *inode = g_hash_table_lookup(lx->inodes, &key);
    if (!inode) {
        inode = g_new0(wl_inode, 1);
        *inode = key;
        inode->ino = ++lx->next_ino;
        inode->refs = 1;
        g_hash_table_add(lx->inodes, inode);
    }
    return inode;
}

void wl_linux_forget_inode(wl_linux *lx, const struct stat *host)
{
    wl_inode key = { .host_dev = host->st_dev, .host_ino = host->st_ino };
    g_hash_table_remove(lx->inodes, &key);
}

void wl_linux_guest_stat(wl_linux *lx, const struct stat *host, struct stat *guest)
{
    *guest = (struct stat){
        .st_dev = 1, .st_ino = wl_linux_inode(lx, host)->ino, .st_nlink = S_ISDIR(host->st_mode) ? 2 : 1, .st_blksize = WL_PAGE,
        .st_mode = (host->st_mode & S_IFMT) | (S_ISDIR(host->st_mode) || (host->st_mode & S_IXUSR) ? 0755 : 0644),
        .st_size = S_ISDIR(host->st_mode) ? (off_t)WL_PAGE : host->st_size,
    };
    guest->st_blocks = (guest->st_size + 511) / 512;
}

bool wl_linux_charge(wl_linux *lx, uint64_t bytes)
{
    if (bytes > lx->disk_left)
        return false;
    lx->disk_left -= bytes;
    return true;
}

/* ---- the page cache ------------------------------------------------------------------------------------------ */

/* Marks a page as cached; true when it was not. */
static bool cache_page(wl_inode *inode, uint64_t page)
{
    if (page >= MAX_CACHED_PAGE)
        return true;
    if (page / 8 >= inode->cached_bytes) {
        uint64_t bytes = MAX(64, inode->cached_bytes);
        while (bytes <= page / 8)
            bytes *= 2;
        inode->cached = g_realloc(inode->cached, bytes);
        memset(inode->cached + inode->cached_bytes, 0, bytes - inode->cached_bytes);
        inode->cached_bytes = bytes;
    }
    uint8_t bit = (uint8_t)(1u << (page % 8));
    bool miss = !(inode->cached[page / 8] & bit);
    inode->cached[page / 8] |= bit;
    return miss;
}

void wl_linux_cache_read(wl_linux *lx, wl_inode *inode, uint64_t offset, uint64_t n)
{
    uint64_t missed = 0;
    if (!n)
        return;
    for (uint64_t page = offset / WL_PAGE; page <= (offset + n - 1) / WL_PAGE; page++)
        missed += cache_page(inode, page) ? WL_PAGE : 0;
    wl_linux_io(lx, missed, false);
}

void wl_linux_cache_flush(wl_linux *lx, wl_inode *inode)
{
    wl_linux_io(lx, inode->dirty, true);
    inode->dirty = 0;
}

void wl_linux_cache_write(wl_linux *lx, wl_inode *inode, uint64_t offset, uint64_t n)
{
    if (!n)
        return;
    for (uint64_t page = offset / WL_PAGE; page <= (offset + n - 1) / WL_PAGE; page++)
        cache_page(inode, page);
    inode->dirty += n;
    if (inode->dirty >= WRITE_BACK_BYTES)
        wl_linux_cache_flush(lx, inode);
}

/* ---- descriptors ---------------------------------------------------------------------------------------------- */

wl_open *wl_open_new(wl_open_kind kind, int flags)
{
    wl_open *o = g_new0(wl_open, 1);
    o->kind = kind;
    o->flags = flags;
    o->host_fd = -1;
    o->refs = 1;
    return o;
}

static void close_pipe(wl_open *o)
{
    if (o->kind == WL_PIPE_READ)
        o->pipe->readers--;
    else
        o->pipe->writers--;
    if (--o->pipe->refs == 0) {
        g_byte_array_free(o->pipe->bytes, TRUE);
        g_free(o->pipe);
    }
}

static void open_unref(wl_open *o)
{
    if (--o->refs)
        return;
    if (o->pipe)
        close_pipe(o);
    if (o->host_fd >= 0)
        close(o->host_fd);
    if (o->entries)
        g_ptr_array_free(o->entries, TRUE);
    wl_inode_unref(o->inode);
    g_free(o->path);
    g_free(o);
}

void wl_linux_open_standard(wl_linux *lx)
{
    lx->inodes = g_hash_table_new_full(inode_hash, inode_equal, unref_inode, NULL);
    wl_linux_install(lx, 0, wl_open_new(WL_STDIN, O_RDONLY), false);
    wl_linux_install(lx, 1, wl_open_new(WL_STDOUT, O_WRONLY), false);
    wl_linux_install(lx, 2, wl_open_new(WL_STDERR, O_WRONLY), false);
}

void wl_linux_close_all(wl_linux *lx)
{
    for (unsigned i = 0; i < WL_MAX_FDS; i++)
        if (lx->fds[i])
            open_unref(lx->fds[i]);
    g_hash_table_destroy(lx->inodes);
}

wl_open *wl_linux_open(wl_linux *lx, uint64_t fd)
{
    fd &= UINT32_MAX; /* descriptors are ints */
    return fd < WL_MAX_FDS ? lx->fds[fd] : NULL;
}

int wl_linux_free_fd(const wl_linux *lx, uint64_t from)
{
    for (uint64_t i = from; i < WL_MAX_FDS; i++)
        if (!lx->fds[i])
            return (int)i;
    return -EMFILE;
}

void wl_linux_install(wl_linux *lx, int fd, wl_open *open, bool cloexec)
{
    lx->fds[fd] = open;
    lx->cloexec[fd] = cloexec;
}

int64_t wl_linux_close(wl_linux *lx, uint64_t fd)
{
    wl_open *o = wl_linux_open(lx, fd);
    if (!o)
        return -EBADF;
    if (o->inode && lx->event)
        wl_linux_cache_flush(lx, o->inode);
    lx->fds[fd & UINT32_MAX] = NULL;
    open_unref(o);
    return 0;
}
