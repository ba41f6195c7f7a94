/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reads suites. Everything in one is checked before anything runs: scenarios, policies, names of metrics, baselines. */
#include "run-check.h"

#include "run-blank.h"
#include "run-figures.h"
#include "run-policies.h"
#include "run-seeds.h"
#include "sim-config.h"
#include "sim-error.h"
#include "vmm-plugin.h"

#include <string.h>

#define PREFIX "case "
#define REFERENCE "round-robin"
enum { DIGEST = 64 };

static void free_item(gpointer data)
{
    run_check_item *i = data;
    run_expectation_free(i->expectation);
    g_free(i->key);
    g_free(i->digest);
    g_free(i->policy);
    g_free(i);
}

static void free_case(gpointer data)
{
    run_check_case *c = data;
    g_free(c->name);
    g_free(c->scenario_path);
    run_scenario_free(c->scenario);
    g_strfreev(c->sets);
    g_strfreev(c->policies);
    g_strfreev(c->runs);
    g_ptr_array_unref(c->plugins);
    g_free(c->seeds);
    g_ptr_array_unref(c->items);
    g_free(c);
}

void run_check_suite_free(run_check_suite *s)
{
    if (!s)
        return;
    g_free(s->path);
    g_free(s->name);
    g_free(s->baseline_path);
    g_clear_pointer(&s->baseline, json_node_unref);
    g_ptr_array_unref(s->cases);
    g_strfreev(s->all_cases);
    g_free(s);
}

/* ---- lists of words ---------------------------------------------------------------------------------------------------- */

/* The parts without blanks around them, empty ones left out. */
static char **split(const char *text, const char *separator)
{
    g_auto(GStrv) parts = g_strsplit(text ? text : "", separator, -1);
    g_autoptr(GStrvBuilder) words = g_strv_builder_new();
    for (char **p = parts; *p; p++)
        if (*g_strstrip(*p))
            g_strv_builder_add(words, *p);
    return g_strv_builder_end(words);
}

/* A key of the case, or of the suite for all cases. */
static char *read_default(sim_config *c, const char *group, const char *key, GError **error)
{
    g_autofree char *all = sim_config_string(c, "suite", key, NULL, error);
    return sim_config_string(c, group, key, all, error);
}

static bool begins_with_dot(const char *key, const char *word)
{
    gsize n = strlen(word);
    return strncmp(key, word, n) == 0 && key[n] == '.' && key[n + 1];
}

/* ---- scenario and policies --------------------------------------------------------------------------------------------- */

/* `set = A; B` and `set.ANYTHING = A`. */
static bool read_sets(sim_config *c, const char *group, run_check_case *k, GError **error)
{
    g_autoptr(GStrvBuilder) sets = g_strv_builder_new();
    g_auto(GStrv) keys = sim_config_keys(c, group);
    g_autofree char *list = sim_config_string(c, group, "set", NULL, error);
    g_auto(GStrv) parts = split(list, ";");
    for (char **p = parts; *p; p++)
        g_strv_builder_add(sets, *p);
    for (char **key = keys; *key; key++)
        if (begins_with_dot(*key, "set")) {
            g_autofree char *one = sim_config_string(c, group, *key, "", error);
            g_strv_builder_add(sets, one);
        }
    k->sets = g_strv_builder_end(sets);
    return !*error;
}

static bool read_seeds(sim_config *c, const char *group, run_check_case *k, GError **error)
{
    g_autoptr(GError) wrong = NULL;
    g_autofree char *text = sim_config_string(c, group, "seeds", NULL, error);
    if (*error)
        return false;
    if (text && !(k->seeds = run_seeds_parse(text, &k->n_seeds, &wrong)))
        return sim_config_fail(c, error, group, "seeds", "%s", wrong->message);
    return true;
}

static bool read_scenario(sim_config *c, const char *group, run_check_case *k, GError **error)
{
    g_autoptr(GError) wrong = NULL;
    g_autofree char *path = read_default(c, group, "scenario", error);
    if (*error || !read_sets(c, group, k, error) || !read_seeds(c, group, k, error))
        return false;
    if (!path)
        return sim_config_fail(c, error, group, "scenario", "is missing; give the path of a scenario file");
    k->scenario_path = sim_config_resolve_for(c, sim_config_has(c, group, "scenario") ? group : "suite", "scenario", path);
    const run_overrides overrides = {.sets = (const char *const *)k->sets, .seed = k->seeds};
    k->scenario = run_scenario_load(k->scenario_path, &overrides, &wrong);
    if (!k->scenario)
        return sim_config_fail(c, error, group, "scenario", "%s", wrong->message);
    if (!k->seeds) {
        k->n_seeds = 1;
        k->seeds = g_memdup2(&k->scenario->seed, sizeof k->scenario->seed);
    }
    return true;
}

