/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Round-robin whose quanta follow the processor's state: the state management unit samples it (EMON events and the state
 * view) [0058, 0059], the samples are evaluated [0060], and a trigger lengthens or shortens the quantum of the vCPU that
 * runs, between `min` and `max` thousandths of its pre-assigned one [0061]. docs/policies/emon-quantum.md tells of each trigger.
 *
 * A quantum is lengthened at its end, on what was seen last, and only once; shortened at any sample. Nothing changes while
 * nobody waits for the pCPU. Time taken and given is booked when the quantum is over, as much as was used, between the vCPU and all
 * that wait for the pCPU then (emon-ledger.h); what came of each decision is measured afterwards (emon-outcome.h).
 *
 * Against oscillation: a state counts after `confirm` samples and is left by laxer thresholds than it was entered; a VM's quanta
 * change their direction only after `hold` quanta; after a quantum that ended early the next is not lengthened. */
#include "emon-quantum.h"
#include "policies.h"

#include <glib.h>

static void *eq_init(vmm_host *h, const vmm_services *services, const vmm_param_value *values)
{
    emon_quantum *e = g_new0(emon_quantum, 1);
    uint32_t n_pcpus = services->n_pcpus(h);
    e->h = h;
    e->services = services;
    for (unsigned i = 0; i < EMON_N_PARAMS; i++)
        e->p[i] = values[i];
    e->limits = emon_params_thresholds(values);
    e->n_vcpus = services->n_vcpus(h);
    services->smu_watch(h, emon_trigger_events, EMON_N_EVENTS);
    e->ledger = emon_ledger_new(e->n_vcpus, e->p[P_MAX_DEBT].u);
    e->outcomes = emon_outcomes_new(h, services);
    e->queue = vmm_runqueue_new(e->n_vcpus, n_pcpus);
    e->owed = vmm_runqueue_new(e->n_vcpus, n_pcpus);
    e->busy = vmm_runqueue_new(e->n_vcpus, n_pcpus);
    e->vcpus = g_new0(emon_vcpu, e->n_vcpus);
    e->kinds = g_array_new(FALSE, FALSE, sizeof(emon_kind));
    e->next = g_new(uint32_t, n_pcpus);
    for (uint32_t i = 0; i < e->n_vcpus; i++) {
        const vmm_vcpu_facts *c = services->vcpu(h, i);
        vmm_runqueue_admit(e->queue, i, c->affinity);
        vmm_runqueue_admit(e->owed, i, c->affinity);
        vmm_runqueue_admit(e->busy, i, c->affinity);
        emon_ledger_admit(e->ledger, i, c->affinity);
        e->vcpus[i].assigned = c->quantum;
        e->vcpus[i].found.memory_permille = 1000; /* nothing is known: it is not thought to compute */
    }
    for (uint32_t i = 0; i < n_pcpus; i++)
        e->next[i] = VMM_VCPU_NONE;
    return e;
}

static void eq_exit(void *self)
{
    emon_quantum *e = self;
    emon_tasks_free(e);
    emon_outcomes_free(e->outcomes);
    emon_ledger_free(e->ledger);
    vmm_runqueue_free(e->queue);
    vmm_runqueue_free(e->owed);
    vmm_runqueue_free(e->busy);
    g_free(e->vcpus);
    g_free(e->next);
    g_free(e);
}

sim_ps emon_scaled(const emon_quantum *e, uint32_t vcpu, unsigned param)
{
    return CLAMP(e->vcpus[vcpu].assigned / 1000 * e->p[param].u, VMM_QUANTUM_MIN, VMM_QUANTUM_MAX);
}

/* ---- queues --------------------------------------------------------------------------------------------------- */

static void balance_changed(emon_quantum *e, uint32_t vcpu)
{
    emon_outcomes_balance(e->outcomes, vcpu, emon_ledger_balance(e->ledger, vcpu));
}

static void enqueue(emon_quantum *e, uint32_t vcpu, bool front)
{
    if (front)
        vmm_runqueue_insert_front(e->queue, vcpu, 0);
    else
        vmm_runqueue_insert(e->queue, vcpu, 0);
    vmm_runqueue_insert(e->owed, vcpu, emon_ledger_balance(e->ledger, vcpu));
    vmm_runqueue_insert(e->busy, vcpu, e->vcpus[vcpu].found.memory_permille);
    emon_ledger_wait(e->ledger, vcpu);
    balance_changed(e, vcpu);
}

