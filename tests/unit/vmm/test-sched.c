/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The scheduler's frame with round-robin: order, lengths, states, waking, devices, affinity, ends. */
#include "test-vmm.h"

#include "vmm-mock.h"

#include <string.h>

static void check_totals(mock *m)
{
    for (unsigned i = 0; i < vmm_n_vms(m->v); i++) {
        ck_assert_uint_eq(mock_total(m, i), m->end);
        /* running is guest and VMM, but for what was done past the end */
        const mock_guest *g = g_ptr_array_index(m->guests, i);
        int64_t rest = (int64_t)(g->ran + vmm_stats(m->v, i)->work_time - vmm_stats(m->v, i)->in_state[VMM_RUNNING]);
        ck_assert_int_ge(rest, 0);
        ck_assert_int_le(rest, (int64_t)US(10));
    }
}

/* No two slices of a pCPU, nor of a VM, overlap; running time is what the slices say. */
static void check_slices(mock *m)
{
    unsigned n;
    const vmm_slice *s = vmm_slices(m->v, &n);
    for (unsigned p = 0; p < m->n; p++) {
        sim_ps last = 0;
        for (unsigned i = 0; i < n; i++) {
            if (s[i].pcpu != p)
                continue;
            ck_assert_uint_ge(s[i].at, last);
            ck_assert_uint_ge(s[i].until, s[i].at);
            last = s[i].until;
        }
    }
    for (unsigned vm = 0; vm < vmm_n_vms(m->v); vm++) {
        sim_ps last = 0, sum = 0;
        for (unsigned i = 0; i < n; i++) {
            if (s[i].vm != vm)
                continue;
            ck_assert_uint_ge(s[i].at, last);
            last = s[i].until;
            sum += MIN(s[i].until, m->end) - MIN(s[i].at, m->end);
        }
        ck_assert_uint_eq(sum, vmm_stats(m->v, vm)->in_state[VMM_RUNNING]);
    }
}

START_TEST(rr_order_and_lengths)
{
    g_autoptr(mock) m = mock_new(1, 4, "round-robin");
    mock_guest *g[3];
    for (unsigned i = 0; i < 3; i++)
        g[i] = mock_add(m, NULL, NULL, 0);
    mock_run(m, MS(31));
    unsigned n;
    const vmm_slice *s = vmm_slices(m->v, &n);
    ck_assert_uint_ge(n, 30);
    for (unsigned i = 0; i < n; i++)
        ck_assert_uint_eq(s[i].vm, i % 3);
    const GArray *stays = m->cpus[0].stays;
    for (unsigned i = 0; i < stays->len; i++)
        ck_assert_uint_eq(g_array_index(stays, sim_ps, i), MS(1));
    for (unsigned i = 0; i < 3; i++) {
        const vmm_vm_stats *st = vmm_stats(m->v, i);
        ck_assert_uint_ge(st->quanta_full, 10);
        ck_assert_uint_le(st->quanta_full, 11);
        ck_assert_uint_eq(st->quanta_full, st->preemptions);
        ck_assert_uint_eq(st->exits[VMM_EXIT_QUANTUM], st->quanta_full);
        ck_assert_uint_eq(st->ev[SIM_EV_INSTRUCTIONS], g[i]->ran / 1000);
        /* the guest's own cycles, none of the VMM's */
        ck_assert_uint_eq(st->ev[SIM_EV_CYCLES], g[i]->ran / 1000);
        ck_assert_uint_eq(st->in_state[VMM_RUNNING], g[i]->ran + st->work_time);
    }
    check_totals(m);
    check_slices(m);
    ck_assert_uint_eq(vmm_bad_answers(m->v, NULL), 0);
}
END_TEST

START_TEST(alone_it_stays_on)
{
    g_autoptr(mock) m = mock_new(2, 4, "round-robin");
    mock_add(m, NULL, NULL, 0);
    mock_run(m, MS(10));
    const vmm_vm_stats *st = vmm_stats(m->v, 0);
    ck_assert_uint_eq(st->dispatches, 1);
    ck_assert_uint_eq(st->preemptions, 0);
    ck_assert_uint_eq(st->migrations, 0);
    ck_assert_uint_eq(m->cpus[0].tlb_flushes, 1 + 2 * (st->exits[VMM_EXIT_QUANTUM]));
    check_totals(m);
}
END_TEST

