/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Memory: channels whose bandwidth requests share, and banks that keep a row open.
 *
 * Without banks every access has the latency that the machine file gives, plus what it waits for the channel. With them that latency is the one of a
 * bank without an open row (activate, then read); a hit in the open row saves the activation (tRCD), a conflict adds the precharge (tRP). Rows are left open.
 * Timing figures by speed grade are JEDEC's (JESD79-4 for DDR4).
 *
 * Approximate, and left out: reordering of requests (FR-FCFS), refresh, the turn-around between reads and writes, limits on activations (tFAW,
 * tRAS). */
#pragma once

#include "cpu-machine.h"

/* A channel: a slot for each line's time, taken or free. Slots are found again by number, so that requests need not
 * come in the order of time: logical processors run ahead of one another a little. */
enum { CPU_CHANNEL_WORDS = 64 };
typedef struct {
    uint64_t taken[CPU_CHANNEL_WORDS];  /* a bit per slot, a ring of words ... */
    uint64_t number[CPU_CHANNEL_WORDS]; /* ... and which word of all time each is */
    sim_ps slot;                        /* a line's time */
} cpu_channel;

typedef struct {
    uint64_t row;  /* the open one + 1; 0: none */
    sim_ps free;   /* when its present access is done */
} cpu_bank;

typedef struct {
    const cpu_dram_desc *desc;
    cpu_channel *channels;
    cpu_bank *banks;         /* [channels][desc->banks] */
    uint32_t n_channels;
    unsigned row_shift;      /* lines of a row */
    uint64_t row_hits, row_misses, row_conflicts;
} cpu_dram;

void cpu_dram_init(cpu_dram *dram, const cpu_machine *machine);
void cpu_dram_clear(cpu_dram *dram);
/* A line is read or written at `at`: returns how much longer than the unloaded latency of a bank without an open row that takes, in picoseconds. */
int64_t cpu_dram_access(cpu_dram *dram, uint64_t line, sim_ps at);
/* Takes the first free slot from `at` on; returns how long the request has to wait for it. A backlog of more than
 * the ring's 4,032 lines is cut off there. */
sim_ps cpu_channel_use(cpu_channel *channel, sim_ps at);
