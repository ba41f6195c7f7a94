/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "vmm-smu-kind.h"

#include "vmm-profile.h"

#include <string.h>

const char *const vmm_smu_names[VMM_N_SMU_KINDS + 1] = { "software", "hardware", "hybrid", NULL };
static const smu_kind_ops *const kinds[VMM_N_SMU_KINDS] = { &smu_software, &smu_hardware, &smu_hybrid };

/* ---- samples -------------------------------------------------------------------------------------------------------- */

/* What the views before and after tell; before the first view of a stay nothing is known. */
static void compare_views(vmm_smu_sample *s, const vmm_view *before, bool viewed)
{
    if (!viewed)
        return;
    s->dirty_before = before->l1d.mine_dirty;
    s->flushes = s->view.flushes - before->flushes;
    s->fills = s->view.l1d.fills - before->l1d.fills;
    s->writebacks = s->view.l1d.writebacks - before->l1d.writebacks;
    s->loop_exits = s->view.loop_exits - before->loop_exits;
}

static void look(vmm_pc *pc, const vmm_vcpu *c, vmm_view *view)
{
    smu_access(pc, pc->v->smu->ops->view_cost);
    pc->port->ops->view(pc->port, c->vm->owner, view);
}

/* Of pc->cur, whose guest is `inside` or was taken out. Returns the sample in the vCPU's profile. */
static const vmm_smu_sample *take(vmm_pc *pc, uint64_t overflowed, bool inside)
{
    struct vmm_smu *smu = pc->v->smu;
    smu_pcpu *p = smu_at(pc);
    smu_vcpu *own = &smu->vcpus[pc->cur->facts.id];
    smu_readings since = { 0 };
    vmm_smu_sample s = { .fresh = smu->ops->count(pc, own, overflowed, inside, &since) };
    look(pc, pc->cur, &s.view);
    compare_views(&s, &p->view, p->viewed);
    p->view = s.view;
    p->viewed = true;
    s.at = vmm_now(pc);
    s.insns = since.insns;
    s.cycles = since.cycles;
    for (unsigned i = 0; i < smu->n_events; i++) {
        s.count[i] = s.fresh >> i & 1 ? since.count[i] : 0;
        s.rate[i] = s.insns ? (uint64_t)((unsigned __int128)s.count[i] * 1000000 / s.insns) : 0;
    }
    if (smu->ops->sampled)
        smu->ops->sampled(pc);
    smu->samples++;
    vmm_profile_add(&p->profile, &s, smu->n_events);
    return vmm_profile_add(&own->profile, &s, smu->n_events);
}

vmm_verdict vmm_smu_evaluate(vmm_pc *pc, uint64_t overflowed)
{
    vmm *v = pc->v;
    const vmm_smu_sample *s = take(pc, overflowed, true);
    if (!v->policy.evaluate)
        return (vmm_verdict){ .kind = VMM_KEEP };
    v->hook_pcpu = pc->facts.id;
    vmm_verdict verdict = v->policy.evaluate(v->self, pc->facts.id, pc->cur->facts.id, s, vmm_now(pc));
    v->hook_pcpu = VMM_PCPU_NONE;
    return vmm_verdict_checked(pc, verdict, "evaluate");
}

void vmm_smu_took(vmm_pc *pc, sim_ps since)
{
    pc->v->smu->exits++;
    pc->v->smu->time += vmm_now(pc) - since;
}

void vmm_smu_expiring(vmm_pc *pc)
{
    struct vmm_smu *smu = pc->v->smu;
    if (!smu || !smu->ops->periodic)
        return;
    sim_ps from = vmm_now(pc);
    take(pc, 0, false);
    smu->time += vmm_now(pc) - from;
}

/* ---- switches -------------------------------------------------------------------------------------------------------- */

void vmm_smu_begin(vmm_pc *pc, const vmm_vcpu *c)
{
    struct vmm_smu *smu = pc->v->smu;
    if (!smu)
        return;
    smu_pcpu *p = smu_at(pc);
    sim_ps from = vmm_now(pc);
    bool same = p->vcpu == c->facts.id;
    p->vcpu = c->facts.id;
    p->viewed &= same;
    if (smu->ops->begin(pc, &smu->vcpus[c->facts.id], same)) {
        look(pc, c, &p->view);
        p->viewed = true;
    }
    smu->time += vmm_now(pc) - from;
}

void vmm_smu_unload(vmm_pc *pc, const vmm_vcpu *c)
{
    struct vmm_smu *smu = pc->v->smu;
    if (!smu)
        return;
    smu_pcpu *p = smu_at(pc);
    sim_ps from = vmm_now(pc);
    if (smu->ops->unload && p->vcpu == c->facts.id)
        smu->ops->unload(pc, &smu->vcpus[c->facts.id]);
    p->vcpu = VMM_VCPU_NONE;
    smu->time += vmm_now(pc) - from;
}

/* ---- the period ------------------------------------------------------------------------------------------------------ */

static void over(sim_event *event, void *user)
{
    if (vmm_below_late(((smu_pcpu *)user)->pc, event))
        return;
    vmm_pc_sample(((smu_pcpu *)user)->pc);
}

