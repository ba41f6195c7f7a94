/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Time series in a result's JSON: docs/formats.md, "Time series". */
#pragma once

#include "run-json.h"
#include "run-series.h"

/* Adds the member "series". */
void run_series_json(JsonObject *run, const run_series *series);
