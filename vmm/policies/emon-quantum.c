/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Round-robin whose quanta follow the processor's state: each tick a software state management unit samples EMON
 * registers and the state view of the pCPU [0058, 0059], the samples are evaluated [0060], and a trigger lengthens or
 * shortens the quantum of the vCPU that runs, between `min` and `max` thousandths of its pre-assigned one [0061].
 *
 *   cache-flushed   its data cache was flushed: the quantum ends early [0052]
 *   tight-loop      it is in a tight loop, BTB and L1I warm: longer [0053]
 *   loop-end        a long loop ended, and it owes time to one that waits: ends early, and pays [0053]
 *   l1-traversed    L1D is full of its lines, which it goes through again and again: longer [0063]
 *
 * A quantum is lengthened at its end, on what is seen then, and only once; shortened at any tick. Nothing changes while
 * nobody waits for the pCPU. Against oscillation: a state counts after `confirm` samples and is left by laxer
 * thresholds than it was entered; after a quantum that ended early the next is not lengthened. Time taken and given is
 * booked between the vCPU and the first one that waits (emon-ledger.h), nobody owing or being owed more than
 * `max-debt`; what is booked for time that was not used after all is booked back. */
#include "emon-ledger.h"
#include "emon-triggers.h"
#include "policies.h"
#include "vmm-runqueue.h"

#include <glib.h>

enum {
    P_PERIOD, P_MIN, P_MAX, P_CACHE_FLUSHED, P_TIGHT_LOOP, P_LOOP_END, P_L1_TRAVERSED, P_MAX_DEBT, P_MIN_GAIN, P_CONFIRM, P_SLACK,
    P_FLUSH_DIRTY, P_FLUSH_LEFT, P_LOOP_SAMPLES, P_LOOP_ITERATIONS, P_LOOP_BODY, P_LOOP_BTB, P_LOOP_L1I, P_LOOP_L1D,
    P_L1_FULL, P_L1_MPKI, N_PARAMS
};

#define SPAN(n, d, lo, hi, h) { .name = n, .type = VMM_PARAM_TIME, .def.u = (d), .min.u = (lo), .max.u = (hi), .help = h }
#define COUNT(n, d, lo, hi, h) { .name = n, .type = VMM_PARAM_UINT, .def.u = (d), .min.u = (lo), .max.u = (hi), .help = h }
#define SHARE(n, d, lo, hi, h) { .name = n, .type = VMM_PARAM_PERMILLE, .def.u = (d), .min.u = (lo), .max.u = (hi), .help = h }
#define RATE(n, value, h) { .name = n, .type = VMM_PARAM_DOUBLE, .def.d = (value), .min.d = 0, .max.d = 1000, .help = h }
#define SWITCH(n, h) { .name = n, .type = VMM_PARAM_BOOL, .def.b = true, .help = h }

