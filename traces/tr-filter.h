/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A part of a stream, as a trace: a window of instructions, or the regions of interest. */
#pragma once

#include "tr-writer.h"

typedef struct {
    uint64_t from;   /* instructions to leave out first */
    uint64_t limit;  /* instructions to keep; 0: all */
    bool regions;    /* only what lies between the markers of regions of interest; `from` and `limit` count in these */
} tr_window;

typedef struct {
    tr_window window;
    tr_writer *writer;   /* not owned */
    insn_code *code;
    uint64_t passed;     /* instructions that came by, in regions if so asked */
    uint64_t kept;       /* instructions in the trace */
    tr_progress last;    /* of the stream, after the last batch */
    tr_progress base;    /* what the trace's progress leaves out */
    bool begun, in_region, done, ended_itself;
    bool recount;        /* progress may have gaps (salvage): count the blocks' instructions instead. Set it after tr_filter_init */
} tr_filter;

void tr_filter_init(tr_filter *filter, tr_writer *writer, insn_code *code, const tr_window *window);
/* The next batch of the stream, the progress after it, and everything that the guest has written so far (now->out_len and
 * err_len bytes). False and error set when the trace cannot be written; filter->done is set once nothing more can come. */
bool tr_filter_put(tr_filter *filter, const insn_batch *batch, const tr_progress *now, const char *out, const char *err, GError **error);
/* Why the trace ends, after the last batch put. */
tr_ended tr_filter_ended(const tr_filter *filter, bool interrupted);
