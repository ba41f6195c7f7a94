/* SPDX-License-Identifier: GPL-2.0-or-later */
/* VMs as ordinary threads of a general operating system that knows nothing of processor state: the reference for a hosted VMM. The scheduler is Linux's
 * completely fair one, after kernel/sched/fair.c of Linux 5.15 (names in brackets), with its timer ticks, which take every running vCPU out of its guest.
 *
 * Each CPU has a queue; the thread with the least virtual time (time run over weight) runs, for its share by weight of a period in which each is to
 * run once. One that wakes is placed at most half a latency behind the queue's least virtual time, and takes the CPU from one that is ahead of it by more than
 * the wake-up granularity. Ends of slices are noticed at a tick. A nice level is a factor of 1.25 in weight: nice -5 is 256 x 1.25^5 = 781.
 *
 * Left out: control groups, buddies, utilisation clamps, kernel threads. Balancing: fair-balance.h. */
#include "fair-balance.h"
#include "policies.h"
#include "stint.h"

#include <glib.h>

enum { P_LATENCY, P_GRANULARITY, P_WAKEUP, P_SCALE, P_TICK, P_MIGRATION, N_PARAMS };

#define SPAN(n, d, h) { .name = n, .type = VMM_PARAM_TIME, .def.u = (d), .min.u = 100 * SIM_PS_PER_US, .max.u = SIM_PS_PER_S, .help = h }

/* sysctl_sched_latency, sysctl_sched_min_granularity, sysctl_sched_wakeup_granularity, SCHED_TUNABLESCALING_LOG, sysctl_sched_migration_cost;
 * HZ=250, as distributions have it (Debian's config/amd64 and Ubuntu's generic kernels of that time). */
static const vmm_param params[N_PARAMS] = {
    [P_LATENCY] = SPAN("latency", 6 * SIM_PS_PER_MS, "period in which each thread of a queue is to run once"),
    [P_GRANULARITY] = SPAN("min-granularity", 750 * SIM_PS_PER_US, "shortest share of it; the period grows where there are more threads"),
    [P_WAKEUP] = { .name = "wakeup-granularity", .type = VMM_PARAM_TIME, .def.u = SIM_PS_PER_MS, .min.u = 0, .max.u = SIM_PS_PER_S,
                   .help = "how far ahead a thread has to be for one that wakes to preempt it" },
    [P_SCALE] = { .name = "scale", .type = VMM_PARAM_BOOL, .def.b = true, .help = "these three count 1 + floor(log2(min(CPUs, 8))) times" },
    [P_TICK] = SPAN("tick", 4 * SIM_PS_PER_MS, "period of the timer tick"),
    [P_MIGRATION] = { .name = "migration-cost", .type = VMM_PARAM_TIME, .def.u = 500 * SIM_PS_PER_US, .min.u = 0, .max.u = SIM_PS_PER_S,
                      .help = "balancing leaves those that ran more recently where they are" },
};

/* Virtual time is that of a thread of this weight, nice 0. */
enum { NORM = 256 };

typedef struct {
    int64_t vruntime; /* on the time line of the queue of `home` */
    uint32_t home;
    uint32_t weight;
    bool fresh;       /* never ran */
} thread;

typedef struct {
    vmm_runqueue *order; /* those that wait, by virtual time */
    uint32_t current;    /* runs, or was taken off just now; or VMM_VCPU_NONE */
    int64_t least;       /* virtual time; never goes back [min_vruntime] */
    sim_ps picked;       /* when `current` was */
} cpu_queue;

typedef struct {
    vmm_host *h;
    const vmm_services *services;
    sim_ps latency, granularity, wakeup, tick;
    stints clock;
    fair_balance balance;
    thread *threads;
    cpu_queue *queues;   /* [pCPU] */
    uint32_t n_vcpus;
    uint32_t pending_on; /* pCPU whose `current` was taken off just now, or VMM_PCPU_NONE */
} host_os;

static const vmm_vcpu_facts *facts(const host_os *o, uint32_t vcpu)
{
    return o->services->vcpu(o->h, vcpu);
}

/* ---- virtual time ------------------------------------------------------------------------------------------------- */

static int64_t to_virtual(const thread *t, sim_ps span)
{
    return (int64_t)((unsigned __int128)span * NORM / t->weight);
}

static uint32_t first_of(const cpu_queue *q, uint32_t pcpu)
{
    return vmm_runqueue_first(q->order, pcpu);
}

