/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The live guest: Unicorn executes it, two hooks describe what was executed, the Linux personality serves its
 * system calls. */
#include "sim-error.h"
#include "wl-cpuid.h"
#include "wl-live.h"

#include <string.h>

/* Unicorn keeps translated code in a buffer of up to 1 GiB and clears all of it to empty it, which costs a third of a
 * second and the memory. A new engine over the same memory does the same for nothing; one is made after so many blocks. */
#define MAX_TRANSLATED 12000
/* Touched memory is looked at each so many instructions, at a block border. */
#define TOUCHED_STEP (UINT64_C(64) << 20)

/* ---- hooks ------------------------------------------------------------------------------------------------------ */

static void on_access(uc_engine *uc, uc_mem_type type, uint64_t addr, int size, int64_t value, void *user)
{
    (void)uc, (void)value;
    wl_trace *t = &((wl_live *)user)->trace;
    uint64_t *p = t->cur;
    if (G_UNLIKELY(p == t->end))
        return;
    *p = addr;
    t->tags[p - t->addrs] = (uint8_t)(size | (type == UC_MEM_WRITE ? WL_RAW_WRITE : 0));
    t->cur = p + 1;
}

static void stop_at(wl_live *g, stop_reason reason)
{
    g->stop = reason;
    uc_emu_stop(g->uc);
}

/* The code of a block; `buffer` holds it when it is not contiguous in host memory. */
static const uint8_t *code_at(const wl_live *g, uint64_t addr, uint32_t size, uint8_t *buffer)
{
    uint64_t n = size;
    const uint8_t *p = wl_memory_span(g->memory, addr, &n, WL_EXEC);
    if (p && n == size)
        return p;
    memset(buffer, 0, size);
    wl_memory_get(g->memory, addr, buffer, size);
    return buffer;
}

static bool is_writable(const wl_live *g, uint64_t addr, uint32_t size)
{
    int a = wl_memory_prot(g->memory, addr), b = wl_memory_prot(g->memory, addr + size - 1);
    return (a >= 0 && (a & WL_WRITE)) || (b >= 0 && (b & WL_WRITE));
}

/* A block that is not the successor seen last: looked up, or made known. NULL: it must not be entered. */
static wl_block *enter_block(wl_live *g, uint64_t addr, uint32_t size)
{
    uint8_t buffer[UINT16_MAX];
    wl_trace *t = &g->trace;
    wl_block *last = t->last, *b;
    if (last && addr == last->rep_at && addr + size == last->addr + last->size)
        b = wl_trace_again(t, last);
    else
        b = wl_trace_find(t, addr, size);
    if (b && b->writable && memcmp(b->code, code_at(g, addr, size, buffer), size)) {
        wl_trace_drop(t, b);
        b = NULL;
    }
    if (!b && t->n_new >= MAX_TRANSLATED) {
        stop_at(g, STOP_RENEW);
        return NULL;
    }
    if (!b && !t->failed)
        b = wl_trace_add(t, addr, code_at(g, addr, size, buffer), size, false, is_writable(g, addr, size));
    if (!b) {
        stop_at(g, STOP_FULL);
        return NULL;
    }
    if (b->facts->sensitivity != INSN_PLAIN) {
        g->found = (sensitive_site){ addr + b->facts->sensitive_at, b->facts->sensitivity };
        stop_at(g, STOP_SENSITIVE);
        return NULL;
    }
    if (last && !b->writable)
        last->next = b;
    return b;
}

static void on_block(uc_engine *uc, uint64_t addr, uint32_t size, void *user)
{
    (void)uc;
    wl_live *g = user;
    wl_trace *t = &g->trace;
    if (G_UNLIKELY(g->stop))
        return;
    wl_trace_finish(t);
    if (G_UNLIKELY(t->n_blocks >= t->max_blocks || t->cur >= t->addrs + TR_BATCH_ADDRS || t->insns >= t->insns_stop)) {
        stop_at(g, STOP_LIMIT);
        return;
    }
    wl_block *b = t->last ? t->last->next : NULL;
    if (G_UNLIKELY(!b || b->addr != addr || b->size != size)) {
        b = enter_block(g, addr, size);
        if (!b)
            return;
    }
    t->open = b;
    t->open_at = t->cur;
}

static void on_syscall(uc_engine *uc, void *user)
{
    (void)uc;
    wl_live *g = user;
    if (!g->stop)
        stop_at(g, STOP_SYSCALL);
}

/* Called before the access; Unicorn may run on to the end of the block, which is not recorded. */
static bool on_bad_access(uc_engine *uc, uc_mem_type type, uint64_t addr, int size, int64_t value, void *user)
{
    (void)size, (void)value;
    wl_live *g = user;
    if (g->stop)
        return false;
    g->stop = STOP_FAULT;
    g->fault_type = type;
    g->fault_addr = addr;
    g->fault_cur = g->trace.cur;
    uc_reg_read(uc, UC_X86_REG_RIP, &g->fault_ip);
    return false;
}

