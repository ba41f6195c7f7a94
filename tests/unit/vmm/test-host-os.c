/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "test-vmm.h"

#include "policy-case.h"

#include <stdlib.h>

START_TEST(shares_follow_weights)
{
    g_autoptr(mock) m = case_new(1, "host-os", NULL);
    /* nice 0, nice -3 */
    mock_guest *a = case_spin(m, 256), *b = case_spin(m, 500), *c = case_spin(m, 1024);
    mock_run(m, MS(5000));
    case_sane(m);
    ck_assert_int_le(abs((int)case_permille(a, MS(5000)) - 144), 6);
    ck_assert_int_le(abs((int)case_permille(b, MS(5000)) - 281), 6);
    ck_assert_int_le(abs((int)case_permille(c, MS(5000)) - 575), 6);
}
END_TEST

/* Slices end at ticks of 4 ms, and each tick takes the vCPU out of its guest, even where it is alone. */
START_TEST(ticks)
{
    g_autoptr(mock) m = case_new(1, "host-os", NULL);
    case_spin(m, 256);
    mock_run(m, MS(400));
    case_sane(m);
    ck_assert_uint_ge(vmm_stats(m->v, 0)->exits[VMM_EXIT_EXTERNAL], 99);
    ck_assert_uint_le(vmm_stats(m->v, 0)->exits[VMM_EXIT_EXTERNAL], 101);

    g_autoptr(mock) two = case_new(1, "host-os", NULL);
    case_spin(two, 256);
    case_spin(two, 256);
    mock_run(two, MS(400));
    case_sane(two);
    unsigned n;
    const vmm_slice *s = vmm_slices(two->v, &n);
    for (unsigned i = 1; i + 1 < n; i++) {
        sim_ps phase = s[i].until % MS(4);
        ck_assert_uint_le(phase, US(10));
        ck_assert_uint_le(s[i].until - s[i].at, MS(8.1));
    }
    ck_assert_uint_ge(n, 50);
}
END_TEST

/* One that slept preempts a thread that runs all the time; one that is ahead by less than the granularity waits for the tick. */
START_TEST(sleepers_preempt)
{
    static const mock_step steps[] = { { US(100), { .kind = VMM_STOP_SLEEP, .span = US(7300) } } };
    g_autoptr(mock) m = case_new(1, "host-os", NULL);
    for (unsigned i = 0; i < 4; i++)
        case_spin(m, 256);
    mock_add(m, NULL, steps, 1);
    mock_run(m, MS(4000));
    case_sane(m);
    const GArray *all = vmm_stats(m->v, 4)->wake_latency;
    unsigned soon = 0;
    for (unsigned i = 0; i < all->len; i++)
        soon += g_array_index(all, uint64_t, i) < US(10);
    ck_assert_uint_ge(all->len, 350);
    ck_assert_uint_ge(soon * 10, all->len * 9);
    ck_assert_uint_le(case_latency(m, 4, 0, NULL), MS(20.1));
}
END_TEST

START_TEST(load_is_balanced_and_affinity_holds)
{
    g_autoptr(mock) m = case_new(4, "host-os", NULL);
    mock_guest *g[6];
    for (unsigned i = 0; i < 6; i++)
        g[i] = i < 2 ? case_spin_on(m, 256, 3) : case_spin(m, 256);
    mock_run(m, MS(3000));
    case_sane(m);
    ck_assert_uint_ge(case_ran(m), MS(3000) * 4 / 1000 * 990);
    unsigned n;
    const vmm_slice *s = vmm_slices(m->v, &n);
    for (unsigned i = 0; i < n; i++)
        ck_assert(s[i].vm >= 2 || s[i].pcpu == 3);
    for (unsigned i = 0; i < 6; i++) {
        ck_assert_uint_ge(case_permille(g[i], MS(3000)), i < 2 ? 450 : 500);
        ck_assert_uint_le(case_permille(g[i], MS(3000)), i < 2 ? 550 : 1000);
    }
}
END_TEST

START_TEST(crowds)
{
    case_crowd("host-os", 1, 1, 0, MS(100));
    case_crowd("host-os", 4, 8, 24, MS(150));
    case_crowd("host-os", 16, 64, 192, MS(60));
    ck_assert_uint_le(case_storm("host-os", 8, 256, MS(20)), MS(2));
}
END_TEST

TCase *vmm_tests_host_os(void)
{
    TCase *t = tcase_create("host-os");
    tcase_set_timeout(t, 60);
    tcase_add_test(t, shares_follow_weights);
    tcase_add_test(t, ticks);
    tcase_add_test(t, sleepers_preempt);
    tcase_add_test(t, load_is_balanced_and_affinity_holds);
    tcase_add_test(t, crowds);
    return t;
}
