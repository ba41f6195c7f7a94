/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The trace file, byte by byte; docs/formats.md describes the same in words. Everything is little-endian.
 *
 *   file    = header, META chunk, (CODE | OUTPUT | DATA chunk)*, [END chunk, INDEX chunk, trailer]
 *   chunk   = chunk header, payload (zstd-compressed or raw), zero bytes up to a multiple of 8
 *
 * A file without its last three parts (the recorder was killed) is read all the same: chunk headers are found one after
 * another, and after a damaged one by their magic number. */
#pragma once

#include <glib.h>
#include <stdint.h>

#define TR_MAGIC "\x89QTR\r\n\x1a\n"         /* 8 bytes; not text, spoilt by any conversion of line ends */
#define TR_TRAILER_MAGIC "QTREND\r\n"
#define TR_CHUNK_MAGIC UINT32_C(0x4b435451)  /* "QTCK" */

enum { TR_VERSION_MAJOR = 1, TR_VERSION_MINOR = 0 };

typedef enum { TR_ISA_X86_64 = 1 } tr_isa; /* of what addresses, registers and code bytes mean; abstract blocks say so themselves */

typedef struct {
    uint8_t magic[8];
    uint16_t version_major;  /* another one cannot be read */
    uint16_t version_minor;  /* a greater one adds what may be skipped */
    uint32_t isa;            /* tr_isa */
    uint32_t header_bytes;   /* 64: where the first chunk begins */
    uint32_t flags;          /* 0 */
    uint8_t program_sha256[32]; /* of the guest's program file; zero when there is none */
    uint64_t hash;           /* xxh64, seed 0, of the 56 bytes before */
} tr_header;

typedef enum {
    TR_CHUNK_META = 1,   /* UTF-8 text: a key file of facts, see tr-meta.h */
    TR_CHUNK_CODE = 2,   /* definitions of blocks, numbered from 0 in the order of the file */
    TR_CHUNK_DATA = 3,   /* segments: batches of executed blocks, addresses, events. Decodes on its own, given the blocks */
    TR_CHUNK_OUTPUT = 4, /* u8 stream (1 or 2), then bytes that the guest wrote to it */
    TR_CHUNK_END = 5,    /* tr_end */
    TR_CHUNK_INDEX = 6,  /* tr_index_entry of every chunk before */
} tr_chunk_kind;

enum { TR_CODEC_RAW = 0, TR_CODEC_ZSTD = 1 };

/* No chunk is larger, compressed or not: what a reader has to hold. */
enum { TR_CHUNK_MAX = 8 << 20 };

typedef struct {
    uint32_t magic;
    uint8_t kind;         /* tr_chunk_kind; unknown ones are skipped */
    uint8_t codec;        /* TR_CODEC_* */
    uint16_t reserved;    /* 0 */
    uint32_t number;      /* from 0 */
    uint32_t stored;      /* bytes of payload in the file, without padding */
    uint32_t size;        /* bytes of payload, decompressed */
    uint32_t count;       /* CODE: definitions; DATA: segments; else 0 */
    uint64_t first;       /* CODE: number of its first block; DATA: instructions before it; OUTPUT: bytes of the stream before it */
    uint64_t amount;      /* DATA: instructions in it; else 0 */
    uint64_t payload_hash; /* xxh64, seed 0, of the stored payload */
    uint64_t hash;        /* xxh64, seed 0, of the 48 bytes before */
} tr_chunk_header;

typedef struct {
    uint64_t offset;      /* of the chunk header in the file */
    uint64_t first;
    uint64_t amount;
    uint32_t kind;
    uint32_t count;
} tr_index_entry;

/* Why a trace ends. */
typedef enum {
    TR_ENDED_GUEST = 0,       /* the guest ended or died: the last event says how */
    TR_ENDED_LIMIT = 1,       /* as much as was asked for */
    TR_ENDED_INTERRUPTED = 2, /* the recorder was told to stop */
    TR_ENDED_IMPORT = 3,      /* the imported file ended */
    TR_ENDED_UNKNOWN = 4,     /* never written: there is no END chunk */
} tr_ended;

typedef struct {
    uint32_t ended;          /* tr_ended */
    uint32_t time_dependent; /* 1: the guest read the clock */
    uint64_t insns, blocks, addrs, segments;
    uint64_t out_bytes, err_bytes;
    uint64_t defined;        /* blocks defined */
    uint64_t events[24];     /* by insn_event_kind */
} tr_end;

typedef struct {
    uint8_t magic[8];
    uint64_t index;          /* offset of the INDEX chunk's header */
    uint64_t file_size;
    uint64_t hash;           /* xxh64, seed 0, of the 24 bytes before */
} tr_trailer;

G_STATIC_ASSERT(sizeof(tr_header) == 64);
G_STATIC_ASSERT(sizeof(tr_chunk_header) == 56);
G_STATIC_ASSERT(sizeof(tr_index_entry) == 32);
G_STATIC_ASSERT(sizeof(tr_end) == 256);
G_STATIC_ASSERT(sizeof(tr_trailer) == 32);
#if G_BYTE_ORDER != G_LITTLE_ENDIAN
#error "traces are read and written as they lie in memory: little-endian hosts only"
#endif

/* What a reader accepts of a block's definition. */
enum { TR_BLOCK_BYTES_MAX = 8192, TR_BLOCK_SLOTS_MAX = 2048 };
