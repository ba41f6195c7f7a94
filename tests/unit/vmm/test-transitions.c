/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Controls of transitions, what they cost, instructions that do not exit, VMs that are removed. */
#include "test-vmm.h"

#include "vmm-mock.h"
#include "sim-error.h"

#include <string.h>

#define BIT(n) (1u << (n))

static uint32_t parsed(vmm_controls_kind kind, const char *text)
{
    uint32_t bits = 0;
    g_autoptr(GError) error = NULL;
    ck_assert_msg(vmm_controls_parse(kind, text, &bits, &error), "%s", error ? error->message : "");
    return bits;
}

static void refused(vmm_controls_kind kind, const char *text, const char *message)
{
    uint32_t bits = 0;
    g_autoptr(GError) error = NULL;
    ck_assert_msg(!vmm_controls_parse(kind, text, &bits, &error), "'%s' was accepted", text);
    ck_assert(g_error_matches(error, SIM_ERROR, SIM_ERROR_INPUT));
    ck_assert_msg(strstr(error->message, message) != NULL, "%s", error->message);
}

START_TEST(controls_are_names_or_numbers)
{
    ck_assert_uint_eq(parsed(VMM_CONTROLS_ENTRY, "fp | msr"), BIT(VMM_STATE_FP) | BIT(VMM_STATE_MSR));
    ck_assert_uint_eq(parsed(VMM_CONTROLS_ENTRY, "all"), 127);
    ck_assert_uint_eq(parsed(VMM_CONTROLS_ENTRY, "127"), 127);
    ck_assert_uint_eq(parsed(VMM_CONTROLS_ENTRY, "0x20"), BIT(VMM_STATE_TLB));
    ck_assert_uint_eq(parsed(VMM_CONTROLS_EXIT, "15"), 15);
    ck_assert_uint_eq(parsed(VMM_CONTROLS_EXIT, "none"), 0);
    ck_assert_uint_eq(parsed(VMM_CONTROLS_INSNS, "hlt|pause"), BIT(VMM_INSN_HLT) | BIT(VMM_INSN_PAUSE));
    refused(VMM_CONTROLS_ENTRY, "128", "7 bits, 0 to 0x7f");
    refused(VMM_CONTROLS_EXIT, "0x10", "4 bits, 0 to 0xf");
    refused(VMM_CONTROLS_EXIT, "99999999999999999999", "");
    refused(VMM_CONTROLS_ENTRY, "fpu", "general, fp, control, msr, internal, tlb, devices");
    refused(VMM_CONTROLS_ENTRY, "fp|", "''");
    refused(VMM_CONTROLS_ENTRY, "", "''");
    refused(VMM_CONTROLS_ENTRY, "-1", "'-1'");
    g_autofree char *text = vmm_controls_format(VMM_CONTROLS_ENTRY, BIT(VMM_STATE_FP) | BIT(VMM_STATE_DEVICES));
    ck_assert_str_eq(text, "fp|devices");
}
END_TEST

START_TEST(what_is_loaded_has_to_be_saved)
{
    g_autoptr(GError) error = NULL;
    vmm_controls c = vmm_controls_default;
    ck_assert(vmm_controls_check(&c, NULL));
    c.entry |= BIT(VMM_STATE_FP);
    ck_assert(!vmm_controls_check(&c, &error));
    ck_assert_msg(strstr(error->message, "fp") != NULL, "%s", error->message);
    c.exit |= BIT(VMM_SAVE_FP);
    ck_assert(vmm_controls_check(&c, NULL));
    c.exit &= ~BIT(VMM_SAVE_PROCESSOR);
    ck_assert(!vmm_controls_check(&c, NULL));
    c.entry = BIT(VMM_STATE_TLB);
    ck_assert(vmm_controls_check(&c, NULL));
    c.insns = 128;
    ck_assert(!vmm_controls_check(&c, NULL));
}
END_TEST

/* A machine whose transitions cost 1,000 cycles each, and elements distinct numbers: cycles are nanoseconds. */
static mock *machine(bool tagged)
{
    static const uint32_t cycles[VMM_N_STATES_OF_MACHINE] = {
        [VMM_STATE_GENERAL] = 10, [VMM_STATE_CONTROL] = 20, [VMM_STATE_INTERNAL] = 40,
        [VMM_STATE_FP] = 100, [VMM_STATE_MSR] = 200, [VMM_STATE_DEVICES] = 400, [VMM_STATE_TLB] = 800,
    };
    mock *m = mock_new(1, 4, "round-robin");
    vmm_pcpu *p = &m->cpus[0].port;
    p->vm_exit_cycles = p->vm_entry_cycles = 1000;
    p->tlb_tagged = tagged;
    p->vmcs_switch_cycles = 3000;
    for (unsigned i = 0; i < VMM_N_STATES_OF_MACHINE; i++)
        p->state[i].cycles = cycles[i];
    return m;
}

