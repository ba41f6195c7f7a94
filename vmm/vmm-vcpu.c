/* SPDX-License-Identifier: GPL-2.0-or-later */
/* vCPUs: states and their times, power-on and -off, blocking and waking. */
#include "vmm-private.h"

#include <string.h>

static void power_on(sim_event *event, void *user);
static void wakeup(sim_event *event, void *user);
static void removal(sim_event *event, void *user);

static void copy_affinity(vmm_vcpu_facts *f, const vmm *v, const uint64_t *wanted)
{
    uint64_t any = 0;
    for (unsigned i = 0; i < v->n_pcs; i++) {
        uint64_t bit = UINT64_C(1) << i % 64;
        if (!wanted || wanted[i / 64] & bit)
            any |= f->affinity[i / 64] |= bit;
    }
    g_assert(any != 0);
}

vmm_vcpu *vmm_vcpu_new(vmm *v, vmm_vm *vm, const vmm_vm_config *config)
{
    vmm_vcpu *c = g_new0(vmm_vcpu, 1);
    sim_ps quantum = config->quantum ? config->quantum : v->default_quantum;
    c->v = v;
    c->vm = vm;
    c->facts = (vmm_vcpu_facts){
        .id = v->vcpus->len,
        .vm = v->vms->len,
        .name = vm->name,
        .weight = config->weight ? config->weight : 256,
        .priority = config->priority,
        .quantum = CLAMP(quantum, VMM_QUANTUM_MIN, VMM_QUANTUM_MAX),
        .state = VMM_OFFLINE,
        .pcpu = VMM_PCPU_NONE,
    };
    copy_affinity(&c->facts, v, config->affinity);
    c->woken_at = SIM_PS_NEVER;
    sim_event_init(&c->power_on, power_on, c, SIM_PRIO_DEVICE);
    sim_event_init(&c->wakeup, wakeup, c, SIM_PRIO_DEVICE);
    sim_event_init(&c->removal, removal, c, SIM_PRIO_DEVICE);
    return c;
}

void vmm_vcpu_free(vmm_vcpu *c)
{
    sim_engine_cancel(c->v->engine, &c->power_on);
    sim_engine_cancel(c->v->engine, &c->wakeup);
    sim_engine_cancel(c->v->engine, &c->removal);
    if (c->open_tasks)
        g_array_free(c->open_tasks, TRUE);
    g_free(c);
}

void vmm_vcpu_set_state(vmm_vcpu *c, vmm_vcpu_state state, sim_ps at)
{
    vmm_vcpu_facts *f = &c->facts;
    vmm_vm_stats *s = &c->vm->stats;
    at = MAX(at, f->since);
    s->in_state[f->state] += at - f->since - c->taken.sum;
    s->in_state[VMM_RUNNABLE] += c->taken.sum;
    c->undo[c->n_undo % VMM_UNDO].taken = c->taken;
    c->taken = (vmm_taken){ 0 };
    c->undo[c->n_undo % VMM_UNDO].state = f->state;
    c->undo[c->n_undo++ % VMM_UNDO].since = f->since;
    f->state = s->state = state;
    f->since = at;
}

void vmm_vcpu_taken(vmm_vcpu *c, sim_ps from, sim_ps to)
{
    c->taken.from = from;
    c->taken.to = to;
    c->taken.sum += to - from;
    c->away = false;
    c->vm->stats.taken += to - from;
}

/* What lies past `at` taken off. */
static sim_ps taken_by(const vmm_taken *t, sim_ps at)
{
    return t->to > at ? t->sum - (t->to - MAX(t->from, at)) : t->sum;
}

