/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What `quanta throughput` shows of a block: as a table, as JSON. */
#include "cli-throughput.h"

#include <stdio.h>
#include <string.h>

/* Cycles from an instruction's operands to its last result: the longest way through its micro-ops; 0: no result. */
static unsigned latency_of(const cpu_xuop *uops, unsigned n)
{
    unsigned at[CPU_XR_COUNT] = {0}, longest = 0;
    for (unsigned i = 0; i < n; i++) {
        unsigned begin = 0;
        for (uint64_t m = uops[i].reads; m; m &= m - 1)
            begin = MAX(begin, at[__builtin_ctzll(m)]);
        for (uint64_t m = uops[i].writes; m; m &= m - 1)
            at[__builtin_ctzll(m)] = begin + uops[i].latency;
        if (uops[i].writes)
            longest = MAX(longest, begin + uops[i].latency);
    }
    return longest;
}

/* Micro-ops of one instruction, summed up. */
typedef struct {
    double ports[CPU_MAX_PORTS];
    unsigned slots, latency;
    const char *note; /* or NULL */
} summary;

static summary summarize(const cli_measured *m, unsigned insn, unsigned first)
{
    const cpu_xinsn *x = &m->block->insns[insn];
    summary s = {.latency = latency_of(m->block->uops + first, x->n_uops)};
    bool eliminated = false;
    for (unsigned i = first; i < first + x->n_uops; i++) {
        s.slots += !(m->block->uops[i].flags & CPU_XU_FUSED);
        for (unsigned port = 0; m->uops && port < CPU_MAX_PORTS; port++)
            s.ports[port] += (double)m->uops[i].ports[port];
        eliminated |= m->uops && m->uops[i].eliminated;
    }
    s.note = x->flags & CPU_XI_FUSED ? "fused" : x->flags & CPU_XI_UNKNOWN ? "unknown" : x->flags & CPU_XI_MICROCODE ? "microcode" : NULL;
    if (!s.note && eliminated)
        s.note = "eliminated";
    return s;
}

static char *number(double value, int decimals, char *buffer)
{
    char format[8] = "%.0f";
    format[2] = (char)('0' + decimals);
    return g_ascii_formatd(buffer, G_ASCII_DTOSTR_BUF_SIZE, format, value);
}

static void print_ports(const double *ports, uint16_t used)
{
    char buffer[G_ASCII_DTOSTR_BUF_SIZE];
    for (unsigned port = 0; port < CPU_MAX_PORTS; port++)
        if (used >> port & 1)
            printf(" %5s", ports[port] > 0 ? number(ports[port], 2, buffer) : "");
}

void cli_throughput_print(const char *machine, const cli_measured *m, const GArray *list)
{
    const cpu_throughput *t = &m->result;
    char buffer[G_ASCII_DTOSTR_BUF_SIZE];
    bool ooo = m->core->pipeline == CPU_PIPELINE_OOO;
    g_autofree char *bound = cpu_throughput_bound_text(t);
    uint16_t used = cpu_throughput_ports(m->core, m->block);
    printf("%s (%s): %s cycles per iteration, bottleneck: %s\n", machine, m->core->name, number(t->cycles, 2, buffer), bound);
    printf("%u instructions, %u bytes, %s micro-ops for ports, ", list->len, m->block->bytes, number(t->uops, 1, buffer));
    printf("%s in the fused domain; %s\n\n", number(t->slots, 0, buffer), t->looped ? "as a loop" : "copies in a row");
    printf("  uops latency");
    for (unsigned port = 0; port < CPU_MAX_PORTS; port++)
        if (used >> port & 1)
            printf("    p%x", port);
    printf("\n");
    for (unsigned i = 0, first = 0; i < m->block->n_insns && i < list->len; first += m->block->insns[i].n_uops, i++) {
        summary s = summarize(m, i, first);
        printf("  %4u ", s.slots);
        if (s.latency)
            printf("%7u", s.latency);
        else
            printf("%7s", "");
        if (ooo)
            print_ports(s.ports, used);
        else
            printf("%*s", 6 * __builtin_popcount(used), "");
        printf("  %s%s%s\n", g_array_index(list, cli_insn, i).text, s.note ? "  ; " : "", s.note ? s.note : "");
    }
    printf("  %4s %7s", "sum", "");
    print_ports(t->ports, used);
    printf("\n");
    if (t->divider > 0)
        printf("  divider taken for %s cycles\n", number(t->divider, 2, buffer));
    if (t->unknown)
        printf("  %u instruction%s not in the tables: defaults by class\n", t->unknown, t->unknown == 1 ? " is" : "s are");
}

static JsonObject *json_ports(const double *ports, uint16_t used)
{
    JsonObject *o = json_object_new();
    for (unsigned port = 0; port < CPU_MAX_PORTS; port++)
        if (used >> port & 1) {
            char name[8];
            g_snprintf(name, sizeof name, "%x", port);
            json_object_set_double_member(o, name, ports[port]);
        }
    return o;
}

JsonObject *cli_throughput_json(const cli_measured *m, const GArray *list, const uint8_t *bytes)
{
    const cpu_throughput *t = &m->result;
    uint16_t used = cpu_throughput_ports(m->core, m->block);
    g_autofree char *bound = cpu_throughput_bound_text(t);
    JsonObject *o = json_object_new();
    JsonArray *insns = json_array_new();
    json_object_set_double_member(o, "cycles", t->cycles);
    json_object_set_string_member(o, "bottleneck", bound);
    json_object_set_string_member(o, "repeat", t->looped ? "loop" : "unroll");
    json_object_set_int_member(o, "bytes", m->block->bytes);
    json_object_set_double_member(o, "uops", t->uops);
    json_object_set_double_member(o, "slots", t->slots);
    json_object_set_double_member(o, "divider", t->divider);
    json_object_set_int_member(o, "unknown", t->unknown);
    json_object_set_object_member(o, "ports", json_ports(t->ports, used));
    for (unsigned i = 0, first = 0; i < m->block->n_insns && i < list->len; first += m->block->insns[i].n_uops, i++) {
        const cli_insn *in = &g_array_index(list, cli_insn, i);
        summary s = summarize(m, i, first);
        GString *hex = g_string_new(NULL);
        for (unsigned k = 0; k < in->size; k++)
            g_string_append_printf(hex, "%02x", bytes[in->at + k]);
        JsonObject *e = json_object_new();
        json_object_set_int_member(e, "offset", in->at);
        json_object_set_string_member(e, "hex", hex->str);
        json_object_set_string_member(e, "text", in->text);
        json_object_set_int_member(e, "slots", s.slots);
        json_object_set_int_member(e, "latency", s.latency);
        if (s.note)
            json_object_set_string_member(e, "note", s.note);
        if (m->core->pipeline == CPU_PIPELINE_OOO)
            json_object_set_object_member(e, "ports", json_ports(s.ports, used));
        json_array_add_object_element(insns, e);
        g_string_free(hex, TRUE);
    }
    json_object_set_array_member(o, "instructions", insns);
    return o;
}
