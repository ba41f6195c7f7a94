/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "run-vm-params.h"

#include "sim-error.h"
#include "vmm-params.h"

#include <string.h>

static bool is_of(const run_policy *p, const char *name)
{
    return strcmp(p->ops->name, name) == 0 || strcmp(p->label, name) == 0;
}

static const run_policy *find_policy(const run_scenario *s, const char *name)
{
    for (guint i = 0; i < s->policies->len; i++)
        if (is_of(g_ptr_array_index(s->policies, i), name))
            return g_ptr_array_index(s->policies, i);
    return NULL;
}

static bool no_policy(sim_config *c, const char *group, const char *key, const char *name, const run_scenario *s, GError **error)
{
    g_autofree const char **names = g_new0(const char *, s->policies->len + 1);
    unsigned n = 0;
    const vmm_param *params;
    for (guint i = 0; i < s->policies->len; i++) {
        const run_policy *p = g_ptr_array_index(s->policies, i);
        if (vmm_vm_params(p->ops, &params))
            names[n++] = p->label;
    }
    g_autofree char *hint = sim_suggest(name, names);
    return sim_config_fail(c, error, group, key, "there is no policy '%s' with parameters for VMs%s", name, hint);
}

static bool no_param(sim_config *c, const char *group, const char *key, const run_policy *p, const char *name, GError **error)
{
    const vmm_param *params;
    unsigned n = vmm_vm_params(p->ops, &params);
    g_autofree const char **names = g_new0(const char *, n + 1);
    for (unsigned i = 0; i < n; i++)
        names[i] = params[i].name;
    g_autofree char *hint = n ? sim_suggest(name, names) : g_strdup("; it has none");
    return sim_config_fail(c, error, group, key, "policy '%s' has no parameter '%s' for VMs%s", p->label, name, hint);
}

/* "credit.cap": checks it alone, and adds policy, name and value. */
static bool read_key(sim_config *c, const char *group, const char *key, const run_scenario *s, GPtrArray *found, GError **error)
{
    const char *dot = strchr(key, '.');
    g_autofree char *name = g_strndup(key, (gsize)(dot - key));
    const run_policy *p = find_policy(s, name);
    if (!p)
        return no_policy(c, group, key, name, s, error);
    const vmm_param *params;
    unsigned n = vmm_vm_params(p->ops, &params), i = 0;
    while (i < n && strcmp(params[i].name, dot + 1) != 0)
        i++;
    if (i == n)
        return no_param(c, group, key, p, dot + 1, error);
    g_autofree char *value = sim_config_string(c, group, key, "", error);
    g_autoptr(GError) wrong = NULL;
    vmm_param_value parsed;
    if (*error || !vmm_param_parse(&params[i], value, &parsed, &wrong))
        return *error ? false : sim_config_fail(c, error, group, key, "%s", wrong->message);
    g_ptr_array_add(found, g_steal_pointer(&name));
    g_ptr_array_add(found, g_strdup(dot + 1));
    g_ptr_array_add(found, g_steal_pointer(&value));
    return true;
}

static vmm_param_value *values_of(const run_vm *vm, const run_policy *p, GError **error)
{
    g_autofree vmm_param_value *own = vmm_params_parse(p->ops, (const char *const *)p->params, p->origin, error);
    g_autofree const char **pairs = run_vm_params_pairs(vm, p);
    return own ? vmm_params_parse_vm(p->ops, own, pairs, vm->params_origin, error) : NULL;
}

/* Conditions between parameters, for those policies that the VM has keys of. */
static bool check(const run_vm *vm, const run_scenario *s, GError **error)
{
    for (guint i = 0; i < s->policies->len; i++) {
        const run_policy *p = g_ptr_array_index(s->policies, i);
        g_autofree const char **pairs = run_vm_params_pairs(vm, p);
        g_autofree vmm_param_value *values = pairs[0] ? values_of(vm, p, error) : NULL;
        if (pairs[0] && !values)
            return false;
    }
    return true;
}

bool run_vm_params_read(sim_config *c, const char *group, const run_scenario *s, run_vm *vm, GError **error)
{
    g_auto(GStrv) keys = sim_config_keys(c, group);
    GPtrArray *found = g_ptr_array_new();
    bool good = true;
    for (char **k = keys; *k && good; k++)
        good = !strchr(*k, '.') || read_key(c, group, *k, s, found, error);
    g_ptr_array_add(found, NULL);
    vm->params = (char **)g_ptr_array_free(found, FALSE);
    vm->params_origin = g_strdup_printf("%s: [%s]", sim_config_path(c), group);
    return good && check(vm, s, error);
}

static void add_pairs(GPtrArray *out, const run_vm *vm, const char *policy)
{
    for (char **p = vm->params; p && *p; p += 3) {
        if (strcmp(p[0], policy) != 0)
            continue;
        g_ptr_array_add(out, p[1]);
        g_ptr_array_add(out, p[2]);
    }
}

const char **run_vm_params_pairs(const run_vm *vm, const run_policy *policy)
{
    GPtrArray *out = g_ptr_array_new();
    add_pairs(out, vm, policy->ops->name);
    if (strcmp(policy->label, policy->ops->name) != 0)
        add_pairs(out, vm, policy->label);
    g_ptr_array_add(out, NULL);
    return (const char **)g_ptr_array_free(out, FALSE);
}

char **run_vm_params_texts(const run_vm *vm, const run_policy *policy)
{
    const vmm_param *params;
    unsigned n = vmm_vm_params(policy->ops, &params);
    g_autofree vmm_param_value *values = n ? values_of(vm, policy, NULL) : NULL;
    if (!values)
        return NULL;
    GPtrArray *texts = g_ptr_array_new();
    for (unsigned i = 0; i < n; i++) {
        g_ptr_array_add(texts, g_strdup(params[i].name));
        g_ptr_array_add(texts, vmm_param_format(&params[i], values[i]));
    }
    g_ptr_array_add(texts, NULL);
    return (char **)g_ptr_array_free(texts, FALSE);
}
