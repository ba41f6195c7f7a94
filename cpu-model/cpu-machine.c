/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cpu-machine.h"

#include "sim-error.h"

#include <stdlib.h>
#include <string.h>

static const char *const resource_names[CPU_N_RES + 1] = {"alu", "branch", "shift", "mul", "fp-add", "fp-mul", "vec",
                                                          "shuffle", "div", "load", "store", "lea", NULL};

/* Reads "alu:4 branch:2 ..." into out; classes that are not named keep their value. */
static bool read_table(sim_config *c, const char *group, const char *key, uint32_t max, uint32_t out[CPU_N_RES], GError **error)
{
    g_autofree char *text = sim_config_string(c, group, key, NULL, error);
    if (!text)
        return *error == NULL;
    g_auto(GStrv) words = g_strsplit_set(text, " \t", -1);
    for (char **w = words; *w; w++) {
        if (!**w)
            continue;
        char *colon = strchr(*w, ':');
        if (!colon)
            return sim_config_fail(c, error, group, key, "'%s' is not CLASS:NUMBER, for example alu:4", *w);
        *colon = '\0';
        int res = -1;
        for (int i = 0; i < CPU_N_RES; i++)
            if (strcmp(*w, resource_names[i]) == 0)
                res = i;
        if (res < 0) {
            g_autofree char *hint = sim_suggest(*w, resource_names);
            return sim_config_fail(c, error, group, key, "unknown class '%s'%s", *w, hint);
        }
        guint64 value;
        if (!g_ascii_string_to_unsigned(colon + 1, 10, 1, max, &value, NULL))
            return sim_config_fail(c, error, group, key, "'%s' of %s is not a whole number from 1 to %u", colon + 1, *w, max);
        out[res] = (uint32_t)value;
    }
    return true;
}

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

static bool read_cache(sim_config *c, const char *group, const char *level, uint32_t line, bool required, cpu_cache_desc *d, GError **error)
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

static bool read_tlb(sim_config *c, const char *group, const char *name, uint32_t entries, uint32_t ways, cpu_tlb_desc *d, GError **error)
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

static uint32_t read_uint(sim_config *c, const char *group, const char *key, uint32_t fallback, uint32_t min, uint32_t max, GError **error)
{
    return (uint32_t)sim_config_uint(c, group, key, fallback, min, max, error);
}

static bool read_core(sim_config *c, const char *group, uint32_t line, cpu_core_desc *k, GError **error)
{
    static const char *const pipelines[] = {"inorder", "ooo", NULL};
    static const uint32_t default_units[CPU_N_RES] = {[0 ... CPU_N_RES - 1] = 1};
    static const uint32_t default_latency[CPU_N_RES] = {1, 1, 1, 3, 4, 4, 1, 1, 20, 0, 1, 1};

    k->name = g_strdup(group + strlen("core "));
    k->pipeline = (cpu_pipeline)sim_config_choice(c, group, "pipeline", CPU_PIPELINE_OOO, pipelines, error);
    k->hz = sim_config_hz(c, group, "frequency", UINT64_C(1000000000), error);
    k->threads = read_uint(c, group, "threads", 1, 1, 8, error);
    k->dispatch_width = read_uint(c, group, "width", 4, 1, 16, error);
    k->rob = read_uint(c, group, "rob", k->pipeline == CPU_PIPELINE_OOO ? 128 : 16, 4, 4096, error);
    k->mshrs = read_uint(c, group, "mshrs", 10, 1, 64, error);
    k->mispredict = read_uint(c, group, "mispredict", 15, 1, 200, error);
    k->btb_miss = read_uint(c, group, "btb-miss", 8, 0, 200, error);
    memcpy(k->units, default_units, sizeof k->units);
    memcpy(k->latency, default_latency, sizeof k->latency);
    if (*error || !read_table(c, group, "units", 16, k->units, error) || !read_table(c, group, "latencies", 500, k->latency, error))
        return false;
    k->div_busy = read_uint(c, group, "div-busy", k->latency[CPU_RES_DIV], 1, 500, error);
    if (*error || !read_cache(c, group, "l1i", line, true, &k->l1i, error) || !read_cache(c, group, "l1d", line, true, &k->l1d, error) ||
        !read_cache(c, group, "l2", line, true, &k->l2, error))
        return false;
    k->latency[CPU_RES_LOAD] = k->l1d.latency;
    if (!read_tlb(c, group, "itlb", 64, 4, &k->itlb, error) || !read_tlb(c, group, "dtlb", 64, 4, &k->dtlb, error) ||
        !read_tlb(c, group, "stlb", 0, 4, &k->stlb, error) || !read_tlb(c, group, "btb", 4096, 4, &k->btb, error))
        return false;
    if (k->itlb.entries == 0 || k->dtlb.entries == 0 || k->btb.entries == 0)
        return sim_config_fail(c, error, group, k->itlb.entries == 0 ? "itlb" : k->dtlb.entries == 0 ? "dtlb" : "btb", "0 entries; at least 1 is needed");
    k->stlb_hit = read_uint(c, group, "stlb-latency", 7, 1, 200, error);
    k->page_walk = read_uint(c, group, "page-walk", 30, 1, 2000, error);
    k->ras = read_uint(c, group, "return-stack", 16, 1, 256, error);
    k->gshare_bits = read_uint(c, group, "gshare-bits", 14, 4, 24, error);
    k->gshare_history = read_uint(c, group, "gshare-history", 12, 0, 24, error);
    k->emon_counters = read_uint(c, group, "emon-counters", 4, 1, 16, error);
    k->emon_read = read_uint(c, group, "emon-read", 30, 0, 10000, error);
    k->vm_exit = read_uint(c, group, "vm-exit", 1000, 0, 100000, error);
    k->vm_entry = read_uint(c, group, "vm-entry", 500, 0, 100000, error);
    k->syscall = read_uint(c, group, "syscall", 150, 0, 100000, error);
    k->tlb_tagged = sim_config_bool(c, group, "tlb-tagged", false, error);
    if (*error)
        return false;
    if (k->hz < 1000000 || k->hz > UINT64_C(10000000000))
        return sim_config_fail(c, error, group, "frequency", "is outside 1MHz to 10GHz");
    if (k->gshare_history > k->gshare_bits)
        return sim_config_fail(c, error, group, "gshare-history", "%u history bits exceed the %u index bits", k->gshare_history, k->gshare_bits);
    return true;
}

