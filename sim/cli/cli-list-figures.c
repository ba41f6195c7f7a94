/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli-list.h"
#include "run-figures.h"

#include <stdio.h>
#include <string.h>

static const char *const units[] = {[RUN_UNIT_RATIO] = "ratio", [RUN_UNIT_COUNT] = "count", [RUN_UNIT_PS] = "time"};
static const char *const wishes[] = {[RUN_BETTER_NEITHER] = "-", [RUN_BETTER_HIGHER] = "higher", [RUN_BETTER_LOWER] = "lower"};

/* A help that begins with "..." goes on from the kind before. */
static char *help_of(unsigned i)
{
    const char *help = run_figure_kinds[i].help;
    if (!i || !g_str_has_prefix(help, "..."))
        return g_strdup(help);
    g_autofree char *before = help_of(i - 1);
    char *comma = strrchr(before, ',');
    if (comma)
        *comma = '\0';
    return g_strconcat(before, ",", help + strlen("..."), NULL);
}

/* An event that has the name of a metric means the same. */
static bool is_repeated(unsigned i)
{
    for (unsigned k = 0; k < i; k++)
        if (strcmp(run_figure_kinds[k].name, run_figure_kinds[i].name) == 0)
            return true;
    return false;
}

bool cli_list_print_figures(bool colour, G_GNUC_UNUSED GError **error)
{
    for (unsigned i = 0; i < run_figure_count(); i++) {
        const run_figure_kind *k = &run_figure_kinds[i];
        g_autofree char *help = help_of(i);
        if (!is_repeated(i))
            printf("%s%-32s%s %-8s %-6s %-6s %s\n", colour ? "\033[1m" : "", k->name, colour ? "\033[0m" : "",
                   k->of_run && k->of_vm ? "run, VM" : k->of_vm ? "VM" : "run", units[k->unit], wishes[k->better], help);
    }
    return true;
}

void cli_list_json_figures(JsonArray *out)
{
    for (unsigned i = 0; i < run_figure_count(); i++) {
        if (is_repeated(i))
            continue;
        const run_figure_kind *k = &run_figure_kinds[i];
        JsonObject *o = json_object_new();
        g_autofree char *help = help_of(i);
        json_object_set_string_member(o, "name", k->name);
        json_object_set_boolean_member(o, "of_run", k->of_run);
        json_object_set_boolean_member(o, "of_vm", k->of_vm);
        json_object_set_string_member(o, "unit", units[k->unit]);
        if (k->better != RUN_BETTER_NEITHER)
            json_object_set_string_member(o, "better", wishes[k->better]);
        json_object_set_string_member(o, "description", help);
        json_array_add_object_element(out, o);
    }
}
