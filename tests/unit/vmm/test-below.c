/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The layer below the VMM: who gets a pCPU, what is accounted to whom, events that come late, exits to an outer VMM. */
#include "test-vmm.h"

#include "vmm-mock.h"

#include <string.h>

static const vmm_below_config host = { .kind = VMM_BELOW_HOST, .weight = 256, .slice = MS(0.7), .tick = MS(1) };
static const vmm_below_config outer = { .kind = VMM_BELOW_OUTER, .weight = 256, .slice = MS(2), .accesses = 3, .switch_cycles = 1000 };

/* Threads run for ever, but for those with steps. */
static void add_below(mock *m, const vmm_below_config *kind, const vmm_below_thread_config *threads, unsigned n, const mock_step *steps, unsigned n_steps)
{
    vmm_below_config config = *kind;
    vmm_below_thread_config copies[4];
    g_assert(n <= G_N_ELEMENTS(copies));
    for (unsigned i = 0; i < n; i++) {
        mock_guest *g = g_new0(mock_guest, 1);
        g->steps = steps;
        g->n_steps = n_steps;
        g->left = n_steps ? steps[0].run : SIM_PS_NEVER;
        g_ptr_array_add(m->guests, g);
        copies[i] = threads[i];
        copies[i].name = "thread";
        copies[i].weight = threads[i].weight ? threads[i].weight : 256;
    }
    config.threads = copies;
    config.n_threads = n;
    vmm_add_below(m->v, &config);
}

static mock *machine(unsigned n_pcpus)
{
    mock *m = mock_new(n_pcpus, 4, "round-robin");
    mock_make(m);
    return m;
}

static const vmm_vm_stats *vm(const mock *m, unsigned i)
{
    return vmm_stats(m->v, i);
}

/* States of VMs and times of pCPUs are the whole. */
static void check_balance(const mock *m, unsigned n_vms)
{
    const vmm_below_stats *b = vmm_below_report(m->v);
    for (unsigned i = 0; i < n_vms; i++) {
        ck_assert_uint_eq(mock_total(m, i), m->end);
        ck_assert_uint_le(vm(m, i)->taken, vm(m, i)->in_state[VMM_RUNNABLE]);
    }
    for (unsigned i = 0; i < m->n; i++)
        ck_assert_uint_eq(b->pcpus[i].vmm + b->pcpus[i].threads + b->pcpus[i].work + b->pcpus[i].idle, m->end);
}

static double share(sim_ps part, const mock *m)
{
    return (double)part / (double)m->end;
}

#define NEAR(value, wanted, within)                                                                                                          \
    ck_assert_msg((value) > (wanted) - (within) && (value) < (wanted) + (within), "%f is not near %f", (double)(value), (double)(wanted))

START_TEST(host_load_takes_its_share)
{
    g_autoptr(mock) m = machine(1);
    mock_guest *g = mock_add(m, NULL, NULL, 0);
    add_below(m, &host, &(vmm_below_thread_config){ .burst = MS(3), .period = MS(10), .start = MS(1) }, 1, NULL, 0);
    mock_run(m, MS(100));
    check_balance(m, 1);
    const vmm_below_stats *b = vmm_below_report(m->v);
    NEAR(share(b->threads[0]->ran, m), 0.3, 0.02);
    NEAR(share(g->ran, m), 0.7, 0.03);
    NEAR(share(vm(m, 0)->taken, m), 0.3, 0.02);
    ck_assert_uint_ge(vm(m, 0)->times_taken, 10);
    ck_assert_uint_lt(vm(m, 0)->in_state[VMM_RUNNABLE] - vm(m, 0)->taken, US(10)); /* before its first instruction */
    ck_assert_uint_ge(b->pcpus[0].ticks, 85);
}
END_TEST

START_TEST(weights_share_the_pcpu)
{
    for (int kind = 0; kind < 2; kind++) {
        g_autoptr(mock) m = machine(1);
        mock_add(m, NULL, NULL, 0);
        mock_add(m, NULL, NULL, 0);
        add_below(m, kind ? &outer : &host, &(vmm_below_thread_config){ .weight = 768 }, 1, NULL, 0);
        mock_run(m, MS(400));
        check_balance(m, 2);
        const vmm_below_stats *b = vmm_below_report(m->v);
        NEAR(share(b->pcpus[0].threads, m), 0.75, 0.02);
        NEAR(share(b->pcpus[0].vmm, m), 0.25, 0.02);
        /* What is left, the VMM shares out as if it were all. */
        NEAR(share(vm(m, 0)->in_state[VMM_RUNNING], m), 0.125, 0.02);
        NEAR(share(vm(m, 1)->in_state[VMM_RUNNING], m), 0.125, 0.02);
        ck_assert_uint_gt(vm(m, 0)->quanta_full, 10);
    }
}
END_TEST

