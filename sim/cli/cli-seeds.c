/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli-seeds.h"

#include "cli-output.h"
#include "run-file.h"
#include "run-policies.h"
#include "run-samples.h"
#include "run-seeds.h"

#include <stdio.h>
#include <string.h>

typedef struct {
    const cli_options *options;
    const run_scenario *scenario;
    const char *const *policies;
    GPtrArray *plugins;
    run_status *status;
} context;

static run_scenario *load(const context *c, uint64_t seed, GError **error)
{
    const cli_options *o = c->options;
    const run_overrides overrides = {.sets = (const char *const *)o->sets, .seed = &seed, .traces = o->traces, .salvage = o->salvage, .profile = o->profile_in};
    run_scenario *s = run_scenario_load(o->scenario, &overrides, error);
    for (guint i = 0; s && i < c->plugins->len; i++) {
        g_autofree char *name = g_strdup(g_ptr_array_index(c->plugins, i));
        if (!run_policies_plugin(s, &name, error))
            g_clear_pointer(&s, run_scenario_free);
    }
    if (s)
        s->strict |= o->strict;
    return s;
}

/* False without error: cancelled. */
static bool add_seed(const context *c, run_samples *samples, uint64_t seed, GError **error)
{
    unsigned jobs = c->options->jobs ? (unsigned)c->options->jobs : g_get_num_processors();
    g_autoptr(run_scenario) s = load(c, seed, error);
    g_autoptr(run_comparison) one = s ? run_compare(s, c->policies, jobs, c->status, error) : NULL;
    c->status->offset += run_compare_runs(c->scenario, c->policies);
    if (!one || !cli_output_store(c->options, s, one->runs, true, error))
        return false;
    run_samples_add(samples, one, seed);
    return true;
}

static int write_out(const cli_options *o, const run_samples *samples)
{
    GError *error = NULL;
    g_autofree char *json = o->json ? run_samples_json(samples) : NULL, *table = run_samples_table(samples, cli_colour());
    bool to_stdout = o->json && strcmp(o->json, "-") == 0;
    if (!to_stdout && !o->quiet)
        fputs(table, stdout);
    fflush(stdout);
    if (json && !run_file_write(o->json, json, strlen(json), &error))
        return cli_fail(error);
    if (samples->failures)
        g_printerr("quanta: in %u of the runs a guest or the policy failed; 'quanta run --seed N --policy NAME' shows which\n", samples->failures);
    return samples->failures ? SIM_EXIT_GUEST_FAILED : SIM_EXIT_OK;
}

static int execute(const context *c, run_samples *samples, const uint64_t *seeds, unsigned n)
{
    GError *error = NULL;
    bool good = true, interrupted;
    run_status_init(c->status, (gint)n * run_compare_runs(c->scenario, c->policies));
    cli_progress *progress = cli_progress_start(c->status, c->scenario->duration, c->options->progress, c->options->no_progress || c->options->quiet);
    for (unsigned i = 0; good && i < n; i++)
        good = add_seed(c, samples, seeds[i], &error);
    cli_progress_stop(progress, &interrupted);
    run_status_clear(c->status);
    if (interrupted) {
        g_clear_error(&error);
        return CLI_EXIT_INTERRUPTED;
    }
    if (!good || !run_samples_finish(samples, &error))
        return cli_fail(error);
    return write_out(c->options, samples);
}

int cli_compare_seeds(const char *command, const cli_options *o, const run_scenario *s, const char *const *policies, GPtrArray *plugins,
    const char *seeds_text, const char *figures)
{
    GError *error = NULL;
    unsigned n;
    run_status status;
    if (o->has_seed)
        return cli_usage(command, "--seed and --seeds exclude each other");
    if (o->exits || o->warm_up || o->profile_out || o->series || o->timeline)
        return cli_usage(command, "--seeds tells figures over all seeds; --exits, --warm-up, --profile-out, --series and --timeline are for one seed");
    g_autofree uint64_t *seeds = run_seeds_parse(seeds_text, &n, &error);
    if (!seeds) {
        g_prefix_error(&error, "--seeds: ");
        return cli_fail(error);
    }
    if (o->json && !run_file_check(o->json, &error)) {
        g_prefix_error(&error, "--json: ");
        return cli_fail(error);
    }
    g_autoptr(run_samples) samples = run_samples_new(s, figures, &error);
    if (!samples) {
        g_prefix_error(&error, "--figures: ");
        return cli_fail(error);
    }
    const context c = {o, s, policies, plugins, &status};
    return execute(&c, samples, seeds, n);
}
