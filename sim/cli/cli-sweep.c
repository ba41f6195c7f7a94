/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli-sweep.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { MOST_JOBS = 4096, MOST_RETRIES = 100 };

typedef struct {
    char *policies, *machines, *seeds, *store, *engine, *partition, *time, *mem, **vary;
    int jobs, retries, cell;
    gboolean progress, no_progress, quiet, list;
} options;

unsigned cli_sweep_cells(const cli_sweep_job *j)
{
    return j->sweep->points->len * j->sweep->n_seeds;
}

static const run_sweep_point *point_of(const cli_sweep_job *j, unsigned cell)
{
    return g_ptr_array_index(j->sweep->points, cell / j->sweep->n_seeds);
}

static uint64_t seed_of(const cli_sweep_job *j, unsigned cell)
{
    return j->sweep->seeds[cell % j->sweep->n_seeds];
}

char *cli_sweep_name(const cli_sweep_job *j, unsigned cell)
{
    GString *text = g_string_new(NULL);
    for (char **a = point_of(j, cell)->axes; a[0]; a += 2)
        g_string_append_printf(text, "%s=%s ", a[0], a[1]);
    g_string_append_printf(text, "seed=%" G_GUINT64_FORMAT, seed_of(j, cell));
    return g_string_free(text, FALSE);
}

static void add(GPtrArray *argv, const char *option, const char *value)
{
    g_ptr_array_add(argv, g_strdup(option));
    g_ptr_array_add(argv, g_strdup(value));
}

char **cli_sweep_argv(const cli_sweep_job *j, unsigned cell, const char *policy, const char *store)
{
    const run_sweep_point *p = point_of(j, cell);
    GPtrArray *argv = g_ptr_array_new();
    g_autofree char *seed = g_strdup_printf("%" G_GUINT64_FORMAT, seed_of(j, cell)), *all = g_strjoinv(",", j->sweep->policies);
    add(argv, j->self, "compare");
    g_ptr_array_add(argv, g_strdup("-q"));
    g_ptr_array_add(argv, g_strdup("--no-progress"));
    add(argv, "--jobs", "1");
    add(argv, "--seed", seed);
    add(argv, "--store", store);
    if (policy || *all)
        add(argv, "--policies", policy ? policy : all);
    for (char **set = p->sets; *set; set++)
        add(argv, "--set", *set);
    for (char **a = p->axes; a[0]; a += 2) {
        g_autofree char *axis = g_strconcat(a[0], "=", a[1], NULL);
        add(argv, "--axis", axis);
    }
    add(argv, "--", p->scenario);
    g_ptr_array_add(argv, NULL);
    return (char **)g_ptr_array_free(argv, FALSE);
}

void cli_sweep_tell(const cli_sweep_job *j, unsigned cell, const char *policy, const char *why)
{
    g_autofree char *name = cli_sweep_name(j, cell);
    fprintf(stderr, "%squanta: sweep: cell %u (%s)%s%s: %s\n", j->show ? "\r\033[K" : "", cell, name, policy ? ", policy " : "", policy ? policy : "", why);
}

/* ---- what there is to do -------------------------------------------------------------------------------------------- */

static bool find_todo(cli_sweep_job *j, GError **error)
{
    g_autoptr(run_store) store = run_store_open(j->store, true, error);
    j->todo = g_array_new(FALSE, FALSE, sizeof(unsigned));
    for (guint p = 0; store && p < j->sweep->points->len; p++) {
        g_autoptr(run_scenario) s = run_sweep_scenario(j->sweep, g_ptr_array_index(j->sweep->points, p), error);
        if (!s)
            return false;
        for (unsigned i = 0; i < j->sweep->n_seeds; i++) {
            bool has = true;
            g_auto(GStrv) keys = run_sweep_keys(j->sweep, s, j->sweep->seeds[i], NULL, error);
            for (char **k = keys; k && *k && has; k++)
                if (!run_store_has(store, *k, &has, error))
                    return false;
            unsigned cell = p * j->sweep->n_seeds + i;
            if (!keys)
                return false;
            if (!has)
                g_array_append_val(j->todo, cell);
        }
    }
    return store != NULL;
}

