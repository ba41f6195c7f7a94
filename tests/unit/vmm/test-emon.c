/* SPDX-License-Identifier: GPL-2.0-or-later */
/* emon-quantum: each trigger on its pattern and on no other; what is booked; oscillation; the cost of sampling. */
#include "test-vmm.h"

#include "vmm-mock.h"

#include <stdio.h>
#include <string.h>

/* ---- what guests look like ---------------------------------------------------------------------------------- */

static void branchy(G_GNUC_UNUSED mock_guest *g, vmm_view *v)
{
    v->btb_hit_permille = 900;
    v->l1d.mine = 100;
    v->l1d.mine_dirty = 20;
}

static void tight(mock_guest *g, vmm_view *v)
{
    v->btb_hit_permille = 1000;
    v->in_loop = true;
    v->loop_branch = 0x401234;
    v->loop_iterations = g->ran / 10000;
    v->loop_body_insns = 10;
    v->l1d.mine = 40;
}

/* A loop of 300 us after every 2.2 ms of its own time. */
static void loops_that_end(mock_guest *g, vmm_view *v)
{
    sim_ps phase = g->ran % US(2200);
    tight(g, v);
    v->loop_exits = g->ran / US(2200);
    v->last_loop_iterations = 200000;
    if (phase < US(300)) {
        v->in_loop = false;
        v->loop_branch = 0x409999;
        v->loop_iterations = 5;
        v->loop_body_insns = 1000;
    }
}

static void traversing(mock_guest *g, vmm_view *v)
{
    v->btb_hit_permille = 950;
    v->in_loop = true;
    v->loop_branch = 0x405678;
    v->loop_iterations = g->ran / 1000000;
    v->loop_body_insns = 1000;
    v->l1d.mine = 500;
    v->l1d.mine_dirty = 10;
}

/* Fills L1D with dirty lines and writes them back at 300 us of each ms of its own time. */
static void flushing(mock_guest *g, vmm_view *v)
{
    sim_ps phase = g->ran % US(1000);
    branchy(g, v);
    v->l1d.mine_dirty = phase < US(350) ? (uint32_t)(400 * phase / US(350)) : 0;
    v->l1d.fills = g->ran / US(1000) * 400 + (phase < US(350) ? 400 * phase / US(350) : 400);
    v->l1d.writebacks = g->ran / US(1000) * 400 + (phase < US(350) ? 0 : 400);
}

static void wbinvd(mock_guest *g, vmm_view *v)
{
    branchy(g, v);
    v->flushes = (g->ran + US(600)) / US(1000);
}

/* Streams through L1D: dirty lines are evicted by the lines that replace them. */
static void streaming(mock_guest *g, vmm_view *v)
{
    branchy(g, v);
    v->l1d.mine = 512;
    v->l1d.mine_dirty = g->ran / US(200) % 2 ? 400 : 0;
    v->l1d.fills = v->l1d.writebacks = g->ran / US(0.1);
}

/* With the triggers of quanta that are lengthened, which are off by default, and the parameters given. */
static mock *with_all(unsigned cpus, unsigned counters, const char *const *params)
{
    static const char *pairs[32];
    unsigned n = 0;
    bool given[2] = { false, false };
    static const char *const names[2] = { "tight-loop", "l1-traversed" };
    for (; params && params[n]; n += 2) {
        pairs[n] = params[n];
        pairs[n + 1] = params[n + 1];
        for (unsigned i = 0; i < 2; i++)
            given[i] |= !strcmp(params[n], names[i]);
    }
    for (unsigned i = 0; i < 2; i++)
        if (!given[i]) {
            pairs[n++] = names[i];
            pairs[n++] = "true";
        }
    pairs[n] = NULL;
    mock *m = mock_new(cpus, counters, "emon-quantum");
    m->config.policy_params = pairs;
    mock_make(m);
    m->config.policy_params = NULL;
    return m;
}

typedef struct {
    unsigned extend, shorten, paid;
    unsigned flushed, tight, loop_end, traversed, near, cold, stalled;
} tally;

