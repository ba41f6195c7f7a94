/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One behaviour of the core per test, on code made for it. The figures are those of cpu-fixture.h. */
#include "cpu-fixture.h"

static const char *const CHASE = "488b00";     /* mov rax,[rax] */
static const char *const FREE = "488b08";      /* mov rcx,[rax] */

static cpu_machine machine;
static cpu_complex *complex_;
static fixture_stream s;

static void setup_with(unsigned cores, unsigned threads)
{
    machine = fixture_machine(cores, threads);
    complex_ = cpu_complex_new(&machine);
    fixture_stream_init(&s);
}
static void setup(void) { setup_with(1, 2); }
static void teardown(void)
{
    cpu_complex_free(complex_);
    fixture_stream_clear(&s);
}

static uint64_t count(unsigned lp, enum sim_emon_event e)
{
    uint64_t counts[SIM_EV_COUNT];
    cpu_lp_counts(cpu_complex_lp(complex_, lp), counts);
    return counts[e];
}

static uint64_t run_loads(const char *hex, unsigned n, uint64_t stride)
{
    for (uint64_t i = 0; i < n; i++)
        fixture_exec(&s, 0x1000, hex, 1, &(uint64_t){0x100000 + i * stride});
    cpu_space *space = cpu_space_new(s.code, 1);
    uint64_t cycles = fixture_run(cpu_complex_lp(complex_, 0), space, &s);
    cpu_space_free(space);
    return cycles;
}

START_TEST(dependent_misses_wait_for_each_other)
{
    /* 1,000 loads of 1,000 new lines, each the next one's address: every one pays L3 + memory (140 cycles, 4 of them the L1's). */
    uint64_t cycles = run_loads(CHASE, 1000, 64);
    ck_assert_uint_ge(cycles, 1000 * 136);
    ck_assert_uint_le(cycles, 1000 * 145);
    ck_assert_uint_eq(count(0, SIM_EV_LLC_LOAD_MISSES), 1000);
}
END_TEST

START_TEST(a_hit_on_a_line_under_way_waits_for_it)
{
    /* add rdx,[rax+8]; mov rax,[rax]: the first load brings the line in, the second, which hits it, carries the chain. */
    for (uint64_t i = 0; i < 1000; i++)
        fixture_exec(&s, 0x1000, "48035008 488b00", 2, (uint64_t[]){0x100008 + i * 64, 0x100000 + i * 64});
    cpu_space *space = cpu_space_new(s.code, 1);
    uint64_t cycles = fixture_run(cpu_complex_lp(complex_, 0), space, &s);
    cpu_space_free(space);
    ck_assert_uint_ge(cycles, 1000 * 136);
    ck_assert_uint_le(cycles, 1000 * 147);
    ck_assert_uint_eq(count(0, SIM_EV_L1D_LOAD_MISSES), 1000);
}
END_TEST

START_TEST(independent_misses_overlap)
{
    /* The same lines, free of each other: ten MSHRs take ten at a time. */
    uint64_t cycles = run_loads(FREE, 1000, 64);
    ck_assert_uint_ge(cycles, 1000 * 136 / 10);
    ck_assert_uint_le(cycles, 1000 * 145 / 9);
}
END_TEST

START_TEST(hits_cost_their_latency_only_when_chased)
{
    ck_assert_uint_le(run_loads(FREE, 10000, 0), 10000 + 400); /* a block a cycle: each begins where the one before did */
    teardown();
    setup();
    uint64_t chase = run_loads(CHASE, 10000, 0);
    ck_assert_uint_ge(chase, 40000);
    ck_assert_uint_le(chase, 40400);
}
END_TEST

