/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The compact form of a stream of batches in memory. Encoder and decoder hold the same model of what comes next:
 * the block that followed a block last time, and per access slot the last address plus a confirmed stride. What the
 * model foresees costs a share of a byte per run of blocks, the rest a control byte and the differences.
 *
 * A segment is one batch:
 *   header   n_blocks, n_addrs, event, progress (numbers; see wl_codec_put)
 *   tokens   until n_blocks blocks are told:
 *     control byte: bits 0-1 kind, bits 2-4 slot mask, bits 5-7 run
 *     run 7: a number follows, run = 7 + it. `run` blocks came as foreseen, then, unless the segment ends, one that did not:
 *     kind 0: the foreseen block; 1: the one foreseen second; 2: a number follows, its id
 *     blocks with more than 3 slots: (n_slots + 7) / 8 bytes of mask follow
 *     for each slot in the mask: a number, the zigzag difference to the slot's last address
 * A number takes 1 to 9 bytes: n bytes carry 7n bits above n - 1 zero bits and a one; a zero byte precedes 8 full bytes. */
#pragma once

#include "insn-source.h"
#include "wl-source.h"

#define WL_CODEC_SLACK 16 /* readable bytes that must follow a segment */

/* The model; one for the encoder and one for each decoder. */
typedef struct {
    struct wl_codec_block {
        uint32_t slots;   /* index of the first slot */
        uint32_t next[2]; /* foreseen blocks */
        uint16_t n_slots;
        bool known;
    } *blocks;
    struct wl_codec_slot {
        uint64_t last;
        int32_t stride, candidate; /* a stride is taken when it is seen twice in a row */
    } *slots;
    uint32_t n_blocks, n_slots, max_slots;
    uint32_t current;
    insn_code *code;
} wl_codec;

void wl_codec_init(wl_codec *codec, insn_code *code);
void wl_codec_clear(wl_codec *codec);

/* Appends a segment. `progress` is the guest's after the batch, `before` what it was before. */
void wl_codec_encode(wl_codec *codec, GByteArray *out, const insn_batch *batch, const wl_progress *progress,
                     const wl_progress *before);
/* Reads the segment at `in`, updates `progress`, and returns where the next one starts. The batch's blocks and addrs go
 * to the given arrays of WL_BATCH_BLOCKS and WL_BATCH_ADDRS + WL_ADDR_MARGIN; event.text is newly allocated or NULL. */
const uint8_t *wl_codec_decode(wl_codec *codec, const uint8_t *in, uint32_t *blocks, uint64_t *addrs, insn_batch *batch,
                               wl_progress *progress);
