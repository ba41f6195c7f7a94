/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The window level, on code made for it: what it shares with the interval level, and what only it can see. The figures are those of cpu-fixture.h. */
#include "cpu-fixture.h"
#include "cpu-ooo-run.h"
#include "cpu-window.h"

static cpu_machine machine;
static cpu_complex *complex_;
static fixture_stream s;

static void setup_with(unsigned threads, cpu_pipeline pipeline)
{
    machine = fixture_machine(1, threads);
    machine.kinds[0].timing = CPU_TIMING_WINDOW;
    machine.kinds[0].pipeline = pipeline;
    complex_ = cpu_complex_new(&machine);
    fixture_stream_init(&s);
}
static void setup(void) { setup_with(2, CPU_PIPELINE_OOO); }
static void teardown(void)
{
    cpu_complex_free(complex_);
    fixture_stream_clear(&s);
}

static uint64_t count(enum sim_emon_event e)
{
    uint64_t counts[SIM_EV_COUNT];
    cpu_lp_counts(cpu_complex_lp(complex_, 0), counts);
    return counts[e];
}

static uint64_t run(void)
{
    cpu_space *space = cpu_space_new(s.code, 1);
    uint64_t cycles = fixture_run(cpu_complex_lp(complex_, 0), space, &s);
    cpu_space_free(space);
    return cycles;
}

static uint64_t run_loads(const char *hex, unsigned n, uint64_t stride)
{
    for (uint64_t i = 0; i < n; i++)
        fixture_exec(&s, 0x1000, hex, 1, &(uint64_t){0x100000 + i * stride});
    return run();
}

START_TEST(dependent_misses_wait_for_each_other)
{
    uint64_t cycles = run_loads("488b00", 1000, 64); /* mov rax,[rax] */
    ck_assert_uint_ge(cycles, 1000 * 136);
    ck_assert_uint_le(cycles, 1000 * 146);
    ck_assert_uint_gt(count(SIM_EV_STALLS_MEM), cycles * 9 / 10); /* and are what the cycles are put down to */
}
END_TEST

START_TEST(independent_misses_overlap)
{
    uint64_t cycles = run_loads("488b08", 1000, 64); /* mov rcx,[rax]: ten MSHRs */
    ck_assert_uint_ge(cycles, 1000 * 136 / 10);
    ck_assert_uint_le(cycles, 1000 * 146 / 9);
}
END_TEST

START_TEST(a_store_forwards_to_a_load)
{
    /* mov [rsp],rax; mov rax,[rsp]: each turn waits for the store before: at least the forwarding latency, far less than a miss. */
    for (uint64_t i = 0; i < 1000; i++)
        fixture_exec(&s, 0x1000, "48890424 488b0424", 2, (uint64_t[]){0x100000, 0x100000});
    uint64_t chained = run();
    teardown();
    setup();
    for (uint64_t i = 0; i < 1000; i++)
        fixture_exec(&s, 0x1000, "48890424 488b0424", 2, (uint64_t[]){0x100000, 0x100040}); /* another word: no chain but through rax */
    uint64_t apart = run();
    ck_assert_uint_ge(chained, 1000 * 4);
    ck_assert_uint_le(chained, 1000 * 12);
    ck_assert_uint_lt(apart, chained);
}
END_TEST

START_TEST(the_reorder_buffer_bounds_what_runs_ahead)
{
    /* A miss to memory in each block of 32 instructions: 64 entries hold two at a time, whatever the ten MSHRs could. */
    GString *hex = g_string_new("488b08"); /* mov rcx,[rax] */
    for (unsigned i = 0; i < 31; i++)
        g_string_append(hex, "48ffc3 48ffc5" + 7 * (i % 2)); /* inc rbx, inc rbp */
    for (uint64_t i = 0; i < 500; i++)
        fixture_exec(&s, 0x1000, hex->str, 1, &(uint64_t){0x100000 + i * 64});
    uint64_t cycles = run();
    g_string_free(hex, TRUE);
    ck_assert_uint_ge(cycles, 500 * 140 / 3);
}
END_TEST

START_TEST(a_stop_waits_for_what_is_under_way)
{
    for (uint64_t i = 0; i < 4; i++)
        fixture_exec(&s, 0x1000, "488b08", 1, &(uint64_t){0x100000 + i * 64});
    cpu_space *space = cpu_space_new(s.code, 1);
    cpu_lp *lp = cpu_complex_lp(complex_, 0);
    insn_batch batch = {.blocks = (const uint32_t *)(const void *)s.blocks->data, .n_blocks = 4,
                        .addrs = (const uint64_t *)(const void *)s.addrs->data, .n_addrs = 4};
    cpu_lp_start(lp, space);
    cpu_lp_feed(lp, &batch, 0, 0);
    ck_assert(!cpu_lp_run(lp, 1)); /* one block: its load is still on its way, or has just come */
    cpu_view v;
    cpu_lp_view(lp, 1, &v);
    uint64_t before = cpu_lp_clock(lp);
    cpu_lp_stop(lp);
    ck_assert_uint_eq(cpu_lp_clock(lp), before + (uint64_t)v.drain_cycles * CPU_SUB);
    cpu_space_free(space);
}
END_TEST

