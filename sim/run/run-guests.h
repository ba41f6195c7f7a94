/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The guest programs that quanta ships: where they are, and which there are. */
#pragma once

#include <glib.h>
#include <stdbool.h>

/* Folders where `elf:guests/NAME` is looked for after the scenario's own (NULL-terminated): $QUANTA_GUESTS, the
 * build folder's in an uninstalled build, the installed one. */
const char *const *run_guest_folders(void);
/* Names of the guest programs found there, sorted (NULL-terminated, newly allocated). */
char **run_guest_names(void);
/* Host path of one of them (newly allocated), or NULL. */
char *run_guest_find(const char *name);
