/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fair-balance.h"

#include <glib.h>

/* Of kernel/sched: a busy CPU balances a domain of n CPUs each 16 x n - 1 ms (busy_factor 16, min_interval = n; get_sd_balance_interval), when the
 * other has 17% more (imbalance_pct 117), moves 32 threads at the most (sysctl_sched_nr_migrate), and hot ones only after more than one failure
 * (cache_nice_tries 1). */
enum { BUSY_FACTOR = 16, IMBALANCE_PERCENT = 117, MOST_MOVES = 32, NICE_TRIES = 1 };

void fair_balance_init(fair_balance *b, vmm_host *h, const vmm_services *services, sim_ps migration_cost,
                       void (*move)(void *user, uint32_t vcpu, uint32_t to), void *user)
{
    uint32_t n = services->n_vcpus(h);
    *b = (fair_balance){ .h = h, .services = services, .migration_cost = migration_cost, .move = move, .user = user };
    pcpu_topology_init(&b->topology, h, services);
    uint32_t n_pcpus = b->topology.n;
    b->waiting = g_new0(vmm_runqueue *, n_pcpus);
    b->load = g_new0(uint64_t, n_pcpus);
    b->count = g_new0(uint32_t, n_pcpus);
    b->where = g_new(uint32_t, n);
    b->last_ran = g_new0(sim_ps, n);
    b->due = g_malloc0_n(n_pcpus, sizeof *b->due);
    b->failed = g_malloc0_n(n_pcpus, sizeof *b->failed);
    for (uint32_t i = 0; i < n; i++)
        b->where[i] = VMM_PCPU_NONE;
    for (uint32_t p = 0; p < n_pcpus; p++) {
        b->waiting[p] = vmm_runqueue_new(n, n_pcpus);
        for (uint32_t i = 0; i < n; i++)
            if (vmm_mask_has(services->vcpu(h, i)->affinity, p))
                vmm_runqueue_admit(b->waiting[p], i, services->vcpu(h, i)->affinity);
    }
}

void fair_balance_clear(fair_balance *b)
{
    for (uint32_t p = 0; p < b->topology.n; p++)
        vmm_runqueue_free(b->waiting[p]);
    g_free(b->waiting);
    g_free(b->load);
    g_free(b->count);
    g_free(b->where);
    g_free(b->last_ran);
    g_free(b->due);
    g_free(b->failed);
    pcpu_topology_clear(&b->topology);
}

/* ---- placing ------------------------------------------------------------------------------------------------------ */

static bool core_idles(const fair_balance *b, uint32_t pcpu)
{
    pcpu_mask idle = pcpu_mask_and(&b->topology.core[pcpu], b->services->idle_mask(b->h));
    return !memcmp(&idle, &b->topology.core[pcpu], sizeof idle);
}

/* An idle pCPU of `among`, from the one after `after` on, or VMM_PCPU_NONE. */
static uint32_t find_idle(const fair_balance *b, const pcpu_mask *among, uint32_t after)
{
    pcpu_mask idle = pcpu_mask_and(among, b->services->idle_mask(b->h)), left = idle;
    for (uint32_t p = pcpu_mask_cycle(&left, after); p != VMM_PCPU_NONE; p = pcpu_mask_cycle(&left, p)) {
        if (core_idles(b, p))
            return p;
        pcpu_mask_drop(&left, p);
    }
    return pcpu_mask_cycle(&idle, after);
}

static uint32_t least_loaded(const fair_balance *b, const pcpu_mask *among)
{
    uint32_t best = VMM_PCPU_NONE;
    for (uint32_t p = pcpu_mask_from(among, 0); p != VMM_PCPU_NONE; p = pcpu_mask_from(among, p + 1))
        if (best == VMM_PCPU_NONE || b->load[p] < b->load[best])
            best = p;
    return best;
}

uint32_t fair_select(const fair_balance *b, uint32_t vcpu)
{
    const vmm_vcpu_facts *f = b->services->vcpu(b->h, vcpu);
    pcpu_mask may = pcpu_mask_of(f->affinity);
    uint32_t last = f->pcpu;
    if (last == VMM_PCPU_NONE) {
        uint32_t idle = find_idle(b, &may, b->topology.n - 1);
        return idle != VMM_PCPU_NONE ? idle : least_loaded(b, &may);
    }
    if (vmm_mask_has(b->services->idle_mask(b->h), last))
        return last;
    pcpu_mask near = pcpu_mask_and(&may, b->topology.package[last].w);
    uint32_t idle = find_idle(b, &near, last);
    return idle != VMM_PCPU_NONE ? idle : last;
}

