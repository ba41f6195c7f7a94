/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "vmm-smu.h"

#include <glib.h>
#include <string.h>

#define COUNTER_MASK ((UINT64_C(1) << 48) - 1)
enum { FIXED_INSNS = 0, FIXED_CYCLES = 1 };

typedef struct {
    uint64_t insns, cycles;
    uint64_t count[VMM_SMU_EVENTS]; /* by event */
    vmm_view view;
} readings;

typedef struct {
    readings last;
    uint32_t vcpu;  /* read for */
    unsigned group; /* events that are programmed: group * counters and on */
    vmm_smu_profile profile;
} pcpu_state;

struct vmm_smu {
    vmm_host *h;
    const vmm_services *services;
    int events[VMM_SMU_EVENTS];
    unsigned n_events;
    pcpu_state *pcpus;
    vmm_smu_profile *vcpus;
    uint32_t n_pcpus, n_vcpus;
};

static unsigned counters(const vmm_smu *smu, uint32_t pcpu)
{
    return MIN(smu->services->pcpu(smu->h, pcpu)->emon_counters, smu->n_events);
}

static void select_group(vmm_smu *smu, uint32_t pcpu, unsigned group)
{
    unsigned n = counters(smu, pcpu);
    smu->pcpus[pcpu].group = group;
    for (unsigned i = 0; i < n && group * n + i < smu->n_events; i++)
        smu->services->emon_select(smu->h, pcpu, i, smu->events[group * n + i]);
}

static void forget_rates(vmm_smu_profile *profile)
{
    for (unsigned i = 0; i < VMM_SMU_EVENTS; i++)
        profile->mean_rate[i] = profile->ring[VMM_SMU_RING - 1].rate[i] = UINT64_MAX;
}

vmm_smu *vmm_smu_new(vmm_host *h, const vmm_services *services, const int *events, unsigned n_events)
{
    g_assert(n_events <= VMM_SMU_EVENTS);
    vmm_smu *smu = g_new0(vmm_smu, 1);
    smu->h = h;
    smu->services = services;
    smu->n_events = n_events;
    memcpy(smu->events, events, n_events * sizeof *events);
    smu->n_pcpus = services->n_pcpus(h);
    smu->n_vcpus = services->n_vcpus(h);
    smu->pcpus = g_new0(pcpu_state, smu->n_pcpus);
    smu->vcpus = g_new0(vmm_smu_profile, smu->n_vcpus);
    for (uint32_t i = 0; i < smu->n_vcpus; i++)
        forget_rates(&smu->vcpus[i]);
    for (uint32_t i = 0; i < smu->n_pcpus; i++) {
        forget_rates(&smu->pcpus[i].profile);
        smu->pcpus[i].vcpu = VMM_VCPU_NONE;
        select_group(smu, i, 0);
    }
    return smu;
}

void vmm_smu_free(vmm_smu *smu)
{
    if (!smu)
        return;
    g_free(smu->pcpus);
    g_free(smu->vcpus);
    g_free(smu);
}

static void read_registers(vmm_smu *smu, uint32_t pcpu, uint32_t vcpu)
{
    const vmm_services *s = smu->services;
    pcpu_state *p = &smu->pcpus[pcpu];
    unsigned n = counters(smu, pcpu), first = p->group * n;
    p->vcpu = vcpu;
    p->last.insns = s->emon_read_fixed(smu->h, pcpu, FIXED_INSNS);
    p->last.cycles = s->emon_read_fixed(smu->h, pcpu, FIXED_CYCLES);
    for (unsigned i = 0; i < n && first + i < smu->n_events; i++)
        p->last.count[first + i] = s->emon_read(smu->h, pcpu, i);
    s->view(smu->h, pcpu, vcpu, &p->last.view);
}