void vmm_smu_arm(vmm_pc *pc)
{
    struct vmm_smu *smu = pc->v->smu;
    if (!smu || !smu->ops->periodic || sim_event_pending(&smu_at(pc)->over))
        return;
    sim_engine_schedule(pc->v->engine, &smu_at(pc)->over, (vmm_now(pc) / smu->period + 1) * smu->period);
}

void vmm_smu_disarm(vmm_pc *pc)
{
    if (pc->v->smu)
        sim_engine_cancel(pc->v->engine, &smu_at(pc)->over);
}

/* ---- the whole ------------------------------------------------------------------------------------------------------- */

bool vmm_smu_is_beside(const vmm *v)
{
    return v->smu->ops->beside;
}

bool vmm_smu_owns(const vmm_pc *pc, uint32_t counter)
{
    const struct vmm_smu *smu = pc->v->smu;
    if (!smu || smu->ops->beside)
        return false;
    return counter < smu_counters(pc) || (smu->kind == VMM_SMU_HYBRID && counter == SIM_EMON_FIXED_INSNS);
}

/* `earlier`: that of earlier runs, or NULL. */
static void begin_profile(const vmm *v, const vmm_smu_profile *earlier, vmm_smu_profile *profile)
{
    if (earlier)
        vmm_profile_resume(v->earlier, earlier, v->smu->events, v->smu->n_events, profile);
    else
        vmm_profile_init(profile);
}

bool vmm_service_smu_watch(vmm_host *h, const int *events, uint32_t n)
{
    vmm *v = h->v;
    bool known = n <= VMM_SMU_EVENTS;
    for (uint32_t i = 0; known && i < n; i++)
        known = events[i] >= 0 && events[i] < SIM_EV_COUNT;
    if (!known || !v->initialising || v->smu)
        return false;
    struct vmm_smu *smu = v->smu = g_new0(struct vmm_smu, 1);
    smu->kind = v->smu_config.kind;
    smu->ops = kinds[smu->kind];
    smu->period = v->smu_config.period ? v->smu_config.period : smu->kind == VMM_SMU_HARDWARE ? VMM_SMU_HARDWARE_PERIOD : VMM_SMU_PERIOD;
    smu->n_events = n;
    memcpy(smu->events, events, n * sizeof *events);
    smu->pcpus = g_new0(smu_pcpu, v->n_pcs);
    smu->vcpus = g_new0(smu_vcpu, v->vcpus->len);
    for (unsigned i = 0; i < v->vcpus->len; i++) {
        uint32_t vm = vmm_vcpu_at(v, i)->facts.vm;
        begin_profile(v, v->earlier && v->earlier->vms[vm].known ? &v->earlier->vms[vm].smu : NULL, &smu->vcpus[i].profile);
    }
    for (unsigned i = 0; i < v->n_pcs; i++) {
        smu_pcpu *p = &smu->pcpus[i];
        p->pc = &v->pcs[i];
        p->vcpu = VMM_VCPU_NONE;
        sim_event_init(&p->over, over, p, SIM_PRIO_TICK);
        begin_profile(v, v->earlier ? &v->earlier->pcpus[i] : NULL, &p->profile);
        if (smu->ops->prepare)
            smu->ops->prepare(p->pc);
    }
    return true;
}

void vmm_smu_free(vmm *v)
{
    if (!v->smu)
        return;
    for (unsigned i = 0; i < v->n_pcs; i++)
        vmm_smu_disarm(&v->pcs[i]);
    g_free(v->smu->pcpus);
    g_free(v->smu->vcpus);
    g_clear_pointer(&v->smu, g_free);
}

const vmm_smu_profile *vmm_service_vcpu_profile(const vmm_host *h, uint32_t vcpu)
{
    const vmm *v = h->v;
    return v->smu && vcpu < v->vcpus->len ? &v->smu->vcpus[vcpu].profile : NULL;
}

const vmm_smu_profile *vmm_service_pcpu_profile(const vmm_host *h, uint32_t pcpu)
{
    const vmm *v = h->v;
    return v->smu && pcpu < v->n_pcs ? &v->smu->pcpus[pcpu].profile : NULL;
}

void vmm_smu_profiles(const vmm *v, vmm_profile *profile)
{
    const struct vmm_smu *smu = v->smu;
    if (!smu)
        return;
    profile->n_events = smu->n_events;
    memcpy(profile->events, smu->events, sizeof profile->events);
    for (unsigned i = 0; i < v->n_pcs; i++)
        profile->pcpus[i] = smu->pcpus[i].profile;
    for (unsigned i = 0; i < v->vms->len; i++)
        profile->vms[i].smu = smu->vcpus[((const vmm_vm *)g_ptr_array_index(v->vms, i))->first_vcpu].profile;
}

void vmm_smu_report(const vmm *v, vmm_smu_stats *stats)
{
    const struct vmm_smu *smu = v->smu;
    *stats = (vmm_smu_stats){ .watched = smu != NULL };
    if (!smu)
        return;
    *stats = (vmm_smu_stats){ .watched = true, .kind = smu->kind, .period = smu->period, .samples = smu->samples, .accesses = smu->accesses,
                              .exits = smu->exits, .time = smu->time, .n_events = smu->n_events };
    memcpy(stats->events, smu->events, sizeof stats->events);
    if (smu->ops->report)
        smu->ops->report(&v->pcs[0], stats);
}