static void dequeue(emon_quantum *e, uint32_t vcpu)
{
    vmm_runqueue_remove(e->queue, vcpu);
    vmm_runqueue_remove(e->owed, vcpu);
    vmm_runqueue_remove(e->busy, vcpu);
    emon_ledger_leave(e->ledger, vcpu);
    balance_changed(e, vcpu);
}

/* ---- samples -------------------------------------------------------------------------------------------------- */

/* Takes in the vCPU's samples that have not been yet, and returns the last one; NULL where it has none in this quantum. */
static const vmm_smu_sample *take_in(emon_quantum *e, uint32_t pcpu, uint32_t vcpu)
{
    emon_vcpu *s = &e->vcpus[vcpu];
    const vmm_smu_profile *p = e->services->vcpu_profile(e->h, vcpu);
    if (!p || !p->n)
        return NULL;
    if (p->n - s->evaluated > VMM_SMU_RING)
        s->evaluated = p->n - VMM_SMU_RING;
    for (; s->evaluated < p->n; s->evaluated++) {
        const vmm_smu_sample *sample = &p->ring[s->evaluated % VMM_SMU_RING];
        s->found = emon_triggers_evaluate(&s->tracker, sample, &e->limits);
        emon_outcomes_sample(e->outcomes, vcpu, sample);
        emon_profile_sample(e, vcpu, sample);
    }
    const vmm_smu_sample *last = &p->ring[(p->n - 1) % VMM_SMU_RING];
    return last->at >= e->services->pcpu(e->h, pcpu)->quantum_begin ? last : NULL;
}

/* ---- the end of a stay: what is booked ------------------------------------------------------------------------ */

/* The vCPU had `span` at the cost of those who wait, by that decision. */
static void book_longer(emon_quantum *e, uint32_t pcpu, uint32_t vcpu, sim_ps span, uint64_t decision)
{
    sim_ps booked = emon_ledger_ran_longer(e->ledger, vcpu, pcpu, span);
    e->vcpus[vcpu].taken += booked;
    if (booked && decision != UINT64_MAX)
        emon_outcomes_owes(e->outcomes, vcpu, decision, booked);
}

static void book_bonus(emon_quantum *e, uint32_t pcpu, uint32_t vcpu, sim_ps used)
{
    emon_vcpu *s = &e->vcpus[vcpu];
    if (s->bonus_from == VMM_VCPU_NONE) {
        book_longer(e, pcpu, vcpu, used, UINT64_MAX);
        return;
    }
    sim_ps booked = emon_ledger_take(e->ledger, vcpu, s->bonus_from, used);
    s->taken += booked;
    e->vcpus[s->bonus_from].given += booked;
    balance_changed(e, s->bonus_from);
}

/* The vCPU's stay is over, `unused` before the end of its quantum. */
static void settle(emon_quantum *e, uint32_t pcpu, uint32_t vcpu, sim_ps unused)
{
    emon_vcpu *s = &e->vcpus[vcpu];
    sim_ps extension = s->extension - MIN(unused, s->extension);
    sim_ps bonus = s->bonus - MIN(unused - MIN(unused, s->extension), s->bonus), given = unused ? 0 : s->cut;
    take_in(e, pcpu, vcpu);
    if (extension)
        book_longer(e, pcpu, vcpu, extension, s->extension_decision);
    if (bonus)
        book_bonus(e, pcpu, vcpu, bonus);
    if (given && s->cut_kind == CUT_SHARED)
        s->given += emon_ledger_ended_sooner(e->ledger, vcpu, pcpu, given);
    else if (s->cut && unused && s->cut_kind == CUT_HEIR && e->vcpus[s->cut_to].bonus_from == vcpu)
        e->vcpus[s->cut_to].bonus = 0; /* it left before the cut took effect: there is nothing to inherit */
    emon_outcomes_stay_over(e->outcomes, pcpu, vcpu, s->cut ? given : extension);
    emon_profile_stay_over(e, vcpu);
    emon_tracker_begin(&s->tracker);
    s->cut_last = given > 0;
    s->extension = s->bonus = s->cut = 0;
    s->cut_kind = CUT_NONE;
    s->due = DUE_NOTHING;
    s->since += s->since < UINT32_MAX;
    balance_changed(e, vcpu);
}

