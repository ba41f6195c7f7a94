/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The event list of the event-monitoring (EMON) registers: the one vocabulary that cores, VMM, policies and
 * reports share. Names are those of `perf list` where perf has one; the raw code beside it is umask << 8 |
 * event select of the Intel SDM vol. 3B / perfmon tables for Skylake client, 0 where the vendor has none.
 *
 * X(identifier, perf name, raw code, description) */
#pragma once

#include <stdint.h>

#define SIM_EMON_EVENTS(X)                                                                                  \
    X(INSTRUCTIONS, "instructions", 0x00c0, "instructions retired")                                         \
    X(CYCLES, "cycles", 0x003c, "core cycles while not halted")                                             \
    X(REF_CYCLES, "ref-cycles", 0x0300, "cycles of the reference clock while not halted")                   \
    X(UOPS, "uops_retired.retire_slots", 0x02c2, "micro-ops retired")                                       \
    X(BRANCHES, "branches", 0x00c4, "branch instructions retired")                                          \
    X(BRANCH_MISSES, "branch-misses", 0x00c5, "mispredicted branches retired")                              \
    X(COND_BRANCHES, "br_inst_retired.conditional", 0x01c4, "conditional branches retired")                 \
    X(TAKEN_BRANCHES, "br_inst_retired.near_taken", 0x20c4, "taken branches retired")                       \
    X(BTB_LOOKUPS, "branch-loads", 0, "look-ups of the branch target buffer (BTB)")                         \
    X(BTB_MISSES, "branch-load-misses", 0x01e6, "taken branches that the BTB did not hold (front-end resteers)") \
    X(L1D_LOADS, "L1-dcache-loads", 0x81d0, "loads")                                                        \
    X(L1D_LOAD_MISSES, "L1-dcache-load-misses", 0x08d1, "loads that missed L1D")                            \
    X(L1D_STORES, "L1-dcache-stores", 0x82d0, "stores")                                                     \
    X(L1D_STORE_MISSES, "L1-dcache-store-misses", 0, "stores that missed L1D")                              \
    X(L1D_WRITEBACKS, "l2_trans.l1d_wb", 0x10f0, "dirty lines written back from L1D")                       \
    X(L1I_LOADS, "L1-icache-loads", 0, "line fetches from L1I")                                             \
    X(L1I_MISSES, "L1-icache-load-misses", 0x0283, "instruction fetches that missed L1I")                   \
    X(L2_REFERENCES, "l2_rqsts.references", 0xff24, "requests to L2")                                       \
    X(L2_MISSES, "l2_rqsts.miss", 0x3f24, "requests that missed L2")                                        \
    X(L2_WRITEBACKS, "l2_lines_out.non_silent", 0x02f2, "dirty lines written back from L2")                 \
    X(LLC_REFERENCES, "cache-references", 0x4f2e, "requests to the last-level cache")                       \
    X(LLC_MISSES, "cache-misses", 0x412e, "requests that missed the last-level cache")                      \
    X(LLC_LOADS, "LLC-loads", 0, "loads that reached the last-level cache")                                 \
    X(LLC_LOAD_MISSES, "LLC-load-misses", 0, "loads that missed the last-level cache")                      \
    X(LLC_WRITEBACKS, "llc.writebacks", 0, "dirty lines written back to memory")                            \
    X(DTLB_LOADS, "dTLB-loads", 0, "data TLB look-ups")                                                     \
    X(DTLB_MISSES, "dTLB-load-misses", 0x0108, "data accesses that missed all levels of the data TLB")      \
    X(DTLB_STLB_HITS, "dtlb_load_misses.stlb_hit", 0x2008, "data accesses that missed the first-level TLB and hit the second") \
    X(ITLB_LOADS, "iTLB-loads", 0, "instruction TLB look-ups")                                              \
    X(ITLB_MISSES, "iTLB-load-misses", 0x0185, "instruction fetches that missed all levels of the TLB")     \
    X(MEM_READS, "uncore_imc/data_reads", 0, "lines read from memory")                                      \
    X(MEM_WRITES, "uncore_imc/data_writes", 0, "lines written to memory")                                   \
    X(STALLS_FRONTEND, "stalled-cycles-frontend", 0x019c, "cycles lost to instruction fetch: L1I and ITLB misses, BTB resteers") \
    X(STALLS_BRANCH, "int_misc.recovery_cycles", 0x010d, "cycles lost to branch mispredictions")            \
    X(STALLS_L2, "cycle_activity.stalls_l1d_miss", 0x0ca3, "cycles stalled on data that L2 held")           \
    X(STALLS_LLC, "cycle_activity.stalls_l2_miss", 0x05a3, "cycles stalled on data that the last-level cache held") \
    X(STALLS_MEM, "cycle_activity.stalls_l3_miss", 0x06a3, "cycles stalled on data that memory held")       \
    X(STALLS_TLB, "dtlb_load_misses.walk_active", 0x1008, "cycles stalled on page walks")                   \
    X(STALLS_SMT, "smt.stalls", 0, "cycles lost to the sibling logical processors' use of shared slots and ports") \
    X(STALLS_SYSTEM, "system.cycles", 0, "cycles in VM-entry, VM-exit, the VMM and the guest's kernel")

enum sim_emon_event {
#define X(id, name, raw, text) SIM_EV_##id,
    SIM_EMON_EVENTS(X)
#undef X
        SIM_EV_COUNT
};

typedef struct {
    const char *name; /* as `perf list` has it */
    const char *text;
    uint16_t raw; /* umask << 8 | event select; 0: none */
} sim_emon_desc;

extern const sim_emon_desc sim_emon_events[SIM_EV_COUNT];
/* The event of a name, or -1. */
int sim_emon_by_name(const char *name);
