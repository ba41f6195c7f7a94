/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The state management unit in its three kinds, on round-robin with an `evaluate`. */
#include "test-vmm.h"

#include "vmm-mock.h"
#include "policies/policies.h"
#include "vmm-profile.h"

#include <string.h>

static struct {
    vmm_host *h;
    const vmm_services *s;
    int events[VMM_SMU_EVENTS + 1];
    unsigned n_events;
    bool watches, again, late, selected;
    vmm_verdict verdict; /* of the sample number `at`, from 1 */
    unsigned at, n;
    unsigned of[4];      /* samples by vCPU */
    vmm_smu_sample last[4];
    uint64_t ring_at_end; /* samples in the profile when the first quantum was over */
} x;

static void *init(vmm_host *h, const vmm_services *s, const vmm_param_value *values)
{
    x.h = h;
    x.s = s;
    x.watches = s->smu_watch(h, x.events, x.n_events);
    x.again = s->smu_watch(h, x.events, x.n_events);
    return vmm_policy_round_robin.init(h, s, values);
}

static vmm_verdict evaluate(G_GNUC_UNUSED void *self, uint32_t pcpu, uint32_t vcpu, const vmm_smu_sample *sample, sim_ps now)
{
    ck_assert_uint_le(sample->at, now);
    ck_assert_ptr_eq(sample, vmm_profile_past(x.s->vcpu_profile(x.h, vcpu), 0));
    ck_assert_uint_eq(vmm_profile_past(x.s->pcpu_profile(x.h, pcpu), 0)->insns, sample->insns);
    x.last[vcpu] = *sample;
    x.of[vcpu]++;
    x.late |= x.s->smu_watch(x.h, x.events, x.n_events);
    x.selected |= x.n == 0 && x.s->emon_select(x.h, pcpu, 0, SIM_EV_UOPS);
    return ++x.n == x.at ? x.verdict : (vmm_verdict){ .kind = VMM_KEEP };
}

static vmm_verdict expiring(G_GNUC_UNUSED void *self, G_GNUC_UNUSED uint32_t pcpu, uint32_t vcpu, sim_ps now)
{
    const vmm_smu_profile *p = x.s->vcpu_profile(x.h, vcpu);
    if (p && !x.ring_at_end)
        x.ring_at_end = p->n + (p->n && vmm_profile_past(p, 0)->at == now ? 1000 : 0);
    return (vmm_verdict){ .kind = VMM_KEEP };
}

static struct vmm_policy_ops policy;

static const int four[] = { SIM_EV_L1D_LOADS, SIM_EV_L1D_LOAD_MISSES, SIM_EV_BRANCHES, SIM_EV_BRANCH_MISSES };

static void setup(void)
{
    memset(&x, 0, sizeof x);
    memcpy(x.events, four, sizeof four);
    x.n_events = 4;
    policy = vmm_policy_round_robin;
    policy.init = init;
    policy.evaluate = evaluate;
    policy.quantum_expiring = expiring;
}

static mock *make(vmm_smu_kind kind, sim_ps period, unsigned counters)
{
    mock *m = mock_new(1, counters, NULL);
    m->config.policy = &policy;
    m->config.smu = (vmm_smu_config){ .kind = kind, .period = period };
    return m;
}

/* 30% loads, and as many misses as wanted. */
static mock_guest *add(mock *m, uint64_t misses)
{
    mock_guest *g = mock_add(m, NULL, NULL, 0);
    g->rate[SIM_EV_L1D_LOADS] = 300000;
    g->rate[SIM_EV_L1D_LOAD_MISSES] = misses;
    g->rate[SIM_EV_BRANCHES] = 100000;
    g->rate[SIM_EV_BRANCH_MISSES] = 5000;
    return g;
}

static vmm_smu_stats report(const mock *m)
{
    vmm_smu_stats stats;
    vmm_smu_report(m->v, &stats);
    ck_assert_uint_eq(vmm_bad_answers(m->v, NULL), 0);
    return stats;
}

