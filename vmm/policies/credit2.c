/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Xen's default scheduler, after xen/common/sched/credit2.c of Xen 4.23-unstable (commit c447b730); names in brackets are its functions.
 *
 * Several pCPUs share a run queue, which is ordered by credit. Running burns credit: a nanosecond's worth per nanosecond for the heaviest vCPU of the
 * queue, more for lighter ones. The one with the most credit runs until another one has as much, between half and ten milliseconds. Once nobody in the
 * queue has credit left, everybody gets ten milliseconds' worth. A vCPU comes from another pCPU of its queue only for half a millisecond's worth
 * more credit, and vCPUs move between queues when their load averages differ: the push, pull or swap is done that leaves the least difference.
 *
 * Where this differs: NUMA nodes are packages, and there is no soft affinity; caps are kept by the vCPUs of a VM together, as there, but each takes
 * from the VM's budget what it ran when it stops, not a quota when it starts. */
#include "credit2.h"
#include "policies.h"

/* SCHED_DEFAULT_RATELIMIT_US, opt_runqueue (OPT_RUNQUEUE_SOCKET), MAX_CPUS_RUNQ, opt_migrate_resist, LOADAVG_WINDOW_SHIFT (2^30 ns),
 * opt_underload_balance_tolerance (2^0), opt_overload_balance_tolerance (2^-3), opt_cap_period. */
static const vmm_param params[N_PARAMS] = {
    [P_RATELIMIT] = { .name = "ratelimit", .type = VMM_PARAM_TIME, .def.u = SIM_PS_PER_MS, .min.u = 0, .max.u = SIM_PS_PER_S / 2,
                      .help = "a vCPU runs for at least so long before another takes its place" },
    [P_RUNQUEUE] = { .name = "runqueue", .type = VMM_PARAM_UINT, .def.u = 2, .min.u = 0, .max.u = 3,
                     .help = "a run queue for each 0: pCPU, 1: core, 2: package, 3: machine" },
    [P_MAX_PCPUS] = { .name = "max-pcpus", .type = VMM_PARAM_UINT, .def.u = 16, .min.u = 1, .max.u = VMM_MAX_PCPUS,
                      .help = "pCPUs in a run queue at the most" },
    [P_RESIST] = { .name = "migrate-resist", .type = VMM_PARAM_TIME, .def.u = 500 * SIM_PS_PER_US, .min.u = 0, .max.u = 10 * SIM_PS_PER_MS,
                   .help = "credit more that a vCPU of another pCPU needs" },
    [P_WINDOW] = { .name = "load-window", .type = VMM_PARAM_TIME, .def.u = UINT64_C(1073741824000), .min.u = SIM_PS_PER_MS, .max.u = 100 * SIM_PS_PER_S,
                   .help = "how far back load averages reach" },
    [P_UNDER] = { .name = "balance-under", .type = VMM_PARAM_PERMILLE, .def.u = 1000, .min.u = 1, .max.u = 16000,
                  .help = "difference of loads, in vCPUs, that is balanced while pCPUs are enough" },
    [P_OVER] = { .name = "balance-over", .type = VMM_PARAM_PERMILLE, .def.u = 125, .min.u = 1, .max.u = 16000, .help = "the same while they are not" },
    [P_CAP_PERIOD] = { .name = "cap-period", .type = VMM_PARAM_TIME, .def.u = 10 * SIM_PS_PER_MS, .min.u = SIM_PS_PER_MS, .max.u = SIM_PS_PER_S,
                       .help = "capped VMs get their budget so often" },
};

static const vmm_param vm_params[N_VM_PARAMS] = {
    [V_CAP] = { .name = "cap", .type = VMM_PARAM_UINT, .def.u = 0, .min.u = 0, .max.u = 100 * VMM_MAX_PCPUS,
                .help = "most time of the VM in per cent of one pCPU; 0: no limit" },
};

/* ---- setting up --------------------------------------------------------------------------------------------------- */

