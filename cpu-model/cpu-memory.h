/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The memory system behind the first-level caches: private L2s, an inclusive L3 per package with a directory
 * where the machine has one, invalidation between cores, and memory with latency and bandwidth. */
#pragma once

#include "cpu-cache.h"
#include "cpu-tlb.h"

typedef enum { CPU_LEVEL_L1, CPU_LEVEL_L2, CPU_LEVEL_LLC, CPU_LEVEL_MEM, CPU_N_LEVELS } cpu_level;

typedef struct {
    cpu_cache l1i, l1d, l2;
    uint32_t package, index; /* index within the package */
    uint64_t hz, hz_sub;     /* clock: cycles and 1/64 cycles per second */
    uint32_t mem_cycles;     /* unloaded memory latency in this core's cycles */
} cpu_mem_core;

/* A memory channel: a slot for each line's time, taken or free. Slots are found again by number, so that requests need not
 * come in the order of time: logical processors run ahead of one another a little. */
enum { CPU_CHANNEL_WORDS = 64 };
typedef struct {
    uint64_t taken[CPU_CHANNEL_WORDS];  /* a bit per slot, a ring of words ... */
    uint64_t number[CPU_CHANNEL_WORDS]; /* ... and which word of all time each is */
} cpu_channel;

typedef struct {
    cpu_cache l3;
    cpu_channel channel;
} cpu_mem_package;

typedef struct {
    const cpu_machine *desc;
    cpu_mem_core *cores;     /* [desc->n_cores] */
    cpu_mem_package *packages;
    unsigned line_shift;
    sim_ps line_ps;          /* a line's time on the memory channel */
} cpu_memory;

/* What one request did, for the caller's counters. */
typedef struct {
    uint32_t latency;        /* cycles of the core, beyond the L1 hit */
    cpu_level level;         /* that had it */
    uint8_t l1_writeback, l2_writeback, llc_writeback, mem_reads, mem_writes;
} cpu_mem_result;

void cpu_memory_init(cpu_memory *memory, const cpu_machine *desc);
void cpu_memory_clear(cpu_memory *memory);
/* L1D (or L1I, with `fetch`) of `core` missed on `line` at the core's local clock `at` (1/64 cycles): finds the line, moves it in everywhere it belongs. */
void cpu_memory_miss(cpu_memory *memory, unsigned core, uint64_t line, bool write, bool fetch, uint64_t at, cpu_mem_result *result);
/* A store hits a line in L1D that other cores may share: takes it away from them. Returns the cycles it takes. */
uint32_t cpu_memory_upgrade(cpu_memory *memory, unsigned core, uint64_t line, uint64_t *word);
/* Writes back and invalidates the core's L1D, L1I and L2, as WBINVD does for its own; returns the lines written back. */
uint64_t cpu_memory_flush(cpu_memory *memory, unsigned core, uint64_t at);
/* Tells the host that the sets which a miss on `line` will look at are wanted soon. */
static inline void cpu_memory_prefetch(const cpu_memory *m, const cpu_mem_core *c, uint64_t line)
{
    const cpu_cache *l3 = &m->packages[c->package].l3;
    if (l3->sets) {
        const uint64_t *set = cpu_cache_set(l3, line);
        __builtin_prefetch(set);
        __builtin_prefetch(set + 8);
    }
}

/* Physical address of the page of a key (owner << 36 | vpn). A permutation per owner, or identity: [machine] pages. */
uint64_t cpu_memory_page(const cpu_memory *memory, uint64_t key);