START_TEST(own_quantum)
{
    g_autoptr(mock) m = mock_new(1, 4, "round-robin");
    const vmm_vm_config config = { .quantum = US(2500) };
    m->config.quantum = US(500);
    mock_guest *a = mock_add(m, &config, NULL, 0), *b = mock_add(m, NULL, NULL, 0);
    mock_run(m, MS(300));
    ck_assert_uint_eq(g_array_index(m->cpus[0].stays, sim_ps, 0), US(2500));
    ck_assert_uint_eq(g_array_index(m->cpus[0].stays, sim_ps, 1), US(500));
    ck_assert_uint_ge(a->ran, 4 * b->ran);
}
END_TEST

START_TEST(shares_on_several)
{
    g_autoptr(mock) m = mock_new(3, 4, "round-robin");
    mock_guest *g[7];
    for (unsigned i = 0; i < 7; i++)
        g[i] = mock_add(m, NULL, NULL, 0);
    m->block = 700;
    mock_run(m, MS(700));
    for (unsigned i = 0; i < 7; i++) {
        ck_assert_uint_ge(g[i]->ran, MS(296));
        ck_assert_uint_le(g[i]->ran, MS(302));
    }
    check_totals(m);
    check_slices(m);
}
END_TEST

START_TEST(sleep_and_wake)
{
    static const mock_step steps[] = { { US(100), { .kind = VMM_STOP_SLEEP, .span = US(900) } } };
    g_autoptr(mock) m = mock_new(1, 4, "round-robin");
    mock_guest *g = mock_add(m, NULL, steps, 1);
    mock_run(m, MS(100));
    const vmm_vm_stats *st = vmm_stats(m->v, 0);
    ck_assert_uint_ge(st->wake_latency->len, 98);
    ck_assert_uint_eq(st->voluntary, st->exits[VMM_EXIT_HLT]);
    /* scheduler 400 cycles, entry 500 + 100: from the wake-up to the first instruction */
    for (unsigned i = 0; i < st->wake_latency->len; i++)
        ck_assert_uint_eq(g_array_index(st->wake_latency, uint64_t, i), US(1));
    ck_assert_uint_ge(g->ran, MS(9.8));
    ck_assert_uint_ge(st->in_state[VMM_BLOCKED], MS(89));
    ck_assert_uint_eq(st->in_state[VMM_RUNNABLE], 0);
    check_totals(m);
    check_slices(m);
}
END_TEST

START_TEST(wake_waits_for_its_turn)
{
    static const mock_step steps[] = { { US(100), { .kind = VMM_STOP_SLEEP, .span = US(300) } } };
    g_autoptr(mock) m = mock_new(1, 4, "round-robin");
    mock_add(m, NULL, NULL, 0);
    mock_add(m, NULL, steps, 1);
    mock_run(m, MS(50));
    const GArray *latency = vmm_stats(m->v, 1)->wake_latency;
    ck_assert_uint_ge(latency->len, 30);
    for (unsigned i = 0; i < latency->len; i++) {
        ck_assert_uint_ge(g_array_index(latency, uint64_t, i), US(690));
        ck_assert_uint_le(g_array_index(latency, uint64_t, i), US(705));
    }
    ck_assert_uint_ge(vmm_stats(m->v, 1)->in_state[VMM_RUNNABLE], MS(20));
    check_totals(m);
}
END_TEST

START_TEST(sleep_until_a_deadline)
{
    static const mock_step steps[] = { { US(10), { .kind = VMM_STOP_SLEEP, .until = MS(5) } },
                                       { US(10), { .kind = VMM_STOP_SLEEP, .until = MS(1) } }, /* past: goes on */
                                       { US(10), { .kind = VMM_STOP_END, .status = 3 } } };
    g_autoptr(mock) m = mock_new(1, 4, "round-robin");
    mock_add(m, NULL, steps, 3);
    mock_run(m, MS(10));
    const vmm_vm_stats *st = vmm_stats(m->v, 0);
    ck_assert(st->ended && !st->faulted);
    ck_assert_int_eq(st->exit_status, 3);
    ck_assert_uint_ge(st->ended_at, MS(5));
    ck_assert_uint_le(st->ended_at, US(5040));
    ck_assert(vmm_all_ended(m->v));
    ck_assert_uint_eq(st->in_state[VMM_OFFLINE], MS(10) - st->ended_at);
    check_totals(m);
}
END_TEST

