/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Machine descriptions: what a machine file says, checked. See docs/formats.md and cpu-model/machines/. */
#pragma once

#include "sim-config.h"

#include <glib.h>

#define CPU_MAX_LPS 256
#define CPU_MAX_KINDS 8
#define CPU_MAX_PORTS 15
#define CPU_MAX_INORDER_WIDTH 12

typedef enum { CPU_PIPELINE_INORDER, CPU_PIPELINE_EPIC, CPU_PIPELINE_OOO } cpu_pipeline;

/* Predictors of conditional branches' directions. */
typedef enum { CPU_PREDICTOR_GSHARE, CPU_PREDICTOR_BIMODAL, CPU_PREDICTOR_TAGE } cpu_predictor;

/* How micro-ops are timed: `interval`, a block's cost once per predecessor with misses and mispredictions added (cpu-core.c), or `window`, micro-op by
 * micro-op (cpu-window.c). */
typedef enum { CPU_TIMING_INTERVAL, CPU_TIMING_WINDOW } cpu_timing_level;

/* Which line goes when one has to: see cpu-cache.h. */
typedef enum { CPU_REPLACE_LRU, CPU_REPLACE_PLRU, CPU_REPLACE_SRRIP, CPU_REPLACE_RANDOM, CPU_REPLACE_FIFO } cpu_replacement;

/* What a level holds of what the levels above it hold: all (a line that leaves it is taken from them too), nothing (it is filled with
 * what they evict, and gives a line up to them), or whatever it happens to. `usual`: nine for L2, inclusive for L3. */
typedef enum { CPU_INCLUSION_USUAL, CPU_INCLUSION_INCLUSIVE, CPU_INCLUSION_EXCLUSIVE, CPU_INCLUSION_NINE } cpu_inclusion;

/* size 0: the level is absent. */
typedef struct {
    uint64_t size;       /* bytes */
    uint32_t line;       /* bytes, a power of two, the same at all levels of a machine */
    uint32_t ways;
    uint32_t latency;    /* load-to-use cycles on a hit */
    cpu_replacement policy;
    cpu_inclusion inclusion; /* L2 to L1, L3 to L2 */
} cpu_cache_desc;

/* Prefetchers of a level, a bit each: see cpu-prefetch.h. */
enum { CPU_PREFETCH_NEXT_LINE = 1, CPU_PREFETCH_IP_STRIDE = 2, CPU_PREFETCH_STREAM = 4, CPU_PREFETCH_PAIR = 8 };

typedef struct {
    uint8_t l1i, l1d, l2;                   /* CPU_PREFETCH_* */
    uint32_t stride_entries;                /* instructions that the IP-stride table tells apart, a power of two */
    uint32_t streams;                       /* pages that the stream prefetcher follows, a power of two */
    uint32_t stream_distance, stream_degree; /* how many lines it runs ahead at the most; how many it asks for at a time */
} cpu_prefetch_desc;

/* Page walks as reads of the tables through the caches: see cpu-walk.c. */
typedef struct {
    bool enabled;            /* else a walk costs page_walk cycles */
    bool nested;             /* translations of all owners but 0 are two-dimensional (Intel EPT, AMD nested paging) */
    uint32_t cached[3];      /* entries of the paging-structure caches: of page directories, their pointers, the top level */
    uint32_t nested_tlb;     /* guest-physical pages whose host translation is kept for walks */
} cpu_walk_desc;

typedef struct {
    uint32_t entries, ways;
} cpu_tlb_desc;

/* Execution resource classes: micro-ops that compete for the same units. */
typedef enum {
    CPU_RES_ALU, CPU_RES_BRANCH, CPU_RES_SHIFT, CPU_RES_MUL, CPU_RES_FP_ADD, CPU_RES_FP_MUL, CPU_RES_VEC, CPU_RES_SHUFFLE, CPU_RES_DIV,
    CPU_RES_LOAD, CPU_RES_STORE, CPU_RES_LEA, CPU_N_RES
} cpu_resource;

/* How an out-of-order core binds micro-ops to ports at rename. */
typedef enum {
    CPU_BIND_LEAST,  /* the port with the fewest waiting */
    CPU_BIND_INTEL6, /* Sandy Bridge and Ivy Bridge */
    CPU_BIND_INTEL8, /* Haswell to Skylake */
} cpu_binding;

