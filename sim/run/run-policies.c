/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "run-policies.h"

#include "sim-error.h"
#include "vmm-plugin.h"
#include "vmm-registry.h"

#include <math.h>
#include <string.h>

#define PREFIX "policy "
enum { MAX_LABEL = 64 };

/* Keys of [policy NAME] that are no parameters. */
static const char *const own_keys[] = { "use", "smu", "smu-period", "smu-rates", NULL };

void run_policy_free(run_policy *p)
{
    if (!p)
        return;
    g_free(p->label);
    g_strfreev(p->params);
    g_free(p->origin);
    g_free((gpointer)p->smu.rates);
    g_free(p);
}

/* ---- the state management unit ------------------------------------------------------------------------------------ */

static bool find_event(sim_config *c, const char *group, const char *name, int *event, GError **error)
{
    *event = sim_emon_by_name(name);
    if (*event >= 0)
        return true;
    const char *names[SIM_EV_COUNT + 1] = { NULL };
    for (int i = 0; i < SIM_EV_COUNT; i++)
        names[i] = sim_emon_events[i].name;
    const char *near = sim_nearest(name, names);
    g_autofree char *hint = near ? g_strdup_printf("; did you mean '%s'?", near) : g_strdup(" ('quanta list events' tells all)");
    return sim_config_fail(c, error, group, "smu-rates", "there is no event '%s'%s", name, hint);
}

/* "EVENT=RATE", per 1,000 instructions. */
static bool read_rate(sim_config *c, const char *group, const char *word, GArray *rates, GError **error)
{
    const char *equals = strrchr(word, '=');
    char *end = NULL;
    double rate = equals ? g_ascii_strtod(equals + 1, &end) : 0;
    if (!equals || equals == word || end == equals + 1 || *end || strpbrk(equals, "xX") || !isfinite(rate))
        return sim_config_fail(c, error, group, "smu-rates", "'%s' is not EVENT=RATE, for example L1-dcache-load-misses=20", word);
    if (rate != 0 && !(rate >= 0.001 && rate <= 1e6))
        return sim_config_fail(c, error, group, "smu-rates", "'%s': a rate per 1,000 instructions is 0, or from 0.001 to 1000000", word);
    g_autofree char *name = g_strndup(word, (gsize)(equals - word));
    int event;
    if (!find_event(c, group, name, &event, error))
        return false;
    for (guint i = 0; i < rates->len; i++)
        if ((int)g_array_index(rates, vmm_smu_rate, i).event == event)
            return sim_config_fail(c, error, group, "smu-rates", "'%s' stands twice", name);
    vmm_smu_rate one = { (enum sim_emon_event)event, (uint64_t)(rate * 1000 + 0.5) };
    g_array_append_val(rates, one);
    return true;
}

static bool read_rates(sim_config *c, const char *group, vmm_smu_config *smu, GError **error)
{
    g_autofree char *text = sim_config_string(c, group, "smu-rates", NULL, error);
    if (!text)
        return *error == NULL;
    g_auto(GStrv) words = g_strsplit_set(text, " \t", -1);
    g_autoptr(GArray) rates = g_array_new(FALSE, FALSE, sizeof(vmm_smu_rate));
    for (char **w = words; *w; w++)
        if (**w && !read_rate(c, group, *w, rates, error))
            return false;
    g_free((gpointer)smu->rates);
    smu->n_rates = rates->len;
    smu->rates = g_memdup2(rates->data, rates->len * sizeof(vmm_smu_rate));
    return true;
}

/* What the group says over what stands in `smu` already. */
static bool read_smu(sim_config *c, const char *group, vmm_smu_config *smu, GError **error)
{
    smu->kind = (vmm_smu_kind)sim_config_choice(c, group, "smu", (int)smu->kind, vmm_smu_names, error);
    smu->period = sim_config_time(c, group, "smu-period", smu->period, error);
    if (*error || !read_rates(c, group, smu, error))
        return false;
    bool hardware = smu->kind == VMM_SMU_HARDWARE;
    if (!sim_config_has(c, group, "smu-period") && !sim_config_has(c, group, "smu"))
        return true;
    if (smu->period && (smu->period < (hardware ? VMM_SMU_PERIOD_MIN : VMM_QUANTUM_MIN) || smu->period > VMM_QUANTUM_MAX))
        return sim_config_fail(c, error, group, "smu-period", "is outside %s to 1s", hardware ? "1us" : "10us");
    return true;
}