static void on_interrupt(uc_engine *uc, uint32_t number, void *user)
{
    (void)uc;
    wl_live *g = user;
    if (g->stop)
        return;
    g->interrupt = number;
    g->fault_cur = g->trace.cur;
    stop_at(g, STOP_INTERRUPT);
}

/* ---- sensitive instructions ------------------------------------------------------------------------------------------ */

static const sensitive_site *site_at(const wl_live *g, uint64_t addr)
{
    for (unsigned i = 0; i < g->sites->len; i++)
        if (g_array_index(g->sites, sensitive_site, i).addr == addr)
            return &g_array_index(g->sites, sensitive_site, i);
    return NULL;
}

static void set_exits(wl_live *g)
{
    g_autofree uint64_t *addrs = g_new(uint64_t, g->sites->len + 1);
    for (unsigned i = 0; i < g->sites->len; i++)
        addrs[i] = g_array_index(g->sites, sensitive_site, i).addr;
    uc_ctl_set_exits(g->uc, addrs, g->sites->len);
}

/* ---- the engine ---------------------------------------------------------------------------------------------------------- */

static bool add_hooks(wl_live *g)
{
    uc_hook hooks[5];
    return uc_hook_add(g->uc, &hooks[0], UC_HOOK_BLOCK, (void *)on_block, g, 1, 0) == UC_ERR_OK
           && uc_hook_add(g->uc, &hooks[1], UC_HOOK_MEM_READ | UC_HOOK_MEM_WRITE, (void *)on_access, g, 1, 0) == UC_ERR_OK
           && uc_hook_add(g->uc, &hooks[2], UC_HOOK_INSN, (void *)on_syscall, g, 1, 0, UC_X86_INS_SYSCALL) == UC_ERR_OK
           && uc_hook_add(g->uc, &hooks[3], UC_HOOK_MEM_INVALID, (void *)on_bad_access, g, 1, 0) == UC_ERR_OK
           && uc_hook_add(g->uc, &hooks[4], UC_HOOK_INTR, (void *)on_interrupt, g, 1, 0) == UC_ERR_OK
           && wl_cpuid_install(g->uc);
}

static uc_engine *open_engine(const char **why)
{
    uc_engine *uc = NULL;
    uc_err err = uc_open(UC_ARCH_X86, UC_MODE_64, &uc);
    if (err != UC_ERR_OK) {
        *why = uc_strerror(err);
        return NULL;
    }
#ifdef uc_ctl_set_tcg_buffer_size /* since 2.1 */
    uc_ctl_set_tcg_buffer_size(uc, 32u << 20);
#endif
    if (uc_ctl_exits_enable(uc) == UC_ERR_OK)
        return uc;
    *why = "this version has no exits";
    uc_close(uc);
    return NULL;
}

/* A new engine in the state of the old one, with nothing translated. */
static void renew_engine(wl_live *g)
{
    const char *why = "out of memory";
    uc_context *context = NULL;
    uc_engine *old = g->uc, *new = open_engine(&why);
    bool ok = new && uc_context_alloc(old, &context) == UC_ERR_OK && uc_context_save(old, context) == UC_ERR_OK;
    if (ok) {
        g->uc = new;
        ok = wl_memory_attach(g->memory, new) && uc_context_restore(new, context) == UC_ERR_OK && add_hooks(g);
        uc_close(old);
        set_exits(g);
    }
    if (context)
        uc_context_free(context);
    if (new && g->uc != new)
        uc_close(new);
    if (!ok)
        wl_live_die(g, INSN_EVENT_ERROR, 0, g->rip, g_strdup_printf("Unicorn cannot be started anew: %s", why));
    g->renew = false;
    g->trace.n_new = 0;
    g->code_changes = wl_memory_code_changes(g->memory);
}

/* ---- running ------------------------------------------------------------------------------------------------------------ */

static void set_register(wl_live *g, int reg, uint64_t value)
{
    uc_reg_write(g->uc, reg, &value);
}

