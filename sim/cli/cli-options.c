/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli.h"

#include "run-series.h"
#include "sim-config.h"

#include <stdio.h>
#include <string.h>

#define MOST_WARM_UP UINT64_C(1000000000)

/* GOption says which option it does not know, but not which one was meant. */
static char *nearest_option(const GOptionEntry *entries, const char *message)
{
    const char *dashes = strstr(message, "--");
    if (!dashes)
        return g_strdup("");
    g_autofree char *word = g_strdup(dashes + 2);
    word[strcspn(word, "= \t")] = '\0';
    GPtrArray *names = g_ptr_array_new();
    for (const GOptionEntry *e = entries; e->long_name; e++)
        g_ptr_array_add(names, (gpointer)e->long_name);
    g_ptr_array_add(names, (gpointer) "help");
    g_ptr_array_add(names, NULL);
    const char *near = sim_nearest(word, (const char *const *)names->pdata);
    char *hint = near ? g_strdup_printf("; did you mean '--%s'?", near) : g_strdup("");
    g_ptr_array_unref(names);
    return hint;
}

static const cli_command *command_of(const char *name)
{
    const cli_command *tables[] = {cli_commands, cli_trace_commands};
    for (unsigned i = 0; i < G_N_ELEMENTS(tables); i++)
        for (const cli_command *c = tables[i]; c->name; c++)
            if (strcmp(c->name, name) == 0)
                return c;
    g_assert_not_reached();
}

/* GOption wants a space in "-j4", which nobody writes. */
static void spell_out_jobs(int argc, char **argv, bool options_first)
{
    for (int i = 1; i < argc && strcmp(argv[i], "--") != 0 && !(options_first && *argv[i] != '-'); i++) {
        if (strncmp(argv[i], "-j", 2) != 0 || !g_ascii_isdigit(argv[i][2]))
            continue;
        g_autofree char *whole = g_strconcat("--jobs=", argv[i] + 2, NULL);
        argv[i] = (char *)(uintptr_t)g_intern_string(whole);
    }
}

bool cli_options_parse(const char *command, const GOptionEntry *entries, int *argc, char ***argv, int *status)
{
    const cli_command *c = command_of(command);
    g_autofree char *program = g_strconcat("quanta ", command, NULL);
    g_set_prgname(program);
    g_autoptr(GOptionContext) context = g_option_context_new(c->arguments);
    g_option_context_set_summary(context, c->summary);
    if (c->help)
        g_option_context_set_description(context, c->help);
    g_option_context_add_main_entries(context, entries, NULL);
    g_option_context_set_help_enabled(context, FALSE);
    g_option_context_set_strict_posix(context, c->options_first);
    for (int i = 1; i < *argc && strcmp((*argv)[i], "--") != 0 && !(c->options_first && *(*argv)[i] != '-'); i++)
        if (strcmp((*argv)[i], "--help") == 0 || strcmp((*argv)[i], "-h") == 0) {
            g_autofree char *help = g_option_context_get_help(context, TRUE, NULL);
            fputs(help, stdout);
            *status = SIM_EXIT_OK;
            return false;
        }
    spell_out_jobs(*argc, *argv, c->options_first);
    g_autoptr(GError) error = NULL;
    if (g_option_context_parse(context, argc, argv, &error)) {
        if (*argc > 1 && strcmp((*argv)[1], "--") == 0) {
            memmove(*argv + 1, *argv + 2, (size_t)(*argc - 1) * sizeof **argv);
            (*argc)--;
        }
        return true;
    }
    bool unknown = g_error_matches(error, G_OPTION_ERROR, G_OPTION_ERROR_UNKNOWN_OPTION);
    g_autofree char *hint = unknown ? nearest_option(entries, error->message) : g_strdup("");
    *status = cli_usage(command, "%s%s", error->message, hint);
    return false;
}

bool cli_options_count(const char *command, const char *option, const char *text, uint64_t *out, int *status)
{
    g_autoptr(GError) error = NULL;
    *out = 0;
    if (!text || sim_parse_count(text, out, &error))
        return true;
    *status = cli_usage(command, "%s: %s", option, error->message);
    return false;
}

bool cli_options_seed(const char *command, cli_options *o, int *status)
{
    guint64 seed = 0;
    o->has_seed = o->seed_text != NULL;
    if (o->has_seed && !g_ascii_string_to_unsigned(o->seed_text, 10, 0, RUN_MAX_SEED, &seed, NULL)) {
        *status = cli_usage(command, "--seed: '%s' is not a whole number from 0 to %" G_GUINT64_FORMAT, o->seed_text, RUN_MAX_SEED);
        return false;
    }
    o->seed = seed;
    return true;
}

/* Reads --series. False: the message has been printed, *status set. */
static bool series_period(const char *command, const cli_options *o, sim_ps *period, int *status)
{
    g_autoptr(GError) error = NULL;
    *period = 0;
    if (!o->series)
        return true;
    if (!sim_parse_time(o->series, period, &error))
        *status = cli_usage(command, "--series: %s", error->message);
    else if (*period < RUN_SERIES_MIN || *period > SIM_PS_PER_S)
        *status = cli_usage(command, "--series: '%s' is out of bounds: 10us to 1s", o->series);
    else
        return true;
    return false;
}

run_scenario *cli_options_scenario(const char *command, cli_options *o, int argc, char **argv, int *status)
{
    if (argc != 2) {
        *status = argc < 2 ? cli_usage(command, "the scenario file is missing")
                           : cli_usage(command, "unexpected argument '%s'", argv[2]);
        return NULL;
    }
    o->scenario = argv[1];
    uint64_t warm_up;
    if (!cli_options_seed(command, o, status) || !cli_options_count(command, "--warm-up", o->warm_up, &warm_up, status))
        return NULL;
    if (o->warm_up && (warm_up < 1 || warm_up > MOST_WARM_UP)) {
        *status = cli_usage(command, "--warm-up: '%s' is out of bounds: 1 to 1G instructions", o->warm_up);
        return NULL;
    }
    if (o->jobs < 0 || o->jobs > 1024) {
        *status = cli_usage(command, "-j: %d is not a number of threads from 1 to 1024", o->jobs);
        return NULL;
    }
    sim_ps period;
    if (!series_period(command, o, &period, status))
        return NULL;
    GError *error = NULL;
    const run_overrides overrides = {.sets = (const char *const *)o->sets, .seed = o->has_seed ? &o->seed : NULL, .traces = o->traces,
                                     .salvage = o->salvage, .profile = o->profile_in};
    run_scenario *s = run_scenario_load(o->scenario, &overrides, &error);
    if (!s)
        *status = cli_fail(error);
    else if (o->strict)
        s->strict = true;
    if (s) {
        s->count_unknown = o->unknown;
        s->warm_up = warm_up;
        s->keep_profile = o->profile_out != NULL;
        s->series_period = period;
    }
    return s;
}

void cli_options_clear(cli_options *o)
{
    g_free(o->json);
    g_strfreev(o->sets);
    g_free(o->seed_text);
    g_free(o->policy);
    g_free(o->policies);
    g_free(o->traces);
    g_free(o->profile_in);
    g_free(o->profile_out);
    g_free(o->warm_up);
    g_free(o->store);
    g_strfreev(o->axes);
    g_free(o->series);
    g_free(o->timeline);
    g_free(o->ftrace);
    *o = (cli_options){0};
}
