/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cpu-fixture.h"

START_TEST(gshare_learns_a_pattern)
{
    cpu_gshare g;
    cpu_gshare_init(&g, 12, 8);
    uint32_t history = 0;
    unsigned wrong = 0;
    for (unsigned i = 0; i < 4000; i++) { /* taken, taken, not taken */
        bool right = cpu_gshare_predict(&g, &history, 0x401234, i % 3 != 2);
        if (i >= 1000)
            wrong += !right;
    }
    ck_assert_uint_eq(wrong, 0);
    cpu_gshare_clear(&g);
}
END_TEST

START_TEST(bimodal_cannot_learn_it)
{
    cpu_gshare g;
    cpu_gshare_init(&g, 12, 0);
    uint32_t history = 0;
    unsigned wrong = 0;
    for (unsigned i = 0; i < 3000; i++)
        wrong += !cpu_gshare_predict(&g, &history, 0x401234, i % 3 != 2);
    ck_assert_uint_eq(wrong, 1000);
    cpu_gshare_clear(&g);
}
END_TEST

START_TEST(btb_replaces_the_oldest)
{
    cpu_tlb_desc d = {.entries = 4, .ways = 4};
    cpu_btb b;
    cpu_btb_init(&b, &d);
    for (uint64_t pc = 1; pc <= 4; pc++)
        ck_assert_uint_eq(cpu_btb_lookup(&b, pc, pc * 10), UINT64_MAX);
    ck_assert_uint_eq(cpu_btb_lookup(&b, 1, 11), 10); /* refreshed, with a new target */
    ck_assert_uint_eq(cpu_btb_lookup(&b, 5, 50), UINT64_MAX); /* takes the place of 2 */
    ck_assert_uint_eq(cpu_btb_lookup(&b, 1, 11), 11);
    ck_assert_uint_eq(cpu_btb_lookup(&b, 2, 20), UINT64_MAX);
    cpu_btb_clear(&b);
}
END_TEST

START_TEST(tlb_tags_and_flush)
{
    cpu_tlb_desc d = {.entries = 8, .ways = 2};
    cpu_tlb t;
    cpu_tlb_init(&t, &d);
    uint64_t one = UINT64_C(1) << CPU_VPN_BITS | 5, two = UINT64_C(2) << CPU_VPN_BITS | 5;
    cpu_tlb_fill(&t, one, 0x1000);
    ck_assert_ptr_null(cpu_tlb_touch(&t, two)); /* another space's page of the same number */
    cpu_tlb_fill(&t, two, 0x2000);
    ck_assert_uint_eq(cpu_tlb_touch(&t, one)->pa, 0x1000);
    cpu_tlb_fill(&t, one + 4, 0x3000); /* the same set: the least recent, `two`, goes */
    ck_assert_ptr_null(cpu_tlb_touch(&t, two));
    ck_assert_ptr_nonnull(cpu_tlb_touch(&t, one));
    cpu_tlb_flush(&t);
    ck_assert_ptr_null(cpu_tlb_touch(&t, one));
    cpu_tlb_clear(&t);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("cpu-predict");
    TCase *t = tcase_create("predict");
    tcase_add_test(t, gshare_learns_a_pattern);
    tcase_add_test(t, bimodal_cannot_learn_it);
    tcase_add_test(t, btb_replaces_the_oldest);
    tcase_add_test(t, tlb_tags_and_flush);
    suite_add_tcase(suite, t);
    return fixture_main(suite);
}