static int finish(const cli_sweep_job *j, unsigned had)
{
    GError *error = NULL;
    g_autoptr(run_store) store = run_store_open(j->store, true, &error);
    g_autofree char *table = store && !j->quiet ? run_sweep_table(j->sweep, store, cli_colour(), &error) : NULL;
    if (error)
        return cli_fail(error);
    if (table)
        printf("%s\n%u cells: %u were there, %u were run, %u failed\n", table, cli_sweep_cells(j), had, j->todo->len - j->failed, j->failed);
    if (j->failed)
        fprintf(stderr, "quanta: sweep: %u of %u cells have no result; the same command tries them again\n", j->failed, cli_sweep_cells(j));
    return j->failed || j->ill ? SIM_EXIT_GUEST_FAILED : SIM_EXIT_OK;
}

static int sweep(cli_sweep_job *j, bool slurm)
{
    GError *error = NULL;
    if (!find_todo(j, &error))
        return cli_fail(error);
    unsigned had = cli_sweep_cells(j) - j->todo->len;
    cli_catch_signals(&j->stop);
    bool good = !j->todo->len || (slurm ? cli_sweep_slurm(j, &error) : cli_sweep_local(j, &error));
    if (j->stop) {
        g_clear_error(&error);
        fprintf(stderr, "quanta: sweep: interrupted; what is finished is in '%s', and the same command goes on from there\n", j->store);
        return CLI_EXIT_INTERRUPTED;
    }
    return good ? finish(j, had) : cli_fail(error);
}

/* In the place of this process: the cell. */
static int one_cell(const cli_sweep_job *j, int cell)
{
    if (cell < 0 || (unsigned)cell >= cli_sweep_cells(j))
        return cli_usage("sweep", "--cell: there is no cell %d; there are 0 to %u", cell, cli_sweep_cells(j) - 1);
    g_auto(GStrv) argv = cli_sweep_argv(j, (unsigned)cell, NULL, j->store);
    execv(j->self, argv);
    fprintf(stderr, "quanta: sweep: cannot run '%s': %s\n", j->self, g_strerror(errno));
    return SIM_EXIT_BAD_INPUT;
}

static void list_cells(const cli_sweep_job *j)
{
    for (unsigned i = 0; i < cli_sweep_cells(j); i++) {
        g_autofree char *name = cli_sweep_name(j, i);
        printf("%u %s\n", i, name);
    }
}

/* ---- the command ------------------------------------------------------------------------------------------------------ */

/* What Slurm's tasks are to be told again. */
static char **again(const options *o, char **files)
{
    GPtrArray *a = g_ptr_array_new();
    if (o->policies)
        add(a, "--policies", o->policies);
    if (o->machines)
        add(a, "--machines", o->machines);
    if (o->seeds)
        add(a, "--seeds", o->seeds);
    for (char **v = o->vary; v && *v; v++)
        add(a, "--vary", *v);
    g_ptr_array_add(a, g_strdup("--"));
    for (char **f = files; *f; f++)
        g_ptr_array_add(a, g_canonicalize_filename(*f, NULL));
    g_ptr_array_add(a, NULL);
    return (char **)g_ptr_array_free(a, FALSE);
}

static int check(const char *command, const options *o, int argc)
{
    if (argc < 2)
        return cli_usage(command, "the scenario is missing: scenario files, or a file with a group [sweep]");
    if (!o->store && !o->list)
        return cli_usage(command, "--store is missing: the database that the runs go into");
    if (o->jobs < 0 || o->jobs > MOST_JOBS)
        return cli_usage(command, "-j: %d is not a number of processes from 1 to %d", o->jobs, MOST_JOBS);
    if (o->retries < 0 || o->retries > MOST_RETRIES)
        return cli_usage(command, "--retries: %d is not a number from 0 to %d", o->retries, MOST_RETRIES);
    if (o->engine && strcmp(o->engine, "local") != 0 && strcmp(o->engine, "slurm") != 0)
        return cli_usage(command, "--engine: '%s' is neither local nor slurm", o->engine);
    if ((o->partition || o->time || o->mem) && g_strcmp0(o->engine, "slurm") != 0)
        return cli_usage(command, "--partition, --time and --mem belong to --engine slurm");
    return SIM_EXIT_OK;
}

