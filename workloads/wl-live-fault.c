/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How live guests end: what is told of a fault, and what of the block that it happened in is handed out. */
#include "wl-live.h"

#define BYTES_SHOWN 8

/* uc_ctl_request_cache, whose own macro shifts a one into the sign bit. */
#define REQUEST_CACHE ((uc_control_type)(UC_CTL_TB_REQUEST_CACHE | 2u << 26 | (unsigned)UC_CTL_IO_READ_WRITE << 30))

void wl_live_die(wl_live *g, insn_event_kind kind, uint64_t arg0, uint64_t ip, char *text)
{
    g->dead = true;
    g->text = text;
    g->last_event = (insn_event){ .kind = kind, .arg0 = arg0, .ip = ip, .text = text };
    g->touched = wl_memory_touched(g->memory);
}

static char *hex_code(const wl_live *g, uint64_t ip)
{
    GString *s = g_string_new("");
    uint8_t byte;
    for (unsigned i = 0; i < BYTES_SHOWN && wl_memory_get(g->memory, ip + i, &byte, 1) == 0; i++)
        g_string_append_printf(s, "%s%02x", i ? " " : "", byte);
    return g_string_free(s, FALSE);
}

char *wl_live_at_code(const wl_live *g, const char *what, uint64_t ip)
{
    g_autofree char *code = hex_code(g, ip);
    return g_strdup_printf("%s at ip 0x%" G_GINT64_MODIFIER "x (code %s)", what, ip, *code ? code : "unreadable");
}

static const char *fault_kind(uc_mem_type type)
{
    switch (type) {
    case UC_MEM_READ_UNMAPPED: return "read from unmapped";
    case UC_MEM_WRITE_UNMAPPED: return "write to unmapped";
    case UC_MEM_FETCH_UNMAPPED: return "execution of unmapped";
    case UC_MEM_READ_PROT: return "read from protected";
    case UC_MEM_WRITE_PROT: return "write to protected";
    case UC_MEM_FETCH_PROT: return "execution of protected";
    default: return "access to bad";
    }
}

static void fault(wl_live *g, uint64_t addr, uint64_t ip, char *text)
{
    if (g->fault_cur) /* what came after the fault was not executed, as far as the guest is concerned */
        g->trace.cur = g->fault_cur;
    wl_trace_finish_fault(&g->trace, ip);
    wl_live_die(g, INSN_EVENT_FAULT, addr, ip, text);
}

/* Address of an instruction of a block. Unicorn itself is asked, as it alone has decoded the block here: translated
 * with an exit at some byte, a block ends there if an instruction starts there. */
static uint64_t insn_address(wl_live *g, const wl_block *b, unsigned index, uint64_t otherwise)
{
    unsigned n = 0;
    for (uint64_t at = b->addr; at < b->addr + b->size; at++) {
        uc_tb tb = { 0 };
        if (at > b->addr) {
            uc_ctl_set_exits(g->uc, &at, 1);
            uc_ctl_remove_cache(g->uc, b->addr, b->addr + b->size);
            if (uc_ctl(g->uc, REQUEST_CACHE, b->addr, &tb) != UC_ERR_OK)
                return otherwise;
        }
        if (tb.size == at - b->addr && n++ == index)
            return at;
    }
    return otherwise;
}

/* Takes the callbacks of the faulting access itself off the end: stores are told before they are tried, loads
 * after, but for the first parts of one that runs into the next page. */
static uint64_t *before_fault(const wl_live *g)
{
    const wl_trace *t = &g->trace;
    uint64_t *end = g->fault_cur;
    size_t n = (size_t)(end - t->open_at);
    if (!t->open || n == 0)
        return end;
    if (g->fault_type != UC_MEM_READ_UNMAPPED)
        return end - 1;
    uint64_t size = t->tags[end - 1 - t->addrs];
    if (n >= 2 && size <= 8 && end[-1] + size == g->fault_addr && end[-1] == (end[-2] & ~(size - 1)) && end[-2] + size > g->fault_addr)
        return end - 2;
    return end;
}

void wl_live_memory_fault(wl_live *g)
{
    uint64_t stack = wl_linux_stack_low(g->lx), addr = g->fault_addr, ip = g->fault_ip;
    bool fetch = g->fault_type == UC_MEM_FETCH_UNMAPPED || g->fault_type == UC_MEM_FETCH_PROT;
    bool overflow = !fetch && addr < stack && stack - addr <= (UINT64_C(1) << 20);
    if (fetch && g->trace.open) {
        /* The block before ran to its end. */
        wl_trace_finish(&g->trace);
        g->fault_cur = NULL;
        ip = g->rip;
    } else if (!fetch) {
        /* Unicorn keeps its program counter exact for integer instructions only. */
        g->trace.cur = g->fault_cur = before_fault(g);
        int index = wl_trace_insn(&g->trace);
        if (index >= 0)
            ip = insn_address(g, g->trace.open, (unsigned)index, ip);
    }
    g_autofree char *what = g_strdup_printf("%s address 0x%" G_GINT64_MODIFIER "x%s", fault_kind(g->fault_type), addr,
                                            overflow ? " (stack overflow)" : "");
    fault(g, addr, ip, wl_live_at_code(g, what, ip));
}

void wl_live_interrupt_fault(wl_live *g)
{
    static const char *const names[] = {
        [0] = "divide error", [1] = "debug exception", [3] = "breakpoint", [4] = "overflow", [5] = "bound range exceeded",
        [6] = "invalid instruction", [7] = "device not available", [12] = "stack fault", [13] = "general protection fault",
        [14] = "page fault", [16] = "x87 floating-point error", [17] = "alignment check", [19] = "SIMD floating-point error",
    };
    uint64_t ip = g->rip;
    const wl_block *open = g->trace.open;
    /* After int n, Unicorn's program counter stands behind it. */
    if (open && ip == open->addr + open->size && (g->interrupt == 3 || g->interrupt == 1 || g->interrupt >= 32))
        ip = open->addr + open->facts->last_at;
    g_autofree char *what = g->interrupt < G_N_ELEMENTS(names) && names[g->interrupt] ? g_strdup(names[g->interrupt])
                            : g->interrupt == 0x80 ? g_strdup("int 0x80: 32-bit system calls are not offered")
                                                   : g_strdup_printf("interrupt %u", g->interrupt);
    fault(g, ip, ip, wl_live_at_code(g, what, ip));
}

void wl_live_engine_fault(wl_live *g, uc_err err)
{
    const char *what = err == UC_ERR_INSN_INVALID ? "invalid instruction" : uc_strerror(err);
    fault(g, g->rip, g->rip, wl_live_at_code(g, err == UC_ERR_OK ? "halted" : what, g->rip));
}
