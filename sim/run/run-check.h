/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Suites: scenarios, policies and what is expected of them (docs/formats.md, "Suites"), checked and reported. */
#pragma once

#include "run-experiment.h"
#include "run-expression.h"
#include "run-result-read.h"

#define RUN_CHECK_RECORDED "recorded" /* stands for the baseline in expectations */

/* ---- a suite (run-check-suite.c) ------------------------------------------------------------------------------------- */

/* One line of a suite: an expectation, or a digest. */
typedef struct {
    char *key;                    /* "expect", "expect.latency", "digest.credit" */
    run_expectation *expectation; /* or NULL: ... */
    char *digest;                 /* ... "recorded", or 64 hexadecimal digits */
    char *policy;                 /* of which alone it is, or NULL: of every policy that is checked */
    bool once;                    /* names no figure of the policy that is checked: checked once for the case */
} run_check_item;

typedef struct {
    char *name, *scenario_path;
    run_scenario *scenario;       /* with the case's overrides and the first seed */
    char **sets;                  /* those overrides */
    char **policies;              /* that are checked */
    char **runs;                  /* all that are run: round-robin, `policies`, `against`, each once */
    GPtrArray *plugins;           /* char *: paths of shared objects among them */
    uint64_t *seeds;
    unsigned n_seeds;             /* 1: the scenario's */
    GPtrArray *items;             /* run_check_item */
} run_check_case;

typedef struct {
    char *path, *name;
    char *baseline_path;
    JsonNode *baseline;           /* quanta-baseline/1, or NULL: there is no such file */
    GPtrArray *cases;             /* run_check_case: those that are to be run */
    char **all_cases;             /* names of all */
} run_check_suite;

/* Reads a suite with all its scenarios, and its baseline if there is one. `only`: names of cases, NULL-terminated, or NULL: all. `update`: the baseline
 * may be without what is needed. NULL and error set for whatever is wrong, before anything is run. */
run_check_suite *run_check_load(const char *path, const char *const *only, bool update, GError **error);
void run_check_suite_free(run_check_suite *suite); /* accepts NULL */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(run_check_suite, run_check_suite_free)
/* What run_status_init wants: runs of all cases. */
gint run_check_runs(const run_check_suite *suite);
/* The longest simulated time of a run. */
sim_ps run_check_duration(const run_check_suite *suite);

/* ---- checking (run-check.c) -------------------------------------------------------------------------------------------- */

/* One run of a case, or the mean of its seeds. */
typedef struct {
    char *policy;
    char *failure;       /* of the policy or a guest, or NULL */
    GHashTable *figures; /* name: double *, as results show them (six decimals); looked up only */
    JsonObject *record;  /* what a baseline keeps of it, or NULL */
    char *digest;        /* over all seeds where there are several */
} run_check_run;

typedef struct {
    const run_check_case *of;
    const run_check_item *item;
    const char *policy;  /* NULL: of the case */
    bool failed_run;     /* the policy or a guest failed */
    run_outcome outcome; /* of an expectation; of a digest `passed` and `why` */
    char *expected, *measured; /* texts with units; of a digest its first digits */
} run_check_result;

typedef struct {
    run_check_suite *suite;
    GPtrArray *runs;     /* of every case a GPtrArray of run_check_run, in the order of its `runs` */
    GPtrArray *results;  /* run_check_result */
    unsigned failed, run_failures;
} run_check_report;

/* Runs one case after another, at most `jobs` runs at a time. A case that fails for another reason than bad input is in the report. NULL and error set for bad
 * input; NULL without error when cancelled. */
run_check_report *run_check(run_check_suite *suite, unsigned jobs, run_status *status, GError **error);
/* Holds the same runs against the suite and its baseline as they are now. */
void run_check_again(run_check_report *report);
void run_check_report_free(run_check_report *report); /* accepts NULL */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(run_check_report, run_check_report_free)
/* The number of results that a suite will have. */
unsigned run_check_count(const run_check_suite *suite);

/* ---- baselines (run-check-baseline.c) ---------------------------------------------------------------------------------- */

/* Reads *baseline (NULL: there is no such file). */
bool run_check_baseline_load(const char *path, JsonNode **baseline, GError **error);
/* What is recorded of a run; NULL: nothing. Belongs to the baseline. */
JsonObject *run_check_recorded(const run_check_suite *suite, const char *case_name, const char *policy);
/* A recorded figure; false: there is none. */
bool run_check_recorded_figure(JsonObject *recorded, const char *figure, double *value);
/* What a baseline keeps of a run. `figures` (owned by the caller) become its own. */
JsonObject *run_check_record(const run_result *first, const char *digest, JsonObject *figures);
/* The difference of every run to its record, as text; what has none is said to be new. Empty: nothing differs. Newly allocated. */
char *run_check_changes(const run_check_report *report, bool colour);
/* The difference of one run to its record, or NULL: nothing is recorded. Owned by the caller. */
JsonObject *run_check_change(const run_check_report *report, const run_check_case *of, const char *policy, unsigned limit);
/* Writes the baseline anew (cases that were not run keep what they had, those that the suite has no more go), and the digests that stand in the suite,
 * whose other lines stay as they are. Runs that failed keep their record. The report is then about the new baseline. */
bool run_check_update(run_check_report *report, GError **error);

/* ---- reports (run-check-report.c): newly allocated texts ---------------------------------------------------------------------- */

char *run_check_table(const run_check_report *report, bool colour);
char *run_check_tap(const run_check_report *report);
char *run_check_junit(const run_check_report *report);
char *run_check_json(const run_check_report *report);
