/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What was possible: at each decision the simulation is copied, once for each alternative, the copies go a bounded way ahead, and the best is taken.
 * No real VMM can do that, as trials take no time; it is a bound to hold other policies against, within the alternatives that it tries and
 * as far as it looks.
 *
 * The alternatives: one of the vCPUs at the head of the round-robin queue for its pre-assigned quantum, then for the best of them half and one and a half
 * times the quantum; where one wakes, whether it takes the place of the one that runs where it ran last. The measure: the sum over all vCPUs of the
 * instructions that each retires in the trial, over its rate in all trials so far while it did not wait for a processor: the time that the work would have
 * taken it alone, as in the system throughput of S. Eyerman and L. Eeckhout, "System-level performance metrics for multiprogram workloads", IEEE Micro
 * 28(3), 2008, with the rate seen so far in the place of that of a run alone. Within a trial, and where the simulation cannot be copied, it is round-robin. */
#include "policies.h"
#include "vmm-runqueue.h"

#include <glib.h>
#include <string.h>

enum { HORIZON, BREADTH, PATIENCE, STRETCH, N_PARAMS };
enum { MAX_BREADTH = 8 };
G_STATIC_ASSERT((int)MAX_BREADTH <= (int)VMM_MAX_TRIALS);

static const vmm_param oracle_params[N_PARAMS] = {
    [HORIZON] = { "horizon", VMM_PARAM_TIME, { .u = 0 }, { .u = 0 }, { .u = VMM_QUANTUM_MAX },
                  "how far a trial goes ahead; 0: two quanta of the vCPU whose turn it is" },
    [BREADTH] = { "breadth", VMM_PARAM_UINT, { .u = 3 }, { .u = 1 }, { .u = MAX_BREADTH }, "vCPUs at the head of the queue that are tried" },
    [PATIENCE] = { "patience", VMM_PARAM_UINT, { .u = 2 }, { .u = 0 }, { .u = 1000 }, "times that a vCPU may be passed over before it is the only choice" },
    [STRETCH] = { "stretch", VMM_PARAM_BOOL, { .b = true }, { .u = 0 }, { .u = 0 }, "try half a quantum and one and a half, too" },
};

typedef struct {
    uint64_t insns;
    sim_ps own;      /* running and blocked: the time that it would have taken alone */
    uint32_t passed; /* over, since it ran last */
} history;

/* Of a pCPU whose quantum was broken off, as somebody woke. */
typedef struct {
    uint32_t vcpu, woken; /* who ran; or VMM_VCPU_NONE */
    sim_ps left;          /* of its quantum */
} broken_off;

typedef struct {
    vmm_host *h;
    const vmm_services *services;
    vmm_runqueue *queue;
    sim_ps horizon;
    uint32_t breadth, patience, n_vcpus;
    bool stretch, copy;  /* this is a copy, or none can be made */
    broken_off *broken;  /* [pCPU] */
    history *histories;  /* [vCPU] */
    vmm_trial *outcomes; /* [VMM_MAX_TRIALS][n_vcpus] */
} oracle;

static void *oracle_init(vmm_host *h, const vmm_services *services, const vmm_param_value *values)
{
    oracle *o = g_new0(oracle, 1);
    *o = (oracle){ .h = h, .services = services, .horizon = values[HORIZON].u, .breadth = (uint32_t)values[BREADTH].u,
                   .patience = (uint32_t)values[PATIENCE].u, .stretch = values[STRETCH].b, .n_vcpus = services->n_vcpus(h) };
    o->queue = vmm_runqueue_new(o->n_vcpus, services->n_pcpus(h));
    o->histories = g_new0(history, o->n_vcpus + 1);
    o->outcomes = g_new0(vmm_trial, (size_t)VMM_MAX_TRIALS * (o->n_vcpus + 1));
    o->broken = g_new(broken_off, services->n_pcpus(h));
    for (uint32_t i = 0; i < services->n_pcpus(h); i++)
        o->broken[i] = (broken_off){ VMM_VCPU_NONE, VMM_VCPU_NONE, 0 };
    for (uint32_t i = 0; i < o->n_vcpus; i++)
        vmm_runqueue_admit(o->queue, i, services->vcpu(h, i)->affinity);
    return o;
}

static void oracle_exit(void *self)
{
    oracle *o = self;
    vmm_runqueue_free(o->queue);
    g_free(o->broken);
    g_free(o->histories);
    g_free(o->outcomes);
    g_free(o);
}

