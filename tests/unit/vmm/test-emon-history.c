/* SPDX-License-Identifier: GPL-2.0-or-later */
/* emon-quantum: what it does by history and prediction, for stalled pipelines, with donation, with tasks; the ledger of all who wait; what is told of
 * decisions afterwards. */
#include "test-vmm.h"

#include "vmm-mock.h"
#include "policies/emon-ledger.h"

#include <string.h>

/* ---- the ledger ----------------------------------------------------------------------------------------------- */

static emon_ledger *ledger_of(unsigned n, sim_ps limit, const uint64_t *masks)
{
    emon_ledger *l = emon_ledger_new(n, limit);
    for (uint32_t i = 0; i < n; i++) {
        uint64_t mask[VMM_MASK_WORDS] = { masks ? masks[i] : 1 };
        emon_ledger_admit(l, i, mask);
        emon_ledger_open(l, i);
    }
    return l;
}

START_TEST(all_who_wait_are_credited_alike)
{
    emon_ledger *l = ledger_of(5, 1000, NULL);
    ck_assert_uint_eq(emon_ledger_ran_longer(l, 0, 0, 600), 0); /* nobody waits: nobody is delayed */
    for (uint32_t i = 1; i < 4; i++)
        emon_ledger_wait(l, i);
    ck_assert_uint_eq(emon_ledger_ran_longer(l, 0, 0, 601), 600); /* whole parts */
    for (uint32_t i = 1; i < 4; i++)
        ck_assert_int_eq(emon_ledger_balance(l, i), -200);
    ck_assert_int_eq(emon_ledger_balance(l, 4), 0);
    emon_ledger_leave(l, 2);
    ck_assert_uint_eq(emon_ledger_ran_longer(l, 0, 0, 1000), 400); /* its limit */
    ck_assert_int_eq(emon_ledger_balance(l, 0), 1000);
    ck_assert_int_eq(emon_ledger_balance(l, 1), -400);
    ck_assert_int_eq(emon_ledger_balance(l, 2), -200);
    ck_assert_uint_eq(emon_ledger_ended_sooner(l, 2, 0, 300), 300);
    ck_assert_int_eq(emon_ledger_balance(l, 1), -250);
    ck_assert_int_eq(emon_ledger_balance(l, 2), -500);
    ck_assert_int_eq(emon_ledger_sum(l), 0);
    emon_ledger_close(l, 1); /* while it waits */
    ck_assert_uint_eq(emon_ledger_waiting(l, 0), 1);
    ck_assert_int_eq(emon_ledger_balance(l, 0), 750);
    ck_assert_int_eq(emon_ledger_sum(l), 0);
    emon_ledger_free(l);
}
END_TEST

START_TEST(only_those_who_wait_for_the_pcpu_are_credited)
{
    static const uint64_t masks[] = { 3, 1, 2, 3 };
    emon_ledger *l = ledger_of(4, 1000, masks);
    for (uint32_t i = 1; i < 4; i++)
        emon_ledger_wait(l, i);
    ck_assert_uint_eq(emon_ledger_ran_longer(l, 0, 1, 400), 400); /* pCPU 1: vCPUs 2 and 3 */
    ck_assert_int_eq(emon_ledger_balance(l, 1), 0);
    ck_assert_int_eq(emon_ledger_balance(l, 2), -200);
    ck_assert_int_eq(emon_ledger_balance(l, 3), -200);
    ck_assert_int_eq(emon_ledger_sum(l), 0);
    emon_ledger_free(l);
}
END_TEST

/* ---- guests --------------------------------------------------------------------------------------------------- */

static void plain(G_GNUC_UNUSED mock_guest *g, vmm_view *v)
{
    v->btb_hit_permille = 900;
    v->l1d.mine = 100;
    v->predictor_warmth_permille = 1000;
    v->cpi_stack[SIM_CPI_BASE] = 1000;
}

static void waits_for_memory(mock_guest *g, vmm_view *v)
{
    plain(g, v);
    v->cpi_stack[SIM_CPI_BASE] = 50;
    v->cpi_stack[SIM_CPI_MEMORY] = 950;
}

/* A loop of 1.2 ms of its own time, 120,000 iterations of 10 instructions, then 0.1 ms of something else that misses as `rate` says. */
static void long_loops(mock_guest *g, vmm_view *v)
{
    sim_ps phase = g->ran % US(1300);
    plain(g, v);
    v->loop_exits = g->ran / US(1300) + (phase >= US(1200));
    v->last_loop_iterations = 120000;
    v->in_loop = phase < US(1200);
    v->loop_branch = v->in_loop ? 0x401234 : 0x409999;
    v->loop_iterations = v->in_loop ? phase / 10000 : 5;
    v->loop_body_insns = v->in_loop ? 10 : 1000;
}