static void init_vms(credit2 *c)
{
    c->vcpus = g_new0(c2_vcpu, c->n_vcpus);
    c->next_of_vm = g_new0(uint32_t, c->n_vcpus);
    for (uint32_t i = 0; i < c->n_vcpus; i++)
        c->n_vms = MAX(c->n_vms, c2_facts(c, i)->vm + 1);
    c->vms = g_new0(c2_vm, c->n_vms);
    for (uint32_t i = 0; i < c->n_vms; i++)
        c->vms[i].first = VMM_VCPU_NONE;
    for (uint32_t i = c->n_vcpus; i-- > 0;) {
        c2_vm *vm = &c->vms[c2_facts(c, i)->vm];
        c->vcpus[i] = (c2_vcpu){ .credit = CREDIT_INIT, .weight = c2_facts(c, i)->weight, .rq = UINT32_MAX, .go_to = UINT32_MAX,
                                 .kept_for = VMM_PCPU_NONE, .load = { .average = CREDIT2_LOAD_ONE } };
        vm->cap = (uint32_t)c->services->vm_param(c->h, i, V_CAP).u;
        vm->budget = (int64_t)(c->p[P_CAP_PERIOD].u / 100 * vm->cap);
        c->capped |= vm->cap > 0;
        c->next_of_vm[i] = vm->first;
        vm->first = i;
    }
}

static void *c2_init(vmm_host *h, const vmm_services *services, const vmm_param_value *values)
{
    credit2 *c = g_new0(credit2, 1);
    c->h = h;
    c->services = services;
    memcpy(c->p, values, sizeof c->p);
    c->n_vcpus = services->n_vcpus(h);
    c->pending = VMM_VCPU_NONE;
    c->at = VMM_PCPU_NONE;
    c->next = VMM_VCPU_NONE;
    stints_init(&c->clock, h, services);
    pcpu_topology_init(&c->topology, h, services);
    init_vms(c);
    c2_init_queues(c);
    c->scratch = g_new(uint32_t, c->n_vcpus);
    c->push = g_new(credit2_candidate, c->n_vcpus);
    c->pull = g_new(credit2_candidate, c->n_vcpus);
    if (c->capped)
        services->set_timer(h, 0, values[P_CAP_PERIOD].u);
    return c;
}

static void c2_exit(void *self)
{
    credit2 *c = self;
    for (uint32_t q = 0; q < c->n_queues; q++) {
        vmm_runqueue_free(c->queues[q].queue);
        g_array_free(c->queues[q].vcpus, TRUE);
    }
    for (uint32_t p = 0; p < c->topology.n; p++)
        vmm_runqueue_free(c->own[p]);
    stints_clear(&c->clock);
    pcpu_topology_clear(&c->topology);
    g_free(c->queues);
    g_free(c->queue_of);
    g_free(c->own);
    g_free(c->kept);
    g_free(c->vcpus);
    g_free(c->next_of_vm);
    g_free(c->vms);
    g_free(c->scratch);
    g_free(c->push);
    g_free(c->pull);
    g_free(c);
}

/* ---- hooks: states ------------------------------------------------------------------------------------------------ */

static void park(credit2 *c, uint32_t vcpu, sim_ps now)
{
    c->vcpus[vcpu].parked = true;
    c2_count(c, vcpu, -1, now);
}

/* One that was taken off comes into its queue, or is parked, or moves to another one [csched2_context_saved]. */
static void put_back(credit2 *c, uint32_t vcpu, sim_ps now)
{
    uint32_t to = c->vcpus[vcpu].go_to;
    if (to != UINT32_MAX) {
        c2_count(c, vcpu, -1, now);
        c2_unassign(c, vcpu);
        c2_assign(c, vcpu, to);
        c2_count(c, vcpu, 1, now);
    }
    if (c2_over_cap(c, vcpu))
        park(c, vcpu, now);
    else
        c2_queue_insert(c, vcpu);
}

static void put_back_pending(credit2 *c)
{
    uint32_t vcpu = c->pending;
    c->pending = VMM_VCPU_NONE;
    if (vcpu == VMM_VCPU_NONE)
        return;
    put_back(c, vcpu, c->services->now(c->h, c->pending_on));
    if (!c->vcpus[vcpu].parked)
        c2_tickle(c, vcpu);
}

