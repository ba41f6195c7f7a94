/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "support.h"

#include "cpu-code.h"
#include "sim-error.h"
#include "tr-progress.h"
#include "wl-synthetic.h"

#include <stdlib.h>

/* ---- streams ------------------------------------------------------------------------------------------------------- */

static test_run *run_as(const char *name, const char *spec, uint64_t seed, uint32_t limit, uint64_t step)
{
    g_autoptr(GError) error = NULL;
    insn_code *code = cpu_code_new();
    insn_source *source = wl_synthetic_new(name, spec, seed, code, &error);
    ck_assert_msg(source != NULL, "%s: %s", spec, error ? error->message : "");
    test_run *run = test_consume(source, limit, step);
    insn_source_free(source);
    cpu_code_free(code);
    return run;
}

static test_run *run_of(const char *spec)
{
    return run_as("a", spec, 1, 8192, 0);
}

/* A stream's beginning, in full. */
typedef struct {
    insn_code *code;
    GArray *blocks; /* of const insn_block_facts * */
    GArray *addrs;  /* of uint64_t */
} stream;

static stream read_stream(const char *spec, unsigned blocks)
{
    stream s = { cpu_code_new(), g_array_new(FALSE, FALSE, sizeof(insn_block_facts *)), g_array_new(FALSE, FALSE, sizeof(uint64_t)) };
    insn_source *source = wl_synthetic_new("a", spec, 1, s.code, NULL);
    insn_batch batch;
    ck_assert_ptr_nonnull(source);
    do {
        insn_source_fill(source, 0, 1, &batch);
        ck_assert_uint_le(batch.n_blocks, TR_BATCH_BLOCKS);
        ck_assert_uint_le(batch.n_addrs, TR_BATCH_ADDRS);
        for (uint32_t i = 0; i < batch.n_blocks; i++) {
            const insn_block_facts *f = s.code->facts(s.code, batch.blocks[i]);
            g_array_append_val(s.blocks, f);
        }
        g_array_append_vals(s.addrs, batch.addrs, batch.n_addrs);
    } while (s.blocks->len < blocks && batch.event.kind != INSN_EVENT_END);
    ck_assert_uint_ge(s.blocks->len, blocks);
    insn_source_free(source);
    return s;
}

static void clear_stream(stream *s)
{
    g_array_free(s->blocks, TRUE);
    g_array_free(s->addrs, TRUE);
    cpu_code_free(s->code);
}

static const insn_block_facts *block_at(const stream *s, unsigned i)
{
    return g_array_index(s->blocks, const insn_block_facts *, i);
}

static uint64_t addr_at(const stream *s, unsigned i)
{
    return g_array_index(s->addrs, uint64_t, i);
}

/* What each conditional branch did, '1' for taken. The branches lie in the block that comes first. */
static GString *outcomes(const stream *s)
{
    GString *out = g_string_new(NULL);
    const insn_block_facts *head = block_at(s, 0);
    for (unsigned i = 0; i + 1 < s->blocks->len; i++)
        if (block_at(s, i) == head)
            g_string_append_c(out, block_at(s, i + 1)->addr == head->addr + head->bytes ? '0' : '1');
    return out;
}

/* ---- tests --------------------------------------------------------------------------------------------------------- */

static const char *const by_chance[] = { "random insns=4k", "chase insns=4k", "branch insns=4k", "branch entropy=0 pattern=64 insns=4k",
                                         "branch taken=1 indirect=9 insns=4k", "code insns=64k" };

START_TEST(seed_and_name_decide)
{
    const char *spec = by_chance[_i];
    g_autoptr(test_run) a = run_of(spec), same = run_of(spec), seed = run_as("a", spec, 2, 8192, 0), name = run_as("b", spec, 1, 8192, 0);
    ck_assert_uint_eq(a->digest, same->digest);
    ck_assert_uint_ne(a->digest, seed->digest);
    ck_assert_uint_ne(a->digest, name->digest);
    ck_assert_uint_eq(a->insns, seed->insns);
}
END_TEST

