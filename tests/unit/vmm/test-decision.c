/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Policies that misbehave: every bad answer is counted, named, and replaced by round-robin. */
#include "test-vmm.h"

#include "vmm-mock.h"
#include "sim-error.h"

#include <string.h>

/* A policy without queues whose answers the test gives. */
static struct {
    vmm_host *h;
    const vmm_services *s;
    vmm_choice choice;
    vmm_verdict expiring, tick;
    uint32_t place;
    unsigned refused;
    bool read_elsewhere, idle_wrongly;
    bool queued[8];
    uint32_t last, not_on; /* pCPU where `choice` is not given */
    unsigned verdicts; /* that are given; VMM_KEEP afterwards */
} script;

static void *s_init(vmm_host *h, const vmm_services *s, G_GNUC_UNUSED const vmm_param_value *values)
{
    script.h = h;
    script.s = s;
    s->set_tick(h, 0, US(300));
    return &script;
}

static void s_exit(G_GNUC_UNUSED void *self)
{
}

static void s_wake(G_GNUC_UNUSED void *self, uint32_t vcpu)
{
    script.queued[vcpu] = true;
}

static void s_sleep(G_GNUC_UNUSED void *self, uint32_t vcpu)
{
    script.queued[vcpu] = false;
}

static void s_saved(G_GNUC_UNUSED void *self, G_GNUC_UNUSED uint32_t pcpu, uint32_t vcpu, vmm_off_reason why)
{
    script.refused += why == VMM_OFF_REFUSED;
    script.queued[vcpu] = true;
}

static vmm_choice s_schedule(G_GNUC_UNUSED void *self, uint32_t pcpu, G_GNUC_UNUSED sim_ps now)
{
    vmm_choice none = { .vcpu = VMM_VCPU_NONE };
    if (script.read_elsewhere)
        script.s->emon_read(script.h, 1 - pcpu, 0);
    if ((script.choice.vcpu != VMM_VCPU_NONE && pcpu != script.not_on) || script.idle_wrongly)
        return script.choice;
    for (uint32_t k = 1; k <= 8; k++) {
        uint32_t i = (script.last + k) % 8;
        if (script.queued[i] && vmm_mask_has(script.s->vcpu(script.h, i)->affinity, pcpu)) {
            script.queued[i] = false;
            script.last = i;
            return (vmm_choice){ .vcpu = i };
        }
    }
    return none;
}

static vmm_verdict s_tick(G_GNUC_UNUSED void *self, G_GNUC_UNUSED uint32_t pcpu, G_GNUC_UNUSED uint32_t vcpu,
                          G_GNUC_UNUSED sim_ps now)
{
    return script.tick;
}

static vmm_verdict s_expiring(G_GNUC_UNUSED void *self, G_GNUC_UNUSED uint32_t pcpu, G_GNUC_UNUSED uint32_t vcpu,
                              G_GNUC_UNUSED sim_ps now)
{
    if (!script.verdicts)
        return (vmm_verdict){ .kind = VMM_KEEP };
    script.verdicts--;
    return script.expiring;
}

static uint32_t s_pick(G_GNUC_UNUSED void *self, G_GNUC_UNUSED uint32_t vcpu)
{
    return script.place;
}

static struct vmm_policy_ops scripted = {
    .abi_version = VMM_POLICY_ABI, .struct_size = sizeof(struct vmm_policy_ops), .name = "scripted", .summary = "for tests",
    .init = s_init, .exit = s_exit, .wake = s_wake, .sleep = s_sleep, .context_saved = s_saved, .schedule = s_schedule,
};

static mock *scripted_mock(unsigned n_pcpus)
{
    memset(&script, 0, sizeof script);
    script.choice.vcpu = VMM_VCPU_NONE;
    script.last = 7;
    script.not_on = VMM_PCPU_NONE;
    scripted.flags = 0;
    scripted.tick = NULL;
    scripted.quantum_expiring = NULL;
    scripted.pick_pcpu = NULL;
    mock *m = mock_new(n_pcpus, 4, NULL);
    m->config.policy = &scripted;
    return m;
}

