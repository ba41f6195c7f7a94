/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The policy ABI: all that a scheduling policy, built in or in a shared object, shares with the VMM.
 *
 * Whoever implements a policy fills a `const struct vmm_policy_ops`. The VMM keeps the vCPUs' states, the pCPUs'
 * timers and all accounts; the policy keeps its own queues and says who runs where, and for how long. A policy
 * needs no symbol of the program: the VMM hands it its services as a table of functions.
 *
 * Rules for all hooks
 * - One thread calls; a hook may call services but never keeps the VMM waiting.
 * - vCPUs and pCPUs are known by number, dense from 0. A vCPU's number never changes and is never reused.
 * - Hooks that are told to queue a vCPU which is queued already, or to drop one which is not queued, do nothing.
 * - Every answer is checked: a vCPU that does not exist, is not runnable, runs elsewhere or may not run on the
 *   pCPU, a quantum outside [VMM_QUANTUM_MIN, VMM_QUANTUM_MAX], or idling while a vCPU could run are bad answers:
 *   counted, the first reported with the policy's name, and replaced by round-robin; a strict run fails.
 * - The state of a policy must depend on its parameters and on what the hooks and services tell, on nothing else
 *   (no clock, address or randomness of the host): equal runs give equal results.
 *
 * Versions: the ABI only grows, at the ends of structures. `abi_version` is VMM_POLICY_ABI as compiled, and
 * `struct_size` the size of the structure as compiled: a VMM treats what is missing as NULL or 0, a policy looks
 * at vmm_services.struct_size before it uses a service younger than itself. */
#pragma once

#include "sim-emon.h"
#include "sim-types.h"
#include "vmm-sample.h"
#include "vmm-view.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define VMM_POLICY_ABI 1u

#define VMM_VCPU_NONE UINT32_MAX
#define VMM_PCPU_NONE UINT32_MAX
#define VMM_MAX_PCPUS 256
#define VMM_MASK_WORDS (VMM_MAX_PCPUS / 64)

#define VMM_QUANTUM_MIN (10 * SIM_PS_PER_US)
#define VMM_QUANTUM_MAX SIM_PS_PER_S

static inline bool vmm_mask_has(const uint64_t mask[VMM_MASK_WORDS], uint32_t pcpu)
{
    return mask[pcpu / 64] >> (pcpu % 64) & 1;
}

/* ---- facts ------------------------------------------------------------------------------------------------- */

/* States as in Xen. */
typedef enum { VMM_RUNNING, VMM_RUNNABLE, VMM_BLOCKED, VMM_OFFLINE, VMM_N_STATES } vmm_vcpu_state;

/* Kept up to date by the VMM; a policy may keep the pointer as long as it lives. */
typedef struct {
    uint32_t id;
    uint32_t vm;       /* number of its VM */
    const char *name;  /* of its VM */
    uint32_t weight;   /* 1 to 65535, 256 is the norm */
    int32_t priority;  /* greater is more urgent */
    uint64_t affinity[VMM_MASK_WORDS]; /* pCPUs it may run on: at least one that exists */
    sim_ps quantum;    /* pre-assigned */
    vmm_vcpu_state state;
    uint32_t pcpu;     /* running there, or ran there last; VMM_PCPU_NONE: never ran */
    sim_ps since;      /* in this state since */
    uint32_t gang;     /* VMs of one gang have one number: those that `count` made, or that name the same `gang` */
} vmm_vcpu_facts;

/* Kept up to date by the VMM; a policy may keep the pointer as long as it lives. */
typedef struct {
    uint32_t id, core, package; /* pCPUs with the same core share its caches and pipelines */
    uint64_t hz;
    uint32_t emon_counters;     /* programmable ones */
    uint32_t emon_read_cycles;  /* cost of one read */
    uint32_t l1d_lines, l1i_lines, l2_lines, llc_lines;
    const char *kind;           /* of its core */
    uint32_t vcpu;              /* running, or VMM_VCPU_NONE */
    sim_ps quantum_begin;       /* of the running vCPU: its first instruction in this quantum */
    sim_ps quantum_end;         /* when its timer is to fire */
    uint32_t l2_ways, llc_ways;
} vmm_pcpu_facts;

/* ---- parameters -------------------------------------------------------------------------------------------- */

typedef enum {
    VMM_PARAM_TIME,     /* a time with its unit: 100us */
    VMM_PARAM_UINT,     /* a whole number */
    VMM_PARAM_DOUBLE,   /* a finite decimal */
    VMM_PARAM_BOOL,     /* true or false */
    VMM_PARAM_PERMILLE, /* a whole number of thousandths */
} vmm_param_type;

