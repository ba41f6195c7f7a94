/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The triggers of emon-quantum: what a sample of the state management unit says about the running vCPU. Pure functions of
 * the samples and of a little state per vCPU; who acts on them is emon-quantum.c. */
#pragma once

#include "vmm-policy.h"

/* Events that the triggers want, in order of need. */
enum { EMON_L1D_MISSES, EMON_L1I_MISSES, EMON_L1D_WRITEBACKS, EMON_L1D_ACCESSES, EMON_N_EVENTS };
extern const int emon_trigger_events[EMON_N_EVENTS];

/* Thresholds. Rates are per million instructions, as in vmm_smu_sample. */
typedef struct {
    uint32_t flush_dirty_permille;  /* of L1D: so many dirty lines before the flush ... */
    uint32_t flush_left_permille;   /* ... of which at most so many are left */
    uint32_t loop_samples;          /* the same loop in so many samples in a row, or ... */
    uint64_t loop_iterations;       /* ... so many iterations: long */
    uint32_t loop_body;             /* instructions per iteration at most: tight */
    uint32_t loop_btb_permille;     /* BTB hits at least */
    uint64_t loop_l1i_rate, loop_l1d_rate; /* misses at most */
    uint32_t full_permille;         /* of L1D is the vCPU's: full */
    uint64_t full_l1d_rate;         /* misses at most */
    uint32_t stall_permille;        /* of its cycles it waits for memory: stalled */
    uint64_t cold_l1d_rate;         /* misses at least: a phase that finds nothing of its own in the caches */
    uint32_t confirm;               /* samples in a row before a state counts */
    uint32_t slack_permille;        /* thresholds are so much laxer once it does */
} emon_thresholds;

/* A state that is entered after some samples, and left when even the laxer thresholds are missed. */
typedef struct {
    uint32_t streak;
    bool on;
} emon_state;

/* What is known of a loop: how long it goes on, and what comes after it. */
typedef struct {
    uint64_t branch;        /* 0: unused */
    uint64_t iterations;    /* decaying mean, each end weighing 1/4 */
    uint32_t ends, nexts;   /* ends seen; phases seen after them, up to 2^32 - 1 */
    uint64_t next_rate;     /* L1D misses per million instructions of what followed, decaying likewise */
    uint64_t used;          /* number of the sample that used it last */
} emon_loop;
enum { EMON_LOOPS = 8 };    /* of a vCPU that are remembered: the oldest makes room */

/* Per vCPU. */
typedef struct {
    emon_state tight, traversed, stalled;
    emon_loop loops[EMON_LOOPS];
    uint32_t after;         /* 1 + the loop after which the next sample is; 0: none */
    uint64_t n;             /* samples */
    uint64_t branch;        /* of the loop that the detector was on; 0: none */
    uint32_t samples;       /* in a row that saw it */
    uint32_t solid;         /* ... and found the vCPU in that loop (not merely on its first iterations) */
    uint64_t iterations;    /* seen last */
} emon_tracker;

/* What one sample tells. */
typedef struct {
    bool flushed;   /* M12: the VM's dirty lines of L1D were written back, not evicted by others, or WBINVD */
    bool loop_end;  /* M14: a long loop ended */
    bool tight;     /* M13: in a tight loop, with BTB and L1I warm */
    bool traversed; /* M23: L1D is full of the VM's lines, which it goes through again and again */
    bool stalled;   /* [0052]: nearly all its cycles go into waiting for memory */
    uint32_t memory_permille; /* of its cycles */
    bool cold_next; /* M16: what came after the loop that ended used to miss much */
    uint64_t next_rate; /* ... so much, per million instructions */
    uint32_t nexts;     /* ... so often */
    /* M16: cycles until the loop that goes on is to end, as it ended before; UINT64_MAX: not known. */
    uint64_t remaining_cycles, remaining_iterations, expected_iterations;
    uint32_t ends;      /* times that it was seen to end */
    uint64_t ended_branch, ended_iterations; /* of the loop that ended */
} emon_findings;

/* The vCPU got on a pCPU: loops are told apart by their address, so that the state goes on where it was left; a loop that
 * ended between two stays is not noticed. */
void emon_tracker_begin(emon_tracker *t);
emon_findings emon_triggers_evaluate(emon_tracker *t, const vmm_smu_sample *sample, const emon_thresholds *limits);
