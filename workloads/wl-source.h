/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the sources of this module have in common, and what a recording needs to know of a live guest. */
#pragma once

#include "tr-progress.h"
#include "wl-guest.h"

typedef struct {
    insn_source base; /* first: an insn_source of this module is a wl_source */
    void (*report)(const insn_source *source, wl_report *report);
    void (*progress)(const insn_source *source, tr_progress *progress); /* up to the end of the last batch; NULL: from the report */
    unsigned (*skipped)(const insn_source *source, const char **first); /* NULL: never */
} wl_source;

/* Of any source of this module. */
void wl_source_progress(const insn_source *source, tr_progress *progress);

/* Of a live guest. Cheap to ask. */
void wl_guest_progress(const insn_source *guest, tr_progress *progress);

/* One more call of number `nr` in a list for wl_report.missing: struct wl_missing, ascending. */
void wl_note_missing(GArray *missing, uint32_t nr);

/* A copy of a configuration that owns its strings. */
wl_guest_config *wl_config_copy(const wl_guest_config *config);
void wl_config_free(wl_guest_config *config); /* of wl_config_copy; accepts NULL */