typedef union {
    uint64_t u; /* TIME (picoseconds), UINT, PERMILLE */
    double d;   /* DOUBLE */
    bool b;     /* BOOL */
} vmm_param_value;

/* min and max are not looked at for BOOL. */
typedef struct {
    const char *name;
    vmm_param_type type;
    vmm_param_value def, min, max;
    const char *help; /* one line, without a full stop */
} vmm_param;

/* ---- answers ------------------------------------------------------------------------------------------------ */

#define VMM_N_EVIDENCE 4
#define VMM_N_MORE 8
#define VMM_N_OUTCOMES 8
#define VMM_N_FIGURES 16

/* A change of a quantum, with the evidence that caused it. All text is static. */
typedef struct {
    sim_ps at;
    uint32_t pcpu, vm;
    const char *action; /* "extend", "end", "donate", "increase", "decrease", "prefer" (a vCPU to another) */
    const char *reason; /* static string of the policy, e.g. "tight-loop" */
    sim_ps before, after; /* quantum */
    const char *evidence[VMM_N_EVIDENCE]; /* names (static); NULL: unused */
    int64_t value[VMM_N_EVIDENCE];
} vmm_decision;

/* Answer of `schedule`. */
typedef struct {
    uint32_t vcpu;      /* VMM_VCPU_NONE: the pCPU idles */
    sim_ps quantum;     /* 0: the vCPU's pre-assigned one */
    const char *reason; /* static, or NULL */
} vmm_choice;

typedef enum {
    VMM_KEEP,    /* the quantum stays as it is: goes on, or ends where it was to end */
    VMM_EXTEND,  /* ends `span` later */
    VMM_SHORTEN, /* ends `span` sooner (at once, where that is past) */
    VMM_END,     /* ends now */
    VMM_DONATE,  /* ends now, and `to` runs next here for `span`, or with 0 for what was left (VMM_QUANTUM_MIN at least) */
} vmm_verdict_kind;

/* Answer of `tick`, `quantum_expiring` and `pmu_overflow`. The VMM records all but VMM_KEEP as a vmm_decision
 * once it has accepted them, with the quantum before and after. */
typedef struct {
    vmm_verdict_kind kind;
    sim_ps span;
    uint32_t to;
    const char *reason; /* static */
    const char *evidence[VMM_N_EVIDENCE];
    int64_t value[VMM_N_EVIDENCE];
} vmm_verdict;

/* Why a vCPU that could go on was taken off. */
typedef enum {
    VMM_OFF_QUANTUM,   /* its quantum was used up */
    VMM_OFF_ENDED,     /* a verdict ended its quantum early (VMM_END, VMM_SHORTEN, VMM_DONATE) */
    VMM_OFF_PREEMPTED, /* somebody asked for a new decision on its pCPU */
    VMM_OFF_YIELDED,   /* it gave the pCPU up */
    VMM_OFF_REFUSED,   /* it never got on: the VMM refused the choice */
    VMM_N_OFF_REASONS
} vmm_off_reason;

/* What became of a vCPU in a trial (services.what_if), since the trial began. */
typedef struct {
    uint64_t insns; /* that its guest retired */
    sim_ps running, runnable, blocked;
} vmm_trial;

enum { VMM_MAX_TRIALS = 16 };
#define VMM_TRIALS_MADE (-1)
#define VMM_TRIALS_NONE (-2)

/* ---- services of the VMM ------------------------------------------------------------------------------------ */

typedef struct vmm_host vmm_host; /* opaque */

/* Services marked (here) work on the pCPU whose hook is being called: an EMON register or state view of another
 * pCPU cannot be read. Their misuse is a bad answer. None of them shows the simulator's full counts. */
