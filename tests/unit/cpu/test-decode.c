/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cpu-fixture.h"

static fixture_stream s;
static void setup(void) { fixture_stream_init(&s); }
static void teardown(void) { fixture_stream_clear(&s); }

START_TEST(accesses_in_order)
{
    /* push rax; add [rbx],ecx; movups xmm0,[rdx]; lea rax,[rbx+8]; call [rsi] */
    const cpu_block *b = fixture_block(&s, 0x1000, "50 010b 0f1002 488d4308 ff16");
    static const insn_access expect[] = {{8, INSN_ACCESS_STORE, 0}, {4, INSN_ACCESS_LOAD | INSN_ACCESS_STORE, 1}, {16, INSN_ACCESS_LOAD, 2},
                                         {8, INSN_ACCESS_LOAD, 4}, {8, INSN_ACCESS_STORE, 4}};
    ck_assert_uint_eq(b->facts.n_insns, 5);
    ck_assert_uint_eq(b->facts.n_slots, 5);
    for (unsigned i = 0; i < 5; i++) {
        ck_assert_uint_eq(b->slots[i].size, expect[i].size);
        ck_assert_uint_eq(b->slots[i].flags, expect[i].flags);
        ck_assert_uint_eq(b->slots[i].insn, expect[i].insn);
    }
    ck_assert_int_eq(b->branch, CPU_BR_ICALL);
    ck_assert_uint_eq(b->n_loads, 3);
    ck_assert_uint_eq(b->n_stores, 3);
}
END_TEST

START_TEST(no_access_where_none_happens)
{
    /* nop [rax]; lea rcx,[rax]; prefetcht0 [rax]; clflush [rax] */
    ck_assert_uint_eq(fixture_block(&s, 0, "0f1f00 488d08 0f1808 0fae38")->facts.n_slots, 0);
}
END_TEST

START_TEST(string_operations)
{
    const cpu_block *b = fixture_block(&s, 0, "f3a4"); /* rep movsb */
    ck_assert_uint_eq(b->facts.n_slots, 2);
    ck_assert_uint_eq(b->slots[0].flags, INSN_ACCESS_LOAD);
    ck_assert_uint_eq(b->slots[1].flags, INSN_ACCESS_STORE);
    ck_assert(b->facts.ends_with_rep);
    static const uint8_t bytes[] = {0xf3, 0xa4};
    const insn_block_facts *again = s.code->define(s.code, 0, bytes, 2, INSN_BLOCK_REP_AGAIN, NULL, 0);
    ck_assert_uint_ne(again->id, b->facts.id);
    ck_assert_uint_eq(again->n_insns, 0);
    static const insn_access none[1];
    const insn_block_facts *zero = s.code->define(s.code, 0, bytes, 2, 0, none, 0);
    ck_assert_uint_eq(zero->n_slots, 0);
    ck_assert_uint_eq(zero->n_insns, 1);
}
END_TEST

START_TEST(same_code_same_id)
{
    uint32_t id = fixture_block(&s, 0x10, "4801d8")->facts.id;
    ck_assert_uint_eq(fixture_block(&s, 0x10, "4801d8")->facts.id, id);
    ck_assert_uint_ne(fixture_block(&s, 0x10, "4829d8")->facts.id, id);
    ck_assert_uint_ne(fixture_block(&s, 0x20, "4801d8")->facts.id, id);
}
END_TEST

START_TEST(many_blocks_keep_their_place)
{
    const cpu_block *first = fixture_block(&s, 0, "4801d8");
    for (uint64_t a = 16; a < 16 * 5000; a += 16)
        fixture_block(&s, a, "4801d8");
    ck_assert_ptr_eq(fixture_block(&s, 0, "4801d8"), first);
    ck_assert_uint_eq(cpu_code_count(s.code), 5000);
}
END_TEST