static const vmm_param params[N_PARAMS] = {
    [P_PERIOD] = SPAN("period", 100 * SIM_PS_PER_US, VMM_QUANTUM_MIN, SIM_PS_PER_S, "sampling period"),
    [P_MIN] = SHARE("min", 500, 10, 1000, "shortest quantum, of the pre-assigned one"),
    [P_MAX] = SHARE("max", 1500, 1000, 10000, "longest quantum, of the pre-assigned one"),
    [P_CACHE_FLUSHED] = SWITCH("cache-flushed", "end the quantum early once the data cache was flushed"),
    [P_TIGHT_LOOP] = SWITCH("tight-loop", "lengthen the quantum of a tight loop"),
    [P_LOOP_END] = SWITCH("loop-end", "pay time back when a long loop ends"),
    [P_L1_TRAVERSED] = SWITCH("l1-traversed", "lengthen the quantum while a full L1D is traversed"),
    [P_MAX_DEBT] = SPAN("max-debt", 5 * SIM_PS_PER_MS, 0, SIM_PS_PER_S, "most time that a vCPU may owe or be owed"),
    [P_MIN_GAIN] = SPAN("min-gain", 50 * SIM_PS_PER_US, VMM_QUANTUM_MIN, SIM_PS_PER_S, "least change of a quantum"),
    [P_CONFIRM] = COUNT("confirm", 2, 1, 100, "samples in a row before a state counts"),
    [P_SLACK] = SHARE("slack", 200, 0, 1000, "how much laxer thresholds are once a state counts"),
    [P_FLUSH_DIRTY] = SHARE("flush-dirty", 250, 1, 1000, "cache-flushed: dirty lines before, of L1D, at least"),
    [P_FLUSH_LEFT] = SHARE("flush-left", 50, 0, 1000, "cache-flushed: of those, dirty lines left at most"),
    [P_LOOP_SAMPLES] = COUNT("loop-samples", 3, 1, 1000, "a loop is long after so many samples in a row, or ..."),
    [P_LOOP_ITERATIONS] = COUNT("loop-iterations", 10000, 64, 1000000000000, "... so many iterations"),
    [P_LOOP_BODY] = COUNT("loop-body", 256, 1, 1000000, "tight-loop: instructions per iteration at most"),
    [P_LOOP_BTB] = SHARE("loop-btb", 990, 0, 1000, "tight-loop: hits of the BTB at least"),
    [P_LOOP_L1I] = RATE("loop-l1i-mpki", 0.5, "tight-loop: L1I misses per 1000 instructions at most"),
    [P_LOOP_L1D] = RATE("loop-l1d-mpki", 20, "tight-loop: L1D load misses per 1000 instructions at most"),
    [P_L1_FULL] = SHARE("l1-full", 800, 1, 1000, "l1-traversed: share of L1D that is the VM's at least"),
    [P_L1_MPKI] = RATE("l1-mpki", 5, "l1-traversed: L1D load misses per 1000 instructions at most"),
};

typedef struct {
    emon_tracker tracker;
    /* Time booked for the present quantum, and the other party. */
    sim_ps extension; uint32_t extension_from; /* its quantum was lengthened */
    sim_ps bonus; uint32_t bonus_from;         /* it was paid back; of this quantum or, while it waits, of the next */
    sim_ps cut; uint32_t cut_to;               /* its quantum was shortened ... */
    bool cut_pays;                             /* ... and cut_to's next one made longer */
    bool cut_last;                             /* ... its last one */
} vcpu_state;

typedef struct {
    vmm_host *h;
    const vmm_services *services;
    vmm_param_value p[N_PARAMS];
    emon_thresholds limits;
    vmm_smu *smu;
    emon_ledger *ledger;
    vmm_runqueue *queue; /* in order of arrival */
    vmm_runqueue *owed;  /* those of `queue` with time to their credit, the most first */
    vcpu_state *vcpus;
    uint32_t *next;      /* [pCPU]: vCPU that is to be paid back next, or VMM_VCPU_NONE */
    uint32_t n_vcpus;
} emon_quantum;

static bool eq_check(const vmm_param_value *v, char *message, size_t size)
{
    if (v[P_MAX_DEBT].u && v[P_MAX_DEBT].u < v[P_MIN_GAIN].u) {
        g_snprintf(message, size, "parameter 'max-debt' has to be 0 or at least 'min-gain'");
        return false;
    }
    return true;
}

static uint64_t per_million(double per_thousand)
{
    return (uint64_t)(per_thousand * 1000 + 0.5);
}

static emon_thresholds thresholds(const vmm_param_value *p)
{
    return (emon_thresholds){
        .flush_dirty_permille = (uint32_t)p[P_FLUSH_DIRTY].u,
        .flush_left_permille = (uint32_t)p[P_FLUSH_LEFT].u,
        .loop_samples = (uint32_t)p[P_LOOP_SAMPLES].u,
        .loop_iterations = p[P_LOOP_ITERATIONS].u,
        .loop_body = (uint32_t)p[P_LOOP_BODY].u,
        .loop_btb_permille = (uint32_t)p[P_LOOP_BTB].u,
        .loop_l1i_rate = per_million(p[P_LOOP_L1I].d),
        .loop_l1d_rate = per_million(p[P_LOOP_L1D].d),
        .full_permille = (uint32_t)p[P_L1_FULL].u,
        .full_l1d_rate = per_million(p[P_L1_MPKI].d),
        .confirm = (uint32_t)p[P_CONFIRM].u,
        .slack_permille = (uint32_t)p[P_SLACK].u,
    };
}

