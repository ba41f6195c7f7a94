/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Task history [0062]: where one VM does tasks of a kind better than another, tasks that wait are moved to it, or it gets more time and the
 * other less. Looked at when a task ends: what a task of a kind costs each VM is known then. */
#include "emon-quantum.h"

#include <glib.h>

static const vmm_task_profile *known(const emon_quantum *e, uint32_t vcpu, uint32_t kind)
{
    const vmm_task_profile *p = e->services->task_profile(e->h, vcpu, kind);
    return p && p->n >= e->p[P_TASK_SAMPLES].u ? p : NULL;
}

enum { KINDS_MAX = 64 }; /* those that come later are not looked at */

/* NULL: there are too many. */
static emon_kind *kind_of(emon_quantum *e, uint32_t kind)
{
    for (guint i = 0; i < e->kinds->len; i++)
        if (g_array_index(e->kinds, emon_kind, i).kind == kind)
            return &g_array_index(e->kinds, emon_kind, i);
    if (e->kinds->len == KINDS_MAX)
        return NULL;
    emon_kind fresh = { .kind = kind, .best = VMM_VCPU_NONE, .vcpus = g_array_new(FALSE, FALSE, sizeof(uint32_t)) };
    g_array_append_val(e->kinds, fresh);
    return &g_array_index(e->kinds, emon_kind, e->kinds->len - 1);
}

void emon_tasks_free(emon_quantum *e)
{
    for (guint i = 0; i < e->kinds->len; i++)
        g_array_unref(g_array_index(e->kinds, emon_kind, i).vcpus);
    g_array_unref(e->kinds);
}

/* Of those that have ended tasks of the kind: who takes least. */
static void find_best(emon_quantum *e, emon_kind *k, uint32_t vcpu)
{
    guint i = 0;
    sim_ps least = SIM_PS_NEVER;
    while (i < k->vcpus->len && g_array_index(k->vcpus, uint32_t, i) != vcpu)
        i++;
    if (i == k->vcpus->len)
        g_array_append_val(k->vcpus, vcpu);
    k->best = VMM_VCPU_NONE;
    for (i = 0; i < k->vcpus->len; i++) {
        uint32_t one = g_array_index(k->vcpus, uint32_t, i);
        const vmm_task_profile *p = e->services->vcpu(e->h, one)->state == VMM_OFFLINE ? NULL : known(e, one, k->kind);
        if (p && p->mean < least) {
            least = p->mean;
            k->best = one;
        }
    }
}

/* Moves the oldest task that waits, if it is likely to end sooner there behind those that wait already. */
static bool move(emon_quantum *e, uint32_t vcpu, const emon_kind *k, const vmm_task_profile *own, const vmm_task_profile *best)
{
    uint32_t here = e->services->waiting_tasks(e->h, vcpu, k->kind), there = e->services->waiting_tasks(e->h, k->best, k->kind);
    if (!here || (unsigned __int128)(there + 1) * best->mean >= (unsigned __int128)here * own->mean)
        return false;
    const vmm_decision why = {
        .reason = "task-history",
        .evidence = { "kind", "mean-ps", "better-mean-ps", "to-vcpu" },
        .value = { k->kind, (int64_t)own->mean, (int64_t)best->mean, k->best },
    };
    uint64_t number = e->services->next_decision(e->h);
    e->services->evidence(e->h, "waiting", here);
    e->services->evidence(e->h, "waiting-there", there);
    e->services->evidence(e->h, "margin-permille", (int64_t)e->p[P_TASK_MARGIN].u);
    if (!e->services->transfer_task(e->h, vcpu, k->best, k->kind, &why, NULL))
        return false;
    emon_outcomes_moved(e->outcomes, k->best, k->kind, number, there + 1);
    return true;
}

/* A step more for the better VM, one less for the other. */
static void shift_time(emon_quantum *e, uint32_t vcpu, const emon_kind *k, const vmm_task_profile *own, const vmm_task_profile *best)
{
    const vmm_decision why = {
        .reason = "task-history",
        .evidence = { "kind", "mean-ps", "better-mean-ps", "better-vcpu" },
        .value = { k->kind, (int64_t)own->mean, (int64_t)best->mean, k->best },
    };
    if (e->vcpus[k->best].habit.stays < e->p[P_PROFILE_QUANTA].u)
        return;
    e->vcpus[k->best].habit.stays = 0;
    emon_profile_step(e, k->best, true, &why);
    emon_profile_step(e, vcpu, false, &why);
}

void emon_tasks_ended(emon_quantum *e, uint32_t vcpu, uint32_t kind, sim_ps span)
{
    emon_outcomes_task_ended(e->outcomes, vcpu, kind, span);
    if (!e->p[P_TASK_HISTORY].b)
        return;
    emon_kind *k = kind_of(e, kind);
    if (!k)
        return;
    find_best(e, k, vcpu);
    const vmm_task_profile *own = known(e, vcpu, kind), *best = k->best == VMM_VCPU_NONE ? NULL : known(e, k->best, kind);
    if (!own || !best || k->best == vcpu)
        return;
    if ((unsigned __int128)own->mean * 1000 < (unsigned __int128)best->mean * (1000 + e->p[P_TASK_MARGIN].u))
        return;
    if (e->p[P_TASK_MOVE].b && move(e, vcpu, k, own, best))
        return;
    if (e->p[P_TASK_TIME].b)
        shift_time(e, vcpu, k, own, best);
}
