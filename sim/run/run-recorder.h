/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a run shows of itself while it goes on, brought into the order of time and cut off at its end, for those who write it down. Nothing of it
 * is kept: memory is bounded by how far processors run past each other. */
#pragma once

#include "run-series.h"
#include "sim-engine.h"
#include "vmm-observe.h"

/* Who is in the run. */
typedef struct {
    const char *scenario, *policy;
    vmm_pcpu *const *pcpus;
    unsigned n_pcpus, n_vms;
    const char *const *vms; /* names */
} run_cast;

/* Who writes a run down. */
typedef struct {
    /* The cast lives until `end`. */
    void (*begin)(void *self, const run_cast *cast);
    /* In the order of time, but for decisions, which come at once, past the end of the run, too. Slices that are open at the end have no VMM_SEEN_END. */
    void (*sight)(void *self, const vmm_sight *sight);
    /* run_sample_fn; or NULL: no samples. */
    run_sample_fn sample;
    void (*end)(void *self, sim_ps at);
} run_writer_ops;

typedef struct {
    const run_writer_ops *ops;
    void *self;
} run_writer;
enum { RUN_WRITERS = 3 };

typedef struct run_recorder run_recorder;
/* All outlive the recorder. */
run_recorder *run_recorder_new(const run_writer *writers, unsigned n, const sim_engine *engine);
/* vmm_observe_fn: `user` is a run_recorder. */
void run_recorder_see(void *recorder, const vmm_sight *sight);
/* After all VMs have been added, before the first is seen. */
void run_recorder_begin(run_recorder *recorder, const run_cast *cast);
/* After the last sample. */
void run_recorder_end(run_recorder *recorder, sim_ps at);
void run_recorder_free(run_recorder *recorder); /* accepts NULL */
