/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Quanta that follow the VM's profile [0062, 0063]: what it did in its stays so far says what a switch costs it. The first sample of a stay
 * is held against the others: the cycles that it took more per instruction are what getting warm cost. */
#include "emon-quantum.h"

#include <glib.h>

enum { LEAST_SAMPLES = 4 }; /* of a stay that tells something */

void emon_profile_sample(emon_quantum *e, uint32_t vcpu, const vmm_smu_sample *s)
{
    emon_habit *b = &e->vcpus[vcpu].habit;
    uint64_t *insns = b->samples ? &b->rest_insns : &b->first_insns, *cycles = b->samples ? &b->rest_cycles : &b->first_cycles;
    *insns += s->insns;
    *cycles += s->cycles;
    b->samples++;
}

/* Picoseconds that the first sample took longer than its instructions did later. */
static uint64_t loss_of(const emon_quantum *e, uint32_t vcpu, const emon_habit *b)
{
    uint64_t hz = e->services->pcpu(e->h, e->services->vcpu(e->h, vcpu)->pcpu)->hz;
    uint64_t warm = (uint64_t)((unsigned __int128)b->first_insns * b->rest_cycles / b->rest_insns);
    return b->first_cycles > warm ? (uint64_t)((unsigned __int128)(b->first_cycles - warm) * SIM_PS_PER_S / hz) : 0;
}

void emon_profile_step(emon_quantum *e, uint32_t vcpu, bool up, const vmm_decision *why)
{
    emon_vcpu *s = &e->vcpus[vcpu];
    sim_ps now = e->services->vcpu(e->h, vcpu)->quantum, step = s->assigned / 1000 * e->p[P_PROFILE_STEP].u;
    sim_ps least = emon_scaled(e, vcpu, P_MIN), most = emon_scaled(e, vcpu, P_MAX);
    sim_ps after = up ? MIN(now + step, most) : now > least + step ? now - step : least;
    if (after == now)
        return;
    if (!e->p[P_LASTING].b) {
        s->habit.once = after;
        s->habit.once_reason = why->reason;
        return;
    }
    uint64_t number = e->services->next_decision(e->h);
    if (e->services->set_quantum(e->h, vcpu, after, why))
        emon_outcomes_lasting(e->outcomes, vcpu, number);
}

static void judge(emon_quantum *e, uint32_t vcpu)
{
    emon_vcpu *s = &e->vcpus[vcpu];
    emon_habit *b = &s->habit;
    sim_ps quantum = e->services->vcpu(e->h, vcpu)->quantum;
    uint64_t share = b->loss * 1000 / quantum, limit = e->p[P_PROFILE_LOSS].u;
    bool up = share >= limit, down = share <= limit / 4 && quantum > s->assigned;
    if (!up && !down)
        return;
    const vmm_smu_profile *p = e->services->vcpu_profile(e->h, vcpu);
    b->stays = 0;
    emon_profile_step(e, vcpu, up, &(vmm_decision){
        .reason = "profile-warm-up",
        .evidence = { "loss-ps", "loss-permille", "loss-permille-limit", "ipc-permille-mean" },
        .value = { (int64_t)b->loss, (int64_t)share, (int64_t)limit, p ? (int64_t)p->mean_ipc_permille : 0 },
    });
}

void emon_profile_stay_over(emon_quantum *e, uint32_t vcpu)
{
    emon_habit *b = &e->vcpus[vcpu].habit;
    if (b->samples >= LEAST_SAMPLES && b->first_insns && b->rest_insns) {
        uint64_t loss = loss_of(e, vcpu, b);
        b->loss = b->stays ? b->loss - b->loss / 8 + loss / 8 : loss;
        b->stays++;
        if (e->p[P_PROFILE].b && b->stays >= e->p[P_PROFILE_QUANTA].u)
            judge(e, vcpu);
    }
    b->samples = 0;
    b->first_insns = b->first_cycles = b->rest_insns = b->rest_cycles = 0;
}
