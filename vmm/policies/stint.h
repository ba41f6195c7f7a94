/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How long vCPUs have been running: since they got on their pCPU, and since somebody charged them for it. */
#pragma once

#include "vmm-policy.h"

typedef struct {
    vmm_host *h;
    const vmm_services *services;
    sim_ps *began, *mark; /* [vCPU]; mark 0: the VMM put it on, the policy was not asked */
} stints;

void stints_init(stints *s, vmm_host *h, const vmm_services *services);
void stints_clear(stints *s);

/* `schedule` chose the vCPU; `goes_on`: it ran there just now. */
void stints_begin(stints *s, uint32_t vcpu, sim_ps now, bool goes_on);
/* The VMM runs it on its own account. */
void stints_imposed(stints *s, uint32_t vcpu);
/* What the vCPU that runs, or ran until now, on the pCPU has run since the last call. */
sim_ps stints_take(stints *s, uint32_t vcpu, uint32_t pcpu, sim_ps now);
/* How long it has been on the pCPU without another in between. */
sim_ps stints_length(const stints *s, uint32_t vcpu, uint32_t pcpu, sim_ps now);