START_TEST(levels_by_working_set)
{
    /* Chases through 32 KiB (L2) and 512 KiB (L3), three times round; the last two thirds hit. */
    static const struct { uint64_t bytes; uint32_t latency; enum sim_emon_event stall; } rows[] = {
        {32 << 10, 14, SIM_EV_STALLS_L2}, {512 << 10, 40, SIM_EV_STALLS_LLC}};
    for (unsigned k = 0; k < 2; k++) {
        uint64_t lines = rows[k].bytes / 64;
        for (uint64_t i = 0; i < 3 * lines; i++)
            fixture_exec(&s, 0x1000, CHASE, 1, &(uint64_t){0x100000 + i % lines * 64});
        cpu_space *space = cpu_space_new(s.code, 1);
        uint64_t cycles = fixture_run(cpu_complex_lp(complex_, 0), space, &s);
        cpu_space_free(space);
        uint64_t least = lines * 136 + 2 * lines * rows[k].latency;
        ck_assert_msg(cycles >= least && cycles < least + lines * 8, "%" G_GUINT64_FORMAT " against %" G_GUINT64_FORMAT, cycles, least);
        ck_assert_uint_gt(count(0, rows[k].stall), 0);
        teardown();
        setup();
    }
}
END_TEST

START_TEST(mispredictions_cost)
{
    /* A conditional branch whose outcome no history foretells, against one that never changes. */
    uint64_t cycles[2], misses[2];
    for (unsigned k = 0; k < 2; k++) {
        uint64_t x = 88172645463325252u;
        for (unsigned i = 0; i < 4000; i++) {
            x ^= x << 13, x ^= x >> 7, x ^= x << 17;
            fixture_exec(&s, 0x1000, "85c0 7506", 0, NULL);              /* test eax,eax; jne +6 */
            fixture_exec(&s, k && x >> 33 & 1 ? 0x100a : 0x1004, "eb00", 0, NULL); /* jmp on */
            fixture_exec(&s, k && x >> 33 & 1 ? 0x100c : 0x1006, "90", 0, NULL);
        }
        cpu_space *space = cpu_space_new(s.code, 1);
        cycles[k] = fixture_run(cpu_complex_lp(complex_, 0), space, &s);
        cpu_space_free(space);
        misses[k] = count(0, SIM_EV_BRANCH_MISSES);
        ck_assert_uint_eq(count(0, SIM_EV_COND_BRANCHES), 4000);
        teardown();
        setup();
    }
    ck_assert_uint_lt(misses[0], 10);
    ck_assert_uint_gt(misses[1], 1600);
    /* 20 cycles of refill and a few until the branch has executed, but what the block does meanwhile is not lost. */
    ck_assert_uint_ge(cycles[1] - cycles[0], (misses[1] - misses[0]) * 16);
    ck_assert_uint_le(cycles[1] - cycles[0], (misses[1] - misses[0]) * 25 + 8000);
}
END_TEST

START_TEST(calls_and_returns_use_the_return_stack)
{
    /* call +11 at 0x1000; jmp back at 0x1005; ret at 0x1010 */
    for (unsigned i = 0; i < 1000; i++) {
        fixture_exec(&s, 0x1000, "e80b000000", 1, &(uint64_t){0x7000});
        fixture_exec(&s, 0x1010, "c3", 1, &(uint64_t){0x7000});
        fixture_exec(&s, 0x1005, "ebf9", 0, NULL);
    }
    cpu_space *space = cpu_space_new(s.code, 1);
    fixture_run(cpu_complex_lp(complex_, 0), space, &s);
    cpu_space_free(space);
    ck_assert_uint_eq(count(0, SIM_EV_BRANCH_MISSES), 0);
    ck_assert_uint_eq(count(0, SIM_EV_BTB_MISSES), 2); /* the call and the jump, the first time */
    ck_assert_uint_ge(count(0, SIM_EV_BRANCHES), 2999);
}
END_TEST

