/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "support.h"

#include "wl-memory.h"

#include <errno.h>
#include <string.h>

#define AT UINT64_C(0x10000000)

static wl_memory *memory;

static void set_up(void)
{
    memory = wl_memory_new(64 * WL_PAGE, NULL);
    ck_assert_int_eq(wl_memory_reserve(memory, AT, AT + 256 * WL_PAGE), 0);
}

static void tear_down(void)
{
    wl_memory_free(memory);
}

START_TEST(limit_is_kept)
{
    ck_assert_int_eq(wl_memory_map(memory, AT, 64 * WL_PAGE, WL_READ | WL_WRITE), 0);
    ck_assert_int_eq(wl_memory_map(memory, AT + 64 * WL_PAGE, WL_PAGE, WL_READ), -ENOMEM);
    ck_assert_int_eq(wl_memory_unmap(memory, AT + 8 * WL_PAGE, WL_PAGE), 0);
    ck_assert_int_eq(wl_memory_map(memory, AT + 64 * WL_PAGE, WL_PAGE, WL_READ), 0);
    /* Pages without rights are free of charge, until they get some. */
    ck_assert_int_eq(wl_memory_map(memory, AT + 100 * WL_PAGE, 8 * WL_PAGE, 0), 0);
    ck_assert_int_eq(wl_memory_protect(memory, AT + 100 * WL_PAGE, WL_PAGE, WL_READ), -ENOMEM);
    ck_assert_int_eq(wl_memory_protect(memory, AT, WL_PAGE, 0), 0);
    ck_assert_int_eq(wl_memory_protect(memory, AT + 100 * WL_PAGE, WL_PAGE, WL_READ), 0);
    ck_assert_uint_eq(wl_memory_mapped(memory), 64 * WL_PAGE);
}
END_TEST

START_TEST(bad_ranges)
{
    ck_assert_int_eq(wl_memory_map(memory, AT + 1, WL_PAGE, WL_READ), -EINVAL);
    ck_assert_int_eq(wl_memory_map(memory, AT, 0, WL_READ), -EINVAL);
    ck_assert_int_eq(wl_memory_map(memory, AT, UINT64_MAX & ~(WL_PAGE - 1), WL_READ), -EINVAL);
    ck_assert_int_eq(wl_memory_map(memory, WL_USER_END - WL_PAGE, 2 * WL_PAGE, WL_READ), -EINVAL);
    ck_assert_int_eq(wl_memory_protect(memory, AT, WL_PAGE, WL_READ), -ENOMEM);
    ck_assert_int_eq(wl_memory_map(memory, AT, WL_PAGE, WL_READ), 0);
    ck_assert_int_eq(wl_memory_map(memory, AT, WL_PAGE, WL_READ), -ENOMEM);
}
END_TEST

START_TEST(copies_are_checked)
{
    char text[3 * 4096], back[sizeof text];
    memset(text, 'x', sizeof text);
    ck_assert_int_eq(wl_memory_map(memory, AT, WL_PAGE, WL_READ | WL_WRITE), 0);
    ck_assert_int_eq(wl_memory_map(memory, AT + WL_PAGE, 2 * WL_PAGE, WL_READ), 0);
    ck_assert_int_eq(wl_memory_put(memory, AT, text, sizeof text), -EFAULT);
    ck_assert_int_eq(wl_memory_put(memory, AT, text, WL_PAGE), 0);
    ck_assert_int_eq(wl_memory_load(memory, AT + WL_PAGE, text, WL_PAGE), 0);
    ck_assert_int_eq(wl_memory_get(memory, AT, back, sizeof back), 0);
    ck_assert_mem_eq(back, text, 2 * WL_PAGE);
    ck_assert_int_eq(back[2 * WL_PAGE], 0);
    ck_assert_int_eq(wl_memory_get(memory, AT + 1, back, sizeof back), -EFAULT);
    ck_assert_int_eq(wl_memory_get(memory, UINT64_MAX - 4, back, 64), -EFAULT);
    ck_assert_int_eq(wl_memory_get_string(memory, AT, back, 100), -ENAMETOOLONG);
    ck_assert_int_eq(wl_memory_get_string(memory, AT + 2 * WL_PAGE - 3, back, 100), 0);
    ck_assert_str_eq(back, "xxx");
}
END_TEST

START_TEST(unmapped_pages_come_back_zeroed)
{
    uint64_t word = 42;
    ck_assert_int_eq(wl_memory_map(memory, AT, 4 * WL_PAGE, WL_READ | WL_WRITE), 0);
    ck_assert_int_eq(wl_memory_put(memory, AT + WL_PAGE, &word, 8), 0);
    ck_assert_int_eq(wl_memory_unmap(memory, AT + WL_PAGE, WL_PAGE), 0);
    ck_assert_int_eq(wl_memory_get(memory, AT + WL_PAGE, &word, 8), -EFAULT);
    ck_assert_int_eq(wl_memory_map(memory, AT + WL_PAGE, WL_PAGE, WL_READ), 0);
    ck_assert_int_eq(wl_memory_get(memory, AT + WL_PAGE, &word, 8), 0);
    ck_assert_uint_eq(word, 0);
}
END_TEST

