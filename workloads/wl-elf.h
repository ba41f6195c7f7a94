/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Static x86-64 ELF programs, checked and loaded: ET_EXEC, and position-independent ones without an interpreter
 * (their start-up code relocates itself). */
#pragma once

#include "wl-memory.h"

#include <glib.h>

#define WL_PIE_BASE UINT64_C(0x555555554000)

typedef struct {
    uint64_t vaddr, memsz; /* with the load bias */
    uint64_t offset, filesz;
    unsigned prot; /* WL_READ, WL_WRITE, WL_EXEC */
} wl_segment;

typedef struct {
    char *path;
    char *data; /* the file; released by wl_elf_load */
    uint64_t size;
    wl_segment *segments; /* ascending, not overlapping */
    unsigned n_segments;
    uint64_t entry;
    uint64_t phdr; /* address of the program headers in memory, 0: not loaded */
    uint16_t phnum;
    uint64_t low, high; /* page-aligned extent */
} wl_elf;

/* Reads and checks a program. Every error names the file and says what would be valid. */
wl_elf *wl_elf_open(const char *path, GError **error);
void wl_elf_free(wl_elf *elf); /* accepts NULL */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(wl_elf, wl_elf_free)

/* Page-aligned bytes that the segments take. */
uint64_t wl_elf_pages(const wl_elf *elf);
/* Maps and fills the segments. 0 or a negative errno of wl_memory_map. */
int wl_elf_load(wl_elf *elf, wl_memory *memory);