/* "big*4 small" -> cores of one package. */
static bool read_cores(sim_config *c, cpu_machine *m, GError **error)
{
    g_autofree char *text = sim_config_string(c, "machine", "cores", NULL, error);
    m->n_packages = read_uint(c, "machine", "packages", 1, 1, CPU_MAX_LPS, error);
    if (*error)
        return false;
    if (!text)
        text = g_strdup(m->kinds[0].name);
    const char *names[CPU_MAX_KINDS + 1] = {0};
    for (unsigned i = 0; i < m->n_kinds; i++)
        names[i] = m->kinds[i].name;
    g_auto(GStrv) words = g_strsplit_set(text, " ,\t", -1);
    for (unsigned p = 0; p < m->n_packages; p++)
        for (char **w = words; *w; w++) {
            if (!**w)
                continue;
            g_auto(GStrv) parts = g_strsplit(*w, "*", 2);
            guint64 count = 1;
            unsigned kind = 0;
            while (kind < m->n_kinds && strcmp(parts[0], names[kind]) != 0)
                kind++;
            if (kind == m->n_kinds) {
                g_autofree char *hint = sim_suggest(parts[0], names);
                return sim_config_fail(c, error, "machine", "cores", "there is no [core %s]%s", parts[0], hint);
            }
            if (parts[1] && !g_ascii_string_to_unsigned(parts[1], 10, 1, CPU_MAX_LPS, &count, NULL))
                return sim_config_fail(c, error, "machine", "cores", "'%s' is not a count from 1 to %d", parts[1], CPU_MAX_LPS);
            for (guint64 i = 0; i < count; i++) {
                if (m->n_lps + m->kinds[kind].threads > CPU_MAX_LPS)
                    return sim_config_fail(c, error, "machine", "cores", "more than %d logical processors in all", CPU_MAX_LPS);
                m->core_kind[m->n_cores] = (uint8_t)kind;
                m->core_package[m->n_cores++] = (uint8_t)p;
                m->n_lps += m->kinds[kind].threads;
            }
        }
    if (m->n_cores == 0)
        return sim_config_fail(c, error, "machine", "cores", "names no core; for example: %s*2", names[0]);
    return true;
}

