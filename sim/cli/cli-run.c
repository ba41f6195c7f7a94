/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli-output.h"
#include "run-exits.h"
#include "run-pictures.h"
#include "run-policies.h"
#include "run-result-json.h"
#include "run-table.h"
#include "run-warm-text.h"

static bool failed(const run_result *r)
{
    for (guint i = 0; i < r->vms->len; i++)
        if (((const run_vm_result *)g_ptr_array_index(r->vms, i))->faulted)
            return true;
    return r->failure != NULL;
}

static int execute(const cli_options *o, run_scenario *s)
{
    GError *error = NULL;
    g_autofree char *policy = g_strdup(o->policy ? o->policy : s->policy_name);
    if (!run_policies_plugin(s, &policy, &error) || !cli_output_check(o, s, &error) || !cli_output_check_profile(o, false, &error))
        return cli_fail(error);
    g_auto(run_pictures) pictures;
    if (!run_pictures_open(&pictures, o->timeline, o->ftrace, 1, &error))
        return cli_fail(error);
    s->pictures = &pictures;
    run_status status;
    run_status_init(&status, o->alone ? 1 + (gint)s->vms->len : 1);
    cli_progress *progress = cli_progress_start(&status, s->duration, o->progress, o->no_progress || o->quiet);
    unsigned jobs = o->jobs ? (unsigned)o->jobs : g_get_num_processors();
    g_autoptr(run_result) r = o->alone ? run_with_alone(s, policy, jobs, &status, &error)
        : run_live(s, policy, &status, &error);
    bool interrupted;
    double seconds = cli_progress_stop(progress, &interrupted);
    run_status_clear(&status);
    if (interrupted) {
        g_clear_error(&error);
        return CLI_EXIT_INTERRUPTED;
    }
    if (!r)
        return cli_fail(error);
    g_autofree char *json = o->json ? run_result_to_json(r) : NULL;
    g_autofree char *table = run_result_to_table(r, cli_colour());
    g_autoptr(GPtrArray) runs = g_ptr_array_new();
    g_ptr_array_add(runs, r);
    if (o->exits)
        table = run_exits_table(g_steal_pointer(&table), runs);
    table = run_warm_table(g_steal_pointer(&table), runs);
    if (!cli_output_profile(o->profile_out, r, &error))
        return cli_fail(error);
    if (!cli_output_store(o, s, runs, o->alone, &error))
        return cli_fail(error);
    int exit_status = cli_output(o, s, r, json, table, r->totals.instructions, seconds);
    cli_tell_failure(r);
    if (!run_pictures_close(&pictures, &error))
        return cli_fail(error);
    return exit_status ? exit_status : failed(r) ? SIM_EXIT_GUEST_FAILED : SIM_EXIT_OK;
}

int cli_run(const char *command, int argc, char **argv)
{
    cli_options o = {0};
    const GOptionEntry entries[] = {
        {"policy", 'p', 0, G_OPTION_ARG_FILENAME, &o.policy,
         "the policy, whatever the scenario says (see quanta list policies)", "NAME"},
        {"alone", 0, 0, G_OPTION_ARG_NONE, &o.alone,
         "run every VM alone, too: adds slowdowns, STP, ANTT and fairness", NULL},
        {"warm-up", 0, 0, G_OPTION_ARG_FILENAME, &o.warm_up,
         "measure what each switch costs the guest that comes back, over its next N instructions (1M): slow", "N"},
        {"timeline", 0, 0, G_OPTION_ARG_FILENAME, &o.timeline, "draw the run as Chrome trace events, for Perfetto", "FILE"},
        {"ftrace", 0, 0, G_OPTION_ARG_FILENAME, &o.ftrace, "write its switches, wake-ups and migrations as the text of Linux's ftrace", "FILE"},
        {"exits", 0, 0, G_OPTION_ARG_NONE, &o.exits, "tell VM-exits by reason, with their time", NULL},
        {"unknown", 0, 0, G_OPTION_ARG_NONE, &o.unknown, "list executed instructions that the core's tables lack, the most frequent first", NULL},
        {"profile-out", 0, 0, G_OPTION_ARG_FILENAME, &o.profile_out, "write the profiles that the run leaves, for --profile-in", "FILE"},
        CLI_SCENARIO_ENTRIES(o),
        {NULL, 0, 0, 0, NULL, NULL, NULL},
    };
    int status = SIM_EXIT_OK;
    if (cli_options_parse(command, entries, &argc, &argv, &status)) {
        g_autoptr(run_scenario) s = cli_options_scenario(command, &o, argc, argv, &status);
        if (s)
            status = execute(&o, s);
    }
    cli_options_clear(&o);
    return status;
}