static void oracle_wake(void *self, uint32_t vcpu)
{
    oracle *o = self;
    vmm_runqueue_insert(o->queue, vcpu, 0);
    const vmm_vcpu_facts *f = o->services->vcpu(o->h, vcpu);
    uint32_t last = f->pcpu;
    const uint64_t *idle = o->services->idle_mask(o->h);
    for (unsigned w = 0; w < VMM_MASK_WORDS; w++)
        if (idle[w] & f->affinity[w])
            return;
    if (o->copy || last == VMM_PCPU_NONE || o->services->pcpu(o->h, last)->vcpu == VMM_VCPU_NONE || o->broken[last].woken != VMM_VCPU_NONE)
        return;
    o->broken[last].woken = vcpu;
    o->services->resched(o->h, last);
}

static void oracle_sleep(void *self, uint32_t vcpu)
{
    vmm_runqueue_remove(((oracle *)self)->queue, vcpu);
}

static void oracle_context_saved(void *self, uint32_t pcpu, uint32_t vcpu, vmm_off_reason why)
{
    oracle *o = self;
    sim_ps now = o->services->now(o->h, pcpu), end = o->services->pcpu(o->h, pcpu)->quantum_end;
    bool goes_on = why == VMM_OFF_PREEMPTED && o->broken[pcpu].woken != VMM_VCPU_NONE && end >= now + VMM_QUANTUM_MIN;
    if (goes_on) {
        o->broken[pcpu].vcpu = vcpu;
        o->broken[pcpu].left = end - now;
    }
    if (goes_on || why == VMM_OFF_REFUSED)
        vmm_runqueue_insert_front(o->queue, vcpu, 0);
    else
        vmm_runqueue_insert(o->queue, vcpu, 0);
}

/* Learns from trials what the vCPUs' rates are. */
static void learn(oracle *o, const vmm_trial *outcomes, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        for (uint32_t v = 0; v < o->n_vcpus; v++) {
            o->histories[v].insns += outcomes[i * o->n_vcpus + v].insns;
            o->histories[v].own += outcomes[i * o->n_vcpus + v].running + outcomes[i * o->n_vcpus + v].blocked;
        }
    }
}

/* Picoseconds' worth of work that a trial did. */
static double worth(const oracle *o, const vmm_trial *outcome)
{
    double sum = 0;
    for (uint32_t v = 0; v < o->n_vcpus; v++)
        if (o->histories[v].insns)
            sum += (double)outcome[v].insns * (double)o->histories[v].own / (double)o->histories[v].insns;
    return sum;
}

/* Takes the vCPU out of the queue, if it is there and may run here. False: no more are wanted, as it has been passed over often enough. */
static bool take(oracle *o, uint32_t pcpu, uint32_t vcpu, sim_ps quantum, vmm_choice *choices, uint32_t *n)
{
    if (vcpu == VMM_VCPU_NONE || !vmm_runqueue_contains(o->queue, vcpu))
        return true;
    const vmm_vcpu_facts *f = o->services->vcpu(o->h, vcpu);
    if (!vmm_mask_has(f->affinity, pcpu))
        return true;
    vmm_runqueue_remove(o->queue, vcpu);
    choices[(*n)++] = (vmm_choice){ .vcpu = vcpu, .quantum = quantum ? quantum : f->quantum, .reason = "turn" };
    return o->histories[vcpu].passed < o->patience;
}


/* Whose quantum was broken off, and for whom (it goes on right after, so it does not count as passed over); else the first of the queue. All are taken out
 * of it; the first is round-robin's choice. */
static uint32_t take_candidates(oracle *o, uint32_t pcpu, vmm_choice *choices)
{
    uint32_t n = 0;
    broken_off b = o->broken[pcpu];
    o->broken[pcpu] = (broken_off){ VMM_VCPU_NONE, VMM_VCPU_NONE, 0 };
    take(o, pcpu, b.vcpu, b.left, choices, &n);
    if (n) {
        o->histories[b.vcpu].passed = 0;
        take(o, pcpu, b.woken, 0, choices, &n);
        return n;
    }
    bool more = true;
    while (more && n < o->breadth) {
        uint32_t vcpu = vmm_runqueue_first(o->queue, pcpu);
        if (vcpu == VMM_VCPU_NONE)
            break;
        more = take(o, pcpu, vcpu, 0, choices, &n);
    }
    return n;
}

static sim_ps span_of(const oracle *o, const vmm_choice *head)
{
    return o->horizon ? o->horizon : MIN(2 * head->quantum, VMM_QUANTUM_MAX);
}

/* The best of `n` choices, the first of equals, and what it is worth above the first in thousandths; in a copy the one that it is for. The outcomes of the
 * first `known` are there. False: no trials can be had, or this is a copy. */