/* Two LPs in lock step, as the machine loop drives them. */
static void run_pair(const fixture_stream *a, const fixture_stream *b, uint64_t cycles[2])
{
    cpu_space *spaces[2] = {cpu_space_new(a->code, 1), cpu_space_new(b->code, 2)};
    const fixture_stream *streams[2] = {a, b};
    cpu_lp *lps[2] = {cpu_complex_lp(complex_, 0), cpu_complex_lp(complex_, 1)};
    bool running[2] = {true, true};
    for (unsigned k = 0; k < 2; k++) {
        insn_batch batch = {.blocks = (const uint32_t *)(const void *)streams[k]->blocks->data, .n_blocks = streams[k]->blocks->len,
                            .addrs = (const uint64_t *)(const void *)streams[k]->addrs->data, .n_addrs = streams[k]->addrs->len};
        cpu_lp_start(lps[k], spaces[k]);
        cpu_lp_feed(lps[k], &batch, 0, 0);
    }
    while (running[0] || running[1]) {
        unsigned k = !running[0] || (running[1] && cpu_lp_clock(lps[1]) < cpu_lp_clock(lps[0]));
        uint64_t other = running[!k] ? cpu_lp_clock(lps[!k]) : UINT64_MAX - 1;
        if (cpu_lp_run(lps[k], other + 1)) {
            running[k] = false;
            cpu_lp_stop(lps[k]);
            cycles[k] = cpu_lp_clock(lps[k]) / CPU_SUB;
        }
    }
    cpu_space_free(spaces[0]);
    cpu_space_free(spaces[1]);
}

static void fill_alu(fixture_stream *to, unsigned n)
{
    for (unsigned i = 0; i < n; i++) /* eight independent additions: two cycles at four a cycle */
        fixture_exec(to, 0x1000, "4883c001 4883c301 4883c101 4883c201 4883c601 4883c701 4983c001 4983c101", 0, NULL);
}

START_TEST(siblings_share_dispatch)
{
    fixture_stream other;
    fixture_stream_init(&other);
    fill_alu(&s, 5000);
    fill_alu(&other, 5000);
    uint64_t cycles[2];
    run_pair(&s, &other, cycles);
    /* Alone each takes 10,000 cycles; together they need 20,000. */
    ck_assert_uint_ge(MAX(cycles[0], cycles[1]), 19500); /* of the first window nobody knows that the other is there */
    ck_assert_uint_le(MAX(cycles[0], cycles[1]), 20700);
    ck_assert_uint_gt(count(0, SIM_EV_STALLS_SMT) + count(1, SIM_EV_STALLS_SMT), 9000);
    fixture_stream_clear(&other);
}
END_TEST

START_TEST(a_stalled_sibling_gives_its_slots_up)
{
    fixture_stream other;
    fixture_stream_init(&other);
    fill_alu(&s, 5000);
    for (uint64_t i = 0; i < 70; i++) /* about 10,000 cycles of waiting for memory */
        fixture_exec(&other, 0x2000, CHASE, 1, &(uint64_t){0x100000 + i * 64});
    uint64_t cycles[2];
    run_pair(&s, &other, cycles);
    ck_assert_uint_le(cycles[0], 10500);
    ck_assert_uint_le(cycles[1], 10500);
    fixture_stream_clear(&other);
}
END_TEST

/* Cycles of `s` beside a sibling whose branch goes the way of `taken`, which no predictor foresees where it is random. */
static uint64_t beside_branches(bool foreseen, uint32_t replay)
{
    teardown();
    machine = fixture_machine(1, 2);
    machine.kinds[0].mispredict = 60;
    machine.kinds[0].replay = replay;
    complex_ = cpu_complex_new(&machine);
    fixture_stream_init(&s);
    fixture_stream other;
    fixture_stream_init(&other);
    fill_alu(&s, 5000);
    uint32_t random = 12345;
    for (unsigned i = 0; i < 3000; i++) {
        random = random * 1103515245u + 12345u;
        fixture_exec(&other, 0x2000, "4885c0 7402", 0, NULL); /* test rax,rax; jz past the next block */
        if (foreseen || random >> 31)
            fixture_exec(&other, 0x2005, "ffc0", 0, NULL);
        fixture_exec(&other, 0x2007, "ffc1 ebf5", 0, NULL);
    }
    uint64_t cycles[2];
    run_pair(&s, &other, cycles);
    fixture_stream_clear(&other);
    return cycles[0];
}

START_TEST(a_wrong_path_takes_slots_of_the_sibling)
{
    /* A sibling that always waits for mispredicted branches does next to nothing, but its wrong paths are renamed all the while: more than the right ones. */
    uint64_t alone = 10000, cycles = beside_branches(false, 0);
    ck_assert_uint_gt(cycles, alone + alone / 5);
}
END_TEST

