/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A file that is written beside its place and renamed when it is whole; packed as its name says: .xz, .gz, .zst. */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>

typedef struct tr_export_file tr_export_file;

/* "-": standard output, plain. Errors: SIM_ERROR_IO. At most 256 KiB in one write. */
tr_export_file *tr_export_file_open(const char *path, GError **error);
bool tr_export_file_write(tr_export_file *file, const void *bytes, size_t n, GError **error);
/* Ends the file and gives it its name. */
bool tr_export_file_finish(tr_export_file *file, GError **error);
/* Accepts NULL. An unfinished file is removed. */
void tr_export_file_free(tr_export_file *file);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(tr_export_file, tr_export_file_free)
