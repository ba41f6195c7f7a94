/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cpu-fixture.h"
#include "cpu-sched.h"

#include <string.h>

enum { LOAD = INSN_ACCESS_LOAD, STORE = INSN_ACCESS_STORE, RMW = LOAD | STORE, EIGHT = 3 << 2, NONE = INSN_REG_NONE };

static fixture_stream s;
static void setup(void) { fixture_stream_init(&s); }
static void teardown(void) { fixture_stream_clear(&s); }

static insn_abstract insn(insn_op op, unsigned dst, unsigned src)
{
    insn_abstract a = {.size = 4, .op = (uint8_t)op};
    memset(a.src, INSN_REG_NONE, sizeof a.src);
    memset(a.dst, INSN_REG_NONE, sizeof a.dst);
    memset(a.addr, INSN_REG_NONE, sizeof a.addr);
    a.dst[0] = (uint8_t)dst;
    a.src[0] = (uint8_t)src;
    return a;
}

static insn_abstract with_access(insn_abstract a, unsigned flags, unsigned addr)
{
    a.access[a.n_accesses++] = (uint8_t)(flags | EIGHT);
    a.addr[0] = (uint8_t)addr;
    return a;
}

static const insn_block_facts *define(uint64_t addr, const insn_abstract *insns, unsigned n)
{
    return s.code->define(s.code, addr, (const uint8_t *)insns, (uint16_t)(n * sizeof *insns), INSN_BLOCK_ABSTRACT, NULL, 0);
}

static const cpu_block *block(const insn_abstract *insns, unsigned n)
{
    const insn_block_facts *f = define(0x1000, insns, n);
    ck_assert_ptr_nonnull(f);
    return cpu_code_block(s.code, f->id);
}

START_TEST(facts_come_from_the_descriptors)
{
    insn_abstract a[] = {with_access(insn(INSN_OP_MOVE, 1, NONE), LOAD, 0), with_access(insn(INSN_OP_INT, NONE, 1), RMW, 2), insn(INSN_OP_CALL, NONE, NONE)};
    a[0].size = 7;
    a[1].access[0] = RMW | 2 << 2;
    a[2] = with_access(a[2], STORE, 4);
    a[2].size = 5;
    const insn_block_facts *f = define(0x1000, a, 3);
    static const insn_access expect[] = {{8, LOAD, 0}, {4, RMW, 1}, {8, STORE, 2}};
    ck_assert_uint_eq(f->bytes, 16);
    ck_assert_uint_eq(f->last_at, 11);
    ck_assert_uint_eq(f->n_insns, 3);
    ck_assert_uint_eq(f->n_slots, 3);
    for (unsigned i = 0; i < 3; i++) {
        ck_assert_uint_eq(f->slots[i].size, expect[i].size);
        ck_assert_uint_eq(f->slots[i].flags, expect[i].flags);
        ck_assert_uint_eq(f->slots[i].insn, expect[i].insn);
    }
    ck_assert_uint_eq(f->code_bytes, sizeof a);
    ck_assert_mem_eq(f->code, a, sizeof a);
    ck_assert_uint_eq(f->flags, INSN_BLOCK_ABSTRACT);
    ck_assert_uint_eq(f->variant, 0);
    ck_assert_uint_eq(cpu_code_block(s.code, f->id)->fall, 0x1010);
    ck_assert_int_eq(cpu_code_block(s.code, f->id)->branch, CPU_BR_CALL);
    ck_assert_uint_eq(cpu_code_unknown(s.code), 0);
}
END_TEST

START_TEST(of_128_long_instructions)
{
    insn_abstract a[INSN_ABSTRACT_MAX + 1];
    for (unsigned i = 0; i <= INSN_ABSTRACT_MAX; i++) {
        a[i] = insn(INSN_OP_INT, i % 4, i % 4);
        a[i].size = 15;
    }
    ck_assert_uint_eq(define(0, a, INSN_ABSTRACT_MAX)->bytes, 15 * INSN_ABSTRACT_MAX);
    ck_assert_ptr_null(define(0, a, INSN_ABSTRACT_MAX + 1));
}
END_TEST

