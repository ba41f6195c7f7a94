/* SPDX-License-Identifier: GPL-2.0-or-later */
/* VM-exits by reason with the time that they took, and switches by kind: JSON and a table for people. */
#pragma once

#include "run-result.h"

#include <json-glib/json-glib.h>

/* Adds exits, exit_ps, dispatch_ps, halted_ps, switches, controls to a VM's object. */
void run_exits_json(JsonObject *o, const run_vm_result *vm);
/* A table of all runs (of run_result) and VMs behind `table`, which it takes. Owned by the caller. */
char *run_exits_table(char *table, GPtrArray *runs);
