/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The Linux personality of a guest: the system calls of a single-threaded static program, on simulated time, with
 * one host folder, captured output and an own random stream. Knows no emulator: registers come and go as values. */
#pragma once

#include "insn-source.h"
#include "wl-elf.h"
#include "wl-guest.h"
#include "wl-memory.h"

/* Private system calls (quanta-guest.h). On a native kernel these numbers give ENOSYS and do no harm. */
enum {
    WL_MARK_ROI_BEGIN = 0x11510000,
    WL_MARK_ROI_END,
    WL_MARK_TASK_BEGIN, /* (kind, id) */
    WL_MARK_TASK_END,   /* (kind, id) */
    WL_MARK_WBINVD,
    WL_MARK_HYPERCALL, /* (nr, arg) */
    WL_MARK_YIELD,
    WL_MARK_END,
};

/* CLOCK_REALTIME at power-on: 2000-01-01 00:00:00 UTC. */
#define WL_EPOCH_S INT64_C(946684800)
/* Longest sleep handed out, so that sums of picoseconds stay in 64 bits: about 58 days of simulated time. */
#define WL_MAX_SLEEP_NS UINT64_C(5000000000000000)

typedef struct wl_linux wl_linux;

typedef struct {
    uint64_t nr;
    uint64_t args[6];
} wl_call;

/* Loads `elf` into `memory` and builds the first stack. `config` and its strings outlive the personality. */
wl_linux *wl_linux_new(const wl_guest_config *config, wl_elf *elf, wl_memory *memory, GError **error);
void wl_linux_free(wl_linux *lx); /* accepts NULL; before its memory */

uint64_t wl_linux_entry(const wl_linux *lx);
uint64_t wl_linux_stack(const wl_linux *lx);
uint64_t wl_linux_stack_low(const wl_linux *lx); /* lowest address of the stack's mapping */
uint64_t wl_linux_fs_base(const wl_linux *lx);
uint64_t wl_linux_gs_base(const wl_linux *lx);

/* Serves one call and returns what goes to rax. `event` becomes the event to hand out (kind, nr, arg0, arg1).
 * After INSN_EVENT_TIME_READ the result is not known yet: wl_linux_finish gives it. */
int64_t wl_linux_call(wl_linux *lx, const wl_call *call, insn_event *event);
int64_t wl_linux_finish(wl_linux *lx, uint64_t now_ps);
/* True once the guest has exited: bytes that were still to be written came as an IO event of the exit call. */
bool wl_linux_ended(const wl_linux *lx, int *status);
/* Marks the guest as time dependent (rdtsc is not a system call). */
void wl_linux_note_time(wl_linux *lx);

/* The fields of the report that the personality knows: output, missing, reads_time. */
void wl_linux_report(const wl_linux *lx, wl_report *report);
/* Number of the last missing system call that was counted, and how many were counted in all. */
uint64_t wl_linux_missing(const wl_linux *lx, uint32_t *last);
