/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The policies that are built in: one per file of this folder; vmm-registry.c lists them. */
#pragma once

#include "vmm-policy.h"

extern const struct vmm_policy_ops vmm_policy_round_robin;
extern const struct vmm_policy_ops vmm_policy_priority;
extern const struct vmm_policy_ops vmm_policy_emon_quantum;
extern const struct vmm_policy_ops vmm_policy_credit;
extern const struct vmm_policy_ops vmm_policy_rtds;
extern const struct vmm_policy_ops vmm_policy_eevdf;
extern const struct vmm_policy_ops vmm_policy_host_os;
extern const struct vmm_policy_ops vmm_policy_credit2;
extern const struct vmm_policy_ops vmm_policy_null;
extern const struct vmm_policy_ops vmm_policy_gang;
extern const struct vmm_policy_ops vmm_policy_dio;
extern const struct vmm_policy_ops vmm_policy_symbiosis;
extern const struct vmm_policy_ops vmm_policy_oracle;
