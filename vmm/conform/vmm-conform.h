/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Conformance of policies: adversarial schedules on a scripted machine, and the invariants that every policy of the ABI keeps. Each case runs in a process
 * of its own, so that a policy that crashes or never returns costs that case alone. */
#pragma once

#include "vmm-policy.h"

#include <glib.h>

typedef struct {
    const char *name, *text; /* what it is, in one line */
} vmm_conform_case;

/* All cases, in the order in which they run. */
const vmm_conform_case *vmm_conform_cases(unsigned *n);

/* What may break; `invariant` of an outcome is the name of one. */
typedef struct {
    const char *name, *text;
} vmm_conform_invariant;
const vmm_conform_invariant *vmm_conform_invariants(unsigned *n);

typedef struct {
    const struct vmm_policy_ops *policy;
    const char *const *params; /* name, value, ..., NULL: as vmm_config.policy_params; or NULL */
    uint64_t seed;             /* of the random schedules */
    unsigned seconds;          /* of the host's time in which a hook has to return, else the case is taken for hung */
} vmm_conform_config;

typedef struct {
    const vmm_conform_case *of;
    char *invariant;     /* that broke, or NULL: all held */
    char *detail;        /* what happened, where and when; or NULL */
    sim_ps at;           /* the machine's time then */
    uint32_t pcpu, vcpu; /* of which it was, or VMM_PCPU_NONE, VMM_VCPU_NONE */
    bool hung;           /* a hook did not return */
    uint64_t decisions;  /* times that `schedule` was called in the case's first run */
} vmm_conform_outcome;

/* Runs a case. False and error set: a process could not be made, or the policy does not take its parameters. */
bool vmm_conform_run(const vmm_conform_config *config, unsigned number, vmm_conform_outcome *outcome, GError **error);
void vmm_conform_outcome_clear(vmm_conform_outcome *outcome);
