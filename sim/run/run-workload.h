/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The `workload` key of a VM: elf:PATH, trace:FILE, synthetic:SPEC. */
#pragma once

#include "run-scenario.h"
#include "sim-config.h"

/* Reads `workload` and the keys that belong to it alone (`salvage`, `repeat`) into `vm`, whose name is known. With scenario->traces
 * the work comes from that folder, whatever the scenario says. False and error set as sim_config_fail does. */
bool run_workload_read(sim_config *config, const char *group, const run_scenario *scenario, run_vm *vm, GError **error);
/* The path of a trace that `group.key` names (newly allocated), looked for as above and found to be readable. NULL and error set. */
char *run_workload_trace(sim_config *config, const char *group, const char *key, const char *name, bool salvage, GError **error);
/* Folders of shipped traces, where `trace:samples/NAME` is looked for (NULL-terminated), and the names found there. */
const char *const *run_trace_folders(void);
char **run_trace_names(void);
