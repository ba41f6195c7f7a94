/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The [vm NAME] groups of a scenario. */
#pragma once

#include "run-scenario.h"

/* Reads a group [vm NAME] and adds its VM, or with `count = N` the VMs NAME.1 to NAME.N. `*error` is NULL at first. */
bool run_vm_read(sim_config *config, const char *group, run_scenario *scenario, GError **error);
/* The keys of such a group that say what is executed, where, and with how much memory and disk, into a new VM. `fallback`: the workload (synthetic)
 * of a group that names none; NULL: it has to. */
bool run_vm_read_work(sim_config *c, const char *group, const run_scenario *s, const char *fallback, run_vm *vm, GError **error);
void run_vm_free(run_vm *vm); /* accepts NULL */