#define MIXED "random ws=1MiB stores=30% insns=100k; branch entropy=0.5 indirect=5 insns=50k; sleep 1ms; code ws=64KiB insns=40k; chase insns=20k; repeat 3"

START_TEST(limit_and_time_decide_nothing)
{
    g_autoptr(test_run) a = run_of(MIXED), short_batches = run_as("a", MIXED, 1, 1, 1000), odd = run_as("a", MIXED, 1, 333, 77777);
    ck_assert_uint_eq(a->digest, short_batches->digest);
    ck_assert_uint_eq(a->digest, odd->digest);
}
END_TEST

/* Counts are exact: up to the end of the block that reaches `insns`. */
static const struct {
    const char *spec;
    uint64_t insns, loads, stores, touched;
} counts[] = {
    { "loop", 1000000, 0, 0, 4096 },
    { "loop body=7 insns=70000", 70000, 0, 0, 4096 },
    { "loop body=128 insns=1", 128, 0, 0, 4096 },
    { "stream insns=4M", 4000000, 1000000, 0, 8 * MIB },
    { "stream ws=1MiB stores=25% insns=400k", 400000, 75000, 25000, MIB },
    { "stream stores=90% insns=400k ws=4KiB", 400000, 10000, 90000, 4096 },
    { "stream stores=100% insns=400k", 400000, 0, 100000, 8 * MIB },
    { "chase insns=40k", 40000, 10000, 0, 4 * MIB },
    { "random stores=0.5 insns=40001", 40004, 5001, 5000, 4 * MIB },
    { "branch insns=80k", 80000, 0, 0, 4096 },
    { "branch body=10 indirect=4 insns=140k", 140000, 0, 0, 4096 },
    { "code insns=160k", 160000, 0, 0, 256 << 10 },
    { "loop insns=160; chase insns=40; stream insns=80 ; repeat 10 ;", 2800, 300, 0, 4096 + 12 * MIB },
};

START_TEST(counts_are_exact)
{
    g_autoptr(test_run) run = run_of(counts[_i].spec);
    ck_assert_uint_eq(run->insns, counts[_i].insns);
    ck_assert_uint_eq(run->loads, counts[_i].loads);
    ck_assert_uint_eq(run->stores, counts[_i].stores);
    ck_assert_uint_eq(run->report.touched_bytes, counts[_i].touched);
    ck_assert_uint_eq(run->events->len, 1);
    ck_assert_int_eq(test_last(run)->kind, INSN_EVENT_END);
    ck_assert_uint_eq(test_last(run)->arg0, 0);
}
END_TEST

START_TEST(events_in_order)
{
    static const insn_event expect[] = { { .kind = INSN_EVENT_SLEEP, .arg0 = 1500000 }, { .kind = INSN_EVENT_IO, .arg0 = 65536 },
                                         { .kind = INSN_EVENT_IO, .arg0 = 512, .arg1 = 1 }, { .kind = INSN_EVENT_YIELD } };
    g_autoptr(test_run) run = run_of("sleep 1.5ms; loop insns=32; io 64KiB; io 512B write; yield; repeat 2");
    ck_assert_uint_eq(run->events->len, 9);
    for (unsigned i = 0; i < 8; i++) {
        const insn_event *e = &g_array_index(run->events, insn_event, i);
        ck_assert_int_eq(e->kind, expect[i % 4].kind);
        ck_assert_uint_eq(e->arg0, expect[i % 4].arg0);
        ck_assert_uint_eq(e->arg1, expect[i % 4].arg1);
    }
    ck_assert_int_eq(test_last(run)->kind, INSN_EVENT_END);
    ck_assert_uint_eq(run->insns, 64);
}
END_TEST

START_TEST(forever_does_not_end)
{
    stream s = read_stream("loop insns=2 body=2; repeat forever", 100000);
    clear_stream(&s);
}
END_TEST

/* Working sets of other sizes than powers of two as well; the same way in every round. */
static const struct {
    const char *spec;
    unsigned lines;
} chases[] = { { "chase ws=4KiB", 64 }, { "chase ws=100KiB", 1600 }, { "chase ws=1MiB insns=1G", 16384 }, { "chase ws=5000B", 78 } };

