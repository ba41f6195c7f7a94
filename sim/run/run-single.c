/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "run-single.h"

#include "run-below.h"
#include "run-decisions.h"
#include "run-machine.h"
#include "run-metrics.h"
#include "run-profile.h"
#include "run-tasks.h"
#include "run-trials.h"
#include "run-unknown.h"
#include "run-views.h"
#include "run-vm-params.h"
#include "run-warm.h"
#include "sim-error.h"
#include "vmm-params.h"
#include "vmm-plugin.h"
#include "vmm-registry.h"

#include <string.h>

/* A progress curve holds at most this many points: then every second goes, and they come half as often. */
enum { MAX_POINTS = 1 << 16 };
/* Decisions that are counted by reason; the result keeps fewer of them. */
enum { MAX_DECISIONS = 1 << 20 };
#define MIN_STEP SIM_PS_PER_US

typedef struct {
    const run_request *request;
    const vmm *v;
    const uint32_t *vm_of; /* number in the scenario of each VM of the run */
    GArray **curves;       /* or NULL */
    run_point *last;       /* [VMs of the run] */
    sim_ps step;           /* between two points of a curve */
    volatile int stop;     /* the request's cancel, or its limit reached */
} progress_context;

static void add_point(progress_context *c, GArray *curve, run_point point, bool last)
{
    if (!last && curve->len && point.at - g_array_index(curve, run_point, curve->len - 1).at < c->step)
        return;
    if (curve->len == MAX_POINTS) {
        for (guint i = 0; i < MAX_POINTS / 2; i++)
            g_array_index(curve, run_point, i) = g_array_index(curve, run_point, 2 * i + 1);
        g_array_set_size(curve, MAX_POINTS / 2);
        c->step = c->step ? c->step * 2 : MIN_STEP;
    }
    g_array_append_val(curve, point);
}

static void on_progress(void *user, uint32_t vcpu, sim_ps at, uint64_t insns)
{
    progress_context *c = user;
    const run_request *q = c->request;
    run_point point = {at, insns, vmm_stats(c->v, vcpu)->in_state[VMM_BLOCKED] + vmm_stats(c->v, vcpu)->halted};
    c->last[vcpu] = point;
    if (q->progress)
        *q->progress = at;
    bool enough = q->insns_limit && insns >= q->insns_limit;
    if (enough || (q->cancel && *q->cancel))
        c->stop = 1;
    if (c->curves)
        add_point(c, c->curves[c->vm_of[vcpu]], point, enough);
}

wl_guest_config run_guest_config(const run_scenario *s, const run_vm *vm)
{
    return (wl_guest_config){.name = vm->name, .elf = vm->elf, .argv = (const char *const *)vm->argv,
                             .envp = (const char *const *)vm->envp,
                             .folder = vm->folder, .folder_writable = vm->folder_writable, .memory = vm->memory,
                             .disk_limit = vm->disk_limit, .seed = s->seed};
}

static vmm_vm_config vm_config(const run_vm *vm)
{
    return (vmm_vm_config){.name = vm->name, .weight = vm->weight, .priority = vm->priority, .start = vm->start,
                           .quantum = vm->quantum, .stop = vm->stop, .controls = &vm->controls,
                           .affinity = vm->has_affinity ? vm->affinity : NULL, .gang = vm->gang, .io_latency = vm->io_latency,
                           .io_bytes_per_s = vm->io_bytes_per_s};
}

static void copy_output(const char *data, gsize length, bool whole, char **out, gsize *kept, uint64_t *total)
{
    *kept = whole ? length : MIN(length, (gsize)RUN_OUTPUT_KEPT);
    *out = g_memdup2(data ? data : "", MAX(*kept, 1));
    *total = length;
}

static void copy_report(const insn_source *source, bool whole, run_vm_result *r)
{
    wl_report report = {0};
    wl_source_report(source, &report);
    copy_output(report.out, report.out_len, whole, &r->out, &r->out_len, &r->out_total);
    copy_output(report.err, report.err_len, false, &r->err, &r->err_len, &r->err_total);
    r->time_dependent = report.reads_time;
    r->cut = report.cut;
    r->touched_bytes = report.touched_bytes;
    r->missing = g_array_new(FALSE, FALSE, sizeof(run_missing_call));
    for (unsigned i = 0; i < report.n_missing; i++) {
        run_missing_call call = {report.missing[i].nr, report.missing[i].count};
        g_array_append_val(r->missing, call);
    }
}

