/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A policy's declared parameters: defaults, and values given as text. */
#pragma once

#include "vmm-policy.h"

#include <glib.h>

/* The values in the order of policy->params (newly allocated; never NULL without an error). `pairs` is name, value,
 * name, value, NULL, or NULL. `origin` begins the messages. */
vmm_param_value *vmm_params_parse(const struct vmm_policy_ops *policy, const char *const *pairs, const char *origin,
                                  GError **error);
/* The values of one VM in the order of policy->vm_params, likewise. `values` are the policy's own: defaults of those of the same name and type. */
vmm_param_value *vmm_params_parse_vm(const struct vmm_policy_ops *policy, const vmm_param_value *values, const char *const *pairs,
                                     const char *origin, GError **error);
/* Parameters that each VM may set, and how many: 0 for a policy whose structure is older than they are. */
unsigned vmm_vm_params(const struct vmm_policy_ops *policy, const vmm_param **params);
/* One value. The error says what is wrong with the text, not whose it is. */
bool vmm_param_parse(const vmm_param *param, const char *text, vmm_param_value *value, GError **error);
/* A value as a user would write it (newly allocated). */
char *vmm_param_format(const vmm_param *param, vmm_param_value value);
extern const char *const vmm_param_type_names[];