static void *eq_init(vmm_host *h, const vmm_services *services, const vmm_param_value *values)
{
    emon_quantum *e = g_new0(emon_quantum, 1);
    uint32_t n_pcpus = services->n_pcpus(h);
    e->h = h;
    e->services = services;
    for (unsigned i = 0; i < N_PARAMS; i++)
        e->p[i] = values[i];
    e->limits = thresholds(values);
    e->n_vcpus = services->n_vcpus(h);
    e->smu = vmm_smu_new(h, services, emon_trigger_events, EMON_N_EVENTS);
    e->ledger = emon_ledger_new(e->n_vcpus, e->p[P_MAX_DEBT].u);
    e->queue = vmm_runqueue_new(e->n_vcpus, n_pcpus);
    e->owed = vmm_runqueue_new(e->n_vcpus, n_pcpus);
    e->vcpus = g_new0(vcpu_state, e->n_vcpus);
    e->next = g_new(uint32_t, n_pcpus);
    for (uint32_t i = 0; i < e->n_vcpus; i++) {
        vmm_runqueue_admit(e->queue, i, services->vcpu(h, i)->affinity);
        vmm_runqueue_admit(e->owed, i, services->vcpu(h, i)->affinity);
    }
    for (uint32_t i = 0; i < n_pcpus; i++) {
        e->next[i] = VMM_VCPU_NONE;
        services->set_tick(h, i, e->p[P_PERIOD].u);
    }
    return e;
}

static void eq_exit(void *self)
{
    emon_quantum *e = self;
    vmm_smu_free(e->smu);
    emon_ledger_free(e->ledger);
    vmm_runqueue_free(e->queue);
    vmm_runqueue_free(e->owed);
    g_free(e->vcpus);
    g_free(e->next);
    g_free(e);
}

/* ---- queues and the ledger ---------------------------------------------------------------------------------- */

static void balance_changed(emon_quantum *e, uint32_t vcpu)
{
    int64_t balance = emon_ledger_balance(e->ledger, vcpu);
    if (balance < 0 && vmm_runqueue_contains(e->queue, vcpu))
        vmm_runqueue_insert(e->owed, vcpu, balance);
    else
        vmm_runqueue_remove(e->owed, vcpu);
}

static void enqueue(emon_quantum *e, uint32_t vcpu, bool front)
{
    if (front)
        vmm_runqueue_insert_front(e->queue, vcpu, 0);
    else
        vmm_runqueue_insert(e->queue, vcpu, 0);
    balance_changed(e, vcpu);
}

static void dequeue(emon_quantum *e, uint32_t vcpu)
{
    vmm_runqueue_remove(e->queue, vcpu);
    vmm_runqueue_remove(e->owed, vcpu);
}

/* Returns what was booked. */
static sim_ps book(emon_quantum *e, uint32_t taker, uint32_t giver, sim_ps span)
{
    span = emon_ledger_take(e->ledger, taker, giver, span);
    if (span) {
        balance_changed(e, taker);
        balance_changed(e, giver);
    }
    return span;
}

/* The vCPU's quantum is over, `unused` before its end: what it did not use was not taken. */
static void settle(emon_quantum *e, uint32_t vcpu, sim_ps unused)
{
    vcpu_state *s = &e->vcpus[vcpu];
    if (unused && s->cut) { /* it left before the cut took effect */
        vcpu_state *other = &e->vcpus[s->cut_to];
        if (s->cut_pays)
            other->bonus -= MIN(other->bonus, s->cut);
        book(e, vcpu, s->cut_to, s->cut);
        s->cut = 0;
    }
    sim_ps back = MIN(unused, s->extension);
    if (back)
        book(e, s->extension_from, vcpu, back);
    back = MIN(unused - back, s->bonus);
    if (back)
        book(e, s->bonus_from, vcpu, back);
    s->cut_last = s->cut > 0;
    s->extension = s->bonus = s->cut = 0;
    s->cut_pays = false;
}

static sim_ps unused_time(const emon_quantum *e, uint32_t vcpu)
{
    uint32_t pcpu = e->services->vcpu(e->h, vcpu)->pcpu;
    const vmm_pcpu_facts *f = e->services->pcpu(e->h, pcpu);
    sim_ps now = e->services->now(e->h, pcpu);
    return f->quantum_end > now ? f->quantum_end - now : 0;
}

