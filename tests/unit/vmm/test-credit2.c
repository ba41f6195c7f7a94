/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "test-vmm.h"

#include "policies/credit2-load.h"
#include "policy-case.h"

#include <stdlib.h>

START_TEST(shares_follow_weights)
{
    g_autoptr(mock) m = case_new(1, "credit2", NULL);
    mock_guest *a = case_spin(m, 256), *b = case_spin(m, 512), *c = case_spin(m, 1024);
    mock_run(m, MS(5000));
    case_sane(m);
    ck_assert_int_le(abs((int)case_permille(a, MS(5000)) - 143), 8);
    ck_assert_int_le(abs((int)case_permille(b, MS(5000)) - 286), 8);
    ck_assert_int_le(abs((int)case_permille(c, MS(5000)) - 571), 8);
}
END_TEST

/* Four pCPUs with one queue: weights hold over all of them. */
START_TEST(shares_over_pcpus)
{
    g_autoptr(mock) m = case_new(4, "credit2", NULL);
    mock_guest *g[8];
    for (unsigned i = 0; i < 8; i++)
        g[i] = case_spin(m, i < 4 ? 256 : 512);
    mock_run(m, MS(2000));
    case_sane(m);
    for (unsigned i = 0; i < 8; i++)
        ck_assert_int_le(abs((int)case_permille(g[i], MS(2000)) - (i < 4 ? 333 : 667)), 15);
}
END_TEST

START_TEST(stays_are_bounded)
{
    static const mock_step steps[] = { { US(20), { .kind = VMM_STOP_SLEEP, .span = US(970) } } };
    g_autoptr(mock) m = case_new(1, "credit2", NULL);
    case_spin(m, 256);
    case_spin(m, 256);
    mock_run(m, MS(500));
    unsigned n;
    const vmm_slice *s = vmm_slices(m->v, &n);
    for (unsigned i = 1; i + 1 < n; i++) {
        ck_assert_uint_ge(s[i].until - s[i].at, US(990));
        ck_assert_uint_le(s[i].until - s[i].at, MS(10.1));
    }
    g_autoptr(mock) io = case_new(1, "credit2", NULL);
    case_spin(io, 256);
    mock_add(io, NULL, steps, 1);
    mock_run(io, MS(500));
    case_sane(io);
    s = vmm_slices(io->v, &n);
    for (unsigned i = 1; i + 1 < n; i++)
        if (s[i].vm == 0)
            ck_assert_uint_ge(s[i].until - s[i].at, US(990));
}
END_TEST

/* One that sleeps keeps its credit, and preempts those that have spent theirs. */
START_TEST(sleepers_preempt)
{
    static const mock_step steps[] = { { US(100), { .kind = VMM_STOP_SLEEP, .span = US(7300) } } };
    g_autoptr(mock) m = case_new(1, "credit2", NULL);
    for (unsigned i = 0; i < 4; i++)
        case_spin(m, 256);
    mock_add(m, NULL, steps, 1);
    mock_run(m, MS(4000));
    case_sane(m);
    const GArray *all = vmm_stats(m->v, 4)->wake_latency;
    unsigned soon = 0;
    for (unsigned i = 0; i < all->len; i++)
        soon += g_array_index(all, uint64_t, i) < US(1010);
    ck_assert_uint_ge(all->len, 400);
    ck_assert_uint_ge(soon * 100, all->len * 95);
}
END_TEST

START_TEST(caps)
{
    static const char *const half[] = { "cap", "50", NULL }, *const twenty[] = { "cap", "20", NULL };
    g_autoptr(mock) m = case_new(2, "credit2", NULL);
    mock_guest *a = case_spin_with(m, half), *b = case_spin_with(m, twenty), *c = case_spin(m, 256);
    mock_run(m, MS(2000));
    case_sane(m);
    ck_assert_int_le(abs((int)case_permille(a, MS(2000)) - 500), 10);
    ck_assert_int_le(abs((int)case_permille(b, MS(2000)) - 200), 10);
    ck_assert_uint_ge(case_permille(c, MS(2000)), 780); /* it gives way while both of them run */
}
END_TEST