/* All share the time although the policy never gives a good answer. */
static void expect_replaced(mock *m, const char *word)
{
    const char *first;
    mock_guest *g[3];
    for (unsigned i = 0; i < 3; i++)
        g[i] = mock_add(m, NULL, NULL, 0);
    mock_run(m, MS(30));
    ck_assert_uint_ge(vmm_bad_answers(m->v, &first), 29 * m->n);
    ck_assert_msg(strstr(first, "'scripted'") && strstr(first, word), "%s", first);
    for (unsigned i = 0; i < 3; i++) {
        ck_assert_uint_ge(g[i]->ran, MS(8.9) * m->n);
        ck_assert_uint_eq(mock_total(m, i), MS(30));
    }
    ck_assert(!vmm_failed(m->v, NULL));
}

START_TEST(chooses_nobody_that_exists)
{
    g_autoptr(mock) m = scripted_mock(1);
    script.choice.vcpu = 77;
    expect_replaced(m, "does not exist");
}
END_TEST

START_TEST(quantum_out_of_bounds)
{
    g_autoptr(mock) m = scripted_mock(1);
    script.choice = (vmm_choice){ .vcpu = 1, .quantum = US(9) };
    expect_replaced(m, "10us to 1s");
    ck_assert_uint_gt(script.refused, 0);
}
END_TEST

START_TEST(idles_though_somebody_waits)
{
    g_autoptr(mock) m = scripted_mock(1);
    script.idle_wrongly = true;
    expect_replaced(m, "work-conserving");
}
END_TEST

START_TEST(runs_one_twice)
{
    const char *first;
    g_autoptr(mock) m = scripted_mock(2);
    script.choice.vcpu = 0;
    mock_guest *a = mock_add(m, NULL, NULL, 0), *b = mock_add(m, NULL, NULL, 0);
    mock_run(m, MS(10));
    ck_assert_uint_gt(vmm_bad_answers(m->v, &first), 0);
    ck_assert_msg(strstr(first, "another pCPU") != NULL, "%s", first);
    ck_assert_uint_ge(a->ran + b->ran, MS(19.9));
}
END_TEST

START_TEST(ignores_affinity)
{
    const char *first;
    const uint64_t zero[VMM_MASK_WORDS] = { 1 };
    const vmm_vm_config bound = { .affinity = zero };
    g_autoptr(mock) m = scripted_mock(2);
    script.choice.vcpu = 0;
    script.not_on = 0;
    for (unsigned i = 0; i < 4; i++)
        mock_add(m, i % 2 ? NULL : &bound, NULL, 0);
    mock_run(m, MS(20));
    ck_assert_uint_gt(vmm_bad_answers(m->v, &first), 0);
    unsigned n;
    const vmm_slice *s = vmm_slices(m->v, &n);
    for (unsigned i = 0; i < n; i++)
        ck_assert(s[i].vm % 2 || s[i].pcpu == 0);
}
END_TEST

START_TEST(may_idle_when_it_says_so)
{
    g_autoptr(mock) m = scripted_mock(1);
    scripted.flags = VMM_POLICY_MAY_IDLE;
    script.idle_wrongly = true;
    mock_add(m, NULL, NULL, 0);
    mock_run(m, MS(30));
    ck_assert_uint_eq(vmm_bad_answers(m->v, NULL), 0);
    ck_assert_uint_eq(vmm_stats(m->v, 0)->in_state[VMM_RUNNABLE], MS(30));
}
END_TEST

START_TEST(strict_fails)
{
    g_autoptr(mock) m = scripted_mock(1);
    g_autoptr(GError) error = NULL;
    m->config.strict = true;
    script.choice.vcpu = 77;
    mock_guest *g = mock_add(m, NULL, NULL, 0);
    mock_run(m, MS(30));
    ck_assert(vmm_failed(m->v, &error));
    ck_assert(g_error_matches(error, SIM_ERROR, SIM_ERROR_POLICY));
    ck_assert_ptr_nonnull(strstr(error->message, "'scripted'"));
    ck_assert_uint_eq(g->ran, 0);
}
END_TEST