sim_ps vmm_vcpu_states_at(const vmm_vcpu *c, sim_ps at, sim_ps in_state[VMM_N_STATES])
{
    vmm_vcpu_state state = c->facts.state;
    sim_ps since = c->facts.since;
    vmm_taken taken = c->taken;
    if (c->away && c->away_since < at)
        taken = (vmm_taken){ .sum = taken.sum + (at - c->away_since), .from = c->away_since, .to = at };
    memcpy(in_state, c->vm->stats.in_state, sizeof c->vm->stats.in_state);
    for (unsigned n = c->n_undo, least = n - MIN(n, VMM_UNDO); since > at && n > least;) {
        n--;
        state = c->undo[n % VMM_UNDO].state;
        sim_ps before = c->undo[n % VMM_UNDO].since;
        taken = c->undo[n % VMM_UNDO].taken;
        in_state[state] -= since - before - taken.sum;
        in_state[VMM_RUNNABLE] -= taken.sum;
        since = before;
    }
    at = MAX(at, since);
    sim_ps gone = taken_by(&taken, at);
    in_state[state] += at - since - gone;
    in_state[VMM_RUNNABLE] += gone;
    return at;
}

void vmm_vcpu_close(vmm_vcpu *c, sim_ps end)
{
    sim_ps in_state[VMM_N_STATES];
    c->facts.since = vmm_vcpu_states_at(c, end, in_state);
    g_assert(c->facts.since == end);
    memcpy(c->vm->stats.in_state, in_state, sizeof in_state);
}

static void tie(vmm_vcpu *c, vmm_pc *pc)
{
    c->kicked = pc;
    pc->kicked_for = c;
}

static void untie(vmm_vcpu *c)
{
    if (!c || !c->kicked)
        return;
    c->kicked->kicked_for = NULL;
    c->kicked = NULL;
}

/* Wakes the pCPU, which idles, for the vCPU. */
static void kick(vmm_vcpu *c, vmm_pc *pc, sim_ps at)
{
    untie(c);
    untie(pc->kicked_for);
    tie(c, pc);
    vmm_pc_resched(pc, MAX(at, sim_engine_now(c->v->engine)));
}

void vmm_kick_idle(vmm_vcpu *c, sim_ps at)
{
    uint32_t pcpu = vmm_idle_for(c);
    if (pcpu != VMM_PCPU_NONE)
        kick(c, &c->v->pcs[pcpu], at);
}

void vmm_kick_answered(vmm_pc *pc, vmm_vcpu *taken)
{
    vmm_vcpu *c = pc->kicked_for;
    vmm_pc *other = taken ? taken->kicked : NULL;
    untie(taken);
    untie(c);
    if (!c || c == taken || c->facts.state != VMM_RUNNABLE || pc->v->policy.flags & VMM_POLICY_MAY_IDLE)
        return;
    if (other && vmm_may_run(c, other->facts.id))
        tie(c, other);
    else
        vmm_kick_idle(c, c->facts.since);
}

static void make_runnable(vmm_vcpu *c)
{
    vmm *v = c->v;
    vmm_vcpu_set_state(c, VMM_RUNNABLE, sim_engine_now(v->engine));
    vmm_runqueue_insert(v->ready, c->facts.id, 0);
    vmm_watchdog_arm(v, c->facts.since);
    v->policy.wake(v->self, c->facts.id);
    uint32_t target = vmm_place(c);
    VMM_SEE(v, .kind = c->woken_at == SIM_PS_NEVER ? VMM_SEEN_ON : VMM_SEEN_WAKE, .at = c->facts.since, .vcpu = c->facts.id,
            .pcpu = c->facts.pcpu, .other = target);
    if (vmm_mask_has(v->idle, target))
        kick(c, &v->pcs[target], c->facts.since);
    else if (!(v->policy.flags & VMM_POLICY_MAY_IDLE))
        vmm_kick_idle(c, c->facts.since);
}

static void power_on(G_GNUC_UNUSED sim_event *event, void *user)
{
    vmm_vcpu *c = user;
    vmm_vm_stats *s = &c->vm->stats;
    if (!s->started)
        s->started_at = sim_engine_now(c->v->engine);
    s->started = true;
    if (c->v->policy.vcpu_insert)
        c->v->policy.vcpu_insert(c->v->self, c->facts.id);
    make_runnable(c);
}

