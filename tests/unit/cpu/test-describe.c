/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cpu-fixture.h"

#include <string.h>

static fixture_stream s;
static void setup(void) { fixture_stream_init(&s); }
static void teardown(void) { fixture_stream_clear(&s); }

enum { RAX, RCX, RDX, RBX, RSP, RBP, RSI, RDI, XMM0 = INSN_REG_VEC, XMM1, FLAGS = INSN_REG_FLAGS, X87 = INSN_REG_X87 };
#define R(reg) (UINT64_C(1) << (reg))

static insn_instruction describe(const insn_block_facts *f, unsigned index)
{
    insn_instruction in;
    ck_assert_msg(s.code->instruction(s.code, f->id, index, &in), "there is no instruction %u", index);
    return in;
}

START_TEST(what_instructions_do)
{
    static const struct { const char *hex, *text; insn_op op; uint64_t reads, writes, target; unsigned slots; bool rep; } rows[] = {
        {"50", "push rax", INSN_OP_MOVE, R(RAX) | R(RSP), R(RSP), 0, 1, false},
        {"5b", "pop rbx", INSN_OP_MOVE, R(RSP), R(RSP) | R(RBX), 0, 1, false},
        {"e80b000000", "call 0x0000000000001010", INSN_OP_CALL, R(RSP), R(RSP), 0x1010, 1, false},
        {"ff16", "call [rsi]", INSN_OP_ICALL, R(RSP) | R(RSI), R(RSP), 0, 2, false},
        {"ffe0", "jmp rax", INSN_OP_IJUMP, R(RAX), 0, 0, 0, false},
        {"ebfe", "jmp 0x0000000000001000", INSN_OP_JUMP, 0, 0, 0x1000, 0, false},
        {"7510", "jnz 0x0000000000001012", INSN_OP_COND, R(FLAGS), 0, 0x1012, 0, false},
        {"c3", "ret", INSN_OP_RET, R(RSP), R(RSP), 0, 1, false},
        {"488b049f", "mov rax, [rdi+rbx*4]", INSN_OP_MOVE, R(RDI) | R(RBX), R(RAX), 0, 1, false},
        {"010b", "add [rbx], ecx", INSN_OP_INT, R(RBX) | R(RCX), R(FLAGS), 0, 1, false},
        {"11c8", "adc eax, ecx", INSN_OP_INT, R(RAX) | R(RCX) | R(FLAGS), R(RAX) | R(FLAGS), 0, 0, false},
        {"488d4308", "lea rax, [rbx+0x08]", INSN_OP_INT, R(RBX), R(RAX), 0, 0, false},
        {"b401", "mov ah, 0x01", INSN_OP_INT, 0, R(RAX), 0, 0, false},
        {"480fafc3", "imul rax, rbx", INSN_OP_MUL, R(RAX) | R(RBX), R(RAX) | R(FLAGS), 0, 0, false},
        {"f7f1", "div ecx", INSN_OP_DIV, R(RAX) | R(RDX) | R(RCX), R(RAX) | R(RDX) | R(FLAGS), 0, 0, false},
        {"f20f58c1", "addsd xmm0, xmm1", INSN_OP_FP_ADD, R(XMM0) | R(XMM1), R(XMM0), 0, 0, false},
        {"f20f59c1", "mulsd xmm0, xmm1", INSN_OP_FP_MUL, R(XMM0) | R(XMM1), R(XMM0), 0, 0, false},
        {"f20f5ec1", "divsd xmm0, xmm1", INSN_OP_FP_DIV, R(XMM0) | R(XMM1), R(XMM0), 0, 0, false},
        {"660ffec1", "paddd xmm0, xmm1", INSN_OP_VEC, R(XMM0) | R(XMM1), R(XMM0), 0, 0, false},
        {"f3a4", "rep movsb", INSN_OP_INT, R(RCX) | R(RSI) | R(RDI) | R(FLAGS), R(RCX) | R(RSI) | R(RDI), 0, 2, true},
    };
    for (unsigned i = 0; i < G_N_ELEMENTS(rows); i++) {
        const insn_block_facts *f = &fixture_block(&s, 0x1000, rows[i].hex)->facts;
        insn_instruction in = describe(f, 0), none;
        ck_assert_msg(g_str_has_prefix(in.text, rows[i].text), "'%s', not '%s'", in.text, rows[i].text);
        ck_assert_msg(in.op == rows[i].op, "%s: operation %u", in.text, in.op);
        ck_assert_msg(in.reads == rows[i].reads, "%s: reads %" G_GINT64_MODIFIER "x", in.text, in.reads);
        ck_assert_msg(in.writes == rows[i].writes, "%s: writes %" G_GINT64_MODIFIER "x", in.text, in.writes);
        ck_assert_msg(in.target == rows[i].target, "%s: target %" G_GINT64_MODIFIER "x", in.text, in.target);
        ck_assert_msg(in.n_slots == rows[i].slots && in.first_slot == 0, "%s: %u slots", in.text, in.n_slots);
        ck_assert_msg(in.rep == rows[i].rep, "%s", in.text);
        ck_assert_uint_eq(in.addr, 0x1000);
        ck_assert_uint_eq(in.size, f->bytes);
        ck_assert(!s.code->instruction(s.code, f->id, 1, &none));
    }
}
END_TEST

