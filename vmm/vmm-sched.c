/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What happens on a pCPU: VM-exits and -entries, the quantum timer, ticks, switches. */
#include "vmm-private.h"

static void quantum_over(sim_event *event, void *user);
static void tick(sim_event *event, void *user);
static void reschedule(sim_event *event, void *user);
static void timer(sim_event *event, void *user);

void vmm_pc_init(vmm_pc *pc, vmm *v, vmm_pcpu *port)
{
    pc->v = v;
    pc->port = port;
    pc->forced = pc->donated_to = VMM_VCPU_NONE;
    pc->facts = (vmm_pcpu_facts){
        .id = port->id, .core = port->core, .package = port->package, .hz = port->hz,
        .emon_counters = port->emon_counters, .emon_read_cycles = port->emon_read_cycles,
        .l1d_lines = port->l1d_lines, .l1i_lines = port->l1i_lines, .l2_lines = port->l2_lines, .llc_lines = port->llc_lines,
        .l2_ways = port->l2_ways, .llc_ways = port->llc_ways,
        .kind = port->kind, .vcpu = VMM_VCPU_NONE,
    };
    sim_event_init(&pc->quantum_event, quantum_over, pc, SIM_PRIO_QUANTUM);
    sim_event_init(&pc->tick_event, tick, pc, SIM_PRIO_TICK);
    sim_event_init(&pc->resched_event, reschedule, pc, SIM_PRIO_QUANTUM);
    sim_event_init(&pc->timer_event, timer, pc, SIM_PRIO_TICK);
}

static void set_idle(vmm_pc *pc, bool idle)
{
    uint64_t bit = UINT64_C(1) << pc->facts.id % 64, *word = &pc->v->idle[pc->facts.id / 64];
    *word = idle ? *word | bit : *word & ~bit;
}

void vmm_pc_resched(vmm_pc *pc, sim_ps at)
{
    set_idle(pc, false);
    if (!sim_event_pending(&pc->resched_event) || pc->resched_event.at > at)
        sim_engine_schedule(pc->v->engine, &pc->resched_event, at);
}

static void arm_tick(vmm_pc *pc)
{
    if (!pc->tick_period || sim_event_pending(&pc->tick_event))
        return;
    sim_ps now = vmm_now(pc);
    sim_engine_schedule(pc->v->engine, &pc->tick_event, (now / pc->tick_period + 1) * pc->tick_period);
}

void vmm_pc_set_tick(vmm_pc *pc, sim_ps period)
{
    pc->tick_period = period;
    vmm_below_forget(pc, &pc->tick_event);
    sim_engine_cancel(pc->v->engine, &pc->tick_event);
    if (pc->cur)
        arm_tick(pc);
}

void vmm_pc_set_timer(vmm_pc *pc, sim_ps at)
{
    sim_engine *engine = pc->v->engine;
    vmm_below_forget(pc, &pc->timer_event);
    if (at == SIM_PS_NEVER)
        sim_engine_cancel(engine, &pc->timer_event);
    else
        sim_engine_schedule(engine, &pc->timer_event, MAX(at, sim_engine_now(engine)));
}

/* ---- transitions -------------------------------------------------------------------------------------------- */

/* The guest is out. Returns when. */
static sim_ps vm_exit(vmm_pc *pc, vmm_exit_reason reason)
{
    sim_ps at = vmm_now(pc);
    vmm_account_out(pc);
    pc->cur->vm->stats.exits[reason]++;
    pc->left_for = reason;
    vmm_below_exit(pc);
    vmm_work_exit(pc);
    return at;
}

/* The VM-exit at `left` is dealt with. */
static void account_exit(vmm_pc *pc, sim_ps left)
{
    vmm_vm_stats *s = &pc->cur->vm->stats;
    sim_ps span = vmm_now(pc) - left;
    s->work_time += span;
    s->exit_time[pc->left_for] += span;
}

