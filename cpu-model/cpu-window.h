/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The `window` timing level: every micro-op through the pipeline of cpu-pipe.h, every access when it issues. Its state on a logical processor, and what
 * cpu-core.c, cpu-miss.c and cpu-state.c ask of it. Not for others. */
#pragma once

#include "cpu-lp.h"

/* Never NULL. */
cpu_window *cpu_window_new(cpu_lp *lp);
void cpu_window_free(cpu_window *window);
/* What the LPs of a core share, free with g_free. */
void *cpu_window_shared_new(const cpu_core_desc *core);
/* As cpu_lp_run. */
bool cpu_window_run(cpu_lp *lp, uint64_t until);
/* The LPs of the core that have a guest changed. */
void cpu_window_set_active(cpu_lp *lp);
/* The clock when everything under way has completed. */
uint64_t cpu_window_drained(const cpu_lp *lp, uint64_t clock);
/* Micro-ops in the reorder buffer. */
unsigned cpu_window_rob_fill(const cpu_lp *lp);
