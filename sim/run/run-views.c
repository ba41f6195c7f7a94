/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "run-views.h"

#include "run-pictures.h"

/* ---- slices of a series ---------------------------------------------------------------------------------------- */

static void begin_slices(void *self, const run_cast *cast)
{
    run_views *x = self;
    x->open = g_new0(run_slice, cast->n_pcpus);
    for (unsigned i = 0; i < cast->n_pcpus; i++)
        x->open[i] = (run_slice){.lp = i, .vm = VMM_VCPU_NONE};
}

static void close_slice(run_views *x, uint32_t lp, sim_ps at, const char *why)
{
    run_slice *open = &x->open[lp];
    if (open->vm != VMM_VCPU_NONE && at > open->from) {
        open->to = at;
        open->end = why;
        run_series_add_slice(x->series, open);
    }
    open->vm = VMM_VCPU_NONE;
}

static void slice_sight(void *self, const vmm_sight *s)
{
    run_views *x = self;
    if (s->kind == VMM_SEEN_BEGIN)
        x->open[s->pcpu] = (run_slice){.from = s->at, .lp = s->pcpu, .vm = s->vcpu, .quantum = s->span};
    else if (s->kind == VMM_SEEN_END)
        close_slice(x, s->pcpu, s->at, vmm_slice_end_names[s->why]);
}

static void end_slices(void *self, sim_ps at)
{
    run_views *x = self;
    for (unsigned i = 0; i < x->cast.n_pcpus; i++)
        close_slice(x, i, at, "end-of-run");
}

static const run_writer_ops slice_ops = {.begin = begin_slices, .sight = slice_sight, .end = end_slices};

/* ---- all together ------------------------------------------------------------------------------------------------ */

void run_views_init(run_views *x, const run_request *q, const sim_engine *engine, vmm_config *config)
{
    *x = (run_views){.request = q};
    x->n_writers = run_pictures_writers(q->pictures, q->number, x->writers);
    if (q->series_period)
        x->writers[x->n_writers++] = (run_writer){&slice_ops, x};
    if (!x->n_writers)
        return;
    x->recorder = run_recorder_new(x->writers, x->n_writers, engine);
    config->observe = run_recorder_see;
    config->observe_user = x->recorder;
}

static void add_sample(void *series, const run_lp_point *lps, const run_vm_point *vms)
{
    run_series_add(series, lps, vms);
}

static void begin_samples(run_views *x, run_machine *machine, const vmm *v, run_result *r)
{
    const run_request *q = x->request;
    bool drawn = false;
    for (unsigned i = 0; i < x->n_writers; i++)
        drawn |= x->writers[i].ops->sample != NULL;
    if (!q->series_period && !drawn)
        return;
    x->sampler = run_sampler_new(machine, v, q->series_period ? q->series_period : run_timeline_period(q->scenario->duration));
    if (q->series_period) {
        run_sampler_join(x->sampler, add_sample, r->series);
    }
    for (unsigned i = 0; i < x->n_writers; i++)
        if (x->writers[i].ops->sample)
            run_sampler_join(x->sampler, x->writers[i].ops->sample, x->writers[i].self);
}

void run_views_begin(run_views *x, run_machine *machine, const vmm *v, const uint32_t *vm_of, run_result *r)
{
    const run_request *q = x->request;
    if (q->series_period)
        x->series = r->series = run_series_new(q->series_period, q->scenario->machine->n_lps, vmm_n_vms(v));
    if (x->recorder) {
        unsigned n_pcpus;
        x->names = g_ptr_array_new();
        for (unsigned i = 0; i < vmm_n_vms(v); i++)
            g_ptr_array_add(x->names, ((const run_vm *)g_ptr_array_index(q->scenario->vms, vm_of[i]))->name);
        vmm_pcpu *const *pcpus = run_machine_pcpus(machine, &n_pcpus);
        x->cast = (run_cast){.scenario = q->scenario->name, .policy = q->policy->label, .pcpus = pcpus, .n_pcpus = n_pcpus, .n_vms = x->names->len,
                             .vms = (const char *const *)x->names->pdata};
        run_recorder_begin(x->recorder, &x->cast);
    }
    begin_samples(x, machine, v, r);
}

void run_views_end(run_views *x, sim_ps end)
{
    if (x->sampler)
        run_sampler_finish(x->sampler, end);
    if (x->recorder)
        run_recorder_end(x->recorder, end);
}

void run_views_clear(run_views *x)
{
    run_sampler_free(x->sampler);
    run_recorder_free(x->recorder);
    g_clear_pointer(&x->names, g_ptr_array_unref);
    g_free(x->open);
}