static mock *beside_two(void (*view)(mock_guest *, vmm_view *), void (*others)(mock_guest *, vmm_view *), const char *const *params, sim_ps span)
{
    mock *m = mock_new(1, 4, "emon-quantum");
    m->config.policy_params = params;
    mock_add(m, NULL, NULL, 0)->view = view;
    for (unsigned i = 0; i < 2; i++)
        mock_add(m, NULL, NULL, 0)->view = others;
    mock_run(m, span);
    ck_assert_uint_eq(vmm_bad_answers(m->v, NULL), 0);
    return m;
}

static unsigned count(const mock *m, uint32_t vm, const char *action, const char *reason)
{
    unsigned n, found = 0;
    uint64_t all;
    const vmm_decision *d = vmm_decisions(m->v, &n, &all);
    for (unsigned i = 0; i < n; i++)
        found += d[i].vm == vm && (!action || !strcmp(d[i].action, action)) && (!reason || !strcmp(d[i].reason, reason));
    return found;
}

/* Facts of a name told of decisions with that reason. */
static unsigned facts(const mock *m, const char *reason, const char *name, bool outcome)
{
    unsigned n, n_decisions, found = 0;
    uint64_t all;
    const vmm_fact *f = vmm_facts(m->v, &n);
    const vmm_decision *d = vmm_decisions(m->v, &n_decisions, &all);
    for (unsigned i = 0; i < n; i++) {
        ck_assert_uint_lt(f[i].decision, n_decisions);
        found += f[i].outcome == outcome && !strcmp(f[i].name, name) && !strcmp(d[f[i].decision].reason, reason);
    }
    return found;
}

static int64_t figure(const mock *m, unsigned vm, const char *name)
{
    unsigned n;
    const vmm_figure *f = vmm_figures(m->v, vm, &n);
    for (unsigned i = 0; i < n; i++)
        if (!strcmp(f[i].name, name))
            return f[i].value;
    ck_abort_msg("no figure %s", name);
}

/* ---- prediction ----------------------------------------------------------------------------------------------- */

START_TEST(a_loop_that_is_about_to_end_goes_on)
{
    static const char *const params[] = { "tight-loop", "false", "loop-end", "false", "prediction", "true", "repay", "false", NULL };
    g_autoptr(mock) m = beside_two(long_loops, plain, params, MS(100));
    unsigned n, seen = 0;
    uint64_t all;
    const vmm_decision *d = vmm_decisions(m->v, &n, &all);
    for (unsigned i = 0; i < n; i++) {
        if (strcmp(d[i].reason, "loop-end-near"))
            continue;
        /* 10 ns an iteration, with a sixteenth to spare */
        sim_ps left = (sim_ps)d[i].value[1] * 10000, span = d[i].after - d[i].before;
        ck_assert_uint_ge(span, left);
        ck_assert_uint_le(span, left + left / 5 + US(1));
        ck_assert_int_ge(d[i].value[3], 2); /* seen to end twice before */
        seen++;
    }
    ck_assert_uint_ge(seen, 3);
    ck_assert_uint_eq(facts(m, "loop-end-near", "used-ps", true), seen);
}
END_TEST

START_TEST(a_cold_predictor_does_not_foretell)
{
    static const char *const params[] = { "tight-loop", "false", "prediction", "true", "predict-warm", "1000", NULL };
    g_autoptr(mock) m = beside_two(long_loops, plain, params, MS(50));
    ck_assert_uint_ge(count(m, 0, NULL, "loop-end-near"), 1);
    static const char *const off[] = { "tight-loop", "false", "prediction", "false", NULL };
    g_autoptr(mock) m2 = beside_two(long_loops, plain, off, MS(50));
    ck_assert_uint_eq(count(m2, 0, NULL, "loop-end-near"), 0);
}
END_TEST

static bool misses_after;

/* Loops of 0.6 ms, and between them 0.4 ms of a phase that misses or not. */
static void loops_and_more(mock_guest *g, vmm_view *v)
{
    sim_ps phase = g->ran % US(1000);
    plain(g, v);
    v->loop_exits = g->ran / US(1000) + (phase >= US(600));
    v->last_loop_iterations = 60000;
    v->in_loop = phase < US(600);
    v->loop_branch = v->in_loop ? 0x401234 : 0x409999;
    v->loop_iterations = v->in_loop ? phase / 10000 : 5;
    v->loop_body_insns = 10;
    g->rate[SIM_EV_L1D_LOAD_MISSES] = misses_after && !v->in_loop ? 100000 : 0;
}