START_TEST(reads_another_pcpu)
{
    const char *first;
    g_autoptr(mock) m = scripted_mock(2);
    script.read_elsewhere = true;
    mock_add(m, NULL, NULL, 0);
    mock_run(m, MS(3));
    ck_assert_uint_gt(vmm_bad_answers(m->v, &first), 0);
    ck_assert_ptr_nonnull(strstr(first, "emon_read"));
    ck_assert_uint_eq(m->cpus[0].reads + m->cpus[1].reads, 0);
}
END_TEST

START_TEST(bad_place)
{
    static const mock_step steps[] = { { US(100), { .kind = VMM_STOP_SLEEP, .span = US(100) } } };
    const char *first;
    g_autoptr(mock) m = scripted_mock(2);
    scripted.pick_pcpu = s_pick;
    script.place = 9;
    mock_guest *g = mock_add(m, NULL, steps, 1);
    mock_run(m, MS(10));
    ck_assert_uint_ge(vmm_bad_answers(m->v, &first), 49);
    ck_assert_ptr_nonnull(strstr(first, "pick_pcpu"));
    ck_assert_uint_ge(g->ran, MS(4.8));
}
END_TEST

START_TEST(verdicts)
{
    g_autoptr(mock) m = scripted_mock(1);
    scripted.quantum_expiring = s_expiring;
    script.verdicts = 1;
    script.expiring = (vmm_verdict){ .kind = VMM_EXTEND, .span = US(400), .reason = "more", .evidence = { "x" }, .value = { -5 } };
    mock_add(m, NULL, NULL, 0);
    mock_add(m, NULL, NULL, 0);
    mock_run(m, MS(10));
    unsigned kept;
    uint64_t all;
    const vmm_decision *d = vmm_decisions(m->v, &kept, &all);
    ck_assert_uint_eq(kept, 1);
    ck_assert_str_eq(d[0].action, "extend");
    ck_assert_str_eq(d[0].reason, "more");
    ck_assert_uint_eq(d[0].before, MS(1));
    ck_assert_uint_eq(d[0].after, US(1400));
    ck_assert_str_eq(d[0].evidence[0], "x");
    ck_assert_int_eq(d[0].value[0], -5);
    ck_assert_uint_eq(vmm_stats(m->v, 0)->quanta_extended, 1);
    /* 1 ms, an exit (650 ns) and an entry (600 ns) in the extension's time */
    ck_assert_uint_eq(g_array_index(m->cpus[0].stays, sim_ps, 0), US(1400) - US(1.25));
    ck_assert_uint_eq(g_array_index(m->cpus[0].stays, sim_ps, 1), MS(1));
    ck_assert_uint_eq(vmm_bad_answers(m->v, NULL), 0);
}
END_TEST

START_TEST(tick_shortens_and_donates)
{
    g_autoptr(mock) m = scripted_mock(1);
    scripted.tick = s_tick;
    script.tick = (vmm_verdict){ .kind = VMM_SHORTEN, .span = US(250), .reason = "less" };
    mock_add(m, NULL, NULL, 0);
    mock_run(m, MS(1));
    unsigned kept;
    uint64_t all;
    const vmm_decision *d = vmm_decisions(m->v, &kept, &all);
    ck_assert_uint_ge(kept, 2);
    ck_assert_str_eq(d[0].action, "decrease");
    ck_assert_uint_eq(d[0].after, US(750));
    /* at 600 us the next tick takes all that is left; at 900 us the second quantum becomes 750 us, over after the end */
    ck_assert_str_eq(d[1].action, "end");
    ck_assert_uint_eq(vmm_stats(m->v, 0)->quanta_ended_early, 2);

    g_autoptr(mock) m2 = scripted_mock(1);
    scripted.tick = s_tick;
    script.tick = (vmm_verdict){ .kind = VMM_DONATE, .to = 2, .reason = "gift" };
    for (unsigned i = 0; i < 3; i++)
        mock_add(m2, NULL, NULL, 0);
    mock_run(m2, US(500));
    const vmm_slice *s = vmm_slices(m2->v, &kept);
    ck_assert_uint_eq(s[0].vm, 0);
    ck_assert_uint_eq(s[1].vm, 2);
    ck_assert_uint_eq(vmm_bad_answers(m2->v, NULL), 0);
    d = vmm_decisions(m2->v, &kept, &all);
    ck_assert_str_eq(d[0].action, "donate");
}
END_TEST

