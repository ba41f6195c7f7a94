/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "sim-emon.h"

#include <string.h>

const sim_emon_desc sim_emon_events[SIM_EV_COUNT] = {
#define X(id, name, raw, text) [SIM_EV_##id] = {name, text, raw},
    SIM_EMON_EVENTS(X)
#undef X
};

int sim_emon_by_name(const char *name)
{
    for (int i = 0; i < SIM_EV_COUNT; i++)
        if (strcmp(sim_emon_events[i].name, name) == 0)
            return i;
    return -1;
}