/* An abstract block costs what x86 code of the same shape does. */
START_TEST(costs_are_those_of_like_code)
{
    const insn_abstract chase = with_access(insn(INSN_OP_MOVE, 0, NONE), LOAD, 0), store = with_access(insn(INSN_OP_MOVE, NONE, 3), STORE, 7);
    insn_abstract add = insn(INSN_OP_INT, 0, 0), load_add = with_access(insn(INSN_OP_INT, 0, 0), LOAD, 3);
    insn_abstract add_to = with_access(insn(INSN_OP_INT, NONE, 0), RMW, 3);
    add.src[1] = 3;
    insn_abstract divide = insn(INSN_OP_DIV, 0, 0);
    divide.src[1] = 1;
    divide.src[2] = divide.dst[1] = 2;
    const struct { const char *hex; insn_abstract insn; } rows[] = {
        {"4801d8", add},                              /* add rax,rbx */
        {"480fafc0", insn(INSN_OP_MUL, 0, 0)},        /* imul rax,rax */
        {"f7f1", divide},                             /* div ecx */
        {"f20f58c0", insn(INSN_OP_FP_ADD, 16, 16)},   /* addsd xmm0,xmm0 */
        {"f20f59c0", insn(INSN_OP_FP_MUL, 16, 16)},   /* mulsd xmm0,xmm0 */
        {"f20f5ec0", insn(INSN_OP_FP_DIV, 16, 16)},   /* divsd xmm0,xmm0 */
        {"660ffec0", insn(INSN_OP_VEC, 16, 16)},      /* paddd xmm0,xmm0 */
        {"488b00", chase},                            /* mov rax,[rax] */
        {"48891f", store},                            /* mov [rdi],rbx */
        {"480303", load_add},                         /* add rax,[rbx] */
        {"480103", add_to},                           /* add [rbx],rax */
        {"90", insn(INSN_OP_MOVE, NONE, NONE)},       /* nop */
    };
    cpu_machine m = fixture_machine(1, 1);
    for (unsigned i = 0; i < G_N_ELEMENTS(rows); i++) {
        const cpu_block *x86 = fixture_block(&s, 0x1000, rows[i].hex), *abstract = block(&rows[i].insn, 1);
        ck_assert_msg(abstract->n_uops == x86->n_uops, "%s: %u, not %u micro-ops", rows[i].hex, abstract->n_uops, x86->n_uops);
        uint32_t expect = fixture_cost(&m.kinds[0], x86, x86), cost = fixture_cost(&m.kinds[0], abstract, abstract);
        ck_assert_msg(cost == expect, "%s: %u, not %u", rows[i].hex, cost, expect);
    }
}
END_TEST

START_TEST(values_flow_through_accesses)
{
    /* r1 = [r7]; r2 = [r1]; [r3] = r2 */
    insn_abstract a[] = {with_access(insn(INSN_OP_MOVE, 1, NONE), LOAD, 7), with_access(insn(INSN_OP_MOVE, 2, NONE), LOAD, 1),
                         with_access(insn(INSN_OP_MOVE, NONE, 2), STORE, 3)};
    const cpu_block *b = block(a, 3);
    ck_assert_uint_eq(b->addr_deps[0].regs, 1u << 7);
    ck_assert_uint_eq(b->addr_deps[1].slots, 1);
    ck_assert_uint_eq(b->addr_deps[1].regs, 1u << 7);
    ck_assert_uint_eq(b->addr_deps[2].slots, 3); /* the store waits for its data, too */
    ck_assert_uint_eq(b->reads, 1u << 3 | 1u << 7);
    ck_assert_uint_eq(b->writes, 1u << 1 | 1u << 2);
    ck_assert_uint_eq(b->n_loads, 2);
    ck_assert_uint_eq(b->n_stores, 1);
}
END_TEST

START_TEST(all_branches)
{
    static const cpu_branch_kind kinds[] = {[INSN_OP_COND] = CPU_BR_COND, [INSN_OP_JUMP] = CPU_BR_JUMP, [INSN_OP_CALL] = CPU_BR_CALL,
                                            [INSN_OP_RET] = CPU_BR_RET, [INSN_OP_IJUMP] = CPU_BR_IJUMP, [INSN_OP_ICALL] = CPU_BR_ICALL};
    for (unsigned op = 0; op < INSN_OP_COUNT; op++) {
        insn_abstract a[] = {insn(INSN_OP_INT, 0, 0), insn((insn_op)op, NONE, 0)};
        ck_assert_int_eq(block(a, 2)->branch, op < INSN_OP_COND ? CPU_BR_NONE : kinds[op]);
        insn_abstract back[] = {a[1], a[0]}; /* only the last may be one */
        ck_assert_int_eq(define(0x1000, back, 2) != NULL, op < INSN_OP_COND);
    }
}
END_TEST

