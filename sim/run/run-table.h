/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Results for people on a terminal: at most 110 columns. */
#pragma once

#include "run-result.h"

/* Newly allocated text. `colour`: with terminal escapes. */
char *run_result_to_table(const run_result *result, bool colour);
char *run_comparison_to_table(const run_comparison *comparison, bool colour);
