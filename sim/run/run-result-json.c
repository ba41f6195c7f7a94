/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "run-result-json.h"

#include "run-below.h"
#include "run-decisions.h"
#include "run-exits.h"
#include "run-json.h"
#include "run-metrics.h"
#include "run-series-json.h"
#include "run-syscalls.h"
#include "run-tasks.h"
#include "run-warm-text.h"

#include <string.h>

static void put_u64(JsonObject *o, const char *key, uint64_t value)
{
    json_object_set_int_member(o, key, (gint64)MIN(value, (uint64_t)G_MAXINT64));
}

static void put_hex(JsonObject *o, const char *key, uint64_t value)
{
    g_autofree char *text = g_strdup_printf("0x%" G_GINT64_MODIFIER "x", value);
    json_object_set_string_member(o, key, text);
}

static JsonObject *put_object(JsonObject *o, const char *key)
{
    JsonObject *child = json_object_new();
    json_object_set_object_member(o, key, child);
    return child;
}

static void put_metric(JsonObject *o, run_metric metric, run_metric_value v)
{
    if (v.known && v.whole)
        put_u64(o, run_metric_keys[metric], v.count);
    else if (v.known)
        json_object_set_double_member(o, run_metric_keys[metric], v.value);
}

static void put_events(JsonObject *o, const uint64_t ev[SIM_EV_COUNT])
{
    JsonObject *events = put_object(o, "events");
    for (int e = 0; e < SIM_EV_COUNT; e++)
        put_u64(events, sim_emon_events[e].name, ev[e]);
}

/* The cycles of a set of counts by what they went into. */
static void put_cpi_stack(JsonObject *o, const uint64_t ev[SIM_EV_COUNT])
{
    JsonObject *stack = put_object(o, "cpi_stack");
    uint64_t cycles[SIM_CPI_COUNT];
    sim_cpi_stack(ev, cycles);
    for (unsigned i = 0; i < SIM_CPI_COUNT; i++)
        put_u64(stack, sim_cpi_names[i], cycles[i]);
}

/* ---- a VM ------------------------------------------------------------------------------------------------------- */

const char *run_result_vm_state(const run_vm_result *vm)
{
    static const char *const names[VMM_N_STATES] = {"running", "runnable", "blocked", "offline"};
    return vm->faulted ? "faulted" : vm->stopped ? "stopped"
        : vm->cut && vm->ended ? "trace-ended" : vm->ended ? "ended" : !vm->started ? "not-started" : names[vm->state];
}

static void put_fault(JsonObject *o, const run_vm_result *vm)
{
    if (!vm->faulted)
        return;
    JsonObject *fault = put_object(o, "fault");
    json_object_set_string_member(fault, "reason", vm->fault_text ? vm->fault_text : "");
    put_hex(fault, "address", vm->fault_address);
    put_hex(fault, "instruction", vm->fault_ip);
}

static void put_scheduling(JsonObject *o, const run_vm_result *vm)
{
    JsonObject *wake = put_object(o, "wake_latency_ps");
    put_u64(wake, "count", vm->wakes);
    put_u64(wake, "p50", vm->wake_p50);
    put_u64(wake, "p90", vm->wake_p90);
    put_u64(wake, "p99", vm->wake_p99);
    put_u64(wake, "max", vm->wake_max);
    put_u64(wake, "mean", vm->wake_mean);
    JsonObject *quanta = put_object(o, "quanta");
    put_u64(quanta, "full", vm->quanta_full);
    put_u64(quanta, "extended", vm->quanta_extended);
    put_u64(quanta, "ended_early", vm->quanta_ended_early);
    run_exits_json(o, vm);
    if (vm->tasks) {
        JsonObject *tasks = put_object(o, "tasks");
        put_u64(tasks, "count", vm->tasks);
        put_u64(tasks, "p50_ps", vm->task_p50);
        put_u64(tasks, "p99_ps", vm->task_p99);
        put_u64(tasks, "sum_ps", vm->task_sum);
    }
}

static void put_vm_metrics(JsonObject *o, const run_vm_result *vm)
{
    if (vm->alone_time) {
        put_u64(o, "alone_ps", vm->alone_time);
        put_u64(o, "here_ps", vm->reached_at - vm->started_at);
        json_object_set_double_member(o, "entitlement", vm->entitlement);
    }
    for (run_metric m = RUN_PROGRESS; m <= RUN_STEAL; m++)
        if (m != RUN_INSTRUCTIONS && m != RUN_CYCLES)
            put_metric(o, m, run_metric_of_vm(vm, m));
}

