/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "vmm-profile.h"

#include <stddef.h>

void vmm_profile_init(vmm_smu_profile *profile)
{
    *profile = (vmm_smu_profile){ 0 };
    for (unsigned i = 0; i < VMM_SMU_EVENTS; i++)
        profile->mean_rate[i] = profile->ring[VMM_SMU_RING - 1].rate[i] = UINT64_MAX;
}

static void decay(uint64_t *mean, uint64_t value, bool first)
{
    *mean = first || *mean == UINT64_MAX ? value : *mean - *mean / 8 + value / 8;
}

const vmm_smu_sample *vmm_profile_add(vmm_smu_profile *profile, const vmm_smu_sample *sample, unsigned n_events)
{
    const vmm_smu_sample *last = &profile->ring[(profile->n + VMM_SMU_RING - 1) % VMM_SMU_RING];
    vmm_smu_sample *s = &profile->ring[profile->n % VMM_SMU_RING];
    bool first = profile->n == 0;
    uint64_t known[VMM_SMU_EVENTS];
    for (unsigned i = 0; i < VMM_SMU_EVENTS; i++)
        known[i] = last->rate[i];
    *s = *sample;
    for (unsigned i = 0; i < n_events; i++) {
        if (!(s->fresh >> i & 1))
            s->rate[i] = known[i];
        else
            decay(&profile->mean_rate[i], s->rate[i], false);
    }
    profile->n++;
    profile->insns += s->insns;
    profile->cycles += s->cycles;
    decay(&profile->mean_ipc_permille, s->cycles ? s->insns * 1000 / s->cycles : 0, first);
    decay(&profile->mean_btb_permille, s->view.btb_hit_permille, first);
    return s;
}

const vmm_smu_sample *vmm_profile_past(const vmm_smu_profile *profile, unsigned back)
{
    if (back >= VMM_SMU_RING || back >= profile->n)
        return NULL;
    return &profile->ring[(profile->n - 1 - back) % VMM_SMU_RING];
}

/* ---- tasks of a VM ---------------------------------------------------------------------------------------------------- */

GPtrArray *vmm_profile_tasks_new(void)
{
    return g_ptr_array_new_with_free_func(g_free);
}

vmm_task_profile *vmm_profile_task(GPtrArray *tasks, uint32_t kind, bool make)
{
    guint low = 0, high = tasks->len;
    while (low < high) {
        guint middle = (low + high) / 2;
        vmm_task_kind *t = g_ptr_array_index(tasks, middle);
        if (t->kind == kind)
            return &t->profile;
        if (t->kind < kind)
            low = middle + 1;
        else
            high = middle;
    }
    if (!make || tasks->len >= VMM_TASK_KINDS)
        return NULL;
    vmm_task_kind *t = g_new0(vmm_task_kind, 1);
    t->kind = kind;
    g_ptr_array_insert(tasks, (gint)low, t);
    return &t->profile;
}

void vmm_profile_task_add(vmm_task_profile *p, sim_ps span, uint64_t insns)
{
    decay(&p->mean, span, p->n == 0);
    p->n++;
    p->last = span;
    p->total += span;
    p->insns += insns;
}

/* ---- all of a run ------------------------------------------------------------------------------------------------------- */

vmm_profile *vmm_profile_new(unsigned n_pcpus, unsigned n_vms)
{
    vmm_profile *p = g_new0(vmm_profile, 1);
    p->n_pcpus = n_pcpus;
    p->n_vms = n_vms;
    p->pcpus = g_new0(vmm_smu_profile, n_pcpus);
    p->vms = g_new0(vmm_vm_profile, n_vms);
    for (unsigned i = 0; i < n_pcpus; i++)
        vmm_profile_init(&p->pcpus[i]);
    for (unsigned i = 0; i < n_vms; i++) {
        vmm_profile_init(&p->vms[i].smu);
        p->vms[i].tasks = vmm_profile_tasks_new();
    }
    return p;
}

void vmm_profile_free(vmm_profile *p)
{
    if (!p)
        return;
    for (unsigned i = 0; i < p->n_vms; i++)
        g_ptr_array_unref(p->vms[i].tasks);
    g_free(p->vms);
    g_free(p->pcpus);
    g_free(p);
}

static int place_of(const vmm_profile *p, int event)
{
    for (unsigned i = 0; i < p->n_events; i++)
        if (p->events[i] == event)
            return (int)i;
    return -1;
}

void vmm_profile_resume(const vmm_profile *profile, const vmm_smu_profile *from, const int *events, unsigned n_events, vmm_smu_profile *to)
{
    *to = *from;
    to->earlier = from->n;
    for (unsigned k = 0; k < VMM_SMU_RING; k++)
        to->ring[k].at = 0;
    for (unsigned i = 0; i < VMM_SMU_EVENTS; i++) {
        int place = i < n_events ? place_of(profile, events[i]) : -1;
        to->mean_rate[i] = place < 0 ? UINT64_MAX : from->mean_rate[place];
        for (unsigned k = 0; k < VMM_SMU_RING; k++) {
            const vmm_smu_sample *s = &from->ring[k];
            vmm_smu_sample *d = &to->ring[k];
            d->count[i] = place < 0 ? 0 : s->count[place];
            d->rate[i] = place < 0 ? UINT64_MAX : s->rate[place];
            d->fresh = (d->fresh & ~(1u << i)) | (place >= 0 && s->fresh >> place & 1 ? 1u << i : 0);
        }
    }
}
