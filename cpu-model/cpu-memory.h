/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The memory system behind the first-level caches: L2s, private or shared by neighbouring cores; an L3 per package; coherence between cores by
 * invalidation (MESI: a word with CPU_LINE_DIRTY is modified, with CPU_LINE_SHARED shared, with neither exclusive); page walks; memory.
 *
 * A request is carried out at once when it is made: lines move in everywhere they belong, and the answer says how long it took. Lines that were asked for
 * before and are still under way are found again in tables of flights, and a request for one waits for the rest.
 *
 * Approximate, and left out: a table of flights knows the last line of each of its entries only; write-backs take bandwidth but nobody waits
 * for them; victims of an L1 in a shared L2 keep their holder's bit there, and lines that a core dropped keep its sharer's bit in L3 (snoops that
 * find nothing cost no time); an L3 that is not inclusive has no directory, its package's other cores are asked on each miss of an L2. */
#pragma once

#include "cpu-cache.h"
#include "cpu-dram.h"
#include "cpu-prefetch.h"
#include "cpu-tlb.h"

typedef enum { CPU_LEVEL_L1, CPU_LEVEL_L2, CPU_LEVEL_LLC, CPU_LEVEL_MEM, CPU_N_LEVELS } cpu_level;

/* A line under way, found again by its number: a direct-mapped table. */
typedef struct {
    uint64_t line, complete; /* local clock of its cores, 1/64 cycles */
    uint8_t reason;          /* free for the core's use */
} cpu_flying;
enum { CPU_L1_FLYING = 64, CPU_L2_FLYING = 128 };

/* Miss status holding registers: when each is free again, 1/64 cycles. */
enum { CPU_MAX_MSHRS = 64 };
typedef struct {
    uint32_t n; /* 0: no limit */
    uint64_t free[CPU_MAX_MSHRS];
} cpu_mshrs;

typedef struct cpu_mem_cluster cpu_mem_cluster;

/* A core's own part. */
typedef struct {
    cpu_cache l1i, l1d;
    cpu_cache *l2;           /* the cluster's */
    cpu_mem_cluster *cluster;
    uint32_t package;
    uint64_t fetch_flags;    /* of lines in L1I: CPU_LINE_PENDING where its policy has to see the first hit */
    uint64_t holder;         /* its bit in its L2's words */
    uint64_t hz, hz_sub;     /* clock: cycles and 1/64 cycles per second */
    uint32_t mem_cycles;     /* unloaded memory latency in this core's cycles */
    cpu_mshrs mshrs;         /* of L1D, shared by the core's logical processors */
    cpu_flying flying[CPU_L1_FLYING]; /* on their way to L1; the words there have CPU_LINE_PENDING */
    cpu_tlb structures[3];   /* paging-structure caches, cpu-walk.c */
    cpu_tlb nested;
    cpu_stride_table strides;
    cpu_prefetch_counts l1i_prefetch, l1d_prefetch;
    uint64_t walks, walk_reads;
} cpu_mem_core;

/* An L2 and the cores above it. */
struct cpu_mem_cluster {
    cpu_cache l2;
    uint32_t first, n;       /* cores */
    uint32_t package;
    uint64_t sharer;         /* its bit in its L3's words */
    bool exclusive;
    bool tied;               /* a line that leaves L2 concerns the L1s: L2 is inclusive, or an L1D written through */
    bool prefetches;
    cpu_mshrs mshrs;
    cpu_flying flying[CPU_L2_FLYING];
    cpu_stream_table streams;
    cpu_prefetch_counts prefetch;
    uint64_t invalidated;    /* lines that other cores took away by a store */
    uint64_t forwarded;      /* modified lines that other cores asked for */
};

typedef struct {
    cpu_cache l3;
    cpu_dram dram;
    uint32_t first, n;       /* clusters */
} cpu_mem_package;

typedef struct {
    const cpu_machine *desc;
    cpu_mem_core *cores;     /* [desc->n_cores] */
    cpu_mem_cluster *clusters;
    cpu_mem_package *packages;
    unsigned n_clusters;
    unsigned line_shift;
    unsigned owner_shift;    /* of a line's number */
    cpu_inclusion l3_inclusion;
    bool l3;                 /* there is one */
    cpu_channel bus;         /* front-side bus; slot 0: none */
} cpu_memory;

/* What one request did, for the caller's counters. */
typedef struct {
    uint32_t latency;        /* cycles of the core, beyond the L1 hit */
    cpu_level level;         /* that had it */
    uint16_t l1_writeback, l2_writeback, llc_writeback, mem_reads, mem_writes;
    uint16_t invalidations;  /* copies taken from other cores */
    uint16_t forwards;       /* modified lines that another core gave */
    uint16_t prefetches;     /* lines that prefetchers brought on this occasion */
    uint16_t prefetch_hits;  /* prefetched lines of L2 that were used for the first time */
} cpu_mem_result;

void cpu_memory_init(cpu_memory *memory, const cpu_machine *desc);
void cpu_memory_clear(cpu_memory *memory);
/* L1D (or L1I, with `fetch`) of `core` missed on `line` at the core's local clock `at` (1/64 cycles): finds the line, moves it in everywhere it
 * belongs, trains and runs L2's prefetchers. In L1 it is the most recent of its set, but for a store that misses a write-through L1D. */
