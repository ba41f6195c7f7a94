/* SPDX-License-Identifier: GPL-2.0-or-later */
/* EMON through the VMM's port, on a real machine: overflow interrupts, and the error of multiplexed counts on a guest with phases. */
#include "run-suites.h"

#include "emon-policy.h"
#include "run-machine.h"
#include "wl-synthetic.h"

#include <string.h>

typedef struct {
    cpu_machine *desc;
    sim_engine *engine;
    run_machine *machine;
    insn_code *code;
    insn_source *source;
    vmm *v;
} setting;

static setting x;

static void start_on(const char *machine, const char *spec)
{
    g_autoptr(GError) error = NULL;
    const char *overrides[] = {"cores=core", NULL};
    x.desc = cpu_machine_load(machine, overrides, &error);
    ck_assert_msg(x.desc != NULL, "%s", error ? error->message : "");
    x.engine = sim_engine_new();
    x.machine = run_machine_new(x.desc, x.engine);
    unsigned n;
    vmm_pcpu *const *pcpus = run_machine_pcpus(x.machine, &n);
    vmm_config config = {.policy = &emon_policy, .seed = 1};
    x.v = vmm_new(&config, x.engine, pcpus, n, &error);
    ck_assert_msg(x.v != NULL, "%s", error ? error->message : "");
    x.code = cpu_code_new();
    x.source = wl_synthetic_new("guest", spec, 1, x.code, &error);
    ck_assert_msg(x.source != NULL, "%s", error ? error->message : "");
    vmm_vm_config vm = {.name = "guest", .weight = 256};
    vmm_add_vm(x.v, &vm);
    run_machine_add_guest(x.machine, x.source);
    vmm_start(x.v);
}

static void start(const char *spec)
{
    start_on("skylake", spec);
}

static void setup(void)
{
    memset(&emon_state, 0, sizeof emon_state);
    memset(&x, 0, sizeof x);
}

static void teardown(void)
{
    vmm_free(x.v);
    run_machine_free(x.machine);
    sim_engine_free(x.engine);
    insn_source_free(x.source);
    cpu_code_free(x.code);
    cpu_machine_free(x.desc);
}

static void run(sim_ps until)
{
    vmm_finish(x.v, run_machine_run(x.machine, x.v, until, NULL));
}

START_TEST(an_overflow_interrupts_the_guest)
{
    emon_state.arm = (sim_emon_config){.event = SIM_EV_INSTRUCTIONS, .interrupt = true, .period = 50000};
    emon_state.armed = 1;
    emon_state.rearm = true;
    start("loop body=16 insns=1M");
    run(10 * SIM_PS_PER_MS);
    ck_assert_ptr_null(emon_state.why);
    const vmm_vm_stats *vm = vmm_stats(x.v, 0);
    ck_assert(vm->ended);
    ck_assert_uint_eq(emon_state.overflows, 20);
    ck_assert_uint_eq(vm->exits[VMM_EXIT_EMON], 20);
    ck_assert_uint_eq(emon_state.status, sim_emon_bit(1));
    for (unsigned i = 0; i < 20; i++) { /* the VMM's own work is in no count of instructions */
        uint64_t since = emon_state.insns[i] - (i ? emon_state.insns[i - 1] : 0);
        ck_assert_msg(since >= 50000 && since < 50000 + 16, "%u: %" G_GUINT64_FORMAT, i, since);
    }
}
END_TEST

START_TEST(a_fixed_counter_interrupts_too)
{
    emon_state.arm = (sim_emon_config){.event = SIM_EV_CYCLES, .interrupt = true, .period = 340000};
    emon_state.armed = SIM_EMON_FIXED_CYCLES;
    emon_state.rearm = true;
    start("loop body=16 insns=1G");
    run(2 * SIM_PS_PER_MS); /* 6.8 million cycles: twenty periods, each longer by the VM-exit, the handler and the VM-entry */
    ck_assert_uint_eq(emon_state.counter, SIM_EMON_FIXED_CYCLES);
    ck_assert_uint_ge(emon_state.overflows, 19);
    ck_assert_uint_le(emon_state.overflows, 20);
}
END_TEST

START_TEST(what_was_retired_is_known_however_its_counter_is_programmed)
{
    emon_state.arm = (sim_emon_config){.event = SIM_EV_INSTRUCTIONS, .interrupt = true, .period = 70000};
    emon_state.armed = SIM_EMON_FIXED_INSNS;
    emon_state.rearm = true;
    start("loop body=16 insns=1G");
    run(1 * SIM_PS_PER_MS);
    uint64_t truth[SIM_EV_COUNT];
    run_machine_truth(x.machine, 0, truth);
    ck_assert_uint_ge(emon_state.overflows, 10);
    ck_assert_uint_eq(run_machine_insns(x.machine), truth[SIM_EV_INSTRUCTIONS]);
}
END_TEST

