/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Caches, TLBs and memory of a machine file. */
#include "cpu-machine-read.h"

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

bool cpu_read_cache(sim_config *c, const char *group, const char *level, uint32_t line, bool required, cpu_cache_desc *d, GError **error)
{
    g_autofree char *ways = g_strdup_printf("%s-ways", level);
    g_autofree char *latency = g_strdup_printf("%s-latency", level);
    d->size = sim_config_size(c, group, level, 0, error);
    d->ways = (uint32_t)sim_config_uint(c, group, ways, 8, 1, 1024, error);
    d->latency = (uint32_t)sim_config_uint(c, group, latency, 4, 1, 1000, error);
    d->line = line;
    if (*error)
        return false;
    if (required && d->size == 0)
        return sim_config_fail(c, error, group, level, "is missing; give its size, for example 32KiB");
    return check_cache(c, group, level, d, error);
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

bool cpu_read_core_memory(sim_config *c, const char *group, uint32_t line, cpu_core_desc *k, GError **error)
{
    k->mshrs = cpu_read_uint(c, group, "mshrs", 10, 1, 64, error);
    if (*error || !cpu_read_cache(c, group, "l1i", line, true, &k->l1i, error) || !cpu_read_cache(c, group, "l1d", line, true, &k->l1d, error) ||
        !cpu_read_cache(c, group, "l2", line, true, &k->l2, error))
        return false;
    k->latency[CPU_RES_LOAD] = k->l1d.latency;
    if (!cpu_read_tlb(c, group, "itlb", 64, 4, &k->itlb, error) || !cpu_read_tlb(c, group, "dtlb", 64, 4, &k->dtlb, error) ||
        !cpu_read_tlb(c, group, "stlb", 0, 4, &k->stlb, error))
        return false;
    if (k->itlb.entries == 0 || k->dtlb.entries == 0)
        return sim_config_fail(c, error, group, k->itlb.entries == 0 ? "itlb" : "dtlb", "0 entries; at least 1 is needed");
    k->stlb_hit = cpu_read_uint(c, group, "stlb-latency", 7, 1, 200, error);
    k->page_walk = cpu_read_uint(c, group, "page-walk", 30, 1, 2000, error);
    k->tlb_tagged = sim_config_bool(c, group, "tlb-tagged", false, error);
    return *error == NULL;
}

bool cpu_read_memory(sim_config *c, uint32_t line, cpu_machine *m, GError **error)
{
    if (sim_config_has_group(c, "l3")) {
        m->l3.size = sim_config_size(c, "l3", "size", 0, error);
        m->l3.ways = cpu_read_uint(c, "l3", "ways", 16, 1, 1024, error);
        m->l3.latency = cpu_read_uint(c, "l3", "latency", 40, 1, 1000, error);
        m->l3.line = line;
        if (*error || !check_cache(c, "l3", "size", &m->l3, error))
            return false;
    }
    m->mem_latency_ns = (uint32_t)(sim_config_time(c, "memory", "latency", 80 * SIM_PS_PER_NS, error) / SIM_PS_PER_NS);
    m->mem_bandwidth = sim_config_size(c, "memory", "bandwidth", UINT64_C(20000000000), error);
    if (*error)
        return false;
    if (m->mem_bandwidth < 1000000)
        return sim_config_fail(c, error, "memory", "bandwidth", "is below 1MB (per second)");
    return true;
}
