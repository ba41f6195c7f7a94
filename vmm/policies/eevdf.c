/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Earliest eligible virtual deadline first, as Linux schedules ordinary threads since 6.6, after kernel/sched/fair.c (names in brackets) and features.h
 * of Linux 6.12 to 6.15, and Stoica and Abdel-Wahab, "Earliest Eligible Virtual Deadline First", 1995.
 *
 * Each pCPU has a queue. A vCPU's virtual time goes on by what it runs over its weight; the queue's is the average of all in it, by weight. One that
 * has had less than its share (lag >= 0, its virtual time is not past the average) is eligible; of those the one with the earliest deadline runs: the
 * virtual time at which it will have had its slice. It goes on until its slice is used up or it has caught up with the average, but for one
 * with a shorter slice (RUN_TO_PARITY, PREEMPT_SHORT). Lag is kept over a sleep (PLACE_LAG). The end of a slice is noticed at the timer tick.
 *
 * Left out: delayed dequeueing (a vCPU that sleeps with negative lag keeps it, as in 6.6 to 6.11, where from 6.12 on it stays in the queue until it has
 * none), control groups, buddies, utilisation clamps. Balancing: fair-balance.h. */
#include "deadline-tree.h"
#include "fair-balance.h"
#include "policies.h"
#include "stint.h"

#include <glib.h>

enum { P_SLICE, P_SCALE, P_TICK, P_HRTICK, P_MIGRATION, N_PARAMS };

/* sysctl_sched_base_slice: 0.70 ms since 6.15, 0.75 ms before; SCHED_TUNABLESCALING_LOG; HZ=1000, as x86_64_defconfig has it; HRTICK false;
 * sysctl_sched_migration_cost. Bounds of slices are those of sched_attr::sched_runtime (syscalls.c). */
#define SLICE_MIN (100 * SIM_PS_PER_US)
#define SLICE_MAX (100 * SIM_PS_PER_MS)

static const vmm_param params[N_PARAMS] = {
    [P_SLICE] = { .name = "slice", .type = VMM_PARAM_TIME, .def.u = 700 * SIM_PS_PER_US, .min.u = SLICE_MIN, .max.u = SLICE_MAX,
                  .help = "base slice" },
    [P_SCALE] = { .name = "scale", .type = VMM_PARAM_BOOL, .def.b = true, .help = "the base slice counts 1 + floor(log2(min(pCPUs, 8))) times" },
    [P_TICK] = { .name = "tick", .type = VMM_PARAM_TIME, .def.u = SIM_PS_PER_MS, .min.u = 100 * SIM_PS_PER_US, .max.u = 100 * SIM_PS_PER_MS,
                 .help = "period of the timer tick, at which the end of a slice is noticed" },
    [P_HRTICK] = { .name = "hrtick", .type = VMM_PARAM_BOOL, .def.b = false, .help = "slices end to the instant, by a timer of their own" },
    [P_MIGRATION] = { .name = "migration-cost", .type = VMM_PARAM_TIME, .def.u = 500 * SIM_PS_PER_US, .min.u = 0, .max.u = SIM_PS_PER_S,
                      .help = "balancing leaves those that ran more recently where they are" },
};

enum { V_SLICE, N_VM_PARAMS };

static const vmm_param vm_params[N_VM_PARAMS] = {
    [V_SLICE] = { .name = "custom-slice", .type = VMM_PARAM_TIME, .def.u = 0, .min.u = 0, .max.u = SLICE_MAX,
                  .help = "slice of this VM, not scaled, 100us at least; 0: the policy's" },
};

/* Virtual time is that of a vCPU of this weight: the norm of this program, what nice 0 (1024) is in Linux. */
enum { NORM = 256 };

typedef struct {
    int64_t vruntime, deadline, lag;
    int64_t protected_until; /* virtual time; it goes on until then while it is eligible */
    uint32_t weight;
    sim_ps slice;
    bool fresh;              /* never ran */
} eevdf_vcpu;

typedef struct {
    uint32_t root;      /* of those that wait */
    uint32_t current;   /* runs, or was taken off just now; or VMM_VCPU_NONE */
    __int128 sum;       /* of weight x virtual time of those that wait */
    uint64_t weight;    /* of those that wait */
    int64_t last;       /* virtual time when the queue was last looked at with somebody in it */
} eevdf_queue;