typedef struct {
    uint32_t abi_version, struct_size;

    /* The present instant of the machine, and a pCPU's own time, which may be a little past it. In a hook that
     * names a pCPU, that pCPU's time is the right one. */
    sim_ps (*present)(const vmm_host *h);
    sim_ps (*now)(const vmm_host *h, uint32_t pcpu);

    uint32_t (*n_pcpus)(const vmm_host *h);
    uint32_t (*n_vcpus)(const vmm_host *h); /* all there will ever be in this run, on line or not */
    const vmm_pcpu_facts *(*pcpu)(const vmm_host *h, uint32_t pcpu); /* NULL: no such pCPU */
    const vmm_vcpu_facts *(*vcpu)(const vmm_host *h, uint32_t vcpu); /* NULL: no such vCPU */
    /* pCPUs that idle and were not asked to look for work yet: VMM_MASK_WORDS words, kept up to date. */
    const uint64_t *(*idle_mask)(const vmm_host *h);

    /* The number of an event by its perf name, or -1. Numbers of sim-emon.h hold for this build of the program only. */
    int (*emon_event)(const char *name);
    /* (here; in `init` on any pCPU) Programs a counter. Costs as much as a read; nothing in `init`. False: no such
     * counter or event. */
    bool (*emon_select)(vmm_host *h, uint32_t pcpu, uint32_t counter, int event);
    /* (here) Read a programmable or fixed counter (0 instructions, 1 cycles, 2 ref-cycles), 48 bits, wrapping. Each
     * read costs emon_read_cycles of the pCPU's time. */
    uint64_t (*emon_read)(vmm_host *h, uint32_t pcpu, uint32_t counter);
    uint64_t (*emon_read_fixed)(vmm_host *h, uint32_t pcpu, uint32_t fixed);
    /* (here) The state view as the owner of `vcpu` sees it; costs VMM_VIEW_READS register reads. False: misuse. */
    bool (*view)(vmm_host *h, uint32_t pcpu, uint32_t vcpu, vmm_view *view);

    /* Asks for a new decision on a pCPU (an interprocessor interrupt, in the field also: tickle). The vCPU that runs
     * there is taken off with VMM_OFF_PREEMPTED after the present hook has returned. */
    void (*resched)(vmm_host *h, uint32_t pcpu);
    /* Period of `tick` on a pCPU, at multiples of it; 0 (as at first): none. VMM_QUANTUM_MIN at least. */
    void (*set_tick)(vmm_host *h, uint32_t pcpu, sim_ps period);
    /* Records a decision that no verdict stands for, e.g. a lasting change of a quantum. `at` is filled in. */
    void (*note)(vmm_host *h, const vmm_decision *decision);
    /* Uniform in [0, bound), bound > 0, from the policy's own stream. */
    uint64_t (*random_below)(vmm_host *h, uint64_t bound);

    /* (here; in `init` on any pCPU) Programs a counter, fixed ones by SIM_EMON_FIXED_*: event, threshold, and a period after which it
     * overflows, with an interrupt if wanted (pmu_overflow). Costs as much as a read; nothing in `init`. False: no such counter, or it
     * cannot do that; `why` (NULL: not wanted) is what is wrong, until the next call. */
    bool (*emon_program)(vmm_host *h, uint32_t pcpu, uint32_t counter, const sim_emon_config *config, const char **why);
    /* (here) Counters that have overflowed since they were programmed or acknowledged, sim_emon_bit of each. Costs a read each. */
    uint64_t (*emon_status)(vmm_host *h, uint32_t pcpu);
    void (*emon_acknowledge)(vmm_host *h, uint32_t pcpu, uint64_t status);
    /* What a counter is to be programmed with for an event by name or raw code (rCODE as perf takes it). False: there is none, `why` as above. */
    bool (*emon_parse)(vmm_host *h, const char *event, sim_emon_config *config, const char **why);
    /* (here; in `init` on any pCPU) Confines what a vCPU's VM fills in the pCPU's L2 or last-level cache to the ways of `mask` (bit = way, l2_ways
     * or llc_ways of them), for all pCPUs that share the cache; all ways: no limit. Costs as much as a register read. False: no such
     * cache, or no way of it in the mask. */
    bool (*way_mask)(vmm_host *h, uint32_t pcpu, uint32_t vcpu, vmm_cache_level level, uint64_t mask);

    /* (in `init`, once) Has the VMM's state management unit sample these events (numbers of emon_event, at most VMM_SMU_EVENTS; the most wanted first:
     * counters may be fewer) and the state view, and call `evaluate`: of which kind it is, at what period and cost, the scenario says. A sample is also
     * taken where a quantum is over, before quantum_expiring, which finds it in the profile, but for the kind whose counters interrupt. The unit's
     * programmable counters cannot be programmed by the policy then. False: too many, no such event, or not the first time. */
    bool (*smu_watch)(vmm_host *h, const int *events, uint32_t n);
    /* What it has gathered; free of cost. NULL: no such vCPU or pCPU, or smu_watch was not called. */
    const vmm_smu_profile *(*vcpu_profile)(const vmm_host *h, uint32_t vcpu);
    const vmm_smu_profile *(*pcpu_profile)(const vmm_host *h, uint32_t pcpu);
    /* What tasks of a kind cost the VM of a vCPU; NULL: none ended yet. */
    const vmm_task_profile *(*task_profile)(const vmm_host *h, uint32_t vcpu, uint32_t kind);
    /* Lasting change of a vCPU's pre-assigned quantum, recorded as a decision ("increase", "decrease") with the reason and the evidence of `why` (its
     * other fields are filled in). False: out of bounds. */
    bool (*set_quantum)(vmm_host *h, uint32_t vcpu, sim_ps quantum, const vmm_decision *why);
    /* Value of a parameter of the policy for one VM (vmm_policy_ops.vm_params, by number). */
    vmm_param_value (*vm_param)(const vmm_host *h, uint32_t vcpu, uint32_t param);
    /* Moves the task of `kind` that waits longest from the VM of one vCPU to that of another, recorded as a decision ("transfer"). False: nothing of the
     * kind waits there, or the other VM cannot run it; `why` is filled in as for emon_program (NULL: not wanted). */
    bool (*transfer_task)(vmm_host *h, uint32_t from, uint32_t to, uint32_t kind, const vmm_decision *reason, const char **why);
    /* Tasks of `kind` that wait in the VM of a vCPU and have not begun. */
    uint32_t (*waiting_tasks)(const vmm_host *h, uint32_t vcpu, uint32_t kind);

    /* Evidence beyond the VMM_N_EVIDENCE pairs of the next decision: the verdict that the present hook returns, or an earlier `note`, `set_quantum` or
     * `transfer_task`. VMM_N_MORE pairs at the most; forgotten when the hook's verdict is VMM_KEEP. Names are static. */
    void (*evidence)(vmm_host *h, const char *name, int64_t value);
    /* The number that the next decision will have, from 0: all that were made are counted, whoever made them. */
    uint64_t (*next_decision)(const vmm_host *h);
    /* What came of a decision, measured afterwards: a figure of a static name, VMM_N_OUTCOMES of them for a decision at the most. */
    void (*outcome)(vmm_host *h, uint64_t decision, const char *name, int64_t value);
    /* A figure of the policy about a vCPU's VM, for results: the last value of each static name, VMM_N_FIGURES names in all. */
    void (*figure)(vmm_host *h, uint32_t vcpu, const char *name, int64_t value);

    /* Has the hook `timer` called on a pCPU at `at` (the present, where that is past), once; SIM_PS_NEVER: not any more. A pCPU has one
     * timer; it fires while the pCPU idles, too. */
    void (*set_timer)(vmm_host *h, uint32_t pcpu, sim_ps at);

    /* (here, in `schedule`; policies of VMM_POLICY_TRIALS) Tries each of `n` choices, at most VMM_MAX_TRIALS, in a copy of the whole simulation that goes
     * `span` ahead, guests, caches and this policy included. `outcome`: [n][n_vcpus], filled in; all 0 for a trial that failed. It takes no simulated
     * time: no real VMM can do that. It returns once in the original: VMM_TRIALS_MADE, or VMM_TRIALS_NONE when no trials can be had (within a trial, or
     * where the simulation cannot be copied); and once in each copy, which learns the number of its choice (0 to n-1) and answers it. A choice that could
     * not be carried out is a bad answer, as is a span of 0 or beyond VMM_QUANTUM_MAX. */
    int (*what_if)(vmm_host *h, uint32_t pcpu, const vmm_choice *choices, uint32_t n, sim_ps span, vmm_trial *outcome);
} vmm_services;

