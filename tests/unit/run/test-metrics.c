/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "run-suites.h"

#include "run-metrics.h"

#include <string.h>

static GArray *samples(const uint64_t *values, guint n)
{
    GArray *a = g_array_new(FALSE, FALSE, sizeof(uint64_t));
    return g_array_append_vals(a, values, n);
}

START_TEST(percentiles_are_nearest_rank)
{
    sim_ps p50, p99, max;
    static const uint64_t four[] = {40, 10, 30, 20};
    g_autoptr(GArray) a = samples(four, 4);
    run_metrics_latencies(a, &p50, &p99, &max);
    ck_assert_uint_eq(p50, 20);
    ck_assert_uint_eq(p99, 40);
    ck_assert_uint_eq(max, 40);
    uint64_t many[200];
    for (unsigned i = 0; i < 200; i++)
        many[i] = 200 - i;
    g_autoptr(GArray) b = samples(many, 200);
    run_metrics_latencies(b, &p50, &p99, &max);
    ck_assert_uint_eq(p50, 100);
    ck_assert_uint_eq(p99, 198);
    ck_assert_uint_eq(max, 200);
    g_autoptr(GArray) none = samples(NULL, 0);
    run_metrics_latencies(none, &p50, &p99, &max);
    ck_assert_uint_eq(p50 + p99 + max, 0);
}
END_TEST

static GArray *curve_of(const run_point *points, guint n)
{
    GArray *a = g_array_new(FALSE, FALSE, sizeof(run_point));
    return g_array_append_vals(a, points, n);
}

START_TEST(a_curve_is_linear_between_points_and_idles_at_their_begin)
{
    /* 100 instructions by 1,100 ps; then blocked for 800 ps; 200 instructions by 2,100 ps. Power-on at 100. */
    static const run_point points[] = {{1100, 100, 0}, {2100, 200, 800}};
    g_autoptr(GArray) c = curve_of(points, 2);
    ck_assert_uint_eq(run_metrics_time_at(c, 100, 50), 500);
    ck_assert_uint_eq(run_metrics_time_at(c, 100, 100), 1000);
    ck_assert_uint_eq(run_metrics_time_at(c, 100, 150), 1000 + 800 + 100);
    ck_assert_uint_eq(run_metrics_time_at(c, 100, 200), 2000);
    ck_assert_uint_eq(run_metrics_time_at(c, 100, 999), 2000);
    ck_assert_uint_eq(run_metrics_time_at(NULL, 100, 50), 0);
}
END_TEST

static run_vm_result *add_vm(run_result *r, const char *name, uint64_t insns, uint64_t cycles)
{
    run_vm_result *vm = g_new0(run_vm_result, 1);
    vm->name = g_strdup(name);
    vm->started = true;
    vm->ev[SIM_EV_INSTRUCTIONS] = insns;
    vm->ev[SIM_EV_CYCLES] = cycles;
    g_ptr_array_add(r->vms, vm);
    return vm;
}

/* A run of VM i alone, which takes `time` for `insns`, at an even pace. */
static run_result *alone_run(guint i, guint n, uint64_t insns, sim_ps time, bool ended)
{
    run_result *r = run_result_new();
    run_vm_result *vm = add_vm(r, "own", insns, 0);
    vm->ended = ended;
    vm->ended_at = time;
    r->curves = g_new0(GArray *, n + 1);
    for (guint k = 0; k < n; k++)
        r->curves[k] = curve_of(NULL, 0);
    run_point end = {time, insns, 0};
    g_array_append_val(r->curves[i], end);
    return r;
}

START_TEST(throughput_and_fairness_of_two_vms)
{
    g_autoptr(run_result) r = run_result_new();
    r->simulated = 1000;
    run_vm_result *a = add_vm(r, "a", 500, 0), *b = add_vm(r, "b", 100, 0);
    a->reached_at = 1000; /* still at it: 500 instructions in 1,000 ps */
    b->ended = true;
    b->started_at = 200;
    b->reached_at = b->ended_at = 600;
    /* Alone a does 1,000 instructions in 1,000 ps: 500 take 500. b takes 300 to its end. */
    run_result *alone[] = {alone_run(0, 2, 1000, 1000, false), alone_run(1, 2, 100, 300, true)};
    run_metrics_against_alone(r, alone);
    ck_assert_uint_eq(a->alone_time, 500);
    ck_assert_uint_eq(b->alone_time, 300);
    ck_assert_double_eq_tol(a->ratios.progress, 0.5, 1e-12);
    ck_assert_double_eq_tol(b->ratios.progress, 0.75, 1e-12);
    ck_assert_double_eq_tol(r->totals.stp, 1.25, 1e-12);
    ck_assert_double_eq_tol(r->totals.antt, (2 + 4.0 / 3) / 2, 1e-12);
    ck_assert_double_eq_tol(r->totals.harmonic, 2 / (2 + 4.0 / 3), 1e-12);
    ck_assert_double_eq_tol(r->totals.jain, 1.25 * 1.25 / (2 * (0.25 + 0.5625)), 1e-12);
    ck_assert_double_eq_tol(r->totals.min_max, 0.5 / 0.75, 1e-12);
    run_result_free(alone[0]);
    run_result_free(alone[1]);
}
END_TEST

