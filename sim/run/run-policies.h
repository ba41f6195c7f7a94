/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The groups [policy] and [policy NAME] of a scenario: policies, their variants, their state management units. */
#pragma once

#include "run-scenario.h"
#include "sim-config.h"

/* Fills `policies`, `policy_name`, `quantum`, `strict`. */
bool run_policies_read(sim_config *c, run_scenario *s, GError **error);
/* If `*name` is the path of a shared object, its policy becomes one of the scenario's, unless it is already, and `*name` (owned by the caller) its name. */
bool run_policies_plugin(run_scenario *scenario, char **name, GError **error);
void run_policy_free(run_policy *policy); /* accepts NULL */
