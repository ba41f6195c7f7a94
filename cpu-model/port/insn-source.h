/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The port between instruction sources (a guest under Unicorn, a recording, a trace, a generator) and the
 * cores: header only. A source runs ahead of the timing model and hands over executed basic blocks; it never
 * knows the time, but for the `now` that a time-reading guest has to be told.
 *
 * Words: a *block* is straight-line code as the source executed it: entered at its first instruction, left
 * after its last. An *access slot* is one memory operand of one instruction in a block: a read-modify-write
 * operand is one slot, however many callbacks it takes an emulator; so is a 16-byte access. Every execution
 * of a block carries exactly one address per slot, in order. */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

/* ---- code: what the decoder tells a source about a block ---------------------------------------------- */

enum { INSN_ACCESS_LOAD = 1, INSN_ACCESS_STORE = 2 };

typedef struct {
    uint16_t size;  /* bytes */
    uint8_t flags;  /* INSN_ACCESS_*: both for a read-modify-write */
    uint8_t insn;   /* which instruction of the block, from 0 (saturates at 255) */
} insn_access;

/* Instructions that a user-mode guest must not simply execute. */
typedef enum {
    INSN_PLAIN = 0,
    INSN_READS_TIME, /* rdtsc, rdtscp */
    INSN_PRIVILEGED, /* hlt, in, out, cli, sti, rdmsr, wrmsr, mov cr/dr, invlpg, wbinvd, lgdt, ... */
} insn_sensitivity;

/* Facts of a decoded block; owned by the code store, constant, valid as long as it lives. */
typedef struct {
    uint32_t id;             /* dense, from 0, in the order of definition */
    uint16_t bytes;
    uint16_t n_insns;        /* 0 in the INSN_BLOCK_REP_AGAIN variant */
    uint16_t n_slots;
    uint8_t sensitivity;     /* insn_sensitivity of the first sensitive instruction */
    uint8_t ends_with_rep;   /* the last instruction is a rep string operation: it re-enters itself per iteration */
    uint16_t sensitive_insn; /* its index in the block ... */
    uint16_t sensitive_at;   /* ... and its byte offset */
    uint16_t last_at;        /* byte offset of the last instruction */
    uint64_t addr;
    const insn_access *slots; /* [n_slots], in order of execution */
    /* What it was defined from, so that it can be defined again elsewhere. */
    const uint8_t *code;     /* [code_bytes] as given to define */
    uint16_t code_bytes;     /* `bytes`, but for abstract blocks */
    uint8_t flags;           /* INSN_BLOCK_* */
    uint8_t variant;         /* was defined with a list of accesses: `slots` is that list */
    uint8_t n_cpuid, n_rdtsc, n_pause; /* such instructions in it, saturating: a VMM may want to see them */
} insn_block_facts;

enum {
    INSN_BLOCK_REP_AGAIN = 1, /* a further iteration of a rep string instruction: no instruction retires */
    INSN_BLOCK_ABSTRACT = 2,  /* the code "bytes" are an array of insn_abstract */
    INSN_BLOCK_FLAGS = 3,     /* all of them */
};

/* ---- abstract instructions: code of which is known what it does, but not its bytes ------------------------- */

/* Registers, here and in insn_instruction: 0-15 general (x86's numbering: 4 is the stack pointer), 16-31 vector,
 * 32 flags, 33 x87. */
enum { INSN_REG_VEC = 16, INSN_REG_FLAGS = 32, INSN_REG_X87 = 33, INSN_REG_COUNT = 34, INSN_REG_NONE = 0xff };

typedef enum {
    INSN_OP_MOVE = 0, /* no operation: a load whose value is the result, a store, a register move, a no-op */
    INSN_OP_INT,
    INSN_OP_MUL,
    INSN_OP_DIV,
    INSN_OP_FP_ADD,
    INSN_OP_FP_MUL,
    INSN_OP_FP_DIV,
    INSN_OP_VEC,      /* packed integer and logic */
    INSN_OP_COND,     /* branches: conditional, ... */
    INSN_OP_JUMP,
    INSN_OP_CALL,
    INSN_OP_RET,
    INSN_OP_IJUMP,    /* indirect */
    INSN_OP_ICALL,
    INSN_OP_COUNT
} insn_op;

