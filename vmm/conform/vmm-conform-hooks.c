/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Hooks around those of a policy, which note which one is being called, and ask again where it lets a pCPU idle. */
#include "vmm-conform-private.h"

#include <string.h>

/* More hooks than any schedule of the suite has at one instant, by far. */
enum { MOST_AT_ONCE = 2000000 };

static struct vmm_policy_ops real, wrapped;
static conform_trail *trail;
static vmm_host *host;
static const vmm_services *serve;
static uint64_t at_once; /* hooks called at the instant `present` */
static sim_ps present;

static const char *enter(const char *hook)
{
    const char *outer = trail->hook;
    sim_ps now = serve ? serve->present(host) : 0;
    trail->hook = hook;
    trail->calls++;
    at_once = now == present ? at_once + 1 : 0;
    present = now;
    if (at_once > MOST_AT_ONCE)
        conform_broke("ends", now, VMM_PCPU_NONE, VMM_VCPU_NONE, "%d hooks were called at one instant, the last one is '%s': the policy makes time stand still",
                      MOST_AT_ONCE, hook);
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

static bool w_check(const vmm_param_value *values, char *message, size_t size) { RETURN(bool, check, values, message, size); }
static bool w_check_vm(const vmm_param_value *values, char *message, size_t size) { RETURN(bool, check_vm, values, message, size); }
static void w_exit(void *self) { CALL(exit, self); serve = NULL; }
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
static void w_dump(void *self, void (*line)(void *user, const char *text), void *user) { CALL(dump, self, line, user); }
static void w_task(void *self, uint32_t vcpu, uint32_t kind, sim_ps span) { CALL(task_ended, self, vcpu, kind, span); }
static void w_timer(void *self, uint32_t pcpu, sim_ps now) { CALL(timer, self, pcpu, now); }
static void w_finish(void *self) { CALL(finish, self); }

static void *w_init(vmm_host *h, const vmm_services *services, const vmm_param_value *values)
{
    host = h;
    serve = services;
    RETURN(void *, init, h, services, values);
}

/* The vCPU that has been runnable longest of those that may run on the pCPU, or NULL. */
static const vmm_vcpu_facts *who_waits(uint32_t pcpu)
{
    const vmm_vcpu_facts *oldest = NULL;
    for (uint32_t i = 0; i < serve->n_vcpus(host); i++) {
        const vmm_vcpu_facts *f = serve->vcpu(host, i);
        if (f->state == VMM_RUNNABLE && vmm_mask_has(f->affinity, pcpu) && (!oldest || f->since < oldest->since))
            oldest = f;
    }
    return oldest;
}

/* Whether the policy still knows the vCPU: asks on every pCPU that it may use, as often as there are vCPUs. The policy's state is of no use afterwards. */
static bool still_knows(void *self, const vmm_vcpu_facts *f, sim_ps now)
{
    uint32_t n = serve->n_vcpus(host);
    for (uint32_t pcpu = 0; pcpu < serve->n_pcpus(host); pcpu++)
        for (uint32_t i = 0; i <= n && vmm_mask_has(f->affinity, pcpu); i++)
            if (real.schedule(self, pcpu, now).vcpu == f->id)
                return true;
    return false;
}

#define IDLES "schedule let pCPU %u idle at %.6f ms though vCPU %u, which may run there, has been runnable since %.6f ms; "

G_NORETURN static void idles(void *self, uint32_t pcpu, const vmm_vcpu_facts *f, sim_ps now)
{
    double at = (double)now / (double)SIM_PS_PER_MS, since = (double)f->since / (double)SIM_PS_PER_MS;
    trail->pcpu = pcpu;
    trail->vcpu = f->id;
    trail->suspected = "work-conserving";
    if (still_knows(self, f, now))
        conform_broke("work-conserving", now, pcpu, f->id, IDLES "asked again, it chose it", pcpu, at, f->id, since);
    conform_broke("none-lost", now, pcpu, f->id, IDLES "asked again, on every pCPU, it did not choose it", pcpu, at, f->id, since);
}

static vmm_choice w_schedule(void *self, uint32_t pcpu, sim_ps now)
{
    const char *outer = enter("schedule");
    trail->decisions++;
    trail->at = now;
    vmm_choice answer = real.schedule(self, pcpu, now);
    const vmm_vcpu_facts *waits = answer.vcpu != VMM_VCPU_NONE || real.flags & VMM_POLICY_MAY_IDLE ? NULL : who_waits(pcpu);
    if (waits)
        idles(self, pcpu, waits, now);
    trail->hook = outer;
    return answer;
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
    WRAP(check, w_check);
    WRAP(check_vm, w_check_vm);
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
    WRAP(dump, w_dump);
    WRAP(evaluate, w_evaluate);
    WRAP(task_ended, w_task);
    WRAP(timer, w_timer);
    WRAP(finish, w_finish);
    return &wrapped;
}
