/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The address space of one guest: regions of pages over host memory that Unicorn executes on in place. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <unicorn/unicorn.h>

#define WL_PAGE UINT64_C(4096)
#define WL_USER_END UINT64_C(0x7ffffffff000) /* first byte beyond user space */
#define WL_MMAP_TOP UINT64_C(0x7ffff0000000) /* mmap hands out addresses downwards from here */
#define WL_STACK_TOP UINT64_C(0x7ffffffde000)

/* Values of the guest's PROT_*; write and exec imply read, as on x86. */
enum { WL_READ = 1, WL_WRITE = 2, WL_EXEC = 4 };

typedef struct wl_memory wl_memory;

/* `limit` is the most bytes mapped with any access right at one time. `uc` (not owned; NULL in tests) is kept in
 * step: every region with an access right is mapped there, data without the right to execute. */
wl_memory *wl_memory_new(uint64_t limit, uc_engine *uc);
void wl_memory_free(wl_memory *memory); /* accepts NULL; after uc_close */

/* Puts another engine (NULL: none) in the place of the present one, and maps all regions in it. False when it refuses. */
bool wl_memory_attach(wl_memory *memory, uc_engine *uc);

/* Reserves host address space for guest addresses [start, end), so that regions mapped in it can grow and
 * merge. -ENOMEM when it overlaps a former reservation or the host refuses. */
int wl_memory_reserve(wl_memory *memory, uint64_t start, uint64_t end);

/* Maps zeroed pages at a free, page-aligned range. 0; -ENOMEM beyond the limit or where something is mapped; -EINVAL. */
int wl_memory_map(wl_memory *memory, uint64_t addr, uint64_t size, unsigned prot);
/* Removes whatever is mapped in the range. 0 or -EINVAL. */
int wl_memory_unmap(wl_memory *memory, uint64_t addr, uint64_t size);
/* 0; -ENOMEM when part of the range is not mapped, or beyond the limit; -EINVAL. */
int wl_memory_protect(wl_memory *memory, uint64_t addr, uint64_t size, unsigned prot);
/* Moves pages with equal rights to a free range of at least their size, as mremap does. 0, -ENOMEM, -EFAULT. */
int wl_memory_move(wl_memory *memory, uint64_t from, uint64_t from_size, uint64_t to, uint64_t to_size);
/* A free range of `size` bytes below WL_MMAP_TOP, the highest one; 0 when there is none. */
uint64_t wl_memory_find(const wl_memory *memory, uint64_t size);
/* True when no page of the range is mapped. */
bool wl_memory_is_free(const wl_memory *memory, uint64_t addr, uint64_t size);
/* Rights of the page, -1 when it is not mapped. */
int wl_memory_prot(const wl_memory *memory, uint64_t addr);

/* Host pointer to as much of [addr, addr + *size) as is contiguous and grants `prot`; *size becomes its length.
 * NULL when the first byte does not. Valid until the next map, unmap or protect. */
uint8_t *wl_memory_span(const wl_memory *memory, uint64_t addr, uint64_t *size, unsigned prot);
/* Copies between host and guest. 0 or -EFAULT (what precedes the bad page is copied). */
int wl_memory_put(wl_memory *memory, uint64_t addr, const void *data, uint64_t size);
int wl_memory_get(const wl_memory *memory, uint64_t addr, void *data, uint64_t size);
/* put regardless of the guest's rights, for the loader. */
int wl_memory_load(wl_memory *memory, uint64_t addr, const void *data, uint64_t size);
/* A string with its terminator, at most `size` bytes of it. 0, -EFAULT, or -ENAMETOOLONG. */
int wl_memory_get_string(const wl_memory *memory, uint64_t addr, char *data, uint64_t size);

uint64_t wl_memory_mapped(const wl_memory *memory); /* bytes that count against the limit */
uint64_t wl_memory_limit(const wl_memory *memory);
/* Bytes of host memory behind the guest's pages, present or swapped. */
uint64_t wl_memory_touched(const wl_memory *memory);
/* Grows by one whenever code may have changed under a given address: mapping, unmapping or protecting
 * executable pages. */
uint64_t wl_memory_code_changes(const wl_memory *memory);
