/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A table from 64-bit numbers to 32-bit ones, for importers: open addressing, nothing is ever taken out. */
#pragma once

#include <glib.h>
#include <stdint.h>

typedef struct {
    struct tr_map_entry {
        uint64_t key;
        uint32_t value; /* 0: free */
    } *entries;
    uint32_t n, mask;
} tr_map;

static inline uint32_t tr_map_slot(const tr_map *map, uint64_t key)
{
    uint32_t i = (uint32_t)((key * UINT64_C(0x9e3779b97f4a7c15)) >> 32) & map->mask;
    while (map->entries[i].value && map->entries[i].key != key)
        i = (i + 1) & map->mask;
    return i;
}

static inline void tr_map_init(tr_map *map)
{
    *map = (tr_map){ .mask = 1023, .entries = g_new0(struct tr_map_entry, 1024) };
}

static inline void tr_map_clear(tr_map *map)
{
    g_free(map->entries);
}

/* The value of a key, or 0. */
static inline uint32_t tr_map_get(const tr_map *map, uint64_t key)
{
    return map->entries[tr_map_slot(map, key)].value;
}

/* Sets the value (not 0) of a key. */
static inline void tr_map_put(tr_map *map, uint64_t key, uint32_t value)
{
    struct tr_map_entry *e = &map->entries[tr_map_slot(map, key)];
    map->n += !e->value;
    *e = (struct tr_map_entry){ key, value };
    if (map->n <= map->mask / 2)
        return;
    tr_map old = *map;
    map->mask = old.mask * 2 + 1;
    map->entries = g_new0(struct tr_map_entry, (gsize)map->mask + 1);
    for (uint32_t i = 0; i <= old.mask; i++)
        if (old.entries[i].value)
            map->entries[tr_map_slot(map, old.entries[i].key)] = old.entries[i];
    g_free(old.entries);
}
