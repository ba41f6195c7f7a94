/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Structures shared by the files of the VMM; nobody else includes this.
 *
 * Time. Every pCPU has a local time (`vmm_now`) that is never before the engine's present and may be past it by a block or
 * by the VMM's own work. What happens on a pCPU happens at its local time; what concerns another pCPU goes through an
 * event at the time of the one that asks, so that no effect comes before its cause.
 *
 * Accounts. A vCPU is running from the instant at which a pCPU's scheduler begins to work for it until the work of its
 * VM-exit is done: VMM time spent on its behalf is part of its running time, and `work_time` tells that part apart.
 * Event counts (`ev`) are taken from its first instruction to its last of each stay: they hold the guest's own
 * events, none of a transition's. */
#pragma once

#include "pcpu.h"
#include "sim-engine.h"
#include "sim-random.h"
#include "vmm-policy.h"
#include "vmm-runqueue.h"
#include "vmm-smu.h"
#include "vmm.h"

#include <glib.h>

#define VMM_DEFAULT_QUANTUM SIM_PS_PER_MS
#define VMM_DEFAULT_MAX_DECISIONS 100000u
/* Bounds of what a run keeps, whatever guests do: wake latencies and task times per VM, open tasks, slices. */
#define VMM_MAX_SAMPLES (1u << 20)
#define VMM_MAX_OPEN_TASKS 1024u
#define VMM_MAX_SLICES (1u << 22)
#define VMM_UNDO 8u

typedef struct vmm_vm vmm_vm;
typedef struct vmm_vcpu vmm_vcpu;
typedef struct vmm_pc vmm_pc;

struct vmm_host {
    vmm *v;
};

/* Times in which the layer below took the pCPU from a vCPU that ran: their sum, and the last of them. */
typedef struct {
    sim_ps sum, from, to;
} vmm_taken;

/* A VM; its vCPUs are numbered from first_vcpu on. */
struct vmm_vm {
    char *name;
    vmm_owner owner;
    uint32_t first_vcpu, n_vcpus;
    char *gang;          /* or NULL */
    sim_ps start;
    sim_ps io_latency, disk_free; /* the disk serves one request at a time, in order of arrival */
    uint64_t io_bytes_per_s;
    vmm_param_value *params; /* of the policy for this VM: vmm_policy_ops.vm_params */
    vmm_controls controls;
    sim_ps stop; /* 0: never */
    GPtrArray *tasks; /* vmm_task_kind, by kind */
    vmm_vm_stats stats;
};

struct vmm_vcpu {
    vmm_vcpu_facts facts;
    vmm *v;
    vmm_vm *vm;
    sim_event power_on, wakeup, removal;
    vmm_pc *held_by; /* the pCPU that has such state of it as is saved only when another gets on; NULL: none */
    bool halted;     /* without a VM-exit; wakeup is pending */
    sim_ps halted_since; /* on its pCPU */
    sim_ps woken_at; /* SIM_PS_NEVER: did not wake since it last ran */
    sim_ps granted;  /* its latest quantum; 0: it never ran */
    bool forced;     /* by the starvation watchdog */
    vmm_pc *kicked;  /* an idle pCPU that was woken for it and has not looked for work yet; NULL: none */
    vmm_taken taken; /* since it began to run */
    bool away;       /* runs as far as the VMM knows, but its pCPU was taken away ... */
    sim_ps away_since; /* ... at this time */
    GArray *open_tasks; /* of open_task */
    /* The latest states before the present one: a pCPU's local time may pass the end of the run. */
    struct {
        vmm_vcpu_state state;
        sim_ps since;
        vmm_taken taken;
    } undo[VMM_UNDO];
    uint32_t n_undo;
};

/* A pCPU as the scheduler sees it. */
struct vmm_pc {
    vmm_pcpu_facts facts;
    vmm *v;
    vmm_pcpu *port;
    uint64_t siblings[VMM_MASK_WORDS]; /* the other pCPUs of its core */
    vmm_vcpu *cur;    /* running here; NULL: idle, or in the scheduler */
    vmm_vcpu *loaded; /* its guest is on the pCPU */
    vmm_vcpu *kicked_for; /* the vCPU whose `kicked` this is, or NULL */
    vmm_vcpu *holds;  /* whose state is in the pCPU's registers; NULL: nobody's who is on line */
    vmm_exit_reason left_for; /* the latest VM-exit */
    sim_event quantum_event, tick_event, resched_event, timer_event;
    sim_ps tick_period;
    sim_ps slice_begin, slice_end; /* of the guest loaded */
    bool extended, cut;  /* the present quantum */
    uint32_t forced;     /* vCPU that the watchdog put first here, or VMM_VCPU_NONE */
    uint32_t donated_to; /* vCPU that gets the rest of a quantum, or VMM_VCPU_NONE */
    sim_ps donated;
    uint64_t truth[SIM_EV_COUNT]; /* at the guest's first instruction of this stay */
};

