/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `quanta compare --seeds`: the comparison once with each seed, and what can be said of all together. */
#pragma once

#include "cli.h"

/* `scenario`: as loaded with the first of the seeds, or any; `policies`: names, NULL-terminated; `plugins`: char *, paths of shared objects with some of
 * them. Returns the exit
 * status. */
int cli_compare_seeds(const char *command, const cli_options *options, const run_scenario *scenario, const char *const *policies, GPtrArray *plugins,
    const char *seeds,
                      const char *figures);