START_TEST(disk)
{
    static const mock_step steps[] = { { US(10), { .kind = VMM_STOP_IO, .bytes = 1000000 } },
                                       { US(10), { .kind = VMM_STOP_END } } };
    g_autoptr(mock) m = mock_new(1, 4, "round-robin");
    const vmm_vm_config config = { .io_latency = US(80), .io_bytes_per_s = 100000000 };
    mock_add(m, &config, steps, 2);
    mock_run(m, MS(20));
    const vmm_vm_stats *st = vmm_stats(m->v, 0);
    ck_assert(st->ended);
    ck_assert_uint_eq(st->exits[VMM_EXIT_IO], 1);
    /* from the stop at 11 us: 80 us and 10 ms; blocked from after the exit's work (650 cycles) */
    ck_assert_uint_eq(st->in_state[VMM_BLOCKED], US(10080) - US(0.65));
    check_totals(m);
}
END_TEST

START_TEST(exits_that_go_on)
{
    static const mock_step steps[] = { { US(10), { .kind = VMM_STOP_HYPERCALL, .nr = 1 } },
                                       { US(10), { .kind = VMM_STOP_WBINVD } },
                                       { US(10), { .kind = VMM_STOP_ROI, .nr = 1 } },
                                       { US(10), { .kind = VMM_STOP_TASK_BEGIN, .nr = 7, .arg = 1 } },
                                       { US(10), { .kind = VMM_STOP_TASK_END, .nr = 7, .arg = 1 } },
                                       { US(10), { .kind = VMM_STOP_YIELD } },
                                       { US(10), { .kind = VMM_STOP_END } } };
    g_autoptr(mock) m = mock_new(1, 4, "round-robin");
    mock_add(m, NULL, steps, 7);
    mock_run(m, MS(1));
    const vmm_vm_stats *st = vmm_stats(m->v, 0);
    ck_assert(st->ended);
    ck_assert_uint_eq(st->exits[VMM_EXIT_HYPERCALL], 1);
    ck_assert_uint_eq(st->exits[VMM_EXIT_WBINVD], 1);
    ck_assert_uint_eq(st->exits[VMM_EXIT_YIELD], 1);
    ck_assert_uint_eq(st->dispatches, 1);
    ck_assert_uint_eq(st->task_time->len, 1);
    ck_assert_uint_eq(g_array_index(st->task_time, vmm_task_time, 0).kind, 7);
    ck_assert_uint_eq(g_array_index(st->task_time, vmm_task_time, 0).ps, US(10));
    ck_assert_uint_eq(m->cpus[0].stays->len, 1);
    check_totals(m);
}
END_TEST

START_TEST(yield_gives_way)
{
    static const mock_step steps[] = { { US(10), { .kind = VMM_STOP_YIELD } } };
    g_autoptr(mock) m = mock_new(1, 4, "round-robin");
    mock_add(m, NULL, steps, 1);
    mock_add(m, NULL, NULL, 0);
    mock_run(m, MS(20));
    const vmm_vm_stats *st = vmm_stats(m->v, 0);
    ck_assert_uint_eq(st->voluntary, st->exits[VMM_EXIT_YIELD]);
    ck_assert_uint_ge(st->voluntary, 18);
    ck_assert_uint_eq(st->preemptions, 0);
}
END_TEST

START_TEST(affinity)
{
    static const mock_step steps[] = { { US(150), { .kind = VMM_STOP_SLEEP, .span = US(70) } } };
    const uint64_t one[VMM_MASK_WORDS] = { 2 }, two[VMM_MASK_WORDS] = { 5 };
    const vmm_vm_config c1 = { .affinity = one }, c2 = { .affinity = two };
    g_autoptr(mock) m = mock_new(3, 4, "round-robin");
    mock_add(m, &c1, steps, 1);
    mock_add(m, &c2, NULL, 0);
    mock_add(m, &c2, steps, 1);
    mock_add(m, NULL, steps, 1);
    mock_add(m, NULL, NULL, 0);
    mock_run(m, MS(100));
    unsigned n;
    const vmm_slice *s = vmm_slices(m->v, &n);
    for (unsigned i = 0; i < n; i++)
        ck_assert(s[i].vm == 0 ? s[i].pcpu == 1 : s[i].vm <= 2 ? s[i].pcpu != 1 : true);
    ck_assert_uint_gt(vmm_stats(m->v, 3)->migrations, 0);
    ck_assert_uint_eq(vmm_bad_answers(m->v, NULL), 0);
    check_totals(m);
    check_slices(m);
}
END_TEST

