/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "credit2.h"

/* ---- setting up --------------------------------------------------------------------------------------------------- */

/* The pCPUs that would share a run queue with this one, but for their number. */
static const pcpu_mask *domain_of(const credit2 *c, uint32_t pcpu, pcpu_mask *alone)
{
    switch (c->p[P_RUNQUEUE].u) {
    case 0:
        *alone = (pcpu_mask){ { 0 } };
        pcpu_mask_add(alone, pcpu);
        return alone;
    case 1:
        return &c->topology.core[pcpu];
    case 2:
        return &c->topology.package[pcpu];
    default:
        return &c->topology.all;
    }
}

static void add_queue(credit2 *c, const pcpu_mask *pcpus)
{
    c2_queue *q = &c->queues[c->n_queues];
    *q = (c2_queue){ .queue = vmm_runqueue_new(c->n_vcpus, c->topology.n), .pcpus = *pcpus, .n_pcpus = pcpu_mask_count(pcpus), .max_weight = 1,
                     .vcpus = g_array_sized_new(FALSE, FALSE, sizeof(uint32_t), c->n_vcpus) };
    q->pick_bias = c->topology.n - 1;
    for (uint32_t i = 0; i < c->n_vcpus; i++)
        vmm_runqueue_admit(q->queue, i, c2_facts(c, i)->affinity);
    for (uint32_t p = pcpu_mask_from(pcpus, 0); p != VMM_PCPU_NONE; p = pcpu_mask_from(pcpus, p + 1))
        c->queue_of[p] = c->n_queues;
    c->n_queues++;
}

/* The next queue's pCPUs: of the domain of the first one that is left, an even part of at most max-pcpus, cores whole where that is possible. */
static pcpu_mask take_part(const credit2 *c, pcpu_mask *left)
{
    pcpu_mask alone, part = { { 0 } };
    uint32_t first = pcpu_mask_from(left, 0);
    pcpu_mask rest = pcpu_mask_and(domain_of(c, first, &alone), left->w);
    unsigned n = pcpu_mask_count(&rest), parts = (n + (unsigned)c->p[P_MAX_PCPUS].u - 1) / (unsigned)c->p[P_MAX_PCPUS].u;
    unsigned most = (n + parts - 1) / parts, taken = 0;
    for (uint32_t p = first; p != VMM_PCPU_NONE && taken < most; p = pcpu_mask_from(&rest, 0)) {
        pcpu_mask core = pcpu_mask_and(&c->topology.core[p], rest.w);
        for (uint32_t s = pcpu_mask_from(&core, 0); s != VMM_PCPU_NONE && taken < most; s = pcpu_mask_from(&core, s + 1), taken++) {
            pcpu_mask_add(&part, s);
            pcpu_mask_drop(&rest, s);
        }
    }
    *left = pcpu_mask_without(left, &part);
    return part;
}

void c2_init_queues(credit2 *c)
{
    pcpu_mask left = c->topology.all;
    uint32_t n = c->topology.n;
    c->queues = g_new0(c2_queue, n);
    c->queue_of = g_new0(uint32_t, n);
    c->own = g_new0(vmm_runqueue *, n);
    c->kept = g_new(uint32_t, n);
    while (!pcpu_mask_empty(&left)) {
        pcpu_mask part = take_part(c, &left);
        add_queue(c, &part);
    }
    for (uint32_t p = 0; p < n; p++) {
        c->kept[p] = VMM_VCPU_NONE;
        c->own[p] = vmm_runqueue_new(c->n_vcpus, n);
        for (uint32_t i = 0; i < c->n_vcpus; i++)
            if (vmm_mask_has(c2_facts(c, i)->affinity, p))
                vmm_runqueue_admit(c->own[p], i, c2_facts(c, i)->affinity);
    }
}

/* ---- credit ------------------------------------------------------------------------------------------------------- */