static sim_ps unused_time(const emon_quantum *e, uint32_t pcpu)
{
    const vmm_pcpu_facts *f = e->services->pcpu(e->h, pcpu);
    sim_ps now = e->services->now(e->h, pcpu);
    return f->quantum_end > now ? f->quantum_end - now : 0;
}

/* The pCPU that it runs on, or VMM_PCPU_NONE. */
static uint32_t place_of(const emon_quantum *e, uint32_t vcpu)
{
    uint32_t pcpu = e->services->vcpu(e->h, vcpu)->pcpu;
    return pcpu != VMM_PCPU_NONE && e->services->pcpu(e->h, pcpu)->vcpu == vcpu ? pcpu : VMM_PCPU_NONE;
}

/* ---- hooks: who runs ------------------------------------------------------------------------------------------ */

static void eq_insert(void *self, uint32_t vcpu)
{
    emon_ledger_open(((emon_quantum *)self)->ledger, vcpu);
}

static void tell_figures(emon_quantum *e, uint32_t vcpu)
{
    const emon_vcpu *s = &e->vcpus[vcpu];
    e->services->figure(e->h, vcpu, "debt-ps", emon_ledger_balance(e->ledger, vcpu));
    e->services->figure(e->h, vcpu, "taken-ps", (int64_t)s->taken);
    e->services->figure(e->h, vcpu, "given-ps", (int64_t)s->given);
}

static void eq_remove(void *self, uint32_t vcpu)
{
    emon_quantum *e = self;
    uint32_t pcpu = place_of(e, vcpu);
    dequeue(e, vcpu);
    if (pcpu != VMM_PCPU_NONE)
        settle(e, pcpu, vcpu, unused_time(e, pcpu));
    e->services->figure(e->h, vcpu, "debt-at-end-ps", emon_ledger_balance(e->ledger, vcpu));
    emon_ledger_close(e->ledger, vcpu);
    emon_outcomes_balance(e->outcomes, vcpu, INT64_MAX); /* what it owes is forgiven, not paid back */
}

static void eq_wake(void *self, uint32_t vcpu)
{
    enqueue(self, vcpu, false);
}

static void eq_sleep(void *self, uint32_t vcpu)
{
    emon_quantum *e = self;
    uint32_t pcpu = place_of(e, vcpu);
    dequeue(e, vcpu);
    if (pcpu != VMM_PCPU_NONE)
        settle(e, pcpu, vcpu, unused_time(e, pcpu));
}

static void eq_context_saved(void *self, uint32_t pcpu, uint32_t vcpu, vmm_off_reason why)
{
    emon_quantum *e = self;
    if (why != VMM_OFF_REFUSED)
        settle(e, pcpu, vcpu, unused_time(e, pcpu));
    enqueue(e, vcpu, why == VMM_OFF_REFUSED);
}

/* Half of max-debt is owed to it, and it is not one that ended its last quantum early: its quantum is longer, at the cost of all who wait. */
static void repay(emon_quantum *e, uint32_t pcpu, uint32_t vcpu)
{
    emon_vcpu *s = &e->vcpus[vcpu];
    int64_t credit = -emon_ledger_balance(e->ledger, vcpu);
    sim_ps norm = e->services->vcpu(e->h, vcpu)->quantum, most = emon_scaled(e, vcpu, P_MAX);
    if (!e->p[P_REPAY].b || s->bonus || s->cut_last || s->tracker.stalled.on || credit <= 0 || (sim_ps)credit < e->p[P_MAX_DEBT].u / 2 || most <= norm)
        return;
    sim_ps span = MIN((sim_ps)credit, most - norm);
    if (span < e->p[P_MIN_GAIN].u || !emon_ledger_waiting(e->ledger, pcpu))
        return;
    s->bonus = span;
    s->bonus_from = VMM_VCPU_NONE;
}