/* To the queue with the least load of those that it may run in [csched2_res_pick]. */
static void c2_insert(void *self, uint32_t vcpu)
{
    credit2 *c = self;
    uint32_t best = UINT32_MAX;
    for (uint32_t i = 0; i < c->n_queues; i++) {
        pcpu_mask may = pcpu_mask_and(&c->queues[i].pcpus, c2_facts(c, vcpu)->affinity);
        if (!pcpu_mask_empty(&may) && (best == UINT32_MAX || c->queues[i].load.average < c->queues[best].load.average))
            best = i;
    }
    c->vcpus[vcpu].load.at = c->services->present(c->h);
    c2_assign(c, vcpu, best);
}

static void c2_remove(void *self, uint32_t vcpu)
{
    credit2 *c = self;
    if (c->vcpus[vcpu].rq == UINT32_MAX)
        return;
    c2_queue_drop(c, vcpu);
    if (c->vcpus[vcpu].load.n)
        c2_count(c, vcpu, -1, c->services->present(c->h));
    c2_unassign(c, vcpu);
}

static void c2_wake(void *self, uint32_t vcpu)
{
    credit2 *c = self;
    sim_ps now = c->services->present(c->h);
    c->vcpus[vcpu].parked = false;
    c2_count(c, vcpu, 1, now);
    if (c2_over_cap(c, vcpu))
        park(c, vcpu, now);
    else
        c2_enqueue(c, vcpu);
}

static void c2_sleep(void *self, uint32_t vcpu)
{
    credit2 *c = self;
    c2_vcpu *v = &c->vcpus[vcpu];
    const vmm_vcpu_facts *f = c2_facts(c, vcpu);
    c2_queue_drop(c, vcpu);
    if (f->state == VMM_RUNNABLE) {
        if (v->parked)
            c2_count(c, vcpu, 1, c->services->present(c->h));
        v->parked = false;
        if (c->pending == vcpu)
            c->pending = VMM_VCPU_NONE;
        stints_imposed(&c->clock, vcpu);
        put_back_pending(c);
        return;
    }
    if (!c2_runs(c, vcpu))
        return;
    sim_ps now = c->services->now(c->h, f->pcpu);
    c2_burn(c, vcpu, f->pcpu, now);
    c2_count(c, vcpu, -1, now);
    v->yielded = false;
    if (v->go_to != UINT32_MAX) {
        uint32_t to = v->go_to;
        c2_unassign(c, vcpu);
        c2_assign(c, vcpu, to);
    }
}

static void c2_yield(void *self, uint32_t vcpu)
{
    ((credit2 *)self)->vcpus[vcpu].yielded = true;
}

static void c2_context_saved(void *self, uint32_t pcpu, uint32_t vcpu, vmm_off_reason why)
{
    credit2 *c = self;
    if (why == VMM_OFF_REFUSED) {
        c2_queue_insert(c, vcpu);
        return;
    }
    sim_ps now = c->services->now(c->h, pcpu);
    c2_burn(c, vcpu, pcpu, now);
    c->pending = vcpu;
    c->pending_on = pcpu;
    if (c2_over_cap(c, vcpu) || c->vcpus[vcpu].go_to != UINT32_MAX)
        put_back_pending(c);
}

static uint32_t c2_pick_pcpu(void *self, uint32_t vcpu)
{
    const c2_vcpu *v = &((credit2 *)self)->vcpus[vcpu];
    return v->kept_for != VMM_PCPU_NONE ? v->kept_for : v->home;
}

