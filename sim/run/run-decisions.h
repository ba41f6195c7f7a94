/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Decisions of a run: counted by action and reason, with their evidence and outcomes; figures of the policy about VMs. */
#pragma once

#include "run-json.h"
#include "run-result.h"

/* Fills the reasons of the result and of its VMs (which are there already, in the VMM's order), the first decisions with what was told of
 * them, and the VMs' figures. */
void run_decisions_collect(const vmm *v, run_result *result);

/* The same as JSON: `decisions` of a run; `quanta_changed` and `policy_figures` of a VM. */
void run_decisions_json(JsonObject *run, const run_result *result);
void run_decisions_vm_json(JsonObject *vm_object, const run_vm_result *vm);
