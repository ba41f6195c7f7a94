/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A result that nothing was run for: names of figures can be looked up in it before there is a real one. */
#pragma once

#include "run-result.h"
#include "run-scenario.h"

/* It has the scenario's VMs, and no values. Owned by the caller. */
run_result *run_blank_result(const run_scenario *scenario);
