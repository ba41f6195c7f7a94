/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The built-in policies, and the checks that every policy passes before it is used. */
#pragma once

#include "vmm-policy.h"

#include <glib.h>

/* The built-in policies, the reference (round-robin) first. */
const struct vmm_policy_ops *const *vmm_policies(unsigned *n);
/* By name; NULL and error set (with the nearest name) when there is none. */
const struct vmm_policy_ops *vmm_policy_find(const char *name, GError **error);
/* ABI version, mandatory fields and hooks, parameters whose default is within their bounds: the error names the policy
 * and what is wrong. */
bool vmm_policy_check(const struct vmm_policy_ops *policy, GError **error);