/* A queue per core, and three of four vCPUs that can run bound to one of the cores: the free one goes to the other. */
START_TEST(queues_are_balanced)
{
    static const char *const core[] = { "runqueue", "1", NULL };
    const uint64_t first[VMM_MASK_WORDS] = { 3 };
    const vmm_vm_config bound = { .affinity = first };
    g_autoptr(mock) m = case_new(4, "credit2", core);
    mock_guest *g[6];
    for (unsigned i = 0; i < 6; i++)
        g[i] = i % 2 ? case_spin(m, 256) : mock_add(m, &bound, NULL, 0);
    mock_run(m, MS(3000));
    case_sane(m);
    unsigned n;
    const vmm_slice *s = vmm_slices(m->v, &n);
    for (unsigned i = 0; i < n; i++)
        ck_assert(s[i].vm % 2 || s[i].pcpu < 2);
    ck_assert_uint_ge(case_ran(m), MS(3000) * 4 / 1000 * 950);
    for (unsigned i = 0; i < 6; i++)
        ck_assert_uint_ge(case_permille(g[i], MS(3000)), 500);
}
END_TEST

START_TEST(crowds)
{
    case_crowd("credit2", 1, 1, 0, MS(100));
    case_crowd("credit2", 4, 8, 24, MS(150));
    case_crowd("credit2", 16, 64, 192, MS(60));
    ck_assert_uint_le(case_storm("credit2", 8, 256, MS(20)), MS(2));
}
END_TEST

START_TEST(averages_follow_the_load)
{
    credit2_load l = { .average = 0 };
    credit2_load_update(&l, 2, MS(1000), 0);
    credit2_load_update(&l, 0, MS(1000), MS(500));
    ck_assert_int_eq(l.average, CREDIT2_LOAD_ONE); /* half of the window */
    credit2_load_update(&l, -2, MS(1000), MS(5000));
    ck_assert_int_eq(l.average, 2 * CREDIT2_LOAD_ONE); /* longer ago than the window does not count */
    credit2_load_update(&l, 0, MS(1000), MS(5250));
    ck_assert_int_eq(l.average, CREDIT2_LOAD_ONE * 3 / 2);
    credit2_load_update(&l, 0, MS(1000), MS(5100)); /* the past changes nothing */
    ck_assert_int_eq(l.average, CREDIT2_LOAD_ONE * 3 / 2);
}
END_TEST

/* Against trying all pairs. */
START_TEST(the_best_swap)
{
    uint32_t x = 7;
    for (unsigned round = 0; round < 2000; round++) {
        credit2_candidate push[8], pull[8];
        unsigned n_push = round % 8, n_pull = round / 8 % 8;
        int64_t loads[2][9] = { { 0 } };
        for (unsigned i = 0; i < 8; i++) {
            x = x * 1664525 + 1013904223;
            push[i] = (credit2_candidate){ x >> 14 & 1023, i };
            pull[i] = (credit2_candidate){ x >> 22 & 1023, i };
            loads[0][i] = push[i].load;
            loads[1][i] = pull[i].load;
        }
        int64_t difference = (int64_t)(x >> 10 & 4095) - 2048, least = llabs(difference);
        for (unsigned i = 0; i <= n_push; i++)
            for (unsigned k = 0; k <= n_pull; k++) {
                int64_t left = difference - 2 * (i < n_push ? loads[0][i] : 0) + 2 * (k < n_pull ? loads[1][k] : 0);
                least = MIN(least, llabs(left));
            }
        credit2_swap s = credit2_best_swap(push, n_push, pull, n_pull, difference);
        int64_t got = difference - 2 * (s.push < 8 ? loads[0][s.push] : 0) + 2 * (s.pull < 8 ? loads[1][s.pull] : 0);
        ck_assert_int_eq(llabs(got), least);
    }
}
END_TEST

TCase *vmm_tests_credit2(void)
{
    TCase *t = tcase_create("credit2");
    tcase_set_timeout(t, 60);
    tcase_add_test(t, averages_follow_the_load);
    tcase_add_test(t, the_best_swap);
    tcase_add_test(t, shares_follow_weights);
    tcase_add_test(t, shares_over_pcpus);
    tcase_add_test(t, stays_are_bounded);
    tcase_add_test(t, sleepers_preempt);
    tcase_add_test(t, caps);
    tcase_add_test(t, queues_are_balanced);
    tcase_add_test(t, crowds);
    return t;
}
