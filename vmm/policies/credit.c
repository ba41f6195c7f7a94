/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The credit scheduler of Xen, after xen/common/sched/credit.c of Xen 4.23-unstable (commit c447b730): defaults, priorities and the rules of
 * accounting, boosting, tickling, placing and stealing are those of that file; names in brackets are its functions.
 *
 * VMs earn credits by weight, and running burns them. A vCPU with credits is UNDER, one without OVER; one that wakes with credits is BOOSTed until the
 * first tick finds it running. A pCPU has a queue of its own, ordered by priority and then by arrival. The head runs for a slice, unless somebody who
 * runs has not had its rate limit yet. A pCPU that would run OVER, or idle, looks for more urgent work on others.
 *
 * Where this differs: credits are picoseconds here, not tenths of a millisecond; queues are sorted in the accounting, not at each pCPU's next
 * tick; and accounting charges what runs just then first. NUMA nodes are packages; there is no soft affinity. */
#include "credit.h"
#include "policies.h"

/* CSCHED_DEFAULT_TSLICE_MS, CSCHED_TICKS_PER_TSLICE, SCHED_DEFAULT_RATELIMIT_US, CSCHED_DEFAULT_LOAD_BALANCE_RATELIMIT_US, vcpu_migration_delay_us;
 * bounds of XEN_SYSCTL_CSCHED_TSLICE_* and XEN_SYSCTL_SCHED_RATELIMIT_MAX (public/sysctl.h). */
static const vmm_param params[N_PARAMS] = {
    [P_SLICE] = { .name = "slice", .type = VMM_PARAM_TIME, .def.u = 30 * SIM_PS_PER_MS, .min.u = SIM_PS_PER_MS, .max.u = SIM_PS_PER_S,
                  .help = "how long a vCPU runs at a time; credits are handed out as often" },
    [P_TICKS] = { .name = "ticks", .type = VMM_PARAM_UINT, .def.u = 3, .min.u = 1, .max.u = 100,
                  .help = "ticks in a slice: credits are burnt and boosts end at a tick" },
    [P_RATELIMIT] = { .name = "ratelimit", .type = VMM_PARAM_TIME, .def.u = SIM_PS_PER_MS, .min.u = 0, .max.u = SIM_PS_PER_S / 2,
                      .help = "a vCPU runs for at least so long before another takes its place" },
    [P_BALANCE] = { .name = "balance-ratelimit", .type = VMM_PARAM_TIME, .def.u = SIM_PS_PER_MS, .min.u = 0, .max.u = SIM_PS_PER_S,
                    .help = "least time between two searches of a pCPU for work to steal" },
    [P_MIGRATION] = { .name = "migration-delay", .type = VMM_PARAM_TIME, .def.u = 0, .min.u = 0, .max.u = SIM_PS_PER_S / 10,
                      .help = "a vCPU that ran more recently is not stolen" },
};

static const vmm_param vm_params[N_VM_PARAMS] = {
    [V_CAP] = { .name = "cap", .type = VMM_PARAM_UINT, .def.u = 0, .min.u = 0, .max.u = 100 * VMM_MAX_PCPUS,
                .help = "most time of the VM in per cent of one pCPU; 0: no limit" },
};

/* Never set a timer shorter than this (XEN_SYSCTL_SCHED_RATELIMIT_MIN). */
#define MIN_TIMER (100 * SIM_PS_PER_US)

/* ---- setting up -------------------------------------------------------------------------------------------------- */

static void init_vms(credit *c)
{
    for (uint32_t i = 0; i < c->n_vcpus; i++)
        c->n_vms = MAX(c->n_vms, credit_facts(c, i)->vm + 1);
    c->vms = g_new0(credit_vm, c->n_vms);
    for (uint32_t i = 0; i < c->n_vms; i++) {
        c->vms[i].first = VMM_VCPU_NONE;
        c->vms[i].link.data = &c->vms[i];
    }
    for (uint32_t i = c->n_vcpus; i-- > 0;) {
        credit_vm *vm = &c->vms[credit_facts(c, i)->vm];
        vm->weight = credit_facts(c, i)->weight;
        vm->cap = (uint32_t)c->services->vm_param(c->h, i, V_CAP).u;
        c->vcpus[i] = (credit_vcpu){ .pri = UNDER, .next = vm->first };
        vm->first = i;
    }
}

