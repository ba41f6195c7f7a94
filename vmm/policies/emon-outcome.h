/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What came of emon-quantum's decisions, measured by the samples that follow: told to the VMM as outcomes. */
#pragma once

#include "vmm-policy.h"

typedef struct emon_outcomes emon_outcomes;

emon_outcomes *emon_outcomes_new(vmm_host *h, const vmm_services *services);
void emon_outcomes_free(emon_outcomes *o); /* accepts NULL */

/* A sample of the vCPU in its present stay. */
void emon_outcomes_sample(emon_outcomes *o, uint32_t vcpu, const vmm_smu_sample *sample);
/* Its quantum was lengthened, or is to end early, by the decision of that number. */
void emon_outcomes_extended(emon_outcomes *o, uint32_t vcpu, uint64_t decision);
void emon_outcomes_cut(emon_outcomes *o, uint32_t vcpu, uint64_t decision);
/* Its stay on the pCPU is over: `span` of the extension was used, or of the cut given to others. */
void emon_outcomes_stay_over(emon_outcomes *o, uint32_t pcpu, uint32_t vcpu, sim_ps span);

/* Its quantum was changed for good. */
void emon_outcomes_lasting(emon_outcomes *o, uint32_t vcpu, uint64_t decision);
/* A task of the kind was moved to the vCPU's VM, where `ahead` of them are before it; one of the kind ended there. */
void emon_outcomes_moved(emon_outcomes *o, uint32_t vcpu, uint32_t kind, uint64_t decision, uint32_t ahead);
void emon_outcomes_task_ended(emon_outcomes *o, uint32_t vcpu, uint32_t kind, sim_ps span);

/* By that decision it owes `span` more. What it owes in all: decisions whose time has been paid back are told of, the oldest first. */
void emon_outcomes_owes(emon_outcomes *o, uint32_t vcpu, uint64_t decision, sim_ps span);
void emon_outcomes_balance(emon_outcomes *o, uint32_t vcpu, int64_t balance);