/* The vCPU that left at `left` goes on in the same quantum. */
static void vm_entry(vmm_pc *pc, sim_ps left)
{
    vmm_work_entry(pc, pc->cur);
    vmm_below_entry(pc, pc->cur);
    sim_ps now = vmm_now(pc);
    account_exit(pc, left);
    vmm_account_in(pc);
    sim_engine_schedule(pc->v->engine, &pc->quantum_event, MAX(pc->facts.quantum_end, now));
}

/* The guest leaves the pCPU's registers. */
static void unload(vmm_pc *pc)
{
    if (!pc->loaded)
        return;
    vmm_smu_unload(pc, pc->loaded);
    pc->port->ops->stop(pc->port);
    vmm_account_slice(pc->v, pc->facts.id, pc->loaded->facts.vm, pc->slice_begin, pc->slice_end);
    pc->loaded = NULL;
}

/* The vCPU that left at `left` does not run any more, from now on. Returns it. */
static vmm_vcpu *take_off(vmm_pc *pc, sim_ps left)
{
    vmm_vcpu *c = pc->cur;
    sim_ps now = vmm_now(pc);
    account_exit(pc, left);
    if (c->halted)
        c->vm->stats.halted += left - MIN(c->halted_since, left);
    pc->slice_end = now;
    pc->cur = NULL;
    c->granted = pc->facts.quantum_end - pc->facts.quantum_begin;
    sim_engine_cancel(pc->v->engine, &pc->quantum_event);
    return c;
}

/* ... and could go on: back into the queues. */
static vmm_vcpu *requeue(vmm_pc *pc, sim_ps left, vmm_off_reason why)
{
    vmm *v = pc->v;
    vmm_vcpu *c = take_off(pc, left);
    pc->facts.vcpu = VMM_VCPU_NONE;
    vmm_vcpu_set_state(c, VMM_RUNNABLE, vmm_now(pc));
    VMM_SEE(v, .kind = VMM_SEEN_END, .at = c->facts.since, .pcpu = pc->facts.id, .vcpu = c->facts.id, .why = (vmm_slice_end)why);
    vmm_runqueue_insert(v->ready, c->facts.id, 0);
    vmm_watchdog_arm(v, c->facts.since);
    v->hook_pcpu = pc->facts.id;
    v->policy.context_saved(v->self, pc->facts.id, c->facts.id, why);
    v->hook_pcpu = VMM_PCPU_NONE;
    return c;
}

static void load(vmm_pc *pc, vmm_vcpu *c)
{
    vmm *v = pc->v;
    uint32_t from = c->facts.pcpu;
    unload(pc);
    c->vm->stats.dispatches++;
    if (from != VMM_PCPU_NONE && from != pc->facts.id) {
        c->vm->stats.migrations++;
        if (v->policy.migrate)
            v->policy.migrate(v->self, c->facts.id, from, pc->facts.id);
    }
}