static int execute(const options *o, char **files)
{
    GError *error = NULL;
    const run_sweep_request q = {.files = (const char *const *)files, .policies = o->policies, .machines = o->machines, .seeds = o->seeds,
                                 .vary = (const char *const *)o->vary};
    g_autoptr(run_sweep) s = run_sweep_new(&q, &error);
    if (!s)
        return cli_fail(error);
    cli_sweep_job j = {.sweep = s, .retries = (unsigned)o->retries, .quiet = o->quiet, .partition = o->partition, .time = o->time, .mem = o->mem};
    j.jobs = o->jobs ? (unsigned)o->jobs : g_get_num_processors();
    j.show = !o->no_progress && !o->quiet && (o->progress || isatty(STDERR_FILENO));
    j.self = g_file_read_link("/proc/self/exe", NULL);
    j.store = o->store ? g_canonicalize_filename(o->store, NULL) : NULL;
    j.again = again(o, files);
    int status = SIM_EXIT_OK;
    if (o->list)
        list_cells(&j);
    else
        status = o->cell >= 0 ? one_cell(&j, o->cell) : sweep(&j, g_strcmp0(o->engine, "slurm") == 0);
    g_free(j.self);
    g_free(j.store);
    g_strfreev(j.again);
    if (j.todo)
        g_array_free(j.todo, TRUE);
    return status;
}

static void clear(options *o)
{
    char **texts[] = {&o->policies, &o->machines, &o->seeds, &o->store, &o->engine, &o->partition, &o->time, &o->mem};
    for (unsigned i = 0; i < G_N_ELEMENTS(texts); i++)
        g_free(*texts[i]);
    g_strfreev(o->vary);
}

int cli_sweep(const char *command, int argc, char **argv)
{
    options o = {.cell = -1, .retries = 1};
    const GOptionEntry entries[] = {
        {"store", 0, 0, G_OPTION_ARG_FILENAME, &o.store, "the database that the runs go into; cells that it has are not run again", "FILE.db"},
        {"policies", 'p', 0, G_OPTION_ARG_FILENAME, &o.policies, "the policies; round-robin is always one of them (default: the scenario's)", "A,B,..."},
        {"machines", 0, 0, G_OPTION_ARG_FILENAME, &o.machines, "the machines (default: the scenario's)", "A,B,..."},
        {"vary", 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &o.vary, "values of a key of the scenario; may be repeated", "GROUP.KEY=A,B,..."},
        {"seeds", 0, 0, G_OPTION_ARG_FILENAME, &o.seeds, "the seeds (default: 1)", "1-10"},
        {"jobs", 'j', 0, G_OPTION_ARG_INT, &o.jobs, "cells at a time (default: one per processor of the host)", "N"},
        {"retries", 0, 0, G_OPTION_ARG_INT, &o.retries, "times that a cell whose process dies is tried again (default: 1)", "N"},
        {"engine", 0, 0, G_OPTION_ARG_FILENAME, &o.engine, "local: processes of this host; slurm: a job array", "local|slurm"},
        {"partition", 0, 0, G_OPTION_ARG_FILENAME, &o.partition, "of Slurm", "NAME"},
        {"time", 0, 0, G_OPTION_ARG_FILENAME, &o.time, "of Slurm, for a cell", "LIMIT"},
        {"mem", 0, 0, G_OPTION_ARG_FILENAME, &o.mem, "of Slurm, for a cell", "SIZE"},
        {"list", 0, 0, G_OPTION_ARG_NONE, &o.list, "list the cells by number, and run none", NULL},
        {"cell", 0, 0, G_OPTION_ARG_INT, &o.cell, "run that cell alone, by number", "N"},
        {"progress", 0, 0, G_OPTION_ARG_NONE, &o.progress, "show progress even if standard error is no terminal", NULL},
        {"no-progress", 0, 0, G_OPTION_ARG_NONE, &o.no_progress, "show no progress", NULL},
        {"quiet", 'q', 0, G_OPTION_ARG_NONE, &o.quiet, "print nothing but errors", NULL},
        {NULL, 0, 0, 0, NULL, NULL, NULL},
    };
    int status = SIM_EXIT_OK;
    if (cli_options_parse(command, entries, &argc, &argv, &status)) {
        status = check(command, &o, argc);
        if (status == SIM_EXIT_OK)
            status = execute(&o, argv + 1);
    }
    clear(&o);
    return status;
}
