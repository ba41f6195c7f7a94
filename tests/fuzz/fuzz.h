/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the fuzz targets share. Each target is a program: with libFuzzer (meson setup -Dfuzzer=true, CC=clang) it explores; else it runs
 * the files and folders that are its arguments, and some thousand deterministic mutations of each (fuzz-driver.c). */
#pragma once

#include <glib.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The path of a file in memory with these bytes, the same one each time. */
const char *fuzz_file(const uint8_t *data, size_t size);
/* A trace with right checksums, of payloads: kind, two bytes of size, count, and so many bytes, one after another. */
GByteArray *fuzz_trace(const uint8_t *data, size_t size);
