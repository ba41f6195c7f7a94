/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The memory system below L1: inclusion kinds, shared L2s, coherence, ways per owner, accounts per owner, page walks, DRAM, WBINVD. */
#include "cpu-fixture.h"

/* A stream of numbers that is the same everywhere. */
static uint64_t next(uint64_t *x)
{
    *x ^= *x << 13, *x ^= *x >> 7, *x ^= *x << 17;
    return *x;
}

static uint64_t line_of(unsigned owner, uint64_t number)
{
    return ((uint64_t)owner << 48) / 64 + number;
}

static void access_line(cpu_memory *m, unsigned core, uint64_t line, bool write, bool fetch, uint64_t at, cpu_mem_result *r)
{
    cpu_mem_core *c = &m->cores[core];
    *r = (cpu_mem_result){.level = CPU_LEVEL_L1};
    uint64_t *word = cpu_cache_touch(fetch ? &c->l1i : &c->l1d, line);
    if (!word)
        cpu_memory_miss(m, core, line, write, fetch, at, r);
    else if (write && !fetch)
        cpu_memory_store(m, core, line, word, at, r);
}

static bool has(const cpu_cache *c, uint64_t line)
{
    return cpu_cache_peek(c, line) != NULL;
}

/* ---- inclusion -------------------------------------------------------------------------------------------------- */

START_TEST(inclusive_l2_takes_lines_back)
{
    cpu_machine m = fixture_machine(1, 1);
    m.kinds[0].l2 = (cpu_cache_desc){.size = 64 * 8, .line = 64, .ways = 8, .latency = 14, .inclusion = CPU_INCLUSION_INCLUSIVE};
    cpu_memory mem;
    cpu_memory_init(&mem, &m);
    cpu_mem_result r;
    uint64_t written = 0;
    for (unsigned i = 0; i < 9; i++) {
        access_line(&mem, 0, i, i == 0, false, 0, &r);
        written += r.l2_writeback;
    }
    ck_assert(!has(&mem.cores[0].l1d, 0));
    ck_assert(has(&mem.cores[0].l1d, 1));
    ck_assert_uint_eq(written, 1); /* what L1 had written left with it */
    ck_assert(*cpu_cache_peek(&mem.packages[0].l3, 0) & CPU_LINE_DIRTY);
    cpu_memory_clear(&mem);
}
END_TEST

START_TEST(exclusive_l2_holds_what_l1_does_not)
{
    cpu_machine m = fixture_machine(1, 1);
    m.kinds[0].l2.inclusion = CPU_INCLUSION_EXCLUSIVE;
    cpu_memory mem;
    cpu_memory_init(&mem, &m);
    cpu_mem_core *c = &mem.cores[0];
    cpu_mem_result r;
    access_line(&mem, 0, 0, true, false, 0, &r);
    ck_assert(has(&c->l1d, 0) && !has(c->l2, 0));
    for (unsigned i = 1; i <= 4; i++) /* the other lines of its set */
        access_line(&mem, 0, i * 32, false, false, 0, &r);
    ck_assert(!has(&c->l1d, 0) && has(c->l2, 0));
    ck_assert_uint_eq(c->l2->valid, 1); /* a clean victim goes there, too: */
    access_line(&mem, 0, 5 * 32, false, false, 0, &r);
    ck_assert_uint_eq(c->l2->valid, 2);
    access_line(&mem, 0, 0, false, false, 0, &r);
    ck_assert_int_eq(r.level, CPU_LEVEL_L2);
    ck_assert(!has(c->l2, 0));
    ck_assert(*cpu_cache_peek(&c->l1d, 0) & CPU_LINE_DIRTY); /* what was written is not lost */
    cpu_memory_clear(&mem);
}
END_TEST

