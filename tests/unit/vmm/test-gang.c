/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The policies `null` and `gang`. */
#include "test-vmm.h"

#include "policy-case.h"

/* ---- null ------------------------------------------------------------------------------------------------------------- */

START_TEST(everybody_keeps_a_pcpu)
{
    g_autoptr(mock) m = case_new(2, "null", NULL);
    mock_guest *a = case_spin(m, 256), *b = case_spin(m, 1);
    mock_run(m, MS(500));
    case_sane(m);
    ck_assert_uint_ge(case_permille(a, MS(500)), 999); /* weights mean nothing */
    ck_assert_uint_ge(case_permille(b, MS(500)), 999);
    ck_assert_uint_eq(vmm_stats(m->v, 0)->migrations + vmm_stats(m->v, 1)->migrations, 0);
}
END_TEST

START_TEST(a_free_pcpu_goes_to_the_first_that_waits)
{
    static const mock_step ends[] = { { MS(10), { .kind = VMM_STOP_END } } };
    g_autoptr(mock) m = case_new(1, "null", NULL);
    mock_add(m, NULL, ends, 1);
    mock_guest *second = case_spin(m, 256), *third = case_spin(m, 256);
    mock_run(m, MS(100));
    ck_assert_uint_eq(vmm_bad_answers(m->v, NULL), 0);
    ck_assert_uint_ge(second->ran, MS(89));
    ck_assert_uint_eq(third->ran, 0);
}
END_TEST

START_TEST(who_waits_is_saved_by_the_watchdog_alone)
{
    g_autoptr(mock) m = case_new(1, "null", NULL);
    case_spin(m, 256);
    mock_guest *waits = case_spin(m, 256);
    mock_run(m, MS(2500));
    const char *first = NULL;
    ck_assert_uint_eq(vmm_starvations(m->v, &first), 2);
    ck_assert_uint_le(waits->ran, MS(3));
    ck_assert_uint_eq(vmm_bad_answers(m->v, NULL), 0);
}
END_TEST

START_TEST(a_pcpu_idles_for_its_own_vcpu)
{
    static const mock_step steps[] = { { US(100), { .kind = VMM_STOP_SLEEP, .span = US(400) } } };
    g_autoptr(mock) m = case_new(2, "null", NULL);
    mock_guest *sleeper = mock_add(m, NULL, steps, 1);
    case_spin(m, 256);
    mock_run(m, MS(100));
    case_sane(m);
    unsigned n;
    ck_assert_uint_lt(case_latency(m, 0, 0, &n), US(5));
    ck_assert_uint_ge(n, 190);
    ck_assert_uint_ge(sleeper->ran, MS(19));
}
END_TEST

/* ---- gang -------------------------------------------------------------------------------------------------------------- */

static mock_guest *spin_in(mock *m, const char *gang)
{
    const vmm_vm_config config = { .gang = gang };
    return mock_add(m, &config, NULL, 0);
}

/* The time in which both ran, and that in which only one did. */
static void together(const mock *m, unsigned a, unsigned b, sim_ps *both, sim_ps *one)
{
    unsigned n;
    const vmm_slice *s = vmm_slices(m->v, &n);
    sim_ps sum = 0;
    *both = 0;
    for (unsigned i = 0; i < n; i++) {
        if (s[i].vm == a || s[i].vm == b)
            sum += s[i].until - s[i].at;
        for (unsigned k = 0; k < n && s[i].vm == a; k++)
            if (s[k].vm == b && s[k].at < s[i].until && s[k].until > s[i].at)
                *both += MIN(s[i].until, s[k].until) - MAX(s[i].at, s[k].at);
    }
    *one = sum - 2 * *both;
}

