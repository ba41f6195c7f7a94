/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "sim-engine.h"

#include <glib.h>

/* A binary heap of pointers, 1-based; events know their place, so that moving and cancelling is O(log n). */
struct sim_engine {
    sim_event **heap;
    uint32_t n, capacity;
    uint64_t next_seq, fired;
    sim_ps now;
};

sim_engine *sim_engine_new(void)
{
    return g_new0(sim_engine, 1);
}

void sim_engine_free(sim_engine *e)
{
    if (!e)
        return;
    for (uint32_t i = 1; i <= e->n; i++)
        e->heap[i]->heap_index = 0;
    g_free(e->heap);
    g_free(e);
}

void sim_event_init(sim_event *event, sim_event_fn fire, void *user, int priority)
{
    *event = (sim_event){.fire = fire, .user = user, .priority = (int16_t)priority};
}

static inline bool before(const sim_event *a, const sim_event *b)
{
    if (a->at != b->at)
        return a->at < b->at;
    if (a->priority != b->priority)
        return a->priority < b->priority;
    return a->seq < b->seq;
}

static inline void place(sim_engine *e, uint32_t i, sim_event *event)
{
    e->heap[i] = event;
    event->heap_index = i;
}

static void sift_up(sim_engine *e, uint32_t i)
{
    sim_event *event = e->heap[i];
    for (; i > 1 && before(event, e->heap[i / 2]); i /= 2)
        place(e, i, e->heap[i / 2]);
    place(e, i, event);
}

static void sift_down(sim_engine *e, uint32_t i)
{
    sim_event *event = e->heap[i];
    for (uint32_t child; (child = 2 * i) <= e->n; i = child) {
        if (child < e->n && before(e->heap[child + 1], e->heap[child]))
            child++;
        if (!before(e->heap[child], event))
            break;
        place(e, i, e->heap[child]);
    }
    place(e, i, event);
}

static void take_out(sim_engine *e, sim_event *event)
{
    uint32_t i = event->heap_index;
    sim_event *last = e->heap[e->n--];
    event->heap_index = 0;
    if (last == event)
        return;
    place(e, i, last);
    sift_down(e, i);
    sift_up(e, last->heap_index);
}

void sim_engine_schedule(sim_engine *e, sim_event *event, sim_ps at)
{
    g_assert(at >= e->now);
    g_assert(event->fire);
    if (event->heap_index)
        take_out(e, event);
    if (e->n + 2 > e->capacity) {
        e->capacity = MAX(e->capacity * 2, 64);
        e->heap = g_renew(sim_event *, e->heap, e->capacity);
    }
    event->at = at;
    event->seq = e->next_seq++;
    place(e, ++e->n, event);
    sift_up(e, e->n);
}

void sim_engine_cancel(sim_engine *e, sim_event *event)
{
    if (event->heap_index)
        take_out(e, event);
}

sim_ps sim_engine_next(const sim_engine *e)
{
    return e->n ? e->heap[1]->at : SIM_PS_NEVER;
}

bool sim_engine_step(sim_engine *e)
{
    if (e->n == 0)
        return false;
    sim_event *event = e->heap[1];
    take_out(e, event);
    e->now = event->at;
    e->fired++;
    event->fire(event, event->user);
    return true;
}

sim_ps sim_engine_now(const sim_engine *e)
{
    return e->now;
}

uint64_t sim_engine_fired(const sim_engine *e)
{
    return e->fired;
}
