/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sample, optimise, symbios: tries which vCPUs run well beside each other, and stays with the best. After Snavely and Tullsen, "Symbiotic Jobscheduling for
 * a Simultaneous Multithreaded Processor", ASPLOS 2000 (SOS). A schedule is an order of the vCPUs; the first so many of them, as there are pCPUs, run in the
 * first slot, the next in the second, and so on, round and round. In the sample phase orders that chance chose are each followed for one round, and a predictor
 * scores them by counters; the symbios phase follows the best for many rounds; then, or when a vCPU comes or goes, sampling begins anew.
 *
 * Of the paper's predictors there are `ipc` (instructions per cycle, the simplest), `dcache` (fewest L1D misses per instruction) and `balance` (the least
 * difference of IPC between slots). Its default mixes ten; the paper finds IPC alone nearly as good. */
#include "policies.h"
#include "vmm-runqueue.h"

#include <glib.h>
#include <string.h>

enum { P_SLOT, P_SAMPLES, P_ROUNDS, P_PREDICTOR, N_PARAMS };
enum { PREDICT_IPC, PREDICT_DCACHE, PREDICT_BALANCE };
enum { FIXED_INSNS = 0, FIXED_CYCLES = 1, L1D_MISSES = 0 };
/* Whoever's slot is shorter than a switch takes would never have it. */
#define LEAST_SLOT (10 * VMM_QUANTUM_MIN)
enum { PATIENCE = 4 }; /* rounds. Of our own, the paper knows no affinity */
#define COUNTER_MASK ((UINT64_C(1) << 48) - 1)

static const vmm_param params[N_PARAMS] = {
    [P_SLOT] = { .name = "slot", .type = VMM_PARAM_TIME, .def.u = 0, .min.u = 0, .max.u = VMM_QUANTUM_MAX,
                 .help = "length of a time slot; 0: the pre-assigned quantum of the first VM, 100us at least" },
    [P_SAMPLES] = { .name = "samples", .type = VMM_PARAM_UINT, .def.u = 10, .min.u = 1, .max.u = 100,
                    .help = "orders that are tried in a sample phase" }, /* the paper: ten */
    [P_ROUNDS] = { .name = "rounds", .type = VMM_PARAM_UINT, .def.u = 100, .min.u = 1, .max.u = 1000000,
                   .help = "rounds of a symbios phase" }, /* the paper: ten times the sample phase */
    [P_PREDICTOR] = { .name = "predictor", .type = VMM_PARAM_UINT, .def.u = PREDICT_IPC, .min.u = 0, .max.u = 2,
                      .help = "what makes an order good: 0 IPC, 1 few L1D misses, 2 balance of IPC between slots" },
};

typedef struct {
    vmm_host *h;
    const vmm_services *services;
    vmm_param_value p[N_PARAMS];
    uint32_t n_pcpus, n_vcpus;
    uint32_t *order, *best; /* [n_order] the present order, and the best of this sample phase */
    uint32_t *place;        /* [vCPU] in `order`; UINT32_MAX: not there */
    uint32_t n_order;
    vmm_runqueue *ready;
    uint32_t *passed;       /* [pCPU]: scratch */
    struct {
        uint64_t insns, cycles, misses;
    } *last;                /* [pCPU]: as they were read last */
    sim_ps slot;
    uint64_t now_slot;
    uint32_t in_round;      /* slots of this round that are over */
    uint32_t sampled, rounds; /* orders tried; rounds left of the symbios phase (0: sampling) */
    bool changed;           /* somebody came or went: begin anew */
    uint64_t insns, cycles, misses;             /* of this round ... */
    uint64_t slot_insns, slot_cycles;           /* ... and slot */
    double least_ipc, most_ipc, best_score;
} symbiosis;

/* ---- orders ---------------------------------------------------------------------------------------------------------------- */

static uint32_t slots_in_round(const symbiosis *s)
{
    return s->n_order ? (s->n_order + s->n_pcpus - 1) / s->n_pcpus : 1;
}

static void note_places(symbiosis *s)
{
    for (uint32_t i = 0; i < s->n_order; i++)
        s->place[s->order[i]] = i;
}

static void shuffle(symbiosis *s)
{
    for (uint32_t i = s->n_order; i > 1; i--) {
        uint32_t k = (uint32_t)s->services->random_below(s->h, i), x = s->order[i - 1];
        s->order[i - 1] = s->order[k];
        s->order[k] = x;
    }
    note_places(s);
}

static double score(const symbiosis *s)
{
    double ipc = s->cycles ? (double)s->insns / (double)s->cycles : 0;
    switch (s->p[P_PREDICTOR].u) {
    case PREDICT_DCACHE: return s->insns ? -(double)s->misses / (double)s->insns : 0;
    case PREDICT_BALANCE: return -(s->most_ipc - s->least_ipc);
    default: return ipc;
    }
}

static void begin_sampling(symbiosis *s)
{
    s->sampled = s->rounds = 0;
    s->changed = false;
    shuffle(s);
}

