/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A file of another tool as a stream of bytes: unpacked as it is read (xz, gzip, zstd, lz4, bzip2; all files of a zip
 * archive one after another), in constant memory however much comes out. */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct tr_input tr_input;

/* `path` "-": standard input. NULL and error set when it cannot be opened or unpacked. */
tr_input *tr_input_open(const char *path, GError **error);
void tr_input_free(tr_input *input); /* accepts NULL */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(tr_input, tr_input_free)
const char *tr_input_name(const tr_input *input); /* for messages */

enum { TR_INPUT_WINDOW = 64 << 10 };

/* The next *n bytes without taking them: at least `want` (at most TR_INPUT_WINDOW), fewer only at the end. NULL and error set on
 * damaged input. */
const uint8_t *tr_input_peek(tr_input *input, size_t want, size_t *n, GError **error);

/* The next `size` (at most TR_INPUT_WINDOW) bytes, valid until the next call. Returns 1; 0 at the end; -1 and error set on damaged input,
 * or when the input ends within them: the message calls them `what` and number *count, which is then counted up. */
int tr_input_record(tr_input *input, size_t size, const char *what, uint64_t *count, const uint8_t **record, GError **error);

/* The next line without its end, terminated by a zero, valid until the next call. Returns 1; 0 at the end; -1 and error set on
 * damaged input or a line of more than TR_INPUT_LINE bytes. *line is counted up. */
int tr_input_line(tr_input *input, uint64_t *line, char **text, size_t *n, GError **error);
enum { TR_INPUT_LINE = 4096 };