static bool runs(const emon_quantum *e, uint32_t vcpu)
{
    uint32_t pcpu = e->services->vcpu(e->h, vcpu)->pcpu;
    return pcpu != VMM_PCPU_NONE && e->services->pcpu(e->h, pcpu)->vcpu == vcpu;
}

/* ---- hooks: who runs ---------------------------------------------------------------------------------------- */

static void eq_insert(void *self, uint32_t vcpu)
{
    emon_ledger_open(((emon_quantum *)self)->ledger, vcpu);
}

static void eq_remove(void *self, uint32_t vcpu)
{
    emon_quantum *e = self;
    dequeue(e, vcpu);
    if (runs(e, vcpu))
        settle(e, vcpu, unused_time(e, vcpu));
    emon_ledger_close(e->ledger, vcpu);
    for (uint32_t i = 0; i < e->n_vcpus; i++)
        balance_changed(e, i);
}

static void eq_wake(void *self, uint32_t vcpu)
{
    enqueue(self, vcpu, false);
}

static void eq_sleep(void *self, uint32_t vcpu)
{
    emon_quantum *e = self;
    dequeue(e, vcpu);
    if (runs(e, vcpu))
        settle(e, vcpu, unused_time(e, vcpu));
}

static void eq_context_saved(void *self, uint32_t pcpu, uint32_t vcpu, vmm_off_reason why)
{
    emon_quantum *e = self;
    if (why != VMM_OFF_REFUSED) {
        const vmm_pcpu_facts *f = e->services->pcpu(e->h, pcpu);
        sim_ps now = e->services->now(e->h, pcpu);
        settle(e, vcpu, f->quantum_end > now ? f->quantum_end - now : 0);
    }
    enqueue(e, vcpu, why == VMM_OFF_REFUSED);
}

static sim_ps scaled(const emon_quantum *e, uint32_t vcpu, unsigned param)
{
    sim_ps quantum = e->services->vcpu(e->h, vcpu)->quantum;
    return CLAMP(quantum / 1000 * e->p[param].u, VMM_QUANTUM_MIN, VMM_QUANTUM_MAX);
}

static void note_bonus(emon_quantum *e, uint32_t pcpu, const vmm_vcpu_facts *c, sim_ps quantum)
{
    const vcpu_state *s = &e->vcpus[c->id];
    const vmm_decision d = {
        .pcpu = pcpu, .vm = c->vm, .action = "increase", .reason = "paid-back", .before = c->quantum, .after = quantum,
        .evidence = { "bonus-ps", "from-vcpu", "debt-ps" },
        .value = { (int64_t)s->bonus, s->bonus_from, emon_ledger_balance(e->ledger, c->id) },
    };
    e->services->note(e->h, &d);
}

static vmm_choice eq_schedule(void *self, uint32_t pcpu, G_GNUC_UNUSED sim_ps now)
{
    emon_quantum *e = self;
    uint32_t next = e->next[pcpu];
    bool paid = next != VMM_VCPU_NONE && vmm_runqueue_contains(e->queue, next);
    e->next[pcpu] = VMM_VCPU_NONE;
    if (!paid)
        next = vmm_runqueue_first(e->queue, pcpu);
    if (next == VMM_VCPU_NONE)
        return (vmm_choice){ .vcpu = VMM_VCPU_NONE };
    dequeue(e, next);
    const vmm_vcpu_facts *c = e->services->vcpu(e->h, next);
    sim_ps quantum = c->quantum + e->vcpus[next].bonus;
    if (e->vcpus[next].bonus)
        note_bonus(e, pcpu, c, quantum);
    emon_tracker_begin(&e->vcpus[next].tracker);
    vmm_smu_begin(e->smu, pcpu, next);
    return (vmm_choice){ .vcpu = next, .quantum = quantum, .reason = paid ? "paid-back" : "turn" };
}

/* ---- hooks: for how long ------------------------------------------------------------------------------------ */