typedef struct {
    vmm_host *h;
    const vmm_services *services;
    vmm_param_value p[N_PARAMS];
    sim_ps slice;
    stints clock;
    fair_balance balance;
    deadline_tree *tree;
    eevdf_vcpu *vcpus;
    eevdf_queue *queues; /* [pCPU] */
    uint32_t n_vcpus;
    uint32_t pending_on; /* pCPU whose `current` was taken off just now, or VMM_PCPU_NONE */
} eevdf;

static const vmm_vcpu_facts *facts(const eevdf *e, uint32_t vcpu)
{
    return e->services->vcpu(e->h, vcpu);
}

static bool check_vm(const vmm_param_value *v, char *message, size_t size)
{
    if (!v[V_SLICE].u || v[V_SLICE].u >= SLICE_MIN)
        return true;
    g_snprintf(message, size, "parameter 'custom-slice' has to be 0 or at least 100us");
    return false;
}

/* ---- virtual time ------------------------------------------------------------------------------------------------- */

static int64_t to_virtual(const eevdf_vcpu *v, sim_ps span)
{
    return (int64_t)((unsigned __int128)span * NORM / v->weight);
}

static sim_ps to_real(const eevdf_vcpu *v, int64_t span)
{
    return (sim_ps)((__int128)span * v->weight / NORM);
}

static uint64_t weight_of(const eevdf *e, const eevdf_queue *q)
{
    return q->weight + (q->current == VMM_VCPU_NONE ? 0 : e->vcpus[q->current].weight);
}

/* The queue's virtual time, rounded down: those whose own is not past it are eligible [avg_vruntime, entity_eligible]. */
static int64_t average(const eevdf *e, eevdf_queue *q)
{
    uint64_t weight = weight_of(e, q);
    __int128 sum = q->sum;
    if (!weight)
        return q->last;
    if (q->current != VMM_VCPU_NONE)
        sum += (__int128)e->vcpus[q->current].vruntime * e->vcpus[q->current].weight;
    __int128 floor = sum / (__int128)weight;
    q->last = (int64_t)(sum < 0 && floor * (__int128)weight != sum ? floor - 1 : floor);
    return q->last;
}

/* Charges the one that runs for what it ran [update_curr, update_deadline]; true: its slice is used up. */
static bool charge(eevdf *e, uint32_t pcpu, sim_ps now)
{
    eevdf_queue *q = &e->queues[pcpu];
    eevdf_vcpu *v = &e->vcpus[q->current];
    v->vruntime += to_virtual(v, stints_take(&e->clock, q->current, pcpu, now));
    if (v->vruntime < v->deadline)
        return false;
    v->deadline = v->vruntime + to_virtual(v, v->slice);
    return true;
}

/* What it is ahead of or behind the average, within two slices or a tick [update_entity_lag]. */
static void keep_lag(eevdf *e, uint32_t vcpu, eevdf_queue *q)
{
    eevdf_vcpu *v = &e->vcpus[vcpu];
    int64_t limit = to_virtual(v, MAX(2 * v->slice, e->p[P_TICK].u));
    v->lag = CLAMP(average(e, q) - v->vruntime, -limit, limit);
}

/* Virtual time and deadline of one that comes into the queue, such that its lag will be what it was [place_entity]. */
static void place(eevdf *e, uint32_t vcpu, eevdf_queue *q)
{
    eevdf_vcpu *v = &e->vcpus[vcpu];
    uint64_t weight = weight_of(e, q);
    int64_t lag = weight ? (int64_t)((__int128)v->lag * (__int128)(weight + v->weight) / (__int128)weight) : 0;
    v->vruntime = average(e, q) - lag;
    v->deadline = v->vruntime + to_virtual(v, v->slice) / (v->fresh ? 2 : 1);
    v->fresh = false;
}

/* ---- queues ------------------------------------------------------------------------------------------------------- */

static void enqueue(eevdf *e, uint32_t vcpu)
{
    eevdf_vcpu *v = &e->vcpus[vcpu];
    eevdf_queue *q = &e->queues[e->balance.where[vcpu]];
    deadline_tree_insert(e->tree, &q->root, vcpu, v->deadline, v->vruntime);
    q->sum += (__int128)v->vruntime * v->weight;
    q->weight += v->weight;
    fair_wait(&e->balance, vcpu);
}

