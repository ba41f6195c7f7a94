/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli-output.h"

#include "run-file.h"
#include "run-profile.h"
#include "run-store.h"
#include "sim-error.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static bool check_store(const cli_options *o, GError **error)
{
    for (char **a = o->axes; a && *a; a++)
        if (**a == '=' || !strchr(*a, '=')) {
            g_set_error(error, SIM_ERROR, SIM_ERROR_USAGE, "--axis: '%s' is not NAME=VALUE", *a);
            return false;
        }
    if (o->axes && !o->store) {
        g_set_error(error, SIM_ERROR, SIM_ERROR_USAGE, "--axis belongs to --store");
        return false;
    }
    g_autoptr(run_store) store = o->store ? run_store_open(o->store, true, error) : NULL;
    return store || !o->store;
}

bool cli_output_check(const cli_options *o, const run_scenario *s, GError **error)
{
    if (o->json && !run_file_check(o->json, error)) {
        g_prefix_error(error, "--json: ");
        return false;
    }
    if (!check_store(o, error))
        return false;
    for (guint i = 0; i < s->vms->len; i++) {
        const run_vm *vm = g_ptr_array_index(s->vms, i);
        if (vm->stdout_file && !run_file_check(vm->stdout_file, error)) {
            g_prefix_error(error, "%s: [vm %s] stdout: ", s->path, vm->name);
            return false;
        }
    }
    return true;
}

bool cli_output_store(const cli_options *o, const run_scenario *s, GPtrArray *runs, bool alone, GError **error)
{
    if (!o->store)
        return true;
    g_autoptr(run_store) store = run_store_open(o->store, true, error);
    GPtrArray *axes = g_ptr_array_new_with_free_func(g_free);
    for (char **a = o->axes; a && *a; a++) {
        const char *eq = strchr(*a, '=');
        g_ptr_array_add(axes, g_strndup(*a, (gsize)(eq - *a)));
        g_ptr_array_add(axes, g_strdup(eq + 1));
    }
    g_ptr_array_add(axes, NULL);
    bool good = store && run_store_put(store, s, runs, alone, (const char *const *)axes->pdata, error);
    g_ptr_array_unref(axes);
    return good;
}

bool cli_output_check_profile(const cli_options *o, bool folder, GError **error)
{
    if (!o->profile_out)
        return true;
    g_autofree char *one = folder ? g_build_filename(o->profile_out, "policy.json", NULL) : g_strdup(o->profile_out);
    if (folder && g_mkdir(o->profile_out, 0777) != 0 && errno != EEXIST) {
        g_set_error(error, SIM_ERROR, SIM_ERROR_IO, "--profile-out: cannot make the folder '%s': %s", o->profile_out, g_strerror(errno));
        return false;
    }
    if (!run_file_check(one, error)) {
        g_prefix_error(error, "--profile-out: ");
        return false;
    }
    return true;
}

bool cli_output_profile(const char *path, const run_result *r, GError **error)
{
    g_autofree char *text = path && r->profile ? run_profile_text(r) : NULL;
    return !text || run_file_write(path, text, strlen(text), error);
}

static bool write_outputs(const run_scenario *s, const run_result *r, GError **error)
{
    for (guint i = 0; i < s->vms->len; i++) {
        const run_vm *vm = g_ptr_array_index(s->vms, i);
        const run_vm_result *out = g_ptr_array_index(r->vms, i);
        if (vm->stdout_file && !run_file_write(vm->stdout_file, out->out, out->out_len, error))
            return false;
    }
    return true;
}

int cli_output(const cli_options *o, const run_scenario *s, const run_result *outputs, const char *json,
               const char *table, uint64_t insns,
               double seconds)
{
    GError *error = NULL;
    bool to_stdout = o->json && strcmp(o->json, "-") == 0;
    if (!write_outputs(s, outputs, &error))
        return cli_fail(error);
    if (!to_stdout && !o->quiet)
        fputs(table, stdout);
    fflush(stdout);
    if (o->json && !run_file_write(o->json, json, strlen(json), &error))
        return cli_fail(error);
    if (o->json && !to_stdout && !o->quiet) {
        g_autofree char *path = g_canonicalize_filename(o->json, NULL);
        printf("  results  %s\n", path);
    }
    if (!o->quiet && isatty(STDERR_FILENO))
        fprintf(stderr, "  %.1f s on this host, %.0f million simulated instructions per second\n", seconds,
                seconds > 0 ? (double)insns / seconds / 1e6 : 0);
    return SIM_EXIT_OK;
}

void cli_tell_failure(const run_result *r)
{
    if (r->failure)
        g_printerr("quanta: %s\n", r->failure);
}
