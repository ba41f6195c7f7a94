/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Chance in when and in which order VMs start, so that seeds are a sample: keys start-jitter of [vm NAME] and placement-jitter of [scenario]. Every draw
 * comes from a named stream of the seed (sim-random.h): "start-jitter/VM", "placement-jitter". */
#pragma once

#include "run-scenario.h"
#include "sim-config.h"

/* Reads the keys and moves the starts of the scenario's VMs, which have been read; without them nothing changes. */
bool run_jitter_read(sim_config *c, run_scenario *s, GError **error);