static const mock_step calls[] = {{US(50), {.kind = VMM_STOP_HYPERCALL}}};

/* Cycles of a hypercall's round trip, and what a dispatch costs, under controls. */
static uint64_t trip(uint32_t entry, uint32_t exit, uint64_t *dispatch)
{
    g_autoptr(mock) m = machine(true);
    const vmm_controls controls = {entry, exit, vmm_controls_default.insns};
    mock_add(m, &(vmm_vm_config){.controls = &controls}, calls, 1);
    mock_run(m, US(990));
    const vmm_vm_stats *s = vmm_stats(m->v, 0);
    ck_assert_uint_gt(s->exits[VMM_EXIT_HYPERCALL], 10);
    ck_assert_uint_eq(s->work_time, s->exit_time[VMM_EXIT_HYPERCALL] + s->dispatch_time);
    *dispatch = s->dispatch_time / 1000;
    return s->exit_time[VMM_EXIT_HYPERCALL] / s->exits[VMM_EXIT_HYPERCALL] / 1000;
}

START_TEST(each_bit_has_its_cost)
{
    uint64_t at_start, dispatch;
    uint32_t entry = vmm_controls_default.entry, exit = vmm_controls_default.exit;
    uint64_t usual = trip(entry, exit, &at_start);
    static const struct { uint32_t entry, exit; unsigned cycles; } more[] = {
        {BIT(VMM_STATE_FP), BIT(VMM_SAVE_FP), 100}, {BIT(VMM_STATE_MSR), BIT(VMM_SAVE_MSR), 200}, {BIT(VMM_STATE_DEVICES), BIT(VMM_SAVE_DEVICES), 400},
    };
    for (unsigned i = 0; i < 3; i++) {
        ck_assert_uint_eq(trip(entry, exit | more[i].exit, &dispatch), usual + more[i].cycles);
        ck_assert_uint_eq(dispatch, at_start);
        ck_assert_uint_eq(trip(entry | more[i].entry, exit | more[i].exit, &dispatch), usual + 2 * more[i].cycles);
        ck_assert_uint_eq(dispatch, at_start); /* by the VM-entry instead of with the switch */
    }
    ck_assert_uint_eq(trip(entry & ~BIT(VMM_STATE_GENERAL), exit, &dispatch), usual - 10);
    ck_assert_uint_eq(dispatch, at_start);
    ck_assert_uint_eq(trip(entry & ~BIT(VMM_STATE_CONTROL), exit, &dispatch), usual - 20);
    ck_assert_uint_eq(trip(entry & ~BIT(VMM_STATE_INTERNAL), exit, &dispatch), usual - 40);
    ck_assert_uint_eq(trip(0, exit, &dispatch), usual - 70);
    ck_assert_uint_eq(trip(0, 0, &dispatch), usual - 140);
    ck_assert_uint_eq(trip(entry | BIT(VMM_STATE_TLB), exit, &dispatch), usual + 800);
}
END_TEST

/* What VM-exits leave is saved, and loaded, when another vCPU gets on; not for one that comes back. */
START_TEST(the_rest_is_switched_with_the_vcpu)
{
    uint64_t each[2];
    for (unsigned two = 0; two < 2; two++) {
        g_autoptr(mock) m = machine(true);
        static const mock_step sleeper[] = {{US(50), {.kind = VMM_STOP_SLEEP, .span = US(50)}}};
        mock_add(m, NULL, sleeper, 1);
        if (two)
            mock_add(m, NULL, sleeper, 1);
        mock_run(m, MS(20));
        const vmm_vm_stats *s = vmm_stats(m->v, 0);
        ck_assert_uint_gt(s->dispatches, 50);
        each[two] = s->dispatch_time / s->dispatches / 1000;
    }
    /* Control structure, 700 cycles saved of the other, 700 loaded. */
    ck_assert_uint_ge(each[1], each[0] + 4300);
    ck_assert_uint_le(each[1], each[0] + 4410);
}
END_TEST

