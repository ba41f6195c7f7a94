/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The accesses handed out are those of the program, one address per operand, whatever the emulator does. */
#include "support.h"

#include <string.h>

#define D DATA_AT

static test_run *run_code(const uint8_t *code, size_t size)
{
    wl_guest_config config = test_config(test_elf(code, size, NULL));
    test_run *run = test_live(&config, 8192, 1000);
    ck_assert_msg(test_last(run)->kind == INSN_EVENT_END, "%s", (char *)g_ptr_array_index(run->texts, run->texts->len - 1));
    return run;
}

static void expect(const test_run *run, const test_access *expected, unsigned n)
{
    for (unsigned i = 0; i < MIN(n, run->accesses->len); i++) {
        const test_access *a = &g_array_index(run->accesses, test_access, i), *e = &expected[i];
        ck_assert_msg(a->addr == e->addr && a->size == e->size && a->flags == e->flags,
                      "access %u is 0x%" G_GINT64_MODIFIER "x size %u flags %u, expected 0x%" G_GINT64_MODIFIER "x size %u flags %u", i,
                      a->addr, a->size, a->flags, e->addr, e->size, e->flags);
    }
    ck_assert_uint_eq(run->accesses->len, n);
}

#define EXPECT(run, ...)                                                                                               \
    do {                                                                                                               \
        const test_access list[] = { __VA_ARGS__ };                                                                    \
        expect(run, list, G_N_ELEMENTS(list));                                                                         \
    } while (0)
#define L(addr, size) { addr, size, INSN_ACCESS_LOAD }
#define S(addr, size) { addr, size, INSN_ACCESS_STORE }
#define LS(addr, size) { addr, size, INSN_ACCESS_LOAD | INSN_ACCESS_STORE }

GUEST(simple, "mov $0x600000, %esi\n mov (%rsi), %rax\n mov %eax, 8(%rsi)\n movb $1, 16(%rsi)\n lea 100(%rsi), %rdi\n"
              "cmpw $0, 32(%rsi)\n jne 1f\n add 40(%rsi), %ecx\n 1:" EXIT(0))

START_TEST(loads_and_stores)
{
    g_autoptr(test_run) run = run_code(GUEST_CODE(simple));
    EXPECT(run, L(D, 8), S(D + 8, 4), S(D + 16, 1), L(D + 32, 2), L(D + 40, 4));
    ck_assert_uint_eq(run->insns, 11);
    ck_assert_uint_eq(run->blocks, 2);
}
END_TEST

GUEST(wide, "mov $0x600000, %esi\n movaps (%rsi), %xmm0\n movups %xmm0, 24(%rsi)\n paddd 64(%rsi), %xmm1\n movsd %xmm0, 80(%rsi)\n"
            "movss 88(%rsi), %xmm2\n fldt (%rsi)\n fstpt 96(%rsi)" "\n" EXIT(0))

START_TEST(wide_operands_are_one_access)
{
    g_autoptr(test_run) run = run_code(GUEST_CODE(wide));
    EXPECT(run, L(D, 16), S(D + 24, 16), L(D + 64, 16), S(D + 80, 8), L(D + 88, 4), L(D, 10), S(D + 96, 10));
}
END_TEST

GUEST(rmw, "mov $0x600000, %esi\n incl (%rsi)\n lock xaddq %rax, 8(%rsi)\n xchg %ecx, 16(%rsi)\n orb $1, 24(%rsi)\n"
           "lock cmpxchg %ecx, 32(%rsi)\n addq $1, 40(%rsi)\n addq $1, 40(%rsi)\n" EXIT(0))

START_TEST(read_modify_write_is_one_access)
{
    g_autoptr(test_run) run = run_code(GUEST_CODE(rmw));
    EXPECT(run, LS(D, 4), LS(D + 8, 8), LS(D + 16, 4), LS(D + 24, 1), LS(D + 32, 4), LS(D + 40, 8), LS(D + 40, 8));
}
END_TEST

/* The same three times: what was learned of a block on its first execution holds for the next. */
GUEST(again, "mov $0x600000, %esi\n mov $3, %ecx\n 1: mov (%rsi), %rax\n movups 64(%rsi), %xmm0\n incl 32(%rsi)\n mov %eax, 8(%rsi)\n add $256, %rsi\n"
             "dec %ecx\n jnz 1b\n" EXIT(0))

START_TEST(merging_holds_in_loops)
{
    g_autoptr(test_run) run = run_code(GUEST_CODE(again));
    EXPECT(run, L(D, 8), L(D + 64, 16), LS(D + 32, 4), S(D + 8, 4), L(D + 256, 8), L(D + 320, 16), LS(D + 288, 4), S(D + 264, 4),
           L(D + 512, 8), L(D + 576, 16), LS(D + 544, 4), S(D + 520, 4));
}
END_TEST

