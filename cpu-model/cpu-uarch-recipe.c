/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reading the recipes of the tables (their language is in cpu-uarch-intel.h). */
#include "cpu-uarch-insn.h"

#include <string.h>

uint64_t cpu_intel_all_reads(const cpu_intel_insn *x)
{
    uint64_t mask = x->implicit_reads | x->flag_reads;
    for (unsigned i = 0; i < G_N_ELEMENTS(x->reads); i++)
        mask |= x->reads[i];
    for (unsigned i = 0, load = 0; i < x->n_mem; i++)
        if (x->mem[i].access & INSN_ACCESS_LOAD)
            mask |= cpu_intel_loaded(load++);
    return mask;
}

uint64_t cpu_intel_all_writes(const cpu_intel_insn *x)
{
    uint64_t mask = x->implicit_writes | x->flag_writes | (x->stores ? BIT(STORED) : 0);
    for (unsigned i = 0; i < G_N_ELEMENTS(x->writes); i++)
        mask |= x->writes[i];
    return mask;
}

static uint64_t operand_mask(const cpu_intel_insn *x, unsigned i, bool reading)
{
    uint64_t mask = reading ? x->reads[i] : x->writes[i];
    unsigned load = 0;
    for (unsigned k = 0; k < x->n_mem; k++) {
        const cpu_intel_memory *m = &x->mem[k];
        if (m->operand == i && reading && m->access & INSN_ACCESS_LOAD)
            mask |= cpu_intel_loaded(load);
        if (m->operand == i && !reading && m->access & INSN_ACCESS_STORE)
            mask |= BIT(STORED);
        load += m->access & INSN_ACCESS_LOAD ? 1 : 0;
    }
    return mask;
}

/* The registers of a READS or WRITES list; *p ends behind it. */
static uint64_t parse_names(const cpu_intel_insn *x, const char **p, bool reading)
{
    uint64_t mask = 0;
    for (; **p && **p != ' ' && **p != '>'; (*p)++) {
        char c = **p;
        switch (c) {
        case '*': mask |= reading ? cpu_intel_all_reads(x) : cpu_intel_all_writes(x); break;
        case '1':
        case '2':
        case '3':
        case '4': mask |= operand_mask(x, (unsigned)(c - '1'), reading); break;
        case 'f': mask |= reading ? x->flag_reads : x->flag_writes; break;
        case 'i': mask |= reading ? x->implicit_reads : x->implicit_writes; break;
        case 'a': mask |= BIT(CPU_XR_GPR + 0); break;
        case 'c': mask |= BIT(CPU_XR_GPR + 1); break;
        case 'd': mask |= BIT(CPU_XR_GPR + 2); break;
        case 'S': mask |= BIT(CPU_XR_GPR + 6); break;
        case 'D': mask |= BIT(CPU_XR_GPR + 7); break;
        case 'M':
        case 'x': mask |= BIT(CPU_XR_MISC); break;
        default: g_assert(c >= 't' && c <= 'w'); mask |= BIT(SCRATCH + (c - 't')); break;
        }
    }
    return mask;
}

static unsigned parse_number(const char **p)
{
    unsigned n = 0;
    while (g_ascii_isdigit(**p))
        n = n * 10 + (unsigned)(*(*p)++ - '0');
    return n;
}

const char *cpu_intel_parse_head(const char *p, cpu_intel_head *h)
{
    *h = (cpu_intel_head){.beside = -1};
    for (;; p++) {
        if (strncmp(p, "ms ", 3) == 0) {
            h->microcode = true;
            p += 2;
        } else if (*p == '!') {
            h->unfused = true;
        } else if (*p == '@') {
            h->beside = *++p - '0';
        } else if (*p == '+') {
            p++;
            h->load_extra = parse_number(&p);
            p--;
        } else if (*p == '-') {
            h->none = true;
        } else if (*p != ' ') {
            return p;
        }
    }
}

const char *cpu_intel_parse_uop(const cpu_intel_insn *x, const char *p, cpu_intel_uop *u)
{
    *u = (cpu_intel_uop){.latency = 1};
    if (g_ascii_isdigit(*p)) {
        u->count = parse_number(&p);
        p++; /* the asterisk */
    }
    if (strncmp(p, "idle", 4) == 0) {
        u->flags = CPU_XU_IDLE;
        u->latency = 0;
        p += 4;
    } else if (strncmp(p, "move", 4) == 0) {
        u->flags = CPU_XU_MOVE;
        p += 4;
    } else {
        g_assert(*p == 'p');
        p++;
    }
    for (; g_ascii_isdigit(*p); p++)
        u->ports |= 1u << (*p - '0');
    if (*p == '/') {
        p++;
        u->latency = parse_number(&p);
    }
    if (*p == '!') {
        p++;
        u->busy = parse_number(&p);
    }
    u->chained = *p != ':' && !u->count;
    if (*p == ':') {
        p++;
        u->reads = parse_names(x, &p, true);
        if (*p == '>') {
            p++;
            u->writes = parse_names(x, &p, false);
        }
    } else if (u->count) {
        u->reads = cpu_intel_all_reads(x);
    }
    while (*p == ' ')
        p++;
    return p;
}
