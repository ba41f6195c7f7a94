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
    wl_task_pool *pool;           /* of the run's tasks, or NULL */
    const volatile int *cancel;   /* or NULL */
    volatile uint64_t *progress;  /* or NULL: simulated picoseconds so far, for a progress bar */
    bool curves;                  /* keep progress curves */
    uint64_t insns_limit;         /* the run may end once a VM has executed so many; 0: none */
} run_request;

/* NULL and error set for bad policy parameters and the like. A strict policy's failure is a result with `failure`. */
run_result *run_single(const run_request *request, GError **error);
/* What wl_guest_new wants for a VM of a scenario. Points into both. */
wl_guest_config run_guest_config(const run_scenario *scenario, const run_vm *vm);