START_TEST(gangs_run_together)
{
    g_autoptr(mock) m = case_new(2, "gang", NULL);
    m->config.keep_schedule = true;
    for (unsigned i = 0; i < 2; i++) /* their members alternate in number */
        for (unsigned g = 0; g < 3; g++)
            spin_in(m, (const char *const[]){ "red", "green", "blue" }[g]);
    mock_run(m, MS(300));
    case_sane(m);
    for (unsigned g = 0; g < 3; g++) {
        sim_ps both, one;
        together(m, g, g + 3, &both, &one);
        ck_assert_uint_ge(both, MS(95));
        ck_assert_uint_le(one, MS(3));
    }
}
END_TEST

START_TEST(an_alternate_takes_the_place_of_who_sleeps)
{
    static const mock_step steps[] = { { US(50), { .kind = VMM_STOP_SLEEP, .span = MS(50) } } };
    const vmm_vm_config red = { .gang = "red" };
    g_autoptr(mock) m = case_new(2, "gang", NULL);
    mock_add(m, &red, steps, 1);
    mock_guest *a = spin_in(m, "red"), *b = spin_in(m, "green"), *c = spin_in(m, "green");
    mock_run(m, MS(300));
    case_sane(m);
    ck_assert_uint_ge(a->ran + b->ran + c->ran, MS(590)); /* of 600: no pCPU idles */
    ck_assert_uint_ge(MIN(b->ran, c->ran), MS(145));
}
END_TEST

START_TEST(a_gang_that_is_too_large_is_split)
{
    g_autoptr(mock) m = case_new(2, "gang", NULL);
    mock_guest *g[5];
    for (unsigned i = 0; i < 5; i++)
        g[i] = spin_in(m, "large");
    mock_run(m, MS(300));
    case_sane(m);
    for (unsigned i = 0; i < 5; i++)
        ck_assert_uint_ge(g[i]->ran, MS(90)); /* three rows; the last one's second column goes to alternates */
}
END_TEST

START_TEST(affinities_have_a_column_of_their_own)
{
    g_autoptr(mock) m = case_new(4, "gang", NULL);
    uint64_t third[VMM_MASK_WORDS] = { 1 << 2 };
    const vmm_vm_config bound = { .gang = "red", .affinity = third };
    for (unsigned i = 0; i < 3; i++)
        spin_in(m, "red");
    mock_guest *g = mock_add(m, &bound, NULL, 0);
    mock_run(m, MS(100));
    case_sane(m);
    ck_assert_uint_ge(g->ran, MS(99)); /* one row: all four at once, all of the time */
}
END_TEST

START_TEST(slots_have_the_length_that_was_asked_for)
{
    static const char *const slot[] = { "slot", "4ms", NULL };
    g_autoptr(mock) m = case_new(1, "gang", slot);
    m->config.keep_schedule = true;
    case_spin(m, 256);
    case_spin(m, 256);
    mock_run(m, MS(80));
    case_sane(m);
    unsigned n;
    vmm_slices(m->v, &n);
    ck_assert_uint_ge(n, 19);
    ck_assert_uint_le(n, 22);
}
END_TEST

START_TEST(crowds_and_storms)
{
    case_crowd("gang", 4, 60, 60, MS(200));
    case_crowd("gang", 1, 1, 0, MS(20));
    case_storm("gang", 4, 64, MS(100));
    case_storm("null", 4, 4, MS(100));
}
END_TEST

TCase *vmm_tests_gang(void)
{
    TCase *t = tcase_create("gang");
    tcase_set_timeout(t, 60);
    tcase_add_test(t, everybody_keeps_a_pcpu);
    tcase_add_test(t, a_free_pcpu_goes_to_the_first_that_waits);
    tcase_add_test(t, who_waits_is_saved_by_the_watchdog_alone);
    tcase_add_test(t, a_pcpu_idles_for_its_own_vcpu);
    tcase_add_test(t, gangs_run_together);
    tcase_add_test(t, an_alternate_takes_the_place_of_who_sleeps);
    tcase_add_test(t, a_gang_that_is_too_large_is_split);
    tcase_add_test(t, affinities_have_a_column_of_their_own);
    tcase_add_test(t, slots_have_the_length_that_was_asked_for);
    tcase_add_test(t, crowds_and_storms);
    return t;
}