START_TEST(exclusive_l3_is_a_victim_cache)
{
    cpu_machine m = fixture_machine(2, 1);
    m.l3.inclusion = CPU_INCLUSION_EXCLUSIVE;
    cpu_memory mem;
    cpu_memory_init(&mem, &m);
    cpu_cache *l3 = &mem.packages[0].l3;
    cpu_mem_result r;
    access_line(&mem, 0, 0, true, false, 0, &r);
    ck_assert_uint_eq(l3->valid, 0);
    for (unsigned i = 1; i <= 12; i++) /* through L1's and L2's set */
        access_line(&mem, 0, i * 128, false, false, 0, &r);
    ck_assert(!has(&mem.cores[0].l1d, 0) && !has(mem.cores[0].l2, 0) && has(l3, 0));
    access_line(&mem, 1, 0, false, false, 0, &r);
    ck_assert_int_eq(r.level, CPU_LEVEL_LLC);
    ck_assert(!has(l3, 0));
    ck_assert(*cpu_cache_peek(mem.cores[1].l2, 0) & CPU_LINE_DIRTY);
    access_line(&mem, 0, 0, false, false, 0, &r); /* from core 1, not from memory */
    ck_assert_int_eq(r.level, CPU_LEVEL_LLC);
    ck_assert_uint_eq(r.mem_reads, 0);
    ck_assert_uint_eq(r.forwards, 1);
    cpu_memory_clear(&mem);
}
END_TEST

START_TEST(nine_l3_leaves_lines_above_alone)
{
    cpu_machine m = fixture_machine(1, 1);
    m.l3 = (cpu_cache_desc){.size = 64 * 16, .line = 64, .ways = 16, .latency = 40, .inclusion = CPU_INCLUSION_NINE};
    cpu_memory mem;
    cpu_memory_init(&mem, &m);
    cpu_mem_result r;
    for (unsigned i = 0; i < 17; i++)
        access_line(&mem, 0, i, false, false, 0, &r);
    ck_assert(!has(&mem.packages[0].l3, 0));
    ck_assert(has(&mem.cores[0].l1d, 0));
    cpu_memory_clear(&mem);
}
END_TEST

START_TEST(write_through_leaves_nothing_to_write_back)
{
    cpu_machine m = fixture_machine(1, 1);
    m.kinds[0].l1d_through = true;
    cpu_memory mem;
    cpu_memory_init(&mem, &m);
    cpu_mem_core *c = &mem.cores[0];
    cpu_mem_result r;
    access_line(&mem, 0, 7, true, false, 0, &r); /* not allocated by a store */
    ck_assert(!has(&c->l1d, 7));
    ck_assert(*cpu_cache_peek(c->l2, 7) & CPU_LINE_DIRTY);
    access_line(&mem, 0, 8, false, false, 0, &r);
    ck_assert(!(*cpu_cache_peek(c->l2, 8) & CPU_LINE_DIRTY));
    access_line(&mem, 0, 8, true, false, 0, &r);
    ck_assert(*cpu_cache_peek(c->l2, 8) & CPU_LINE_DIRTY);
    ck_assert_uint_eq(c->l1d.owned_dirty[0], 0);
    for (unsigned i = 1; i <= 4; i++)
        access_line(&mem, 0, 8 + i * 32, false, false, 0, &r);
    ck_assert(!has(&c->l1d, 8));
    ck_assert_uint_eq(c->l1d.writebacks, 0);
    cpu_memory_clear(&mem);
}
END_TEST

/* ---- sharing ---------------------------------------------------------------------------------------------------- */

START_TEST(cores_share_an_l2)
{
    cpu_machine m = fixture_machine(4, 1);
    m.kinds[0].l2_shared = 2;
    cpu_memory mem;
    cpu_memory_init(&mem, &m);
    ck_assert_uint_eq(mem.n_clusters, 2);
    cpu_mem_result r;
    access_line(&mem, 0, 5, true, false, 0, &r);
    ck_assert_int_eq(r.level, CPU_LEVEL_MEM);
    access_line(&mem, 1, 5, false, false, 100000, &r); /* the neighbour's copy is dirty in its L1D */
    ck_assert_int_eq(r.level, CPU_LEVEL_L2);
    ck_assert_uint_eq(r.forwards, 1);
    ck_assert(!(*cpu_cache_peek(&mem.cores[0].l1d, 5) & CPU_LINE_DIRTY));
    ck_assert(*cpu_cache_peek(&mem.cores[1].l1d, 5) & CPU_LINE_SHARED);
    access_line(&mem, 1, 5, true, false, 100000, &r);
    ck_assert(!has(&mem.cores[0].l1d, 5));
    ck_assert_uint_eq(r.invalidations, 1);
    access_line(&mem, 2, 5, false, false, 100000, &r); /* behind the other L2 */
    ck_assert_int_eq(r.level, CPU_LEVEL_LLC);
    ck_assert(!(*cpu_cache_peek(&mem.cores[1].l1d, 5) & CPU_LINE_DIRTY));
    cpu_memory_clear(&mem);
}
END_TEST

