/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which pCPUs share a core and a package. */
#pragma once

#include "pcpu-mask.h"

typedef struct {
    uint32_t n;
    pcpu_mask all;
    pcpu_mask *core, *package; /* [pCPU]: those of its core, of its package, itself among them */
} pcpu_topology;

void pcpu_topology_init(pcpu_topology *t, const vmm_host *h, const vmm_services *services);
void pcpu_topology_clear(pcpu_topology *t);