static run_vm_result *copy_vm(const run_vm *vm, const vmm_vm_stats *s, const insn_source *source)
{
    run_vm_result *r = g_new0(run_vm_result, 1);
    r->name = g_strdup(vm->name);
    r->workload = g_strdup(vm->workload);
    r->program_sha256 = g_strdup(vm->sha256);
    r->argv = g_strdupv(vm->argv);
    r->started = s->started;
    r->ended = s->ended;
    r->faulted = s->faulted;
    r->stopped = s->stopped;
    r->weight = vm->weight;
    r->controls = vm->controls;
    r->state = s->state;
    r->exit_status = s->exit_status;
    r->fault_address = s->fault_address;
    r->fault_ip = s->fault_ip;
    r->fault_text = g_strdup(s->fault_text);
    r->started_at = s->started_at;
    r->ended_at = s->ended_at;
    memcpy(r->in_state, s->in_state, sizeof r->in_state);
    r->work_time = s->work_time;
    r->taken = s->taken;
    r->times_taken = s->times_taken;
    r->outer_time = s->outer_time;
    r->outer_exits = s->outer_exits;
    memcpy(r->ev, s->ev, sizeof r->ev);
    memcpy(r->exits, s->exits, sizeof r->exits);
    memcpy(r->exit_time, s->exit_time, sizeof r->exit_time);
    memcpy(r->switched_off, s->switched_off, sizeof r->switched_off);
    r->dispatch_time = s->dispatch_time;
    r->halted = s->halted;
    r->dispatches = s->dispatches;
    r->preemptions = s->preemptions;
    r->voluntary = s->voluntary;
    r->migrations = s->migrations;
    r->quanta_extended = s->quanta_extended;
    r->quanta_ended_early = s->quanta_ended_early;
    r->quanta_full = s->quanta_full;
    r->wake_latency = g_array_copy(s->wake_latency);
    run_metrics_latencies(r->wake_latency, &r->wake_p50, &r->wake_p99, &r->wake_max);
    r->wakes = r->wake_latency->len;
    r->wake_p90 = run_metrics_percentile(r->wake_latency, 90);
    r->wake_mean = run_metrics_mean(r->wake_latency);
    run_metrics_tasks(s->task_time, r);
    r->reasons = g_array_new(FALSE, FALSE, sizeof(run_reason));
    copy_report(source, vm->stdout_file != NULL, r);
    const char *note;
    r->replayed = vm->kind == RUN_WORK_TRACE;
    r->salvaged = wl_source_skipped(source, &note);
    r->salvage_note = g_strdup(note);
    run_metrics_ratios(r->ev, &r->ratios);
    r->ratios.steal = run_metrics_steal(r->in_state[VMM_RUNNING], r->in_state[VMM_RUNNABLE]);
    return r;
}

static char **params_of(const run_policy *policy)
{
    g_autofree vmm_param_value *values = vmm_params_parse(policy->ops, (const char *const *)policy->params,
                                                          policy->origin, NULL);
    GPtrArray *texts = g_ptr_array_new();
    for (unsigned i = 0; values && i < policy->ops->n_params; i++) {
        g_ptr_array_add(texts, g_strdup(policy->ops->params[i].name));
        g_ptr_array_add(texts, vmm_param_format(&policy->ops->params[i], values[i]));
    }
    g_ptr_array_add(texts, NULL);
    return (char **)g_ptr_array_free(texts, FALSE);
}

static void collect_lps(run_machine *machine, run_result *r)
{
    unsigned n;
    vmm_pcpu *const *pcpus = run_machine_pcpus(machine, &n);
    for (unsigned i = 0; i < n; i++) {
        run_lp_result *lp = g_new0(run_lp_result, 1);
        lp->id = i;
        lp->core = pcpus[i]->core;
        lp->package = pcpus[i]->package;
        lp->kind = g_strdup(pcpus[i]->kind);
        lp->hz = pcpus[i]->hz;
        lp->l1i_lines = pcpus[i]->l1i_lines;
        lp->l1d_lines = pcpus[i]->l1d_lines;
        lp->l2_lines = pcpus[i]->l2_lines;
        lp->llc_lines = pcpus[i]->llc_lines;
        run_machine_truth(machine, i, lp->ev);
        g_ptr_array_add(r->lps, lp);
    }
}