struct vmm {
    struct vmm_host host;
    sim_engine *engine;
    struct vmm_policy_ops policy; /* what the policy's structure lacks is NULL */
    void *self;                   /* of the policy */
    vmm_param_value *params;
    sim_random random;
    sim_ps default_quantum;
    bool strict, keep_schedule, started, finished, initialising;
    uint32_t max_decisions;
    const vmm_tasks *tasks;
    const vmm_copies *copies;
    struct vmm_trial_state *trial; /* NULL: this is no copy */
    bool deciding;                 /* `schedule` is being called */
    vmm_observe_fn observe;        /* or NULL */
    void *observe_user;

    vmm_pc *pcs;
    unsigned n_pcs;
    GPtrArray *vms;   /* of vmm_vm */
    GPtrArray *vcpus; /* of vmm_vcpu */
    unsigned n_ended;
    uint64_t idle[VMM_MASK_WORDS]; /* idle and not asked to look for work */
    vmm_runqueue *ready; /* all runnable vCPUs, oldest first: the round-robin behind bad answers */
    uint32_t hook_pcpu;  /* whose hook is being called, or VMM_PCPU_NONE */
    vmm_smu_config smu_config;
    struct vmm_smu *smu; /* NULL: the policy does not watch */
    struct vmm_below *below; /* NULL: the VMM has the bare machine */
    vmm_profile *earlier; /* of earlier runs, or NULL */

    sim_event watchdog;
    sim_ps starvation_limit;
    uint64_t n_starved;
    char *first_starved;

    uint64_t n_bad;
    char *first_bad;
    char *why;         /* of the last emon_program or emon_parse that failed */
    GArray *decisions; /* of vmm_decision */
    struct vmm_facts_state *facts;
    uint64_t n_decisions;
    GArray *slices;    /* of vmm_slice */
    GChecksum *sum;    /* over all slices and decisions, kept or not */
};

/* Tells the observer, if there is one: VMM_SEE(v, .kind = VMM_SEEN_IDLE, ...). */
#define VMM_SEE(v, ...)                                                                                 \
    do {                                                                                                \
        if (G_UNLIKELY((v)->observe) && !(v)->trial)                                                    \
            (v)->observe((v)->observe_user, &(const vmm_sight){__VA_ARGS__});                           \
    } while (0)

static inline sim_ps vmm_now(const vmm_pc *pc)
{
    return pc->port->ops->now(pc->port);
}

static inline vmm_vcpu *vmm_vcpu_at(const vmm *v, uint32_t id)
{
    return id < v->vcpus->len ? g_ptr_array_index(v->vcpus, id) : NULL;
}

static inline bool vmm_may_run(const vmm_vcpu *c, uint32_t pcpu)
{
    return vmm_mask_has(c->facts.affinity, pcpu);
}

/* vmm-host.c: the services' table */
extern const vmm_services vmm_host_services;

/* vmm-vcpu.c: states, waking, blocking */
vmm_vcpu *vmm_vcpu_new(vmm *v, vmm_vm *vm, const vmm_vm_config *config);
void vmm_vcpu_free(vmm_vcpu *c);
void vmm_vcpu_set_state(vmm_vcpu *c, vmm_vcpu_state state, sim_ps at);
/* The layer below had taken the pCPU of the vCPU, which runs, for this time: it counts as runnable. */
void vmm_vcpu_taken(vmm_vcpu *c, sim_ps from, sim_ps to);
/* Times in states from the beginning to `at`, what lies past it taken back as far as it is known. Returns the time up to which they are: `at`, or later
 * where it is too far back. */
