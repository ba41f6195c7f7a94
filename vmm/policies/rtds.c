/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Xen's real-time scheduler: global earliest deadline first, vCPUs as deferrable servers, after xen/common/sched/rt.c of Xen 4.23-unstable (commit
 * c447b730); names in brackets are its functions.
 *
 * A vCPU has a budget in each period. It keeps what it does not use until the end of the period, which is its deadline, and loses it then. Among those
 * with budget the earliest deadlines run, on whichever pCPUs they may. One that has used its budget up waits for its next period; if it has the
 * extratime flag, it gets another budget at once, at a lower priority level, and so takes what time nobody has reserved. */
#include "pcpu-mask.h"
#include "policies.h"
#include "stint.h"
#include "vmm-runqueue.h"

#include <glib.h>

enum { P_PERIOD, P_BUDGET, P_EXTRATIME, N_PARAMS };

/* RTDS_DEFAULT_PERIOD, RTDS_DEFAULT_BUDGET, RTDS_MIN_PERIOD, RTDS_MIN_BUDGET; extratime is set where a vCPU is made [rt_alloc_udata]. The upper bounds are
 * this program's: of a quantum, and ten times that. */
static const vmm_param params[N_PARAMS] = {
    [P_PERIOD] = { .name = "period", .type = VMM_PARAM_TIME, .def.u = 10 * SIM_PS_PER_MS, .min.u = 10 * SIM_PS_PER_US, .max.u = 10 * SIM_PS_PER_S,
                   .help = "a budget is given in each period, at whose end the deadline is" },
    [P_BUDGET] = { .name = "budget", .type = VMM_PARAM_TIME, .def.u = 4 * SIM_PS_PER_MS, .min.u = 10 * SIM_PS_PER_US, .max.u = SIM_PS_PER_S,
                   .help = "time on a pCPU that is guaranteed in each period" },
    [P_EXTRATIME] = { .name = "extratime", .type = VMM_PARAM_BOOL, .def.b = true, .help = "may run beyond its budget in time that is left over" },
};

/* Less than this is not worth a dispatch: the shortest quantum. */
#define LEAST VMM_QUANTUM_MIN

enum { LEVEL_SHIFT = 43, MAX_LEVEL = (1 << 20) - 1 };

typedef struct {
    sim_ps period, budget, deadline, left;
    uint32_t level;
    bool extratime, depleted;
} rtds_vcpu;

typedef struct {
    vmm_host *h;
    const vmm_services *services;
    stints clock;
    rtds_vcpu *vcpus;
    vmm_runqueue *queue;     /* with budget; key: level, deadline */
    vmm_runqueue *refills;   /* runnable or running; key: deadline */
    pcpu_mask tickled;       /* asked to decide anew */
    uint32_t *due;           /* [vCPU]: scratch */
    uint32_t n_pcpus, n_vcpus;
    uint32_t pending;        /* vCPU that was taken off just now and is in no queue, or VMM_VCPU_NONE */
    uint32_t at, next;       /* pCPU in `schedule`, and whom it is about to run; or VMM_PCPU_NONE */
} rtds;

static const vmm_vcpu_facts *facts(const rtds *r, uint32_t vcpu)
{
    return r->services->vcpu(r->h, vcpu);
}

static bool fits(const vmm_param_value *v, char *message, size_t size)
{
    if (v[P_BUDGET].u <= v[P_PERIOD].u)
        return true;
    g_snprintf(message, size, "parameter 'budget' has to be at most 'period'");
    return false;
}

