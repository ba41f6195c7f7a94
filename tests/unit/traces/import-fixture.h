/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the tests of import and export share. */
#pragma once

#include "support.h"

#include "tr-import.h"

/* Writes a file into the test's folder; returns its path (newly allocated). */
char *fixture_write(const char *name, const void *bytes, size_t n);
char *fixture_text(const char *name, const char *text);
/* The same, packed by libarchive: "gzip", "xz", "zstd", "lz4", "bzip2", or "zip" (then in two files of one archive). */
char *fixture_packed(const char *name, const char *packing, const void *bytes, size_t n);
/* A minimal ELF program of one executable segment at `addr`. */
char *fixture_elf(const char *name, uint64_t addr, bool pie, const uint8_t *code, size_t n);

/* Imports a file as NAME.qtr and tells the trace as text: for each block its address, "r" (real code) or "a" (abstract), "+" for a further
 * iteration, the number of instructions, then its accesses: "401000r2 L1000,8 S2000,4\n". Fails the test when the import does. */
char *fixture_import(const char *path, const tr_import_options *options, tr_import_report *report);
/* The same for bad input: the error's message. Fails the test when the import does not, or leaves a file behind. */
char *fixture_import_error(const char *path, const tr_import_options *options);
/* A trace as above. */
char *fixture_tell(const char *path);
/* Path of the trace that fixture_import made last. */
const char *fixture_trace(void);
