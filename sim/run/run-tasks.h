/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tasks that can move between VMs: the groups [tasks NAME] of a scenario, the pool of a run, the VMM's port to it. */
#pragma once

#include "run-json.h"
#include "run-result.h"
#include "run-scenario.h"
#include "sim-config.h"
#include "wl-tasks.h"

typedef struct run_tasks run_tasks;

/* Reads all groups [tasks NAME] into scenario->tasks once the VMs are read. False and error set as sim_config_fail does. */
bool run_tasks_read(sim_config *config, run_scenario *scenario, GError **error);
void run_tasks_free(run_tasks *tasks); /* accepts NULL */

/* A pool for one run of the scenario, or NULL where it has no tasks. */
wl_task_pool *run_tasks_pool(const run_scenario *scenario);

/* The VMM's port to a pool. `vm_of`: number in the scenario of each VM of the run; pool and array outlive the port. */
typedef struct {
    vmm_tasks port;
    wl_task_pool *pool;
    const uint32_t *vm_of;
} run_tasks_port;
void run_tasks_port_init(run_tasks_port *port, wl_task_pool *pool, const uint32_t *vm_of);

/* Of one kind of tasks of a VM: those of its task markers that ended, and, where they are tasks that can move, what became of them. */
typedef struct {
    uint32_t kind;
    char *name;              /* of the group of tasks; NULL: the guest's own markers */
    uint64_t n;              /* ended */
    sim_ps p50, p99, sum;    /* begin to end */
    uint64_t arrived, waiting, moved_in, moved_out;
    sim_ps response_p50, response_p99; /* arrival to end */
} run_task_kind;

/* Fills result->task_kinds (GArray of run_task_kind, by kind) of scenario VM `number`. `pool` may be NULL. */
void run_tasks_collect(wl_task_pool *pool, uint32_t number, const GArray *task_time, sim_ps end, run_vm_result *result);
/* The same as JSON: `task_kinds` of a VM, where there are any. */
void run_tasks_json(JsonObject *vm_object, const run_vm_result *vm);