static void near(uint64_t value, uint64_t wanted, uint64_t tolerance)
{
    ck_assert_msg(value + tolerance >= wanted && value <= wanted + tolerance, "%" G_GUINT64_FORMAT ", not %" G_GUINT64_FORMAT, value, wanted);
}

START_TEST(who_may_watch)
{
    g_autoptr(mock) m = make(VMM_SMU_SOFTWARE, 0, 4);
    add(m, 0);
    mock_run(m, MS(2));
    ck_assert(x.watches && !x.again && !x.late);
    ck_assert(!x.selected); /* the unit's counter */
    setup();
    x.n_events = VMM_SMU_EVENTS + 1;
    g_autoptr(mock) many = make(VMM_SMU_SOFTWARE, 0, 4);
    add(many, 0);
    mock_run(many, MS(2));
    ck_assert(!x.watches && x.n == 0);
    ck_assert_ptr_null(x.s->vcpu_profile(x.h, 0));
    ck_assert(!report(many).watched);
    setup();
    x.events[3] = SIM_EV_COUNT;
    g_autoptr(mock) unknown = make(VMM_SMU_SOFTWARE, 0, 4);
    add(unknown, 0);
    mock_run(unknown, MS(2));
    ck_assert(!x.watches);
}
END_TEST

START_TEST(software_reads_registers_at_its_period)
{
    g_autoptr(mock) m = make(VMM_SMU_SOFTWARE, US(100), 4);
    mock_guest *g = add(m, 20000);
    mock_run(m, MS(20));
    vmm_smu_stats s = report(m);
    near(x.n, 180, 22); /* but where a quantum is over just then */
    near(x.last[0].rate[0], 300000, 10);
    near(x.last[0].rate[1], 20000, 10);
    ck_assert_uint_eq(x.last[0].fresh, 15);
    ck_assert_uint_ge(x.ring_at_end, 1000); /* a sample of that very moment */
    /* 14 registers at each sample, and when a quantum begins, at 30 cycles of a nanosecond; the mock's exit and entry cost 500 each, and the VMM's own
     * work somewhat more */
    ck_assert_uint_eq(m->cpus[0].reads, (s.accesses / 14) * 6);
    ck_assert_uint_eq(vmm_stats(m->v, 0)->exits[VMM_EXIT_EXTERNAL], s.exits);
    ck_assert_uint_gt(s.time, s.accesses * US(0.03) + s.exits * US(1.2));
    ck_assert_uint_lt(s.time, s.accesses * US(0.03) + s.exits * US(3));
    ck_assert_uint_lt(g->ran + s.time, MS(20));
}
END_TEST

START_TEST(software_multiplexes)
{
    g_autoptr(mock) m = make(VMM_SMU_SOFTWARE, US(100), 2);
    add(m, 20000);
    mock_run(m, MS(20));
    ck_assert(x.last[0].fresh == 3 || x.last[0].fresh == 12);
    near(x.last[0].rate[1], 20000, 10); /* the last one known */
    near(x.last[0].rate[3], 5000, 10);
    ck_assert_uint_eq(x.last[0].count[x.last[0].fresh == 3 ? 2 : 0], 0);
    setup();
    g_autoptr(mock) none = make(VMM_SMU_SOFTWARE, US(100), 0);
    add(none, 20000);
    mock_run(none, MS(2));
    ck_assert_uint_gt(x.last[0].insns, 0);
    ck_assert_uint_eq(x.last[0].fresh, 0);
    ck_assert_uint_eq(x.last[0].rate[0], UINT64_MAX);
}
END_TEST

