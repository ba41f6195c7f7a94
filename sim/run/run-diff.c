/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Both runs are laid out as leaves, each with a path; leaves of the same path are compared. Decisions are compared one by one. */
#include "run-diff.h"

#include "sim-error.h"

#include <math.h>
#include <string.h>

/* Lists of more objects than this are compared as a whole. */
enum { MOST_ELEMENTS = 256 };
/* Bytes of a text that are told. */
enum { MOST_TEXT = 1000 };

typedef struct {
    char *path;      /* unique in a run: "vms/web/events.cache-misses" */
    char *group;     /* "run", "vm web", "lp 0" */
    const char *name; /* within the group; in `path` */
    bool config, number, whole;
    double value;
    char *text;
} leaf;

typedef struct {
    GPtrArray *leaves;
    GHashTable *by_path; /* looked up only */
    const char *group;
} layout;

static void leaf_free(gpointer data)
{
    leaf *l = data;
    g_free(l->path);
    g_free(l->group);
    g_free(l->text);
    g_free(l);
}

/* ---- what is what ---------------------------------------------------------------------------------------------------- */

static bool begins(const char *name, const char *const *prefixes)
{
    for (; *prefixes; prefixes++)
        if (g_str_has_prefix(name, *prefixes))
            return true;
    return false;
}

static bool is_config(const char *group, const char *name)
{
    static const char *const outcomes[] = {"policy.bad_answers", "policy.first_", "policy.starvations", "policy.failure", NULL};
    static const char *const run[] = {"schema", "quanta", "version", "scenario.", "machine.", "policy.", "profile_in.", "smu.kind", "smu.period_ps",
        "smu.events", NULL};
    static const char *const vm[] = {"workload", "args", "program_sha256", "controls", NULL};
    static const char *const lp[] = {"core", "package", "kind", "hz", NULL};
    if (strcmp(group, "run") == 0)
        return begins(name, run) && !begins(name, outcomes);
    return *group == 'v' ? begins(name, vm) : g_strv_contains(lp, name);
}

/* What says the same as something else, or is compared apart. */
static bool is_skipped(const char *group, const char *name)
{
    static const char *const run[] = {"digest", "ratio", "decisions.first", "decisions.by_reason", "vms", "lps", NULL};
    if (strcmp(group, "run") != 0)
        return g_str_has_prefix(name, "events.cpi_stack.") || strcmp(name, "id") == 0;
    return g_strv_contains(run, name);
}

/* The name within the group without the object that it stands in, where that says nothing. */
static const char *plain_name(const char *name)
{
    static const char *const objects[] = {"metrics.", "events.", "figures."};
    for (unsigned i = 0; i < G_N_ELEMENTS(objects); i++)
        if (g_str_has_prefix(name, objects[i]))
            return name + strlen(objects[i]);
    return name;
}

static bool is_time(const char *name)
{
    return g_str_has_suffix(name, "_ps") || strstr(name, "_ps.");
}

char *run_diff_value(const char *name, double value, bool whole)
{
    static const struct {
        const char *unit;
        double ps;
    } units[] = {{"s", 1e12}, {"ms", 1e9}, {"us", 1e6}, {"ns", 1e3}};
    char text[G_ASCII_DTOSTR_BUF_SIZE];
    for (unsigned i = 0; is_time(name) && i < G_N_ELEMENTS(units); i++)
        if (fabs(value) >= units[i].ps) {
            double shown = value / units[i].ps;
            return g_strconcat(g_ascii_formatd(text, sizeof text, fabs(shown) < 10 ? "%.3f" : fabs(shown) < 100 ? "%.2f" : "%.1f", shown), units[i].unit, NULL);
        }
    if (is_time(name))
        return g_strdup_printf("%.0f%s", value, value != 0 ? "ps" : "");
    return g_strdup(g_ascii_formatd(text, sizeof text, whole ? "%.0f" : "%.4f", value));
}

/* ---- laying out -------------------------------------------------------------------------------------------------------- */

static void walk(layout *l, const char *name, JsonNode *node);

