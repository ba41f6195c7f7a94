/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "sim-emon-code.h"

#include "sim-error.h"

/* The fields of IA32_PERFEVTSELx that a code may have. The bits for user and system mode, interrupt and enable (16, 17, 20, 22) are the
 * counter's, not the event's; "any thread" (21) is not modelled. */
enum { RAW_EVENT = 0xffff, RAW_EDGE = 1 << 18, RAW_INVERT = 1 << 23, RAW_MASK_SHIFT = 24 };
#define RAW_FIELDS UINT64_C(0xff84ffff)

static char *valid_codes(void)
{
    GString *list = g_string_new(NULL);
    for (int i = 0; i < SIM_EV_COUNT; i++)
        if (sim_emon_events[i].raw)
            g_string_append_printf(list, "%sr%04x", list->len ? ", " : "", sim_emon_events[i].raw);
    return g_string_free(list, FALSE);
}

/* The event whose code is `raw` with the counter mask, invert and edge that it has in the list; else the one that has the same event select
 * and unit mask, and none of these. */
static int by_raw(uint32_t raw, bool *own_fields)
{
    *own_fields = true;
    for (int i = 0; i < SIM_EV_COUNT; i++)
        if (sim_emon_events[i].raw == raw)
            return i;
    *own_fields = false;
    for (int i = 0; i < SIM_EV_COUNT; i++)
        if (sim_emon_events[i].raw == (raw & RAW_EVENT))
            return i;
    return -1;
}

bool sim_emon_from_raw(uint64_t raw, sim_emon_config *config, GError **error)
{
    bool own_fields = false;
    int event = raw && (raw & ~RAW_FIELDS) == 0 ? by_raw((uint32_t)raw, &own_fields) : -1;
    *config = (sim_emon_config){0};
    if (event < 0) {
        g_autofree char *valid = valid_codes();
        g_set_error(error, SIM_ERROR, SIM_ERROR_INPUT, "there is no event r%04" G_GINT64_MODIFIER "x; valid: %s; "
                    "those of four digits also with counter mask << 24, invert << 23 and edge << 18", raw, valid);
        return false;
    }
    config->event = (enum sim_emon_event)event;
    if (!own_fields) {
        config->threshold = (uint8_t)(raw >> RAW_MASK_SHIFT);
        config->invert = raw & RAW_INVERT;
        config->edge = raw & RAW_EDGE;
    }
    return true;
}

bool sim_emon_parse(const char *text, sim_emon_config *config, GError **error)
{
    int event = sim_emon_by_name(text);
    *config = (sim_emon_config){0};
    if (event >= 0) {
        config->event = (enum sim_emon_event)event;
        return true;
    }
    char *end = NULL;
    guint64 raw = text[0] == 'r' && g_ascii_isxdigit(text[1]) ? g_ascii_strtoull(text + 1, &end, 16) : 0;
    if (end && *end == '\0')
        return sim_emon_from_raw(raw, config, error);
    const char *names[SIM_EV_COUNT + 1] = {NULL};
    for (int i = 0; i < SIM_EV_COUNT; i++)
        names[i] = sim_emon_events[i].name;
    g_autofree char *hint = sim_suggest(text, names);
    g_set_error(error, SIM_ERROR, SIM_ERROR_INPUT, "there is no event '%s'%s", text, hint);
    return false;
}
