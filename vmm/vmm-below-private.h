/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The layer below the VMM, for the files vmm-below*.c alone.
 *
 * What competes for a pCPU is an entity: the VMM itself (one on each pCPU, bound to it), or a thread. One has the pCPU (`on`), the others wait in its
 * queue. Which, an order of the layer's kind says (below_ops). All happens in events, between the guests' blocks, at the pCPU's local time; none comes
 * while the VMM works. */
#pragma once

#include "vmm-below.h"
#include "vmm-private.h"

typedef enum { BELOW_SLEEPS, BELOW_WAITS, BELOW_RUNS, BELOW_ENDED } below_state;

/* What the pCPU's time goes to. */
typedef enum { BELOW_IDLE, BELOW_VMM, BELOW_THREADS, BELOW_WORK, BELOW_N_MODES } below_mode;

typedef struct {
    uint32_t number;   /* the tie-break: 0 the VMM's, then threads */
    uint32_t weight;
    below_state state;
    sim_ps since;      /* in this state; while it runs: charged up to then */
    int64_t vtime, deadline, lag; /* host: in picoseconds of an entity of weight 256 */
    bool expired;      /* host: its slice is used up */
    sim_ps used;       /* outer: of its quantum */
} below_entity;

typedef struct {
    below_entity e;    /* first */
    struct vmm_below *below;
    char *name;
    uint32_t guest;    /* for the port */
    vmm_owner owner;
    uint64_t affinity[VMM_MASK_WORDS];
    sim_ps start, burst, period;
    sim_ps left, period_end; /* of the burst; of the period */
    sim_ps io_latency, disk_free;
    uint64_t io_bytes_per_s;
    uint32_t pcpu;     /* where it runs, waits or ran last; VMM_PCPU_NONE: nowhere yet */
    sim_event wakeup, removal;
    vmm_below_thread_stats stats;
} below_thread;

/* Latest changes of mode: a pCPU's local time may pass the end of the run. */
enum { BELOW_UNDO = 32 };

typedef struct {
    struct vmm_below *below;
    vmm_pc *pc;
    below_entity vmm;
    below_entity *on;      /* NULL: nobody */
    GPtrArray *queue;      /* of below_entity that wait, in order of arrival */
    GPtrArray *late;       /* of sim_event: the VMM's that came while the pCPU was away */
    sim_event turn;        /* the next tick, end of a quantum or of a burst */
    sim_ps turn_at;        /* of the layer's own turn; SIM_PS_NEVER: none */
    int64_t virtual_now;   /* host: average of all here when it was last looked at with somebody here */
    uint64_t insns;        /* at the first instruction of the thread's stay */
    below_mode mode;
    sim_ps mode_since;
    struct {
        below_mode mode;
        sim_ps since;
    } undo[BELOW_UNDO];
    uint32_t n_undo;
    sim_ps time[BELOW_N_MODES];
} below_pc;

typedef struct {
    /* The entity, which is in the queue already, begins to compete for the pCPU: it woke (or came from another pCPU). */
    void (*enter)(below_pc *p, below_entity *e);
    /* It does not compete any more. */
    void (*leave)(below_pc *p, below_entity *e);
    /* It ran for `span`. */
    void (*charge)(below_pc *p, below_entity *e, sim_ps span);
    /* Of p->on, if that runs, and the queue: who is to have the pCPU. NULL: there is nobody. */
    below_entity *(*pick)(below_pc *p);
    /* When p->on is to be looked at at the latest; SIM_PS_NEVER: not. */
    sim_ps (*next_turn)(const below_pc *p, sim_ps now);
    /* That time has come. */
    void (*turn)(below_pc *p);
    /* The layer's work when p->on gives way to another, or from nobody to `next`. */
    void (*switch_work)(below_pc *p, const below_entity *next);
} below_ops;

extern const below_ops below_host, below_outer;

struct vmm_below {
    vmm *v;
    const below_ops *ops;
    vmm_below_config config; /* without its threads */
    below_pc *pcs;
    GPtrArray *threads;      /* of below_thread */
    const vmm_below_thread_stats **thread_stats;
    vmm_below_pcpu_stats *pcpu_stats;
    vmm_below_stats stats;
};

static inline bool below_is_vmm(const below_entity *e)
{
    return e->number == 0;
}

/* vmm-below.c */
/* Charges p->on, asks who is to have the pCPU, and switches. */
void below_resched(below_pc *p);
/* The entity waits on the pCPU from now on. */
void below_enter(below_pc *p, below_entity *e);
/* It sleeps or has ended (which is its state already), or goes elsewhere: it is out of the queue. */
void below_leave(below_pc *p, below_entity *e);
void below_set_mode(below_pc *p, below_mode mode);
/* The layer's own work. */
void below_work(below_pc *p, uint32_t cycles, uint32_t first, uint16_t code_lines, uint16_t data_lines);
/* An interrupt of the layer: a guest of the VMM, if one is inside, leaves and goes in again around it. */
void below_interrupt(below_pc *p, void (*handler)(below_pc *p));

/* vmm-below-thread.c */
below_thread *below_thread_new(struct vmm_below *b, const vmm_below_thread_config *config, uint32_t number, uint32_t guest);
void below_thread_free(below_thread *t);
void below_thread_start(below_thread *t);
void below_thread_on(below_pc *p, below_thread *t);
void below_thread_off(below_pc *p, below_thread *t);
void below_thread_charge(below_thread *t, sim_ps span);
/* When its burst ends; SIM_PS_NEVER: it has none. */
sim_ps below_thread_turn(const below_thread *t);
/* The thread that runs on the pCPU has had its burst: it sleeps. False: it has not. */
bool below_thread_burst_over(below_pc *p, below_thread *t);
/* Its guest stopped by itself. */
void below_thread_stopped(below_pc *p, below_thread *t, const vmm_stop *stop);
/* Finds work for a pCPU that is about to idle: a thread that waits elsewhere, which leaves its queue there. */
below_thread *below_thread_pull(below_pc *p);
/* The thread has to wait on the pCPU: if another idles where it may run, it goes there. */
void below_thread_push(below_pc *p, below_thread *t);
