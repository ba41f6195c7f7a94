/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

const cli_command cli_commands[] = {
    {"init", "[FILE]", "write a first scenario, with comments",
     "FILE is scenario.conf without it; a file that is there is not overwritten. Exit status: 0 done, 2 bad usage or input.", cli_init, false},
    {"run", "SCENARIO", "run a scenario under one policy",
     "The result goes to standard output as a table, and with --json to a file as JSON. Exit status: 0 done,\n"
     "2 bad usage or input, 3 a guest or the policy failed (the result is written nevertheless).", cli_run, false},
    {"compare", "SCENARIO", "compare scheduling policies with round-robin on the same work",
     "Each guest is executed once and replayed to every policy, unless it reads the clock. Exit status: 0 done,\n"
     "2 bad usage or input, 3 a guest or a policy failed (the result is written nevertheless).", cli_compare, false},
    {"check-policy", "NAME|FILE.so", "drive a policy through adversarial schedules",
     "On a scripted machine without processors: storms of wake-ups, VMs that come and go, affinities, up to 256 vCPUs. Says which invariant\n"
     "broke. Exit status: 0 all held, 1 one broke, 2 bad usage or input, 3 a shared object that is no policy.", cli_check_policy, false},
    {"explain", "RESULT", "why quanta changed in a run, what came of it, and what to tune",
     "RESULT is a file that 'quanta run --json' or 'quanta compare --json' wrote, of any policy; - is standard input. Exit\n"
     "status: 0 done, 2 bad usage or input.", cli_explain, false},
    {"report", "RESULT|STORE", "a result, or a store of results, as one page of HTML",
     "RESULT is a file that 'quanta run --json' or 'quanta compare --json' (with --seeds, too) wrote, - standard input; STORE one that\n"
     "--store made. The page needs nothing but itself. With --series the result has what schedule and counters over time are drawn of. Exit status: 0 done, "
     "2 bad usage\n"
     "or input.", cli_report, false},
    {"check", "SUITE", "check policies against what a suite expects of them",
     "A suite lists scenarios, policies and expectations (man 5 quanta-suite). Exit status: 0 all as expected, 1 something is not,\n"
     "2 bad usage or input, 3 a guest or a policy failed.", cli_check, false},
    {"diff", "A B", "where two results part",
     "A and B are files that 'quanta run --json' or 'quanta compare --json' wrote, or FILE:POLICY, one run of a comparison. Told are\n"
     "differences of the configuration, then the first decision that differs, then figures by size of change. Exit status:\n"
     "0 the same, 1 they differ, 2 bad usage or input.", cli_diff, false},
    {"sweep", "SCENARIO...|GRID", "compare policies over a grid of machines, keys, workload mixes and seeds",
     "One process a cell; all runs go into the store, and the same command goes on where it stopped. Exit status: 0 done, 2 bad usage or\n"
     "input, 3 a cell has no result, or a guest or a policy failed (all other results are there), 130 interrupted.", cli_sweep, false},
    {"record", "SCENARIO|PROGRAM [ARGUMENTS]", "record guests as traces",
     "A scenario is run, and what each of its VMs does becomes DIR/NAME.qtr; a program (a static x86-64 ELF file,\n"
     "elf:guests/NAME or synthetic:SPEC) is executed without timing. Ctrl-C ends the traces where they are.\n"
     "Exit status: 0 done, 2 bad usage or input, 130 interrupted (the traces are valid).", cli_record, true},
    {"trace", "info|verify|cat|cut|import|export", "look into traces, cut, import and export them", NULL, cli_trace, true},
    {"throughput", "HEX", "how fast a basic block runs, and what bounds it",
     "Cycles per iteration of a block that is repeated for ever, on an otherwise idle core in which every access hits\n"
     "L1 and every branch is predicted. Exit status: 0 done, 2 bad usage or input.", cli_throughput, false},
    {"list", "policies|machines|events|figures|guests|traces", "show what there is to choose from", NULL, cli_list, false},
    {NULL, NULL, NULL, NULL, NULL, false},
};

int cli_fail(GError *error)
{
    int status = g_error_matches(error, SIM_ERROR, SIM_ERROR_GUEST) ||
        g_error_matches(error, SIM_ERROR, SIM_ERROR_POLICY)
                     ? SIM_EXIT_GUEST_FAILED
                     : SIM_EXIT_BAD_INPUT;
    fprintf(stderr, "quanta: %s\n", error->message);
    g_error_free(error);
    return status;
}

int cli_usage(const char *command, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    g_autofree char *text = g_strdup_vprintf(format, args);
    va_end(args);
    fprintf(stderr, "quanta: %s\nTry 'quanta %s%s--help'.\n", text, command ? command : "", command ? " " : "");
    return SIM_EXIT_BAD_INPUT;
}

bool cli_colour(void)
{
    const char *no = g_getenv("NO_COLOR"), *term = g_getenv("TERM");
    return isatty(STDOUT_FILENO) && !(no && *no) && term && strcmp(term, "dumb") != 0;
}

static void print_help(void)
{
    printf("Usage: quanta COMMAND [OPTIONS] ARGUMENTS\n\n"
           "Simulates hyperthreaded processors and the virtual machine monitor that shares them out among\n"
           "real guest programs, and compares its scheduling policies.\n\nCommands:\n");
    for (const cli_command *c = cli_commands; c->name; c++)
        printf("  %-10s %s\n", c->name, c->summary);
    printf("\nOptions:\n  --help     this text; 'quanta COMMAND --help' for a command's options\n"
           "  --version  the version\n\nFirst steps: quanta list guests; man 5 quanta-scenario\n");
}

static int unknown_command(const char *word)
{
    const char *names[32] = {NULL};
    for (unsigned i = 0; cli_commands[i].name; i++)
        names[i] = cli_commands[i].name;
    g_autofree char *hint = sim_suggest(word, names);
    return cli_usage(NULL, "unknown command '%s'%s", word, hint);
}

static int missing_command(void)
{
    g_autoptr(GString) names = g_string_new(NULL);
    for (const cli_command *c = cli_commands; c->name; c++)
        g_string_append_printf(names, "%s%s", names->len ? ", " : "", c->name);
    return cli_usage(NULL, "a command is missing; valid: %s", names->str);
}

/* A result that could not be printed whole is a failure. */
static int finish_output(int status)
{
    if ((fflush(stdout) != 0 || ferror(stdout)) && status == SIM_EXIT_OK) {
        fprintf(stderr, "quanta: cannot write to standard output\n");
        return SIM_EXIT_BAD_INPUT;
    }
    return status;
}

int main(int argc, char **argv)
{
    signal(SIGPIPE, SIG_IGN);
    const char *word = argc > 1 ? argv[1] : NULL;
    if (!word)
        return missing_command();
    if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0 || strcmp(word, "help") == 0) {
        print_help();
        return finish_output(SIM_EXIT_OK);
    }
    if (strcmp(word, "--version") == 0) {
        printf("quanta %s\n", QUANTA_VERSION);
        return finish_output(SIM_EXIT_OK);
    }
    for (const cli_command *c = cli_commands; c->name; c++)
        if (strcmp(c->name, word) == 0)
            return finish_output(c->main(c->name, argc - 1, argv + 1));
    return *word == '-' ? cli_usage(NULL, "unknown option '%s'; valid: --help, --version", word)
        : unknown_command(word);
}
