/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The TAGE direction predictor: a table of two-bit counters and tagged tables that are looked up with ever longer histories; the longest that knows the branch
 * predicts. After Seznec, "A new case for the TAGE branch predictor", MICRO 2011, and Seznec and Michaud, "A case for (partially) tagged geometric history
 * length branch prediction", JILP 8, 2006; with a loop predictor and a small statistical corrector after Seznec, "TAGE-SC-L branch predictors", CBP-4, 2014,
 * and "TAGE-SC-L branch predictors again", CBP-5, 2016. What each part takes of the budget is in cpu_tage_new.
 *
 * Left out: speculative histories and late updates (a branch's outcome is known when the next is predicted), banks. */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

enum {
    CPU_TAGE_TABLES = 8,     /* a host vector register of eight numbers */
    CPU_TAGE_HISTORY = 320,  /* the longest history, branches */
    CPU_TAGE_SPAN = 2048,    /* places for outcomes: when all are used, the newest ones are moved to the end */
    CPU_TAGE_SC = 4,         /* tables of the statistical corrector that take history */
};

typedef uint16_t cpu_tage_v8 __attribute__((vector_size(16)));

/* The tables, which the logical processors of a core share. */
typedef struct cpu_tage cpu_tage;

/* A logical processor's. All zero at first. */
typedef struct {
    cpu_tage_v8 index, tag, tag2;           /* folded histories */
    uint64_t recent;                        /* the last 64 outcomes, newest lowest */
    uint32_t path;                          /* a bit of each branch's address */
    uint32_t at;                            /* place of the newest in `outcomes`; older ones follow */
    uint16_t outcomes[CPU_TAGE_SPAN];       /* 0, or all bits where it was 1 */
} cpu_tage_history;

/* `kib`: storage, 2 to 256 KiB. Free with cpu_tage_free. */
cpu_tage *cpu_tage_new(uint32_t kib);
void cpu_tage_free(cpu_tage *tage);
/* Bits of storage that the tables stand for. */
uint64_t cpu_tage_bits(const cpu_tage *tage);

/* Predicts the conditional branch at `pc` (any number that names it), learns the outcome; true when the prediction was right. */
bool cpu_tage_predict(cpu_tage *tage, cpu_tage_history *history, uint64_t pc, bool taken);
/* Another branch was taken from `pc` to `target`: part of the path. */
void cpu_tage_note(const cpu_tage *tage, cpu_tage_history *history, uint64_t pc, uint64_t target);
