/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Issue ports, and the in-order pipelines, in a machine file. */
#include "cpu-machine-read.h"

#include <string.h>

/* ---- ports of the classes ------------------------------------------------------------------------------------------ */

/* Port numbers as hexadecimal digits, one each: "01a". 0 when `text` is none. */
static uint16_t parse_ports(const char *text)
{
    uint16_t mask = 0;
    for (const char *s = text; *s; s++) {
        int port = g_ascii_xdigit_value(*s);
        if (port < 0 || port >= CPU_MAX_PORTS || mask >> port & 1)
            return 0;
        mask |= (uint16_t)(1u << port);
    }
    return mask;
}

static bool take_ports(sim_config *c, const char *group, const char *key, unsigned class, const char *value, void *data, GError **error)
{
    cpu_core_desc *k = data;
    uint16_t mask = parse_ports(value);
    if (!mask)
        return sim_config_fail(c, error, group, key, "'%s' of %s does not name ports, by one digit of 0 to %x each, for example alu:015", value,
                               cpu_class_names[class], CPU_MAX_PORTS - 1);
    k->ports[class] = mask;
    k->units[class] = (uint32_t)__builtin_popcount(mask);
    return true;
}

bool cpu_read_ports(sim_config *c, const char *group, cpu_core_desc *k, GError **error)
{
    return cpu_read_classes(c, group, "ports", take_ports, k, error);
}

/* Loads and stores have the last ports; the other classes take theirs in turn from those before, so that classes share a port only when there are too few. */
void cpu_core_ports(const cpu_core_desc *core, uint16_t ports[CPU_N_RES])
{
    unsigned loads = CLAMP(core->units[CPU_RES_LOAD], 1u, 4u), stores = CLAMP(core->units[CPU_RES_STORE], 1u, 3u);
    unsigned rest = CPU_MAX_PORTS - loads - stores, next = 0;
    for (unsigned class = 0; class < CPU_N_RES; class++) {
        ports[class] = core->ports[class];
        if (ports[class])
            continue;
        if (class == CPU_RES_LOAD)
            ports[class] = (uint16_t)(((1u << loads) - 1) << rest);
        else if (class == CPU_RES_STORE)
            ports[class] = (uint16_t)(((1u << stores) - 1) << (rest + loads));
        else
            for (unsigned i = 0; i < CLAMP(core->units[class], 1u, rest); i++, next++)
                ports[class] |= (uint16_t)(1u << next % rest);
    }
}

/* ---- EPIC ------------------------------------------------------------------------------------------------------------ */

static const char kind_letters[] = "MIFB";

/* "M:VALUE I:VALUE F:VALUE B:VALUE", all four. */
static bool read_kinds(sim_config *c, const char *group, const char *key, const char *example, bool (*take)(const char *value, unsigned kind, cpu_core_desc *k),
                       cpu_core_desc *k, GError **error)
{
    g_autofree char *text = sim_config_string(c, group, key, NULL, error);
    if (*error)
        return false;
    if (!text)
        return sim_config_fail(c, error, group, key, "is missing; an epic pipeline needs it, for example %s", example);
    g_auto(GStrv) words = g_strsplit_set(text, " \t", -1);
    unsigned seen = 0;
    for (char **w = words; *w; w++) {
        if (!**w)
            continue;
        const char *letter = strchr(kind_letters, **w);
        unsigned kind = letter ? (unsigned)(letter - kind_letters) : 0;
        if (!letter || (*w)[1] != ':' || seen >> kind & 1 || !take(*w + 2, kind, k))
            return sim_config_fail(c, error, group, key, "'%s' cannot be; M, I, F and B are needed once each, for example %s", *w, example);
        seen |= 1u << kind;
    }
    if (seen != (1u << CPU_N_SLOT_KINDS) - 1)
        return sim_config_fail(c, error, group, key, "M, I, F and B are needed, for example %s", example);
    return true;
}

static bool take_kind_ports(const char *value, unsigned kind, cpu_core_desc *k)
{
    k->inorder.kind_ports[kind] = parse_ports(value);
    return k->inorder.kind_ports[kind] != 0;
}

static bool take_bundle_slots(const char *value, unsigned kind, cpu_core_desc *k)
{
    guint64 n;
    if (!g_ascii_string_to_unsigned(value, 10, 1, 3, &n, NULL))
        return false;
    k->inorder.bundle_slots[kind] = (uint32_t)n;
    return true;
}

static bool read_epic(sim_config *c, const char *group, cpu_core_desc *k, GError **error)
{
    k->inorder.bundles = cpu_read_uint(c, group, "bundles", 2, 1, 4, error);
    if (*error || !read_kinds(c, group, "slots", "M:0123 I:45 F:67 B:89a", take_kind_ports, k, error) ||
        !read_kinds(c, group, "bundle-slots", "M:2 I:2 F:1 B:3", take_bundle_slots, k, error))
        return false;
    if (k->dispatch_width > 3 * k->inorder.bundles)
        return sim_config_fail(c, error, group, "width", "%u is more than the slots of %u bundles", k->dispatch_width, k->inorder.bundles);
    uint16_t ports[CPU_N_RES], known = 0;
    cpu_core_ports(k, ports);
    for (unsigned kind = 0; kind < CPU_N_SLOT_KINDS; kind++) {
        if (known & k->inorder.kind_ports[kind])
            return sim_config_fail(c, error, group, "slots", "a port belongs to two kinds of slot");
        known |= k->inorder.kind_ports[kind];
    }
    for (unsigned class = 0; class < CPU_N_RES; class++)
        if (ports[class] & ~known)
            return sim_config_fail(c, error, group, "ports", "%s has a port that `slots` gives to no kind of slot", cpu_class_names[class]);
    return true;
}

bool cpu_read_inorder(sim_config *c, const char *group, cpu_core_desc *k, GError **error)
{
    static const char *const inorder_keys[] = {"address-early", "load-early", "fp-load", NULL}, *const epic_keys[] = {"bundles", "slots", "bundle-slots", NULL};
    if (k->pipeline != CPU_PIPELINE_EPIC)
        cpu_accept_keys(c, group, epic_keys);
    if (k->pipeline == CPU_PIPELINE_OOO) {
        cpu_accept_keys(c, group, inorder_keys);
        return true;
    }
    k->inorder.store_buffer = cpu_read_uint(c, group, "store-buffer", 8, 1, 64, error);
    k->inorder.address_early = cpu_read_uint(c, group, "address-early", 0, 0, 8, error);
    k->inorder.load_early = cpu_read_uint(c, group, "load-early", 0, 0, 8, error);
    k->inorder.fp_load = cpu_read_uint(c, group, "fp-load", 0, 0, 100, error);
    if (!*error && k->dispatch_width > CPU_MAX_INORDER_WIDTH)
        return sim_config_fail(c, error, group, "width", "%u is more than the %d that an in-order pipeline can have", k->dispatch_width, CPU_MAX_INORDER_WIDTH);
    return !*error && (k->pipeline != CPU_PIPELINE_EPIC || read_epic(c, group, k, error));
}