static void init_pcpus(credit *c)
{
    for (uint32_t p = 0; p < c->topology.n; p++) {
        credit_pcpu *pc = &c->pcpus[p];
        *pc = (credit_pcpu){ .queue = vmm_runqueue_new(c->n_vcpus, c->topology.n), .displaced = VMM_VCPU_NONE, .idle_bias = p,
                             .last_tickled = p };
        for (uint32_t i = 0; i < c->n_vcpus; i++)
            if (vmm_mask_has(credit_facts(c, i)->affinity, p))
                vmm_runqueue_admit(pc->queue, i, credit_facts(c, i)->affinity);
        c->services->set_tick(c->h, p, MAX(c->p[P_SLICE].u / c->p[P_TICKS].u, VMM_QUANTUM_MIN));
    }
    c->services->set_timer(c->h, 0, c->p[P_SLICE].u);
}

static void *credit_init(vmm_host *h, const vmm_services *services, const vmm_param_value *values)
{
    credit *c = g_new0(credit, 1);
    c->h = h;
    c->services = services;
    memcpy(c->p, values, sizeof c->p);
    c->n_vcpus = services->n_vcpus(h);
    stints_init(&c->clock, h, services);
    pcpu_topology_init(&c->topology, h, services);
    c->vcpus = g_new0(credit_vcpu, c->n_vcpus);
    c->pcpus = g_new0(credit_pcpu, c->topology.n);
    c->balance_bias = g_new0(uint32_t, c->topology.n);
    g_queue_init(&c->active);
    init_vms(c);
    init_pcpus(c);
    return c;
}

static void credit_exit(void *self)
{
    credit *c = self;
    for (uint32_t p = 0; p < c->topology.n; p++)
        vmm_runqueue_free(c->pcpus[p].queue);
    stints_clear(&c->clock);
    pcpu_topology_clear(&c->topology);
    g_free(c->balance_bias);
    g_free(c->vcpus);
    g_free(c->pcpus);
    g_free(c->vms);
    g_free(c);
}

/* ---- hooks: time -------------------------------------------------------------------------------------------------- */

static uint32_t credit_pick_pcpu(void *self, uint32_t vcpu)
{
    return ((credit *)self)->vcpus[vcpu].home;
}

static void credit_timer(void *self, uint32_t pcpu, G_GNUC_UNUSED sim_ps now)
{
    credit *c = self;
    credit_account(c);
    c->services->set_timer(c->h, pcpu, c->services->present(c->h) + c->p[P_SLICE].u);
}

/* [csched_tick, csched_unit_acct] */
static vmm_verdict credit_tick(void *self, uint32_t pcpu, uint32_t vcpu, sim_ps now)
{
    credit *c = self;
    credit_vcpu *v = &c->vcpus[vcpu];
    if (v->pri == BOOST)
        v->pri = UNDER;
    credit_burn(c, vcpu, pcpu, now);
    v->home = pcpu;
    if (!v->active) {
        credit_start_earning(c, vcpu);
    } else if (credit_place(c, vcpu, false) != pcpu) {
        v->moving = true;
        c->services->resched(c->h, pcpu);
    }
    return (vmm_verdict){ .kind = VMM_KEEP };
}

/* ---- hooks: states ------------------------------------------------------------------------------------------------ */

/* The pCPU with the fewest vCPUs, of the core with the fewest. */
static uint32_t first_home(const credit *c, uint32_t vcpu)
{
    uint32_t best = VMM_PCPU_NONE;
    uint64_t least = UINT64_MAX;
    for (uint32_t p = 0; p < c->topology.n; p++) {
        uint64_t around = 0;
        if (!vmm_mask_has(credit_facts(c, vcpu)->affinity, p))
            continue;
        for (uint32_t s = pcpu_mask_from(&c->topology.core[p], 0); s != VMM_PCPU_NONE; s = pcpu_mask_from(&c->topology.core[p], s + 1))
            around += c->pcpus[s].assigned;
        uint64_t load = (uint64_t)c->pcpus[p].assigned << 32 | around;
        if (load < least) {
            least = load;
            best = p;
        }
    }
    return best;
}

static void credit_insert(void *self, uint32_t vcpu)
{
    credit *c = self;
    credit_vcpu *v = &c->vcpus[vcpu];
    v->on = true;
    v->home = first_home(c, vcpu);
    v->home = credit_place(c, vcpu, true);
    c->pcpus[v->home].assigned++;
}

