/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Many runs for a report: what they differ in (axes), and for each combination the figures over its seeds, tested against round-robin in the same
 * combination. */
#pragma once

#include <json-glib/json-glib.h>
#include <stdint.h>

typedef struct run_report_sweep run_report_sweep;

/* Bounds of a page: 40,000 rows of some 60 bytes. Where there are more combinations than 2,500 it has fewer figures, and runs of combinations beyond 20,000 are
 * left out, which it tells. */
enum { RUN_REPORT_AXES = 16, RUN_REPORT_FIGURES = 16, RUN_REPORT_STACK = 10, RUN_REPORT_ROWS = 40000, RUN_REPORT_PLACES = 20000 };

/* The figures that a report shows (run-figures.h), the most wanted first; and those of the CPI stack, which are divided by `instructions`. */
extern const char *const run_report_sweep_figures[RUN_REPORT_FIGURES];
extern const char *const run_report_sweep_stack[RUN_REPORT_STACK];

run_report_sweep *run_report_sweep_new(void);
void run_report_sweep_free(run_report_sweep *sweep); /* accepts NULL */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(run_report_sweep, run_report_sweep_free)

/* A run is told in three steps: what it is, its place on the axes ("policy" is one of them, and "scenario" and "machine" should be), its figures. An
 * axis on which a run has no place is that run's default; one on which no run of round-robin has a place does not tell its runs apart. Axes beyond
 * RUN_REPORT_AXES are left out. A run of a combination and a seed that was told before counts for nothing. */
void run_report_sweep_run(run_report_sweep *sweep, uint64_t seed);
void run_report_sweep_place(run_report_sweep *sweep, const char *axis, const char *value);
/* A figure of the whole run (run-figures.h); those that a report has no room for are left out. */
void run_report_sweep_figure(run_report_sweep *sweep, const char *name, double value);

/* The report's data. Owned by the caller. */
JsonObject *run_report_sweep_data(run_report_sweep *sweep);

/* The data of a file that `compare --seeds` wrote (quanta-seeds/1). NULL and error set: cannot be read, or is none. */
JsonObject *run_report_seeds(const char *path, GError **error);