/* The verdict that takes `span` off the quantum's end, with the evidence in `like`. */
static vmm_verdict cut(emon_quantum *e, uint32_t pcpu, uint32_t vcpu, uint32_t to, sim_ps span, vmm_verdict like)
{
    vcpu_state *s = &e->vcpus[vcpu];
    sim_ps end = e->services->pcpu(e->h, pcpu)->quantum_end;
    s->cut = book(e, to, vcpu, span);
    s->cut_to = to;
    like.kind = end - s->cut > e->services->now(e->h, pcpu) ? VMM_SHORTEN : VMM_END;
    like.span = s->cut;
    return like;
}

/* How much sooner the quantum could end: not before now, nor before the shortest quantum. */
static sim_ps slack(const emon_quantum *e, uint32_t pcpu, uint32_t vcpu)
{
    const vmm_pcpu_facts *f = e->services->pcpu(e->h, pcpu);
    sim_ps earliest = MAX(e->services->now(e->h, pcpu), f->quantum_begin + scaled(e, vcpu, P_MIN));
    return f->quantum_end > earliest ? f->quantum_end - earliest : 0;
}

/* M12. The one that waits gets on sooner: it had this vCPU's time. */
static bool end_flushed(emon_quantum *e, uint32_t pcpu, uint32_t vcpu, const vmm_smu_sample *s, vmm_verdict *verdict)
{
    uint32_t waiting = vmm_runqueue_first(e->queue, pcpu);
    sim_ps span = emon_ledger_room(e->ledger, waiting, vcpu, slack(e, pcpu, vcpu));
    if (span < e->p[P_MIN_GAIN].u)
        return false;
    *verdict = cut(e, pcpu, vcpu, waiting, span, (vmm_verdict){
        .reason = "cache-flushed",
        .evidence = { "flushes", "dirty-lines-before", "dirty-lines-now", "written-back" },
        .value = { (int64_t)s->flushes, s->dirty_before, s->view.l1d.mine_dirty, (int64_t)s->writebacks },
    });
    return true;
}

/* M14. The vCPU that has most to its credit runs next, for as much longer as is paid back. */
static bool end_loop(emon_quantum *e, uint32_t pcpu, uint32_t vcpu, const emon_findings *f, vmm_verdict *verdict)
{
    uint32_t creditor = vmm_runqueue_first(e->owed, pcpu);
    int64_t debt = emon_ledger_balance(e->ledger, vcpu);
    if (creditor == VMM_VCPU_NONE || debt <= 0 || e->vcpus[creditor].bonus)
        return false;
    int64_t credit = -emon_ledger_balance(e->ledger, creditor);
    sim_ps most = scaled(e, creditor, P_MAX), norm = e->services->vcpu(e->h, creditor)->quantum;
    sim_ps span = MIN(slack(e, pcpu, vcpu), (sim_ps)MIN(debt, credit));
    span = MIN(span, most > norm ? most - norm : 0);
    if (span < e->p[P_MIN_GAIN].u)
        return false;
    *verdict = cut(e, pcpu, vcpu, creditor, span, (vmm_verdict){
        .reason = "loop-end",
        .evidence = { "loop-iterations", "debt-ps", "to-vcpu", "credit-ps" },
        .value = { (int64_t)f->ended_iterations, debt, creditor, credit },
    });
    e->vcpus[vcpu].cut_pays = true;
    e->vcpus[creditor].bonus = e->vcpus[vcpu].cut;
    e->vcpus[creditor].bonus_from = vcpu;
    e->next[pcpu] = creditor;
    return true;
}

static vmm_verdict eq_tick(void *self, uint32_t pcpu, uint32_t vcpu, G_GNUC_UNUSED sim_ps now)
{
    emon_quantum *e = self;
    vcpu_state *s = &e->vcpus[vcpu];
    vmm_verdict verdict = { .kind = VMM_KEEP };
    const vmm_smu_sample *sample = vmm_smu_take(e->smu, pcpu, vcpu);
    if (!sample)
        return verdict;
    emon_findings f = emon_triggers_evaluate(&s->tracker, sample, &e->limits);
    if (s->cut || vmm_runqueue_first(e->queue, pcpu) == VMM_VCPU_NONE)
        return verdict;
    if (f.flushed && e->p[P_CACHE_FLUSHED].b && end_flushed(e, pcpu, vcpu, sample, &verdict))
        return verdict;
    if (f.loop_end && e->p[P_LOOP_END].b)
        end_loop(e, pcpu, vcpu, &f, &verdict);
    return verdict;
}

