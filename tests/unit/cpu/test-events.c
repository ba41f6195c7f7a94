/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Every EMON event on a stream for which its count is known by hand: the figures are those of cpu-fixture.h. An event of the list that no stream
 * here makes count fails every_event_has_a_stream. */
#include "cpu-fixture.h"

static const char *const LOAD = "488b08";     /* mov rcx,[rax] */
static const char *const CHASE = "488b00";    /* mov rax,[rax] */
static const char *const STORE = "488908";    /* mov [rax],rcx */
static const char *const ADDS = "4883c001 4883c301 4883c101 4883c201"; /* four additions, independent of each other */

static cpu_machine machine;
static cpu_complex *complex_;
static fixture_stream s;
static cpu_space *space;
static cpu_lp *lp;
static uint64_t counts[SIM_EV_COUNT]; /* since `mark` */
static uint64_t before[SIM_EV_COUNT];

static void setup_machine(const cpu_machine *m)
{
    machine = *m;
    complex_ = cpu_complex_new(&machine);
    fixture_stream_init(&s);
    space = cpu_space_new(s.code, 1);
    lp = cpu_complex_lp(complex_, 0);
    memset(before, 0, sizeof before);
}

static void setup(void)
{
    cpu_machine m = fixture_machine(2, 1);
    setup_machine(&m);
}

static void teardown(void)
{
    cpu_space_free(space);
    cpu_complex_free(complex_);
    fixture_stream_clear(&s);
}

/* Runs what has been appended, and begins a new stream. */
static void go(void)
{
    fixture_run(lp, space, &s);
    g_array_set_size(s.blocks, 0);
    g_array_set_size(s.addrs, 0);
    cpu_lp_counts(lp, counts);
    for (unsigned e = 0; e < SIM_EV_COUNT; e++)
        counts[e] -= before[e];
}

/* Counts from here on. */
static void mark(void)
{
    go();
    cpu_lp_counts(lp, before);
}

static void walk(const char *hex, unsigned n, uint64_t stride)
{
    for (uint64_t i = 0; i < n; i++)
        fixture_exec(&s, 0x1000, hex, 1, &(uint64_t){0x1000000 + i * stride});
}

/* ---- the streams ------------------------------------------------------------------------------------------------ */

/* One line of code, cold: from memory (136 cycles beyond the L1 hit) after a page walk (30); and 40 additions. */
static void cold_code(void)
{
    for (unsigned i = 0; i < 10; i++)
        fixture_exec(&s, 0x1000, ADDS, 0, NULL);
    go();
}

/* A loop: 50 times around (dec eax; jne), the last one leaves it; a jump; the code is warm. */
static void loop(void)
{
    fixture_exec(&s, 0x1000, "90", 0, NULL);
    mark();
    for (unsigned i = 0; i < 50; i++)
        fixture_exec(&s, 0x1000, "ffc8 75fc", 0, NULL);
    fixture_exec(&s, 0x1004, "90 eb00", 0, NULL);
    fixture_exec(&s, 0x1007, "90", 0, NULL);
    go();
}

/* Ten times: a call, the function in another line, its return, and a jump back. All is warm, and the jumps and the returns are foreseen. */
static void calls(void)
{
    for (unsigned round = 0; round < 2; round++) {
        for (unsigned i = 0; i < 10; i++) {
            fixture_exec(&s, 0x1000, "e83b000000", 1, &(uint64_t){0x7000}); /* call 0x1040 */
            fixture_exec(&s, 0x1040, "c3", 1, &(uint64_t){0x7000});         /* ret */
            fixture_exec(&s, 0x1005, "ebf9", 0, NULL);                      /* jmp 0x1000 */
        }
        if (round == 0)
            mark();
    }
    fixture_exec(&s, 0x1000, "90", 0, NULL);
    go();
}