/* The vCPU runs here from now on; the pCPU has been working for it since `from`. */
static void dispatch(vmm_pc *pc, vmm_vcpu *c, sim_ps quantum, sim_ps from)
{
    vmm *v = pc->v;
    bool switched = pc->loaded != c;
    vmm_runqueue_remove(v->ready, c->facts.id);
    vmm_work_wait(pc, c->facts.since);
    vmm_vcpu_set_state(c, VMM_RUNNING, from);
    from = c->facts.since;
    VMM_SEE(v, .kind = VMM_SEEN_BEGIN, .at = from, .pcpu = pc->facts.id, .vcpu = c->facts.id, .other = c->facts.pcpu, .span = quantum);
    if (switched)
        load(pc, c);
    vmm_smu_begin(pc, c);
    below_outer_exit(pc, c, VMM_OUTER_TIMER, 1);
    vmm_work_entry(pc, c);
    vmm_below_entry(pc, c);
    sim_ps now = vmm_now(pc);
    c->facts.pcpu = pc->facts.id;
    c->forced = false;
    c->vm->stats.work_time += now - from;
    c->vm->stats.dispatch_time += now - from;
    pc->cur = c;
    pc->facts.vcpu = c->facts.id;
    pc->facts.quantum_begin = now;
    pc->facts.quantum_end = now + quantum;
    pc->extended = pc->cut = false;
    if (switched) {
        pc->slice_begin = from;
        pc->loaded = c;
        pc->port->ops->start(pc->port, c->facts.id, c->vm->owner);
    }
    if (c->halted) {
        c->halted_since = now;
        pc->port->ops->halt(pc->port, true);
    }
    vmm_account_in(pc);
    if (c->woken_at != SIM_PS_NEVER) {
        uint64_t latency = now - c->woken_at;
        VMM_SEE(v, .kind = VMM_SEEN_RAN, .at = now, .pcpu = pc->facts.id, .vcpu = c->facts.id, .span = latency);
        vmm_account_sample(c->vm->stats.wake_latency, &latency);
        c->woken_at = SIM_PS_NEVER;
    }
    sim_engine_schedule(v->engine, &pc->quantum_event, pc->facts.quantum_end);
    arm_tick(pc);
    vmm_smu_arm(pc);
}

/* Finds work for the pCPU, which nobody runs on. `left` is the vCPU that was requeued here just now, or NULL. */
static void schedule(vmm_pc *pc, vmm_vcpu *left, vmm_off_reason why)
{
    vmm *v = pc->v;
    sim_ps from = vmm_now(pc);
    sim_engine_cancel(v->engine, &pc->resched_event);
    set_idle(pc, false);
    vmm_work_schedule(pc);
    vmm_pick pick = vmm_decide(pc);
    vmm_kick_answered(pc, pick.vcpu);
    if (left && pick.vcpu != left) {
        why == VMM_OFF_YIELDED ? left->vm->stats.voluntary++ : left->vm->stats.preemptions++;
        left->vm->stats.switched_off[why]++;
        if (!(v->policy.flags & VMM_POLICY_MAY_IDLE))
            vmm_kick_idle(left, left->facts.since);
    }
    if (pick.vcpu) {
        dispatch(pc, pick.vcpu, pick.quantum, from);
        return;
    }
    unload(pc);
    VMM_SEE(v, .kind = VMM_SEEN_IDLE, .at = vmm_now(pc), .pcpu = pc->facts.id, .vcpu = VMM_VCPU_NONE);
    sim_engine_cancel(v->engine, &pc->tick_event);
    vmm_smu_disarm(pc);
    if (sim_event_pending(&pc->resched_event))
        return;
    set_idle(pc, true);
    vmm_below_idle(pc);
}

/* ---- events ------------------------------------------------------------------------------------------------- */

static void end_quantum(vmm_pc *pc, sim_ps left, vmm_off_reason why)
{
    schedule(pc, requeue(pc, left, why), why);
}

static void reschedule(sim_event *event, void *user)
{
    vmm_pc *pc = user;
    if (vmm_below_late(pc, event))
        return;
    if (!pc->cur)
        schedule(pc, NULL, VMM_OFF_QUANTUM);
    else
        end_quantum(pc, vm_exit(pc, VMM_EXIT_EXTERNAL), VMM_OFF_PREEMPTED);
}

static void record(vmm_pc *pc, const vmm_verdict *verdict, const char *action, sim_ps after)
{
    vmm_decision d = {
        .at = vmm_now(pc), .pcpu = pc->facts.id, .vm = pc->cur->facts.vm, .action = action, .reason = verdict->reason,
        .before = pc->facts.quantum_end - pc->facts.quantum_begin, .after = after,
    };
    for (unsigned i = 0; i < VMM_N_EVIDENCE; i++) {
        d.evidence[i] = verdict->evidence[i];
        d.value[i] = verdict->value[i];
    }
    vmm_account_decision(pc->v, &d);
}

