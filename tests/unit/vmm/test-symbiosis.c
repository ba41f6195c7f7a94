/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The policies `dio` and `symbiosis`. */
#include "test-vmm.h"

#include "policy-case.h"

/* ---- dio -------------------------------------------------------------------------------------------------------------- */

/* Four pCPUs in two domains (packages of two); vCPUs 0 and 3, which come into the same one if all are alike, miss much. */
static mock *two_packages(mock_guest **g, unsigned n)
{
    static const char *const often[] = { "period", "20ms", NULL };
    mock *m = case_new(4, "dio", often);
    m->config.keep_schedule = true;
    for (unsigned i = 0; i < 4; i++) {
        m->cpus[i].port.package = m->cpus[i].port.core = i / 2;
        m->cpus[i].port.llc_lines = 1024;
    }
    for (unsigned i = 0; i < n; i++) {
        g[i] = case_spin(m, 256);
        g[i]->rate[SIM_EV_LLC_MISSES] = i == 0 || i == 3 ? 40000 : 10;
    }
    return m;
}

/* Packages in which a VM ran from `from` on, a bit each. */
static unsigned packages_of(const mock *m, unsigned vm, sim_ps from)
{
    unsigned n, where = 0;
    const vmm_slice *s = vmm_slices(m->v, &n);
    for (unsigned i = 0; i < n; i++)
        where |= s[i].vm == vm && s[i].at >= from ? 1u << s[i].pcpu / 2 : 0;
    return where;
}

START_TEST(those_that_miss_much_are_kept_apart)
{
    mock_guest *g[8];
    g_autoptr(mock) m = two_packages(g, 8);
    mock_run(m, MS(400));
    case_sane(m);
    ck_assert_uint_eq(packages_of(m, 0, MS(60)) & packages_of(m, 3, MS(60)), 0);
    ck_assert_uint_ge(MIN(g[0]->ran, g[3]->ran), MS(180));
}
END_TEST

START_TEST(no_pcpu_idles_while_another_domain_has_work)
{
    mock_guest *g[5];
    g_autoptr(mock) m = two_packages(g, 5);
    mock_run(m, MS(200));
    case_sane(m);
    ck_assert_uint_ge(case_ran(m), MS(4 * 200 - 10));
}
END_TEST

START_TEST(dio_honours_affinity)
{
    static const char *const often[] = { "period", "10ms", NULL };
    g_autoptr(mock) m = case_new(4, "dio", often);
    mock_guest *bound[2];
    for (unsigned i = 0; i < 2; i++) {
        bound[i] = case_spin_on(m, 256, 3);
        bound[i]->rate[SIM_EV_LLC_MISSES] = 40000;
    }
    case_spin(m, 256);
    mock_run(m, MS(200));
    case_sane(m);
    ck_assert_uint_ge(MIN(bound[0]->ran, bound[1]->ran), MS(90));
    ck_assert_uint_eq(vmm_stats(m->v, 0)->migrations, 0);
}
END_TEST

/* ---- symbiosis ---------------------------------------------------------------------------------------------------------- */

START_TEST(a_round_gives_everybody_a_slot)
{
    g_autoptr(mock) m = case_new(2, "symbiosis", NULL);
    mock_guest *g[6];
    for (unsigned i = 0; i < 6; i++)
        g[i] = case_spin(m, 256);
    mock_run(m, MS(300));
    case_sane(m);
    for (unsigned i = 0; i < 6; i++) {
        ck_assert_uint_ge(g[i]->ran, MS(90));
        ck_assert_uint_le(g[i]->ran, MS(110));
    }
}
END_TEST

/* Time in which both ran, from `from` on. */
static sim_ps pair_time(const mock *m, unsigned a, unsigned b, sim_ps from)
{
    unsigned n;
    const vmm_slice *s = vmm_slices(m->v, &n);
    sim_ps sum = 0;
    for (unsigned i = 0; i < n; i++)
        for (unsigned k = 0; k < n && s[i].vm == a; k++)
            if (s[k].vm == b) {
                sim_ps at = MAX(MAX(s[i].at, s[k].at), from), until = MIN(s[i].until, s[k].until);
                sum += until > at ? until - at : 0;
            }
    return sum;
}

START_TEST(after_sampling_the_order_stays)
{
    static const char *const few[] = { "samples", "4", "rounds", "1000", NULL };
    g_autoptr(mock) m = case_new(2, "symbiosis", few);
    m->config.keep_schedule = true;
    for (unsigned i = 0; i < 4; i++)
        case_spin(m, 256);
    mock_run(m, MS(300));
    case_sane(m);
    /* Four orders of two slots: 8 ms, and the round in which they all came; then each runs beside the same other one for ever. */
    unsigned partners = 0;
    for (unsigned b = 1; b < 4; b++)
        partners += pair_time(m, 0, b, MS(20)) > MS(120);
    ck_assert_uint_eq(partners, 1);
}
END_TEST

START_TEST(a_newcomer_begins_the_sampling_anew)
{
    static const char *const few[] = { "samples", "3", "rounds", "100000", NULL };
    static const mock_step ends[] = { { MS(10), { .kind = VMM_STOP_END } } };
    const vmm_vm_config late = { .start = MS(50) };
    g_autoptr(mock) m = case_new(2, "symbiosis", few);
    mock_guest *a = case_spin(m, 256);
    case_spin(m, 256);
    case_spin(m, 256);
    mock_guest *l = mock_add(m, &late, NULL, 0);
    mock_add(m, NULL, ends, 1);
    mock_run(m, MS(250));
    case_sane(m);
    ck_assert_uint_ge(l->ran, MS(85));
    ck_assert_uint_ge(a->ran, MS(110));
}
END_TEST

START_TEST(sleepers_places_are_filled)
{
    static const mock_step steps[] = { { US(50), { .kind = VMM_STOP_SLEEP, .span = MS(20) } } };
    g_autoptr(mock) m = case_new(2, "symbiosis", NULL);
    mock_add(m, NULL, steps, 1);
    for (unsigned i = 0; i < 3; i++)
        case_spin(m, 256);
    mock_run(m, MS(200));
    case_sane(m);
    ck_assert_uint_ge(case_ran(m), MS(2 * 200 - 8));
}
END_TEST

START_TEST(crowds_of_both)
{
    case_crowd("dio", 4, 60, 60, MS(200));
    case_crowd("dio", 1, 1, 0, MS(20));
    case_crowd("symbiosis", 4, 60, 60, MS(200));
    case_crowd("symbiosis", 1, 1, 0, MS(20));
    case_storm("dio", 4, 64, MS(100));
    case_storm("symbiosis", 4, 64, MS(100));
}
END_TEST

TCase *vmm_tests_symbiosis(void)
{
    TCase *t = tcase_create("symbiosis");
    tcase_set_timeout(t, 60);
    tcase_add_test(t, those_that_miss_much_are_kept_apart);
    tcase_add_test(t, no_pcpu_idles_while_another_domain_has_work);
    tcase_add_test(t, dio_honours_affinity);
    tcase_add_test(t, a_round_gives_everybody_a_slot);
    tcase_add_test(t, after_sampling_the_order_stays);
    tcase_add_test(t, a_newcomer_begins_the_sampling_anew);
    tcase_add_test(t, sleepers_places_are_filled);
    tcase_add_test(t, crowds_of_both);
    return t;
}
