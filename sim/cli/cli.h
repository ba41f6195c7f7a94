/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The quanta command: what its subcommands share. */
#pragma once

#include "run-experiment.h"
#include "sim-error.h"

#include <glib.h>
#include <stdbool.h>

typedef struct {
    const char *name;
    const char *arguments; /* as in the synopsis */
    const char *summary;   /* one line */
    const char *help;      /* what --help says below the options, or NULL */
    int (*main)(const char *command, int argc, char **argv); /* argv[0] is the program; returns the exit status */
    bool options_first;    /* options end at the first argument */
} cli_command;

/* The one table, ended by a NULL name. */
extern const cli_command cli_commands[];
/* Those of `quanta trace`; their names are "trace info" and so on. */
extern const cli_command cli_trace_commands[];

int cli_run(const char *command, int argc, char **argv);
int cli_compare(const char *command, int argc, char **argv);
int cli_check_policy(const char *command, int argc, char **argv);
int cli_explain(const char *command, int argc, char **argv);
int cli_diff(const char *command, int argc, char **argv);
int cli_check(const char *command, int argc, char **argv);
int cli_init(const char *command, int argc, char **argv);
int cli_list(const char *command, int argc, char **argv);
int cli_record(const char *command, int argc, char **argv);
int cli_report(const char *command, int argc, char **argv);
int cli_sweep(const char *command, int argc, char **argv);
int cli_throughput(const char *command, int argc, char **argv);
int cli_trace(const char *command, int argc, char **argv);
int cli_trace_info(const char *command, int argc, char **argv);
int cli_trace_verify(const char *command, int argc, char **argv);
int cli_trace_cat(const char *command, int argc, char **argv);
int cli_trace_cut(const char *command, int argc, char **argv);
int cli_trace_import(const char *command, int argc, char **argv);
int cli_trace_export(const char *command, int argc, char **argv);

enum { CLI_EXIT_INTERRUPTED = 130 };

/* Prints "quanta: MESSAGE" on standard error, frees the error and returns the exit status that it means. */
int cli_fail(GError *error);
/* The same for a mistake on the command line, with a pointer to the command's help. */
int cli_usage(const char *command, const char *format, ...) G_GNUC_PRINTF(2, 3);
/* Whether tables on standard output are coloured. */
bool cli_colour(void);

/* ---- options (cli-options.c) ---- */

/* Options of commands that run scenarios. Zeroed, then filled by cli_options_parse; cleared by cli_options_clear. */
typedef struct {
    char *json;
    char **sets;
    char *seed_text, *policy, *policies, *traces;
    char *profile_in, *profile_out, *store, **axes, *warm_up;
    char *series, *timeline, *ftrace;
    int jobs;
    gboolean progress, no_progress, quiet, alone, strict, salvage, unknown, exits;
    uint64_t seed;
    bool has_seed;
    const char *scenario; /* the one argument; points into argv */
} cli_options;

/* Entries of every command that runs scenarios, for cli_options `o`. */
#define CLI_SCENARIO_ENTRIES(o) \
    {"json", 0, 0, G_OPTION_ARG_FILENAME, &(o).json, "write the result as JSON; - is standard output, in place of the table", "FILE"}, \
    {"set", 's', 0, G_OPTION_ARG_FILENAME_ARRAY, &(o).sets, "override a key of the scenario (may be repeated)", "GROUP.KEY=VALUE"}, \
    {"traces", 0, 0, G_OPTION_ARG_FILENAME, &(o).traces, "take every VM's work from DIR/NAME.qtr, as 'quanta record SCENARIO' made them", "DIR"}, \
    {"salvage", 0, 0, G_OPTION_ARG_NONE, &(o).salvage, "use what is whole of damaged and unfinished traces", NULL}, \
    {"profile-in", 0, 0, G_OPTION_ARG_FILENAME, &(o).profile_in, "begin with the profiles that an earlier run left", "FILE"}, \
    {"store", 0, 0, G_OPTION_ARG_FILENAME, &(o).store, "put the runs into a result store, an SQLite database, as well", "FILE.db"}, \
    {"axis", 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &(o).axes, "in the store: what tells the runs apart from others (may be repeated)", "NAME=VALUE"}, \
    {"series", 0, 0, G_OPTION_ARG_FILENAME, &(o).series, "sample counters, occupancy and states for --json, about once a PERIOD of simulated time", "PERIOD"}, \
    {"seed", 0, 0, G_OPTION_ARG_FILENAME, &(o).seed_text, "override the scenario's seed", "N"}, \
    {"strict", 0, 0, G_OPTION_ARG_NONE, &(o).strict, "end a run at the first bad answer of its policy", NULL}, \
    {"jobs", 'j', 0, G_OPTION_ARG_INT, &(o).jobs, "runs at a time (default: one per processor of the host)", "N"}, \
    {"progress", 0, 0, G_OPTION_ARG_NONE, &(o).progress, "show progress even if standard error is no terminal", NULL}, \
    {"no-progress", 0, 0, G_OPTION_ARG_NONE, &(o).no_progress, "show no progress", NULL}, \
    {"quiet", 'q', 0, G_OPTION_ARG_NONE, &(o).quiet, "print nothing but errors (and JSON)", NULL}

/* Parses with the given option entries (they point into `options`, or anywhere). False: the exit status is in *status
 * (also for --help). What is left of argv is the command's arguments. */
bool cli_options_parse(const char *command, const GOptionEntry *entries, int *argc, char ***argv, int *status);
/* A count given to an option ("10M"); NULL text: 0. False: the message has been printed, *status set. */
bool cli_options_count(const char *command, const char *option, const char *text, uint64_t *out, int *status);
/* Reads --seed. False: as above. */
bool cli_options_seed(const char *command, cli_options *options, int *status);
/* Loads the scenario that is the only argument, with --set, --seed. NULL: the exit status is in *status. */
run_scenario *cli_options_scenario(const char *command, cli_options *options, int argc, char **argv, int *status);
void cli_options_clear(cli_options *options);

/* ---- progress (cli-progress.c) ---- */

typedef struct cli_progress cli_progress;

/* Makes SIGINT and SIGTERM set *flag; the next signal kills. For work without a run_status. */
void cli_catch_signals(volatile int *flag);

/* Makes SIGINT and SIGTERM cancel the experiment, and shows its progress on standard error: a bar when that is a
 * terminal (or `force`), nothing when `hide`. `status` outlives it. */
cli_progress *cli_progress_start(run_status *status, sim_ps duration, bool force, bool hide);
/* Takes the bar away. Wall-clock seconds since the start; whether a signal came. */
double cli_progress_stop(cli_progress *progress, bool *interrupted);
