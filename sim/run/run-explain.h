/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Why quanta changed in a run, and what to do about it: made of a result as `quanta run` and `quanta compare` write it, whatever the policy. */
#pragma once

#include "run-json.h"
#include "run-result-read.h"

#include <stdbool.h>

/* The explanation, schema quanta-explain/1. `vm`: of that VM alone, or NULL. NULL and error set (with the nearest) when no run has such a VM. */
JsonObject *run_explain(const run_read_input *input, const char *vm, GError **error);
/* The explanation as text for people. */
char *run_explain_text(JsonObject *explanation, bool colour);

/* ---- for the parts of it ------------------------------------------------------------------------------------------- */

/* "mean" of one of the figures of an object of evidence or outcomes; false: it is not there. */
bool run_explain_mean(JsonObject *facts, const char *name, double *mean);
/* A figure with the unit that its name ends with: "used-ps" 1000000 is "1.00us". Newly allocated. */
char *run_explain_figure(const char *name, double value);
/* The parameter that switches a reason's trigger, where a policy has such. */
const char *run_explain_parameter(const char *reason);
/* What a reason means, or NULL. What an evidence or outcome of that name is called (newly allocated). */
const char *run_explain_reason(const char *reason);
char *run_explain_name(const char *name);
/* "gained", "lost", "no difference", or NULL where the result does not tell; `why` (newly allocated) says by which figures. */
const char *run_explain_judge(JsonObject *reason, char **why);

/* Advice on a run: array of objects with `about` (a VM, or "policy"), `advice`, `because`. `vm` as above; `against`: the reference's run, or NULL. */
JsonArray *run_explain_advice(JsonObject *run, JsonObject *against, const char *vm);