START_TEST(replayed_loads_take_ports_of_the_sibling)
{
    uint64_t cycles[2];
    for (unsigned replays = 0; replays < 2; replays++) {
        teardown();
        machine = fixture_machine(1, 2);
        machine.kinds[0].replay = replays ? 4 : 0;
        complex_ = cpu_complex_new(&machine);
        fixture_stream_init(&s);
        fixture_stream other;
        fixture_stream_init(&other);
        fill_alu(&s, 5000);
        for (uint64_t i = 0; i < 700; i++)
            fixture_exec(&other, 0x2000, FREE, 1, &(uint64_t){0x100000 + i * 64});
        uint64_t both[2];
        run_pair(&s, &other, both);
        cycles[replays] = both[0];
        fixture_stream_clear(&other);
    }
    ck_assert_uint_gt(cycles[1], cycles[0] + 300);
}
END_TEST

static uint64_t jump_around(uint32_t btb2)
{
    teardown();
    machine = fixture_machine(1, 1);
    machine.kinds[0].btb = (cpu_tlb_desc){16, 4};
    machine.kinds[0].btb2 = (cpu_tlb_desc){btb2, 4};
    machine.kinds[0].btb2_latency = 2;
    complex_ = cpu_complex_new(&machine);
    fixture_stream_init(&s);
    for (unsigned round = 0; round < 200; round++)
        for (uint64_t i = 0; i < 64; i++) /* jmp to the next of 64 places, the last one to the first */
            fixture_exec(&s, 0x1000 + i * 20, i < 63 ? "eb12" : "e90ffbffff", 0, NULL);
    cpu_space *space = cpu_space_new(s.code, 1);
    uint64_t cycles = fixture_run(cpu_complex_lp(complex_, 0), space, &s);
    cpu_space_free(space);
    return cycles;
}

START_TEST(a_second_btb_catches_what_the_first_lost)
{
    /* 64 jumps in turn: 16 entries hold none of them; each costs the decoder's redirection (5), or the second level's 2. */
    uint64_t none = jump_around(0), second = jump_around(256);
    ck_assert_uint_ge(none, second + 64 * 195 * 3 - 200);
    ck_assert_uint_le(none, second + 64 * 200 * 3 + 200);
}
END_TEST

START_TEST(cores_do_not_share_slots)
{
    teardown();
    setup_with(2, 1);
    fixture_stream other;
    fixture_stream_init(&other);
    fill_alu(&s, 5000);
    fill_alu(&other, 5000);
    uint64_t cycles[2];
    run_pair(&s, &other, cycles);
    ck_assert_uint_le(MAX(cycles[0], cycles[1]), 10400);
    fixture_stream_clear(&other);
}
END_TEST

START_TEST(inorder_core_stalls_on_use)
{
    /* mov rcx,[rax]; add rdx,rcx: an in-order core waits for every miss, an out-of-order one overlaps them. */
    static const char *const use = "488b08 4801ca";
    uint64_t ooo = run_loads(use, 500, 64);
    teardown();
    setup();
    machine.kinds[0].pipeline = CPU_PIPELINE_INORDER;
    uint64_t inorder = run_loads(use, 500, 64);
    ck_assert_uint_ge(inorder, 500 * 136);
    ck_assert_uint_lt(ooo * 5, inorder);
}
END_TEST

START_TEST(tlb_reach)
{
    /* 128 pages: beyond the 64-entry first level, within the second; then 2,048: beyond both. */
    for (unsigned k = 0; k < 2; k++) {
        uint64_t pages = k ? 2048 : 128;
        for (uint64_t i = 0; i < 3 * pages; i++)
            fixture_exec(&s, 0x1000, FREE, 1, &(uint64_t){0x100000 + i % pages * 4096});
        cpu_space *space = cpu_space_new(s.code, 1);
        fixture_run(cpu_complex_lp(complex_, 0), space, &s);
        cpu_space_free(space);
        ck_assert_uint_eq(count(0, SIM_EV_DTLB_MISSES), k ? 3 * pages : pages);
        ck_assert_uint_eq(count(0, SIM_EV_DTLB_STLB_HITS), k ? 0 : 2 * pages);
        teardown();
        setup();
    }
}
END_TEST

