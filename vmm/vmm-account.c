/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Accounts: the guests' own event counts, slices, decisions, tasks. */
#include "vmm-private.h"

#include <string.h>

typedef struct {
    uint32_t kind;
    uint64_t id;
    sim_ps begin;
    uint64_t insns; /* of the vCPU's VM then */
} open_task;

void vmm_account_in(vmm_pc *pc)
{
    pc->port->ops->truth(pc->port, pc->truth);
    vmm_smu_in(pc);
}

void vmm_account_out(vmm_pc *pc)
{
    uint64_t now[SIM_EV_COUNT];
    pc->port->ops->truth(pc->port, now);
    uint64_t *ev = pc->cur->vm->stats.ev;
    for (unsigned i = 0; i < SIM_EV_COUNT; i++)
        ev[i] += now[i] - pc->truth[i];
    vmm_smu_out(pc, now);
}

static void feed(GChecksum *sum, const uint64_t *words, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        uint64_t word = GUINT64_TO_LE(words[i]);
        g_checksum_update(sum, (const guchar *)&word, sizeof word);
    }
}

static void feed_text(GChecksum *sum, const char *text)
{
    text = text ? text : "";
    g_checksum_update(sum, (const guchar *)text, (gssize)strlen(text) + 1);
}

void vmm_account_slice(vmm *v, uint32_t pcpu, uint32_t vm, sim_ps at, sim_ps until)
{
    feed(v->sum, (const uint64_t[]){ at, until, (uint64_t)pcpu << 32 | vm }, 3);
    if (v->keep_schedule && v->slices->len < VMM_MAX_SLICES) {
        vmm_slice slice = { .at = at, .until = until, .pcpu = pcpu, .vm = vm };
        g_array_append_val(v->slices, slice);
    }
}

void vmm_account_decision(vmm *v, const vmm_decision *d)
{
    feed(v->sum, (const uint64_t[]){ d->at, (uint64_t)d->pcpu << 32 | d->vm, d->before, d->after }, 4);
    feed_text(v->sum, d->action);
    feed_text(v->sum, d->reason);
    for (unsigned i = 0; i < VMM_N_EVIDENCE && d->evidence[i]; i++) {
        feed_text(v->sum, d->evidence[i]);
        feed(v->sum, (const uint64_t[]){ (uint64_t)d->value[i] }, 1);
    }
    unsigned n_more;
    const vmm_fact *more = vmm_facts_pending(v, &n_more);
    VMM_SEE(v, .kind = VMM_SEEN_DECIDED, .at = d->at, .pcpu = d->pcpu, .vcpu = VMM_VCPU_NONE, .number = v->n_decisions, .decision = d, .more = more,
            .n_more = n_more);
    vmm_facts_attach(v, v->n_decisions++);
    if (v->decisions->len < v->max_decisions)
        g_array_append_vals(v->decisions, d, 1);
}

void vmm_account_sample(GArray *samples, const void *value)
{
    if (samples->len < VMM_MAX_SAMPLES)
        g_array_append_vals(samples, value, 1);
}

/* Instructions of the VM whose vCPU is on its pCPU. */
static uint64_t insns_of(const vmm_vcpu *c)
{
    const vmm_pc *pc = &c->v->pcs[c->facts.pcpu];
    uint64_t now[SIM_EV_COUNT];
    pc->port->ops->truth(pc->port, now);
    return c->vm->stats.ev[SIM_EV_INSTRUCTIONS] + now[SIM_EV_INSTRUCTIONS] - pc->truth[SIM_EV_INSTRUCTIONS];
}

static void note_task(vmm_vcpu *c, const open_task *t, sim_ps span)
{
    vmm *v = c->v;
    vmm_task_profile *p = vmm_profile_task(c->vm->tasks, t->kind, true);
    if (p)
        vmm_profile_task_add(p, span, insns_of(c) - t->insns);
    if (v->policy.task_ended)
        v->policy.task_ended(v->self, c->facts.id, t->kind, span);
}

const vmm_task_profile *vmm_service_task_profile(const vmm_host *h, uint32_t vcpu, uint32_t kind)
{
    const vmm_vcpu *c = vmm_vcpu_at(h->v, vcpu);
    return c ? vmm_profile_task(c->vm->tasks, kind, false) : NULL;
}

static void task_end(vmm_vcpu *c, sim_ps at, const vmm_stop *stop)
{
    for (unsigned i = c->open_tasks->len; i-- > 0;) {
        const open_task found = g_array_index(c->open_tasks, open_task, i), *t = &found;
        if (t->kind != stop->nr || t->id != stop->arg)
            continue;
        vmm_task_time time = { .kind = t->kind, .ps = at - t->begin };
        vmm_account_sample(c->vm->stats.task_time, &time);
        g_array_remove_index(c->open_tasks, i);
        note_task(c, t, time.ps);
        return;
    }
}

void vmm_account_task(vmm_vcpu *c, sim_ps at, const vmm_stop *stop)
{
    if (!c->open_tasks)
        c->open_tasks = g_array_new(FALSE, FALSE, sizeof(open_task));
    if (stop->kind == VMM_STOP_TASK_END) {
        task_end(c, at, stop);
    } else if (c->open_tasks->len < VMM_MAX_OPEN_TASKS) {
        open_task t = { .kind = stop->nr, .id = stop->arg, .begin = at, .insns = insns_of(c) };
        g_array_append_val(c->open_tasks, t);
    }
}

/* ---- getters ------------------------------------------------------------------------------------------------ */

const vmm_vm_stats *vmm_stats(const vmm *v, unsigned vm)
{
    return &((const vmm_vm *)g_ptr_array_index(v->vms, vm))->stats;
}

const vmm_decision *vmm_decisions(const vmm *v, unsigned *n_kept, uint64_t *n_all)
{
    *n_kept = v->decisions->len;
    *n_all = v->n_decisions;
    return (const vmm_decision *)(const void *)v->decisions->data;
}

const vmm_slice *vmm_slices(const vmm *v, unsigned *n)
{
    *n = v->slices->len;
    return (const vmm_slice *)(const void *)v->slices->data;
}

void vmm_digest(const vmm *v, GChecksum *sum)
{
    guint8 digest[32];
    gsize size = sizeof digest;
    GChecksum *copy = g_checksum_copy(v->sum);
    g_checksum_get_digest(copy, digest, &size);
    g_checksum_free(copy);
    g_checksum_update(sum, digest, (gssize)size);
    feed(sum, (const uint64_t[]){ v->n_decisions, v->n_bad, v->n_starved }, 3);
}
