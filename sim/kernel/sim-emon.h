/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The event-monitoring (EMON) registers' vocabulary: the one list of events that cores, VMM, policies and reports share,
 * and what a counter is programmed with.
 *
 * Names are those of `perf list` where perf or the vendor's tables have one. The raw code beside a name is what the vendor's
 * tables give for what is counted here, in the form in which `perf stat -e rCODE` takes it (the layout of IA32_PERFEVTSELx,
 * Intel SDM vol. 3B, "Performance Monitoring"): counter mask << 24 | invert << 23 | edge << 18 | unit mask << 8 | event select.
 * Checked against Intel's published event tables for Skylake client: github.com/intel/perfmon, SKL/events/skylake_core.json,
 * version 59 of 2024-04-04. 0: Skylake has no event for it. Where perf programs another event for the same name, the event that
 * counts what the text says is given (perf takes L1D.REPLACEMENT, r0151, for L1-dcache-load-misses).
 *
 * How much of each event the model tells, and how it is counted: cpu-model/cpu-emon.c. Each is held by tests/unit/cpu/test-events.c.
 *
 * X(identifier, name, raw code, unit, description) */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* What one count of an event stands for. Events in cycles count at most one in a cycle, those in busy cycles one for each of several units. */
#define SIM_EMON_UNITS(X)                                                                                                                             \
    X(INSNS, "instructions") X(CYCLES, "cycles") X(UOPS, "micro-ops") X(SLOTS, "slots") X(BRANCHES, "branches") X(LOOKUPS, "look-ups")                \
    X(ACCESSES, "accesses") X(LINES, "lines") X(REQUESTS, "requests") X(WALKS, "walks") X(BUSY, "busy cycles") X(TIMES, "times")

typedef enum {
#define X(id, name) SIM_UNIT_##id,
    SIM_EMON_UNITS(X)
#undef X
        SIM_UNIT_COUNT
} sim_emon_unit;

