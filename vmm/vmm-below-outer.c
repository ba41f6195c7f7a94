/* SPDX-License-Identifier: GPL-2.0-or-later */
/* An outer VMM below the VMM: pre-assigned quanta in turn on each pCPU, in proportion to weights, and the exits that nested virtualisation adds.
 *
 * A guest of the inner VMM exits to the outer one, which passes it on to the inner one ("reflected"); what the inner VMM then does with its guest's
 * control structure exits ("access"), unless the processor keeps a copy that it may use directly; its VM-entry exits, too ("resume"), and the outer VMM
 * enters the inner guest in its place: M. Ben-Yehuda et al., "The Turtles project", OSDI 2010, who name the multiplication of
 * exits as the main cost. Each is a VM-exit and a VM-entry of the machine; one of each, that between inner guest and inner VMM, is the inner VMM's own
 * account (vmm-work.c) as without an outer one. */
#include "vmm-below-private.h"

const char *const vmm_outer_exit_names[VMM_N_OUTER_EXITS] = { "reflected", "access", "resume", "timer", "io", "hlt", "quantum" };

/* Handler and scheduler of the outer VMM: estimates, as those of vmm-work.c, in lines of its own. */
enum {
    NORM = 256,
    OUTER_LINE = 1 << 23,
    HANDLER_LINE = OUTER_LINE, HANDLER_CODE = 24, HANDLER_DATA = 12, HANDLER_CYCLES = 150,
    NESTED_LINE = OUTER_LINE + 64, NESTED_CODE = 64, NESTED_DATA = 48,
    SWITCH_LINE = OUTER_LINE + 256, SWITCH_CODE = 40, SWITCH_DATA = 20, SWITCH_CYCLES = 400,
    THREAD_LINE = OUTER_LINE + 4096, THREAD_STRIDE = 32, THREAD_DATA = 16,
};

/* ---- exits ---------------------------------------------------------------------------------------------------- */

static void one_exit(below_pc *p, vmm_outer_exit reason)
{
    const vmm_pcpu *port = p->pc->port;
    bool nested = reason == VMM_OUTER_REFLECTED || reason == VMM_OUTER_RESUME;
    uint32_t cycles = reason == VMM_OUTER_REFLECTED ? port->vm_entry_cycles : reason == VMM_OUTER_RESUME ? port->vm_exit_cycles :
                      port->vm_exit_cycles + port->vm_entry_cycles;
    if (!port->tlb_tagged)
        p->pc->port->ops->flush_tlb(p->pc->port);
    below_work(p, cycles + HANDLER_CYCLES, HANDLER_LINE, HANDLER_CODE, HANDLER_DATA);
    if (nested)
        below_work(p, p->below->config.switch_cycles, NESTED_LINE, NESTED_CODE, NESTED_DATA);
}

void below_outer_exit(vmm_pc *pc, vmm_vcpu *c, vmm_outer_exit reason, unsigned n)
{
    struct vmm_below *b = pc->v->below;
    if (!b || b->config.kind != VMM_BELOW_OUTER || !n)
        return;
    below_pc *p = &b->pcs[pc->facts.id];
    sim_ps from = vmm_now(pc);
    below_mode mode = p->mode;
    below_set_mode(p, BELOW_WORK);
    for (unsigned i = 0; i < n; i++)
        one_exit(p, reason);
    below_set_mode(p, mode);
    sim_ps span = vmm_now(pc) - from;
    b->stats.exits[reason] += n;
    b->stats.exit_time[reason] += span;
    if (!c)
        return;
    c->vm->stats.outer_exits += n;
    c->vm->stats.outer_time += span;
}

void vmm_below_exit(vmm_pc *pc)
{
    struct vmm_below *b = pc->v->below;
    if (!b)
        return;
    below_outer_exit(pc, pc->cur, VMM_OUTER_REFLECTED, 1);
    below_outer_exit(pc, pc->cur, VMM_OUTER_ACCESS, b->config.accesses);
}

void vmm_below_entry(vmm_pc *pc, vmm_vcpu *c)
{
    below_outer_exit(pc, c, VMM_OUTER_RESUME, 1);
}

/* ---- turns ---------------------------------------------------------------------------------------------------- */

static sim_ps quantum_of(const below_pc *p, const below_entity *e)
{
    return MAX((sim_ps)((unsigned __int128)p->below->config.slice * e->weight / NORM), 1);
}

static void enter(G_GNUC_UNUSED below_pc *p, below_entity *e)
{
    e->used = 0;
}

static void leave(G_GNUC_UNUSED below_pc *p, G_GNUC_UNUSED below_entity *e)
{
}

static void charge(G_GNUC_UNUSED below_pc *p, below_entity *e, sim_ps span)
{
    e->used += span;
}

static below_entity *pick(below_pc *p)
{
    below_entity *on = p->on && p->on->state == BELOW_RUNS ? p->on : NULL;
    if (on && on->used < quantum_of(p, on))
        return on;
    below_entity *next = p->queue->len ? g_ptr_array_index(p->queue, 0) : on;
    if (next)
        next->used = 0;
    return next;
}

static sim_ps next_turn(const below_pc *p, sim_ps now)
{
    sim_ps quantum = quantum_of(p, p->on);
    return now + (p->on->used < quantum ? quantum - p->on->used : 0);
}

static void timer_work(below_pc *p)
{
    below_work(p, HANDLER_CYCLES, HANDLER_LINE, HANDLER_CODE, HANDLER_DATA);
}

static void turn(below_pc *p)
{
    struct vmm_below *b = p->below;
    sim_ps from = vmm_now(p->pc);
    if (p->on != &p->vmm)
        return;
    below_interrupt(p, timer_work);
    b->stats.exits[VMM_OUTER_QUANTUM]++;
    b->stats.exit_time[VMM_OUTER_QUANTUM] += vmm_now(p->pc) - from;
}

static void switch_work(below_pc *p, const below_entity *next)
{
    below_work(p, SWITCH_CYCLES + p->pc->port->vmcs_switch_cycles, SWITCH_LINE, SWITCH_CODE, SWITCH_DATA);
    uint32_t number = below_is_vmm(next) ? p->pc->facts.id : p->pc->v->n_pcs + next->number;
    below_work(p, 0, THREAD_LINE + number * THREAD_STRIDE, 0, THREAD_DATA);
}

const below_ops below_outer = {
    .enter = enter, .leave = leave, .charge = charge, .pick = pick, .next_turn = next_turn, .turn = turn, .switch_work = switch_work,
};
