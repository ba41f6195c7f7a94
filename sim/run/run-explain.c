/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "run-explain.h"

#include "sim-config.h"
#include "sim-error.h"

#include <gio/gio.h>
#include <string.h>
#include <unistd.h>

/* The parser calls itself for every level; results have ten. */
enum { MOST_LEVELS = 64, MOST_BYTES = 1 << 30 };

/* ---- members ------------------------------------------------------------------------------------------------------- */

static JsonNode *member(JsonObject *o, const char *key)
{
    return o ? json_object_get_member(o, key) : NULL;
}

double run_explain_number(JsonObject *o, const char *key)
{
    JsonNode *n = member(o, key);
    if (!n || !JSON_NODE_HOLDS_VALUE(n) || (json_node_get_value_type(n) != G_TYPE_INT64 && json_node_get_value_type(n) != G_TYPE_DOUBLE))
        return 0;
    return json_node_get_double(n);
}

const char *run_explain_string(JsonObject *o, const char *key)
{
    JsonNode *n = member(o, key);
    return n && JSON_NODE_HOLDS_VALUE(n) && json_node_get_value_type(n) == G_TYPE_STRING ? json_node_get_string(n) : NULL;
}

JsonObject *run_explain_object(JsonObject *o, const char *key)
{
    JsonNode *n = member(o, key);
    return n && JSON_NODE_HOLDS_OBJECT(n) ? json_node_get_object(n) : NULL;
}

JsonArray *run_explain_array(JsonObject *o, const char *key)
{
    JsonNode *n = member(o, key);
    return n && JSON_NODE_HOLDS_ARRAY(n) ? json_node_get_array(n) : NULL;
}

guint run_explain_length(JsonArray *a)
{
    return a ? json_array_get_length(a) : 0;
}

JsonObject *run_explain_element(JsonArray *a, guint i)
{
    JsonNode *n = i < run_explain_length(a) ? json_array_get_element(a, i) : NULL;
    return n && JSON_NODE_HOLDS_OBJECT(n) ? json_node_get_object(n) : NULL;
}

bool run_explain_mean(JsonObject *facts, const char *name, double *mean)
{
    JsonObject *one = run_explain_object(facts, name);
    if (!one)
        return false;
    *mean = run_explain_number(one, "mean");
    return true;
}

/* ---- reading ------------------------------------------------------------------------------------------------------- */

void run_explain_free(run_explain_input *x)
{
    if (!x)
        return;
    g_ptr_array_unref(x->names);
    g_ptr_array_unref(x->runs);
    g_clear_pointer(&x->root, json_node_unref);
    g_free(x->path);
    g_free(x->schema);
    g_free(x);
}

static bool fail(GError **error, const char *path, const char *format, ...) G_GNUC_PRINTF(3, 4);
static bool fail(GError **error, const char *path, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    g_autofree char *text = g_strdup_vprintf(format, args);
    va_end(args);
    g_set_error(error, SIM_ERROR, SIM_ERROR_INPUT, "%s: %s", path, text);
    return false;
}

static GBytes *read_input(const char *path, GError **error)
{
    g_autoptr(GError) local = NULL;
    if (strcmp(path, "-") != 0) {
        g_autoptr(GMappedFile) file = g_mapped_file_new(path, FALSE, &local);
        if (!file)
            fail(error, path, "cannot be read: %s", local->message);
        return file ? g_mapped_file_get_bytes(file) : NULL;
    }
    g_autoptr(GByteArray) all = g_byte_array_new();
    guint8 part[65536];
    ssize_t n;
    while ((n = read(STDIN_FILENO, part, sizeof part)) > 0 && all->len < MOST_BYTES)
        g_byte_array_append(all, part, (guint)n);
    return g_byte_array_free_to_bytes(g_steal_pointer(&all));
}

/* How deep brackets are nested, outside of strings. */
static unsigned levels(const char *text, gsize size)
{
    unsigned depth = 0, most = 0;
    bool quoted = false;
    for (gsize i = 0; i < size; i++) {
        if (quoted && text[i] == '\\')
            i++;
        else if (text[i] == '"')
            quoted = !quoted;
        else if (!quoted && (text[i] == '{' || text[i] == '[')) {
            depth++;
            most = MAX(most, depth);
        } else if (!quoted && depth && (text[i] == '}' || text[i] == ']'))
            depth--;
    }
    return most;
}

