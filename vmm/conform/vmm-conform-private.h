/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Shared by the files of the conformance suite; nobody else includes this. */
#pragma once

#include "vmm-conform.h"
#include "vmm-mock.h"

#define MS(x) ((sim_ps)((x)*SIM_PS_PER_MS))
#define US(x) ((sim_ps)((x)*SIM_PS_PER_US))

/* What a case does not ask of a policy. */
enum {
    MAY_STARVE = 1u << 0, /* weights or priorities keep somebody out for long */
};

/* A case: fills the machine; the steps that guests follow are to live as long as it (conform_steps). */
typedef struct conform_run conform_run;
typedef struct {
    vmm_conform_case shown;
    unsigned pcpus;
    unsigned n; /* the builder's own: a number of vCPUs, a seed */
    sim_ps quantum, span;
    unsigned flags;
    void (*build)(conform_run *r);
} conform_case;
extern const conform_case conform_cases[];
extern const unsigned conform_n_cases;

struct conform_run {
    const conform_case *of;
    const vmm_conform_config *config;
    mock *m;
    uint32_t random;
    GPtrArray *steps, *names; /* owned */
    sim_ps *idle_since;       /* [pCPU] while work waits for it; SIM_PS_NEVER: none does */
    bool may_idle;
};

/* `n` steps that live as long as the run. */
mock_step *conform_steps(conform_run *r, unsigned n);
/* Adds a VM that follows the steps (none: it runs for ever), under a name of its own. */
mock_guest *conform_add(conform_run *r, vmm_vm_config config, const mock_step *steps, unsigned n);
uint32_t conform_random(conform_run *r);

/* In the process of a case: tells that an invariant broke, and ends it. */
G_NORETURN void conform_broke(const char *invariant, const char *format, ...) G_GNUC_PRINTF(2, 3);

/* vmm-conform-watch.c: after each event of the machine; at the end of the run. */
void conform_watch(void *run);
void conform_watch_end(conform_run *r);

/* vmm-conform-hooks.c: what a process that dies leaves behind. */
typedef struct {
    const char *hook;     /* of the policy, that is being called; NULL: none (an address of this program, the same in both processes) */
    uint64_t decisions;
    volatile sim_ps at;
} conform_trail;
/* The policy with hooks that keep the trail. One at a time in a process. */
const struct vmm_policy_ops *conform_wrap(const struct vmm_policy_ops *policy, conform_trail *trail);
