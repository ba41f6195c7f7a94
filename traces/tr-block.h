/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Definitions of blocks, as CODE chunks hold them one after another: this header, the code bytes, the slots. The slots are always
 * told, so that a trace keeps its meaning when decoding learns: what differs then becomes a variant. */
#pragma once

#include "insn-source.h"

typedef struct {
    uint64_t addr;
    uint16_t code_bytes; /* at most TR_BLOCK_BYTES_MAX */
    uint16_t n_slots;    /* at most TR_BLOCK_SLOTS_MAX */
    uint8_t flags;       /* INSN_BLOCK_* */
    uint8_t variant;     /* 1: the slots are what was seen, not what decoding expects */
    uint16_t reserved;   /* 0 */
} tr_block_header;

typedef struct {
    uint16_t size;
    uint8_t flags;       /* INSN_ACCESS_* */
    uint8_t insn;        /* which instruction of the block, from 0; saturates at 255 */
} tr_block_slot;

G_STATIC_ASSERT(sizeof(tr_block_header) == 16);
G_STATIC_ASSERT(sizeof(tr_block_slot) == 4);

/* Appends the definition of a block. */
void tr_block_put(GByteArray *out, const insn_block_facts *facts);
/* Defines the block that stands at *at, and moves *at behind it. NULL when it is malformed or the store is full: *why then says so. */
const insn_block_facts *tr_block_get(insn_code *code, const uint8_t **at, const uint8_t *end, const char **why);
