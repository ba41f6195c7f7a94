/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `quanta list machines`. */
#include "cli-list.h"

#include "cpu-machine.h"

#include <stdio.h>

static const char *const pipeline_names[] = {"inorder", "epic", "ooo"};
static const char *const pipeline_texts[] = {"in order", "EPIC", "out of order"};

static char *size_text(uint64_t bytes)
{
    if (bytes % (1 << 20) == 0)
        return g_strdup_printf("%u MiB", (unsigned)(bytes >> 20));
    return bytes % 1024 == 0 ? g_strdup_printf("%u KiB", (unsigned)(bytes >> 10)) : g_strdup_printf("%u B", (unsigned)bytes);
}

static unsigned cores_of(const cpu_machine *m, unsigned kind)
{
    unsigned n = 0;
    for (unsigned i = 0; i < m->n_cores; i++)
        n += m->core_kind[i] == kind;
    return n;
}

static const char *const predictor_names[] = {[CPU_PREDICTOR_GSHARE] = "gshare", [CPU_PREDICTOR_BIMODAL] = "bimodal", [CPU_PREDICTOR_TAGE] = "tage"};

static char *predictor_text(const cpu_core_desc *k)
{
    if (k->predictor == CPU_PREDICTOR_TAGE)
        return g_strdup_printf("tage %u KiB", k->tage_kib);
    return g_strdup_printf("%s 2^%u", predictor_names[k->predictor], k->gshare_bits);
}

static void print_kind(const cpu_machine *m, unsigned kind)
{
    const cpu_core_desc *k = &m->kinds[kind];
    g_autofree char *l1i = size_text(k->l1i.size), *l1d = size_text(k->l1d.size), *l2 = size_text(k->l2.size);
    printf("    %u x %s: %s, %u wide, ", cores_of(m, kind), k->name, pipeline_texts[k->pipeline], k->dispatch_width);
    if (k->pipeline == CPU_PIPELINE_OOO)
        printf("reorder buffer %u, ", k->rob);
    if (k->threads > 1)
        printf("%u threads, ", k->threads);
    g_autofree char *predictor = predictor_text(k);
    printf("%.2f GHz; L1 %s + %s, L2 %s%s; ", (double)k->hz / 1e9, l1i, l1d, l2, k->l2_shared > 1 ? " shared" : "");
    printf("BTB %u, %s\n", k->btb.entries + k->btb2.entries, predictor);
}

static void print_memory(const cpu_machine *m)
{
    printf("    ");
    if (m->l3.size) {
        g_autofree char *l3 = size_text(m->l3.size);
        printf("L3 %s, %u cycles; ", l3, m->l3.latency);
    }
    printf("memory %u ns, %.1f GB/s; ", m->mem_latency_ns, (double)m->mem_bandwidth / 1e9);
    cpu_machine_figures f = cpu_machine_count_figures(m->path);
    printf("%u figures, %u of them estimates\n", f.all, f.estimates);
}

bool cli_list_print_machines(bool colour, GError **error)
{
    g_auto(GStrv) names = cpu_machine_names();
    for (char **n = names; *n; n++) {
        g_autoptr(cpu_machine) m = cpu_machine_load(*n, NULL, error);
        if (!m)
            return false;
        printf("%s%-14s%s %u package%s, ", colour ? "\033[1m" : "", *n, colour ? "\033[0m" : "", m->n_packages, m->n_packages == 1 ? "" : "s");
        printf("%u core%s, %u logical processor%s\n", m->n_cores, m->n_cores == 1 ? "" : "s", m->n_lps, m->n_lps == 1 ? "" : "s");
        if (*m->description)
            printf("    %s\n", m->description);
        for (unsigned kind = 0; kind < m->n_kinds; kind++)
            if (cores_of(m, kind))
                print_kind(m, kind);
        print_memory(m);
    }
    return true;
}

static JsonObject *json_cache(const cpu_cache_desc *d)
{
    JsonObject *o = json_object_new();
    json_object_set_int_member(o, "bytes", (gint64)d->size);
    json_object_set_int_member(o, "ways", d->ways);
    json_object_set_int_member(o, "latency", d->latency);
    return o;
}

static JsonObject *json_kind(const cpu_machine *m, unsigned kind)
{
    const cpu_core_desc *k = &m->kinds[kind];
    JsonObject *o = json_object_new();
    json_object_set_string_member(o, "name", k->name);
    json_object_set_int_member(o, "cores", cores_of(m, kind));
    json_object_set_string_member(o, "pipeline", pipeline_names[k->pipeline]);
    json_object_set_int_member(o, "hz", (gint64)k->hz);
    json_object_set_int_member(o, "threads", k->threads);
    json_object_set_int_member(o, "width", k->dispatch_width);
    if (k->pipeline == CPU_PIPELINE_OOO)
        json_object_set_int_member(o, "rob", k->rob);
    json_object_set_object_member(o, "l1i", json_cache(&k->l1i));
    json_object_set_object_member(o, "l1d", json_cache(&k->l1d));
    json_object_set_object_member(o, "l2", json_cache(&k->l2));
    json_object_set_string_member(o, "predictor", predictor_names[k->predictor]);
    json_object_set_int_member(o, "btb", k->btb.entries + k->btb2.entries);
    json_object_set_int_member(o, "mispredict", k->mispredict);
    return o;
}

void cli_list_json_machines(JsonArray *out)
{
    g_auto(GStrv) names = cpu_machine_names();
    for (char **n = names; *n; n++) {
        g_autoptr(cpu_machine) m = cpu_machine_load(*n, NULL, NULL);
        if (!m)
            continue;
        JsonObject *o = json_object_new();
        json_object_set_string_member(o, "name", *n);
        json_object_set_string_member(o, "description", m->description);
        json_object_set_int_member(o, "packages", m->n_packages);
        json_object_set_int_member(o, "cores", m->n_cores);
        json_object_set_int_member(o, "logical_processors", m->n_lps);
        json_object_set_int_member(o, "hz", (gint64)m->kinds[m->core_kind[0]].hz);
        JsonArray *kinds = json_array_new();
        for (unsigned kind = 0; kind < m->n_kinds; kind++)
            if (cores_of(m, kind))
                json_array_add_object_element(kinds, json_kind(m, kind));
        json_object_set_array_member(o, "kinds", kinds);
        if (m->l3.size)
            json_object_set_object_member(o, "l3", json_cache(&m->l3));
        json_object_set_int_member(o, "memory_latency_ns", m->mem_latency_ns);
        json_object_set_int_member(o, "memory_bandwidth", (gint64)m->mem_bandwidth);
        cpu_machine_figures f = cpu_machine_count_figures(m->path);
        json_object_set_int_member(o, "figures", f.all);
        json_object_set_int_member(o, "estimates", f.estimates);
        json_array_add_object_element(out, o);
    }
}