/* [update_min_vruntime] */
static void update_least(host_os *o, uint32_t pcpu)
{
    cpu_queue *q = &o->queues[pcpu];
    uint32_t first = first_of(q, pcpu), current = q->current;
    if (first == VMM_VCPU_NONE && current == VMM_VCPU_NONE)
        return;
    int64_t v = first == VMM_VCPU_NONE ? o->threads[current].vruntime : o->threads[first].vruntime;
    if (current != VMM_VCPU_NONE)
        v = MIN(v, o->threads[current].vruntime);
    q->least = MAX(q->least, v);
}

static void charge(host_os *o, uint32_t pcpu, sim_ps now)
{
    thread *t = &o->threads[o->queues[pcpu].current];
    t->vruntime += to_virtual(t, stints_take(&o->clock, o->queues[pcpu].current, pcpu, now));
    update_least(o, pcpu);
}

/* The thread's share of a period [sched_slice]. */
static sim_ps slice(const host_os *o, uint32_t vcpu, uint32_t pcpu)
{
    uint32_t n = o->balance.count[pcpu] + (o->balance.where[vcpu] != pcpu);
    uint64_t load = o->balance.load[pcpu] + (o->balance.where[vcpu] != pcpu ? o->threads[vcpu].weight : 0);
    uint64_t most = (o->latency + o->granularity - 1) / o->granularity;
    sim_ps period = n > most ? n * o->granularity : o->latency;
    sim_ps share = (sim_ps)((unsigned __int128)period * o->threads[vcpu].weight / load);
    return MAX(share, o->granularity);
}

/* Virtual time of one that comes into the queue [place_entity]: one that slept is not put back by more than half a latency (GENTLE_FAIR_SLEEPERS), a new
 * one starts with its first share as debt (START_DEBIT). */
static void place(host_os *o, uint32_t vcpu, uint32_t pcpu, bool woke)
{
    thread *t = &o->threads[vcpu];
    int64_t least = o->queues[pcpu].least;
    t->vruntime += least - o->queues[t->home].least;
    t->home = pcpu;
    if (t->fresh)
        t->vruntime = least + to_virtual(t, slice(o, vcpu, pcpu));
    else if (woke)
        t->vruntime = MAX(t->vruntime, least - (int64_t)(o->latency / 2));
    t->fresh = false;
}

/* ---- queues ------------------------------------------------------------------------------------------------------- */

static void enqueue(host_os *o, uint32_t vcpu)
{
    vmm_runqueue_insert(o->queues[o->balance.where[vcpu]].order, vcpu, o->threads[vcpu].vruntime);
    fair_wait(&o->balance, vcpu);
}

static void dequeue(host_os *o, uint32_t vcpu)
{
    vmm_runqueue_remove(o->queues[o->balance.where[vcpu]].order, vcpu);
    fair_run(&o->balance, vcpu);
}

static void forget_current(host_os *o, uint32_t pcpu)
{
    o->queues[pcpu].current = VMM_VCPU_NONE;
    if (o->pending_on == pcpu)
        o->pending_on = VMM_PCPU_NONE;
}

/* Out of whatever queue it is in. */
static void leave(host_os *o, uint32_t vcpu)
{
    uint32_t pcpu = o->balance.where[vcpu];
    if (pcpu == VMM_PCPU_NONE)
        return;
    if (o->queues[pcpu].current == vcpu)
        forget_current(o, pcpu);
    else
        dequeue(o, vcpu);
    fair_leave(&o->balance, vcpu);
}

static void arrive(host_os *o, uint32_t vcpu, uint32_t pcpu, bool woke)
{
    place(o, vcpu, pcpu, woke);
    fair_join(&o->balance, vcpu, pcpu);
    enqueue(o, vcpu);
}

static void move(void *user, uint32_t vcpu, uint32_t to)
{
    leave(user, vcpu);
    arrive(user, vcpu, to, false);
}

/* The vCPU runs on the pCPU: it is the queue's current one even if the VMM put it there. */
static void adopt(host_os *o, uint32_t vcpu, uint32_t pcpu)
{
    if (o->queues[pcpu].current == vcpu)
        return;
    place(o, vcpu, pcpu, false);
    fair_join(&o->balance, vcpu, pcpu);
    o->queues[pcpu].current = vcpu;
    o->queues[pcpu].picked = o->services->pcpu(o->h, pcpu)->quantum_begin;
}