GUEST(stack, "mov $0x600100, %esp\n push %rax\n pushq 0x600000\n call 1f\n" EXIT(0) "1: popq 0x600008\n push $0x600200\n pop %rcx\n"
             "mov 0x600008, %rax\n jmp *%rax\n")

START_TEST(stack_operations)
{
    g_autoptr(test_run) run = run_code(GUEST_CODE(stack));
    EXPECT(run, S(D + 0xf8, 8), L(D, 8), S(D + 0xf0, 8), S(D + 0xe8, 8), L(D + 0xe8, 8), S(D + 8, 8), S(D + 0xe8, 8), L(D + 0xe8, 8),
           L(D + 8, 8));
}
END_TEST

GUEST(rep, "mov $0x600000, %esi\n mov $0x600100, %edi\n mov $5, %ecx\n rep movsb\n" EXIT(0))

START_TEST(rep_iterations)
{
    g_autoptr(test_run) run = run_code(GUEST_CODE(rep));
    EXPECT(run, L(D, 1), S(D + 0x100, 1), L(D + 1, 1), S(D + 0x101, 1), L(D + 2, 1), S(D + 0x102, 1), L(D + 3, 1), S(D + 0x103, 1),
           L(D + 4, 1), S(D + 0x104, 1));
    ck_assert_uint_eq(run->insns, 4 + 3);
    ck_assert_uint_eq(run->blocks, 1 + 4 + 1);
    ck_assert_uint_eq(run->again, 4);
}
END_TEST

GUEST(rep_zero, "mov $0x600000, %edi\n mov (%rdi), %rax\n xor %ecx, %ecx\n rep stosq\n mov $1, %ecx\n rep stosq\n" EXIT(0))

START_TEST(rep_with_count_zero_touches_nothing)
{
    g_autoptr(test_run) run = run_code(GUEST_CODE(rep_zero));
    EXPECT(run, L(D, 8), S(D, 8));
    ck_assert_uint_eq(run->insns, 4 + 2 + 3);
    ck_assert_uint_eq(run->again, 0);
}
END_TEST

GUEST(rep_both, "mov $3, %ebx\n 1: mov $0x600000, %edi\n lea -1(%rbx), %ecx\n rep stosb\n dec %ebx\n jnz 1b\n" EXIT(0))

START_TEST(rep_of_varying_count)
{
    g_autoptr(test_run) run = run_code(GUEST_CODE(rep_both)); /* counts 2, 1, 0 */
    EXPECT(run, S(D, 1), S(D + 1, 1), S(D, 1));
    ck_assert_uint_eq(run->again, 1);
}
END_TEST

GUEST(rep_compare, "movb $1, 0x600002\n mov $0x600000, %esi\n mov $0x600100, %edi\n mov $9, %ecx\n repe cmpsb\n" EXIT(0))

START_TEST(rep_that_ends_early)
{
    g_autoptr(test_run) run = run_code(GUEST_CODE(rep_compare));
    ck_assert_uint_eq(run->accesses->len, 1 + 3 * 2); /* the third pair differs */
    for (unsigned i = 0; i < 3; i++) {
        uint64_t a = g_array_index(run->accesses, test_access, 1 + 2 * i).addr, b = g_array_index(run->accesses, test_access, 2 + 2 * i).addr;
        ck_assert_uint_eq(MIN(a, b), D + i);
        ck_assert_uint_eq(MAX(a, b), D + 0x100 + i);
    }
    ck_assert_uint_eq(run->again, 2);
}
END_TEST

GUEST(crossing, "mov $0x600ffd, %esi\n mov $2, %ebx\n 1: mov (%rsi), %rax\n mov %rax, (%rsi)\n movups (%rsi), %xmm0\n movups %xmm0, (%rsi)\n"
                "addl $1, (%rsi)\n mov $0x600000, %esi\n dec %ebx\n jnz 1b\n" EXIT(0))

START_TEST(accesses_across_pages)
{
    g_autoptr(test_run) run = run_code(GUEST_CODE(crossing));
    EXPECT(run, L(D + 0xffd, 8), S(D + 0xffd, 8), L(D + 0xffd, 16), S(D + 0xffd, 16), LS(D + 0xffd, 4), L(D, 8), S(D, 8), L(D, 16),
           S(D, 16), LS(D, 4));
}
END_TEST

/* 64 x 64 matrix product of 8-byte words: known counts. */
GUEST(product,
      "xor %r8, %r8\n"
      "1: xor %r9, %r9\n"
      "2: xor %eax, %eax\n xor %r10, %r10\n mov %r8, %r11\n shl $6, %r11\n"
      "3: lea (%r11, %r10), %rcx\n mov 0x600000(, %rcx, 8), %rdx\n mov %r10, %rcx\n shl $6, %rcx\n add %r9, %rcx\n"
      "imul 0x600000(, %rcx, 8), %rdx\n add %rdx, %rax\n inc %r10\n cmp $64, %r10\n jne 3b\n"
      "lea (%r11, %r9), %rcx\n mov %rax, 0x608000(, %rcx, 8)\n inc %r9\n cmp $64, %r9\n jne 2b\n"
      "inc %r8\n cmp $64, %r8\n jne 1b\n" EXIT(0))

