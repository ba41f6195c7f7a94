/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where a VM may run. */
#pragma once

#include "run-scenario.h"
#include "sim-config.h"

/* The key `affinity` of a group: a list of logical processors ("0-3,5"), `core:N`, `package:N` and `kind:NAME`, apart by commas. Without the key, `has` is
 * false. `mask` is all 0 at first. */
bool run_affinity_read(sim_config *c, const char *group, const cpu_machine *machine, uint64_t mask[VMM_MASK_WORDS], bool *has, GError **error);