START_TEST(chase_visits_each_line_once_a_round)
{
    const unsigned n = chases[_i].lines;
    stream s = read_stream(chases[_i].spec, 2 * n);
    g_autofree uint8_t *seen = g_new0(uint8_t, n);
    uint64_t base = UINT64_MAX;
    unsigned strides = 0;
    for (unsigned i = 0; i < n; i++)
        base = MIN(base, addr_at(&s, i));
    for (unsigned i = 0; i < n; i++) {
        uint64_t line = (addr_at(&s, i) - base) / 64;
        ck_assert_uint_lt(line, n);
        ck_assert_uint_eq(seen[line]++, 0);
        ck_assert_uint_eq(addr_at(&s, i), addr_at(&s, n + i));
        strides += i >= 2 && addr_at(&s, i) - addr_at(&s, i - 1) == addr_at(&s, i - 1) - addr_at(&s, i - 2);
    }
    ck_assert_uint_le(strides, n / 16); /* no prefetcher finds one */
    clear_stream(&s);
}
END_TEST

/* A chase's next address is what its load brings; a random access's is not. */
START_TEST(only_chases_wait_for_their_loads)
{
    static const char *const specs[] = { "chase", "random", "stream" };
    for (unsigned i = 0; i < 3; i++) {
        stream s = read_stream(specs[i], 2);
        const cpu_block *b = cpu_code_block(s.code, block_at(&s, 0)->id);
        bool waits = false;
        for (unsigned k = 0; k < b->n_written; k++)
            waits |= b->addr_deps[0].regs >> b->written[k] & 1 && b->written_deps[k].slots;
        ck_assert_int_eq(waits, i == 0);
        clear_stream(&s);
    }
}
END_TEST

START_TEST(stream_strides_through_its_set)
{
    stream s = read_stream("stream ws=64KiB stride=256 stores=25%", 10000);
    uint64_t base = addr_at(&s, 0);
    for (unsigned i = 0; i < 10000; i++)
        ck_assert_uint_eq(addr_at(&s, i), base + i % 256 * 256);
    for (unsigned i = 0; i < 10000; i++) /* stores are spread evenly */
        ck_assert_uint_eq(block_at(&s, i)->slots[0].flags, i % 4 == 3 ? INSN_ACCESS_STORE : INSN_ACCESS_LOAD);
    clear_stream(&s);
}
END_TEST

/* However loads and stores alternate, no branch has two targets: none is mispredicted for that. */
START_TEST(accesses_keep_their_targets)
{
    static const char *const specs[] = { "stream stores=25%", "stream stores=80%", "random stores=50%", "stream stores=100%" };
    for (unsigned i = 0; i < G_N_ELEMENTS(specs); i++) {
        stream s = read_stream(specs[i], 1000);
        uint64_t targets[2] = { 0 }; /* there are two blocks */
        for (unsigned k = 0; k < 999; k++) {
            const insn_block_facts *f = block_at(&s, k);
            uint64_t next = block_at(&s, k + 1)->addr;
            if (next == f->addr + f->bytes)
                continue;
            ck_assert(targets[f->id] == 0 || targets[f->id] == next);
            targets[f->id] = next;
        }
        clear_stream(&s);
    }
}
END_TEST

START_TEST(random_fills_its_set)
{
    stream s = read_stream("random ws=64KiB", 60000);
    g_autofree unsigned *seen = g_new0(unsigned, 8192);
    uint64_t base = addr_at(&s, 0) & ~UINT64_C(65535);
    for (unsigned i = 0; i < 60000; i++) {
        ck_assert_uint_lt(addr_at(&s, i) - base, 65536);
        seen[(addr_at(&s, i) - base) / 8]++;
    }
    unsigned empty = 0;
    for (unsigned i = 0; i < 8192; i++)
        empty += !seen[i];
    ck_assert_uint_le(empty, 15); /* 8192 / e^7.3 = 5.4 */
    clear_stream(&s);
}
END_TEST

