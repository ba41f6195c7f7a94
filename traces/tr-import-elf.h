/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The code bytes of ELF files, for traces that tell addresses only. */
#pragma once

#include <glib.h>
#include <stdint.h>

typedef struct tr_elfs tr_elfs;

/* `files`: NULL-terminated, each "FILE" or "FILE@BASE" (hexadecimal, added to the file's addresses). Errors: not an x86-64 ELF file,
 * a position-independent one without a base, a malformed base. */
tr_elfs *tr_elfs_open(const char *const *files, GError **error);
void tr_elfs_free(tr_elfs *elfs); /* accepts NULL */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(tr_elfs, tr_elfs_free)

/* The `size` bytes of code at `addr`, or NULL when no file has executable bytes there. Owned by `elfs`, which may be NULL. */
const uint8_t *tr_elfs_code(tr_elfs *elfs, uint64_t addr, unsigned size);