START_TEST(late_start)
{
    const vmm_vm_config late = { .start = MS(5) };
    g_autoptr(mock) m = mock_new(1, 4, "round-robin");
    mock_add(m, NULL, NULL, 0);
    mock_add(m, &late, NULL, 0);
    mock_run(m, MS(20));
    const vmm_vm_stats *st = vmm_stats(m->v, 1);
    ck_assert_uint_eq(st->started_at, MS(5));
    ck_assert_uint_eq(st->in_state[VMM_OFFLINE], MS(5));
    ck_assert_uint_eq(st->wake_latency->len, 0);
    check_totals(m);
}
END_TEST

START_TEST(fault_in_mid_quantum)
{
    static const mock_step steps[] = {
        { US(1300), { .kind = VMM_STOP_FAULT, .arg = 0xdead, .ip = 0x401000, .text = "unmapped read" } }
    };
    g_autoptr(mock) m = mock_new(1, 4, "round-robin");
    mock_guest *a = mock_add(m, NULL, steps, 1), *b = mock_add(m, NULL, NULL, 0);
    mock_run(m, MS(20));
    const vmm_vm_stats *st = vmm_stats(m->v, 0);
    ck_assert(st->ended && st->faulted);
    ck_assert_uint_eq(st->fault_address, 0xdead);
    ck_assert_uint_eq(st->fault_ip, 0x401000);
    ck_assert_str_eq(st->fault_text, "unmapped read");
    ck_assert_uint_eq(st->exits[VMM_EXIT_FAULT], 1);
    ck_assert_uint_eq(a->ran, US(1300));
    ck_assert_uint_eq(st->ev[SIM_EV_INSTRUCTIONS], 1300000);
    ck_assert_uint_ge(b->ran, MS(18.5));
    ck_assert(!vmm_all_ended(m->v));
    check_totals(m);
    check_slices(m);
}
END_TEST

/* A pCPU that is behind finds a vCPU in the queue that another one put there at a later local time: it waits for it. */
START_TEST(no_effect_before_its_cause)
{
    static const mock_step late[] = { { US(33), { .kind = VMM_STOP_YIELD } } }, early[] = { { US(20), { .kind = VMM_STOP_YIELD } } };
    g_autoptr(mock) m = mock_new(2, 4, "round-robin");
    mock_add(m, NULL, late, 1);
    mock_add(m, NULL, early, 1);
    mock_add(m, NULL, NULL, 0);
    mock_run(m, US(60));
    unsigned n;
    const vmm_slice *s = vmm_slices(m->v, &n);
    /* "late" leaves pCPU 0 at 33 us and the VMM's work; pCPU 1 is free for it from 21 us on */
    bool seen = false;
    for (unsigned i = 0; i < n; i++) {
        if (s[i].vm != 0 || s[i].pcpu != 1)
            continue;
        ck_assert_uint_ge(s[i].at, US(34.65));
        ck_assert_uint_le(s[i].at, US(34.66));
        seen = true;
    }
    ck_assert(seen);
    ck_assert_uint_le(vmm_stats(m->v, 0)->work_time, US(10)); /* not less than nothing */
    check_totals(m);
    check_slices(m);
}
END_TEST

/* Local times past the end of the run do not count, wherever the end falls. */
START_TEST(accounts_stop_at_the_end)
{
    static const mock_step steps[] = { { US(33), { .kind = VMM_STOP_SLEEP, .span = US(1) } },
                                       { US(1), { .kind = VMM_STOP_YIELD } }, { US(2), { .kind = VMM_STOP_YIELD } } };
    for (unsigned i = 0; i < 60; i++) {
        g_autoptr(mock) m = mock_new(3, 4, "round-robin");
        for (unsigned k = 0; k < 4 + i % 2; k++) {
            mock_guest *g = mock_add(m, NULL, steps, 3);
            g->at = k % 3;
            g->left = steps[g->at].run;
        }
        m->block = 3300;
        mock_run(m, US(900) + i * 437 * SIM_PS_PER_NS);
        check_totals(m);
        check_slices(m);
    }
}
END_TEST

/* A vCPU that has to give way to one that is bound to its pCPU goes on where it is idle. */
START_TEST(idle_ones_take_over)
{
    const uint64_t zero[VMM_MASK_WORDS] = { 1 };
    const vmm_vm_config bound = { .affinity = zero };
    g_autoptr(mock) m = mock_new(2, 4, "round-robin");
    mock_guest *a = mock_add(m, NULL, NULL, 0), *b = mock_add(m, &bound, NULL, 0);
    mock_run(m, MS(20));
    ck_assert_uint_ge(a->ran, MS(19.9));
    ck_assert_uint_ge(b->ran, MS(18.9));
}
END_TEST