static void collect_troubles(const vmm *v, run_result *r)
{
    const char *first = NULL;
    r->bad_answers = vmm_bad_answers(v, &first);
    r->bad_answer = g_strdup(first);
    first = NULL;
    r->starvations = vmm_starvations(v, &first);
    r->starvation = g_strdup(first);
    g_autoptr(GError) failure = NULL;
    if (vmm_failed(v, &failure))
        r->failure = g_strdup(failure->message);
}

/* Runs of single VMs are the measure for others, and begin with nothing. */
static bool begins_with_profile(const run_request *q, const vmm *v)
{
    return q->scenario->profile && vmm_n_vms(v) == q->scenario->vms->len && !q->curves;
}

static void collect_profile(const run_request *q, const vmm *v, run_result *r)
{
    if (q->scenario->keep_profile && !q->curves)
        r->profile = vmm_take_profile(v);
    if (!begins_with_profile(q, v))
        return;
    const run_profile *p = q->scenario->profile;
    r->profile_digest = g_strdup(p->digest);
    r->profile_known = p->known;
    r->profile_fallbacks = g_ptr_array_new_with_free_func(g_free);
    for (guint i = 0; i < p->fallbacks->len; i++)
        g_ptr_array_add(r->profile_fallbacks, g_strdup(g_ptr_array_index(p->fallbacks, i)));
}

static void collect(const progress_context *c, run_machine *machine, run_result *r)
{
    const run_request *q = c->request;
    for (unsigned i = 0; i < vmm_n_vms(c->v); i++) {
        run_vm_result *vm = copy_vm(g_ptr_array_index(q->scenario->vms, c->vm_of[i]), vmm_stats(c->v, i),
                                    q->sources[c->vm_of[i]]);
        run_tasks_collect(q->pool, c->vm_of[i], vmm_stats(c->v, i)->task_time, r->simulated, vm);
        vm->reached_at = vm->ended ? vm->ended_at : vm->state == VMM_BLOCKED ? c->last[i].at : r->simulated;
        vm->params = run_vm_params_texts(g_ptr_array_index(q->scenario->vms, c->vm_of[i]), q->policy);
        g_ptr_array_add(r->vms, vm);
    }
    run_decisions_collect(c->v, r);
    collect_lps(machine, r);
    collect_troubles(c->v, r);
    vmm_smu_report(c->v, &r->smu);
    run_below_collect(q->scenario, c->v, r);
    collect_profile(q, c->v, r);
    run_metrics_totals(r);
    if (q->scenario->count_unknown)
        r->unknown = run_unknown_collect(machine, q->scenario->machine);
    r->digest = run_result_digest(r, c->v);
}

static run_result *new_result(const run_request *q)
{
    const run_scenario *s = q->scenario;
    run_result *r = run_result_new();
    r->scenario = g_strdup(s->name);
    r->machine = g_strdup(s->machine->name);
    r->machine_description = g_strdup(s->machine->description);
    r->plugin_sha256 = g_strdup(vmm_plugin_sha256(q->policy->ops));
    r->policy = g_strdup(q->policy->label);
    r->policy_used = g_strdup(q->policy->ops->name);
    r->params = params_of(q->policy);
    r->seed = s->seed;
    r->quantum = s->quantum;
    r->duration = s->duration;
    r->strict = s->strict;
    if (q->curves) {
        r->curves = g_new0(GArray *, s->vms->len + 1);
        for (guint i = 0; i < s->vms->len; i++)
            r->curves[i] = g_array_new(FALSE, FALSE, sizeof(run_point));
    }
    return r;
}

static bool add_vms(const run_request *q, vmm *v, run_machine *machine, uint32_t *vm_of, GError **error)
{
    for (guint i = 0; i < q->scenario->vms->len; i++) {
        if (!q->sources[i])
            continue;
        const run_vm *vm = g_ptr_array_index(q->scenario->vms, i);
        g_autofree const char **params = run_vm_params_pairs(vm, q->policy);
        vmm_vm_config config = vm_config(vm);
        config.policy_params = params;
        config.policy_origin = vm->params_origin;
        if (!vmm_check_vm(v, &config, error))
            return false;
        vm_of[vmm_add_vm(v, &config)] = i;
        run_machine_add_guest(machine, q->sources[i]);
        run_machine_trap(machine, vm->controls.insns);
    }
    return true;
}

