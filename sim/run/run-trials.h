/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The VMM's port to copies of the simulation (vmm_copies), by run-copies.h. */
#pragma once

#include "run-copies.h"
#include "vmm.h"

typedef struct {
    vmm_copies port;
    unsigned most;
    uint64_t made; /* copies in all */
    bool failed;   /* one could not be made, or died: what was decided by it is worth nothing */
} run_trials;

/* `most`: copies that may live at a time. The port points to `trials`. */
void run_trials_init(run_trials *trials, unsigned most);