static void enqueue_pending(host_os *o)
{
    uint32_t pcpu = o->pending_on;
    if (pcpu == VMM_PCPU_NONE)
        return;
    uint32_t vcpu = o->queues[pcpu].current;
    forget_current(o, pcpu);
    enqueue(o, vcpu);
}

/* Whether one that woke takes the CPU from the one that runs [wakeup_preempt_entity]. */
static void check_preempt(host_os *o, uint32_t vcpu, uint32_t pcpu)
{
    cpu_queue *q = &o->queues[pcpu];
    if (q->current == VMM_VCPU_NONE || o->pending_on == pcpu)
        return;
    charge(o, pcpu, o->services->now(o->h, pcpu));
    const thread *t = &o->threads[vcpu], *c = &o->threads[q->current];
    if (c->vruntime - t->vruntime > to_virtual(t, o->wakeup))
        o->services->resched(o->h, pcpu);
}

/* ---- hooks -------------------------------------------------------------------------------------------------------- */

static void init_queues(host_os *o)
{
    uint32_t n_pcpus = o->balance.topology.n;
    o->queues = g_new0(cpu_queue, n_pcpus);
    for (uint32_t p = 0; p < n_pcpus; p++) {
        o->queues[p] = (cpu_queue){ .order = vmm_runqueue_new(o->n_vcpus, n_pcpus), .current = VMM_VCPU_NONE };
        for (uint32_t i = 0; i < o->n_vcpus; i++)
            if (vmm_mask_has(facts(o, i)->affinity, p))
                vmm_runqueue_admit(o->queues[p].order, i, facts(o, i)->affinity);
        o->services->set_tick(o->h, p, o->tick);
    }
}

static void *host_init(vmm_host *h, const vmm_services *services, const vmm_param_value *values)
{
    host_os *o = g_new0(host_os, 1);
    o->h = h;
    o->services = services;
    o->n_vcpus = services->n_vcpus(h);
    o->pending_on = VMM_PCPU_NONE;
    stints_init(&o->clock, h, services);
    fair_balance_init(&o->balance, h, services, values[P_MIGRATION].u, move, o);
    sim_ps factor = values[P_SCALE].b ? g_bit_storage(MIN(o->balance.topology.n, 8)) : 1;
    o->latency = values[P_LATENCY].u * factor;
    o->granularity = values[P_GRANULARITY].u * factor;
    o->wakeup = values[P_WAKEUP].u * factor;
    o->tick = values[P_TICK].u;
    o->threads = g_new0(thread, o->n_vcpus);
    for (uint32_t i = 0; i < o->n_vcpus; i++)
        o->threads[i] = (thread){ .weight = facts(o, i)->weight, .fresh = true };
    init_queues(o);
    return o;
}

static void host_exit(void *self)
{
    host_os *o = self;
    for (uint32_t p = 0; p < o->balance.topology.n; p++)
        vmm_runqueue_free(o->queues[p].order);
    stints_clear(&o->clock);
    fair_balance_clear(&o->balance);
    g_free(o->threads);
    g_free(o->queues);
    g_free(o);
}

static void host_remove(void *self, uint32_t vcpu)
{
    leave(self, vcpu);
}

static void host_wake(void *self, uint32_t vcpu)
{
    host_os *o = self;
    uint32_t pcpu = fair_select(&o->balance, vcpu);
    if (o->balance.where[vcpu] != VMM_PCPU_NONE)
        return;
    arrive(o, vcpu, pcpu, true);
    check_preempt(o, vcpu, pcpu);
}

static void host_sleep(void *self, uint32_t vcpu)
{
    host_os *o = self;
    const vmm_vcpu_facts *f = facts(o, vcpu);
    if (f->state == VMM_RUNNABLE) {
        leave(o, vcpu);
        stints_imposed(&o->clock, vcpu);
        enqueue_pending(o);
        return;
    }
    if (f->pcpu != VMM_PCPU_NONE && o->services->pcpu(o->h, f->pcpu)->vcpu == vcpu) {
        sim_ps now = o->services->now(o->h, f->pcpu);
        adopt(o, vcpu, f->pcpu);
        charge(o, f->pcpu, now);
        o->balance.last_ran[vcpu] = now;
    }
    leave(o, vcpu);
}

