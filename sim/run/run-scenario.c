/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "run-scenario.h"

#include "run-below.h"
#include "run-jitter.h"
#include "run-policies.h"
#include "run-profile.h"
#include "run-tasks.h"
#include "run-vm.h"
#include "sim-error.h"

#include <string.h>

static void free_vm(gpointer data)
{
    run_vm_free(data);
}

static void free_policy(gpointer data)
{
    run_policy_free(data);
}

void run_scenario_free(run_scenario *s)
{
    if (!s)
        return;
    g_free(s->path);
    g_free(s->text);
    g_free(s->machine_sha256);
    g_free(s->traces);
    g_free(s->name);
    cpu_machine_free(s->machine);
    g_free(s->policy_name);
    run_profile_free(s->profile);
    g_ptr_array_unref(s->vms);
    run_tasks_free(s->tasks);
    run_below_free(s->below);
    g_ptr_array_unref(s->policies);
    g_free(s);
}

/* ---- the whole --------------------------------------------------------------------------------------------------- */

/* A group of machine files; in a scenario its keys override those of the machine file. */
static bool is_machine_group(const char *group)
{
    return strcmp(group, "machine") == 0 || strcmp(group, "l3") == 0 || strcmp(group, "memory") == 0 ||
        g_str_has_prefix(group, "core ");
}

static char **machine_overrides(sim_config *c)
{
    GPtrArray *overrides = g_ptr_array_new();
    g_auto(GStrv) groups = sim_config_groups(c);
    for (char **g = groups; *g; g++) {
        if (!is_machine_group(*g))
            continue;
        sim_config_accept_group(c, *g);
        g_auto(GStrv) keys = sim_config_keys(c, *g);
        for (char **k = keys; *k; k++) {
            g_autofree char *value = sim_config_string(c, *g, *k, "", NULL);
            if (strcmp(*k, "include") != 0)
                g_ptr_array_add(overrides, g_strdup_printf("%s.%s=%s", *g, *k, value));
        }
    }
    g_ptr_array_add(overrides, NULL);
    return (char **)g_ptr_array_free(overrides, FALSE);
}

static cpu_machine *read_machine(sim_config *c, GError **error)
{
    g_autofree char *machine = sim_config_string(c, "scenario", "machine", "skylake", error);
    if (*error)
        return NULL;
    g_auto(GStrv) overrides = machine_overrides(c);
    bool is_path = strchr(machine, '/') || g_str_has_suffix(machine, ".conf");
    g_autofree char *resolved = is_path ? sim_config_resolve_for(c, "scenario", "machine", machine)
        : g_strdup(machine);
    g_autoptr(GError) local = NULL;
    cpu_machine *m = cpu_machine_load(resolved, (const char *const *)overrides, &local);
    /* What the machine file does not accept of an override is this file's mistake. */
    if (!m && g_str_has_prefix(local->message, "--set: "))
        g_set_error(error, SIM_ERROR, SIM_ERROR_INPUT, "%s: %s", sim_config_path(c),
                    local->message + strlen("--set: "));
    else if (!m)
        sim_config_fail(c, error, "scenario", "machine", "%s", local->message);
    return m;
}

static bool read_general(sim_config *c, const uint64_t *seed, run_scenario *s, GError **error)
{
    g_autofree char *base = g_path_get_basename(s->path);
    if (g_str_has_suffix(base, ".conf"))
        base[strlen(base) - strlen(".conf")] = '\0';
    s->duration = sim_config_time(c, "scenario", "duration", SIM_PS_PER_S, error);
    s->seed = sim_config_uint(c, "scenario", "seed", 1, 0, RUN_MAX_SEED, error);
    s->name = sim_config_string(c, "scenario", "name", base, error);
    if (*error)
        return false;
    if (s->duration == 0)
        return sim_config_fail(c, error, "scenario", "duration", "is zero; give simulated time, for example 200ms");
    if (seed)
        s->seed = *seed;
    return true;
}

static bool read_vms(sim_config *c, run_scenario *s, GError **error)
{
    g_auto(GStrv) groups = sim_config_groups(c);
    for (char **g = groups; *g; g++)
        if (g_str_has_prefix(*g, "vm ") && !run_vm_read(c, *g, s, error))
            return false;
    if (s->vms->len)
        return true;
    g_set_error(error, SIM_ERROR, SIM_ERROR_INPUT,
                "%s: the scenario has no VM; add a group [vm NAME] with, for example, workload = elf:guests/sort",
                s->path);
    return false;
}

static bool read_scenario(sim_config *c, const uint64_t *seed, run_scenario *s, GError **error)
{
    s->machine = read_machine(c, error);
    return s->machine && read_general(c, seed, s, error) && run_policies_read(c, s, error) && read_vms(c, s, error) && run_jitter_read(c, s, error) &&
        run_tasks_read(c, s, error) && run_below_read(c, s, error) && sim_config_finish(c, error);
}

/* NULL: it cannot be read any more. */
static char *hash_file(const char *path)
{
    g_autoptr(GMappedFile) file = path ? g_mapped_file_new(path, FALSE, NULL) : NULL;
    g_autoptr(GBytes) bytes = file ? g_mapped_file_get_bytes(file) : NULL;
    return bytes ? g_compute_checksum_for_bytes(G_CHECKSUM_SHA256, bytes) : NULL;
}

static run_scenario *from_config(sim_config *c, const run_overrides *overrides, GError **error)
{
    for (const char *const *set = overrides->sets; set && *set; set++)
        if (!sim_config_set(c, *set, error))
            return NULL;
    g_autoptr(run_scenario) s = g_new0(run_scenario, 1);
    s->path = g_strdup(sim_config_path(c));
    s->traces = g_strdup(overrides->traces);
    s->salvage = overrides->salvage;
    s->vms = g_ptr_array_new_with_free_func(free_vm);
    s->policies = g_ptr_array_new_with_free_func(free_policy);
    GError *local = NULL;
    bool good = read_scenario(c, overrides->seed, s, &local);
    if (good && overrides->profile)
        s->profile = run_profile_load(overrides->profile, s, &local);
    if (!good || local) {
        g_propagate_error(error, local);
        return NULL;
    }
    s->text = sim_config_text(c);
    s->machine_sha256 = hash_file(s->machine->path);
    return g_steal_pointer(&s);
}

run_scenario *run_scenario_load(const char *path, const run_overrides *overrides, GError **error)
{
    g_autoptr(sim_config) c = sim_config_load(path, error);
    return c ? from_config(c, overrides, error) : NULL;
}

run_scenario *run_scenario_parse(const char *text, const char *name, GError **error)
{
    const run_overrides none = {0};
    g_autoptr(sim_config) c = sim_config_parse(text, name, error);
    return c ? from_config(c, &none, error) : NULL;
}