static void put_stream(JsonObject *o, const char *name, const char *bytes, gsize kept, uint64_t total)
{
    gsize shown = MIN(kept, (gsize)RUN_OUTPUT_KEPT);
    g_autofree char *text = run_json_utf8(bytes, shown);
    g_autofree char *size_key = g_strconcat(name, "_bytes", NULL);
    g_autofree char *cut_key = g_strconcat(name, "_truncated", NULL);
    json_object_set_string_member(o, name, text);
    put_u64(o, size_key, total);
    if (shown < total)
        json_object_set_boolean_member(o, cut_key, TRUE);
}

static void put_missing(JsonObject *o, const GArray *missing)
{
    JsonArray *list = json_array_new();
    for (guint i = 0; i < missing->len; i++) {
        const run_missing_call *m = &g_array_index(missing, run_missing_call, i);
        const char *name = run_syscall_name(m->nr);
        JsonObject *call = json_object_new();
        put_u64(call, "number", m->nr);
        json_object_set_string_member(call, "name", name ? name : "");
        put_u64(call, "count", m->count);
        json_array_add_object_element(list, call);
    }
    json_object_set_array_member(o, "missing_syscalls", list);
}

static JsonObject *vm_object(const run_result *r, const run_vm_result *vm)
{
    JsonObject *o = json_object_new();
    JsonArray *args = json_array_new();
    json_object_set_string_member(o, "workload", vm->workload);
    for (char **a = vm->argv ? vm->argv + 1 : NULL; a && *a; a++) {
        g_autofree char *text = run_json_utf8(*a, strlen(*a));
        json_array_add_string_element(args, text);
    }
    json_object_set_array_member(o, "args", args);
    if (vm->program_sha256)
        json_object_set_string_member(o, "program_sha256", vm->program_sha256);
    json_object_set_string_member(o, "state", run_result_vm_state(vm));
    if (vm->ended && !vm->faulted && !vm->stopped && !vm->cut)
        json_object_set_int_member(o, "exit_status", vm->exit_status);
    put_fault(o, vm);
    if (vm->started)
        put_u64(o, "started_ps", vm->started_at);
    if (vm->ended)
        put_u64(o, "ended_ps", vm->ended_at);
    put_u64(o, "instructions", vm->ev[SIM_EV_INSTRUCTIONS]);
    put_u64(o, "cycles", vm->ev[SIM_EV_CYCLES]);
    put_vm_metrics(o, vm);
    put_u64(o, "running_ps", vm->in_state[VMM_RUNNING]);
    put_u64(o, "runnable_ps", vm->in_state[VMM_RUNNABLE]);
    put_u64(o, "blocked_ps", vm->in_state[VMM_BLOCKED]);
    put_u64(o, "offline_ps", vm->in_state[VMM_OFFLINE]);
    put_u64(o, "vmm_ps", vm->work_time);
    run_below_json_vm(o, r, vm);
    put_scheduling(o, vm);
    run_decisions_vm_json(o, vm);
    run_tasks_json(o, vm);
    put_cpi_stack(o, vm->ev);
    put_events(o, vm->ev);
    json_object_set_boolean_member(o, "time_dependent", vm->time_dependent);
    if (vm->salvaged)
        put_u64(o, "damaged_chunks", vm->salvaged);
    put_u64(o, "touched_bytes", vm->touched_bytes);
    put_missing(o, vm->missing);
    put_stream(o, "stdout", vm->out, vm->out_len, vm->out_total);
    put_stream(o, "stderr", vm->err, vm->err_len, vm->err_total);
    return o;
}

/* ---- a run -------------------------------------------------------------------------------------------------------- */

/* Parameters of the policy for each VM, if it has such. */
static void put_vm_parameters(JsonObject *policy, const run_result *r)
{
    JsonObject *all = NULL;
    for (guint i = 0; i < r->vms->len; i++) {
        const run_vm_result *vm = g_ptr_array_index(r->vms, i);
        if (!vm->params)
            continue;
        if (!all)
            all = put_object(policy, "vm_parameters");
        JsonObject *own = put_object(all, vm->name);
        for (char **p = vm->params; p[0]; p += 2)
            json_object_set_string_member(own, p[0], p[1]);
    }
}

