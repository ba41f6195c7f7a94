/* SPDX-License-Identifier: GPL-2.0-or-later */
/* quanta trace import and quanta trace export. */
#include "cli.h"
#include "cpu-machine.h"
#include "tr-import.h"
#include "wl-replay.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static volatile int cancel;

static void print_imported(const char *to, const tr_import_report *r)
{
    printf("%s: %" G_GUINT64_FORMAT " instructions, %" G_GUINT64_FORMAT " accesses, from format %s", to, r->insns, r->accesses, r->format);
    if (r->without_code)
        printf("; %" G_GUINT64_FORMAT " instructions without code bytes", r->without_code);
    if (r->ignored)
        printf("; %" G_GUINT64_FORMAT " records without a meaning here", r->ignored);
    printf("\n");
}

/* The two names that are the arguments; NULL: the message has been printed. */
static bool arguments(const char *command, int argc, char **argv, const char *wanted, const char **in, const char **out, int *status)
{
    if (argc == 3) {
        *in = argv[1];
        *out = argv[2];
        return true;
    }
    *status = argc < 3 ? cli_usage(command, "%s", wanted) : cli_usage(command, "unexpected argument '%s'", argv[3]);
    return false;
}

int cli_trace_import(const char *command, int argc, char **argv)
{
    g_autofree char *format = NULL, *for_text = NULL;
    g_auto(GStrv) elfs = NULL;
    gboolean quiet = FALSE;
    const GOptionEntry entries[] = {
        {"format", 'f', 0, G_OPTION_ARG_FILENAME, &format, "what IN is: champsim, champsim-cloudsuite, lackey, dinero or drmemtrace"
         " (default: by its content)", "NAME"},
        {"elf", 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &elfs, "lackey: take code bytes from this program; BASE (hexadecimal) is where it was loaded,"
         " if position-independent (may be repeated)", "FILE[@BASE]"},
        {"for", 0, 0, G_OPTION_ARG_FILENAME, &for_text, "import N instructions (k, M, G may follow)", "N"},
        {"quiet", 'q', 0, G_OPTION_ARG_NONE, &quiet, "print nothing but errors", NULL},
        {NULL, 0, 0, 0, NULL, NULL, NULL},
    };
    int status = SIM_EXIT_OK;
    const char *in, *out;
    GError *error = NULL;
    tr_import_options o = {.cancel = &cancel};
    tr_import_report report;
    if (!cli_options_parse(command, entries, &argc, &argv, &status)
        || !arguments(command, argc, argv, "a file to import and the name of the trace are wanted", &in, &out, &status)
        || !cli_options_count(command, "--for", for_text, &o.limit, &status))
        return status;
    if (for_text && !o.limit)
        return cli_usage(command, "--for: 0 instructions are no trace");
    if (strcmp(out, "-") == 0)
        return cli_usage(command, "a trace cannot be written to standard output");
    o.format = format;
    o.elfs = (const char *const *)elfs;
    cli_catch_signals(&cancel);
    insn_code *code = cpu_code_new();
    bool ok = tr_import(in, out, code, &o, &report, &error);
    cpu_code_free(code);
    if (!ok)
        return cli_fail(error);
    if (!quiet)
        print_imported(out, &report);
    return cancel ? CLI_EXIT_INTERRUPTED : SIM_EXIT_OK;
}

static int export(const char *in, const char *out, uint64_t limit, bool salvage, bool quiet, insn_code *code)
{
    GError *error = NULL;
    uint64_t insns;
    g_autoptr(tr_reader) reader = tr_reader_open(in, &error);
    if (!reader || !wl_replay_check(reader, in, salvage, &error))
        return cli_fail(error);
    tr_reader_start(reader, code, salvage);
    if (!tr_export_champsim(reader, code, out, limit, &cancel, &insns, &error))
        return cli_fail(error);
    const char *first;
    unsigned skipped = tr_reader_skipped(reader, &first);
    if (skipped)
        fprintf(stderr, "quanta: left out %u damaged chunk%s: %s\n", skipped, skipped == 1 ? "" : "s", first);
    if (!quiet && strcmp(out, "-") != 0)
        printf("%s: %" G_GUINT64_FORMAT " instructions\n", out, insns);
    return cancel ? CLI_EXIT_INTERRUPTED : SIM_EXIT_OK;
}

int cli_trace_export(const char *command, int argc, char **argv)
{
    g_autofree char *format = NULL, *for_text = NULL;
    gboolean quiet = FALSE, salvage = FALSE;
    const GOptionEntry entries[] = {
        {"format", 'f', 0, G_OPTION_ARG_FILENAME, &format, "what OUT becomes: champsim (the default)", "NAME"},
        {"for", 0, 0, G_OPTION_ARG_FILENAME, &for_text, "export N instructions (k, M, G may follow)", "N"},
        {"salvage", 0, 0, G_OPTION_ARG_NONE, &salvage, "use what is whole of a damaged or unfinished trace", NULL},
        {"quiet", 'q', 0, G_OPTION_ARG_NONE, &quiet, "print nothing but errors", NULL},
        {NULL, 0, 0, 0, NULL, NULL, NULL},
    };
    int status = SIM_EXIT_OK;
    const char *in, *out;
    uint64_t limit = 0;
    if (!cli_options_parse(command, entries, &argc, &argv, &status)
        || !arguments(command, argc, argv, "a trace and the name of the ChampSim trace are wanted", &in, &out, &status)
        || !cli_options_count(command, "--for", for_text, &limit, &status))
        return status;
    if (for_text && !limit)
        return cli_usage(command, "--for: 0 instructions are no trace");
    if (format && strcmp(format, "champsim") != 0)
        return cli_usage(command, "--format: there is no '%s' to export to; valid: champsim", format);
    if (strcmp(out, "-") == 0 && isatty(STDOUT_FILENO))
        return cli_usage(command, "a ChampSim trace is not for a terminal");
    cli_catch_signals(&cancel);
    insn_code *code = cpu_code_new();
    status = export(in, out, limit, salvage, quiet, code);
    cpu_code_free(code);
    return status;
}
