/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli-output.h"
#include "cli-seeds.h"
#include "run-exits.h"
#include "run-pictures.h"
#include "run-policies.h"
#include "run-result-json.h"
#include "run-table.h"
#include "run-warm-text.h"
#include "vmm-plugin.h"

#include <string.h>

static bool failed(const run_comparison *c)
{
    for (guint i = 0; i < c->runs->len; i++) {
        const run_result *r = g_ptr_array_index(c->runs, i);
        for (guint v = 0; v < r->vms->len; v++)
            if (((const run_vm_result *)g_ptr_array_index(r->vms, v))->faulted)
                return true;
        if (r->failure)
            return true;
    }
    return false;
}

/* --policies A,B; without it the policy of the scenario. Paths of plug-ins are added to `plugins` and become their policies' names. */
static char **policies_of(const cli_options *o, run_scenario *s, GPtrArray *plugins, GError **error)
{
    g_auto(GStrv) names = g_strsplit(o->policies ? o->policies : s->policy_name, ",", -1);
    for (char **n = names; *n; n++) {
        if (vmm_plugin_is_path(g_strstrip(*n)))
            g_ptr_array_add(plugins, g_strdup(*n));
        if (!run_policies_plugin(s, n, error))
            return NULL;
    }
    return g_steal_pointer(&names);
}

static uint64_t instructions(const run_comparison *c)
{
    uint64_t sum = 0;
    for (guint i = 0; i < c->runs->len; i++)
        sum += ((const run_result *)g_ptr_array_index(c->runs, i))->totals.instructions;
    return sum;
}

static bool write_profiles(const cli_options *o, const run_comparison *c, GError **error)
{
    for (guint i = 0; o->profile_out && i < c->runs->len; i++) {
        const run_result *r = g_ptr_array_index(c->runs, i);
        g_autofree char *name = g_strconcat(r->policy, ".json", NULL);
        g_autofree char *path = g_build_filename(o->profile_out, name, NULL);
        if (!cli_output_profile(path, r, error))
            return false;
    }
    return true;
}

static int execute_seeds(const char *command, const cli_options *o, run_scenario *s, const char *seeds, const char *figures)
{
    GError *error = NULL;
    g_autoptr(GPtrArray) plugins = g_ptr_array_new_with_free_func(g_free);
    g_auto(GStrv) policies = policies_of(o, s, plugins, &error);
    return policies ? cli_compare_seeds(command, o, s, (const char *const *)policies, plugins, seeds, figures) : cli_fail(error);
}

static int execute(const cli_options *o, run_scenario *s)
{
    GError *error = NULL;
    if (!cli_output_check(o, s, &error) || !cli_output_check_profile(o, true, &error))
        return cli_fail(error);
    g_autoptr(GPtrArray) plugins = g_ptr_array_new_with_free_func(g_free);
    g_auto(GStrv) policies = policies_of(o, s, plugins, &error);
    if (!policies)
        return cli_fail(error);
    g_auto(run_pictures) pictures;
    if (!run_pictures_open(&pictures, o->timeline, NULL, (unsigned)run_compare_runs(s, (const char *const *)policies) - s->vms->len, &error))
        return cli_fail(error);
    s->pictures = &pictures;
    run_status status;
    run_status_init(&status, run_compare_runs(s, (const char *const *)policies));
    cli_progress *progress = cli_progress_start(&status, s->duration, o->progress, o->no_progress || o->quiet);
    unsigned jobs = o->jobs ? (unsigned)o->jobs : g_get_num_processors();
    g_autoptr(run_comparison) c = run_compare(s, (const char *const *)policies, jobs, &status, &error);
    bool interrupted;
    double seconds = cli_progress_stop(progress, &interrupted);
    run_status_clear(&status);
    if (interrupted) {
        g_clear_error(&error);
        return CLI_EXIT_INTERRUPTED;
    }
    if (!c)
        return cli_fail(error);
    g_autofree char *json = o->json ? run_comparison_to_json(c) : NULL;
    g_autofree char *table = run_comparison_to_table(c, cli_colour());
    if (o->exits)
        table = run_exits_table(g_steal_pointer(&table), c->runs);
    table = run_warm_table(g_steal_pointer(&table), c->runs);
    if (!write_profiles(o, c, &error))
        return cli_fail(error);
    if (!cli_output_store(o, s, c->runs, true, &error))
        return cli_fail(error);
    int exit_status = cli_output(o, s, g_ptr_array_index(c->runs, 0), json, table, instructions(c), seconds);
    for (guint i = 0; i < c->runs->len; i++)
        cli_tell_failure(g_ptr_array_index(c->runs, i));
    if (!run_pictures_close(&pictures, &error))
        return cli_fail(error);
    return exit_status ? exit_status : failed(c) ? SIM_EXIT_GUEST_FAILED : SIM_EXIT_OK;
}

int cli_compare(const char *command, int argc, char **argv)
{
    cli_options o = {0};
    g_autofree char *seeds = NULL, *figures = NULL;
    const GOptionEntry entries[] = {
        {"policies", 'p', 0, G_OPTION_ARG_FILENAME, &o.policies,
         "the policies, separated by commas; round-robin is always one of them (default: the scenario's)", "A,B,..."},
        {"seeds", 0, 0, G_OPTION_ARG_FILENAME, &seeds,
         "compare once with each of these seeds: means, 95% intervals, tests paired with round-robin", "1-10"},
        {"figures", 0, 0, G_OPTION_ARG_FILENAME, &figures,
         "with --seeds: the figures, with * and ? (default: stp, antt and others of the whole run)", "A,vm.*.B"},
        {"warm-up", 0, 0, G_OPTION_ARG_FILENAME, &o.warm_up,
         "measure what each switch costs the guest that comes back, over its next N instructions (1M): slow", "N"},
        {"timeline", 0, 0, G_OPTION_ARG_FILENAME, &o.timeline, "draw the runs as Chrome trace events, for Perfetto: a process for each", "FILE"},
        {"exits", 0, 0, G_OPTION_ARG_NONE, &o.exits, "tell VM-exits by reason, with their time", NULL},
        {"profile-out", 0, 0, G_OPTION_ARG_FILENAME, &o.profile_out, "write the profiles that each run leaves to FOLDER/POLICY.json", "FOLDER"},
        CLI_SCENARIO_ENTRIES(o),
        {NULL, 0, 0, 0, NULL, NULL, NULL},
    };
    int status = SIM_EXIT_OK;
    if (cli_options_parse(command, entries, &argc, &argv, &status)) {
        g_autoptr(run_scenario) s = cli_options_scenario(command, &o, argc, argv, &status);
        if (s && figures && !seeds)
            status = cli_usage(command, "--figures belongs to --seeds");
        else if (s)
            status = seeds ? execute_seeds(command, &o, s, seeds, figures) : execute(&o, s);
    }
    cli_options_clear(&o);
    return status;
}
