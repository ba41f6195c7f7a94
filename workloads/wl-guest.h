/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Guests: a static x86-64 ELF program executed by Unicorn under a Linux personality, as an instruction source;
 * and the shared recording of one, from which any number of timing runs are fed while the guest executes once. */
#pragma once

#include "insn-source.h"

#include <stddef.h>

/* The time stamp counter that rdtsc reads, and CPUID's nominal frequency: one tick per simulated nanosecond,
 * whatever the clock of the core that the guest runs on (an invariant TSC). */
#define WL_TSC_HZ UINT64_C(1000000000)

typedef struct {
    const char *name;      /* of the VM, for messages and random streams */
    const char *elf;       /* host path of the program */
    const char *const *argv; /* NULL-terminated; argv[0] included */
    const char *const *envp; /* NULL-terminated, or NULL for a minimal environment */
    const char *folder;    /* the only host folder the guest sees (as its "/" and working directory), or NULL: none */
    bool folder_writable;
    uint64_t memory;       /* bytes: all that the guest can ever have mapped at once */
    uint64_t disk_limit;   /* bytes the guest may write to its folder in all, and per captured stream */
    uint64_t seed;         /* of getrandom and AT_RANDOM */
} wl_guest_config;

/* What a guest did, up to what the source asked has handed out. */
typedef struct {
    const char *out; size_t out_len; /* captured stdout; owned by the source */
    const char *err; size_t err_len;
    uint64_t insns;                  /* executed, as handed out in blocks (rep iterations are not instructions) */
    bool reads_time;                 /* the guest has read the clock or the time stamp: its path depends on timing */
    uint64_t touched_bytes;          /* of guest memory */
    bool cut;                        /* a trace that ended before its guest did */
    /* System calls answered with ENOSYS: pairs (number, count) in ascending number. */
    struct wl_missing { uint32_t nr; uint32_t count; } const *missing; unsigned n_missing;
} wl_report;

/* The live guest. Loads the program at once: errors are bad input (missing, truncated, dynamic, 32-bit, foreign ISA, too little memory ...).
 * `code` outlives the source. */
insn_source *wl_guest_new(const wl_guest_config *config, insn_code *code, GError **error);

/* A recording that extends itself: the first reader to need more makes the guest run on, under a lock. Readers
 * may live in different threads. If the guest reads the clock, the recording ends there, and each reader goes on
 * with an execution of its own from that point (the same guest run again to it). A recording holds a compact
 * form of the stream in memory up to `memory_limit` bytes, and beyond that in an unlinked temporary file. */
typedef struct wl_recording wl_recording;
wl_recording *wl_recording_new(const wl_guest_config *config, insn_code *code, uint64_t memory_limit, GError **error);
void wl_recording_free(wl_recording *recording); /* after its readers; accepts NULL */
insn_source *wl_recording_open(wl_recording *recording);
/* How many instructions Unicorn executed for it, all readers together (for "executed once" to be shown). */
uint64_t wl_recording_executed(const wl_recording *recording);

/* The report of a source made by this module. */
void wl_source_report(const insn_source *source, wl_report *report);
/* Damaged chunks of its trace that it has passed over, and what was wrong with the first (or NULL). 0 for other sources. */
unsigned wl_source_skipped(const insn_source *source, const char **first);
