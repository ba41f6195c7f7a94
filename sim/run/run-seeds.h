/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Lists of seeds: "1-10", "1,5,8-12". */
#pragma once

#include <glib.h>
#include <stdint.h>

enum { RUN_SEEDS_MAX = 10000 };

/* Newly allocated, in the order that was written; NULL and error set when it is no such list, names a seed twice, or more than RUN_SEEDS_MAX. */
uint64_t *run_seeds_parse(const char *text, unsigned *n, GError **error);
