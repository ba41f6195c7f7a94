/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The layer below the VMM: who has a pCPU, taking it from the VMM and giving it back, accounts. */
#include "vmm-below-private.h"

static void turn(sim_event *event, void *user);

static void entity_init(below_entity *e, uint32_t number, uint32_t weight)
{
    e->number = number;
    e->weight = weight;
    e->state = BELOW_SLEEPS;
}

void vmm_add_below(vmm *v, const vmm_below_config *config)
{
    g_assert(!v->started && !v->below && config->slice > 0 && config->weight > 0);
    struct vmm_below *b = v->below = g_new0(struct vmm_below, 1);
    b->v = v;
    b->ops = config->kind == VMM_BELOW_HOST ? &below_host : &below_outer;
    b->config = *config;
    b->config.threads = NULL;
    b->threads = g_ptr_array_new_with_free_func((GDestroyNotify)below_thread_free);
    for (unsigned i = 0; i < config->n_threads; i++) {
        below_thread *t = below_thread_new(b, &config->threads[i], i + 1, v->vms->len + i);
        entity_init(&t->e, i + 1, config->threads[i].weight);
        g_ptr_array_add(b->threads, t);
    }
    b->pcs = g_new0(below_pc, v->n_pcs);
    b->pcpu_stats = g_new0(vmm_below_pcpu_stats, v->n_pcs);
    for (unsigned i = 0; i < v->n_pcs; i++) {
        below_pc *p = &b->pcs[i];
        p->below = b;
        p->pc = &v->pcs[i];
        entity_init(&p->vmm, 0, config->weight);
        p->queue = g_ptr_array_new();
        p->late = g_ptr_array_new();
        p->turn_at = SIM_PS_NEVER;
        sim_event_init(&p->turn, turn, p, SIM_PRIO_TICK);
    }
}

void vmm_below_free(vmm *v)
{
    struct vmm_below *b = v->below;
    if (!b)
        return;
    for (unsigned i = 0; i < v->n_pcs; i++) {
        sim_engine_cancel(v->engine, &b->pcs[i].turn);
        g_ptr_array_unref(b->pcs[i].queue);
        g_ptr_array_unref(b->pcs[i].late);
    }
    g_ptr_array_unref(b->threads);
    g_free(b->thread_stats);
    g_free(b->pcpu_stats);
    g_free(b->pcs);
    g_clear_pointer(&v->below, g_free);
}

/* Counters are part of a thread's (of a virtual processor's) state: they stand still while it is off, as perf's of a task and those of a virtual PMU do. */
static void hold_counters(const vmm_pc *pc, bool held)
{
    if (pc->port->ops->emon_hold)
        pc->port->ops->emon_hold(pc->port, held);
}

void vmm_below_start(vmm *v)
{
    for (unsigned i = 0; v->below && i < v->n_pcs; i++)
        hold_counters(&v->pcs[i], true);
    for (guint i = 0; v->below && i < v->below->threads->len; i++)
        below_thread_start(g_ptr_array_index(v->below->threads, i));
}

static below_pc *at(const vmm_pc *pc)
{
    return &pc->v->below->pcs[pc->facts.id];
}

/* ---- time and work -------------------------------------------------------------------------------------------- */

void below_set_mode(below_pc *p, below_mode mode)
{
    sim_ps now = MAX(vmm_now(p->pc), p->mode_since);
    p->time[p->mode] += now - p->mode_since;
    p->undo[p->n_undo % BELOW_UNDO].mode = p->mode;
    p->undo[p->n_undo++ % BELOW_UNDO].since = p->mode_since;
    p->mode = mode;
    p->mode_since = now;
}