START_TEST(hardware_is_free)
{
    g_autoptr(mock) m = make(VMM_SMU_HARDWARE, 0, 2), plain = mock_new(1, 2, "round-robin");
    mock_guest *a = add(m, 20000), *b = add(plain, 20000);
    add(m, 0);
    add(plain, 0);
    mock_run(m, MS(20));
    mock_run(plain, MS(20));
    vmm_smu_stats s = report(m);
    near(x.n, 1980, 30); /* each 10us */
    ck_assert_uint_eq(x.last[0].fresh, 15); /* two counters or none */
    near(x.last[0].rate[0], 300000, 100);
    near(x.last[0].rate[1], 20000, 100);
    ck_assert_uint_eq(x.last[1].rate[1], 0);
    near(a->ran, b->ran, US(0.03)); /* the register that `evaluate` wrote */
    ck_assert_uint_eq(s.accesses + s.exits + s.time, 0);
    ck_assert_uint_eq(vmm_stats(m->v, 0)->exits[VMM_EXIT_EXTERNAL] + vmm_stats(m->v, 0)->exits[VMM_EXIT_EMON], 0);
    ck_assert(x.selected); /* the counters are the policy's */
    uint64_t all = x.s->vcpu_profile(x.h, 0)->insns + x.s->vcpu_profile(x.h, 1)->insns;
    near(all, x.s->pcpu_profile(x.h, 0)->insns, 0);
    near(x.s->vcpu_profile(x.h, 0)->insns, a->ran / 1000, 10000); /* the guest's own, all of it but what came after the last */
}
END_TEST

START_TEST(hardware_exits_when_there_is_cause)
{
    x.verdict = (vmm_verdict){ .kind = VMM_END, .reason = "test", .evidence = { "n" } };
    x.at = 23;
    g_autoptr(mock) m = make(VMM_SMU_HARDWARE, US(20), 4);
    add(m, 0);
    mock_run(m, MS(5));
    ck_assert_uint_eq(vmm_stats(m->v, 0)->exits[VMM_EXIT_EMON], 1);
    ck_assert_uint_eq(report(m).exits, 1);
    ck_assert_uint_eq(vmm_stats(m->v, 0)->quanta_ended_early, 1);
    unsigned n;
    uint64_t all;
    const vmm_decision *d = vmm_decisions(m->v, &n, &all);
    ck_assert_uint_eq(all, 1);
    near(d->after, US(460), US(10));
}
END_TEST

START_TEST(hybrid_counts_are_the_vcpus_own)
{
    static const vmm_smu_rate rates[] = { { SIM_EV_L1D_LOADS, 10000 } };
    g_autoptr(mock) m = make(VMM_SMU_HYBRID, US(100), 4);
    m->config.smu.rates = rates;
    m->config.smu.n_rates = 1;
    add(m, 20000);
    add(m, 0);
    mock_run(m, MS(40));
    vmm_smu_stats s = report(m);
    /* loads come 30 times as often as that: an interrupt each 3.3us of `a` and of `b` */
    ck_assert_uint_gt(x.of[0], 3000);
    near(x.last[0].rate[0], 300000, 3000);
    near(x.last[0].insns, 3333, 1100);
    near(x.of[1], x.of[0], 600);
    ck_assert_uint_eq(x.last[1].rate[1], 0);
    near(x.s->vcpu_profile(x.h, 0)->mean_rate[1], 20000, 2000);
    ck_assert_uint_eq(vmm_stats(m->v, 0)->exits[VMM_EXIT_EMON] + vmm_stats(m->v, 1)->exits[VMM_EXIT_EMON], s.exits);
    ck_assert_uint_eq(vmm_stats(m->v, 0)->exits[VMM_EXIT_EXTERNAL], 0);
    ck_assert(!x.selected);
}
END_TEST

