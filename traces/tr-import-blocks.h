/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From executed instructions, one by one, to basic blocks and batches of a trace: what all importers share. */
#pragma once

#include "tr-import.h"
#include "tr-writer.h"

enum { TR_IMPORT_OP_UNKNOWN = 0xff };

/* One executed instruction. Its accesses follow (tr_blocks_access), in order. */
typedef struct {
    uint64_t addr;
    const uint8_t *code; /* `size` bytes of x86-64 code, valid during the call; or NULL: what follows describes it */
    uint8_t size;        /* 1 to 15 */
    bool again;          /* a further iteration of the rep instruction before it (found out where `code` is known) */
    uint8_t op;          /* insn_op; TR_IMPORT_OP_UNKNOWN: guessed from size, accesses and where execution goes on */
    uint8_t src[6], dst[4], base[4]; /* registers as in insn_abstract; `base`: those of addresses */
} tr_import_insn;

typedef struct {
    const char *name;    /* of the input, for messages */
    bool merge;          /* a load and a later store of one instruction at the same place are one read-modify-write */
    uint64_t limit;      /* instructions; 0: all */
    const volatile int *cancel;
} tr_blocks_options;

typedef struct tr_blocks tr_blocks;

tr_blocks *tr_blocks_new(insn_code *code, tr_writer *writer, const tr_blocks_options *options);
void tr_blocks_free(tr_blocks *blocks); /* accepts NULL */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(tr_blocks, tr_blocks_free)

/* False and error set when the trace cannot be written, or the code is more than a store holds, or is not that of the trace. */
bool tr_blocks_insn(tr_blocks *blocks, const tr_import_insn *insn, GError **error);
/* An access of the instruction given last. */
bool tr_blocks_access(tr_blocks *blocks, uint64_t addr, uint32_t size, unsigned flags, GError **error);
/* Whether there has been an instruction. */
bool tr_blocks_begun(const tr_blocks *blocks);
/* Nothing more is wanted: cancelled, or the limit is reached (the last instruction's accesses are still taken). */
bool tr_blocks_full(const tr_blocks *blocks);
/* Writes what is left. Then the figures: instructions, blocks, accesses, without_code. */
bool tr_blocks_finish(tr_blocks *blocks, tr_import_report *report, GError **error);
tr_ended tr_blocks_ended(const tr_blocks *blocks);