static void close_mode(below_pc *p, sim_ps end)
{
    for (unsigned n = MIN(p->n_undo, BELOW_UNDO); p->mode_since > end && n; n--) {
        p->n_undo--;
        p->mode = p->undo[p->n_undo % BELOW_UNDO].mode;
        sim_ps before = p->undo[p->n_undo % BELOW_UNDO].since;
        p->time[p->mode] -= p->mode_since - before;
        p->mode_since = before;
    }
    /* Many exits of one block may be further back: of what is past the end, the layer's part is not known, and most of it is that. */
    sim_ps past = p->mode_since - MIN(p->mode_since, end);
    for (int m = BELOW_N_MODES - 1; past && m >= 0; m--) {
        sim_ps part = MIN(past, p->time[m]);
        p->time[m] -= part;
        past -= part;
    }
    p->time[p->mode] += end - MIN(p->mode_since, end);
    p->mode_since = end;
}

void below_work(below_pc *p, uint32_t cycles, uint32_t first, uint16_t code_lines, uint16_t data_lines)
{
    vmm_work w = { .cycles = cycles, .first = first, .code_lines = code_lines, .data_lines = data_lines };
    p->pc->port->ops->work(p->pc->port, &w);
}

static void flush_untagged(const vmm_pc *pc)
{
    if (!pc->port->tlb_tagged)
        pc->port->ops->flush_tlb(pc->port);
}

/* The guest of the VMM that is inside leaves: the layer's interrupt is a VM-exit that the VMM does not see. */
static void guest_out(below_pc *p)
{
    vmm_account_out(p->pc);
    flush_untagged(p->pc);
    below_work(p, p->pc->port->vm_exit_cycles, 0, 0, 0);
}

static void guest_in(below_pc *p)
{
    below_work(p, p->pc->port->vm_entry_cycles, 0, 0, 0);
    flush_untagged(p->pc);
    vmm_account_in(p->pc);
}

void below_interrupt(below_pc *p, void (*handler)(below_pc *p))
{
    bool inside = p->on == &p->vmm && p->pc->cur;
    below_mode mode = p->mode;
    below_set_mode(p, BELOW_WORK);
    if (inside)
        guest_out(p);
    handler(p);
    if (inside)
        guest_in(p);
    below_set_mode(p, mode);
}

/* ---- taking and giving ---------------------------------------------------------------------------------------- */

static void take(below_pc *p)
{
    vmm_pc *pc = p->pc;
    vmm_vcpu *c = pc->cur;
    below_set_mode(p, BELOW_WORK);
    if (p->vmm.state == BELOW_RUNS)
        p->below->pcpu_stats[pc->facts.id].taken++;
    if (c) {
        sim_ps now = vmm_now(pc);
        g_assert(pc->loaded == c);
        c->away = true;
        c->away_since = now;
        c->vm->stats.times_taken++;
        VMM_SEE(pc->v, .kind = VMM_SEEN_END, .at = now, .pcpu = pc->facts.id, .vcpu = c->facts.id, .why = VMM_SLICE_TAKEN);
        if (c->halted)
            c->vm->stats.halted += now - MIN(c->halted_since, now);
        vmm_account_slice(pc->v, pc->facts.id, c->facts.vm, pc->slice_begin, MAX(now, pc->slice_begin));
        guest_out(p);
        pc->port->ops->stop(pc->port);
    }
    hold_counters(pc, true);
}

/* Events that came while the VMM was away come now. */
static void deliver(below_pc *p)
{
    sim_engine *engine = p->pc->v->engine;
    for (guint i = 0; i < p->late->len; i++)
        sim_engine_schedule(engine, g_ptr_array_index(p->late, i), sim_engine_now(engine));
    g_ptr_array_set_size(p->late, 0);
}

