/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Threads of the layer below the VMM: their sleep, bursts and disk, and which pCPU they go to. A thread that wakes goes to an idle pCPU if there is one
 * where it may run, the last one first, else to the one on which the fewest compete; a pCPU that would idle fetches the one that has waited longest
 * elsewhere. Linux balances by load and at its own times (newidle and periodic balancing, kernel/sched/fair.c); this is what that comes to with few
 * threads. */
#include "vmm-below-private.h"

static void wakeup(sim_event *event, void *user);
static void removal(sim_event *event, void *user);

below_thread *below_thread_new(struct vmm_below *b, const vmm_below_thread_config *config, uint32_t number, uint32_t guest)
{
    below_thread *t = g_new0(below_thread, 1);
    t->below = b;
    t->name = g_strdup(config->name);
    t->guest = guest;
    t->owner = (vmm_owner)(guest + 1);
    t->start = config->start;
    t->burst = config->burst;
    t->period = config->period;
    t->io_latency = config->io_latency;
    t->io_bytes_per_s = config->io_bytes_per_s;
    t->pcpu = VMM_PCPU_NONE;
    t->stats.name = t->name;
    for (unsigned i = 0; i < b->v->n_pcs; i++)
        if (!config->affinity || vmm_mask_has(config->affinity, i))
            t->affinity[i / 64] |= UINT64_C(1) << i % 64;
    sim_event_init(&t->wakeup, wakeup, t, SIM_PRIO_DEVICE);
    sim_event_init(&t->removal, removal, t, SIM_PRIO_DEVICE);
    if (config->stop)
        sim_engine_schedule(b->v->engine, &t->removal, config->stop);
    t->e.number = number;
    return t;
}

void below_thread_free(below_thread *t)
{
    sim_engine_cancel(t->below->v->engine, &t->wakeup);
    sim_engine_cancel(t->below->v->engine, &t->removal);
    g_free(t->stats.fault_text);
    g_free(t->name);
    g_free(t);
}

static void sleep_until(below_thread *t, sim_ps at)
{
    sim_engine *engine = t->below->v->engine;
    t->e.state = BELOW_SLEEPS;
    sim_engine_schedule(engine, &t->wakeup, MAX(at, sim_engine_now(engine)));
}

void below_thread_start(below_thread *t)
{
    t->period_end = t->start + t->period;
    t->left = t->burst;
    sleep_until(t, t->start);
}

/* ---- where it runs -------------------------------------------------------------------------------------------- */

static unsigned competing(const below_pc *p)
{
    return p->queue->len + (p->on != NULL);
}

static bool idles(const below_pc *p)
{
    return !p->on && p->queue->len == 0;
}

static below_pc *place(const below_thread *t)
{
    struct vmm_below *b = t->below;
    below_pc *best = t->pcpu == VMM_PCPU_NONE ? NULL : &b->pcs[t->pcpu];
    for (unsigned i = 0; i < b->v->n_pcs; i++)
        if (vmm_mask_has(t->affinity, i) && (!best || competing(&b->pcs[i]) < competing(best)))
            best = &b->pcs[i];
    return best;
}

static void wakeup(G_GNUC_UNUSED sim_event *event, void *user)
{
    below_thread *t = user;
    sim_ps now = sim_engine_now(t->below->v->engine);
    if (t->period && now >= t->period_end) {
        t->period_end += (now - t->period_end) / t->period * t->period + t->period;
        t->left = t->burst;
    }
    below_pc *p = place(t);
    t->stats.migrations += t->pcpu != VMM_PCPU_NONE && t->pcpu != p->pc->facts.id;
    t->pcpu = p->pc->facts.id;
    below_enter(p, &t->e);
    below_resched(p);
}

static void end(below_thread *t)
{
    t->e.state = BELOW_ENDED;
    t->stats.ended = true;
    sim_engine_cancel(t->below->v->engine, &t->wakeup);
    sim_engine_cancel(t->below->v->engine, &t->removal);
}

static void removal(G_GNUC_UNUSED sim_event *event, void *user)
{
    below_thread *t = user;
    below_state was = t->e.state;
    end(t);
    if (was != BELOW_RUNS && was != BELOW_WAITS)
        return;
    below_pc *p = &t->below->pcs[t->pcpu];
    below_leave(p, &t->e);
    if (was == BELOW_RUNS)
        below_resched(p);
}

