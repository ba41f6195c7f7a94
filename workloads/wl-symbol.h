/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The code of one function of an x86-64 ELF file: program, shared object or object file. */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

/* Bytes of the function `name` (newly allocated) and its address; false with the error, which proposes a near name. A symbol without a size
 * reaches to the next one of its section. */
bool wl_symbol_read(const char *path, const char *name, uint8_t **bytes, gsize *size, uint64_t *addr, GError **error);