static void put_policy(JsonObject *o, const run_result *r)
{
    JsonObject *policy = put_object(o, "policy");
    json_object_set_string_member(policy, "name", r->policy);
    if (strcmp(r->policy, r->policy_used) != 0)
        json_object_set_string_member(policy, "use", r->policy_used);
    if (r->plugin_sha256)
        json_object_set_string_member(policy, "plugin_sha256", r->plugin_sha256);
    put_u64(policy, "quantum_ps", r->quantum);
    json_object_set_boolean_member(policy, "strict", r->strict);
    JsonObject *params = put_object(policy, "parameters");
    for (char **p = r->params; p && p[0] && p[1]; p += 2)
        json_object_set_string_member(params, p[0], p[1]);
    put_vm_parameters(policy, r);
    put_u64(policy, "bad_answers", r->bad_answers);
    if (r->bad_answer)
        json_object_set_string_member(policy, "first_bad_answer", r->bad_answer);
    put_u64(policy, "starvations", r->starvations);
    if (r->starvation)
        json_object_set_string_member(policy, "first_starvation", r->starvation);
    if (r->failure)
        json_object_set_string_member(policy, "failure", r->failure);
}

static void put_armed(JsonObject *smu, const vmm_smu_stats *s)
{
    JsonObject *armed = put_object(smu, "armed");
    if (s->armed_insns)
        put_u64(armed, sim_emon_events[SIM_EV_INSTRUCTIONS].name, s->armed_insns);
    for (unsigned i = 0; i < s->n_events; i++)
        if (s->armed[i])
            put_u64(armed, sim_emon_events[s->events[i]].name, s->armed[i]);
}

static void put_smu(JsonObject *o, const run_result *r)
{
    const vmm_smu_stats *s = &r->smu;
    if (!s->watched)
        return;
    JsonObject *smu = put_object(o, "smu");
    json_object_set_string_member(smu, "kind", vmm_smu_names[s->kind]);
    put_u64(smu, "period_ps", s->period);
    JsonArray *events = json_array_new();
    for (unsigned i = 0; i < s->n_events; i++)
        json_array_add_string_element(events, sim_emon_events[s->events[i]].name);
    json_object_set_array_member(smu, "events", events);
    if (s->kind == VMM_SMU_HYBRID)
        put_armed(smu, s);
    put_u64(smu, "samples", s->samples);
    put_u64(smu, "register_accesses", s->accesses);
    put_u64(smu, "exits", s->exits);
    put_u64(smu, "time_ps", s->time);
}

static void put_profile(JsonObject *o, const run_result *r)
{
    if (!r->profile_digest)
        return;
    JsonObject *profile = put_object(o, "profile_in");
    json_object_set_string_member(profile, "digest", r->profile_digest);
    put_u64(profile, "known_vms", r->profile_known);
    JsonArray *fallbacks = json_array_new();
    for (guint i = 0; i < r->profile_fallbacks->len; i++)
        json_array_add_string_element(fallbacks, g_ptr_array_index(r->profile_fallbacks, i));
    json_object_set_array_member(profile, "fallbacks", fallbacks);
}

static void put_machine(JsonObject *o, const run_result *r)
{
    JsonObject *machine = put_object(o, "machine");
    uint32_t cores = 0, packages = 0;
    for (guint i = 0; i < r->lps->len; i++) {
        const run_lp_result *lp = g_ptr_array_index(r->lps, i);
        cores = MAX(cores, lp->core + 1);
        packages = MAX(packages, lp->package + 1);
    }
    json_object_set_string_member(machine, "name", r->machine);
    json_object_set_string_member(machine, "description", r->machine_description);
    put_u64(machine, "packages", packages);
    put_u64(machine, "cores", cores);
    put_u64(machine, "logical_processors", r->lps->len);
}

static void put_scenario(JsonObject *o, const run_result *r)
{
    JsonObject *scenario = put_object(o, "scenario");
    json_object_set_string_member(scenario, "name", r->scenario);
    put_u64(scenario, "seed", r->seed);
    put_u64(scenario, "duration_ps", r->duration);
}

static void put_lps(JsonObject *o, const run_result *r)
{
    JsonArray *list = json_array_new();
    for (guint i = 0; i < r->lps->len; i++) {
        const run_lp_result *lp = g_ptr_array_index(r->lps, i);
        JsonObject *one = json_object_new();
        put_u64(one, "id", lp->id);
        put_u64(one, "core", lp->core);
        put_u64(one, "package", lp->package);
        json_object_set_string_member(one, "kind", lp->kind);
        put_u64(one, "hz", lp->hz);
        put_cpi_stack(one, lp->ev);
        put_events(one, lp->ev);
        run_below_json_lp(one, r, i);
        json_array_add_object_element(list, one);
    }
    json_object_set_array_member(o, "lps", list);
}

static void put_unknown(JsonObject *o, const GArray *unknown)
{
    JsonArray *list = json_array_new();
    for (guint i = 0; i < unknown->len; i++) {
        const run_unknown *u = &g_array_index(unknown, run_unknown, i);
        JsonObject *one = json_object_new();
        json_object_set_string_member(one, "core", u->kind);
        json_object_set_string_member(one, "instruction", u->form);
        put_u64(one, "executions", u->executions);
        put_u64(one, "blocks", u->blocks);
        json_array_add_object_element(list, one);
    }
    json_object_set_array_member(o, "unknown_instructions", list);
}

