/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What each switch costs the guest that comes back: the same next instructions, cold against warm.
 *
 * When a guest leaves a logical processor, a copy of the simulation goes on with it as if it had not; when it is put on again, wherever, another
 * copy executes the same instructions from there. The difference of their times is what others did meanwhile to caches, TLBs and predictors, and what a move
 * to another core left behind; nothing of VM-entry and VM-exit is in it. All other logical processors stand still in both copies. */
#pragma once

#include "run-machine.h"
#include "run-result.h"

typedef struct run_warm run_warm;

/* Compares `insns` instructions (> 0), with `most` copies at a time. The machine outlives it. */
run_warm *run_warm_new(run_machine *machine, uint64_t insns, unsigned most);
void run_warm_free(run_warm *w); /* accepts NULL */
/* Waits for all copies, and fills in `warm_up*` of the result and of its VMs. False and error set: a copy could not be made. */
bool run_warm_report(run_warm *w, run_result *result, GError **error);
