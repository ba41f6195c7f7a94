/* SPDX-License-Identifier: GPL-2.0-or-later */
/* quanta sweep: what its engines share. */
#pragma once

#include "cli.h"
#include "run-sweep.h"

/* A cell is a point of the sweep with a seed; cell n is point n / n_seeds with seed n % n_seeds. */
typedef struct {
    run_sweep *sweep;
    char *self;          /* path of the program */
    char *store;         /* path */
    unsigned jobs, retries;
    bool show, quiet;    /* the progress bar; the table */
    const char *partition, *time, *mem; /* of Slurm; or NULL */
    char **again;        /* arguments of this sweep, for Slurm's tasks: all but store, engine, jobs */
    GArray *todo;        /* of unsigned: cells that the store does not have */
    unsigned failed;     /* cells whose results are not there, ... */
    unsigned ill;        /* ... or tell of a guest or policy that failed */
    volatile int stop;   /* a signal came */
} cli_sweep_job;

unsigned cli_sweep_cells(const cli_sweep_job *job);
/* "machine=skylake policy.quantum=1ms seed=3"; newly allocated. */
char *cli_sweep_name(const cli_sweep_job *job, unsigned cell);
/* Arguments of the process that runs a cell into a store; newly allocated. `policy`: that one alone (NULL: all). */
char **cli_sweep_argv(const cli_sweep_job *job, unsigned cell, const char *policy, const char *store);
/* Says on standard error that a cell came to nothing. */
void cli_sweep_tell(const cli_sweep_job *job, unsigned cell, const char *policy, const char *why);

/* The engines: bring all of `todo` into the store. False and error set: cannot go on at all. */
bool cli_sweep_local(cli_sweep_job *job, GError **error);
bool cli_sweep_slurm(cli_sweep_job *job, GError **error);
