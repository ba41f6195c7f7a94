/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Caches, TLBs, page walks and memory of a machine file. Prefetchers: cpu-machine-prefetch.c. */
#include "cpu-machine-read.h"

#include <string.h>

static bool check_cache(sim_config *c, const char *group, const char *level, const cpu_cache_desc *d, GError **error)
{
    if (d->size == 0)
        return true;
    g_autofree char *key = g_strdup_printf("%s-ways", level);
    uint64_t lines = d->size / d->line;
    if (d->size % d->line || lines == 0 || lines > (UINT64_C(1) << 26))
        return sim_config_fail(c, error, group, level, "%" G_GUINT64_FORMAT " bytes are not a whole number of %u-byte lines (at most 2^26 of them)",
                               d->size, d->line);
    if (d->ways == 0 || lines % d->ways)
        return sim_config_fail(c, error, group, key, "%u ways do not divide the %" G_GUINT64_FORMAT " lines of %s evenly", d->ways, lines, level);
    return true;
}

/* Ways of other policies than LRU are numbered in a byte, a tree is one word of bits. */
static bool read_policy(sim_config *c, const char *group, const char *key, cpu_cache_desc *d, GError **error)
{
    static const char *const names[] = {"lru", "plru", "srrip", "random", "fifo", NULL};
    d->policy = (cpu_replacement)sim_config_choice(c, group, key, CPU_REPLACE_LRU, names, error);
    if (*error)
        return false;
    if (d->policy == CPU_REPLACE_PLRU && (d->ways > 32 || d->ways & (d->ways - 1)))
        return sim_config_fail(c, error, group, key, "plru needs a power of two of ways, up to 32; there are %u", d->ways);
    if (d->policy != CPU_REPLACE_LRU && d->ways > 256)
        return sim_config_fail(c, error, group, key, "%s is for up to 256 ways; there are %u", names[d->policy], d->ways);
    return true;
}

static bool read_inclusion(sim_config *c, const char *group, const char *key, cpu_cache_desc *d, GError **error)
{
    static const char *const names[] = {"usual", "inclusive", "exclusive", "nine", NULL};
    d->inclusion = (cpu_inclusion)sim_config_choice(c, group, key, CPU_INCLUSION_USUAL, names, error);
    return *error == NULL;
}

bool cpu_read_cache(sim_config *c, const char *group, const char *level, uint32_t line, bool required, cpu_cache_desc *d, GError **error)
{
    g_autofree char *ways = g_strdup_printf("%s-ways", level);
    g_autofree char *latency = g_strdup_printf("%s-latency", level);
    g_autofree char *policy = g_strdup_printf("%s-replacement", level);
    d->size = sim_config_size(c, group, level, 0, error);
    d->ways = (uint32_t)sim_config_uint(c, group, ways, 8, 1, 1024, error);
    d->latency = (uint32_t)sim_config_uint(c, group, latency, 4, 1, 1000, error);
    d->line = line;
    if (*error)
        return false;
    if (required && d->size == 0)
        return sim_config_fail(c, error, group, level, "is missing; give its size, for example 32KiB");
    return check_cache(c, group, level, d, error) && read_policy(c, group, policy, d, error);
}

bool cpu_read_tlb(sim_config *c, const char *group, const char *name, uint32_t entries, uint32_t ways, cpu_tlb_desc *d, GError **error)
{
    g_autofree char *ways_key = g_strdup_printf("%s-ways", name);
    d->entries = (uint32_t)sim_config_uint(c, group, name, entries, 0, 65536, error);
    d->ways = (uint32_t)sim_config_uint(c, group, ways_key, MIN(ways, MAX(d->entries, 1)), 1, 1024, error);
    if (*error)
        return false;
    if (d->entries % d->ways)
        return sim_config_fail(c, error, group, ways_key, "%u ways do not divide %u entries evenly", d->ways, d->entries);
    if (d->entries && (d->entries / d->ways & (d->entries / d->ways - 1)))
        return sim_config_fail(c, error, group, name, "%u entries in %u ways make %u sets; a power of two is needed", d->entries, d->ways,
                               d->entries / d->ways);
    return true;
}

/* `page-walk = CYCLES` or `walk`. */
static bool read_walk(sim_config *c, const char *group, cpu_core_desc *k, GError **error)
{
    static const char *const caches[] = {"walk-pde", "walk-pdpte", "walk-pml4e"};
    /* Estimates: see cpu-walk.c. */
    static const uint32_t usual[] = {32, 4, 2};
    g_autofree char *text = sim_config_string(c, group, "page-walk", "30", error);
    if (*error)
        return false;
    k->walk.enabled = g_str_equal(text, "walk");
    k->page_walk = k->walk.enabled ? 0 : cpu_read_uint(c, group, "page-walk", 30, 1, 2000, error);
    if (*error) {
        g_clear_error(error);
        return sim_config_fail(c, error, group, "page-walk", "'%s' is neither cycles from 1 to 2000 nor 'walk' (through the caches)", text);
    }
    for (unsigned i = 0; i < G_N_ELEMENTS(caches); i++)
        k->walk.cached[i] = cpu_read_uint(c, group, caches[i], usual[i], 0, 256, error);
    k->walk.nested = sim_config_bool(c, group, "nested-paging", false, error);
    k->walk.nested_tlb = cpu_read_uint(c, group, "nested-tlb", 16, 0, 256, error); /* estimate */
    if (*error)
        return false;
    if (k->walk.nested && !k->walk.enabled)
        return sim_config_fail(c, error, group, "nested-paging", "needs page-walk = walk");
    return true;
}

