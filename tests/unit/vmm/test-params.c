/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "test-vmm.h"

#include "vmm-mock.h"
#include "sim-error.h"
#include "vmm-params.h"
#include "vmm-registry.h"

#include <string.h>

static void refused(const char *policy, const char *name, const char *value, const char *words[])
{
    const char *pairs[] = { name, value, NULL };
    const struct vmm_policy_ops *ops = vmm_policy_find(policy, NULL);
    g_autoptr(GError) error = NULL;
    ck_assert_ptr_null(vmm_params_parse(ops, pairs, "x.conf: [policy]", &error));
    ck_assert(g_error_matches(error, SIM_ERROR, SIM_ERROR_INPUT));
    for (; *words; words++)
        ck_assert_msg(strstr(error->message, *words) != NULL, "'%s' lacks '%s'", error->message, *words);
}

#define REFUSED(policy, name, value, ...) refused(policy, name, value, (const char *[]){ "x.conf: [policy]", __VA_ARGS__, NULL })

START_TEST(bad_parameters_are_named)
{
    REFUSED("emon-quantum", "min-gian", "1ms", "'min-gian'", "'min-gain'");
    REFUSED("round-robin", "min-gain", "1ms", "'min-gain'", "round-robin");
    REFUSED("emon-quantum", "min-gain", "100", "'min-gain'");
    REFUSED("emon-quantum", "min-gain", "1us", "'min-gain'", "10us", "1s");
    REFUSED("emon-quantum", "min-gain", "2s", "'min-gain'");
    REFUSED("emon-quantum", "max", "999", "'max'", "1000");
    REFUSED("emon-quantum", "min", "-1", "'min'", "whole number");
    REFUSED("emon-quantum", "tight-loop", "yes", "'tight-loop'", "true or false");
    REFUSED("emon-quantum", "l1-mpki", "nan", "'l1-mpki'");
    REFUSED("emon-quantum", "l1-mpki", "1x", "'l1-mpki'");
    REFUSED("emon-quantum", "max-debt", "20us", "'max-debt'", "'min-gain'");
}
END_TEST

START_TEST(values_and_defaults)
{
    const char *pairs[] = { "min-gain", "1.5ms", "tight-loop", "false", "l1-mpki", "2.5", "max", "2000", NULL };
    const struct vmm_policy_ops *ops = vmm_policy_find("emon-quantum", NULL);
    g_autoptr(GError) error = NULL;
    g_autofree vmm_param_value *values = vmm_params_parse(ops, pairs, NULL, &error);
    ck_assert_ptr_nonnull(values);
    for (unsigned i = 0; i < ops->n_params; i++) {
        g_autofree char *text = vmm_param_format(&ops->params[i], values[i]);
        g_autofree char *def = vmm_param_format(&ops->params[i], ops->params[i].def);
        const char *name = ops->params[i].name;
        ck_assert_str_eq(text, !strcmp(name, "min-gain")     ? "1500us"
                               : !strcmp(name, "tight-loop") ? "false"
                               : !strcmp(name, "l1-mpki")    ? "2.5"
                               : !strcmp(name, "max")        ? "2000"
                                                             : def);
    }
}
END_TEST

START_TEST(defaults_can_be_written_back)
{
    unsigned n;
    const struct vmm_policy_ops *const *all = vmm_policies(&n);
    ck_assert_str_eq(all[0]->name, "round-robin");
    for (unsigned i = 0; i < n; i++) {
        g_autoptr(GError) error = NULL;
        ck_assert(vmm_policy_check(all[i], &error));
        for (unsigned k = 0; k < all[i]->n_params; k++) {
            g_autofree char *text = vmm_param_format(&all[i]->params[k], all[i]->params[k].def);
            const char *pairs[] = { all[i]->params[k].name, text, NULL };
            g_autofree vmm_param_value *values = vmm_params_parse(all[i], pairs, NULL, &error);
            ck_assert_msg(values != NULL, "%s", error ? error->message : "");
        }
    }
}
END_TEST

static void check_refuses(const struct vmm_policy_ops *ops, const char *word)
{
    g_autoptr(GError) error = NULL;
    ck_assert(!vmm_policy_check(ops, &error));
    ck_assert_msg(strstr(error->message, word) != NULL, "%s", error->message);
}

START_TEST(registration)
{
    struct vmm_policy_ops ops = *vmm_policy_find("round-robin", NULL);
    ops.schedule = NULL;
    check_refuses(&ops, "'schedule'");
    ops = *vmm_policy_find("round-robin", NULL);
    ops.context_saved = NULL;
    check_refuses(&ops, "'context_saved'");
    ops = *vmm_policy_find("round-robin", NULL);
    ops.abi_version = 7;
    check_refuses(&ops, "7");
    ops = *vmm_policy_find("round-robin", NULL);
    ops.struct_size = 64;
    check_refuses(&ops, "struct_size");
    ops = *vmm_policy_find("round-robin", NULL);
    ops.name = "Round Robin";
    check_refuses(&ops, "name");
    g_autoptr(GError) error = NULL;
    ck_assert_ptr_null(vmm_policy_find("round-robbin", &error));
    ck_assert_ptr_nonnull(strstr(error->message, "'round-robin'"));
}
END_TEST

START_TEST(bad_vms_are_named)
{
    g_autoptr(mock) m = mock_new(2, 4, "round-robin");
    const uint64_t none[VMM_MASK_WORDS] = { 4 };
    const vmm_vm_config bad[] = { { .name = "x", .quantum = 1 }, { .name = "x", .affinity = none },
                                  { .name = "x", .quantum = 2 * SIM_PS_PER_S }, { .name = "x", .weight = 70000 } };
    mock_make(m);
    for (unsigned i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_autoptr(GError) error = NULL;
        ck_assert(!vmm_check_vm(m->v, &bad[i], &error));
        ck_assert_ptr_nonnull(strstr(error->message, "'x'"));
    }
    m->config.quantum = 5;
    g_autoptr(GError) error = NULL;
    ck_assert_ptr_null(vmm_new(&m->config, m->engine, m->ports, m->n, &error));
    ck_assert_ptr_nonnull(strstr(error->message, "quantum"));
}
END_TEST

TCase *vmm_tests_params(void)
{
    TCase *t = tcase_create("params");
    tcase_add_test(t, bad_parameters_are_named);
    tcase_add_test(t, values_and_defaults);
    tcase_add_test(t, defaults_can_be_written_back);
    tcase_add_test(t, registration);
    tcase_add_test(t, bad_vms_are_named);
    return t;
}
