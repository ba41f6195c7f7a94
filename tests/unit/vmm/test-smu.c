/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The parts of emon-quantum by themselves: triggers, ledger. */
#include "test-vmm.h"

#include "policies/emon-ledger.h"
#include "policies/emon-triggers.h"

#include <glib.h>
#include <string.h>

START_TEST(states_have_hysteresis)
{
    const emon_thresholds limits = {
        .loop_samples = 2, .loop_iterations = 1000000, .loop_body = 100, .loop_btb_permille = 990, .loop_l1i_rate = 500,
        .loop_l1d_rate = 10000, .full_permille = 800, .full_l1d_rate = 5000, .confirm = 2, .slack_permille = 200,
        .flush_dirty_permille = 250, .flush_left_permille = 50,
    };
    emon_tracker t = { 0 };
    vmm_smu_sample s = { .insns = 100000, .fresh = 15, .rate = { 10000, 500, 0, 300000 } };
    s.view = (vmm_view){ .in_loop = true, .loop_branch = 5, .loop_body_insns = 100, .btb_hit_permille = 990 };
    s.view.l1d.lines = 512;
    s.view.l1d.mine = 100;
    /* not long; long; confirmed */
    ck_assert(!emon_triggers_evaluate(&t, &s, &limits).tight);
    ck_assert(!emon_triggers_evaluate(&t, &s, &limits).tight);
    ck_assert(emon_triggers_evaluate(&t, &s, &limits).tight);
    s.rate[0] = 12000; /* within the slack of 200/1000 */
    ck_assert(emon_triggers_evaluate(&t, &s, &limits).tight);
    s.rate[0] = 12001;
    ck_assert(!emon_triggers_evaluate(&t, &s, &limits).tight);
    s.rate[0] = 12000; /* not enough to come back */
    for (unsigned i = 0; i < 4; i++)
        ck_assert(!emon_triggers_evaluate(&t, &s, &limits).tight);
    s.rate[0] = UINT64_MAX; /* not known */
    for (unsigned i = 0; i < 4; i++)
        ck_assert(!emon_triggers_evaluate(&t, &s, &limits).tight);
    /* nested: now and then the detector is on its first iterations; nothing has ended */
    s.loop_exits = 7;
    s.view.in_loop = false;
    ck_assert(!emon_triggers_evaluate(&t, &s, &limits).loop_end);
    s.view.in_loop = true;
    for (unsigned i = 0; i < 3; i++)
        ck_assert(!emon_triggers_evaluate(&t, &s, &limits).loop_end);
    /* another branch, while the detector reports that loops ended: the long one did; this one is not long */
    s.view.loop_branch = 6;
    ck_assert(emon_triggers_evaluate(&t, &s, &limits).loop_end);
    s.view.loop_branch = 7;
    ck_assert(!emon_triggers_evaluate(&t, &s, &limits).loop_end);
}
END_TEST

START_TEST(ledger)
{
    emon_ledger *l = emon_ledger_new(4, 1000);
    for (uint32_t i = 0; i < 4; i++)
        emon_ledger_open(l, i);
    ck_assert_uint_eq(emon_ledger_take(l, 0, 1, 700), 700);
    ck_assert_uint_eq(emon_ledger_take(l, 0, 2, 700), 300);
    ck_assert_uint_eq(emon_ledger_take(l, 0, 2, 700), 0);
    ck_assert_uint_eq(emon_ledger_take(l, 3, 2, 100), 100);
    ck_assert_uint_eq(emon_ledger_take(l, 1, 1, 100), 0);
    ck_assert_uint_eq(emon_ledger_take(l, 9, 1, 100), 0);
    ck_assert_int_eq(emon_ledger_sum(l), 0);
    /* 1000 owed by 0 are forgiven by 1 (700 of 1100) and 2 (400 of 1100) */
    emon_ledger_close(l, 0);
    ck_assert_int_eq(emon_ledger_balance(l, 0), 0);
    ck_assert_int_eq(emon_ledger_balance(l, 1), -63);
    ck_assert_int_eq(emon_ledger_balance(l, 2), -37);
    ck_assert_int_eq(emon_ledger_balance(l, 3), 100);
    ck_assert_int_eq(emon_ledger_sum(l), 0);
    ck_assert_uint_eq(emon_ledger_take(l, 0, 1, 100), 0);
    emon_ledger_close(l, 1);
    ck_assert_int_eq(emon_ledger_balance(l, 3), 37);
    emon_ledger_close(l, 3);
    ck_assert_int_eq(emon_ledger_balance(l, 2), 0);
    emon_ledger_free(l);
}
END_TEST

TCase *vmm_tests_smu(void)
{
    TCase *t = tcase_create("smu");
    tcase_add_test(t, states_have_hysteresis);
    tcase_add_test(t, ledger);
    return t;
}
