/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where the chunks of a trace file are: from its index, or by looking for them. */
#pragma once

#include "tr-format.h"

#include <stdbool.h>

typedef struct {
    GArray *chunks;      /* of tr_index_entry, in the order of the file; kind 0: a stretch that is no chunk */
    bool from_index;     /* the index and the trailer were whole */
    uint64_t cut_at;     /* offset of an unfinished chunk at the file's end, or 0 */
} tr_index;

void tr_index_clear(tr_index *index);
/* Finds the chunks of the file, which is `size` bytes long. */
void tr_index_find(tr_index *index, int fd, uint64_t size);
/* The same without believing the index. */
void tr_index_scan(tr_index *index, int fd, uint64_t size);
