/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Distributed intensity, on line: vCPUs that miss the last-level cache much are kept apart. After Zhuravlev, Blagodurov and Fedorova, "Addressing Shared
 * Resource Contention in Multicore Processors via Scheduling", ASPLOS 2010 (DIO): every so often vCPUs are sorted by their miss rate, as counters tell it, and
 * dealt out to the domains that share a cache, the most intensive with the least intensive, so that no domain gets more than its share of misses.
 *
 * A domain is a package or, where there is only one, a core, whose hyperthreads share L1 and L2. Within its domain a vCPU waits in order of arrival; a pCPU
 * whose domain has nobody to run takes one of another domain. */
#include "policies.h"
#include "vmm-runqueue.h"

#include <glib.h>
#include <stdlib.h>

enum { P_PERIOD, N_PARAMS };
enum { FIXED_INSNS = 0, MISSES = 0 };
#define COUNTER_MASK ((UINT64_C(1) << 48) - 1)

static const vmm_param params[N_PARAMS] = {
    /* The paper's prototype looks at miss rates once in a billion cycles: 0.3 s at 3.4 GHz. */
    [P_PERIOD] = { .name = "period", .type = VMM_PARAM_TIME, .def.u = 300 * SIM_PS_PER_MS, .min.u = SIM_PS_PER_MS, .max.u = 100 * SIM_PS_PER_S,
                   .help = "time between two distributions" },
};

typedef struct {
    uint64_t insns, misses; /* since the last distribution */
    uint64_t rate;          /* misses per million instructions, decaying by halves */
    uint32_t home;          /* domain */
    bool present, queued;
} vcpu_state;

typedef struct {
    uint32_t domain, vcpu;  /* ... that ran here last, or VMM_VCPU_NONE */
    uint64_t insns, misses; /* as they were read last */
} pcpu_state;

typedef struct {
    vmm_runqueue *queue;
    uint32_t n_pcpus, n_vcpus; /* vCPUs that are at home here */
} domain;

typedef struct {
    vmm_host *h;
    const vmm_services *services;
    uint32_t n_pcpus, n_vcpus, n_domains;
    pcpu_state *pcpus;
    vcpu_state *vcpus;
    domain *domains;
    uint32_t *order; /* [n_vcpus]: scratch of distribute() */
    sim_ps period, next;
} dio;

/* ---- set-up ------------------------------------------------------------------------------------------------------------- */

static void find_domains(dio *d)
{
    bool packages = false;
    g_autofree uint32_t *names = g_new(uint32_t, d->n_pcpus);
    for (uint32_t i = 1; i < d->n_pcpus; i++)
        packages |= d->services->pcpu(d->h, i)->package != d->services->pcpu(d->h, 0)->package;
    for (uint32_t i = 0; i < d->n_pcpus; i++) {
        const vmm_pcpu_facts *p = d->services->pcpu(d->h, i);
        uint32_t name = packages ? p->package : p->core, k = 0;
        while (k < d->n_domains && names[k] != name)
            k++;
        if (k == d->n_domains)
            names[d->n_domains++] = name;
        d->pcpus[i] = (pcpu_state){ .domain = k, .vcpu = VMM_VCPU_NONE };
        d->domains[k].n_pcpus++;
    }
}

static void *dio_init(vmm_host *h, const vmm_services *services, const vmm_param_value *values)
{
    dio *d = g_new0(dio, 1);
    d->h = h;
    d->services = services;
    d->n_pcpus = services->n_pcpus(h);
    d->n_vcpus = services->n_vcpus(h);
    d->pcpus = g_new0(pcpu_state, d->n_pcpus);
    d->domains = g_new0(domain, d->n_pcpus);
    d->vcpus = g_new0(vcpu_state, d->n_vcpus + 1);
    d->order = g_new(uint32_t, d->n_vcpus + 1);
    d->period = d->next = values[P_PERIOD].u;
    find_domains(d);
    for (uint32_t k = 0; k < d->n_domains; k++) {
        d->domains[k].queue = vmm_runqueue_new(d->n_vcpus, d->n_pcpus);
        for (uint32_t i = 0; i < d->n_vcpus; i++)
            vmm_runqueue_admit(d->domains[k].queue, i, services->vcpu(h, i)->affinity);
    }
    for (uint32_t i = 0; i < d->n_pcpus; i++)
        services->emon_select(h, i, MISSES, services->emon_event(services->pcpu(h, i)->llc_lines ? "cache-misses" : "l2_rqsts.all_demand_miss"));
    return d;
}