/* jmp rax to one place and to another in turns: the BTB says the one before. Then ten returns to where no call came from. */
static void wrong_targets(void)
{
    fixture_exec(&s, 0x1000, "ffe0", 0, NULL);
    fixture_exec(&s, 0x1010, "eb0e", 0, NULL); /* jmp 0x1020 */
    fixture_exec(&s, 0x1018, "eb06", 0, NULL);
    fixture_exec(&s, 0x1020, "ebde", 0, NULL); /* jmp 0x1000 */
    mark();
    for (unsigned i = 0; i < 20; i++) {
        fixture_exec(&s, 0x1000, "ffe0", 0, NULL);
        fixture_exec(&s, i % 2 ? 0x1010 : 0x1018, i % 2 ? "eb0e" : "eb06", 0, NULL);
        fixture_exec(&s, 0x1020, "ebde", 0, NULL);
    }
    for (unsigned i = 0; i < 10; i++) {
        fixture_exec(&s, 0x1000, "c3", 1, &(uint64_t){0x7000});
        fixture_exec(&s, 0x1030, "ebce", 0, NULL); /* jmp 0x1000 */
    }
    go();
}

/* Blocks in two lines of code in turns, on a machine with a line predictor: it learns both ways, and has to learn anew when the third line comes. */
static void lines(void)
{
    cpu_machine m = fixture_machine(1, 1);
    m.kinds[0].line_predictor = 64;
    m.kinds[0].line_miss = 3;
    teardown();
    setup_machine(&m);
    for (uint64_t i = 0; i < 4; i++)
        fixture_exec(&s, 0x1000 + i % 4 * 64, "90", 0, NULL);
    mark();
    for (unsigned i = 0; i < 10; i++) {
        fixture_exec(&s, 0x1000, "90", 0, NULL);
        fixture_exec(&s, 0x1080, "90", 0, NULL);
    }
    go();
}

/* Ten loads of ten new lines of one page; the code is warm. */
static void cold_loads(void)
{
    fixture_exec(&s, 0x1000, LOAD, 1, &(uint64_t){0x9000000});
    mark();
    walk(LOAD, 10, 64);
    go();
}

static void cold_stores(void)
{
    fixture_exec(&s, 0x1000, STORE, 1, &(uint64_t){0x9000000});
    mark();
    walk(STORE, 10, 64);
    go();
}

/* Twice through 256 lines: L1D has 128, L2 1,024. */
static void loads_from_l2(void)
{
    walk(LOAD, 256, 64);
    mark();
    walk(LOAD, 256, 64);
    go();
}

/* Twice through 2,048 lines: L3 has 16,384. */
static void loads_from_l3(void)
{
    walk(LOAD, 2048, 64);
    mark();
    walk(LOAD, 2048, 64);
    go();
}

/* A load that misses, and one of the same line before it has come. */
static void pending(void)
{
    fixture_exec(&s, 0x1000, LOAD, 1, &(uint64_t){0x9000000});
    mark();
    fixture_exec(&s, 0x1000, LOAD, 1, &(uint64_t){0x1000000});
    fixture_exec(&s, 0x1000, LOAD, 1, &(uint64_t){0x1000008});
    go();
}

/* 32,768 lines are written, one after the other: all but what a level holds comes out of it. */
static void writes(void)
{
    walk(STORE, 32768, 64);
    go();
}

/* Twice through 128 pages of data: the first-level TLB has 64 entries, the second 512. */
static void pages_of_data(void)
{
    walk(LOAD, 128, 4096);
    mark();
    walk(LOAD, 128, 4096);
    go();
}

static void new_pages_of_data(void)
{
    fixture_exec(&s, 0x1000, LOAD, 1, &(uint64_t){0x9000000});
    mark();
    walk(LOAD, 20, 4096);
    go();
}

static void pages_written(void)
{
    fixture_exec(&s, 0x1000, STORE, 1, &(uint64_t){0x9000000});
    mark();
    walk(STORE, 100, 4096); /* 100 pages, of which ... */
    walk(STORE, 100, 4096); /* ... the first level does not hold enough */
    go();
}

/* The same of code. */
static void pages_of_code(void)
{
    for (unsigned round = 0; round < 2; round++) {
        for (uint64_t i = 0; i < 128; i++)
            fixture_exec(&s, 0x100000 + i * 4096 + i % 64 * 64, "90", 0, NULL);
        round ? go() : mark();
    }
}

/* Ten dirty lines, flushed; and the TLBs. */
static void flushes(void)
{
    walk(STORE, 10, 64);
    mark();
    cpu_lp_flush_caches(lp);
    cpu_lp_flush_tlb(lp);
    go();
}

static void system_work(void)
{
    cpu_lp_system(lp, 0, 1000, 0, 0, 0);
    go();
}