/* Code and data of all phases lie apart, however many phases there are. */
START_TEST(phases_keep_apart)
{
    g_autoptr(GString) spec = g_string_new(NULL);
    for (unsigned i = 0; i < 255; i++)
        g_string_append(spec, i % 2 ? "random ws=16GiB insns=400;" : "branch body=128 indirect=256 insns=26000;");
    g_string_append(spec, "code ws=4MiB insns=1M;");
    insn_code *code = cpu_code_new();
    insn_source *source = wl_synthetic_new("a", spec->str, 1, code, NULL);
    uint64_t end_of_code = 0, first_data = UINT64_MAX, end_of_set = 0, sets = 0;
    uint64_t n_data = 0;
    for (uint32_t i = 0; i < cpu_code_count(code); i++) {
        const insn_block_facts *f = code->facts(code, i);
        ck_assert_uint_ge(f->addr, end_of_code); /* blocks are defined in the order of their addresses */
        end_of_code = f->addr + f->bytes;
    }
    insn_batch batch;
    do {
        insn_source_fill(source, 0, 1, &batch);
        for (uint32_t i = 0; i < batch.n_addrs; i++, n_data++) {
            first_data = MIN(first_data, batch.addrs[i]);
            if (n_data % 100 == 0) { /* the next phase's */
                ck_assert_uint_ge(batch.addrs[i], end_of_set);
                sets++;
            }
            end_of_set = MAX(end_of_set, batch.addrs[i] + 8);
        }
    } while (batch.event.kind != INSN_EVENT_END);
    ck_assert_uint_eq(sets, 127);
    ck_assert_uint_le(end_of_code, first_data);
    ck_assert_uint_lt(end_of_set, UINT64_C(1) << 47);
    insn_source_free(source);
    cpu_code_free(code);
}
END_TEST

static const struct {
    const char *spec;
    double taken; /* share expected, in 40,000 outcomes */
    unsigned period; /* or 0 */
} branches[] = {
    { "branch insns=1M", 0.5, 0 },
    { "branch taken=90% insns=1M", 0.9, 0 },
    { "branch taken=0 insns=1M", 0, 1 },
    { "branch taken=1 insns=1M", 1, 1 },
    { "branch entropy=0 pattern=10 taken=30% insns=1M", 0.3, 10 },
    { "branch entropy=0 pattern=64 insns=1M indirect=7", 0.5, 64 },
    { "branch entropy=0.2 pattern=4 taken=25% insns=1M", 0.25, 0 },
};

START_TEST(branches_are_taken_as_told)
{
    stream s = read_stream(branches[_i].spec, 120000);
    g_autoptr(GString) out = outcomes(&s);
    unsigned taken = 0, agree = 0, period = branches[_i].period;
    ck_assert_uint_ge(out->len, 39999);
    for (unsigned i = 0; i < 39999; i++) {
        taken += out->str[i] == '1';
        agree += i >= 64 && period && out->str[i] == out->str[i - period];
    }
    ck_assert_double_eq_tol(taken / 39999.0, branches[_i].taken, 0.01);
    if (period)
        ck_assert_uint_eq(agree, 39999 - 64);
    clear_stream(&s);
}
END_TEST

/* With entropy e of a fair coin, an outcome of the pattern comes out differently with probability e / 2. */
START_TEST(entropy_is_the_share_of_chance)
{
    stream s = read_stream("branch entropy=0.4 pattern=8 insns=1M", 120000);
    g_autoptr(GString) out = outcomes(&s);
    unsigned wrong = 0;
    for (unsigned place = 0; place < 8; place++) {
        unsigned ones = 0;
        for (unsigned i = place; i < 40000 - 8; i += 8)
            ones += out->str[i] == '1';
        wrong += MIN(ones, 4999 - ones);
    }
    ck_assert_double_eq_tol(wrong / 39992.0, 0.2, 0.01);
    clear_stream(&s);
}
END_TEST