static void set_evidence(vmm_verdict *verdict, const vmm_smu_sample *s, bool tight)
{
    if (tight)
        *verdict = (vmm_verdict){
            .kind = VMM_EXTEND, .reason = "tight-loop",
            .evidence = { "loop-iterations", "btb-hit-permille", "l1i-misses-per-million", "l1d-misses-per-million" },
            .value = { (int64_t)s->view.loop_iterations, s->view.btb_hit_permille, (int64_t)s->rate[EMON_L1I_MISSES],
                       (int64_t)s->rate[EMON_L1D_MISSES] },
        };
    else
        *verdict = (vmm_verdict){
            .kind = VMM_EXTEND, .reason = "l1-traversed",
            .evidence = { "l1d-lines-held", "l1d-lines", "l1d-misses-per-million", "l1d-loads-per-million" },
            .value = { s->view.l1d.mine, s->view.l1d.lines, (int64_t)s->rate[EMON_L1D_MISSES],
                       (int64_t)s->rate[EMON_L1D_ACCESSES] },
        };
}

static vmm_verdict eq_expiring(void *self, uint32_t pcpu, uint32_t vcpu, G_GNUC_UNUSED sim_ps now)
{
    emon_quantum *e = self;
    vcpu_state *s = &e->vcpus[vcpu];
    vmm_verdict verdict = { .kind = VMM_KEEP };
    const vmm_smu_sample *sample = vmm_smu_take(e->smu, pcpu, vcpu);
    if (!sample)
        return verdict;
    emon_findings f = emon_triggers_evaluate(&s->tracker, sample, &e->limits);
    bool tight = f.tight && e->p[P_TIGHT_LOOP].b, traversed = f.traversed && e->p[P_L1_TRAVERSED].b;
    uint32_t waiting = vmm_runqueue_first(e->queue, pcpu);
    if ((!tight && !traversed) || s->cut || s->cut_last || s->extension || waiting == VMM_VCPU_NONE)
        return verdict;
    const vmm_pcpu_facts *facts = e->services->pcpu(e->h, pcpu);
    sim_ps has = facts->quantum_end - facts->quantum_begin, most = scaled(e, vcpu, P_MAX);
    sim_ps span = emon_ledger_room(e->ledger, vcpu, waiting, most > has ? most - has : 0);
    if (span < e->p[P_MIN_GAIN].u)
        return verdict;
    s->extension = book(e, vcpu, waiting, span);
    s->extension_from = waiting;
    set_evidence(&verdict, sample, tight);
    verdict.span = s->extension;
    return verdict;
}

static void eq_dump(void *self, void (*line)(void *user, const char *text), void *user)
{
    emon_quantum *e = self;
    char text[160];
    for (uint32_t i = 0; i < e->n_vcpus; i++) {
        const vmm_smu_profile *p = vmm_smu_vcpu(e->smu, i);
        g_snprintf(text, sizeof text, "vCPU %u: debt %" G_GINT64_FORMAT " ps, samples %" G_GUINT64_FORMAT
                   ", IPC %" G_GUINT64_FORMAT "/1000, BTB hits %" G_GUINT64_FORMAT "/1000", i,
                   emon_ledger_balance(e->ledger, i), p->n, p->mean_ipc_permille, p->mean_btb_permille);
        line(user, text);
    }
    g_snprintf(text, sizeof text, "ledger sum %" G_GINT64_FORMAT " ps", emon_ledger_sum(e->ledger));
    line(user, text);
}

const struct vmm_policy_ops vmm_policy_emon_quantum = {
    .abi_version = VMM_POLICY_ABI,
    .struct_size = sizeof(struct vmm_policy_ops),
    .name = "emon-quantum",
    .summary = "round-robin whose quanta follow sampled processor state: caches, BTB, loops",
    .params = params,
    .n_params = N_PARAMS,
    .check = eq_check,
    .init = eq_init,
    .exit = eq_exit,
    .vcpu_insert = eq_insert,
    .vcpu_remove = eq_remove,
    .wake = eq_wake,
    .sleep = eq_sleep,
    .context_saved = eq_context_saved,
    .schedule = eq_schedule,
    .tick = eq_tick,
    .quantum_expiring = eq_expiring,
    .dump = eq_dump,
};