static bool parse(run_explain_input *x, GError **error)
{
    g_autoptr(GBytes) bytes = read_input(x->path, error);
    g_autoptr(JsonParser) parser = json_parser_new_immutable();
    g_autoptr(GError) local = NULL;
    gsize size = 0;
    const char *text = bytes ? g_bytes_get_data(bytes, &size) : NULL;
    if (!bytes)
        return false;
    if (size == 0 || !text)
        return fail(error, x->path, "is empty; give a result that 'quanta run --json' or 'quanta compare --json' wrote");
    if (size > MOST_BYTES || levels(text, size) > MOST_LEVELS)
        return fail(error, x->path, "is no result of quanta: too large, or nested too deeply");
    if (!json_parser_load_from_data(parser, text, (gssize)size, &local))
        return fail(error, x->path, "is no JSON: %s", local->message);
    x->root = json_parser_steal_root(parser);
    if (!x->root || !JSON_NODE_HOLDS_OBJECT(x->root))
        return fail(error, x->path, "is no result of quanta: not a JSON object");
    return true;
}

static bool add_run(run_explain_input *x, const char *name, JsonObject *run, GError **error)
{
    static const char *const needed[] = {"policy", "metrics", "vms", "decisions", "scenario"};
    for (unsigned i = 0; i < G_N_ELEMENTS(needed); i++)
        if (!run_explain_object(run, needed[i]))
            return fail(error, x->path, "is no whole result: the run '%s' has no '%s'", name ? name : "", needed[i]);
    if (!name)
        name = run_explain_string(run_explain_object(run, "policy"), "name");
    g_ptr_array_add(x->names, g_strdup(name ? name : "unknown"));
    g_ptr_array_add(x->runs, run);
    return true;
}

static bool find_runs(run_explain_input *x, GError **error)
{
    JsonObject *root = json_node_get_object(x->root);
    const char *schema = run_explain_string(root, "schema");
    if (!schema)
        return fail(error, x->path, "is no result of quanta: it has no 'schema'");
    x->schema = g_strdup(schema);
    if (strcmp(schema, "quanta-run/1") == 0)
        return add_run(x, NULL, root, error);
    if (strcmp(schema, "quanta-compare/1") != 0)
        return fail(error, x->path, "has the schema '%s'; valid: quanta-run/1, quanta-compare/1", schema);
    JsonObject *runs = run_explain_object(root, "runs");
    JsonObjectIter iter;
    const char *name;
    JsonNode *node;
    if (!runs || !json_object_get_size(runs))
        return fail(error, x->path, "is no whole result: it has no 'runs'");
    json_object_iter_init_ordered(&iter, runs);
    while (json_object_iter_next_ordered(&iter, &name, &node))
        if (!add_run(x, name, JSON_NODE_HOLDS_OBJECT(node) ? json_node_get_object(node) : NULL, error))
            return false;
    return true;
}

run_explain_input *run_explain_load(const char *path, GError **error)
{
    g_autoptr(run_explain_input) x = g_new0(run_explain_input, 1);
    x->path = g_strdup(path);
    x->names = g_ptr_array_new_with_free_func(g_free);
    x->runs = g_ptr_array_new();
    return parse(x, error) && find_runs(x, error) ? g_steal_pointer(&x) : NULL;
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
        g_autofree char *called = run_explain_name(name), *mean = run_explain_figure(name, run_explain_number(from, "mean"));
        g_autofree char *min = run_explain_figure(name, run_explain_number(from, "min")), *max = run_explain_figure(name, run_explain_number(from, "max"));
        json_object_set_string_member(one, "name", name);
        json_object_set_string_member(one, "called", called);
        json_object_set_string_member(one, "mean", mean);
        json_object_set_string_member(one, "min", min);
        json_object_set_string_member(one, "max", max);
        json_object_set_int_member(one, "count", (gint64)run_explain_number(from, "count"));
        json_array_add_object_element(list, one);
    }
    return list;
}

