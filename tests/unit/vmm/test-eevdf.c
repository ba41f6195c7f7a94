/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "test-vmm.h"

#include "policies/deadline-tree.h"
#include "policy-case.h"

#include <stdlib.h>

START_TEST(shares_follow_weights)
{
    g_autoptr(mock) m = case_new(1, "eevdf", NULL);
    mock_guest *a = case_spin(m, 256), *b = case_spin(m, 512), *c = case_spin(m, 1024);
    mock_run(m, MS(2000));
    case_sane(m);
    ck_assert_int_le(abs((int)case_permille(a, MS(2000)) - 143), 5);
    ck_assert_int_le(abs((int)case_permille(b, MS(2000)) - 286), 5);
    ck_assert_int_le(abs((int)case_permille(c, MS(2000)) - 571), 5);
}
END_TEST

/* The median length of the stays of VM 0 on its pCPU, in microseconds. */
static unsigned stay(unsigned n_pcpus, const char *const *params)
{
    g_autoptr(mock) m = case_new(n_pcpus, "eevdf", params);
    for (unsigned i = 0; i < 2 * n_pcpus; i++)
        case_spin_on(m, 256, i / 2);
    mock_run(m, MS(300));
    case_sane(m);
    unsigned n, found = 0;
    const vmm_slice *s = vmm_slices(m->v, &n);
    sim_ps sum = 0;
    for (unsigned i = 2 * n_pcpus; i < n; i++)
        if (s[i].vm == 0 && s[i].until < m->end) {
            sum += s[i].until - s[i].at;
            found++;
        }
    ck_assert_uint_gt(found, 10);
    return (unsigned)(sum / found / SIM_PS_PER_US);
}

/* 0.7 ms x (1 + floor(log2(min(pCPUs, 8)))); without the precise timer the tick of a millisecond ends them. */
START_TEST(slices_scale_with_pcpus)
{
    static const char *const exact[] = { "hrtick", "true", NULL }, *const plain[] = { "hrtick", "true", "scale", "false", NULL };
    static const struct { unsigned n, slice; } cases[] = { { 1, 700 }, { 2, 1400 }, { 3, 1400 }, { 4, 2100 }, { 8, 2800 }, { 16, 2800 } };
    for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++) {
        unsigned us = stay(cases[i].n, exact);
        ck_assert_msg(us >= cases[i].slice - 5 && us <= cases[i].slice + 10, "%u pCPUs: %u us", cases[i].n, us);
    }
    ck_assert_int_le(abs((int)stay(8, plain) - 700), 10);
    ck_assert_int_le(abs((int)stay(1, NULL) - 1000), 20);
    ck_assert_int_le(abs((int)stay(8, NULL) - 3000), 20);
}
END_TEST

/* One that sleeps most of the time is eligible when it wakes, and gets on within a slice; with a shorter slice of its own, at once. */
START_TEST(latency_follows_the_slice)
{
    static const mock_step steps[] = { { US(100), { .kind = VMM_STOP_SLEEP, .span = US(7300) } } };
    static const char *const custom[] = { "custom-slice", "100us", NULL };
    sim_ps worst[2];
    for (unsigned own = 0; own < 2; own++) {
        g_autoptr(mock) m = case_new(1, "eevdf", NULL);
        const vmm_vm_config io = { .policy_params = own ? custom : NULL };
        for (unsigned i = 0; i < 4; i++)
            case_spin(m, 256);
        mock_add(m, &io, steps, 1);
        mock_run(m, MS(2000));
        case_sane(m);
        unsigned n;
        worst[own] = case_latency(m, 4, 0, &n);
        ck_assert_uint_ge(n, 200);
    }
    ck_assert_uint_le(worst[0], MS(4.1));
    ck_assert_uint_le(worst[1], MS(1.1));
    ck_assert_uint_lt(worst[1], worst[0]);
}
END_TEST

