/* SPDX-License-Identifier: GPL-2.0-or-later */
/* WBINVD. */
#include "cpu-coherence.h"

static void flush(cpu_cache *cache, GArray *dirty, cpu_flush_result *r)
{
    if (!cache->sets)
        return;
    r->invalidated += cache->valid;
    cpu_cache_flush(cache, dirty);
}

static void flush_cluster(cpu_memory *m, cpu_mem_cluster *k, GArray *dirty, cpu_flush_result *r)
{
    for (unsigned i = k->first; i < k->first + k->n; i++) {
        flush(&m->cores[i].l1d, dirty, r);
        flush(&m->cores[i].l1i, dirty, r);
    }
    flush(&k->l2, dirty, r);
}

static int compare_lines(gconstpointer a, gconstpointer b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

/* How long it takes: every line's place is looked at, one a cycle in the largest cache (estimate: no vendor gives a figure), and the dirty lines go out
 * at the memory's bandwidth, whichever is longer. */
static uint64_t end_of(const cpu_memory *m, const cpu_mem_core *c, uint64_t at, uint64_t written)
{
    const cpu_cache *largest = m->l3 ? &m->packages[c->package].l3 : c->l2;
    uint64_t places = (uint64_t)largest->sets * largest->assoc;
    const cpu_dram *d = &m->packages[c->package].dram;
    sim_ps line = MAX(d->channels[0].slot / d->n_channels, m->bus.slot);
    uint64_t bus = sim_ps_to_cycles(line * written, c->hz_sub);
    return at + MAX(places << 6, bus);
}

void cpu_memory_flush(cpu_memory *m, unsigned core, uint64_t at, cpu_flush_result *result)
{
    cpu_mem_core *c = &m->cores[core];
    cpu_mem_package *p = &m->packages[c->package];
    g_autoptr(GArray) dirty = g_array_new(FALSE, FALSE, sizeof(uint64_t));
    *result = (cpu_flush_result){0};
    if (m->l3 && m->l3_inclusion == CPU_INCLUSION_INCLUSIVE)
        for (unsigned k = p->first; k < p->first + p->n; k++)
            flush_cluster(m, &m->clusters[k], dirty, result);
    else
        flush_cluster(m, c->cluster, dirty, result);
    if (m->l3)
        flush(&p->l3, dirty, result);
    /* A line that was dirty at several levels is written once. */
    g_array_sort(dirty, compare_lines);
    uint64_t last = UINT64_MAX;
    for (guint i = 0; i < dirty->len; i++) {
        uint64_t line = g_array_index(dirty, uint64_t, i);
        cpu_mem_result r = {0};
        if (line != last)
            cpu_write_to_memory(m, c, c->package, line, at, &r);
        result->written += line != last;
        last = line;
    }
    result->end = end_of(m, c, at, result->written);
}
