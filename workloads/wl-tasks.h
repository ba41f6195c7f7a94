/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tasks that wait in VMs and can move between them before they begin. A pool belongs to one run: it knows all groups of tasks, when each task
 * arrives and in which VM it waits. A VM's source takes the one that has waited longest, executes its body between a task-begin and a
 * task-end marker, and sleeps while it has none. One thread at a time uses a pool and its sources. */
#pragma once

#include "wl-guest.h"

enum { WL_TASKS_GROUPS_MAX = 64, WL_TASKS_MAX = 1000000 /* of a group, and of all groups together */ };
#define WL_TASKS_IN_TURN UINT32_MAX

/* Tasks of one kind. Strings are owned by whoever made it and outlive the pool. */
typedef struct {
    const char *name;
    uint32_t kind;
    const char *synthetic; /* specification of the body, or NULL: ... */
    const char *trace;     /* ... host path of a trace */
    bool salvage;
    uint32_t count;
    uint64_t start_ps;     /* the first one arrives then at the earliest */
    uint64_t period_ps;    /* mean time between two arrivals, each by chance between 0 and twice this; 0: all arrive at once */
    uint64_t jitter_ps;    /* each arrives by chance between 0 and so much later than that */
    const uint32_t *vms;   /* [n_vms] numbers of the VMs that can run them */
    uint32_t n_vms;
    uint32_t arrive;       /* the one of them in which they arrive, or WL_TASKS_IN_TURN */
} wl_task_group;

typedef struct wl_task_pool wl_task_pool;

/* Arrivals depend on `seed` and the groups' names alone. `groups` outlives the pool. */
wl_task_pool *wl_tasks_new(const wl_task_group *groups, unsigned n_groups, unsigned n_vms, uint64_t seed);
void wl_tasks_free(wl_task_pool *pool); /* after its sources; accepts NULL */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(wl_task_pool, wl_tasks_free)

/* The source of a VM, which takes part in the run from now on. `name`: of the VM. `code` outlives the source. */
insn_source *wl_tasks_open(wl_task_pool *pool, uint32_t vm, const char *name, insn_code *code, GError **error);

/* Tasks of `kind` that have arrived in the VM by `now` and have not begun. */
uint32_t wl_tasks_waiting(wl_task_pool *pool, uint32_t vm, uint32_t kind, uint64_t now_ps);
/* Moves the one that has waited longest. False: none waits, or `to` cannot run the kind or takes no part; `why` (static) says so. */
bool wl_tasks_move(wl_task_pool *pool, uint32_t from, uint32_t to, uint32_t kind, uint64_t now_ps, const char **why);
/* When a VM that sleeps for want of a task is to wake: `now` where one waits; UINT64_MAX: as it is, or it does not sleep for that. */
uint64_t wl_tasks_wake(wl_task_pool *pool, uint32_t vm, uint64_t now_ps);

/* What a VM did of a group. Times in picoseconds; arrays are the pool's, in the order of ends. */
typedef struct {
    const wl_task_group *group;
    uint32_t arrived, waiting; /* in it, by `now`; and of those that came and stayed, how many have not begun */
    uint32_t moved_in, moved_out;
    const GArray *response;    /* of uint64_t: arrival to end */
} wl_task_account;

/* The VM's account of its i-th group; false when it has no such. */
bool wl_tasks_account(wl_task_pool *pool, uint32_t vm, unsigned i, uint64_t now_ps, wl_task_account *account);