/* Quanta are times of the clock: one of 1 ms in which the outer VMM takes the pCPU for 2 ms is over when it comes back. */
START_TEST(timers_come_late)
{
    g_autoptr(mock) m = machine(1);
    mock_add(m, NULL, NULL, 0);
    mock_add(m, NULL, NULL, 0);
    add_below(m, &outer, &(vmm_below_thread_config){ .start = MS(0.5) }, 1, NULL, 0);
    mock_run(m, MS(40));
    check_balance(m, 2);
    const vmm_below_stats *b = vmm_below_report(m->v);
    NEAR(share(b->pcpus[0].threads, m), 0.5, 0.03);
    /* Each 4 ms two quanta have their timer in the VMM's 2 ms, or at their end; without lateness they would be 40. */
    ck_assert_uint_le(vm(m, 0)->quanta_full + vm(m, 1)->quanta_full, 32);
    ck_assert_uint_ge(vm(m, 0)->quanta_full + vm(m, 1)->quanta_full, 18);
    unsigned n;
    const vmm_slice *s = vmm_slices(m->v, &n);
    for (unsigned i = 0; i + 1 < n; i++)
        ck_assert_uint_le(s[i].until, s[i + 1].at);
}
END_TEST

static const mock_step sleeper[] = { { .run = US(100), .stop = { .kind = VMM_STOP_SLEEP, .span = US(900) } } };

START_TEST(an_idle_vmm_leaves_the_pcpu)
{
    g_autoptr(mock) m = machine(1);
    mock_add(m, NULL, sleeper, 1);
    add_below(m, &host, &(vmm_below_thread_config){ .weight = 256 }, 1, NULL, 0);
    mock_run(m, MS(100));
    check_balance(m, 1);
    const vmm_below_stats *b = vmm_below_report(m->v);
    ck_assert_uint_gt(b->pcpus[0].vmm, MS(3));
    NEAR(share(b->pcpus[0].threads + b->pcpus[0].vmm + b->pcpus[0].work, m), 1.0, 0.001);
    ck_assert_uint_gt(vm(m, 0)->wake_latency->len, 30);
    /* The host does not know that somebody waits for a slice's end, but for its tick. */
    for (unsigned i = 0; i < vm(m, 0)->wake_latency->len; i++)
        ck_assert_uint_lt(g_array_index(vm(m, 0)->wake_latency, uint64_t, i), MS(2.1));
}
END_TEST

START_TEST(a_halted_guest_loses_the_pcpu_too)
{
    const vmm_controls stays = { .entry = vmm_controls_default.entry, .exit = vmm_controls_default.exit, .insns = 0 };
    g_autoptr(mock) m = machine(1);
    mock_add(m, &(vmm_vm_config){ .weight = 256, .controls = &stays }, sleeper, 1);
    add_below(m, &host, &(vmm_below_thread_config){ .burst = MS(2), .period = MS(5) }, 1, NULL, 0);
    mock_run(m, MS(50));
    check_balance(m, 1);
    ck_assert_uint_gt(vm(m, 0)->halted, MS(10));
    ck_assert_uint_le(vm(m, 0)->halted, vm(m, 0)->in_state[VMM_RUNNING]);
    ck_assert_uint_gt(vm(m, 0)->taken, MS(15));
    uint64_t longest = 0;
    for (unsigned i = 0; i < vm(m, 0)->wake_latency->len; i++)
        longest = MAX(longest, g_array_index(vm(m, 0)->wake_latency, uint64_t, i));
    ck_assert_uint_gt(longest, US(500)); /* it woke while it was away */
}
END_TEST

START_TEST(a_vm_is_removed_while_it_is_away)
{
    g_autoptr(mock) m = machine(1);
    mock_add(m, &(vmm_vm_config){ .weight = 256, .stop = MS(3) }, NULL, 0);
    mock_add(m, &(vmm_vm_config){ .weight = 256, .start = MS(9) }, NULL, 0);
    add_below(m, &outer, &(vmm_below_thread_config){ .start = MS(1) }, 1, NULL, 0);
    mock_run(m, MS(12));
    check_balance(m, 2);
    ck_assert(vm(m, 0)->stopped);
    NEAR(vm(m, 0)->ended_at, (double)MS(4), (double)MS(0.1)); /* the thread had its quantum of 2 ms from 2 ms on */
    ck_assert(vm(m, 1)->started);
}
END_TEST

