/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Prefetchers: what each asks for, that it comes in its time, and what is counted. */
#include "cpu-fixture.h"

/* A machine with these prefetchers. */
static cpu_machine machine_with(unsigned l1i, unsigned l1d, unsigned l2)
{
    cpu_machine m = fixture_machine(1, 1);
    m.kinds[0].prefetch = (cpu_prefetch_desc){.l1i = (uint8_t)l1i, .l1d = (uint8_t)l1d, .l2 = (uint8_t)l2, .stride_entries = 64, .streams = 16,
                                              .stream_distance = 8, .stream_degree = 2};
    return m;
}

/* A load of the instruction `ip`, as the core makes it: the cycles beyond an L1D hit. */
static uint64_t load(cpu_memory *m, uint64_t ip, uint64_t pa, uint64_t at)
{
    cpu_mem_core *c = &m->cores[0];
    uint64_t line = pa >> m->line_shift, *word = cpu_cache_touch(&c->l1d, line);
    cpu_mem_result r = {0};
    if (word) {
        bool first = false;
        uint64_t complete = *word & CPU_LINE_PENDING ? cpu_memory_pending(m, 0, false, line, word, at, &first) : 0;
        if (first)
            cpu_memory_train_data(m, 0, ip, pa, at, &r);
        return complete ? (complete - at) / 64 : 0;
    }
    cpu_memory_miss(m, 0, line, false, false, at, &r);
    uint32_t latency = r.latency;
    cpu_memory_train_data(m, 0, ip, pa, at, &r);
    return latency;
}

START_TEST(l2_follows_a_stream)
{
    for (int direction = -1; direction <= 1; direction += 2) {
        cpu_machine m = machine_with(0, 0, CPU_PREFETCH_STREAM);
        cpu_memory mem;
        cpu_memory_init(&mem, &m);
        uint64_t line = direction > 0 ? 640 : 703, at = 0; /* a page of 64 lines */
        uint64_t slow = 0;
        for (int i = 0; i < 64; i++, line += (uint64_t)direction, at += 200 * 64)
            slow += load(&mem, 1, line * 64, at) > 10;
        const cpu_prefetch_counts *p = &mem.clusters[0].prefetch;
        ck_assert_uint_eq(slow, 3); /* two to see a direction, and the one that was the first to train it */
        ck_assert_uint_eq(p->issued, 61);
        ck_assert_uint_eq(p->useful, 61);
        ck_assert_uint_eq(p->late, 0);
        ck_assert_ptr_null(cpu_cache_peek(mem.cores[0].l2, direction > 0 ? 704 : 639)); /* not over the page's end */
        cpu_memory_clear(&mem);
    }
}
END_TEST

START_TEST(what_comes_too_soon_waits_for_the_rest)
{
    cpu_machine m = machine_with(0, 0, CPU_PREFETCH_STREAM);
    cpu_memory mem;
    cpu_memory_init(&mem, &m);
    load(&mem, 1, 0, 0);
    load(&mem, 1, 64, 0);
    load(&mem, 1, 128, 0); /* now lines 3 and 4 are asked for, 140 cycles */
    uint64_t latency = load(&mem, 1, 192, 100 * 64);
    ck_assert_uint_ge(latency, 40 - 4);
    ck_assert_uint_le(latency, 45);
    ck_assert_uint_eq(mem.clusters[0].prefetch.late, 1);
    cpu_memory_clear(&mem);
}
END_TEST

START_TEST(pairs)
{
    cpu_machine m = machine_with(0, 0, CPU_PREFETCH_PAIR);
    cpu_memory mem;
    cpu_memory_init(&mem, &m);
    load(&mem, 1, 5 * 64, 0);
    ck_assert_ptr_nonnull(cpu_cache_peek(mem.cores[0].l2, 4));
    ck_assert_ptr_null(cpu_cache_peek(mem.cores[0].l2, 6));
    ck_assert_ptr_null(cpu_cache_peek(&mem.cores[0].l1d, 4));
    cpu_memory_clear(&mem);
}
END_TEST

