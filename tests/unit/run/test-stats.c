/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Statistics against published tables and textbook examples. */
#include "run-suites.h"

#include "run-stats.h"

#include <glib.h>
#include <math.h>
#include <string.h>

/* Extra hours of sleep with two drugs: Student, "The probable error of a mean", Biometrika 6, 1908; the same as R's data set `sleep`. */
static const double sleep_a[] = {0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0};
static const double sleep_b[] = {1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4};
/* Crossed minus self-fertilised plants, eighths of an inch: Darwin 1876, in Fisher, The Design of Experiments, 1935, table 3. */
static const double maize[] = {49, -67, 8, 16, 6, 23, 28, 41, 14, 29, 56, 24, 75, 60, -48};
enum { MAIZE = 15 };

START_TEST(t_quantiles_are_those_of_the_tables)
{
    /* Abramowitz and Stegun, table 26.10, with the further digits that statistics programs give */
    static const struct {
        double p, df, t;
    } table[] = {{0.975, 1, 12.7062047362}, {0.975, 2, 4.30265272975}, {0.975, 4, 2.77644510520}, {0.975, 9, 2.26215716280}, {0.975, 30, 2.04227245630},
                 {0.95, 5, 2.01504837333}, {0.995, 10, 3.16927267261}, {0.75, 1, 1}, {0.975, 120, 1.97993040505}, {0.025, 9, -2.26215716280}};
    for (unsigned i = 0; i < G_N_ELEMENTS(table); i++) {
        ck_assert_double_eq_tol(run_stats_t_quantile(table[i].p, table[i].df), table[i].t, 1e-9 * fabs(table[i].t));
        ck_assert_double_eq_tol(run_stats_t_cdf(table[i].t, table[i].df), table[i].p, 1e-10);
    }
    ck_assert_double_eq_tol(run_stats_t_cdf(0, 7), 0.5, 1e-15);
    ck_assert_double_eq_tol(run_stats_t_quantile(0.975, 1e7), 1.959964, 1e-6); /* the normal distribution's */
}
END_TEST

START_TEST(a_sample_has_mean_and_interval)
{
    run_summary s = run_stats_summary(sleep_a, 10);
    ck_assert_double_eq_tol(s.mean, 0.75, 1e-12);
    ck_assert_double_eq_tol(s.sd, 1.789010, 1e-6);
    ck_assert_double_eq_tol(s.low, 0.75 - 2.2621571628 * 1.789010 / sqrt(10), 1e-6);
    ck_assert_double_eq_tol(s.high, 0.75 + 2.2621571628 * 1.789010 / sqrt(10), 1e-6);
    ck_assert_double_eq(s.min, -1.6);
    ck_assert_double_eq(s.max, 3.7);
    s = run_stats_summary(sleep_a, 1);
    ck_assert(!s.has_interval && s.mean == 0.7 && s.low == 0.7 && s.high == 0.7 && s.sd == 0);
    s = run_stats_summary(NULL, 0);
    ck_assert(!s.has_interval && s.n == 0 && s.mean == 0);
    /* equal values have exactly their mean, and an interval of no width */
    const double equal[] = {0.1, 0.1, 0.1};
    s = run_stats_summary(equal, 3);
    ck_assert(s.mean == 0.1 && s.low == 0.1 && s.high == 0.1);
}
END_TEST

