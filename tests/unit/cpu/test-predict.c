/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cpu-fixture.h"
#include "cpu-predict.h"
#include "cpu-tage.h"

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

/* Mispredictions of the last quarter of 20,000 branches at one address, of which `outcome` tells the n-th. */
static unsigned tage_wrong(uint32_t kib, bool (*outcome)(unsigned n))
{
    cpu_tage *t = cpu_tage_new(kib);
    cpu_tage_history *h = g_new0(cpu_tage_history, 1);
    unsigned wrong = 0;
    for (unsigned i = 0; i < 20000; i++) {
        bool right = cpu_tage_predict(t, h, 0x401234, outcome(i));
        wrong += i >= 15000 && !right;
    }
    cpu_tage_free(t);
    g_free(h);
    return wrong;
}

static bool long_pattern(unsigned n)
{
    static const char pattern[] = "1101001110100010111010010001101110001011010111000110100100"; /* 58 outcomes */
    return pattern[n % (sizeof pattern - 1)] == '1';
}

static bool long_loop(unsigned n)
{
    return n % 601 != 600; /* longer than any history */
}

static bool by_chance(unsigned n)
{
    uint64_t x = (n + 1) * UINT64_C(0x9e3779b97f4a7c15);
    x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    return (x ^ x >> 27) >> 40 & 1;
}

START_TEST(tage_learns_what_gshare_cannot)
{
    ck_assert_uint_eq(tage_wrong(8, long_pattern), 0);
    cpu_gshare g;
    uint32_t history = 0;
    unsigned wrong = 0;
    cpu_gshare_init(&g, 16, 4);
    for (unsigned i = 0; i < 20000; i++)
        wrong += !cpu_gshare_predict(&g, &history, 0x401234, long_pattern(i)) && i >= 15000;
    cpu_gshare_clear(&g);
    ck_assert_uint_gt(wrong, 500);
}
END_TEST

START_TEST(tage_counts_loops)
{
    ck_assert_uint_le(tage_wrong(8, long_loop), 1);
}
END_TEST

START_TEST(tage_is_as_good_as_chance_on_chance)
{
    unsigned wrong = tage_wrong(8, by_chance);
    ck_assert_uint_gt(wrong, 1500);
    ck_assert_uint_lt(wrong, 3500);
}
END_TEST

START_TEST(tage_keeps_to_its_budget)
{
    for (uint32_t kib = 2; kib <= 256; kib *= 2) {
        cpu_tage *t = cpu_tage_new(kib);
        ck_assert_uint_le(cpu_tage_bits(t), (uint64_t)kib * 8192);
        ck_assert_uint_ge(cpu_tage_bits(t), (uint64_t)kib * 8192 / 2);
        cpu_tage_free(t);
    }
}
END_TEST

START_TEST(targets_by_history)
{
    /* A jump with three targets in turn: the BTB, which knows the last one, never has it; the history of targets has. */
    cpu_indirect p;
    uint64_t history = 0, last = UINT64_MAX, targets[] = {0x1000, 0x2000, 0x3000};
    unsigned wrong = 0;
    cpu_indirect_init(&p, 64);
    for (unsigned i = 0; i < 300; i++) {
        uint64_t target = targets[i % 3];
        wrong += cpu_indirect_predict(&p, &history, 0x400100, last, target) != target;
        last = target;
    }
    cpu_indirect_clear(&p);
    ck_assert_uint_le(wrong, 12);
}
END_TEST

START_TEST(lines_in_turn)
{
    cpu_lines p;
    cpu_lines_init(&p, 16);
    ck_assert(!cpu_lines_predict(&p, 1, 2));
    ck_assert(cpu_lines_predict(&p, 1, 2));
    ck_assert(!cpu_lines_predict(&p, 1, 3)); /* goes elsewhere */
    ck_assert(!cpu_lines_predict(&p, 1, 2));
    ck_assert(!cpu_lines_predict(&p, 17, 5)); /* the same entry */
    ck_assert(!cpu_lines_predict(&p, 1, 2));
    cpu_lines_clear(&p);
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
    tcase_add_test(t, tage_learns_what_gshare_cannot);
    tcase_add_test(t, tage_counts_loops);
    tcase_add_test(t, tage_is_as_good_as_chance_on_chance);
    tcase_add_test(t, tage_keeps_to_its_budget);
    tcase_add_test(t, targets_by_history);
    tcase_add_test(t, lines_in_turn);
    suite_add_tcase(suite, t);
    return fixture_main(suite);
}
