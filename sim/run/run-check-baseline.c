/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Baselines: what was recorded of a suite's runs, in a file beside it, schema quanta-baseline/1. */
#include "run-check.h"

#include "run-diff.h"
#include "run-file.h"
#include "run-json.h"
#include "run-result-json.h"
#include "sim-error.h"

#include <stdlib.h>
#include <string.h>

#define SCHEMA "quanta-baseline/1"
enum { DECISIONS = 8 /* that a baseline keeps */, LARGEST = 8 /* figures that are told of a run */ };

static bool fail(GError **error, const char *path, const char *what)
{
    g_set_error(error, SIM_ERROR, SIM_ERROR_INPUT, "%s: %s; 'quanta check --update' makes it anew once it is out of the way", path, what);
    return false;
}

bool run_check_baseline_load(const char *path, JsonNode **baseline, GError **error)
{
    g_autoptr(JsonNode) root = NULL;
    *baseline = NULL;
    if (!g_file_test(path, G_FILE_TEST_EXISTS))
        return true;
    root = run_read_json(path, error);
    if (!root)
        return false;
    JsonObject *o = JSON_NODE_HOLDS_OBJECT(root) ? json_node_get_object(root) : NULL;
    const char *schema = run_read_string(o, "schema");
    if (!schema)
        return fail(error, path, "is no baseline: it has no 'schema'");
    if (strcmp(schema, SCHEMA) != 0) {
        g_autofree char *what = g_strdup_printf("has the schema '%s'; valid: " SCHEMA, schema);
        return fail(error, path, what);
    }
    if (!run_read_object(o, "cases"))
        return fail(error, path, "is no whole baseline: it has no 'cases'");
    *baseline = g_steal_pointer(&root);
    return true;
}

JsonObject *run_check_recorded(const run_check_suite *s, const char *case_name, const char *policy)
{
    JsonObject *root = s->baseline ? json_node_get_object(s->baseline) : NULL;
    return run_read_object(run_read_object(run_read_object(root, "cases"), case_name), policy);
}

bool run_check_recorded_figure(JsonObject *recorded, const char *figure, double *value)
{
    JsonObject *figures = run_read_object(recorded, "figures");
    g_autofree char *time = g_strconcat(figure, "_ps", NULL);
    const char *key = figures && json_object_has_member(figures, figure) ? figure : time;
    if (!figures || !json_object_has_member(figures, key))
        return false;
    *value = run_read_number(figures, key);
    return true;
}

/* ---- recording ---------------------------------------------------------------------------------------------------------- */

static void copy_member(JsonObject *to, JsonObject *from, const char *key)
{
    JsonNode *n = json_object_get_member(from, key);
    if (n)
        json_object_set_member(to, key, json_node_copy(n));
}

/* What the work of each VM is. */
static JsonObject *works(JsonObject *vms)
{
    static const char *const keys[] = {"workload", "args", "program_sha256"};
    JsonObject *o = json_object_new();
    JsonObjectIter iter;
    const char *name;
    JsonNode *node;
    json_object_iter_init_ordered(&iter, vms);
    while (json_object_iter_next_ordered(&iter, &name, &node)) {
        JsonObject *one = json_object_new();
        for (unsigned i = 0; i < G_N_ELEMENTS(keys); i++)
            copy_member(one, json_node_get_object(node), keys[i]);
        json_object_set_object_member(o, name, one);
    }
    return o;
}

static JsonObject *decisions(JsonObject *all)
{
    JsonObject *o = json_object_new();
    JsonArray *from = run_read_array(all, "first"), *first = json_array_new();
    copy_member(o, all, "count");
    for (guint i = 0; i < MIN(run_read_length(from), (guint)DECISIONS); i++)
        json_array_add_element(first, json_node_copy(json_array_get_element(from, i)));
    json_object_set_array_member(o, "first", first);
    return o;
}

JsonObject *run_check_record(const run_result *result, const char *digest, JsonObject *figures)
{
    static const char *const keys[] = {"scenario", "policy", "machine"};
    g_autofree char *text = run_result_to_json(result);
    g_autoptr(JsonNode) node = json_from_string(text, NULL);
    JsonObject *from = json_node_get_object(node), *o = json_object_new(), *smu = run_read_object(from, "smu");
    json_object_set_string_member(o, "digest", digest);
    for (unsigned i = 0; i < G_N_ELEMENTS(keys); i++)
        copy_member(o, from, keys[i]);
    if (smu) {
        JsonObject *kept = json_object_new();
        copy_member(kept, smu, "kind");
        copy_member(kept, smu, "period_ps");
        json_object_set_object_member(o, "smu", kept);
    }
    json_object_set_object_member(o, "vms", works(run_read_object(from, "vms")));
    json_object_set_object_member(o, "figures", figures);
    json_object_set_object_member(o, "decisions", decisions(run_read_object(from, "decisions")));
    return o;
}

