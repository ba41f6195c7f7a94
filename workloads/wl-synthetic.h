/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
#include "insn-source.h"
bool wl_synthetic_check(const char *spec, GError **error);
insn_source *wl_synthetic_new(const char *name, const char *spec, uint64_t seed, insn_code *code, GError **error);