static void extend(vmm_pc *pc, const vmm_verdict *verdict)
{
    vmm_pcpu_facts *f = &pc->facts;
    record(pc, verdict, "extend", f->quantum_end - f->quantum_begin + verdict->span);
    f->quantum_end += verdict->span;
    if (!pc->extended)
        pc->cur->vm->stats.quanta_extended++;
    pc->extended = true;
}

/* Ends the quantum sooner, or hands the pCPU on; false: it is over at once. `expired`: it was over anyway. */
static bool shorten(vmm_pc *pc, const vmm_verdict *verdict, bool expired)
{
    vmm_pcpu_facts *f = &pc->facts;
    sim_ps now = vmm_now(pc), ran = now - f->quantum_begin, whole = f->quantum_end - f->quantum_begin;
    sim_ps after = verdict->kind == VMM_SHORTEN && verdict->span < whole ? MAX(whole - verdict->span, ran) : ran;
    const char *action = verdict->kind == VMM_DONATE ? "donate" : after > ran ? "decrease" : "end";
    record(pc, verdict, action, after);
    if (!pc->cut && !expired) {
        pc->cur->vm->stats.quanta_ended_early++;
        pc->cut = true;
    }
    if (verdict->kind == VMM_DONATE) {
        pc->donated_to = verdict->to;
        pc->donated = verdict->span ? verdict->span : MAX(whole > ran ? whole - ran : 0, VMM_QUANTUM_MIN);
    }
    f->quantum_end = f->quantum_begin + after;
    return after > ran;
}

/* The vCPU that left its guest at `left` goes in again, unless the hook that was called asked for a new decision. */
static void go_on(vmm_pc *pc, sim_ps left)
{
    if (sim_event_pending(&pc->resched_event) && pc->resched_event.at <= vmm_now(pc))
        end_quantum(pc, left, VMM_OFF_PREEMPTED);
    else
        vm_entry(pc, left);
}

/* Carries out an accepted verdict on the vCPU that left its guest at `left`. `expired`: its quantum was over. */
static void carry_out(vmm_pc *pc, const vmm_verdict *verdict, sim_ps left, bool expired)
{
    bool goes_on = !expired;
    if (verdict->kind == VMM_EXTEND) {
        extend(pc, verdict);
        goes_on = true;
    } else if (verdict->kind != VMM_KEEP && (!expired || verdict->kind == VMM_DONATE)) {
        goes_on = shorten(pc, verdict, expired);
    }
    if (goes_on) {
        go_on(pc, left);
        return;
    }
    if (expired && !pc->extended && !pc->cut)
        pc->cur->vm->stats.quanta_full++;
    end_quantum(pc, left, pc->cut ? VMM_OFF_ENDED : VMM_OFF_QUANTUM);
}

static void quantum_over(sim_event *event, void *user)
{
    vmm_pc *pc = user;
    vmm *v = pc->v;
    if (vmm_below_late(pc, event))
        return;
    vmm_verdict verdict = { .kind = VMM_KEEP };
    sim_ps left = vm_exit(pc, VMM_EXIT_QUANTUM);
    vmm_smu_expiring(pc);
    if (v->policy.quantum_expiring) {
        v->hook_pcpu = pc->facts.id;
        verdict = v->policy.quantum_expiring(v->self, pc->facts.id, pc->cur->facts.id, vmm_now(pc));
        v->hook_pcpu = VMM_PCPU_NONE;
        verdict = vmm_verdict_checked(pc, verdict, "quantum_expiring");
    }
    carry_out(pc, &verdict, left, true);
}