/* [burn_credits, t2c_update] */
void c2_burn(credit2 *c, uint32_t vcpu, uint32_t pcpu, sim_ps now)
{
    c2_vcpu *v = &c->vcpus[vcpu];
    sim_ps ran = stints_take(&c->clock, vcpu, pcpu, now);
    int64_t cost = (int64_t)((unsigned __int128)ran * c2_queue_of(c, vcpu)->max_weight / v->weight);
    v->credit = MAX(v->credit - cost, -CREDIT_INIT);
    c->vms[c2_facts(c, vcpu)->vm].budget -= (int64_t)ran;
}

bool c2_over_cap(const credit2 *c, uint32_t vcpu)
{
    const c2_vm *vm = &c->vms[c2_facts(c, vcpu)->vm];
    return vm->cap && vm->budget <= 0;
}

/* ---- queues ------------------------------------------------------------------------------------------------------- */

void c2_count(credit2 *c, uint32_t vcpu, int change, sim_ps now)
{
    sim_ps window = c->p[P_WINDOW].u;
    credit2_load_update(&c2_queue_of(c, vcpu)->load, change, window, now);
    credit2_load_update(&c->vcpus[vcpu].load, change, window, now);
}

void c2_queue_insert(credit2 *c, uint32_t vcpu)
{
    const c2_vcpu *v = &c->vcpus[vcpu];
    vmm_runqueue_insert(c2_queue_of(c, vcpu)->queue, vcpu, -v->credit);
    vmm_runqueue_insert(c->own[v->home], vcpu, -v->credit);
}

void c2_queue_drop(credit2 *c, uint32_t vcpu)
{
    c2_vcpu *v = &c->vcpus[vcpu];
    if (v->rq == UINT32_MAX)
        return;
    vmm_runqueue_remove(c2_queue_of(c, vcpu)->queue, vcpu);
    vmm_runqueue_remove(c->own[v->home], vcpu);
    if (v->kept_for != VMM_PCPU_NONE)
        c->kept[v->kept_for] = VMM_VCPU_NONE;
    v->kept_for = VMM_PCPU_NONE;
}

/* The pCPU looks for work now: what waits for it is in the queue again. */
void c2_unkeep(credit2 *c, uint32_t pcpu)
{
    uint32_t vcpu = c->kept[pcpu];
    pcpu_mask_drop(&c->tickled, pcpu);
    if (vcpu == VMM_VCPU_NONE)
        return;
    c->kept[pcpu] = VMM_VCPU_NONE;
    c->vcpus[vcpu].kept_for = VMM_PCPU_NONE;
    c2_queue_insert(c, vcpu);
}

void c2_assign(credit2 *c, uint32_t vcpu, uint32_t rq)
{
    c2_vcpu *v = &c->vcpus[vcpu];
    c2_queue *q = &c->queues[rq];
    pcpu_mask may = pcpu_mask_and(&q->pcpus, c2_facts(c, vcpu)->affinity);
    v->rq = rq;
    v->go_to = UINT32_MAX;
    v->place = q->vcpus->len;
    g_array_append_val(q->vcpus, vcpu);
    q->max_weight = MAX(q->max_weight, v->weight);
    q->load.average += v->load.average;
    v->home = q->pick_bias = pcpu_mask_cycle(&may, q->pick_bias);
}

void c2_unassign(credit2 *c, uint32_t vcpu)
{
    c2_vcpu *v = &c->vcpus[vcpu];
    c2_queue *q = c2_queue_of(c, vcpu);
    uint32_t last = g_array_index(q->vcpus, uint32_t, q->vcpus->len - 1);
    g_array_remove_index_fast(q->vcpus, v->place);
    c->vcpus[last].place = v->place;
    q->load.average = MAX(q->load.average - v->load.average, 0);
    v->rq = UINT32_MAX;
    if (v->weight < q->max_weight)
        return;
    q->max_weight = 1;
    for (unsigned i = 0; i < q->vcpus->len; i++)
        q->max_weight = MAX(q->max_weight, c->vcpus[g_array_index(q->vcpus, uint32_t, i)].weight);
}

