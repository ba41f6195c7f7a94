/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "run-affinity.h"

#include "sim-error.h"

#include <string.h>

typedef struct {
    sim_config *c;
    const char *group;
    const cpu_machine *machine;
    uint64_t *mask;
} affinity;

/* Adds the logical processors of the cores that are meant: number, package or kind is `wanted`. */
typedef enum { OF_CORE, OF_PACKAGE, OF_KIND } part;

static void add_cores(const affinity *a, part of, unsigned wanted)
{
    const cpu_machine *m = a->machine;
    for (unsigned core = 0, lp = 0; core < m->n_cores; core++) {
        unsigned threads = m->kinds[m->core_kind[core]].threads;
        unsigned is = of == OF_CORE ? core : of == OF_PACKAGE ? m->core_package[core] : m->core_kind[core];
        for (unsigned i = 0; i < threads; i++, lp++)
            if (is == wanted)
                a->mask[lp / 64] |= UINT64_C(1) << lp % 64;
    }
}

static bool add_numbered(const affinity *a, part of, const char *number, GError **error)
{
    unsigned n = of == OF_CORE ? a->machine->n_cores : a->machine->n_packages;
    const char *what = of == OF_CORE ? "core" : "package";
    guint64 which;
    if (!g_ascii_string_to_unsigned(number, 10, 0, G_MAXUINT32, &which, NULL))
        return sim_config_fail(a->c, error, a->group, "affinity", "'%s:%s' names no %s; valid: %s:0 to %s:%u", what, number, what, what, what, n - 1);
    if (which >= n)
        return sim_config_fail(a->c, error, a->group, "affinity", "there is no %s %s; the machine has 0 to %u", what, number, n - 1);
    add_cores(a, of, (unsigned)which);
    return true;
}

static bool add_kind(const affinity *a, const char *name, GError **error)
{
    const cpu_machine *m = a->machine;
    g_autoptr(GPtrArray) names = g_ptr_array_new();
    bool found = false;
    for (unsigned k = 0; k < m->n_kinds; k++) {
        bool used = memchr(m->core_kind, (int)k, m->n_cores) != NULL;
        if (used)
            g_ptr_array_add(names, m->kinds[k].name);
        if (!used || strcmp(m->kinds[k].name, name) != 0)
            continue;
        add_cores(a, OF_KIND, k);
        found = true;
    }
    if (found)
        return true;
    g_ptr_array_add(names, NULL);
    g_autofree char *list = g_strjoinv(", ", (char **)names->pdata);
    return sim_config_fail(a->c, error, a->group, "affinity", "the machine has no core of kind '%s'; valid: %s", name, list);
}

static bool add_range(const affinity *a, const char *text, GError **error)
{
    unsigned n_lps = a->machine->n_lps;
    g_auto(GStrv) ends = g_strsplit(text, "-", 2);
    guint64 first, last;
    if (!g_ascii_string_to_unsigned(ends[0] ? ends[0] : "", 10, 0, G_MAXUINT32, &first, NULL) ||
        (ends[1] && !g_ascii_string_to_unsigned(ends[1], 10, 0, G_MAXUINT32, &last, NULL)))
        return sim_config_fail(a->c, error, a->group, "affinity",
                               "'%s' is not a list of logical processors, for example 0-3,5, or core:1, package:0, kind:NAME", text);
    last = ends[1] ? last : first;
    if (last < first)
        return sim_config_fail(a->c, error, a->group, "affinity", "'%s' is a range that ends before it begins", text);
    if (last >= n_lps)
        return sim_config_fail(a->c, error, a->group, "affinity", "there is no logical processor %" G_GUINT64_FORMAT "; the machine has 0 to %u", last,
                               n_lps - 1);
    for (guint64 i = first; i <= last; i++)
        a->mask[i / 64] |= UINT64_C(1) << (i % 64);
    return true;
}

static bool add(const affinity *a, const char *text, GError **error)
{
    if (g_str_has_prefix(text, "core:"))
        return add_numbered(a, OF_CORE, text + strlen("core:"), error);
    if (g_str_has_prefix(text, "package:"))
        return add_numbered(a, OF_PACKAGE, text + strlen("package:"), error);
    return g_str_has_prefix(text, "kind:") ? add_kind(a, text + strlen("kind:"), error) : add_range(a, text, error);
}

bool run_affinity_read(sim_config *c, const char *group, const cpu_machine *machine, uint64_t mask[VMM_MASK_WORDS], bool *has, GError **error)
{
    const affinity a = { .c = c, .group = group, .machine = machine, .mask = mask };
    g_autofree char *text = sim_config_string(c, group, "affinity", NULL, error);
    *has = text != NULL;
    if (!text)
        return *error == NULL;
    g_auto(GStrv) parts = g_strsplit(text, ",", -1);
    if (!*parts)
        return sim_config_fail(c, error, group, "affinity", "is empty; give logical processors, for example 0-3,5");
    for (char **p = parts; *p; p++)
        if (!add(&a, g_strstrip(*p), error))
            return false;
    return true;
}