#define SIM_EMON_EVENTS(X)                                                                                                                            \
    /* retirement */                                                                                                                                  \
    X(INSTRUCTIONS, "instructions", 0x00c0, INSNS, "instructions retired; all iterations of a rep string instruction are one")                        \
    X(CYCLES, "cycles", 0x003c, CYCLES, "core cycles while not halted")                                                                               \
    X(REF_CYCLES, "ref-cycles", 0x0300, CYCLES, "cycles of the reference clock (the time-stamp counter's) while not halted")                          \
    X(UOPS, "uops_retired.retire_slots", 0x02c2, UOPS, "micro-ops retired")                                                                           \
    X(UOPS_ISSUED, "uops_issued.any", 0x010e, UOPS, "micro-ops issued to the back end, those of wrong paths included where they are run")             \
    /* branches */                                                                                                                                    \
    X(BRANCHES, "branches", 0x00c4, BRANCHES, "branch instructions retired")                                                                          \
    X(BRANCH_MISSES, "branch-misses", 0x00c5, BRANCHES, "mispredicted branches retired: wrong direction or wrong target")                             \
    X(COND_BRANCHES, "br_inst_retired.conditional", 0x01c4, BRANCHES, "conditional branches retired")                                                 \
    X(TAKEN_BRANCHES, "br_inst_retired.near_taken", 0x20c4, BRANCHES, "taken branches retired")                                                       \
    X(NOT_TAKEN_BRANCHES, "br_inst_retired.not_taken", 0x10c4, BRANCHES, "conditional branches retired that were not taken")                          \
    X(BTB_LOOKUPS, "btb.lookups", 0, LOOKUPS, "look-ups of a taken branch in the branch target buffer (BTB)")                                         \
    X(INDIRECT_MISSES, "br_misp_retired.indirect", 0, BRANCHES, "indirect jumps and calls whose target was mispredicted")                             \
    X(RETURN_MISSES, "br_misp_retired.ret", 0, BRANCHES, "returns whose target was mispredicted")                                                     \
    X(LINE_MISSES, "line_predictor.misses", 0, LOOKUPS, "changes of code line that the line predictor did not foresee")                               \
    X(BTB_MISSES, "baclears.any", 0x01e6, BRANCHES, "taken branches that the BTB did not hold: the front end is resteered")                           \
    /* first-level caches */                                                                                                                          \
    X(L1D_LOADS, "L1-dcache-loads", 0x81d0, ACCESSES, "memory operands read")                                                                         \
    X(L1D_LOAD_MISSES, "L1-dcache-load-misses", 0x08d1, ACCESSES, "loads that missed L1D; one that straddles two lines may miss twice")               \
    X(L1D_STORES, "L1-dcache-stores", 0x82d0, ACCESSES, "memory operands written")                                                                    \
    X(L1D_STORE_MISSES, "L1-dcache-store-misses", 0, ACCESSES, "stores that missed L1D (a read-modify-write misses as a load)")                       \
    X(L1D_FILLS, "l1d.replacement", 0x0151, LINES, "lines brought into L1D")                                                                          \
    X(L1D_PENDING_HITS, "mem_load_retired.fb_hit", 0x40d1, ACCESSES, "loads that hit a line which was still on its way to L1D")                       \
    X(L1D_WRITEBACKS, "l1d.writebacks", 0, LINES, "dirty lines written back from L1D to make room")                                                   \
    X(L1I_LOADS, "L1-icache-loads", 0, LOOKUPS, "lines fetched from L1I; again only after another line")                                              \
    X(L1I_MISSES, "L1-icache-load-misses", 0x0283, LOOKUPS, "line fetches that missed L1I")                                                           \
    /* L2 and below */                                                                                                                                \
    X(L2_REFERENCES, "l2_rqsts.all_demand_references", 0xe724, REQUESTS, "requests to L2 for misses of L1D and L1I, without prefetches")              \
    X(L2_MISSES, "l2_rqsts.all_demand_miss", 0x2724, REQUESTS, "of these, those that missed L2")                                                      \
    X(L2_CODE_MISSES, "l2_rqsts.code_rd_miss", 0x2424, REQUESTS, "instruction fetches that missed L2")                                                \
    X(L2_LOAD_HITS, "mem_load_retired.l2_hit", 0x02d1, ACCESSES, "loads that missed L1D and hit L2")                                                  \
    X(L2_WRITEBACKS, "l2_lines_out.non_silent", 0x02f2, LINES, "dirty lines written back from L2 to make room")                                       \
    X(LLC_REFERENCES, "cache-references", 0x4f2e, REQUESTS, "requests to the last-level cache, without prefetches")                                   \
    X(LLC_MISSES, "cache-misses", 0x412e, REQUESTS, "of these, those that missed it")                                                                 \
    X(LLC_LOADS, "LLC-loads", 0x01b0, ACCESSES, "loads that missed L2")                                                                               \
    X(LLC_LOAD_HITS, "mem_load_retired.l3_hit", 0x04d1, ACCESSES, "loads that missed L2 and hit the last-level cache")                                \
    X(LLC_LOAD_MISSES, "LLC-load-misses", 0x10b0, ACCESSES, "loads that missed the last-level cache")                                                 \
    X(LLC_STORES, "LLC-stores", 0x2224, ACCESSES, "stores that missed L2")                                                                            \
    X(LLC_STORE_MISSES, "LLC-store-misses", 0, ACCESSES, "stores that missed the last-level cache")                                                   \
    X(LLC_WRITEBACKS, "llc.writebacks", 0, LINES, "dirty lines written back from the last-level cache to memory, by flushes too")                     \
    X(PREFETCHES, "l2_rqsts.all_pf", 0xf824, LINES, "lines that the hardware prefetchers brought, those of L1I, L1D and L2")                          \
    X(PREFETCH_HITS, "prefetch.hits", 0, LINES, "lines that a prefetcher had brought and that were then used, there already or on their way")         \
    X(SNOOP_INVALIDATIONS, "snoop.invalidations", 0, LINES, "copies in other cores' caches that this processor's stores took away")                   \
    X(SNOOP_FORWARDS, "snoop.hitm", 0, REQUESTS, "requests that another core answered with a modified line")                                          \
    X(MEM_READS, "uncore_imc/data_reads", 0, LINES, "lines read from memory")                                                                         \
    X(MEM_WRITES, "uncore_imc/data_writes", 0, LINES, "lines written to memory")                                                                      \
    /* translation */                                                                                                                                 \
    X(DTLB_LOADS, "dtlb.lookups", 0, LOOKUPS, "data TLB look-ups, of loads and stores")                                                               \
    X(DTLB_MISSES, "dTLB-load-misses", 0x0e08, WALKS, "loads that missed all levels of the TLB: page walks")                                          \
    X(DTLB_STLB_HITS, "dtlb_load_misses.stlb_hit", 0x2008, LOOKUPS, "loads that missed the first-level TLB and hit the second")                       \
    X(DTLB_WALK_CYCLES, "dtlb_load_misses.walk_pending", 0x1008, BUSY, "cycles of page walks for loads, one for each walk under way")                 \
    X(DTLB_STORE_MISSES, "dTLB-store-misses", 0x0e49, WALKS, "stores that missed all levels of the TLB: page walks")                                  \
    X(DTLB_STORE_STLB_HITS, "dtlb_store_misses.stlb_hit", 0x2049, LOOKUPS, "stores that missed the first-level TLB and hit the second")               \
    X(DTLB_STORE_WALK_CYCLES, "dtlb_store_misses.walk_pending", 0x1049, BUSY, "cycles of page walks for stores, one for each walk under way")         \
    X(ITLB_LOADS, "itlb.lookups", 0, LOOKUPS, "instruction TLB look-ups: on a change of page")                                                        \
    X(ITLB_MISSES, "iTLB-load-misses", 0x0e85, WALKS, "instruction fetches that missed all levels of the TLB: page walks")                            \
    X(ITLB_STLB_HITS, "itlb_misses.stlb_hit", 0x2085, LOOKUPS, "instruction fetches that missed the first-level TLB and hit the second")              \
    X(ITLB_WALK_CYCLES, "itlb_misses.walk_pending", 0x1085, BUSY, "cycles of page walks for instructions")                                            \
    X(TLB_FLUSHES, "tlb_flush.stlb_any", 0x20bd, TIMES, "flushes of all TLBs")                                                                        \
    X(CACHE_FLUSHES, "cache.flushes", 0, TIMES, "flushes of the core's caches (WBINVD)")                                                              \
    /* stalls as the vendor counts them: each cause holds those below it */                                                                           \
    X(STALLS_ICACHE, "icache_16b.ifdata_stall", 0x0480, CYCLES, "cycles in which instruction fetch waited for an L1I miss or had gone to a wrong line") \
    X(STALLS_ITLB, "icache_64b.iftag_stall", 0x0483, CYCLES, "cycles in which instruction fetch waited for the instruction TLB")                      \
    X(STALLS_BTB, "btb.stalls", 0, CYCLES, "cycles lost to taken branches that the BTB did not hold")                                                 \
    X(SLOTS_FRONTEND, "idq_uops_not_delivered.core", 0x019c, SLOTS, "issue slots that the front end left empty: fetch stalls by width")               \
    X(STALLS_L1D_MISS, "cycle_activity.stalls_l1d_miss", 0x0c000ca3, CYCLES, "cycles stalled on data that L1D did not hold")                          \
    X(STALLS_L2_MISS, "cycle_activity.stalls_l2_miss", 0x050005a3, CYCLES, "cycles stalled on data that L2 did not hold")                             \
    X(STALLS_L3_MISS, "cycle_activity.stalls_l3_miss", 0x060006a3, CYCLES, "cycles stalled on data that the last-level cache did not hold")           \
    X(STALLS_RESOURCE, "resource_stalls.any", 0x01a2, CYCLES, "cycles stalled because the reorder buffer or the store buffer was full")               \
    X(STALLS_STORE, "resource_stalls.sb", 0x08a2, CYCLES, "cycles stalled because the store buffer was full")                                         \
    /* the CPI stack: the pipeline's and those below are all cycles, each cycle in one of them; the base is part of the pipeline's */                 \
    X(CPI_PIPELINE, "cpi_stack.pipeline", 0, CYCLES, "cycles of the pipeline itself, as if all accesses hit L1: base and core")                       \
    X(CPI_BASE, "cpi_stack.base", 0, CYCLES, "of these, the cycles that the micro-ops need at full width; the rest is core: dependences, ports")      \
    X(STALLS_FRONTEND, "cpi_stack.frontend", 0, CYCLES, "cycles lost to instruction fetch: L1I and ITLB misses, BTB resteers")                        \
    X(STALLS_BRANCH, "cpi_stack.branch", 0, CYCLES, "cycles lost to branch mispredictions, waiting for operands included")                            \
    X(STALLS_L2, "cpi_stack.l2", 0, CYCLES, "cycles stalled on data that L2 held")                                                                    \
    X(STALLS_LLC, "cpi_stack.llc", 0, CYCLES, "cycles stalled on data that the last-level cache or another core held")                                \
    X(STALLS_MEM, "cpi_stack.memory", 0, CYCLES, "cycles stalled on data that memory held")                                                           \
    X(STALLS_TLB, "cpi_stack.tlb", 0, CYCLES, "cycles stalled on the data TLB's misses")                                                              \
    X(STALLS_SMT, "cpi_stack.smt", 0, CYCLES, "cycles lost to the sibling logical processors' use of shared slots and ports")                         \
    X(STALLS_SYSTEM, "cpi_stack.system", 0, CYCLES, "cycles in VM-entry, VM-exit, the VMM and the guest's kernel")

