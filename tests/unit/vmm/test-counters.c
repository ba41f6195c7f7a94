/* SPDX-License-Identifier: GPL-2.0-or-later */
/* EMON for policies: overflow interrupts, and more events than counters. */
#include "test-vmm.h"

#include "emon-policy.h"
#include "vmm-mock.h"

#include <string.h>

static mock *counting_mock(unsigned counters)
{
    mock *m = mock_new(1, counters, NULL);
    m->config.policy = &emon_policy;
    return m;
}

static void setup(void)
{
    memset(&emon_state, 0, sizeof emon_state);
}

START_TEST(an_overflow_is_a_vm_exit_and_asks_the_policy)
{
    emon_state.arm = (sim_emon_config){.event = SIM_EV_INSTRUCTIONS, .interrupt = true, .period = 1000000};
    emon_state.armed = 2;
    emon_state.rearm = true;
    g_autoptr(mock) m = counting_mock(4);
    mock_add(m, NULL, NULL, 0);
    mock_run(m, MS(10.5));
    ck_assert_ptr_null(emon_state.why);
    ck_assert_uint_eq(emon_state.overflows, 10); /* an instruction a nanosecond */
    ck_assert_uint_eq(emon_state.counter, 2);
    ck_assert_uint_eq(emon_state.status, sim_emon_bit(2));
    ck_assert_uint_eq(emon_state.status_after, 0);
    ck_assert_uint_eq(vmm_stats(m->v, 0)->exits[VMM_EXIT_EMON], 10);
    for (unsigned i = 0; i < 10; i++) /* in steps of a microsecond */
        ck_assert_msg(emon_state.insns[i] - 1000000 * (i + 1) <= 1000 * (i + 1), "%u: %" G_GUINT64_FORMAT, i, emon_state.insns[i]);
    ck_assert_uint_eq(vmm_bad_answers(m->v, NULL), 0);
}
END_TEST

START_TEST(an_overflow_comes_once_and_its_answer_holds)
{
    emon_state.arm = (sim_emon_config){.event = SIM_EV_INSTRUCTIONS, .interrupt = true, .period = 500000};
    emon_state.verdict = (vmm_verdict){.kind = VMM_END, .reason = "overflow"};
    g_autoptr(mock) m = counting_mock(4);
    mock_add(m, NULL, NULL, 0);
    mock_run(m, MS(5));
    ck_assert_uint_eq(emon_state.overflows, 1);
    ck_assert_uint_eq(vmm_stats(m->v, 0)->quanta_ended_early, 1);
    unsigned n;
    uint64_t all;
    const vmm_decision *d = vmm_decisions(m->v, &n, &all);
    ck_assert_uint_eq(all, 1);
    ck_assert_str_eq(d[0].reason, "overflow");
}
END_TEST

START_TEST(what_cannot_be_programmed_says_why)
{
    emon_state.arm = (sim_emon_config){.event = SIM_EV_INSTRUCTIONS, .interrupt = true, .period = 1000};
    emon_state.armed = 4;
    g_autoptr(mock) m = counting_mock(4);
    mock_add(m, NULL, NULL, 0);
    mock_run(m, MS(1));
    ck_assert_ptr_nonnull(emon_state.why);
    ck_assert_uint_eq(emon_state.overflows, 0);
    const char *why = NULL;
    sim_emon_config config;
    ck_assert(!emon_state.s->emon_parse(emon_state.h, "r1234", &config, &why));
    ck_assert_msg(strstr(why, "r1234") && strstr(why, "r00c0"), "%s", why);
    ck_assert(emon_state.s->emon_parse(emon_state.h, "r10000c5", &config, &why));
    ck_assert_uint_eq(config.event, SIM_EV_BRANCH_MISSES);
    ck_assert_uint_eq(config.threshold, 1);
}
END_TEST

START_TEST(ways_of_caches_are_given_to_a_vm)
{
    emon_state.llc_mask = 0xf0;
    g_autoptr(mock) m = counting_mock(4);
    mock_add(m, NULL, NULL, 0);
    mock_run(m, MS(1));
    ck_assert(emon_state.masked);
    ck_assert_uint_eq(m->cpus[0].masks[VMM_CACHE_LLC][1], 0xf0); /* the first VM's owner is 1 */
    ck_assert_uint_eq(m->cpus[0].masks[VMM_CACHE_L2][1], 0);
    ck_assert(!emon_state.s->way_mask(emon_state.h, 0, 0, VMM_CACHE_LLC, 1)); /* from outside of the pCPU */
    ck_assert_uint_eq(vmm_bad_answers(m->v, NULL), 1);
}
END_TEST

/* ---- multiplexing ----------------------------------------------------------------------------------------------- */

static mock_guest *guest;
static sim_ps phase;      /* length; 0: always the same */