sim_ps vmm_vcpu_states_at(const vmm_vcpu *c, sim_ps at, sim_ps in_state[VMM_N_STATES]);
/* Closes the account of states at `end`, taking back what lies past it. */
void vmm_vcpu_close(vmm_vcpu *c, sim_ps end);
/* Of a vCPU that left its pCPU: blocked until `wake_at`; off line for good. The policy is told. */
void vmm_vcpu_block(vmm_vcpu *c, sim_ps at, sim_ps wake_at);
void vmm_vcpu_power_off(vmm_vcpu *c, sim_ps at);
/* Wakes a blocked vCPU at `at` if it would wake later. */
void vmm_vcpu_wake(vmm_vcpu *c, sim_ps at);
/* When a disk request of `bytes` that arrives at `at` is done. */
sim_ps vmm_disk_request(vmm_vm *vm, sim_ps at, uint64_t bytes);
/* Wakes an idle pCPU where the runnable vCPU may run, if there is one. */
void vmm_kick_idle(vmm_vcpu *c, sim_ps at);
/* The pCPU runs the vCPU (NULL: nobody) from now on: where it was woken for another one, that one gets another pCPU. Else it would wait beside idle ones. */
void vmm_kick_answered(vmm_pc *pc, vmm_vcpu *taken);

/* vmm-sched.c: what happens on a pCPU */
void vmm_pc_init(vmm_pc *pc, vmm *v, vmm_pcpu *port);
/* A new decision on the pCPU at `at` (or at the earlier time that was asked for already). */
void vmm_pc_resched(vmm_pc *pc, sim_ps at);
void vmm_pc_set_tick(vmm_pc *pc, sim_ps period);
void vmm_pc_set_timer(vmm_pc *pc, sim_ps at);
void vmm_pc_close(vmm_pc *pc, sim_ps end);

/* The vCPU, which runs or ran on the pCPU, is removed. */
void vmm_pc_remove(vmm_pc *pc);
/* The time has come for which the vCPU halted without a VM-exit. */
void vmm_pc_wake_halted(vmm_vcpu *c);

/* The state management unit's period on the pCPU is over. */
void vmm_pc_sample(vmm_pc *pc);

/* vmm-smu.c: the state management unit. All accept that the policy does not watch. */
void vmm_smu_free(vmm *v);
bool vmm_service_smu_watch(vmm_host *h, const int *events, uint32_t n);
const vmm_smu_profile *vmm_service_vcpu_profile(const vmm_host *h, uint32_t vcpu);
const vmm_smu_profile *vmm_service_pcpu_profile(const vmm_host *h, uint32_t pcpu);
/* The vCPU is about to run on the pCPU. */
void vmm_smu_begin(vmm_pc *pc, const vmm_vcpu *c);
/* The guest of the vCPU leaves the pCPU's registers. */
void vmm_smu_unload(vmm_pc *pc, const vmm_vcpu *c);
/* The guest of pc->cur goes in, or came out at the truth `now`. */
void vmm_smu_in(vmm_pc *pc);
void vmm_smu_out(vmm_pc *pc, const uint64_t now[SIM_EV_COUNT]);
/* The pCPU runs a guest, or idles: the period goes on, or stops. */
void vmm_smu_arm(vmm_pc *pc);
void vmm_smu_disarm(vmm_pc *pc);
/* Whether the unit samples beside the processor, without a VM-exit. */
bool vmm_smu_is_beside(const vmm *v);
/* Those of the counters that the unit armed. */
uint64_t vmm_smu_armed(const vmm_pc *pc, uint64_t counters);
/* Whether a programmable counter is the unit's. */
bool vmm_smu_owns(const vmm_pc *pc, uint32_t counter);
/* Takes a sample of pc->cur and asks the policy; `overflowed` are counters of vmm_smu_armed. */
vmm_verdict vmm_smu_evaluate(vmm_pc *pc, uint64_t overflowed);
/* Takes a sample where the quantum of pc->cur is over, if this kind has one to take. */
void vmm_smu_expiring(vmm_pc *pc);
/* What it has of its own for vmm_take_profile. */
void vmm_smu_profiles(const vmm *v, vmm_profile *profile);
/* A VM-exit of the unit lasted from `since` to now. */
void vmm_smu_took(vmm_pc *pc, sim_ps since);

/* vmm-work.c: what the VMM's own work costs on a pCPU */
void vmm_work_exit(vmm_pc *pc);
void vmm_work_entry(vmm_pc *pc, vmm_vcpu *c);
void vmm_work_schedule(vmm_pc *pc);
void vmm_work_tick(vmm_pc *pc);
void vmm_work_registers(vmm_pc *pc, unsigned reads);
void vmm_work_wait(vmm_pc *pc, sim_ps until);

