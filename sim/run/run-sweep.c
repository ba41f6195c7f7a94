/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "run-sweep.h"

#include "run-policies.h"
#include "run-seeds.h"
#include "sim-config.h"
#include "sim-error.h"

#include <string.h>

#define REFERENCE "round-robin"

/* A list of values that are tried. */
typedef struct {
    char *name;  /* of the axis */
    char *key;   /* group.key that is set, or NULL: the scenario itself */
    char **values;
} axis;

static void free_axis(gpointer data)
{
    axis *a = data;
    g_free(a->name);
    g_free(a->key);
    g_strfreev(a->values);
    g_free(a);
}

static void free_point(gpointer data)
{
    run_sweep_point *p = data;
    g_strfreev(p->sets);
    g_strfreev(p->axes);
    g_free(p);
}

void run_sweep_free(run_sweep *s)
{
    if (!s)
        return;
    g_strfreev(s->scenarios);
    g_strfreev(s->policies);
    g_free(s->seeds);
    if (s->points)
        g_ptr_array_unref(s->points);
    g_free(s);
}

/* ---- lists ---------------------------------------------------------------------------------------------------------- */

static char **split(const char *text, const char *what, GError **error)
{
    g_auto(GStrv) parts = g_strsplit(text, strchr(text, '|') ? "|" : ",", -1);
    for (char **p = parts; *p; p++) {
        g_strstrip(*p);
        bool twice = g_strv_contains((const char *const *)p + 1, *p);
        if (**p && !twice)
            continue;
        g_set_error(error, SIM_ERROR, SIM_ERROR_INPUT, twice ? "%s: '%s' is there twice" : "%s: there is an empty value in '%s'", what, twice ? *p : text);
        return NULL;
    }
    return g_steal_pointer(&parts);
}

static bool add_axis(GPtrArray *axes, const char *name, const char *key, const char *text, GError **error)
{
    char **values = split(text, name, error);
    if (!values)
        return false;
    axis *a = g_new0(axis, 1);
    *a = (axis){g_strdup(name), g_strdup(key), values};
    g_ptr_array_add(axes, a);
    return true;
}

static bool add_vary(GPtrArray *axes, const char *assignment, GError **error)
{
    const char *eq = strchr(assignment, '=');
    g_autofree char *key = eq ? g_strndup(assignment, (gsize)(eq - assignment)) : NULL;
    if (key && *g_strstrip(key) && strchr(key, '.'))
        return add_axis(axes, key, key, eq + 1, error);
    g_set_error(error, SIM_ERROR, SIM_ERROR_USAGE, "--vary: '%s' is not GROUP.KEY=A,B,...", assignment);
    return false;
}

/* ---- the grid file -------------------------------------------------------------------------------------------------- */

typedef struct {
    char *policies, *machines, *seeds;
    GPtrArray *axes;
} wishes;

static bool read_vary(sim_config *c, GPtrArray *axes, GError **error)
{
    g_auto(GStrv) keys = sim_config_keys(c, "vary");
    for (char **k = keys; *k; k++) {
        g_autofree char *text = sim_config_string(c, "vary", *k, NULL, error);
        if (!strchr(*k, '.'))
            return sim_config_fail(c, error, "vary", *k, "is no GROUP.KEY of the scenarios, for example policy.quantum");
        if (*error || !add_axis(axes, *k, *k, text, error))
            return false;
    }
    return true;
}

static bool read_grid(sim_config *c, run_sweep *s, wishes *w, GError **error)
{
    GError *local = NULL;
    g_autofree char *list = sim_config_string(c, "sweep", "scenarios", NULL, &local);
    w->policies = sim_config_string(c, "sweep", "policies", NULL, &local);
    w->machines = sim_config_string(c, "sweep", "machines", NULL, &local);
    w->seeds = sim_config_string(c, "sweep", "seeds", NULL, &local);
    if (!local && !list)
        sim_config_fail(c, &local, "sweep", "scenarios", "is missing: the scenario files, for example scenarios = web.conf, batch.conf");
    if (!local && read_vary(c, w->axes, &local))
        sim_config_finish(c, &local);
    s->scenarios = local ? NULL : split(list, "scenarios", &local);
    for (char **p = s->scenarios; p && *p; p++) {
        char *resolved = sim_config_resolve(c, *p);
        g_free(*p);
        *p = resolved;
    }
    if (local)
        g_propagate_error(error, local);
    return s->scenarios != NULL;
}

/* One file with [sweep], or scenarios. */
static bool read_files(run_sweep *s, const run_sweep_request *q, wishes *w, GError **error)
{
    g_autoptr(sim_config) c = sim_config_load(q->files[0], error);
    if (!c)
        return false;
    if (sim_config_has_group(c, "sweep")) {
        if (!q->files[1])
            return read_grid(c, s, w, error);
        g_set_error(error, SIM_ERROR, SIM_ERROR_USAGE, "'%s' is a sweep; it names its scenarios itself", q->files[0]);
        return false;
    }
    s->scenarios = g_strdupv((char **)(uintptr_t)q->files);
    return true;
}

static void wish(char **wished, const char *given)
{
    if (!given)
        return;
    g_free(*wished);
    *wished = g_strdup(given);
}

/* ---- points --------------------------------------------------------------------------------------------------------- */

static char *scenario_name(const char *path)
{
    char *name = g_path_get_basename(path);
    if (g_str_has_suffix(name, ".conf"))
        name[strlen(name) - strlen(".conf")] = '\0';
    return name;
}

