/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A policy for tests of EMON services: runs the first VM on the first pCPU for ever, and counts. Used on the mock machine (here) and on a
 * real one (tests/unit/run). */
#pragma once

#include "vmm-emon.h"

extern const struct vmm_policy_ops emon_policy;

typedef struct {
    /* Set before vmm_start. */
    sim_emon_config arm;       /* period not 0: counter `armed` is programmed with it in init ... */
    unsigned armed;
    bool rearm;                /* ... and again at each overflow */
    vmm_verdict verdict;       /* answer to overflows */
    sim_ps turn;               /* not 0: the events are multiplexed with turns of this length */
    enum sim_emon_event events[8];
    unsigned n_events, per_group;
    void (*on_tick)(sim_ps now);
    sim_ps tick;               /* not 0: a view is taken so often */
    uint64_t llc_mask;         /* not 0: the ways of the last-level cache for the VM */
    /* What came of it. */
    unsigned overflows;
    uint32_t counter;          /* of the last overflow */
    uint64_t status, status_after;
    uint64_t insns[64];        /* fixed counter 0 at the first overflows */
    vmm_emon_value values[8];
    const char *why;           /* why the programming failed, or NULL */
    vmm_view view, sum;        /* the last one; cycles, instructions and iterations of all */
    unsigned views;
    bool masked;               /* what way_mask said */
    /* Private. */
    vmm_host *h;
    const vmm_services *s;
    vmm_emon *emon;
    bool runnable;
} emon_policy_state;

extern emon_policy_state emon_state;