static void serve_call(wl_live *g, insn_event *event)
{
    static const int regs[] = {
        UC_X86_REG_RAX, UC_X86_REG_RDI, UC_X86_REG_RSI, UC_X86_REG_RDX, UC_X86_REG_R10, UC_X86_REG_R8, UC_X86_REG_R9,
    };
    uint64_t v[7] = { 0 }, flags = 0;
    for (unsigned i = 0; i < G_N_ELEMENTS(regs); i++)
        uc_reg_read(g->uc, regs[i], &v[i]);
    uc_reg_read(g->uc, UC_X86_REG_EFLAGS, &flags);
    wl_call call = { .nr = v[0], .args = { v[1], v[2], v[3], v[4], v[5], v[6] } };
    int64_t result = wl_linux_call(g->lx, &call, event);
    int status;
    if (wl_linux_ended(g->lx, &status)) {
        wl_live_die(g, INSN_EVENT_END, (uint64_t)status, g->rip, NULL);
        if (event->kind != INSN_EVENT_IO)
            *event = g->last_event;
        return;
    }
    set_register(g, UC_X86_REG_RCX, g->rip);
    set_register(g, UC_X86_REG_R11, flags);
    if (event->kind == INSN_EVENT_TIME_READ)
        g->wait = WAIT_CALL;
    else
        set_register(g, UC_X86_REG_RAX, (uint64_t)result);
    if (wl_linux_fs_base(g->lx) != g->fs_base)
        set_register(g, UC_X86_REG_FS_BASE, g->fs_base = wl_linux_fs_base(g->lx));
    if (wl_linux_gs_base(g->lx) != g->gs_base)
        set_register(g, UC_X86_REG_GS_BASE, g->gs_base = wl_linux_gs_base(g->lx));
    if (wl_memory_code_changes(g->memory) != g->code_changes) {
        wl_trace_forget(&g->trace);
        g_array_set_size(g->sites, 0);
        g->renew = true;
    }
}

/* Unicorn has stopped in front of a sensitive instruction. */
static void sensitive(wl_live *g, const sensitive_site *site, insn_event *event)
{
    wl_trace_finish(&g->trace);
    if (site->kind != INSN_READS_TIME) {
        wl_live_die(g, INSN_EVENT_FAULT, site->addr, site->addr, wl_live_at_code(g, "privileged instruction", site->addr));
        *event = g->last_event;
        return;
    }
    wl_linux_note_time(g->lx);
    g->tsc = *site;
    g->wait = WAIT_TSC;
    *event = (insn_event){ .kind = INSN_EVENT_TIME_READ, .ip = site->addr };
}

static void complete_tsc(wl_live *g, uint64_t now_ps)
{
    uint64_t ticks = now_ps / (UINT64_C(1000000000000) / WL_TSC_HZ);
    uint8_t code[15] = { 0 };
    wl_memory_get(g->memory, g->tsc.addr, code, sizeof code);
    bool with_aux = code[1] == 0x01; /* rdtscp is 0f 01 f9, rdtsc 0f 31 */
    uint16_t size = with_aux ? 3 : 2;
    const insn_block_facts *f = g->source.base.code->define(g->source.base.code, g->tsc.addr, code, size, 0, NULL, 0);
    if (f)
        wl_trace_emit(&g->trace, f);
    set_register(g, UC_X86_REG_RAX, ticks & UINT32_MAX);
    set_register(g, UC_X86_REG_RDX, ticks >> 32);
    if (with_aux)
        set_register(g, UC_X86_REG_RCX, 0);
    g->rip = g->tsc.addr + size;
}

static void complete(wl_live *g, uint64_t now_ps)
{
    if (g->wait == WAIT_CALL)
        set_register(g, UC_X86_REG_RAX, (uint64_t)wl_linux_finish(g->lx, now_ps));
    else if (g->wait == WAIT_TSC)
        complete_tsc(g, now_ps);
    g->wait = WAIT_NONE;
}

/* Runs until something is to be told; false to run on. */
static bool run(wl_live *g, insn_event *event)
{
    wl_trace *t = &g->trace;
    g->stop = STOP_NONE;
    g->fault_cur = NULL;
    uc_err err = uc_emu_start(g->uc, g->rip, 0, 0, 0);
    uc_reg_read(g->uc, UC_X86_REG_RIP, &g->rip);
    switch (g->stop) {
    case STOP_LIMIT:
        if (t->insns < t->insns_stop)
            return true;
        g->touched = wl_memory_touched(g->memory);
        t->insns_stop += TOUCHED_STEP;
        return t->n_blocks > 0;
    case STOP_SYSCALL:
        wl_trace_finish(t);
        serve_call(g, event);
        return true;
    case STOP_SENSITIVE:
        if (!site_at(g, g->found.addr)) {
            g_array_append_val(g->sites, g->found);
            set_exits(g);
            uc_ctl_remove_cache(g->uc, g->rip, g->found.addr + 1);
            return false;
        }
        wl_live_die(g, INSN_EVENT_ERROR, 0, g->rip, g_strdup("Unicorn does not stop in front of a sensitive instruction"));
        break;
    case STOP_RENEW:
        wl_trace_forget(t);
        renew_engine(g);
        if (!g->dead)
            return false;
        break;
    case STOP_FAULT: wl_live_memory_fault(g); break;
    case STOP_INTERRUPT: wl_live_interrupt_fault(g); break;
    case STOP_FULL: wl_live_die(g, INSN_EVENT_ERROR, 0, g->rip, g_strdup("the guest executes too many different blocks of code")); break;
    case STOP_NONE: {
        const sensitive_site *site = err == UC_ERR_OK ? site_at(g, g->rip) : NULL;
        if (site) {
            sensitive(g, site, event);
            return true;
        }
        wl_live_engine_fault(g, err);
    }
    }
    *event = g->last_event;
    return true;
}