START_TEST(l1d_knows_strides)
{
    static const int strides[] = {64, 96, 256, -192, 1024};
    for (unsigned k = 0; k < G_N_ELEMENTS(strides); k++) {
        cpu_machine m = machine_with(0, CPU_PREFETCH_IP_STRIDE, 0);
        cpu_memory mem;
        cpu_memory_init(&mem, &m);
        uint64_t slow = 0, pa = strides[k] < 0 ? 8191 : 4096, at = 0;
        unsigned n = 0;
        for (; pa >> 12 == 1; pa += (uint64_t)strides[k], at += 300 * 64, n++)
            slow += load(&mem, 0x401000, pa, at) > 0;
        ck_assert_uint_gt(n, 3);
        ck_assert_msg(slow <= 3, "%u of %u missed, stride %d", (unsigned)slow, n, strides[k]);
        ck_assert_uint_eq(mem.cores[0].l1d_prefetch.useful, mem.cores[0].l1d_prefetch.issued);
        cpu_memory_clear(&mem);
    }
}
END_TEST

START_TEST(no_stride_no_prefetch)
{
    cpu_machine m = machine_with(0, CPU_PREFETCH_IP_STRIDE, CPU_PREFETCH_STREAM);
    cpu_memory mem;
    cpu_memory_init(&mem, &m);
    uint64_t x = 88172645463325252u;
    for (unsigned i = 0; i < 3000; i++) {
        x ^= x << 13, x ^= x >> 7, x ^= x << 17;
        load(&mem, 0x401000, x % (1 << 28) & ~UINT64_C(63), i * 6400);
    }
    ck_assert_uint_lt(mem.cores[0].l1d_prefetch.issued, 30);
    ck_assert_uint_lt(mem.clusters[0].prefetch.issued, 30);
    cpu_memory_clear(&mem);
}
END_TEST

START_TEST(next_line_goes_up_only)
{
    cpu_machine m = machine_with(0, CPU_PREFETCH_NEXT_LINE, 0);
    cpu_memory mem;
    cpu_memory_init(&mem, &m);
    load(&mem, 1, 640, 0);
    ck_assert_uint_eq(mem.cores[0].l1d_prefetch.issued, 0);
    load(&mem, 2, 704, 64000);
    ck_assert_ptr_nonnull(cpu_cache_peek(&mem.cores[0].l1d, 12));
    load(&mem, 3, 128 * 64, 128000);
    load(&mem, 3, 127 * 64, 192000);
    ck_assert_uint_eq(mem.cores[0].l1d_prefetch.issued, 1);
    cpu_memory_clear(&mem);
}
END_TEST

START_TEST(without_a_free_register_none)
{
    cpu_machine m = machine_with(0, CPU_PREFETCH_NEXT_LINE, CPU_PREFETCH_STREAM);
    m.kinds[0].mshrs = 1;
    m.kinds[0].l2_mshrs = 1;
    cpu_memory mem;
    cpu_memory_init(&mem, &m);
    uint64_t begin = 0;
    *cpu_mshr_take(&mem.cores[0].mshrs, &begin) = 1000000;
    for (unsigned i = 0; i < 4; i++)
        load(&mem, 1, i * 64, 0);
    ck_assert_uint_eq(mem.cores[0].l1d_prefetch.issued, 0);
    ck_assert_uint_eq(mem.cores[0].l1d_prefetch.dropped, 3);
    ck_assert_uint_eq(mem.clusters[0].prefetch.issued, 0);
    ck_assert_uint_gt(mem.clusters[0].prefetch.dropped, 0);
    cpu_memory_clear(&mem);
}
END_TEST