static void host_context_saved(void *self, uint32_t pcpu, uint32_t vcpu, vmm_off_reason why)
{
    host_os *o = self;
    if (why == VMM_OFF_REFUSED) {
        leave(o, vcpu);
        arrive(o, vcpu, pcpu, false);
        return;
    }
    adopt(o, vcpu, pcpu);
    sim_ps now = o->services->now(o->h, pcpu);
    charge(o, pcpu, now);
    o->balance.last_ran[vcpu] = now;
    o->pending_on = pcpu;
    if (why == VMM_OFF_YIELDED && first_of(&o->queues[pcpu], pcpu) != VMM_VCPU_NONE)
        enqueue_pending(o); /* the other one is taken even if its virtual time is greater [set_skip_buddy] */
}

static uint32_t host_pick_pcpu(void *self, uint32_t vcpu)
{
    const host_os *o = self;
    uint32_t pcpu = o->balance.where[vcpu];
    return pcpu != VMM_PCPU_NONE ? pcpu : fair_select(&o->balance, vcpu);
}

static vmm_choice host_schedule(void *self, uint32_t pcpu, sim_ps now)
{
    host_os *o = self;
    cpu_queue *q = &o->queues[pcpu];
    if (q->current == VMM_VCPU_NONE && first_of(q, pcpu) == VMM_VCPU_NONE)
        fair_pull_idle(&o->balance, pcpu);
    uint32_t current = q->current, next = first_of(q, pcpu);
    if (current != VMM_VCPU_NONE && (next == VMM_VCPU_NONE || o->threads[current].vruntime < o->threads[next].vruntime))
        next = current;
    if (next != current) {
        enqueue_pending(o);
        dequeue(o, next);
        q->current = next;
    }
    o->pending_on = VMM_PCPU_NONE;
    if (next == VMM_VCPU_NONE)
        return (vmm_choice){ .vcpu = VMM_VCPU_NONE };
    q->picked = now;
    stints_begin(&o->clock, next, now, next == current);
    return (vmm_choice){ .vcpu = next, .quantum = VMM_QUANTUM_MAX, .reason = "least virtual time" };
}

/* Whether the running thread has had its share [check_preempt_tick]. */
static bool share_used(const host_os *o, uint32_t pcpu, sim_ps now)
{
    const cpu_queue *q = &o->queues[pcpu];
    uint32_t first = first_of(q, pcpu);
    if (first == VMM_VCPU_NONE)
        return false;
    sim_ps share = slice(o, q->current, pcpu), ran = now - MIN(now, q->picked);
    if (ran > share)
        return true;
    return ran >= o->granularity && o->threads[q->current].vruntime - o->threads[first].vruntime > (int64_t)share;
}

static vmm_verdict host_tick(void *self, uint32_t pcpu, uint32_t vcpu, sim_ps now)
{
    host_os *o = self;
    adopt(o, vcpu, pcpu);
    charge(o, pcpu, now);
    if (share_used(o, pcpu, now))
        o->services->resched(o->h, pcpu);
    fair_tick(&o->balance, pcpu, now);
    return (vmm_verdict){ .kind = VMM_KEEP };
}

static void host_dump(void *self, void (*line)(void *user, const char *text), void *user)
{
    const host_os *o = self;
    for (uint32_t i = 0; i < o->n_vcpus; i++) {
        uint32_t pcpu = o->balance.where[i];
        int64_t v = o->threads[i].vruntime - o->queues[o->threads[i].home].least;
        g_autofree char *text = g_strdup_printf("vCPU %u: virtual time %" G_GINT64_FORMAT " us past the queue's%s", i,
                                                v / (int64_t)SIM_PS_PER_US, pcpu == VMM_PCPU_NONE ? ", not queued" : "");
        line(user, text);
    }
}

const struct vmm_policy_ops vmm_policy_host_os = {
    .abi_version = VMM_POLICY_ABI,
    .struct_size = sizeof(struct vmm_policy_ops),
    .name = "host-os",
    .summary = "VMs as threads of a general operating system, Linux's completely fair scheduler; knows no processor state",
    .params = params,
    .n_params = N_PARAMS,
    .init = host_init,
    .exit = host_exit,
    .vcpu_remove = host_remove,
    .wake = host_wake,
    .sleep = host_sleep,
    .context_saved = host_context_saved,
    .pick_pcpu = host_pick_pcpu,
    .schedule = host_schedule,
    .tick = host_tick,
    .dump = host_dump,
};
