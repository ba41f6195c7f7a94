/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "run-report-sweep.h"
#include "run-result-read.h"
#include "run-suites.h"

#include <math.h>
#include <string.h>

static void tell(run_report_sweep *s, const char *policy, const char *parameter, uint64_t seed, double stp)
{
    run_report_sweep_run(s, seed);
    run_report_sweep_place(s, "scenario", "a");
    run_report_sweep_place(s, "policy", policy);
    if (parameter)
        run_report_sweep_place(s, "policy own.min", parameter);
    run_report_sweep_figure(s, "stp", stp);
    run_report_sweep_figure(s, "no-such-figure", 1);
}

/* The row of figure 0 of a combination. */
static JsonArray *row_of(JsonObject *data, guint place)
{
    JsonObject *p = run_read_element(run_read_array(data, "places"), place);
    return json_array_get_array_element(run_read_array(p, "figures"), 0);
}

START_TEST(parameters_of_one_policy)
{
    g_autoptr(run_report_sweep) s = run_report_sweep_new();
    for (uint64_t seed = 1; seed <= 5; seed++) {
        tell(s, "round-robin", NULL, seed, 2.0 + 0.01 * (double)seed);
        tell(s, "own", "1", seed, 3.0 + 0.011 * (double)seed);
        tell(s, "own", "2", seed, 1.0 + 0.012 * (double)seed);
    }
    tell(s, "own", "2", 3, 100); /* the same run again */
    JsonObject *data = run_report_sweep_data(s);
    ck_assert_uint_eq(run_read_length(run_read_array(data, "places")), 3);
    ck_assert_double_eq_tol(json_array_get_double_element(row_of(data, 1), 4), 3.033 / 2.03, 1e-4);
    ck_assert_int_eq(json_array_get_int_element(row_of(data, 2), 0), 5);
    ck_assert_double_eq_tol(json_array_get_double_element(row_of(data, 2), 1), 1.036, 1e-9);
    ck_assert_str_eq(json_array_get_string_element(run_read_array(data, "verdicts"), (guint)json_array_get_int_element(row_of(data, 1), 6)), "higher");
    ck_assert_str_eq(json_array_get_string_element(run_read_array(data, "verdicts"), (guint)json_array_get_int_element(row_of(data, 2), 6)), "lower");
    ck_assert_uint_eq(json_array_get_length(row_of(data, 0)), 4); /* the reference has none to be held against */
    json_object_unref(data);
}
END_TEST

static gsize size_of(guint combinations, guint seeds, gint64 *left_out)
{
    g_autoptr(run_report_sweep) s = run_report_sweep_new();
    static const char *const policies[] = {"round-robin", "credit", "eevdf", "emon-quantum"};
    for (guint i = 0; i < combinations; i++)
        for (guint seed = 0; seed < seeds; seed++) {
            char value[16];
            run_report_sweep_run(s, seed);
            g_snprintf(value, sizeof value, "%uus", i / 4);
            run_report_sweep_place(s, "policy.quantum", value);
            run_report_sweep_place(s, "policy", policies[i % 4]);
            for (const char *const *f = (const char *const[]){"stp", "antt", "jain", "ipc", "steal", "wake_p99", "instructions", NULL}; *f; f++)
                run_report_sweep_figure(s, *f, 1.0 / 3 + sin((double)(i * 7 + seed)));
        }
    JsonObject *data = run_report_sweep_data(s);
    g_autoptr(JsonNode) node = json_node_init_object(json_node_alloc(), data);
    g_autofree char *text = json_to_string(node, FALSE);
    *left_out = json_object_get_int_member(data, "n_left_out");
    json_object_unref(data);
    return strlen(text);
}

START_TEST(pages_are_bounded)
{
    gint64 left_out;
    ck_assert_uint_lt(size_of(1000, 10, &left_out), 2900u << 10);
    ck_assert_int_eq(left_out, 0);
    ck_assert_uint_lt(size_of(10000, 1, &left_out), 2900u << 10);
    ck_assert_int_eq(left_out, 0);
    ck_assert_uint_lt(size_of(RUN_REPORT_PLACES + 500, 1, &left_out), 3500u << 10);
    ck_assert_int_eq(left_out, 500);
}
END_TEST

Suite *sweep_suite(void)
{
    Suite *s = suite_create("sweep");
    TCase *t = tcase_create("sweep");
    tcase_set_timeout(t, 60);
    tcase_add_test(t, parameters_of_one_policy);
    tcase_add_test(t, pages_are_bounded);
    suite_add_tcase(s, t);
    return s;
}