static void *rtds_init(vmm_host *h, const vmm_services *services, G_GNUC_UNUSED const vmm_param_value *values)
{
    rtds *r = g_new0(rtds, 1);
    r->h = h;
    r->services = services;
    r->n_vcpus = services->n_vcpus(h);
    r->n_pcpus = services->n_pcpus(h);
    stints_init(&r->clock, h, services);
    r->vcpus = g_new0(rtds_vcpu, r->n_vcpus);
    r->due = g_new(uint32_t, r->n_vcpus);
    r->queue = vmm_runqueue_new(r->n_vcpus, r->n_pcpus);
    r->refills = vmm_runqueue_new(r->n_vcpus, r->n_pcpus);
    r->pending = VMM_VCPU_NONE;
    r->at = VMM_PCPU_NONE;
    const uint64_t anywhere[VMM_MASK_WORDS] = { 1 };
    for (uint32_t i = 0; i < r->n_vcpus; i++) {
        vmm_runqueue_admit(r->queue, i, facts(r, i)->affinity);
        vmm_runqueue_admit(r->refills, i, anywhere);
        r->vcpus[i] = (rtds_vcpu){ .period = services->vm_param(h, i, P_PERIOD).u, .budget = services->vm_param(h, i, P_BUDGET).u,
                                   .extratime = services->vm_param(h, i, P_EXTRATIME).b };
    }
    return r;
}

static void rtds_exit(void *self)
{
    rtds *r = self;
    stints_clear(&r->clock);
    vmm_runqueue_free(r->queue);
    vmm_runqueue_free(r->refills);
    g_free(r->vcpus);
    g_free(r->due);
    g_free(r);
}

/* ---- budgets ------------------------------------------------------------------------------------------------------ */

/* Smaller is more urgent: the level, then the deadline in nanoseconds (2.4 hours of them). */
static int64_t urgency(const rtds *r, uint32_t vcpu)
{
    const rtds_vcpu *v = &r->vcpus[vcpu];
    uint64_t ns = MIN(v->deadline / SIM_PS_PER_NS, (UINT64_C(1) << LEVEL_SHIFT) - 1);
    return (int64_t)((uint64_t)v->level << LEVEL_SHIFT | ns);
}

/* A new period has begun, or several have [rt_update_deadline]. */
static void renew(rtds *r, uint32_t vcpu, sim_ps now)
{
    rtds_vcpu *v = &r->vcpus[vcpu];
    v->deadline += ((now - v->deadline) / v->period + 1) * v->period;
    v->left = v->budget;
    v->level = 0;
    v->depleted = false;
}

static void burn(rtds *r, uint32_t vcpu, uint32_t pcpu, sim_ps now)
{
    rtds_vcpu *v = &r->vcpus[vcpu];
    sim_ps ran = stints_take(&r->clock, vcpu, pcpu, now);
    v->left -= MIN(ran, v->left);
    if (v->left >= LEAST)
        return;
    v->depleted = !v->extratime;
    v->left = v->extratime ? v->budget : 0;
    v->level = MIN(v->level + v->extratime, MAX_LEVEL);
}

static void set_timer(rtds *r)
{
    uint32_t first = vmm_runqueue_head(r->refills);
    r->services->set_timer(r->h, 0, first == VMM_VCPU_NONE ? SIM_PS_NEVER : r->vcpus[first].deadline);
}

static void await_refill(rtds *r, uint32_t vcpu)
{
    vmm_runqueue_insert(r->refills, vcpu, (int64_t)MIN(r->vcpus[vcpu].deadline, (sim_ps)INT64_MAX));
}

/* ---- who is to run where [runq_tickle] ------------------------------------------------------------------------------ */

static uint32_t occupant(const rtds *r, uint32_t pcpu)
{
    return pcpu == r->at ? r->next : r->services->pcpu(r->h, pcpu)->vcpu;
}

static void wake_pcpu(rtds *r, uint32_t pcpu)
{
    pcpu_mask_add(&r->tickled, pcpu);
    r->services->resched(r->h, pcpu);
}

/* An idle pCPU, its last one first, or else that of the least urgent vCPU, if that is less urgent than this one. */
static void tickle(rtds *r, uint32_t vcpu)
{
    pcpu_mask may = pcpu_mask_of(facts(r, vcpu)->affinity), left = pcpu_mask_without(&may, &r->tickled);
    uint32_t last = facts(r, vcpu)->pcpu, victim = VMM_PCPU_NONE;
    int64_t least = urgency(r, vcpu);
    uint32_t p = pcpu_mask_test_or_cycle(&left, last == VMM_PCPU_NONE ? r->n_pcpus - 1 : last);
    for (; p != VMM_PCPU_NONE; p = pcpu_mask_cycle(&left, p)) {
        uint32_t who = occupant(r, p);
        if (who == VMM_VCPU_NONE) {
            wake_pcpu(r, p);
            return;
        }
        if (urgency(r, who) > least) {
            least = urgency(r, who);
            victim = p;
        }
        pcpu_mask_drop(&left, p);
    }
    if (victim != VMM_PCPU_NONE)
        wake_pcpu(r, victim);
}

