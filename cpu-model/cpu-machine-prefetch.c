/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Prefetchers of a machine file. */
#include "cpu-machine-read.h"

#include "sim-error.h"

#include <string.h>

static const char *const names[] = {"next-line", "ip-stride", "stream", "pair", NULL};

/* The names that `allowed` has, for messages. */
static char *names_of(unsigned allowed)
{
    GString *s = g_string_new("none");
    for (unsigned i = 0; names[i]; i++)
        if (allowed & 1u << i)
            g_string_append_printf(s, ", %s", names[i]);
    return g_string_free(s, FALSE);
}

/* Words from those that `allowed` has, or `none`. */
static bool read_kinds(sim_config *c, const char *group, const char *key, unsigned allowed, uint8_t *kinds, GError **error)
{
    g_autofree char *text = sim_config_string(c, group, key, "none", error);
    if (*error)
        return false;
    g_auto(GStrv) words = g_strsplit_set(text, " ,\t", -1);
    for (char **w = words; *w; w++) {
        unsigned i = 0;
        if (!**w || g_str_equal(*w, "none"))
            continue;
        while (names[i] && !g_str_equal(names[i], *w))
            i++;
        if (!names[i] || !(allowed & 1u << i)) {
            g_autofree char *valid = names_of(allowed);
            return sim_config_fail(c, error, group, key, "'%s' is no prefetcher of this level; there are: %s", *w, valid);
        }
        *kinds |= (uint8_t)(1u << i);
    }
    return true;
}

static bool read_table(sim_config *c, const char *group, const char *key, uint32_t fallback, uint32_t *entries, GError **error)
{
    *entries = cpu_read_uint(c, group, key, fallback, 1, 4096, error);
    if (*error)
        return false;
    if (*entries & (*entries - 1))
        return sim_config_fail(c, error, group, key, "%u is not a power of two", *entries);
    return true;
}

bool cpu_read_prefetchers(sim_config *c, const char *group, cpu_core_desc *k, GError **error)
{
    cpu_prefetch_desc *p = &k->prefetch;
    if (!read_kinds(c, group, "l1i-prefetch", CPU_PREFETCH_NEXT_LINE, &p->l1i, error) ||
        !read_kinds(c, group, "l1d-prefetch", CPU_PREFETCH_NEXT_LINE | CPU_PREFETCH_IP_STRIDE, &p->l1d, error) ||
        !read_kinds(c, group, "l2-prefetch", CPU_PREFETCH_STREAM | CPU_PREFETCH_PAIR, &p->l2, error) ||
        !read_table(c, group, "stride-entries", 256, &p->stride_entries, error) || !read_table(c, group, "streams", 32, &p->streams, error))
        return false;
    p->stream_distance = cpu_read_uint(c, group, "stream-distance", 20, 1, 64, error);
    p->stream_degree = cpu_read_uint(c, group, "stream-degree", 2, 1, 16, error);
    return *error == NULL;
}
