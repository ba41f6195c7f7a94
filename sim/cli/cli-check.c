/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli.h"
#include "run-check.h"
#include "run-file.h"

#include <stdio.h>
#include <string.h>

typedef struct {
    char *junit, *json;
    char **cases;
    gboolean tap, update, quiet, progress, no_progress;
    int jobs;
} check_options;

/* Whether the files could be written, before anything runs. */
static bool check_files(const check_options *o, const run_check_suite *s, GError **error)
{
    if (o->junit && !run_file_check(o->junit, error)) {
        g_prefix_error(error, "--junit: ");
        return false;
    }
    if (o->json && !run_file_check(o->json, error)) {
        g_prefix_error(error, "--json: ");
        return false;
    }
    if (o->update && (!run_file_check(s->baseline_path, error) || !run_file_check(s->path, error))) {
        g_prefix_error(error, "--update: ");
        return false;
    }
    return true;
}

static bool write_text(const char *path, char *text, GError **error)
{
    g_autofree char *owned = text;
    fflush(stdout);
    return run_file_write(path, owned, strlen(owned), error);
}

/* Shows the difference to the baseline (`out` NULL: does not), then writes it. */
static bool update(run_check_report *r, FILE *out, GError **error)
{
    g_autofree char *changes = run_check_changes(r, out == stdout && cli_colour());
    if (out && *changes)
        fprintf(out, "recorded anew in %s:\n%s\n", r->suite->baseline_path, changes);
    else if (out)
        fprintf(out, "nothing differs from %s\n\n", r->suite->baseline_path);
    fflush(stdout);
    return run_check_update(r, error);
}

static int report(const check_options *o, run_check_report *r)
{
    GError *error = NULL;
    bool to_stdout = g_strcmp0(o->json, "-") == 0 || g_strcmp0(o->junit, "-") == 0;
    if (o->update && !update(r, o->quiet ? NULL : o->tap || to_stdout ? stderr : stdout, &error))
        return cli_fail(error);
    g_autofree char *text = o->tap ? run_check_tap(r) : run_check_table(r, cli_colour());
    if (o->tap || (!to_stdout && !o->quiet))
        fputs(text, stdout);
    if ((o->junit && !write_text(o->junit, run_check_junit(r), &error)) || (o->json && !write_text(o->json, run_check_json(r), &error)))
        return cli_fail(error);
    for (guint c = 0; c < r->runs->len; c++) {
        GPtrArray *runs = g_ptr_array_index(r->runs, c);
        for (guint i = 0; i < runs->len; i++) {
            const run_check_run *run = g_ptr_array_index(runs, i);
            if (run->failure)
                g_printerr("quanta: %s: [case %s]: %s\n", r->suite->path, ((const run_check_case *)g_ptr_array_index(r->suite->cases, c))->name, run->failure);
        }
    }
    return r->run_failures ? SIM_EXIT_GUEST_FAILED : r->failed ? SIM_EXIT_CHECK_FAILED : SIM_EXIT_OK;
}

static int execute(const check_options *o, const char *path)
{
    GError *error = NULL;
    g_autoptr(run_check_suite) s = run_check_load(path, (const char *const *)o->cases, o->update, &error);
    if (!s || !check_files(o, s, &error))
        return cli_fail(error);
    run_status status;
    bool interrupted;
    run_status_init(&status, run_check_runs(s));
    cli_progress *progress = cli_progress_start(&status, run_check_duration(s), o->progress, o->no_progress || o->quiet);
    g_autoptr(run_check_report) r = run_check(s, o->jobs ? (unsigned)o->jobs : g_get_num_processors(), &status, &error);
    cli_progress_stop(progress, &interrupted);
    run_status_clear(&status);
    if (interrupted) {
        g_clear_error(&error);
        return CLI_EXIT_INTERRUPTED;
    }
    return r ? report(o, r) : cli_fail(error);
}

static int check_usage(const char *command, const check_options *o, int argc, char **argv)
{
    bool json_out = g_strcmp0(o->json, "-") == 0, junit_out = g_strcmp0(o->junit, "-") == 0;
    if (argc != 2)
        return argc < 2 ? cli_usage(command, "the suite is missing") : cli_usage(command, "unexpected argument '%s'", argv[2]);
    if (o->jobs < 0 || o->jobs > 1024)
        return cli_usage(command, "-j: %d is not a number of threads from 1 to 1024", o->jobs);
    if (json_out + junit_out + (o->tap ? 1 : 0) > 1)
        return cli_usage(command, "only one of --tap, --json - and --junit - can go to standard output");
    return SIM_EXIT_OK;
}

int cli_check(const char *command, int argc, char **argv)
{
    check_options o = {0};
    const GOptionEntry entries[] = {
        {"tap", 0, 0, G_OPTION_ARG_NONE, &o.tap, "print TAP (version 13) in place of the table", NULL},
        {"junit", 0, 0, G_OPTION_ARG_FILENAME, &o.junit, "write JUnit's XML; - is standard output, in place of the table", "FILE"},
        {"json", 0, 0, G_OPTION_ARG_FILENAME, &o.json, "write JSON (schema quanta-check/1); - is standard output, in place of the table", "FILE"},
        {"case", 'c', 0, G_OPTION_ARG_FILENAME_ARRAY, &o.cases, "check that case alone (may be repeated)", "NAME"},
        {"update", 0, 0, G_OPTION_ARG_NONE, &o.update, "record the results as the new baseline, after showing what changed", NULL},
        {"jobs", 'j', 0, G_OPTION_ARG_INT, &o.jobs, "runs at a time (default: one per processor of the host)", "N"},
        {"progress", 0, 0, G_OPTION_ARG_NONE, &o.progress, "show progress even if standard error is no terminal", NULL},
        {"no-progress", 0, 0, G_OPTION_ARG_NONE, &o.no_progress, "show no progress", NULL},
        {"quiet", 'q', 0, G_OPTION_ARG_NONE, &o.quiet, "print nothing but errors (and what --tap, --json and --junit ask for)", NULL},
        {NULL, 0, 0, 0, NULL, NULL, NULL},
    };
    int status = SIM_EXIT_OK;
    if (cli_options_parse(command, entries, &argc, &argv, &status)) {
        status = check_usage(command, &o, argc, argv);
        if (status == SIM_EXIT_OK)
            status = execute(&o, argv[1]);
    }
    g_free(o.junit);
    g_free(o.json);
    g_strfreev(o.cases);
    return status;
}