/* The out-of-order pipeline (cpu-pipe.h); entries and widths in micro-ops unless said. Read in cpu-machine-pipe.c. */
typedef struct {
    uint32_t predecode_bytes; /* bytes predecoded per cycle, a power of two; 0: instructions come decoded (no limits but the decoders') */
    uint32_t predecode_width; /* instructions per cycle */
    uint32_t insn_queue;      /* instructions between predecoder and decoders */
    uint32_t decoders;        /* the first takes complex instructions */
    bool fusible_last;        /* a macro-fusible instruction may go to the last decoder */
    uint32_t uop_cache;       /* 0: none */
    uint32_t uop_cache_width;
    bool uop_cache_branch_edge; /* a branch may cross or end at the end of 32 bytes in it (else: the "JCC erratum") */
    uint32_t uop_queue;
    uint32_t loop_buffer;     /* 0: none */
    uint32_t retire_width;
    uint32_t scheduler;
    uint32_t load_buffer, store_buffer;
    uint32_t issue_delay;     /* cycles from rename to the earliest dispatch */
    uint32_t forward;         /* cycles from a store's address and data being ready to a forwarded load's result */
    uint32_t move_gpr, move_vec; /* slots of move elimination */
    uint32_t move_pipeline;   /* cycles for which an elimination takes a slot besides its aliases */
    bool move_any_alias;      /* a slot is free again when one of two aliases is overwritten (else: all) */
    cpu_binding binding;
    cpu_binding binding_window; /* at level `window`: CPU_BIND_LEAST takes the first free port */
} cpu_pipe_desc;

/* What instructions become on a core (cpu-uarch.h): by resource classes, or by the tables of a generation. */
typedef enum { CPU_INSTRUCTIONS_CLASSES, CPU_INSTRUCTIONS_IVYBRIDGE, CPU_INSTRUCTIONS_HASWELL, CPU_INSTRUCTIONS_SKYLAKE } cpu_instructions;

/* Kinds of instruction slots of an EPIC machine: memory, integer, floating point, branch. */
enum { CPU_SLOT_M, CPU_SLOT_I, CPU_SLOT_F, CPU_SLOT_B, CPU_N_SLOT_KINDS };

/* The in-order pipelines (cpu-inorder.h). Read in cpu-machine-inorder.c. */
typedef struct {
    uint32_t store_buffer;  /* stores that may wait for the cache */
    uint32_t address_early; /* further cycles before the result of an operation can be an address */
    uint32_t load_early;    /* cycles by which execution sees a load's result sooner than addresses do */
    uint32_t fp_load;       /* latency of a load into a vector or floating-point register */
    uint32_t bundles;       /* epic: of three slots, issued per cycle */
    uint16_t kind_ports[CPU_N_SLOT_KINDS];  /* epic: issue ports of each kind of slot, a bit each */
    uint32_t bundle_slots[CPU_N_SLOT_KINDS]; /* epic: the most slots of a kind that a bundle's templates offer */
} cpu_inorder_desc;

/* One kind of core. */
/* Cycles that VM transitions take to save or to load (each way) elements of machine state. The first three are part of vm_exit and vm_entry. */
typedef struct {
    uint32_t general, control, internal, fp, msr, devices; /* msr: of one */
    uint32_t fp_bytes, msrs;     /* size of the floating-point and vector registers; number of MSRs that a VM has of its own */
    uint32_t tlb_flush;          /* the instruction, where TLBs are tagged */
    uint32_t vmcs_switch;        /* to another virtual processor's control structure */
} cpu_state_desc;

