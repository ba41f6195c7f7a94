/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli.h"
#include "run-record.h"
#include "run-workload.h"
#include "sim-config.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { BEYOND_DEFAULT = 50 };

typedef struct {
    cli_options common;
    char *output, *from_text, *for_text, *folder, *memory_text;
    gboolean regions, writable;
    int beyond;
    run_record_options record;
} record_options;

static void clear(record_options *o)
{
    cli_options_clear(&o->common);
    g_free(o->output);
    g_free(o->from_text);
    g_free(o->for_text);
    g_free(o->folder);
    g_free(o->memory_text);
}

/* ---- what is to be recorded ------------------------------------------------------------------------------------------ */

static bool is_elf(const char *path)
{
    char magic[4] = "";
    FILE *f = fopen(path, "rb");
    bool elf = f && fread(magic, 1, sizeof magic, f) == sizeof magic && memcmp(magic, "\177ELF", sizeof magic) == 0;
    if (f)
        fclose(f);
    return elf;
}

/* The workload that the argument names, or NULL: it is a scenario. */
static char *workload_of(const char *argument)
{
    if (g_str_has_prefix(argument, "elf:") || g_str_has_prefix(argument, "synthetic:") || g_str_has_prefix(argument, "trace:"))
        return g_strdup(argument);
    return is_elf(argument) ? g_strconcat("elf:", argument, NULL) : NULL;
}

static char *quoted(char **words)
{
    GString *line = g_string_new(NULL);
    for (char **w = words; *w; w++) {
        g_autofree char *q = g_shell_quote(*w);
        g_string_append_printf(line, "%s%s", line->len ? " " : "", q);
    }
    return g_string_free(line, FALSE);
}

/* A scenario of one VM, read like any other, so that programs, arguments and folders mean the same. */
static run_scenario *program_scenario(const record_options *o, const char *workload, char **arguments, GError **error)
{
    g_autofree char *args = quoted(arguments);
    if (strchr(args, '\n') || strchr(workload, '\n')) {
        g_set_error(error, SIM_ERROR, SIM_ERROR_USAGE, "a line break in the program's name or arguments cannot be passed on");
        return NULL;
    }
    g_autofree char *here = g_get_current_dir();
    g_autofree char *folder = o->folder ? g_canonicalize_filename(o->folder, here) : NULL;
    g_autofree char *base = g_path_get_basename(workload);
    GString *text = g_string_new("[scenario]\n");
    GString *name = g_string_new(NULL);
    for (const char *p = strrchr(base, ':') ? strrchr(base, ':') + 1 : base; *p && *p != ' ' && name->len < 64; p++)
        g_string_append_c(name, g_ascii_isalnum(*p) || *p == '-' ? *p : '_');
    if (o->common.has_seed)
        g_string_append_printf(text, "seed = %" G_GUINT64_FORMAT "\n", o->common.seed);
    g_string_append_printf(text, "[vm %s]\nworkload = %s\n", name->len ? name->str : "guest", workload);
    if (*args)
        g_string_append_printf(text, "args = %s\n", args);
    if (folder)
        g_string_append_printf(text, "folder = %s\nfolder-writable = %s\n", folder, o->writable ? "true" : "false");
    if (o->memory_text)
        g_string_append_printf(text, "memory = %s\n", o->memory_text);
    run_scenario *s = run_scenario_parse(text->str, "quanta record", error);
    g_string_free(name, TRUE);
    g_string_free(text, TRUE);
    return s;
}

/* ---- telling ------------------------------------------------------------------------------------------------------------ */

static void print_recorded(const GPtrArray *all)
{
    for (guint i = 0; i < all->len; i++) {
        const run_recorded *r = g_ptr_array_index(all, i);
        printf("%s: %" G_GUINT64_FORMAT " instructions, %" G_GUINT64_FORMAT " bytes", r->path, r->insns, r->bytes);
        if (r->insns)
            printf(" (%.3f per instruction)", (double)r->bytes / (double)r->insns);
        static const char *const ends[] = {", to the guest's end", "", ", interrupted", "", ""};
        printf("%s%s\n", ends[MIN((unsigned)r->ended, 4u)],
               r->time_dependent ? "; the guest reads the clock: the trace holds what it did at the times of this recording" : "");
    }
}

static int execute(record_options *o, const run_scenario *s, bool program)
{
    GError *error = NULL;
    run_status status;
    run_status_init(&status, 1);
    cli_progress *progress = cli_progress_start(&status, program ? SIM_PS_NEVER : s->duration, o->common.progress,
                                                program || o->common.no_progress || o->common.quiet);
    const char *policy = o->common.policy ? o->common.policy : s->policy_name;
    GPtrArray *recorded = program ? run_record_program(s, o->output, &o->record, &status, &error)
                                  : run_record_scenario(s, policy, o->output, &o->record, &status, &error);
    bool interrupted;
    cli_progress_stop(progress, &interrupted);
    run_status_clear(&status);
    if (!recorded)
        return cli_fail(error);
    if (!o->common.quiet)
        print_recorded(recorded);
    g_ptr_array_unref(recorded);
    return interrupted ? CLI_EXIT_INTERRUPTED : SIM_EXIT_OK;
}

/* ---- arguments ------------------------------------------------------------------------------------------------------------ */

static char *default_output(const run_scenario *s, bool program)
{
    const run_vm *vm = g_ptr_array_index(s->vms, 0);
    return program ? g_strconcat(vm->name, ".qtr", NULL) : g_strconcat(s->name, "-traces", NULL);
}