START_TEST(student_sleep)
{
    /* t = -4.0621, df = 9, p = 0.002833, 95% interval -2.4598858 to -0.7001142 (what R prints for t.test(paired = TRUE)) */
    run_paired t = run_stats_paired(sleep_a, sleep_b, 10);
    ck_assert_double_eq_tol(t.mean, -1.58, 1e-12);
    ck_assert_double_eq_tol(t.low, -2.4598858, 1e-6);
    ck_assert_double_eq_tol(t.high, -0.7001142, 1e-6);
    ck_assert_double_eq_tol(2 * run_stats_t_cdf(-4.06212768, 9), 0.00283289, 1e-7);
    /* one patient's -4.6 is no member of a normal family: ranks decide, and nine differences of one sign are 2 of 512 */
    ck_assert_double_gt(run_stats_normality((const double[]){1.2, 2.4, 1.3, 1.3, 0, 1, 1.8, 0.8, 4.6, 1.4}, 10), 0.752);
    ck_assert_int_eq(t.test, RUN_TEST_WILCOXON);
    ck_assert_double_eq_tol(t.p, 2.0 / 512, 1e-12);
    ck_assert_int_eq(t.verdict, RUN_VERDICT_LOWER);
    ck_assert_uint_eq(t.n, 10);
    ck_assert_uint_eq(t.down, 9);
}
END_TEST

START_TEST(darwin_maize)
{
    double zero[MAIZE] = {0};
    /* Fisher: t = 2.148, 5% point 2.145; R prints p = 0.0497, interval 0.03 to 41.84; Wilcoxon V = 96, p = 0.04126 */
    run_summary s = run_stats_summary(maize, MAIZE);
    ck_assert_double_eq_tol(s.mean / (s.sd / sqrt(MAIZE)), 2.148, 5e-4);
    ck_assert_double_eq_tol(s.low, 0.0312, 1e-3);
    ck_assert_double_eq_tol(run_stats_wilcoxon(maize, MAIZE), 0.04126, 5e-6);
    run_paired t = run_stats_paired(maize, zero, MAIZE);
    ck_assert_int_eq(t.test, RUN_TEST_T);
    ck_assert_double_eq_tol(t.p, 0.0497, 5e-5);
    ck_assert_int_eq(t.verdict, RUN_VERDICT_HIGHER);
    ck_assert_double_eq(t.ratio, 0);
}
END_TEST

START_TEST(ranks_with_ties_and_of_many)
{
    /* counted by hand: ranks 1.5 1.5 3, of 8 signs two have a sum of positive ranks of at most 0 or at least 6 */
    ck_assert_double_eq_tol(run_stats_wilcoxon((const double[]){1, 1, 2}, 3), 0.25, 1e-15);
    /* smaller sum 1.5: of 8 the sums 0, 1.5, 1.5 */
    ck_assert_double_eq_tol(run_stats_wilcoxon((const double[]){-1, 1, 2}, 3), 0.75, 1e-15);
    ck_assert_double_eq(run_stats_wilcoxon(NULL, 0), 1);
    /* the approximation for 51 agrees with the count for 50 where both see the same thing */
    double v[51];
    for (int i = 0; i < 51; i++)
        v[i] = (i % 3 ? 1 : -1) * (i + 1.0);
    ck_assert_double_eq_tol(run_stats_wilcoxon(v, 51), run_stats_wilcoxon(v, 50), 0.02);
}
END_TEST

