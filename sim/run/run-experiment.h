/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Experiments: one policy live, or several on the same recorded work. */
#pragma once

#include "run-result.h"
#include "run-scenario.h"

/* How an experiment is going; written by its threads, read by whoever shows it. */
typedef struct {
    volatile int cancel;          /* set it to end the experiment soon */
    gint runs_done;               /* atomic */
    gint runs_all;
    gint offset;                  /* of the next experiment's runs among all, where several are made one after another */
    volatile uint64_t *simulated; /* [runs_all] picoseconds so far of each run; owned */
    volatile bool *finished;      /* [runs_all]; owned */
} run_status;

void run_status_init(run_status *status, gint runs_all);
void run_status_clear(run_status *status);

/* Runs the scenario once, its guests live: no recording, no runs alone. One run. NULL without error when cancelled. */
run_result *run_live(const run_scenario *scenario, const char *policy, run_status *status, GError **error);

/* Compares policies: round-robin (always in it), then the others by name. Each guest is executed once and recorded, but for
 * guests that read the time; every VM is also run alone under round-robin, for its progress. At most `jobs` runs at a
 * time. NULL and error set for bad input, an unknown or repeated policy; NULL without error when cancelled. */
run_comparison *run_compare(const run_scenario *scenario, const char *const *policies, unsigned jobs,
                            run_status *status, GError **error);
/* The number of runs that run_compare will make. */
gint run_compare_runs(const run_scenario *scenario, const char *const *policies);

/* The same with one policy, round-robin or not, and no other: the run with its slowdowns, STP and so on. One run and
 * one more for each VM. */
run_result *run_with_alone(const run_scenario *scenario, const char *policy, unsigned jobs, run_status *status,
                           GError **error);