START_TEST(in_order_stalls_on_use)
{
    teardown();
    setup_with(1, CPU_PIPELINE_INORDER);
    uint64_t chased = run_loads("488b00", 300, 64);
    teardown();
    setup_with(1, CPU_PIPELINE_INORDER);
    uint64_t used = run_loads("488b08 4801c8", 300, 64); /* mov rcx,[rax]; add rax,rcx */
    teardown();
    setup_with(1, CPU_PIPELINE_INORDER);
    for (uint64_t i = 0; i < 300; i++) /* four registers: only the next turn, which writes them again, has to wait */
        fixture_exec(&s, 0x1000, "488b08 488b10 488b18 488b28", 4,
                     (uint64_t[]){0x100000 + i * 256, 0x100040 + i * 256, 0x100080 + i * 256, 0x1000c0 + i * 256});
    uint64_t unused = run();
    ck_assert_uint_ge(chased, 300 * 136);
    ck_assert_uint_ge(used, 300 * 136);
    ck_assert_uint_le(unused, 300 * 160); /* 1,200 misses */
}
END_TEST

/* Cycles of 10,000 rounds of a product's inner loop on an Ivy Bridge at level window. */
static uint64_t rounds_on_ivybridge(const char *binding)
{
    const char *overrides[] = {"timing=window", binding, NULL};
    g_autoptr(GError) error = NULL;
    g_autoptr(cpu_machine) ivybridge = cpu_machine_load("ivybridge", overrides, &error);
    ck_assert_msg(ivybridge != NULL, "%s", error ? error->message : "");
    cpu_complex *complex = cpu_complex_new(ivybridge);
    fixture_stream loop;
    fixture_stream_init(&loop);
    /* movsd xmm0,[rdx]; add rax,8; add rdx,8; mulsd xmm0,xmm1; addsd xmm0,[rax-8]; movsd [rax-8],xmm0; cmp rcx,rax; jnz back */
    for (uint64_t i = 0; i < 10000; i++) {
        uint64_t at = i % 256 * 8;
        fixture_exec(&loop, 0x1000, "f20f1002 4883c008 4883c208 f20f59c1 f20f5840f8 f20f1140f8 4839c1 75e1", 3,
                     (uint64_t[]){0x100000 + at, 0x102000 + at, 0x102000 + at});
    }
    cpu_space *space = cpu_space_new(loop.code, 1);
    uint64_t cycles = fixture_run(cpu_complex_lp(complex, 0), space, &loop);
    cpu_space_free(space);
    fixture_stream_clear(&loop);
    cpu_complex_free(complex);
    return cycles;
}

START_TEST(ports_are_bound_at_rename)
{
    uint64_t bound = rounds_on_ivybridge("core.port-binding-window=yes"), first = rounds_on_ivybridge("core.port-binding-window=no");
    ck_assert_uint_gt(bound, first + first / 20); /* additions that were bound to the product's port make it wait */
}
END_TEST

static uint64_t hit(G_GNUC_UNUSED void *data, G_GNUC_UNUSED int slot, G_GNUC_UNUSED bool is_store, G_GNUC_UNUSED uint64_t cycle)
{
    return 0;
}

/* A sibling far ahead has moved the ring of ports on: one that is behind finds no free cycle in it, and has to go on all the same. */
START_TEST(one_far_behind_its_sibling_goes_on)
{
    const cpu_core_desc *core = &machine.kinds[0];
    cpu_xblock *x = cpu_uarch_expand(core, fixture_block(&s, 0x2000, "480fafdb")); /* imul rbx,rbx: one port */
    cpu_ooo_code *code = cpu_ooo_compile(core, x, false);
    cpu_ooo *o = cpu_ooo_new(core, 1);
    cpu_ooo_shared *shared = cpu_ooo_shared_new();
    shared->horizon = 200000;
    cpu_ooo_times t = {0};
    for (unsigned i = 0; i < 8000; i++)
        t = cpu_ooo_block(o, shared, code, NULL, NULL, hit, NULL);
    ck_assert_uint_ge(t.retired, 8000 * 3);
    ck_assert_uint_le(t.retired, 8000 * 3 + 100);
    g_free(shared);
    g_free(o);
    g_free(code);
    cpu_xblock_free(x);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("cpu-window");
    TCase *t = tcase_create("window");
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, dependent_misses_wait_for_each_other);
    tcase_add_test(t, independent_misses_overlap);
    tcase_add_test(t, a_store_forwards_to_a_load);
    tcase_add_test(t, the_reorder_buffer_bounds_what_runs_ahead);
    tcase_add_test(t, a_stop_waits_for_what_is_under_way);
    tcase_add_test(t, in_order_stalls_on_use);
    tcase_add_test(t, ports_are_bound_at_rename);
    tcase_add_test(t, one_far_behind_its_sibling_goes_on);
    suite_add_tcase(suite, t);
    return fixture_main(suite);
}
