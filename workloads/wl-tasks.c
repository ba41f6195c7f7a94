/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "wl-tasks.h"

#include "sim-random.h"
#include "wl-replay.h"
#include "wl-source.h"
#include "wl-synthetic.h"

/* A VM without a task of its own to come looks this often whether there are still tasks that could be moved to it. */
#define IDLE_LOOK_PS UINT64_C(1000000000)
enum { PS_PER_NS = 1000 };

/* A VM's tasks of one group. Those that arrived here are in order of arrival: [head, n) have not begun. */
typedef struct {
    const wl_task_group *group;
    unsigned number;       /* of the group */
    GArray *own;           /* of task */
    guint head, seen;      /* begun or moved on; arrived by the latest time that was asked for */
    GQueue moved;          /* of task: came from other VMs */
    uint32_t moved_in, moved_out;
    GArray *response;      /* of uint64_t */
    insn_source *body;     /* synthetic: kept from task to task, so that working sets go on where they were */
    bool used;             /* the body has been executed once */
} queue;

typedef struct {
    uint64_t id, arrival;
} task;

typedef struct {
    queue *queues;
    unsigned n_queues;
    bool present, asleep;
} vm_state;

struct wl_task_pool {
    const wl_task_group *groups;
    unsigned n_groups, n_vms;
    uint64_t seed;
    vm_state *vms;
};

/* ---- the pool --------------------------------------------------------------------------------------------------- */

static void add_queue(vm_state *vm, const wl_task_group *group, unsigned number)
{
    vm->queues = g_renew(queue, vm->queues, vm->n_queues + 1);
    queue *q = &vm->queues[vm->n_queues++];
    *q = (queue){ .group = group, .number = number };
    q->own = g_array_new(FALSE, FALSE, sizeof(task));
    q->response = g_array_new(FALSE, FALSE, sizeof(uint64_t));
    g_queue_init(&q->moved);
}

static queue *queue_of(const wl_task_pool *p, uint32_t vm, const wl_task_group *group)
{
    for (unsigned i = 0; vm < p->n_vms && i < p->vms[vm].n_queues; i++)
        if (p->vms[vm].queues[i].group == group)
            return &p->vms[vm].queues[i];
    return NULL;
}

static int compare_arrivals(gconstpointer a, gconstpointer b)
{
    const task *x = a, *y = b;
    return x->arrival != y->arrival ? (x->arrival < y->arrival ? -1 : 1) : x->id < y->id ? -1 : x->id > y->id;
}

/* A stream of its own: without jitter the arrivals are the same. Queues are in order of arrival. */
static void jitter_arrivals(wl_task_pool *p, const wl_task_group *g)
{
    g_autofree char *stream = g_strconcat("tasks-jitter/", g->name, NULL);
    sim_random random;
    sim_random_init(&random, p->seed, stream);
    for (uint32_t k = 0; g->jitter_ps && k < g->n_vms; k++) {
        GArray *own = queue_of(p, g->vms[k], g)->own;
        for (guint i = 0; i < own->len; i++)
            g_array_index(own, task, i).arrival += sim_random_below(&random, g->jitter_ps + 1);
        g_array_sort(own, compare_arrivals);
    }
}

static void make_arrivals(wl_task_pool *p, const wl_task_group *g)
{
    g_autofree char *stream = g_strconcat("tasks/", g->name, NULL);
    sim_random random;
    sim_random_init(&random, p->seed, stream);
    task t = { .arrival = g->start_ps };
    for (; t.id < g->count; t.id++) {
        uint32_t home = g->arrive == WL_TASKS_IN_TURN ? g->vms[t.id % g->n_vms] : g->arrive;
        if (g->period_ps)
            t.arrival += sim_random_below(&random, 2 * g->period_ps + 1);
        g_array_append_val(queue_of(p, home, g)->own, t);
    }
    jitter_arrivals(p, g);
}

