/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reads a trace. No file, however damaged or crafted, makes it crash, hang, or take memory without bound. */
#pragma once

#include "insn-source.h"
#include "tr-meta.h"
#include "tr-progress.h"

typedef struct tr_reader tr_reader;

typedef struct {
    uint64_t file_size;
    tr_meta meta;            /* owned by the reader */
    tr_header header;
    bool complete;           /* the END chunk is there and whole: the recorder came to its end */
    bool indexed;            /* index and trailer are whole; else the chunks were found by scanning */
    uint64_t cut_at;         /* offset of a chunk that the file's end cuts off, or 0 */
    tr_end end;              /* zero with ended = TR_ENDED_UNKNOWN when the END chunk is missing */
    const tr_index_entry *chunks; /* of the file, or found by scanning */
    unsigned n_chunks;
} tr_info;

/* Opens a file and finds its chunks. Errors name the file and what is wrong: no trace, another version, no whole META chunk ... */
tr_reader *tr_reader_open(const char *path, GError **error);
void tr_reader_free(tr_reader *reader); /* accepts NULL */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(tr_reader, tr_reader_free)
const tr_info *tr_reader_info(const tr_reader *reader);

/* Before the first tr_reader_next: blocks are defined in `code`, which outlives the reader. With `salvage`, damaged chunks, and
 * those that name blocks of a damaged one, are passed over instead of being errors. */
void tr_reader_start(tr_reader *reader, insn_code *code, bool salvage);
/* Called for every chunk that salvage passes over, with what is wrong with it, file and chunk named. */
typedef void (*tr_damage_fn)(void *user, const char *what);
void tr_reader_on_damage(tr_reader *reader, tr_damage_fn fn, void *user);
/* The next batch (views of the reader's memory, valid until the next call) and the progress after it. event.text lives as
 * long as the reader. Returns 1; 0 at the end of the trace; -1 and error set, naming file and chunk, when it is damaged. */
int tr_reader_next(tr_reader *reader, insn_batch *batch, tr_progress *now, GError **error);
/* Goes to the DATA chunk that holds instruction `insn` (from 0), or the first one: the next batch is the first of that chunk.
 * All blocks defined before are defined first. Returns false and error as above. */
bool tr_reader_seek(tr_reader *reader, uint64_t insn, GError **error);
/* What the guest has written so far, as far as chunks were read; owned by the reader. At most TR_OUTPUT_KEPT bytes. */
const char *tr_reader_output(const tr_reader *reader, unsigned stream, size_t *n);
enum { TR_OUTPUT_KEPT = 64 << 20 };
/* Chunks passed over by salvage so far, and what was wrong with the first; 0 and NULL. */
unsigned tr_reader_skipped(const tr_reader *reader, const char **first);
