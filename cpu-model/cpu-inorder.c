/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cpu-inorder-run.h"

#include "cpu-sched.h"

#include <string.h>

/* ---- micro-ops --------------------------------------------------------------------------------------------------------- */

static const uint64_t temps = (UINT64_C(1) << CPU_XR_HIGH8) - (UINT64_C(1) << CPU_XR_TEMP);
static const uint64_t flags_mask = UINT64_C(1) << CPU_XR_CF | UINT64_C(1) << CPU_XR_FLAGS;
static const uint64_t fp_mask = UINT64_C(0xffff) << CPU_XR_VEC | UINT64_C(0xff) << CPU_XR_X87;

static unsigned load_latency(const cpu_core_desc *core, const cpu_xuop *x)
{
    return x->writes & fp_mask && core->inorder.fp_load ? core->inorder.fp_load : x->latency;
}

static bool is_store(const cpu_xuop *x)
{
    return x->kind == CPU_XK_STORE_ADDRESS || x->kind == CPU_XK_STORE_DATA;
}

static cpu_inorder_uop make_uop(const cpu_core_desc *core, const cpu_xuop *x)
{
    const cpu_inorder_desc *d = &core->inorder;
    bool idle = x->flags & CPU_XU_IDLE && x->ports == 0, load = x->kind == CPU_XK_LOAD, store = is_store(x);
    cpu_inorder_uop u = {.reads = x->reads, .writes = x->writes, .ordered = x->writes & ~(flags_mask | temps), .ports = idle ? 0 : x->ports, .kind = x->kind,
                         .busy = x->busy, .slot = x->slot, .flags = x->flags & CPU_XU_FUSED ? CPU_INORDER_FREE : 0};
    unsigned latency = load ? load_latency(core, x) : x->latency;
    unsigned early = load && !(x->writes & fp_mask) ? MIN(d->load_early, latency) : 0;
    /* An operation takes its own load's result as it comes; another instruction issues a cycle later at the earliest. */
    unsigned least = load && early && !(x->writes & ~temps) ? 0 : 1;
    u.latency = (uint8_t)MIN(MAX(latency - early, least), 255);
    u.bypassed = (uint8_t)(load && latency > x->latency ? MIN(latency - x->latency, 255) : 0);
    u.address_latency = (uint8_t)MIN(load ? MAX(latency, 1) : MAX(latency, 1) + d->address_early, 255);
    if (load || x->kind == CPU_XK_STORE_ADDRESS)
        u.flags |= CPU_INORDER_ADDRESS;
    if (idle && (store || core->pipeline == CPU_PIPELINE_EPIC)) {
        u.flags |= CPU_INORDER_FREE;
        u.latency = u.address_latency = 0;
    }
    if (!load && !store)
        u.slot = -1;
    return u;
}

/* Where the load goes ahead of execution, an operation on memory is one: the pipeline passes the cache on its way to the ALU. */
static bool joins_load(const cpu_core_desc *core, const cpu_xuop *x, const cpu_xuop *before)
{
    return core->inorder.load_early && x->kind == CPU_XK_EXEC && before->kind == CPU_XK_LOAD && before->insn == x->insn && x->reads & before->writes & temps;
}

/* These cores do not fuse a comparison and the branch behind it: such a micro-op, which writes flags in a branch's place, is two. */
static bool is_fused_branch(const cpu_xblock *b, unsigned i)
{
    return i + 1u == b->n_uops && b->branch == CPU_BR_COND && b->uops[i].kind == CPU_XK_EXEC && b->uops[i].writes & flags_mask;
}

static void split_branch(cpu_inorder_code *code, const cpu_core_desc *core)
{
    uint16_t ports[CPU_N_RES];
    cpu_core_ports(core, ports);
    cpu_inorder_uop *compare = &code->uops[code->n_uops - 2], *branch = compare + 1;
    *branch = *compare;
    branch->reads = flags_mask;
    branch->writes = branch->ordered = 0;
    branch->flags = CPU_INORDER_LAST;
    compare->ports = ports[CPU_RES_ALU];
    compare->flags &= (uint8_t)~CPU_INORDER_LAST;
}

