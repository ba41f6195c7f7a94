/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli.h"
#include "run-diff.h"
#include "run-json.h"

#include <stdio.h>
#include <string.h>

/* "FILE" or "FILE:POLICY": a file that is there by the whole name is meant. *policy is newly allocated, or NULL. */
static run_read_input *load(const char *argument, char **policy, GError **error)
{
    const char *colon = strrchr(argument, ':');
    *policy = NULL;
    if (!colon || colon == argument || g_file_test(argument, G_FILE_TEST_EXISTS))
        return run_read_load(argument, error);
    g_autofree char *path = g_strndup(argument, (gsize)(colon - argument));
    *policy = g_strdup(colon + 1);
    return run_read_load(path, error);
}

static int diff(char **arguments, unsigned limit, bool json)
{
    GError *error = NULL;
    g_autofree char *policy_a = NULL, *policy_b = NULL;
    g_autoptr(run_read_input) a = load(arguments[0], &policy_a, &error);
    g_autoptr(run_read_input) b = a ? load(arguments[1], &policy_b, &error) : NULL;
    JsonObject *d = b ? run_diff_files(a, policy_a, b, policy_b, limit, &error) : NULL;
    if (!d)
        return cli_fail(error);
    g_autoptr(JsonNode) node = json_node_init_object(json_node_alloc(), d);
    g_autofree char *text = json ? run_json_text(node) : run_diff_files_text(d, cli_colour());
    bool same = run_diff_same(d);
    fputs(text, stdout);
    json_object_unref(d);
    return same ? SIM_EXIT_OK : SIM_EXIT_CHECK_FAILED;
}

int cli_diff(const char *command, int argc, char **argv)
{
    gboolean json = FALSE;
    int limit = 8;
    const GOptionEntry entries[] = {
        {"json", 0, 0, G_OPTION_ARG_NONE, &json, "as JSON (schema quanta-diff/1), in place of text", NULL},
        {"limit", 'n', 0, G_OPTION_ARG_INT, &limit, "figures of the run, of each VM and of each logical processor that are told (default: 8; 0: all)", "N"},
        {NULL, 0, 0, 0, NULL, NULL, NULL},
    };
    int status = SIM_EXIT_OK;
    if (!cli_options_parse(command, entries, &argc, &argv, &status))
        return status;
    if (limit < 0)
        return cli_usage(command, "--limit: %d is not a number of figures from 0 (all) on", limit);
    if (argc != 3)
        return argc < 3 ? cli_usage(command, "two results are needed; give files that 'quanta run --json' or 'quanta compare --json' wrote, or FILE:POLICY")
                        : cli_usage(command, "unexpected argument '%s'", argv[3]);
    if (strcmp(argv[1], "-") == 0 && strcmp(argv[2], "-") == 0)
        return cli_usage(command, "standard input can be one of the results, not both");
    return diff(argv + 1, (unsigned)limit, json);
}
