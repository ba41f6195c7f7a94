/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel-suites.h"

#include "sim-emon.h"
#include "sim-error.h"

static const char *const words[] = {"round-robin", "priority", "emon-quantum", NULL};

START_TEST(nearest_finds_slips_and_only_those)
{
    ck_assert_str_eq(sim_nearest("round-robbin", words), "round-robin");
    ck_assert_str_eq(sim_nearest("prioirty", words), "priority");
    ck_assert_str_eq(sim_nearest("EMON-QUANTUM", words), "emon-quantum");
    ck_assert_str_eq(sim_nearest("emon-quntm", words), "emon-quantum");
    ck_assert_ptr_null(sim_nearest("credit", words));
    ck_assert_ptr_null(sim_nearest("", words));
    ck_assert_ptr_null(sim_nearest("x", (const char *const[]){NULL}));
    g_autofree char *longest = g_strnfill(10000, 'a');
    ck_assert_ptr_null(sim_nearest(longest, words));
}
END_TEST

START_TEST(suggestion_is_a_question_or_the_list)
{
    g_autofree char *near = sim_suggest("prioritty", words);
    ck_assert_str_eq(near, "; did you mean 'priority'?");
    g_autofree char *far = sim_suggest("credit", words);
    ck_assert_str_eq(far, "; valid: round-robin, priority, emon-quantum");
    g_autofree char *none = sim_suggest("credit", (const char *const[]){NULL});
    ck_assert_str_eq(none, "");
}
END_TEST

START_TEST(events_have_unique_names_that_lead_back)
{
    for (int i = 0; i < SIM_EV_COUNT; i++) {
        ck_assert_int_eq(sim_emon_by_name(sim_emon_events[i].name), i);
        ck_assert_uint_gt(strlen(sim_emon_events[i].text), 0);
    }
    ck_assert_int_eq(sim_emon_by_name("branch-misses"), SIM_EV_BRANCH_MISSES);
    ck_assert_int_eq(sim_emon_by_name("no-such-event"), -1);
}
END_TEST

START_TEST(cpi_stacks_sum_to_the_cycles)
{
    uint64_t stack[SIM_CPI_COUNT];
    uint64_t ev[SIM_EV_COUNT] = {[SIM_EV_CYCLES] = 100, [SIM_EV_STALLS_BRANCH] = 30, [SIM_EV_STALLS_MEM] = 60, [SIM_EV_CPI_PIPELINE] = 9,
                                 [SIM_EV_CPI_BASE] = 7};
    sim_cpi_stack(ev, stack);
    ck_assert_uint_eq(stack[SIM_CPI_BASE], 7);
    ck_assert_uint_eq(stack[SIM_CPI_CORE], 3); /* what was rounded off is its */
    ck_assert_uint_eq(stack[SIM_CPI_BRANCH], 30);
    ck_assert_uint_eq(stack[SIM_CPI_MEMORY], 60);
    ev[SIM_EV_STALLS_SYSTEM] = 11; /* a difference of rounded counts can be one too many */
    sim_cpi_stack(ev, stack);
    ck_assert_uint_eq(stack[SIM_CPI_BASE] + stack[SIM_CPI_CORE], 0);
    ck_assert_uint_eq(stack[SIM_CPI_SYSTEM], 10);
}
END_TEST

Suite *words_suite(void)
{
    Suite *s = suite_create("words");
    TCase *t = tcase_create("words");
    tcase_add_test(t, cpi_stacks_sum_to_the_cycles);
    tcase_add_test(t, nearest_finds_slips_and_only_those);
    tcase_add_test(t, suggestion_is_a_question_or_the_list);
    tcase_add_test(t, events_have_unique_names_that_lead_back);
    suite_add_tcase(s, t);
    return s;
}
