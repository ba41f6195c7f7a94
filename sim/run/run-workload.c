/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "run-workload.h"

#include "run-guests.h"
#include "sim-error.h"
#include "wl-replay.h"
#include "wl-synthetic.h"

#include <string.h>

#define VALID "elf:PATH (a static x86-64 program), trace:FILE, synthetic:SPEC, tasks:NAME,NAME (groups [tasks NAME])"

/* ---- programs ------------------------------------------------------------------------------------------------------- */

/* The program of "guests/NAME" or any other path: beside the scenario, else among the shipped guest programs. */
static char *find_elf(sim_config *c, const char *group, const char *name, GError **error)
{
    g_autofree char *path = sim_config_resolve_for(c, group, "workload", name);
    if (g_file_test(path, G_FILE_TEST_IS_REGULAR))
        return g_steal_pointer(&path);
    if (g_file_test(path, G_FILE_TEST_EXISTS)) {
        sim_config_fail(c, error, group, "workload", "'%s' is not a file", path);
        return NULL;
    }
    if (!g_str_has_prefix(name, "guests/")) {
        sim_config_fail(c, error, group, "workload", "there is no file '%s'", path);
        return NULL;
    }
    const char *guest = name + strlen("guests/");
    char *shipped = run_guest_find(guest);
    if (!shipped) {
        g_auto(GStrv) names = run_guest_names();
        g_autofree char *hint = sim_suggest(guest, (const char *const *)names);
        sim_config_fail(c, error, group, "workload", "there is no guest program '%s'%s", guest, hint);
    }
    return shipped;
}

static bool hash_program(sim_config *c, const char *group, run_vm *vm, GError **error)
{
    g_autoptr(GError) local = NULL;
    g_autoptr(GMappedFile) file = g_mapped_file_new(vm->elf, FALSE, &local);
    if (!file)
        return sim_config_fail(c, error, group, "workload", "%s", local->message);
    g_autoptr(GBytes) bytes = g_mapped_file_get_bytes(file);
    vm->sha256 = g_compute_checksum_for_bytes(G_CHECKSUM_SHA256, bytes);
    return true;
}

static bool read_elf(sim_config *c, const char *group, const char *name, run_vm *vm, GError **error)
{
    vm->kind = RUN_WORK_ELF;
    vm->elf = find_elf(c, group, name, error);
    return vm->elf && hash_program(c, group, vm, error);
}

/* ---- traces --------------------------------------------------------------------------------------------------------- */

const char *const *run_trace_folders(void)
{
    static const char *const built[] = { QUANTA_SOURCE_TRACES, QUANTA_INSTALLED_TRACES, NULL };
    return built + !g_file_test(built[0], G_FILE_TEST_IS_DIR);
}