/* After any sequence of accesses: a line that one core may write without asking is nowhere else. */
static void check_single_writer(const cpu_memory *m, unsigned lines)
{
    for (uint64_t line = 0; line < lines; line++) {
        int holders = 0, writers = 0;
        for (unsigned i = 0; i < m->desc->n_cores; i++) {
            const uint64_t *word = cpu_cache_peek(&m->cores[i].l1d, line_of(1, line));
            holders += word != NULL;
            writers += word && !(*word & CPU_LINE_SHARED);
        }
        ck_assert_msg(writers == 0 || holders == 1, "line %u: %d holders, %d writers", (unsigned)line, holders, writers);
    }
}

/* What the accounts say is what the sets hold. */
static void check_accounts(const cpu_cache *c)
{
    static uint32_t owned[1 << CPU_OWNER_BITS], dirty[1 << CPU_OWNER_BITS];
    memset(owned, 0, sizeof owned);
    memset(dirty, 0, sizeof dirty);
    uint64_t valid = 0, written = 0;
    for (uint64_t i = 0; i < (uint64_t)c->sets << c->way_shift; i++)
        if (c->ways[i] != CPU_LINE_NONE) {
            valid++;
            owned[cpu_line_owner(c, c->ways[i])]++;
            dirty[cpu_line_owner(c, c->ways[i])] += cpu_cache_is_dirty(c, c->ways[i]);
        }
    ck_assert_uint_eq(valid, c->valid);
    for (unsigned o = 0; o < 8; o++) {
        ck_assert_uint_eq(owned[o], c->owned[o]);
        ck_assert_uint_eq(dirty[o], c->owned_dirty[o]);
        written += c->owned_writebacks[o];
    }
    ck_assert_uint_eq(written, c->writebacks);
}

static void check_all(const cpu_memory *m)
{
    for (unsigned i = 0; i < m->desc->n_cores; i++) {
        check_accounts(&m->cores[i].l1d);
        check_accounts(&m->cores[i].l1i);
    }
    for (unsigned i = 0; i < m->n_clusters; i++)
        check_accounts(&m->clusters[i].l2);
    for (unsigned p = 0; p < m->desc->n_packages && m->l3; p++)
        check_accounts(&m->packages[p].l3);
}

/* The lines (of owners below 3, numbers below 200) that a cache holds dirty. */
typedef bool dirty_set[3][200];

static void add_dirty(const cpu_cache *c, dirty_set set)
{
    for (uint64_t i = 0; i < (uint64_t)c->sets << c->way_shift; i++)
        if (cpu_cache_is_dirty(c, c->ways[i]))
            set[cpu_line_owner(c, c->ways[i])][(c->ways[i] >> 8) % 256] = true;
}

/* How many lines are newer than memory. */
static unsigned dirty_lines(const cpu_memory *m)
{
    dirty_set set = {{false}};
    for (unsigned i = 0; i < m->desc->n_cores; i++)
        add_dirty(&m->cores[i].l1d, set);
    for (unsigned i = 0; i < m->n_clusters; i++)
        add_dirty(&m->clusters[i].l2, set);
    for (unsigned p = 0; p < m->desc->n_packages && m->l3; p++)
        add_dirty(&m->packages[p].l3, set);
    unsigned n = 0;
    for (unsigned o = 0; o < 3; o++)
        for (unsigned i = 0; i < 200; i++)
            n += set[o][i];
    return n;
}