/* ... and it is the displaced one's own controls that say what is left to save. */
START_TEST(who_comes_saves_what_the_other_left)
{
    static const mock_step sleeper[] = {{US(50), {.kind = VMM_STOP_SLEEP, .span = US(50)}}};
    const vmm_controls all = {vmm_controls_default.entry, 15, vmm_controls_default.insns};
    g_autoptr(mock) m = machine(true);
    mock_add(m, &(vmm_vm_config){.controls = &all}, sleeper, 1);
    mock_add(m, NULL, sleeper, 1);
    mock_run(m, MS(20));
    const vmm_vm_stats *a = vmm_stats(m->v, 0), *b = vmm_stats(m->v, 1);
    uint64_t after_b = a->dispatch_time / a->dispatches / 1000, after_a = b->dispatch_time / b->dispatches / 1000;
    ck_assert_uint_gt(a->dispatches, 50);
    ck_assert_uint_ge(after_b, after_a + 680); /* but for the first dispatches */
    ck_assert_uint_le(after_b, after_a + 720);
}
END_TEST

START_TEST(tlbs_without_tags_are_flushed_at_every_transition)
{
    for (unsigned tagged = 0; tagged < 2; tagged++) {
        g_autoptr(mock) m = machine(tagged);
        mock_add(m, NULL, calls, 1);
        mock_run(m, US(990));
        uint64_t exits = vmm_stats(m->v, 0)->exits[VMM_EXIT_HYPERCALL];
        ck_assert_uint_gt(exits, 10);
        ck_assert_uint_eq(m->cpus[0].tlb_flushes, tagged ? 0 : 1 + 2 * exits);
    }
}
END_TEST

static void balanced(mock *m)
{
    for (unsigned i = 0; i < vmm_n_vms(m->v); i++) {
        const vmm_vm_stats *s = vmm_stats(m->v, i);
        sim_ps sum = s->dispatch_time;
        uint64_t off = 0;
        for (unsigned k = 0; k < VMM_N_EXITS; k++)
            sum += s->exit_time[k];
        for (unsigned k = 0; k < VMM_N_OFF_REASONS; k++)
            off += s->switched_off[k];
        ck_assert_uint_eq(mock_total(m, i), m->end);
        ck_assert_uint_eq(sum, s->work_time);
        ck_assert_uint_eq(off - s->switched_off[VMM_OFF_YIELDED], s->preemptions);
        ck_assert_uint_le(s->halted, s->in_state[VMM_RUNNING]);
    }
    ck_assert_uint_eq(vmm_bad_answers(m->v, NULL), 0);
}

START_TEST(a_guest_may_halt_the_processor)
{
    g_autoptr(mock) m = machine(true);
    static const mock_step sleeper[] = {{US(100), {.kind = VMM_STOP_SLEEP, .span = US(700)}}};
    const vmm_controls controls = {vmm_controls_default.entry, vmm_controls_default.exit, 0};
    mock_guest *g = mock_add(m, &(vmm_vm_config){.controls = &controls}, sleeper, 1), *other = mock_add(m, NULL, NULL, 0);
    mock_run(m, MS(20));
    const vmm_vm_stats *s = vmm_stats(m->v, 0);
    balanced(m);
    ck_assert_uint_eq(s->exits[VMM_EXIT_HLT], 0);
    ck_assert_uint_eq(s->in_state[VMM_BLOCKED], 0);
    ck_assert_uint_gt(s->halted, MS(6));
    ck_assert_uint_gt(s->exits[VMM_EXIT_QUANTUM], 6); /* its quantum goes on meanwhile, and ends */
    ck_assert_uint_gt(s->exits[VMM_EXIT_EXTERNAL], 6);
    ck_assert_uint_gt(g->ran, MS(1));
    ck_assert_uint_le(other->ran, MS(10.5));
    ck_assert_uint_le(g->ran + s->halted, s->in_state[VMM_RUNNING]);
    ck_assert_uint_ge(s->wake_latency->len, 12);
}
END_TEST

START_TEST(alone_it_sleeps_as_long_as_it_asked)
{
    g_autoptr(mock) m = machine(true);
    static const mock_step sleeper[] = {{US(100), {.kind = VMM_STOP_SLEEP, .span = US(5300)}}};
    const vmm_controls controls = {vmm_controls_default.entry, vmm_controls_default.exit, 0};
    mock_guest *g = mock_add(m, &(vmm_vm_config){.controls = &controls}, sleeper, 1);
    mock_run(m, MS(54));
    balanced(m);
    ck_assert_uint_ge(g->ran, US(900));
    ck_assert_uint_le(g->ran, US(1000));
    ck_assert_uint_ge(vmm_stats(m->v, 0)->halted, MS(52));
}
END_TEST

