/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "run-report-data.h"

#include "sim-error.h"

static bool fail(GError **error, const run_read_input *input, const char *what)
{
    g_set_error(error, SIM_ERROR, SIM_ERROR_INPUT, "%s: %s", input->path, what);
    return false;
}

static void put_number(JsonObject *to, const char *key, JsonObject *from, const char *name)
{
    json_object_set_double_member(to, key, run_read_number(from, name));
}

static void put_numbers(JsonObject *to, JsonObject *from, const char *const *keys)
{
    for (; *keys; keys++)
        put_number(to, *keys, from, *keys);
}

static void put_text(JsonObject *to, const char *key, const char *text)
{
    json_object_set_string_member(to, key, text ? text : "");
}

/* All members of an object that are numbers. */
static JsonObject *numbers_of(JsonObject *from)
{
    JsonObject *o = json_object_new();
    g_autoptr(GList) names = from ? json_object_get_members(from) : NULL;
    for (GList *n = names; n; n = n->next) {
        JsonNode *node = json_object_get_member(from, n->data);
        if (JSON_NODE_HOLDS_VALUE(node) && json_node_get_value_type(node) != G_TYPE_STRING)
            json_object_set_double_member(o, n->data, json_node_get_double(node));
    }
    return o;
}

/* ---- a VM --------------------------------------------------------------------------------------------------------- */

static JsonObject *vm_data(JsonObject *vm)
{
    static const char *const always[] = {"instructions", "cycles", "running_ps", "runnable_ps", "blocked_ps", "offline_ps", "steal", "ipc", "llc_mpki", NULL};
    static const char *const sometimes[] = {"slowdown", "normalised_progress", NULL};
    static const char *const cpi[] = {"base", "core", "frontend", "branch", "l2", "llc", "memory", "tlb", "smt", "system", NULL};
    static const char *const wakes[] = {"count", "p50", "p99", NULL};
    JsonObject *o = json_object_new(), *stack = json_object_new(), *wake = json_object_new(), *switches = run_read_object(vm, "switches");
    put_text(o, "workload", run_read_string(vm, "workload"));
    put_text(o, "state", run_read_string(vm, "state"));
    put_numbers(o, vm, always);
    for (const char *const *k = sometimes; *k; k++)
        if (json_object_has_member(vm, *k))
            put_number(o, *k, vm, *k);
    put_number(o, "dispatches", switches, "dispatches");
    put_number(o, "migrations", switches, "migrations");
    put_number(o, "tasks", run_read_object(vm, "tasks"), "count");
    put_numbers(stack, run_read_object(vm, "cpi_stack"), cpi);
    put_numbers(wake, run_read_object(vm, "wake_latency_ps"), wakes);
    json_object_set_object_member(o, "cpi_stack", stack);
    json_object_set_object_member(o, "wakes", wake);
    return o;
}

static JsonArray *vms_data(JsonObject *vms, GPtrArray *names)
{
    JsonArray *list = json_array_new();
    for (guint i = 0; i < names->len; i++)
        json_array_add_object_element(list, vm_data(run_read_object(vms, g_ptr_array_index(names, i))));
    return list;
}

/* ---- decisions ---------------------------------------------------------------------------------------------------- */

/* Of evidence, which has count, mean and so on for each name: the means. */
static JsonObject *means_of(JsonObject *evidence)
{
    JsonObject *o = json_object_new();
    g_autoptr(GList) names = evidence ? json_object_get_members(evidence) : NULL;
    for (GList *n = names; n; n = n->next)
        put_number(o, n->data, run_read_object(evidence, n->data), "mean");
    return o;
}

static JsonArray *reasons_data(JsonArray *from)
{
    static const char *const numbers[] = {"count", "mean_before_ps", "mean_after_ps", NULL};
    JsonArray *list = json_array_new();
    for (guint i = 0; i < run_read_length(from); i++) {
        JsonObject *reason = run_read_element(from, i), *o = json_object_new();
        put_text(o, "action", run_read_string(reason, "action"));
        put_text(o, "reason", run_read_string(reason, "reason"));
        put_numbers(o, reason, numbers);
        json_object_set_object_member(o, "evidence", means_of(run_read_object(reason, "evidence")));
        json_array_add_object_element(list, o);
    }
    return list;
}

static JsonObject *decisions_data(JsonObject *from)
{
    static const char *const numbers[] = {"at_ps", "lp", "before_ps", "after_ps", NULL}, *const texts[] = {"vm", "action", "reason", NULL};
    JsonObject *o = json_object_new();
    JsonArray *first = run_read_array(from, "first"), *list = json_array_new();
    put_number(o, "count", from, "count");
    json_object_set_array_member(o, "by_reason", reasons_data(run_read_array(from, "by_reason")));
    for (guint i = 0; i < MIN(run_read_length(first), (guint)RUN_REPORT_DECISIONS); i++) {
        JsonObject *d = run_read_element(first, i), *one = json_object_new();
        put_numbers(one, d, numbers);
        for (const char *const *t = texts; *t; t++)
            put_text(one, *t, run_read_string(d, *t));
        json_object_set_object_member(one, "evidence", numbers_of(run_read_object(d, "evidence")));
        json_object_set_object_member(one, "outcome", numbers_of(run_read_object(d, "outcome")));
        json_array_add_object_element(list, one);
    }
    json_object_set_array_member(o, "first", list);
    return o;
}

