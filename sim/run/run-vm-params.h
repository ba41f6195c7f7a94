/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Parameters of policies for one VM: the keys POLICY.PARAMETER of its group, where POLICY is a policy, or a variant of one, which wins. */
#pragma once

#include "run-scenario.h"
#include "sim-config.h"

/* Reads and checks them all, after the scenario's policies. */
bool run_vm_params_read(sim_config *c, const char *group, const run_scenario *s, run_vm *vm, GError **error);
/* Pairs of name and value for a policy, as they were written, NULL at the end. Newly allocated; the texts are the VM's. */
const char **run_vm_params_pairs(const run_vm *vm, const run_policy *policy);
/* All of the policy as they hold for the VM, defaults too, as pairs (newly allocated); NULL where it has none. */
char **run_vm_params_texts(const run_vm *vm, const run_policy *policy);
