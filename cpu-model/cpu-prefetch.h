/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Hardware prefetchers, as Intel describes its own ("Intel 64 and IA-32 Architectures Optimization Reference Manual", order number 248966, section "Data
 * Prefetching" of the Sandy Bridge chapter, kept by its successors), and what they are to the caches: requests like any other, which take bandwidth and
 * arrive in their time, and which a demand that comes before they have arrived waits for.
 *
 * - next-line (L1I; L1D, where the manual calls it the DCU prefetcher): the line after the one that missed, or that a prefetch brought and is now used;
 *   in L1D only where the one before is there too or was missed last (ascending accesses).
 * - ip-stride (L1D): the difference between an instruction's last accesses; after two alike, the address one further. Strides up to 2 KiB.
 * - stream (L2): per page the direction of the requests; after two in a row, up to `degree` lines more, up to `distance` ahead of the request.
 * - pair (L2): the other line of an aligned pair (the manual's spatial prefetcher, 128 bytes).
 *
 * None crosses a page of 4 KiB; none is made while all miss status holding registers are taken. The tables are direct-mapped, which is an estimate. L1D's
 * see the accesses that miss and the first to each line that a prefetch brought, not all hits: the hits between them do not train. */
#pragma once

#include "cpu-machine.h"

typedef struct {
    uint64_t issued;  /* requests made: lines brought */
    uint64_t useful;  /* ... that a demand used, */
    uint64_t late;    /* ... and of these the ones that it had to wait for */
    uint64_t dropped; /* not made: no miss status holding register free */
} cpu_prefetch_counts;

typedef struct {
    uint64_t ip, last; /* address of the byte */
    int32_t stride;
    uint32_t confidence;
} cpu_stride;

typedef struct {
    cpu_stride *entries; /* NULL: none */
    uint32_t mask;
    uint64_t last_line;  /* of a miss, for next-line */
} cpu_stride_table;

typedef struct {
    uint64_t page;       /* + 1; 0: free */
    int16_t last, ahead; /* line in the page: of the last request, the furthest prefetched */
    int8_t direction;
    uint8_t run;         /* requests in that direction */
} cpu_stream;

typedef struct {
    cpu_stream *entries;
    uint32_t mask;
} cpu_stream_table;

/* Trains on the access of a byte. The address to prefetch, or 0. */
uint64_t cpu_stride_next(cpu_stride_table *table, uint64_t ip, uint64_t pa);
/* Trains on a request for a line; `lines` are those of a page. Returns how many lines to prefetch: from *first on, in steps of *step. */
unsigned cpu_stream_next(cpu_stream_table *table, const cpu_prefetch_desc *desc, uint64_t line, unsigned lines, uint64_t *first, int *step);