/* A vCPU that can run comes into the queue, unless it has no budget. */
static void enqueue(rtds *r, uint32_t vcpu)
{
    if (r->vcpus[vcpu].depleted)
        return;
    vmm_runqueue_insert(r->queue, vcpu, urgency(r, vcpu));
    tickle(r, vcpu);
}

static void drop(rtds *r, uint32_t vcpu)
{
    vmm_runqueue_remove(r->queue, vcpu);
    if (r->pending == vcpu)
        r->pending = VMM_VCPU_NONE;
}

static void enqueue_pending(rtds *r)
{
    uint32_t vcpu = r->pending;
    r->pending = VMM_VCPU_NONE;
    if (vcpu != VMM_VCPU_NONE)
        enqueue(r, vcpu);
}

/* ---- hooks -------------------------------------------------------------------------------------------------------- */

/* Deadlines have come: who runs may have become less urgent than who waits, and who was depleted may run [repl_timer_handler]. */
static void refill(rtds *r, uint32_t vcpu, sim_ps now)
{
    const vmm_vcpu_facts *f = facts(r, vcpu);
    bool running = f->state == VMM_RUNNING, depleted = r->vcpus[vcpu].depleted, queued = vmm_runqueue_contains(r->queue, vcpu);
    if (running)
        burn(r, vcpu, f->pcpu, MAX(now, r->services->now(r->h, f->pcpu)));
    renew(r, vcpu, now);
    await_refill(r, vcpu);
    if (queued)
        vmm_runqueue_insert(r->queue, vcpu, urgency(r, vcpu));
    else if (depleted && !running)
        enqueue(r, vcpu);
    uint32_t first = running ? vmm_runqueue_first(r->queue, f->pcpu) : VMM_VCPU_NONE;
    if (first != VMM_VCPU_NONE && urgency(r, first) < urgency(r, vcpu))
        tickle(r, first);
}

/* It has not run since its budget was renewed. */
static bool untouched(const rtds *r, uint32_t vcpu)
{
    const rtds_vcpu *v = &r->vcpus[vcpu];
    return v->left == v->budget && !v->level && facts(r, vcpu)->state != VMM_RUNNING;
}

/* Those that got nothing in the period that ends are refilled, and so queued, before the others: equal deadlines take turns where there is too little
 * time for all of them. */
static void rtds_timer(void *self, G_GNUC_UNUSED uint32_t pcpu, G_GNUC_UNUSED sim_ps now)
{
    rtds *r = self;
    uint32_t first, n = 0, late = 0;
    sim_ps present = r->services->present(r->h);
    while ((first = vmm_runqueue_head(r->refills)) != VMM_VCPU_NONE && r->vcpus[first].deadline <= present) {
        vmm_runqueue_remove(r->refills, first);
        r->due[n++] = first;
    }
    for (uint32_t i = 0; i < n; i++) {
        if (untouched(r, r->due[i]))
            refill(r, r->due[i], present);
        else
            r->due[late++] = r->due[i];
    }
    for (uint32_t i = 0; i < late; i++)
        refill(r, r->due[i], present);
    set_timer(r);
}

static void rtds_remove(void *self, uint32_t vcpu)
{
    rtds *r = self;
    drop(r, vcpu);
    vmm_runqueue_remove(r->refills, vcpu);
    set_timer(r);
}

static void rtds_wake(void *self, uint32_t vcpu)
{
    rtds *r = self;
    sim_ps now = r->services->present(r->h);
    if (now >= r->vcpus[vcpu].deadline)
        renew(r, vcpu, now);
    await_refill(r, vcpu);
    set_timer(r);
    enqueue(r, vcpu);
}

