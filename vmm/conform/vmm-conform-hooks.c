/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Hooks around those of a policy, which note which one is being called. */
#include "vmm-conform-private.h"

#include <string.h>

static struct vmm_policy_ops real, wrapped;
static conform_trail *trail;

static const char *enter(const char *hook)
{
    const char *outer = trail->hook;
    trail->hook = hook;
    return outer;
}

#define CALL(which, ...)                \
    const char *outer = enter(#which);  \
    real.which(__VA_ARGS__);            \
    trail->hook = outer

#define RETURN(type, which, ...)              \
    const char *outer = enter(#which);        \
    type answer = real.which(__VA_ARGS__);    \
    trail->hook = outer;                      \
    return answer

static void *w_init(vmm_host *h, const vmm_services *services, const vmm_param_value *values) { RETURN(void *, init, h, services, values); }
static void w_exit(void *self) { CALL(exit, self); }
static void w_insert(void *self, uint32_t vcpu) { CALL(vcpu_insert, self, vcpu); }
static void w_remove(void *self, uint32_t vcpu) { CALL(vcpu_remove, self, vcpu); }
static void w_wake(void *self, uint32_t vcpu) { CALL(wake, self, vcpu); }
static void w_sleep(void *self, uint32_t vcpu) { CALL(sleep, self, vcpu); }
static void w_yield(void *self, uint32_t vcpu) { CALL(yield, self, vcpu); }
static void w_saved(void *self, uint32_t pcpu, uint32_t vcpu, vmm_off_reason why) { CALL(context_saved, self, pcpu, vcpu, why); }
static void w_migrate(void *self, uint32_t vcpu, uint32_t from, uint32_t to) { CALL(migrate, self, vcpu, from, to); }
static uint32_t w_pick(void *self, uint32_t vcpu) { RETURN(uint32_t, pick_pcpu, self, vcpu); }
static vmm_verdict w_tick(void *self, uint32_t pcpu, uint32_t vcpu, sim_ps now) { RETURN(vmm_verdict, tick, self, pcpu, vcpu, now); }
static vmm_verdict w_expiring(void *self, uint32_t pcpu, uint32_t vcpu, sim_ps now) { RETURN(vmm_verdict, quantum_expiring, self, pcpu, vcpu, now); }
static void w_task(void *self, uint32_t vcpu, uint32_t kind, sim_ps span) { CALL(task_ended, self, vcpu, kind, span); }
static void w_timer(void *self, uint32_t pcpu, sim_ps now) { CALL(timer, self, pcpu, now); }
static void w_finish(void *self) { CALL(finish, self); }

static vmm_choice w_schedule(void *self, uint32_t pcpu, sim_ps now)
{
    trail->decisions++;
    trail->at = now;
    RETURN(vmm_choice, schedule, self, pcpu, now);
}

static vmm_verdict w_overflow(void *self, uint32_t pcpu, uint32_t vcpu, uint32_t counter, sim_ps now)
{
    RETURN(vmm_verdict, pmu_overflow, self, pcpu, vcpu, counter, now);
}

static vmm_verdict w_evaluate(void *self, uint32_t pcpu, uint32_t vcpu, const vmm_smu_sample *sample, sim_ps now)
{
    RETURN(vmm_verdict, evaluate, self, pcpu, vcpu, sample, now);
}

#define WRAP(which, by)   \
    if (real.which)       \
        wrapped.which = by

const struct vmm_policy_ops *conform_wrap(const struct vmm_policy_ops *policy, conform_trail *t)
{
    memset(&real, 0, sizeof real);
    memcpy(&real, policy, MIN(policy->struct_size, sizeof real));
    real.struct_size = sizeof real;
    wrapped = real;
    trail = t;
    WRAP(init, w_init);
    WRAP(exit, w_exit);
    WRAP(vcpu_insert, w_insert);
    WRAP(vcpu_remove, w_remove);
    WRAP(wake, w_wake);
    WRAP(sleep, w_sleep);
    WRAP(yield, w_yield);
    WRAP(context_saved, w_saved);
    WRAP(migrate, w_migrate);
    WRAP(pick_pcpu, w_pick);
    WRAP(schedule, w_schedule);
    WRAP(tick, w_tick);
    WRAP(quantum_expiring, w_expiring);
    WRAP(pmu_overflow, w_overflow);
    WRAP(evaluate, w_evaluate);
    WRAP(task_ended, w_task);
    WRAP(timer, w_timer);
    WRAP(finish, w_finish);
    return &wrapped;
}
