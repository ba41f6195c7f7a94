/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Markers for guest programs: private system calls that quanta understands. Header only, C11, needs no libc.
 *
 * The numbers begin at 0x11510000, decimal 290,521,088, far above Linux's: a native kernel answers -ENOSYS, and a
 * marked program does natively what it would do without its markers. Bit 30, the x32 flag of x86-64 system calls, is
 * clear: seccomp filters end programs that set it. */
#ifndef QUANTA_GUEST_H
#define QUANTA_GUEST_H

#include <stdint.h>

enum {
    QUANTA_SYS_BASE = 0x11510000,
    QUANTA_SYS_ROI_BEGIN = QUANTA_SYS_BASE + 0,
    QUANTA_SYS_ROI_END = QUANTA_SYS_BASE + 1,
    QUANTA_SYS_TASK_BEGIN = QUANTA_SYS_BASE + 2,
    QUANTA_SYS_TASK_END = QUANTA_SYS_BASE + 3,
    QUANTA_SYS_WBINVD = QUANTA_SYS_BASE + 4,
    QUANTA_SYS_HYPERCALL = QUANTA_SYS_BASE + 5,
    QUANTA_SYS_YIELD = QUANTA_SYS_BASE + 6,
};

/* The system call itself; `a` goes to rdi and `b` to rsi. Returns rax: 0 under quanta,
 * -ENOSYS on a native kernel. */
static inline long quanta_marker(long call, uint64_t a, uint64_t b)
{
    long result;
    __asm__ volatile("syscall" : "=a"(result) : "a"(call), "D"(a), "S"(b) : "rcx", "r11", "memory");
    return result;
}

/* The region of interest begins: set-up before it need not count in a measurement. */
static inline void quanta_roi_begin(void)
{
    quanta_marker(QUANTA_SYS_ROI_BEGIN, 0, 0);
}

/* The region of interest ends. */
static inline void quanta_roi_end(void)
{
    quanta_marker(QUANTA_SYS_ROI_END, 0, 0);
}

/* A task begins: a unit of work whose cost is measured. `kind` is the program's own number for work of one sort, so
 * that tasks of a kind can be compared; `id` tells them apart. */
static inline void quanta_task_begin(uint32_t kind, uint64_t id)
{
    quanta_marker(QUANTA_SYS_TASK_BEGIN, kind, id);
}

/* The task that began with the same `kind` and `id` ends. */
static inline void quanta_task_end(uint32_t kind, uint64_t id)
{
    quanta_marker(QUANTA_SYS_TASK_END, kind, id);
}

/* Asks the guest's kernel to write back and invalidate all caches, as a kernel does before DMA or a sleep state. */
static inline void quanta_wbinvd(void)
{
    quanta_marker(QUANTA_SYS_WBINVD, 0, 0);
}

/* Calls the VMM: a VM-exit with the hypercall's number and argument. */
static inline void quanta_hypercall(uint64_t nr, uint64_t arg)
{
    quanta_marker(QUANTA_SYS_HYPERCALL, nr, arg);
}

/* The guest has nothing useful to do at the moment: the VMM may run another vCPU. */
static inline void quanta_yield(void)
{
    quanta_marker(QUANTA_SYS_YIELD, 0, 0);
}

#endif
