/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What looks on at one run: time series for its result, timeline and ftrace. */
#pragma once

#include "run-recorder.h"
#include "run-series.h"
#include "run-single.h"

typedef struct {
    const run_request *request;
    run_writer writers[RUN_WRITERS];
    unsigned n_writers;
    run_recorder *recorder; /* NULL: nobody writes */
    run_sampler *sampler;   /* NULL: nobody samples */
    GPtrArray *names;       /* of the VMs; they are the scenario's */
    run_cast cast;
    run_series *series;     /* the result's, or NULL */
    run_slice *open;        /* [LPs] slices that go on; vm VMM_VCPU_NONE: none */
} run_views;

/* Before the VMM is made: who observes it, or nobody, goes into its configuration. All outlive the views. */
void run_views_init(run_views *views, const run_request *request, const sim_engine *engine, vmm_config *config);
/* Before vmm_start; `vm_of` are the scenario's numbers of the run's VMs. */
void run_views_begin(run_views *views, run_machine *machine, const vmm *v, const uint32_t *vm_of, run_result *result);
/* After vmm_finish. */
void run_views_end(run_views *views, sim_ps end);
void run_views_clear(run_views *views);
