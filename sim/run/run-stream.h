/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Files that grow while a run goes on: buffered, written beside and renamed when they are whole. The first error is kept, what is written after it is
 * lost, and closing tells it. */
#pragma once

#include "sim-types.h"

#include <glib.h>
#include <stdbool.h>

typedef struct run_stream run_stream;

/* For the file at `path`; a device or a pipe gets everything at the close. NULL and error set: it cannot be made. */
run_stream *run_stream_new(const char *path, GError **error);
/* A nameless file in the folder of `path`, for run_stream_append. */
run_stream *run_stream_new_part(const char *path, GError **error);
/* Puts all of a part at the end, and frees it. */
void run_stream_append(run_stream *stream, run_stream *part);
/* Writes `n` bytes over those at `at` from the beginning, which have been written. */
void run_stream_patch(run_stream *stream, uint64_t at, const char *bytes, size_t n);
/* What is there becomes the file. False and error set: it could not be written, and what was at its path stays. Frees the stream. */
bool run_stream_close(run_stream *stream, GError **error);
/* The same without the file. Accepts NULL. */
void run_stream_free(run_stream *stream);
uint64_t run_stream_length(const run_stream *stream);

void run_stream_bytes(run_stream *stream, const char *bytes, size_t n);
void run_stream_text(run_stream *stream, const char *text);
void run_stream_uint(run_stream *stream, uint64_t value);
void run_stream_int(run_stream *stream, int64_t value);
/* value / 10^digits, with as many decimals as it has. */
void run_stream_decimal(run_stream *stream, uint64_t value, unsigned digits);
/* A string of JSON with its quotes; what is not UTF-8 becomes U+FFFD. */
void run_stream_quoted(run_stream *stream, const char *text);