START_TEST(indirect_branches_reach_all_targets)
{
    stream s = read_stream("branch indirect=20 insns=1M", 30000);
    g_autoptr(GHashTable) targets = g_hash_table_new(NULL, NULL);
    for (unsigned i = 2; i < 30000; i += 3)
        g_hash_table_add(targets, GUINT_TO_POINTER((unsigned)block_at(&s, i)->addr));
    ck_assert_uint_eq(g_hash_table_size(targets), 20);
    ck_assert_int_eq(cpu_code_block(s.code, block_at(&s, 1)->id)->branch, CPU_BR_IJUMP);
    clear_stream(&s);
}
END_TEST

START_TEST(code_walks_through_all_of_it)
{
    stream s = read_stream("code ws=64KiB insns=1M", 2048);
    uint8_t seen[1024] = { 0 };
    unsigned next_line = 0;
    for (unsigned i = 0; i < 1024; i++) {
        const insn_block_facts *f = block_at(&s, i);
        ck_assert_uint_eq(f->bytes, 64);
        ck_assert_uint_eq(seen[f->addr / 64 % 1024]++, 0);
        ck_assert_ptr_eq(block_at(&s, i + 1024), f);
        next_line += block_at(&s, i + 1)->addr == f->addr + 64;
    }
    ck_assert_uint_le(next_line, 8); /* by chance */
    clear_stream(&s);
}
END_TEST

START_TEST(loop_of_operations)
{
    static const struct { const char *name; insn_op op; } ops[] = { { "int", INSN_OP_INT }, { "mul", INSN_OP_MUL }, { "div", INSN_OP_DIV },
        { "fp-add", INSN_OP_FP_ADD }, { "fp-mul", INSN_OP_FP_MUL }, { "fp-div", INSN_OP_FP_DIV }, { "vec", INSN_OP_VEC } };
    for (unsigned i = 0; i < G_N_ELEMENTS(ops); i++) {
        g_autofree char *spec = g_strdup_printf("loop op=%s body=13 ilp=6", ops[i].name);
        stream s = read_stream(spec, 2);
        const insn_block_facts *f = block_at(&s, 0);
        ck_assert_uint_eq(f->n_insns, 13);
        for (unsigned k = 0; k < 13; k++)
            ck_assert_uint_eq(((const insn_abstract *)(const void *)f->code)[k].op, k < 12 ? ops[i].op : INSN_OP_COND);
        ck_assert_uint_eq(cpu_code_block(s.code, f->id)->n_written, 6); /* one register per chain */
        ck_assert_ptr_eq(block_at(&s, 1), f);
        clear_stream(&s);
    }
}
END_TEST

/* ---- errors -------------------------------------------------------------------------------------------------------- */