/* All kinds of machines under random accesses of three owners, with flushes. */
START_TEST(random_operations_balance)
{
    unsigned k = (unsigned)_i;
    cpu_machine m = fixture_machine(4, 1);
    m.n_packages = k & 1 ? 2 : 1;
    for (unsigned i = 0; i < 4; i++)
        m.core_package[i] = k & 1 ? (uint8_t)(i / 2) : 0;
    m.l3 = (cpu_cache_desc){.size = k / 2 % 4 ? 16384 : 0, .line = 64, .ways = 8, .latency = 40, .inclusion = (cpu_inclusion)(k / 2 % 4)};
    cpu_core_desc *c = &m.kinds[0];
    c->l1d = (cpu_cache_desc){.size = 1024, .line = 64, .ways = 4, .latency = 4, .policy = (cpu_replacement)(k % 5)};
    c->l1i = (cpu_cache_desc){.size = 1024, .line = 64, .ways = 4, .latency = 4, .policy = (cpu_replacement)((k + 1) % 5)};
    c->l2 = (cpu_cache_desc){.size = 4096, .line = 64, .ways = 8, .latency = 14, .policy = (cpu_replacement)((k + 2) % 5)};
    c->l2.inclusion = (cpu_inclusion)(k / 8 % 4);
    c->l2_shared = k / 3 % 2 ? 2 : 1;
    c->l1d_through = c->l2.inclusion != CPU_INCLUSION_EXCLUSIVE && k / 5 % 2;
    c->prefetch = (cpu_prefetch_desc){.l2 = k / 7 % 2 ? CPU_PREFETCH_STREAM | CPU_PREFETCH_PAIR : 0, .streams = 4, .stream_distance = 4, .stream_degree = 2};
    cpu_memory mem;
    cpu_memory_init(&mem, &m);
    if (k % 4 == 3)
        ck_assert(cpu_memory_way_mask(&mem, CPU_LEVEL_L2, 0, 1, 0x0f));
    uint64_t x = 88172645463325252u + k;
    unsigned dirty = 0;
    for (unsigned i = 0; i < 6000; i++) {
        uint64_t v = next(&x);
        unsigned owner = v % 3, core = v >> 8 & 3, number = (unsigned)(v >> 16) % 200;
        bool fetch = (v >> 40) % 8 == 0, write = !fetch && (v >> 44) % 3 == 0;
        cpu_mem_result r;
        access_line(&mem, core, line_of(owner, number), write, fetch, i * 64 * 20, &r);
        if (i < 1500) { /* what is written stays so until memory has it: nothing is lost */
            unsigned now = dirty_lines(&mem);
            ck_assert_msg(now + r.mem_writes >= dirty, "access %u of machine %u: %u lines dirty, then %u", i, k, dirty, now);
            ck_assert(!write || now > 0);
            dirty = now;
        }
        if (i % 50 == 0)
            check_single_writer(&mem, 200);
        if (i % 2000 == 1999) {
            check_all(&mem);
            cpu_flush_result f;
            cpu_memory_flush(&mem, core, i * 64 * 20, &f);
            ck_assert_uint_eq(mem.cores[core].l1d.valid + mem.cores[core].l1i.valid + mem.cores[core].l2->valid, 0);
            check_all(&mem);
        }
    }
    cpu_memory_clear(&mem);
}
END_TEST

START_TEST(nobody_is_asked_who_holds_nothing)
{
    cpu_machine m = fixture_machine(2, 1);
    m.l3.size = 0;
    cpu_memory mem;
    cpu_memory_init(&mem, &m);
    cpu_mem_result r;
    access_line(&mem, 0, line_of(1, 3), true, false, 0, &r);
    access_line(&mem, 1, line_of(2, 3), true, false, 0, &r);
    ck_assert_uint_eq(r.invalidations + r.forwards, 0);
    access_line(&mem, 1, line_of(1, 3), true, false, 0, &r); /* another core's modified line */
    ck_assert_uint_eq(r.invalidations, 1);
    ck_assert_uint_eq(r.forwards, 1);
    ck_assert_uint_eq(mem.clusters[0].invalidated, 1);
    ck_assert_uint_eq(mem.clusters[0].forwarded, 1);
    ck_assert_uint_eq(r.mem_writes, 1); /* over the bus, which memory sees */
    cpu_memory_clear(&mem);
}
END_TEST

/* ---- controls --------------------------------------------------------------------------------------------------- */

