/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "vmm-params.h"

#include "sim-config.h"
#include "sim-error.h"

#include <math.h>
#include <string.h>

const char *const vmm_param_type_names[] = { "time", "uint", "double", "bool", "permille" };

static char *format_time(sim_ps ps)
{
    static const struct { sim_ps unit; const char *name; } units[] = {
        { SIM_PS_PER_S, "s" }, { SIM_PS_PER_MS, "ms" }, { SIM_PS_PER_US, "us" }, { SIM_PS_PER_NS, "ns" }
    };
    for (unsigned i = 0; i < G_N_ELEMENTS(units); i++)
        if (ps && ps % units[i].unit == 0)
            return g_strdup_printf("%" G_GUINT64_FORMAT "%s", ps / units[i].unit, units[i].name);
    return g_strdup_printf("%" G_GUINT64_FORMAT "ps", ps);
}

char *vmm_param_format(const vmm_param *param, vmm_param_value value)
{
    char text[G_ASCII_DTOSTR_BUF_SIZE];
    switch (param->type) {
    case VMM_PARAM_TIME:
        return format_time(value.u);
    case VMM_PARAM_DOUBLE:
        return g_strdup(g_ascii_formatd(text, sizeof text, "%g", value.d));
    case VMM_PARAM_BOOL:
        return g_strdup(value.b ? "true" : "false");
    case VMM_PARAM_UINT:
    case VMM_PARAM_PERMILLE:
        break;
    }
    return g_strdup_printf("%" G_GUINT64_FORMAT, value.u);
}

static bool parse_double(const char *text, double *out)
{
    char *end;
    *out = g_ascii_strtod(text, &end);
    return end != text && !*end && isfinite(*out) && !strpbrk(text, "xX");
}

static bool parse_bool(const char *text, bool *out)
{
    *out = !strcmp(text, "true");
    return *out || !strcmp(text, "false");
}

static bool parse_text(const vmm_param *p, const char *text, vmm_param_value *out, GError **error)
{
    bool good = false;
    switch (p->type) {
    case VMM_PARAM_TIME:
        return sim_parse_time(text, &out->u, error);
    case VMM_PARAM_DOUBLE:
        good = parse_double(text, &out->d);
        break;
    case VMM_PARAM_BOOL:
        good = parse_bool(text, &out->b);
        break;
    case VMM_PARAM_UINT:
    case VMM_PARAM_PERMILLE:
        good = g_ascii_string_to_unsigned(text, 10, 0, UINT64_MAX, &out->u, NULL);
        break;
    }
    static const char *const wanted[] = { "", "a whole number", "a finite decimal", "true or false",
                                          "a whole number of thousandths" };
    if (!good)
        g_set_error(error, SIM_ERROR, SIM_ERROR_INPUT, "'%s' is not %s", text, wanted[p->type]);
    return good;
}

static bool in_bounds(const vmm_param *p, vmm_param_value value, GError **error)
{
    if (p->type == VMM_PARAM_BOOL)
        return true;
    bool good = p->type == VMM_PARAM_DOUBLE ? value.d >= p->min.d && value.d <= p->max.d
                                            : value.u >= p->min.u && value.u <= p->max.u;
    if (!good) {
        g_autofree char *given = vmm_param_format(p, value), *min = vmm_param_format(p, p->min),
                        *max = vmm_param_format(p, p->max);
        g_set_error(error, SIM_ERROR, SIM_ERROR_INPUT, "%s is out of bounds: %s to %s", given, min, max);
    }
    return good;
}

bool vmm_param_parse(const vmm_param *param, const char *text, vmm_param_value *value, GError **error)
{
    return parse_text(param, text, value, error) && in_bounds(param, *value, error);
}

unsigned vmm_vm_params(const struct vmm_policy_ops *policy, const vmm_param **params)
{
    bool known = policy->struct_size >= offsetof(struct vmm_policy_ops, check_vm);
    *params = known ? policy->vm_params : NULL;
    return known ? policy->n_vm_params : 0;
}

/* Parameters of a policy, or those of its VMs. */
typedef struct {
    const struct vmm_policy_ops *policy;
    const vmm_param *params;
    unsigned n;
    const char *whose;
    bool (*check)(const vmm_param_value *values, char *message, size_t size);
} param_set;

static int find_param(const param_set *set, const char *name)
{
    for (unsigned i = 0; i < set->n; i++)
        if (!strcmp(set->params[i].name, name))
            return (int)i;
    return -1;
}

static void unknown_param(const param_set *set, const char *name, const char *origin, GError **error)
{
    g_autofree const char **names = g_new0(const char *, set->n + 1);
    for (unsigned i = 0; i < set->n; i++)
        names[i] = set->params[i].name;
    g_autofree char *hint = set->n ? sim_suggest(name, names) : g_strdup("; it has none");
    g_set_error(error, SIM_ERROR, SIM_ERROR_INPUT, "%s: policy '%s' has no %s '%s'%s", origin, set->policy->name, set->whose, name, hint);
}

/* Replaces what `pairs` says in `values`. */
static bool read_pairs(const param_set *set, const char *const *pairs, const char *origin, vmm_param_value *values, GError **error)
{
    for (; pairs && pairs[0]; pairs += 2) {
        int i = find_param(set, pairs[0]);
        if (i < 0) {
            unknown_param(set, pairs[0], origin, error);
            return false;
        }
        if (!vmm_param_parse(&set->params[i], pairs[1], &values[i], error)) {
            g_prefix_error(error, "%s: %s '%s' of policy '%s': ", origin, set->whose, pairs[0], set->policy->name);
            return false;
        }
    }
    char why[256] = "";
    if (set->check && !set->check(values, why, sizeof why)) {
        g_set_error(error, SIM_ERROR, SIM_ERROR_INPUT, "%s: policy '%s': %s", origin, set->policy->name, why);
        return false;
    }
    return true;
}

vmm_param_value *vmm_params_parse(const struct vmm_policy_ops *policy, const char *const *pairs, const char *origin,
                                  GError **error)
{
    param_set set = { policy, policy->params, policy->n_params, "parameter", policy->check };
    g_autofree vmm_param_value *values = g_new0(vmm_param_value, set.n + 1);
    for (unsigned i = 0; i < set.n; i++)
        values[i] = set.params[i].def;
    return read_pairs(&set, pairs, origin ? origin : "policy parameters", values, error) ? g_steal_pointer(&values) : NULL;
}

vmm_param_value *vmm_params_parse_vm(const struct vmm_policy_ops *policy, const vmm_param_value *own, const char *const *pairs,
                                     const char *origin, GError **error)
{
    param_set set = { policy, NULL, 0, "parameter of a VM", NULL };
    set.n = vmm_vm_params(policy, &set.params);
    if (policy->struct_size >= offsetof(struct vmm_policy_ops, timer))
        set.check = policy->check_vm;
    param_set general = { .params = policy->params, .n = policy->n_params };
    g_autofree vmm_param_value *values = g_new0(vmm_param_value, set.n + 1);
    for (unsigned i = 0; i < set.n; i++) {
        int same = find_param(&general, set.params[i].name);
        values[i] = same >= 0 && general.params[same].type == set.params[i].type ? own[same] : set.params[i].def;
    }
    return read_pairs(&set, pairs, origin ? origin : "VM", values, error) ? g_steal_pointer(&values) : NULL;
}
