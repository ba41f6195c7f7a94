/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Cores and logical processors (LPs): the timing model. `interval` level after Genbrugge, Eyerman and Eeckhout
 * ("Interval simulation", HPCA 2010): a block's cost is computed once (cpu-sched.h); misses and
 * mispredictions add to it, and misses overlap as far as the reorder buffer reaches and the data dependences
 * between them allow.
 *
 * Approximate, and left out: of the lines on their way only the last per entry of a 64-entry table are known to later loads
 * that hit them; the latencies between two dependent misses are those of a typical core; wrong-path execution. */
#pragma once

#include "cpu-emon.h"
#include "cpu-memory.h"
#include "cpu-predict.h"
#include "cpu-sched.h"
#include "cpu-view.h"
#include "sim-types.h"

typedef struct cpu_complex cpu_complex; /* all cores of a machine with their memory */
typedef struct cpu_lp cpu_lp;

/* One block on one kind of core: what the run loop reads. One host cache line. */
typedef struct {
    uint32_t stat[4];      /* instructions, micro-ops, loads, stores */
    uint64_t regs;         /* registers that it reads or writes */
    uint64_t addr;         /* virtual address of the first instruction */
    uint64_t fall;         /* ... and after the last: names the branch */
    uint64_t line;         /* physical address of the first code line, in lines */
    uint32_t pred;         /* the predecessor that `cost` is for; CPU_NO_PRED: none yet */
    uint32_t cost;         /* 1/64 cycles */
    uint32_t stores;       /* bit per slot: it writes; slots from 32 on: ask the decoded block */
    uint8_t n_slots;       /* 255: ask the decoded block */
    uint8_t room;          /* an access that begins up to here in a line does not reach the next: bytes, saturating */
    uint8_t n_lines;       /* code lines touched; CPU_LINES_SLOW: crosses a page */
    uint8_t branch;        /* cpu_branch_kind */
} cpu_tblock;
enum { CPU_LINES_SLOW = 255, CPU_NO_PRED = UINT32_MAX - 1 }; /* the latter is no block, nor CPU_NO_BLOCK: the first one has its cost too */
G_STATIC_ASSERT(sizeof(cpu_tblock) == 64);

/* The timing of one address space's code on one kind of core. */
typedef struct {
    cpu_tblock *blocks;
    cpu_shares *demand;
    const cpu_block **decoded;
    cpu_sched_code **code; /* [capacity] */
    uint32_t n, capacity;
    uint64_t *edge_keys;   /* open addressing: pred << 32 | id, + 1 */
    uint32_t *edge_costs;
    uint32_t n_edges, edge_mask;
    uint64_t *path_keys;   /* likewise: blocks from a redirection to a mispredicted branch, hashed; 0: empty */
    uint32_t *path_losses;
    uint32_t n_paths, path_mask;
} cpu_timing;

/* An address space on a machine: the owner's tag and the timing of its code. */
typedef struct {
    uint16_t owner;
    insn_code *code;
    cpu_timing timing[CPU_MAX_KINDS];
} cpu_space;

cpu_complex *cpu_complex_new(const cpu_machine *desc);
void cpu_complex_free(cpu_complex *complex);
cpu_lp *cpu_complex_lp(cpu_complex *complex, unsigned id);
/* Lines that an owner has in all data caches of the machine, by level; the last level is L2 where there is no L3. */
typedef struct {
    uint64_t l1d, l2, llc;
} cpu_occupancy;
cpu_occupancy cpu_complex_occupancy(const cpu_complex *complex, uint16_t owner);
unsigned cpu_lp_core(const cpu_lp *lp);
const cpu_core_desc *cpu_lp_kind(const cpu_lp *lp);

/* `owner` below 4095; `code` outlives the space. */
cpu_space *cpu_space_new(insn_code *code, uint16_t owner);
void cpu_space_free(cpu_space *space);

/* Puts a space on an idle LP, at its local clock. The batch is empty. */
void cpu_lp_start(cpu_lp *lp, cpu_space *space);
/* Takes it off after all that is in flight has completed: the local clock moves there. Blocks not yet consumed
 * stay the caller's: cpu_lp_position tells how many were. */
void cpu_lp_stop(cpu_lp *lp);
/* Gives the LP a batch, from block and address number on. The arrays stay the source's, until the next. */
void cpu_lp_feed(cpu_lp *lp, const insn_batch *batch, uint32_t block, uint32_t addr);
void cpu_lp_position(const cpu_lp *lp, uint32_t *block, uint32_t *addr);
/* Consumes blocks until the local clock reaches `until` (1/64 cycles) or the batch is used up (returns true). */
bool cpu_lp_run(cpu_lp *lp, uint64_t until);

/* Local clock in 1/64 cycles since power-on: an LP's first member, so that whoever orders LPs by time need not call. */
static inline uint64_t cpu_lp_clock(const cpu_lp *lp)
{
    return *(const uint64_t *)(const void *)lp;
}
void cpu_lp_advance(cpu_lp *lp, uint64_t clock); /* an idle LP's, forward only */
sim_ps cpu_lp_now(const cpu_lp *lp);
/* The first local clock that is not before `at`. */
uint64_t cpu_lp_clock_at(const cpu_lp *lp, sim_ps at);

/* System software on the LP (VMM with owner 0, or a guest's kernel): `cycles`, plus its footprint through the caches, beginning
 * at line number `first` of its code and of its data. */
void cpu_lp_system(cpu_lp *lp, uint16_t owner, uint32_t cycles, uint32_t first, unsigned code_lines, unsigned data_lines);
void cpu_lp_flush_tlb(cpu_lp *lp);
void cpu_lp_flush_caches(cpu_lp *lp);
/* Confines an owner's fills in the core's L2, or in the last-level cache, to ways: cpu_memory_way_mask. */
bool cpu_lp_way_mask(cpu_lp *lp, bool last_level, uint16_t owner, uint64_t mask);
