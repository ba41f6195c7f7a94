/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "run-explain.h"

#include "sim-error.h"

#include <string.h>

bool run_explain_mean(JsonObject *facts, const char *name, double *mean)
{
    JsonObject *one = run_read_object(facts, name);
    if (!one)
        return false;
    *mean = run_read_number(one, "mean");
    return true;
}

/* ---- explaining ------------------------------------------------------------------------------------------------------ */

/* What the figures of a reason say, as text and as numbers. */
static JsonArray *explain_facts(JsonObject *facts)
{
    JsonArray *list = json_array_new();
    JsonObjectIter iter;
    const char *name;
    JsonNode *node;
    if (!facts)
        return list;
    json_object_iter_init_ordered(&iter, facts);
    while (json_object_iter_next_ordered(&iter, &name, &node)) {
        JsonObject *from = JSON_NODE_HOLDS_OBJECT(node) ? json_node_get_object(node) : NULL, *one = json_object_new();
        g_autofree char *called = run_explain_name(name), *mean = run_explain_figure(name, run_read_number(from, "mean"));
        g_autofree char *min = run_explain_figure(name, run_read_number(from, "min")), *max = run_explain_figure(name, run_read_number(from, "max"));
        json_object_set_string_member(one, "name", name);
        json_object_set_string_member(one, "called", called);
        json_object_set_string_member(one, "mean", mean);
        json_object_set_string_member(one, "min", min);
        json_object_set_string_member(one, "max", max);
        json_object_set_int_member(one, "count", (gint64)run_read_number(from, "count"));
        json_array_add_object_element(list, one);
    }
    return list;
}

static JsonObject *explain_reason(JsonObject *reason)
{
    JsonObject *o = json_object_new();
    const char *action = run_read_string(reason, "action"), *name = run_read_string(reason, "reason"), *means = name ? run_explain_reason(name) : NULL;
    g_autofree char *before = run_explain_figure("-ps", run_read_number(reason, "mean_before_ps"));
    g_autofree char *after = run_explain_figure("-ps", run_read_number(reason, "mean_after_ps"));
    g_autofree char *why = NULL;
    const char *judged = run_explain_judge(reason, &why);
    json_object_set_string_member(o, "action", action ? action : "");
    json_object_set_string_member(o, "reason", name ? name : "");
    if (means)
        json_object_set_string_member(o, "means", means);
    json_object_set_int_member(o, "count", (gint64)run_read_number(reason, "count"));
    json_object_set_string_member(o, "mean_before", before);
    json_object_set_string_member(o, "mean_after", after);
    json_object_set_array_member(o, "evidence", explain_facts(run_read_object(reason, "evidence")));
    json_object_set_array_member(o, "outcome", explain_facts(run_read_object(reason, "outcome")));
    if (judged) {
        json_object_set_string_member(o, "verdict", judged);
        json_object_set_string_member(o, "verdict_because", why);
    }
    return o;
}

static JsonObject *explain_vm(const char *name, JsonObject *vm)
{
    JsonObject *o = json_object_new(), *quanta = run_read_object(vm, "quanta"), *figures = run_read_object(vm, "policy_figures");
    JsonArray *changes = json_array_new(), *reasons = run_read_array(vm, "quanta_changed");
    static const char *const kinds[] = {"full", "extended", "ended_early"};
    json_object_set_string_member(o, "vm", name);
    for (unsigned i = 0; i < G_N_ELEMENTS(kinds); i++)
        json_object_set_int_member(o, kinds[i], (gint64)run_read_number(quanta, kinds[i]));
    for (guint i = 0; i < run_read_length(reasons); i++)
        if (run_read_element(reasons, i))
            json_array_add_object_element(changes, explain_reason(run_read_element(reasons, i)));
    json_object_set_array_member(o, "changes", changes);
    if (figures)
        json_object_set_object_member(o, "policy_figures", json_object_ref(figures));
    return o;
}

static JsonObject *explain_run(const char *policy, JsonObject *run, JsonObject *against, const char *only)
{
    JsonObject *o = json_object_new(), *vms = run_read_object(run, "vms");
    JsonArray *list = json_array_new();
    JsonObjectIter iter;
    const char *name;
    JsonNode *node;
    json_object_set_string_member(o, "policy", policy);
    json_object_set_int_member(o, "decisions", (gint64)run_read_number(run_read_object(run, "decisions"), "count"));
    json_object_iter_init_ordered(&iter, vms);
    while (json_object_iter_next_ordered(&iter, &name, &node))
        if (JSON_NODE_HOLDS_OBJECT(node) && (!only || strcmp(only, name) == 0))
            json_array_add_object_element(list, explain_vm(name, json_node_get_object(node)));
    json_object_set_array_member(o, "vms", list);
    json_object_set_array_member(o, "advice", run_explain_advice(run, against, only));
    return o;
}

static bool has_vm(const run_read_input *x, const char *vm, GError **error)
{
    g_autoptr(GPtrArray) names = g_ptr_array_new();
    JsonObject *vms = run_read_object(g_ptr_array_index(x->runs, 0), "vms");
    JsonObjectIter iter;
    const char *name;
    JsonNode *node;
    json_object_iter_init_ordered(&iter, vms);
    while (json_object_iter_next_ordered(&iter, &name, &node)) {
        if (strcmp(name, vm) == 0)
            return true;
        g_ptr_array_add(names, (gpointer)name);
    }
    g_ptr_array_add(names, NULL);
    g_autofree char *hint = sim_suggest(vm, (const char *const *)names->pdata);
    g_set_error(error, SIM_ERROR, SIM_ERROR_INPUT, "%s: there is no VM '%s' in it%s", x->path, vm, hint);
    return false;
}

JsonObject *run_explain(const run_read_input *x, const char *vm, GError **error)
{
    if (vm && !has_vm(x, vm, error))
        return NULL;
    JsonObject *o = json_object_new(), *first = g_ptr_array_index(x->runs, 0);
    JsonArray *runs = json_array_new();
    const char *scenario = run_read_string(run_read_object(first, "scenario"), "name");
    json_object_set_string_member(o, "schema", "quanta-explain/1");
    json_object_set_string_member(o, "of", x->schema);
    json_object_set_string_member(o, "scenario", scenario ? scenario : "");
    for (guint i = 0; i < x->runs->len; i++)
        json_array_add_object_element(runs, explain_run(g_ptr_array_index(x->names, i), g_ptr_array_index(x->runs, i), i ? first : NULL, vm));
    json_object_set_array_member(o, "runs", runs);
    return o;
}
