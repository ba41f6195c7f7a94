/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A trace decoded by a thread of its own, a few batches ahead of who consumes it. What comes out is the same to the bit. */
#pragma once

#include "wl-replay.h"

/* As wl_replay_new, of a trace that is played once. */
insn_source *wl_ahead_new(const wl_replay_config *config, insn_code *code, GError **error);
