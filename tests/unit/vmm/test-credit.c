/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "test-vmm.h"

#include "policy-case.h"

#include <stdlib.h>

START_TEST(shares_follow_weights)
{
    g_autoptr(mock) m = case_new(1, "credit", NULL);
    mock_guest *a = case_spin(m, 256), *b = case_spin(m, 512), *c = case_spin(m, 1024);
    mock_run(m, MS(20000));
    case_sane(m);
    ck_assert_uint_le(abs((int)case_permille(a, MS(20000)) - 143), 10);
    ck_assert_uint_le(abs((int)case_permille(b, MS(20000)) - 286), 10);
    ck_assert_uint_le(abs((int)case_permille(c, MS(20000)) - 571), 10);
}
END_TEST

/* Weights hold over all pCPUs together; and a VM cannot use more than one. */
START_TEST(shares_over_pcpus)
{
    g_autoptr(mock) m = case_new(4, "credit", NULL);
    mock_guest *g[8];
    for (unsigned i = 0; i < 8; i++)
        g[i] = case_spin(m, i % 2 ? 512 : 256); /* light ones on one core, heavy ones on the other, at first */
    mock_run(m, MS(20000));
    case_sane(m);
    for (unsigned i = 0; i < 8; i++) {
        unsigned share = case_permille(g[i], MS(20000));
        ck_assert_uint_ge(share, i % 2 ? 646 : 313);
        ck_assert_uint_le(share, i % 2 ? 686 : 353);
    }
}
END_TEST

/* Slices of 30 ms; a vCPU that wakes with credits preempts at once, but for the rate limit. It burns what it did not earn until a tick finds it
 * running, and waits once for that, as in Xen. */
START_TEST(waking_ones_are_boosted)
{
    static const mock_step steps[] = { { US(100), { .kind = VMM_STOP_SLEEP, .span = MS(7) } } };
    g_autoptr(mock) m = case_new(1, "credit", NULL);
    case_spin(m, 256);
    case_spin(m, 256);
    mock_add(m, NULL, steps, 1);
    mock_run(m, MS(3000));
    case_sane(m);
    const GArray *all = vmm_stats(m->v, 2)->wake_latency;
    unsigned soon = 0, limited = 0;
    for (unsigned i = 0; i < all->len; i++) {
        soon += g_array_index(all, uint64_t, i) < US(10);
        limited += g_array_index(all, uint64_t, i) < US(1010);
    }
    ck_assert_uint_ge(all->len, 380);
    ck_assert_uint_ge(soon * 10, all->len * 9);
    ck_assert_uint_ge(limited * 100, all->len * 99);
}
END_TEST

START_TEST(slices_and_the_rate_limit)
{
    static const mock_step steps[] = { { US(20), { .kind = VMM_STOP_SLEEP, .span = US(180) } } };
    static const char *const off[] = { "ratelimit", "0ms", NULL };
    for (unsigned limited = 0; limited < 2; limited++) {
        g_autoptr(mock) m = case_new(1, "credit", limited ? NULL : off);
        mock_add(m, NULL, NULL, 0);
        mock_add(m, NULL, steps, 1);
        mock_run(m, MS(500));
        case_sane(m);
        unsigned n, wakes = vmm_stats(m->v, 1)->wake_latency->len;
        const vmm_slice *s = vmm_slices(m->v, &n);
        sim_ps shortest = MS(1000);
        for (unsigned i = 1; i + 1 < n; i++)
            if (s[i].vm == 0)
                shortest = MIN(shortest, s[i].until - s[i].at);
        if (limited) {
            ck_assert_uint_ge(shortest, US(990));
            ck_assert_uint_le(wakes, 500);
        } else {
            ck_assert_uint_le(shortest, US(190));
            ck_assert_uint_ge(wakes, 2000);
        }
    }
    g_autoptr(mock) m = case_new(1, "credit", NULL);
    case_spin(m, 256);
    case_spin(m, 256);
    mock_run(m, MS(600));
    unsigned n;
    const vmm_slice *s = vmm_slices(m->v, &n);
    for (unsigned i = 1; i + 1 < n; i++)
        ck_assert_uint_ge(s[i].until - s[i].at, MS(29.9));
}
END_TEST