START_TEST(a_vm_that_waited_for_all_of_the_run_is_no_winner)
{
    g_autoptr(run_result) r = run_result_new();
    r->simulated = 1000;
    run_vm_result *a = add_vm(r, "a", 1000, 0), *b = add_vm(r, "b", 0, 0);
    a->reached_at = b->reached_at = 1000;
    b->in_state[VMM_RUNNABLE] = 1000;
    run_result *alone[] = {alone_run(0, 2, 1000, 1000, false), alone_run(1, 2, 500, 1000, false)};
    run_metrics_against_alone(r, alone);
    ck_assert_double_eq_tol(r->totals.stp, 1, 1e-12);
    ck_assert_double_eq_tol(r->totals.jain, 0.5, 1e-12); /* as if all of it went to one of two */
    ck_assert(run_metric_of_run(r, RUN_MIN_MAX).known && r->totals.min_max == 0);
    ck_assert(run_metric_of_run(r, RUN_HARMONIC).known && r->totals.harmonic == 0);
    ck_assert(!run_metric_of_run(r, RUN_ANTT).known);
    run_result_free(alone[0]);
    run_result_free(alone[1]);
}
END_TEST

START_TEST(entitlements_fill_the_machine_and_no_vm_more_than_a_processor)
{
    static const uint32_t weights[] = {256, 512, 256, 0}, one_big[] = {65535, 1, 1};
    double e[4];
    run_metrics_entitle(weights, 4, 1, e);
    ck_assert_double_eq_tol(e[0], 0.25, 1e-12);
    ck_assert_double_eq_tol(e[1], 0.5, 1e-12);
    ck_assert_double_eq_tol(e[3], 0, 1e-12);
    /* Of two processors the heavy VM can use one; the others share the second. */
    run_metrics_entitle(one_big, 3, 2, e);
    ck_assert_double_eq_tol(e[0], 1, 1e-12);
    ck_assert_double_eq_tol(e[1], 0.5, 1e-12);
    run_metrics_entitle(weights, 4, 8, e);
    ck_assert_double_eq_tol(e[0] + e[1] + e[2] + e[3], 3, 1e-12);
    run_metrics_entitle(weights, 0, 8, e);
}
END_TEST

START_TEST(by_entitlement_weights_count)
{
    g_autoptr(run_result) r = run_result_new();
    run_vm_result *a = add_vm(r, "a", 750, 0), *b = add_vm(r, "b", 250, 0);
    a->weight = 300;
    b->weight = 100;
    a->reached_at = b->reached_at = 1000;
    g_ptr_array_add(r->lps, g_new0(run_lp_result, 1));
    run_result *alone[] = {alone_run(0, 2, 1000, 1000, false), alone_run(1, 2, 1000, 1000, false)};
    run_metrics_against_alone(r, alone);
    ck_assert_double_eq_tol(a->ratios.slowdown, 4.0 / 3, 1e-12);
    ck_assert_double_eq_tol(b->ratios.slowdown, 4, 1e-12);
    ck_assert_double_eq_tol(a->ratios.entitled_slowdown, 1, 1e-12);
    ck_assert_double_eq_tol(b->ratios.entitled_slowdown, 1, 1e-12);
    ck_assert_double_eq_tol(r->totals.entitled_jain, 1, 1e-12);
    ck_assert_double_eq_tol(r->totals.entitled_min_max, 1, 1e-12);
    ck_assert_double_eq_tol(r->totals.min_max, 1.0 / 3, 1e-12);
    run_result_free(alone[0]);
    run_result_free(alone[1]);
}
END_TEST

/* A VM that was removed did part of its work: its instructions are compared, not its life. */
START_TEST(a_removed_vm_is_compared_by_its_instructions)
{
    g_autoptr(run_result) r = run_result_new();
    run_vm_result *a = add_vm(r, "a", 250, 0);
    a->ended = a->stopped = true;
    a->reached_at = a->ended_at = 1000;
    run_result *alone[] = {alone_run(0, 1, 1000, 1000, true)};
    ((run_vm_result *)g_ptr_array_index(alone[0]->vms, 0))->stopped = true;
    run_metrics_against_alone(r, alone);
    ck_assert_double_eq_tol(a->ratios.progress, 0.25, 1e-12);
    run_result_free(alone[0]);
}
END_TEST

