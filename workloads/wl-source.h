/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the sources of this module have in common, and what a recording needs to know of a live guest. */
#pragma once

#include "wl-guest.h"

typedef struct {
    insn_source base; /* first: an insn_source of this module is a wl_source */
    void (*report)(const insn_source *source, wl_report *report);
} wl_source;

/* What a live guest has done up to the end of its last batch; cheap to ask. */
typedef struct {
    uint64_t out_len, err_len;
    uint64_t insns;
    uint64_t touched;
    uint64_t n_missing;    /* calls answered with ENOSYS in all */
    uint32_t last_missing; /* number of the last of them */
    bool reads_time;
} wl_progress;

void wl_guest_progress(const insn_source *guest, wl_progress *progress);

/* A copy of a configuration that owns its strings. */
wl_guest_config *wl_config_copy(const wl_guest_config *config);
void wl_config_free(wl_guest_config *config); /* of wl_config_copy; accepts NULL */
