/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What run and compare do with their results. */
#pragma once

#include "cli.h"

/* Whether the result files could be written: --json and every VM's stdout. */
bool cli_output_check(const cli_options *options, const run_scenario *scenario, GError **error);
/* Puts runs of the scenario (run_result) into --store, all or none; nothing without it. `alone`: they were compared with runs alone. */
bool cli_output_store(const cli_options *options, const run_scenario *scenario, GPtrArray *runs, bool alone, GError **error);
/* Whether --profile-out could be written: a file, or a folder, which is made. */
bool cli_output_check_profile(const cli_options *options, bool folder, GError **error);
/* Writes the profile that the run left, if it was kept and `path` is not NULL. */
bool cli_output_profile(const char *path, const run_result *result, GError **error);
/* Writes the guests' output files, the JSON where it was asked for, and the table unless the JSON went to standard
 * output. `seconds` and the number of instructions are for a remark on standard error. Returns the exit status. */
int cli_output(const cli_options *options, const run_scenario *scenario, const run_result *outputs,
               const char *json, const char *table,
               uint64_t insns, double seconds);
/* Why a strict run ended, on standard error; nothing for other runs. */
void cli_tell_failure(const run_result *result);
