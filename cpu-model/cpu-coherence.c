/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Coherence by invalidation between the cores of an L2, the L2s of a package, and packages. */
#include "cpu-coherence.h"

/* Whether a cache may hold a line of this owner. Virtual machines mostly run on few of the cores: this spares the others the look-up. */
static inline bool has_owner(const cpu_cache *c, uint32_t owner)
{
    return c->owned[owner] != 0;
}

static bool purge_l1(cpu_mem_core *c, uint64_t line, uint32_t owner, bool *present)
{
    bool dirty = false;
    if (has_owner(&c->l1d, owner)) {
        uint64_t word = cpu_cache_remove(&c->l1d, line);
        *present |= word != CPU_LINE_NONE;
        dirty = cpu_cache_is_dirty(&c->l1d, word);
    }
    if (has_owner(&c->l1i, owner))
        *present |= cpu_cache_remove(&c->l1i, line) != CPU_LINE_NONE;
    return dirty;
}

bool cpu_purge_l1s(cpu_memory *m, const cpu_mem_cluster *k, const cpu_mem_core *except, uint64_t line, bool *present)
{
    bool dirty = false;
    uint32_t owner = cpu_owner_of_line(m, line);
    for (cpu_mem_core *c = &m->cores[k->first], *end = c + k->n; c < end; c++)
        if (c != except)
            dirty |= purge_l1(c, line, owner, present);
    return dirty;
}

bool cpu_purge_cluster(cpu_memory *m, cpu_mem_cluster *k, uint64_t line, bool *present)
{
    bool dirty = cpu_purge_l1s(m, k, NULL, line, present);
    if (has_owner(&k->l2, cpu_owner_of_line(m, line))) {
        uint64_t word = cpu_cache_remove(&k->l2, line);
        *present |= word != CPU_LINE_NONE;
        dirty |= cpu_cache_is_dirty(&k->l2, word);
    }
    return dirty;
}

/* Makes a cache's copy clean and shared; true when it was dirty. */
static bool share(cpu_cache *cache, uint64_t line, uint32_t owner, bool *present)
{
    uint64_t *word = has_owner(cache, owner) ? cpu_cache_peek(cache, line) : NULL;
    if (!word)
        return false;
    *present = true;
    bool dirty = cpu_cache_is_dirty(cache, *word);
    cpu_cache_mark_clean(cache, word);
    *word |= CPU_LINE_SHARED;
    return dirty;
}

static bool share_l1s(cpu_memory *m, const cpu_mem_cluster *k, const cpu_mem_core *except, uint64_t line, bool *present)
{
    bool dirty = false;
    uint32_t owner = cpu_owner_of_line(m, line);
    for (cpu_mem_core *c = &m->cores[k->first], *end = c + k->n; c < end; c++) {
        if (c == except)
            continue;
        dirty |= share(&c->l1d, line, owner, present);
        *present |= has_owner(&c->l1i, owner) && cpu_cache_peek(&c->l1i, line);
    }
    return dirty;
}

bool cpu_snoop_neighbours(cpu_memory *m, const cpu_mem_core *c, uint64_t line, bool write, bool *dirty, cpu_mem_result *r)
{
    cpu_mem_cluster *k = c->cluster;
    bool present = false, had;
    if (write) {
        had = cpu_purge_l1s(m, k, c, line, &present);
        k->invalidated += present;
        r->invalidations += present;
        present = false;
    } else {
        had = share_l1s(m, k, c, line, &present);
    }
    k->forwarded += had;
    r->forwards += had;
    *dirty |= had;
    return present;
}

uint64_t cpu_snoop_package(cpu_memory *m, unsigned package, const cpu_mem_cluster *except, uint64_t sharers, uint64_t line, bool write, bool *dirty,
                           bool *present, cpu_mem_result *r)
{
    const cpu_mem_package *p = &m->packages[package];
    uint64_t holders = 0;
    for (cpu_mem_cluster *k = &m->clusters[p->first], *end = k + p->n; k < end; k++) {
        if (k == except || !(sharers & k->sharer))
            continue;
        bool here = false, had;
        if (write) {
            had = cpu_purge_cluster(m, k, line, &here);
            k->invalidated += here;
            r->invalidations += here;
        } else {
            had = share_l1s(m, k, NULL, line, &here);
            had |= share(&k->l2, line, cpu_owner_of_line(m, line), &here);
            if (here)
                holders |= k->sharer;
        }
        k->forwarded += had;
        r->forwards += had;
        *dirty |= had;
        *present |= here;
    }
    return holders;
}

bool cpu_snoop_packages(cpu_memory *m, const cpu_mem_core *c, uint64_t line, bool write, uint64_t at, cpu_mem_result *r)
{
    bool found = false;
    for (unsigned p = 0; p < m->desc->n_packages; p++) {
        if (p == c->package)
            continue;
        cpu_cache *l3 = &m->packages[p].l3;
        uint64_t *word = m->l3 ? cpu_cache_peek(l3, line) : NULL;
        bool inclusive = m->l3 && m->l3_inclusion == CPU_INCLUSION_INCLUSIVE;
        if (inclusive && !word)
            continue;
        bool dirty = word && *word & CPU_LINE_DIRTY;
        found |= word != NULL;
        uint64_t left = cpu_snoop_package(m, p, NULL, inclusive ? *word & CPU_LINE_SHARERS : UINT64_MAX, line, write, &dirty, &found, r);
        if (word && write) {
            cpu_cache_remove(l3, line);
        } else if (word) {
            cpu_cache_mark_clean(l3, word);
            *word = (*word & ~(uint64_t)CPU_LINE_SHARERS) | left | CPU_LINE_SHARED;
        }
        if (dirty)
            cpu_write_to_memory(m, c, p, line, at, r);
    }
    return found;
}

uint32_t cpu_memory_upgrade(cpu_memory *m, unsigned core, uint64_t line, uint64_t *word, uint64_t at, cpu_mem_result *r)
{
    cpu_mem_core *c = &m->cores[core];
    cpu_mem_cluster *k = c->cluster;
    cpu_mem_package *p = &m->packages[c->package];
    bool dirty = false, present = false;
    uint64_t *below = cpu_cache_peek(&k->l2, line); /* may be `word` itself */
    bool here_only = below && !(*below & CPU_LINE_SHARED);
    *word &= ~(uint64_t)CPU_LINE_SHARED;
    if (k->n > 1) {
        cpu_snoop_neighbours(m, c, line, true, &dirty, r);
        if (here_only)
            return k->l2.latency;
    }
    if (below)
        *below &= ~(uint64_t)CPU_LINE_SHARED;
    uint64_t sharers = UINT64_MAX;
    uint64_t *home = m->l3 ? cpu_cache_peek(&p->l3, line) : NULL;
    if (home) {
        if (m->l3_inclusion == CPU_INCLUSION_INCLUSIVE)
            sharers = *home & CPU_LINE_SHARERS;
        *home = (*home & ~(uint64_t)(CPU_LINE_SHARERS | CPU_LINE_SHARED)) | k->sharer;
    }
    cpu_snoop_package(m, c->package, k, sharers, line, true, &dirty, &present, r);
    if (m->desc->n_packages > 1)
        cpu_snoop_packages(m, c, line, true, at, r);
    return m->l3 ? p->l3.latency : c->mem_cycles / 2;
}
