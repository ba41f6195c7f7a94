/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Synthetic workloads: streams of abstract instructions with known properties, made from a specification such as
 * "stream ws=8MiB stores=25%; sleep 1ms; repeat forever". docs/synthetic.md tells the words. */
#pragma once

#include "insn-source.h"

/* Whether a specification is well-formed; the error says which word is not, and what would be valid. */
bool wl_synthetic_check(const char *spec, GError **error);
/* A source of it (a wl_source). What it does depends on `spec`, `seed` and `name` (of the VM) alone. `code` outlives the source. */
insn_source *wl_synthetic_new(const char *name, const char *spec, uint64_t seed, insn_code *code, GError **error);

/* For several in one address space: code and data of phase i are those of phase `first` + i. All phases together: WL_SYN_PHASES_MAX (256) at the
 * most. */
insn_source *wl_synthetic_new_at(const char *name, const char *spec, uint64_t seed, unsigned first, insn_code *code, GError **error);
/* Phases of a specification; 0: it is malformed, or never ends (`repeat forever`). */
unsigned wl_synthetic_phases(const char *spec);
/* A source that has ended begins again, where it was in its working sets. */
void wl_synthetic_restart(insn_source *source);