START_TEST(a_vm_that_did_nothing_counts_nowhere)
{
    g_autoptr(run_result) r = run_result_new();
    r->simulated = 1000;
    run_vm_result *a = add_vm(r, "a", 500, 0), *b = add_vm(r, "b", 0, 0);
    a->reached_at = 1000;
    b->started = false;
    run_result *alone[] = {alone_run(0, 2, 1000, 1000, false), alone_run(1, 2, 0, 0, false)};
    run_metrics_against_alone(r, alone);
    ck_assert_double_eq_tol(r->totals.stp, 0.5, 1e-12);
    ck_assert_double_eq_tol(r->totals.jain, 1, 1e-12);
    ck_assert(!run_metric_of_vm(b, RUN_SLOWDOWN).known);
    ck_assert(run_metric_of_run(r, RUN_STP).known);
    run_result_free(alone[0]);
    run_result_free(alone[1]);
}
END_TEST

START_TEST(totals_pool_events_and_wake_ups)
{
    static const uint64_t slow[] = {1000}, fast[] = {1, 2, 3};
    g_autoptr(run_result) r = run_result_new();
    run_vm_result *a = add_vm(r, "a", 1000, 2000), *b = add_vm(r, "b", 3000, 2000);
    a->ev[SIM_EV_L2_MISSES] = 10;
    b->ev[SIM_EV_L2_MISSES] = 2;
    a->ev[SIM_EV_L1D_LOAD_MISSES] = 30;
    a->ev[SIM_EV_L1D_STORE_MISSES] = 10;
    a->wake_latency = samples(slow, 1);
    b->wake_latency = samples(fast, 3);
    a->dispatches = 3;
    b->dispatches = 4;
    b->quanta_extended = 2;
    a->quanta_ended_early = 1;
    run_metrics_totals(r);
    ck_assert_uint_eq(r->totals.instructions, 4000);
    ck_assert_double_eq_tol(r->totals.ratios.ipc, 1, 1e-12);
    ck_assert_double_eq_tol(r->totals.ratios.l2_mpki, 3, 1e-12);
    ck_assert_double_eq_tol(r->totals.ratios.l1d_mpki, 10, 1e-12);
    ck_assert_uint_eq(r->totals.switches, 7);
    ck_assert_uint_eq(r->totals.quanta_changed, 3);
    ck_assert_uint_eq(r->totals.wakes, 4);
    ck_assert_uint_eq(r->totals.wake_p50, 2);
    ck_assert_uint_eq(r->totals.wake_p99, 1000);
}
END_TEST

START_TEST(ratios_are_defined_or_not_there)
{
    double ratio;
    run_metric_value zero = {true, true, 0, 0}, two = {true, true, 2, 2}, three = {true, false, 0,
                                                                                   3}, unknown = {0};
    ck_assert(run_metric_ratio(three, two, &ratio) && ratio == 1.5);
    ck_assert(run_metric_ratio(zero, two, &ratio) && ratio == 0);
    ck_assert(run_metric_ratio(zero, zero, &ratio) && ratio == 1);
    ck_assert(!run_metric_ratio(two, zero, &ratio));
    ck_assert(!run_metric_ratio(two, unknown, &ratio));
    ck_assert(!run_metric_ratio(unknown, two, &ratio));
}
END_TEST

Suite *metrics_suite(void)
{
    Suite *s = suite_create("metrics");
    TCase *t = tcase_create("metrics");
    tcase_add_test(t, percentiles_are_nearest_rank);
    tcase_add_test(t, a_curve_is_linear_between_points_and_idles_at_their_begin);
    tcase_add_test(t, throughput_and_fairness_of_two_vms);
    tcase_add_test(t, a_vm_that_waited_for_all_of_the_run_is_no_winner);
    tcase_add_test(t, a_vm_that_did_nothing_counts_nowhere);
    tcase_add_test(t, entitlements_fill_the_machine_and_no_vm_more_than_a_processor);
    tcase_add_test(t, by_entitlement_weights_count);
    tcase_add_test(t, a_removed_vm_is_compared_by_its_instructions);
    tcase_add_test(t, totals_pool_events_and_wake_ups);
    tcase_add_test(t, ratios_are_defined_or_not_there);
    suite_add_tcase(s, t);
    return s;
}