static void credit_remove(void *self, uint32_t vcpu)
{
    credit *c = self;
    credit_vcpu *v = &c->vcpus[vcpu];
    credit_queue_drop(c, vcpu);
    credit_stop_earning(c, vcpu);
    if (v->on)
        c->pcpus[v->home].assigned--;
    v->on = v->parked = false;
}

static void move_home(credit *c, uint32_t vcpu, uint32_t pcpu)
{
    credit_vcpu *v = &c->vcpus[vcpu];
    if (v->home == pcpu)
        return;
    if (v->on) {
        c->pcpus[v->home].assigned--;
        c->pcpus[pcpu].assigned++;
    }
    v->home = pcpu;
}

static void credit_wake(void *self, uint32_t vcpu)
{
    credit *c = self;
    credit_vcpu *v = &c->vcpus[vcpu];
    if (v->parked)
        return;
    if (v->pri == UNDER)
        v->pri = BOOST;
    credit_queue_insert(c, vcpu);
    credit_tickle(c, vcpu);
}

static void credit_sleep(void *self, uint32_t vcpu)
{
    credit *c = self;
    const vmm_vcpu_facts *f = credit_facts(c, vcpu);
    credit_queue_drop(c, vcpu);
    if (f->state == VMM_RUNNABLE) {
        stints_imposed(&c->clock, vcpu);
        return;
    }
    if (f->pcpu == VMM_PCPU_NONE || credit_running_on(c, f->pcpu) != vcpu)
        return;
    sim_ps now = c->services->now(c->h, f->pcpu);
    credit_burn(c, vcpu, f->pcpu, now);
    move_home(c, vcpu, f->pcpu);
    c->vcpus[vcpu].last_ran = now;
    c->vcpus[vcpu].moving = false;
    c->pcpus[f->pcpu].displaced = VMM_VCPU_NONE;
}

static void credit_yield(void *self, uint32_t vcpu)
{
    ((credit *)self)->vcpus[vcpu].yielded = true;
}

static void credit_context_saved(void *self, uint32_t pcpu, uint32_t vcpu, vmm_off_reason why)
{
    credit *c = self;
    credit_vcpu *v = &c->vcpus[vcpu];
    if (why == VMM_OFF_REFUSED) {
        credit_queue_insert(c, vcpu);
        return;
    }
    sim_ps now = c->services->now(c->h, pcpu);
    credit_burn(c, vcpu, pcpu, now);
    move_home(c, vcpu, pcpu);
    v->last_ran = now;
    c->pcpus[pcpu].displaced = VMM_VCPU_NONE;
    if (v->parked) {
        v->yielded = v->moving = false;
    } else if (v->moving) {
        v->moving = v->yielded = false;
        move_home(c, vcpu, credit_place(c, vcpu, true));
        credit_queue_insert(c, vcpu);
        credit_tickle(c, vcpu);
    } else {
        c->pcpus[pcpu].displaced = vcpu;
        v->yielded ? credit_queue_insert_yielded(c, vcpu) : credit_queue_insert(c, vcpu);
    }
}

/* ---- hooks: who runs ---------------------------------------------------------------------------------------------- */

/* The first of the peer's queue, if it is more urgent than `pri` and may come [csched_runq_steal]. */
static uint32_t stealable(const credit *c, uint32_t peer, uint32_t pcpu, int pri, sim_ps now)
{
    if (credit_running_on(c, peer) == VMM_VCPU_NONE)
        return VMM_VCPU_NONE;
    uint32_t vcpu = vmm_runqueue_first(c->pcpus[peer].queue, pcpu);
    if (vcpu == VMM_VCPU_NONE || (int)c->vcpus[vcpu].pri <= pri || c->vcpus[vcpu].yielded)
        return VMM_VCPU_NONE;
    sim_ps since = now - MIN(now, c->vcpus[vcpu].last_ran);
    return since < c->p[P_MIGRATION].u ? VMM_VCPU_NONE : vcpu;
}

static uint32_t steal_from(credit *c, const pcpu_mask *package, uint32_t pcpu, int pri, sim_ps now)
{
    uint32_t *bias = &c->balance_bias[pcpu_mask_from(package, 0)];
    uint32_t first = pcpu_mask_cycle(package, *bias), peer = first;
    do {
        uint32_t vcpu = peer == pcpu ? VMM_VCPU_NONE : stealable(c, peer, pcpu, pri, now);
        if (vcpu != VMM_VCPU_NONE) {
            *bias = peer;
            return vcpu;
        }
        peer = pcpu_mask_cycle(package, peer);
    } while (peer != first);
    return VMM_VCPU_NONE;
}

