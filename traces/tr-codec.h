/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The compact form of a stream of batches. Encoder and decoder hold the same model of what comes next: the block that followed a
 * block last time, and per access slot the last address plus a confirmed stride. What the model foresees costs a share of a byte
 * per run of blocks, the rest a control byte and the differences. The model begins anew with every chunk, so that a chunk decodes
 * on its own, given the blocks' numbers of slots.
 *
 * A chunk is a sequence of segments; a segment is one batch:
 *   header   15 numbers: n_blocks, n_addrs, event kind, nr, arg0, arg1, ip, bytes of text (0: none; else with the final zero);
 *            of the progress, as differences to the segment before (in a chunk's first: to zero): out_len, err_len, insns,
 *            touched (zigzag), n_missing; last_missing; reads_time
 *   text     of the event
 *   tokens   until n_blocks blocks are told:
 *     control byte: bits 0-1 kind, bits 2-4 slot mask, bits 5-7 run
 *     run 7: a number follows, run = 7 + it. `run` blocks came as foreseen, then, unless the segment ends, one that did not:
 *     kind 0: the foreseen block; 1: the one foreseen second; 2: a number follows, the block's
 *     blocks with more than 3 slots: (n_slots + 7) / 8 bytes of mask follow
 *     for each slot in the mask: a number, the zigzag difference to the slot's last address
 * A number takes 1 to 9 bytes: n bytes carry 7n bits above n - 1 zero bits and a one; a zero byte precedes 8 full bytes.
 *
 * Foreseen, of a block: first the block that followed it last, second the one before that (both itself at first; nothing at
 * the beginning of a chunk). Of a slot: its last address (0 at first) plus its stride (0 at first). When a slot's address is told,
 * the difference becomes the stride if the difference told before was the same; one beyond 32 bits counts as 0. */
#pragma once

#include "insn-source.h"
#include "tr-progress.h"

/* Readable bytes that must follow a chunk: what the last token may reach for. */
enum { TR_CODEC_SLACK = 9 * TR_ADDR_MARGIN + 4096 };

/* The model; one for the encoder and one for each decoder. Blocks are numbered from 0 in the order of tr_codec_add. */
typedef struct {
    struct tr_codec_block {
        uint32_t id;      /* in the code store */
        uint32_t slots;   /* index of the first slot */
        uint32_t next[2]; /* foreseen blocks: number + 1 */
        uint16_t n_slots;
        bool defined;
    } *blocks;            /* [0] stands for the beginning of a chunk */
    struct tr_codec_slot {
        uint64_t last;
        int32_t stride, candidate; /* a stride is taken when it is seen twice in a row */
    } *slots;
    uint32_t n_blocks, max_blocks, n_slots, max_slots;
    uint32_t current;     /* number + 1 */
    uint32_t *numbers;    /* encoder: number + 1 of a store's id, or 0 */
    uint32_t max_numbers;
} tr_codec;

void tr_codec_init(tr_codec *codec);
void tr_codec_clear(tr_codec *codec);
/* The next number stands for block `id`, which has `n_slots` (at most TR_ADDR_MARGIN) slots. */
void tr_codec_add(tr_codec *codec, uint32_t id, uint16_t n_slots);
/* The next number stands for nothing: a stream that uses it is damaged. */
void tr_codec_add_undefined(tr_codec *codec);
static inline uint32_t tr_codec_count(const tr_codec *codec)
{
    return codec->n_blocks - 1;
}
/* Begins a chunk: forgets all but the numbers. */
void tr_codec_begin(tr_codec *codec);

/* Adds the blocks of a batch that have no number yet; returns how many. */
unsigned tr_codec_meet(tr_codec *codec, insn_code *code, const insn_batch *batch);
/* Appends a segment; all its blocks have numbers. `now` is the guest's progress after the batch, `before` what it was before:
 * all zero for a chunk's first segment. */
void tr_codec_encode(tr_codec *codec, GByteArray *out, const insn_batch *batch, const tr_progress *now, const tr_progress *before);
/* Reads the segment at `in`, updates `progress`, and returns where the next one starts; NULL when what stands there is no
 * segment, and then an empty batch (whatever it is: nothing beyond `end` + TR_CODEC_SLACK is read, nothing beyond the arrays written). The batch's
 * blocks and addrs go to the given arrays of TR_BATCH_BLOCKS and TR_BATCH_ADDRS + TR_ADDR_MARGIN; event.text is newly allocated
 * or NULL. */
const uint8_t *tr_codec_decode(tr_codec *codec, const uint8_t *in, const uint8_t *end, uint32_t *blocks, uint64_t *addrs,
                               insn_batch *batch, tr_progress *progress);
