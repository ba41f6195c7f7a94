/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Every figure of a run by a name, with its unit: what suites, stores, statistics and reports share. Definitions: docs/metrics.md.
 *
 * The name of a figure of the whole run is that of its kind ("stp", "cache-misses"), that of a figure of a VM "vm.NAME.KIND" ("vm.web.wake_p99"); NAME may
 * hold dots, no kind does but for those events whose perf name has some. */
#pragma once

#include "run-result.h"

typedef enum { RUN_UNIT_RATIO, RUN_UNIT_COUNT, RUN_UNIT_PS } run_unit;
/* Which way a user would have it. */
typedef enum { RUN_BETTER_NEITHER, RUN_BETTER_HIGHER, RUN_BETTER_LOWER } run_better;

typedef struct {
    const char *name;
    run_unit unit;
    run_better better;
    bool of_run, of_vm;
    const char *help;
} run_figure_kind;

extern const run_figure_kind run_figure_kinds[];
unsigned run_figure_count(void);
/* The value in the unit of its kind; times are picoseconds. False and error set: no such name (with the nearest), or no such VM in the result. `known`
 * false: the run does not tell (no runs alone, no wake-ups). `kind` may be NULL. */
bool run_figure(const run_result *r, const char *name, double *value, const run_figure_kind **kind, bool *known, GError **error);
/* All that are known: of the run, then VM by VM, in the order of the kinds. `name` lives until the call returns. */
void run_figures_each(const run_result *r, void (*fn)(void *user, const char *name, const run_figure_kind *kind, double value), void *user);