enum sim_emon_event {
#define X(id, name, raw, unit, text) SIM_EV_##id,
    SIM_EMON_EVENTS(X)
#undef X
        SIM_EV_COUNT
};

typedef struct {
    const char *name; /* as `perf list` has it */
    const char *text;
    uint32_t raw;     /* the vendor's code as above; 0: none */
    sim_emon_unit unit;
} sim_emon_desc;

extern const sim_emon_desc sim_emon_events[SIM_EV_COUNT];
extern const char *const sim_emon_unit_names[SIM_UNIT_COUNT];
/* The event of a name, or -1. */
int sim_emon_by_name(const char *name);

/* ---- counters ------------------------------------------------------------------------------------------------ */

/* Counters have 48 bits. Programmable ones are numbered from 0, fixed ones as RDPMC numbers them. */
#define SIM_EMON_MASK ((UINT64_C(1) << 48) - 1)
enum {
    SIM_EMON_FIXED = 1 << 30, /* + number of a fixed counter: ... */
    SIM_EMON_FIXED_INSNS = SIM_EMON_FIXED,
    SIM_EMON_FIXED_CYCLES,
    SIM_EMON_FIXED_REF_CYCLES,
    SIM_EMON_N_FIXED = 3,
    SIM_EMON_MAX_PROGRAMMABLE = 16,
};