/* Register reads that one state view costs: loop detector and prediction 3, occupancy and dirty lines of the caches and TLBs 3,
 * traffic and CPI stack 2, as if each came in one wide register. An estimate: no such registers exist as a group. */
#define VMM_VIEW_READS 8

/* ---- the policy --------------------------------------------------------------------------------------------- */

enum {
    /* The policy may leave a pCPU idle though a vCPU could run there (reservations, gangs, fixed placement): idling
     * is no bad answer then, and only the pCPU that pick_pcpu chose is woken. */
    VMM_POLICY_MAY_IDLE = 1u << 0,
    /* The policy calls services.what_if. */
    VMM_POLICY_TRIALS = 1u << 1,
};

/* Hooks marked M are mandatory. `self` is what `init` returned. Hooks that name a pCPU first are called in the VMM
 * on that pCPU, whose time goes on with what they read. */
struct vmm_policy_ops {
    uint32_t abi_version; /* VMM_POLICY_ABI */
    uint32_t struct_size; /* sizeof(struct vmm_policy_ops) */
    const char *name;     /* M: lower case, digits and '-' */
    const char *summary;  /* M: one line */
    const vmm_param *params; /* [n_params]; NULL when there are none */
    uint32_t n_params;
    uint32_t flags;          /* VMM_POLICY_* */