START_TEST(branches)
{
    static const struct { const char *hex; cpu_branch_kind kind; } rows[] = {
        {"7510", CPU_BR_COND}, {"eb10", CPU_BR_JUMP}, {"e800000000", CPU_BR_CALL}, {"c3", CPU_BR_RET}, {"ffe0", CPU_BR_IJUMP},
        {"ffd0", CPU_BR_ICALL}, {"4801d8", CPU_BR_NONE}, {"0f05", CPU_BR_NONE}};
    for (unsigned i = 0; i < G_N_ELEMENTS(rows); i++)
        ck_assert_int_eq(fixture_block(&s, 0x100, rows[i].hex)->branch, rows[i].kind);
    ck_assert_uint_eq(fixture_block(&s, 0x100, "7510")->target, 0x112);
}
END_TEST

START_TEST(sensitive_instructions)
{
    const cpu_block *b = fixture_block(&s, 0, "4801d8 0f31"); /* add; rdtsc */
    ck_assert_int_eq(b->facts.sensitivity, INSN_READS_TIME);
    ck_assert_uint_eq(b->facts.sensitive_at, 3);
    ck_assert_uint_eq(b->facts.sensitive_insn, 1);
    ck_assert_int_eq(fixture_block(&s, 0, "f4")->facts.sensitivity, INSN_PRIVILEGED);
    ck_assert_int_eq(fixture_block(&s, 0, "0f09")->facts.sensitivity, INSN_PRIVILEGED); /* wbinvd */
    ck_assert_int_eq(fixture_block(&s, 0, "fa")->facts.sensitivity, INSN_PRIVILEGED);   /* cli */
    ck_assert_int_eq(fixture_block(&s, 0, "0fa2")->facts.sensitivity, INSN_PLAIN); /* cpuid */
}
END_TEST

START_TEST(compare_and_branch_fuse)
{
    ck_assert_uint_eq(fixture_block(&s, 0, "4839d8 75fb")->n_uops, 1);     /* cmp rax,rbx; jne */
    ck_assert_uint_eq(fixture_block(&s, 0, "483918 75fb")->n_uops, 2);     /* cmp [rax],rbx; jne: load and fused branch */
    ck_assert_uint_eq(fixture_block(&s, 0, "48d1e0 75fb")->n_uops, 2);     /* shl; jne do not */
}
END_TEST

START_TEST(dependences_through_a_block)
{
    /* mov rax,[rdi]; mov rbx,[rax]; add rcx,rbx: a chase */
    const cpu_block *b = fixture_block(&s, 0, "488b07 488b18 4801d9");
    ck_assert_uint_eq(b->addr_deps[0].regs, 1u << 7); /* RDI */
    ck_assert_uint_eq(b->addr_deps[0].slots, 0);
    ck_assert_uint_eq(b->addr_deps[1].slots, 1);      /* on the first load ... */
    ck_assert_uint_eq(b->addr_deps[1].regs, 1u << 7);  /* ... and through it on RDI, a load (4 cycles) later */
    ck_assert_uint_eq(b->addr_deps[1].reg_cycles, 4);
    ck_assert_uint_eq(b->addr_deps[1].slot_cycles, 0);
    for (unsigned i = 0; i < b->n_written; i++)
        if (b->written[i] == 1) { /* RCX */
            ck_assert_uint_eq(b->written_deps[i].slots, 3);
            ck_assert_uint_eq(b->written_deps[i].regs, 1u << 1 | 1u << 7);
        }
}
END_TEST

START_TEST(undecodable_bytes_are_counted)
{
    const cpu_block *b = fixture_block(&s, 0, "4801d8 06 06");
    ck_assert(b->unknown);
    ck_assert_uint_eq(b->facts.n_insns, 2);
    ck_assert_uint_eq(cpu_code_unknown(s.code), 1);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("cpu-decode");
    TCase *t = tcase_create("decode");
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, accesses_in_order);
    tcase_add_test(t, no_access_where_none_happens);
    tcase_add_test(t, string_operations);
    tcase_add_test(t, same_code_same_id);
    tcase_add_test(t, many_blocks_keep_their_place);
    tcase_add_test(t, branches);
    tcase_add_test(t, sensitive_instructions);
    tcase_add_test(t, compare_and_branch_fuse);
    tcase_add_test(t, dependences_through_a_block);
    tcase_add_test(t, undecodable_bytes_are_counted);
    suite_add_tcase(suite, t);
    return fixture_main(suite);
}