static JsonObject *explain_reason(JsonObject *reason)
{
    JsonObject *o = json_object_new();
    const char *action = run_explain_string(reason, "action"), *name = run_explain_string(reason, "reason"), *means = name ? run_explain_reason(name) : NULL;
    g_autofree char *before = run_explain_figure("-ps", run_explain_number(reason, "mean_before_ps"));
    g_autofree char *after = run_explain_figure("-ps", run_explain_number(reason, "mean_after_ps"));
    g_autofree char *why = NULL;
    const char *judged = run_explain_judge(reason, &why);
    json_object_set_string_member(o, "action", action ? action : "");
    json_object_set_string_member(o, "reason", name ? name : "");
    if (means)
        json_object_set_string_member(o, "means", means);
    json_object_set_int_member(o, "count", (gint64)run_explain_number(reason, "count"));
    json_object_set_string_member(o, "mean_before", before);
    json_object_set_string_member(o, "mean_after", after);
    json_object_set_array_member(o, "evidence", explain_facts(run_explain_object(reason, "evidence")));
    json_object_set_array_member(o, "outcome", explain_facts(run_explain_object(reason, "outcome")));
    if (judged) {
        json_object_set_string_member(o, "verdict", judged);
        json_object_set_string_member(o, "verdict_because", why);
    }
    return o;
}

static JsonObject *explain_vm(const char *name, JsonObject *vm)
{
    JsonObject *o = json_object_new(), *quanta = run_explain_object(vm, "quanta"), *figures = run_explain_object(vm, "policy_figures");
    JsonArray *changes = json_array_new(), *reasons = run_explain_array(vm, "quanta_changed");
    static const char *const kinds[] = {"full", "extended", "ended_early"};
    json_object_set_string_member(o, "vm", name);
    for (unsigned i = 0; i < G_N_ELEMENTS(kinds); i++)
        json_object_set_int_member(o, kinds[i], (gint64)run_explain_number(quanta, kinds[i]));
    for (guint i = 0; i < run_explain_length(reasons); i++)
        if (run_explain_element(reasons, i))
            json_array_add_object_element(changes, explain_reason(run_explain_element(reasons, i)));
    json_object_set_array_member(o, "changes", changes);
    if (figures)
        json_object_set_object_member(o, "policy_figures", json_object_ref(figures));
    return o;
}

static JsonObject *explain_run(const char *policy, JsonObject *run, JsonObject *against, const char *only)
{
    JsonObject *o = json_object_new(), *vms = run_explain_object(run, "vms");
    JsonArray *list = json_array_new();
    JsonObjectIter iter;
    const char *name;
    JsonNode *node;
    json_object_set_string_member(o, "policy", policy);
    json_object_set_int_member(o, "decisions", (gint64)run_explain_number(run_explain_object(run, "decisions"), "count"));
    json_object_iter_init_ordered(&iter, vms);
    while (json_object_iter_next_ordered(&iter, &name, &node))
        if (JSON_NODE_HOLDS_OBJECT(node) && (!only || strcmp(only, name) == 0))
            json_array_add_object_element(list, explain_vm(name, json_node_get_object(node)));
    json_object_set_array_member(o, "vms", list);
    json_object_set_array_member(o, "advice", run_explain_advice(run, against, only));
    return o;
}

static bool has_vm(const run_explain_input *x, const char *vm, GError **error)
{
    g_autoptr(GPtrArray) names = g_ptr_array_new();
    JsonObject *vms = run_explain_object(g_ptr_array_index(x->runs, 0), "vms");
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
    return fail(error, x->path, "there is no VM '%s' in it%s", vm, hint);
}

JsonObject *run_explain(const run_explain_input *x, const char *vm, GError **error)
{
    if (vm && !has_vm(x, vm, error))
        return NULL;
    JsonObject *o = json_object_new(), *first = g_ptr_array_index(x->runs, 0);
    JsonArray *runs = json_array_new();
    const char *scenario = run_explain_string(run_explain_object(first, "scenario"), "name");
    json_object_set_string_member(o, "schema", "quanta-explain/1");
    json_object_set_string_member(o, "of", x->schema);
    json_object_set_string_member(o, "scenario", scenario ? scenario : "");
    for (guint i = 0; i < x->runs->len; i++)
        json_array_add_object_element(runs, explain_run(g_ptr_array_index(x->names, i), g_ptr_array_index(x->runs, i), i ? first : NULL, vm));
    json_object_set_array_member(o, "runs", runs);
    return o;
}
