/* SPDX-License-Identifier: GPL-2.0-or-later */
/* More EMON events than counters: groups of events take turns on a pCPU's programmable counters, and their counts are scaled by the time
 * that they were wanted over the time that they were counted, as Linux perf does (time_enabled, time_running; perf_event_open(2), "Reading
 * results"; Documentation: tools/perf/Documentation/perf-stat.txt, section on multiplexing). A group is counted as a whole or not at all, so
 * that ratios within it are exact.
 *
 * The order of turns is perf's: at each turn the first group goes to the end, and groups are put on from the front as long as they fit.
 *
 * What the estimate is worth. It assumes that an event comes as often while it is not counted as while it is. With events that come in
 * phases the error falls as 1 / (turns per phase); phases that last as long as a whole round of turns, or a small part or multiple of it,
 * can be missed altogether. tests/unit/vmm/test-counters.c and tests/unit/run/test-emon.c measure both.
 *
 * The state management unit (vmm-smu.h) rotates its events by samples and keeps rates, not totals: it wants the last value known. This is for
 * those who want totals. */
#pragma once

#include "vmm-policy.h"

/* At most so many events in all. */
#define VMM_EMON_EVENTS 32

typedef struct {
    uint64_t count;   /* while counted */
    sim_ps enabled;   /* time for which the count was wanted ... */
    sim_ps running;   /* ... and for which it was taken */
} vmm_emon_value;

typedef struct vmm_emon vmm_emon;

/* Turns on one pCPU, of `period` at least; it uses all its programmable counters. */
vmm_emon *vmm_emon_new(vmm_host *h, const vmm_services *services, uint32_t pcpu, sim_ps period);
void vmm_emon_free(vmm_emon *emon); /* accepts NULL */
/* Adds a group of `n` events; they are numbered on from those added before. False: `why` says that it does not fit into the pCPU's counters, or
 * that there are more than VMM_EMON_EVENTS. Before the first vmm_emon_begin. */
bool vmm_emon_add(vmm_emon *emon, const sim_emon_config *events, unsigned n, const char **why);
unsigned vmm_emon_n(const vmm_emon *emon);

/* From now on counts into `values` ([vmm_emon_n], zeroed by the caller before the first time, owned by the caller): for instance those of the
 * vCPU that is about to run. Like the next two: in a hook of this pCPU; every register read or written costs its time. */
void vmm_emon_begin(vmm_emon *emon, vmm_emon_value *values);
/* Brings the values up to date; the next groups' turn comes if the period has passed. Call it from `tick` (as often as turns are wanted). */
void vmm_emon_tick(vmm_emon *emon);
/* Brings the values up to date, and counts no more until the next vmm_emon_begin. */
void vmm_emon_end(vmm_emon *emon);

/* count * enabled / running, rounded; 0 for an event whose turn never came. */
uint64_t vmm_emon_estimate(const vmm_emon_value *value);