/* The other core has written five lines: they are read, and then written. */
static void snoops(void)
{
    cpu_lp *other = cpu_complex_lp(complex_, 1);
    walk(STORE, 5, 64);
    fixture_run(other, space, &s);
    g_array_set_size(s.blocks, 0);
    g_array_set_size(s.addrs, 0);
    fixture_exec(&s, 0x1000, STORE, 1, &(uint64_t){0x9000000});
    mark();
    walk(LOAD, 5, 64);
    walk(STORE, 5, 64);
    go();
}

/* Loads of 20 lines in ascending order, each when the one before has come; from the second on the prefetcher of L1D brings the next one. */
static void prefetches(void)
{
    cpu_machine m = fixture_machine(1, 1);
    m.kinds[0].prefetch.l1d = CPU_PREFETCH_NEXT_LINE;
    teardown();
    setup_machine(&m);
    for (uint64_t i = 0; i < 20; i++) {
        fixture_exec(&s, 0x1000, LOAD, 1, &(uint64_t){0x1000000 + i * 64});
        go();
    }
}

/* A machine with a prefetcher in L2, which brings the other line of each pair, and one in L1I. Ten pairs are read; four lines of code are run. */
static void more_prefetches(void)
{
    cpu_machine m = fixture_machine(1, 1);
    m.kinds[0].prefetch.l2 = CPU_PREFETCH_PAIR;
    teardown();
    setup_machine(&m);
    for (uint64_t i = 0; i < 20; i++) {
        fixture_exec(&s, 0x1000, LOAD, 1, &(uint64_t){0x1000000 + i * 64});
        go();
    }
}

static void prefetched_code(void)
{
    cpu_machine m = fixture_machine(1, 1);
    m.kinds[0].prefetch.l1i = CPU_PREFETCH_NEXT_LINE;
    teardown();
    setup_machine(&m);
    for (uint64_t i = 0; i < 4; i++) {
        fixture_exec(&s, 0x1000 + i * 64, "90", 0, NULL);
        go();
    }
}

/* Counts that hold exactly. */
typedef struct {
    const char *name;
    void (*run)(void);
    struct {
        enum sim_emon_event event;
        uint64_t count;
    } expected[20];
} stream;

#define E(event, n) {SIM_EV_##event, n}