/* ---- a run -------------------------------------------------------------------------------------------------------- */

static JsonObject *texts_of(JsonObject *from)
{
    JsonObject *o = json_object_new();
    g_autoptr(GList) names = from ? json_object_get_members(from) : NULL;
    for (GList *n = names; n; n = n->next)
        put_text(o, n->data, run_read_string(from, n->data));
    return o;
}

static JsonObject *run_data(const char *name, JsonObject *run, GPtrArray *vms, guint n_lps, guint n_runs)
{
    JsonObject *o = json_object_new(), *policy = run_read_object(run, "policy");
    const char *use = run_read_string(policy, "use"), *failure = run_read_string(policy, "failure");
    put_text(o, "name", name);
    put_text(o, "use", use ? use : name);
    put_text(o, "digest", run_read_string(run, "digest"));
    put_number(o, "quantum_ps", policy, "quantum_ps");
    put_number(o, "bad_answers", policy, "bad_answers");
    put_number(o, "starvations", policy, "starvations");
    put_text(o, "failure", failure);
    put_number(o, "simulated_ps", run, "simulated_ps");
    json_object_set_object_member(o, "parameters", texts_of(run_read_object(policy, "parameters")));
    json_object_set_object_member(o, "metrics", numbers_of(run_read_object(run, "metrics")));
    json_object_set_array_member(o, "vms", vms_data(run_read_object(run, "vms"), vms));
    json_object_set_object_member(o, "decisions", decisions_data(run_read_object(run, "decisions")));
    JsonObject *series = run_report_series(run_read_object(run, "series"), n_lps, vms->len, n_runs);
    if (series)
        json_object_set_object_member(o, "series", series);
    return o;
}

static GPtrArray *vm_names(JsonObject *run)
{
    GPtrArray *names = g_ptr_array_new_with_free_func(g_free);
    JsonObject *vms = run_read_object(run, "vms");
    g_autoptr(GList) list = vms ? json_object_get_members(vms) : NULL;
    for (GList *n = list; n; n = n->next)
        g_ptr_array_add(names, g_strdup(n->data));
    return names;
}

static JsonArray *lps_data(JsonObject *run)
{
    static const char *const keys[] = {"id", "core", "package", NULL};
    JsonArray *from = run_read_array(run, "lps"), *list = json_array_new();
    for (guint i = 0; i < run_read_length(from); i++) {
        JsonObject *o = json_object_new();
        put_numbers(o, run_read_element(from, i), keys);
        json_array_add_object_element(list, o);
    }
    return list;
}

static bool same_vms(JsonObject *run, GPtrArray *names)
{
    JsonObject *vms = run_read_object(run, "vms");
    bool same = vms && json_object_get_size(vms) == names->len;
    for (guint i = 0; same && i < names->len; i++)
        same = run_read_object(vms, g_ptr_array_index(names, i)) != NULL;
    return same;
}

JsonObject *run_report_data(const run_read_input *input, GError **error)
{
    static const char *const machine_texts[] = {"name", "description", NULL}, *const machine_numbers[] = {"packages", "cores", "logical_processors", NULL};
    JsonObject *first = g_ptr_array_index(input->runs, 0), *root = json_node_get_object(input->root);
    g_autoptr(GPtrArray) names = vm_names(first);
    guint n_lps = run_read_length(run_read_array(first, "lps"));
    for (guint i = 0; i < input->runs->len; i++) {
        JsonObject *run = g_ptr_array_index(input->runs, i);
        if (!same_vms(run, names) || run_read_length(run_read_array(run, "lps")) != n_lps) {
            fail(error, input, "its runs are not of the same VMs and logical processors");
            return NULL;
        }
    }
    JsonObject *o = json_object_new(), *machine = json_object_new(), *scenario = json_object_new();
    put_text(o, "kind", "result");
    put_text(o, "schema", input->schema);
    put_text(o, "digest", run_read_string(root, "digest"));
    for (const char *const *t = machine_texts; *t; t++)
        put_text(machine, *t, run_read_string(run_read_object(first, "machine"), *t));
    put_numbers(machine, run_read_object(first, "machine"), machine_numbers);
    put_text(scenario, "name", run_read_string(run_read_object(first, "scenario"), "name"));
    put_number(scenario, "seed", run_read_object(first, "scenario"), "seed");
    json_object_set_object_member(o, "machine", machine);
    json_object_set_object_member(o, "scenario", scenario);
    JsonArray *list = json_array_new(), *runs = json_array_new();
    for (guint i = 0; i < names->len; i++)
        json_array_add_string_element(list, g_ptr_array_index(names, i));
    json_object_set_array_member(o, "vms", list);
    json_object_set_array_member(o, "lps", lps_data(first));
    gint64 reference = -1;
    for (guint i = 0; i < input->runs->len; i++) {
        if (g_strcmp0(g_ptr_array_index(input->names, i), run_read_string(root, "reference")) == 0)
            reference = i;
        json_array_add_object_element(runs, run_data(g_ptr_array_index(input->names, i), g_ptr_array_index(input->runs, i), names, n_lps, input->runs->len));
    }
    json_object_set_int_member(o, "reference", reference);
    json_object_set_array_member(o, "runs", runs);
    return o;
}