static void tick(sim_event *event, void *user)
{
    vmm_pc *pc = user;
    vmm *v = pc->v;
    if (!pc->cur || vmm_below_late(pc, event))
        return;
    arm_tick(pc);
    if (!v->policy.tick || pc->facts.quantum_end <= vmm_now(pc))
        return;
    sim_ps left = vm_exit(pc, VMM_EXIT_EXTERNAL);
    vmm_work_tick(pc);
    v->hook_pcpu = pc->facts.id;
    vmm_verdict verdict = v->policy.tick(v->self, pc->facts.id, pc->cur->facts.id, vmm_now(pc));
    v->hook_pcpu = VMM_PCPU_NONE;
    verdict = vmm_verdict_checked(pc, verdict, "tick");
    carry_out(pc, &verdict, left, false);
}

static void timer(sim_event *event, void *user)
{
    vmm_pc *pc = user;
    vmm *v = pc->v;
    if (vmm_below_late(pc, event))
        return;
    bool runs = pc->cur != NULL;
    sim_ps left = runs ? vm_exit(pc, VMM_EXIT_EXTERNAL) : vmm_now(pc);
    vmm_work_tick(pc);
    v->hook_pcpu = pc->facts.id;
    v->policy.timer(v->self, pc->facts.id, vmm_now(pc));
    v->hook_pcpu = VMM_PCPU_NONE;
    if (runs)
        go_on(pc, left);
    else if (!sim_event_pending(&pc->resched_event))
        vmm_below_idle(pc);
}

/* What the policy says to overflows of the pCPU's counters. */
static vmm_verdict ask_overflow(vmm_pc *pc, uint64_t counters)
{
    vmm *v = pc->v;
    vmm_verdict verdict = { .kind = VMM_KEEP };
    if (!v->policy.pmu_overflow)
        return verdict;
    v->hook_pcpu = pc->facts.id;
    for (; counters; counters &= counters - 1) {
        uint32_t bit = (uint32_t)__builtin_ctzll(counters), counter = bit < 32 ? bit : SIM_EMON_FIXED | (bit - 32);
        vmm_verdict answer = v->policy.pmu_overflow(v->self, pc->facts.id, pc->cur->facts.id, counter, vmm_now(pc));
        if (verdict.kind == VMM_KEEP)
            verdict = answer;
    }
    v->hook_pcpu = VMM_PCPU_NONE;
    return vmm_verdict_checked(pc, verdict, "pmu_overflow");
}

/* The state management unit made a VM-exit, which left the guest at `left`; `others` are counters of the policy that overflowed with its own. */
static void sampled(vmm_pc *pc, sim_ps left, uint64_t overflowed, uint64_t others)
{
    vmm_verdict verdict = vmm_smu_evaluate(pc, overflowed);
    if (verdict.kind == VMM_KEEP && others)
        verdict = ask_overflow(pc, others);
    if (verdict.kind != VMM_KEEP)
        vmm_smu_took(pc, left);
    bool nothing_came = verdict.kind == VMM_KEEP;
    carry_out(pc, &verdict, left, false);
    if (nothing_came)
        vmm_smu_took(pc, left);
}

void vmm_pc_sample(vmm_pc *pc)
{
    if (!pc->cur)
        return;
    vmm_smu_arm(pc);
    if (pc->facts.quantum_end <= vmm_now(pc))
        return;
    if (vmm_smu_is_beside(pc->v)) {
        vmm_verdict verdict = vmm_smu_evaluate(pc, 0);
        if (verdict.kind == VMM_KEEP)
            return;
        sim_ps left = vm_exit(pc, VMM_EXIT_EMON);
        vmm_smu_took(pc, left);
        carry_out(pc, &verdict, left, false);
        return;
    }
    sim_ps left = vm_exit(pc, VMM_EXIT_EXTERNAL);
    vmm_work_tick(pc);
    sampled(pc, left, 0, 0);
}

