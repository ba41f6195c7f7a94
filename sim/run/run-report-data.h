/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a report shows, taken from results and bounded in size: see report/report.js for how it is used. */
#pragma once

#include "run-result-read.h"

/* Bounds of one report: samples of all runs' series together; slices likewise; decisions of a run. */
enum { RUN_REPORT_SAMPLES = 2400, RUN_REPORT_MOST_SAMPLES = 600, RUN_REPORT_SLICES = 40000, RUN_REPORT_DECISIONS = 400, RUN_REPORT_STEPS = 1200 };

/* Of a file that `run` or `compare` wrote. NULL and error set: the runs are not of the same VMs, or lack what every result has. Owned by the caller. */
JsonObject *run_report_data(const run_read_input *input, GError **error);
/* The time series of a run, of which there are `n_runs` in the report; or NULL: it has none, or a broken one. */
JsonObject *run_report_series(JsonObject *series, guint n_lps, guint n_vms, guint n_runs);