/* Names of policies, in the place of paths those of the policies in them. NULL: error set. */
static char **read_policies(sim_config *c, const char *group, const char *key, const char *fallback, run_check_case *k, GError **error)
{
    g_autoptr(GError) wrong = NULL;
    g_autofree char *text = read_default(c, group, key, error);
    g_auto(GStrv) names = split(text ? text : fallback, ",");
    const char *from = sim_config_has(c, group, key) ? group : "suite";
    if (*error)
        return NULL;
    for (char **n = names; *n; n++) {
        if (vmm_plugin_is_path(*n)) {
            char *path = sim_config_resolve_for(c, from, key, *n);
            g_free(*n);
            *n = path;
            g_ptr_array_add(k->plugins, g_strdup(path));
        }
        if (!run_policies_plugin(k->scenario, n, &wrong) || !run_scenario_policy(k->scenario, *n, &wrong)) {
            sim_config_fail(c, error, from, key, "%s", wrong->message);
            return NULL;
        }
        if (strcmp(*n, RUN_CHECK_RECORDED) == 0) {
            sim_config_fail(c, error, from, key, "a policy cannot be called '%s' here: that is the baseline", RUN_CHECK_RECORDED);
            return NULL;
        }
    }
    for (char **n = names; *n; n++)
        if (g_strv_contains((const char *const *)n + 1, *n)) {
            sim_config_fail(c, error, from, key, "policy '%s' is named twice", *n);
            return NULL;
        }
    return g_steal_pointer(&names);
}

static bool read_runs(sim_config *c, const char *group, run_check_case *k, GError **error)
{
    g_autoptr(GPtrArray) all = g_ptr_array_new();
    k->policies = read_policies(c, group, "policies", k->scenario->policy_name, k, error);
    g_auto(GStrv) against = k->policies ? read_policies(c, group, "against", "", k, error) : NULL;
    if (!against)
        return false;
    if (!*k->policies)
        return sim_config_fail(c, error, group, "policies", "is empty; name the policies that are checked, separated by commas");
    g_ptr_array_add(all, g_strdup(REFERENCE));
    char **const lists[] = {k->policies, against};
    for (unsigned i = 0; i < G_N_ELEMENTS(lists); i++)
        for (char **n = lists[i]; *n; n++)
            if (!g_ptr_array_find_with_equal_func(all, *n, g_str_equal, NULL))
                g_ptr_array_add(all, g_strdup(*n));
    g_ptr_array_add(all, NULL);
    k->runs = (char **)g_ptr_array_free(g_steal_pointer(&all), FALSE);
    return true;
}

/* ---- names of metrics --------------------------------------------------------------------------------------------------- */

static bool find_figure(void *user, const char *name, bool *is_time, GError **error)
{
    const run_figure_kind *kind = NULL;
    double value;
    bool known;
    if (!run_figure(user, name, &value, &kind, &known, error))
        return false;
    *is_time = kind->unit == RUN_UNIT_PS;
    return true;
}

/* ---- expectations ---------------------------------------------------------------------------------------------------------- */

typedef struct {
    run_check_case *of;
    run_names names;
    bool recorded;      /* something needs the baseline */
} expectations;

static run_check_item *add_item(run_check_case *k, const char *key)
{
    run_check_item *item = g_new0(run_check_item, 1);
    item->key = g_strdup(key);
    g_ptr_array_add(k->items, item);
    return item;
}

static bool add_expectation(sim_config *c, const char *group, const char *key, const char *text, expectations *x, GError **error)
{
    g_autoptr(GError) wrong = NULL;
    run_check_item *item = add_item(x->of, key);
    item->expectation = run_expectation_parse(text, &x->names, &wrong);
    if (!item->expectation)
        return sim_config_fail(c, error, group, key, "%s", wrong->message);
    item->once = !run_expectation_is_of_checked(item->expectation);
    x->recorded |= run_expectation_uses(item->expectation, RUN_CHECK_RECORDED);
    return true;
}

/* `expect = A; B` and `expect.LABEL = A`. */
static bool read_expectations(sim_config *c, const char *group, expectations *x, GError **error)
{
    g_auto(GStrv) keys = sim_config_keys(c, group);
    for (char **key = keys; *key; key++) {
        bool labelled = begins_with_dot(*key, "expect");
        if (!labelled && strcmp(*key, "expect") != 0)
            continue;
        g_autofree char *text = sim_config_string(c, group, *key, "", error);
        g_auto(GStrv) parts = split(text, ";");
        if (*error)
            return false;
        if (!*parts)
            return sim_config_fail(c, error, group, *key, "is empty; for example: stp >= 1.00 * " REFERENCE);
        for (char **p = parts; *p; p++)
            if (!add_expectation(c, group, *key, *p, x, error))
                return false;
    }
    return true;
}