void vmm_emon_overflow(vmm *v, unsigned pcpu, uint64_t counters)
{
    vmm_pc *pc = &v->pcs[pcpu];
    if (!pc->cur || !counters || vmm_below_away(pc))
        return;
    uint64_t mine = vmm_smu_armed(pc, counters);
    sim_ps left = vm_exit(pc, VMM_EXIT_EMON);
    if (mine) {
        sampled(pc, left, mine, counters & ~mine);
        return;
    }
    vmm_verdict verdict = ask_overflow(pc, counters);
    carry_out(pc, &verdict, left, false);
}

/* ---- the guest stopped by itself ---------------------------------------------------------------------------- */

static void block(vmm_pc *pc, vmm_exit_reason reason, sim_ps wake_at)
{
    sim_ps left = vm_exit(pc, reason);
    vmm_vcpu *c = take_off(pc, left);
    c->vm->stats.voluntary++;
    vmm_vcpu_block(c, vmm_now(pc), wake_at);
    VMM_SEE(pc->v, .kind = VMM_SEEN_END, .at = c->facts.since, .pcpu = pc->facts.id, .vcpu = c->facts.id, .why = VMM_SLICE_BLOCKED);
    pc->facts.vcpu = VMM_VCPU_NONE;
    unload(pc);
    schedule(pc, NULL, VMM_OFF_QUANTUM);
}

/* The guest idles until `wake_at`: HLT. Where that does not exit, the pCPU halts and stays its own. */
static void idle(vmm_pc *pc, vmm_exit_reason reason, sim_ps wake_at)
{
    vmm_vcpu *c = pc->cur;
    if (c->vm->controls.insns & 1u << VMM_INSN_HLT) {
        block(pc, reason, wake_at);
        return;
    }
    const vmm_tasks *tasks = pc->v->tasks;
    sim_ps now = vmm_now(pc);
    if (tasks)
        wake_at = MIN(wake_at, tasks->wake(tasks->user, c->facts.vm, now));
    c->halted = true;
    c->halted_since = now;
    pc->port->ops->halt(pc->port, true);
    sim_engine_schedule(pc->v->engine, &c->wakeup, MAX(wake_at, now));
}

void vmm_pc_wake_halted(vmm_vcpu *c)
{
    vmm_pc *pc = c->facts.state == VMM_RUNNING ? &c->v->pcs[c->facts.pcpu] : NULL;
    c->halted = false;
    if (!pc)
        return;
    sim_ps left = vm_exit(pc, VMM_EXIT_EXTERNAL);
    c->vm->stats.halted += left - MIN(c->halted_since, left);
    vm_entry(pc, left);
    pc->port->ops->halt(pc->port, false);
    uint64_t latency = vmm_now(pc) - c->woken_at;
    VMM_SEE(pc->v, .kind = VMM_SEEN_RAN, .at = vmm_now(pc), .pcpu = pc->facts.id, .vcpu = c->facts.id, .span = latency);
    vmm_account_sample(c->vm->stats.wake_latency, &latency);
    c->woken_at = SIM_PS_NEVER;
}

/* The vCPU of the pCPU comes off for good. */
static void leave(vmm_pc *pc, vmm_exit_reason reason)
{
    sim_ps left = vm_exit(pc, reason);
    vmm_vcpu *c = take_off(pc, left);
    vmm_vcpu_power_off(c, vmm_now(pc));
    VMM_SEE(pc->v, .kind = VMM_SEEN_END, .at = c->facts.since, .pcpu = pc->facts.id, .vcpu = c->facts.id, .why = VMM_SLICE_OFF);
    pc->facts.vcpu = VMM_VCPU_NONE;
    unload(pc);
    schedule(pc, NULL, VMM_OFF_QUANTUM);
}

void vmm_pc_remove(vmm_pc *pc)
{
    leave(pc, VMM_EXIT_EXTERNAL);
}

