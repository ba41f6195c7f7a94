/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The pipeline of a core, in a machine file. */
#include "cpu-machine-read.h"

#include "sim-error.h"

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

bool cpu_read_core(sim_config *c, const char *group, uint32_t line, cpu_core_desc *k, GError **error)
{
    static const char *const pipelines[] = {"inorder", "ooo", NULL};
    static const uint32_t default_units[CPU_N_RES] = {[0 ... CPU_N_RES - 1] = 1};
    static const uint32_t default_latency[CPU_N_RES] = {1, 1, 1, 3, 4, 4, 1, 1, 20, 0, 1, 1};

    k->name = g_strdup(group + strlen("core "));
    k->pipeline = (cpu_pipeline)sim_config_choice(c, group, "pipeline", CPU_PIPELINE_OOO, pipelines, error);
    k->hz = sim_config_hz(c, group, "frequency", UINT64_C(1000000000), error);
    k->threads = cpu_read_uint(c, group, "threads", 1, 1, 8, error);
    k->dispatch_width = cpu_read_uint(c, group, "width", 4, 1, 16, error);
    k->rob = cpu_read_uint(c, group, "rob", k->pipeline == CPU_PIPELINE_OOO ? 128 : 16, 4, 4096, error);
    k->mispredict = cpu_read_uint(c, group, "mispredict", 15, 1, 200, error);
    memcpy(k->units, default_units, sizeof k->units);
    memcpy(k->latency, default_latency, sizeof k->latency);
    if (*error || !read_table(c, group, "units", 16, k->units, error) || !read_table(c, group, "latencies", 500, k->latency, error))
        return false;
    k->div_busy = cpu_read_uint(c, group, "div-busy", k->latency[CPU_RES_DIV], 1, 500, error);
    if (*error || !cpu_read_core_memory(c, group, line, k, error) || !cpu_read_predictors(c, group, k, error))
        return false;
    k->emon_counters = cpu_read_uint(c, group, "emon-counters", 4, 1, 16, error);
    k->emon_read = cpu_read_uint(c, group, "emon-read", 30, 0, 10000, error);
    k->vm_exit = cpu_read_uint(c, group, "vm-exit", 1000, 0, 100000, error);
    k->vm_entry = cpu_read_uint(c, group, "vm-entry", 500, 0, 100000, error);
    k->syscall = cpu_read_uint(c, group, "syscall", 150, 0, 100000, error);
    if (*error)
        return false;
    if (k->hz < 1000000 || k->hz > UINT64_C(10000000000))
        return sim_config_fail(c, error, group, "frequency", "is outside 1MHz to 10GHz");
    return true;
}
