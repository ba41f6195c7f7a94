/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The specification of a synthetic workload, parsed. For wl-synthetic.c. */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

enum { WL_SYN_PHASES_MAX = 256 };
#define WL_SYN_WS_MAX (UINT64_C(1) << 34)   /* bytes of data of a phase */
#define WL_SYN_CODE_MAX (UINT64_C(4) << 20) /* bytes of code of all phases of kind `code` */

typedef enum {
    WL_SYN_LOOP,
    WL_SYN_STREAM,
    WL_SYN_CHASE,
    WL_SYN_RANDOM,
    WL_SYN_BRANCH,
    WL_SYN_CODE,
    WL_SYN_SLEEP, /* from here on: events */
    WL_SYN_IO,
    WL_SYN_YIELD,
    WL_SYN_KINDS
} wl_syn_kind;

typedef struct {
    wl_syn_kind kind;
    uint64_t insns;       /* at least so many, up to the end of the block */
    uint64_t ws, stride;  /* bytes */
    uint64_t stores;      /* per mille of the accesses */
    uint64_t body, ilp;   /* instructions, chains */
    uint64_t op;          /* insn_op */
    uint64_t taken;       /* per mille of the outcomes */
    uint64_t entropy;     /* per mille of the outcomes that are random */
    uint64_t pattern;     /* length of what the others repeat */
    uint64_t targets;     /* of an indirect branch; 0: none */
    uint64_t amount;      /* nanoseconds of a sleep, bytes of an io */
    uint64_t jitter;      /* of a sleep: up to so many nanoseconds more, by chance */
    bool write;           /* io */
} wl_syn_phase;

typedef struct {
    GArray *phases;       /* of wl_syn_phase */
    uint64_t repeat;      /* rounds; 0: for ever */
} wl_syn_spec;

bool wl_syn_parse(wl_syn_spec *spec, const char *text, GError **error);
void wl_syn_clear(wl_syn_spec *spec);