static void make_uops(cpu_inorder_code *code, const cpu_core_desc *core, const cpu_xblock *b)
{
    for (unsigned i = 0; i < b->n_uops; i++) {
        const cpu_xuop *x = &b->uops[i];
        cpu_inorder_uop *u = &code->uops[i];
        *u = make_uop(core, x);
        if (i && joins_load(core, x, x - 1))
            u->flags |= CPU_INORDER_FREE;
        /* Of a store's two micro-ops the second is the access; it has the slot where the first has no port. */
        if (x->kind == CPU_XK_STORE_DATA && i && (x - 1)->kind == CPU_XK_STORE_ADDRESS && (x - 1)->insn == x->insn) {
            code->uops[i - 1].slot = -1;
            if (code->uops[i - 1].flags & CPU_INORDER_FREE)
                u->flags &= (uint8_t)~CPU_INORDER_FREE;
        }
        if (b->branch != CPU_BR_NONE && x->insn == b->uops[b->n_uops - 1].insn && !is_store(x))
            u->flags |= CPU_INORDER_LAST;
    }
    if (b->n_uops && is_fused_branch(b, b->n_uops - 1u))
        split_branch(code, core);
}

/* ---- issue groups -------------------------------------------------------------------------------------------------------- */

typedef struct {
    const cpu_core_desc *core;
    cpu_inorder_code *code;
    cpu_inorder_issue *issue;      /* the present one; NULL: none yet */
    uint64_t written, made;        /* registers that the present group and the present issue wrote */
    cpu_inorder_uop *placed[CPU_MAX_PORTS]; /* by port */
    unsigned of_kind[CPU_N_SLOT_KINDS];
    bool divides;                  /* the present issue takes the unit that is not pipelined */
} former;

static unsigned kind_of(const former *f, unsigned port)
{
    for (unsigned kind = 0; kind < CPU_N_SLOT_KINDS; kind++)
        if (f->core->inorder.kind_ports[kind] >> port & 1)
            return kind;
    return CPU_SLOT_I;
}

/* A port for `u` whose kind has a slot left, if need be by moving others (`tried`: ports not to be asked again). Memory slots are the last choice:
 * loads and stores have no other. */
static bool place(former *f, cpu_inorder_uop *u, uint16_t *tried)
{
    for (unsigned pass = 0; pass < 4; pass++)
        for (unsigned port = 0; port < CPU_MAX_PORTS; port++) {
            unsigned kind = kind_of(f, port);
            if (!(u->ports >> port & 1) || *tried >> port & 1 || (kind == CPU_SLOT_M) != (pass & 1))
                continue;
            if (!f->placed[port] != (pass < 2))
                continue;
            *tried |= (uint16_t)(1u << port);
            if (!f->placed[port]) {
                if (f->of_kind[kind] >= f->core->inorder.bundle_slots[kind] * f->core->inorder.bundles)
                    continue;
                f->of_kind[kind]++;
            } else if (!place(f, f->placed[port], tried)) {
                continue;
            }
            f->placed[port] = u;
            return true;
        }
    return false;
}

static void end_issue(former *f)
{
    for (unsigned port = 0; port < CPU_MAX_PORTS; port++)
        if (f->placed[port]) {
            f->placed[port]->ports = (uint16_t)(1u << port);
            f->issue->ports |= (uint16_t)(1u << port);
        }
    if (f->divides)
        f->issue->ports |= 1u << CPU_INORDER_DIVIDER;
}