static void dequeue(eevdf *e, uint32_t vcpu)
{
    eevdf_vcpu *v = &e->vcpus[vcpu];
    eevdf_queue *q = &e->queues[e->balance.where[vcpu]];
    deadline_tree_remove(e->tree, &q->root, vcpu);
    q->sum -= (__int128)v->vruntime * v->weight;
    q->weight -= v->weight;
    fair_run(&e->balance, vcpu);
}

static bool is_queued(const eevdf *e, uint32_t vcpu)
{
    uint32_t pcpu = e->balance.where[vcpu];
    return pcpu != VMM_PCPU_NONE && vmm_runqueue_contains(e->balance.waiting[pcpu], vcpu);
}

static void forget_current(eevdf *e, uint32_t pcpu)
{
    e->queues[pcpu].current = VMM_VCPU_NONE;
    if (e->pending_on == pcpu)
        e->pending_on = VMM_PCPU_NONE;
}

/* Out of whatever queue it is in, with its lag. */
static void leave(eevdf *e, uint32_t vcpu)
{
    uint32_t pcpu = e->balance.where[vcpu];
    if (pcpu == VMM_PCPU_NONE)
        return;
    keep_lag(e, vcpu, &e->queues[pcpu]);
    if (is_queued(e, vcpu))
        dequeue(e, vcpu);
    else
        forget_current(e, pcpu);
    fair_leave(&e->balance, vcpu);
}

static void arrive(eevdf *e, uint32_t vcpu, uint32_t pcpu)
{
    place(e, vcpu, &e->queues[pcpu]);
    fair_join(&e->balance, vcpu, pcpu);
    enqueue(e, vcpu);
}

/* Balancing: it keeps the distance to its deadline (PLACE_REL_DEADLINE). */
static void move(void *user, uint32_t vcpu, uint32_t to)
{
    eevdf *e = user;
    eevdf_vcpu *v = &e->vcpus[vcpu];
    int64_t distance = v->deadline - v->vruntime;
    leave(e, vcpu);
    place(e, vcpu, &e->queues[to]);
    v->deadline = v->vruntime + distance;
    fair_join(&e->balance, vcpu, to);
    enqueue(e, vcpu);
}

/* The vCPU runs on the pCPU: it is the queue's current one even if the VMM put it there. */
static void adopt(eevdf *e, uint32_t vcpu, uint32_t pcpu)
{
    if (e->queues[pcpu].current == vcpu)
        return;
    place(e, vcpu, &e->queues[pcpu]);
    fair_join(&e->balance, vcpu, pcpu);
    e->queues[pcpu].current = vcpu;
}

static void enqueue_pending(eevdf *e)
{
    uint32_t pcpu = e->pending_on;
    if (pcpu == VMM_PCPU_NONE)
        return;
    uint32_t vcpu = e->queues[pcpu].current;
    forget_current(e, pcpu);
    enqueue(e, vcpu);
}

/* ---- who runs [pick_eevdf] ---------------------------------------------------------------------------------------- */

/* The queue's next one: one that waits, or the current one. VMM_VCPU_NONE: it is empty. */
static uint32_t pick(eevdf *e, uint32_t pcpu)
{
    eevdf_queue *q = &e->queues[pcpu];
    int64_t limit = average(e, q);
    uint32_t first = deadline_tree_first(e->tree, q->root, limit), current = q->current;
    if (current == VMM_VCPU_NONE || e->vcpus[current].vruntime > limit)
        return first != VMM_VCPU_NONE ? first : current;
    if (first == VMM_VCPU_NONE || e->vcpus[current].vruntime < e->vcpus[current].protected_until)
        return current;
    return e->vcpus[current].deadline < e->vcpus[first].deadline ? current : first;
}