/* ---- differences ---------------------------------------------------------------------------------------------------------- */

static const run_check_run *find_run(const run_check_report *r, const run_check_case *k, const char *policy)
{
    guint number;
    if (!g_ptr_array_find(r->suite->cases, k, &number) || number >= r->runs->len)
        return NULL;
    GPtrArray *runs = g_ptr_array_index(r->runs, number);
    for (guint i = 0; i < runs->len; i++)
        if (strcmp(((const run_check_run *)g_ptr_array_index(runs, i))->policy, policy) == 0)
            return g_ptr_array_index(runs, i);
    return NULL;
}

/* The version stands in the baseline once, and is a part of every run's configuration. */
static void put_version(JsonObject *run, const char *version)
{
    if (version)
        json_object_set_string_member(run, "quanta", version);
}

JsonObject *run_check_change(const run_check_report *r, const run_check_case *k, const char *policy, unsigned limit)
{
    JsonObject *recorded = run_check_recorded(r->suite, k->name, policy);
    const run_check_run *run = find_run(r, k, policy);
    if (!recorded || !run || !run->record)
        return NULL;
    g_autoptr(JsonNode) before = json_node_alloc(), after = json_node_alloc();
    json_node_init_object(before, recorded);
    json_node_init_object(after, run->record);
    g_autoptr(JsonNode) a = run_read_copy(before);
    g_autoptr(JsonNode) b = run_read_copy(after);
    put_version(json_node_get_object(a), run_read_string(json_node_get_object(r->suite->baseline), "quanta"));
    put_version(json_node_get_object(b), QUANTA_VERSION);
    return run_diff(json_node_get_object(a), json_node_get_object(b), limit);
}

char *run_check_changes(const run_check_report *r, bool colour)
{
    GString *out = g_string_new(NULL);
    for (guint c = 0; c < r->runs->len; c++) {
        const run_check_case *k = g_ptr_array_index(r->suite->cases, c);
        GPtrArray *runs = g_ptr_array_index(r->runs, c);
        for (guint i = 0; i < runs->len; i++) {
            const run_check_run *run = g_ptr_array_index(runs, i);
            JsonObject *d = run_check_change(r, k, run->policy, LARGEST);
            if (run->failure)
                g_string_append_printf(out, "%s/%s: failed, and keeps its record: %s\n", k->name, run->policy, run->failure);
            else if (!d)
                g_string_append_printf(out, "%s/%s: new\n", k->name, run->policy);
            else if (!run_diff_same(d)) {
                g_autofree char *text = run_diff_text(d, 2, colour);
                g_string_append_printf(out, "%s/%s: A is recorded, B is now\n%s", k->name, run->policy, text);
            }
            if (d)
                json_object_unref(d);
        }
    }
    return g_string_free(out, FALSE);
}

/* ---- writing -------------------------------------------------------------------------------------------------------------- */

static JsonObject *case_object(const run_check_report *r, guint number)
{
    const run_check_case *k = g_ptr_array_index(r->suite->cases, number);
    GPtrArray *runs = g_ptr_array_index(r->runs, number);
    JsonObject *o = json_object_new();
    for (guint i = 0; i < runs->len; i++) {
        const run_check_run *run = g_ptr_array_index(runs, i);
        JsonObject *old = run_check_recorded(r->suite, k->name, run->policy);
        if (!run->failure)
            json_object_set_object_member(o, run->policy, json_object_ref(run->record));
        else if (old)
            json_object_set_object_member(o, run->policy, json_object_ref(old));
    }
    return o;
}

/* The number of the suite's case of that name among those that were run; G_MAXUINT: it was not. */
static guint number_of(const run_check_report *r, const char *name)
{
    for (guint i = 0; i < r->runs->len; i++)
        if (strcmp(((const run_check_case *)g_ptr_array_index(r->suite->cases, i))->name, name) == 0)
            return i;
    return G_MAXUINT;
}