/* ---- queues ------------------------------------------------------------------------------------------------------- */

void fair_join(fair_balance *b, uint32_t vcpu, uint32_t pcpu)
{
    g_assert(b->where[vcpu] == VMM_PCPU_NONE);
    b->where[vcpu] = pcpu;
    b->load[pcpu] += b->services->vcpu(b->h, vcpu)->weight;
    b->count[pcpu]++;
}

void fair_leave(fair_balance *b, uint32_t vcpu)
{
    uint32_t pcpu = b->where[vcpu];
    if (pcpu == VMM_PCPU_NONE)
        return;
    fair_run(b, vcpu);
    b->where[vcpu] = VMM_PCPU_NONE;
    b->load[pcpu] -= b->services->vcpu(b->h, vcpu)->weight;
    b->count[pcpu]--;
}

void fair_wait(fair_balance *b, uint32_t vcpu)
{
    vmm_runqueue_insert(b->waiting[b->where[vcpu]], vcpu, 0);
}

void fair_run(fair_balance *b, uint32_t vcpu)
{
    vmm_runqueue_remove(b->waiting[b->where[vcpu]], vcpu);
}

/* ---- balancing ---------------------------------------------------------------------------------------------------- */

static const pcpu_mask *domain_of(const fair_balance *b, uint32_t pcpu, unsigned level)
{
    return level == 0 ? &b->topology.core[pcpu] : level == 1 ? &b->topology.package[pcpu] : &b->topology.all;
}

/* The most loaded other pCPU of the domain where somebody waits who may run here, or VMM_PCPU_NONE. */
static uint32_t busiest(const fair_balance *b, uint32_t pcpu, const pcpu_mask *domain)
{
    uint32_t best = VMM_PCPU_NONE;
    for (uint32_t p = pcpu_mask_from(domain, 0); p != VMM_PCPU_NONE; p = pcpu_mask_from(domain, p + 1)) {
        if (p == pcpu || (best != VMM_PCPU_NONE && b->load[p] <= b->load[best]))
            continue;
        if (vmm_runqueue_first(b->waiting[p], pcpu) != VMM_VCPU_NONE)
            best = p;
    }
    return best;
}

bool fair_pull_idle(fair_balance *b, uint32_t pcpu)
{
    for (unsigned level = 0; level < FAIR_DOMAINS; level++) {
        uint32_t from = busiest(b, pcpu, domain_of(b, pcpu, level));
        if (from == VMM_PCPU_NONE)
            continue;
        b->move(b->user, vmm_runqueue_first(b->waiting[from], pcpu), pcpu);
        return true;
    }
    return false;
}

/* How many vCPUs were moved. */
static unsigned pull(fair_balance *b, uint32_t from, uint32_t pcpu, unsigned failed, sim_ps now)
{
    uint64_t imbalance = (b->load[from] - b->load[pcpu]) / 2;
    unsigned moved = 0;
    while (moved < MOST_MOVES && b->count[from] > 1) {
        uint32_t vcpu = vmm_runqueue_first(b->waiting[from], pcpu);
        if (vcpu == VMM_VCPU_NONE)
            break;
        uint64_t weight = b->services->vcpu(b->h, vcpu)->weight;
        bool hot = now < b->last_ran[vcpu] + b->migration_cost && failed <= NICE_TRIES;
        if (hot || weight >> MIN(failed, 16) > imbalance)
            break;
        b->move(b->user, vcpu, pcpu);
        imbalance -= MIN(weight, imbalance);
        moved++;
    }
    return moved;
}

static void balance(fair_balance *b, uint32_t pcpu, unsigned level, sim_ps now)
{
    uint32_t from = busiest(b, pcpu, domain_of(b, pcpu, level));
    if (from == VMM_PCPU_NONE || b->load[from] * 100 <= b->load[pcpu] * IMBALANCE_PERCENT)
        return;
    unsigned *failed = &b->failed[pcpu][level];
    *failed = pull(b, from, pcpu, *failed, now) ? 0 : *failed + 1;
}

void fair_tick(fair_balance *b, uint32_t pcpu, sim_ps now)
{
    unsigned size = 1;
    for (unsigned level = 0; level < FAIR_DOMAINS; level++) {
        unsigned n = pcpu_mask_count(domain_of(b, pcpu, level));
        if (n == size)
            continue;
        size = n;
        if (now < b->due[pcpu][level])
            continue;
        bool first = b->due[pcpu][level] == 0;
        b->due[pcpu][level] = now + (sim_ps)(BUSY_FACTOR * n - 1) * SIM_PS_PER_MS;
        if (!first)
            balance(b, pcpu, level, now);
    }
}