static void next_group(vmm_smu *smu, uint32_t pcpu)
{
    pcpu_state *p = &smu->pcpus[pcpu];
    unsigned n = counters(smu, pcpu);
    if (!n || n == smu->n_events)
        return;
    select_group(smu, pcpu, (p->group + 1) * n < smu->n_events ? p->group + 1 : 0);
    for (unsigned i = 0; i < n && p->group * n + i < smu->n_events; i++)
        p->last.count[p->group * n + i] = smu->services->emon_read(smu->h, pcpu, i);
}

void vmm_smu_begin(vmm_smu *smu, uint32_t pcpu, uint32_t vcpu)
{
    read_registers(smu, pcpu, vcpu);
}

static void decay(uint64_t *mean, uint64_t value, bool first)
{
    *mean = first || *mean == UINT64_MAX ? value : *mean - *mean / 8 + value / 8;
}

static void gather(vmm_smu_profile *profile, const vmm_smu_sample *sample, unsigned n_events)
{
    const vmm_smu_sample *last = &profile->ring[(profile->n + VMM_SMU_RING - 1) % VMM_SMU_RING];
    vmm_smu_sample s = *sample;
    bool first = profile->n == 0;
    for (unsigned i = 0; i < n_events; i++) {
        if (!(s.fresh >> i & 1))
            s.rate[i] = last->rate[i];
        else
            decay(&profile->mean_rate[i], s.rate[i], false);
    }
    profile->ring[profile->n++ % VMM_SMU_RING] = s;
    profile->insns += s.insns;
    profile->cycles += s.cycles;
    decay(&profile->mean_ipc_permille, s.cycles ? s.insns * 1000 / s.cycles : 0, first);
    decay(&profile->mean_btb_permille, s.view.btb_hit_permille, first);
}

const vmm_smu_sample *vmm_smu_take(vmm_smu *smu, uint32_t pcpu, uint32_t vcpu)
{
    pcpu_state *p = &smu->pcpus[pcpu];
    const readings before = p->last;
    unsigned n = counters(smu, pcpu), first = p->group * n;
    bool known = p->vcpu == vcpu;
    read_registers(smu, pcpu, vcpu);
    if (!known)
        return NULL;
    const readings *now = &p->last;
    vmm_smu_sample s = {
        .at = smu->services->now(smu->h, pcpu),
        .insns = (now->insns - before.insns) & COUNTER_MASK,
        .cycles = (now->cycles - before.cycles) & COUNTER_MASK,
        .view = now->view,
        .dirty_before = before.view.l1d.mine_dirty,
        .flushes = now->view.flushes - before.view.flushes,
        .fills = now->view.l1d.fills - before.view.l1d.fills,
        .writebacks = now->view.l1d.writebacks - before.view.l1d.writebacks,
        .loop_exits = now->view.loop_exits - before.view.loop_exits,
    };
    for (unsigned i = first; i < first + n && i < smu->n_events; i++) {
        s.fresh |= 1u << i;
        s.count[i] = (now->count[i] - before.count[i]) & COUNTER_MASK;
        s.rate[i] = s.insns ? (uint64_t)((unsigned __int128)s.count[i] * 1000000 / s.insns) : 0;
    }
    next_group(smu, pcpu);
    gather(&p->profile, &s, smu->n_events);
    gather(&smu->vcpus[vcpu], &s, smu->n_events);
    return vmm_smu_past(&smu->vcpus[vcpu], 0);
}

const vmm_smu_profile *vmm_smu_vcpu(const vmm_smu *smu, uint32_t vcpu)
{
    return &smu->vcpus[vcpu];
}

const vmm_smu_profile *vmm_smu_pcpu(const vmm_smu *smu, uint32_t pcpu)
{
    return &smu->pcpus[pcpu].profile;
}

const vmm_smu_sample *vmm_smu_past(const vmm_smu_profile *profile, unsigned back)
{
    if (back >= VMM_SMU_RING || back >= profile->n)
        return NULL;
    return &profile->ring[(profile->n - 1 - back) % VMM_SMU_RING];
}
