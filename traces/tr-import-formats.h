/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The formats that can be imported, one importer each. */
#pragma once

#include "tr-import-blocks.h"
#include "tr-import-elf.h"
#include "tr-import-input.h"

#include <string.h>

typedef struct {
    tr_input *input;
    tr_blocks *blocks;
    tr_elfs *elfs;     /* or NULL */
    uint64_t ignored;  /* input records without a meaning here */
} tr_import_run;

typedef struct {
    const char *name;
    const char *notes; /* what is assumed, one sentence per line, for the trace's facts */
    bool takes_elfs;
    bool merge;        /* see tr_blocks_options */
    /* Whether the beginning of a file looks like this format. */
    bool (*recognise)(const uint8_t *bytes, size_t n);
    /* Reads all input. False and error set: what is wrong in which line or record. */
    bool (*read)(tr_import_run *run, GError **error);
} tr_import_format;

extern const tr_import_format tr_import_champsim, tr_import_cloudsuite, tr_import_lackey, tr_import_dinero, tr_import_drmemtrace;

/* An instruction of which nothing is known but its place. */
static inline tr_import_insn tr_import_bare(uint64_t addr, uint8_t size, uint8_t op)
{
    tr_import_insn in = { .addr = addr, .size = size, .op = op };
    memset(in.src, INSN_REG_NONE, sizeof in.src);
    memset(in.dst, INSN_REG_NONE, sizeof in.dst);
    memset(in.base, INSN_REG_NONE, sizeof in.base);
    return in;
}