static bool is_digest(const char *text)
{
    gsize n = strspn(text, "0123456789abcdef");
    return n == DIGEST && !text[n];
}

static bool add_digest(sim_config *c, const char *group, const char *key, const char *policy, expectations *x, GError **error)
{
    g_autofree char *text = sim_config_string(c, group, key, "", error);
    bool recorded = strcmp(text, RUN_CHECK_RECORDED) == 0;
    if (*error)
        return false;
    if (!recorded && !is_digest(text))
        return sim_config_fail(c, error, group, key, "'%s' is no digest; valid: %s, or the %d hexadecimal digits of one", text, RUN_CHECK_RECORDED, DIGEST);
    if (!recorded && !policy && x->of->policies[1])
        return sim_config_fail(c, error, group, key, "several policies have several digests; write digest.POLICY = ..., or digest = " RUN_CHECK_RECORDED);
    run_check_item *item = add_item(x->of, key);
    item->digest = g_steal_pointer(&text);
    item->policy = g_strdup(policy);
    x->recorded |= recorded;
    return true;
}

/* `digest = recorded`, `digest = HEX`, `digest.POLICY = ...` */
static bool read_digests(sim_config *c, const char *group, expectations *x, GError **error)
{
    g_auto(GStrv) keys = sim_config_keys(c, group);
    for (char **key = keys; *key; key++) {
        const char *policy = begins_with_dot(*key, "digest") ? *key + strlen("digest.") : NULL;
        if (policy && !g_strv_contains((const char *const *)x->of->runs, policy)) {
            g_autofree char *hint = sim_suggest(policy, (const char *const *)x->of->runs);
            return sim_config_fail(c, error, group, *key, "the policy '%s' is not run in this case%s", policy, hint);
        }
        if ((policy || strcmp(*key, "digest") == 0) && !add_digest(c, group, *key, policy, x, error))
            return false;
    }
    return true;
}

/* Policies of the scenario that the case does not run. */
static char **others_of(const run_check_case *k)
{
    g_autoptr(GStrvBuilder) others = g_strv_builder_new();
    for (guint i = 0; i < k->scenario->policies->len; i++) {
        const char *label = ((const run_policy *)g_ptr_array_index(k->scenario->policies, i))->label;
        if (!g_strv_contains((const char *const *)k->runs, label))
            g_strv_builder_add(others, label);
    }
    return g_strv_builder_end(others);
}

static bool read_items(sim_config *c, const char *group, run_check_case *k, bool *recorded, GError **error)
{
    g_autoptr(run_result) blank = run_blank_result(k->scenario);
    g_auto(GStrv) others = others_of(k);
    g_autoptr(GStrvBuilder) all = g_strv_builder_new();
    for (char **r = k->runs; *r; r++)
        g_strv_builder_add(all, *r);
    g_strv_builder_add(all, RUN_CHECK_RECORDED);
    g_auto(GStrv) runs = g_strv_builder_end(all);
    expectations x = {.of = k, .names = {blank, find_figure, (const char *const *)runs, (const char *const *)others}};
    if (!read_expectations(c, group, &x, error) || !read_digests(c, group, &x, error))
        return false;
    if (!k->items->len)
        return sim_config_fail(c, error, group, "expect", "is missing: nothing is expected; for example: expect = stp >= 1.00 * " REFERENCE);
    *recorded = x.recorded;
    return true;
}

/* ---- cases ------------------------------------------------------------------------------------------------------------------- */

static bool check_recorded(sim_config *c, const char *group, const run_check_suite *s, const run_check_case *k, GError **error)
{
    for (char **p = k->runs; *p; p++)
        if (!run_check_recorded(s, k->name, *p))
            return sim_config_fail(c, error, group, "",
                "it needs the baseline, and in '%s' nothing is recorded of '%s' with policy '%s'; 'quanta check --update' records it",
                                   s->baseline_path, k->name, *p);
    return true;
}

static bool name_is_good(const char *name)
{
    gsize n = 0;
    while (g_ascii_isalnum(name[n]) || (name[n] && strchr("-_.", name[n])))
        n++;
    return n && !name[n];
}