wl_task_pool *wl_tasks_new(const wl_task_group *groups, unsigned n_groups, unsigned n_vms, uint64_t seed)
{
    wl_task_pool *p = g_new0(wl_task_pool, 1);
    p->groups = groups;
    p->n_groups = n_groups;
    p->n_vms = n_vms;
    p->seed = seed;
    p->vms = g_new0(vm_state, n_vms + 1);
    for (unsigned i = 0; i < n_groups; i++)
        for (uint32_t k = 0; k < groups[i].n_vms; k++)
            add_queue(&p->vms[groups[i].vms[k]], &groups[i], i);
    for (unsigned i = 0; i < n_groups; i++)
        make_arrivals(p, &groups[i]);
    return p;
}

void wl_tasks_free(wl_task_pool *p)
{
    if (!p)
        return;
    for (unsigned v = 0; v < p->n_vms; v++) {
        for (unsigned i = 0; i < p->vms[v].n_queues; i++) {
            queue *q = &p->vms[v].queues[i];
            g_array_unref(q->own);
            g_array_unref(q->response);
            g_queue_clear_full(&q->moved, g_free);
            insn_source_free(q->body);
        }
        g_free(p->vms[v].queues);
    }
    g_free(p->vms);
    g_free(p);
}

static task *own_head(const queue *q)
{
    return q->head < q->own->len ? &g_array_index(q->own, task, q->head) : NULL;
}

/* When the next task of the queue is, or was, there; UINT64_MAX: there is none. */
static uint64_t next_arrival(const queue *q)
{
    const task *own = own_head(q), *moved = g_queue_peek_head((GQueue *)&q->moved);
    uint64_t a = own ? own->arrival : UINT64_MAX, b = moved ? moved->arrival : UINT64_MAX;
    return MIN(a, b);
}

/* Takes the task that has waited longest. False: none has arrived. */
static bool pop(queue *q, uint64_t now, task *out)
{
    if (next_arrival(q) > now)
        return false;
    const task *own = own_head(q), *moved = g_queue_peek_head(&q->moved);
    if (!moved || (own && own->arrival <= moved->arrival)) {
        *out = *own;
        q->head++;
        return true;
    }
    *out = *moved;
    g_free(g_queue_pop_head(&q->moved));
    return true;
}

static uint32_t waiting(queue *q, uint64_t now)
{
    q->seen = MAX(q->seen, q->head);
    while (q->seen < q->own->len && g_array_index(q->own, task, q->seen).arrival <= now)
        q->seen++;
    return q->seen - q->head + g_queue_get_length(&q->moved);
}

uint32_t wl_tasks_waiting(wl_task_pool *p, uint32_t vm, uint32_t kind, uint64_t now)
{
    uint32_t n = 0;
    for (unsigned i = 0; vm < p->n_vms && i < p->vms[vm].n_queues; i++)
        if (p->vms[vm].queues[i].group->kind == kind)
            n += waiting(&p->vms[vm].queues[i], now);
    return n;
}

/* The VM's queue of the kind whose first task has waited longest, or NULL. */
static queue *longest_waiting(const wl_task_pool *p, uint32_t vm, const uint32_t *kind, uint64_t now)
{
    queue *best = NULL;
    for (unsigned i = 0; vm < p->n_vms && i < p->vms[vm].n_queues; i++) {
        queue *q = &p->vms[vm].queues[i];
        uint64_t arrival = next_arrival(q);
        if ((!kind || q->group->kind == *kind) && arrival <= now && (!best || arrival < next_arrival(best)))
            best = q;
    }
    return best;
}

bool wl_tasks_move(wl_task_pool *p, uint32_t from, uint32_t to, uint32_t kind, uint64_t now, const char **why)
{
    queue *q = longest_waiting(p, from, &kind, now);
    queue *goal = q ? queue_of(p, to, q->group) : NULL;
    *why = !q ? "no task of the kind waits there" : !goal ? "the VM cannot run tasks of this kind" : "the VM takes no part in the run";
    if (!goal || !p->vms[to].present)
        return false;
    task t;
    pop(q, now, &t);
    g_queue_push_tail(&goal->moved, g_memdup2(&t, sizeof t));
    q->moved_out++;
    goal->moved_in++;
    return true;
}

