/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel-suites.h"

#include "sim-random.h"

/* These values may never change: every result with chance in it depends on them. */
START_TEST(streams_are_stable)
{
    sim_random random;
    sim_random_init(&random, 1, "golden");
    uint64_t values[4];
    for (unsigned i = 0; i < 4; i++)
        values[i] = sim_random_next(&random);
    ck_assert_uint_eq(values[0], UINT64_C(0x96af10d2c0569269));
    ck_assert_uint_eq(values[1], UINT64_C(0x6a37c7cd68f2c426));
    ck_assert_uint_eq(values[2], UINT64_C(0x5d36175b5981528e));
    ck_assert_uint_eq(values[3], UINT64_C(0xa23feb78dea5746b));
}
END_TEST

START_TEST(streams_differ_by_name_and_seed)
{
    sim_random a, b, c, again;
    sim_random_init(&a, 1, "one");
    sim_random_init(&b, 1, "two");
    sim_random_init(&c, 2, "one");
    sim_random_init(&again, 1, "one");
    uint64_t first = sim_random_next(&a);
    ck_assert_uint_ne(first, sim_random_next(&b));
    ck_assert_uint_ne(first, sim_random_next(&c));
    ck_assert_uint_eq(first, sim_random_next(&again));
}
END_TEST

START_TEST(below_is_uniform_and_in_bounds)
{
    enum { BOUND = 7, DRAWS = 70000 };
    unsigned counts[BOUND] = {0};
    sim_random random;
    sim_random_init(&random, 3, "below");
    for (unsigned i = 0; i < DRAWS; i++) {
        uint64_t value = sim_random_below(&random, BOUND);
        ck_assert_uint_lt(value, BOUND);
        counts[value]++;
    }
    for (unsigned i = 0; i < BOUND; i++) { /* 10,000 each; 5 standard deviations are 463 */
        ck_assert_uint_gt(counts[i], 9500);
        ck_assert_uint_lt(counts[i], 10500);
    }
    for (unsigned i = 0; i < 1000; i++)
        ck_assert_uint_lt(sim_random_below(&random, (UINT64_C(1) << 63) + 1), (UINT64_C(1) << 63) + 1);
    ck_assert_uint_eq(sim_random_below(&random, 1), 0);
}
END_TEST

Suite *random_suite(void)
{
    Suite *s = suite_create("random");
    TCase *t = tcase_create("random");
    tcase_add_test(t, streams_are_stable);
    tcase_add_test(t, streams_differ_by_name_and_seed);
    tcase_add_test(t, below_is_uniform_and_in_bounds);
    suite_add_tcase(s, t);
    return s;
}