/* In the order of the suite: what was run, and what was recorded of the others. */
static JsonObject *all_cases(const run_check_report *r)
{
    JsonObject *o = json_object_new(), *root = r->suite->baseline ? json_node_get_object(r->suite->baseline) : NULL;
    JsonObject *old = run_read_object(root, "cases");
    for (char **name = r->suite->all_cases; *name; name++) {
        guint number = number_of(r, *name);
        if (number != G_MAXUINT)
            json_object_set_object_member(o, *name, case_object(r, number));
        else if (run_read_object(old, *name))
            json_object_set_object_member(o, *name, json_object_ref(run_read_object(old, *name)));
    }
    return o;
}

/* What a symbolic link leads to is written, not the link. */
static bool write_file(const char *path, const char *text, GError **error)
{
    char *real = realpath(path, NULL);
    bool good = run_file_write(real ? real : path, text, strlen(text), error);
    free(real);
    return good;
}

static bool write_baseline(const run_check_report *r, GError **error)
{
    JsonObject *o = json_object_new();
    json_object_set_string_member(o, "schema", SCHEMA);
    json_object_set_string_member(o, "quanta", QUANTA_VERSION);
    json_object_set_object_member(o, "cases", all_cases(r));
    g_autoptr(JsonNode) node = json_node_init_object(json_node_alloc(), o);
    json_object_unref(o);
    g_autofree char *text = run_json_text(node);
    return write_file(r->suite->baseline_path, text, error);
}

/* ---- digests in the suite --------------------------------------------------------------------------------------------------- */

/* The digest that a key of a case is to have; NULL: as it is. */
static const char *new_digest(const run_check_report *r, const char *group, const char *key)
{
    for (guint i = 0; i < r->results->len; i++) {
        const run_check_result *x = g_ptr_array_index(r->results, i);
        g_autofree char *name = g_strdup_printf("case %s", x->of->name);
        bool literal = x->item->digest && strcmp(x->item->digest, RUN_CHECK_RECORDED) != 0;
        if (!literal || strcmp(name, group) != 0 || strcmp(x->item->key, key) != 0 || x->outcome.passed || x->failed_run)
            continue;
        return find_run(r, x->of, x->policy)->digest;
    }
    return NULL;
}

/* The line with another value, if it is a key whose digest changed; NULL: as it is. Keeps blanks before the value. */
static char *new_line(const run_check_report *r, const char *group, const char *line)
{
    const char *equals = strchr(line, '=');
    if (!equals || !group)
        return NULL;
    g_autofree char *key = g_strstrip(g_strndup(line, (gsize)(equals - line)));
    const char *digest = *key != '#' ? new_digest(r, group, key) : NULL, *value = equals + 1 + strspn(equals + 1, " \t");
    return digest ? g_strdup_printf("%.*s%s", (int)(value - line), line, digest) : NULL;
}

static bool write_suite(const run_check_report *r, GError **error)
{
    g_autofree char *text = NULL, *group = NULL;
    bool changed = false;
    if (!g_file_get_contents(r->suite->path, &text, NULL, error))
        return false;
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    for (char **line = lines; *line; line++) {
        g_autofree char *plain = g_strstrip(g_strdup(*line));
        gsize n = strlen(plain);
        if (n > 2 && plain[0] == '[' && plain[n - 1] == ']') {
            g_free(group);
            group = g_strndup(plain + 1, n - 2);
        }
        char *other = new_line(r, group, *line);
        if (!other)
            continue;
        g_free(*line);
        *line = other;
        changed = true;
    }
    g_autofree char *joined = g_strjoinv("\n", lines);
    return !changed || write_file(r->suite->path, joined, error);
}

/* What write_suite wrote. */
static void take_digests(run_check_report *r)
{
    for (guint i = 0; i < r->results->len; i++) {
        const run_check_result *x = g_ptr_array_index(r->results, i);
        run_check_item *item = (run_check_item *)x->item;
        g_autofree char *group = g_strdup_printf("case %s", x->of->name);
        const char *digest = new_digest(r, group, item->key);
        if (digest) {
            g_free(item->digest);
            item->digest = g_strdup(digest);
        }
    }
}

bool run_check_update(run_check_report *r, GError **error)
{
    JsonNode *fresh = NULL;
    if (!write_baseline(r, error) || !write_suite(r, error) || !run_check_baseline_load(r->suite->baseline_path, &fresh, error))
        return false;
    g_clear_pointer(&r->suite->baseline, json_node_unref);
    r->suite->baseline = fresh;
    take_digests(r);
    run_check_again(r);
    return true;
}
