/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The virtual machine monitor: VMs and vCPUs, transitions, the scheduler's frame around a policy, accounts. */
#pragma once

#include "pcpu.h"
#include "sim-engine.h"
#include "vmm-below.h"
#include "vmm-observe.h"
#include "vmm-policy.h"
#include "vmm-profile.h"
#include "vmm-smu.h"

#include <glib.h>

typedef struct vmm vmm;

typedef struct {
    const char *name;
    uint32_t weight;     /* 1 to 65535, 256 is the norm */
    int32_t priority;    /* greater runs first under priority policies */
    sim_ps start;        /* when the VM is powered on ... */
    sim_ps stop;         /* ... and off, whatever it does then; 0: when it ends */
    sim_ps quantum;      /* pre-assigned; 0: the policy's default */
    const uint64_t *affinity; /* bit set over pCPU ids, 4 words (256 LPs); NULL: all */
    const char *gang;    /* VMs that name the same one are a gang; NULL: it is one by itself */
    sim_ps io_latency;   /* of its disk, per request ... */
    uint64_t io_bytes_per_s; /* ... and its bandwidth */
    const char *const *policy_params; /* pairs of name and value for the policy's vm_params, NULL at the end; or NULL */
    const char *policy_origin; /* "scenario.conf: [vm a]" for messages */
    const vmm_controls *controls; /* NULL: vmm_controls_default */
} vmm_vm_config;

/* The port to tasks that wait in VMs and can move between them; whoever makes the VMM implements it. VMs by number; times are simulated. */
typedef struct vmm_tasks {
    void *user;
    /* Tasks of `kind` that have arrived in the VM by `now` and have not begun. */
    uint32_t (*waiting)(void *user, uint32_t vm, uint32_t kind, sim_ps now);
    /* Moves the one that waits longest. False: none waits, or `to` cannot run the kind; `why` (static) says so. */
    bool (*move)(void *user, uint32_t from, uint32_t to, uint32_t kind, sim_ps now, const char **why);
    /* When a VM that sleeps for want of a task is to wake: `now` where one waits for it. SIM_PS_NEVER: it does not sleep for that. */
    sim_ps (*wake)(void *user, uint32_t vm, sim_ps now);
} vmm_tasks;

/* The port to copies of the whole simulation (services.what_if). */
typedef struct vmm_copies {
    void *user;
    /* Makes `n` copies, at most VMM_MAX_TRIALS, and returns in each with its number (0 to n-1) at once, in the original with VMM_TRIALS_MADE when all have
     * ended: `results` (n of `size` bytes) are what they told, zeros for one that could not be made or failed. VMM_TRIALS_NONE: none can be made. */
    int (*make)(void *user, unsigned n, size_t size, void *results);
    /* Ends the copy that calls it. Does not return. */
    void (*tell)(void *user, const void *result, size_t size);
} vmm_copies;

typedef struct {
    const struct vmm_policy_ops *policy;
    /* name=value pairs for the policy's declared parameters (NULL-terminated pairs: name, value, name, value, NULL);
     * an unknown name or bad value is an error of vmm_new that names the parameter. */
    const char *const *policy_params;
    const char *policy_origin; /* "scenario.conf: [policy]" for messages */
    sim_ps quantum;            /* default quantum; 0: 1 ms */
    uint64_t seed;
    bool strict;               /* a policy's bad answer ends the run */
    bool keep_schedule;        /* record every schedule entry (for timelines); decisions are always kept */
    uint32_t max_decisions;    /* entries kept; all are counted. 0: 100000 */
    vmm_smu_config smu;        /* the state management unit, where the policy watches */
    const struct vmm_tasks *tasks; /* tasks that can move between VMs; NULL: there are none */
    const struct vmm_copies *copies; /* NULL: no trials can be made */
    vmm_observe_fn observe;    /* is told what happens, but in copies that make trials; NULL: nobody */
    void *observe_user;
} vmm_config;

typedef enum {
    VMM_EXIT_HLT, VMM_EXIT_IO, VMM_EXIT_YIELD, VMM_EXIT_HYPERCALL, VMM_EXIT_WBINVD, VMM_EXIT_QUANTUM, VMM_EXIT_EXTERNAL,
    VMM_EXIT_FAULT, VMM_EXIT_SHUTDOWN, VMM_EXIT_EMON,
    VMM_EXIT_CPUID, VMM_EXIT_MSR, VMM_EXIT_RDTSC, VMM_EXIT_PAUSE, VMM_N_EXITS
} vmm_exit_reason;
extern const char *const vmm_exit_names[VMM_N_EXITS];

typedef struct {
    sim_ps at, until;
    uint32_t pcpu, vm;
} vmm_slice;