/* Work of other pCPUs that is more urgent than `pri`: of the own package first, then of the next ones [csched_load_balance]. */
static uint32_t steal(credit *c, uint32_t pcpu, int pri, sim_ps now)
{
    pcpu_mask left = c->topology.all;
    for (uint32_t at = pcpu; at != VMM_PCPU_NONE; at = pcpu_mask_cycle(&left, at)) {
        const pcpu_mask *package = &c->topology.package[at];
        uint32_t vcpu = steal_from(c, package, pcpu, pri, now);
        if (vcpu != VMM_VCPU_NONE)
            return vcpu;
        left = pcpu_mask_without(&left, package);
    }
    return VMM_VCPU_NONE;
}

/* What the one that ran has left of its rate limit, or 0. */
static sim_ps protected_for(const credit *c, uint32_t pcpu, uint32_t displaced, sim_ps now)
{
    sim_ps limit = c->p[P_RATELIMIT].u;
    if (displaced == VMM_VCPU_NONE || c->vcpus[displaced].yielded || !vmm_runqueue_contains(c->pcpus[pcpu].queue, displaced))
        return 0;
    sim_ps ran = stints_length(&c->clock, displaced, pcpu, now);
    return ran < limit ? MAX(limit - ran, MIN_TIMER) : 0;
}

static vmm_choice credit_schedule(void *self, uint32_t pcpu, sim_ps now)
{
    credit *c = self;
    credit_pcpu *pc = &c->pcpus[pcpu];
    uint32_t displaced = pc->displaced, next = vmm_runqueue_first(pc->queue, pcpu);
    sim_ps limited = protected_for(c, pcpu, displaced, now);
    pc->displaced = VMM_VCPU_NONE;
    if (limited) {
        credit_queue_drop(c, displaced);
        stints_begin(&c->clock, displaced, now, true);
        return (vmm_choice){ .vcpu = displaced, .quantum = limited, .reason = "rate limit" };
    }
    int pri = next == VMM_VCPU_NONE ? IDLE : (int)c->vcpus[next].pri;
    if (pri <= OVER && (!pc->last_balance || now - pc->last_balance > c->p[P_BALANCE].u)) {
        pc->last_balance = now;
        uint32_t stolen = steal(c, pcpu, pri, now);
        next = stolen != VMM_VCPU_NONE ? stolen : next;
    }
    if (next == VMM_VCPU_NONE)
        return (vmm_choice){ .vcpu = VMM_VCPU_NONE };
    credit_queue_drop(c, next);
    move_home(c, next, pcpu);
    stints_begin(&c->clock, next, now, next == displaced);
    return (vmm_choice){ .vcpu = next, .quantum = c->p[P_SLICE].u, .reason = "credit" };
}

static void credit_dump(void *self, void (*line)(void *user, const char *text), void *user)
{
    const credit *c = self;
    for (uint32_t i = 0; i < c->n_vcpus; i++) {
        const credit_vcpu *v = &c->vcpus[i];
        g_autofree char *text = g_strdup_printf("vCPU %u: %s credit %" G_GINT64_FORMAT " us, pCPU %u%s%s", i,
                                                v->pri == BOOST ? "BOOST" : v->pri == UNDER ? "UNDER" : "OVER",
                                                v->credit / (int64_t)SIM_PS_PER_US, v->home, v->active ? ", active" : "",
                                                v->parked ? ", parked" : "");
        line(user, text);
    }
}

const struct vmm_policy_ops vmm_policy_credit = {
    .abi_version = VMM_POLICY_ABI,
    .struct_size = sizeof(struct vmm_policy_ops),
    .name = "credit",
    .summary = "Xen's credit scheduler: credits by weight, boosts of vCPUs that wake, stealing between pCPUs",
    .params = params,
    .n_params = N_PARAMS,
    .vm_params = vm_params,
    .n_vm_params = N_VM_PARAMS,
    .flags = VMM_POLICY_MAY_IDLE,
    .init = credit_init,
    .exit = credit_exit,
    .vcpu_insert = credit_insert,
    .vcpu_remove = credit_remove,
    .wake = credit_wake,
    .sleep = credit_sleep,
    .yield = credit_yield,
    .context_saved = credit_context_saved,
    .pick_pcpu = credit_pick_pcpu,
    .schedule = credit_schedule,
    .tick = credit_tick,
    .timer = credit_timer,
    .dump = credit_dump,
};