static void begin_issue(former *f, bool stop)
{
    if (f->issue)
        end_issue(f);
    f->issue = &f->code->issues[f->code->n_issues++];
    f->issue->stop = stop;
    memset(f->placed, 0, sizeof f->placed);
    memset(f->of_kind, 0, sizeof f->of_kind);
    f->made = 0;
    f->divides = false;
    if (stop)
        f->written = 0;
}

/* Whether the present issue has a slot and a port for `u`. */
static bool fits(former *f, cpu_inorder_uop *u)
{
    unsigned slots = f->issue->n_slots + (u->flags & CPU_INORDER_FREE ? 0u : 1u);
    if (slots > f->core->dispatch_width || f->issue->n_uops == UINT16_MAX)
        return false;
    bool divides = u->busy > 1 && u->kind == CPU_XK_EXEC;
    uint16_t tried = 0;
    if ((divides && f->divides) || (u->ports && !place(f, u, &tried)))
        return false;
    f->divides |= divides;
    return true;
}

static void add_uop(former *f, cpu_inorder_uop *u, bool branch)
{
    /* A comparison and the branch that uses it may stand in one group ("Intel Itanium Architecture Software Developer's Manual", volume 1, section 3.4.2). */
    uint64_t dependent = u->reads & f->written & ~(branch ? flags_mask : 0);
    bool stop = !f->issue || dependent;
    if (stop || !fits(f, u)) {
        begin_issue(f, stop);
        fits(f, u);
    }
    uint64_t outside = u->reads & ~f->made;
    if (u->flags & CPU_INORDER_ADDRESS)
        f->issue->address_reads |= outside;
    else
        f->issue->reads |= outside;
    f->issue->n_uops++;
    f->issue->n_slots = (uint8_t)(f->issue->n_slots + (u->flags & CPU_INORDER_FREE ? 0 : 1));
    f->issue->n_stores = (uint8_t)(f->issue->n_stores + (u->slot >= 0 && u->kind != CPU_XK_LOAD ? 1 : 0));
    f->made |= u->writes;
    if (u->latency) /* else a register that is zero from the beginning */
        f->written |= u->writes;
    else
        f->written &= ~u->writes;
}

static void form_groups(cpu_inorder_code *code, const cpu_core_desc *core)
{
    former f = {.core = core, .code = code};
    for (unsigned i = 0; i < code->n_uops; i++) {
        cpu_inorder_uop *u = &code->uops[i];
        add_uop(&f, u, u->flags & CPU_INORDER_LAST && u->kind == CPU_XK_EXEC);
    }
    if (f.issue)
        end_issue(&f);
}

cpu_inorder_code *cpu_inorder_compile(const cpu_core_desc *core, const cpu_xblock *b)
{
    bool epic = core->pipeline == CPU_PIPELINE_EPIC, fused = b->n_uops && is_fused_branch(b, b->n_uops - 1u);
    unsigned n = b->n_uops + (fused ? 1u : 0u);
    size_t uops = sizeof(cpu_inorder_uop) * n, issues = epic ? sizeof(cpu_inorder_issue) * n : 0;
    cpu_inorder_code *code = g_malloc0(sizeof *code + uops + issues);
    *code = (cpu_inorder_code){.addr = b->addr, .bytes = b->bytes, .n_uops = (uint16_t)n, .branch = b->branch, .again = b->again, .epic = epic};
    code->uops = (cpu_inorder_uop *)(void *)(code + 1);
    code->issues = (cpu_inorder_issue *)(void *)(code->uops + n);
    make_uops(code, core, b);
    if (epic)
        form_groups(code, core);
    static const uint32_t none[CPU_INORDER_SLOTS];
    code->alone = (uint32_t)cpu_inorder_delay(core, code, none);
    return code;
}

void cpu_inorder_code_free(cpu_inorder_code *code)
{
    g_free(code);
}

/* ---- state --------------------------------------------------------------------------------------------------------------- */