below_thread *below_thread_pull(below_pc *p)
{
    struct vmm_below *b = p->below;
    sim_ps now = vmm_now(p->pc);
    below_thread *best = NULL;
    for (unsigned i = 0; i < b->v->n_pcs; i++) {
        const GPtrArray *queue = b->pcs[i].queue;
        for (guint k = 0; k < queue->len; k++) {
            below_thread *t = g_ptr_array_index(queue, k);
            if (below_is_vmm(&t->e) || !vmm_mask_has(t->affinity, p->pc->facts.id) || t->e.since > now)
                continue;
            if (!best || t->e.since < best->e.since)
                best = t;
        }
    }
    if (!best)
        return NULL;
    below_leave(&b->pcs[best->pcpu], &best->e);
    best->stats.migrations++;
    best->pcpu = p->pc->facts.id;
    sim_ps since = best->e.since;
    below_enter(p, &best->e);
    best->e.since = since;
    return best;
}

void below_thread_push(below_pc *p, below_thread *t)
{
    struct vmm_below *b = p->below;
    for (unsigned i = 0; i < b->v->n_pcs; i++) {
        if (!vmm_mask_has(t->affinity, i) || !idles(&b->pcs[i]))
            continue;
        below_leave(p, &t->e);
        sleep_until(t, vmm_now(p->pc));
        return;
    }
}

/* ---- running -------------------------------------------------------------------------------------------------- */

static uint64_t retired(const vmm_pc *pc)
{
    uint64_t now[SIM_EV_COUNT];
    pc->port->ops->truth(pc->port, now);
    return now[SIM_EV_INSTRUCTIONS];
}

void below_thread_on(below_pc *p, below_thread *t)
{
    vmm_pcpu *port = p->pc->port;
    if (!port->tlb_tagged)
        port->ops->flush_tlb(port);
    t->stats.dispatches++;
    port->ops->start(port, t->guest, t->owner);
    p->insns = retired(p->pc);
    below_set_mode(p, BELOW_THREADS);
}

void below_thread_off(below_pc *p, below_thread *t)
{
    t->stats.insns += retired(p->pc) - p->insns;
    p->pc->port->ops->stop(p->pc->port);
}

void below_thread_charge(below_thread *t, sim_ps span)
{
    t->stats.ran += span;
    t->left -= MIN(span, t->left);
}

sim_ps below_thread_turn(const below_thread *t)
{
    return t->period ? t->e.since + t->left : SIM_PS_NEVER;
}

bool below_thread_burst_over(below_pc *p, below_thread *t)
{
    if (!t->period || t->left)
        return false;
    sim_ps now = vmm_now(p->pc);
    if (now >= t->period_end) { /* it got the last of it in the next period */
        t->period_end += (now - t->period_end) / t->period * t->period + t->period;
        t->left = t->burst;
        return false;
    }
    sleep_until(t, t->period_end);
    below_leave(p, &t->e);
    return true;
}

static sim_ps later(sim_ps at, sim_ps span)
{
    return span < SIM_PS_NEVER - 1 - at ? at + span : SIM_PS_NEVER - 1;
}

static sim_ps disk_request(below_thread *t, sim_ps at, uint64_t bytes)
{
    unsigned __int128 done = (unsigned __int128)MAX(at, t->disk_free) + t->io_latency;
    if (t->io_bytes_per_s)
        done += (unsigned __int128)bytes * SIM_PS_PER_S / t->io_bytes_per_s;
    t->disk_free = done < SIM_PS_NEVER ? (sim_ps)done : SIM_PS_NEVER - 1;
    return t->disk_free;
}

void below_thread_stopped(below_pc *p, below_thread *t, const vmm_stop *stop)
{
    sim_ps now = vmm_now(p->pc);
    switch (stop->kind) {
    case VMM_STOP_SLEEP:
        sleep_until(t, stop->span ? later(now, stop->span) : MAX(stop->until, now));
        break;
    case VMM_STOP_IO:
        sleep_until(t, disk_request(t, now, stop->bytes));
        break;
    case VMM_STOP_END:
    case VMM_STOP_FAULT:
        end(t);
        t->stats.faulted = stop->kind == VMM_STOP_FAULT;
        if (t->stats.faulted)
            t->stats.fault_text = g_strdup(stop->text ? stop->text : "for no reason that it gave");
        break;
    default: /* markers, hypercalls; who yields goes on until its time is over */
        return;
    }
    below_leave(p, &t->e);
    below_resched(p);
}