static leaf *add_leaf(layout *l, const char *name)
{
    leaf *one = g_new0(leaf, 1);
    one->group = g_strdup(l->group);
    one->path = g_strdup_printf("%s/%s", l->group, name);
    one->name = plain_name(one->path + strlen(l->group) + 1);
    one->config = is_config(l->group, name);
    g_ptr_array_add(l->leaves, one);
    g_hash_table_insert(l->by_path, one->path, one);
    return one;
}

static void walk_scalar(layout *l, const char *name, JsonNode *node)
{
    GType type = JSON_NODE_HOLDS_NULL(node) ? G_TYPE_INVALID : json_node_get_value_type(node);
    leaf *one = add_leaf(l, name);
    one->number = type == G_TYPE_INT64 || type == G_TYPE_DOUBLE;
    one->whole = type == G_TYPE_INT64;
    one->value = one->number ? json_node_get_double(node) : 0;
    if (one->number)
        one->text = run_diff_value(one->name, one->value, one->whole);
    else if (type == G_TYPE_STRING)
        one->text = g_strdup(json_node_get_string(node));
    else
        one->text = g_strdup(type == G_TYPE_BOOLEAN ? (json_node_get_boolean(node) ? "true" : "false") : "null");
}

/* What tells an element of a list from the others: NULL when nothing does. */
static char *identity(JsonObject *o)
{
    const char *action = run_read_string(o, "action"), *reason = run_read_string(o, "reason"), *name = run_read_string(o, "name");
    if (reason)
        return g_strdup_printf("%s:%s", action ? action : "", reason);
    if (name)
        return g_strdup(name);
    return o && json_object_has_member(o, "kind") ? g_strdup_printf("%.0f", run_read_number(o, "kind")) : NULL;
}

static bool can_be_told_apart(JsonArray *a)
{
    guint n = json_array_get_length(a);
    g_autoptr(GHashTable) keys = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    for (guint i = 0; i < n && n <= MOST_ELEMENTS; i++) {
        char *key = identity(run_read_element(a, i));
        if (!key || !g_hash_table_add(keys, key))
            return false;
    }
    return n > 0 && n <= MOST_ELEMENTS;
}

static void walk_array(layout *l, const char *name, JsonNode *node)
{
    JsonArray *a = json_node_get_array(node);
    if (!can_be_told_apart(a)) {
        add_leaf(l, name)->text = json_to_string(node, FALSE);
        return;
    }
    for (guint i = 0; i < json_array_get_length(a); i++) {
        g_autofree char *key = identity(run_read_element(a, i)), *path = g_strdup_printf("%s.%s", name, key);
        walk(l, path, json_array_get_element(a, i));
    }
}

static void walk(layout *l, const char *name, JsonNode *node)
{
    if (is_skipped(l->group, name))
        return;
    if (JSON_NODE_HOLDS_ARRAY(node)) {
        walk_array(l, name, node);
    } else if (JSON_NODE_HOLDS_OBJECT(node)) {
        JsonObjectIter iter;
        const char *key;
        JsonNode *child;
        json_object_iter_init_ordered(&iter, json_node_get_object(node));
        while (json_object_iter_next_ordered(&iter, &key, &child)) {
            g_autofree char *path = *name ? g_strdup_printf("%s.%s", name, key) : g_strdup(key);
            walk(l, path, child);
        }
    } else {
        walk_scalar(l, name, node);
    }
}

static void walk_group(layout *l, const char *group, JsonNode *node)
{
    l->group = group;
    walk(l, "", node);
}