START_TEST(straddling_access_touches_both_lines)
{
    fixture_exec(&s, 0x1000, "0f1000", 1, &(uint64_t){0x100038}); /* 16 bytes at offset 56 */
    cpu_space *space = cpu_space_new(s.code, 1);
    fixture_run(cpu_complex_lp(complex_, 0), space, &s);
    cpu_space_free(space);
    ck_assert_uint_eq(count(0, SIM_EV_L1D_LOAD_MISSES), 2);
    ck_assert_uint_eq(count(0, SIM_EV_L1D_LOADS), 1);
}
END_TEST

START_TEST(stopping_between_blocks_changes_nothing_but_time)
{
    for (uint64_t i = 0; i < 3000; i++)
        fixture_exec(&s, 0x1000, FREE, 1, &(uint64_t){0x100000 + i * 24});
    cpu_space *space = cpu_space_new(s.code, 1);
    cpu_lp *lp = cpu_complex_lp(complex_, 0);
    insn_batch batch = {.blocks = (const uint32_t *)(const void *)s.blocks->data, .n_blocks = s.blocks->len,
                        .addrs = (const uint64_t *)(const void *)s.addrs->data, .n_addrs = s.addrs->len};
    uint32_t block = 0, addr = 0;
    while (block < batch.n_blocks) { /* preempted every 50 cycles or so */
        cpu_lp_start(lp, space);
        cpu_lp_feed(lp, &batch, block, addr);
        cpu_lp_run(lp, cpu_lp_clock(lp) + 50 * CPU_SUB);
        cpu_lp_position(lp, &block, &addr);
        cpu_lp_stop(lp);
        ck_assert_uint_eq(block, addr);
    }
    cpu_space_free(space);
    ck_assert_uint_eq(count(0, SIM_EV_INSTRUCTIONS), 3000);
    ck_assert_uint_eq(count(0, SIM_EV_L1D_LOAD_MISSES), (3000 * 24 + 63) / 64);
}
END_TEST

START_TEST(loop_detector)
{
    for (unsigned i = 0; i < 100; i++)
        fixture_exec(&s, 0x1000, "ffc8 75fc", 0, NULL); /* dec eax; jne back */
    fixture_exec(&s, 0x1004, "90 eb00", 0, NULL);
    fixture_exec(&s, 0x1007, "90", 0, NULL);
    cpu_space *space = cpu_space_new(s.code, 1);
    cpu_lp *lp = cpu_complex_lp(complex_, 0);
    insn_batch batch = {.blocks = (const uint32_t *)(const void *)s.blocks->data, .n_blocks = 80};
    cpu_view v;
    cpu_lp_start(lp, space);
    cpu_lp_feed(lp, &batch, 0, 0);
    cpu_lp_run(lp, UINT64_MAX);
    cpu_lp_view(lp, 1, &v);
    ck_assert_uint_eq(v.loop.iterations, 79);
    ck_assert_uint_eq(v.loop.branch, 0x1004);
    batch.n_blocks = s.blocks->len;
    cpu_lp_feed(lp, &batch, 80, 0);
    cpu_lp_run(lp, UINT64_MAX);
    cpu_lp_view(lp, 1, &v);
    ck_assert_uint_eq(v.loop.exits, 1);
    ck_assert_uint_eq(v.loop.last, 99);
    ck_assert_uint_eq(v.loop.branch, 0);
    cpu_lp_stop(lp);
    cpu_space_free(space);
}
END_TEST

START_TEST(emon_registers)
{
    cpu_lp *lp = cpu_complex_lp(complex_, 0);
    run_loads(FREE, 100, 64);
    cpu_lp_emon_select(lp, 1, SIM_EV_L1D_LOAD_MISSES);
    ck_assert_uint_eq(cpu_lp_emon_read(lp, 1), 0); /* counts from its selection on */
    ck_assert_uint_eq(cpu_lp_emon_fixed(lp, 0), 100);
    g_array_set_size(s.blocks, 0);
    g_array_set_size(s.addrs, 0);
    for (uint64_t i = 0; i < 7; i++)
        fixture_exec(&s, 0x1000, FREE, 1, &(uint64_t){0x900000 + i * 64});
    cpu_space *space = cpu_space_new(s.code, 1);
    fixture_run(lp, space, &s);
    cpu_space_free(space);
    ck_assert_uint_eq(cpu_lp_emon_read(lp, 1), 7);
    ck_assert_uint_eq(cpu_lp_emon_fixed(lp, 0), 107);
    ck_assert_uint_eq(cpu_lp_emon_read(lp, 15), 0); /* no such counter */
}
END_TEST

