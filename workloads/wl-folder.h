/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The one host folder that a guest sees, as its "/". No path leads out of it: "..", absolute paths and symbolic
 * links are resolved as in a chroot. Only regular files and directories can be opened.
 *
 * Paths are the guest's, absolute in its view ("/a/b"). Functions return a host file descriptor or 0, and a
 * negative errno on failure. */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

typedef struct wl_folder wl_folder;

wl_folder *wl_folder_open(const char *host_path, bool writable, GError **error);
void wl_folder_free(wl_folder *folder); /* accepts NULL */
bool wl_folder_writable(const wl_folder *folder);
/* Uses the own path walk in place of openat2(2), as on hosts that forbid it; for tests. */
void wl_folder_without_openat2(wl_folder *folder);

/* open(2) with O_ flags; -EROFS where it would write and the folder is read-only. `created` (may be NULL) tells
 * whether the file is new. */
int wl_folder_openat(wl_folder *folder, const char *path, int flags, mode_t mode, bool *created);
/* fstat of the file, or of the link itself. */
int wl_folder_stat(wl_folder *folder, const char *path, bool follow, struct stat *st);
ssize_t wl_folder_readlink(wl_folder *folder, const char *path, char *target, size_t size);
int wl_folder_unlink(wl_folder *folder, const char *path, bool directory);
int wl_folder_mkdir(wl_folder *folder, const char *path);
int wl_folder_rename(wl_folder *folder, const char *from, const char *to);
/* The path of a directory without links, "." and "..": newly allocated in *canonical. */
int wl_folder_canonical(wl_folder *folder, const char *path, char **canonical);
