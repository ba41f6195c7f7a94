/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Errors that a user can cause, and the words to report them with. A function that takes a GError ** and
 * fails always sets it; the message says what, where, and what would be valid. */
#pragma once

#include <glib.h>

#define SIM_ERROR (sim_error_quark())
GQuark sim_error_quark(void);

typedef enum {
    SIM_ERROR_USAGE,  /* command line */
    SIM_ERROR_INPUT,  /* a scenario, machine, trace, ELF file or a parameter in them */
    SIM_ERROR_GUEST,  /* the guest failed */
    SIM_ERROR_POLICY, /* the policy failed */
    SIM_ERROR_IO,     /* the host could not read or write */
} sim_error_code;

/* The exit status of the quanta command: DESIGN "Faces". */
enum { SIM_EXIT_OK = 0, SIM_EXIT_CHECK_FAILED = 1, SIM_EXIT_BAD_INPUT = 2, SIM_EXIT_GUEST_FAILED = 3 };

/* The candidate nearest to `word` (Damerau-Levenshtein, at most a third of its length + 1 away), or NULL.
 * `candidates` is NULL-terminated; the result points into it. */
const char *sim_nearest(const char *word, const char *const *candidates);
/* "; did you mean 'x'?" or, without a near one, "; valid: a, b, c" (newly allocated). */
char *sim_suggest(const char *word, const char *const *candidates);