/* Sleeping does not earn time: one that wakes for short stretches gets no more than its share, and does not keep others waiting. */
START_TEST(lag_is_bounded)
{
    static const mock_step steps[] = { { MS(20), { .kind = VMM_STOP_SLEEP, .span = MS(500) } } };
    g_autoptr(mock) m = case_new(1, "eevdf", NULL);
    case_spin(m, 256);
    mock_add(m, NULL, steps, 1);
    mock_run(m, MS(5000));
    case_sane(m);
    unsigned n;
    const vmm_slice *s = vmm_slices(m->v, &n);
    for (unsigned i = 0; i < n; i++)
        if (s[i].vm == 1)
            ck_assert_uint_le(s[i].until - s[i].at, MS(3.1));
}
END_TEST

START_TEST(load_is_balanced)
{
    g_autoptr(mock) m = case_new(4, "eevdf", NULL);
    mock_guest *g[6];
    for (unsigned i = 0; i < 6; i++)
        g[i] = case_spin(m, 256);
    mock_run(m, MS(3000));
    case_sane(m);
    ck_assert_uint_ge(case_ran(m), MS(3000) * 4 / 1000 * 990);
    for (unsigned i = 0; i < 6; i++)
        ck_assert_int_le(abs((int)case_permille(g[i], MS(3000)) - 667), 100);
    /* and not more often than needed: caches count */
    for (unsigned i = 0; i < 6; i++)
        ck_assert_uint_le(vmm_stats(m->v, i)->migrations, 300);
}
END_TEST

START_TEST(affinity_holds)
{
    g_autoptr(mock) m = case_new(2, "eevdf", NULL);
    mock_guest *a = case_spin_on(m, 256, 1), *b = case_spin_on(m, 256, 1), *c = case_spin(m, 256);
    mock_run(m, MS(1000));
    case_sane(m);
    unsigned n;
    const vmm_slice *s = vmm_slices(m->v, &n);
    for (unsigned i = 0; i < n; i++)
        ck_assert(s[i].vm == 2 || s[i].pcpu == 1);
    ck_assert_int_le(abs((int)case_permille(a, MS(1000)) - 500), 15);
    ck_assert_int_le(abs((int)case_permille(b, MS(1000)) - 500), 15);
    ck_assert_uint_ge(case_permille(c, MS(1000)), 980);
}
END_TEST

START_TEST(crowds)
{
    case_crowd("eevdf", 1, 1, 0, MS(100));
    case_crowd("eevdf", 4, 8, 24, MS(150));
    case_crowd("eevdf", 16, 64, 192, MS(60));
    ck_assert_uint_le(case_storm("eevdf", 8, 256, MS(20)), MS(2));
}
END_TEST

/* Against looking at all of them, with many insertions and removals. */
START_TEST(the_tree_finds_the_first_eligible)
{
    enum { N = 200, STEPS = 20000 };
    deadline_tree *t = deadline_tree_new(N);
    int64_t deadline[N], vruntime[N];
    bool in[N] = { false };
    uint32_t root = VMM_VCPU_NONE, x = 1;
    for (unsigned step = 0; step < STEPS; step++) {
        x = x * 1664525 + 1013904223;
        uint32_t i = (x >> 8) % N;
        if (in[i]) {
            deadline_tree_remove(t, &root, i);
        } else {
            deadline[i] = x >> 20 & 255;
            vruntime[i] = (int64_t)(x >> 12 & 255) - 100;
            deadline_tree_insert(t, &root, i, deadline[i], vruntime[i]);
        }
        in[i] = !in[i];
        int64_t limit = (int64_t)(x >> 16 & 255) - 120;
        uint32_t best = VMM_VCPU_NONE;
        for (uint32_t k = 0; k < N; k++)
            if (in[k] && vruntime[k] <= limit && (best == VMM_VCPU_NONE || deadline[k] < deadline[best]))
                best = k;
        ck_assert_uint_eq(deadline_tree_first(t, root, limit), best);
    }
    deadline_tree_free(t);
}
END_TEST

TCase *vmm_tests_eevdf(void)
{
    TCase *t = tcase_create("eevdf");
    tcase_set_timeout(t, 60);
    tcase_add_test(t, the_tree_finds_the_first_eligible);
    tcase_add_test(t, shares_follow_weights);
    tcase_add_test(t, slices_scale_with_pcpus);
    tcase_add_test(t, latency_follows_the_slice);
    tcase_add_test(t, lag_is_bounded);
    tcase_add_test(t, load_is_balanced);
    tcase_add_test(t, affinity_holds);
    tcase_add_test(t, crowds);
    return t;
}