/* vmm-decision.c: the policy's answers, checked */
typedef struct {
    vmm_vcpu *vcpu; /* NULL: idle */
    sim_ps quantum;
} vmm_pick;
vmm_pick vmm_decide(vmm_pc *pc);
/* What is wrong with a choice for the pCPU (static text), or NULL. */
const char *vmm_choice_wrong(const vmm_pc *pc, const vmm_choice *choice);
/* A verdict on the running quantum. On return it is one that can be carried out: VMM_KEEP in place of a bad one. */
vmm_verdict vmm_verdict_checked(vmm_pc *pc, vmm_verdict verdict, const char *hook);
/* The best idle pCPU for a vCPU: where it ran last, else one of a core that idles as a whole, the nearest first, else any,
 * or VMM_PCPU_NONE. */
uint32_t vmm_idle_for(const vmm_vcpu *c);
/* Where a vCPU that woke is to run. */
uint32_t vmm_place(vmm_vcpu *c);
void vmm_bad_answer(vmm *v, const char *format, ...) G_GNUC_PRINTF(2, 3);

/* vmm-account.c */
void vmm_account_in(vmm_pc *pc);  /* the guest's first instruction comes next */
void vmm_account_out(vmm_pc *pc); /* its last one was */
void vmm_account_slice(vmm *v, uint32_t pcpu, uint32_t vm, sim_ps at, sim_ps until);
void vmm_account_decision(vmm *v, const vmm_decision *decision);
void vmm_account_sample(GArray *samples, const void *value);
const vmm_task_profile *vmm_service_task_profile(const vmm_host *h, uint32_t vcpu, uint32_t kind);
void vmm_account_task(vmm_vcpu *c, sim_ps at, const vmm_stop *stop);

/* vmm-fact.c: evidence and outcomes of decisions, figures of VMs */
struct vmm_facts_state *vmm_facts_new(void);
void vmm_facts_free(struct vmm_facts_state *f); /* accepts NULL */
/* The decision `number` is recorded: evidence that was told for it becomes its own. */
void vmm_facts_attach(vmm *v, uint64_t number);
/* The evidence that was told for the next decision. */
const vmm_fact *vmm_facts_pending(const vmm *v, unsigned *n);
/* No decision was made: evidence told for it is forgotten. */
void vmm_facts_forget(vmm *v);
void vmm_service_evidence(vmm_host *h, const char *name, int64_t value);
uint64_t vmm_service_next_decision(const vmm_host *h);
void vmm_service_outcome(vmm_host *h, uint64_t decision, const char *name, int64_t value);
void vmm_service_figure(vmm_host *h, uint32_t vcpu, const char *name, int64_t value);

/* vmm-change.c: lasting changes: quanta, tasks that move */
bool vmm_service_set_quantum(vmm_host *h, uint32_t vcpu, sim_ps quantum, const vmm_decision *why);
bool vmm_service_transfer_task(vmm_host *h, uint32_t from, uint32_t to, uint32_t kind, const vmm_decision *reason, const char **why);
uint32_t vmm_service_waiting_tasks(const vmm_host *h, uint32_t vcpu, uint32_t kind);

/* vmm-trial.c: copies of the simulation that try choices out */
int vmm_service_what_if(vmm_host *h, uint32_t pcpu, const vmm_choice *choices, uint32_t n, sim_ps span, vmm_trial *outcome);

/* vmm-below.c, vmm-below-outer.c: what is below the VMM. All accept that there is nothing. */
void vmm_below_free(vmm *v);
void vmm_below_start(vmm *v);
void vmm_below_close(vmm *v, sim_ps end);
/* Whether the VMM does not have the pCPU. */
bool vmm_below_away(const vmm_pc *pc);
/* An event of the VMM on the pCPU has come. True: the VMM does not have the pCPU, and the event comes again as soon as it does. */
bool vmm_below_late(vmm_pc *pc, sim_event *event);
/* The event is cancelled, or set to another time. */
void vmm_below_forget(vmm_pc *pc, sim_event *event);
/* The VMM has nothing to run on the pCPU. */
void vmm_below_idle(vmm_pc *pc);
/* The guest on the pCPU stopped by itself. True: it was none of the VMM's. */
bool vmm_below_stopped(vmm_pc *pc, const vmm_stop *stop);
/* Transitions of pc->cur (of `c`) make exits to an outer VMM. */
void vmm_below_exit(vmm_pc *pc);
void vmm_below_entry(vmm_pc *pc, vmm_vcpu *c);
/* The VMM makes `n` exits to an outer one, on behalf of `c` or (NULL) its own. */
void below_outer_exit(vmm_pc *pc, vmm_vcpu *c, vmm_outer_exit reason, unsigned n);

/* vmm-watchdog.c */
void vmm_watchdog_init(vmm *v);
void vmm_watchdog_arm(vmm *v, sim_ps since);
