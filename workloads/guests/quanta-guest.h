/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Markers for guest programs: private system calls that quanta understands. Their numbers lie far above Linux's, so that a
 * native kernel answers ENOSYS and a marked program runs natively as it would without them. */
#ifndef QUANTA_GUEST_H
#define QUANTA_GUEST_H

#include <stdint.h>

#define QUANTA_SYS_BASE 0x51510000L /* 1,364,262,912 */

enum {
    QUANTA_SYS_ROI_BEGIN = 0,  /* the region of interest begins ... */
    QUANTA_SYS_ROI_END = 1,    /* ... and ends */
    QUANTA_SYS_TASK_BEGIN = 2, /* (kind, id): a unit of work of a kind begins ... */
    QUANTA_SYS_TASK_END = 3,   /* ... and ends; its time is measured */
    QUANTA_SYS_WBINVD = 4,     /* the guest's kernel writes back and invalidates all caches, as before DMA or a sleep state */
    QUANTA_SYS_HYPERCALL = 5,  /* (nr, arg): calls the VMM */
    QUANTA_SYS_YIELD = 6,      /* nothing useful to do at the moment */
};

static inline long quanta_marker(long call, uint64_t a, uint64_t b)
{
    long result;
    __asm__ volatile("syscall" : "=a"(result) : "a"(QUANTA_SYS_BASE + call), "D"(a), "S"(b) : "rcx", "r11", "memory");
    return result;
}

static inline void quanta_roi_begin(void) { quanta_marker(QUANTA_SYS_ROI_BEGIN, 0, 0); }
static inline void quanta_roi_end(void) { quanta_marker(QUANTA_SYS_ROI_END, 0, 0); }
static inline void quanta_task_begin(uint32_t kind, uint64_t id) { quanta_marker(QUANTA_SYS_TASK_BEGIN, kind, id); }
static inline void quanta_task_end(uint32_t kind, uint64_t id) { quanta_marker(QUANTA_SYS_TASK_END, kind, id); }
static inline void quanta_wbinvd(void) { quanta_marker(QUANTA_SYS_WBINVD, 0, 0); }
static inline void quanta_hypercall(uint64_t nr, uint64_t arg) { quanta_marker(QUANTA_SYS_HYPERCALL, nr, arg); }
static inline void quanta_yield(void) { quanta_marker(QUANTA_SYS_YIELD, 0, 0); }

#endif
