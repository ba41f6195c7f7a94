/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Small guests in assembly, made into ELF files by the tests, and what their runs are looked at with. */
#pragma once

#include "insn-source.h"
#include "wl-guest.h"

#include <check.h>

#define TEXT_AT UINT64_C(0x401000) /* read and execute, one page */
#define DATA_AT UINT64_C(0x600000) /* read and write, DATA_SIZE bytes, zeroed */
#define DATA_SIZE UINT64_C(0x10000)
#define MIB (UINT64_C(1) << 20)

/* Position-independent code between two labels of the test program; it starts at TEXT_AT in the guest. */
#define GUEST(name, code)                                                                                              \
    __asm__(".pushsection .rodata\n.balign 16\n.globl guest_" #name "\nguest_" #name ":\n" code                         \
            "\n.globl guest_end_" #name "\nguest_end_" #name ":\n.popsection\n");                                       \
    extern const uint8_t guest_##name[], guest_end_##name[];
#define GUEST_CODE(name) guest_##name, (size_t)(guest_end_##name - guest_##name)
#define EXIT(status) "mov $231, %eax\nmov $" #status ", %edi\nsyscall\n"
/* Exit status is the low byte of minus the result in eax. */
#define EXIT_ERRNO "neg %eax\nmov %eax, %edi\nmov $231, %eax\nsyscall\n"

/* A folder for the test's files, removed with all in it by the end of the run. */
const char *test_folder(void);
void test_folder_remove(void);
/* Path of a new ELF file with this code, and `text` (may be NULL) with its terminator at DATA_AT. Owned by the support. */
const char *test_elf(const uint8_t *code, size_t size, const char *text);
/* The image itself, for tests that damage it. */
GByteArray *test_elf_image(const uint8_t *code, size_t size, const char *text);
const char *test_write(const char *name, const void *data, size_t size);

wl_guest_config test_config(const char *elf);

typedef struct {
    uint64_t addr;
    uint16_t size;
    uint8_t flags;
} test_access;

/* A run to its end: accesses in order, events but NONE, counts. */
typedef struct {
    GArray *accesses;  /* of test_access; only the first 4096 */
    GArray *events;    /* of insn_event */
    GPtrArray *texts;  /* copies of the events' texts, by event, NULL where none */
    uint64_t blocks, insns, loads, stores, again; /* a read-modify-write is a load and a store ... */
    uint64_t rmws;     /* ... and counts here too */
    uint64_t digest;   /* of all blocks, addresses and events, not of batch borders */
    char *out;
    wl_report report;  /* pointers in it are not valid any more but missing */
    GArray *missing;
    uint64_t step;     /* what `now` advances by each fill: picoseconds */
} test_run;

test_run *test_consume(insn_source *source, uint32_t limit, uint64_t step);
void test_run_free(test_run *run);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(test_run, test_run_free)
/* Runs a guest of this code live. */
test_run *test_live(const wl_guest_config *config, uint32_t limit, uint64_t step);
const insn_event *test_last(const test_run *run);

TCase *elf_tests(void);
TCase *memory_tests(void);
TCase *folder_tests(void);
TCase *access_tests(void);
TCase *linux_tests(void);
TCase *fault_tests(void);
TCase *record_tests(void);
TCase *guest_tests(void);
TCase *synthetic_tests(void);
TCase *tasks_tests(void);