    /* Optional: conditions between parameters (values in the order of `params`). False: what is wrong, in `message`. */
    bool (*check)(const vmm_param_value *values, char *message, size_t size);
    /* M: at power-on, all vCPUs known and off line. `h` and `services` live as long as the policy; `values` until the
     * return. The result is the policy's own and not NULL; it cannot fail. */
    void *(*init)(vmm_host *h, const vmm_services *services, const vmm_param_value *values);
    /* M: frees what `init` returned. */
    void (*exit)(void *self);

    /* Optional: a vCPU is on line from now on; `wake` follows. */
    void (*vcpu_insert)(void *self, uint32_t vcpu);
    /* Optional: it is off line for good. If it ran, it was taken off before, and no context_saved follows. */
    void (*vcpu_remove)(void *self, uint32_t vcpu);
    /* M: it became runnable (after vcpu_insert, or after having been blocked): queue it. */
    void (*wake)(void *self, uint32_t vcpu);
    /* M: it cannot run any more or its choice was made by the VMM: drop it from the queues, if it is in one. A vCPU that
     * blocks while it runs is told of here; its pCPU facts still hold. */
    void (*sleep)(void *self, uint32_t vcpu);
    /* Optional: the running vCPU gives its pCPU up; context_saved with VMM_OFF_YIELDED follows. */
    void (*yield)(void *self, uint32_t vcpu);
    /* M: it is off `pcpu` (or was refused there), and still runnable: queue it. It may be chosen again at once. */
    void (*context_saved)(void *self, uint32_t pcpu, uint32_t vcpu, vmm_off_reason why);
    /* Optional: it is about to run on another pCPU than last time. */
    void (*migrate)(void *self, uint32_t vcpu, uint32_t from, uint32_t to);

    /* Optional: the pCPU where a vCPU that has just woken is to run; that pCPU is woken when it idles. Without it:
     * the last one if it idles, else an idle one, of a core that idles as a whole if there is one, of the same core,
     * package, machine, the lowest number first, else the last one. */
    uint32_t (*pick_pcpu)(void *self, uint32_t vcpu);
    /* M: who runs on `pcpu` from now on, and for how long. The policy drops the chosen vCPU from its queue. */
    vmm_choice (*schedule)(void *self, uint32_t pcpu, sim_ps now);

    /* Optional: each period of set_tick while a vCPU runs on the pCPU (not when its quantum is over at the same
     * time: quantum_expiring is called then). */
    vmm_verdict (*tick)(void *self, uint32_t pcpu, uint32_t vcpu, sim_ps now);
    /* Optional: the quantum is used up. VMM_KEEP and without it: it ends. */
    vmm_verdict (*quantum_expiring)(void *self, uint32_t pcpu, uint32_t vcpu, sim_ps now);
    /* Optional: an EMON counter (its number as in emon_program) overflowed and interrupts: services.emon_program armed it. It goes on from 0
     * until it is programmed again. Called for each counter where several did at once; the first answer but VMM_KEEP holds. */
    vmm_verdict (*pmu_overflow)(void *self, uint32_t pcpu, uint32_t vcpu, uint32_t counter, sim_ps now);

    /* Optional: describes the policy's state, a line at a time, for people and tests. */
    void (*dump)(void *self, void (*line)(void *user, const char *text), void *user);

    /* Optional: the state management unit has a sample of the vCPU that runs on the pCPU (services.smu_watch): what Figure 5 calls evaluate. */
    vmm_verdict (*evaluate)(void *self, uint32_t pcpu, uint32_t vcpu, const vmm_smu_sample *sample, sim_ps now);
    /* Optional: a task of the guest ended; it took `span` from its begin marker. Its profile has it already. */
    void (*task_ended)(void *self, uint32_t vcpu, uint32_t kind, sim_ps span);
    /* Optional: parameters that each VM may set: keys NAME.PARAMETER of its [vm] group. */
    const vmm_param *vm_params; /* one that has the name and type of a parameter of the policy has its value as default */
    uint32_t n_vm_params;
    /* Optional: conditions between the parameters of one VM (in the order of vm_params), as `check`. */
    bool (*check_vm)(const vmm_param_value *values, char *message, size_t size);
    /* Optional: the time of services.set_timer has come. The vCPU that runs on the pCPU, if one does, has left its guest, and goes on unless a new
     * decision is asked for. */
    void (*timer)(void *self, uint32_t pcpu, sim_ps now);
    /* Optional: the run is over: the last outcomes and figures (services.outcome, services.figure). Nothing else is called but `dump` and `exit`. */
    void (*finish)(void *self);
};

/* Name of the symbol that a shared object exports: `const struct vmm_policy_ops vmm_policy`. */
#define VMM_POLICY_SYMBOL "vmm_policy"