START_TEST(no_claim_without_grounds)
{
    const double one[] = {1, 1.01, 0.99, 1, 1.02}, two[] = {2, 2.01, 1.98, 2.03, 2.04};
    ck_assert_int_eq(run_stats_paired(two, one, 0).verdict, RUN_VERDICT_TOO_FEW);
    ck_assert_int_eq(run_stats_paired(two, one, 2).verdict, RUN_VERDICT_TOO_FEW);
    ck_assert_int_eq(run_stats_paired(two, one, 2).test, RUN_TEST_NONE);
    ck_assert_int_eq(run_stats_paired(two, one, 3).verdict, RUN_VERDICT_HIGHER);
    ck_assert_int_eq(run_stats_paired(one, two, 5).verdict, RUN_VERDICT_LOWER);
    ck_assert_int_eq(run_stats_paired(one, one, 5).verdict, RUN_VERDICT_EQUAL);
    /* seeds that change nothing are no sample, however many */
    const double five[] = {5, 5, 5, 5, 5, 5, 5, 5}, six[] = {6, 6, 6, 6, 6, 6, 6, 6};
    run_paired t = run_stats_paired(six, five, 8);
    ck_assert_int_eq(t.verdict, RUN_VERDICT_CONSTANT);
    ck_assert_int_eq(t.test, RUN_TEST_NONE);
    /* noise */
    const double a[] = {1.0, 2.0, 3.0, 4.0, 5.0, 6.0}, b[] = {1.1, 1.9, 3.2, 3.9, 4.9, 6.1};
    ck_assert_int_eq(run_stats_paired(a, b, 6).verdict, RUN_VERDICT_NO_DIFFERENCE);
    /* a few pairs, of which one goes the other way: whatever t says */
    const double c[] = {10, 20, 30, 40, 50, 60, 70}, d[] = {9, 19, 29, 39, 49, 59, 70.1};
    t = run_stats_paired(c, d, 7);
    ck_assert_double_lt(t.p, 0.05);
    ck_assert_int_eq(t.verdict, RUN_VERDICT_NO_DIFFERENCE);
    /* what rounding leaves is no difference */
    const double e[] = {0.1 + 0.2, 1, 2}, f[] = {0.3, 1, 2};
    ck_assert_int_eq(run_stats_paired(e, f, 3).verdict, RUN_VERDICT_EQUAL);
    /* a shift that is the same with every seed: ranks, not a division by nothing */
    const double g[] = {1, 2, 3, 4, 5, 6, 7}, h[] = {2, 3, 4, 5, 6, 7, 8};
    t = run_stats_paired(h, g, 7);
    ck_assert_int_eq(t.test, RUN_TEST_WILCOXON);
    ck_assert_double_eq_tol(t.p, 2.0 / 128, 1e-15);
}
END_TEST

START_TEST(many_tests_pay_for_it)
{
    /* Holm's procedure by hand: 0.01 * 4, 0.02 * 3, 0.03 * 2 (not below the one before), 0.04 */
    run_paired t[5] = {{.p = 0.03, .test = RUN_TEST_T, .n = 9, .mean = 1}, {.p = 0.01, .test = RUN_TEST_T, .n = 9, .mean = 1},
        {.p = 1, .verdict = RUN_VERDICT_EQUAL},
                       {.p = 0.04, .test = RUN_TEST_T, .n = 9, .mean = 1}, {.p = 0.02, .test = RUN_TEST_T, .n = 9, .mean = -1}};
    run_paired *all[5] = {&t[0], &t[1], &t[2], &t[3], &t[4]};
    run_stats_holm(all, 5);
    ck_assert_double_eq_tol(t[1].p_adjusted, 0.04, 1e-12);
    ck_assert_double_eq_tol(t[4].p_adjusted, 0.06, 1e-12);
    ck_assert_double_eq_tol(t[0].p_adjusted, 0.06, 1e-12);
    ck_assert_double_eq_tol(t[3].p_adjusted, 0.06, 1e-12);
    ck_assert_int_eq(t[1].verdict, RUN_VERDICT_HIGHER);
    ck_assert_int_eq(t[4].verdict, RUN_VERDICT_NO_DIFFERENCE);
    ck_assert_int_eq(t[2].verdict, RUN_VERDICT_EQUAL);
    ck_assert_double_eq(t[1].p, 0.01);
}
END_TEST

Suite *stats_suite(void)
{
    Suite *s = suite_create("stats");
    TCase *c = tcase_create("stats");
    tcase_add_test(c, t_quantiles_are_those_of_the_tables);
    tcase_add_test(c, a_sample_has_mean_and_interval);
    tcase_add_test(c, student_sleep);
    tcase_add_test(c, darwin_maize);
    tcase_add_test(c, ranks_with_ties_and_of_many);
    tcase_add_test(c, no_claim_without_grounds);
    tcase_add_test(c, many_tests_pay_for_it);
    suite_add_tcase(s, c);
    return s;
}