typedef struct {
    char *name;
    cpu_pipeline pipeline;
    cpu_timing_level timing;
    uint64_t hz;
    uint32_t threads;        /* logical processors per core */
    uint32_t dispatch_width; /* micro-ops per cycle into the back end (in-order: issue width) */
    uint32_t rob;            /* reorder buffer entries (ooo) */
    uint32_t mshrs;          /* outstanding L1D misses */
    uint32_t replay;         /* cycles after which a load that missed, and what depends on it, is issued again; 0: it waits */
    uint32_t mispredict;     /* cycles from a resolved misprediction to the right path's dispatch */
    uint32_t btb_miss;       /* front-end resteer cycles of a taken branch that the BTB lacks */
    uint32_t units[CPU_N_RES];   /* units of each class (ports) */
    uint32_t latency[CPU_N_RES]; /* result latency, cycles */
    uint32_t div_busy;           /* cycles a divide blocks its unit */
    cpu_instructions instructions;
    uint16_t ports[CPU_N_RES];   /* issue ports of each class, a bit each; 0: laid out from `units` (ask cpu_core_ports) */
    cpu_pipe_desc pipe;          /* ooo */
    cpu_inorder_desc inorder;    /* inorder, epic */
    cpu_cache_desc l1i, l1d, l2;
    cpu_tlb_desc itlb, dtlb, stlb; /* stlb.entries 0: absent */
    uint32_t page_walk, stlb_hit;  /* cycles */
    cpu_walk_desc walk;
    bool l1d_through;              /* L1D is written through and not allocated by stores */
    uint32_t l2_shared;            /* consecutive cores of a kind and package that share an L2; 0 or 1: each has its own */
    uint32_t l2_mshrs;             /* requests below an L2 under way at a time; 0: no limit */
    cpu_prefetch_desc prefetch;
    cpu_tlb_desc btb;
    uint32_t ras;                  /* return stack entries */
    cpu_predictor predictor;
    uint32_t gshare_bits, gshare_history; /* bimodal: no history */
    uint32_t tage_kib;
    bool predictor_tagged;         /* entries are tagged by LP: siblings share the tables, not what is in them */
    cpu_tlb_desc btb2;             /* entries 0: absent */
    uint32_t btb2_latency;         /* cycles that a taken branch takes more that only it holds */
    uint32_t indirect;             /* entries of the indirect predictor, a power of two; 0: the BTB alone */
    uint32_t line_predictor, line_miss; /* entries of the line predictor, a power of two, 0: none; cycles of a wrong one */
    uint32_t emon_counters, emon_read;
    uint32_t vm_exit, vm_entry;    /* cycles */
    cpu_state_desc state;
    uint32_t syscall;              /* cycles of a system call's entry and exit in the guest's kernel */
    bool tlb_tagged;               /* VPID-like tags: no flush on a VM switch */
} cpu_core_desc;

/* DRAM banks that keep a row open. banks 0: every access takes the memory's latency. */
typedef struct {
    uint32_t banks;              /* per channel, a power of two */
    uint32_t row;                /* bytes of a row (page) */
    sim_ps rcd, rp, cas;         /* activate to read, precharge, read to data */
} cpu_dram_desc;

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
    uint64_t bus_bandwidth;  /* bytes per second of a front-side bus that all packages share; 0: none */
    uint32_t mem_channels;   /* per package, which share the bandwidth evenly; 0: 1 */
    cpu_dram_desc dram;
    uint64_t reference_hz;   /* of ref-cycles (the time-stamp counter's clock); 0: each core's own clock */
    uint64_t page_size;      /* bytes, 4 KiB or 2 MiB; 0: 4 KiB */
    bool hashed_pages;       /* physical page numbers are a permutation of the virtual ones (else: identical) */
} cpu_machine;

/* The issue ports of each class: as the machine file names them; classes that it does not name get as many as they have units, apart from each other
 * as far as CPU_MAX_PORTS go. */
void cpu_core_ports(const cpu_core_desc *core, uint16_t ports[CPU_N_RES]);

/* A machine by name (file NAME.conf in the machine folders) or by path (contains '/' or ends in .conf).
 * `overrides` are "key=value" or "group.key=value" assignments (NULL-terminated, or NULL). */
cpu_machine *cpu_machine_load(const char *name_or_path, const char *const *overrides, GError **error);
void cpu_machine_free(cpu_machine *machine);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(cpu_machine, cpu_machine_free)

/* Figures of a machine file and those that it includes, and how many of them it calls estimates: for lists. */
typedef struct {
    unsigned all, estimates;
} cpu_machine_figures;
cpu_machine_figures cpu_machine_count_figures(const char *path);

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