static void end(vmm_pc *pc, const vmm_stop *stop)
{
    vmm_vm_stats *s = &pc->cur->vm->stats;
    s->faulted = stop->kind == VMM_STOP_FAULT;
    s->exit_status = stop->status;
    if (s->faulted) {
        s->fault_address = stop->arg;
        s->fault_ip = stop->ip;
        s->fault_text = g_strdup(stop->text);
    }
    leave(pc, s->faulted ? VMM_EXIT_FAULT : VMM_EXIT_SHUTDOWN);
}

static sim_ps later(sim_ps at, sim_ps span)
{
    return span < SIM_PS_NEVER - 1 - at ? at + span : SIM_PS_NEVER - 1;
}

void vmm_guest_stopped(vmm *v, unsigned pcpu, const vmm_stop *stop)
{
    vmm_pc *pc = &v->pcs[pcpu];
    if (vmm_below_stopped(pc, stop))
        return;
    vmm_vcpu *c = pc->cur;
    g_assert(c);
    sim_ps now = vmm_now(pc);
    switch (stop->kind) {
    case VMM_STOP_SLEEP:
        idle(pc, VMM_EXIT_HLT, stop->span ? later(now, stop->span) : MAX(stop->until, now));
        return;
    case VMM_STOP_IO:
        if (c->vm->controls.insns & 1u << VMM_INSN_IO) {
            below_outer_exit(pc, NULL, VMM_OUTER_IO, 1);
            block(pc, VMM_EXIT_IO, vmm_disk_request(c->vm, now, stop->bytes));
        }
        else
            idle(pc, VMM_EXIT_HLT, vmm_disk_request(c->vm, now, stop->bytes));
        return;
    case VMM_STOP_YIELD: {
        sim_ps left = vm_exit(pc, VMM_EXIT_YIELD);
        if (v->policy.yield)
            v->policy.yield(v->self, c->facts.id);
        schedule(pc, requeue(pc, left, VMM_OFF_YIELDED), VMM_OFF_YIELDED);
        return;
    }
    case VMM_STOP_HYPERCALL:
        vm_entry(pc, vm_exit(pc, VMM_EXIT_HYPERCALL));
        return;
    case VMM_STOP_WBINVD:
        if (c->vm->controls.insns & 1u << VMM_INSN_WBINVD)
            vm_entry(pc, vm_exit(pc, VMM_EXIT_WBINVD));
        return;
    case VMM_STOP_ROI:
        return;
    case VMM_STOP_TASK_BEGIN:
    case VMM_STOP_TASK_END:
        vmm_account_task(c, now, stop);
        return;
    case VMM_STOP_END:
    case VMM_STOP_FAULT:
        end(pc, stop);
        return;
    }
    g_assert_not_reached();
}

void vmm_guest_trapped(vmm *v, unsigned pcpu, vmm_insn insn, unsigned n)
{
    static const vmm_exit_reason reasons[VMM_N_INSN_BITS] = {
        [VMM_INSN_HLT] = VMM_EXIT_HLT, [VMM_INSN_IO] = VMM_EXIT_IO, [VMM_INSN_CPUID] = VMM_EXIT_CPUID, [VMM_INSN_MSR] = VMM_EXIT_MSR,
        [VMM_INSN_RDTSC] = VMM_EXIT_RDTSC, [VMM_INSN_WBINVD] = VMM_EXIT_WBINVD, [VMM_INSN_PAUSE] = VMM_EXIT_PAUSE,
    };
    for (unsigned i = 0; i < n; i++)
        vm_entry(&v->pcs[pcpu], vm_exit(&v->pcs[pcpu], reasons[insn]));
}

void vmm_pc_close(vmm_pc *pc, sim_ps at)
{
    if (!pc->cur || vmm_below_away(pc))
        return;
    if (pc->cur->halted)
        pc->cur->vm->stats.halted += at - MIN(pc->cur->halted_since, at);
    vmm_account_out(pc);
    vmm_account_slice(pc->v, pc->facts.id, pc->cur->facts.vm, pc->slice_begin, MAX(at, pc->slice_begin));
}