static tally decisions(const mock *m, uint32_t vm)
{
    tally t = { 0 };
    unsigned n;
    uint64_t all;
    const vmm_decision *d = vmm_decisions(m->v, &n, &all);
    ck_assert_uint_eq(n, all);
    for (unsigned i = 0; i < n; i++) {
        if (d[i].vm != vm)
            continue;
        ck_assert_ptr_nonnull(d[i].evidence[0]);
        ck_assert_uint_ge(d[i].after, US(500));
        ck_assert_uint_le(d[i].after, US(1500));
        t.extend += !strcmp(d[i].action, "extend");
        t.shorten += !strcmp(d[i].action, "decrease") || !strcmp(d[i].action, "end");
        t.paid += !strcmp(d[i].reason, "paid-back");
        t.flushed += !strcmp(d[i].reason, "cache-flushed");
        t.tight += !strcmp(d[i].reason, "tight-loop");
        t.loop_end += !strcmp(d[i].reason, "loop-end");
        t.traversed += !strcmp(d[i].reason, "l1-traversed");
        t.near += !strcmp(d[i].reason, "loop-end-near");
        t.cold += !strcmp(d[i].reason, "cold-phase-next");
        t.stalled += !strcmp(d[i].reason, "pipeline-stalled");
    }
    return t;
}

static void find_sum(void *user, const char *text)
{
    long long sum;
    if (sscanf(text, "ledger sum %lld ps", &sum) == 1) {
        ck_assert_int_eq(sum, 0);
        *(unsigned *)user += 1;
    }
}

static void find_debt(void *user, const char *text)
{
    long long debt;
    unsigned vcpu;
    if (sscanf(text, "vCPU %u: debt %lld ps", &vcpu, &debt) == 2) {
        ((long long *)user)[vcpu] = debt;
    }
}

static void check(mock *m)
{
    unsigned found = 0;
    vmm_dump_policy(m->v, find_sum, &found);
    ck_assert_uint_eq(found, 1);
    ck_assert_uint_eq(vmm_bad_answers(m->v, NULL), 0);
    for (unsigned i = 0; i < vmm_n_vms(m->v); i++)
        ck_assert_uint_eq(mock_total(m, i), m->end);
}

/* The pattern beside two branchy guests, 100 ms. */
static mock *pattern(void (*view)(mock_guest *, vmm_view *), const char *const *params, unsigned counters)
{
    mock *m = with_all(1, counters, params);
    mock_guest *g = mock_add(m, NULL, NULL, 0);
    g->view = view;
    g->rate[SIM_EV_L1D_LOADS] = 300000;
    if (view == flushing)
        g->rate[SIM_EV_L1D_WRITEBACKS] = 4000;
    if (view == branchy || view == streaming) {
        g->rate[SIM_EV_L1D_LOAD_MISSES] = 60000;
        g->rate[SIM_EV_L1D_WRITEBACKS] = 4000;
    }
    for (unsigned i = 0; i < 2; i++) {
        mock_guest *other = mock_add(m, NULL, NULL, 0);
        other->view = branchy;
        other->rate[SIM_EV_L1D_LOAD_MISSES] = 60000;
    }
    mock_run(m, MS(100));
    check(m);
    for (unsigned i = 1; i < 3; i++)
        ck_assert_uint_eq(decisions(m, i).extend + decisions(m, i).shorten, 0);
    return m;
}

START_TEST(no_trigger_no_change)
{
    for (unsigned i = 0; i < 2; i++) {
        g_autoptr(mock) m = pattern(i ? streaming : branchy, NULL, 4);
        unsigned n;
        uint64_t all;
        vmm_decisions(m->v, &n, &all);
        ck_assert_uint_eq(all, 0);
    }
}
END_TEST

static const char *const with_repay[] = { "repay", "true", NULL };

START_TEST(tight_loop)
{
    g_autoptr(mock) m = pattern(tight, NULL, 4);
    tally t = decisions(m, 0);
    /* 0.5 ms at each of its quanta, until it owes 5 ms: to the two others alike, both of whom waited */
    ck_assert_uint_ge(t.tight, 9);
    ck_assert_uint_le(t.tight, 11);
    ck_assert_uint_eq(t.extend, t.tight);
    ck_assert_uint_eq(t.shorten, 0);
    long long debt[3];
    vmm_dump_policy(m->v, find_debt, debt);
    ck_assert_int_ge(debt[0], 4900000000);
    ck_assert_int_le(debt[0], 5000000000);
    ck_assert_int_eq(debt[1], debt[2]);
    ck_assert_uint_eq(vmm_stats(m->v, 0)->quanta_extended, t.tight);
    /* longer by what it owes, to a quantum */
    const vmm_vm_stats *a = vmm_stats(m->v, 0), *b = vmm_stats(m->v, 1);
    ck_assert_uint_ge(a->in_state[VMM_RUNNING] - b->in_state[VMM_RUNNING], MS(3.9));
    ck_assert_uint_le(a->in_state[VMM_RUNNING] - b->in_state[VMM_RUNNING], MS(6.1));
}
END_TEST

