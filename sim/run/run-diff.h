/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where two runs part: configuration first, then the first decision that differs, then figures by size of change. */
#pragma once

#include "run-result-read.h"

/* Figures of the smallest things would lead every list: below these a change is measured against them, not against the value. Estimates: what nobody acts
 * on. */
#define RUN_DIFF_FLOOR_PS 1e6     /* 1 us */
#define RUN_DIFF_FLOOR_COUNT 100.0
#define RUN_DIFF_FLOOR_RATIO 0.01

/* The difference of two runs (objects of quanta-run/1, or of a part of it: what neither has is not compared), an element of `runs` of quanta-diff/1. At most
 * `limit` figures of each group (the run, each VM, each logical processor), and `limit` other things, are in it; 0: all. Owned by the caller. */
JsonObject *run_diff(JsonObject *a, JsonObject *b, unsigned limit);
/* Of two files, each with one run or several, or of one run of them ("FILE:POLICY" has been taken apart; `policy_*` NULL: all): schema quanta-diff/1. NULL
 * and error set when a policy is not in its file, or the files have no policy in common. */
JsonObject *run_diff_files(const run_read_input *a, const char *policy_a, const run_read_input *b, const char *policy_b, unsigned limit, GError **error);
/* Whether nothing differs: of a run's difference or a files'. */
bool run_diff_same(JsonObject *difference);

/* Text for people. `indent`: blanks before every line. Newly allocated. */
char *run_diff_text(JsonObject *run_difference, unsigned indent, bool colour);
char *run_diff_files_text(JsonObject *difference, bool colour);
/* A value of that name in JSON with its unit: "running_ps" 2500000 is "2.50us". Newly allocated. */
char *run_diff_value(const char *name, double value, bool whole);
