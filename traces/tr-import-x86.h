/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What an importer has to know of x86-64 code: where basic blocks end. All else is the decoder's. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

typedef enum {
    TR_X86_PLAIN,
    TR_X86_ENDS, /* a branch, a system call, an interrupt, hlt */
    TR_X86_REP,  /* a string instruction with a rep prefix: re-enters itself for every iteration */
} tr_x86_flow;

/* Of an instruction of known length (1 to 15). */
tr_x86_flow tr_x86_flow_of(const uint8_t *code, unsigned size);