static bool read_machine(sim_config *c, cpu_machine *m, GError **error)
{
    static const char *const mappings[] = {"hashed", "identity", NULL};
    g_autofree char *base = g_path_get_basename(m->path);
    if (g_str_has_suffix(base, ".conf"))
        base[strlen(base) - 5] = '\0';
    m->name = sim_config_string(c, "machine", "name", base, error);
    m->description = sim_config_string(c, "machine", "description", "", error);
    m->hashed_pages = sim_config_choice(c, "machine", "pages", 0, mappings, error) == 0;
    uint64_t line = sim_config_size(c, "machine", "line", 64, error);
    if (*error)
        return false;
    if (line < 16 || line > 512 || (line & (line - 1)))
        return sim_config_fail(c, error, "machine", "line", "%" G_GUINT64_FORMAT " bytes; a power of two from 16B to 512B is needed", line);
    g_auto(GStrv) groups = sim_config_groups(c);
    for (char **g = groups; *g; g++) {
        if (!g_str_has_prefix(*g, "core "))
            continue;
        if (m->n_kinds == CPU_MAX_KINDS)
            return sim_config_fail(c, error, *g, "", "more than %d kinds of core", CPU_MAX_KINDS);
        if (!read_core(c, *g, (uint32_t)line, &m->kinds[m->n_kinds++], error))
            return false;
    }
    if (m->n_kinds == 0)
        return sim_config_fail(c, error, "machine", "cores", "the file has no [core NAME] group");
    if (!read_cores(c, m, error))
        return false;
    if (sim_config_has_group(c, "l3")) {
        m->l3.size = sim_config_size(c, "l3", "size", 0, error);
        m->l3.ways = read_uint(c, "l3", "ways", 16, 1, 1024, error);
        m->l3.latency = read_uint(c, "l3", "latency", 40, 1, 1000, error);
        m->l3.line = (uint32_t)line;
        if (*error || !check_cache(c, "l3", "size", &m->l3, error))
            return false;
    }
    m->mem_latency_ns = (uint32_t)(sim_config_time(c, "memory", "latency", 80 * SIM_PS_PER_NS, error) / SIM_PS_PER_NS);
    m->mem_bandwidth = sim_config_size(c, "memory", "bandwidth", UINT64_C(20000000000), error);
    if (*error)
        return false;
    if (m->mem_bandwidth < 1000000)
        return sim_config_fail(c, error, "memory", "bandwidth", "is below 1MB (per second)");
    return sim_config_finish(c, error);
}

const char *const *cpu_machine_folders(void)
{
    static const char *folders[4];
    unsigned n = 0;
    const char *env = g_getenv("QUANTA_MACHINES");
    if (env && *env)
        folders[n++] = env;
    if (g_file_test(QUANTA_SOURCE_MACHINES, G_FILE_TEST_IS_DIR))
        folders[n++] = QUANTA_SOURCE_MACHINES;
    folders[n++] = QUANTA_INSTALLED_MACHINES;
    folders[n] = NULL;
    return folders;
}

static int compare_names(gconstpointer a, gconstpointer b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

char **cpu_machine_names(void)
{
    g_autoptr(GHashTable) seen = g_hash_table_new(g_str_hash, g_str_equal);
    GPtrArray *names = g_ptr_array_new();
    for (const char *const *f = cpu_machine_folders(); *f; f++) {
        g_autoptr(GDir) dir = g_dir_open(*f, 0, NULL);
        const char *entry;
        while (dir && (entry = g_dir_read_name(dir))) {
            if (!g_str_has_suffix(entry, ".conf"))
                continue;
            g_autofree char *name = g_strndup(entry, strlen(entry) - 5);
            if (g_hash_table_contains(seen, name))
                continue;
            g_hash_table_add(seen, name);
            g_ptr_array_add(names, g_steal_pointer(&name));
        }
    }
    g_ptr_array_sort(names, compare_names);
    g_ptr_array_add(names, NULL);
    return (char **)g_ptr_array_free(names, FALSE);
}

static char *find_machine(const char *name, GError **error)
{
    if (strchr(name, '/') || g_str_has_suffix(name, ".conf"))
        return g_strdup(name);
    g_autofree char *file = g_strconcat(name, ".conf", NULL);
    for (const char *const *f = cpu_machine_folders(); *f; f++) {
        g_autofree char *path = g_build_filename(*f, file, NULL);
        if (g_file_test(path, G_FILE_TEST_IS_REGULAR))
            return g_steal_pointer(&path);
    }
    g_auto(GStrv) names = cpu_machine_names();
    g_autofree char *hint = sim_suggest(name, (const char *const *)names);
    g_set_error(error, SIM_ERROR, SIM_ERROR_INPUT, "unknown machine '%s'%s", name, hint);
    return NULL;
}

cpu_machine *cpu_machine_load(const char *name_or_path, const char *const *overrides, GError **error)
{
    g_autofree char *path = find_machine(name_or_path, error);
    if (!path)
        return NULL;
    g_autoptr(sim_config) config = sim_config_load(path, error);
    if (!config)
        return NULL;
    for (const char *const *o = overrides; o && *o; o++) {
        const char *equals = strchr(*o, '=');
        bool has_group = equals && memchr(*o, '.', (size_t)(equals - *o));
        g_autofree char *full = has_group ? g_strdup(*o) : g_strconcat("machine.", *o, NULL);
        if (!sim_config_set(config, full, error))
            return NULL;
    }
    g_autoptr(cpu_machine) m = g_new0(cpu_machine, 1);
    m->path = g_steal_pointer(&path);
    GError *local = NULL;
    if (!read_machine(config, m, &local)) {
        g_propagate_error(error, local);
        return NULL;
    }
    return g_steal_pointer(&m);
}

void cpu_machine_free(cpu_machine *m)
{
    if (!m)
        return;
    for (unsigned i = 0; i < m->n_kinds; i++)
        g_free(m->kinds[i].name);
    g_free(m->path);
    g_free(m->name);
    g_free(m->description);
    g_free(m);
}