static void dio_exit(void *self)
{
    dio *d = self;
    for (uint32_t k = 0; k < d->n_domains; k++)
        vmm_runqueue_free(d->domains[k].queue);
    g_free(d->domains);
    g_free(d->pcpus);
    g_free(d->vcpus);
    g_free(d->order);
    g_free(d);
}

/* ---- who is at home where ------------------------------------------------------------------------------------------------ */

static bool may_run_in(const dio *d, uint32_t vcpu, uint32_t k)
{
    const vmm_vcpu_facts *f = d->services->vcpu(d->h, vcpu);
    for (uint32_t i = 0; i < d->n_pcpus; i++)
        if (d->pcpus[i].domain == k && vmm_mask_has(f->affinity, i))
            return true;
    return false;
}

/* The domain with the most room for the vCPU: vCPUs for each of its pCPUs; of equal ones the first from `from` on, up or down. */
static uint32_t roomiest(const dio *d, uint32_t vcpu, uint32_t from, bool down)
{
    uint32_t best = UINT32_MAX;
    for (uint32_t i = 0; i < d->n_domains; i++) {
        uint32_t k = (down ? from + d->n_domains - i : from + i) % d->n_domains;
        if (!may_run_in(d, vcpu, k))
            continue;
        const domain *x = &d->domains[k], *y = best == UINT32_MAX ? NULL : &d->domains[best];
        if (!y || (uint64_t)x->n_vcpus * y->n_pcpus < (uint64_t)y->n_vcpus * x->n_pcpus)
            best = k;
    }
    return best;
}

static void move_home(dio *d, uint32_t vcpu, uint32_t k)
{
    vcpu_state *c = &d->vcpus[vcpu];
    d->domains[k].n_vcpus++;
    if (c->queued && c->home != k) {
        vmm_runqueue_remove(d->domains[c->home].queue, vcpu);
        vmm_runqueue_insert(d->domains[k].queue, vcpu, 0);
    }
    c->home = k;
}

static int intensive_first(gconstpointer a, gconstpointer b, gpointer user)
{
    const dio *d = user;
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    if (d->vcpus[x].rate != d->vcpus[y].rate)
        return d->vcpus[x].rate > d->vcpus[y].rate ? -1 : 1;
    return x < y ? -1 : x > y;
}

/* Deals the vCPUs out in order of their rates, to and fro over the domains. */
static void distribute(dio *d)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < d->n_vcpus; i++) {
        vcpu_state *c = &d->vcpus[i];
        if (!c->present)
            continue;
        if (c->insns)
            c->rate = c->rate / 2 + (uint64_t)((unsigned __int128)c->misses * 1000000 / c->insns) / 2;
        c->insns = c->misses = 0;
        d->order[n++] = i;
    }
    g_qsort_with_data(d->order, (gint)n, sizeof *d->order, intensive_first, d);
    for (uint32_t k = 0; k < d->n_domains; k++)
        d->domains[k].n_vcpus = 0;
    for (uint32_t i = 0; i < n; i++) {
        bool down = i / d->n_domains % 2;
        uint32_t step = i % d->n_domains, k = roomiest(d, d->order[i], down ? d->n_domains - 1 - step : step, down);
        move_home(d, d->order[i], k);
    }
}

/* Books what the counters of the pCPU have counted for the vCPU that ran on it. */
static void sample(dio *d, uint32_t pcpu)
{
    pcpu_state *p = &d->pcpus[pcpu];
    uint64_t insns = d->services->emon_read_fixed(d->h, pcpu, FIXED_INSNS), misses = d->services->emon_read(d->h, pcpu, MISSES);
    if (p->vcpu != VMM_VCPU_NONE) {
        d->vcpus[p->vcpu].insns += (insns - p->insns) & COUNTER_MASK;
        d->vcpus[p->vcpu].misses += (misses - p->misses) & COUNTER_MASK;
    }
    p->insns = insns;
    p->misses = misses;
}