/* A round is over: the next order, or the best one. */
static void next_round(symbiosis *s)
{
    if (s->changed) {
        begin_sampling(s);
    } else if (s->rounds) {
        if (--s->rounds == 0)
            begin_sampling(s);
    } else {
        double now = score(s);
        if (s->sampled == 0 || now > s->best_score) {
            s->best_score = now;
            memcpy(s->best, s->order, s->n_order * sizeof *s->order);
        }
        if (++s->sampled < s->p[P_SAMPLES].u) {
            shuffle(s);
        } else {
            memcpy(s->order, s->best, s->n_order * sizeof *s->order);
            note_places(s);
            s->rounds = (uint32_t)s->p[P_ROUNDS].u;
        }
    }
    s->insns = s->cycles = s->misses = 0;
    s->least_ipc = G_MAXDOUBLE;
    s->most_ipc = 0;
}

static void end_slot(symbiosis *s)
{
    double ipc = s->slot_cycles ? (double)s->slot_insns / (double)s->slot_cycles : 0;
    s->least_ipc = MIN(s->least_ipc, ipc);
    s->most_ipc = MAX(s->most_ipc, ipc);
    s->slot_insns = s->slot_cycles = 0;
    if (++s->in_round >= slots_in_round(s)) {
        s->in_round = 0;
        next_round(s);
    }
}

/* The vCPU whose turn it is on a pCPU, or VMM_VCPU_NONE. */
static uint32_t turn_of(const symbiosis *s, uint32_t pcpu)
{
    uint32_t at = s->in_round * s->n_pcpus + pcpu;
    return at < s->n_order ? s->order[at] : VMM_VCPU_NONE;
}

static void advance(symbiosis *s, uint64_t slot)
{
    if (slot <= s->now_slot)
        return;
    s->now_slot = slot;
    end_slot(s);
    const uint64_t *idle = s->services->idle_mask(s->h);
    for (uint32_t i = 0; i < s->n_pcpus; i++) {
        uint32_t vcpu = turn_of(s, i);
        if (vmm_mask_has(idle, i) && vcpu != VMM_VCPU_NONE && s->services->vcpu(s->h, vcpu)->state == VMM_RUNNABLE)
            s->services->resched(s->h, i);
    }
}

static void sample(symbiosis *s, uint32_t pcpu)
{
    uint64_t insns = s->services->emon_read_fixed(s->h, pcpu, FIXED_INSNS), cycles = s->services->emon_read_fixed(s->h, pcpu, FIXED_CYCLES);
    uint64_t misses = s->services->emon_read(s->h, pcpu, L1D_MISSES);
    s->insns += (insns - s->last[pcpu].insns) & COUNTER_MASK;
    s->cycles += (cycles - s->last[pcpu].cycles) & COUNTER_MASK;
    s->misses += (misses - s->last[pcpu].misses) & COUNTER_MASK;
    s->slot_insns += (insns - s->last[pcpu].insns) & COUNTER_MASK;
    s->slot_cycles += (cycles - s->last[pcpu].cycles) & COUNTER_MASK;
    s->last[pcpu].insns = insns;
    s->last[pcpu].cycles = cycles;
    s->last[pcpu].misses = misses;
}

/* ---- hooks -------------------------------------------------------------------------------------------------------------------- */

static void *sos_init(vmm_host *h, const vmm_services *services, const vmm_param_value *values)
{
    symbiosis *s = g_new0(symbiosis, 1);
    s->h = h;
    s->services = services;
    memcpy(s->p, values, sizeof s->p);
    s->n_pcpus = services->n_pcpus(h);
    s->n_vcpus = services->n_vcpus(h);
    s->order = g_new0(uint32_t, s->n_vcpus + 1);
    s->best = g_new0(uint32_t, s->n_vcpus + 1);
    s->place = g_new(uint32_t, s->n_vcpus + 1);
    s->passed = g_new(uint32_t, s->n_pcpus);
    s->last = g_malloc0_n(s->n_pcpus, sizeof *s->last);
    s->ready = vmm_runqueue_new(s->n_vcpus, s->n_pcpus);
    s->least_ipc = G_MAXDOUBLE;
    for (uint32_t i = 0; i < s->n_vcpus; i++) {
        s->place[i] = UINT32_MAX;
        vmm_runqueue_admit(s->ready, i, services->vcpu(h, i)->affinity);
    }
    s->slot = values[P_SLOT].u ? values[P_SLOT].u : s->n_vcpus ? MAX(services->vcpu(h, 0)->quantum, LEAST_SLOT) : SIM_PS_PER_MS;
    for (uint32_t i = 0; i < s->n_pcpus; i++)
        services->emon_select(h, i, L1D_MISSES, services->emon_event("L1-dcache-load-misses"));
    return s;
}

static void sos_exit(void *self)
{
    symbiosis *s = self;
    vmm_runqueue_free(s->ready);
    g_free(s->order);
    g_free(s->best);
    g_free(s->place);
    g_free(s->passed);
    g_free(s->last);
    g_free(s);
}

