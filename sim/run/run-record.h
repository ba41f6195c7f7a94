/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Recording: the guests of a scenario, or one program, as traces. */
#pragma once

#include "run-experiment.h"
#include "tr-filter.h"

typedef struct {
    tr_window window;  /* of each guest */
    unsigned beyond;   /* per cent of its instructions that each guest of a scenario is recorded further than it came in the run */
} run_record_options;

typedef struct {
    char *name, *path;
    uint64_t insns, bytes;
    tr_ended ended;
    bool time_dependent;
} run_recorded;

/* Runs a scenario under a policy and records what every VM does into FOLDER/NAME.qtr; then executes each guest on without timing, for
 * `beyond` per cent more (or up to window.limit instructions, where there is one), so that the traces last under other policies and
 * machines. run_recorded of every VM; when cancelled, of what there is so far, each a valid trace. NULL and error set otherwise. */
GPtrArray *run_record_scenario(const run_scenario *scenario, const char *policy, const char *folder, const run_record_options *options,
                               run_status *status, GError **error);
/* Executes the one VM of a scenario (of which `path`, `seed` and `vms` are looked at) without timing, and records it into a file. */
GPtrArray *run_record_program(const run_scenario *scenario, const char *path, const run_record_options *options, run_status *status,
                              GError **error);