static bool read_l2(sim_config *c, const char *group, cpu_core_desc *k, GError **error)
{
    static const char *const writes[] = {"back", "through", NULL};
    k->l1d_through = sim_config_choice(c, group, "l1d-write", 0, writes, error) == 1;
    k->l2_shared = cpu_read_uint(c, group, "l2-shared", 1, 1, CPU_MAX_LPS, error);
    k->l2_mshrs = cpu_read_uint(c, group, "l2-mshrs", 0, 0, 64, error);
    if (*error || !read_inclusion(c, group, "l2-inclusion", &k->l2, error))
        return false;
    if (k->l1d_through && k->l2.inclusion == CPU_INCLUSION_EXCLUSIVE)
        return sim_config_fail(c, error, group, "l1d-write", "an L1D can not be written through to an exclusive L2");
    return true;
}

bool cpu_read_core_memory(sim_config *c, const char *group, uint32_t line, cpu_core_desc *k, GError **error)
{
    k->mshrs = cpu_read_uint(c, group, "mshrs", 10, 1, 64, error);
    if (*error || !cpu_read_cache(c, group, "l1i", line, true, &k->l1i, error) || !cpu_read_cache(c, group, "l1d", line, true, &k->l1d, error) ||
        !cpu_read_cache(c, group, "l2", line, true, &k->l2, error) || !read_l2(c, group, k, error))
        return false;
    k->latency[CPU_RES_LOAD] = k->l1d.latency;
    if (!cpu_read_tlb(c, group, "itlb", 64, 4, &k->itlb, error) || !cpu_read_tlb(c, group, "dtlb", 64, 4, &k->dtlb, error) ||
        !cpu_read_tlb(c, group, "stlb", 0, 4, &k->stlb, error))
        return false;
    if (k->itlb.entries == 0 || k->dtlb.entries == 0)
        return sim_config_fail(c, error, group, k->itlb.entries == 0 ? "itlb" : "dtlb", "0 entries; at least 1 is needed");
    k->stlb_hit = cpu_read_uint(c, group, "stlb-latency", 7, 1, 200, error);
    k->tlb_tagged = sim_config_bool(c, group, "tlb-tagged", false, error);
    return *error == NULL && read_walk(c, group, k, error) && cpu_read_prefetchers(c, group, k, error);
}

/* DRAM banks: figures of a speed grade, with their units. */
static bool read_dram(sim_config *c, uint32_t line, cpu_machine *m, GError **error)
{
    cpu_dram_desc *d = &m->dram;
    m->mem_channels = cpu_read_uint(c, "memory", "channels", 1, 1, 64, error);
    m->bus_bandwidth = sim_config_size(c, "memory", "bus-bandwidth", 0, error);
    d->banks = cpu_read_uint(c, "memory", "banks", 0, 0, 1024, error);
    uint64_t row = sim_config_size(c, "memory", "row", 8192, error);
    d->rcd = sim_config_time(c, "memory", "t-rcd", 14 * SIM_PS_PER_NS, error); /* JESD79-4, DDR4-2133P: 15-15-15, 14.06 ns each */
    d->rp = sim_config_time(c, "memory", "t-rp", 14 * SIM_PS_PER_NS, error);
    d->cas = sim_config_time(c, "memory", "t-cas", 14 * SIM_PS_PER_NS, error);
    if (*error)
        return false;
    if (m->bus_bandwidth && m->bus_bandwidth < 1000000)
        return sim_config_fail(c, error, "memory", "bus-bandwidth", "is below 1MB (per second)");
    if (d->banks & (d->banks - 1))
        return sim_config_fail(c, error, "memory", "banks", "%u is not a power of two", d->banks);
    if (row < line || row > (1u << 20) || row & (row - 1))
        return sim_config_fail(c, error, "memory", "row", "%" G_GUINT64_FORMAT " bytes; a power of two from a line to 1MiB is needed", row);
    if (MAX(MAX(d->rcd, d->rp), d->cas) > SIM_PS_PER_NS * 1000)
        return sim_config_fail(c, error, "memory", "t-rcd", "t-rcd, t-rp and t-cas are at most 1us each");
    if (d->banks && d->rcd >= m->mem_latency_ns * SIM_PS_PER_NS)
        return sim_config_fail(c, error, "memory", "t-rcd", "is not below the latency, of which it is a part");
    d->row = (uint32_t)row;
    return true;
}

bool cpu_read_memory(sim_config *c, uint32_t line, cpu_machine *m, GError **error)
{
    if (sim_config_has_group(c, "l3")) {
        m->l3.size = sim_config_size(c, "l3", "size", 0, error);
        m->l3.ways = cpu_read_uint(c, "l3", "ways", 16, 1, 1024, error);
        m->l3.latency = cpu_read_uint(c, "l3", "latency", 40, 1, 1000, error);
        m->l3.line = line;
        if (*error || !check_cache(c, "l3", "size", &m->l3, error) || !read_policy(c, "l3", "replacement", &m->l3, error) ||
            !read_inclusion(c, "l3", "inclusion", &m->l3, error))
            return false;
    }
    m->mem_latency_ns = (uint32_t)(sim_config_time(c, "memory", "latency", 80 * SIM_PS_PER_NS, error) / SIM_PS_PER_NS);
    m->mem_bandwidth = sim_config_size(c, "memory", "bandwidth", UINT64_C(20000000000), error);
    if (*error)
        return false;
    if (m->mem_bandwidth < 1000000)
        return sim_config_fail(c, error, "memory", "bandwidth", "is below 1MB (per second)");
    return read_dram(c, line, m, error);
}
