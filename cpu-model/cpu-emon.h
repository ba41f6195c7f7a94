/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Event monitoring (EMON): the counts of a logical processor, and the registers through which software sees some of them. After IA32_PMCx,
 * IA32_PERFEVTSELx and IA32_FIXED_CTRx (Intel SDM vol. 3B, "Performance Monitoring", architectural version 4): a limited number of
 * programmable counters, three fixed ones, 48 bits each, with overflow status and interrupt.
 *
 * Counting costs nothing where nobody looks: the run loop counts what it counts anyhow, a register is a difference of two readings. An
 * overflow is found from outside: cpu_lp_emon_limit says before which clock none can happen, and cpu_lp_emon_run goes in such steps. It
 * comes at the end of the block in which the counter overflowed (the skid of real interrupts is of the same order).
 *
 * Left out: what the pipeline does within a block at `interval` level is not counted (micro-ops executed by port, micro-ops from each part of the front
 * end); at `window` level resource_stalls.* stay 0, as the engine tells stalls apart by cause and not by what was full.
 *
 * Thresholds. The model knows counts per block, not per cycle. A counter with a threshold therefore has the LP run a block at a time, and
 * - of an event in cycles (which counts at most one per cycle) tells exactly in how many cycles it was there or not; what it counts within one
 *   block is taken as without a gap, before the block's other cycles;
 * - of any other event takes what happened in one block as spread evenly over the block's cycles without stalls (over those of the
 *   next block that has any, where there are none), and not over its stalls. */
#pragma once

#include "sim-emon.h"

#include <glib.h>

typedef struct cpu_lp cpu_lp;

/* The truth of all counters since power-on. */
void cpu_lp_counts(const cpu_lp *lp, uint64_t counts[SIM_EV_COUNT]);
/* The truth of SIM_EV_INSTRUCTIONS alone, however its counter is programmed. */
uint64_t cpu_lp_retired(const cpu_lp *lp);

/* Programs a counter (SIM_EMON_FIXED_* or a number below the core's emon-counters) and lets it count from its preset on; its
 * overflow status is cleared. False and error set: there is no such counter, or it cannot do that. */
bool cpu_lp_emon_program(cpu_lp *lp, unsigned counter, const sim_emon_config *config, GError **error);
/* Programs a counter to count an event from 0 on. Does nothing where there is no such counter. */
void cpu_lp_emon_select(cpu_lp *lp, unsigned counter, enum sim_emon_event event);
/* The value of a counter, 48 bits; 0 where there is no such. Fixed ones count from power-on until they are programmed. */
uint64_t cpu_lp_emon_read(cpu_lp *lp, unsigned counter);
uint64_t cpu_lp_emon_fixed(const cpu_lp *lp, unsigned fixed);

/* Which counters have overflowed since they were programmed or acknowledged: sim_emon_bit of each. */
uint64_t cpu_lp_emon_status(cpu_lp *lp);
void cpu_lp_emon_acknowledge(cpu_lp *lp, uint64_t status);

/* The counters stand still, and no interrupt comes, until they are released: software saves and loads them with what they count. Not twice in turn. */
void cpu_lp_emon_hold(cpu_lp *lp, bool held);

/* The next clock (1/64 cycles) to stop at and look: no interrupt can be due before. UINT64_MAX while no counter asks for that. */
uint64_t cpu_lp_emon_limit(const cpu_lp *lp);
/* cpu_lp_run for an LP whose counters want to be looked at (cpu_lp_emon_watched): also returns, false, when an overflow interrupts. */
bool cpu_lp_emon_run(cpu_lp *lp, uint64_t until);
/* Whether overflows that interrupt wait to be taken; takes them (a mask as of the status). */
bool cpu_lp_emon_due(const cpu_lp *lp);
uint64_t cpu_lp_emon_take(cpu_lp *lp);
/* Whether the LP has to be run by cpu_lp_emon_run: a counter has a threshold, or an interrupt may come or waits to be taken. */
bool cpu_lp_emon_watched(const cpu_lp *lp);

/* ---- insides, for cpu-lp.h and cpu-state.c ------------------------------------------------------------------------------------- */

typedef struct {
    sim_emon_config config;
    uint64_t base;    /* of the event when the counter had `preset` */
    uint64_t preset;  /* ... or the value that it holds while it is off */
    uint64_t limit;   /* at which reading of the event it overflows (next) */
    /* With a threshold: readings at the last look (without, `seen` is the event when the counters were held) ... */
    uint64_t seen, cycles, unstalled;
    uint64_t waiting; /* ... occurrences that no cycle was there for, ... */
    bool held;        /* ... whether the condition held at its end, ... */
    uint64_t counted; /* ... and what has been counted: the "event" of base and limit */
} cpu_emon_counter;

enum { CPU_EMON_COUNTERS = SIM_EMON_MAX_PROGRAMMABLE + SIM_EMON_N_FIXED };

typedef struct {
    cpu_emon_counter counters[CPU_EMON_COUNTERS]; /* programmable ones, then fixed ones */
    uint32_t armed;   /* bit per place in `counters`: interrupts when it overflows, */
    uint32_t stepped; /* ... wants a look after each block */
    bool held;        /* all of them */
    uint64_t status, untaken;
    uint64_t ref_hz;  /* of ref-cycles */
} cpu_emon;

/* Of a new LP: programmable counters off, fixed ones counting; `ref_hz` is the clock of ref-cycles. */
void cpu_lp_emon_init(cpu_lp *lp, uint64_t ref_hz);
