/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Warm-up costs of switches in results. */
#pragma once

#include "run-result.h"

#include <json-glib/json-glib.h>

/* The member "warm_up". */
void run_warm_json(JsonObject *o, const run_warm_up *warm_up);
/* Adds a table for the runs that have measured them to `table`, which it owns from here on. */
char *run_warm_table(char *table, GPtrArray *runs);