START_TEST(way_masks_confine_fills)
{
    cpu_machine m = fixture_machine(1, 1);
    cpu_memory mem;
    cpu_memory_init(&mem, &m);
    cpu_cache *l3 = &mem.packages[0].l3;
    ck_assert(!cpu_memory_way_mask(&mem, CPU_LEVEL_LLC, 0, 1, 0x30000)); /* of 16 ways */
    ck_assert(!cpu_memory_way_mask(&mem, CPU_LEVEL_LLC, 1, 1, 1));
    ck_assert(!cpu_memory_way_mask(&mem, CPU_LEVEL_L1, 0, 1, 1));
    ck_assert(cpu_memory_way_mask(&mem, CPU_LEVEL_LLC, 0, 1, 0x3));
    ck_assert(cpu_memory_way_mask(&mem, CPU_LEVEL_LLC, 0, 2, 0xfffc));
    cpu_mem_result r;
    for (unsigned i = 0; i < 1024 * 14; i++)
        access_line(&mem, 0, line_of(2, i), false, false, 0, &r);
    ck_assert_uint_eq(l3->owned[2], 1024 * 14);
    for (unsigned i = 0; i < 40000; i++)
        access_line(&mem, 0, line_of(1, i), false, false, 0, &r);
    ck_assert_uint_eq(l3->owned[1], 2048); /* two ways of 1,024 sets */
    ck_assert_uint_eq(l3->owned[2], 1024 * 14);
    ck_assert(cpu_memory_way_mask(&mem, CPU_LEVEL_LLC, 0, 1, 0x1));
    access_line(&mem, 0, line_of(1, 39999 - 1024), false, false, 0, &r); /* hits outside its ways are hits */
    ck_assert_int_le(r.level, CPU_LEVEL_LLC);
    cpu_memory_clear(&mem);
}
END_TEST

START_TEST(wbinvd_empties_all_levels)
{
    cpu_machine m = fixture_machine(2, 1);
    cpu_memory mem;
    cpu_memory_init(&mem, &m);
    cpu_mem_result r;
    for (unsigned i = 0; i < 2000; i++)
        access_line(&mem, i % 2, line_of(1 + i % 2, i), i % 4 < 2, false, 0, &r);
    cpu_cache *l3 = &mem.packages[0].l3;
    uint64_t held = l3->valid;
    cpu_flush_result f;
    cpu_memory_flush(&mem, 0, 1000, &f);
    ck_assert_uint_eq(f.written, 1000);
    ck_assert_uint_eq(mem.cores[0].l1d.valid + mem.cores[1].l1d.valid + mem.cores[1].l2->valid + l3->valid, 0);
    ck_assert_uint_eq(l3->flushes, 1);
    ck_assert_uint_eq(l3->flushed, held);
    ck_assert_uint_ge(f.end, 1000 + ((uint64_t)16384 << 6)); /* every place of L3 is looked at */
    cpu_memory_flush(&mem, 0, f.end, &f);
    ck_assert_uint_eq(f.written, 0);
    cpu_memory_clear(&mem);
}
END_TEST

START_TEST(write_backs_have_owners)
{
    cpu_machine m = fixture_machine(1, 1);
    cpu_memory mem;
    cpu_memory_init(&mem, &m);
    cpu_mem_result r;
    for (unsigned i = 0; i < 3000; i++)
        access_line(&mem, 0, line_of(1 + (i < 2000), i), true, false, 0, &r);
    const cpu_cache *l1 = &mem.cores[0].l1d, *l2 = mem.cores[0].l2;
    ck_assert_uint_eq(l1->owned_writebacks[1] + l1->owned_writebacks[2], l1->writebacks);
    ck_assert_uint_eq(l1->owned_writebacks[2], 2000);
    ck_assert_uint_eq(l1->owned_writebacks[1], 1000 - 128);
    ck_assert_uint_eq(l2->owned_writebacks[2], 2000 - (1024 - 1000)); /* what L2 still holds of them */
    cpu_memory_clear(&mem);
}
END_TEST

/* ---- requests under way ------------------------------------------------------------------------------------------ */

START_TEST(requests_for_a_line_merge)
{
    cpu_machine m = fixture_machine(2, 1);
    m.kinds[0].l2_shared = 2;
    cpu_memory mem;
    cpu_memory_init(&mem, &m);
    cpu_mem_result a, b;
    cpu_memory_miss(&mem, 0, 9, false, false, 0, &a);
    cpu_memory_miss(&mem, 1, 9, false, false, 40 * 64, &b); /* 40 cycles later: the rest of the time */
    ck_assert_uint_eq(b.latency, a.latency - 40);
    ck_assert_uint_eq(b.mem_reads, 0);
    cpu_memory_clear(&mem);
}
END_TEST

START_TEST(l2_has_so_many_requests_under_way)
{
    cpu_machine m = fixture_machine(1, 1);
    m.kinds[0].l2_mshrs = 2;
    cpu_memory mem;
    cpu_memory_init(&mem, &m);
    cpu_mem_result r[3];
    for (unsigned i = 0; i < 3; i++)
        cpu_memory_miss(&mem, 0, i, false, false, 0, &r[i]);
    ck_assert_uint_le(r[1].latency, r[0].latency + 2);
    ck_assert_uint_ge(r[2].latency, 2 * r[0].latency - 10);
    cpu_memory_clear(&mem);
}
END_TEST

