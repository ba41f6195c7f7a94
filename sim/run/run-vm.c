/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "run-vm.h"

#include "run-affinity.h"
#include "run-vm-params.h"
#include "run-workload.h"
#include "sim-error.h"

#include <string.h>

enum { MAX_VMS = 1024, MAX_NAME = 64 };

void run_vm_free(run_vm *vm)
{
    if (!vm)
        return;
    g_free(vm->name);
    g_free(vm->workload);
    g_free(vm->elf);
    g_free(vm->trace);
    g_free(vm->synthetic);
    g_free(vm->tasks);
    g_free(vm->sha256);
    g_strfreev(vm->argv);
    g_strfreev(vm->recorded_argv);
    g_strfreev(vm->envp);
    g_free(vm->folder);
    g_free(vm->gang);
    g_free(vm->stdout_file);
    g_strfreev(vm->params);
    g_free(vm->params_origin);
    g_free(vm);
}

static bool read_arguments(sim_config *c, const char *group, run_vm *vm, GError **error)
{
    g_autofree char *args = sim_config_string(c, group, "args", "", error);
    g_autofree char *env = sim_config_string(c, group, "env", "", error);
    if (*error)
        return false;
    g_autofree char *base = g_path_get_basename(vm->elf ? vm->elf : vm->name);
    g_autofree char *quoted = g_shell_quote(base);
    g_autofree char *line = g_strconcat(quoted, " ", args, NULL);
    g_autoptr(GError) local = NULL;
    if (!g_shell_parse_argv(line, NULL, &vm->argv, &local))
        return sim_config_fail(c, error, group, "args", "%s", local->message);
    if (*env && !g_shell_parse_argv(env, NULL, &vm->envp, &local))
        return sim_config_fail(c, error, group, "env", "%s", local->message);
    if (vm->kind == RUN_WORK_TRACE && vm->recorded_argv) {
        g_strfreev(vm->argv);
        vm->argv = g_strdupv(vm->recorded_argv);
    }
    for (char **e = vm->envp; e && *e; e++)
        if (!strchr(*e, '=') || **e == '=')
            return sim_config_fail(c, error, group, "env", "'%s' is not NAME=VALUE", *e);
    return true;
}

static bool read_folder(sim_config *c, const char *group, run_vm *vm, GError **error)
{
    g_autofree char *folder = sim_config_string(c, group, "folder", NULL, error);
    g_autofree char *out = sim_config_string(c, group, "stdout", NULL, error);
    vm->folder_writable = sim_config_bool(c, group, "folder-writable", false, error);
    if (*error)
        return false;
    if (vm->folder_writable && !folder)
        return sim_config_fail(c, error, group, "folder-writable",
                               "there is no folder to write to; add the key folder");
    if (folder) {
        vm->folder = sim_config_resolve_for(c, group, "folder", folder);
        if (vm->kind == RUN_WORK_ELF && !g_file_test(vm->folder, G_FILE_TEST_IS_DIR))
            return sim_config_fail(c, error, group, "folder", "there is no folder '%s'", vm->folder);
    }
    if (out)
        vm->stdout_file = sim_config_resolve_for(c, group, "stdout", out);
    return true;
}

static bool read_mask(sim_config *c, const char *group, const char *key, vmm_controls_kind kind, uint32_t *bits, GError **error)
{
    g_autoptr(GError) wrong = NULL;
    g_autofree char *text = sim_config_string(c, group, key, NULL, error);
    if (!text || *error)
        return !*error;
    return vmm_controls_parse(kind, text, bits, &wrong) || sim_config_fail(c, error, group, key, "%s", wrong->message);
}

static bool read_controls(sim_config *c, const char *group, run_vm *vm, GError **error)
{
    g_autoptr(GError) wrong = NULL;
    vm->controls = vmm_controls_default;
    if (!read_mask(c, group, "entry-controls", VMM_CONTROLS_ENTRY, &vm->controls.entry, error) ||
        !read_mask(c, group, "exit-controls", VMM_CONTROLS_EXIT, &vm->controls.exit, error) ||
        !read_mask(c, group, "instruction-exits", VMM_CONTROLS_INSNS, &vm->controls.insns, error))
        return false;
    return vmm_controls_check(&vm->controls, &wrong) ||
           sim_config_fail(c, error, group, sim_config_has(c, group, "entry-controls") ? "entry-controls" : "exit-controls", "%s", wrong->message);
}