void cpu_inorder_reset(cpu_inorder *lp, uint64_t at)
{
    const cpu_core_desc *core = lp->core;
    *lp = (cpu_inorder){.core = core, .width = core->dispatch_width, .cycle = at, .not_before = at, .done = at, .asked_at = at, .written_at = at};
}

cpu_inorder *cpu_inorder_new(const cpu_core_desc *core)
{
    cpu_inorder *lp = g_new(cpu_inorder, 1);
    lp->core = core;
    cpu_inorder_reset(lp, 0);
    return lp;
}

void cpu_inorder_free(cpu_inorder *lp)
{
    g_free(lp);
}

void cpu_inorder_shared_init(cpu_inorder_shared *shared)
{
    memset(shared, 0, sizeof *shared);
}

void cpu_inorder_restart(cpu_inorder *lp, uint64_t at)
{
    lp->not_before = MAX(lp->not_before, at);
}

uint64_t cpu_inorder_drained(const cpu_inorder *lp)
{
    return MAX(lp->cycle, MAX(lp->done, lp->written_at));
}

/* ---- misses ---------------------------------------------------------------------------------------------------------------- */

typedef struct {
    cpu_inorder lp;
    cpu_inorder_shared shared;
} scratch;

static inline uint64_t delayed(void *data, int slot, bool is_store, uint64_t cycle)
{
    const uint32_t *extra = data;
    (void)cycle;
    return is_store ? 0 : extra[MIN(slot, CPU_INORDER_SLOTS - 1)];
}

uint64_t cpu_inorder_delay(const cpu_core_desc *core, const cpu_inorder_code *code, const uint32_t extra[CPU_INORDER_SLOTS])
{
    static GPrivate key = G_PRIVATE_INIT(g_free);
    scratch *s = g_private_get(&key);
    if (!s) {
        s = g_new0(scratch, 1);
        g_private_set(&key, s);
    }
    uint64_t begin = cpu_inorder_drained(&s->lp) + CPU_INORDER_HORIZON; /* what was before is past, the divider too */
    s->lp.core = core;
    s->lp.width = core->dispatch_width;
    uint64_t end = cpu_inorder_block(&s->lp, &s->shared, code, code->addr, begin, delayed, (void *)(uintptr_t)extra).issued;
    return end - begin > code->alone ? end - begin - code->alone : 0;
}

/* ---- cost ------------------------------------------------------------------------------------------------------------------ */

/* Rounds until the steady state, and rounds that are measured: most periods divide twelve. */
enum { WARM_ROUNDS = 12, ROUNDS = 12 };

/* How far issue has come, in 1/64 cycles. */
static uint64_t position(const cpu_inorder *lp)
{
    return lp->cycle * CPU_SUB + (uint64_t)lp->slots * CPU_SUB / lp->width;
}

static uint64_t run(cpu_inorder *lp, cpu_inorder_shared *shared, const cpu_inorder_code *code)
{
    cpu_inorder_block(lp, shared, code, code->addr, 0, NULL, NULL);
    return position(lp);
}

uint32_t cpu_inorder_cost(const cpu_core_desc *core, const cpu_inorder_code *pred, const cpu_inorder_code *block)
{
    if (block->n_uops == 0)
        return 0;
    cpu_inorder lp = {.core = core};
    cpu_inorder_reset(&lp, 0);
    g_autofree cpu_inorder_shared *shared = g_new0(cpu_inorder_shared, 1);
    if (!pred)
        return (uint32_t)MIN(run(&lp, shared, block), 1u << 20);
    uint64_t sum = 0;
    for (unsigned r = 0; r < WARM_ROUNDS + ROUNDS; r++) {
        uint64_t begin = pred == block ? position(&lp) : run(&lp, shared, pred), end = run(&lp, shared, block);
        if (r >= WARM_ROUNDS)
            sum += end - begin;
    }
    return (uint32_t)MIN((sum + ROUNDS / 2) / ROUNDS, 1u << 20);
}