bool run_single_copies(const run_scenario *s, const run_policy *policy, bool *copies, GError **error)
{
    bool trials = policy->ops->flags & VMM_POLICY_TRIALS;
    *copies = trials || s->warm_up;
    for (guint i = 0; *copies && i < s->vms->len; i++) {
        const run_vm *vm = g_ptr_array_index(s->vms, i);
        if (vm->folder && vm->folder_writable) {
            g_set_error(error, SIM_ERROR, SIM_ERROR_INPUT,
                        "%s: [vm %s] folder-writable: %s%s makes copies of the simulation, and each would write to the folder;"
                        " valid: a read-only folder, or a trace of the guest",
                        s->path, vm->name, trials ? "policy " : "--warm-up", trials ? policy->label : "");
            return false;
        }
    }
    return true;
}

/* What the copies of a run found out. */
static bool close_copies(const run_request *q, const run_trials *trials, run_warm *warm, run_result *r, GError **error)
{
    if (trials->failed && !(q->cancel && *q->cancel)) {
        g_set_error(error, SIM_ERROR, SIM_ERROR_IO, "policy '%s': a copy of the simulation could not be made, or died", q->policy->label);
        return false;
    }
    return !warm || (q->cancel && *q->cancel) || run_warm_report(warm, r, error);
}

run_result *run_single(const run_request *q, GError **error)
{
    const run_scenario *s = q->scenario;
    sim_engine *engine = sim_engine_new();
    run_machine *machine = run_machine_new(s->machine, engine);
    unsigned n_pcpus;
    vmm_pcpu *const *pcpus = run_machine_pcpus(machine, &n_pcpus);
    g_autofree uint32_t *vm_of = g_new0(uint32_t, s->vms->len + 1);
    run_tasks_port tasks;
    run_tasks_port_init(&tasks, q->pool, vm_of);
    run_trials trials;
    run_trials_init(&trials, q->copies);
    run_warm *warm = NULL;
    vmm_config config = {.policy = q->policy->ops, .policy_params = (const char *const *)q->policy->params,
                         .policy_origin = q->policy->origin,
                         .quantum = s->quantum, .seed = s->seed, .strict = s->strict, .max_decisions = MAX_DECISIONS,
                         .smu = q->policy->smu,
                         .tasks = q->pool ? &tasks.port : NULL, .copies = q->copies ? &trials.port : NULL};
    run_views views;
    run_views_init(&views, q, engine, &config);
    vmm *v = vmm_new(&config, engine, pcpus, n_pcpus, error);
    g_autoptr(run_result) r = NULL;
    if (v && add_vms(q, v, machine, vm_of, error)) {
        r = new_result(q);
        if (q->below)
            run_below_add(s, v, machine, q->below);
        g_autofree run_point *last = g_new0(run_point, s->vms->len + 1);
        progress_context context = {q, v, vm_of, r->curves, last, 0, 0};
        run_machine_on_progress(machine, 0, on_progress, &context);
        if (s->count_unknown)
            run_machine_count_blocks(machine);
        if (begins_with_profile(q, v))
            vmm_load_profile(v, s->profile->profile);
        run_views_begin(&views, machine, v, vm_of, r);
        if (s->warm_up && q->copies)
            warm = run_warm_new(machine, s->warm_up, q->copies);
        vmm_start(v);
        r->simulated = run_machine_run(machine, v, s->duration, &context.stop);
        vmm_trial_over(v);
        r->finished = vmm_all_ended(v);
        vmm_finish(v, r->simulated);
        run_views_end(&views, r->simulated);
        collect(&context, machine, r);
        if (!close_copies(q, &trials, warm, r, error))
            g_clear_pointer(&r, run_result_free);
    }
    run_warm_free(warm);
    run_views_clear(&views);
    vmm_free(v);
    run_machine_free(machine);
    sim_engine_free(engine);
    return g_steal_pointer(&r);
}
