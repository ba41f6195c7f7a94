/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Expectations: what they mean, and what is said of those that mean nothing. */
#include "run-suites.h"

#include "run-expression.h"
#include "sim-error.h"

#include <math.h>
#include <string.h>

static bool figure(G_GNUC_UNUSED void *user, const char *name, bool *is_time, GError **error)
{
    static const char *const known[] = {"stp", "antt", "zero", "L1-dcache-loads", "uncore_imc/data_reads", "vm.web.wake_p99", NULL};
    *is_time = g_str_has_suffix(name, "wake_p99");
    if (g_strv_contains(known, name))
        return true;
    g_autofree char *hint = sim_suggest(name, known);
    g_set_error(error, SIM_ERROR, SIM_ERROR_INPUT, "there is no figure '%s'%s", name, hint);
    return false;
}

static const char *const runs[] = {"round-robin", "credit", "recorded", NULL}, *const others[] = {"gang", NULL};
static const run_names names = {NULL, figure, runs, others};

/* Of the run that is checked stp is 2, antt 1.5, wake_p99 1.5 ms; of round-robin half of that, of credit nothing is known. */
static bool value(G_GNUC_UNUSED void *user, const char *name, const char *run, double *out, char **why)
{
    double half = run && strcmp(run, "round-robin") == 0 ? 0.5 : 1;
    double whole = g_str_equal(name, "stp") ? 2 : g_str_equal(name, "antt") ? 1.5 : g_str_equal(name, "zero") ? 0 : g_str_has_suffix(name, "p99") ? 1.5e9 : 100;
    *out = half * whole;
    if (run && strcmp(run, "credit") == 0)
        *why = g_strdup("credit did not run");
    return !*why;
}

static run_outcome outcome(const char *text)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(run_expectation) e = run_expectation_parse(text, &names, &error);
    ck_assert_msg(e != NULL, "%s: %s", text, error ? error->message : "");
    return run_expectation_evaluate(e, value, NULL);
}

START_TEST(meaning)
{
    static const struct {
        const char *text;
        bool passed;
        double measured, bound, margin;
    } table[] = {
        {"stp >= 1.00 * round-robin", true, 2, 1, 1},
        {"stp>=1.00*round-robin", true, 2, 1, 1},
        {"vm.web.wake_p99 <= 2ms", true, 1.5e9, 2e9, 0.25},
        {"vm.web.wake_p99 < 1500us", false, 1.5e9, 1.5e9, 0},
        {"2ms >= vm.web.wake_p99", true, 1.5e9, 2e9, 0.25},
        {"1.05 * round-robin >= antt", false, 1.5, 0.7875, -1.5 / 0.7875 + 1},
        {"antt@round-robin == 0.75", true, 0.75, 0.75, 0},
        {"stp - antt > 10%", true, 0.5, 0.1, 4},
        {"-stp + 2 * antt - 1 == 0", true, 0, 0, 0},
        {"stp * (antt + 0.5) / 4 >= 1", true, 1, 1, 0},
        {"12 / stp / 3 == 2", true, 2, 2, 0},
        {"stp - 1 - 1 == 0", true, 0, 0, 0},
        {"min(stp, antt, 5) == 1.5", true, 1.5, 1.5, 0},
        {"max(stp, antt) != 2", false, 2, 2, 0},
        {"abs(antt - stp) <= 0.5", true, 0.5, 0.5, 0},
        {"vm.web.wake_p99 / 1ms <= 1.5", true, 1.5, 1.5, 0},
        {"vm.web.wake_p99 / round-robin <= 2", true, 2, 2, 0},
        {"L1-dcache-loads < 1k", true, 100, 1000, 0.9},
        {"uncore_imc/data_reads / 1e1 > 1.5e-1", true, 10, 0.15, 10 / 0.15 - 1},
        {"  stp@round-robin <= stp  ", true, 2, 1, 1}, /* the run that is checked is what is measured */
    };
    for (unsigned i = 0; i < G_N_ELEMENTS(table); i++) {
        run_outcome o = outcome(table[i].text);
        ck_assert_msg(o.known, "%s: %s", table[i].text, o.why);
        ck_assert_msg(o.passed == table[i].passed, "%s", table[i].text);
        ck_assert_double_eq_tol(o.measured, table[i].measured, 1e-6);
        ck_assert_double_eq_tol(o.bound, table[i].bound, 1e-6);
        ck_assert_double_eq_tol(o.margin, table[i].margin, 1e-9);
        run_outcome_clear(&o);
    }
}
END_TEST

