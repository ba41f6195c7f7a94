/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reports of what the state management units did and cost. */
#pragma once

#include "run-result.h"

/* A line for each run (run_result) whose policy watched; nothing where none did. */
void run_smu_table(GString *text, GPtrArray *runs);