static const struct {
    const char *spec, *message; /* glob */
} errors[] = {
    { "", "synthetic: is empty; valid: loop, *" },
    { "lop", "synthetic: there is no phase 'lop'; did you mean 'loop'?" },
    { "loop; strem", "synthetic: phase 2: there is no phase 'strem'; did you mean 'stream'?" },
    { "loop; ; loop", "synthetic: phase 2: is empty; *" },
    { "loop bdy=3", "synthetic: 'loop' has no parameter 'bdy'; did you mean 'body'?" },
    { "loop ws=1MiB", "synthetic: 'loop' has no parameter 'ws'; *" },
    { "loop 16", "synthetic: '16': a parameter is written key=value" },
    { "loop body=3 body=4", "synthetic: body is given twice" },
    { "loop body=1", "synthetic: body=1 is outside 2 to 128" },
    { "loop insns=many", "synthetic: insns: *'many'*" },
    { "loop insns=0", "synthetic: insns=0 is outside 1 to *" },
    { "loop op=mull", "synthetic: there is no operation 'mull'; did you mean 'mul'?" },
    { "stream ws=8", "synthetic: ws: *'8'*" },
    { "stream ws=17GiB", "synthetic: ws=17GiB is outside 4KiB to 16GiB" },
    { "stream ws=4KiB stride=8KiB", "synthetic: stride is larger than ws" },
    { "stream stride=2MiB", "synthetic: stride=2MiB is outside 1B to 1MiB" },
    { "stream stride=wide", "synthetic: stride: *'wide'*" },
    { "stream stores=110%", "synthetic: stores: '110%' is not between 0 and 100%" },
    { "stream stores=nan", "synthetic: stores: 'nan' is not between 0 and 100%" },
    { "stream stores=half", "synthetic: stores: 'half' is not a share*" },
    { "code ws=8MiB", "synthetic: ws=8MiB is outside 4KiB to 4MiB" },
    { "code ws=3MiB; code ws=2MiB", "synthetic: the phases of code walk through 5120KiB in all; at most 4096KiB" },
    { "sleep", "synthetic: a sleep is written 'sleep 1ms' or 'sleep 1ms jitter=200us'" },
    { "loop; sleep 5", "synthetic: phase 2: sleep: *'5'*" },
    { "loop; sleep 2000000s", "synthetic: phase 2: sleep: *" },
    { "loop; io 5MiB read", "synthetic: phase 2: a disk request is written *" },
    { "loop; io 0B", "synthetic: phase 2: io: 0B is outside *" },
    { "loop; yield now", "synthetic: phase 2: 'yield' has no parameters" },
    { "repeat 2; loop", "synthetic: phase 1: 'repeat N' or 'repeat forever' stands at the end" },
    { "loop; repeat 0", "synthetic: phase 2: repeat: '0' is neither *" },
    { "loop; repeat often", "synthetic: phase 2: repeat: 'often' is neither *" },
    { "sleep 1ms; repeat forever", "synthetic: no phase of it executes instructions*" },
};

START_TEST(errors_say_what_and_where)
{
    g_autoptr(GError) error = NULL, again = NULL;
    insn_code *code = cpu_code_new();
    ck_assert(!wl_synthetic_check(errors[_i].spec, &error));
    ck_assert(error->domain == SIM_ERROR && error->code == SIM_ERROR_INPUT);
    ck_assert_msg(g_pattern_match_simple(errors[_i].message, error->message), "%s", error->message);
    ck_assert_ptr_null(wl_synthetic_new("a", errors[_i].spec, 1, code, &again));
    ck_assert_str_eq(again->message, error->message);
    cpu_code_free(code);
}
END_TEST

START_TEST(too_many_phases)
{
    g_autoptr(GString) spec = g_string_new("loop");
    for (unsigned i = 1; i < 256; i++)
        g_string_append(spec, ";loop");
    ck_assert(wl_synthetic_check(spec->str, NULL));
    g_string_append(spec, ";loop");
    ck_assert(!wl_synthetic_check(spec->str, NULL));
}
END_TEST

TCase *synthetic_tests(void)
{
    TCase *t = tcase_create("synthetic");
    tcase_add_loop_test(t, seed_and_name_decide, 0, G_N_ELEMENTS(by_chance));
    tcase_add_test(t, limit_and_time_decide_nothing);
    tcase_add_loop_test(t, counts_are_exact, 0, G_N_ELEMENTS(counts));
    tcase_add_test(t, events_in_order);
    tcase_add_test(t, forever_does_not_end);
    tcase_add_loop_test(t, chase_visits_each_line_once_a_round, 0, G_N_ELEMENTS(chases));
    tcase_add_test(t, only_chases_wait_for_their_loads);
    tcase_add_test(t, stream_strides_through_its_set);
    tcase_add_test(t, accesses_keep_their_targets);
    tcase_add_test(t, random_fills_its_set);
    tcase_add_test(t, phases_keep_apart);
    tcase_add_loop_test(t, branches_are_taken_as_told, 0, G_N_ELEMENTS(branches));
    tcase_add_test(t, entropy_is_the_share_of_chance);
    tcase_add_test(t, indirect_branches_reach_all_targets);
    tcase_add_test(t, code_walks_through_all_of_it);
    tcase_add_test(t, loop_of_operations);
    tcase_add_loop_test(t, errors_say_what_and_where, 0, G_N_ELEMENTS(errors));
    tcase_add_test(t, too_many_phases);
    return t;
}
