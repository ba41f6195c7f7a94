/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Events as people name them: by name, or by the vendor's raw code. */
#pragma once

#include "sim-emon.h"

#include <glib.h>

/* Reads an event as perf's -e takes one: a name of the list, or rCODE with a hexadecimal code (layout as above). A code is an event of the
 * list, or one of them with another counter mask, invert or edge. False and error set where there is no such event: the message says
 * which there are. `config` is zeroed first. */
bool sim_emon_parse(const char *text, sim_emon_config *config, GError **error);
/* The same from a number. */
bool sim_emon_from_raw(uint64_t raw, sim_emon_config *config, GError **error);
