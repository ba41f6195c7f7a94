/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The port from the VMM to a physical CPU (a logical processor of the machine). The VMM knows processors by
 * this header alone; sim/run implements it over cpu-model. Times are simulated; cycles are the pCPU's own. */
#pragma once

#include "sim-emon.h"
#include "sim-types.h"
#include "vmm-controls.h"
#include "vmm-view.h"

#include <glib.h>
#include <stdbool.h>

typedef struct vmm_pcpu vmm_pcpu;

/* Identifies who owns cache lines and physical memory: 0 is the VMM itself, VM number n (from 0) is n + 1. */
typedef uint16_t vmm_owner;
enum { VMM_OWNER_VMM = 0 };

/* Why a guest stopped by itself. Plain system calls and clock reads are the guest kernel's business, and never
 * reach the VMM; preemption is the VMM's own doing. */
typedef enum {
    VMM_STOP_SLEEP,      /* guest idle (HLT) for `span`, or until `until` */
    VMM_STOP_IO,         /* a disk request of `bytes`, write or read; guest idle until it completes */
    VMM_STOP_YIELD,      /* nothing useful to do now */
    VMM_STOP_HYPERCALL,  /* nr, arg */
    VMM_STOP_WBINVD,     /* write back and invalidate caches (already carried out) */
    VMM_STOP_ROI,        /* nr: 1 begin, 0 end */
    VMM_STOP_TASK_BEGIN, /* nr: task kind, arg: id */
    VMM_STOP_TASK_END,
    VMM_STOP_END,        /* the guest is done: status */
    VMM_STOP_FAULT,      /* the guest is dead: arg the address, ip, text */
} vmm_stop_kind;

typedef struct {
    vmm_stop_kind kind;
    uint32_t nr;
    uint64_t arg;
    sim_ps span;  /* SLEEP, relative; 0 when `until` is meant */
    sim_ps until;
    uint64_t bytes;
    bool write;
    int status;
    uint64_t ip;
    const char *text; /* owned by the guest's source */
} vmm_stop;

/* Work of the VMM itself (exit handler, scheduler, entry): `cycles` of execution, plus going through the caches
 * with `code_lines` and `data_lines` lines of the VMM's own footprint beginning at line number `first`. */
typedef struct {
    uint32_t cycles;
    uint32_t first;
    uint16_t code_lines;
    uint16_t data_lines;
} vmm_work;

typedef struct {
    /* Puts the guest of `vcpu` (the number given to vmm_add_vm's caller, see vmm.h) on the idle pCPU: it runs from the
     * pCPU's local time on. `owner` tags its lines and TLB entries. */
    void (*start)(vmm_pcpu *p, uint32_t vcpu, vmm_owner owner);
    /* Takes the guest off, at a block boundary; the pCPU is idle. */
    void (*stop)(vmm_pcpu *p);
    /* Local time of the pCPU: never before the engine's present. An idle pCPU's local time is brought up to the engine's. */
    sim_ps (*now)(vmm_pcpu *p);
    /* The VMM works on the pCPU: local time moves on. Works whether or not a guest is on it. */
    void (*work)(vmm_pcpu *p, const vmm_work *work);
    /* Flushes the TLBs of the pCPU. */
    void (*flush_tlb)(vmm_pcpu *p);
    /* The guest on the pCPU halts without a VM-exit: it stays on and executes nothing, and local time follows the engine's, until it is told to go on
     * or stopped. */
    void (*halt)(vmm_pcpu *p, bool halted);
    /* EMON: select an event (costs nothing by itself); read a counter.
     * Counters wrap at 48 bits. Fixed counters are 0 instructions, 1 cycles, 2 ref-cycles. */
    void (*emon_select)(vmm_pcpu *p, unsigned counter, enum sim_emon_event event);
    uint64_t (*emon_read)(vmm_pcpu *p, unsigned counter);
    uint64_t (*emon_read_fixed)(vmm_pcpu *p, unsigned fixed);
    /* Programs a counter with threshold, preset, interrupt (sim-emon.h; SIM_EMON_FIXED_* name the fixed ones). False and error set: no such
     * counter, or it cannot do that. An overflow interrupt reaches the VMM by vmm_emon_overflow, at the end of a block of the guest; one that
     * came about in the VMM's own work does so when a guest runs next. */
    bool (*emon_program)(vmm_pcpu *p, unsigned counter, const sim_emon_config *config, GError **error);
    /* Counters that have overflowed (sim_emon_bit of each) since they were programmed or acknowledged. */
    uint64_t (*emon_status)(vmm_pcpu *p);
    void (*emon_acknowledge)(vmm_pcpu *p, uint64_t status);
    /* Optional: the counters stand still, and interrupt nobody, until they are released: somebody else has the pCPU. */
    void (*emon_hold)(vmm_pcpu *p, bool held);
    /* The full truth of all counters of this pCPU since power-on. For accounts and reports only: no policy sees it. */
    void (*truth)(vmm_pcpu *p, uint64_t counts[SIM_EV_COUNT]);
    void (*view)(vmm_pcpu *p, vmm_owner owner, vmm_view *view);
    /* Confines what an owner fills in the pCPU's L2 or last-level cache (those that it shares with others: for all who share) to the ways of
     * `mask`, as Intel's Cache Allocation Technology does; lines that are elsewhere stay until they are evicted. All ways: no limit. False: no
     * such cache, or no way of it in the mask. */
    bool (*way_mask)(vmm_pcpu *p, vmm_owner owner, vmm_cache_level level, uint64_t mask);
} vmm_pcpu_ops;

/* Saving or loading an element of machine state: cycles, and lines of memory that it is kept in. */
typedef struct {
    uint32_t cycles;
    uint16_t lines;
} vmm_state_cost;

/* Constant facts of a pCPU, and its operations. sim/run embeds this at the front of its own structure. */
struct vmm_pcpu {
    const vmm_pcpu_ops *ops;
    uint32_t id;      /* dense, from 0; the tie-break of everything */
    uint32_t core;    /* pCPUs of one core have the same number */
    uint32_t package;
    uint64_t hz;
    uint32_t emon_counters; /* programmable ones */
    uint32_t emon_read_cycles;  /* cost of one read (RDPMC) */
    /* From the machine file. Those of exit and entry include general, control and internal state, as measurements of round trips do. */
    uint32_t vm_exit_cycles, vm_entry_cycles;
    vmm_state_cost state[VMM_N_STATES_OF_MACHINE]; /* TLB: the instruction that flushes it */
    uint32_t vmcs_switch_cycles; /* to another vCPU's control structure */
    bool tlb_tagged;             /* else every transition flushes the TLBs */
    uint32_t l1d_lines, l1i_lines, l2_lines, llc_lines;
    uint32_t l2_ways, llc_ways;
    const char *kind; /* name of its core kind in the machine file */
};
