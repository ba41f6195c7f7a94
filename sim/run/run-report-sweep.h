/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Many runs for a report: what they differ in (axes), and for each combination the figures over its seeds, tested against round-robin in the same
 * combination. */
#pragma once

#include <json-glib/json-glib.h>
#include <stdint.h>

typedef struct run_report_sweep run_report_sweep;

enum { RUN_REPORT_AXES = 16, RUN_REPORT_FIGURES = 16 };

run_report_sweep *run_report_sweep_new(void);
void run_report_sweep_free(run_report_sweep *sweep); /* accepts NULL */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(run_report_sweep, run_report_sweep_free)

/* A run is told in three steps: what it is, its place on the axes ("policy" is one of them, and "scenario" and "machine" should be), its figures. An
 * axis on which a run has no place is that run's default. Axes beyond RUN_REPORT_AXES are left out. A run of a combination and a seed that was told
 * before counts for nothing. */
void run_report_sweep_run(run_report_sweep *sweep, uint64_t seed);
void run_report_sweep_place(run_report_sweep *sweep, const char *axis, const char *value);
/* A figure of the whole run (run-figures.h); those that a report has no room for are left out. */
void run_report_sweep_figure(run_report_sweep *sweep, const char *name, double value);

/* The report's data. Owned by the caller. */
JsonObject *run_report_sweep_data(run_report_sweep *sweep);

/* The data of a file that `compare --seeds` wrote (quanta-seeds/1). NULL and error set: cannot be read, or is none. */
JsonObject *run_report_seeds(const char *path, GError **error);
