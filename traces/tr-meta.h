/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The facts of a trace: where it comes from, and what replay has to know. */
#pragma once

#include "tr-format.h"

#include <stdbool.h>

/* Strings are owned; NULL or 0: not known. In the file a key file with the group [trace], keys as named here. */
typedef struct {
    char *name;       /* name: of the guest, for people */
    char *origin;     /* origin: "recorded", "cut", "champsim", "lackey", "dinero", "drmemtrace" */
    char *workload;   /* workload: as the scenario named it, or the imported file's base name */
    char **argv;      /* argv */
    char *sha256;     /* sha256: of the program, hexadecimal */
    char *writer;     /* writer: "quanta 0.1.0" */
    uint64_t seed;    /* seed */
    uint64_t memory;  /* memory: bytes that the guest might map */
    uint64_t skipped; /* skipped: instructions that the guest had executed before the trace begins */
    bool regions;     /* regions: only regions of interest were recorded */
    char *notes;      /* notes: what an importer had to assume, one sentence per line */
} tr_meta;

void tr_meta_clear(tr_meta *meta);
void tr_meta_copy(tr_meta *to, const tr_meta *from); /* `to` is uninitialised before */
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(tr_meta, tr_meta_clear)
/* As the payload of the META chunk, newly allocated. */
char *tr_meta_to_text(const tr_meta *meta);
/* False and error set when it is malformed; unknown keys are ignored. */
bool tr_meta_from_text(tr_meta *meta, const char *text, size_t size, GError **error);