START_TEST(interrupts_do_not_depend_on_what_else_runs_ahead)
{
    /* The same twice gives the same. */
    uint64_t first[64];
    for (unsigned k = 0; k < 2; k++) {
        setup();
        emon_state.arm = (sim_emon_config){.event = SIM_EV_L1D_LOAD_MISSES, .interrupt = true, .period = 1000};
        emon_state.rearm = true;
        start("random ws=1MiB insns=400k");
        run(10 * SIM_PS_PER_MS);
        ck_assert_uint_ge(emon_state.overflows, 50);
        if (k)
            ck_assert_mem_eq(first, emon_state.insns, sizeof first);
        memcpy(first, emon_state.insns, sizeof first);
        teardown();
        memset(&x, 0, sizeof x);
    }
}
END_TEST

/* The largest relative error of the estimates of events that came at least 10,000 times, in thousandths. */
static unsigned worst_error(const char *spec, sim_ps turn, unsigned per_group)
{
    static const enum sim_emon_event events[] = {SIM_EV_L1D_LOADS, SIM_EV_L1D_LOAD_MISSES, SIM_EV_BRANCHES, SIM_EV_UOPS, SIM_EV_L2_REFERENCES,
                                                 SIM_EV_LLC_REFERENCES, SIM_EV_L1D_STORES, SIM_EV_TAKEN_BRANCHES};
    setup();
    emon_state.turn = turn;
    emon_state.n_events = 8;
    emon_state.per_group = per_group;
    memcpy(emon_state.events, events, sizeof events);
    start(spec);
    run(6 * SIM_PS_PER_MS);
    uint64_t truth[SIM_EV_COUNT];
    run_machine_truth(x.machine, 0, truth);
    unsigned worst = 0, looked_at = 0;
    for (unsigned i = 0; i < 8; i++) {
        uint64_t real = truth[events[i]], estimate = vmm_emon_estimate(&emon_state.values[i]);
        double off = estimate > real ? (double)(estimate - real) : (double)(real - estimate);
        if (real >= 3000) {
            worst = MAX(worst, (unsigned)(off * 1000 / (double)real));
            looked_at++;
        }
    }
    ck_assert_uint_ge(looked_at, 6);
    teardown();
    memset(&x, 0, sizeof x);
    return worst;
}

START_TEST(error_of_multiplexed_counts)
{
    /* Eight events on four counters, in two groups and in eight. Phases of about 150us, seven times what a turn takes: a few per cent, as perf's
     * users know it. Turns longer than the phases: more. */
    static const char phased[] = "stream ws=1MiB stores=25% insns=500k; loop body=16 insns=2M; random ws=64KiB insns=500k; repeat forever";
    unsigned groups = worst_error(phased, 20 * SIM_PS_PER_US, 4), single = worst_error(phased, 20 * SIM_PS_PER_US, 1);
    unsigned slow = worst_error(phased, 500 * SIM_PS_PER_US, 4);
    ck_assert_msg(groups <= 60 && single <= 100 && slow > groups, "per mille: groups %u, single ones %u, long turns %u", groups, single, slow);
}
END_TEST

/* ---- the state view --------------------------------------------------------------------------------------------- */

static uint64_t sum_of(const uint64_t stack[SIM_CPI_COUNT])
{
    uint64_t sum = 0;
    for (unsigned i = 0; i < SIM_CPI_COUNT; i++)
        sum += stack[i];
    return sum;
}

