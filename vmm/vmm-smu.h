/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The state management unit in software: samples EMON registers and the state view of a pCPU through the services that
 * every policy has, at their cost, and gathers the samples into a profile of each vCPU and of each pCPU: the last
 * sample, the recent ones, decaying averages, and totals since power-on.
 *
 * What is seen between two samples is stale, and counts the VMM's own work along with the guest's: nothing else is to be
 * had from registers that are not switched with the vCPU. Where a pCPU has fewer counters than events are wanted, the
 * events take turns, one group a sample, and a rate stays what it was until its turn comes again. */
#pragma once

#include "vmm-policy.h"
#include "vmm-sample.h"

typedef struct vmm_smu vmm_smu;

/* Programs the events (SIM_EV_*, at most VMM_SMU_EVENTS) on all pCPUs: call in a policy's `init`. */
vmm_smu *vmm_smu_new(vmm_host *h, const vmm_services *services, const int *events, unsigned n_events);
void vmm_smu_free(vmm_smu *smu); /* accepts NULL */

/* The vCPU is about to run on the pCPU: readings from which its first sample is counted. */
void vmm_smu_begin(vmm_smu *smu, uint32_t pcpu, uint32_t vcpu);
/* Takes a sample of the vCPU that runs on the pCPU into both profiles. NULL, and the same as vmm_smu_begin, when the last
 * readings there were for another vCPU (the VMM has put this one on without asking the policy). */
const vmm_smu_sample *vmm_smu_take(vmm_smu *smu, uint32_t pcpu, uint32_t vcpu);

const vmm_smu_profile *vmm_smu_vcpu(const vmm_smu *smu, uint32_t vcpu);
const vmm_smu_profile *vmm_smu_pcpu(const vmm_smu *smu, uint32_t pcpu);
/* The sample before the last `back` ones, or NULL (0: the last). */
const vmm_smu_sample *vmm_smu_past(const vmm_smu_profile *profile, unsigned back);
