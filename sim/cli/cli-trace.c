/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli.h"

#include <stdio.h>
#include <string.h>

const cli_command cli_trace_commands[] = {
    {"trace info", "FILE...", "what a trace holds", "Exit status: 0 done, 2 a file is no trace.", cli_trace_info, false},
    {"trace verify", "FILE...", "check every byte of traces",
     "Reads and decodes all chunks; every damaged one is named. Exit status: 0 whole, 1 damaged or unfinished,\n2 no trace.",
     cli_trace_verify, false},
    {"trace cat", "FILE", "print a trace as text",
     "One line for each instruction, with its accesses, or as --what says. Exit status: 0 done, 2 bad input.",
     cli_trace_cat, false},
    {"trace cut", "IN OUT", "make a trace of a part of one",
     "With --salvage also of what is whole of a damaged or unfinished one. Exit status: 0 done, 2 bad input.",
     cli_trace_cut, false},
    {"trace import", "IN OUT", "make a trace of a file of another tool",
     "ChampSim, Valgrind lackey, Dinero, DynamoRIO drmemtrace; xz, gzip, zstd, lz4, bzip2 and zip are unpacked. - is standard input.\n"
     "Exit status: 0 done, 2 bad input, 130 interrupted (the trace is valid).", cli_trace_import, false},
    {"trace export", "IN OUT", "make a ChampSim trace",
     "Compressed when OUT ends in .xz, .gz or .zst; - is standard output. Exit status: 0 done, 2 bad input.", cli_trace_export, false},
    {NULL, NULL, NULL, NULL, NULL, false},
};

static void print_help(void)
{
    printf("Usage: quanta trace COMMAND [OPTIONS] ARGUMENTS\n\nLooks into traces of guests (see quanta record), cuts, imports and exports them.\n\n"
           "Commands:\n");
    for (const cli_command *c = cli_trace_commands; c->name; c++)
        printf("  %-8s %s\n", c->name + strlen("trace "), c->summary);
    printf("\n'quanta trace COMMAND --help' tells a command's options.\n");
}

int cli_trace(const char *command, int argc, char **argv)
{
    const char *names[G_N_ELEMENTS(cli_trace_commands)] = {NULL};
    for (unsigned i = 0; cli_trace_commands[i].name; i++)
        names[i] = cli_trace_commands[i].name + strlen("trace ");
    if (argc < 2) {
        g_autofree char *all = g_strjoinv(", ", (char **)names);
        return cli_usage(command, "what to do with a trace? valid: %s", all);
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
        print_help();
        return SIM_EXIT_OK;
    }
    for (unsigned i = 0; names[i]; i++)
        if (strcmp(names[i], argv[1]) == 0)
            return cli_trace_commands[i].main(cli_trace_commands[i].name, argc - 1, argv + 1);
    g_autofree char *hint = sim_suggest(argv[1], names);
    return cli_usage(command, "there is no 'quanta trace %s'%s", argv[1], hint);
}