START_TEST(each_of_a_block)
{
    /* push rax; mov rcx,[rsp]; cmp [rbx],ecx; jne: the last two are one micro-op, and two instructions */
    const insn_block_facts *f = &fixture_block(&s, 0x2000, "50 488b0c24 390b 75f7")->facts;
    static const struct { uint64_t addr; unsigned size, first, n; } expect[] = {{0x2000, 1, 0, 1}, {0x2001, 4, 1, 1}, {0x2005, 2, 2, 1}, {0x2007, 2, 3, 0}};
    ck_assert_uint_eq(f->n_insns, 4);
    for (unsigned i = 0; i < 4; i++) {
        insn_instruction in = describe(f, i);
        ck_assert_uint_eq(in.addr, expect[i].addr);
        ck_assert_uint_eq(in.size, expect[i].size);
        ck_assert_uint_eq(in.first_slot, expect[i].first);
        ck_assert_uint_eq(in.n_slots, expect[i].n);
    }
    ck_assert_uint_eq(describe(f, 3).target, 0x2000);
}
END_TEST

/* The number of the instruction in insn_access ends at 255. */
START_TEST(slots_beyond_the_255th_instruction)
{
    uint8_t code[600];
    for (unsigned i = 0; i < 300; i++) { /* 300 times mov eax,[rcx] ... */
        code[2 * i] = 0x8b;
        code[2 * i + 1] = 0x01;
    }
    code[2 * 270] = code[2 * 270 + 1] = 0x90; /* ... but two no-ops in place of the 270th */
    const insn_block_facts *f = s.code->define(s.code, 0, code, sizeof code, 0, NULL, 0);
    ck_assert_uint_eq(f->n_insns, 301);
    for (unsigned i = 0; i < 301; i++) {
        insn_instruction in = describe(f, i);
        bool loads = i != 270 && i != 271;
        ck_assert_uint_eq(in.n_slots, loads);
        ck_assert(!loads || in.first_slot == (i < 270 ? i : i - 2));
    }
}
END_TEST

START_TEST(only_what_was_seen_in_a_variant)
{
    static const uint8_t code[] = {0x8b, 0x01, 0xf3, 0xa4}; /* mov eax,[rcx]; rep movsb, of a count of zero */
    static const insn_access seen[] = {{4, INSN_ACCESS_LOAD, 0}};
    const insn_block_facts *f = s.code->define(s.code, 0, code, sizeof code, 0, seen, 1);
    ck_assert_uint_eq(describe(f, 0).n_slots, 1);
    ck_assert_uint_eq(describe(f, 1).n_slots, 0);
    ck_assert(describe(f, 1).rep);
}
END_TEST

START_TEST(bytes_that_are_no_instruction)
{
    const insn_block_facts *f = &fixture_block(&s, 0x10, "4801d8 06 06")->facts;
    insn_instruction in = describe(f, 1), none;
    ck_assert_str_eq(in.text, "(bad)");
    ck_assert_uint_eq(in.addr, 0x13);
    ck_assert_uint_eq(in.size, 2);
    ck_assert(!s.code->instruction(s.code, f->id, 2, &none));
}
END_TEST

START_TEST(abstract_ones)
{
    insn_abstract a[2] = {{.size = 3, .op = INSN_OP_FP_MUL, .n_accesses = 2, .access = {INSN_ACCESS_LOAD | 4 << 2, INSN_ACCESS_STORE | 4 << 2}},
                          {.size = 2, .op = INSN_OP_RET, .n_accesses = 1, .access = {INSN_ACCESS_LOAD | 3 << 2}}};
    for (unsigned i = 0; i < 2; i++) {
        memset(a[i].src, INSN_REG_NONE, sizeof a[i].src);
        memset(a[i].dst, INSN_REG_NONE, sizeof a[i].dst);
        memset(a[i].addr, INSN_REG_NONE, sizeof a[i].addr);
    }
    a[0].src[1] = XMM1, a[0].dst[3] = XMM0, a[0].addr[2] = RDI;
    const insn_block_facts *f = s.code->define(s.code, 0x40, (const uint8_t *)a, sizeof a, INSN_BLOCK_ABSTRACT, NULL, 0);
    insn_instruction first = describe(f, 0), second = describe(f, 1), none;
    ck_assert_str_eq(first.text, "(abstract) fp-mul");
    ck_assert_uint_eq(first.reads, R(XMM1) | R(RDI));
    ck_assert_uint_eq(first.writes, R(XMM0));
    ck_assert_uint_eq(first.n_slots, 2);
    ck_assert_uint_eq(second.op, INSN_OP_RET);
    ck_assert_uint_eq(second.addr, 0x43);
    ck_assert_uint_eq(second.size, 2);
    ck_assert_uint_eq(second.first_slot, 2);
    ck_assert_uint_eq(second.n_slots, 1);
    ck_assert(!s.code->instruction(s.code, f->id, 2, &none));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("cpu-describe");
    TCase *t = tcase_create("describe");
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, what_instructions_do);
    tcase_add_test(t, each_of_a_block);
    tcase_add_test(t, slots_beyond_the_255th_instruction);
    tcase_add_test(t, only_what_was_seen_in_a_variant);
    tcase_add_test(t, bytes_that_are_no_instruction);
    tcase_add_test(t, abstract_ones);
    suite_add_tcase(suite, t);
    return fixture_main(suite);
}
