/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The files that the runs of an experiment draw while they go on. */
#pragma once

#include "run-ftrace.h"
#include "run-timeline.h"

typedef struct run_pictures {
    run_timeline *timeline; /* or NULL */
    run_ftrace *ftrace;     /* or NULL: of an experiment of one run alone */
} run_pictures;

/* Opens the files; NULL: not wanted. False and error set: one cannot be made (and none is left). */
bool run_pictures_open(run_pictures *pictures, const char *timeline, const char *ftrace, unsigned n_runs, GError **error);
/* Who writes run number `run`; returns how many. */
unsigned run_pictures_writers(const run_pictures *pictures, unsigned run, run_writer writers[RUN_WRITERS]);
/* The files are whole. False and error set: one could not be written. */
bool run_pictures_close(run_pictures *pictures, GError **error);
/* Leaves none of those that are open. */
void run_pictures_clear(run_pictures *pictures);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(run_pictures, run_pictures_clear)
