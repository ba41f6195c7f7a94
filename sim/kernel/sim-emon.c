/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "sim-emon.h"

#include <string.h>

const sim_emon_desc sim_emon_events[SIM_EV_COUNT] = {
#define X(id, name, raw, unit, text) [SIM_EV_##id] = {name, text, raw, SIM_UNIT_##unit},
    SIM_EMON_EVENTS(X)
#undef X
};

const char *const sim_emon_unit_names[SIM_UNIT_COUNT] = {
#define X(id, name) name,
    SIM_EMON_UNITS(X)
#undef X
};

int sim_emon_by_name(const char *name)
{
    for (int i = 0; i < SIM_EV_COUNT; i++)
        if (strcmp(sim_emon_events[i].name, name) == 0)
            return i;
    return -1;
}

const char *const sim_cpi_names[SIM_CPI_COUNT] = {
#define X(id, name, event) name,
    SIM_CPI_STACK(X)
#undef X
};

void sim_cpi_stack(const uint64_t ev[SIM_EV_COUNT], uint64_t stack[SIM_CPI_COUNT])
{
    static const enum sim_emon_event events[SIM_CPI_COUNT] = {
#define X(id, name, event) SIM_EV_##event,
        SIM_CPI_STACK(X)
#undef X
    };
    uint64_t left = ev[SIM_EV_CYCLES];
    for (unsigned i = SIM_CPI_CORE + 1; i < SIM_CPI_COUNT; i++) {
        stack[i] = ev[events[i]] < left ? ev[events[i]] : left; /* a difference of roundings may be a cycle too many */
        left -= stack[i];
    }
    stack[SIM_CPI_BASE] = ev[SIM_EV_CPI_BASE] < left ? ev[SIM_EV_CPI_BASE] : left;
    stack[SIM_CPI_CORE] = left - stack[SIM_CPI_BASE];
}