START_TEST(views_tell_where_the_cycles_went)
{
    emon_state.tick = 100 * SIM_PS_PER_US;
    start("random ws=1MiB; repeat forever");
    run(3 * SIM_PS_PER_MS);
    ck_assert_uint_ge(emon_state.views, 28);
    const vmm_view *v = &emon_state.view;
    /* The last view: 100us at 3.4 GHz; a guest that misses L2 nearly always. */
    ck_assert_uint_ge(sum_of(v->cpi_stack), 335000);
    ck_assert_uint_le(sum_of(v->cpi_stack), 345000);
    ck_assert_uint_gt(v->cpi_stack[SIM_CPI_LLC], sum_of(v->cpi_stack) / 2);
    ck_assert_uint_gt(v->cpi_stack[SIM_CPI_SYSTEM], 1000); /* the VM-exit, the handler, the VM-entry */
    ck_assert_uint_gt(v->insns, 10000);
    uint64_t truth[SIM_EV_COUNT];
    run_machine_truth(x.machine, 0, truth);
    ck_assert_uint_ge(emon_state.sum.insns * 100, truth[SIM_EV_INSTRUCTIONS] * 95);
    ck_assert_uint_le(emon_state.sum.insns, truth[SIM_EV_INSTRUCTIONS]);
    /* 16,384 lines of 256 pages: in L3 all of them, in L2 as many as fit, and the translations in the second level. */
    ck_assert_uint_ge(v->llc.mine, 16000);
    ck_assert_uint_gt(v->l2.mine, v->l2.lines / 2);
    ck_assert_uint_gt(v->l1d.mine, v->l1d.lines / 2);
    ck_assert_uint_le(v->l1d.mine, v->l1d.valid);
    ck_assert(v->l1i.mine > 0 && v->l1i.mine <= v->l1i.valid);
    ck_assert(v->stlb.entries == 1536 && v->stlb.mine >= 256 && v->stlb.mine < 300);
    ck_assert(v->dtlb.entries == 64 && v->dtlb.mine > 50 && v->dtlb.mine <= 64);
    ck_assert_uint_eq(v->l1d.mine_writebacks, 0);
}
END_TEST

START_TEST(writes_show_as_dirty_lines_and_writebacks)
{
    emon_state.tick = 100 * SIM_PS_PER_US;
    start("stream ws=64KiB stores=100%; repeat forever");
    run(1 * SIM_PS_PER_MS);
    ck_assert_uint_gt(emon_state.view.l1d.mine_dirty, emon_state.view.l1d.lines / 2);
    ck_assert_uint_gt(emon_state.view.l1d.mine_writebacks, 10000);
    ck_assert_uint_le(emon_state.view.l1d.mine_writebacks, emon_state.view.l1d.writebacks);
}
END_TEST

START_TEST(ways_confine_an_owner)
{
    emon_state.tick = 100 * SIM_PS_PER_US;
    emon_state.llc_mask = 3;
    start("random ws=4MiB; repeat forever");
    run(3 * SIM_PS_PER_MS);
    ck_assert(emon_state.masked);
    ck_assert_uint_le(emon_state.view.llc.mine, emon_state.view.llc.lines * 2 / 16);
    ck_assert_uint_ge(emon_state.view.llc.mine, emon_state.view.llc.lines * 3 / 32);
}
END_TEST

static uint32_t coldest, warmest;

static void note_warmth(G_GNUC_UNUSED sim_ps now)
{
    if (emon_state.views < 20)
        return;
    coldest = MIN(coldest, emon_state.view.predictor_warmth_permille);
    warmest = MAX(warmest, emon_state.view.predictor_warmth_permille);
}

START_TEST(warmth_of_the_predictor)
{
    /* Branches that are always taken, and for a fifth of the time such that nobody can foretell. */
    emon_state.tick = 50 * SIM_PS_PER_US;
    emon_state.on_tick = note_warmth;
    coldest = UINT32_MAX;
    warmest = 0;
    start("branch taken=100% insns=2M; branch taken=50% entropy=100% insns=100k; repeat forever");
    run(4 * SIM_PS_PER_MS);
    ck_assert_uint_eq(warmest, 1000);
    ck_assert_msg(coldest >= 10 && coldest <= 600, "%u", coldest);
}
END_TEST

Suite *emon_suite(void)
{
    Suite *s = suite_create("emon");
    TCase *t = tcase_create("overflow");
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, an_overflow_interrupts_the_guest);
    tcase_add_test(t, a_fixed_counter_interrupts_too);
    tcase_add_test(t, what_was_retired_is_known_however_its_counter_is_programmed);
    tcase_set_timeout(t, 60);
    suite_add_tcase(s, t);
    TCase *m = tcase_create("multiplexing");
    tcase_add_test(m, interrupts_do_not_depend_on_what_else_runs_ahead);
    tcase_add_test(m, error_of_multiplexed_counts);
    tcase_set_timeout(m, 60);
    suite_add_tcase(s, m);
    TCase *v = tcase_create("view");
    tcase_add_checked_fixture(v, setup, teardown);
    tcase_add_test(v, views_tell_where_the_cycles_went);
    tcase_add_test(v, writes_show_as_dirty_lines_and_writebacks);
    tcase_add_test(v, ways_confine_an_owner);
    tcase_add_test(v, warmth_of_the_predictor);
    tcase_set_timeout(v, 60);
    suite_add_tcase(s, v);
    return s;
}