static bool try_all(oracle *o, uint32_t pcpu, const vmm_choice *choices, uint32_t n, uint32_t known, sim_ps span, uint32_t *best, int64_t *gain)
{
    vmm_trial *fresh = o->outcomes + (size_t)known * o->n_vcpus;
    int made = n > known ? o->services->what_if(o->h, pcpu, choices + known, n - known, span, fresh) : VMM_TRIALS_MADE;
    *best = made >= 0 ? known + (uint32_t)made : 0;
    o->copy |= made != VMM_TRIALS_MADE;
    if (o->copy)
        return false;
    learn(o, fresh, n - known);
    double first = worth(o, o->outcomes), most = first;
    for (uint32_t i = 1; i < n; i++) {
        double w = worth(o, o->outcomes + (size_t)i * o->n_vcpus);
        if (w > most) {
            most = w;
            *best = i;
        }
    }
    *gain = first > 0 ? (int64_t)((most / first - 1) * 1000 + 0.5) : 0;
    return true;
}

/* Puts the candidates back where they were but for the one chosen, which passed those before it over. */
static void put_back(oracle *o, const vmm_choice *choices, uint32_t n, uint32_t chosen)
{
    for (uint32_t i = n; i-- > 0;) {
        if (i == chosen)
            continue;
        vmm_runqueue_put_back(o->queue, choices[i].vcpu);
        o->histories[choices[i].vcpu].passed += i < chosen;
    }
    o->histories[choices[chosen].vcpu].passed = 0;
}

/* Half and one and a half times the quantum, where they are within bounds, behind the whole. */
static uint32_t stretches(const vmm_choice *chosen, vmm_choice tries[3])
{
    uint32_t n = 0;
    tries[n++] = *chosen;
    if (chosen->quantum / 2 >= VMM_QUANTUM_MIN)
        tries[n++] = (vmm_choice){ .vcpu = chosen->vcpu, .quantum = chosen->quantum / 2, .reason = "trial" };
    if (chosen->quantum / 2 * 3 <= VMM_QUANTUM_MAX)
        tries[n++] = (vmm_choice){ .vcpu = chosen->vcpu, .quantum = chosen->quantum / 2 * 3, .reason = "trial" };
    return n;
}

/* Records a choice that is not round-robin's. */
static void tell(const oracle *o, uint32_t pcpu, const vmm_choice *turn, const vmm_choice *chosen, int64_t by_vcpu, int64_t by_quantum)
{
    if (chosen->vcpu == turn->vcpu && chosen->quantum == turn->quantum)
        return;
    const vmm_vcpu_facts *f = o->services->vcpu(o->h, chosen->vcpu);
    vmm_decision d = {
        .pcpu = pcpu, .vm = f->vm, .reason = "trial", .before = f->quantum, .after = chosen->quantum,
        .action = chosen->quantum > f->quantum ? "extend" : chosen->quantum < f->quantum ? "decrease" : "prefer",
        .evidence = { "gain-by-vcpu-permille", "gain-by-quantum-permille", "passed-over-vm" },
        .value = { by_vcpu, by_quantum, (int64_t)o->services->vcpu(o->h, turn->vcpu)->vm },
    };
    if (chosen->vcpu == turn->vcpu)
        d.evidence[2] = NULL;
    o->services->note(o->h, &d);
}

static vmm_choice oracle_schedule(void *self, uint32_t pcpu, G_GNUC_UNUSED sim_ps now)
{
    oracle *o = self;
    vmm_choice choices[MAX_BREADTH], tries[3];
    uint32_t n = take_candidates(o, pcpu, choices), best = 0, stretch = 0;
    int64_t by_vcpu = 0, by_quantum = 0;
    if (!n)
        return (vmm_choice){ .vcpu = VMM_VCPU_NONE };
    sim_ps span = span_of(o, &choices[0]);
    bool on = o->copy ? false : n == 1 || try_all(o, pcpu, choices, n, 0, span, &best, &by_vcpu);
    vmm_choice turn = choices[0], chosen = choices[best];
    put_back(o, choices, n, best);
    /* Alone in the queue: a longer quantum is only a later look at it. */
    if (on && o->stretch && n > 1) {
        uint32_t m = stretches(&chosen, tries);
        memmove(o->outcomes, o->outcomes + (size_t)best * o->n_vcpus, o->n_vcpus * sizeof *o->outcomes);
        on = try_all(o, pcpu, tries, m, 1, span, &stretch, &by_quantum);
        chosen = tries[stretch];
    }
    if (on)
        tell(o, pcpu, &turn, &chosen, by_vcpu, by_quantum);
    return chosen;
}

const struct vmm_policy_ops vmm_policy_oracle = {
    .abi_version = VMM_POLICY_ABI,
    .struct_size = sizeof(struct vmm_policy_ops),
    .name = "oracle",
    .summary = "tries each choice in a copy of the simulation and takes the best: a bound, no real VMM can do that",
    .params = oracle_params,
    .n_params = N_PARAMS,
    .flags = VMM_POLICY_TRIALS,
    .init = oracle_init,
    .exit = oracle_exit,
    .wake = oracle_wake,
    .sleep = oracle_sleep,
    .context_saved = oracle_context_saved,
    .schedule = oracle_schedule,
};