static void give(below_pc *p)
{
    vmm_pc *pc = p->pc;
    vmm_vcpu *c = pc->cur;
    hold_counters(pc, false);
    if (c) {
        pc->port->ops->start(pc->port, c->facts.id, c->vm->owner);
        if (c->halted)
            pc->port->ops->halt(pc->port, true);
        guest_in(p);
        sim_ps now = vmm_now(pc);
        pc->slice_begin = c->halted_since = now;
        vmm_vcpu_taken(c, c->away_since, now);
        VMM_SEE(pc->v, .kind = VMM_SEEN_BEGIN, .at = now, .pcpu = pc->facts.id, .vcpu = c->facts.id, .other = pc->facts.id,
                .span = pc->facts.quantum_end - pc->facts.quantum_begin);
    }
    below_set_mode(p, BELOW_VMM);
    deliver(p);
}

/* ---- switching ------------------------------------------------------------------------------------------------ */

void below_enter(below_pc *p, below_entity *e)
{
    e->state = BELOW_WAITS;
    e->since = vmm_now(p->pc);
    g_ptr_array_add(p->queue, e);
    p->below->ops->enter(p, e);
}

void below_leave(below_pc *p, below_entity *e)
{
    g_ptr_array_remove(p->queue, e);
    p->below->ops->leave(p, e);
}

static void charge(below_pc *p)
{
    below_entity *e = p->on;
    if (!e)
        return;
    sim_ps now = MAX(vmm_now(p->pc), e->since), span = now - e->since;
    e->since = now;
    p->below->ops->charge(p, e, span);
    if (!below_is_vmm(e))
        below_thread_charge((below_thread *)e, span);
}

/* p->on comes off. If it could go on, it waits. */
static void put_off(below_pc *p)
{
    below_entity *e = p->on;
    if (below_is_vmm(e))
        take(p);
    else
        below_thread_off(p, (below_thread *)e);
    p->on = NULL;
    if (e->state != BELOW_RUNS)
        return;
    e->state = BELOW_WAITS;
    e->since = vmm_now(p->pc);
    g_ptr_array_add(p->queue, e);
}

static void put_on(below_pc *p, below_entity *e)
{
    below_set_mode(p, BELOW_WORK);
    g_ptr_array_remove(p->queue, e);
    p->below->ops->switch_work(p, e);
    sim_ps now = vmm_now(p->pc);
    if (!below_is_vmm(e))
        ((below_thread *)e)->stats.waited += now - MIN(e->since, now);
    e->state = BELOW_RUNS;
    e->since = now;
    p->on = e;
    if (below_is_vmm(e))
        give(p);
    else
        below_thread_on(p, (below_thread *)e);
}

static void switch_to(below_pc *p, below_entity *next)
{
    below_entity *before = p->on;
    if (before)
        put_off(p);
    if (!next)
        next = (below_entity *)below_thread_pull(p);
    if (next)
        put_on(p, next);
    else
        below_set_mode(p, BELOW_IDLE);
    if (before && before->state == BELOW_WAITS && !below_is_vmm(before))
        below_thread_push(p, (below_thread *)before);
}

static void arm(below_pc *p)
{
    sim_engine *engine = p->pc->v->engine;
    sim_ps now = sim_engine_now(engine), first;
    p->turn_at = p->on ? p->below->ops->next_turn(p, vmm_now(p->pc)) : SIM_PS_NEVER;
    first = p->turn_at;
    if (p->on && !below_is_vmm(p->on))
        first = MIN(first, below_thread_turn((const below_thread *)p->on));
    if (first == SIM_PS_NEVER)
        sim_engine_cancel(engine, &p->turn);
    else
        sim_engine_schedule(engine, &p->turn, MAX(first, now));
}

void below_resched(below_pc *p)
{
    charge(p);
    below_entity *next = p->below->ops->pick(p);
    if (next != p->on || (next && next->state != BELOW_RUNS))
        switch_to(p, next);
    arm(p);
}

static void turn(G_GNUC_UNUSED sim_event *event, void *user)
{
    below_pc *p = user;
    charge(p);
    if (p->on && !below_is_vmm(p->on) && below_thread_burst_over(p, (below_thread *)p->on)) {
        below_resched(p);
        return;
    }
    if (p->on && p->turn_at <= vmm_now(p->pc))
        p->below->ops->turn(p);
    below_resched(p);
}

