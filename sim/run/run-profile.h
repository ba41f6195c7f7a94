/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Profile files, "quanta-profile/1": what one run's state management unit gathered, for the next one. docs/formats.md has the format. */
#pragma once

#include "run-result.h"
#include "run-scenario.h"

/* A profile that fits the scenario. A VM that is not in the file, or runs another program there, begins with nothing; `fallbacks` says which and why. */
struct run_profile {
    vmm_profile *profile;  /* by the scenario's numbers of VMs */
    char *digest;          /* SHA-256 of the file */
    unsigned known;        /* VMs that were found */
    GPtrArray *fallbacks;  /* of char *: "VM 'x': why", in the scenario's order, then those of the file that the scenario lacks */
};

/* NULL and error set: not a profile, of another version, another machine, malformed, or of none of the scenario's VMs. */
run_profile *run_profile_load(const char *path, const run_scenario *scenario, GError **error);
void run_profile_free(run_profile *profile); /* accepts NULL */

/* The file's text for the profile that a run left (result->profile). */
char *run_profile_text(const run_result *result);

/* For reports: which profile the run began with, and what of it did not fit. */
void run_profile_table(GString *text, const run_result *result);
