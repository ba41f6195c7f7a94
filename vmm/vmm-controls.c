/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "vmm-controls.h"

#include "sim-error.h"

#include <string.h>

#define BIT(n) (1u << (n))

const vmm_controls vmm_controls_default = {
    .entry = BIT(VMM_STATE_GENERAL) | BIT(VMM_STATE_CONTROL) | BIT(VMM_STATE_INTERNAL),
    .exit = BIT(VMM_SAVE_PROCESSOR),
    .insns = BIT(VMM_INSN_HLT) | BIT(VMM_INSN_IO) | BIT(VMM_INSN_WBINVD),
};

static const struct {
    const char *what;
    unsigned n;
    const char *names[7];
} kinds[] = {
    [VMM_CONTROLS_ENTRY] = {"entry controls", VMM_N_ENTRY_BITS, {"general", "fp", "control", "msr", "internal", "tlb", "devices"}},
    [VMM_CONTROLS_EXIT] = {"exit controls", VMM_N_EXIT_BITS, {"processor", "fp", "msr", "devices"}},
    [VMM_CONTROLS_INSNS] = {"instructions that exit", VMM_N_INSN_BITS, {"hlt", "io", "cpuid", "msr", "rdtsc", "wbinvd", "pause"}},
};

static char *join(vmm_controls_kind kind, uint32_t bits, const char *separator)
{
    GString *text = g_string_new(NULL);
    for (unsigned i = 0; i < kinds[kind].n; i++)
        if (bits & BIT(i))
            g_string_append_printf(text, "%s%s", text->len ? separator : "", kinds[kind].names[i]);
    return g_string_free(text, FALSE);
}

char *vmm_controls_format(vmm_controls_kind kind, uint32_t bits)
{
    return bits ? join(kind, bits, "|") : g_strdup("none");
}

static bool add_name(vmm_controls_kind kind, const char *name, uint32_t *bits, GError **error)
{
    uint32_t all = BIT(kinds[kind].n) - 1;
    for (unsigned i = 0; i < kinds[kind].n; i++)
        if (strcmp(name, kinds[kind].names[i]) == 0) {
            *bits |= BIT(i);
            return true;
        }
    if (strcmp(name, "all") == 0)
        *bits |= all;
    if (strcmp(name, "all") == 0 || strcmp(name, "none") == 0)
        return true;
    g_autofree char *valid = join(kind, all, ", ");
    g_set_error(error, SIM_ERROR, SIM_ERROR_INPUT, "'%s' is none of the %s: %s, all, none; or a number, 0 to 0x%x", name, kinds[kind].what, valid, all);
    return false;
}

bool vmm_controls_parse(vmm_controls_kind kind, const char *text, uint32_t *bits, GError **error)
{
    guint64 number;
    bool hex = g_str_has_prefix(text, "0x");
    *bits = 0;
    if (g_ascii_isdigit(*text) && g_ascii_string_to_unsigned(hex ? text + 2 : text, hex ? 16 : 10, 0, G_MAXUINT64, &number, NULL)) {
        *bits = (uint32_t)number;
        if (number < BIT(kinds[kind].n))
            return true;
        g_set_error(error, SIM_ERROR, SIM_ERROR_INPUT, "%s has bits that there are not: the %s are %u bits, 0 to 0x%x", text, kinds[kind].what, kinds[kind].n,
                    BIT(kinds[kind].n) - 1);
        return false;
    }
    g_auto(GStrv) names = g_strsplit(text, "|", -1);
    if (!*names)
        return add_name(kind, "", bits, error);
    for (char **name = names; *name; name++)
        if (!add_name(kind, g_strstrip(*name), bits, error))
            return false;
    return true;
}

uint32_t vmm_controls_saved(const vmm_controls *c)
{
    uint32_t saved = c->exit & BIT(VMM_SAVE_PROCESSOR) ? BIT(VMM_STATE_GENERAL) | BIT(VMM_STATE_CONTROL) | BIT(VMM_STATE_INTERNAL) : 0;
    saved |= c->exit & BIT(VMM_SAVE_FP) ? BIT(VMM_STATE_FP) : 0;
    saved |= c->exit & BIT(VMM_SAVE_MSR) ? BIT(VMM_STATE_MSR) : 0;
    return saved | (c->exit & BIT(VMM_SAVE_DEVICES) ? BIT(VMM_STATE_DEVICES) : 0);
}

bool vmm_controls_check(const vmm_controls *c, GError **error)
{
    const uint32_t bits[] = {c->entry, c->exit, c->insns};
    for (unsigned i = 0; i < G_N_ELEMENTS(bits); i++)
        if (bits[i] >= BIT(kinds[i].n)) {
            g_set_error(error, SIM_ERROR, SIM_ERROR_INPUT, "0x%x has bits that there are not: the %s are %u bits, 0 to 0x%x", bits[i], kinds[i].what,
                        kinds[i].n, BIT(kinds[i].n) - 1);
            return false;
        }
    uint32_t stale = c->entry & ~vmm_controls_saved(c) & ~BIT(VMM_STATE_TLB);
    if (!stale)
        return true;
    g_autofree char *names = join(VMM_CONTROLS_ENTRY, stale, ", ");
    g_set_error(error, SIM_ERROR, SIM_ERROR_INPUT,
                "entries load what exits do not save, so that the guest would find old values: %s; add %s to the exit controls", names,
                stale & (BIT(VMM_STATE_GENERAL) | BIT(VMM_STATE_CONTROL) | BIT(VMM_STATE_INTERNAL)) ? "processor" : names);
    return false;
}
