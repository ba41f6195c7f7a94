/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A comparison over seeds: figures of every policy with every seed, their means and intervals, and tests against round-robin paired by seed. */
#pragma once

#include "run-figures.h"
#include "run-scenario.h"
#include "run-stats.h"

/* Of one policy. */
typedef struct {
    GArray *values;      /* double by seed; NAN: not known */
    run_summary summary; /* of those that are known */
    run_paired against;  /* over the seeds in which both are known; nothing of the reference itself */
} run_sample;

typedef struct {
    char *name;
    const run_figure_kind *kind;
    run_sample *policies; /* [n_policies] */
} run_sample_figure;

typedef struct {
    char *scenario, *machine;
    unsigned n_policies, n_vms;
    char **policies;      /* the reference first */
    GArray *seeds;        /* uint64_t */
    GPtrArray *digests;   /* char *, of seed i and policy p at i * n_policies + p */
    GPtrArray *figures;   /* run_sample_figure, in the order of kinds */
    char **wanted;        /* names, or patterns with * and ? */
    bool seeds_matter;    /* some run differs between two seeds */
    unsigned failures;    /* runs in which the policy or a guest failed */
} run_samples;

/* `figures`: names, and patterns such as "vm.*.slowdown", separated by commas; NULL: those of the whole run that are asked for most. NULL and error set
 * for a name that there is not. */
run_samples *run_samples_new(const run_scenario *scenario, const char *figures, GError **error);
void run_samples_free(run_samples *samples); /* accepts NULL */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(run_samples, run_samples_free)
/* The comparison of a further seed; the same policies each time. */
void run_samples_add(run_samples *samples, const run_comparison *comparison, uint64_t seed);
/* Works out summaries and tests, once all are there. All tests together are one family (Holm). False and error set when a pattern fits no figure. */
bool run_samples_finish(run_samples *samples, GError **error);

/* Newly allocated texts: for people; schema quanta-seeds/1. */
char *run_samples_table(const run_samples *samples, bool colour);
char *run_samples_json(const run_samples *samples);
/* "better", "worse", "higher", "lower" by what is wanted of the figure, or why nothing is claimed. */
const char *run_samples_verdict(const run_figure_kind *kind, run_verdict verdict);
