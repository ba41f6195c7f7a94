/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What feeds a VM: a live guest, a recording of one that several runs share, a trace, a generator. */
#pragma once

#include "run-scenario.h"
#include "wl-guest.h"
#include "wl-tasks.h"

typedef struct run_feed run_feed;

/* The work of a VM. `shared_memory`: 0 for a feed that is opened once; else a guest is executed once for all who open it, its recording
 * taking so many bytes of memory at most. `threads`: a trace that is opened once may be decoded by a thread of its own (not where the process is to be
 * copied). Both outlive the feed. */
run_feed *run_feed_new(const run_scenario *scenario, const run_vm *vm, uint64_t shared_memory, bool threads, GError **error);
void run_feed_free(run_feed *feed); /* after its sources */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(run_feed, run_feed_free)
/* A source from the beginning. Any thread. `pool`: of the run, where the scenario has tasks that can move. */
insn_source *run_feed_open(run_feed *feed, wl_task_pool *pool, GError **error);
/* Instructions that an emulator executed for it, all sources together. */
uint64_t run_feed_executed(const run_feed *feed);