/* Removed while running, runnable, blocked, halted, not yet on; with policies of all kinds of queues. */
START_TEST(a_vm_is_removed_whatever_it_does)
{
    static const char *const policies[] = {"round-robin", "priority", "emon-quantum", "credit", "credit2", "eevdf", "host-os", "rtds"};
    static const mock_step sleeper[] = {{US(10), {.kind = VMM_STOP_SLEEP, .span = MS(30)}}};
    static const mock_step halter[] = {{US(10), {.kind = VMM_STOP_SLEEP, .span = MS(90)}}};
    static const mock_step faulty[] = {{US(310), {.kind = VMM_STOP_FAULT, .arg = 1, .text = "dead"}}};
    const vmm_controls direct = {vmm_controls_default.entry, vmm_controls_default.exit, 0};
    g_autoptr(mock) m = mock_new(2, 4, policies[_i]);
    for (unsigned i = 0; i < 3; i++)
        mock_add(m, &(vmm_vm_config){.stop = US(1250) + i * US(333)}, NULL, 0);
    mock_add(m, &(vmm_vm_config){.stop = MS(20)}, sleeper, 1);
    mock_add(m, &(vmm_vm_config){.stop = MS(50), .start = MS(40), .controls = &direct}, halter, 1);
    mock_add(m, &(vmm_vm_config){.start = MS(2), .stop = MS(90)}, faulty, 1);
    mock_add(m, &(vmm_vm_config){.start = MS(1), .stop = MS(1) + 1}, NULL, 0);
    mock_add(m, NULL, NULL, 0);
    mock_run(m, MS(100));
    balanced(m);
    static const bool stopped[] = {true, true, true, true, true, false, true, false};
    for (unsigned i = 0; i < 8; i++) {
        const vmm_vm_stats *s = vmm_stats(m->v, i);
        ck_assert_msg(s->stopped == stopped[i], "%s: VM %u", policies[_i], i);
        ck_assert_uint_eq(s->ended, i < 7);
        ck_assert_uint_eq(s->state == VMM_OFFLINE, i < 7);
    }
    ck_assert(vmm_stats(m->v, 5)->faulted);
    ck_assert_uint_ge(vmm_stats(m->v, 0)->ended_at, US(1250));
    ck_assert_uint_le(vmm_stats(m->v, 0)->ended_at, US(1260));
    ck_assert_uint_eq(vmm_stats(m->v, 3)->ended_at, MS(20));
    ck_assert_uint_ge(vmm_stats(m->v, 7)->in_state[VMM_RUNNING], MS(50));
    ck_assert(!vmm_all_ended(m->v));
}
END_TEST

START_TEST(a_run_ends_when_all_are_removed)
{
    g_autoptr(mock) m = mock_new(1, 4, "round-robin");
    mock_add(m, &(vmm_vm_config){.stop = MS(2)}, NULL, 0);
    mock_add(m, &(vmm_vm_config){.stop = MS(3)}, NULL, 0);
    mock_run(m, MS(100));
    ck_assert(vmm_all_ended(m->v));
    ck_assert_uint_le(m->cpus[0].now, MS(4));
}
END_TEST

START_TEST(a_stop_before_the_start_is_refused)
{
    g_autoptr(mock) m = mock_new(1, 4, "round-robin");
    g_autoptr(GError) error = NULL;
    const vmm_controls bad = {0x7f, 0, 0};
    mock_make(m);
    ck_assert(!vmm_check_vm(m->v, &(vmm_vm_config){.name = "a", .start = MS(2), .stop = MS(2)}, &error));
    g_clear_error(&error);
    ck_assert(!vmm_check_vm(m->v, &(vmm_vm_config){.name = "a", .controls = &bad}, &error));
    ck_assert_msg(strstr(error->message, "VM 'a'") != NULL, "%s", error->message);
}
END_TEST

TCase *vmm_tests_transitions(void)
{
    TCase *t = tcase_create("transitions");
    tcase_add_test(t, controls_are_names_or_numbers);
    tcase_add_test(t, what_is_loaded_has_to_be_saved);
    tcase_add_test(t, each_bit_has_its_cost);
    tcase_add_test(t, the_rest_is_switched_with_the_vcpu);
    tcase_add_test(t, who_comes_saves_what_the_other_left);
    tcase_add_test(t, tlbs_without_tags_are_flushed_at_every_transition);
    tcase_add_test(t, a_guest_may_halt_the_processor);
    tcase_add_test(t, alone_it_sleeps_as_long_as_it_asked);
    tcase_add_loop_test(t, a_vm_is_removed_whatever_it_does, 0, 8);
    tcase_add_test(t, a_run_ends_when_all_are_removed);
    tcase_add_test(t, a_stop_before_the_start_is_refused);
    return t;
}