/* The point of the mixed number `n`, the last axis first. */
static run_sweep_point *point_of(const run_sweep *s, GPtrArray *axes, const char *scenario, unsigned n)
{
    run_sweep_point *p = g_new0(run_sweep_point, 1);
    GPtrArray *sets = g_ptr_array_new(), *names = g_ptr_array_new();
    p->scenario = scenario;
    if (s->scenarios[1]) {
        g_ptr_array_add(names, g_strdup("scenario"));
        g_ptr_array_add(names, scenario_name(scenario));
    }
    unsigned below = 1;
    for (guint i = 0; i < axes->len; i++)
        below *= g_strv_length(((axis *)g_ptr_array_index(axes, i))->values);
    for (guint i = 0; i < axes->len; i++) {
        const axis *a = g_ptr_array_index(axes, i);
        below /= g_strv_length(a->values);
        const char *value = a->values[n / below % g_strv_length(a->values)];
        g_ptr_array_add(sets, g_strdup_printf("%s=%s", a->key, value));
        g_ptr_array_add(names, g_strdup(a->name));
        g_ptr_array_add(names, g_strdup(value));
    }
    g_ptr_array_add(sets, NULL);
    g_ptr_array_add(names, NULL);
    p->sets = (char **)g_ptr_array_free(sets, FALSE);
    p->axes = (char **)g_ptr_array_free(names, FALSE);
    return p;
}

static bool make_points(run_sweep *s, GPtrArray *axes, GError **error)
{
    uint64_t n = 1, all;
    for (guint i = 0; i < axes->len && n <= RUN_SWEEP_CELLS; i++)
        n *= g_strv_length(((axis *)g_ptr_array_index(axes, i))->values);
    all = n * g_strv_length(s->scenarios) * s->n_seeds;
    if (n > RUN_SWEEP_CELLS || all > RUN_SWEEP_CELLS) {
        g_set_error(error, SIM_ERROR, SIM_ERROR_INPUT, "the sweep has more than %d cells", RUN_SWEEP_CELLS);
        return false;
    }
    for (char **file = s->scenarios; *file; file++)
        for (unsigned i = 0; i < n; i++)
            g_ptr_array_add(s->points, point_of(s, axes, *file, i));
    return true;
}

/* Every point has to load before the first one runs. */
static bool check_points(const run_sweep *s, GError **error)
{
    for (guint i = 0; i < s->points->len; i++) {
        const run_sweep_point *p = g_ptr_array_index(s->points, i);
        g_autoptr(run_scenario) scenario = run_sweep_scenario(s, p, error);
        g_auto(GStrv) keys = scenario ? run_sweep_keys(s, scenario, s->seeds[0], NULL, error) : NULL;
        if (!keys)
            return false;
    }
    return true;
}

static bool build(run_sweep *s, const run_sweep_request *q, wishes *w, GError **error)
{
    if (!read_files(s, q, w, error))
        return false;
    wish(&w->policies, q->policies);
    wish(&w->machines, q->machines);
    wish(&w->seeds, q->seeds);
    if (w->machines && !add_axis(w->axes, "machine", "scenario.machine", w->machines, error))
        return false;
    for (const char *const *v = q->vary; v && *v; v++)
        if (!add_vary(w->axes, *v, error))
            return false;
    s->seeds = run_seeds_parse(w->seeds ? w->seeds : "1", &s->n_seeds, error);
    if (!s->seeds) {
        g_prefix_error(error, "seeds: ");
        return false;
    }
    s->policies = w->policies ? split(w->policies, "policies", error) : g_new0(char *, 1);
    return s->policies && make_points(s, w->axes, error) && check_points(s, error);
}

run_sweep *run_sweep_new(const run_sweep_request *q, GError **error)
{
    g_autoptr(run_sweep) s = g_new0(run_sweep, 1);
    wishes w = {.axes = g_ptr_array_new_with_free_func(free_axis)};
    s->points = g_ptr_array_new_with_free_func(free_point);
    bool good = build(s, q, &w, error);
    g_ptr_array_unref(w.axes);
    g_free(w.policies);
    g_free(w.machines);
    g_free(w.seeds);
    return good ? g_steal_pointer(&s) : NULL;
}

run_scenario *run_sweep_scenario(const run_sweep *s, const run_sweep_point *p, GError **error)
{
    const run_overrides overrides = {.sets = (const char *const *)p->sets, .seed = &s->seeds[0]};
    g_autoptr(run_scenario) scenario = run_scenario_load(p->scenario, &overrides, error);
    for (char **name = s->policies; scenario && *name; name++) {
        g_autofree char *known = g_strdup(*name);
        if (!run_policies_plugin(scenario, &known, error) || !run_scenario_policy(scenario, known, error))
            return NULL;
    }
    return g_steal_pointer(&scenario);
}

char **run_sweep_keys(const run_sweep *s, run_scenario *scenario, uint64_t seed, char ***names, GError **error)
{
    g_autoptr(GPtrArray) keys = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GPtrArray) all = g_ptr_array_new_with_free_func(g_free);
    g_ptr_array_add(all, g_strdup(REFERENCE));
    for (char **name = s->policies; *name; name++) {
        g_autofree char *known = g_strdup(*name);
        if (!run_policies_plugin(scenario, &known, error))
            return NULL;
        if (strcmp(known, REFERENCE) != 0)
            g_ptr_array_add(all, g_steal_pointer(&known));
    }
    if (!*s->policies && strcmp(scenario->policy_name, REFERENCE) != 0)
        g_ptr_array_add(all, g_strdup(scenario->policy_name));
    scenario->seed = seed;
    for (guint i = 0; i < all->len; i++) {
        char *key = run_store_key(scenario, g_ptr_array_index(all, i), true, error);
        if (!key)
            return NULL;
        g_ptr_array_add(keys, key);
    }
    g_ptr_array_add(keys, NULL);
    g_ptr_array_add(all, NULL);
    if (names)
        *names = g_strdupv((char **)all->pdata);
    return g_strdupv((char **)keys->pdata);
}