/* ---- memory ------------------------------------------------------------------------------------------------------ */

static uint32_t latency_of(cpu_memory *mem, uint64_t line, uint64_t at)
{
    cpu_mem_result r;
    cpu_memory_miss(mem, 0, line, false, false, at, &r);
    ck_assert_int_eq(r.level, CPU_LEVEL_MEM);
    return r.latency;
}

START_TEST(rows_open_and_conflict)
{
    cpu_machine m = fixture_machine(1, 1);
    m.dram = (cpu_dram_desc){.banks = 8, .row = 8192, .rcd = 14000, .rp = 13000, .cas = 14000};
    cpu_memory mem;
    cpu_memory_init(&mem, &m);
    uint32_t closed = latency_of(&mem, 0, 0);
    ck_assert_uint_eq(closed, 40 + 100 - 4);
    ck_assert_uint_eq(latency_of(&mem, 1, 64000), closed - 14);       /* the open row */
    ck_assert_uint_eq(latency_of(&mem, 128 * 9, 128000), closed + 13); /* another row of the bank: 9 ^ 1 is 0 of eight */
    ck_assert_uint_eq(latency_of(&mem, 128, 192000), closed);          /* another bank */
    ck_assert_uint_eq(mem.packages[0].dram.row_hits, 1);
    ck_assert_uint_eq(mem.packages[0].dram.row_misses, 2);
    ck_assert_uint_eq(mem.packages[0].dram.row_conflicts, 1);
    ck_assert_uint_ge(latency_of(&mem, 128 * 18, 192000), closed + 13); /* bank 0 again, free by then */
    ck_assert_uint_gt(latency_of(&mem, 128 * 27, 192000), closed + 13 + 13 + 14); /* ... and not free */
    cpu_memory_clear(&mem);
}
END_TEST

START_TEST(channels_share_the_bandwidth)
{
    cpu_machine m = fixture_machine(1, 1);
    m.mem_bandwidth = 64000000; /* a line per microsecond, on two channels each per two */
    m.mem_channels = 2;
    cpu_memory mem;
    cpu_memory_init(&mem, &m);
    uint32_t alone = latency_of(&mem, 0, 0);
    ck_assert_uint_eq(latency_of(&mem, 1, 0), alone);
    ck_assert_uint_eq(latency_of(&mem, 2, 0), alone + 2000);
    cpu_memory_clear(&mem);
}
END_TEST

START_TEST(packages_share_a_bus)
{
    cpu_machine m = fixture_machine(2, 1);
    m.n_packages = 2;
    m.core_package[1] = 1;
    cpu_mem_result r[2][2];
    for (unsigned bus = 0; bus < 2; bus++) {
        m.bus_bandwidth = bus ? 64000000 : 0;
        cpu_memory mem;
        cpu_memory_init(&mem, &m);
        for (unsigned core = 0; core < 2; core++)
            cpu_memory_miss(&mem, core, 100 + core, false, false, 0, &r[bus][core]);
        cpu_memory_clear(&mem);
    }
    ck_assert_uint_eq(r[0][1].latency, r[0][0].latency);
    ck_assert_uint_eq(r[1][1].latency, r[1][0].latency + 1000);
}
END_TEST

/* ---- page walks -------------------------------------------------------------------------------------------------- */

static uint64_t reads_of(cpu_memory *mem, uint64_t key, uint64_t at, uint32_t *cycles)
{
    cpu_mem_result r;
    uint64_t before = mem->cores[0].walk_reads;
    *cycles = cpu_memory_walk(mem, 0, key, at, &r);
    return mem->cores[0].walk_reads - before;
}

