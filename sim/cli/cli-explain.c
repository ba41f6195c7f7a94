/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli.h"
#include "run-explain.h"

#include <stdio.h>

static int explain(const char *path, const char *vm, bool json)
{
    GError *error = NULL;
    g_autoptr(run_read_input) input = run_read_load(path, &error);
    JsonObject *explanation = input ? run_explain(input, vm, &error) : NULL;
    if (!explanation)
        return cli_fail(error);
    g_autoptr(JsonNode) node = json_node_init_object(json_node_alloc(), explanation);
    g_autofree char *text = json ? run_json_text(node) : run_explain_text(explanation, cli_colour());
    fputs(text, stdout);
    json_object_unref(explanation);
    return SIM_EXIT_OK;
}

int cli_explain(const char *command, int argc, char **argv)
{
    g_autofree char *vm = NULL;
    gboolean json = FALSE;
    const GOptionEntry entries[] = {
        {"vm", 0, 0, G_OPTION_ARG_FILENAME, &vm, "of that VM alone", "NAME"},
        {"json", 0, 0, G_OPTION_ARG_NONE, &json, "as JSON (schema quanta-explain/1), in place of text", NULL},
        {NULL, 0, 0, 0, NULL, NULL, NULL},
    };
    int status = SIM_EXIT_OK;
    if (!cli_options_parse(command, entries, &argc, &argv, &status))
        return status;
    if (argc != 2)
        return argc < 2 ? cli_usage(command, "the result is missing; give a file that 'quanta run --json' or 'quanta compare --json' wrote")
                        : cli_usage(command, "unexpected argument '%s'", argv[2]);
    return explain(argv[1], vm, json);
}