/* ---- tickling [runq_tickle] --------------------------------------------------------------------------------------- */

void c2_ask(credit2 *c, uint32_t pcpu)
{
    pcpu_mask_add(&c->tickled, pcpu);
    c->services->resched(c->h, pcpu);
}

/* The pCPU is to take the vCPU, and nobody else is. */
static void keep_for(credit2 *c, uint32_t vcpu, uint32_t pcpu)
{
    c2_queue_drop(c, vcpu);
    c->vcpus[vcpu].kept_for = pcpu;
    c->kept[pcpu] = vcpu;
    c2_ask(c, pcpu);
}

/* An idle pCPU of the set: of a core that idles as a whole if there is one, the home first. */
static uint32_t idle_of(const credit2 *c, const pcpu_mask *may, uint32_t home)
{
    pcpu_mask idle = pcpu_mask_and(may, c->services->idle_mask(c->h)), whole = { { 0 } };
    for (uint32_t p = pcpu_mask_from(&idle, 0); p != VMM_PCPU_NONE; p = pcpu_mask_from(&idle, p + 1)) {
        pcpu_mask core = pcpu_mask_and(&c->topology.core[p], c->services->idle_mask(c->h));
        if (!memcmp(&core, &c->topology.core[p], sizeof core))
            pcpu_mask_add(&whole, p);
    }
    uint32_t best = pcpu_mask_test_or_cycle(&whole, home);
    return best != VMM_PCPU_NONE ? best : pcpu_mask_test_or_cycle(&idle, home);
}

/* How much more credit the vCPU has than what runs on the pCPU; 0: too little, or that one has not had its rate limit. */
static int64_t score(credit2 *c, uint32_t vcpu, uint32_t pcpu)
{
    uint32_t who = pcpu == c->at ? c->next : c->services->pcpu(c->h, pcpu)->vcpu;
    sim_ps now = c->services->now(c->h, pcpu), limit = c->p[P_RATELIMIT].u;
    if (who == VMM_VCPU_NONE || (limit > TOLERANCE && stints_length(&c->clock, who, pcpu, now) <= limit - TOLERANCE))
        return 0;
    if (pcpu != c->at)
        c2_burn(c, who, pcpu, now);
    int64_t more = c->vcpus[vcpu].credit - c->vcpus[who].credit;
    return MAX(more - (c->vcpus[vcpu].home == pcpu ? 0 : (int64_t)c->p[P_RESIST].u), 0);
}

void c2_tickle(credit2 *c, uint32_t vcpu)
{
    c2_queue *q = c2_queue_of(c, vcpu);
    uint32_t home = c->vcpus[vcpu].home, best = VMM_PCPU_NONE;
    pcpu_mask may = pcpu_mask_and(&q->pcpus, c2_facts(c, vcpu)->affinity), left = pcpu_mask_without(&may, &c->tickled);
    uint32_t idle = idle_of(c, &may, home);
    if (idle != VMM_PCPU_NONE) {
        keep_for(c, vcpu, idle);
        return;
    }
    int64_t most = pcpu_mask_has(&left, home) ? score(c, vcpu, home) : 0;
    if (most > 0) {
        keep_for(c, vcpu, home);
        return;
    }
    for (uint32_t p = pcpu_mask_from(&left, 0); p != VMM_PCPU_NONE; p = pcpu_mask_from(&left, p + 1)) {
        int64_t more = p == home ? 0 : score(c, vcpu, p);
        if (more > most) {
            most = more;
            best = p;
        }
    }
    if (best != VMM_PCPU_NONE)
        keep_for(c, vcpu, best);
}

void c2_enqueue(credit2 *c, uint32_t vcpu)
{
    c2_queue_insert(c, vcpu);
    c2_tickle(c, vcpu);
}
