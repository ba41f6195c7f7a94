/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Shared by the files of the conformance suite; nobody else includes this. */
#pragma once

#include "vmm-conform.h"
#include "vmm-mock.h"

#define MS(x) ((sim_ps)((x)*SIM_PS_PER_MS))
#define US(x) ((sim_ps)((x)*SIM_PS_PER_US))

/* What a case does not ask of a policy, or does. */
enum {
    MAY_STARVE = 1u << 0, /* priorities keep somebody out for long */
    ON_AND_OFF = 1u << 1, /* and asks that it is powered on and off many times */
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

/* What was seen of a vCPU and of a pCPU so far. */
typedef struct {
    uint32_t on;        /* pCPU, or VMM_PCPU_NONE */
    sim_ps since;       /* on it, or off it */
    bool waits;         /* runnable since then */
    sim_ps ran;         /* in slices that are over */
    unsigned turns;     /* slices */
    sim_ps patience;    /* so many times the longest quantum may it wait */
} conform_vcpu;

typedef struct {
    uint32_t vcpu;      /* that has it, or VMM_VCPU_NONE */
    sim_ps since;       /* begin of its slice; else the end of the last one */
    sim_ps idle_since;  /* beside work that may run on it; SIM_PS_NEVER: there is none */
    uint32_t beside;    /* the vCPU that waits then, since ... */
    sim_ps beside_since;
} conform_pcpu;

struct conform_run {
    const conform_case *of;
    const vmm_conform_config *config;
    mock *m;
    uint32_t random;
    GPtrArray *steps, *names; /* owned */
    bool may_idle;
    conform_vcpu *vcpus;
    conform_pcpu *pcpus;
    sim_ps longest;           /* quantum that was given so far */
};

/* `n` steps that live as long as the run. */
mock_step *conform_steps(conform_run *r, unsigned n);
/* Adds a VM that follows the steps (none: it runs for ever), under a name of its own. */
mock_guest *conform_add(conform_run *r, vmm_vm_config config, const mock_step *steps, unsigned n);
uint32_t conform_random(conform_run *r);

/* In the process of a case: tells that an invariant broke, and ends it. VMM_PCPU_NONE, VMM_VCPU_NONE: none in particular. */
G_NORETURN void conform_broke(const char *invariant, sim_ps at, uint32_t pcpu, uint32_t vcpu, const char *format, ...) G_GNUC_PRINTF(5, 6);

/* vmm-conform-watch.c: before the machine runs; after each event of it; at the end of the run. */
void conform_watch_begin(conform_run *r);
void conform_watch(void *run);
void conform_watch_end(conform_run *r);
void conform_watch_free(conform_run *r);

/* What a process that dies leaves behind: shared with it. Texts are addresses of this program, the same in both processes. */
typedef struct {
    const char *hook;     /* of the policy, that is being called; NULL: none */
    const char *suspected; /* invariant that has broken already, while more is found out about it; NULL: none */
    uint32_t pcpu, vcpu;  /* of what is suspected */
    volatile uint64_t calls; /* of hooks */
    uint64_t decisions;
    volatile sim_ps at;   /* of the last decision */
} conform_trail;

/* vmm-conform-hooks.c: the policy with hooks that keep the trail, and look into answers to idle. One at a time in a process. */
const struct vmm_policy_ops *conform_wrap(const struct vmm_policy_ops *policy, conform_trail *trail);

/* vmm-conform-case.c: in the process of a case: runs it, tells the outcome through `fd` and ends. What it tells: "ok"; or an invariant, a place and a text
 * on three lines; or CONFORM_BAD_PARAMS, an empty line and a message. */
#define CONFORM_BAD_PARAMS "parameters"
enum { CONFORM_TEXT = 2000 };
G_NORETURN void conform_be_the_case(const conform_case *of, const vmm_conform_config *config, conform_trail *trail, int fd);