/* ---- hooks ---------------------------------------------------------------------------------------------------------------- */

static void dio_insert(void *self, uint32_t vcpu)
{
    dio *d = self;
    d->vcpus[vcpu].present = true;
    move_home(d, vcpu, roomiest(d, vcpu, 0, false));
}

static void leave_queue(dio *d, uint32_t vcpu)
{
    vcpu_state *c = &d->vcpus[vcpu];
    if (c->queued)
        vmm_runqueue_remove(d->domains[c->home].queue, vcpu);
    c->queued = false;
}

static void dio_remove(void *self, uint32_t vcpu)
{
    dio *d = self;
    leave_queue(d, vcpu);
    d->vcpus[vcpu].present = false;
    d->domains[d->vcpus[vcpu].home].n_vcpus--;
}

static void enter_queue(dio *d, uint32_t vcpu)
{
    vcpu_state *c = &d->vcpus[vcpu];
    if (!c->queued)
        vmm_runqueue_insert(d->domains[c->home].queue, vcpu, 0);
    c->queued = true;
}

static void dio_wake(void *self, uint32_t vcpu)
{
    enter_queue(self, vcpu);
}

static void dio_sleep(void *self, uint32_t vcpu)
{
    leave_queue(self, vcpu);
}

static void dio_context_saved(void *self, G_GNUC_UNUSED uint32_t pcpu, uint32_t vcpu, G_GNUC_UNUSED vmm_off_reason why)
{
    enter_queue(self, vcpu);
}

/* An idle one of its domain, else any idle one, else one of its domain. */
static uint32_t dio_pick_pcpu(void *self, uint32_t vcpu)
{
    const dio *d = self;
    const vmm_vcpu_facts *f = d->services->vcpu(d->h, vcpu);
    const uint64_t *idle = d->services->idle_mask(d->h);
    uint32_t any_idle = VMM_PCPU_NONE, at_home = VMM_PCPU_NONE;
    for (uint32_t i = 0; i < d->n_pcpus; i++) {
        if (!vmm_mask_has(f->affinity, i))
            continue;
        bool home = d->pcpus[i].domain == d->vcpus[vcpu].home;
        if (home && vmm_mask_has(idle, i))
            return i;
        if (home && at_home == VMM_PCPU_NONE)
            at_home = i;
        if (any_idle == VMM_PCPU_NONE && vmm_mask_has(idle, i))
            any_idle = i;
    }
    return any_idle != VMM_PCPU_NONE ? any_idle : at_home;
}

static vmm_choice dio_schedule(void *self, uint32_t pcpu, sim_ps now)
{
    dio *d = self;
    sample(d, pcpu);
    if (now >= d->next) {
        distribute(d);
        d->next = (now / d->period + 1) * d->period;
    }
    uint32_t home = d->pcpus[pcpu].domain, vcpu = VMM_VCPU_NONE;
    for (uint32_t i = 0; i < d->n_domains && vcpu == VMM_VCPU_NONE; i++)
        vcpu = vmm_runqueue_first(d->domains[(home + i) % d->n_domains].queue, pcpu);
    d->pcpus[pcpu].vcpu = vcpu;
    if (vcpu == VMM_VCPU_NONE)
        return (vmm_choice){ .vcpu = VMM_VCPU_NONE };
    leave_queue(d, vcpu);
    return (vmm_choice){ .vcpu = vcpu, .reason = d->vcpus[vcpu].home == home ? "at home" : "from another domain" };
}

const struct vmm_policy_ops vmm_policy_dio = {
    .abi_version = VMM_POLICY_ABI,
    .struct_size = sizeof(struct vmm_policy_ops),
    .name = "dio",
    .summary = "vCPUs that miss the last-level cache much are spread over the caches (DIO)",
    .params = params,
    .n_params = N_PARAMS,
    .init = dio_init,
    .exit = dio_exit,
    .vcpu_insert = dio_insert,
    .vcpu_remove = dio_remove,
    .wake = dio_wake,
    .sleep = dio_sleep,
    .context_saved = dio_context_saved,
    .pick_pcpu = dio_pick_pcpu,
    .schedule = dio_schedule,
};
