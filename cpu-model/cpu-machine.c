/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cpu-machine-read.h"

#include "sim-error.h"

#include <stdlib.h>
#include <string.h>

/* "big*4 small" -> cores of one package. */
static bool read_cores(sim_config *c, cpu_machine *m, GError **error)
{
    g_autofree char *text = sim_config_string(c, "machine", "cores", NULL, error);
    m->n_packages = cpu_read_uint(c, "machine", "packages", 1, 1, CPU_MAX_LPS, error);
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

/* `like = KIND`: what a core's group does not say, it has of that other one. */
static bool apply_like(sim_config *c, const char *group, GError **error)
{
    g_autofree char *kind = sim_config_string(c, group, "like", NULL, error);
    if (!kind)
        return *error == NULL;
    g_autofree char *other = g_strconcat("core ", kind, NULL);
    if (!sim_config_has_group(c, other) || strcmp(other, group) == 0)
        return sim_config_fail(c, error, group, "like", "there is no other [%s]", other);
    if (sim_config_has(c, other, "like"))
        return sim_config_fail(c, error, group, "like", "[%s] is itself like another; name that one", other);
    g_auto(GStrv) keys = sim_config_keys(c, other);
    for (char **k = keys; *k; k++) {
        if (sim_config_has(c, group, *k))
            continue;
        g_autofree char *value = sim_config_string(c, other, *k, "", error);
        g_autofree char *assignment = g_strdup_printf("%s.%s=%s", group, *k, value);
        if (*error || !sim_config_set(c, assignment, error))
            return false;
    }
    return true;
}

/* What every machine file has to say: these figures make the machine; a default would be somebody else's. */
static const struct {
    const char *group, *key, *example; /* of a group "core", each [core KIND] */
} required[] = {
    {"core", "pipeline", "ooo"}, {"core", "frequency", "3.4GHz"}, {"core", "width", "4"}, {"core", "mispredict", "16"},
    {"core", "l1i", "32KiB"}, {"core", "l1i-ways", "8"}, {"core", "l1d", "32KiB"}, {"core", "l1d-ways", "8"}, {"core", "l1d-latency", "4"},
    {"core", "l2", "256KiB"}, {"core", "l2-ways", "8"}, {"core", "l2-latency", "12"},
    {"l3", "size", "8MiB"}, {"l3", "ways", "16"}, {"l3", "latency", "40"}, {"memory", "latency", "60ns"}, {"memory", "bandwidth", "25GB"},
};

static bool check_required(sim_config *c, const char *group, const char *kind, GError **error)
{
    for (unsigned i = 0; i < G_N_ELEMENTS(required); i++)
        if (strcmp(required[i].group, kind) == 0 && !sim_config_has(c, group, required[i].key))
            return sim_config_fail(c, error, group, required[i].key, "is missing; every machine file says it, for example %s = %s", required[i].key,
                                   required[i].example);
    return true;
}

static bool read_kinds(sim_config *c, cpu_machine *m, uint32_t line, GError **error)
{
    g_auto(GStrv) groups = sim_config_groups(c);
    for (char **g = groups; *g; g++) {
        if (!g_str_has_prefix(*g, "core "))
            continue;
        if (m->n_kinds == CPU_MAX_KINDS)
            return sim_config_fail(c, error, *g, "", "more than %d kinds of core", CPU_MAX_KINDS);
        if (!apply_like(c, *g, error) || !check_required(c, *g, "core", error) || !cpu_read_core(c, *g, line, &m->kinds[m->n_kinds++], error))
            return false;
    }
    return m->n_kinds != 0 || sim_config_fail(c, error, "machine", "cores", "the file has no [core NAME] group");
}

static bool read_machine(sim_config *c, cpu_machine *m, GError **error)
{
    static const char *const mappings[] = {"hashed", "identity", NULL};
    g_autofree char *base = g_path_get_basename(m->path);
    if (g_str_has_suffix(base, ".conf"))
        base[strlen(base) - 5] = '\0';
    m->name = sim_config_string(c, "machine", "name", base, error);
    m->description = sim_config_string(c, "machine", "description", "", error);
    static const char *const page_sizes[] = {"4KiB", "2MiB", NULL};
    m->hashed_pages = sim_config_choice(c, "machine", "pages", 0, mappings, error) == 0;
    m->page_size = sim_config_choice(c, "machine", "page-size", 0, page_sizes, error) == 1 ? 2u << 20 : 4096;
    uint64_t line = sim_config_size(c, "machine", "line", 64, error);
    m->reference_hz = sim_config_has(c, "machine", "reference-clock") ? sim_config_hz(c, "machine", "reference-clock", 0, error) : 0;
    if (*error)
        return false;
    if (line < 16 || line > 512 || (line & (line - 1)))
        return sim_config_fail(c, error, "machine", "line", "%" G_GUINT64_FORMAT " bytes; a power of two from 16B to 512B is needed", line);
    if (!read_kinds(c, m, (uint32_t)line, error))
        return false;
    if (!read_cores(c, m, error))
        return false;
    if (sim_config_has_group(c, "l3") && !check_required(c, "l3", "l3", error))
        return false;
    if (!check_required(c, "memory", "memory", error) || !cpu_read_memory(c, (uint32_t)line, m, error))
        return false;
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

/* An override of a kind of core that the file does not have: a slip, unless it makes a kind of its own. */
static bool check_kinds(sim_config *c, const char *const *own, GError **error)
{
    g_auto(GStrv) groups = sim_config_groups(c);
    for (char **g = groups; *g; g++)
        if (g_str_has_prefix(*g, "core ") && !g_strv_contains(own, *g) && !sim_config_has(c, *g, "pipeline") && !sim_config_has(c, *g, "like")) {
            g_autofree char *hint = sim_suggest(*g, own);
            return sim_config_fail(c, error, *g, "", "there is no such core in this machine%s", hint);
        }
    return true;
}

cpu_machine *cpu_machine_load(const char *name_or_path, const char *const *overrides, GError **error)
{
    g_autofree char *path = find_machine(name_or_path, error);
    if (!path)
        return NULL;
    g_autoptr(sim_config) config = sim_config_load(path, error);
    if (!config)
        return NULL;
    g_auto(GStrv) own = sim_config_groups(config);
    for (const char *const *o = overrides; o && *o; o++) {
        const char *equals = strchr(*o, '=');
        bool has_group = equals && memchr(*o, '.', (size_t)(equals - *o));
        g_autofree char *full = has_group ? g_strdup(*o) : g_strconcat("machine.", *o, NULL);
        if (!sim_config_set(config, full, error))
            return NULL;
    }
    if (!check_kinds(config, (const char *const *)own, error))
        return NULL;
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