static const stream streams[] = {
    {"cold code", cold_code,
     {E(INSTRUCTIONS, 40), E(UOPS, 40), E(UOPS_ISSUED, 40), E(CPI_BASE, 10), E(L1I_LOADS, 1), E(L1I_MISSES, 1), E(L2_REFERENCES, 1), E(L2_MISSES, 1),
      E(L2_CODE_MISSES, 1), E(LLC_REFERENCES, 1), E(LLC_MISSES, 1), E(MEM_READS, 1), E(ITLB_LOADS, 1), E(ITLB_MISSES, 1), E(ITLB_WALK_CYCLES, 30),
      E(STALLS_ICACHE, 136), E(STALLS_ITLB, 30), E(STALLS_FRONTEND, 166), E(SLOTS_FRONTEND, 4 * 166)}},
    {"loop", loop,
     {E(BRANCHES, 51), E(COND_BRANCHES, 50), E(TAKEN_BRANCHES, 50), E(NOT_TAKEN_BRANCHES, 1), E(BRANCH_MISSES, 1), E(BTB_LOOKUPS, 50), E(BTB_MISSES, 2),
      E(STALLS_BTB, 2 * 5), E(STALLS_FRONTEND, 2 * 5)}},
    {"calls", calls, {E(BRANCHES, 30), E(TAKEN_BRANCHES, 30), E(COND_BRANCHES, 0), E(BRANCH_MISSES, 0), E(BTB_MISSES, 0), E(L1I_LOADS, 21), E(L1I_MISSES, 0)}},
    {"wrong targets", wrong_targets, {E(INDIRECT_MISSES, 20), E(RETURN_MISSES, 10), E(BRANCH_MISSES, 30), E(BRANCHES, 79), E(TAKEN_BRANCHES, 79)}},
    {"lines", lines, {E(LINE_MISSES, 2), E(STALLS_ICACHE, 2 * 3), E(STALLS_FRONTEND, 2 * 3)}},
    {"cold loads", cold_loads,
     {E(L1D_LOADS, 10), E(L1D_LOAD_MISSES, 10), E(L1D_FILLS, 10), E(L2_REFERENCES, 10), E(L2_MISSES, 10), E(LLC_LOADS, 10), E(LLC_LOAD_MISSES, 10),
      E(MEM_READS, 10), E(DTLB_LOADS, 10), E(DTLB_MISSES, 1), E(DTLB_WALK_CYCLES, 30), E(L1D_STORES, 0), E(L1I_MISSES, 0)}},
    {"cold stores", cold_stores,
     {E(L1D_STORES, 10), E(L1D_STORE_MISSES, 10), E(L1D_FILLS, 10), E(LLC_STORES, 10), E(LLC_STORE_MISSES, 10), E(LLC_REFERENCES, 10),
      E(DTLB_LOADS, 10), E(L1D_LOADS, 0), E(LLC_LOADS, 0)}},
    {"loads from L2", loads_from_l2, {E(L1D_LOAD_MISSES, 256), E(L2_LOAD_HITS, 256), E(L2_REFERENCES, 256), E(L2_MISSES, 0), E(LLC_LOADS, 0)}},
    {"loads from L3", loads_from_l3,
     {E(L1D_LOAD_MISSES, 2048), E(L2_LOAD_HITS, 0), E(LLC_LOADS, 2048), E(LLC_LOAD_HITS, 2048), E(LLC_LOAD_MISSES, 0), E(MEM_READS, 0)}},
    {"a line on its way", pending, {E(L1D_LOADS, 2), E(L1D_LOAD_MISSES, 1), E(L1D_PENDING_HITS, 1)}},
    {"writes", writes,
     {E(L1D_WRITEBACKS, 32768 - 128), E(L2_WRITEBACKS, 32768 - 1024), E(LLC_WRITEBACKS, 32768 - 16384), E(MEM_WRITES, 32768 - 16384)}},
    {"pages of data", pages_of_data, {E(DTLB_STLB_HITS, 128), E(DTLB_MISSES, 0)}},
    {"new pages of data", new_pages_of_data, {E(DTLB_MISSES, 20), E(DTLB_WALK_CYCLES, 20 * 30), E(DTLB_STLB_HITS, 0)}},
    {"pages written", pages_written,
     {E(DTLB_STORE_MISSES, 100), E(DTLB_STORE_WALK_CYCLES, 100 * 30), E(DTLB_STORE_STLB_HITS, 100), E(DTLB_MISSES, 0), E(DTLB_STLB_HITS, 0),
      E(DTLB_WALK_CYCLES, 0)}},
    {"pages of code", pages_of_code, {E(ITLB_LOADS, 128), E(ITLB_STLB_HITS, 128), E(ITLB_MISSES, 0), E(STALLS_ITLB, 128 * 7), E(DTLB_STLB_HITS, 0)}},
    {"flushes", flushes, {E(CACHE_FLUSHES, 1), E(TLB_FLUSHES, 1), E(LLC_WRITEBACKS, 10), E(MEM_WRITES, 10), E(CPI_PIPELINE, 0), E(INSTRUCTIONS, 0)}},
    {"snoops", snoops, {E(SNOOP_FORWARDS, 5), E(SNOOP_INVALIDATIONS, 5), E(LLC_LOAD_HITS, 5)}},
    {"prefetches", prefetches, {E(PREFETCHES, 19), E(PREFETCH_HITS, 18), E(L1D_LOAD_MISSES, 2), E(MEM_READS, 1 + 2 + 19)}},
    {"prefetches of L2", more_prefetches, {E(PREFETCHES, 10 + 1), E(PREFETCH_HITS, 10), E(L1D_LOAD_MISSES, 20), E(L2_LOAD_HITS, 10)}},
    {"prefetched code", prefetched_code, {E(PREFETCHES, 4), E(PREFETCH_HITS, 3), E(L1I_MISSES, 1)}},
    {"system work", system_work, {E(STALLS_SYSTEM, 1000), E(CYCLES, 1000), E(CPI_PIPELINE, 0)}},
};

START_TEST(known_counts)
{
    const stream *t = &streams[_i];
    t->run();
    for (unsigned i = 0; i < G_N_ELEMENTS(t->expected) && (i == 0 || t->expected[i].event); i++)
        ck_assert_msg(counts[t->expected[i].event] == t->expected[i].count, "%s: %s is %" G_GUINT64_FORMAT " instead of %" G_GUINT64_FORMAT, t->name,
                      sim_emon_events[t->expected[i].event].name, counts[t->expected[i].event], t->expected[i].count);
}
END_TEST