static bool sos_check(const vmm_param_value *v, char *message, size_t size)
{
    if (v[P_SLOT].u == 0 || v[P_SLOT].u >= LEAST_SLOT)
        return true;
    g_snprintf(message, size, "parameter 'slot' has to be 0 or at least 100us");
    return false;
}

static void sos_insert(void *self, uint32_t vcpu)
{
    symbiosis *s = self;
    s->place[vcpu] = s->n_order;
    s->order[s->n_order++] = vcpu;
    s->changed = true;
}

static void sos_remove(void *self, uint32_t vcpu)
{
    symbiosis *s = self;
    vmm_runqueue_remove(s->ready, vcpu);
    uint32_t at = s->place[vcpu];
    s->place[vcpu] = UINT32_MAX;
    memmove(s->order + at, s->order + at + 1, (--s->n_order - at) * sizeof *s->order);
    note_places(s);
    s->changed = true;
}

static void sos_wake(void *self, uint32_t vcpu)
{
    symbiosis *s = self;
    vmm_runqueue_insert(s->ready, vcpu, 0);
    uint32_t at = s->place[vcpu], pcpu = at % s->n_pcpus;
    if (at / s->n_pcpus != s->in_round || !vmm_mask_has(s->services->vcpu(s->h, vcpu)->affinity, pcpu))
        return;
    uint32_t there = s->services->pcpu(s->h, pcpu)->vcpu;
    if (there != VMM_VCPU_NONE && s->place[there] / s->n_pcpus != s->in_round)
        s->services->resched(s->h, pcpu); /* it has the place of one that was asleep */
}

static void sos_sleep(void *self, uint32_t vcpu)
{
    vmm_runqueue_remove(((symbiosis *)self)->ready, vcpu);
}

static void sos_context_saved(void *self, G_GNUC_UNUSED uint32_t pcpu, uint32_t vcpu, G_GNUC_UNUSED vmm_off_reason why)
{
    vmm_runqueue_insert(((symbiosis *)self)->ready, vcpu, 0);
}

/* One that waits for the pCPU, whose turn it is not on another one in this slot; else whoever waits. */
static uint32_t stand_in(symbiosis *s, uint32_t pcpu)
{
    uint32_t n = 0, found, first = vmm_runqueue_first(s->ready, pcpu);
    while ((found = vmm_runqueue_first(s->ready, pcpu)) != VMM_VCPU_NONE && n < s->n_pcpus && s->place[found] / s->n_pcpus == s->in_round) {
        vmm_runqueue_remove(s->ready, found);
        s->passed[n++] = found;
    }
    while (n)
        vmm_runqueue_put_back(s->ready, s->passed[--n]);
    return found != VMM_VCPU_NONE ? found : first;
}

/* Whether it waits since long before its turn: an order may give one that is bound to few pCPUs its turns on others, for as long as the order lasts. */
static bool is_overdue(const symbiosis *s, uint32_t vcpu, sim_ps now)
{
    return vcpu != VMM_VCPU_NONE && now > s->services->vcpu(s->h, vcpu)->since + PATIENCE * slots_in_round(s) * s->slot;
}

static vmm_choice sos_schedule(void *self, uint32_t pcpu, sim_ps now)
{
    symbiosis *s = self;
    uint64_t slot = now / s->slot;
    if ((slot + 1) * s->slot - now < VMM_QUANTUM_MIN)
        slot++;
    sample(s, pcpu);
    advance(s, slot);
    uint32_t vcpu = turn_of(s, pcpu), first = vmm_runqueue_first(s->ready, pcpu);
    bool overdue = is_overdue(s, first, now);
    bool own = !overdue && vcpu != VMM_VCPU_NONE && vmm_runqueue_contains(s->ready, vcpu) && vmm_mask_has(s->services->vcpu(s->h, vcpu)->affinity, pcpu);
    if (!own)
        vcpu = overdue ? first : stand_in(s, pcpu);
    if (vcpu == VMM_VCPU_NONE)
        return (vmm_choice){ .vcpu = VMM_VCPU_NONE };
    vmm_runqueue_remove(s->ready, vcpu);
    return (vmm_choice){ .vcpu = vcpu, .quantum = (slot + 1) * s->slot - now, .reason = own ? s->rounds ? "symbios" : "sample" : "stand-in" };
}

const struct vmm_policy_ops vmm_policy_symbiosis = {
    .abi_version = VMM_POLICY_ABI,
    .struct_size = sizeof(struct vmm_policy_ops),
    .name = "symbiosis",
    .summary = "samples which vCPUs run well beside each other and keeps the best order (SOS)",
    .params = params,
    .n_params = N_PARAMS,
    .check = sos_check,
    .init = sos_init,
    .exit = sos_exit,
    .vcpu_insert = sos_insert,
    .vcpu_remove = sos_remove,
    .wake = sos_wake,
    .sleep = sos_sleep,
    .context_saved = sos_context_saved,
    .schedule = sos_schedule,
};
