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
    cpu_cache *l1 = &mem.cores[0].l1d, *l2 = &mem.cores[0].l2;
    ck_assert_uint_eq(l1->owned[1] + l1->owned[2], 128); /* 8 KiB is full */
    ck_assert_uint_eq(l1->valid, 128);
    ck_assert_uint_eq(l2->owned[1], 100);
    ck_assert_uint_eq(l2->owned[2], 100);
    ck_assert_uint_eq(l1->owned_dirty[1] + l2->owned_dirty[1], 10); /* each dirty line is dirty in one place */
    ck_assert_uint_eq(cpu_memory_flush(&mem, 0, 0), 20);
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
    ck_assert_uint_gt(cpu_memory_upgrade(&mem, 1, 77, word), 0);
    ck_assert_ptr_null(cpu_cache_peek(&mem.cores[0].l1d, 77));
    ck_assert_ptr_null(cpu_cache_peek(&mem.cores[0].l2, 77));
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
    tcase_add_test(t, occupancy_per_owner);
    tcase_add_test(t, write_backs_reach_memory);
    tcase_add_test(t, a_store_takes_the_line_from_other_cores);
    tcase_add_test(t, inclusive_l3_takes_lines_back);
    tcase_add_test(t, pages_are_a_permutation);
    tcase_add_test(t, memory_bandwidth_queues);
    suite_add_tcase(suite, t);
    return fixture_main(suite);
}