enum { INSN_ABSTRACT_ACCESSES = 6, INSN_ABSTRACT_MAX = 128 /* instructions of a block */ };

/* One of them, 32 bytes, as it also stands in traces. Loads come before stores; each load waits for the `addr` registers,
 * the operation for the loads and the `src` registers, stores for the result and the `addr` registers. Unused register
 * places are INSN_REG_NONE. A block's last instruction alone may be a branch. */
typedef struct {
    uint8_t size;       /* bytes of code that it takes in the address space, 1 to 15 */
    uint8_t op;         /* insn_op */
    uint8_t n_accesses; /* at most INSN_ABSTRACT_ACCESSES */
    uint8_t reserved[3];
    uint8_t src[6], dst[4], addr[4];
    /* INSN_ACCESS_* in bits 0-1 (both: read-modify-write), binary logarithm of the size in bytes in bits 2-4 (0 to 6). */
    uint8_t access[INSN_ABSTRACT_ACCESSES];
    uint8_t reserved2[6];
} insn_abstract;
G_STATIC_ASSERT(sizeof(insn_abstract) == 32);

/* ---- one instruction of a block, for tools ------------------------------------------------------------------- */

typedef struct {
    uint64_t addr;
    uint8_t size;
    uint8_t op;             /* insn_op: of x86 code the nearest one; a branch is exact */
    bool rep;               /* rep string operation */
    uint64_t reads, writes; /* registers (bit numbers as above), implicit ones included; address registers are read */
    uint64_t target;        /* of a direct branch of known target; or 0 */
    uint16_t first_slot, n_slots;
    char text[96];          /* Intel syntax; "(abstract) ..." or "(bad)" where there are no such bytes */
} insn_instruction;

/* The code of one address space (one guest image): decoded once, shared by all who time or replay it. */
typedef struct insn_code insn_code;
struct insn_code {
    /* The block at `addr` with the given code bytes (copied; insn_abstract_valid for abstract ones), defined on the first call and looked up later by
     * (addr, bytes, size, flags, seen). `seen` is NULL for the accesses that decoding expects; where an execution differs
     * (a rep count of zero, a fault half-way), it lists the n_seen accesses observed (16-byte accesses and
     * read-modify-writes already merged), and the definition is a variant with just those slots.
     * Bytes that the decoder does not know become a block of default cost, and are counted. NULL when the store is
     * full (4 Mi blocks: code that rewrites itself without end); the source then ends with INSN_EVENT_ERROR.
     * Thread-safe. */
    const insn_block_facts *(*define)(insn_code *code, uint64_t addr, const uint8_t *bytes, uint16_t size,
                                      unsigned flags, const insn_access *seen, unsigned n_seen);
    /* Facts of an id that was defined. Thread-safe. */
    const insn_block_facts *(*facts)(insn_code *code, uint32_t id);
    /* Describes instruction `index` (from 0) of a block; false when it has no such. Thread-safe. Decodes anew: for tools. */
    bool (*instruction)(insn_code *code, uint32_t id, unsigned index, insn_instruction *out);
};

/* Whether `bytes` are well-formed for an INSN_BLOCK_ABSTRACT block (sizes, operations, registers, accesses, branches, at most
 * INSN_ABSTRACT_MAX instructions). `define` wants it so. */