/* Those to whom half of max-debt is owed get longer quanta, too: the debt stays where it is, and nobody loses. */
START_TEST(half_of_max_debt_is_paid_back)
{
    g_autoptr(mock) m = pattern(tight, with_repay, 4);
    ck_assert_uint_ge(decisions(m, 1).paid, 3);
    ck_assert_uint_ge(decisions(m, 2).paid, 3);
    const vmm_vm_stats *a = vmm_stats(m->v, 0), *b = vmm_stats(m->v, 1);
    ck_assert_uint_le(a->in_state[VMM_RUNNING] - b->in_state[VMM_RUNNING], MS(8.5));
}
END_TEST

START_TEST(all_in_tight_loops_owe_nothing)
{
    g_autoptr(mock) m = with_all(1, 4, NULL);
    for (unsigned i = 0; i < 3; i++) {
        mock_guest *g = mock_add(m, NULL, NULL, 0);
        g->view = tight;
    }
    mock_run(m, MS(200));
    check(m);
    /* each takes from the next: everybody's quantum is 1.5 ms */
    ck_assert_uint_ge(vmm_stats(m->v, 0)->quanta_extended, 40);
    ck_assert_uint_eq(vmm_stats(m->v, 0)->quanta_full, 0);
}
END_TEST

START_TEST(l1_traversed)
{
    g_autoptr(mock) m = pattern(traversing, NULL, 4);
    tally t = decisions(m, 0);
    ck_assert_uint_ge(t.traversed, 9);
    ck_assert_uint_eq(t.extend, t.traversed);
    ck_assert_uint_eq(t.shorten, 0);
}
END_TEST

START_TEST(cache_flushed)
{
    for (unsigned i = 0; i < 2; i++) {
        g_autoptr(mock) m = pattern(i ? wbinvd : flushing, NULL, 4);
        tally t = decisions(m, 0);
        ck_assert_uint_ge(t.flushed, 5);
        ck_assert_uint_eq(t.shorten, t.flushed);
        ck_assert_uint_eq(t.extend, 0);
        ck_assert_uint_eq(vmm_stats(m->v, 0)->quanta_ended_early, t.flushed);
        long long debt[3];
        vmm_dump_policy(m->v, find_debt, debt);
        ck_assert_int_lt(debt[0], 0);
        /* it may have given 5 ms away, not more */
        ck_assert_int_ge((int64_t)vmm_stats(m->v, 0)->in_state[VMM_RUNNING], (int64_t)MS(100.0 / 3 - 5.5));
    }
}
END_TEST

START_TEST(loop_end_pays_back)
{
    g_autoptr(mock) m = pattern(loops_that_end, NULL, 4);
    tally t = decisions(m, 0);
    ck_assert_uint_ge(t.tight, 5);
    ck_assert_uint_ge(t.loop_end, 3);
    ck_assert_uint_eq(t.shorten, t.loop_end);
    ck_assert_uint_eq(decisions(m, 1).paid + decisions(m, 2).paid, t.loop_end);
    long long debt[3], without[3];
    vmm_dump_policy(m->v, find_debt, debt);
    static const char *const off[] = { "loop-end", "false", NULL };
    g_autoptr(mock) m2 = pattern(loops_that_end, off, 4);
    ck_assert_uint_eq(decisions(m2, 0).loop_end, 0);
    vmm_dump_policy(m2->v, find_debt, without);
    ck_assert_int_lt(debt[0], without[0]);
}
END_TEST

/* Time that was booked and not used is booked back: an extension, ... */
START_TEST(unused_extension)
{
    static const mock_step steps[] = { { US(1100), { .kind = VMM_STOP_SLEEP, .span = US(10) } } };
    g_autoptr(mock) m = with_all(1, 4, NULL);
    for (unsigned i = 0; i < 3; i++)
        mock_add(m, NULL, i ? NULL : steps, i ? 0 : 1)->view = i ? branchy : tight;
    mock_run(m, MS(100));
    check(m);
    long long debt[3];
    vmm_dump_policy(m->v, find_debt, debt);
    tally t = decisions(m, 0);
    ck_assert_uint_ge(t.extend, 28);
    ck_assert_int_le(debt[0], t.extend * 130000000ll);
    ck_assert_int_ge(debt[0], t.extend * 100000000ll);
}
END_TEST

