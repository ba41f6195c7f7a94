/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Machine descriptions: what a machine file says, checked. See docs/formats.md and cpu-model/machines/. */
#pragma once

#include "sim-config.h"

#include <glib.h>

#define CPU_MAX_LPS 256
#define CPU_MAX_KINDS 8

typedef enum { CPU_PIPELINE_INORDER, CPU_PIPELINE_OOO } cpu_pipeline;

/* size 0: the level is absent. */
typedef struct {
    uint64_t size;       /* bytes */
    uint32_t line;       /* bytes, a power of two, the same at all levels of a machine */
    uint32_t ways;
    uint32_t latency;    /* load-to-use cycles on a hit */
} cpu_cache_desc;

typedef struct {
    uint32_t entries, ways;
} cpu_tlb_desc;

/* Execution resource classes: micro-ops that compete for the same units. */
typedef enum {
    CPU_RES_ALU, CPU_RES_BRANCH, CPU_RES_SHIFT, CPU_RES_MUL, CPU_RES_FP_ADD, CPU_RES_FP_MUL, CPU_RES_VEC, CPU_RES_SHUFFLE, CPU_RES_DIV,
    CPU_RES_LOAD, CPU_RES_STORE, CPU_RES_LEA, CPU_N_RES
} cpu_resource;

/* One kind of core. */
typedef struct {
    char *name;
    cpu_pipeline pipeline;
    uint64_t hz;
    uint32_t threads;        /* logical processors per core */
    uint32_t dispatch_width; /* micro-ops per cycle into the back end (in-order: issue width) */
    uint32_t rob;            /* reorder buffer entries (ooo) */
    uint32_t mshrs;          /* outstanding L1D misses */
    uint32_t mispredict;     /* cycles from a resolved misprediction to the right path's dispatch */
    uint32_t btb_miss;       /* front-end resteer cycles of a taken branch that the BTB lacks */
    uint32_t units[CPU_N_RES];   /* units of each class (ports) */
    uint32_t latency[CPU_N_RES]; /* result latency, cycles */
    uint32_t div_busy;           /* cycles a divide blocks its unit */
    cpu_cache_desc l1i, l1d, l2;
    cpu_tlb_desc itlb, dtlb, stlb; /* stlb.entries 0: absent */
    uint32_t page_walk, stlb_hit;  /* cycles */
    cpu_tlb_desc btb;
    uint32_t ras;                  /* return stack entries */
    uint32_t gshare_bits, gshare_history;
    uint32_t emon_counters, emon_read;
    uint32_t vm_exit, vm_entry;    /* cycles */
    uint32_t syscall;              /* cycles of a system call's entry and exit in the guest's kernel */
    bool tlb_tagged;               /* VPID-like tags: no flush on a VM switch */
} cpu_core_desc;

typedef struct {
    char *path, *name, *description;
    cpu_core_desc kinds[CPU_MAX_KINDS];
    unsigned n_kinds;
    unsigned n_packages;
    /* Cores in order of package, then as listed: kind of each, and package of each. */
    unsigned n_cores;
    uint8_t core_kind[CPU_MAX_LPS];
    uint8_t core_package[CPU_MAX_LPS];
    unsigned n_lps;
    cpu_cache_desc l3;       /* per package, shared by its cores; size 0: absent */
    uint32_t mem_latency_ns; /* load-to-use, unloaded, beyond the last cache */
    uint64_t mem_bandwidth;  /* bytes per second, per package */
    bool hashed_pages;       /* physical page numbers are a permutation of the virtual ones (else: identical) */
} cpu_machine;

/* A machine by name (file NAME.conf in the machine folders) or by path (contains '/' or ends in .conf).
 * `overrides` are "key=value" or "group.key=value" assignments (NULL-terminated, or NULL). */
cpu_machine *cpu_machine_load(const char *name_or_path, const char *const *overrides, GError **error);
void cpu_machine_free(cpu_machine *machine);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(cpu_machine, cpu_machine_free)

/* Folders searched for names, first match wins (NULL-terminated): $QUANTA_MACHINES, the source tree's in an
 * uninstalled build, the installed data folder. */
const char *const *cpu_machine_folders(void);
/* Names of all machines found, sorted (NULL-terminated, newly allocated). */
char **cpu_machine_names(void);

/* The code store of one address space, with Zydis behind it (see insn-source.h). */
#include "insn-source.h"
insn_code *cpu_code_new(void);
void cpu_code_free(insn_code *code);
/* Instructions executed blocks contain that the decoder's tables lack: distinct count. */
uint32_t cpu_code_unknown(const insn_code *code);
