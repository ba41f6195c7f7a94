/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "wl-memory.h"

#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* A reservation: guest address a lies at host + (a - start). */
typedef struct {
    uint64_t start, end;
    uint8_t *host;
} zone;

typedef struct {
    uint64_t start, end;
    uint8_t *host;
    uint32_t zone; /* its start tells zones apart */
    unsigned prot;
} region;

#define MAX_ZONES 64

struct wl_memory {
    uc_engine *uc;
    uint64_t limit, mapped;
    uint64_t code_changes;
    zone zones[MAX_ZONES];
    unsigned n_zones;
    GArray *regions; /* of region, ascending */
};

static unsigned normal_prot(unsigned prot)
{
    return prot & (WL_WRITE | WL_EXEC) ? prot | WL_READ : prot;
}

wl_memory *wl_memory_new(uint64_t limit, uc_engine *uc)
{
    wl_memory *m = g_new0(wl_memory, 1);
    m->uc = uc;
    m->limit = limit;
    m->regions = g_array_new(FALSE, FALSE, sizeof(region));
    return m;
}

void wl_memory_free(wl_memory *m)
{
    if (!m)
        return;
    for (unsigned i = 0; i < m->n_zones; i++)
        munmap(m->zones[i].host, m->zones[i].end - m->zones[i].start);
    g_array_free(m->regions, TRUE);
    g_free(m);
}

static bool range_ok(uint64_t addr, uint64_t size)
{
    return size && !(addr % WL_PAGE) && !(size % WL_PAGE) && addr < WL_USER_END && size <= WL_USER_END - addr;
}