static inline bool insn_abstract_valid(const uint8_t *bytes, size_t size)
{
    const insn_abstract *a = (const insn_abstract *)(const void *)bytes;
    size_t n = size / sizeof *a;
    if (n == 0 || n > INSN_ABSTRACT_MAX || size % sizeof *a)
        return false;
    for (size_t i = 0; i < n; i++) {
        bool stored = false;
        if (a[i].size == 0 || a[i].size > 15 || a[i].op >= INSN_OP_COUNT || a[i].n_accesses > INSN_ABSTRACT_ACCESSES
            || (a[i].op >= INSN_OP_COND && i + 1 < n))
            return false;
        for (unsigned k = 0; k < a[i].n_accesses; k++) {
            unsigned flags = a[i].access[k] & 3u;
            if (flags == 0 || a[i].access[k] >> 2 > 6 || (stored && flags & INSN_ACCESS_LOAD))
                return false;
            stored |= flags == INSN_ACCESS_STORE;
        }
        for (unsigned k = 0; k < 14; k++) {
            uint8_t reg = k < 6 ? a[i].src[k] : k < 10 ? a[i].dst[k - 6] : a[i].addr[k - 10];
            if (reg >= INSN_REG_COUNT && reg != INSN_REG_NONE)
                return false;
        }
    }
    return true;
}

/* ---- the stream ------------------------------------------------------------------------------------------ */

/* Why a batch ended early: the guest needs its surroundings. The event comes after the batch's last block. */
typedef enum {
    INSN_EVENT_NONE = 0,  /* the batch is full; ask for the next */
    INSN_EVENT_SYSCALL,   /* nr: a system call that was served; costs guest-kernel time only */
    INSN_EVENT_TIME_READ, /* nr: the guest reads the clock; the next fill's `now` is what it reads */
    INSN_EVENT_SLEEP,     /* arg0: nanoseconds to sleep, relative */
    INSN_EVENT_SLEEP_UNTIL, /* arg0: simulated nanoseconds since power-on to sleep until (absolute deadlines) */
    INSN_EVENT_IO,        /* arg0: bytes that move to or from the guest's disk; arg1: 1 for a write */
    INSN_EVENT_YIELD,     /* sched_yield, or the guest's yield marker */
    INSN_EVENT_HYPERCALL, /* nr, arg0 */
    INSN_EVENT_WBINVD,    /* the guest's kernel writes back and invalidates the caches */
    INSN_EVENT_ROI_BEGIN, /* region of interest */
    INSN_EVENT_ROI_END,
    INSN_EVENT_TASK_BEGIN, /* nr: task kind; arg0: the guest's id of the task */
    INSN_EVENT_TASK_END,
    INSN_EVENT_FAULT,     /* arg0: faulting address, ip: instruction, text: reason. The guest is dead */
    INSN_EVENT_END,       /* arg0: exit status. The guest is done */
    INSN_EVENT_ERROR,     /* the source itself failed (damaged recording): text says why. Dead */
    INSN_EVENT_CUT,       /* a trace ends here before its guest did. Dead */
    INSN_EVENT_COUNT
} insn_event_kind;

typedef struct {
    insn_event_kind kind;
    uint32_t nr;
    uint64_t arg0, arg1;
    uint64_t ip;
    const char *text; /* owned by the source, valid as long as it lives; or NULL */
} insn_event;

/* A view of the source's own memory, valid until the next fill or the source's end. */
typedef struct {
    const uint32_t *blocks; /* [n_blocks] ids, in order of execution */
    const uint64_t *addrs;  /* [n_addrs] guest-virtual byte addresses, facts.n_slots of them for each block */
    uint32_t n_blocks;
    uint32_t n_addrs;
    insn_event event;
} insn_batch;

typedef struct insn_source insn_source;
struct insn_source {
    insn_code *code; /* what the ids mean; owned by whoever made it, outlives the source */
    /* Executes further and describes it in `batch`: at least one block or an event other than NONE. At most about
     * `limit` blocks (a hint: a source may return more if it holds them ready). `now` is the simulated
     * time in picoseconds at which the guest goes on. After FAULT, END, ERROR or CUT every further call gives the same
     * event and no block. */
    void (*fill)(insn_source *source, uint64_t now_ps, uint32_t limit, insn_batch *batch);
    void (*free)(insn_source *source);
};

static inline void insn_source_fill(insn_source *s, uint64_t now_ps, uint32_t limit, insn_batch *batch)
{
    s->fill(s, now_ps, limit, batch);
}

static inline void insn_source_free(insn_source *s)
{
    if (s)
        s->free(s);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(insn_source, insn_source_free)