START_TEST(threads_go_where_a_pcpu_idles)
{
    g_autoptr(mock) m = machine(2);
    mock_add(m, NULL, NULL, 0);
    const vmm_below_thread_config threads[2] = { { .weight = 256 }, { .weight = 256 } };
    add_below(m, &host, threads, 2, NULL, 0);
    mock_run(m, MS(60));
    check_balance(m, 1);
    const vmm_below_stats *b = vmm_below_report(m->v);
    ck_assert_uint_lt(b->pcpus[0].idle + b->pcpus[1].idle, MS(0.1));
    ck_assert_uint_gt(b->threads[0]->ran + b->threads[1]->ran, MS(80));
}
END_TEST

static const mock_step io_and_end[] = {
    { .run = US(100), .stop = { .kind = VMM_STOP_IO, .bytes = 1000000 } },
    { .run = US(100), .stop = { .kind = VMM_STOP_TASK_BEGIN } },
    { .run = US(100), .stop = { .kind = VMM_STOP_END } },
};

START_TEST(a_thread_waits_for_its_disk_and_ends)
{
    g_autoptr(mock) m = machine(1);
    mock_guest *g = mock_add(m, NULL, NULL, 0);
    add_below(m, &host, &(vmm_below_thread_config){ .io_latency = US(500), .io_bytes_per_s = 1000000000 }, 1, io_and_end, 3);
    mock_run(m, MS(10));
    check_balance(m, 1);
    const vmm_below_stats *b = vmm_below_report(m->v);
    ck_assert(b->threads[0]->ended && !b->threads[0]->faulted);
    NEAR(b->threads[0]->ran, (double)US(300), (double)US(20));
    ck_assert_uint_gt(g->ran, MS(9.5));
}
END_TEST

static const mock_step calls[] = { { .run = US(50), .stop = { .kind = VMM_STOP_HYPERCALL } } };

START_TEST(exits_multiply)
{
    g_autoptr(mock) m = machine(1), bare = machine(1);
    mock_add(m, NULL, calls, 1);
    mock_add(bare, NULL, calls, 1);
    add_below(m, &outer, NULL, 0, NULL, 0);
    mock_run(m, MS(10));
    mock_run(bare, MS(10));
    check_balance(m, 1);
    const vmm_below_stats *b = vmm_below_report(m->v);
    uint64_t exits = 0;
    for (unsigned i = 0; i < VMM_N_EXITS; i++)
        exits += vm(m, 0)->exits[i];
    ck_assert_uint_gt(exits, 100);
    ck_assert_uint_eq(b->exits[VMM_OUTER_REFLECTED], exits);
    ck_assert_uint_eq(b->exits[VMM_OUTER_ACCESS], 3 * exits);
    ck_assert_uint_ge(b->exits[VMM_OUTER_RESUME], exits);
    /* 3 of 1,150 cycles, an exit and an entry of 500, twice 150 and 1,000 for the switch: of the mock's clock of 1 GHz. */
    double each = (double)vm(m, 0)->outer_time / (double)exits;
    NEAR(each, 6750.0 * 1000, 250.0 * 1000);
    NEAR((double)vm(m, 0)->exit_time[VMM_EXIT_HYPERCALL] / (double)vm(m, 0)->exits[VMM_EXIT_HYPERCALL],
         each + (double)vm(bare, 0)->exit_time[VMM_EXIT_HYPERCALL] / (double)vm(bare, 0)->exits[VMM_EXIT_HYPERCALL], 300.0 * 1000);
    ck_assert_ptr_null(vmm_below_report(bare->v));
}
END_TEST

TCase *vmm_tests_below(void)
{
    TCase *t = tcase_create("below");
    tcase_add_test(t, host_load_takes_its_share);
    tcase_add_test(t, weights_share_the_pcpu);
    tcase_add_test(t, timers_come_late);
    tcase_add_test(t, an_idle_vmm_leaves_the_pcpu);
    tcase_add_test(t, a_halted_guest_loses_the_pcpu_too);
    tcase_add_test(t, a_vm_is_removed_while_it_is_away);
    tcase_add_test(t, threads_go_where_a_pcpu_idles);
    tcase_add_test(t, a_thread_waits_for_its_disk_and_ends);
    tcase_add_test(t, exits_multiply);
    return t;
}
