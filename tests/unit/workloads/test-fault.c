/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Guests that go wrong end with a reason, and what they did before is handed out. */
#include "support.h"

#include <string.h>

typedef struct {
    const uint8_t *code;
    size_t size;
    uint64_t addr, ip_offset;
    uint64_t insns, accesses; /* before the fault */
    const char *words;
} fault_case;

GUEST(bad_read, "mov $0x600000, %esi\n mov (%rsi), %rax\n mov 0x10, %rbx\n mov 8(%rsi), %rcx\n" EXIT(0))
GUEST(bad_write, "mov $0x600000, %esi\n incl (%rsi)\n movl $1, 0\n mov %rcx, 8(%rsi)\n mov 16(%rsi), %rcx\n" EXIT(0))
GUEST(read_only, "mov 0x401000, %eax\n movb %al, 0x401000\n" EXIT(0))
GUEST(bad_jump, "mov $0x1234, %eax\n push %rax\n jmp *%rax\n")
GUEST(jump_to_data, "mov $0x600000, %eax\n jmp *%rax\n")
GUEST(invalid, "nop\n ud2\n")
GUEST(divide, "mov $0x600000, %esi\n mov $1, %eax\n xor %edx, %edx\n divl (%rsi)\n" EXIT(0))
GUEST(privileged, "mov (%rsp), %rax\n in (%dx), %al\n" EXIT(0))
GUEST(halt, "nop\n hlt\n" EXIT(0))
GUEST(old_syscall, "nop\n int $0x80\n" EXIT(0))
GUEST(overflow, "1: push %rax\n jmp 1b\n")
GUEST(last_page, "mov $0x60fff8, %esi\n mov (%rsi), %rax\n movups (%rsi), %xmm0\n" EXIT(0))

GUEST(over_the_end, "mov $0x60fffc, %esi\n mov (%rsi), %eax\n mov (%rsi), %rax\n mov 8(%rsi), %rax\n" EXIT(0))
GUEST(store_over_the_end, "mov $0x60fffc, %esi\n mov %eax, (%rsi)\n mov %rax, (%rsi)\n mov %rax, 8(%rsi)\n" EXIT(0))

START_TEST(faults_are_told)
{
    const fault_case cases[] = {
        { GUEST_CODE(bad_read), 0x10, 5 + 3, 2, 1, "read from unmapped address 0x10 at ip 0x401008 (code 48 8b" },
        { GUEST_CODE(bad_write), 0, 5 + 2, 2, 1, "write to unmapped address 0x0 at ip 0x401007" },
        { GUEST_CODE(read_only), TEXT_AT, 7, 1, 1, "write to protected address 0x401000" },
        { GUEST_CODE(bad_jump), 0x1234, 0x1234 - TEXT_AT, 3, 1, "execution of unmapped address 0x1234" },
        { GUEST_CODE(jump_to_data), DATA_AT, DATA_AT - TEXT_AT, 2, 0, "execution of protected address 0x600000" },
        { GUEST_CODE(invalid), TEXT_AT + 1, 1, 1, 0, "invalid instruction at ip 0x401001 (code 0f 0b" },
        { GUEST_CODE(divide), TEXT_AT + 12, 12, 3, 0, "divide error" },
        { GUEST_CODE(privileged), TEXT_AT + 4, 4, 1, 1, "privileged instruction" },
        { GUEST_CODE(halt), TEXT_AT + 1, 1, 1, 0, "privileged instruction" },
        { GUEST_CODE(old_syscall), TEXT_AT + 1, 1, 1, 0, "int 0x80" },
        { GUEST_CODE(last_page), DATA_AT + DATA_SIZE, 8, 2, 1, "read from unmapped address 0x610000" },
        { GUEST_CODE(over_the_end), DATA_AT + DATA_SIZE, 7, 2, 1, "read from unmapped address 0x610000" },
        { GUEST_CODE(store_over_the_end), DATA_AT + DATA_SIZE, 7, 2, 1, "write to unmapped address 0x610000" },
    };
    const fault_case *c = &cases[_i];
    wl_guest_config config = test_config(test_elf(c->code, c->size, NULL));
    g_autoptr(test_run) run = test_live(&config, 8192, 1000);
    const insn_event *e = test_last(run);
    const char *text = g_ptr_array_index(run->texts, run->texts->len - 1);
    ck_assert_int_eq(e->kind, INSN_EVENT_FAULT);
    ck_assert_msg(text && strstr(text, c->words), "'%s' lacks '%s'", text, c->words);
    ck_assert_uint_eq(e->arg0, c->addr);
    ck_assert_uint_eq(e->ip, TEXT_AT + c->ip_offset);
    ck_assert_uint_eq(run->insns, c->insns);
    ck_assert_uint_eq(run->accesses->len, c->accesses);
}
END_TEST

START_TEST(stack_overflow)
{
    wl_guest_config config = test_config(test_elf(GUEST_CODE(overflow), NULL));
    g_autoptr(test_run) run = test_live(&config, 8192, 1000);
    ck_assert_int_eq(test_last(run)->kind, INSN_EVENT_FAULT);
    ck_assert_ptr_nonnull(strstr(g_ptr_array_index(run->texts, 0), "stack overflow"));
    ck_assert_uint_gt(run->stores, 4 * MIB / 8 - 1000); /* a quarter of 16 MiB */
    ck_assert_uint_le(run->stores, 4 * MIB / 8);
}
END_TEST

TCase *fault_tests(void)
{
    TCase *t = tcase_create("faults");
    tcase_add_loop_test(t, faults_are_told, 0, 13);
    tcase_add_test(t, stack_overflow);
    return t;
}