void cpu_memory_miss(cpu_memory *memory, unsigned core, uint64_t line, bool write, bool fetch, uint64_t at, cpu_mem_result *result);
/* A store hits a line in L1D (or L2) that other cores may share: takes it away from them. Returns the cycles it takes. Adds to the result's counts. */
uint32_t cpu_memory_upgrade(cpu_memory *memory, unsigned core, uint64_t line, uint64_t *word, uint64_t at, cpu_mem_result *result);
/* A store hits a line that a write-through L1D holds, and L2 is not known to hold it dirty. */
void cpu_memory_store_through(cpu_memory *memory, unsigned core, uint64_t line, uint64_t *word, uint64_t at, cpu_mem_result *result);
/* A store hits `word` of L1D at `at`. Returns the cycles it takes to get the line from other cores. Adds to the result's counts. */
static inline uint32_t cpu_memory_store(cpu_memory *m, unsigned core, uint64_t line, uint64_t *word, uint64_t at, cpu_mem_result *r)
{
    cpu_cache *l1d = &m->cores[core].l1d;
    uint32_t cycles = *word & CPU_LINE_SHARED ? cpu_memory_upgrade(m, core, line, word, at, r) : 0;
    if (G_UNLIKELY(l1d->through))
        cpu_memory_store_through(m, core, line, word, at, r);
    else
        cpu_cache_mark_dirty(l1d, word);
    return cycles;
}

/* After an access that missed L1D, or was the first to a line that a prefetcher had brought: runs L1D's prefetchers. `ip` names the instruction, `pa`
 * is the byte's address. Adds to the result's counts of traffic. */
void cpu_memory_train_data(cpu_memory *memory, unsigned core, uint64_t ip, uint64_t pa, uint64_t at, cpu_mem_result *result);
/* The same of L1I after a fetch of `line`. */
void cpu_memory_train_fetch(cpu_memory *memory, unsigned core, uint64_t line, uint64_t at, cpu_mem_result *result);
/* A word with CPU_LINE_PENDING was hit at `at`: the clock when the line will be there, or 0, with that flag taken off, when it is. `*first`: the hit is the
 * first on a line that a prefetcher brought, which is counted. */
uint64_t cpu_memory_pending(cpu_memory *memory, unsigned core, bool fetch, uint64_t line, uint64_t *word, uint64_t at, bool *first);

/* A page walk for `key` (owner << 36 | page) at `at`: cycles. Counts traffic in the result, whose level and latency mean nothing. */
uint32_t cpu_memory_walk(cpu_memory *memory, unsigned core, uint64_t key, uint64_t at, cpu_mem_result *result);
/* The paging-structure caches of a core forget everything. */
void cpu_memory_flush_structures(cpu_memory *memory, unsigned core);

/* What a WBINVD did. */
typedef struct {
    uint64_t written;      /* lines written back to memory */
    uint64_t invalidated;  /* valid lines dropped, of all caches */
    uint64_t end;          /* when it is done, local clock of the core */
} cpu_flush_result;
/* Writes back and invalidates all caches that an access of the core reaches: L1s and L2 of its cluster, the package's L3, and, where that is inclusive, all
 * caches above it (Intel SDM vol. 2, WBINVD: all levels of the hierarchy of the executing core, shared ones included). */
void cpu_memory_flush(cpu_memory *memory, unsigned core, uint64_t at, cpu_flush_result *result);

/* Confines fills of an owner at a level (CPU_LEVEL_L2: `unit` is a core, whose L2 is meant; CPU_LEVEL_LLC: a package) to ways; see cpu_cache_way_mask.
 * False: no such cache, or no way of it in the mask. */
bool cpu_memory_way_mask(cpu_memory *memory, cpu_level level, unsigned unit, uint32_t owner, uint64_t mask);

/* Tells the host that the sets which a miss on `line` will look at are wanted soon. */
static inline void cpu_memory_prefetch(const cpu_memory *m, const cpu_mem_core *c, uint64_t line)
{
    const cpu_cache *l3 = &m->packages[c->package].l3, *l2 = c->l2;
    if (l3->outer) {
        const uint64_t *set = cpu_cache_set(l3, line);
        __builtin_prefetch(l3->outer + ((size_t)(set - l3->ways) >> l3->way_shift) * 32);
        __builtin_prefetch(set);
        __builtin_prefetch(set + 8);
    }
    if (l2->outer)
        __builtin_prefetch(l2->outer + ((size_t)(cpu_cache_set(l2, line) - l2->ways) >> l2->way_shift) * 32);
}

/* Physical address of the page of a key (owner << 36 | vpn). A permutation per owner, or identity: [machine] pages. */
uint64_t cpu_memory_page(const cpu_memory *memory, uint64_t key);

/* The register that serves a request made at `at`: one that is free, else the one that is free first; *at moves on to when it is. */
static inline uint64_t *cpu_mshr_take(cpu_mshrs *m, uint64_t *at)
{
    uint64_t *first = &m->free[0];
    for (uint64_t *f = m->free; f < m->free + m->n; f++) {
        if (*f <= *at)
            return f;
        if (*f < *first)
            first = f;
    }
    *at = *first;
    return first;
}
