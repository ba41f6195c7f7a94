/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The pipeline of a core, in a machine file. */
#include "cpu-machine-read.h"

#include "sim-error.h"

#include <string.h>

const char *const cpu_class_names[CPU_N_RES + 1] = {"alu", "branch", "shift", "mul", "fp-add", "fp-mul", "vec", "shuffle", "div", "load", "store", "lea", NULL};

bool cpu_read_classes(sim_config *c, const char *group, const char *key, cpu_take_class take, void *data, GError **error)
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
            return sim_config_fail(c, error, group, key, "'%s' is not CLASS:VALUE, for example alu:4", *w);
        *colon = '\0';
        unsigned class = 0;
        while (class < CPU_N_RES && strcmp(*w, cpu_class_names[class]) != 0)
            class++;
        if (class == CPU_N_RES) {
            g_autofree char *hint = sim_suggest(*w, cpu_class_names);
            return sim_config_fail(c, error, group, key, "unknown class '%s'%s", *w, hint);
        }
        if (!take(c, group, key, class, colon + 1, data, error))
            return false;
    }
    return true;
}

typedef struct {
    uint32_t max, *values;
} numbers;

static bool take_number(sim_config *c, const char *group, const char *key, unsigned class, const char *value, void *data, GError **error)
{
    const numbers *n = data;
    guint64 number;
    if (!g_ascii_string_to_unsigned(value, 10, 1, n->max, &number, NULL))
        return sim_config_fail(c, error, group, key, "'%s' of %s is not a whole number from 1 to %u", value, cpu_class_names[class], n->max);
    n->values[class] = (uint32_t)number;
    return true;
}

/* Classes that are not named keep their value. */
static bool read_table(sim_config *c, const char *group, const char *key, uint32_t max, uint32_t values[CPU_N_RES], GError **error)
{
    numbers n = {max, values};
    return cpu_read_classes(c, group, key, take_number, &n, error);
}

void cpu_accept_keys(sim_config *c, const char *group, const char *const *keys)
{
    for (; *keys; keys++) {
        g_autoptr(GError) error = NULL;
        g_autofree char *text = sim_config_string(c, group, *keys, NULL, &error);
        (void)text;
    }
}

bool cpu_read_core(sim_config *c, const char *group, uint32_t line, cpu_core_desc *k, GError **error)
{
    static const char *const levels[] = {"interval", "window", NULL};
    static const char *const pipelines[] = {"inorder", "epic", "ooo", NULL};
    static const uint32_t default_units[CPU_N_RES] = {[0 ... CPU_N_RES - 1] = 1};
    static const uint32_t default_latency[CPU_N_RES] = {1, 1, 1, 3, 4, 4, 1, 1, 20, 0, 1, 1};
    static const char *const instructions[] = {"classes", "ivybridge", "haswell", "skylake", NULL};

    k->name = g_strdup(group + strlen("core "));
    k->pipeline = (cpu_pipeline)sim_config_choice(c, group, "pipeline", CPU_PIPELINE_OOO, pipelines, error);
    int timing = (int)sim_config_choice(c, "machine", "timing", CPU_TIMING_INTERVAL, levels, error); /* of all cores that do not say otherwise */
    k->timing = (cpu_timing_level)sim_config_choice(c, group, "timing", timing, levels, error);
    k->hz = sim_config_hz(c, group, "frequency", UINT64_C(1000000000), error);
    k->threads = cpu_read_uint(c, group, "threads", 1, 1, 8, error);
    k->dispatch_width = cpu_read_uint(c, group, "width", 4, 1, 16, error);
    k->instructions = (cpu_instructions)sim_config_choice(c, group, "instructions", CPU_INSTRUCTIONS_CLASSES, instructions, error);
    k->rob = cpu_read_uint(c, group, "rob", k->pipeline == CPU_PIPELINE_OOO ? 128 : 16, 4, 4096, error);
    k->replay = cpu_read_uint(c, group, "replay", 0, 0, 100, error);
    k->mispredict = cpu_read_uint(c, group, "mispredict", 15, 1, 200, error);
    memcpy(k->units, default_units, sizeof k->units);
    memcpy(k->latency, default_latency, sizeof k->latency);
    if (!*error && k->pipeline == CPU_PIPELINE_OOO && !sim_config_has(c, group, "rob"))
        return sim_config_fail(c, error, group, "rob", "is missing; an out-of-order core has a reorder buffer, for example rob = 192");
    if (*error || !read_table(c, group, "units", CPU_MAX_PORTS, k->units, error) || !cpu_read_ports(c, group, k, error) ||
        !read_table(c, group, "latencies", 250, k->latency, error) || !cpu_read_inorder(c, group, k, error) ||
        !cpu_read_pipe(c, group, k, error))
        return false;
    k->div_busy = cpu_read_uint(c, group, "div-busy", k->latency[CPU_RES_DIV], 1, 250, error);
    if (*error || !cpu_read_core_memory(c, group, line, k, error) || !cpu_read_predictors(c, group, k, error))
        return false;
    k->emon_counters = cpu_read_uint(c, group, "emon-counters", 4, 1, 16, error);
    k->emon_read = cpu_read_uint(c, group, "emon-read", 30, 0, 10000, error);
    k->syscall = cpu_read_uint(c, group, "syscall", 150, 0, 100000, error);
    if (*error || !cpu_read_state(c, group, k, error))
        return false;
    if (k->hz < 1000000 || k->hz > UINT64_C(10000000000))
        return sim_config_fail(c, error, group, "frequency", "is outside 1MHz to 10GHz");
    return true;
}