/* Tested below, by relations. */
static const enum sim_emon_event by_relation[] = {
    SIM_EV_CYCLES, SIM_EV_REF_CYCLES, SIM_EV_CPI_PIPELINE, SIM_EV_STALLS_BRANCH, SIM_EV_STALLS_L2, SIM_EV_STALLS_LLC, SIM_EV_STALLS_MEM,
    SIM_EV_STALLS_TLB, SIM_EV_STALLS_SMT, SIM_EV_STALLS_L1D_MISS, SIM_EV_STALLS_L2_MISS, SIM_EV_STALLS_L3_MISS, SIM_EV_STALLS_RESOURCE, SIM_EV_STALLS_STORE,
};

START_TEST(every_event_has_a_stream)
{
    bool tested[SIM_EV_COUNT] = {false};
    for (unsigned k = 0; k < G_N_ELEMENTS(streams); k++)
        for (unsigned i = 0; i < G_N_ELEMENTS(streams[k].expected); i++)
            if (streams[k].expected[i].count)
                tested[streams[k].expected[i].event] = true;
    for (unsigned i = 0; i < G_N_ELEMENTS(by_relation); i++)
        tested[by_relation[i]] = true;
    for (unsigned e = 0; e < SIM_EV_COUNT; e++)
        ck_assert_msg(tested[e], "no stream makes '%s' count", sim_emon_events[e].name);
}
END_TEST

/* ---- stalls ----------------------------------------------------------------------------------------------------- */

static void check_sum(void)
{
    uint64_t stack[SIM_CPI_COUNT], sum = 0;
    sim_cpi_stack(counts, stack);
    for (unsigned i = 0; i < SIM_CPI_COUNT; i++)
        sum += stack[i];
    ck_assert_uint_eq(sum, counts[SIM_EV_CYCLES]);
    ck_assert_uint_le(stack[SIM_CPI_BASE] + stack[SIM_CPI_CORE] - counts[SIM_EV_CPI_PIPELINE], SIM_CPI_COUNT);
}

/* `n` times alone on the core: one load, of `latency` cycles. What the block itself takes of them is its base, the rest stands in `event`. */
static void expect_stalls(enum sim_emon_event event, unsigned n, uint64_t stride, uint64_t latency)
{
    for (uint64_t i = 0; i < n; i++) {
        walk(LOAD, 0, 0);
        fixture_exec(&s, 0x1000, LOAD, 1, &(uint64_t){0x1000000 + i * stride});
        go();
    }
    ck_assert_uint_eq(counts[SIM_EV_CYCLES], n * latency);
    ck_assert_uint_le(counts[SIM_EV_CYCLES] - counts[SIM_EV_CPI_PIPELINE] - counts[event], 1);
    ck_assert_uint_ge(counts[event], n * (latency - 1)); /* a load takes no more than a cycle of the pipeline's */
    check_sum();
    for (enum sim_emon_event e = SIM_EV_STALLS_L2; e <= SIM_EV_STALLS_TLB; e++)
        ck_assert_uint_eq(counts[e], e == event ? counts[event] : 0);
    uint64_t l2 = counts[SIM_EV_STALLS_L2], llc = counts[SIM_EV_STALLS_LLC], mem = counts[SIM_EV_STALLS_MEM];
    ck_assert_uint_eq(counts[SIM_EV_STALLS_L1D_MISS], l2 + llc + mem);
    ck_assert_uint_eq(counts[SIM_EV_STALLS_L2_MISS], llc + mem);
    ck_assert_uint_eq(counts[SIM_EV_STALLS_L3_MISS], mem);
}

START_TEST(stalls_by_level)
{
    loads_from_l2();
    cpu_lp_counts(lp, before);
    expect_stalls(SIM_EV_STALLS_L2, 20, 64, 14); /* the walk ended at the other end */
    teardown();
    setup();
    loads_from_l3();
    cpu_lp_counts(lp, before);
    expect_stalls(SIM_EV_STALLS_LLC, 20, 64, 40);
    teardown();
    setup();
    fixture_exec(&s, 0x1000, LOAD, 1, &(uint64_t){0x1000000 + 63 * 64});
    mark();
    expect_stalls(SIM_EV_STALLS_MEM, 20, 64, 140);
    teardown();
    setup();
    walk(LOAD, 100, 4096 + 64);
    mark();
    expect_stalls(SIM_EV_STALLS_TLB, 20, 4096 + 64, 4 + 7);
}
END_TEST