START_TEST(a_phase_that_used_to_miss_is_not_begun)
{
    static const char *const params[] = { "tight-loop", "false", "loop-end", "false", "prediction", "true", NULL };
    misses_after = true;
    g_autoptr(mock) m = beside_two(loops_and_more, plain, params, MS(100));
    ck_assert_uint_ge(count(m, 0, NULL, "cold-phase-next"), 3);
    ck_assert_uint_eq(facts(m, "cold-phase-next", "l1d-misses-per-million-limit", false), count(m, 0, NULL, "cold-phase-next"));
    misses_after = false;
    g_autoptr(mock) m2 = beside_two(loops_and_more, plain, params, MS(100));
    ck_assert_uint_eq(count(m2, 0, NULL, "cold-phase-next"), 0);
}
END_TEST

/* ---- stalled pipelines, donation ------------------------------------------------------------------------------ */

START_TEST(one_that_waits_for_memory_makes_room)
{
    static const char *const params[] = { "pipeline-stalled", "true", "repay", "false", NULL };
    g_autoptr(mock) m = beside_two(waits_for_memory, plain, params, MS(100));
    ck_assert_uint_ge(count(m, 0, NULL, "pipeline-stalled"), 9); /* 0.5 ms each, up to 5 ms */
    ck_assert_int_eq(figure(m, 0, "debt-ps") + figure(m, 1, "debt-ps") + figure(m, 2, "debt-ps"), 0);
    ck_assert_int_le(figure(m, 0, "debt-ps"), -4500000000);
    ck_assert_int_eq(figure(m, 1, "debt-ps"), figure(m, 2, "debt-ps"));
    /* where all wait for memory nobody is better served */
    g_autoptr(mock) all = beside_two(waits_for_memory, waits_for_memory, params, MS(50));
    ck_assert_uint_eq(count(all, 0, NULL, "pipeline-stalled"), 0);
}
END_TEST

START_TEST(the_rest_of_a_quantum_is_donated)
{
    static const char *const params[] = { "pipeline-stalled", "true", "donation", "true", "repay", "false", "max-debt", "1s", NULL };
    g_autoptr(mock) m = mock_new(1, 4, "emon-quantum");
    m->config.policy_params = params;
    mock_add(m, NULL, NULL, 0)->view = waits_for_memory;
    mock_add(m, NULL, NULL, 0)->view = waits_for_memory;
    mock_add(m, NULL, NULL, 0)->view = plain;
    mock_run(m, MS(60));
    ck_assert_uint_eq(vmm_bad_answers(m->v, NULL), 0);
    ck_assert_uint_ge(count(m, 0, "donate", "pipeline-stalled"), 3);
    /* to the one that computes, not to the next in turn, and it owes what it got */
    ck_assert_int_gt(figure(m, 2, "taken-ps"), 0);
    ck_assert_int_eq(figure(m, 2, "taken-ps"), figure(m, 0, "given-ps") + figure(m, 1, "given-ps"));
    ck_assert_int_eq(figure(m, 0, "debt-ps") + figure(m, 1, "debt-ps") + figure(m, 2, "debt-ps"), 0);
    ck_assert_uint_ge(facts(m, "pipeline-stalled", "to-vcpu", false), 3);
    ck_assert_uint_ge(facts(m, "pipeline-stalled", "ipc-permille-next-vcpu", true), 3);
}
END_TEST

/* ---- profile -------------------------------------------------------------------------------------------------- */

static mock *profiled(const char *lasting)
{
    const char *params[] = { "profile", "true", "profile-loss", "1", "profile-quanta", "8", "lasting", lasting, NULL };
    mock *m = mock_new(1, 4, "emon-quantum");
    m->config.policy_params = params;
    m->config.quantum = US(200);
    m->config.smu.period = US(40);
    for (unsigned i = 0; i < 2; i++)
        mock_add(m, NULL, NULL, 0)->view = plain;
    mock_run(m, MS(40));
    ck_assert_uint_eq(vmm_bad_answers(m->v, NULL), 0);
    return m;
}