static int compare_names(gconstpointer a, gconstpointer b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

char **run_trace_names(void)
{
    GPtrArray *names = g_ptr_array_new();
    g_autoptr(GDir) dir = g_dir_open(run_trace_folders()[0], 0, NULL);
    const char *entry;
    while (dir && (entry = g_dir_read_name(dir)))
        if (g_str_has_suffix(entry, ".qtr"))
            g_ptr_array_add(names, g_strndup(entry, strlen(entry) - strlen(".qtr")));
    g_ptr_array_sort(names, compare_names);
    g_ptr_array_add(names, NULL);
    return (char **)g_ptr_array_free(names, FALSE);
}

/* The file of "samples/NAME" or any other path: beside the scenario, else among the shipped traces. */
static char *find_trace(sim_config *c, const char *group, const char *key, const char *name, GError **error)
{
    g_autofree char *path = sim_config_resolve_for(c, group, key, name);
    if (g_file_test(path, G_FILE_TEST_EXISTS))
        return g_steal_pointer(&path);
    if (g_str_has_prefix(name, "samples/")) {
        const char *sample = name + strlen("samples/");
        g_autofree char *file = g_strconcat(sample, g_str_has_suffix(sample, ".qtr") ? "" : ".qtr", NULL);
        for (const char *const *f = run_trace_folders(); *f; f++) {
            g_autofree char *shipped = g_build_filename(*f, file, NULL);
            if (g_file_test(shipped, G_FILE_TEST_IS_REGULAR))
                return g_steal_pointer(&shipped);
        }
        g_auto(GStrv) names = run_trace_names();
        g_autofree char *hint = sim_suggest(sample, (const char *const *)names);
        sim_config_fail(c, error, group, key, "there is no sample trace '%s'%s", sample, hint);
        return NULL;
    }
    g_autofree char *part = g_strconcat(path, ".part", NULL);
    if (g_file_test(part, G_FILE_TEST_EXISTS))
        sim_config_fail(c, error, group, key, "there is no file '%s', but '%s' of a recording that is going on or was broken off"
                        " ('quanta trace cut --salvage' makes a trace of it)", path, part);
    else
        sim_config_fail(c, error, group, key, "there is no file '%s'", path);
    return NULL;
}

static bool read_trace(sim_config *c, const char *group, const char *path, run_vm *vm, GError **error)
{
    g_autoptr(GError) local = NULL;
    g_autoptr(tr_reader) reader = tr_reader_open(path, &local);
    vm->kind = RUN_WORK_TRACE;
    vm->trace = g_strdup(path);
    if (!reader || !wl_replay_check(reader, path, vm->salvage, &local))
        return sim_config_fail(c, error, group, "workload", "%s", local->message);
    const tr_info *info = tr_reader_info(reader);
    vm->sha256 = g_strdup(info->meta.sha256);
    vm->recorded_argv = g_strdupv(info->meta.argv);
    vm->trace_time_dependent = info->end.time_dependent;
    return true;
}

char *run_workload_trace(sim_config *c, const char *group, const char *key, const char *name, bool salvage, GError **error)
{
    g_autoptr(GError) local = NULL;
    g_autofree char *path = find_trace(c, group, key, name, error);
    g_autoptr(tr_reader) reader = path ? tr_reader_open(path, &local) : NULL;
    if (path && (!reader || !wl_replay_check(reader, path, salvage, &local)))
        sim_config_fail(c, error, group, key, "%s", local->message);
    return local ? NULL : g_steal_pointer(&path);
}

static bool read_from_folder(sim_config *c, const char *group, const char *folder, run_vm *vm, GError **error)
{
    g_autofree char *file = g_strconcat(vm->name, ".qtr", NULL);
    g_autofree char *path = g_build_filename(folder, file, NULL);
    if (!g_file_test(path, G_FILE_TEST_EXISTS))
        return sim_config_fail(c, error, group, "", "--traces: there is no '%s' (a trace of each VM, as 'quanta record SCENARIO' makes them)", path);
    return read_trace(c, group, path, vm, error);
}

/* ---- the key --------------------------------------------------------------------------------------------------------- */

static bool read_synthetic(sim_config *c, const char *group, const char *spec, run_vm *vm, GError **error)
{
    g_autoptr(GError) local = NULL;
    vm->kind = RUN_WORK_SYNTHETIC;
    vm->synthetic = g_strdup(spec);
    return wl_synthetic_check(spec, &local) || sim_config_fail(c, error, group, "workload", "%s", local->message);
}

static bool missing_workload(sim_config *c, const char *group, GError **error)
{
    g_auto(GStrv) keys = sim_config_keys(c, group);
    const char *near = sim_nearest("workload", (const char *const *)keys);
    g_autofree char *hint = near ? g_strdup_printf(" (is it meant by '%s'?)", near) : g_strdup("");
    return sim_config_fail(c, error, group, "workload", "is missing%s; for example: workload = elf:guests/sort", hint);
}

static bool read_repeat(sim_config *c, const char *group, run_vm *vm, GError **error)
{
    g_autofree char *text = sim_config_string(c, group, "repeat", "1", error);
    guint64 repeat = 0;
    if (*error)
        return false;
    if (strcmp(text, "forever") != 0 && !g_ascii_string_to_unsigned(text, 10, 1, UINT32_MAX, &repeat, NULL))
        return sim_config_fail(c, error, group, "repeat", "'%s' is neither a number from 1 on nor 'forever'", text);
    vm->repeat = (uint32_t)repeat;
    return true;
}

bool run_workload_read(sim_config *c, const char *group, const run_scenario *s, run_vm *vm, GError **error)
{
    vm->workload = sim_config_string(c, group, "workload", NULL, error);
    vm->salvage = sim_config_bool(c, group, "salvage", false, error) || s->salvage;
    if (*error || !read_repeat(c, group, vm, error))
        return false;
    if (!vm->workload)
        return missing_workload(c, group, error);
    const char *colon = strchr(vm->workload, ':');
    const char *rest = colon ? colon + 1 : "";
    if (s->traces)
        return read_from_folder(c, group, s->traces, vm, error);
    if (*rest && g_str_has_prefix(vm->workload, "elf:"))
        return read_elf(c, group, rest, vm, error);
    if (*rest && g_str_has_prefix(vm->workload, "tasks:")) {
        vm->kind = RUN_WORK_TASKS;
        vm->tasks = g_strdup(rest);
        return true;
    }
    if (*rest && g_str_has_prefix(vm->workload, "synthetic:"))
        return read_synthetic(c, group, rest, vm, error);
    if (!*rest || !g_str_has_prefix(vm->workload, "trace:"))
        return sim_config_fail(c, error, group, "workload", "'%s' is of no known kind; valid: " VALID, vm->workload);
    g_autofree char *path = find_trace(c, group, "workload", rest, error);
    return path && read_trace(c, group, path, vm, error);
}