/* pCPUs 0 and 1 share a core, 2 and 3 another: idle cores are filled first. */
START_TEST(spreads_over_cores)
{
    g_autoptr(mock) m = mock_new(4, 4, "round-robin");
    for (unsigned i = 0; i < 3; i++)
        mock_add(m, NULL, NULL, 0);
    mock_run(m, MS(2));
    ck_assert_uint_eq(m->cpus[0].vcpu, 0);
    ck_assert_uint_eq(m->cpus[2].vcpu, 1);
    ck_assert_uint_eq(m->cpus[1].vcpu, 2);
    ck_assert_ptr_null(m->cpus[3].guest);
}
END_TEST

START_TEST(many)
{
    static const mock_step steps[] = { { US(430), { .kind = VMM_STOP_SLEEP, .span = US(210) } } };
    g_autoptr(mock) m = mock_new(256, 4, "round-robin");
    for (unsigned i = 0; i < 256; i++)
        mock_add(m, NULL, i % 3 ? steps : NULL, i % 3 ? 1 : 0);
    mock_run(m, MS(5));
    check_totals(m);
    for (unsigned i = 0; i < 256; i++) {
        const vmm_vm_stats *st = vmm_stats(m->v, i);
        /* a pCPU for each: nobody waits for longer than a scheduler's work */
        ck_assert_uint_le(st->in_state[VMM_RUNNABLE], US(20));
        ck_assert_uint_eq(st->migrations, 0);
    }
    ck_assert_uint_eq(vmm_bad_answers(m->v, NULL), 0);
}
END_TEST

static char *digest(const char *policy, sim_ps quantum)
{
    static const mock_step steps[] = { { US(430), { .kind = VMM_STOP_SLEEP, .span = US(210) } },
                                       { US(90), { .kind = VMM_STOP_IO, .bytes = 4096 } } };
    const vmm_vm_config config = { .io_latency = US(80), .io_bytes_per_s = 100000000 };
    g_autoptr(mock) m = mock_new(3, 4, policy);
    m->config.quantum = quantum;
    m->config.keep_schedule = false;
    m->block = 900;
    for (unsigned i = 0; i < 8; i++)
        mock_add(m, &config, i % 3 ? steps : NULL, i % 3 ? 2 : 0);
    mock_run(m, MS(50));
    unsigned n;
    vmm_slices(m->v, &n);
    ck_assert_uint_eq(n, 0);
    GChecksum *sum = g_checksum_new(G_CHECKSUM_SHA256);
    vmm_digest(m->v, sum);
    char *text = g_strdup(g_checksum_get_string(sum));
    g_checksum_free(sum);
    return text;
}

START_TEST(deterministic)
{
    static const char *const names[] = { "round-robin", "priority", "emon-quantum" };
    for (unsigned i = 0; i < 3; i++) {
        g_autofree char *a = digest(names[i], 0), *b = digest(names[i], 0), *c = digest(names[i], US(990));
        ck_assert_str_eq(a, b);
        ck_assert_str_ne(a, c);
    }
}
END_TEST

TCase *vmm_tests_sched(void)
{
    TCase *t = tcase_create("sched");
    tcase_set_timeout(t, 60);
    tcase_add_test(t, rr_order_and_lengths);
    tcase_add_test(t, alone_it_stays_on);
    tcase_add_test(t, own_quantum);
    tcase_add_test(t, shares_on_several);
    tcase_add_test(t, sleep_and_wake);
    tcase_add_test(t, wake_waits_for_its_turn);
    tcase_add_test(t, sleep_until_a_deadline);
    tcase_add_test(t, disk);
    tcase_add_test(t, exits_that_go_on);
    tcase_add_test(t, yield_gives_way);
    tcase_add_test(t, affinity);
    tcase_add_test(t, late_start);
    tcase_add_test(t, fault_in_mid_quantum);
    tcase_add_test(t, no_effect_before_its_cause);
    tcase_add_test(t, accounts_stop_at_the_end);
    tcase_add_test(t, idle_ones_take_over);
    tcase_add_test(t, spreads_over_cores);
    tcase_add_test(t, many);
    tcase_add_test(t, deterministic);
    return t;
}