typedef struct {
    const char *name;
    vmm_vcpu_state state;
    bool started, ended, faulted;
    bool stopped;              /* ended by vmm_vm_config.stop */
    int exit_status;
    uint64_t fault_address, fault_ip;
    char *fault_text; /* or NULL */
    sim_ps started_at, ended_at;
    sim_ps in_state[VMM_N_STATES];
    uint64_t ev[SIM_EV_COUNT]; /* the guest's own: without those of VM-entry, VM-exit and the VMM */
    uint64_t exits[VMM_N_EXITS];
    sim_ps exit_time[VMM_N_EXITS]; /* from the guest's last instruction until it went on or was taken off */
    sim_ps dispatch_time;      /* scheduler and VM-entry, each time it was put on: with exit_time, this is work_time */
    sim_ps halted;             /* on a pCPU, halted without a VM-exit: part of its running time */
    uint64_t dispatches;       /* times put on a pCPU from another vCPU or idle */
    uint64_t preemptions, voluntary, migrations;
    uint64_t switched_off[VMM_N_OFF_REASONS]; /* another vCPU followed, by reason; with those that blocked: preemptions + voluntary */
    uint64_t quanta_extended, quanta_ended_early, quanta_full;
    GArray *wake_latency;      /* of uint64_t ps: wake-up to first instruction */
    GArray *task_time;         /* of struct { uint32_t kind; uint64_t ps; } in order: begin to end */
    sim_ps work_time;          /* VM-entry, VM-exit, scheduler on its behalf: part of its running time */
    /* With a layer below the VMM: */
    sim_ps taken;              /* in which its pCPU was taken away while it ran: part of its runnable time */
    uint64_t times_taken;
    sim_ps outer_time;         /* exits to the outer VMM on its behalf: part of work_time */
    uint64_t outer_exits;
} vmm_vm_stats;

typedef struct { uint32_t kind; uint32_t pad; uint64_t ps; } vmm_task_time;

/* The pcpus outlive the vmm. NULL and error set for a bad policy parameter. */
vmm *vmm_new(const vmm_config *config, sim_engine *engine, vmm_pcpu *const *pcpus, unsigned n_pcpus, GError **error);
void vmm_free(vmm *v);
/* Whether a VM could be added: bounds of quantum and weight, an affinity that holds a pCPU, parameters that the policy has. */
bool vmm_check_vm(const vmm *v, const vmm_vm_config *config, GError **error);
/* Adds a VM with one vCPU before vmm_start (it has to pass vmm_check_vm); its number (from 0) is also its vCPU's number in vmm_pcpu_ops.start. */
unsigned vmm_add_vm(vmm *v, const vmm_vm_config *config);
/* Powers on: schedules the VMs' start events. */
void vmm_start(vmm *v);
/* The guest on `pcpu` stopped by itself (its local time is ops->now). On return the pCPU runs a guest or is idle;
 * the guest that stopped is still on it where it may simply go on (start is not called again then). */
void vmm_guest_stopped(vmm *v, unsigned pcpu, const vmm_stop *stop);
/* The guest on `pcpu` executed an instruction `n` times that its controls make exit (CPUID, MSR, RDTSC, PAUSE), in the block that it has just finished: as
 * many VM-exits, after which it goes on. */
void vmm_guest_trapped(vmm *v, unsigned pcpu, vmm_insn insn, unsigned n);
/* EMON counters of `pcpu` have overflowed and interrupt its guest (sim_emon_bit of each): a VM-exit, and the policy is asked
 * (vmm_policy_ops.pmu_overflow). On return the pCPU runs a guest or is idle, as above. Nothing happens where no vCPU runs. */
void vmm_emon_overflow(vmm *v, unsigned pcpu, uint64_t counters);
/* The run is over before its time was: in a copy that makes a trial, tells the outcome and does not return. */
void vmm_trial_over(vmm *v);
/* Every VM is offline (ended or dead). */
bool vmm_all_ended(const vmm *v);
/* Closes the accounts at `end` (states, running vCPUs' counters), for the getters below. */
void vmm_finish(vmm *v, sim_ps end);

unsigned vmm_n_vms(const vmm *v);
const vmm_vm_stats *vmm_stats(const vmm *v, unsigned vm);
const vmm_decision *vmm_decisions(const vmm *v, unsigned *n_kept, uint64_t *n_all);
/* Evidence beyond a decision's own pairs, and outcomes: in the order in which they were told. Only of decisions that were kept. */
typedef struct vmm_fact {
    uint64_t decision; /* its number, from 0 */
    const char *name;  /* static */
    int64_t value;
    bool outcome;      /* else evidence */
} vmm_fact;
const vmm_fact *vmm_facts(const vmm *v, unsigned *n);
/* Figures of the policy about a VM. */
typedef struct {
    const char *name;  /* static */
    int64_t value;
} vmm_figure;
const vmm_figure *vmm_figures(const vmm *v, unsigned vm, unsigned *n);
/* Begins with the profiles that an earlier run left: pCPUs and VMs by number, as many as there are here. Before vmm_start; copied. */
void vmm_load_profile(vmm *v, const vmm_profile *profile);
/* The profiles as they are, those of earlier runs that were loaded included; owned by the caller. After vmm_start. */
vmm_profile *vmm_take_profile(const vmm *v);
/* What the state management unit did. */
void vmm_smu_report(const vmm *v, vmm_smu_stats *stats);
const vmm_slice *vmm_slices(const vmm *v, unsigned *n);
/* The count of bad answers the policy gave, and the text of the first (NULL when none). */
uint64_t vmm_bad_answers(const vmm *v, const char **first);
/* How often the starvation watchdog had to make a vCPU run, and the text of the first time. */
uint64_t vmm_starvations(const vmm *v, const char **first);
/* A strict run that met a bad answer: the error is set, the run has to end. */
bool vmm_failed(const vmm *v, GError **error);
/* Adds schedule and decisions (all of them, kept or not) to a digest; after vmm_finish. */
void vmm_digest(const vmm *v, GChecksum *sum);
/* The policy's state in words, a line at a time. */
void vmm_dump_policy(const vmm *v, void (*line)(void *user, const char *text), void *user);
