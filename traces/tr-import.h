/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Traces of other tools: ChampSim, Valgrind lackey, Dinero, DynamoRIO drmemtrace; and back to ChampSim. Compressed input (xz,
 * gzip, zstd, lz4, bzip2, zip) is unpacked as it is read. What each import assumes is in docs/importing.md. */
#pragma once

#include "insn-source.h"
#include "tr-reader.h"

typedef struct {
    const char *format;      /* a name of tr_import_formats, or NULL: recognised by content, then by the file's name */
    const char *const *elfs; /* code bytes: "FILE" or "FILE@BASE" (load address, hexadecimal), NULL-terminated; or NULL */
    uint64_t limit;          /* instructions at most; 0: all */
    const volatile int *cancel; /* or NULL: non-zero ends the import; what there is so far is a valid trace */
} tr_import_options;

typedef struct {
    const char *format;
    uint64_t insns, blocks, accesses;
    uint64_t without_code;   /* instructions for which no code bytes were known: abstract ones */
    uint64_t ignored;        /* input records that have no meaning here */
} tr_import_report;

/* NULL-terminated. */
extern const char *const tr_import_formats[];

/* Imports `from` ("-": standard input) as the trace `to`, blocks defined in `code`. False and error set (what, where: line or
 * record number, what would be valid) on bad input: nothing is left behind. */
bool tr_import(const char *from, const char *to, insn_code *code, const tr_import_options *options, tr_import_report *report,
               GError **error);

/* Writes what is left of the trace as a ChampSim trace of 64-byte records; compressed when the name ends in .xz, .gz, .zst.
 * "-": standard output. Written beside and renamed. The reader has been started with `code`. */
bool tr_export_champsim(tr_reader *reader, insn_code *code, const char *to, uint64_t limit, const volatile int *cancel,
                        uint64_t *insns, GError **error);