uint64_t wl_tasks_wake(wl_task_pool *p, uint32_t vm, uint64_t now)
{
    return vm < p->n_vms && p->vms[vm].asleep && longest_waiting(p, vm, NULL, now) ? now : UINT64_MAX;
}

bool wl_tasks_account(wl_task_pool *p, uint32_t vm, unsigned i, uint64_t now, wl_task_account *account)
{
    if (vm >= p->n_vms || i >= p->vms[vm].n_queues)
        return false;
    queue *q = &p->vms[vm].queues[i];
    uint32_t left = waiting(q, now);
    *account = (wl_task_account){ .group = q->group, .arrived = q->seen, .waiting = left, .moved_in = q->moved_in, .moved_out = q->moved_out,
                                  .response = q->response };
    return true;
}

/* ---- a VM's source ------------------------------------------------------------------------------------------------ */

typedef struct {
    wl_source source;
    wl_task_pool *pool;
    uint32_t vm;
    char *name;
    queue *current;      /* whose task is being executed, or NULL */
    task task;
    bool ended;          /* its end marker has been handed out; the next fill tells when */
    insn_source *trace;  /* the body of `current`, where that is a trace */
    uint64_t insns;      /* of traces that have ended */
    uint64_t touched;
    bool dead;
    insn_event last_event;
    char *text;
} tasks_source;

static tasks_source *of(const insn_source *source)
{
    return (tasks_source *)(uintptr_t)source;
}

static vm_state *state_of(const tasks_source *s)
{
    return &s->pool->vms[s->vm];
}

static insn_source *make_body(const tasks_source *s, const queue *q, GError **error)
{
    if (q->group->trace) {
        const wl_replay_config config = { .path = q->group->trace, .salvage = q->group->salvage, .repeat = 1 };
        return wl_replay_new(&config, s->source.base.code, error);
    }
    unsigned first = 0;
    for (const queue *before = state_of(s)->queues; before < q; before++)
        first += before->group->synthetic ? wl_synthetic_phases(before->group->synthetic) : 0;
    g_autofree char *name = g_strconcat(s->name, "/", q->group->name, NULL);
    return wl_synthetic_new_at(name, q->group->synthetic, s->pool->seed, first, s->source.base.code, error);
}

static void die(tasks_source *s, insn_event event)
{
    s->dead = true;
    s->last_event = event;
}

static bool has_body(tasks_source *s, queue *q)
{
    g_autoptr(GError) error = NULL;
    if (q->group->trace)
        s->trace = make_body(s, q, &error);
    else if (q->used)
        wl_synthetic_restart(q->body);
    q->used = true;
    if (q->group->synthetic || s->trace)
        return true;
    s->text = g_strdup(error->message);
    die(s, (insn_event){ .kind = INSN_EVENT_ERROR, .text = s->text });
    return false;
}

/* The task that ended with the last batch did so by `now`. */
static void finish(tasks_source *s, uint64_t now)
{
    uint64_t response = now > s->task.arrival ? now - s->task.arrival : 0;
    g_array_append_val(s->current->response, response);
    if (s->trace) {
        wl_report report;
        wl_source_report(s->trace, &report);
        s->insns += report.insns;
        s->touched = MAX(s->touched, report.touched_bytes);
        insn_source_free(s->trace);
        s->trace = NULL;
    }
    s->current = NULL;
    s->ended = false;
}

/* Whether a task that the VM could run is still to arrive or waits in a VM that takes part. */
static bool may_get_more(const tasks_source *s)
{
    const wl_task_pool *p = s->pool;
    for (unsigned i = 0; i < state_of(s)->n_queues; i++)
        for (unsigned v = 0; v < p->n_vms; v++) {
            const queue *q = p->vms[v].present ? queue_of(p, v, state_of(s)->queues[i].group) : NULL;
            if (q && next_arrival(q) != UINT64_MAX)
                return true;
        }
    return false;
}