/* A counter's bit in the overflow status: programmable ones from bit 0, fixed ones from bit 32, as in IA32_PERF_GLOBAL_STATUS. */
static inline uint64_t sim_emon_bit(unsigned counter)
{
    return UINT64_C(1) << (counter & SIM_EMON_FIXED ? 32 + (counter & 15) : counter & 31);
}

/* What a counter is programmed with. All zero but `event`: it counts the event from 0 on. */
typedef struct {
    enum sim_emon_event event;
    uint8_t threshold; /* counter mask: 0: counts occurrences; n: counts cycles in which at least n occurred */
    bool invert;       /* ... fewer than n */
    bool edge;         /* ... counts how often that began to hold, instead of the cycles in which it did; without a threshold that is 1 */
    bool off;          /* does not count (the enable bit is clear): the counter holds its value */
    bool interrupt;    /* an overflow interrupts */
    uint64_t period;   /* preset so that it overflows after this many, up to 2^48 - 1; 0: begins at 0 */
} sim_emon_config;

/* ---- the CPI stack --------------------------------------------------------------------------------------------- */

/* X(identifier, name, event); the core is what of its event is not the base. */
#define SIM_CPI_STACK(X)                                                                                                                              \
    X(BASE, "base", CPI_BASE) X(CORE, "core", CPI_PIPELINE) X(FRONTEND, "frontend", STALLS_FRONTEND) X(BRANCH, "branch", STALLS_BRANCH)               \
    X(L2, "l2", STALLS_L2) X(LLC, "llc", STALLS_LLC) X(MEMORY, "memory", STALLS_MEM) X(TLB, "tlb", STALLS_TLB) X(SMT, "smt", STALLS_SMT)              \
    X(SYSTEM, "system", STALLS_SYSTEM)

enum {
#define X(id, name, event) SIM_CPI_##id,
    SIM_CPI_STACK(X)
#undef X
        SIM_CPI_COUNT
};

extern const char *const sim_cpi_names[SIM_CPI_COUNT];
/* The cycles of a set of counts (or of a difference of two) by what they went into; their sum is ev[SIM_EV_CYCLES] exactly: counts are whole
 * cycles, and `core` takes what rounding down left over. */
void sim_cpi_stack(const uint64_t ev[SIM_EV_COUNT], uint64_t stack[SIM_CPI_COUNT]);
