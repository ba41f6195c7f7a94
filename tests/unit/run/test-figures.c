/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "run-figures.h"
#include "run-suites.h"

#include <string.h>

static run_vm_result *vm(const char *name, uint64_t insns)
{
    run_vm_result *v = g_new0(run_vm_result, 1);
    v->name = g_strdup(name);
    v->ev[SIM_EV_INSTRUCTIONS] = insns;
    v->ev[SIM_EV_LLC_MISSES] = insns / 1000;
    return v;
}

static run_result *result(void)
{
    run_result *r = run_result_new();
    g_ptr_array_add(r->vms, vm("web", 5000));
    g_ptr_array_add(r->vms, vm("web.old", 7000));
    ((run_vm_result *)g_ptr_array_index(r->vms, 1))->wakes = 2;
    ((run_vm_result *)g_ptr_array_index(r->vms, 1))->wake_p99 = 3 * SIM_PS_PER_MS;
    r->totals.stp = 1.5;
    return r;
}

static double value_of(const run_result *r, const char *name)
{
    double value;
    bool known;
    ck_assert_msg(run_figure(r, name, &value, NULL, &known, NULL) && known, "%s", name);
    return value;
}

START_TEST(names)
{
    g_autoptr(run_result) r = result();
    ck_assert(value_of(r, "stp") == 1.5);
    ck_assert(value_of(r, "vm.web.instructions") == 5000);
    ck_assert(value_of(r, "vm.web.old.instructions") == 7000);
    ck_assert(value_of(r, "cache-misses") == 12);
    ck_assert(value_of(r, "vm.web.l2_rqsts.all_demand_miss") == 0);
    ck_assert(value_of(r, "vm.web.old.wake_p99") == 3e9);
}
END_TEST

START_TEST(not_known)
{
    g_autoptr(run_result) r = result();
    double value;
    bool known = true;
    const run_figure_kind *kind;
    ck_assert(run_figure(r, "vm.web.wake_p99", &value, &kind, &known, NULL) && !known);
    ck_assert(kind->unit == RUN_UNIT_PS && kind->better == RUN_BETTER_LOWER);
    ck_assert(run_figure(r, "antt", &value, &kind, &known, NULL) && !known);
}
END_TEST

static void fails(const char *name, const char *text)
{
    g_autoptr(run_result) r = result();
    g_autoptr(GError) error = NULL;
    double value;
    bool known;
    ck_assert(!run_figure(r, name, &value, NULL, &known, &error));
    ck_assert_msg(strstr(error->message, text) != NULL, "%s", error->message);
}

START_TEST(wrong_names)
{
    fails("stpp", "'stp'");
    fails("vm.wep.ipc", "'web'");
    fails("vm.web.wake_99", "'wake_p99'");
    fails("vm.web.stp", "no figure");
    fails("slowdown", "no figure");
    fails("", "no figure");
    fails("vm.", "no VM");
}
END_TEST

static void count(void *user, const char *name, const run_figure_kind *kind, double value)
{
    g_autoptr(GError) error = NULL;
    GHashTable *seen = user;
    bool known;
    double again;
    const run_figure_kind *same;
    g_autoptr(run_result) r = result();
    ck_assert_msg(g_hash_table_add(seen, g_strdup(name)), "%s is told twice", name);
    ck_assert_msg(run_figure(r, name, &again, &same, &known, &error), "%s", name);
    ck_assert(known && again == value && same == kind);
}

START_TEST(each)
{
    g_autoptr(run_result) r = result();
    g_autoptr(GHashTable) seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    run_figures_each(r, count, seen);
    ck_assert(g_hash_table_contains(seen, "vm.web.old.wake_p99") && !g_hash_table_contains(seen, "vm.web.wake_p99"));
    ck_assert(g_hash_table_contains(seen, "vm.web.cache-misses") && !g_hash_table_contains(seen, "antt"));
}
END_TEST

Suite *figures_suite(void)
{
    Suite *s = suite_create("figures");
    TCase *c = tcase_create("figures");
    tcase_add_test(c, names);
    tcase_add_test(c, not_known);
    tcase_add_test(c, wrong_names);
    tcase_add_test(c, each);
    suite_add_tcase(s, c);
    return s;
}