int wl_memory_reserve(wl_memory *m, uint64_t start, uint64_t end)
{
    if (end <= start || !range_ok(start, end - start))
        return -EINVAL;
    if (m->n_zones == MAX_ZONES)
        return -ENOMEM;
    for (unsigned i = 0; i < m->n_zones; i++)
        if (start < m->zones[i].end && m->zones[i].start < end)
            return -ENOMEM;
    void *host = mmap(NULL, end - start, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (host == MAP_FAILED)
        return -ENOMEM;
    /* Huge pages would be charged to guests that touch one page of them. */
    madvise(host, end - start, MADV_NOHUGEPAGE);
    m->zones[m->n_zones++] = (zone){ .start = start, .end = end, .host = host };
    return 0;
}

static int zone_of(const wl_memory *m, uint64_t addr, uint64_t size)
{
    for (unsigned i = 0; i < m->n_zones; i++)
        if (addr >= m->zones[i].start && addr + size <= m->zones[i].end)
            return (int)i;
    return -1;
}

/* Index of the first region that ends beyond addr. */
static unsigned first_beyond(const wl_memory *m, uint64_t addr)
{
    unsigned lo = 0, hi = m->regions->len;
    while (lo < hi) {
        unsigned mid = (lo + hi) / 2;
        if (g_array_index(m->regions, region, mid).end <= addr)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

static int engine_map(wl_memory *m, const region *r)
{
    if (r->prot & WL_EXEC)
        m->code_changes++;
    if (!m->uc || !r->prot)
        return 0;
    uint32_t perms = UC_PROT_READ | (r->prot & WL_WRITE ? UC_PROT_WRITE : 0) | (r->prot & WL_EXEC ? UC_PROT_EXEC : 0);
    return uc_mem_map_ptr(m->uc, r->start, r->end - r->start, perms, r->host) == UC_ERR_OK ? 0 : -ENOMEM;
}

static void engine_unmap(wl_memory *m, const region *r)
{
    if (r->prot & WL_EXEC)
        m->code_changes++;
    if (m->uc && r->prot)
        uc_mem_unmap(m->uc, r->start, r->end - r->start);
}

bool wl_memory_attach(wl_memory *m, uc_engine *uc)
{
    bool ok = true;
    m->uc = uc;
    for (unsigned i = 0; i < m->regions->len; i++)
        ok &= engine_map(m, &g_array_index(m->regions, region, i)) == 0;
    return ok;
}

/* Joins neighbours with the same rights, smaller ones first: Unicorn looks regions up on every access, and
 * remapping is dear, so a region joins its left neighbour only once it has grown as large. */
static void merge_left(wl_memory *m, unsigned i)
{
    while (i > 0) {
        region *left = &g_array_index(m->regions, region, i - 1);
        region *right = &g_array_index(m->regions, region, i);
        if (left->end != right->start || left->prot != right->prot || left->zone != right->zone
            || left->end - left->start > right->end - right->start)
            return;
        engine_unmap(m, left);
        engine_unmap(m, right);
        left->end = right->end;
        engine_map(m, left);
        g_array_remove_index(m->regions, i);
        i--;
    }
}

bool wl_memory_is_free(const wl_memory *m, uint64_t addr, uint64_t size)
{
    unsigned i = first_beyond(m, addr);
    return i == m->regions->len || g_array_index(m->regions, region, i).start >= addr + size;
}

int wl_memory_map(wl_memory *m, uint64_t addr, uint64_t size, unsigned prot)
{
    prot = normal_prot(prot);
    if (!range_ok(addr, size))
        return -EINVAL;
    if ((prot && size > m->limit - m->mapped) || !wl_memory_is_free(m, addr, size))
        return -ENOMEM;
    int z = zone_of(m, addr, size);
    if (z < 0) {
        int r = wl_memory_reserve(m, addr, addr + size);
        if (r < 0)
            return r;
        z = (int)m->n_zones - 1;
    }
    region r = {
        .start = addr, .end = addr + size, .prot = prot, .zone = (uint32_t)z,
        .host = m->zones[z].host + (addr - m->zones[z].start),
    };
    if (mprotect(r.host, size, PROT_READ | PROT_WRITE) < 0)
        return -ENOMEM;
    if (engine_map(m, &r) < 0)
        return -ENOMEM;
    if (prot)
        m->mapped += size;
    unsigned i = first_beyond(m, addr);
    g_array_insert_val(m->regions, i, r);
    merge_left(m, i);
    return 0;
}

/* Makes `at` a border between regions; page-aligned. */
static void split_at(wl_memory *m, uint64_t at)
{
    unsigned i = first_beyond(m, at);
    if (i == m->regions->len)
        return;
    region *left = &g_array_index(m->regions, region, i);
    if (left->start >= at)
        return;
    engine_unmap(m, left);
    region right = *left;
    right.start = at;
    right.host += at - left->start;
    left->end = at;
    engine_map(m, left);
    engine_map(m, &right);
    g_array_insert_val(m->regions, i + 1, right);
}

int wl_memory_unmap(wl_memory *m, uint64_t addr, uint64_t size)
{
    if (!range_ok(addr, size))
        return -EINVAL;
    split_at(m, addr);
    split_at(m, addr + size);
    unsigned i = first_beyond(m, addr);
    while (i < m->regions->len) {
        region r = g_array_index(m->regions, region, i);
        if (r.start >= addr + size)
            break;
        engine_unmap(m, &r);
        if (r.prot)
            m->mapped -= r.end - r.start;
        /* Fresh pages in place of the old ones: gives their memory back to the host. */
        if (mmap(r.host, r.end - r.start, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0) == MAP_FAILED)
            memset(r.host, 0, r.end - r.start);
        else
            madvise(r.host, r.end - r.start, MADV_NOHUGEPAGE);
        g_array_remove_index(m->regions, i);
    }
    return 0;
}

static bool covered(const wl_memory *m, uint64_t addr, uint64_t size, uint64_t *without_rights)
{
    uint64_t at = addr, end = addr + size;
    *without_rights = 0;
    for (unsigned i = first_beyond(m, addr); at < end; i++) {
        if (i == m->regions->len)
            return false;
        const region *r = &g_array_index(m->regions, region, i);
        if (r->start > at)
            return false;
        if (!r->prot)
            *without_rights += MIN(r->end, end) - at;
        at = r->end;
    }
    return true;
}

int wl_memory_protect(wl_memory *m, uint64_t addr, uint64_t size, unsigned prot)
{
    prot = normal_prot(prot);
    if (!range_ok(addr, size))
        return -EINVAL;
    uint64_t none;
    if (!covered(m, addr, size, &none) || (prot && none > m->limit - m->mapped))
        return -ENOMEM;
    split_at(m, addr);
    split_at(m, addr + size);
    for (unsigned i = first_beyond(m, addr); i < m->regions->len; i++) {
        region *r = &g_array_index(m->regions, region, i);
        if (r->start >= addr + size)
            break;
        if (r->prot == prot)
            continue;
        engine_unmap(m, r);
        if (!r->prot)
            m->mapped += r->end - r->start;
        r->prot = prot;
        if (!prot)
            m->mapped -= r->end - r->start;
        engine_map(m, r);
    }
    return 0;
}

uint64_t wl_memory_find(const wl_memory *m, uint64_t size)
{
    uint64_t top = WL_MMAP_TOP, floor = 0;
    int z = zone_of(m, WL_MMAP_TOP - WL_PAGE, WL_PAGE);
    if (z >= 0)
        floor = m->zones[z].start;
    unsigned i = first_beyond(m, top - 1);
    if (i < m->regions->len && g_array_index(m->regions, region, i).start < top)
        top = g_array_index(m->regions, region, i).start;
    for (;; i--) {
        uint64_t below = i ? MAX(g_array_index(m->regions, region, i - 1).end, floor) : floor;
        if (below > top)
            return 0;
        if (size && top - below >= size)
            return top - size;
        if (i == 0 || below == floor)
            return 0;
        top = g_array_index(m->regions, region, i - 1).start;
    }
}

int wl_memory_prot(const wl_memory *m, uint64_t addr)
{
    unsigned i = first_beyond(m, addr);
    if (i == m->regions->len || g_array_index(m->regions, region, i).start > addr)
        return -1;
    return (int)g_array_index(m->regions, region, i).prot;
}

static uint8_t *span(const wl_memory *m, uint64_t addr, uint64_t *size, unsigned prot)
{
    unsigned i = first_beyond(m, addr);
    if (i == m->regions->len || *size == 0)
        return NULL;
    const region *first = &g_array_index(m->regions, region, i);
    if (first->start > addr || (first->prot & prot) != prot)
        return NULL;
    uint64_t end = first->end;
    while (end - addr < *size && ++i < m->regions->len) {
        const region *r = &g_array_index(m->regions, region, i);
        if (r->start != end || r->zone != first->zone || (r->prot & prot) != prot)
            break;
        end = r->end;
    }
    *size = MIN(*size, end - addr);
    return first->host + (addr - first->start);
}

uint8_t *wl_memory_span(const wl_memory *m, uint64_t addr, uint64_t *size, unsigned prot)
{
    return span(m, addr, size, normal_prot(prot));
}

static int put(wl_memory *m, uint64_t addr, const void *data, uint64_t size, unsigned prot)
{
    const uint8_t *from = data;
    while (size) {
        uint64_t n = size;
        uint8_t *to = span(m, addr, &n, prot);
        if (!to)
            return -EFAULT;
        memcpy(to, from, n);
        from += n, addr += n, size -= n;
    }
    return 0;
}

int wl_memory_put(wl_memory *m, uint64_t addr, const void *data, uint64_t size)
{
    return put(m, addr, data, size, WL_READ | WL_WRITE);
}

int wl_memory_load(wl_memory *m, uint64_t addr, const void *data, uint64_t size)
{
    return put(m, addr, data, size, 0);
}

int wl_memory_move(wl_memory *m, uint64_t from, uint64_t from_size, uint64_t to, uint64_t to_size)
{
    uint64_t n = from_size;
    int prot = wl_memory_prot(m, from);
    const uint8_t *old = span(m, from, &n, 0);
    if (!old || n < from_size)
        return -EFAULT;
    if (to_size > from_size && prot > 0 && to_size - from_size > m->limit - m->mapped)
        return -ENOMEM;
    uint64_t limit = m->limit;
    m->limit += to_size; /* both copies exist for a moment */
    int r = wl_memory_map(m, to, to_size, (unsigned)prot);
    m->limit = limit;
    if (r < 0)
        return r;
    n = from_size;
    old = span(m, from, &n, 0);
    r = wl_memory_load(m, to, old, MIN(from_size, to_size));
    wl_memory_unmap(m, from, from_size);
    return r;
}

int wl_memory_get(const wl_memory *m, uint64_t addr, void *data, uint64_t size)
{
    uint8_t *to = data;
    while (size) {
        uint64_t n = size;
        const uint8_t *from = span(m, addr, &n, WL_READ);
        if (!from)
            return -EFAULT;
        memcpy(to, from, n);
        to += n, addr += n, size -= n;
    }
    return 0;
}

int wl_memory_get_string(const wl_memory *m, uint64_t addr, char *data, uint64_t size)
{
    while (size) {
        uint64_t n = size;
        const uint8_t *from = span(m, addr, &n, WL_READ);
        if (!from)
            return -EFAULT;
        const uint8_t *nul = memchr(from, 0, n);
        if (nul)
            n = (uint64_t)(nul - from) + 1;
        memcpy(data, from, n);
        if (nul)
            return 0;
        data += n, addr += n, size -= n;
    }
    return -ENAMETOOLONG;
}

uint64_t wl_memory_mapped(const wl_memory *m)
{
    return m->mapped;
}

uint64_t wl_memory_limit(const wl_memory *m)
{
    return m->limit;
}

uint64_t wl_memory_code_changes(const wl_memory *m)
{
    return m->code_changes;
}

/* /proc/PID/pagemap (Documentation/admin-guide/mm/pagemap.rst): bit 63 present, bit 62 swapped. */
static uint64_t touched_by_pagemap(int fd, const region *r)
{
    uint64_t entries[512], touched = 0;
    uint64_t page = (uintptr_t)r->host / WL_PAGE, n = (r->end - r->start) / WL_PAGE;
    while (n) {
        ssize_t got = pread(fd, entries, MIN(n, G_N_ELEMENTS(entries)) * 8, (off_t)(page * 8));
        if (got <= 0)
            break;
        for (unsigned i = 0; i < (size_t)got / 8; i++)
            touched += (entries[i] >> 62) != 0;
        page += (uint64_t)got / 8, n -= (uint64_t)got / 8;
    }
    return touched * WL_PAGE;
}

static uint64_t touched_by_mincore(const region *r)
{
    unsigned char present[512];
    uint64_t touched = 0, n = (r->end - r->start) / WL_PAGE;
    for (uint64_t at = 0; at < n; at += sizeof present) {
        uint64_t some = MIN(n - at, sizeof present);
        if (mincore(r->host + at * WL_PAGE, some * WL_PAGE, present) < 0)
            break;
        for (unsigned i = 0; i < some; i++)
            touched += present[i] & 1;
    }
    return touched * WL_PAGE;
}

uint64_t wl_memory_touched(const wl_memory *m)
{
    uint64_t touched = 0;
    int fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
    for (unsigned i = 0; i < m->regions->len; i++) {
        const region *r = &g_array_index(m->regions, region, i);
        touched += fd >= 0 ? touched_by_pagemap(fd, r) : touched_by_mincore(r);
    }
    if (fd >= 0)
        close(fd);
    return touched;
}
