/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The state view as the VMM gets it: what the core shows, and what has changed since the last time. */
#pragma once

#include "cpu-view.h"
#include "vmm-view.h"

/* Branches of a guest's life, as far as views and ends of stays have told. */
typedef struct {
    uint64_t branches, misses;
} run_view_life;

/* From the view `last` of the same LP (the counts are of use) to `now`: fills `out` and adds to `life`. `out` NULL: for `life` alone. */
void run_view_fill(const cpu_view *now, const uint64_t last[SIM_EV_COUNT], run_view_life *life, vmm_view *out);
