/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A trace as an instruction source. */
#pragma once

#include "tr-reader.h"
#include "wl-guest.h"

typedef struct {
    const char *path;
    bool salvage;      /* use what is whole of a damaged or unfinished trace */
    uint32_t repeat;   /* how often it is played; 0: for ever. What it wrote is kept from the last time only */
} wl_replay_config;

/* Errors: no trace, unfinished without `salvage`, cannot be read. What turns out to be damaged later ends the source with
 * INSN_EVENT_ERROR. A trace that ends before its guest did ends with INSN_EVENT_CUT. `code` outlives the source. */
insn_source *wl_replay_new(const wl_replay_config *config, insn_code *code, GError **error);

/* NULL when the trace can be played with or without salvage; else what wl_replay_new would say. */
bool wl_replay_check(const tr_reader *reader, const char *path, bool salvage, GError **error);