static layout *lay_out(JsonObject *run)
{
    layout *l = g_new0(layout, 1);
    JsonObject *vms = run_read_object(run, "vms");
    JsonArray *lps = run_read_array(run, "lps");
    JsonObjectIter iter;
    const char *name;
    JsonNode *node;
    l->leaves = g_ptr_array_new_with_free_func(leaf_free);
    l->by_path = g_hash_table_new(g_str_hash, g_str_equal);
    g_autoptr(JsonNode) root = json_node_init_object(json_node_alloc(), run);
    walk_group(l, "run", root);
    if (vms)
        json_object_iter_init_ordered(&iter, vms);
    while (vms && json_object_iter_next_ordered(&iter, &name, &node)) {
        g_autofree char *group = g_strdup_printf("vm %s", name);
        walk_group(l, group, node);
    }
    for (guint i = 0; i < run_read_length(lps); i++) {
        g_autofree char *group = g_strdup_printf("lp %u", i);
        walk_group(l, group, json_array_get_element(lps, i));
    }
    return l;
}

static void layout_free(layout *l)
{
    g_hash_table_unref(l->by_path);
    g_ptr_array_unref(l->leaves);
    g_free(l);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(layout, layout_free)

/* ---- comparing leaves ---------------------------------------------------------------------------------------------------- */

typedef struct {
    const leaf *a, *b; /* one may be NULL */
    double size;       /* of the change, 0 to 2 */
    guint order;
} change;

static double size_of(const leaf *a, const leaf *b)
{
    double floor = is_time(a->name) ? RUN_DIFF_FLOOR_PS : a->whole && b->whole ? RUN_DIFF_FLOOR_COUNT : RUN_DIFF_FLOOR_RATIO;
    return fabs(b->value - a->value) / MAX(MAX(fabs(a->value), fabs(b->value)), floor);
}

static void add_change(GArray *changes, const leaf *a, const leaf *b)
{
    change c = {a, b, 0, changes->len};
    if (a && b && (a->number && b->number ? a->value == b->value : strcmp(a->text, b->text) == 0))
        return;
    c.size = a && b && a->number && b->number ? size_of(a, b) : 2;
    g_array_append_val(changes, c);
}

static GArray *find_changes(const layout *a, const layout *b)
{
    GArray *changes = g_array_new(FALSE, FALSE, sizeof(change));
    for (guint i = 0; i < a->leaves->len; i++) {
        const leaf *one = g_ptr_array_index(a->leaves, i);
        add_change(changes, one, g_hash_table_lookup(b->by_path, one->path));
    }
    for (guint i = 0; i < b->leaves->len; i++) {
        const leaf *one = g_ptr_array_index(b->leaves, i);
        if (!g_hash_table_lookup(a->by_path, one->path))
            add_change(changes, NULL, one);
    }
    return changes;
}

static const leaf *either(const change *c)
{
    return c->a ? c->a : c->b;
}

static bool is_figure(const change *c)
{
    return c->a && c->b && c->a->number && c->b->number && !c->a->config;
}

static void put_text(JsonObject *o, const char *key, const leaf *l)
{
    if (!l)
        return;
    g_autofree char *cut = strlen(l->text) > MOST_TEXT ? g_strndup(l->text, MOST_TEXT) : NULL;
    g_autofree char *valid = cut ? g_utf8_make_valid(cut, -1) : NULL, *told = valid ? g_strconcat(valid, "...", NULL) : NULL;
    json_object_set_string_member(o, key, told ? told : l->text);
}

/* What differs and is no figure: of the configuration, or not. Things that only one of the groups has are not told one by one. `limit`: 0 is all; *more:
 * those beyond. */
static JsonArray *text_changes(const GArray *changes, bool config, const char *const *missing, unsigned limit, unsigned *more)
{
    JsonArray *list = json_array_new();
    *more = 0;
    for (guint i = 0; i < changes->len; i++) {
        const change *c = &g_array_index(changes, change, i);
        const leaf *l = either(c);
        if (is_figure(c) || l->config != config || g_strv_contains(missing, l->group))
            continue;
        if (limit && json_array_get_length(list) == limit) {
            ++*more;
            continue;
        }
        bool of_run = strcmp(l->group, "run") == 0;
        g_autofree char *what = of_run ? g_strdup(l->name) : g_strdup_printf("%s: %s", l->group, l->name);
        JsonObject *one = json_object_new();
        json_object_set_string_member(one, "what", what);
        put_text(one, "a", c->a);
        put_text(one, "b", c->b);
        json_array_add_object_element(list, one);
    }
    return list;
}

static int compare_changes(gconstpointer x, gconstpointer y)
{
    const change *a = x, *b = y;
    if (a->size != b->size)
        return a->size < b->size ? 1 : -1;
    return a->order < b->order ? -1 : a->order > b->order;
}

static JsonObject *figure_object(const change *c)
{
    JsonObject *o = json_object_new();
    json_object_set_string_member(o, "name", c->a->name);
    const leaf *const sides[] = {c->a, c->b};
    for (unsigned i = 0; i < 2; i++)
        if (sides[i]->whole)
            json_object_set_int_member(o, i ? "b" : "a", (gint64)sides[i]->value);
        else
            json_object_set_double_member(o, i ? "b" : "a", sides[i]->value);
    if (c->a->value != 0)
        json_object_set_double_member(o, "change", (c->b->value - c->a->value) / fabs(c->a->value));
    return o;
}

static JsonObject *group_object(const GArray *sorted, const char *group, unsigned limit)
{
    JsonObject *o = json_object_new();
    JsonArray *list = json_array_new();
    guint changed = 0;
    for (guint i = 0; i < sorted->len; i++) {
        const change *c = &g_array_index(sorted, change, i);
        if (!is_figure(c) || strcmp(c->a->group, group) != 0)
            continue;
        if (!limit || changed < limit)
            json_array_add_object_element(list, figure_object(c));
        changed++;
    }
    json_object_set_string_member(o, "of", group);
    json_object_set_int_member(o, "changed", changed);
    json_object_set_array_member(o, "largest", list);
    return o;
}

static JsonArray *figure_groups(GArray *changes, const layout *a, unsigned limit)
{
    JsonArray *groups = json_array_new();
    const char *last = "";
    g_array_sort(changes, compare_changes);
    for (guint i = 0; i < a->leaves->len; i++) {
        const char *group = ((const leaf *)g_ptr_array_index(a->leaves, i))->group;
        if (strcmp(group, last) == 0)
            continue;
        last = group;
        JsonObject *o = group_object(changes, group, limit);
        if (run_read_number(o, "changed") > 0)
            json_array_add_object_element(groups, o);
        else
            json_object_unref(o);
    }
    return groups;
}

/* ---- groups that only one has -------------------------------------------------------------------------------------------- */

static bool has_group(const layout *l, const char *group)
{
    for (guint i = 0; i < l->leaves->len; i++)
        if (strcmp(((const leaf *)g_ptr_array_index(l->leaves, i))->group, group) == 0)
            return true;
    return false;
}

static void missing_groups(const layout *from, const layout *in, const char *side, GPtrArray *names, JsonArray *config)
{
    const char *last = "";
    for (guint i = 0; i < from->leaves->len; i++) {
        const char *group = ((const leaf *)g_ptr_array_index(from->leaves, i))->group;
        if (strcmp(group, last) == 0)
            continue;
        last = group;
        if (has_group(in, group))
            continue;
        JsonObject *one = json_object_new();
        json_object_set_string_member(one, "what", group);
        json_object_set_string_member(one, side, "there");
        json_array_add_object_element(config, one);
        g_ptr_array_add(names, (gpointer)group);
    }
}

/* ---- decisions --------------------------------------------------------------------------------------------------------------- */

static bool nodes_equal(JsonNode *a, JsonNode *b)
{
    return a && b ? json_node_equal(a, b) : a == b;
}

/* Names of members that differ, those of `evidence` and `outcome` one by one. */
static void differing_members(JsonObject *a, JsonObject *b, const char *prefix, JsonArray *list)
{
    JsonObject *const sides[] = {a, b};
    for (unsigned i = 0; i < 2; i++) {
        JsonObjectIter iter;
        const char *key;
        JsonNode *node;
        if (!sides[i])
            continue;
        json_object_iter_init_ordered(&iter, sides[i]);
        while (json_object_iter_next_ordered(&iter, &key, &node)) {
            JsonNode *other = sides[!i] ? json_object_get_member(sides[!i], key) : NULL;
            g_autofree char *path = g_strconcat(prefix, key, NULL);
            if ((i && other) || nodes_equal(node, other))
                continue;
            if (JSON_NODE_HOLDS_OBJECT(node) && other && JSON_NODE_HOLDS_OBJECT(other)) {
                g_autofree char *below = g_strconcat(path, ".", NULL);
                differing_members(json_node_get_object(node), json_node_get_object(other), below, list);
            } else {
                json_array_add_string_element(list, path);
            }
        }
    }
}

static void put_decision(JsonObject *o, const char *key, JsonObject *decision)
{
    if (decision)
        json_object_set_object_member(o, key, json_object_ref(decision));
}

/* NULL: no run made a decision. */
static JsonObject *diff_decisions(JsonObject *a, JsonObject *b)
{
    JsonObject *da = run_read_object(a, "decisions"), *db = run_read_object(b, "decisions");
    JsonArray *fa = run_read_array(da, "first"), *fb = run_read_array(db, "first");
    double na = run_read_number(da, "count"), nb = run_read_number(db, "count");
    guint kept = MIN(run_read_length(fa), run_read_length(fb)), same = 0;
    if (!da || !db || (na == 0 && nb == 0))
        return NULL;
    while (same < kept && nodes_equal(json_array_get_element(fa, same), json_array_get_element(fb, same)))
        same++;
    JsonObject *o = json_object_new(), *x = run_read_element(fa, same), *y = run_read_element(fb, same);
    json_object_set_int_member(o, "a", (gint64)na);
    json_object_set_int_member(o, "b", (gint64)nb);
    json_object_set_int_member(o, "same", same);
    /* Beyond what one of them kept, nothing is known of the other's. */
    bool a_ends = same >= na, b_ends = same >= nb;
    if ((x && y) || (x && b_ends) || (y && a_ends)) {
        JsonArray *members = json_array_new();
        put_decision(o, "first_a", x);
        put_decision(o, "first_b", y);
        if (x && y)
            differing_members(x, y, "", members);
        json_object_set_array_member(o, "differs", members);
    }
    return o;
}

/* ---- a run ---------------------------------------------------------------------------------------------------------------------- */

static void put_list(JsonObject *o, const char *key, JsonArray *list)
{
    if (json_array_get_length(list))
        json_object_set_array_member(o, key, list);
    else
        json_array_unref(list);
}

static bool decisions_differ(JsonObject *d)
{
    return d && (run_read_array(d, "differs") || run_read_number(d, "a") != run_read_number(d, "b"));
}

JsonObject *run_diff(JsonObject *a, JsonObject *b, unsigned limit)
{
    g_autoptr(layout) la = lay_out(a);
    g_autoptr(layout) lb = lay_out(b);
    g_autoptr(GArray) changes = find_changes(la, lb);
    g_autoptr(GPtrArray) missing = g_ptr_array_new();
    JsonObject *o = json_object_new(), *decisions = diff_decisions(a, b);
    JsonArray *groups = json_array_new();
    const char *da = run_read_string(a, "digest"), *db = run_read_string(b, "digest");
    bool digests = !da || !db || strcmp(da, db) == 0;
    missing_groups(la, lb, "a", missing, groups);
    missing_groups(lb, la, "b", missing, groups);
    g_ptr_array_add(missing, NULL);
    unsigned more;
    JsonArray *config = text_changes(changes, true, (const char *const *)missing->pdata, 0, &more);
    JsonArray *others = text_changes(changes, false, (const char *const *)missing->pdata, limit, &more);
    for (guint i = 0; i < json_array_get_length(groups); i++)
        json_array_add_object_element(config, json_object_ref(json_array_get_object_element(groups, i)));
    json_array_unref(groups);
    json_object_set_boolean_member(o, "same", digests && !changes->len && !decisions_differ(decisions));
    json_object_set_boolean_member(o, "same_digest", digests);
    put_list(o, "configuration", config);
    if (decisions)
        json_object_set_object_member(o, "decisions", decisions);
    put_list(o, "figures", figure_groups(changes, la, limit));
    put_list(o, "others", others);
    if (more)
        json_object_set_int_member(o, "others_more", more);
    return o;
}

bool run_diff_same(JsonObject *difference)
{
    return json_object_get_boolean_member_with_default(difference, "same", FALSE);
}

/* ---- files ------------------------------------------------------------------------------------------------------------------------ */

static JsonObject *find_run(const run_read_input *x, const char *policy)
{
    for (guint i = 0; i < x->names->len; i++)
        if (strcmp(g_ptr_array_index(x->names, i), policy) == 0)
            return g_ptr_array_index(x->runs, i);
    return NULL;
}

static bool check_policy(const run_read_input *x, const char *policy, GError **error)
{
    if (!policy || find_run(x, policy))
        return true;
    g_autoptr(GPtrArray) names = g_ptr_array_new();
    for (guint i = 0; i < x->names->len; i++)
        g_ptr_array_add(names, g_ptr_array_index(x->names, i));
    g_ptr_array_add(names, NULL);
    g_autofree char *hint = sim_suggest(policy, (const char *const *)names->pdata);
    g_set_error(error, SIM_ERROR, SIM_ERROR_INPUT, "%s: there is no run of a policy '%s'%s", x->path, policy, hint);
    return false;
}

/* The policy of a file's only run; NULL: it has several. */
static const char *only_run(const run_read_input *x)
{
    return x->runs->len == 1 ? g_ptr_array_index(x->names, 0) : NULL;
}

static void add_pair(JsonArray *runs, const run_read_input *a, const char *pa, const run_read_input *b, const char *pb, unsigned limit)
{
    JsonObject *d = run_diff(find_run(a, pa), find_run(b, pb), limit);
    json_object_set_string_member(d, "policy_a", pa);
    json_object_set_string_member(d, "policy_b", pb);
    json_array_add_object_element(runs, d);
}

static void add_lone(JsonObject *o, const char *key, const run_read_input *x, const run_read_input *other)
{
    JsonArray *list = json_array_new();
    for (guint i = 0; i < x->names->len; i++)
        if (!find_run(other, g_ptr_array_index(x->names, i)))
            json_array_add_string_element(list, g_ptr_array_index(x->names, i));
    put_list(o, key, list);
}

JsonObject *run_diff_files(const run_read_input *a, const char *pa, const run_read_input *b, const char *pb, unsigned limit, GError **error)
{
    if (!check_policy(a, pa, error) || !check_policy(b, pb, error))
        return NULL;
    pa = pa ? pa : only_run(a);
    pb = pb ? pb : only_run(b);
    /* One run against a comparison: against the run of its policy. */
    if ((pa && !pb && !check_policy(b, pa, error)) || (pb && !pa && !check_policy(a, pb, error))) {
        g_prefix_error(error, "%s has several runs; name one as FILE:POLICY. ", pa ? b->path : a->path);
        return NULL;
    }
    JsonObject *o = json_object_new();
    JsonArray *runs = json_array_new();
    bool same = true;
    json_object_set_string_member(o, "schema", "quanta-diff/1");
    json_object_set_string_member(o, "a", a->path);
    json_object_set_string_member(o, "b", b->path);
    if (pa || pb)
        add_pair(runs, a, pa ? pa : pb, b, pb ? pb : pa, limit);
    for (guint i = 0; !pa && !pb && i < a->names->len; i++)
        if (find_run(b, g_ptr_array_index(a->names, i)))
            add_pair(runs, a, g_ptr_array_index(a->names, i), b, g_ptr_array_index(a->names, i), limit);
    if (!pa && !pb) {
        add_lone(o, "only_a", a, b);
        add_lone(o, "only_b", b, a);
    }
    for (guint i = 0; i < json_array_get_length(runs); i++)
        same = same && run_diff_same(json_array_get_object_element(runs, i));
    json_object_set_boolean_member(o, "same", same && !json_object_has_member(o, "only_a") && !json_object_has_member(o, "only_b"));
    json_object_set_array_member(o, "runs", runs);
    return o;
}
