/* SPDX-License-Identifier: GPL-2.0-or-later */
/* An instruction source that writes down what another one hands out. */
#pragma once

#include "tr-filter.h"
#include "wl-guest.h"

/* Several recordings that go on together. */
typedef struct {
    unsigned open;             /* that want more */
    volatile int stop;         /* set when none does, or when *cancel is */
    const volatile int *cancel; /* or NULL */
} wl_tee_group;

/* Passes everything of `inner` (of this module; owned from here on) through, and what lies in `window` also to a trace. `writer`
 * and `group` outlive the source. */
insn_source *wl_tee_new(insn_source *inner, tr_writer *writer, const tr_window *window, wl_tee_group *group);
/* The window is full, or the guest is dead. */
bool wl_tee_done(const insn_source *tee);
/* Instructions written. */
uint64_t wl_tee_kept(const insn_source *tee);
/* Executes on, without anybody who times it, until the window is full, the guest dead, `kept` instructions are written, or *cancel.
 * The guest's clock goes on from `now_ps` by 1 ns for every instruction, and by every sleep. */
void wl_tee_run(insn_source *tee, uint64_t now_ps, uint64_t kept, const volatile int *cancel);
/* Why the trace ends here. False and error set when writing failed on the way. */
bool wl_tee_ended(const insn_source *tee, bool interrupted, tr_ended *ended, GError **error);
