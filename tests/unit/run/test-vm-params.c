/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Keys POLICY.PARAMETER of [vm NAME]. */
#include "run-suites.h"

#include "run-scenario.h"
#include "run-vm-params.h"
#include "sim-error.h"

#include <string.h>

#define VM "[vm a]\nworkload = synthetic:loop; repeat forever\n"

static void bad(const char *text, const char *message)
{
    g_autoptr(GError) error = NULL;
    ck_assert_ptr_null(run_scenario_parse(text, "s.conf", &error));
    ck_assert(g_error_matches(error, SIM_ERROR, SIM_ERROR_INPUT));
    ck_assert_msg(g_str_has_prefix(error->message, message), "got '%s', not '%s'", error->message, message);
}

static const char *value_of(char **pairs, const char *name)
{
    for (char **p = pairs; p && *p; p += 2)
        if (strcmp(p[0], name) == 0)
            return p[1];
    return NULL;
}

START_TEST(keys_of_a_vm)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(run_scenario) s = run_scenario_parse("[policy rtds]\nbudget = 1ms\n" VM "rtds.period = 7ms\ncredit.cap = 50\ncount = 2\n"
                                                   "[vm b]\nworkload = synthetic:loop; repeat forever\n", "s.conf", &error);
    ck_assert_msg(s != NULL, "%s", error ? error->message : "");
    const run_policy *rtds = run_scenario_policy(s, "rtds", NULL), *credit = run_scenario_policy(s, "credit", NULL),
                     *plain = run_scenario_policy(s, "round-robin", NULL);
    const run_vm *second = g_ptr_array_index(s->vms, 1), *b = g_ptr_array_index(s->vms, 2);
    g_auto(GStrv) own = run_vm_params_texts(second, rtds), cap = run_vm_params_texts(second, credit), other = run_vm_params_texts(b, rtds);
    ck_assert_str_eq(value_of(own, "period"), "7ms");
    ck_assert_str_eq(value_of(own, "budget"), "1ms"); /* of [policy rtds] */
    ck_assert_str_eq(value_of(own, "extratime"), "true");
    ck_assert_str_eq(value_of(cap, "cap"), "50");
    ck_assert_str_eq(value_of(other, "period"), "10ms");
    ck_assert_ptr_null(run_vm_params_texts(b, plain));
    g_autofree const char **pairs = run_vm_params_pairs(b, rtds);
    ck_assert_ptr_null(pairs[0]);
}
END_TEST

/* A variant's key wins over that of its policy. */
START_TEST(keys_of_a_variant)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(run_scenario) s = run_scenario_parse("[policy tight]\nuse = credit\n" VM "tight.cap = 20\ncredit.cap = 50\n", "s.conf", &error);
    ck_assert_msg(s != NULL, "%s", error ? error->message : "");
    const run_vm *a = g_ptr_array_index(s->vms, 0);
    g_auto(GStrv) variant = run_vm_params_texts(a, run_scenario_policy(s, "tight", NULL));
    g_auto(GStrv) policy = run_vm_params_texts(a, run_scenario_policy(s, "credit", NULL));
    ck_assert_str_eq(value_of(variant, "cap"), "20");
    ck_assert_str_eq(value_of(policy, "cap"), "50");
}
END_TEST

START_TEST(bad_keys_are_named)
{
    bad(VM "credit.capp = 1\n", "s.conf: [vm a] credit.capp: policy 'credit' has no parameter 'capp' for VMs; did you mean 'cap'?");
    bad(VM "credti.cap = 1\n", "s.conf: [vm a] credti.cap: there is no policy 'credti' with parameters for VMs; did you mean 'credit'?");
    bad(VM "priority.x = 1\n", "s.conf: [vm a] priority.x: policy 'priority' has no parameter 'x' for VMs; it has none");
    bad(VM "credit.cap = -1\n", "s.conf: [vm a] credit.cap: '-1' is not a whole number");
    bad(VM "credit.cap = 1000000\n", "s.conf: [vm a] credit.cap: 1000000 is out of bounds: 0 to 25600");
    bad(VM "rtds.budget = 11ms\n", "s.conf: [vm a]: policy 'rtds': parameter 'budget' has to be at most 'period'");
    bad(VM "eevdf.custom-slice = 99us\n", "s.conf: [vm a]: policy 'eevdf': parameter 'custom-slice' has to be 0 or at least 100us");
    bad(VM ".cap = 1\n", "s.conf: [vm a] .cap: there is no policy ''");
}
END_TEST

Suite *vm_params_suite(void)
{
    Suite *suite = suite_create("vm-params");
    TCase *t = tcase_create("vm-params");
    tcase_add_test(t, keys_of_a_vm);
    tcase_add_test(t, keys_of_a_variant);
    tcase_add_test(t, bad_keys_are_named);
    suite_add_tcase(suite, t);
    return suite;
}