/* Budgets of capped VMs [replenish_domain_budget]. */
static void c2_timer(void *self, uint32_t pcpu, G_GNUC_UNUSED sim_ps now)
{
    credit2 *c = self;
    sim_ps present = c->services->present(c->h);
    for (uint32_t i = 0; i < c->n_vms; i++) {
        c2_vm *vm = &c->vms[i];
        int64_t whole = (int64_t)(c->p[P_CAP_PERIOD].u / 100 * vm->cap);
        if (!vm->cap)
            continue;
        vm->budget = MIN(vm->budget + whole, whole);
        for (uint32_t v = vm->first; vm->budget > 0 && v != VMM_VCPU_NONE; v = c->next_of_vm[v]) {
            if (!c->vcpus[v].parked || c2_facts(c, v)->state != VMM_RUNNABLE)
                continue;
            c->vcpus[v].parked = false;
            c2_count(c, v, 1, present);
            c2_enqueue(c, v);
        }
    }
    c->services->set_timer(c->h, pcpu, present + c->p[P_CAP_PERIOD].u);
}

/* ---- hooks: who runs ---------------------------------------------------------------------------------------------- */

/* Who is to run on the pCPU: the current one, or one of the queue [runq_candidate]. */
static uint32_t candidate(const credit2 *c, uint32_t pcpu, uint32_t current, sim_ps now)
{
    bool yields = current != VMM_VCPU_NONE && c->vcpus[current].yielded;
    if (current != VMM_VCPU_NONE && !yields && stints_length(&c->clock, current, pcpu, now) < c->p[P_RATELIMIT].u)
        return current;
    uint32_t first = vmm_runqueue_first(c->queues[c->queue_of[pcpu]].queue, pcpu), own = vmm_runqueue_first(c->own[pcpu], pcpu);
    if (current == VMM_VCPU_NONE)
        return first;
    int64_t credit = c->vcpus[current].credit;
    if (first == VMM_VCPU_NONE || (!yields && c->vcpus[first].credit <= credit))
        return current;
    if (c->vcpus[first].home == pcpu || c->vcpus[first].credit >= credit + (int64_t)c->p[P_RESIST].u)
        return first;
    return own != VMM_VCPU_NONE && (yields || c->vcpus[own].credit > credit) ? own : current;
}

/* Everybody gets credit, and nobody keeps much of what was left [reset_credit]. */
static void reset(credit2 *c, c2_queue *q, uint32_t next)
{
    int64_t more = c->vcpus[next].credit <= -CREDIT_INIT ? 2 * CREDIT_INIT : CREDIT_INIT;
    unsigned n = 0;
    for (uint32_t first; (first = vmm_runqueue_head(q->queue)) != VMM_VCPU_NONE; n++) {
        c->scratch[n] = first;
        vmm_runqueue_remove(q->queue, first);
        vmm_runqueue_remove(c->own[c->vcpus[first].home], first);
    }
    for (unsigned i = 0; i < q->vcpus->len; i++) {
        uint32_t vcpu = g_array_index(q->vcpus, uint32_t, i);
        if (c2_runs(c, vcpu))
            c2_burn(c, vcpu, c2_facts(c, vcpu)->pcpu, c->services->now(c->h, c2_facts(c, vcpu)->pcpu));
        c->vcpus[vcpu].credit = MIN(c->vcpus[vcpu].credit + more, CREDIT_INIT + CARRYOVER);
    }
    for (unsigned i = 0; i < n; i++)
        c2_queue_insert(c, c->scratch[i]);
}

/* How long the vCPU is to run [csched2_runtime]. */
static sim_ps stay(const credit2 *c, uint32_t vcpu, uint32_t pcpu, bool goes_on, sim_ps now)
{
    const c2_vcpu *v = &c->vcpus[vcpu];
    const c2_queue *q = &c->queues[v->rq];
    sim_ps least = MIN_STAY, limit = c->p[P_RATELIMIT].u, ran = goes_on ? stints_length(&c->clock, vcpu, pcpu, now) : 0;
    uint32_t waits = vmm_runqueue_head(q->queue);
    int64_t credit = v->credit - (waits == VMM_VCPU_NONE ? 0 : MAX(c->vcpus[waits].credit, 0));
    sim_ps time = credit > 0 ? (sim_ps)((unsigned __int128)credit * v->weight / q->max_weight) : 0;
    const c2_vm *vm = &c->vms[c2_facts(c, vcpu)->vm];
    if (vm->cap)
        time = MIN(time, (sim_ps)MAX(vm->budget, 0));
    if (limit > ran)
        least = MAX(least, limit - ran);
    return time < least ? least : MIN(time, (sim_ps)CREDIT_INIT);
}

