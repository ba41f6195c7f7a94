/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What travels with the stream of batches: how far the guest had come. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* One batch holds at most this much (about 220 KiB with the margin). */
enum {
    TR_BATCH_BLOCKS = 8192,
    TR_BATCH_ADDRS = 16384,
    TR_ADDR_MARGIN = 2048, /* the addresses of one block, the last, may lie beyond */
};

/* What a guest has done up to the end of a batch. */
typedef struct {
    uint64_t out_len, err_len; /* bytes written to standard output and error */
    uint64_t insns;
    uint64_t touched;          /* bytes of guest memory */
    uint64_t n_missing;        /* calls answered with ENOSYS in all */
    uint32_t last_missing;     /* number of the last of them */
    bool reads_time;           /* it has read the clock or the time stamp: its path depends on timing */
} tr_progress;
