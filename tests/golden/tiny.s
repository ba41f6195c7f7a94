# SPDX-License-Identifier: GPL-2.0-or-later
# The guest of the golden results. tiny.hex is this program as
#   gcc -nostdlib -static -s -Wl,--build-id=none,-z,noseparate-code -o tiny tiny.s && xxd -p tiny
# made it once: its bytes must not change with the compiler. It mixes a table, follows branches that depend on it,
# sleeps twice, and writes eight bytes.
    .globl _start
    .text
_start:
    mov $3, %r15                # rounds
    lea table(%rip), %rbx
round:
    mov $1, %rax
    xor %ecx, %ecx
fill:                           # 4,096 words
    imul $0x41c64e6d, %rax, %rax
    add $12345, %rax
    mov %rax, (%rbx,%rcx,8)
    inc %ecx
    cmp $4096, %ecx
    jne fill
    xor %edx, %edx
    mov $20, %r14d
pass:
    xor %ecx, %ecx
walk:
    mov (%rbx,%rcx,8), %rsi
    test $0x10000, %esi
    jz even
    add %rsi, %rdx
    jmp next
even:
    xor %rsi, %rdx
    shr $20, %rsi
    and $4095, %esi
    add %rdx, (%rbx,%rsi,8)
next:
    inc %ecx
    cmp $4096, %ecx
    jne walk
    dec %r14d
    jnz pass
    mov %rdx, result(%rip)
    mov $35, %eax               # nanosleep 150 us
    lea pause(%rip), %rdi
    xor %esi, %esi
    syscall
    dec %r15
    jnz round
    mov $1, %eax
    mov $1, %edi
    lea result(%rip), %rsi
    mov $8, %edx
    syscall
    mov $60, %eax
    xor %edi, %edi
    syscall
    .data
pause: .quad 0, 150000
    .bss
    .lcomm result, 8
    .lcomm table, 32768
