/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sweeps: a grid of scenarios (workload mixes), machines, values of keys and seeds; in each cell all policies are compared on the same work. */
#pragma once

#include "run-scenario.h"
#include "run-store.h"

enum { RUN_SWEEP_CELLS = 1000000 };

/* What the command line says. Lists are separated by commas; those of `vary` by | where one stands in them. */
typedef struct {
    const char *const *files;  /* scenarios, or one file with a group [sweep]; NULL at the end */
    const char *policies, *machines, *seeds; /* or NULL: as the file, or the scenario, says */
    const char *const *vary;   /* "group.key=a,b,c", NULL at the end; or NULL */
} run_sweep_request;

/* A point of the grid but for the seed: what runs over seeds are gathered by. */
typedef struct {
    const char *scenario;      /* path */
    char **sets;               /* "group.key=value", NULL at the end */
    char **axes;               /* name, value, ..., NULL: for people */
} run_sweep_point;

typedef struct {
    char **scenarios;
    char **policies;           /* as given: names, paths; round-robin is always compared with */
    uint64_t *seeds;
    unsigned n_seeds;
    GPtrArray *points;         /* of run_sweep_point */
} run_sweep;

/* NULL and error set: bad input, a scenario that does not load under one of the points, more than RUN_SWEEP_CELLS cells. */
run_sweep *run_sweep_new(const run_sweep_request *request, GError **error);
void run_sweep_free(run_sweep *sweep); /* accepts NULL */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(run_sweep, run_sweep_free)

/* The scenario of a point, with the policies' plug-ins loaded, under the first seed. */
run_scenario *run_sweep_scenario(const run_sweep *sweep, const run_sweep_point *point, GError **error);
/* Keys in the store of the runs of a point (run_sweep_scenario) with a seed: round-robin's, then of each policy that is not round-robin, in order; NULL at
 * the end. `names`: of these policies, as results have them; may be NULL. */
char **run_sweep_keys(const run_sweep *sweep, run_scenario *scenario, uint64_t seed, char ***names, GError **error);

/* A table for people of all cells that the store has: for each point and policy STP and ANTT over the seeds, with what can be said of their difference to
 * round-robin's. Newly allocated; NULL and error set. */
char *run_sweep_table(const run_sweep *sweep, run_store *store, bool colour, GError **error);