START_TEST(prefetches_take_bandwidth)
{
    cpu_machine m = machine_with(0, 0, CPU_PREFETCH_PAIR);
    m.mem_bandwidth = 64000000; /* a line per microsecond */
    cpu_memory mem;
    cpu_memory_init(&mem, &m);
    uint64_t first = load(&mem, 1, 0, 0);
    ck_assert_uint_eq(load(&mem, 1, 6400, 0), first + 2000); /* behind line 1 */
    cpu_memory_clear(&mem);
}
END_TEST

/* ---- the core's side ---------------------------------------------------------------------------------------------- */

/* Loads of one instruction, a line further each time, through the whole core: cycles. */
static uint64_t walk_lines(unsigned l1d, unsigned l2)
{
    cpu_machine m = machine_with(0, l1d, l2);
    cpu_complex *x = cpu_complex_new(&m);
    fixture_stream s;
    fixture_stream_init(&s);
    for (uint64_t i = 0; i < 2000; i++) {
        uint64_t address = 0x100000 + i * 64;
        fixture_exec(&s, 0x1000, "488b00 4801d9 75f8", 1, &address); /* mov rax, [rax]; add rcx, rbx; jne */
    }
    cpu_space *space = cpu_space_new(s.code, 1);
    uint64_t cycles = fixture_run(cpu_complex_lp(x, 0), space, &s);
    cpu_space_free(space);
    cpu_complex_free(x);
    fixture_stream_clear(&s);
    return cycles;
}

START_TEST(a_chain_of_loads_is_faster)
{
    uint64_t none = walk_lines(0, 0), l2 = walk_lines(0, CPU_PREFETCH_STREAM), both = walk_lines(CPU_PREFETCH_IP_STRIDE, CPU_PREFETCH_STREAM);
    ck_assert_msg(l2 * 2 < none, "%u cycles without, %u with the stream prefetcher", (unsigned)none, (unsigned)l2);
    ck_assert_msg(both < l2, "%u cycles with, %u without the stride prefetcher", (unsigned)both, (unsigned)l2);
}
END_TEST

/* Code that runs straight through pages. */
static uint64_t straight(unsigned l1i, uint64_t *misses)
{
    cpu_machine m = machine_with(l1i, 0, 0);
    cpu_complex *x = cpu_complex_new(&m);
    fixture_stream s;
    fixture_stream_init(&s);
    for (uint64_t i = 0; i < 512; i++)
        fixture_exec(&s, 0x10000 + i * 64, "4801d9 eb3b", 0, NULL); /* add rcx, rbx; jmp to the next line */
    cpu_space *space = cpu_space_new(s.code, 1);
    uint64_t cycles = fixture_run(cpu_complex_lp(x, 0), space, &s), counts[SIM_EV_COUNT];
    cpu_lp_counts(cpu_complex_lp(x, 0), counts);
    *misses = counts[SIM_EV_L1I_MISSES];
    cpu_space_free(space);
    cpu_complex_free(x);
    fixture_stream_clear(&s);
    return cycles;
}

START_TEST(code_is_fetched_ahead)
{
    uint64_t without, with;
    uint64_t slow = straight(0, &without), fast = straight(CPU_PREFETCH_NEXT_LINE, &with);
    ck_assert_uint_eq(without, 512);
    ck_assert_uint_eq(with, 512 / 64); /* the first of each page */
    ck_assert_uint_lt(fast, slow);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("cpu-prefetch");
    TCase *t = tcase_create("prefetch");
    tcase_add_test(t, l2_follows_a_stream);
    tcase_add_test(t, what_comes_too_soon_waits_for_the_rest);
    tcase_add_test(t, pairs);
    tcase_add_test(t, l1d_knows_strides);
    tcase_add_test(t, no_stride_no_prefetch);
    tcase_add_test(t, next_line_goes_up_only);
    tcase_add_test(t, without_a_free_register_none);
    tcase_add_test(t, prefetches_take_bandwidth);
    tcase_add_test(t, a_chain_of_loads_is_faster);
    tcase_add_test(t, code_is_fetched_ahead);
    suite_add_tcase(suite, t);
    return fixture_main(suite);
}
