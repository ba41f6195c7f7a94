/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "vmm-emon.h"

#include <glib.h>

typedef struct {
    uint32_t first, n; /* events */
} group;

struct vmm_emon {
    vmm_host *h;
    const vmm_services *services;
    uint32_t pcpu, counters;
    sim_ps period;
    sim_emon_config events[VMM_EMON_EVENTS];
    uint32_t n_events;
    group groups[VMM_EMON_EVENTS]; /* in the order of turns */
    uint32_t n_groups, n_on;       /* ... the first n_on have theirs */
    bool programmed;
    vmm_emon_value *values;        /* NULL: not counting */
    sim_ps since, due;             /* values are as of `since`; the next groups' turn comes at `due` */
    uint64_t last[VMM_EMON_EVENTS]; /* readings of the events that are on, as of `since` */
};

vmm_emon *vmm_emon_new(vmm_host *h, const vmm_services *services, uint32_t pcpu, sim_ps period)
{
    vmm_emon *e = g_new0(vmm_emon, 1);
    e->h = h;
    e->services = services;
    e->pcpu = pcpu;
    e->counters = services->pcpu(h, pcpu)->emon_counters;
    e->period = period;
    return e;
}

void vmm_emon_free(vmm_emon *e)
{
    g_free(e);
}

bool vmm_emon_add(vmm_emon *e, const sim_emon_config *events, unsigned n, const char **why)
{
    if (n == 0 || n > e->counters || e->n_events + n > VMM_EMON_EVENTS) {
        *why = n == 0 ? "a group of no events" : n > e->counters ? "the group has more events than the pCPU has counters" : "more than 32 events";
        return false;
    }
    e->groups[e->n_groups++] = (group){e->n_events, n};
    for (unsigned i = 0; i < n; i++)
        e->events[e->n_events++] = events[i];
    return true;
}

unsigned vmm_emon_n(const vmm_emon *e)
{
    return e->n_events;
}

/* Calls `fn` for each event that has its turn, with its counter. */
static void each_on(vmm_emon *e, void (*fn)(vmm_emon *e, uint32_t event, uint32_t counter))
{
    uint32_t counter = 0;
    for (uint32_t g = 0; g < e->n_on; g++)
        for (uint32_t i = 0; i < e->groups[g].n; i++)
            fn(e, e->groups[g].first + i, counter++);
}

static void program(vmm_emon *e, uint32_t event, uint32_t counter)
{
    e->services->emon_program(e->h, e->pcpu, counter, &e->events[event], NULL);
    e->last[event] = 0;
}

static void note_reading(vmm_emon *e, uint32_t event, uint32_t counter)
{
    e->last[event] = e->services->emon_read(e->h, e->pcpu, counter);
}

static void add_reading(vmm_emon *e, uint32_t event, uint32_t counter)
{
    uint64_t now = e->services->emon_read(e->h, e->pcpu, counter);
    e->values[event].count += (now - e->last[event]) & SIM_EMON_MASK;
    e->last[event] = now;
}

static void add_running(vmm_emon *e, uint32_t event, G_GNUC_UNUSED uint32_t counter)
{
    e->values[event].running += e->services->now(e->h, e->pcpu) - e->since;
}

/* Puts the groups from the front on that fit. */
static void put_on(vmm_emon *e)
{
    uint32_t used = 0;
    e->n_on = 0;
    while (e->n_on < e->n_groups && used + e->groups[e->n_on].n <= e->counters)
        used += e->groups[e->n_on++].n;
    each_on(e, program);
    e->programmed = true;
}

void vmm_emon_begin(vmm_emon *e, vmm_emon_value *values)
{
    e->values = values;
    if (e->programmed)
        each_on(e, note_reading);
    else
        put_on(e);
    e->since = e->services->now(e->h, e->pcpu);
    if (!e->due)
        e->due = e->since + e->period;
}

/* Reading takes time: the interval ends before the first reading and the next begins after the last one, so that both ends are late by the same
 * number of readings. */
static void update(vmm_emon *e)
{
    sim_ps now = e->services->now(e->h, e->pcpu);
    each_on(e, add_running);
    for (uint32_t i = 0; i < e->n_events; i++)
        e->values[i].enabled += now - e->since;
    each_on(e, add_reading);
    e->since = e->services->now(e->h, e->pcpu);
}

static void rotate(vmm_emon *e)
{
    group first = e->groups[0];
    for (uint32_t g = 1; g < e->n_groups; g++)
        e->groups[g - 1] = e->groups[g];
    e->groups[e->n_groups - 1] = first;
}

void vmm_emon_tick(vmm_emon *e)
{
    if (!e->values)
        return;
    update(e);
    if (e->n_on == e->n_groups || e->since < e->due)
        return;
    e->due = MAX(e->due, e->since - e->period) + e->period; /* turns keep their period though ticks come a little early or late */
    rotate(e);
    put_on(e);
    e->since = e->services->now(e->h, e->pcpu);
}

void vmm_emon_end(vmm_emon *e)
{
    if (!e->values)
        return;
    update(e);
    e->values = NULL;
}

uint64_t vmm_emon_estimate(const vmm_emon_value *v)
{
    return v->running ? (uint64_t)(((unsigned __int128)v->count * v->enabled + v->running / 2) / v->running) : 0;
}