static void wakeup(sim_event *event, void *user)
{
    vmm_vcpu *c = user;
    if (c->woken_at == SIM_PS_NEVER) /* else it came late */
        c->woken_at = sim_engine_now(c->v->engine);
    if (c->halted && c->facts.state == VMM_RUNNING && vmm_below_late(&c->v->pcs[c->facts.pcpu], event))
        return;
    if (!c->halted) {
        make_runnable(c);
        return;
    }
    VMM_SEE(c->v, .kind = VMM_SEEN_WAKE, .at = c->woken_at, .vcpu = c->facts.id, .pcpu = c->facts.pcpu, .other = VMM_PCPU_NONE);
    vmm_pc_wake_halted(c);
}

static void removal(sim_event *event, void *user)
{
    vmm_vcpu *c = user;
    vmm *v = c->v;
    if (c->facts.state == VMM_RUNNING && vmm_below_late(&v->pcs[c->facts.pcpu], event))
        return;
    c->vm->stats.stopped = true;
    switch (c->facts.state) {
    case VMM_RUNNING:
        vmm_pc_remove(&v->pcs[c->facts.pcpu]);
        return;
    case VMM_RUNNABLE:
        vmm_runqueue_remove(v->ready, c->facts.id);
        v->policy.sleep(v->self, c->facts.id);
        break;
    default:
        break;
    }
    vmm_vcpu_power_off(c, sim_engine_now(v->engine));
    VMM_SEE(v, .kind = VMM_SEEN_OFF, .at = c->facts.since, .vcpu = c->facts.id, .pcpu = c->facts.pcpu, .other = VMM_PCPU_NONE);
}

void vmm_vcpu_block(vmm_vcpu *c, sim_ps at, sim_ps wake_at)
{
    vmm *v = c->v;
    vmm_vcpu_set_state(c, VMM_BLOCKED, at);
    v->policy.sleep(v->self, c->facts.id);
    if (v->tasks) /* one may have come while it was on its way to sleep */
        wake_at = MIN(wake_at, v->tasks->wake(v->tasks->user, c->facts.vm, at));
    sim_engine_schedule(v->engine, &c->wakeup, wake_at);
}

void vmm_vcpu_wake(vmm_vcpu *c, sim_ps at)
{
    if ((c->facts.state == VMM_BLOCKED || c->halted) && sim_event_pending(&c->wakeup) && c->wakeup.at > at)
        sim_engine_schedule(c->v->engine, &c->wakeup, MAX(at, sim_engine_now(c->v->engine)));
}

void vmm_vcpu_power_off(vmm_vcpu *c, sim_ps at)
{
    vmm *v = c->v;
    vmm_vcpu_set_state(c, VMM_OFFLINE, at);
    sim_engine_cancel(v->engine, &c->power_on);
    sim_engine_cancel(v->engine, &c->wakeup);
    sim_engine_cancel(v->engine, &c->removal);
    c->halted = c->forced = false;
    if (c->held_by)
        c->held_by->holds = NULL;
    c->held_by = NULL;
    c->vm->stats.ended = true;
    c->vm->stats.ended_at = c->facts.since;
    v->n_ended++;
    if (v->policy.vcpu_remove)
        v->policy.vcpu_remove(v->self, c->facts.id);
}

sim_ps vmm_disk_request(vmm_vm *vm, sim_ps at, uint64_t bytes)
{
    sim_ps begin = MAX(at, vm->disk_free);
    unsigned __int128 moving = 0;
    if (vm->io_bytes_per_s)
        moving = (unsigned __int128)bytes * SIM_PS_PER_S / vm->io_bytes_per_s;
    unsigned __int128 done = (unsigned __int128)begin + vm->io_latency + moving;
    vm->disk_free = done < SIM_PS_NEVER ? (sim_ps)done : SIM_PS_NEVER - 1;
    return vm->disk_free;
}