static bool read_resources(sim_config *c, const char *group, run_vm *vm, GError **error)
{
    vm->memory = sim_config_size(c, group, "memory", 256 << 20, error);
    vm->disk_limit = sim_config_size(c, group, "disk-limit", 64 << 20, error);
    vm->io_latency = sim_config_time(c, group, "io-latency", 100 * SIM_PS_PER_US, error);
    vm->io_bytes_per_s = sim_config_size(c, group, "io-bandwidth", 500000000, error);
    if (*error)
        return false;
    if (vm->memory < (1 << 20) || vm->memory > (UINT64_C(1) << 40))
        return sim_config_fail(c, error, group, "memory", "is outside 1MiB to 1024GiB");
    return vm->io_bytes_per_s >= 1000 || sim_config_fail(c, error, group, "io-bandwidth", "is below 1kB (per second)");
}

static bool read_limits(sim_config *c, const char *group, run_vm *vm, GError **error)
{
    vm->weight = (uint32_t)sim_config_uint(c, group, "weight", 256, 1, 65535, error);
    vm->priority = (int32_t)sim_config_uint(c, group, "priority", 0, 0, 1000, error);
    vm->start = sim_config_time(c, group, "start", 0, error);
    vm->gang = sim_config_string(c, group, "gang", sim_config_has(c, group, "count") ? group + strlen("vm ") : NULL, error);
    vm->stop = sim_config_time(c, group, "stop", 0, error);
    vm->quantum = sim_config_time(c, group, "quantum", 0, error);
    if (*error)
        return false;
    if (vm->quantum && (vm->quantum < VMM_QUANTUM_MIN || vm->quantum > VMM_QUANTUM_MAX))
        return sim_config_fail(c, error, group, "quantum", "is outside 10us to 1s");
    if (sim_config_has(c, group, "stop") && vm->stop <= vm->start)
        return sim_config_fail(c, error, group, "stop", "is not after the VM's start; give simulated time since power-on of the machine");
    return true;
}

static bool name_is_good(const char *name)
{
    if (!*name || strlen(name) > MAX_NAME)
        return false;
    for (const char *p = name; *p; p++)
        if (!g_ascii_isalnum(*p) && !strchr("-_", *p))
            return false;
    return true;
}

static bool name_is_free(const run_scenario *s, const char *name)
{
    for (guint i = 0; i < s->vms->len; i++)
        if (strcmp(((const run_vm *)g_ptr_array_index(s->vms, i))->name, name) == 0)
            return false;
    return true;
}

bool run_vm_read_work(sim_config *c, const char *group, const run_scenario *s, const char *fallback, run_vm *vm, GError **error)
{
    bool told = !fallback || sim_config_has(c, group, "workload");
    if (!told) {
        g_assert(g_str_has_prefix(fallback, "synthetic:"));
        vm->workload = g_strdup(fallback);
        vm->kind = RUN_WORK_SYNTHETIC;
        vm->synthetic = g_strdup(fallback + strlen("synthetic:"));
    }
    return (!told || run_workload_read(c, group, s, vm, error)) && read_arguments(c, group, vm, error) &&
           run_affinity_read(c, group, s->machine, vm->affinity, &vm->has_affinity, error) && read_folder(c, group, vm, error) &&
           read_resources(c, group, vm, error);
}

bool run_vm_read(sim_config *c, const char *group, run_scenario *s, GError **error)
{
    const char *name = group + strlen("vm ");
    bool many = sim_config_has(c, group, "count");
    unsigned count = (unsigned)sim_config_uint(c, group, "count", 1, 1, MAX_VMS, error);
    if (*error)
        return false;
    if (!name_is_good(name))
        return sim_config_fail(c, error, group, "",
                               "a VM's name consists of 1 to %d letters, digits, '-' and '_'", MAX_NAME);
    if (s->vms->len + count > MAX_VMS)
        return sim_config_fail(c, error, group, many ? "count" : "", "more than %d VMs in all", MAX_VMS);
    for (unsigned i = 1; i <= count; i++) {
        run_vm *vm = g_new0(run_vm, 1);
        vm->name = many ? g_strdup_printf("%s.%u", name, i) : g_strdup(name);
        bool free_name = name_is_free(s, vm->name);
        vm->number = s->vms->len;
        g_ptr_array_add(s->vms, vm);
        if (!free_name)
            return sim_config_fail(c, error, group, "", "there is a VM '%s' already", vm->name);
        if (!run_vm_read_work(c, group, s, NULL, vm, error) || !read_limits(c, group, vm, error) || !read_controls(c, group, vm, error) ||
            !run_vm_params_read(c, group, s, vm, error))
            return false;
        if (vm->stdout_file && count > 1)
            return sim_config_fail(c, error, group, "stdout", "%u VMs cannot share one file", count);
    }
    return true;
}