START_TEST(variants_and_iterations)
{
    insn_abstract a[] = {with_access(with_access(insn(INSN_OP_INT, 1, 1), LOAD, 6), STORE, 7)};
    const uint8_t *bytes = (const uint8_t *)a;
    const insn_block_facts *f = define(0x1000, a, 1);
    const insn_block_facts *again = s.code->define(s.code, 0x1000, bytes, sizeof a, INSN_BLOCK_ABSTRACT | INSN_BLOCK_REP_AGAIN, NULL, 0);
    ck_assert_uint_eq(again->n_insns, 0);
    ck_assert_uint_eq(again->n_slots, 2);
    ck_assert_uint_eq(again->flags, INSN_BLOCK_FLAGS);
    static const insn_access seen[] = {{4, LOAD, 0}};
    const insn_block_facts *half = s.code->define(s.code, 0x1000, bytes, sizeof a, INSN_BLOCK_ABSTRACT, seen, 1);
    ck_assert_uint_eq(half->n_slots, 1);
    ck_assert_uint_eq(half->slots[0].size, 4);
    ck_assert_uint_eq(half->variant, 1);
    ck_assert_uint_eq(half->n_insns, 1);
    ck_assert_uint_ne(half->id, f->id);
    ck_assert_uint_ne(again->id, f->id);
    ck_assert_ptr_eq(define(0x1000, a, 1), f);
    ck_assert_ptr_eq(s.code->define(s.code, 0x1000, bytes, sizeof a, INSN_BLOCK_ABSTRACT, seen, 1), half);
    /* The same bytes as x86 code are another block. */
    ck_assert_uint_ne(s.code->define(s.code, 0x1000, bytes, sizeof a, 0, NULL, 0)->id, f->id);
}
END_TEST

START_TEST(malformed_ones_are_refused)
{
    insn_abstract good = with_access(with_access(insn(INSN_OP_INT, 1, 1), LOAD, 6), STORE, 7);
    insn_abstract bad[9];
    for (unsigned i = 0; i < G_N_ELEMENTS(bad); i++)
        bad[i] = good;
    bad[0].size = 0;
    bad[1].size = 16;
    bad[2].op = INSN_OP_COUNT;
    bad[3].n_accesses = INSN_ABSTRACT_ACCESSES + 1;
    bad[4].access[0] = EIGHT;                /* neither load nor store */
    bad[5].access[0] = LOAD | 7 << 2;        /* 128 bytes */
    bad[6].access[0] = STORE, bad[6].access[1] = LOAD;
    bad[7].addr[3] = INSN_REG_COUNT;
    bad[8].dst[3] = 200;
    for (unsigned i = 0; i < G_N_ELEMENTS(bad); i++)
        ck_assert_msg(!define(0x1000, &bad[i], 1), "row %u", i);
    ck_assert_ptr_null(define(0x1000, &good, 0));
    ck_assert_ptr_null(s.code->define(s.code, 0, (const uint8_t *)&good, sizeof good - 1, INSN_BLOCK_ABSTRACT, NULL, 0));
    ck_assert_uint_eq(cpu_code_count(s.code), 0);
    ck_assert_ptr_nonnull(define(0x1000, &good, 1));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("cpu-abstract");
    TCase *t = tcase_create("abstract");
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, facts_come_from_the_descriptors);
    tcase_add_test(t, of_128_long_instructions);
    tcase_add_test(t, costs_are_those_of_like_code);
    tcase_add_test(t, values_flow_through_accesses);
    tcase_add_test(t, all_branches);
    tcase_add_test(t, variants_and_iterations);
    tcase_add_test(t, malformed_ones_are_refused);
    suite_add_tcase(suite, t);
    return fixture_main(suite);
}