START_TEST(mistakes)
{
    static const struct {
        const char *text, *said;
    } table[] = {
        {"", "column 1: a number, a figure or a policy is missing at the end"},
        {"stp", "column 4: one of <=, <, >=, >, ==, != is missing"},
        {"stp >=", "column 7: a number, a figure or a policy is missing at the end"},
        {"stp = 1", "column 5: an operator or one of <="},
        {"stpp >= 1", "column 1: there is no figure 'stpp'; did you mean 'stp'?"},
        {"stp >= 1 * rund-robin", "column 12: there is no figure 'rund-robin'"},
        {"stp-antt >= 1", "write blanks around them"},
        {"stp >= gang", "column 8: the policy 'gang' is not run here; add it to"},
        {"stp / stp@gang >= 1", "column 11: the policy 'gang' is not run here"},
        {"stp@ >= 1", "column 5: a policy has to follow '@'; valid: round-robin, credit, recorded"},
        {"stp@credt >= 1", "column 5: there is no run of a policy 'credt'; did you mean 'credit'?"},
        {"nix@credit >= 1", "column 1: there is no figure 'nix'"},
        {"vm.web.wake_p99 <= 2", "column 17: a time and a number: give the number a unit, for example 2ms"},
        {"vm.web.wake_p99 <= 2 * stp", "column 17: a time and a number without a unit"},
        {"stp + 2ms >= 1", "column 5: a time and a number"},
        {"vm.web.wake_p99 * 1ms >= 1ms", "two different powers of time"},
        {"vm.web.wake_p99 <= 2 ms", "column 22: the expectation should end here"},
        {"vm.web.wake_p99 <= 2min", "column 21: 'min' is no unit; valid: ps, ns"},
        {"stp >= 1 1", "column 10: the expectation should end here; put ';' between two"},
        {"stp >= 1; antt >= 2", "column 9: the expectation should end here"},
        {"stp >= (1 + 2", "column 14: ')' is missing"},
        {"stp >= min(1, 2", "column 16: ',' or ')' is missing"},
        {"abs(stp, antt) >= 1", "column 1: abs takes one value"},
        {"stp >= 1.2.3", "column 8: '1.2.3' is no number"},
        {"stp >= 1e999", "is no number"},
        {"stp >= .", "'.' is no number"},
        {"stp >= 1 <= 2", "column 10: the expectation should end here"},
        {"1 >= 2", "column 1: names no figure"},
        {"1 >= round-robin", "column 1: names no figure"},
        {"stp + antt >= round-robin", "column 15: which figure of 'round-robin'? More than one is named; write FIGURE@round-robin"},
        {"stp >= $5", "column 8: a number, a figure or a policy is missing before '$'"},
        {"stp >= \xc3\xa4", "before '\xc3\xa4'"},
        {"\xff >= 1", "valid UTF-8"},
        {"stp >= ((((((((((((((((((((((((((((((((((1))))))))))))))))))))))))))))))))))", "nested more than 32 deep"},
        {"stp >= ----------------------------------------------------------------1", "nested more than 32 deep"},
    };
    for (unsigned i = 0; i < G_N_ELEMENTS(table); i++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(run_expectation) e = run_expectation_parse(table[i].text, &names, &error);
        ck_assert_msg(!e && error, "%s was taken", table[i].text);
        ck_assert_msg(strstr(error->message, table[i].said) != NULL, "%s: %s", table[i].text, error->message);
    }
    g_autoptr(GError) error = NULL;
    g_autofree char *text = g_strnfill(2000, ' ');
    memcpy(text, "stp >= 1 * rr", 13);
    text[13] = '\0';
    g_assert_null(run_expectation_parse(text, &names, &error));
    ck_assert_ptr_nonnull(strstr(error->message, "\n    stp >= 1 * rr\n               ^")); /* below the column */
    g_autofree char *large = g_strnfill(2000, '1');
    ck_assert_ptr_null(run_expectation_parse(large, &names, NULL));
}
END_TEST

START_TEST(without_a_value)
{
    run_outcome o = outcome("stp >= credit");
    ck_assert(!o.known && !o.passed);
    ck_assert_str_eq(o.why, "credit did not run");
    run_outcome_clear(&o);
    o = outcome("stp / zero@round-robin >= 1 * stp@credit");
    ck_assert(!o.known);
    ck_assert_str_eq(o.why, "divides by zero of round-robin, which is 0"); /* the first reason */
    run_outcome_clear(&o);
    o = outcome("stp / (antt - 1.5) >= 1");
    ck_assert(!o.known);
    ck_assert_str_eq(o.why, "divides by 0 at column 5");
    run_outcome_clear(&o);
    g_autoptr(run_expectation) e = run_expectation_parse("stp >= 0.9 * recorded", &names, NULL);
    ck_assert(run_expectation_uses(e, "recorded") && !run_expectation_uses(e, "round-robin"));
    ck_assert(run_expectation_is_of_checked(e));
    ck_assert_str_eq(run_expectation_relation(e), ">=");
    g_autoptr(run_expectation) of_others = run_expectation_parse("stp@credit >= round-robin", &names, NULL);
    ck_assert(!run_expectation_is_of_checked(of_others));
}
END_TEST

Suite *expression_suite(void)
{
    Suite *s = suite_create("expression");
    TCase *c = tcase_create("expression");
    tcase_add_test(c, meaning);
    tcase_add_test(c, mistakes);
    tcase_add_test(c, without_a_value);
    suite_add_tcase(s, c);
    return s;
}
