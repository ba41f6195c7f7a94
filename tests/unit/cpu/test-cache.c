/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cpu-fixture.h"

/* A cache as a textbook has it, without any of the tricks: the reference. */
typedef struct {
    uint64_t line[64][16], used[64][16], clock;
    unsigned sets, ways;
} naive;

static bool naive_access(naive *n, uint64_t line)
{
    unsigned set = (unsigned)(line % n->sets), victim = 0;
    for (unsigned w = 0; w < n->ways; w++) {
        if (n->line[set][w] == line + 1) {
            n->used[set][w] = ++n->clock;
            return true;
        }
        if (n->used[set][w] < n->used[set][victim])
            victim = w;
    }
    n->line[set][victim] = line + 1;
    n->used[set][victim] = ++n->clock;
    return false;
}

START_TEST(lru_is_exact)
{
    static const struct { unsigned sets, ways; } shapes[] = {{1, 16}, {16, 1}, {64, 8}, {48, 3}};
    for (unsigned k = 0; k < G_N_ELEMENTS(shapes); k++) {
        naive n = {.sets = shapes[k].sets, .ways = shapes[k].ways};
        cpu_cache_desc d = {.size = (uint64_t)n.sets * n.ways * 64, .line = 64, .ways = n.ways, .latency = 4};
        cpu_cache c;
        cpu_cache_init(&c, &d);
        uint64_t x = 88172645463325252u, misses = 0;
        for (unsigned i = 0; i < 200000; i++) {
            x ^= x << 13, x ^= x >> 7, x ^= x << 17;
            uint64_t line = i % 3 ? x % 700 : i / 5 % 900;
            bool hit = cpu_cache_touch(&c, line) != NULL;
            if (!hit) {
                cpu_cache_fill(&c, line, 0);
                misses++;
            }
            ck_assert_msg(hit == naive_access(&n, line), "access %u of %ux%u", i, n.sets, n.ways);
        }
        ck_assert_uint_eq(c.fills, misses);
        cpu_cache_clear(&c);
    }
}
END_TEST

/* One set of four ways, lines named by digits: which line goes when each of `accesses` comes, `.` none. Both ways of keeping sets. */
static void check_policy(cpu_replacement policy, const char *accesses, const char *evictions)
{
    cpu_cache_desc d = {.size = 4 * 64, .line = 64, .ways = 4, .latency = 4, .policy = policy};
    for (unsigned outer = 0; outer < 2; outer++) {
        cpu_cache c;
        if (outer)
            cpu_cache_init_outer(&c, &d);
        else
            cpu_cache_init(&c, &d);
        for (unsigned i = 0; accesses[i]; i++) {
            uint64_t line = (uint64_t)(accesses[i] - '0');
            uint64_t gone = cpu_cache_touch_any(&c, line) ? CPU_LINE_NONE : cpu_cache_fill(&c, line, 0);
            char went = gone == CPU_LINE_NONE ? '.' : (char)('0' + (gone >> 8));
            ck_assert_msg(went == evictions[i], "policy %d, access %u: '%c' went, not '%c'", (int)policy, i, went, evictions[i]);
        }
        cpu_cache_clear(&c);
    }
}

START_TEST(policies_by_hand)
{
    check_policy(CPU_REPLACE_LRU, "1234156", "....." "23");
    check_policy(CPU_REPLACE_FIFO, "1234156", "....." "12");
    /* After 1234 the tree points to 1's half; 1 turns it to 3's; filling 5 there turns it back, and to 2. */
    check_policy(CPU_REPLACE_PLRU, "1234156", "....." "32");
    /* 1 has 0, the others 2: all are counted up until one has 3, the lowest of which goes; 5 has 2 again. */
    check_policy(CPU_REPLACE_SRRIP, "12341567", "....." "234");
    uint64_t stream = CPU_RANDOM_SEED;
    char evicted[] = "....?";
    evicted[4] = (char)('1' + cpu_replace_draw(&stream, 4));
    check_policy(CPU_REPLACE_RANDOM, "12345", evicted);
}
END_TEST

