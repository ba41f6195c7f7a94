/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One run: machine, VMM and guests of a scenario under one policy. */
#pragma once

#include "run-result.h"
#include "run-scenario.h"
#include "wl-guest.h"
#include "wl-tasks.h"

typedef struct {
    const run_scenario *scenario;
    const run_policy *policy;
    /* Sources by VM; NULL: the VM takes no part. Owned by the caller. */
    insn_source *const *sources;
    insn_source *const *below;    /* those of the threads below the VMM (run_below_open), owned by the caller; NULL: it has the bare machine */
    wl_task_pool *pool;           /* of the run's tasks, or NULL */
    const volatile int *cancel;   /* or NULL */
    volatile uint64_t *progress;  /* or NULL: simulated picoseconds so far, for a progress bar */
    bool curves;                  /* keep progress curves */
    const struct run_pictures *pictures; /* that the run draws (run-pictures.h), or NULL */
    unsigned number;              /* of the run in them */
    sim_ps series_period;         /* keep time series (run-series.h): RUN_SERIES_MIN at least; 0: none */
    uint64_t insns_limit;         /* the run may end once a VM has executed so many; 0: none */
    unsigned copies;              /* copies of the process that may live at a time (run-copies.h); 0: it must not be copied */
} run_request;

/* Whether a run under the policy copies the process, which then must not have threads that work. False and error set: it would have to, and cannot. */
bool run_single_copies(const run_scenario *scenario, const run_policy *policy, bool *copies, GError **error);
/* NULL and error set for bad policy parameters and the like. A strict policy's failure is a result with `failure`. */
run_result *run_single(const run_request *request, GError **error);
/* What wl_guest_new wants for a VM of a scenario. Points into both. */
wl_guest_config run_guest_config(const run_scenario *scenario, const run_vm *vm);