static bool read_case(sim_config *c, const char *group, run_check_suite *s, bool update, GError **error)
{
    run_check_case *k = g_new0(run_check_case, 1);
    bool recorded = false;
    k->name = g_strdup(group + strlen(PREFIX));
    k->items = g_ptr_array_new_with_free_func(free_item);
    k->plugins = g_ptr_array_new_with_free_func(g_free);
    g_ptr_array_add(s->cases, k);
    if (!name_is_good(k->name))
        return sim_config_fail(c, error, group, "", "a case's name consists of letters, digits, '-', '_' and '.'");
    if (!read_scenario(c, group, k, error) || !read_runs(c, group, k, error) || !read_items(c, group, k, &recorded, error))
        return false;
    return !recorded || update || check_recorded(c, group, s, k, error);
}

/* ---- suites --------------------------------------------------------------------------------------------------------------------- */

static char *default_baseline(const char *path)
{
    g_autofree char *plain = g_str_has_suffix(path, ".suite") ? g_strndup(path, strlen(path) - strlen(".suite")) : g_strdup(path);
    return g_strconcat(plain, ".baseline.json", NULL);
}

static bool read_suite(sim_config *c, run_check_suite *s, GError **error)
{
    g_autofree char *base = g_path_get_basename(s->path);
    if (g_str_has_suffix(base, ".suite"))
        base[strlen(base) - strlen(".suite")] = '\0';
    s->name = sim_config_string(c, "suite", "name", base, error);
    g_autofree char *baseline = sim_config_string(c, "suite", "baseline", NULL, error);
    if (*error)
        return false;
    s->baseline_path = baseline ? sim_config_resolve_for(c, "suite", "baseline", baseline) : default_baseline(s->path);
    /* The defaults are read with the cases. */
    static const char *const defaults[] = {"scenario", "policies", "against"};
    for (unsigned i = 0; i < G_N_ELEMENTS(defaults); i++)
        g_free(sim_config_string(c, "suite", defaults[i], NULL, error));
    return run_check_baseline_load(s->baseline_path, &s->baseline, error);
}

/* Names of all cases, and whether those that were asked for are among them. */
static bool read_names(sim_config *c, run_check_suite *s, const char *const *only, GError **error)
{
    g_auto(GStrv) groups = sim_config_groups(c);
    g_autoptr(GStrvBuilder) names = g_strv_builder_new();
    for (char **g = groups; *g; g++)
        if (g_str_has_prefix(*g, PREFIX))
            g_strv_builder_add(names, *g + strlen(PREFIX));
    s->all_cases = g_strv_builder_end(names);
    if (!*s->all_cases) {
        g_set_error(error, SIM_ERROR, SIM_ERROR_INPUT, "%s: the suite has no case; add a group [case NAME] with scenario, policies and expect",
            sim_config_path(c));
        return false;
    }
    for (; only && *only; only++)
        if (!g_strv_contains((const char *const *)s->all_cases, *only)) {
            g_autofree char *hint = sim_suggest(*only, (const char *const *)s->all_cases);
            g_set_error(error, SIM_ERROR, SIM_ERROR_USAGE, "%s: there is no case '%s'%s", sim_config_path(c), *only, hint);
            return false;
        }
    return true;
}

static bool read_all(sim_config *c, run_check_suite *s, const char *const *only, bool update, GError **error)
{
    g_auto(GStrv) groups = sim_config_groups(c);
    if (!read_names(c, s, only, error) || !read_suite(c, s, error))
        return false;
    for (char **g = groups; *g; g++) {
        if (!g_str_has_prefix(*g, PREFIX))
            continue;
        if (only && !g_strv_contains(only, *g + strlen(PREFIX)))
            sim_config_accept_group(c, *g);
        else if (!read_case(c, *g, s, update, error))
            return false;
    }
    return sim_config_finish(c, error);
}

run_check_suite *run_check_load(const char *path, const char *const *only, bool update, GError **error)
{
    g_autoptr(sim_config) c = sim_config_load(path, error);
    g_autoptr(run_check_suite) s = g_new0(run_check_suite, 1);
    GError *wrong = NULL;
    s->cases = g_ptr_array_new_with_free_func(free_case);
    s->path = g_strdup(path);
    if (!c)
        return NULL;
    if (read_all(c, s, only, update, &wrong) && !wrong)
        return g_steal_pointer(&s);
    g_propagate_error(error, wrong);
    return NULL;
}

gint run_check_runs(const run_check_suite *s)
{
    gint n = 0;
    for (guint i = 0; i < s->cases->len; i++) {
        const run_check_case *k = g_ptr_array_index(s->cases, i);
        n += (gint)k->n_seeds * run_compare_runs(k->scenario, (const char *const *)k->runs);
    }
    return n;
}

sim_ps run_check_duration(const run_check_suite *s)
{
    sim_ps longest = 0;
    for (guint i = 0; i < s->cases->len; i++)
        longest = MAX(longest, ((const run_check_case *)g_ptr_array_index(s->cases, i))->scenario->duration);
    return longest;
}
