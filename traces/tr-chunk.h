/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Chunks of a trace file: made, checked, unpacked. */
#pragma once

#include "insn-source.h"
#include "tr-format.h"

#include <stdbool.h>
#include <stddef.h>

typedef struct tr_packer tr_packer;

tr_packer *tr_packer_new(void);
void tr_packer_free(tr_packer *packer); /* accepts NULL */
/* A whole chunk, header and padding included, from `header` (kind, number, count, first, amount are taken) and `size` bytes of payload
 * (at most TR_CHUNK_MAX). Owned by the packer until the next call; *stored bytes long. */
const uint8_t *tr_packer_pack(tr_packer *packer, const tr_chunk_header *header, const void *payload, size_t size, size_t *stored);

/* Whether a chunk header is one: magic, hash and bounds. */
bool tr_chunk_header_whole(const tr_chunk_header *header);
/* Bytes that a chunk takes in the file. */
static inline uint64_t tr_chunk_bytes(const tr_chunk_header *header)
{
    return sizeof *header + (((uint64_t)header->stored + 7) & ~UINT64_C(7));
}
const char *tr_chunk_kind_name(unsigned kind); /* "CODE"; "unknown" */
const char *tr_event_name(unsigned kind);      /* of an insn_event_kind: "syscall"; "unknown" */
const char *tr_ended_text(unsigned ended);     /* of a tr_ended, for people */

typedef struct {
    uint8_t *packed, *data;  /* `data`: the payload, followed by TR_CODEC_SLACK zero bytes */
    size_t packed_room, data_room;
    void *context;
} tr_unpacker;

void tr_unpacker_clear(tr_unpacker *unpacker);
/* Reads the payload of the chunk whose header stands at `offset` in the file `fd` into unpacker->data. NULL when all is well, or
 * what is wrong with it. */
const char *tr_unpacker_read(tr_unpacker *unpacker, int fd, uint64_t offset, const tr_chunk_header *header);
/* All of `size` bytes at `offset`; false at the end of the file or on an error (errno). */
bool tr_read_all(int fd, uint64_t offset, void *to, size_t size);