START_TEST(caps_hold_though_the_pcpu_idles)
{
    static const char *const half[] = { "cap", "50", NULL };
    g_autoptr(mock) m = case_new(1, "credit", NULL);
    mock_guest *a = case_spin_with(m, half);
    mock_run(m, MS(10000));
    case_sane(m);
    ck_assert_uint_ge(case_permille(a, MS(10000)), 490);
    ck_assert_uint_le(case_permille(a, MS(10000)), 510);
}
END_TEST

START_TEST(a_cap_leaves_the_rest_to_others)
{
    static const char *const twenty[] = { "cap", "20", NULL };
    g_autoptr(mock) m = case_new(1, "credit", NULL);
    mock_guest *a = case_spin_with(m, twenty), *b = case_spin(m, 256);
    mock_run(m, MS(10000));
    case_sane(m);
    ck_assert_uint_ge(case_permille(a, MS(10000)), 190);
    ck_assert_uint_le(case_permille(a, MS(10000)), 210);
    ck_assert_uint_ge(case_permille(b, MS(10000)), 780);
}
END_TEST

/* Two on one pCPU, one of which could go: it goes. And nobody leaves the pCPU that he is bound to. */
START_TEST(work_is_stolen_and_affinity_holds)
{
    g_autoptr(mock) m = case_new(2, "credit", NULL);
    mock_guest *a = case_spin_on(m, 256, 0), *b = case_spin_on(m, 256, 0), *c = case_spin(m, 256);
    mock_run(m, MS(3000));
    case_sane(m);
    unsigned n;
    const vmm_slice *s = vmm_slices(m->v, &n);
    for (unsigned i = 0; i < n; i++)
        ck_assert(s[i].vm == 2 || s[i].pcpu == 0);
    ck_assert_uint_ge(case_permille(c, MS(3000)), 950);
    ck_assert_uint_ge(case_permille(a, MS(3000)), 470);
    ck_assert_uint_ge(case_permille(b, MS(3000)), 470);
}
END_TEST

/* No pCPU idles while somebody waits who could run there. */
START_TEST(no_pcpu_idles)
{
    static const mock_step steps[] = { { MS(2), { .kind = VMM_STOP_SLEEP, .span = MS(2) } } };
    const uint64_t second[VMM_MASK_WORDS] = { 2 };
    const vmm_vm_config bound = { .affinity = second };
    g_autoptr(mock) m = case_new(2, "credit", NULL);
    mock_add(m, &bound, steps, 1);
    case_spin(m, 256);
    case_spin(m, 256);
    mock_run(m, MS(1000));
    case_sane(m);
    ck_assert_uint_ge(case_ran(m), MS(1980));
}
END_TEST

START_TEST(cores_are_filled_before_siblings)
{
    g_autoptr(mock) m = case_new(8, "credit", NULL);
    for (unsigned i = 0; i < 4; i++)
        case_spin(m, 256);
    mock_run(m, MS(300));
    case_sane(m);
    unsigned n, cores = 0;
    const vmm_slice *s = vmm_slices(m->v, &n);
    for (unsigned i = 0; i < n; i++)
        if (s[i].until == MS(300))
            cores |= 1u << s[i].pcpu / 2;
    ck_assert_uint_eq(cores, 15);
}
END_TEST

START_TEST(crowds)
{
    case_crowd("credit", 1, 1, 0, MS(100));
    case_crowd("credit", 4, 8, 24, MS(150));
    case_crowd("credit", 16, 64, 192, MS(60));
    case_crowd("credit", 2, 2, 2, MS(500));
    ck_assert_uint_le(case_storm("credit", 8, 256, MS(20)), MS(2));
}
END_TEST

TCase *vmm_tests_credit(void)
{
    TCase *t = tcase_create("credit");
    tcase_set_timeout(t, 60);
    tcase_add_test(t, shares_follow_weights);
    tcase_add_test(t, shares_over_pcpus);
    tcase_add_test(t, waking_ones_are_boosted);
    tcase_add_test(t, slices_and_the_rate_limit);
    tcase_add_test(t, caps_hold_though_the_pcpu_idles);
    tcase_add_test(t, a_cap_leaves_the_rest_to_others);
    tcase_add_test(t, work_is_stolen_and_affinity_holds);
    tcase_add_test(t, no_pcpu_idles);
    tcase_add_test(t, cores_are_filled_before_siblings);
    tcase_add_test(t, crowds);
    return t;
}
