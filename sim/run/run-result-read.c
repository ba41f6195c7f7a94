/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "run-result-read.h"

#include "sim-error.h"

#include <gio/gio.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

/* The parser calls itself for every level; results have ten. */
enum { MOST_LEVELS = 64, MOST_BYTES = 1 << 30 };

/* ---- members ------------------------------------------------------------------------------------------------------- */

static JsonNode *member(JsonObject *o, const char *key)
{
    return o ? json_object_get_member(o, key) : NULL;
}

double run_read_number(JsonObject *o, const char *key)
{
    JsonNode *n = member(o, key);
    if (!n || !JSON_NODE_HOLDS_VALUE(n) || (json_node_get_value_type(n) != G_TYPE_INT64 && json_node_get_value_type(n) != G_TYPE_DOUBLE))
        return 0;
    return json_node_get_double(n);
}

const char *run_read_string(JsonObject *o, const char *key)
{
    JsonNode *n = member(o, key);
    return n && JSON_NODE_HOLDS_VALUE(n) && json_node_get_value_type(n) == G_TYPE_STRING ? json_node_get_string(n) : NULL;
}

JsonObject *run_read_object(JsonObject *o, const char *key)
{
    JsonNode *n = member(o, key);
    return n && JSON_NODE_HOLDS_OBJECT(n) ? json_node_get_object(n) : NULL;
}

JsonArray *run_read_array(JsonObject *o, const char *key)
{
    JsonNode *n = member(o, key);
    return n && JSON_NODE_HOLDS_ARRAY(n) ? json_node_get_array(n) : NULL;
}

guint run_read_length(JsonArray *a)
{
    return a ? json_array_get_length(a) : 0;
}

JsonObject *run_read_element(JsonArray *a, guint i)
{
    JsonNode *n = i < run_read_length(a) ? json_array_get_element(a, i) : NULL;
    return n && JSON_NODE_HOLDS_OBJECT(n) ? json_node_get_object(n) : NULL;
}

/* ---- reading ------------------------------------------------------------------------------------------------------- */

void run_read_free(run_read_input *x)
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

/* NULL, for `return`. */
static JsonNode *fail_read(GError **error, const char *path, const char *what)
{
    fail(error, path, "%s", what);
    return NULL;
}

JsonNode *run_read_json(const char *path, GError **error)
{
    g_autoptr(GBytes) bytes = read_input(path, error);
    g_autoptr(JsonParser) parser = json_parser_new_immutable();
    g_autoptr(GError) local = NULL;
    gsize size = 0;
    const char *text = bytes ? g_bytes_get_data(bytes, &size) : NULL;
    if (!bytes)
        return NULL;
    if (size == 0 || !text)
        return fail_read(error, path, "is empty; give a file that quanta wrote (--json)");
    if (size > MOST_BYTES || levels(text, size) > MOST_LEVELS)
        return fail_read(error, path, "is no result of quanta: too large, or nested too deeply");
    if (!json_parser_load_from_data(parser, text, (gssize)size, &local)) {
        fail(error, path, "is no JSON: %s", local->message);
        return NULL;
    }
    JsonNode *root = json_parser_steal_root(parser);
    return root ? root : fail_read(error, path, "is no JSON");
}

JsonNode *run_read_copy(JsonNode *node)
{
    g_autofree char *text = json_to_string(node, FALSE);
    return json_from_string(text, NULL);
}

static bool parse(run_read_input *x, GError **error)
{
    x->root = run_read_json(x->path, error);
    if (!x->root)
        return false;
    return JSON_NODE_HOLDS_OBJECT(x->root) || fail(error, x->path, "is no result of quanta: not a JSON object");
}

static bool add_run(run_read_input *x, const char *name, JsonObject *run, GError **error)
{
    static const char *const needed[] = {"policy", "metrics", "vms", "decisions", "scenario"};
    for (unsigned i = 0; i < G_N_ELEMENTS(needed); i++)
        if (!run_read_object(run, needed[i]))
            return fail(error, x->path, "is no whole result: the run '%s' has no '%s'", name ? name : "", needed[i]);
    if (!name)
        name = run_read_string(run_read_object(run, "policy"), "name");
    g_ptr_array_add(x->names, g_strdup(name ? name : "unknown"));
    g_ptr_array_add(x->runs, run);
    return true;
}

static bool find_runs(run_read_input *x, GError **error)
{
    JsonObject *root = json_node_get_object(x->root);
    const char *schema = run_read_string(root, "schema");
    if (!schema)
        return fail(error, x->path, "is no result of quanta: it has no 'schema'");
    x->schema = g_strdup(schema);
    if (strcmp(schema, "quanta-run/1") == 0)
        return add_run(x, NULL, root, error);
    if (strcmp(schema, "quanta-compare/1") != 0)
        return fail(error, x->path, "has the schema '%s'; valid: quanta-run/1, quanta-compare/1", schema);
    JsonObject *runs = run_read_object(root, "runs");
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

run_read_input *run_read_load(const char *path, GError **error)
{
    g_autoptr(run_read_input) x = g_new0(run_read_input, 1);
    x->path = g_strdup(path);
    x->names = g_ptr_array_new_with_free_func(g_free);
    x->runs = g_ptr_array_new();
    return parse(x, error) && find_runs(x, error) ? g_steal_pointer(&x) : NULL;
}