START_TEST(system_work_costs_time_and_cache)
{
    cpu_lp *lp = cpu_complex_lp(complex_, 0);
    run_loads(FREE, 128, 64); /* L1D is full of owner 1 */
    cpu_view v;
    cpu_lp_view(lp, 1, &v);
    ck_assert_uint_eq(v.l1d.mine, 128);
    uint64_t before = cpu_lp_clock(lp);
    cpu_lp_system(lp, 0, 1000, 0, 20, 40);
    ck_assert_uint_ge(cpu_lp_clock(lp) - before, 1000 * CPU_SUB);
    cpu_lp_view(lp, 1, &v);
    ck_assert_uint_eq(v.l1d.mine, 88);
    uint64_t cold = cpu_lp_clock(lp) - before;
    before = cpu_lp_clock(lp);
    cpu_lp_system(lp, 0, 1000, 0, 20, 40); /* warm now */
    ck_assert_uint_lt(cpu_lp_clock(lp) - before, cold);
}
END_TEST

START_TEST(costs_by_dependence)
{
    fixture_stream t;
    fixture_stream_init(&t);
    const cpu_core_desc *k = &machine.kinds[0];
    const cpu_block *chain = fixture_block(&t, 0, "4801d8 4801d8 4801d8 4801d8"); /* add rax,rbx four times: 4 cycles */
    const cpu_block *wide = fixture_block(&t, 16, "4883c001 4883c301 4883c101 4883c201");  /* four registers: 1 cycle */
    const cpu_block *mul = fixture_block(&t, 32, "480fafc3");   /* imul rax,rbx: 3 cycles a turn, each its predecessor's */
    const cpu_block *div = fixture_block(&t, 48, "48f7f3");
    ck_assert_uint_eq(fixture_cost(k, chain, chain), 4 * CPU_SUB);
    ck_assert_uint_eq(fixture_cost(k, wide, wide), CPU_SUB);
    ck_assert_uint_eq(fixture_cost(k, mul, mul), 3 * CPU_SUB);
    ck_assert_uint_ge(fixture_cost(k, div, div), 20 * CPU_SUB);
    ck_assert_uint_eq(fixture_cost(k, NULL, wide), CPU_SUB);
    fixture_stream_clear(&t);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("cpu-core");
    TCase *t = tcase_create("core");
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, dependent_misses_wait_for_each_other);
    tcase_add_test(t, a_hit_on_a_line_under_way_waits_for_it);
    tcase_add_test(t, independent_misses_overlap);
    tcase_add_test(t, hits_cost_their_latency_only_when_chased);
    tcase_add_test(t, levels_by_working_set);
    tcase_add_test(t, mispredictions_cost);
    tcase_add_test(t, calls_and_returns_use_the_return_stack);
    tcase_add_test(t, siblings_share_dispatch);
    tcase_add_test(t, a_stalled_sibling_gives_its_slots_up);
    tcase_add_test(t, a_wrong_path_takes_slots_of_the_sibling);
    tcase_add_test(t, replayed_loads_take_ports_of_the_sibling);
    tcase_add_test(t, a_second_btb_catches_what_the_first_lost);
    tcase_add_test(t, cores_do_not_share_slots);
    tcase_add_test(t, inorder_core_stalls_on_use);
    tcase_add_test(t, tlb_reach);
    tcase_add_test(t, straddling_access_touches_both_lines);
    tcase_add_test(t, stopping_between_blocks_changes_nothing_but_time);
    tcase_add_test(t, loop_detector);
    tcase_add_test(t, emon_registers);
    tcase_add_test(t, system_work_costs_time_and_cache);
    tcase_add_test(t, costs_by_dependence);
    suite_add_tcase(suite, t);
    return fixture_main(suite);
}