/* A quantum that is not as assigned, for this once. */
static void note_quantum(emon_quantum *e, uint32_t pcpu, const vmm_vcpu_facts *c, sim_ps quantum, const char *reason)
{
    const emon_vcpu *s = &e->vcpus[c->id];
    const vmm_decision d = {
        .pcpu = pcpu, .vm = c->vm, .action = quantum > c->quantum ? "increase" : "decrease", .reason = reason, .before = c->quantum, .after = quantum,
        .evidence = { "bonus-ps", "from-vcpu", "debt-ps", "loss-ps" },
        .value = { (int64_t)s->bonus, s->bonus_from == VMM_VCPU_NONE ? -1 : (int64_t)s->bonus_from, emon_ledger_balance(e->ledger, c->id),
                   (int64_t)s->habit.loss },
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
    emon_vcpu *s = &e->vcpus[next];
    const vmm_vcpu_facts *c = e->services->vcpu(e->h, next);
    dequeue(e, next);
    repay(e, pcpu, next);
    sim_ps quantum = (s->habit.once ? s->habit.once : c->quantum) + s->bonus;
    if (s->bonus)
        note_quantum(e, pcpu, c, quantum, "paid-back");
    else if (s->habit.once)
        note_quantum(e, pcpu, c, quantum, s->habit.once_reason);
    s->habit.once = 0;
    return (vmm_choice){ .vcpu = next, .quantum = MIN(quantum, VMM_QUANTUM_MAX), .reason = paid ? "paid-back" : "turn" };
}

/* ---- hooks: ending sooner ------------------------------------------------------------------------------------- */

/* Whether the VM's quanta may change in this direction now. */
static bool may_change(const emon_quantum *e, uint32_t vcpu, int direction)
{
    const emon_vcpu *s = &e->vcpus[vcpu];
    return s->direction == 0 || s->direction == direction || s->since >= e->p[P_HOLD].u;
}

static void changed(emon_vcpu *s, int direction)
{
    if (s->direction != direction)
        s->since = 0;
    s->direction = direction;
}

/* How much sooner the quantum could end: not before now, nor before the shortest quantum. */
static sim_ps slack(const emon_quantum *e, uint32_t pcpu, uint32_t vcpu)
{
    const vmm_pcpu_facts *f = e->services->pcpu(e->h, pcpu);
    sim_ps earliest = MAX(e->services->now(e->h, pcpu), f->quantum_begin + emon_scaled(e, vcpu, P_MIN));
    return f->quantum_end > earliest ? f->quantum_end - earliest : 0;
}

/* The verdict that takes `span` off the quantum's end, with the evidence in `like`. */
static vmm_verdict cut(emon_quantum *e, uint32_t pcpu, uint32_t vcpu, emon_cut kind, sim_ps span, vmm_verdict like)
{
    emon_vcpu *s = &e->vcpus[vcpu];
    s->cut = span;
    s->cut_kind = kind;
    changed(s, -1);
    emon_outcomes_cut(e->outcomes, vcpu, e->services->next_decision(e->h));
    like.kind = e->services->pcpu(e->h, pcpu)->quantum_end - span > e->services->now(e->h, pcpu) ? VMM_SHORTEN : VMM_END;
    like.span = span;
    return like;
}

/* Who is to get what is left of the quantum: the one that waits least for memory. */
static uint32_t heir_of(const emon_quantum *e, uint32_t pcpu, uint32_t vcpu)
{
    uint32_t heir = vmm_runqueue_first(e->busy, pcpu);
    if (heir == VMM_VCPU_NONE || e->vcpus[heir].bonus || vmm_runqueue_key(e->busy, heir) > (int64_t)e->p[P_COMPUTE_SHARE].u)
        return VMM_VCPU_NONE;
    return emon_ledger_room(e->ledger, heir, vcpu, e->p[P_MIN_GAIN].u) < e->p[P_MIN_GAIN].u ? VMM_VCPU_NONE : heir;
}

/* Grants what is left to another vCPU, whose own quantum follows at once [claim 1 of US 7,415,708]. */
static vmm_verdict donate(emon_quantum *e, uint32_t pcpu, uint32_t vcpu, uint32_t heir, sim_ps span, vmm_verdict like)
{
    emon_vcpu *s = &e->vcpus[vcpu];
    like = cut(e, pcpu, vcpu, CUT_HEIR, span, like);
    s->cut_to = heir;
    e->vcpus[heir].bonus = span;
    e->vcpus[heir].bonus_from = vcpu;
    e->services->evidence(e->h, "to-vcpu", heir);
    e->services->evidence(e->h, "to-memory-permille", e->vcpus[heir].found.memory_permille);
    like.kind = VMM_DONATE;
    like.to = heir;
    like.span = MIN(e->services->vcpu(e->h, heir)->quantum + span, VMM_QUANTUM_MAX);
    return like;
}

/* Ends the quantum as soon as `min` allows it, for all who wait or, with donation, for one. False: it stays as it is. `limit`: the threshold. */
static bool end_early(emon_quantum *e, uint32_t pcpu, uint32_t vcpu, vmm_verdict like, emon_due due, const char *limit, int64_t limit_value,
                      vmm_verdict *verdict)
{
    const vmm_pcpu_facts *f = e->services->pcpu(e->h, pcpu);
    sim_ps span = emon_ledger_room_to_end(e->ledger, vcpu, slack(e, pcpu, vcpu)), now = e->services->now(e->h, pcpu);
    if (span < e->p[P_MIN_GAIN].u)
        return false;
    bool whole = span == slack(e, pcpu, vcpu); /* all that is left can be booked */
    uint32_t heir = e->p[P_DONATION].b && whole ? heir_of(e, pcpu, vcpu) : VMM_VCPU_NONE;
    if (heir != VMM_VCPU_NONE && now < f->quantum_begin + emon_scaled(e, vcpu, P_MIN)) {
        e->vcpus[vcpu].due = due; /* looked at again at the next sample */
        return false;
    }
    e->services->evidence(e->h, limit, limit_value);
    *verdict = heir == VMM_VCPU_NONE ? cut(e, pcpu, vcpu, CUT_SHARED, span, like) : donate(e, pcpu, vcpu, heir, span, like);
    return true;
}

/* M12 */
static bool end_flushed(emon_quantum *e, uint32_t pcpu, uint32_t vcpu, const vmm_smu_sample *s, vmm_verdict *verdict)
{
    return end_early(e, pcpu, vcpu, (vmm_verdict){
        .reason = "cache-flushed",
        .evidence = { "flushes", "dirty-lines-before", "dirty-lines-now", "written-back" },
        .value = { (int64_t)s->flushes, s->dirty_before, s->view.l1d.mine_dirty, (int64_t)s->writebacks },
    }, DUE_FLUSHED, "dirty-permille-limit", e->limits.flush_dirty_permille, verdict);
}

/* M16: what comes now used to miss. */
static bool end_before_cold(emon_quantum *e, uint32_t pcpu, uint32_t vcpu, const emon_findings *f, vmm_verdict *verdict)
{
    return end_early(e, pcpu, vcpu, (vmm_verdict){
        .reason = "cold-phase-next",
        .evidence = { "loop-branch", "loop-iterations", "l1d-misses-per-million-after", "times-seen" },
        .value = { (int64_t)f->ended_branch, (int64_t)f->ended_iterations, (int64_t)f->next_rate, f->nexts },
    }, DUE_COLD, "l1d-misses-per-million-limit", (int64_t)e->limits.cold_l1d_rate, verdict);
}

/* [0052]: the pipeline stands still, and one waits that would use it. */
static bool end_stalled(emon_quantum *e, uint32_t pcpu, uint32_t vcpu, const emon_findings *f, vmm_verdict *verdict)
{
    uint32_t other = vmm_runqueue_first(e->busy, pcpu);
    if (vmm_runqueue_key(e->busy, other) > (int64_t)e->p[P_COMPUTE_SHARE].u)
        return false;
    return end_early(e, pcpu, vcpu, (vmm_verdict){
        .reason = "pipeline-stalled",
        .evidence = { "memory-permille", "other-vcpu", "other-memory-permille", "debt-ps" },
        .value = { f->memory_permille, other, vmm_runqueue_key(e->busy, other), emon_ledger_balance(e->ledger, vcpu) },
    }, DUE_NOTHING, "stall-permille-limit", e->limits.stall_permille, verdict);
}

/* M14. The vCPU that has most to its credit runs next, for as much longer as is paid back. */
static bool end_loop(emon_quantum *e, uint32_t pcpu, uint32_t vcpu, const emon_findings *f, vmm_verdict *verdict)
{
    uint32_t creditor = vmm_runqueue_first(e->owed, pcpu);
    int64_t debt = emon_ledger_balance(e->ledger, vcpu), credit = -emon_ledger_balance(e->ledger, creditor);
    if (debt <= 0 || credit <= 0 || e->vcpus[creditor].bonus)
        return false;
    sim_ps most = emon_scaled(e, creditor, P_MAX), norm = e->services->vcpu(e->h, creditor)->quantum;
    sim_ps span = MIN(slack(e, pcpu, vcpu), (sim_ps)MIN(debt, credit));
    span = MIN(span, most > norm ? most - norm : 0);
    if (span < e->p[P_MIN_GAIN].u)
        return false;
    *verdict = cut(e, pcpu, vcpu, CUT_HEIR, span, (vmm_verdict){
        .reason = "loop-end",
        .evidence = { "loop-iterations", "debt-ps", "to-vcpu", "credit-ps" },
        .value = { (int64_t)f->ended_iterations, debt, creditor, credit },
    });
    e->vcpus[vcpu].cut_to = creditor;
    e->vcpus[creditor].bonus = span;
    e->vcpus[creditor].bonus_from = vcpu;
    e->next[pcpu] = creditor;
    return true;
}

static vmm_verdict eq_evaluate(void *self, uint32_t pcpu, uint32_t vcpu, const vmm_smu_sample *sample, G_GNUC_UNUSED sim_ps now)
{
    emon_quantum *e = self;
    emon_vcpu *s = &e->vcpus[vcpu];
    vmm_verdict verdict = { .kind = VMM_KEEP };
    take_in(e, pcpu, vcpu);
    const emon_findings *f = &s->found;
    if (s->cut || vmm_runqueue_first(e->queue, pcpu) == VMM_VCPU_NONE)
        return verdict;
    bool may = may_change(e, vcpu, -1);
    if (may && (f->flushed || s->due == DUE_FLUSHED) && e->p[P_CACHE_FLUSHED].b && end_flushed(e, pcpu, vcpu, sample, &verdict))
        return verdict;
    if (may && (f->cold_next || s->due == DUE_COLD) && e->p[P_PREDICTION].b && end_before_cold(e, pcpu, vcpu, f, &verdict))
        return verdict;
    if (f->loop_end && e->p[P_LOOP_END].b && end_loop(e, pcpu, vcpu, f, &verdict))
        return verdict;
    if (may && f->stalled && e->p[P_STALLED].b)
        end_stalled(e, pcpu, vcpu, f, &verdict);
    return verdict;
}

/* ---- hooks: going on ------------------------------------------------------------------------------------------ */

/* M16: time until the loop ends as it did before, with a sixteenth to spare; 0: not known, or the predictor is not what it was. */
static sim_ps until_loop_end(const emon_quantum *e, uint32_t pcpu, const emon_findings *f, const vmm_smu_sample *s)
{
    if (!e->p[P_PREDICTION].b || f->remaining_cycles == UINT64_MAX || s->view.predictor_warmth_permille < e->p[P_PREDICT_WARM].u)
        return 0;
    uint64_t cycles = f->remaining_cycles + f->remaining_cycles / 16;
    unsigned __int128 span = (unsigned __int128)cycles * SIM_PS_PER_S / e->services->pcpu(e->h, pcpu)->hz;
    return span < VMM_QUANTUM_MAX ? (sim_ps)span : 0;
}

static vmm_verdict foreseen(const emon_quantum *e, const emon_findings *f, const vmm_smu_sample *s)
{
    e->services->evidence(e->h, "predictor-warmth-permille", s->view.predictor_warmth_permille);
    e->services->evidence(e->h, "remaining-cycles", (int64_t)f->remaining_cycles);
    return (vmm_verdict){
        .kind = VMM_EXTEND, .reason = "loop-end-near",
        .evidence = { "loop-branch", "remaining-iterations", "expected-iterations", "times-seen" },
        .value = { (int64_t)s->view.loop_branch, (int64_t)f->remaining_iterations, (int64_t)f->expected_iterations, f->ends },
    };
}

static vmm_verdict tight(const emon_quantum *e, const vmm_smu_sample *s)
{
    e->services->evidence(e->h, "btb-hit-permille-limit", e->limits.loop_btb_permille);
    e->services->evidence(e->h, "l1i-misses-per-million-limit", (int64_t)e->limits.loop_l1i_rate);
    e->services->evidence(e->h, "l1d-misses-per-million-limit", (int64_t)e->limits.loop_l1d_rate);
    return (vmm_verdict){
        .kind = VMM_EXTEND, .reason = "tight-loop",
        .evidence = { "loop-iterations", "btb-hit-permille", "l1i-misses-per-million", "l1d-misses-per-million" },
        .value = { (int64_t)s->view.loop_iterations, s->view.btb_hit_permille, (int64_t)s->rate[EMON_L1I_MISSES], (int64_t)s->rate[EMON_L1D_MISSES] },
    };
}

static vmm_verdict traversed(const emon_quantum *e, const vmm_smu_sample *s)
{
    e->services->evidence(e->h, "l1d-full-permille-limit", e->limits.full_permille);
    e->services->evidence(e->h, "l1d-misses-per-million-limit", (int64_t)e->limits.full_l1d_rate);
    return (vmm_verdict){
        .kind = VMM_EXTEND, .reason = "l1-traversed",
        .evidence = { "l1d-lines-held", "l1d-lines", "l1d-misses-per-million", "l1d-loads-per-million" },
        .value = { s->view.l1d.mine, s->view.l1d.lines, (int64_t)s->rate[EMON_L1D_MISSES], (int64_t)s->rate[EMON_L1D_ACCESSES] },
    };
}

static vmm_verdict eq_expiring(void *self, uint32_t pcpu, uint32_t vcpu, G_GNUC_UNUSED sim_ps now)
{
    emon_quantum *e = self;
    emon_vcpu *s = &e->vcpus[vcpu];
    vmm_verdict verdict = { .kind = VMM_KEEP };
    const vmm_smu_sample *sample = take_in(e, pcpu, vcpu);
    if (!sample || s->cut || s->cut_last || s->extension || !emon_ledger_waiting(e->ledger, pcpu) || !may_change(e, vcpu, 1))
        return verdict;
    const vmm_pcpu_facts *facts = e->services->pcpu(e->h, pcpu);
    sim_ps has = facts->quantum_end - facts->quantum_begin, most = emon_scaled(e, vcpu, P_MAX);
    sim_ps room = emon_ledger_room_to_run(e->ledger, vcpu, most > has ? most - has : 0), near = until_loop_end(e, pcpu, &s->found, sample);
    if (room < e->p[P_MIN_GAIN].u)
        return verdict;
    bool fits = near >= e->p[P_MIN_GAIN].u && near <= room; /* a loop that is over sooner is none that anybody waits for */
    if (fits)
        verdict = foreseen(e, &s->found, sample);
    else if (s->found.tight && e->p[P_TIGHT_LOOP].b)
        verdict = tight(e, sample);
    else if (s->found.traversed && e->p[P_L1_TRAVERSED].b)
        verdict = traversed(e, sample);
    else
        return verdict;
    s->extension = verdict.span = fits ? near : room;
    s->extension_decision = e->services->next_decision(e->h);
    emon_outcomes_extended(e->outcomes, vcpu, s->extension_decision);
    changed(s, 1);
    return verdict;
}

static void eq_task_ended(void *self, uint32_t vcpu, uint32_t kind, sim_ps span)
{
    emon_tasks_ended(self, vcpu, kind, span);
}

static void eq_finish(void *self)
{
    emon_quantum *e = self;
    for (uint32_t i = 0; i < e->n_vcpus; i++) {
        balance_changed(e, i);
        tell_figures(e, i);
    }
}

static void eq_dump(void *self, void (*line)(void *user, const char *text), void *user)
{
    emon_quantum *e = self;
    char text[160];
    for (uint32_t i = 0; i < e->n_vcpus; i++) {
        const vmm_smu_profile *p = e->services->vcpu_profile(e->h, i);
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
    .summary = "round-robin whose quanta follow the processor's state: caches, BTB, loops, tasks, history",
    .params = emon_params,
    .n_params = EMON_N_PARAMS,
    .check = emon_params_check,
    .init = eq_init,
    .exit = eq_exit,
    .vcpu_insert = eq_insert,
    .vcpu_remove = eq_remove,
    .wake = eq_wake,
    .sleep = eq_sleep,
    .context_saved = eq_context_saved,
    .schedule = eq_schedule,
    .quantum_expiring = eq_expiring,
    .dump = eq_dump,
    .evaluate = eq_evaluate,
    .task_ended = eq_task_ended,
    .finish = eq_finish,
};