START_TEST(finds_the_highest_gap)
{
    uint64_t low = WL_MMAP_TOP - 64 * WL_PAGE;
    ck_assert_int_eq(wl_memory_reserve(memory, low, WL_MMAP_TOP), 0);
    ck_assert_uint_eq(wl_memory_find(memory, WL_PAGE), WL_MMAP_TOP - WL_PAGE);
    ck_assert_int_eq(wl_memory_map(memory, WL_MMAP_TOP - 4 * WL_PAGE, 2 * WL_PAGE, WL_READ), 0);
    ck_assert_uint_eq(wl_memory_find(memory, 2 * WL_PAGE), WL_MMAP_TOP - 2 * WL_PAGE);
    ck_assert_uint_eq(wl_memory_find(memory, 3 * WL_PAGE), WL_MMAP_TOP - 7 * WL_PAGE);
    ck_assert_uint_eq(wl_memory_find(memory, 61 * WL_PAGE), 0);
    ck_assert_uint_eq(wl_memory_find(memory, 60 * WL_PAGE), low);
}
END_TEST

START_TEST(moves_keep_the_bytes)
{
    uint64_t word = 7;
    ck_assert_int_eq(wl_memory_map(memory, AT, 60 * WL_PAGE, WL_READ | WL_WRITE), 0);
    ck_assert_int_eq(wl_memory_put(memory, AT + 59 * WL_PAGE, &word, 8), 0);
    ck_assert_int_eq(wl_memory_move(memory, AT, 60 * WL_PAGE, AT + 100 * WL_PAGE, 65 * WL_PAGE), -ENOMEM);
    /* More than the limit while both copies exist, not after. */
    ck_assert_int_eq(wl_memory_move(memory, AT, 60 * WL_PAGE, AT + 100 * WL_PAGE, 64 * WL_PAGE), 0);
    ck_assert_uint_eq(wl_memory_mapped(memory), 64 * WL_PAGE);
    word = 0;
    ck_assert_int_eq(wl_memory_get(memory, AT + 159 * WL_PAGE, &word, 8), 0);
    ck_assert_uint_eq(word, 7);
    ck_assert_int_eq(wl_memory_prot(memory, AT), -1);
}
END_TEST

/* Random maps, unmaps and protects against a page table that is obviously right. */
START_TEST(agrees_with_a_page_table)
{
    enum { PAGES = 128 };
    int8_t table[PAGES];
    uint64_t random = 1;
    memset(table, -1, sizeof table);
    for (unsigned round = 0; round < 4000; round++) {
        random = random * UINT64_C(6364136223846793005) + 1442695040888963407u;
        unsigned at = (random >> 33) % PAGES, n = 1 + (random >> 45) % 16, prot = (random >> 52) % 4, what = (random >> 60) % 3;
        n = MIN(n, PAGES - at);
        unsigned mapped = 0, charged = 0, uncharged = 0;
        for (unsigned i = 0; i < PAGES; i++) {
            bool in = i >= at && i < at + n;
            mapped += in && table[i] >= 0;
            charged += table[i] > 0;
            uncharged += in && table[i] == 0;
        }
        prot = prot & WL_WRITE ? prot | WL_READ : prot;
        int expected = 0;
        if (what == 0)
            expected = mapped || (prot && charged + n > 64) ? -ENOMEM : 0;
        else if (what == 2)
            expected = mapped < n || (prot && charged + uncharged > 64) ? -ENOMEM : 0;
        int got = what == 0   ? wl_memory_map(memory, AT + at * WL_PAGE, n * WL_PAGE, prot)
                  : what == 1 ? wl_memory_unmap(memory, AT + at * WL_PAGE, n * WL_PAGE)
                              : wl_memory_protect(memory, AT + at * WL_PAGE, n * WL_PAGE, prot);
        ck_assert_int_eq(got, expected);
        for (unsigned i = at; i < at + n && got == 0; i++)
            table[i] = what == 1 ? -1 : (int8_t)prot;
        for (unsigned i = 0; i < PAGES; i++)
            ck_assert_int_eq(wl_memory_prot(memory, AT + i * WL_PAGE), table[i]);
    }
}
END_TEST

TCase *memory_tests(void)
{
    TCase *t = tcase_create("memory");
    tcase_add_checked_fixture(t, set_up, tear_down);
    tcase_add_test(t, limit_is_kept);
    tcase_add_test(t, bad_ranges);
    tcase_add_test(t, copies_are_checked);
    tcase_add_test(t, unmapped_pages_come_back_zeroed);
    tcase_add_test(t, finds_the_highest_gap);
    tcase_add_test(t, moves_keep_the_bytes);
    tcase_add_test(t, agrees_with_a_page_table);
    tcase_set_timeout(t, 60);
    return t;
}