static void inherit_smu(vmm_smu_config *smu, const vmm_smu_config *from)
{
    *smu = *from;
    smu->rates = g_memdup2(from->rates, from->n_rates * sizeof *from->rates);
}

/* ---- policies ------------------------------------------------------------------------------------------------------ */

static void collect_params(sim_config *c, const char *group, const struct vmm_policy_ops *ops, GPtrArray *params, GError **error)
{
    for (unsigned i = 0; i < ops->n_params; i++) {
        g_autofree char *value = sim_config_string(c, group, ops->params[i].name, NULL, error);
        if (!value)
            continue;
        g_ptr_array_add(params, g_strdup(ops->params[i].name));
        g_ptr_array_add(params, g_strdup(value));
    }
}

static bool collect_own_group(sim_config *c, const char *group, const struct vmm_policy_ops *ops, run_policy *p, GPtrArray *params, GError **error)
{
    collect_params(c, group, ops, params, error);
    if (*error || !read_smu(c, group, &p->smu, error))
        return false;
    g_auto(GStrv) keys = sim_config_keys(c, group);
    for (char **k = keys; *k && !ops->n_params; k++)
        if (!g_strv_contains(own_keys, *k))
            return sim_config_fail(c, error, group, *k, "policy '%s' has no parameters", ops->name);
    return true;
}

/* The policy, or a variant of it that begins with what `base` has. */
static bool add_policy(sim_config *c, run_scenario *s, const struct vmm_policy_ops *ops, const char *label, const run_policy *base,
                       const vmm_smu_config *smu, GError **error)
{
    run_policy *p = g_new0(run_policy, 1);
    g_ptr_array_add(s->policies, p);
    p->ops = ops;
    p->label = g_strdup(label);
    inherit_smu(&p->smu, base ? &base->smu : smu);
    g_autofree char *group = g_strconcat(PREFIX, label, NULL);
    GPtrArray *params = g_ptr_array_new();
    for (char **text = base ? base->params : NULL; text && *text; text++)
        g_ptr_array_add(params, g_strdup(*text));
    bool named = strcmp(label, s->policy_name) == 0;
    if (named)
        collect_params(c, "policy", ops, params, error);
    bool good = !*error && (!sim_config_has_group(c, group) || collect_own_group(c, group, ops, p, params, error));
    g_ptr_array_add(params, NULL);
    p->params = (char **)g_ptr_array_free(params, FALSE);
    p->origin = g_strdup_printf("%s: [%s]", s->path, named ? "policy" : group);
    return good;
}

static const run_policy *find(const run_scenario *s, const char *label)
{
    for (guint i = 0; i < s->policies->len; i++) {
        const run_policy *p = g_ptr_array_index(s->policies, i);
        if (strcmp(p->label, label) == 0)
            return p;
    }
    return NULL;
}

const run_policy *run_scenario_policy(const run_scenario *s, const char *name, GError **error)
{
    const run_policy *p = find(s, name);
    if (p)
        return p;
    g_autofree const char **labels = g_new0(const char *, s->policies->len + 1);
    for (guint i = 0; i < s->policies->len; i++)
        labels[i] = ((const run_policy *)g_ptr_array_index(s->policies, i))->label;
    g_autofree char *hint = sim_suggest(name, labels);
    g_set_error(error, SIM_ERROR, SIM_ERROR_INPUT, "unknown policy '%s'%s", name, hint);
    return NULL;
}

/* Built in, or the shared object whose path the value of the key is. */
static const struct vmm_policy_ops *find_ops(sim_config *c, const char *group, const char *key, const char *name, GError **error)
{
    if (!vmm_plugin_is_path(name))
        return vmm_policy_find(name, error);
    g_autofree char *path = sim_config_resolve_for(c, group, key, name);
    return vmm_plugin_load(path, error);
}

/* [policy] name = PATH: the policy of the shared object is one of the scenario's from now on, under its own name. */
static bool add_named_plugin(sim_config *c, run_scenario *s, const vmm_smu_config *smu, GError **error)
{
    g_autoptr(GError) local = NULL;
    if (!vmm_plugin_is_path(s->policy_name))
        return true;
    const struct vmm_policy_ops *ops = find_ops(c, "policy", "name", s->policy_name, &local);
    if (!ops)
        return sim_config_fail(c, error, "policy", "name", "%s", local->message);
    g_free(s->policy_name);
    s->policy_name = g_strdup(ops->name);
    return add_policy(c, s, ops, ops->name, NULL, smu, error);
}