/* Whether the one that woke takes the pCPU at once [check_preempt_wakeup_fair]. */
static void check_preempt(eevdf *e, uint32_t vcpu, uint32_t pcpu)
{
    eevdf_queue *q = &e->queues[pcpu];
    if (q->current == VMM_VCPU_NONE || e->pending_on == pcpu)
        return;
    charge(e, pcpu, e->services->now(e->h, pcpu));
    const eevdf_vcpu *v = &e->vcpus[vcpu];
    eevdf_vcpu *c = &e->vcpus[q->current];
    if (v->slice < c->slice && v->vruntime <= average(e, q) && v->deadline < c->deadline)
        c->protected_until = INT64_MIN;
    if (pick(e, pcpu) == vcpu)
        e->services->resched(e->h, pcpu);
}

/* ---- hooks -------------------------------------------------------------------------------------------------------- */

static void *eevdf_init(vmm_host *h, const vmm_services *services, const vmm_param_value *values)
{
    eevdf *e = g_new0(eevdf, 1);
    e->h = h;
    e->services = services;
    memcpy(e->p, values, sizeof e->p);
    e->n_vcpus = services->n_vcpus(h);
    e->pending_on = VMM_PCPU_NONE;
    stints_init(&e->clock, h, services);
    fair_balance_init(&e->balance, h, services, values[P_MIGRATION].u, move, e);
    e->tree = deadline_tree_new(e->n_vcpus);
    uint32_t n_pcpus = e->balance.topology.n;
    e->slice = values[P_SLICE].u * (values[P_SCALE].b ? 1 + g_bit_storage(MIN(n_pcpus, 8)) - 1 : 1);
    e->vcpus = g_new0(eevdf_vcpu, e->n_vcpus);
    for (uint32_t i = 0; i < e->n_vcpus; i++) {
        sim_ps own = services->vm_param(h, i, V_SLICE).u;
        e->vcpus[i] = (eevdf_vcpu){ .weight = facts(e, i)->weight, .slice = own ? own : e->slice, .fresh = true };
    }
    e->queues = g_new0(eevdf_queue, n_pcpus);
    for (uint32_t p = 0; p < n_pcpus; p++) {
        e->queues[p] = (eevdf_queue){ .root = VMM_VCPU_NONE, .current = VMM_VCPU_NONE };
        services->set_tick(h, p, values[P_TICK].u);
    }
    return e;
}

static void eevdf_exit(void *self)
{
    eevdf *e = self;
    stints_clear(&e->clock);
    fair_balance_clear(&e->balance);
    deadline_tree_free(e->tree);
    g_free(e->vcpus);
    g_free(e->queues);
    g_free(e);
}

static void eevdf_remove(void *self, uint32_t vcpu)
{
    leave(self, vcpu);
}

static void eevdf_wake(void *self, uint32_t vcpu)
{
    eevdf *e = self;
    uint32_t pcpu = fair_select(&e->balance, vcpu);
    if (e->balance.where[vcpu] != VMM_PCPU_NONE)
        return;
    arrive(e, vcpu, pcpu);
    check_preempt(e, vcpu, pcpu);
}

static void eevdf_sleep(void *self, uint32_t vcpu)
{
    eevdf *e = self;
    const vmm_vcpu_facts *f = facts(e, vcpu);
    if (f->state == VMM_RUNNABLE) {
        leave(e, vcpu);
        stints_imposed(&e->clock, vcpu);
        enqueue_pending(e);
        return;
    }
    if (f->pcpu != VMM_PCPU_NONE && e->services->pcpu(e->h, f->pcpu)->vcpu == vcpu) {
        sim_ps now = e->services->now(e->h, f->pcpu);
        adopt(e, vcpu, f->pcpu);
        charge(e, f->pcpu, now);
        e->balance.last_ran[vcpu] = now;
    }
    leave(e, vcpu);
}

/* [yield_task_fair] */
static void eevdf_yield(void *self, uint32_t vcpu)
{
    eevdf *e = self;
    eevdf_vcpu *v = &e->vcpus[vcpu];
    v->deadline += to_virtual(v, v->slice);
    v->protected_until = INT64_MIN;
}

static void eevdf_context_saved(void *self, uint32_t pcpu, uint32_t vcpu, vmm_off_reason why)
{
    eevdf *e = self;
    if (why == VMM_OFF_REFUSED) {
        leave(e, vcpu);
        arrive(e, vcpu, pcpu);
        return;
    }
    adopt(e, vcpu, pcpu);
    sim_ps now = e->services->now(e->h, pcpu);
    charge(e, pcpu, now);
    e->balance.last_ran[vcpu] = now;
    e->pending_on = pcpu;
}