/* ... a quantum that would have been cut, had the guest not blocked before, ... */
START_TEST(unused_cut)
{
    static const mock_step steps[] = { { US(450), { .kind = VMM_STOP_SLEEP, .span = US(10) } } };
    g_autoptr(mock) m = with_all(1, 4, NULL);
    for (unsigned i = 0; i < 3; i++)
        mock_add(m, NULL, i ? NULL : steps, i ? 0 : 1)->view = i ? branchy : wbinvd;
    mock_run(m, MS(100));
    check(m);
    long long debt[3];
    vmm_dump_policy(m->v, find_debt, debt);
    ck_assert_uint_ge(decisions(m, 0).flushed, 5);
    ck_assert_int_eq(debt[0], 0);
}
END_TEST

/* ... and what was paid back to those who then block before they use it. */
START_TEST(unused_bonus)
{
    static const mock_step steps[] = { { US(990), { .kind = VMM_STOP_SLEEP, .span = US(10) } } };
    g_autoptr(mock) m = with_all(1, 4, NULL);
    for (unsigned i = 0; i < 3; i++)
        mock_add(m, NULL, i ? steps : NULL, i ? 1 : 0)->view = i ? branchy : loops_that_end;
    mock_run(m, MS(200));
    check(m);
    long long debt[3];
    vmm_dump_policy(m->v, find_debt, debt);
    ck_assert_uint_ge(decisions(m, 1).paid + decisions(m, 2).paid, 5);
    ck_assert_int_ge(debt[0], 4500000000);
    /* what was not used is owed still: there is no room for further extensions */
    ck_assert_uint_le(decisions(m, 0).extend, 15);
}
END_TEST

/* Tight, with a WBINVD every 3 ms of its own time. */
static void tight_and_flushing(mock_guest *g, vmm_view *v)
{
    tight(g, v);
    v->flushes = (g->ran + US(300)) / US(3000);
}

START_TEST(no_extension_after_a_cut)
{
    g_autoptr(mock) m = pattern(tight_and_flushing, NULL, 4);
    unsigned n, cuts = 0, extensions = 0;
    uint64_t all;
    sim_ps cut = SIM_PS_NEVER;
    const vmm_decision *d = vmm_decisions(m->v, &n, &all);
    for (unsigned i = 0; i < n; i++) {
        if (d[i].vm != 0 || !strcmp(d[i].reason, "paid-back"))
            continue;
        if (!strcmp(d[i].action, "extend")) {
            extensions++;
            /* its next quantum ends 3 ms after the cut, the one after that 6 ms */
            ck_assert(cut == SIM_PS_NEVER || d[i].at - cut > MS(4.5));
        } else {
            cuts++;
            cut = d[i].at;
        }
    }
    ck_assert_uint_ge(cuts, 3);
    ck_assert_uint_ge(extensions, 3);
}
END_TEST

START_TEST(triggers_can_be_switched_off)
{
    static const char *const names[] = { "tight-loop", "l1-traversed", "cache-flushed", "cache-flushed" };
    static void (*const views[])(mock_guest *, vmm_view *) = { tight, traversing, flushing, wbinvd };
    for (unsigned i = 0; i < 4; i++) {
        const char *const params[] = { names[i], "false", NULL };
        g_autoptr(mock) m = pattern(views[i], params, 4);
        unsigned n;
        uint64_t all;
        vmm_decisions(m->v, &n, &all);
        ck_assert_uint_eq(all, 0);
    }
}
END_TEST

START_TEST(no_debt_allowed_no_change)
{
    static const char *const params[] = { "max-debt", "0ms", NULL };
    g_autoptr(mock) m = pattern(tight, params, 4);
    ck_assert_uint_eq(decisions(m, 0).extend, 0);
}
END_TEST

/* One counter for four events: they take turns, and the triggers still find their pattern. */
START_TEST(few_counters)
{
    g_autoptr(mock) m = pattern(tight, NULL, 1);
    ck_assert_uint_ge(decisions(m, 0).tight, 5);
    g_autoptr(mock) m2 = pattern(traversing, NULL, 2);
    ck_assert_uint_ge(decisions(m2, 0).traversed, 5);
    /* without programmable counters nothing is known of misses: no loop is thought to be free of them */
    g_autoptr(mock) m3 = pattern(tight, NULL, 0);
    ck_assert_uint_eq(decisions(m3, 0).extend, 0);
}
END_TEST

