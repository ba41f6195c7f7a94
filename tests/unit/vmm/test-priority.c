/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "test-vmm.h"

#include "vmm-mock.h"

START_TEST(wakes_preempt)
{
    static const mock_step steps[] = { { US(100), { .kind = VMM_STOP_SLEEP, .span = US(330) } } };
    const vmm_vm_config urgent = { .priority = 5 };
    g_autoptr(mock) m = mock_new(1, 4, "priority");
    mock_add(m, NULL, NULL, 0);
    mock_add(m, &urgent, steps, 1);
    mock_add(m, NULL, NULL, 0);
    mock_run(m, MS(200));
    const vmm_vm_stats *st = vmm_stats(m->v, 1);
    ck_assert_uint_ge(st->wake_latency->len, 400);
    /* exit 650, scheduler 400, entry 600 cycles; up to 2.3 us more where a transition is under way */
    for (unsigned i = 0; i < st->wake_latency->len; i++)
        ck_assert_uint_le(g_array_index(st->wake_latency, uint64_t, i), US(4));
    /* a preempted one keeps its place and the rest of its quantum: the two take turns of a millisecond */
    unsigned n;
    const vmm_slice *s = vmm_slices(m->v, &n);
    sim_ps turn = 0;
    uint32_t whose = 0;
    for (unsigned i = 0; i + 1 < n; i++) {
        if (s[i].vm == 1)
            continue;
        if (s[i].vm != whose) {
            ck_assert_uint_ge(turn, US(990));
            ck_assert_uint_le(turn, US(1020));
            whose = s[i].vm;
            turn = 0;
        }
        turn += s[i].until - s[i].at;
    }
    const vmm_vm_stats *a = vmm_stats(m->v, 0), *c = vmm_stats(m->v, 2);
    ck_assert_uint_gt(a->preemptions, 0);
    ck_assert_uint_ge(a->ev[SIM_EV_INSTRUCTIONS], 72000000);
    ck_assert_uint_ge(c->ev[SIM_EV_INSTRUCTIONS], 72000000);
    ck_assert_uint_eq(vmm_bad_answers(m->v, NULL), 0);
    for (unsigned i = 0; i < 3; i++)
        ck_assert_uint_eq(mock_total(m, i), MS(200));
}
END_TEST

START_TEST(most_urgent_first)
{
    const vmm_vm_config low = { .priority = -1 }, high = { .priority = 3 };
    g_autoptr(mock) m = mock_new(2, 4, "priority");
    mock_guest *l = mock_add(m, &low, NULL, 0), *a = mock_add(m, &high, NULL, 0), *n = mock_add(m, NULL, NULL, 0),
               *b = mock_add(m, &high, NULL, 0), *c = mock_add(m, &high, NULL, 0);
    mock_run(m, MS(90));
    ck_assert_uint_eq(l->ran, 0);
    ck_assert_uint_eq(n->ran, 0);
    ck_assert_uint_ge(a->ran, MS(58));
    ck_assert_uint_ge(b->ran, MS(58));
    ck_assert_uint_ge(c->ran, MS(58));
}
END_TEST

START_TEST(starving_ones_are_run)
{
    const vmm_vm_config high = { .priority = 3 };
    g_autoptr(mock) m = mock_new(1, 4, "priority");
    m->config.quantum = MS(5);
    mock_add(m, &high, NULL, 0);
    mock_guest *l = mock_add(m, NULL, NULL, 0);
    mock_run(m, MS(3100));
    ck_assert_uint_eq(vmm_starvations(m->v, NULL), 3);
    ck_assert_uint_ge(l->ran, MS(14.9));
    ck_assert_uint_le(l->ran, MS(15.1));
}
END_TEST

/* The least urgent of all pCPUs gives way, not the one where the vCPU ran last; and a vCPU that had to give way to a
 * bound one finds the pCPU of a less urgent one. */
START_TEST(the_right_one_gives_way)
{
    static const mock_step steps[] = { { US(50), { .kind = VMM_STOP_SLEEP, .span = MS(2) } } };
    const uint64_t zero[VMM_MASK_WORDS] = { 1 }, one[VMM_MASK_WORDS] = { 2 };
    const vmm_vm_config low = { .priority = 1, .affinity = one }, mid = { .priority = 2 },
                        high = { .priority = 3, .affinity = zero, .start = MS(1.5) };
    g_autoptr(mock) m = mock_new(2, 4, "priority");
    mock_add(m, &mid, NULL, 0);
    mock_add(m, &low, NULL, 0);
    mock_add(m, &high, steps, 1);
    mock_run(m, MS(100));
    /* mid waits for no longer than transitions, always */
    ck_assert_uint_le(vmm_stats(m->v, 0)->in_state[VMM_RUNNABLE], US(10));
    ck_assert_uint_gt(vmm_stats(m->v, 0)->migrations, 0);
    ck_assert_uint_eq(vmm_bad_answers(m->v, NULL), 0);
}
END_TEST

TCase *vmm_tests_priority(void)
{
    TCase *t = tcase_create("priority");
    tcase_add_test(t, wakes_preempt);
    tcase_add_test(t, most_urgent_first);
    tcase_add_test(t, starving_ones_are_run);
    tcase_add_test(t, the_right_one_gives_way);
    return t;
}