START_TEST(an_empty_way_is_filled_first)
{
    for (unsigned policy = CPU_REPLACE_LRU; policy <= CPU_REPLACE_FIFO; policy++)
        for (unsigned outer = 0; outer < 2; outer++) {
            cpu_cache_desc d = {.size = 8 * 64, .line = 64, .ways = 8, .latency = 4, .policy = (cpu_replacement)policy};
            cpu_cache c;
            if (outer)
                cpu_cache_init_outer(&c, &d);
            else
                cpu_cache_init(&c, &d);
            for (uint64_t line = 0; line < 8; line++)
                ck_assert_uint_eq(cpu_cache_fill(&c, line, 0), CPU_LINE_NONE);
            for (uint64_t line = 2; line < 8; line += 3)
                ck_assert_uint_eq(cpu_cache_remove(&c, line) >> 8, line);
            for (uint64_t line = 8; line < 10; line++)
                ck_assert_uint_eq(cpu_cache_fill(&c, line, 0), CPU_LINE_NONE);
            ck_assert_uint_ne(cpu_cache_fill(&c, 10, 0), CPU_LINE_NONE);
            ck_assert_uint_eq(c.valid, 8);
            cpu_cache_clear(&c);
        }
}
END_TEST

/* Caches and TLBs of outer levels keep their sets another way: it does not show. */
START_TEST(outer_levels_are_the_same)
{
    cpu_cache_desc d = {.size = 16 * 12 * 64, .line = 64, .ways = 12, .latency = 4};
    cpu_tlb_desc t = {.entries = 16 * 12, .ways = 12};
    cpu_cache inner, outer;
    cpu_tlb first, second;
    cpu_cache_init(&inner, &d);
    cpu_cache_init_outer(&outer, &d);
    cpu_tlb_init(&first, &t);
    cpu_tlb_init_outer(&second, &t);
    uint64_t x = 88172645463325252u;
    for (unsigned i = 0; i < 100000; i++) {
        x ^= x << 13, x ^= x >> 7, x ^= x << 17;
        uint64_t line = x % 400;
        bool kept = x >> 32 & 15;
        if (!kept) {
            ck_assert_uint_eq(cpu_cache_remove(&inner, line), cpu_cache_remove(&outer, line));
        } else if (!cpu_cache_touch(&inner, line)) {
            ck_assert_ptr_null(cpu_cache_touch_any(&outer, line));
            ck_assert_uint_eq(cpu_cache_fill(&inner, line, 1), cpu_cache_fill(&outer, line, 1));
        } else {
            ck_assert_ptr_nonnull(cpu_cache_touch_any(&outer, line));
        }
        if (!cpu_tlb_touch(&first, line)) {
            ck_assert_ptr_null(cpu_tlb_touch_outer(&second, line));
            cpu_tlb_fill(&first, line, line << 12);
            cpu_tlb_fill_outer(&second, line, line << 12);
        } else {
            ck_assert_uint_eq(cpu_tlb_touch_outer(&second, line)->pa, line << 12);
        }
    }
    cpu_cache_clear(&inner);
    cpu_cache_clear(&outer);
    cpu_tlb_clear(&first);
    cpu_tlb_clear(&second);
}
END_TEST

START_TEST(occupancy_per_owner)
{
    cpu_machine m = fixture_machine(1, 1);
    cpu_memory mem;
    cpu_memory_init(&mem, &m);
    cpu_mem_result r;
    for (unsigned owner = 1; owner <= 2; owner++)
        for (unsigned i = 0; i < 100; i++) {
            uint64_t line = cpu_memory_page(&mem, (uint64_t)owner << CPU_VPN_BITS | i / 64) / 64 + i % 64;
            cpu_memory_miss(&mem, 0, line, i < 10, false, 0, &r);
            ck_assert_int_eq(r.level, CPU_LEVEL_MEM);
        }
    cpu_cache *l1 = &mem.cores[0].l1d, *l2 = mem.cores[0].l2;
    ck_assert_uint_eq(l1->owned[1] + l1->owned[2], 128); /* 8 KiB is full */
    ck_assert_uint_eq(l1->valid, 128);
    ck_assert_uint_eq(l2->owned[1], 100);
    ck_assert_uint_eq(l2->owned[2], 100);
    ck_assert_uint_eq(l1->owned_dirty[1] + l2->owned_dirty[1], 10); /* each dirty line is dirty in one place */
    cpu_flush_result flushed;
    cpu_memory_flush(&mem, 0, 0, &flushed);
    ck_assert_uint_eq(flushed.written, 20);
    ck_assert_uint_eq(l1->valid + l2->valid, 0);
    ck_assert_uint_eq(l2->owned[1] + l2->owned_dirty[2], 0);
    cpu_memory_clear(&mem);
}
END_TEST

START_TEST(write_backs_reach_memory)
{
    cpu_machine m = fixture_machine(1, 1);
    cpu_memory mem;
    cpu_memory_init(&mem, &m);
    uint64_t writes = 0, reads = 0;
    for (unsigned i = 0; i < 40000; i++) { /* 2.5 MB of stores through 1 MiB */
        cpu_mem_result r;
        cpu_memory_miss(&mem, 0, i, true, false, 0, &r);
        writes += r.mem_writes;
        reads += r.mem_reads;
    }
    ck_assert_uint_eq(reads, 40000);
    ck_assert_uint_eq(writes, 40000 - (1 << 20) / 64); /* all but what L3 (inclusive) still holds */
    cpu_memory_clear(&mem);
}
END_TEST