bool run_policies_plugin(run_scenario *s, char **name, GError **error)
{
    if (!vmm_plugin_is_path(*name))
        return true;
    const struct vmm_policy_ops *ops = vmm_plugin_load(*name, error);
    if (!ops)
        return false;
    if (!find(s, ops->name)) {
        const run_policy *reference = g_ptr_array_index(s->policies, 0);
        run_policy *p = g_new0(run_policy, 1);
        p->ops = ops;
        p->label = g_strdup(ops->name);
        p->params = g_new0(char *, 1);
        p->origin = g_strdup(*name);
        inherit_smu(&p->smu, &reference->smu);
        g_ptr_array_add(s->policies, p);
    }
    g_free(*name);
    *name = g_strdup(ops->name);
    return true;
}

/* ---- variants: [policy LABEL] with `use = NAME` ----------------------------------------------------------------------- */

static bool label_is_good(const char *label)
{
    for (const char *p = label; *p; p++)
        if (!g_ascii_isalnum(*p) && !strchr("-_.", *p))
            return false;
    return *label && strlen(label) <= MAX_LABEL;
}

static bool read_variant(sim_config *c, run_scenario *s, const char *group, const char *use, GError **error)
{
    const char *label = group + strlen(PREFIX);
    g_autoptr(GError) unknown = NULL;
    const run_policy *same = find(s, label);
    if (same && strcmp(label, use) == 0)
        return true;
    if (same)
        return sim_config_fail(c, error, group, "use", "'%s' is a policy: a variant of '%s' needs a name of its own", label, use);
    if (!label_is_good(label))
        return sim_config_fail(c, error, group, "", "a variant's name consists of 1 to %d letters, digits, '-', '_' and '.'", MAX_LABEL);
    const struct vmm_policy_ops *ops = find_ops(c, group, "use", use, &unknown);
    if (!ops)
        return sim_config_fail(c, error, group, "use", "%s", unknown->message);
    return add_policy(c, s, ops, label, find(s, ops->name), NULL, error);
}

static bool read_variants(sim_config *c, run_scenario *s, GError **error)
{
    g_auto(GStrv) groups = sim_config_groups(c);
    for (char **g = groups; *g; g++) {
        if (!g_str_has_prefix(*g, PREFIX))
            continue;
        g_autofree char *use = sim_config_string(c, *g, "use", NULL, error);
        g_autoptr(GError) unknown = NULL;
        if (*error)
            return false;
        if (use && !read_variant(c, s, *g, use, error))
            return false;
        if (!use && !vmm_policy_find(*g + strlen(PREFIX), &unknown))
            return sim_config_fail(c, error, *g, "", "%s (a variant of a policy says which: use = NAME)", unknown->message);
    }
    return true;
}

/* ---- the whole --------------------------------------------------------------------------------------------------------- */

static bool read_general(sim_config *c, run_scenario *s, GError **error)
{
    s->policy_name = sim_config_string(c, "policy", "name", "round-robin", error);
    s->quantum = sim_config_time(c, "policy", "quantum", SIM_PS_PER_MS, error);
    s->strict = sim_config_bool(c, "policy", "strict", false, error);
    if (*error)
        return false;
    if (s->quantum < VMM_QUANTUM_MIN || s->quantum > VMM_QUANTUM_MAX)
        return sim_config_fail(c, error, "policy", "quantum", "is outside 10us to 1s");
    return true;
}

/* [policy] holds what is common to all policies, and the parameters of the one that it names; [policy NAME] those of another, for comparisons. */
bool run_policies_read(sim_config *c, run_scenario *s, GError **error)
{
    vmm_smu_config common = { 0 };
    unsigned n;
    const struct vmm_policy_ops *const *all = vmm_policies(&n);
    bool good = read_general(c, s, error) && read_smu(c, "policy", &common, error);
    for (unsigned i = 0; i < n && good; i++)
        good = add_policy(c, s, all[i], all[i]->name, NULL, &common, error);
    good = good && add_named_plugin(c, s, &common, error);
    g_free((gpointer)common.rates);
    if (!good || !read_variants(c, s, error))
        return false;
    g_autoptr(GError) unknown = NULL;
    return run_scenario_policy(s, s->policy_name, &unknown) || sim_config_fail(c, error, "policy", "name", "%s", unknown->message);
}
