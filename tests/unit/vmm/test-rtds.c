/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "test-vmm.h"

#include "policy-case.h"

#include "sim-error.h"

#include <string.h>

static const char *const strict[] = { "extratime", "false", NULL };

/* What a VM ran in each period of `period`, by the schedule: the least and the most of it. */
static void per_period(const mock *m, unsigned vm, sim_ps period, sim_ps *least, sim_ps *most)
{
    unsigned n;
    const vmm_slice *s = vmm_slices(m->v, &n);
    *least = SIM_PS_NEVER;
    *most = 0;
    for (sim_ps at = period; at + period <= m->end; at += period) {
        sim_ps ran = 0;
        for (unsigned i = 0; i < n; i++)
            if (s[i].vm == vm && s[i].at < at + period && s[i].until > at)
                ran += MIN(s[i].until, at + period) - MAX(s[i].at, at);
        *least = MIN(*least, ran);
        *most = MAX(*most, ran);
    }
}

START_TEST(budgets_are_enforced_and_replenished)
{
    static const char *const small[] = { "budget", "2ms", "period", "20ms", NULL };
    g_autoptr(mock) m = case_new(1, "rtds", strict);
    mock_guest *a = case_spin(m, 256), *b = case_spin_with(m, small);
    mock_run(m, MS(2000));
    case_sane(m);
    sim_ps least, most;
    per_period(m, 0, MS(10), &least, &most);
    ck_assert_uint_ge(least, US(3980));
    ck_assert_uint_le(most, US(4020));
    per_period(m, 1, MS(20), &least, &most);
    ck_assert_uint_ge(least, US(1980));
    ck_assert_uint_le(most, US(2020));
    ck_assert_uint_eq(case_permille(a, MS(2000)), 400);
    ck_assert_uint_eq(case_permille(b, MS(2000)), 100);
    /* half of the time the pCPU idles */
    ck_assert_uint_ge(vmm_stats(m->v, 0)->in_state[VMM_RUNNABLE], MS(1100));
}
END_TEST

/* Waking does not give a new budget before the deadline. */
START_TEST(sleeping_gives_no_budget)
{
    static const mock_step steps[] = { { US(600), { .kind = VMM_STOP_SLEEP, .span = US(700) } } };
    const vmm_vm_config small = { .policy_params = (const char *const[]){ "budget", "1ms", "extratime", "false", NULL } };
    g_autoptr(mock) m = case_new(1, "rtds", NULL);
    mock_guest *g = mock_add(m, &small, steps, 1);
    mock_run(m, MS(1000));
    case_sane(m);
    ck_assert_uint_le(case_permille(g, MS(1000)), 101);
    ck_assert_uint_ge(case_permille(g, MS(1000)), 95);
}
END_TEST

/* Three reservations that fill two pCPUs to 90 per cent all meet their deadlines, and a VM without need of them gets the rest. */
START_TEST(reservations_hold_against_extra_time)
{
    static const char *const six[] = { "budget", "6ms", "extratime", "false", NULL };
    g_autoptr(mock) m = case_new(2, "rtds", NULL);
    case_spin_with(m, six);
    case_spin_with(m, six);
    case_spin_with(m, (const char *const[]){ "budget", "3ms", "extratime", "false", NULL });
    mock_guest *extra = case_spin_with(m, (const char *const[]){ "budget", "100us", NULL });
    mock_run(m, MS(1000));
    case_sane(m);
    sim_ps least, most;
    for (unsigned i = 0; i < 3; i++) {
        per_period(m, i, MS(10), &least, &most);
        ck_assert_uint_ge(least, i < 2 ? US(5970) : US(2970));
        ck_assert_uint_le(most, i < 2 ? US(6030) : US(3030));
    }
    ck_assert_uint_ge(case_permille(extra, MS(1000)), 380);
}
END_TEST

/* A server that sleeps keeps its budget until its deadline: it runs at once when it wakes early in its period. */
START_TEST(servers_are_deferrable)
{
    static const mock_step steps[] = { { MS(1), { .kind = VMM_STOP_SLEEP, .span = MS(4) } } };
    g_autoptr(mock) m = case_new(1, "rtds", NULL);
    const vmm_vm_config urgent = { .policy_params = (const char *const[]){ "period", "5ms", "budget", "1200us", NULL } };
    mock_add(m, &urgent, steps, 1);
    case_spin_with(m, (const char *const[]){ "period", "100ms", "budget", "70ms", NULL });
    mock_run(m, MS(1000));
    case_sane(m);
    unsigned n;
    ck_assert_uint_le(case_latency(m, 0, 0, &n), US(1200));
    ck_assert_uint_ge(n, 180);
}
END_TEST

START_TEST(a_vm_cannot_promise_itself_too_much)
{
    static const char *const pairs[] = { "budget", "11ms", NULL };
    g_autoptr(mock) m = case_new(1, "rtds", NULL);
    const vmm_vm_config config = { .name = "greedy", .policy_params = pairs, .policy_origin = "x.conf: [vm greedy]" };
    g_autoptr(GError) error = NULL;
    mock_make(m);
    ck_assert(!vmm_check_vm(m->v, &config, &error));
    ck_assert(g_error_matches(error, SIM_ERROR, SIM_ERROR_INPUT));
    ck_assert_msg(strstr(error->message, "[vm greedy]") && strstr(error->message, "'budget'") && strstr(error->message, "'period'"), "%s",
                  error->message);
}
END_TEST

/* Ten servers of four tenths on two pCPUs, which can do five: they take turns. */
START_TEST(overload_is_shared)
{
    g_autoptr(mock) m = case_new(2, "rtds", NULL);
    for (unsigned i = 0; i < 10; i++)
        case_spin(m, 256);
    mock_run(m, MS(2000));
    case_sane(m);
    for (unsigned i = 0; i < 10; i++) {
        unsigned share = case_permille(g_ptr_array_index(m->guests, i), MS(2000));
        ck_assert_msg(share >= 120 && share <= 300, "VM %u has %u thousandths", i, share);
    }
}
END_TEST

START_TEST(affinity_to_one_pcpu)
{
    g_autoptr(mock) m = case_new(2, "rtds", strict);
    for (unsigned i = 0; i < 3; i++)
        case_spin_on(m, 256, 1);
    mock_guest *free_one = case_spin(m, 256);
    mock_run(m, MS(500));
    case_sane(m);
    unsigned n;
    const vmm_slice *s = vmm_slices(m->v, &n);
    for (unsigned i = 0; i < n; i++)
        ck_assert(s[i].vm == 3 || s[i].pcpu == 1);
    ck_assert_uint_ge(case_permille(free_one, MS(500)), 399);
}
END_TEST

START_TEST(crowds)
{
    case_crowd("rtds", 1, 1, 0, MS(100));
    case_crowd("rtds", 4, 8, 24, MS(150));
    case_crowd("rtds", 16, 64, 192, MS(60));
    ck_assert_uint_le(case_storm("rtds", 8, 256, MS(20)), MS(2));
}
END_TEST

TCase *vmm_tests_rtds(void)
{
    TCase *t = tcase_create("rtds");
    tcase_set_timeout(t, 60);
    tcase_add_test(t, budgets_are_enforced_and_replenished);
    tcase_add_test(t, sleeping_gives_no_budget);
    tcase_add_test(t, reservations_hold_against_extra_time);
    tcase_add_test(t, servers_are_deferrable);
    tcase_add_test(t, a_vm_cannot_promise_itself_too_much);
    tcase_add_test(t, overload_is_shared);
    tcase_add_test(t, affinity_to_one_pcpu);
    tcase_add_test(t, crowds);
    return t;
}
