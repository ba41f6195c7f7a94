/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The insides of the memory system, shared by cpu-memory.c, cpu-coherence.c, cpu-prefetch.c, cpu-walk.c and cpu-flush.c. Not for others. */
#pragma once

#include "cpu-memory.h"

static inline uint32_t cpu_owner_of_line(const cpu_memory *m, uint64_t line)
{
    return (uint32_t)(line >> m->owner_shift);
}

/* Takes a line out of all caches of a cluster; true when a dirty copy was there. `*present` is set when any was. */
bool cpu_purge_cluster(cpu_memory *memory, cpu_mem_cluster *cluster, uint64_t line, bool *present);
/* Takes a line out of the L1s of a cluster's cores but `except` (or NULL); true when a dirty copy was there. */
bool cpu_purge_l1s(cpu_memory *memory, const cpu_mem_cluster *cluster, const cpu_mem_core *except, uint64_t line, bool *present);
/* The L1s of the core's neighbours at its L2: purged for a write, else made sharers. True when one still holds the line. */
bool cpu_snoop_neighbours(cpu_memory *memory, const cpu_mem_core *core, uint64_t line, bool write, bool *dirty, cpu_mem_result *result);
/* All clusters of a package but `except` (or NULL) among those of the `sharers` mask: purged or made sharers. Adds what they had
 * to *dirty and *present; returns the mask of those that still hold the line. */
uint64_t cpu_snoop_package(cpu_memory *memory, unsigned package, const cpu_mem_cluster *except, uint64_t sharers, uint64_t line, bool write, bool *dirty,
                           bool *present, cpu_mem_result *result);
/* Other packages may hold the line: theirs is purged or shared. True when one had it. */
bool cpu_snoop_packages(cpu_memory *memory, const cpu_mem_core *core, uint64_t line, bool write, uint64_t at, cpu_mem_result *result);

/* A line's read or write on a package's channel (and the bus), for core `core`'s clock: cycles beyond the unloaded latency, which may be negative. */
int64_t cpu_use_memory(cpu_memory *memory, const cpu_mem_core *core, unsigned package, uint64_t line, uint64_t at);
void cpu_write_to_memory(cpu_memory *memory, const cpu_mem_core *core, unsigned package, uint64_t line, uint64_t at, cpu_mem_result *result);

/* A request reaches L2: cycles until its core has the data. `*flags` are those of the copy that the core gets. L2 holds the line afterwards, unless it is
 * exclusive and the line does not stay there. */
typedef enum { CPU_ASK_READ, CPU_ASK_WRITE, CPU_ASK_FETCH, CPU_ASK_WALK } cpu_ask;
uint32_t cpu_ask_l2(cpu_memory *memory, cpu_mem_core *core, uint64_t line, cpu_ask ask, uint64_t at, uint64_t *flags, cpu_mem_result *result);
/* A request of L2's own: the line is brought there if it is not and a miss status holding register is free. */
void cpu_prefetch_l2(cpu_memory *memory, cpu_mem_core *core, uint64_t line, uint64_t at, cpu_mem_result *result);
/* What a request for a line sets L2's prefetchers to. */
void cpu_train_l2(cpu_memory *memory, cpu_mem_core *core, uint64_t line, uint64_t at, cpu_mem_result *result);
/* L1 gets a line that L2 has been asked for; its victim goes down. */
void cpu_fill_l1(cpu_memory *memory, cpu_mem_core *core, bool fetch, uint64_t line, uint64_t flags, uint64_t at, cpu_mem_result *result);