/* An epoch is over when nobody who waits or is about to run has credit left. */
static void end_epoch(credit2 *c, uint32_t pcpu, uint32_t next, sim_ps now)
{
    c2_queue *q = &c->queues[c->queue_of[pcpu]];
    uint32_t first = vmm_runqueue_head(q->queue);
    if (MAX(c->vcpus[next].credit, first == VMM_VCPU_NONE ? INT64_MIN : c->vcpus[first].credit) > 0)
        return;
    reset(c, q, next);
    c2_balance(c, c->queue_of[pcpu], now);
}

static vmm_choice c2_schedule(void *self, uint32_t pcpu, sim_ps now)
{
    credit2 *c = self;
    uint32_t current = c->pending;
    c2_unkeep(c, pcpu);
    uint32_t next = candidate(c, pcpu, current, now);
    c->pending = VMM_VCPU_NONE;
    if (next == VMM_VCPU_NONE) {
        credit2_load_update(&c->queues[c->queue_of[pcpu]].load, 0, c->p[P_WINDOW].u, now);
        return (vmm_choice){ .vcpu = VMM_VCPU_NONE };
    }
    c2_vcpu *v = &c->vcpus[next];
    c2_queue_drop(c, next);
    if (current != VMM_VCPU_NONE) {
        c->vcpus[current].yielded = false;
        if (next != current)
            c2_queue_insert(c, current);
    }
    c->at = pcpu;
    c->next = next;
    stints_begin(&c->clock, next, now, next == current);
    end_epoch(c, pcpu, next, now);
    if (v->home != pcpu)
        v->credit += COMPENSATION;
    v->home = pcpu;
    sim_ps time = stay(c, next, pcpu, next == current, now);
    if (current != VMM_VCPU_NONE && next != current && vmm_runqueue_contains(c2_queue_of(c, current)->queue, current))
        c2_tickle(c, current);
    c->at = VMM_PCPU_NONE;
    c->next = VMM_VCPU_NONE;
    return (vmm_choice){ .vcpu = next, .quantum = time, .reason = "credit" };
}

static void c2_dump(void *self, void (*line)(void *user, const char *text), void *user)
{
    const credit2 *c = self;
    for (uint32_t i = 0; i < c->n_queues; i++) {
        g_autofree char *text = g_strdup_printf("run queue %u: %u pCPUs, %u vCPUs, load %.2f", i, c->queues[i].n_pcpus, c->queues[i].vcpus->len,
                                                (double)c->queues[i].load.average / CREDIT2_LOAD_ONE);
        line(user, text);
    }
    for (uint32_t i = 0; i < c->n_vcpus; i++) {
        const c2_vcpu *v = &c->vcpus[i];
        g_autofree char *text = g_strdup_printf("vCPU %u: credit %" G_GINT64_FORMAT " us, pCPU %u%s", i, v->credit / (int64_t)SIM_PS_PER_US,
                                                v->home, v->parked ? ", parked" : "");
        line(user, text);
    }
}

const struct vmm_policy_ops vmm_policy_credit2 = {
    .abi_version = VMM_POLICY_ABI,
    .struct_size = sizeof(struct vmm_policy_ops),
    .name = "credit2",
    .summary = "Xen's default scheduler: credit burnt by weight, run queues of several pCPUs, balancing by load averages",
    .params = params,
    .n_params = N_PARAMS,
    .vm_params = vm_params,
    .n_vm_params = N_VM_PARAMS,
    .flags = VMM_POLICY_MAY_IDLE,
    .init = c2_init,
    .exit = c2_exit,
    .vcpu_insert = c2_insert,
    .vcpu_remove = c2_remove,
    .wake = c2_wake,
    .sleep = c2_sleep,
    .yield = c2_yield,
    .context_saved = c2_context_saved,
    .pick_pcpu = c2_pick_pcpu,
    .schedule = c2_schedule,
    .timer = c2_timer,
    .dump = c2_dump,
};
