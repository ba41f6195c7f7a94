/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Lottery scheduling (Waldspurger and Weihl, "Lottery Scheduling: Flexible Proportional-Share Resource Management", OSDI 1994): a vCPU holds tickets as its
 * VM has weight; whoever waits takes part in each draw. A vCPU that blocked before its quantum was used up holds more of them until it has run again, as
 * if it had sold the rest of its quantum (compensation tickets).
 *
 * An example of a policy in a shared object: it is compiled against <quanta/vmm-policy.h> alone. */
#include <quanta/vmm-policy.h>

#include <stdlib.h>

enum { P_COMPENSATION, N_PARAMS, MOST_COMPENSATION = 10 };

static const vmm_param params[N_PARAMS] = {
    [P_COMPENSATION] = { .name = "compensation", .type = VMM_PARAM_BOOL, .def.b = true,
                         .help = "more tickets for vCPUs that blocked before their quantum was over" },
};

typedef struct {
    vmm_host *h;
    const vmm_services *services;
    bool compensation;
    uint32_t n;         /* vCPUs */
    uint64_t *tickets;  /* [n] of those that wait, else 0 */
    uint64_t *tree;     /* [n + 1] their sums, as a Fenwick tree: draws take log2(n) steps */
    uint32_t *factor;   /* [n] compensation, in 1/16 */
} lottery;

/* ---- who waits -------------------------------------------------------------------------------------------------------- */

static void set_tickets(lottery *l, uint32_t vcpu, uint64_t tickets)
{
    uint64_t change = tickets - l->tickets[vcpu]; /* modulo 2^64, as the sums */
    l->tickets[vcpu] = tickets;
    for (uint32_t i = vcpu + 1; i <= l->n; i += i & -i)
        l->tree[i] += change;
}

static uint64_t all_tickets(const lottery *l)
{
    uint64_t sum = 0;
    for (uint32_t i = l->n; i; i &= i - 1)
        sum += l->tree[i];
    return sum;
}

/* The holder of a ticket, counted from 0. */
static uint32_t holder(const lottery *l, uint64_t ticket)
{
    uint32_t at = 0, step = 1;
    while (step <= l->n / 2)
        step *= 2;
    for (; step; step /= 2)
        if (at + step <= l->n && l->tree[at + step] <= ticket) {
            at += step;
            ticket -= l->tree[at];
        }
    return at;
}

static void enter(lottery *l, uint32_t vcpu)
{
    set_tickets(l, vcpu, (uint64_t)l->services->vcpu(l->h, vcpu)->weight * l->factor[vcpu]);
}

/* ---- hooks ------------------------------------------------------------------------------------------------------------- */

static void *init(vmm_host *h, const vmm_services *services, const vmm_param_value *values)
{
    lottery *l = calloc(1, sizeof *l);
    l->h = h;
    l->services = services;
    l->compensation = values[P_COMPENSATION].b;
    l->n = services->n_vcpus(h);
    l->tickets = calloc(l->n + 1, sizeof *l->tickets);
    l->tree = calloc(l->n + 1, sizeof *l->tree);
    l->factor = calloc(l->n + 1, sizeof *l->factor);
    for (uint32_t i = 0; i < l->n; i++)
        l->factor[i] = 16;
    return l;
}

static void end(void *self)
{
    lottery *l = self;
    free(l->tickets);
    free(l->tree);
    free(l->factor);
    free(l);
}

static void wake(void *self, uint32_t vcpu)
{
    enter(self, vcpu);
}

/* It blocks, or somebody else chose it. If it ran until now, what it left of its quantum buys tickets. */
static void sleep_(void *self, uint32_t vcpu)
{
    lottery *l = self;
    const vmm_vcpu_facts *v = l->services->vcpu(l->h, vcpu);
    const vmm_pcpu_facts *p = v->pcpu == VMM_PCPU_NONE ? NULL : l->services->pcpu(l->h, v->pcpu);
    set_tickets(l, vcpu, 0);
    if (!l->compensation || v->state != VMM_BLOCKED || !p || p->vcpu != vcpu)
        return;
    sim_ps quantum = p->quantum_end - p->quantum_begin, now = l->services->now(l->h, v->pcpu), used = now - p->quantum_begin;
    if (used < quantum)
        l->factor[vcpu] = (uint32_t)(16 * quantum / (used < quantum / MOST_COMPENSATION ? quantum / MOST_COMPENSATION : used));
}

static void context_saved(void *self, uint32_t pcpu, uint32_t vcpu, vmm_off_reason why)
{
    (void)pcpu;
    (void)why;
    enter(self, vcpu);
}

static vmm_choice choose(lottery *l, uint32_t vcpu)
{
    set_tickets(l, vcpu, 0);
    l->factor[vcpu] = 16;
    return (vmm_choice){ .vcpu = vcpu };
}

static vmm_choice schedule(void *self, uint32_t pcpu, sim_ps now)
{
    (void)now;
    lottery *l = self;
    uint64_t all = all_tickets(l);
    for (int draw = 0; all && draw < 8; draw++) {
        uint32_t vcpu = holder(l, l->services->random_below(l->h, all));
        if (vmm_mask_has(l->services->vcpu(l->h, vcpu)->affinity, pcpu))
            return choose(l, vcpu);
    }
    /* Nearly all who wait may not run here: whoever may, does. */
    for (uint32_t i = 0; all && i < l->n; i++)
        if (l->tickets[i] && vmm_mask_has(l->services->vcpu(l->h, i)->affinity, pcpu))
            return choose(l, i);
    return (vmm_choice){ .vcpu = VMM_VCPU_NONE };
}

const struct vmm_policy_ops vmm_policy = {
    .abi_version = VMM_POLICY_ABI,
    .struct_size = sizeof(struct vmm_policy_ops),
    .name = "lottery",
    .summary = "lottery scheduling by weight, with compensation tickets",
    .params = params,
    .n_params = N_PARAMS,
    .init = init,
    .exit = end,
    .wake = wake,
    .sleep = sleep_,
    .context_saved = context_saved,
    .schedule = schedule,
};