static void live_fill(insn_source *source, uint64_t now_ps, uint32_t limit, insn_batch *batch)
{
    wl_live *g = (wl_live *)(void *)source;
    wl_trace *t = &g->trace;
    wl_trace_begin(t, limit);
    batch->event = (insn_event){ .kind = INSN_EVENT_NONE };
    if (g->dead) {
        batch->event = g->last_event;
    } else {
        complete(g, now_ps);
        if (g->renew)
            renew_engine(g);
        if (g->dead)
            batch->event = g->last_event;
        while (!g->dead && !run(g, &batch->event))
            ;
    }
    if (t->failed && !g->dead) {
        wl_live_die(g, INSN_EVENT_ERROR, 0, g->rip, g_strdup("the guest executes too many different blocks of code"));
        batch->event = g->last_event;
    }
    batch->blocks = t->blocks;
    batch->addrs = t->addrs;
    batch->n_blocks = t->n_blocks;
    batch->n_addrs = (uint32_t)(t->cur - t->addrs);
}

/* ---- life -------------------------------------------------------------------------------------------------------------- */

static void live_free(insn_source *source)
{
    wl_live *g = (wl_live *)(void *)source;
    if (g->uc)
        uc_close(g->uc);
    wl_linux_free(g->lx);
    wl_memory_free(g->memory);
    wl_trace_clear(&g->trace);
    wl_config_free(g->config);
    g_array_free(g->sites, TRUE);
    g_free(g->text);
    g_free(g);
}

static void live_report(const insn_source *source, wl_report *report)
{
    const wl_live *g = (const wl_live *)(const void *)source;
    wl_linux_report(g->lx, report);
    report->insns = g->trace.insns;
    report->touched_bytes = g->touched;
}

void wl_guest_progress(const insn_source *source, tr_progress *progress)
{
    const wl_live *g = (const wl_live *)(const void *)source;
    wl_report r;
    wl_linux_report(g->lx, &r);
    *progress = (tr_progress){
        .out_len = r.out_len, .err_len = r.err_len, .insns = g->trace.insns, .touched = g->touched, .reads_time = r.reads_time,
    };
    progress->n_missing = wl_linux_missing(g->lx, &progress->last_missing);
}

static bool start(wl_live *g, wl_elf *elf, GError **error)
{
    const char *why = NULL;
    g->uc = open_engine(&why);
    if (!g->uc) {
        g_set_error(error, SIM_ERROR, SIM_ERROR_IO, "guest %s: Unicorn cannot be started: %s", g->config->name, why);
        return false;
    }
    g->memory = wl_memory_new(g->config->memory, g->uc);
    g->lx = wl_linux_new(g->config, elf, g->memory, error);
    if (!g->lx)
        return false;
    if (!add_hooks(g)) {
        g_set_error(error, SIM_ERROR, SIM_ERROR_IO, "guest %s: this version of Unicorn lacks hooks", g->config->name);
        return false;
    }
    g->rip = wl_linux_entry(g->lx);
    /* What Linux gives a new process; Unicorn starts with all exceptions unmasked and single precision. */
    set_register(g, UC_X86_REG_FPCW, 0x37f);
    set_register(g, UC_X86_REG_MXCSR, 0x1f80);
    set_register(g, UC_X86_REG_EFLAGS, 0x202);
    set_register(g, UC_X86_REG_RSP, wl_linux_stack(g->lx));
    g->code_changes = wl_memory_code_changes(g->memory);
    g->touched = wl_memory_touched(g->memory);
    g->trace.insns_stop = TOUCHED_STEP;
    return true;
}

insn_source *wl_guest_new(const wl_guest_config *config, insn_code *code, GError **error)
{
    g_autoptr(wl_elf) elf = wl_elf_open(config->elf, error);
    if (!elf)
        return NULL;
    wl_live *g = g_new0(wl_live, 1);
    g->source.base = (insn_source){ .code = code, .fill = live_fill, .free = live_free };
    g->source.report = live_report;
    g->source.progress = wl_guest_progress;
    g->config = wl_config_copy(config);
    g->sites = g_array_new(FALSE, FALSE, sizeof(sensitive_site));
    wl_trace_init(&g->trace, code);
    if (!start(g, elf, error)) {
        live_free(&g->source.base);
        return NULL;
    }
    return &g->source.base;
}