START_TEST(mispredictions)
{
    /* Each costs about what the machine says (20); how much exactly is a matter of what surrounds it. */
    loop();
    ck_assert_uint_ge(counts[SIM_EV_STALLS_BRANCH], 5);
    ck_assert_uint_le(counts[SIM_EV_STALLS_BRANCH], 40);
    uint64_t lost = counts[SIM_EV_CYCLES] - counts[SIM_EV_CPI_PIPELINE] - counts[SIM_EV_STALLS_FRONTEND];
    ck_assert_uint_le(lost - counts[SIM_EV_STALLS_BRANCH], 1);
    check_sum();
}
END_TEST

START_TEST(waiting_for_lines_under_way)
{
    /* A prefetcher has asked for the next line only just now: waiting for it is waiting for memory, as if the load had missed. */
    cpu_machine m = fixture_machine(1, 1);
    m.kinds[0].prefetch.l1d = CPU_PREFETCH_NEXT_LINE;
    teardown();
    setup_machine(&m);
    fixture_exec(&s, 0x1000, LOAD, 1, &(uint64_t){0x9000000});
    mark();
    walk(LOAD, 20, 64);
    go();
    ck_assert_uint_gt(counts[SIM_EV_L1D_PENDING_HITS], 0);
    ck_assert_uint_gt(counts[SIM_EV_STALLS_MEM], 100);
    ck_assert_uint_le(counts[SIM_EV_CPI_PIPELINE], 20 + 1);
    check_sum();
}
END_TEST

START_TEST(full_buffers)
{
    /* A load from memory and 400 additions behind it: the reorder buffer has room for 63 of them, 16 cycles. */
    fixture_exec(&s, 0x1000, LOAD, 1, &(uint64_t){0x9000000});
    fixture_exec(&s, 0x1010, ADDS, 0, NULL);
    mark();
    fixture_exec(&s, 0x1000, LOAD, 1, &(uint64_t){0x9000040});
    for (unsigned i = 0; i < 100; i++)
        fixture_exec(&s, 0x1010, ADDS, 0, NULL);
    go();
    ck_assert_uint_le(counts[SIM_EV_STALLS_MEM] - counts[SIM_EV_STALLS_RESOURCE], 1); /* rounded down each */
    ck_assert_uint_ge(counts[SIM_EV_STALLS_RESOURCE], 140 - 18);
    ck_assert_uint_le(counts[SIM_EV_STALLS_RESOURCE], 140 - 14);
    ck_assert_uint_eq(counts[SIM_EV_STALLS_STORE], 0);
    check_sum();
    /* 15 stores to new lines, ten of which can be under way. */
    teardown();
    setup();
    cold_stores();
    cpu_lp_counts(lp, before);
    for (uint64_t i = 0; i < 15; i++)
        fixture_exec(&s, 0x1000, STORE, 1, &(uint64_t){0x1000400 + i * 64});
    go();
    ck_assert_uint_eq(counts[SIM_EV_STALLS_RESOURCE], counts[SIM_EV_STALLS_STORE]);
    ck_assert_uint_ge(counts[SIM_EV_STALLS_STORE], 140 - 12);
    ck_assert_uint_le(counts[SIM_EV_STALLS_STORE], 140);
    check_sum();
}
END_TEST

