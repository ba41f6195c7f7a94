/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copies of the running simulation, by fork(2), that try something out, tell what came of it and are gone: what the original would have
 * become is not touched. One thread of the process may make them, and no other may be in the middle of anything that a copy uses: such runs
 * have no decoding threads, and none goes on beside them. */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>

typedef struct run_copies run_copies;

/* `most` copies live at a time; each tells `size` bytes (64 KiB at most: what a pipe holds). */
run_copies *run_copies_new(unsigned most, size_t size);
/* Ends those whose result nobody fetched. Accepts NULL. */
void run_copies_free(run_copies *c);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(run_copies, run_copies_free)

enum { RUN_COPY_ITSELF = -1, RUN_COPY_FAILED = -2 };
/* In the original: the copy's number, or RUN_COPY_FAILED when the host has no room for one. In the copy: RUN_COPY_ITSELF. It ends with
 * run_copies_tell, and dies with the original. */
int run_copies_make(run_copies *c);
/* In a copy: whether this process is one; ends it with its result. */
bool run_copies_inside(void);
G_NORETURN void run_copies_tell(const void *result, size_t size);
/* The result of a copy, once; waits for it. False: it died without one. */
bool run_copies_fetch(run_copies *c, int number, void *result);
