/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Results as JSON: schemas quanta-run/1 and quanta-compare/1 of docs/formats.md. */
#pragma once

#include "run-result.h"

/* Newly allocated text. */
char *run_result_to_json(const run_result *result);
char *run_comparison_to_json(const run_comparison *comparison);
/* "ended", "faulted" and so on: docs/formats.md. Static. */
const char *run_result_vm_state(const run_vm_result *vm);