/* ---- what the VMM's frame calls ------------------------------------------------------------------------------- */

bool vmm_below_away(const vmm_pc *pc)
{
    return pc->v->below && at(pc)->vmm.state != BELOW_RUNS;
}

static bool is_late(const below_pc *p, const sim_event *event)
{
    for (guint i = 0; i < p->late->len; i++)
        if (g_ptr_array_index(p->late, i) == event)
            return true;
    return false;
}

bool vmm_below_late(vmm_pc *pc, sim_event *event)
{
    if (!vmm_below_away(pc))
        return false;
    below_pc *p = at(pc);
    if (p->vmm.state == BELOW_SLEEPS) {
        below_enter(p, &p->vmm);
        below_resched(p);
        if (p->vmm.state == BELOW_RUNS)
            return false;
    }
    if (!is_late(p, event))
        g_ptr_array_add(p->late, event);
    return true;
}

void vmm_below_forget(vmm_pc *pc, sim_event *event)
{
    if (pc->v->below)
        g_ptr_array_remove(at(pc)->late, event);
}

void vmm_below_idle(vmm_pc *pc)
{
    if (vmm_below_away(pc) || !pc->v->below)
        return;
    below_pc *p = at(pc);
    charge(p);
    below_outer_exit(pc, NULL, VMM_OUTER_HLT, 1);
    p->vmm.state = BELOW_SLEEPS;
    below_leave(p, &p->vmm);
    below_resched(p);
}

bool vmm_below_stopped(vmm_pc *pc, const vmm_stop *stop)
{
    if (!pc->v->below || !at(pc)->on || below_is_vmm(at(pc)->on))
        return false;
    below_pc *p = at(pc);
    charge(p);
    below_thread_stopped(p, (below_thread *)p->on, stop);
    return true;
}

/* ---- the end -------------------------------------------------------------------------------------------------- */

void vmm_below_close(vmm *v, sim_ps end)
{
    struct vmm_below *b = v->below;
    for (unsigned i = 0; b && i < v->n_pcs; i++) {
        below_pc *p = &b->pcs[i];
        vmm_vcpu *c = p->pc->cur;
        charge(p);
        if (p->on && !below_is_vmm(p->on)) {
            below_thread *t = (below_thread *)p->on;
            t->stats.ran -= MIN(t->e.since - MIN(t->e.since, end), t->stats.ran);
            below_thread_off(p, t);
        }
        if (c && c->away)
            c->vm->stats.taken += end - MIN(c->away_since, end);
        else if (c && c->taken.to > end)
            c->vm->stats.taken -= c->taken.to - MAX(c->taken.from, end);
        close_mode(p, end);
        b->pcpu_stats[i].vmm = p->time[BELOW_VMM];
        b->pcpu_stats[i].threads = p->time[BELOW_THREADS];
        b->pcpu_stats[i].work = p->time[BELOW_WORK];
        b->pcpu_stats[i].idle = p->time[BELOW_IDLE];
    }
}

const vmm_below_stats *vmm_below_report(const vmm *v)
{
    struct vmm_below *b = v->below;
    if (!b)
        return NULL;
    g_free(b->thread_stats);
    b->thread_stats = g_new0(const vmm_below_thread_stats *, b->threads->len + 1);
    for (guint i = 0; i < b->threads->len; i++)
        b->thread_stats[i] = &((const below_thread *)g_ptr_array_index(b->threads, i))->stats;
    b->stats.kind = b->config.kind;
    b->stats.slice = b->config.slice;
    b->stats.tick = b->config.tick;
    b->stats.pcpus = b->pcpu_stats;
    b->stats.threads = b->thread_stats;
    b->stats.n_threads = b->threads->len;
    return &b->stats;
}