START_TEST(alone_nothing_changes)
{
    g_autoptr(mock) m = with_all(1, 4, NULL);
    mock_add(m, NULL, NULL, 0)->view = tight;
    mock_run(m, MS(20));
    check(m);
    ck_assert_uint_eq(decisions(m, 0).extend, 0);
}
END_TEST

START_TEST(sampling_costs)
{
    g_autoptr(mock) fast = mock_new(1, 4, "emon-quantum"), slow = mock_new(1, 4, "emon-quantum");
    slow->config.smu.period = US(500);
    mock_guest *a = mock_add(fast, NULL, NULL, 0), *b = mock_add(slow, NULL, NULL, 0);
    mock_run(fast, MS(100));
    mock_run(slow, MS(100));
    ck_assert_uint_gt(b->ran, a->ran);
    ck_assert_uint_gt(fast->cpus[0].reads, 2 * slow->cpus[0].reads);
    /* a tick costs exit 650, tick 200, entry 600 cycles, and 14 register reads of 30 */
    sim_ps lost = MS(100) - a->ran;
    ck_assert_uint_ge(lost, 900 * US(1.87));
    ck_assert_uint_le(lost, 1100 * US(2.5));
    ck_assert_uint_gt(vmm_stats(fast->v, 0)->exits[VMM_EXIT_EXTERNAL], 850);
}
END_TEST

/* Guests of all patterns that also sleep, end and die in the middle of extended and shortened quanta, on several pCPUs. */
START_TEST(ledger_stays_balanced)
{
    static const mock_step naps[] = { { US(1270), { .kind = VMM_STOP_SLEEP, .span = US(400) } } };
    static const mock_step dies[] = { { US(9300), { .kind = VMM_STOP_FAULT } } };
    static const mock_step ends[] = { { US(7100), { .kind = VMM_STOP_YIELD } }, { US(8150), { .kind = VMM_STOP_END } } };
    static void (*const views[])(mock_guest *, vmm_view *) = { tight, traversing, flushing, wbinvd, loops_that_end, branchy };
    static const char *const all[] = { "prediction", "true", "repay", "true", "pipeline-stalled", "true", "donation", "true", "profile", "true", NULL };
    for (unsigned cpus = 1; cpus <= 3; cpus++) {
        g_autoptr(mock) m = with_all(cpus, 4, all);
        m->block = 800;
        for (unsigned i = 0; i < 24; i++) {
            const mock_step *steps = i % 4 == 1 ? naps : i % 4 == 2 ? dies : i % 4 == 3 ? ends : NULL;
            mock_guest *g = mock_add(m, NULL, steps, !steps ? 0 : steps == ends ? 2 : 1);
            g->view = views[i % 6];
            g->rate[SIM_EV_L1D_LOADS] = 300000;
            g->rate[SIM_EV_L1D_WRITEBACKS] = 4000;
        }
        mock_run(m, MS(400));
        check(m);
        long long debt[24];
        vmm_dump_policy(m->v, find_debt, debt);
        for (unsigned i = 0; i < 24; i++)
            ck_assert(!vmm_stats(m->v, i)->ended || debt[i] == 0);
    }
}
END_TEST

TCase *vmm_tests_emon(void)
{
    TCase *t = tcase_create("emon");
    tcase_set_timeout(t, 60);
    tcase_add_test(t, no_trigger_no_change);
    tcase_add_test(t, tight_loop);
    tcase_add_test(t, half_of_max_debt_is_paid_back);
    tcase_add_test(t, all_in_tight_loops_owe_nothing);
    tcase_add_test(t, l1_traversed);
    tcase_add_test(t, cache_flushed);
    tcase_add_test(t, loop_end_pays_back);
    tcase_add_test(t, unused_extension);
    tcase_add_test(t, unused_cut);
    tcase_add_test(t, unused_bonus);
    tcase_add_test(t, no_extension_after_a_cut);
    tcase_add_test(t, triggers_can_be_switched_off);
    tcase_add_test(t, no_debt_allowed_no_change);
    tcase_add_test(t, few_counters);
    tcase_add_test(t, alone_nothing_changes);
    tcase_add_test(t, sampling_costs);
    tcase_add_test(t, ledger_stays_balanced);
    return t;
}
