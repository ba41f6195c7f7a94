/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Policies in shared objects. A plug-in stays loaded until the process ends, so that its texts stay valid in results. */
#pragma once

#include "vmm-policy.h"

#include <glib.h>

/* Whether a policy's name is the path of a shared object: it has a '/' or ends in ".so". */
bool vmm_plugin_is_path(const char *name);
/* Loads the policy of a shared object, once per file; what its structure lacks is NULL. NULL and error set, which names the file: it is missing, no
 * shared object, exports no VMM_POLICY_SYMBOL, has another ABI, lacks a mandatory hook, or takes the name of a built-in policy. The structure stays the
 * registry's. */
const struct vmm_policy_ops *vmm_plugin_load(const char *path, GError **error);
/* SHA-256 of the file that the policy came from, in hexadecimal; NULL: it is built in. */
const char *vmm_plugin_sha256(const struct vmm_policy_ops *policy);
