/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Writes a trace: PATH.part while it grows, PATH once it is whole. At every instant what has been written can be read. */
#pragma once

#include "insn-source.h"
#include "tr-meta.h"
#include "tr-progress.h"

typedef struct tr_writer tr_writer;

/* Begins a trace of blocks of `code`, which outlives the writer. Errors (SIM_ERROR_IO): the file cannot be made. */
tr_writer *tr_writer_new(const char *path, insn_code *code, const tr_meta *meta, GError **error);
/* Appends a batch (at most TR_BATCH_BLOCKS blocks and TR_BATCH_ADDRS + TR_ADDR_MARGIN addresses; n_addrs is the sum of the
 * blocks' n_slots); its event, if any, comes after its blocks. `now`: the guest's progress after it. False and error set
 * when the file cannot be written. */
bool tr_writer_append(tr_writer *writer, const insn_batch *batch, const tr_progress *now, GError **error);
/* What the guest wrote to a stream (1 or 2): before the batch whose progress counts it. */
bool tr_writer_output(tr_writer *writer, unsigned stream, const char *bytes, size_t n, GError **error);
/* Bytes in the file so far. */
uint64_t tr_writer_bytes(const tr_writer *writer);
/* Ends the trace and gives it its name. */
bool tr_writer_finish(tr_writer *writer, tr_ended ended, GError **error);
/* Accepts NULL. An unfinished trace stays as PATH.part unless `tr_writer_discard` was called. */
void tr_writer_free(tr_writer *writer);
/* Removes PATH.part: nothing of it is wanted. Then only tr_writer_free may follow. */
void tr_writer_discard(tr_writer *writer);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(tr_writer, tr_writer_free)