static int record_program(const char *command, record_options *o, const char *workload, char **arguments)
{
    GError *error = NULL;
    if (o->common.policy || o->common.sets || o->beyond != BEYOND_DEFAULT)
        return cli_usage(command, "%s is for scenarios; a program is executed without timing",
                         o->common.policy ? "--policy" : o->common.sets ? "--set" : "--beyond");
    if (o->writable && !o->folder)
        return cli_usage(command, "--writable without --folder: there is no folder to write to");
    g_autoptr(run_scenario) s = program_scenario(o, workload, arguments, &error);
    if (!s)
        return cli_fail(error);
    if (!o->output)
        o->output = default_output(s, true);
    return execute(o, s, true);
}

static int record_scenario(const char *command, record_options *o, int argc, char **argv)
{
    int status;
    if (o->folder || o->memory_text || o->writable)
        return cli_usage(command, "--folder, --writable and --memory are for programs; a scenario names its own");
    g_autoptr(run_scenario) s = cli_options_scenario(command, &o->common, argc, argv, &status);
    if (!s)
        return status;
    if (!o->output)
        o->output = default_output(s, false);
    return execute(o, s, false);
}

static int dispatch(const char *command, record_options *o, int argc, char **argv)
{
    int status = SIM_EXIT_OK;
    if (argc < 2)
        return cli_usage(command, "what to record? a scenario file, or a program and its arguments");
    if (!cli_options_count(command, "--from", o->from_text, &o->record.window.from, &status)
        || !cli_options_count(command, "--for", o->for_text, &o->record.window.limit, &status)
        || !cli_options_seed(command, &o->common, &status))
        return status;
    if (o->for_text && !o->record.window.limit)
        return cli_usage(command, "--for: 0 instructions are no trace");
    if (o->beyond < 0 || o->beyond > 1000000)
        return cli_usage(command, "--beyond: %d is not a percentage from 0 to 1000000", o->beyond);
    o->record.window.regions = o->regions;
    o->record.beyond = (unsigned)o->beyond;
    g_autofree char *workload = workload_of(argv[1]);
    return workload ? record_program(command, o, workload, argv + 2) : record_scenario(command, o, argc, argv);
}

/* A program's arguments are its own; behind a scenario options may follow. */
static bool parse(const char *command, const GOptionEntry *entries, int *argc, char ***argv, int *status)
{
    if (!cli_options_parse(command, entries, argc, argv, status))
        return false;
    g_autofree char *workload = *argc > 1 ? workload_of((*argv)[1]) : NULL;
    if (*argc < 3 || workload || *(*argv)[2] != '-')
        return true;
    char *scenario = (*argv)[1];
    (*argv)[1] = (*argv)[0];
    (*argv)++;
    (*argc)--;
    if (!cli_options_parse(command, entries, argc, argv, status))
        return false;
    (*argv)--;
    (*argc)++;
    (*argv)[0] = (*argv)[1];
    (*argv)[1] = scenario;
    return true;
}

int cli_record(const char *command, int argc, char **argv)
{
    record_options o = {.beyond = BEYOND_DEFAULT};
    const GOptionEntry entries[] = {
        {"output", 'o', 0, G_OPTION_ARG_FILENAME, &o.output, "the trace of a program (default: NAME.qtr), or the folder of a scenario's traces"
         " (default: NAME-traces)", "PATH"},
        {"from", 0, 0, G_OPTION_ARG_FILENAME, &o.from_text, "leave out the first N instructions of each guest (k, M, G may follow)", "N"},
        {"for", 0, 0, G_OPTION_ARG_FILENAME, &o.for_text, "record N instructions of each guest", "N"},
        {"roi", 0, 0, G_OPTION_ARG_NONE, &o.regions, "record only what lies between the markers of regions of interest", NULL},
        {"beyond", 0, 0, G_OPTION_ARG_INT, &o.beyond, "scenario: per cent that each guest is recorded further than it came in the run (default: 50)",
         "P"},
        {"policy", 'p', 0, G_OPTION_ARG_FILENAME, &o.common.policy, "scenario: the policy, whatever the scenario says", "NAME"},
        {"set", 's', 0, G_OPTION_ARG_FILENAME_ARRAY, &o.common.sets, "scenario: override a key (may be repeated)", "GROUP.KEY=VALUE"},
        {"seed", 0, 0, G_OPTION_ARG_FILENAME, &o.common.seed_text, "the seed", "N"},
        {"folder", 0, 0, G_OPTION_ARG_FILENAME, &o.folder, "program: the only host folder that the guest sees", "DIR"},
        {"writable", 0, 0, G_OPTION_ARG_NONE, &o.writable, "program: it may write to the folder", NULL},
        {"memory", 0, 0, G_OPTION_ARG_FILENAME, &o.memory_text, "program: all that it can have mapped (default: 256MiB)", "SIZE"},
        {"progress", 0, 0, G_OPTION_ARG_NONE, &o.common.progress, "show progress even if standard error is no terminal", NULL},
        {"no-progress", 0, 0, G_OPTION_ARG_NONE, &o.common.no_progress, "show no progress", NULL},
        {"quiet", 'q', 0, G_OPTION_ARG_NONE, &o.common.quiet, "print nothing but errors", NULL},
        {NULL, 0, 0, 0, NULL, NULL, NULL},
    };
    int status = SIM_EXIT_OK;
    if (parse(command, entries, &argc, &argv, &status))
        status = dispatch(command, &o, argc, argv);
    clear(&o);
    return status;
}
