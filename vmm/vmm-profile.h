/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Profiles: what is kept of samples and of tasks (vmm-sample.h), from the last one back to power-on; and all of a run's, which the next run may
 * begin with. */
#pragma once

#include "vmm-sample.h"

#include <glib.h>
#include <stdbool.h>

/* ---- one ------------------------------------------------------------------------------------------------------------ */

/* Nothing is known. */
void vmm_profile_init(vmm_smu_profile *profile);
/* Adds a sample; rates that are not fresh in it become the last ones known. Returns it as it is in the ring. */
const vmm_smu_sample *vmm_profile_add(vmm_smu_profile *profile, const vmm_smu_sample *sample, unsigned n_events);
/* The sample before the last `back` ones (0: the last), or NULL. */
const vmm_smu_sample *vmm_profile_past(const vmm_smu_profile *profile, unsigned back);

/* ---- tasks of a VM ---------------------------------------------------------------------------------------------------- */

/* Kinds that are told apart; tasks of further ones are in no profile. */
#define VMM_TASK_KINDS 256u

typedef struct {
    uint32_t kind;
    vmm_task_profile profile;
} vmm_task_kind;

/* Profiles by kind (array of vmm_task_kind, which stay where they are). */
GPtrArray *vmm_profile_tasks_new(void);
/* That of a kind; NULL: there is none (`make`: and there are VMM_TASK_KINDS already). */
vmm_task_profile *vmm_profile_task(GPtrArray *tasks, uint32_t kind, bool make);
void vmm_profile_task_add(vmm_task_profile *profile, sim_ps span, uint64_t insns);

/* ---- all of a run ------------------------------------------------------------------------------------------------------- */

typedef struct {
    bool known;          /* else the VM begins with nothing */
    vmm_smu_profile smu; /* of its vCPU */
    GPtrArray *tasks;    /* vmm_task_kind, by kind */
} vmm_vm_profile;

typedef struct {
    unsigned n_events;   /* that rates are of, by SIM_EV_*; 0: no policy watched */
    int events[VMM_SMU_EVENTS];
    unsigned n_pcpus, n_vms;
    vmm_smu_profile *pcpus;
    vmm_vm_profile *vms; /* by number */
} vmm_profile;

/* Of that many, of which nothing is known. */
vmm_profile *vmm_profile_new(unsigned n_pcpus, unsigned n_vms);
void vmm_profile_free(vmm_profile *profile); /* accepts NULL */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(vmm_profile, vmm_profile_free)
/* `from` as somebody sees it who watches other events: rates of those that `profile` lacks are not known. Its samples count as earlier ones. */
void vmm_profile_resume(const vmm_profile *profile, const vmm_smu_profile *from, const int *events, unsigned n_events, vmm_smu_profile *to);
