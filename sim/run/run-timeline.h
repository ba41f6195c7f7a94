/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A run, or the runs of a comparison, as a file in the form of Chrome's trace events (JSON), for Perfetto (https://ui.perfetto.dev) and chrome://tracing:
 * docs/timelines.md.
 *
 * Source of the form: "Trace Event Format", the public document of the Chromium project (its address is in docs/timelines.md): complete events (X),
 * instants (i), counters (C), flows (s, f), metadata (M); times in microseconds. */
#pragma once

#include "run-recorder.h"

#include <stdbool.h>

typedef struct run_timeline run_timeline;

/* Of `n_runs` runs, each of which may be written by a thread of its own. NULL and error set: the file cannot be made. */
run_timeline *run_timeline_new(const char *path, unsigned n_runs, GError **error);
/* Who writes run number `run`; lives as long as the timeline. */
run_writer run_timeline_writer(run_timeline *timeline, unsigned run);
/* The file is whole. False and error set: it could not be written. Frees the timeline. */
bool run_timeline_close(run_timeline *timeline, GError **error);
/* The same without a file. Accepts NULL. */
void run_timeline_free(run_timeline *timeline);
/* Period of samples for a run of `duration` where nobody says another: 2000 samples, but not more often than every 100 us. */
sim_ps run_timeline_period(sim_ps duration);