static JsonObject *run_object(const run_result *r)
{
    JsonObject *o = json_object_new();
    json_object_set_string_member(o, "schema", "quanta-run/1");
    json_object_set_string_member(o, "digest", r->digest);
    put_scenario(o, r);
    put_policy(o, r);
    put_smu(o, r);
    run_below_json(o, r);
    put_profile(o, r);
    put_machine(o, r);
    put_u64(o, "simulated_ps", r->simulated);
    json_object_set_boolean_member(o, "all_ended", r->finished);
    JsonObject *metrics = put_object(o, "metrics");
    for (run_metric m = 0; m < RUN_N_METRICS; m++)
        put_metric(metrics, m, run_metric_of_run(r, m));
    JsonObject *vms = put_object(o, "vms");
    for (guint i = 0; i < r->vms->len; i++) {
        const run_vm_result *vm = g_ptr_array_index(r->vms, i);
        JsonObject *one = vm_object(r, vm);
        if (r->warm_up_insns)
            run_warm_json(one, &vm->warm_up);
        json_object_set_object_member(vms, vm->name, one);
    }
    if (r->warm_up_insns) {
        put_u64(o, "warm_up_instructions", r->warm_up_insns);
        put_u64(o, "warm_up_different", r->warm_up_different);
        run_warm_json(o, &r->warm_up);
    }
    put_lps(o, r);
    run_decisions_json(o, r);
    if (r->series)
        run_series_json(o, r->series);
    if (r->unknown)
        put_unknown(o, r->unknown);
    return o;
}

static char *text_of(JsonObject *root)
{
    g_autoptr(JsonNode) node = json_node_init_object(json_node_alloc(), root);
    json_object_unref(root);
    return run_json_text(node);
}

char *run_result_to_json(const run_result *r)
{
    return text_of(run_object(r));
}

/* ---- a comparison --------------------------------------------------------------------------------------------------- */

static void put_ratio(JsonObject *o, run_metric metric, run_metric_value value, run_metric_value reference)
{
    double ratio;
    if (run_metric_ratio(value, reference, &ratio))
        json_object_set_double_member(o, run_metric_keys[metric], ratio);
}

static void put_run_ratios(JsonObject *o, const run_result *r, const run_result *reference)
{
    JsonObject *ratio = put_object(o, "ratio");
    JsonObject *metrics = put_object(ratio, "metrics"), *vms = put_object(ratio, "vms");
    for (run_metric m = 0; m < RUN_N_METRICS; m++)
        put_ratio(metrics, m, run_metric_of_run(r, m), run_metric_of_run(reference, m));
    for (guint i = 0; i < r->vms->len; i++) {
        const run_vm_result *vm = g_ptr_array_index(r->vms, i), *base = g_ptr_array_index(reference->vms, i);
        JsonObject *one = put_object(vms, vm->name);
        for (run_metric m = RUN_PROGRESS; m < RUN_N_METRICS; m++)
            put_ratio(one, m, run_metric_of_vm(vm, m), run_metric_of_vm(base, m));
    }
}

static void put_guests(JsonObject *o, const run_comparison *c)
{
    JsonObject *guests = put_object(o, "guests");
    for (guint i = 0; i < c->guests->len; i++) {
        const run_guest_work *w = g_ptr_array_index(c->guests, i);
        JsonObject *one = put_object(guests, w->name);
        json_object_set_boolean_member(one, "time_dependent", w->time_dependent);
        put_u64(one, "guest_executions", w->executions);
        put_u64(one, "executed_instructions", w->instructions);
        put_u64(one, "alone_ps", w->alone_time);
        put_u64(one, "alone_instructions", w->alone_insns);
    }
}

char *run_comparison_to_json(const run_comparison *c)
{
    const run_result *reference = g_ptr_array_index(c->runs, 0);
    JsonObject *o = json_object_new();
    json_object_set_string_member(o, "schema", "quanta-compare/1");
    json_object_set_string_member(o, "digest", c->digest);
    json_object_set_string_member(o, "reference", reference->policy);
    put_scenario(o, reference);
    put_machine(o, reference);
    put_guests(o, c);
    JsonObject *runs = put_object(o, "runs");
    for (guint i = 0; i < c->runs->len; i++) {
        const run_result *r = g_ptr_array_index(c->runs, i);
        JsonObject *one = run_object(r);
        put_run_ratios(one, r, reference);
        json_object_set_object_member(runs, r->policy, one);
    }
    return text_of(o);
}