START_TEST(hybrid_is_armed_by_rates)
{
    /* Only misses are of interest: as often as `a` has them, an interrupt each 200us of its time. `b` has none: one each tenth period. */
    static const vmm_smu_rate rates[] = { { SIM_EV_L1D_LOAD_MISSES, 20000 }, { SIM_EV_BRANCH_MISSES, 0 } };
    g_autoptr(mock) m = make(VMM_SMU_HYBRID, US(200), 4);
    m->config.smu.rates = rates;
    m->config.smu.n_rates = 2;
    add(m, 20000);
    add(m, 0);
    mock_run(m, MS(80));
    near(x.of[0], 200, 12);
    near(x.of[1], 20, 2); /* though no stay of 1 ms is as long as that: what is left goes with the vCPU */
    near(x.last[1].insns, 2000000, 4000);
    ck_assert_uint_lt(x.ring_at_end, 1000);
    /* at a switch 6 accesses to load, 6 to save; at an interrupt 6 reads, a view, and the counters that begin anew */
    vmm_smu_stats s = report(m);
    uint64_t switches = vmm_stats(m->v, 0)->dispatches + vmm_stats(m->v, 1)->dispatches;
    near(s.accesses, switches * 12 + x.of[0] * 16 + x.of[1] * 15, 20);
}
END_TEST

START_TEST(hybrid_costs_less_where_little_happens)
{
    sim_ps ran[3];
    for (unsigned kind = 0; kind < VMM_N_SMU_KINDS; kind++) {
        setup();
        g_autoptr(mock) m = make((vmm_smu_kind)kind, US(100), 4);
        mock_guest *g = add(m, 1000);
        mock_run(m, MS(50));
        ran[kind] = g->ran;
    }
    ck_assert_uint_gt(ran[VMM_SMU_HARDWARE], ran[VMM_SMU_HYBRID]);
    ck_assert_uint_gt(ran[VMM_SMU_HYBRID], ran[VMM_SMU_SOFTWARE]);
}
END_TEST

/* Guests that sleep, yield and end, on processors that they share, in each kind: the accounts hold and nothing is read of a guest that is gone. */
START_TEST(all_kinds_survive_a_storm)
{
    static const mock_step naps[] = { { US(270), { .kind = VMM_STOP_SLEEP, .span = US(40) } } };
    static const mock_step ends[] = { { US(710), { .kind = VMM_STOP_YIELD } }, { US(815), { .kind = VMM_STOP_END } } };
    policy.evaluate = NULL;
    policy.quantum_expiring = NULL;
    for (unsigned kind = 0; kind < VMM_N_SMU_KINDS; kind++) {
        g_autoptr(mock) m = mock_new(3, 3, NULL);
        m->config.policy = &policy;
        m->config.smu = (vmm_smu_config){ .kind = (vmm_smu_kind)kind, .period = US(50) };
        m->block = 700;
        for (unsigned i = 0; i < 12; i++) {
            mock_guest *g = mock_add(m, NULL, i % 3 == 1 ? naps : i % 3 == 2 ? ends : NULL, i % 3);
            g->rate[SIM_EV_L1D_LOADS] = 300000;
        }
        mock_run(m, MS(60));
        ck_assert_uint_gt(report(m).samples, 100);
        for (unsigned i = 0; i < 12; i++)
            ck_assert_uint_eq(mock_total(m, i), m->end);
    }
}
END_TEST

TCase *vmm_tests_sampling(void)
{
    TCase *t = tcase_create("sampling");
    tcase_add_checked_fixture(t, setup, NULL);
    tcase_set_timeout(t, 60);
    tcase_add_test(t, who_may_watch);
    tcase_add_test(t, software_reads_registers_at_its_period);
    tcase_add_test(t, software_multiplexes);
    tcase_add_test(t, hardware_is_free);
    tcase_add_test(t, hardware_exits_when_there_is_cause);
    tcase_add_test(t, hybrid_counts_are_the_vcpus_own);
    tcase_add_test(t, hybrid_is_armed_by_rates);
    tcase_add_test(t, hybrid_costs_less_where_little_happens);
    tcase_add_test(t, all_kinds_survive_a_storm);
    return t;
}