static uint32_t eevdf_pick_pcpu(void *self, uint32_t vcpu)
{
    const eevdf *e = self;
    uint32_t pcpu = e->balance.where[vcpu];
    return pcpu != VMM_PCPU_NONE ? pcpu : fair_select(&e->balance, vcpu);
}

static sim_ps quantum_of(const eevdf *e, uint32_t vcpu)
{
    const eevdf_vcpu *v = &e->vcpus[vcpu];
    return e->p[P_HRTICK].b ? CLAMP(to_real(v, v->deadline - v->vruntime), VMM_QUANTUM_MIN, VMM_QUANTUM_MAX) : VMM_QUANTUM_MAX;
}

static vmm_choice eevdf_schedule(void *self, uint32_t pcpu, sim_ps now)
{
    eevdf *e = self;
    eevdf_queue *q = &e->queues[pcpu];
    if (q->current == VMM_VCPU_NONE && q->root == VMM_VCPU_NONE)
        fair_pull_idle(&e->balance, pcpu);
    uint32_t current = q->current, next = pick(e, pcpu);
    if (next != current) {
        enqueue_pending(e);
        dequeue(e, next);
        q->current = next;
        e->vcpus[next].protected_until = e->vcpus[next].deadline;
    }
    e->pending_on = VMM_PCPU_NONE;
    if (next == VMM_VCPU_NONE)
        return (vmm_choice){ .vcpu = VMM_VCPU_NONE };
    stints_begin(&e->clock, next, now, next == current);
    return (vmm_choice){ .vcpu = next, .quantum = quantum_of(e, next), .reason = "deadline" };
}

/* [task_tick_fair] */
static vmm_verdict eevdf_tick(void *self, uint32_t pcpu, uint32_t vcpu, sim_ps now)
{
    eevdf *e = self;
    eevdf_queue *q = &e->queues[pcpu];
    adopt(e, vcpu, pcpu);
    eevdf_vcpu *v = &e->vcpus[vcpu];
    bool over = charge(e, pcpu, now);
    bool cancelled = v->protected_until == INT64_MIN && v->vruntime > average(e, q);
    if (q->root != VMM_VCPU_NONE && (over || cancelled))
        e->services->resched(e->h, pcpu);
    fair_tick(&e->balance, pcpu, now);
    return (vmm_verdict){ .kind = VMM_KEEP };
}

static void eevdf_dump(void *self, void (*line)(void *user, const char *text), void *user)
{
    eevdf *e = self;
    for (uint32_t i = 0; i < e->n_vcpus; i++) {
        const eevdf_vcpu *v = &e->vcpus[i];
        uint32_t pcpu = e->balance.where[i];
        int64_t lag = pcpu == VMM_PCPU_NONE ? v->lag : average(e, &e->queues[pcpu]) - v->vruntime;
        g_autofree char *text = g_strdup_printf("vCPU %u: lag %" G_GINT64_FORMAT " us, deadline in %" G_GINT64_FORMAT " us%s", i,
                                                lag / (int64_t)SIM_PS_PER_US, (v->deadline - v->vruntime) / (int64_t)SIM_PS_PER_US,
                                                pcpu == VMM_PCPU_NONE ? ", not queued" : "");
        line(user, text);
    }
}

const struct vmm_policy_ops vmm_policy_eevdf = {
    .abi_version = VMM_POLICY_ABI,
    .struct_size = sizeof(struct vmm_policy_ops),
    .name = "eevdf",
    .summary = "Linux since 6.6: earliest eligible virtual deadline first, a queue per pCPU with balancing",
    .params = params,
    .n_params = N_PARAMS,
    .vm_params = vm_params,
    .n_vm_params = N_VM_PARAMS,
    .check_vm = check_vm,
    .init = eevdf_init,
    .exit = eevdf_exit,
    .vcpu_remove = eevdf_remove,
    .wake = eevdf_wake,
    .sleep = eevdf_sleep,
    .yield = eevdf_yield,
    .context_saved = eevdf_context_saved,
    .pick_pcpu = eevdf_pick_pcpu,
    .schedule = eevdf_schedule,
    .tick = eevdf_tick,
    .dump = eevdf_dump,
};