/* What VM-entry takes out of the first sample is what getting warm costs here. */
START_TEST(a_quantum_is_changed_for_good)
{
    g_autoptr(mock) m = profiled("true");
    unsigned n;
    uint64_t all;
    const vmm_decision *d = vmm_decisions(m->v, &n, &all);
    ck_assert_uint_eq(count(m, 0, "increase", "profile-warm-up"), 2); /* 200, 250, 300us: that is `max` */
    ck_assert_uint_eq(d[0].before, US(200));
    ck_assert_uint_eq(d[0].after, US(250));
    ck_assert_uint_eq(d[n - 1].after, US(300));
    ck_assert_uint_ge(facts(m, "profile-warm-up", "ipc-permille-after", true), 2);
}
END_TEST

START_TEST(or_at_each_event)
{
    g_autoptr(mock) m = profiled("false");
    unsigned n;
    uint64_t all;
    const vmm_decision *d = vmm_decisions(m->v, &n, &all);
    ck_assert_uint_ge(n, 8);
    for (unsigned i = 0; i < n; i++) {
        ck_assert_uint_eq(d[i].before, US(200)); /* as assigned, again and again */
        ck_assert_uint_eq(d[i].after, US(250));
    }
}
END_TEST

/* ---- hysteresis ----------------------------------------------------------------------------------------------- */

/* A tight loop at the end of each quantum of its own, and a flush in the middle of each: a trigger for either direction. */
static void both_ways(mock_guest *g, vmm_view *v)
{
    plain(g, v);
    v->btb_hit_permille = 1000;
    v->in_loop = true;
    v->loop_branch = 0x401234;
    v->loop_iterations = g->ran / 10000;
    v->loop_body_insns = 10;
    v->flushes = (g->ran + US(450)) / US(1000);
}

START_TEST(no_oscillation)
{
    for (unsigned hold = 2; hold <= 8; hold *= 2) {
        g_autofree char *text = g_strdup_printf("%u", hold);
        const char *params[] = { "hold", text, "repay", "false", "tight-loop", "true", "max-debt", "1s", NULL };
        g_autoptr(mock) m = beside_two(both_ways, plain, params, MS(300));
        unsigned n, flips = 0, changes = 0;
        uint64_t all;
        int last = 0;
        const vmm_decision *d = vmm_decisions(m->v, &n, &all);
        for (unsigned i = 0; i < n; i++) {
            int direction = d[i].after > d[i].before ? 1 : -1;
            flips += last && direction != last;
            last = direction;
            changes++;
        }
        ck_assert_uint_ge(changes, 20);
        ck_assert_msg(flips <= 100 / hold + 1, "hold %u: %u of %u", hold, flips, changes); /* about 100 quanta */
    }
}
END_TEST

/* ---- tasks ---------------------------------------------------------------------------------------------------- */

static struct {
    uint32_t waiting[2], moved;
    bool refuse;
} pool;

static uint32_t pool_waiting(G_GNUC_UNUSED void *user, uint32_t vm, uint32_t kind, G_GNUC_UNUSED sim_ps now)
{
    return kind == 7 && vm < 2 ? pool.waiting[vm] : 0;
}

static bool pool_move(G_GNUC_UNUSED void *user, uint32_t from, uint32_t to, uint32_t kind, G_GNUC_UNUSED sim_ps now, const char **why)
{
    ck_assert_uint_eq(from, 0);
    ck_assert_uint_eq(to, 1);
    ck_assert_uint_eq(kind, 7);
    *why = "the VM cannot run tasks of this kind";
    if (pool.refuse || !pool.waiting[0])
        return false;
    pool.waiting[0]--;
    pool.moved++;
    return true;
}

static sim_ps pool_wake(G_GNUC_UNUSED void *user, G_GNUC_UNUSED uint32_t vm, G_GNUC_UNUSED sim_ps now)
{
    return SIM_PS_NEVER;
}

static mock *with_tasks(const char *const *params)
{
    static const vmm_tasks port = { .waiting = pool_waiting, .move = pool_move, .wake = pool_wake };
    static const mock_step slow[] = { { US(1), { .kind = VMM_STOP_TASK_BEGIN, .nr = 7 } }, { US(300), { .kind = VMM_STOP_TASK_END, .nr = 7 } } };
    static const mock_step fast[] = { { US(1), { .kind = VMM_STOP_TASK_BEGIN, .nr = 7 } }, { US(100), { .kind = VMM_STOP_TASK_END, .nr = 7 } } };
    mock *m = mock_new(2, 4, "emon-quantum");
    pool.waiting[0] = 20;
    pool.waiting[1] = 0;
    pool.moved = 0;
    m->config.policy_params = params;
    m->config.tasks = &port;
    mock_add(m, NULL, slow, 2)->view = plain;
    mock_add(m, NULL, fast, 2)->view = plain;
    mock_run(m, MS(20));
    ck_assert_uint_eq(vmm_bad_answers(m->v, NULL), 0);
    return m;
}

