/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The [vm NAME] groups of a scenario. */
#pragma once

#include "run-scenario.h"

/* Reads a group [vm NAME] and adds its VM, or with `count = N` the VMs NAME.1 to NAME.N. `*error` is NULL at first. */
bool run_vm_read(sim_config *config, const char *group, run_scenario *scenario, GError **error);
void run_vm_free(run_vm *vm); /* accepts NULL */