START_TEST(base_does_not_depend_on_misses)
{
    /* The same stream cold and warm: loads, stores, additions, branches. What is not the pipeline's is told apart in both. */
    uint64_t base[2], cycles[2];
    for (unsigned k = 0; k < 2; k++) {
        for (uint64_t i = 0; i < 100; i++) {
            fixture_exec(&s, 0x1000, CHASE, 1, &(uint64_t){0x1000000 + i % 50 * 64});
            fixture_exec(&s, 0x1010, ADDS, 0, NULL);
            fixture_exec(&s, 0x1020, STORE, 1, &(uint64_t){0x2000000 + i % 30 * 64});
            fixture_exec(&s, 0x1030, i % 3 ? "85c0 75cc" : "85c0 7410", 0, NULL);
        }
        go();
        base[k] = counts[SIM_EV_CPI_PIPELINE];
        cycles[k] = counts[SIM_EV_CYCLES];
        check_sum();
        cpu_lp_counts(lp, before);
    }
    ck_assert_uint_ge(base[1] + 1, base[0]);
    ck_assert_uint_le(base[1], base[0] + 1);
    ck_assert_uint_gt(cycles[0], cycles[1] + 3000);
    /* Nothing but the branches is left to wait for. */
    ck_assert_uint_le(cycles[1] - base[1] - counts[SIM_EV_STALLS_BRANCH] - counts[SIM_EV_STALLS_FRONTEND], 2);
}
END_TEST

START_TEST(siblings)
{
    teardown();
    cpu_machine m = fixture_machine(1, 2);
    setup_machine(&m);
    fixture_stream other;
    fixture_stream_init(&other);
    for (unsigned i = 0; i < 5000; i++) {
        fixture_exec(&s, 0x1000, ADDS, 0, NULL);
        fixture_exec(&other, 0x1000, ADDS, 0, NULL);
    }
    cpu_space *spaces[2] = {space, cpu_space_new(other.code, 2)};
    const fixture_stream *both[2] = {&s, &other};
    for (unsigned k = 0; k < 2; k++) {
        insn_batch batch = {.blocks = (const uint32_t *)(const void *)both[k]->blocks->data, .n_blocks = both[k]->blocks->len};
        cpu_lp_start(cpu_complex_lp(complex_, k), spaces[k]);
        cpu_lp_feed(cpu_complex_lp(complex_, k), &batch, 0, 0);
    }
    cpu_lp *pair[2] = {lp, cpu_complex_lp(complex_, 1)};
    bool dry[2] = {false, false};
    while (!dry[0] && !dry[1]) {
        unsigned k = cpu_lp_clock(pair[1]) < cpu_lp_clock(pair[0]);
        dry[k] = cpu_lp_run(pair[k], cpu_lp_clock(pair[!k]) + 1);
    }
    /* Each of them wants all four slots: what it gets is half. */
    for (unsigned k = 0; k < 2; k++) {
        cpu_lp_counts(pair[k], counts);
        uint64_t base = counts[SIM_EV_CPI_PIPELINE], smt = counts[SIM_EV_STALLS_SMT];
        ck_assert_msg(smt * 100 >= base * 85 && smt * 100 <= base * 108, "base %" G_GUINT64_FORMAT " smt %" G_GUINT64_FORMAT, base, smt);
        check_sum();
        cpu_lp_stop(pair[k]);
    }
    cpu_space_free(spaces[1]);
    fixture_stream_clear(&other);
}
END_TEST

START_TEST(reference_clock)
{
    cold_code();
    ck_assert_uint_eq(counts[SIM_EV_REF_CYCLES], counts[SIM_EV_CYCLES]);
    ck_assert_uint_ge(counts[SIM_EV_CYCLES], 166 + 9);
    ck_assert_uint_eq(counts[SIM_EV_CYCLES], cpu_lp_clock(lp) / CPU_SUB);
    teardown();
    cpu_machine m = fixture_machine(1, 1);
    m.reference_hz = UINT64_C(2500000000); /* the core's is 1 GHz */
    setup_machine(&m);
    cpu_lp_system(lp, 0, 1000, 0, 0, 0);
    go();
    ck_assert_uint_eq(counts[SIM_EV_CYCLES], 1000);
    ck_assert_uint_eq(counts[SIM_EV_REF_CYCLES], 2500);
    ck_assert_uint_eq(cpu_lp_emon_fixed(lp, 2), 2500);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("cpu-events");
    TCase *t = tcase_create("events");
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_loop_test(t, known_counts, 0, G_N_ELEMENTS(streams));
    tcase_add_test(t, every_event_has_a_stream);
    tcase_add_test(t, stalls_by_level);
    tcase_add_test(t, mispredictions);
    tcase_add_test(t, waiting_for_lines_under_way);
    tcase_add_test(t, full_buffers);
    tcase_add_test(t, base_does_not_depend_on_misses);
    tcase_add_test(t, siblings);
    tcase_add_test(t, reference_clock);
    suite_add_tcase(suite, t);
    return fixture_main(suite);
}