static void rtds_sleep(void *self, uint32_t vcpu)
{
    rtds *r = self;
    const vmm_vcpu_facts *f = facts(r, vcpu);
    drop(r, vcpu);
    if (f->state == VMM_RUNNABLE) {
        stints_imposed(&r->clock, vcpu);
        enqueue_pending(r);
        return;
    }
    if (f->pcpu != VMM_PCPU_NONE && r->services->pcpu(r->h, f->pcpu)->vcpu == vcpu)
        burn(r, vcpu, f->pcpu, r->services->now(r->h, f->pcpu));
    vmm_runqueue_remove(r->refills, vcpu);
    set_timer(r);
}

static void rtds_context_saved(void *self, uint32_t pcpu, uint32_t vcpu, vmm_off_reason why)
{
    rtds *r = self;
    if (why == VMM_OFF_REFUSED) {
        enqueue(r, vcpu);
        return;
    }
    burn(r, vcpu, pcpu, r->services->now(r->h, pcpu));
    r->pending = vcpu;
}

/* The tickled pCPU, if one was, is awake already. */
static uint32_t rtds_pick_pcpu(void *self, uint32_t vcpu)
{
    const rtds *r = self;
    uint32_t last = facts(r, vcpu)->pcpu;
    const pcpu_mask may = pcpu_mask_of(facts(r, vcpu)->affinity);
    return last != VMM_PCPU_NONE ? last : pcpu_mask_from(&may, 0);
}

static vmm_choice rtds_schedule(void *self, uint32_t pcpu, sim_ps now)
{
    rtds *r = self;
    uint32_t current = r->pending, next = vmm_runqueue_first(r->queue, pcpu);
    pcpu_mask_drop(&r->tickled, pcpu);
    if (current != VMM_VCPU_NONE && !r->vcpus[current].depleted && (next == VMM_VCPU_NONE || urgency(r, current) < urgency(r, next)))
        next = current;
    if (next != VMM_VCPU_NONE)
        drop(r, next);
    r->at = pcpu;
    r->next = next;
    enqueue_pending(r);
    r->at = VMM_PCPU_NONE;
    if (next == VMM_VCPU_NONE)
        return (vmm_choice){ .vcpu = VMM_VCPU_NONE };
    stints_begin(&r->clock, next, now, next == current);
    return (vmm_choice){ .vcpu = next, .quantum = CLAMP(r->vcpus[next].left, LEAST, VMM_QUANTUM_MAX),
                         .reason = r->vcpus[next].level ? "extra time" : "deadline" };
}

static void rtds_dump(void *self, void (*line)(void *user, const char *text), void *user)
{
    const rtds *r = self;
    for (uint32_t i = 0; i < r->n_vcpus; i++) {
        const rtds_vcpu *v = &r->vcpus[i];
        g_autofree char *text = g_strdup_printf("vCPU %u: %" G_GUINT64_FORMAT " of %" G_GUINT64_FORMAT " us left, deadline %" G_GUINT64_FORMAT
                                                " us, level %u%s", i, v->left / SIM_PS_PER_US, v->budget / SIM_PS_PER_US,
                                                v->deadline / SIM_PS_PER_US, v->level, v->depleted ? ", depleted" : "");
        line(user, text);
    }
}

const struct vmm_policy_ops vmm_policy_rtds = {
    .abi_version = VMM_POLICY_ABI,
    .struct_size = sizeof(struct vmm_policy_ops),
    .name = "rtds",
    .summary = "Xen's real-time scheduler: a budget in each period, earliest deadline first over all pCPUs",
    .params = params,
    .n_params = N_PARAMS,
    .vm_params = params,
    .n_vm_params = N_PARAMS,
    .flags = VMM_POLICY_MAY_IDLE,
    .check = fits,
    .check_vm = fits,
    .init = rtds_init,
    .exit = rtds_exit,
    .vcpu_remove = rtds_remove,
    .wake = rtds_wake,
    .sleep = rtds_sleep,
    .context_saved = rtds_context_saved,
    .pick_pcpu = rtds_pick_pcpu,
    .schedule = rtds_schedule,
    .timer = rtds_timer,
    .dump = rtds_dump,
};
