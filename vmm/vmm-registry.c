/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "vmm-registry.h"

#include "policies/policies.h"
#include "sim-error.h"

#include <string.h>

static const struct vmm_policy_ops *const registry[] = {
    &vmm_policy_round_robin,
    &vmm_policy_priority,
    &vmm_policy_emon_quantum,
    &vmm_policy_credit,
    &vmm_policy_rtds,
    &vmm_policy_eevdf,
    &vmm_policy_host_os,
    &vmm_policy_credit2,
    &vmm_policy_null,
    &vmm_policy_gang,
    &vmm_policy_dio,
    &vmm_policy_symbiosis,
    &vmm_policy_oracle,
};

const struct vmm_policy_ops *const *vmm_policies(unsigned *n)
{
    *n = G_N_ELEMENTS(registry);
    return registry;
}

const struct vmm_policy_ops *vmm_policy_find(const char *name, GError **error)
{
    const char *names[G_N_ELEMENTS(registry) + 1] = { NULL };
    for (unsigned i = 0; i < G_N_ELEMENTS(registry); i++) {
        names[i] = registry[i]->name;
        if (!strcmp(names[i], name))
            return registry[i];
    }
    g_autofree char *hint = sim_suggest(name, names);
    g_set_error(error, SIM_ERROR, SIM_ERROR_INPUT, "unknown policy '%s'%s", name, hint);
    return NULL;
}

static bool refuse(const struct vmm_policy_ops *p, const char *what, GError **error)
{
    g_set_error(error, SIM_ERROR, SIM_ERROR_POLICY, "policy '%s': %s", p->name ? p->name : "(no name)", what);
    return false;
}

static const char *missing_hook(const struct vmm_policy_ops *p)
{
    return !p->init            ? "init"
           : !p->exit          ? "exit"
           : !p->wake          ? "wake"
           : !p->sleep         ? "sleep"
           : !p->context_saved ? "context_saved"
           : !p->schedule      ? "schedule"
                               : NULL;
}

static bool param_is_sound(const vmm_param *p)
{
    if (!p->name || !p->help || p->type > VMM_PARAM_PERMILLE)
        return false;
    if (p->type == VMM_PARAM_BOOL)
        return true;
    if (p->type == VMM_PARAM_DOUBLE)
        return p->def.d >= p->min.d && p->def.d <= p->max.d;
    return p->def.u >= p->min.u && p->def.u <= p->max.u;
}

static bool params_are_sound(const struct vmm_policy_ops *p, const vmm_param *params, unsigned n, const char *field, GError **error)
{
    if (n && !params) {
        g_autofree char *what = g_strdup_printf("n_%s is not 0, but %s is NULL", field, field);
        return refuse(p, what, error);
    }
    for (unsigned i = 0; i < n; i++) {
        if (!param_is_sound(&params[i])) {
            g_autofree char *what =
                g_strdup_printf("parameter %u ('%s') lacks a name, a help text, or a default within its bounds", i,
                                params[i].name ? params[i].name : "");
            return refuse(p, what, error);
        }
    }
    return true;
}

bool vmm_policy_check(const struct vmm_policy_ops *p, GError **error)
{
    if (p->abi_version != VMM_POLICY_ABI) {
        g_set_error(error, SIM_ERROR, SIM_ERROR_POLICY, "policy has ABI version %u; this program's is %u", p->abi_version,
                    VMM_POLICY_ABI);
        return false;
    }
    if (p->struct_size < offsetof(struct vmm_policy_ops, dump))
        return refuse(p, "struct_size is smaller than ABI version 1 has it", error);
    if (!p->name || !*p->name || strspn(p->name, "abcdefghijklmnopqrstuvwxyz0123456789-") != strlen(p->name))
        return refuse(p, "the name has to be of lower-case letters, digits and '-'", error);
    if (!p->summary)
        return refuse(p, "the mandatory field 'summary' is missing", error);
    const char *hook = missing_hook(p);
    if (hook) {
        g_autofree char *what = g_strdup_printf("the mandatory hook '%s' is missing", hook);
        return refuse(p, what, error);
    }
    if (!params_are_sound(p, p->params, p->n_params, "params", error))
        return false;
    if (p->struct_size < offsetof(struct vmm_policy_ops, check_vm))
        return true;
    return params_are_sound(p, p->vm_params, p->n_vm_params, "vm_params", error);
}
