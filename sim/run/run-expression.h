/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Expectations of a suite: "stp >= 1.00 * round-robin", "vm.web.wake_p99 <= 2ms". docs/formats.md has the grammar. */
#pragma once

#include <glib.h>
#include <stdbool.h>

/* What names may mean. */
typedef struct {
    void *user;
    /* Whether there is a figure of that name, and whether its values are times. False: error set, with the nearest name. */
    bool (*figure)(void *user, const char *name, bool *is_time, GError **error);
    const char *const *runs;   /* NULL-terminated: runs whose figures can be named, policies and "recorded" */
    const char *const *others; /* NULL-terminated, or NULL: policies that are not run; naming one is an error of its own */
} run_names;

typedef struct run_expectation run_expectation;

/* NULL and error set, with the column and the text, when it is no expectation. `names` is needed for the call alone. */
run_expectation *run_expectation_parse(const char *text, const run_names *names, GError **error);
void run_expectation_free(run_expectation *expectation); /* accepts NULL */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(run_expectation, run_expectation_free)

const char *run_expectation_text(const run_expectation *expectation);
/* Whether it names a figure of that run. */
bool run_expectation_uses(const run_expectation *expectation, const char *run);

/* Whether it names a figure of the run that is checked, or its recorded one: else it is about others alone. */
bool run_expectation_is_of_checked(const run_expectation *expectation);

/* The value of a figure; times in picoseconds. `run` NULL: of the run that is checked. False: not known; *why (newly allocated) says it. */
typedef bool (*run_value_fn)(void *user, const char *figure, const char *run, double *value, char **why);

typedef struct {
    bool known;      /* else `why` */
    bool passed;
    double measured; /* the side that is held against ... */
    double bound;    /* ... the other one, which is constant or holds the reference */
    bool is_time;    /* both: picoseconds */
    double margin;   /* what is left up to the bound, as part of it; negative: beyond. Absolute where the bound is 0 */
    char *why;       /* owned */
} run_outcome;

run_outcome run_expectation_evaluate(const run_expectation *expectation, run_value_fn value, void *user);
void run_outcome_clear(run_outcome *outcome);
/* "<=", as it applies to `measured` and `bound`. */
const char *run_expectation_relation(const run_expectation *expectation);
