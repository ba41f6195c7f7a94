/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Result files: whole or not at all. */
#pragma once

#include <glib.h>
#include <stdbool.h>

/* Writes the bytes to `path`, or to standard output when it is "-". A file is written beside and renamed once it
 * is on the disk: what was at `path` before stays until then, and stays on failure (false, error set). */
bool run_file_write(const char *path, const char *data, gsize length, GError **error);
/* Whether such a file could be written, before long work starts: its folder exists and is writable, and no folder is in its
 * place. */
bool run_file_check(const char *path, GError **error);