START_TEST(counts_of_a_matrix_product)
{
    g_autoptr(test_run) run = run_code(GUEST_CODE(product));
    ck_assert_uint_eq(run->loads, 2 * 64 * 64 * 64);
    ck_assert_uint_eq(run->stores, 64 * 64);
    ck_assert_uint_eq(run->insns, 1 + 64 * (1 + 64 * (4 + 64 * 10 + 5) + 3) + 3);
}
END_TEST

START_TEST(batch_size_does_not_matter)
{
    wl_guest_config config = test_config(test_elf(GUEST_CODE(product), NULL));
    g_autoptr(test_run) big = test_live(&config, 8192, 1000), small = test_live(&config, 7, 1000);
    ck_assert_uint_eq(big->digest, small->digest);
    wl_guest_config other = test_config(test_elf(GUEST_CODE(rep_both), NULL));
    g_autoptr(test_run) one = test_live(&other, 1, 1000), many = test_live(&other, 8192, 1000);
    ck_assert_uint_eq(one->digest, many->digest);
}
END_TEST

/* Code that the guest writes and changes: mov $N, %eax; ret, called five times with N = 0..4, whose sum is the status. */
GUEST(patch, "mov $9, %eax\n mov $0, %edi\n mov $4096, %esi\n mov $7, %edx\n mov $0x22, %r10d\n mov $-1, %r8\n xor %r9d, %r9d\n syscall\n"
             "mov %rax, %rbx\n movb $0xb8, (%rbx)\n movb $0xc3, 5(%rbx)\n xor %r12d, %r12d\n xor %r13d, %r13d\n"
             "1: mov %r12d, 1(%rbx)\n call *%rbx\n add %eax, %r13d\n inc %r12d\n cmp $5, %r12d\n jne 1b\n"
             "mov $231, %eax\n mov %r13d, %edi\n syscall\n")

START_TEST(self_modifying_code)
{
    g_autoptr(test_run) run = run_code(GUEST_CODE(patch));
    ck_assert_uint_eq(test_last(run)->arg0, 0 + 1 + 2 + 3 + 4);
}
END_TEST

/* mov (%rsi), %eax; ret, turned into mov %eax, (%rsi); ret and back: each is handed out as what it is. */
GUEST(turn, "mov $9, %eax\n mov $0, %edi\n mov $4096, %esi\n mov $7, %edx\n mov $0x22, %r10d\n mov $-1, %r8\n xor %r9d, %r9d\n syscall\n"
            "mov %rax, %rbx\n mov $0x600000, %esi\n mov $0x600100, %esp\n movl $0xc3068b, (%rbx)\n call *%rbx\n movb $0x89, (%rbx)\n call *%rbx\n"
            "movb $0x8b, (%rbx)\n call *%rbx\n" EXIT(0))

START_TEST(changed_code_is_decoded_again)
{
    g_autoptr(test_run) run = run_code(GUEST_CODE(turn));
    static const uint8_t expected[] = { INSN_ACCESS_LOAD, INSN_ACCESS_STORE, INSN_ACCESS_LOAD };
    unsigned n = 0;
    for (unsigned i = 0; i < run->accesses->len; i++) {
        const test_access *a = &g_array_index(run->accesses, test_access, i);
        if (a->addr == D) {
            ck_assert_uint_eq(a->flags, expected[MIN(n, 2)]);
            n++;
        }
    }
    ck_assert_uint_eq(n, 3);
}
END_TEST

TCase *access_tests(void)
{
    TCase *t = tcase_create("accesses");
    tcase_add_test(t, loads_and_stores);
    tcase_add_test(t, wide_operands_are_one_access);
    tcase_add_test(t, read_modify_write_is_one_access);
    tcase_add_test(t, merging_holds_in_loops);
    tcase_add_test(t, stack_operations);
    tcase_add_test(t, changed_code_is_decoded_again);
    tcase_add_test(t, rep_iterations);
    tcase_add_test(t, rep_with_count_zero_touches_nothing);
    tcase_add_test(t, rep_of_varying_count);
    tcase_add_test(t, rep_that_ends_early);
    tcase_add_test(t, accesses_across_pages);
    tcase_add_test(t, counts_of_a_matrix_product);
    tcase_add_test(t, batch_size_does_not_matter);
    tcase_add_test(t, self_modifying_code);
    tcase_set_timeout(t, 60);
    return t;
}
