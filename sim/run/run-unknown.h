/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Instructions that guests executed and of which the instruction tables know nothing: those that cost what their class does. */
#pragma once

#include "run-machine.h"
#include "run-result.h"

/* Of all guests of a machine that counts blocks (run_machine_count_blocks), by kind of core: run_unknown, the most executed first. Free with g_array_unref. */
GArray *run_unknown_collect(const run_machine *machine, const cpu_machine *desc);
/* Appends them as a table. */
void run_unknown_table(GString *text, const run_result *result);
