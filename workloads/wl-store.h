/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Chunks of a recording: in memory up to a limit, and beyond that compressed in an unlinked temporary file. */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct wl_store wl_store;

/* A chunk; constant once appended. */
typedef struct {
    uint32_t size;     /* bytes */
    uint32_t packed;   /* bytes in the file; 0: in memory */
    uint64_t offset;   /* in the file */
    uint8_t *data;     /* in memory, followed by slack; or NULL */
} wl_chunk;

wl_store *wl_store_new(uint64_t memory_limit);
void wl_store_free(wl_store *store); /* accepts NULL */
/* Copies a chunk. False when the temporary file cannot be made or is full. The caller serialises. */
bool wl_store_append(wl_store *store, const uint8_t *data, uint32_t size, GError **error);
unsigned wl_store_count(const wl_store *store);
/* The chunk's description; constant and valid as long as the store. The caller serialises with wl_store_append. */
const wl_chunk *wl_store_chunk(const wl_store *store, unsigned index);
/* Its bytes, followed by slack: in place, or read into *buffer (g_realloc'ed, *room bytes). Any thread. NULL with the error set. */
const uint8_t *wl_store_read(const wl_store *store, const wl_chunk *chunk, uint8_t **buffer, uint32_t *room, GError **error);