static const enum sim_emon_event six[] = {SIM_EV_L1D_LOADS, SIM_EV_L1D_LOAD_MISSES, SIM_EV_BRANCHES, SIM_EV_BRANCH_MISSES, SIM_EV_L2_MISSES,
                                          SIM_EV_LLC_MISSES};

static void count_all(sim_ps turn, unsigned per_group)
{
    emon_state.turn = turn;
    emon_state.n_events = 6;
    emon_state.per_group = per_group;
    memcpy(emon_state.events, six, sizeof six);
}

/* Between ticks all events come 100,000 times in a million instructions in even phases, and never in odd ones. */
static void set_phase(sim_ps now)
{
    bool on = !phase || now / phase % 2 == 0;
    for (unsigned i = 0; i < 6; i++)
        guest->rate[six[i]] = on ? 100000 : 0;
}

/* The largest relative error of the six estimates, in thousandths. */
static unsigned worst_error(const mock *m)
{
    unsigned worst = 0;
    for (unsigned i = 0; i < 6; i++) {
        double estimate = (double)vmm_emon_estimate(&emon_state.values[i]), real = (double)m->cpus[0].count[six[i]];
        double off = estimate > real ? estimate - real : real - estimate;
        worst = MAX(worst, (unsigned)(off * 1000 / real));
    }
    return worst;
}

static unsigned error_with(unsigned counters, sim_ps turn, unsigned per_group, sim_ps phase_length, sim_ps span)
{
    setup();
    count_all(turn, per_group);
    emon_state.on_tick = set_phase;
    phase = phase_length;
    mock *m = counting_mock(counters);
    guest = mock_add(m, NULL, NULL, 0);
    set_phase(0);
    mock_run(m, span);
    unsigned worst = worst_error(m);
    mock_free(m);
    return worst;
}

START_TEST(turns_are_fair_and_scaled)
{
    ck_assert_uint_le(error_with(4, US(100), 1, 0, MS(60)), 10);
    for (unsigned i = 0; i < 6; i++) { /* four of six are on at a time */
        double share = (double)emon_state.values[i].running / (double)emon_state.values[i].enabled;
        ck_assert_msg(share > 0.65 && share < 0.68, "event %u: %f", i, share);
    }
    /* Three groups of two on two counters: a third each, and both of a group at the same times. */
    ck_assert_uint_le(error_with(2, US(100), 2, 0, MS(60)), 10);
    for (unsigned i = 0; i < 6; i += 2) {
        double share = (double)emon_state.values[i].running / (double)emon_state.values[i].enabled;
        ck_assert_msg(share > 0.32 && share < 0.35, "event %u: %f", i, share);
        ck_assert_uint_eq(emon_state.values[i].running, emon_state.values[i + 1].running);
        ck_assert_uint_eq(emon_state.values[i].count, emon_state.values[i + 1].count);
    }
    /* As many counters as events: nothing to scale. */
    ck_assert_uint_le(error_with(6, US(100), 1, 0, MS(60)), 10);
    ck_assert_uint_eq(emon_state.values[5].running, emon_state.values[5].enabled);
}
END_TEST

START_TEST(error_with_phases)
{
    /* Turns of 100us, three in a round. One phase of 5ms and one without events: a group that has 17 of the first one's 50 turns where a third would be
     * 16.7 errs by 2%, one that has 16 by 4%. Over many phases that averages out. Phases in step with the round (on for two turns, off for one)
     * are not seen for what they are, however long one counts. */
    unsigned once = error_with(2, US(100), 2, MS(5), MS(10)), often = error_with(2, US(100), 2, US(1700), MS(300)),
             locked = error_with(2, US(100), 2, US(150), MS(300));
    ck_assert_msg(once >= 10 && once <= 45, "%u per mille", once);
    ck_assert_msg(often <= 5, "%u per mille", often);
    ck_assert_msg(locked >= 400, "%u per mille", locked);
}
END_TEST

START_TEST(groups_that_do_not_fit)
{
    count_all(US(100), 3);
    g_autoptr(mock) m = counting_mock(2);
    mock_add(m, NULL, NULL, 0);
    mock_run(m, MS(1));
    ck_assert_msg(emon_state.why && strstr(emon_state.why, "more events than"), "%s", emon_state.why);
}
END_TEST

TCase *vmm_tests_counters(void)
{
    TCase *t = tcase_create("counters");
    tcase_add_checked_fixture(t, setup, NULL);
    tcase_add_test(t, an_overflow_is_a_vm_exit_and_asks_the_policy);
    tcase_add_test(t, an_overflow_comes_once_and_its_answer_holds);
    tcase_add_test(t, what_cannot_be_programmed_says_why);
    tcase_add_test(t, ways_of_caches_are_given_to_a_vm);
    tcase_add_test(t, turns_are_fair_and_scaled);
    tcase_add_test(t, error_with_phases);
    tcase_add_test(t, groups_that_do_not_fit);
    return t;
}