START_TEST(a_store_takes_the_line_from_other_cores)
{
    cpu_machine m = fixture_machine(2, 1);
    cpu_memory mem;
    cpu_memory_init(&mem, &m);
    cpu_mem_result r;
    cpu_memory_miss(&mem, 0, 77, true, false, 0, &r);
    ck_assert_int_eq(r.level, CPU_LEVEL_MEM);
    cpu_memory_miss(&mem, 1, 77, false, false, 0, &r); /* a dirty copy in core 0: from L3, dearer than a plain hit */
    ck_assert_int_eq(r.level, CPU_LEVEL_LLC);
    ck_assert_uint_gt(r.latency, m.l3.latency - m.kinds[0].l1d.latency);
    uint64_t *word = cpu_cache_peek(&mem.cores[1].l1d, 77);
    ck_assert(*word & CPU_LINE_SHARED);
    ck_assert(!(*cpu_cache_peek(&mem.cores[0].l1d, 77) & CPU_LINE_DIRTY));
    ck_assert_uint_gt(cpu_memory_upgrade(&mem, 1, 77, word, 0, &r), 0);
    ck_assert_ptr_null(cpu_cache_peek(&mem.cores[0].l1d, 77));
    ck_assert_ptr_null(cpu_cache_peek(mem.cores[0].l2, 77));
    ck_assert(!(*word & CPU_LINE_SHARED));
    cpu_memory_clear(&mem);
}
END_TEST

START_TEST(inclusive_l3_takes_lines_back)
{
    cpu_machine m = fixture_machine(1, 1);
    m.l3 = (cpu_cache_desc){.size = 64 * 16, .line = 64, .ways = 16, .latency = 40}; /* smaller than L1 */
    cpu_memory mem;
    cpu_memory_init(&mem, &m);
    cpu_mem_result r;
    for (unsigned i = 0; i < 17; i++)
        cpu_memory_miss(&mem, 0, i, false, false, 0, &r);
    ck_assert_ptr_null(cpu_cache_peek(&mem.cores[0].l1d, 0));
    ck_assert_ptr_nonnull(cpu_cache_peek(&mem.cores[0].l1d, 1));
    cpu_memory_clear(&mem);
}
END_TEST

START_TEST(pages_are_a_permutation)
{
    cpu_machine m = fixture_machine(1, 1);
    m.hashed_pages = true;
    cpu_memory mem;
    cpu_memory_init(&mem, &m);
    g_autoptr(GHashTable) seen = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, NULL);
    for (uint64_t owner = 0; owner < 3; owner++)
        for (uint64_t vpn = 0; vpn < 50000; vpn++) {
            uint64_t pa = cpu_memory_page(&mem, owner << CPU_VPN_BITS | vpn);
            ck_assert_uint_eq(pa >> 48, owner);
            ck_assert(g_hash_table_add(seen, g_memdup2(&pa, sizeof pa)));
        }
    cpu_memory_clear(&mem);
}
END_TEST

START_TEST(memory_bandwidth_queues)
{
    cpu_machine m = fixture_machine(1, 1);
    m.mem_bandwidth = 64000000; /* one line per microsecond */
    cpu_memory mem;
    cpu_memory_init(&mem, &m);
    cpu_mem_result a, b;
    cpu_memory_miss(&mem, 0, 1, false, false, 0, &a);
    cpu_memory_miss(&mem, 0, 2, false, false, 0, &b);
    ck_assert_uint_eq(b.latency - a.latency, 1000); /* cycles at 1 GHz */
    cpu_memory_clear(&mem);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("cpu-cache");
    TCase *t = tcase_create("cache");
    tcase_add_test(t, lru_is_exact);
    tcase_add_test(t, policies_by_hand);
    tcase_add_test(t, an_empty_way_is_filled_first);
    tcase_add_test(t, outer_levels_are_the_same);
    tcase_add_test(t, occupancy_per_owner);
    tcase_add_test(t, write_backs_reach_memory);
    tcase_add_test(t, a_store_takes_the_line_from_other_cores);
    tcase_add_test(t, inclusive_l3_takes_lines_back);
    tcase_add_test(t, pages_are_a_permutation);
    tcase_add_test(t, memory_bandwidth_queues);
    suite_add_tcase(suite, t);
    return fixture_main(suite);
}
