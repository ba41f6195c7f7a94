/* SPDX-License-Identifier: GPL-2.0-or-later */
/* System calls on the address space. */
#include "wl-linux-internal.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

static uint64_t page_up(uint64_t n)
{
    return n > UINT64_MAX - WL_PAGE ? 0 : (n + WL_PAGE - 1) & ~(WL_PAGE - 1);
}

static int64_t sys_brk(wl_linux *lx, const uint64_t *a)
{
    uint64_t to = a[0], old = page_up(lx->brk), new = page_up(to);
    if (to < lx->brk_start || to > lx->brk_max)
        return (int64_t)lx->brk;
    if (new > old && wl_memory_map(lx->memory, old, new - old, WL_READ | WL_WRITE) < 0)
        return (int64_t)lx->brk;
    if (new < old)
        wl_memory_unmap(lx->memory, new, old - new);
    lx->brk = to;
    return (int64_t)to;
}

/* Private copy of a file's bytes; the model reads them from disk at once. */
static int64_t fill_from_file(wl_linux *lx, const wl_open *file, uint64_t addr, uint64_t size, uint64_t offset)
{
    uint64_t done = 0;
    while (done < size) {
        uint64_t n = size - done;
        uint8_t *to = wl_memory_span(lx->memory, addr + done, &n, 0);
        ssize_t got = to ? pread(file->host_fd, to, n, (off_t)(offset + done)) : -1;
        if (got < 0)
            return -EIO;
        if (got == 0)
            break;
        done += (uint64_t)got;
    }
    wl_linux_cache_read(lx, file->inode, offset, done);
    return 0;
}

static int64_t check_mapping(wl_linux *lx, const uint64_t *a, const wl_open **file)
{
    uint64_t prot = a[2], flags = a[3], offset = a[5];
    *file = NULL;
    if (!a[1] || (prot & ~UINT64_C(7)) || (offset % WL_PAGE))
        return -EINVAL;
    if (flags & MAP_ANONYMOUS)
        return 0;
    const wl_open *o = wl_linux_open(lx, a[4]);
    if (!o)
        return -EBADF;
    if (o->kind != WL_FILE)
        return -ENODEV;
    if ((o->flags & O_ACCMODE) == O_WRONLY || ((flags & MAP_TYPE) == MAP_SHARED && (prot & PROT_WRITE)))
        return -EACCES; /* shared writable mappings of files are not offered */
    if (offset > INT64_MAX - a[1])
        return -EOVERFLOW;
    *file = o;
    return 0;
}

static int64_t sys_mmap(wl_linux *lx, const uint64_t *a)
{
    const wl_open *file;
    uint64_t addr = a[0], size = page_up(a[1]), flags = a[3];
    int64_t r = check_mapping(lx, a, &file);
    if (r < 0)
        return r;
    if (!size || size > WL_USER_END)
        return -ENOMEM;
    bool fixed = flags & (MAP_FIXED | MAP_FIXED_NOREPLACE);
    if (fixed) {
        if (addr % WL_PAGE || addr < WL_PAGE || addr > WL_USER_END - size)
            return addr % WL_PAGE ? -EINVAL : -ENOMEM;
        if (!(flags & MAP_FIXED) && !wl_memory_is_free(lx->memory, addr, size))
            return -EEXIST;
        wl_memory_unmap(lx->memory, addr, size);
    } else {
        addr = wl_memory_find(lx->memory, size);
    }
    r = addr ? wl_memory_map(lx->memory, addr, size, (unsigned)a[2]) : -ENOMEM;
    if (r == 0 && file)
        r = fill_from_file(lx, file, addr, a[1], a[5]);
    return r < 0 ? r : (int64_t)addr;
}

static int64_t sys_munmap(wl_linux *lx, const uint64_t *a)
{
    uint64_t size = page_up(a[1]);
    return size ? wl_memory_unmap(lx->memory, a[0], size) : -EINVAL;
}

static int64_t sys_mprotect(wl_linux *lx, const uint64_t *a)
{
    uint64_t size = page_up(a[1]);
    if (a[0] % WL_PAGE || (a[2] & ~UINT64_C(7)))
        return -EINVAL;
    return a[1] == 0 ? 0 : wl_memory_protect(lx->memory, a[0], size, (unsigned)a[2]);
}

static int64_t sys_mremap(wl_linux *lx, const uint64_t *a)
{
    uint64_t addr = a[0], old = page_up(a[1]), new = page_up(a[2]), flags = a[3];
    int prot = wl_memory_prot(lx->memory, addr);
    if (addr % WL_PAGE || !old || !new || (flags & ~(uint64_t)(MREMAP_MAYMOVE | MREMAP_FIXED))
        || ((flags & MREMAP_FIXED) && !(flags & MREMAP_MAYMOVE)))
        return -EINVAL;
    uint64_t n = old;
    if (addr > WL_USER_END - old || !wl_memory_span(lx->memory, addr, &n, 0) || n < old)
        return -EFAULT;
    if (flags & MREMAP_FIXED) {
        uint64_t to = a[4];
        if (to % WL_PAGE || new > WL_USER_END || to > WL_USER_END - new || (to < addr + old && addr < to + new))
            return -EINVAL;
        wl_memory_unmap(lx->memory, to, new);
        int r = wl_memory_move(lx->memory, addr, old, to, new);
        return r < 0 ? r : (int64_t)to;
    }
    if (new <= old) {
        if (new < old)
            wl_memory_unmap(lx->memory, addr + new, old - new);
        return (int64_t)addr;
    }
    if (wl_memory_is_free(lx->memory, addr + old, new - old)
        && wl_memory_map(lx->memory, addr + old, new - old, (unsigned)prot) == 0)
        return (int64_t)addr;
    if (!(flags & MREMAP_MAYMOVE))
        return -ENOMEM;
    uint64_t to = wl_memory_find(lx->memory, new);
    int r = to ? wl_memory_move(lx->memory, addr, old, to, new) : -ENOMEM;
    return r < 0 ? r : (int64_t)to;
}

/* MADV_DONTNEED gives zeroed pages afterwards, which allocators rely on; all else is advice. */
static int64_t sys_madvise(wl_linux *lx, const uint64_t *a)
{
    uint64_t addr = a[0], size = page_up(a[1]);
    if (addr % WL_PAGE)
        return -EINVAL;
    while (a[2] == MADV_DONTNEED && size) {
        uint64_t n = size;
        uint8_t *at = wl_memory_span(lx->memory, addr, &n, 0);
        if (!at)
            return -ENOMEM;
        if (madvise(at, n, MADV_DONTNEED) < 0)
            memset(at, 0, n);
        addr += n, size -= n;
    }
    return 0;
}

static int64_t sys_accept_advice(wl_linux *lx, const uint64_t *a)
{
    (void)lx, (void)a;
    return 0;
}

wl_sys wl_linux_memory_call(uint64_t nr)
{
    switch (nr) {
    case SYS_brk: return sys_brk;
    case SYS_mmap: return sys_mmap;
    case SYS_munmap: return sys_munmap;
    case SYS_mprotect: return sys_mprotect;
    case SYS_mremap: return sys_mremap;
    case SYS_madvise: return sys_madvise;
    case SYS_mlock: case SYS_munlock: case SYS_mlockall: case SYS_munlockall: case SYS_membarrier: return sys_accept_advice;
    default: return NULL;
    }
}
