/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The event queue: everything that happens in simulated time and is not an instruction. Events fire in the
 * order of (time, priority, sequence number of scheduling); nothing else decides. */
#pragma once

#include "sim-types.h"

#include <stdbool.h>
#include <stddef.h>

typedef struct sim_engine sim_engine;
typedef struct sim_event sim_event;

/* Called at the event's time. The event is idle again when it is called, so that it may reschedule itself. */
typedef void (*sim_event_fn)(sim_event *event, void *user);

/* An event lives in its owner's structure; zeroed memory plus sim_event_init is an idle event. The fields
 * are the engine's. An owner must cancel a pending event before it frees the memory. */
struct sim_event {
    sim_ps at;
    uint64_t seq;
    sim_event_fn fire;
    void *user;
    uint32_t heap_index; /* 1-based place in the heap; 0 when idle */
    int16_t priority;    /* smaller fires first at the same time */
};

/* Priorities of the events in quanta at one instant. */
enum {
    SIM_PRIO_DEVICE = -20, /* device completions and wake-ups come before ... */
    SIM_PRIO_TICK = -10,   /* ... the scheduler's tick and state sampling, ... */
    SIM_PRIO_QUANTUM = 0,  /* ... quantum ends, ... */
    SIM_PRIO_END = 100,    /* ... and the end of the run */
};

sim_engine *sim_engine_new(void);
void sim_engine_free(sim_engine *engine); /* accepts NULL; pending events become idle */

void sim_event_init(sim_event *event, sim_event_fn fire, void *user, int priority);
/* Schedules, or moves, the event to `at`. A time before the engine's present is a programming error (assert). */
void sim_engine_schedule(sim_engine *engine, sim_event *event, sim_ps at);
void sim_engine_cancel(sim_engine *engine, sim_event *event); /* idle events are accepted */
static inline bool sim_event_pending(const sim_event *event) { return event->heap_index != 0; }

/* Time of the first pending event, SIM_PS_NEVER when there is none. O(1). */
sim_ps sim_engine_next(const sim_engine *engine);
/* Fires the first pending event and moves the present to its time; false when there is none. */
bool sim_engine_step(sim_engine *engine);
/* Time of the event that fired last. */
sim_ps sim_engine_now(const sim_engine *engine);
uint64_t sim_engine_fired(const sim_engine *engine);