START_TEST(tasks_go_to_the_vm_that_does_them_better)
{
    pool.refuse = false;
    g_autoptr(mock) m = with_tasks(NULL);
    ck_assert_uint_ge(pool.moved, 10);
    ck_assert_uint_eq(count(m, 0, "transfer", "task-history"), pool.moved);
    ck_assert_uint_ge(facts(m, "task-history", "took-ps", true), 5);
    ck_assert_uint_eq(facts(m, "task-history", "margin-permille", false), pool.moved);
    static const char *const off[] = { "task-history", "false", NULL };
    g_autoptr(mock) m2 = with_tasks(off);
    ck_assert_uint_eq(pool.moved, 0);
    /* where the gap is less than the margin nobody is better */
    static const char *const strict[] = { "task-margin", "1000", NULL };
    g_autoptr(mock) m3 = with_tasks(strict);
    ck_assert_uint_ge(pool.moved, 10);
}
END_TEST

START_TEST(a_vm_that_cannot_run_them_refuses)
{
    pool.refuse = true;
    g_autoptr(mock) m = with_tasks(NULL);
    ck_assert_uint_eq(pool.moved, 0);
    ck_assert_uint_eq(count(m, 0, "transfer", NULL), 0);
    unsigned n;
    vmm_facts(m->v, &n); /* evidence of what did not happen is nobody's */
    ck_assert_uint_eq(n, 0);
}
END_TEST

START_TEST(or_it_gets_more_time)
{
    static const char *const params[] = { "task-move", "false", "task-time", "true", "profile-quanta", "2", NULL };
    g_autoptr(mock) m = with_tasks(params);
    ck_assert_uint_eq(pool.moved, 0);
    ck_assert_uint_ge(count(m, 1, "increase", "task-history"), 1);
    ck_assert_uint_ge(count(m, 0, "decrease", "task-history"), 1);
}
END_TEST

/* ---- what is told of decisions -------------------------------------------------------------------------------- */

static void tight(mock_guest *g, vmm_view *v)
{
    both_ways(g, v);
    v->flushes = 0;
}

START_TEST(decisions_have_evidence_and_outcomes)
{
    static const char *const params[] = { "tight-loop", "true", "repay", "true", NULL };
    g_autoptr(mock) m = beside_two(tight, plain, params, MS(100));
    unsigned n = count(m, 0, "extend", "tight-loop");
    ck_assert_uint_ge(n, 10);
    ck_assert_uint_eq(facts(m, "tight-loop", "btb-hit-permille-limit", false), n);
    ck_assert_uint_eq(facts(m, "tight-loop", "l1d-misses-per-million-limit", false), n);
    ck_assert_uint_ge(facts(m, "tight-loop", "used-ps", true), n - 1); /* the last one may go on */
    ck_assert_uint_ge(facts(m, "tight-loop", "ipc-permille-in-it", true), n - 1);
    /* repaid: `repay` is on; not more than were made */
    ck_assert_uint_ge(facts(m, "tight-loop", "paid-back-ps", true), 3);
    ck_assert_uint_lt(facts(m, "tight-loop", "paid-back-ps", true), n);
    ck_assert_int_eq(figure(m, 0, "debt-ps") + figure(m, 1, "debt-ps") + figure(m, 2, "debt-ps"), 0);
}
END_TEST

TCase *vmm_tests_emon_history(void)
{
    TCase *t = tcase_create("emon-history");
    tcase_set_timeout(t, 60);
    tcase_add_test(t, all_who_wait_are_credited_alike);
    tcase_add_test(t, only_those_who_wait_for_the_pcpu_are_credited);
    tcase_add_test(t, a_loop_that_is_about_to_end_goes_on);
    tcase_add_test(t, a_cold_predictor_does_not_foretell);
    tcase_add_test(t, a_phase_that_used_to_miss_is_not_begun);
    tcase_add_test(t, one_that_waits_for_memory_makes_room);
    tcase_add_test(t, the_rest_of_a_quantum_is_donated);
    tcase_add_test(t, a_quantum_is_changed_for_good);
    tcase_add_test(t, or_at_each_event);
    tcase_add_test(t, no_oscillation);
    tcase_add_test(t, tasks_go_to_the_vm_that_does_them_better);
    tcase_add_test(t, a_vm_that_cannot_run_them_refuses);
    tcase_add_test(t, or_it_gets_more_time);
    tcase_add_test(t, decisions_have_evidence_and_outcomes);
    return t;
}