START_TEST(walks_read_the_tables)
{
    cpu_machine m = fixture_machine(1, 1);
    m.hashed_pages = true;
    m.kinds[0].walk = (cpu_walk_desc){.enabled = true, .cached = {16, 4, 2}};
    cpu_memory mem;
    cpu_memory_init(&mem, &m);
    const uint64_t key = UINT64_C(1) << CPU_VPN_BITS | 0x12345678, later = 100000;
    uint32_t cycles;
    ck_assert_uint_eq(reads_of(&mem, key, 0, &cycles), 4);
    ck_assert_uint_eq(cycles, 4 * 140); /* each from memory, one after the other */
    ck_assert_uint_eq(reads_of(&mem, key + 1, later, &cycles), 1); /* the directory's entry is cached, the table's line in L2 */
    ck_assert_uint_eq(cycles, 14);
    ck_assert_uint_eq(reads_of(&mem, key + 512, 2 * later, &cycles), 2); /* the next table */
    ck_assert_uint_eq(reads_of(&mem, key + (1u << 18), 3 * later, &cycles), 3);
    ck_assert_uint_eq(mem.cores[0].l2->owned[1], 4 + 1 + 2); /* as lines of the owner; a next entry is in a line that is there */
    cpu_memory_flush_structures(&mem, 0);
    ck_assert_uint_eq(reads_of(&mem, key, 4 * later, &cycles), 4);
    ck_assert_uint_eq(cycles, 4 * 14);
    cpu_memory_clear(&mem);
}
END_TEST

START_TEST(nested_walks_have_two_dimensions)
{
    cpu_machine m = fixture_machine(1, 1);
    m.kinds[0].walk = (cpu_walk_desc){.enabled = true, .nested = true};
    cpu_memory mem;
    cpu_memory_init(&mem, &m);
    uint32_t cycles;
    ck_assert_uint_eq(reads_of(&mem, UINT64_C(1) << CPU_VPN_BITS | 77, 0, &cycles), 24);
    ck_assert_uint_eq(reads_of(&mem, 77, 0, &cycles), 4); /* the VMM's own pages */
    cpu_memory_clear(&mem);
    m.kinds[0].walk = (cpu_walk_desc){.enabled = true, .nested = true, .cached = {16, 4, 2}, .nested_tlb = 16};
    cpu_memory_init(&mem, &m);
    reads_of(&mem, UINT64_C(1) << CPU_VPN_BITS | 77, 0, &cycles);
    ck_assert_uint_eq(reads_of(&mem, UINT64_C(1) << CPU_VPN_BITS | 78, 0, &cycles), 2); /* the guest's entry, the page in the host's table */
    cpu_memory_clear(&mem);
}
END_TEST

START_TEST(large_pages_are_whole)
{
    cpu_machine m = fixture_machine(1, 1);
    m.hashed_pages = true;
    m.page_size = 2 << 20;
    m.kinds[0].walk.enabled = true;
    cpu_memory mem;
    cpu_memory_init(&mem, &m);
    uint64_t first = cpu_memory_page(&mem, 0x1400), second = cpu_memory_page(&mem, 0x1600);
    for (uint64_t i = 0; i < 512; i++)
        ck_assert_uint_eq(cpu_memory_page(&mem, 0x1400 + i), first + i * 4096);
    ck_assert_uint_ne(second, first + (2 << 20));
    uint32_t cycles;
    ck_assert_uint_eq(reads_of(&mem, 0x1400, 0, &cycles), 3);
    cpu_memory_clear(&mem);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("cpu-memory");
    TCase *t = tcase_create("memory");
    tcase_add_test(t, inclusive_l2_takes_lines_back);
    tcase_add_test(t, exclusive_l2_holds_what_l1_does_not);
    tcase_add_test(t, exclusive_l3_is_a_victim_cache);
    tcase_add_test(t, nine_l3_leaves_lines_above_alone);
    tcase_add_test(t, write_through_leaves_nothing_to_write_back);
    tcase_add_test(t, cores_share_an_l2);
    tcase_add_loop_test(t, random_operations_balance, 0, 64);
    tcase_add_test(t, nobody_is_asked_who_holds_nothing);
    tcase_add_test(t, way_masks_confine_fills);
    tcase_add_test(t, wbinvd_empties_all_levels);
    tcase_add_test(t, write_backs_have_owners);
    tcase_add_test(t, requests_for_a_line_merge);
    tcase_add_test(t, l2_has_so_many_requests_under_way);
    tcase_add_test(t, rows_open_and_conflict);
    tcase_add_test(t, channels_share_the_bandwidth);
    tcase_add_test(t, packages_share_a_bus);
    tcase_add_test(t, walks_read_the_tables);
    tcase_add_test(t, nested_walks_have_two_dimensions);
    tcase_add_test(t, large_pages_are_whole);
    suite_add_tcase(suite, t);
    return fixture_main(suite);
}