/* Nothing waits here: sleeps until the next arrival, or looks again soon, or ends. */
static insn_event idle(tasks_source *s, uint64_t now)
{
    uint64_t next = UINT64_MAX;
    for (unsigned i = 0; i < state_of(s)->n_queues; i++)
        next = MIN(next, next_arrival(&state_of(s)->queues[i]));
    if (next == UINT64_MAX && !may_get_more(s)) {
        die(s, (insn_event){ .kind = INSN_EVENT_END, .nr = 231 }); /* exit_group */
        return s->last_event;
    }
    state_of(s)->asleep = true;
    if (next == UINT64_MAX)
        next = now + IDLE_LOOK_PS;
    return (insn_event){ .kind = INSN_EVENT_SLEEP_UNTIL, .nr = 230, .arg0 = (next + PS_PER_NS - 1) / PS_PER_NS }; /* clock_nanosleep */
}

static void begin(tasks_source *s, uint64_t now, insn_batch *batch)
{
    queue *q = longest_waiting(s->pool, s->vm, NULL, now);
    state_of(s)->asleep = false;
    if (!q) {
        batch->event = idle(s, now);
        return;
    }
    pop(q, now, &s->task);
    s->current = q;
    batch->event = has_body(s, q) ? (insn_event){ .kind = INSN_EVENT_TASK_BEGIN, .nr = q->group->kind, .arg0 = s->task.id } : s->last_event;
}

static void go_on(tasks_source *s, uint64_t now, uint32_t limit, insn_batch *batch)
{
    insn_source *body = s->trace ? s->trace : s->current->body;
    insn_source_fill(body, now, limit, batch);
    switch (batch->event.kind) {
    case INSN_EVENT_END:
    case INSN_EVENT_CUT:
        batch->event = (insn_event){ .kind = INSN_EVENT_TASK_END, .nr = s->current->group->kind, .arg0 = s->task.id };
        s->ended = true;
        return;
    case INSN_EVENT_FAULT:
    case INSN_EVENT_ERROR:
        die(s, batch->event);
        return;
    default:
        return;
    }
}

static void tasks_fill(insn_source *source, uint64_t now, uint32_t limit, insn_batch *batch)
{
    tasks_source *s = of(source);
    *batch = (insn_batch){ .event = s->last_event };
    if (s->ended && !s->dead)
        finish(s, now);
    if (s->dead)
        return;
    if (s->current)
        go_on(s, now, limit, batch);
    else
        begin(s, now, batch);
}

static void add_report(const insn_source *body, wl_report *sum)
{
    if (!body)
        return;
    wl_report one;
    wl_source_report(body, &one);
    sum->insns += one.insns;
    sum->reads_time |= one.reads_time;
    sum->touched_bytes += one.touched_bytes;
}

static void tasks_report(const insn_source *source, wl_report *report)
{
    const tasks_source *s = of(source);
    *report = (wl_report){ .out = "", .err = "", .insns = s->insns };
    add_report(s->trace, report);
    report->touched_bytes = MAX(report->touched_bytes, s->touched);
    for (unsigned i = 0; i < state_of(s)->n_queues; i++)
        add_report(state_of(s)->queues[i].body, report);
}

static void tasks_free(insn_source *source)
{
    tasks_source *s = of(source);
    insn_source_free(s->trace);
    for (unsigned i = 0; i < state_of(s)->n_queues; i++)
        g_clear_pointer(&state_of(s)->queues[i].body, insn_source_free);
    state_of(s)->present = false;
    g_free(s->name);
    g_free(s->text);
    g_free(s);
}

insn_source *wl_tasks_open(wl_task_pool *p, uint32_t vm, const char *name, insn_code *code, GError **error)
{
    tasks_source *s = g_new0(tasks_source, 1);
    s->source.base = (insn_source){ .code = code, .fill = tasks_fill, .free = tasks_free };
    s->source.report = tasks_report;
    s->pool = p;
    s->vm = vm;
    s->name = g_strdup(name);
    state_of(s)->present = true;
    for (unsigned i = 0; i < state_of(s)->n_queues; i++) {
        queue *q = &state_of(s)->queues[i];
        if (q->group->synthetic && !(q->body = make_body(s, q, error))) {
            tasks_free(&s->source.base);
            return NULL;
        }
    }
    return &s->source.base;
}
