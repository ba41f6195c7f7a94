/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The parts of `quanta list` that have a file of their own. */
#pragma once

#include <glib.h>
#include <json-glib/json-glib.h>
#include <stdbool.h>

/* Prints the list; false with `error` set. */
bool cli_list_print_machines(bool colour, GError **error);
bool cli_list_print_figures(bool colour, GError **error);
/* Appends an object per entry. */
void cli_list_json_machines(JsonArray *out);
void cli_list_json_figures(JsonArray *out);
