/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A policy's declared parameters: defaults, and values given as text. */
#pragma once

#include "vmm-policy.h"

#include <glib.h>

/* The values in the order of policy->params (newly allocated; never NULL without an error). `pairs` is name, value,
 * name, value, NULL, or NULL. `origin` begins the messages. */
vmm_param_value *vmm_params_parse(const struct vmm_policy_ops *policy, const char *const *pairs, const char *origin,
                                  GError **error);
/* A value as a user would write it (newly allocated). */
char *vmm_param_format(const vmm_param *param, vmm_param_value value);
extern const char *const vmm_param_type_names[];