START_TEST(bad_verdicts)
{
    static const vmm_verdict bad[] = {
        { .kind = VMM_EXTEND, .span = 2 * SIM_PS_PER_S }, { .kind = VMM_EXTEND }, { .kind = VMM_SHORTEN },
        { .kind = VMM_DONATE, .to = 9 }, { .kind = VMM_DONATE, .to = 0 }, { .kind = VMM_DONATE, .to = 1, .span = 1 },
        { .kind = (vmm_verdict_kind)99 },
    };
    for (unsigned i = 0; i < G_N_ELEMENTS(bad); i++) {
        const char *first;
        g_autoptr(mock) m = scripted_mock(1);
        scripted.quantum_expiring = s_expiring;
        script.expiring = bad[i];
        script.verdicts = 1;
        mock_add(m, NULL, NULL, 0);
        mock_add(m, NULL, NULL, 0);
        mock_run(m, US(1100));
        ck_assert_msg(vmm_bad_answers(m->v, &first) == 1, "verdict %u", i);
        ck_assert_ptr_nonnull(strstr(first, "quantum_expiring"));
        ck_assert_uint_eq(g_array_index(m->cpus[0].stays, sim_ps, 0), MS(1));
    }
}
END_TEST

/* The policy forgets a vCPU that it was told of. */
static void forget(G_GNUC_UNUSED void *self, uint32_t vcpu)
{
    script.queued[vcpu] = vcpu != 1;
}

START_TEST(starvation)
{
    const char *first;
    g_autoptr(mock) m = scripted_mock(1);
    struct vmm_policy_ops forgetful = scripted;
    forgetful.wake = forget;
    forgetful.flags = VMM_POLICY_MAY_IDLE;
    m->config.policy = &forgetful;
    m->config.quantum = MS(10);
    mock_add(m, NULL, NULL, 0);
    mock_guest *b = mock_add(m, NULL, NULL, 0);
    mock_run(m, MS(1100));
    ck_assert_uint_eq(vmm_starvations(m->v, &first), 1);
    ck_assert_msg(strstr(first, "'b'") && strstr(first, "'scripted'"), "%s", first);
    ck_assert_uint_ge(b->ran, MS(10));
    ck_assert_uint_eq(vmm_bad_answers(m->v, NULL), 0);
    ck_assert_uint_ge(vmm_stats(m->v, 1)->in_state[VMM_RUNNABLE], MS(1000));
    ck_assert_uint_eq(mock_total(m, 1), MS(1100));
}
END_TEST

TCase *vmm_tests_decision(void)
{
    TCase *t = tcase_create("decision");
    tcase_add_test(t, chooses_nobody_that_exists);
    tcase_add_test(t, quantum_out_of_bounds);
    tcase_add_test(t, idles_though_somebody_waits);
    tcase_add_test(t, runs_one_twice);
    tcase_add_test(t, ignores_affinity);
    tcase_add_test(t, may_idle_when_it_says_so);
    tcase_add_test(t, strict_fails);
    tcase_add_test(t, reads_another_pcpu);
    tcase_add_test(t, bad_place);
    tcase_add_test(t, verdicts);
    tcase_add_test(t, tick_shortens_and_donates);
    tcase_add_test(t, bad_verdicts);
    tcase_add_test(t, starvation);
    return t;
}
