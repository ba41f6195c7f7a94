/* SPDX-License-Identifier: GPL-2.0-or-later */
/* To ChampSim's records, with the registers from which its inc/instruction.h tells the kind of a branch. What does not fit into a
 * record (more than 4 sources or 2 destinations in memory) goes into further records of the same ip, without registers; so does every
 * further iteration of a rep instruction, as ChampSim's own tracer writes them. An access at address 0 cannot be told. */
#include "tr-import.h"

#include "sim-error.h"
#include "tr-export-file.h"
#include "tr-import-champsim.h"

#include <string.h>

/* An instruction, but for its addresses. */
typedef struct {
    tr_champsim_record record;
    uint64_t fall;         /* address behind it */
    uint16_t first_slot, n_slots;
    uint8_t op;
} prepared;

typedef struct {
    prepared *insns;       /* NULL: not met yet */
    unsigned n;
    const insn_block_facts *facts;
} prepared_block;

typedef struct {
    insn_code *code;
    GArray *blocks;        /* of prepared_block, by id */
    tr_export_file *file;
    tr_champsim_record waiting; /* a block's last branch: taken or not is not known before the next block */
    uint64_t waiting_fall;
    bool has_waiting, waiting_taken;
    bool over;             /* the limit is reached */
    uint64_t limit, insns;
} exporter;

/* ---- registers --------------------------------------------------------------------------------------------------------------- */

static void add(uint8_t *regs, unsigned room, uint8_t pin)
{
    for (unsigned i = 0; i < room; i++) {
        if (regs[i] == pin)
            return;
        if (!regs[i]) {
            regs[i] = pin;
            return;
        }
    }
}

/* Registers of a list as Pin numbers them; none of those in `without`. */
static void add_list(uint8_t *to, unsigned room, const uint8_t *regs, unsigned n, uint64_t without)
{
    for (unsigned i = 0; i < n; i++)
        if (regs[i] != INSN_REG_NONE && !(without >> regs[i] & 1))
            add(to, room, tr_champsim_from_reg(regs[i]));
}

/* Registers that ChampSim's classifier must see, or must not, for each kind of branch. */
static void put_registers(tr_champsim_record *r, insn_op op, const uint8_t *src, unsigned n_src, const uint8_t *dst, unsigned n_dst)
{
    const uint64_t sp = UINT64_C(1) << 4, flags = UINT64_C(1) << INSN_REG_FLAGS;
    bool call = op == INSN_OP_CALL || op == INSN_OP_ICALL, stack = call || op == INSN_OP_RET;
    if (op >= INSN_OP_COND) {
        r->is_branch = 1;
        add(r->dst_regs, 2, TR_CHAMPSIM_IP);
        if (stack) {
            add(r->dst_regs, 2, TR_CHAMPSIM_SP);
            add(r->src_regs, 4, TR_CHAMPSIM_SP);
        }
        if (op == INSN_OP_COND || op == INSN_OP_JUMP || call)
            add(r->src_regs, 4, TR_CHAMPSIM_IP);
    }
    switch (op) {
    case INSN_OP_JUMP:
    case INSN_OP_CALL:
    case INSN_OP_RET:
        break;
    case INSN_OP_COND:
        add_list(r->src_regs, 4, src, n_src, sp);
        if (!r->src_regs[1])
            add(r->src_regs, 4, TR_CHAMPSIM_FLAGS);
        break;
    case INSN_OP_IJUMP:
    case INSN_OP_ICALL:
        add_list(r->src_regs, 4, src, n_src, sp | flags);
        if (!r->src_regs[op == INSN_OP_IJUMP ? 0 : 2])
            add(r->src_regs, 4, TR_CHAMPSIM_OTHER);
        break;
    default:
        add_list(r->src_regs, 4, src, n_src, 0);
        break;
    }
    add_list(r->dst_regs, 2, dst, n_dst, op >= INSN_OP_COND ? sp : 0);
}

static unsigned list_of(uint64_t mask, uint8_t *regs)
{
    unsigned n = 0;
    for (; mask; mask &= mask - 1)
        regs[n++] = (uint8_t)__builtin_ctzll(mask);
    return n;
}

/* ---- blocks -------------------------------------------------------------------------------------------------------------------- */

/* Abstract instructions keep the order of their registers. */
static void prepare_abstract(GArray *list, const insn_block_facts *f)
{
    const insn_abstract *a = (const insn_abstract *)(const void *)f->code;
    uint64_t addr = f->addr;
    unsigned slot = 0;
    for (unsigned i = 0; i < f->code_bytes / sizeof *a; i++, a++) {
        uint8_t src[sizeof a->src + sizeof a->addr];
        prepared p = { .record = { .ip = addr }, .fall = addr + a->size, .first_slot = (uint16_t)slot, .n_slots = a->n_accesses, .op = a->op };
        memcpy(src, a->src, sizeof a->src);
        memcpy(src + sizeof a->src, a->addr, sizeof a->addr);
        put_registers(&p.record, (insn_op)a->op, src, sizeof src, a->dst, sizeof a->dst);
        g_array_append_val(list, p);
        addr = p.fall;
        slot += a->n_accesses;
    }
}

static void prepare_real(GArray *list, insn_code *code, uint32_t id)
{
    insn_instruction in;
    for (unsigned i = 0; code->instruction(code, id, i, &in); i++) {
        uint8_t src[64], dst[64];
        prepared p = { .record = { .ip = in.addr }, .fall = in.addr + in.size, .first_slot = in.first_slot, .n_slots = in.n_slots, .op = in.op };
        unsigned n_src = list_of(in.reads, src), n_dst = list_of(in.writes, dst);
        put_registers(&p.record, (insn_op)in.op, src, n_src, dst, n_dst);
        g_array_append_val(list, p);
    }
}

static const prepared_block *prepare(exporter *e, uint32_t id)
{
    if (id >= e->blocks->len)
        g_array_set_size(e->blocks, MAX(id + 1, e->blocks->len * 2));
    prepared_block *b = &g_array_index(e->blocks, prepared_block, id);
    if (b->insns)
        return b;
    const insn_block_facts *f = e->code->facts(e->code, id);
    GArray *list = g_array_new(FALSE, TRUE, sizeof(prepared));
    if (f->flags & INSN_BLOCK_ABSTRACT)
        prepare_abstract(list, f);
    else
        prepare_real(list, e->code, id);
    if (!list->len) { /* a further iteration: only its accesses count */
        prepared p = { .record = { .ip = f->addr }, .fall = f->addr + f->bytes, .n_slots = f->n_slots };
        g_array_append_val(list, p);
    }
    b->n = list->len;
    b->facts = f;
    b->insns = (prepared *)(void *)g_array_free(list, FALSE);
    return b;
}

/* ---- records ------------------------------------------------------------------------------------------------------------------- */

static bool put_record(exporter *e, const tr_champsim_record *r, GError **error)
{
    return tr_export_file_write(e->file, r, sizeof *r, error);
}

/* The branch that waited goes to `next`. */
static bool put_waiting(exporter *e, uint64_t next, GError **error)
{
    if (!e->has_waiting)
        return true;
    e->has_waiting = false;
    e->waiting.branch_taken = e->waiting_taken || next != e->waiting_fall;
    return put_record(e, &e->waiting, error);
}

/* The record takes an access; false: there is no place. */
static bool take_access(tr_champsim_record *r, unsigned *n_src, unsigned *n_dst, uint64_t addr, unsigned flags)
{
    bool load = flags & INSN_ACCESS_LOAD, store = flags & INSN_ACCESS_STORE;
    if ((load && *n_src == 4) || (store && *n_dst == 2))
        return false;
    if (load)
        r->src_mem[(*n_src)++] = addr;
    if (store)
        r->dst_mem[(*n_dst)++] = addr;
    return true;
}

static bool put_insn(exporter *e, const prepared *p, const insn_access *slots, const uint64_t *addrs, GError **error)
{
    tr_champsim_record main_one = p->record, further, *r = &main_one;
    unsigned n_src = 0, n_dst = 0;
    bool branch = p->op >= INSN_OP_COND;
    for (unsigned i = 0; i < p->n_slots; i++) {
        if (take_access(r, &n_src, &n_dst, addrs[i], slots[p->first_slot + i].flags))
            continue;
        if ((r == &further || !branch) && !put_record(e, r, error))
            return false;
        r = &further;
        further = (tr_champsim_record){ .ip = p->record.ip };
        n_src = n_dst = 0;
        take_access(r, &n_src, &n_dst, addrs[i], slots[p->first_slot + i].flags);
    }
    if ((r == &further || !branch) && !put_record(e, r, error))
        return false;
    if (!branch)
        return true;
    e->waiting = main_one;
    e->waiting_fall = p->fall;
    e->waiting_taken = p->op != INSN_OP_COND;
    e->has_waiting = true;
    return true;
}

static bool put_block(exporter *e, const prepared_block *b, const uint64_t *addrs, GError **error)
{
    if (!put_waiting(e, b->facts->addr, error))
        return false;
    for (unsigned i = 0; i < b->n; i++) {
        e->over = b->facts->n_insns && e->limit && e->insns >= e->limit;
        if (e->over)
            return true;
        e->insns += b->facts->n_insns != 0;
        if (!put_insn(e, &b->insns[i], b->facts->slots, addrs + b->insns[i].first_slot, error))
            return false;
    }
    return true;
}

static bool put_batch(exporter *e, const insn_batch *batch, GError **error)
{
    const uint64_t *addrs = batch->addrs;
    for (uint32_t i = 0; i < batch->n_blocks && !e->over; i++) {
        const prepared_block *b = prepare(e, batch->blocks[i]);
        if (!put_block(e, b, addrs, error))
            return false;
        addrs += b->facts->n_slots;
    }
    return true;
}

static bool put_all(exporter *e, tr_reader *reader, const volatile int *cancel, GError **error)
{
    insn_batch batch;
    tr_progress now;
    int got = 1;
    while (!(cancel && *cancel) && !e->over && (got = tr_reader_next(reader, &batch, &now, error)) > 0)
        if (!put_batch(e, &batch, error))
            return false;
    /* Nothing follows the last branch: a conditional one counts as not taken. */
    return got >= 0 && put_waiting(e, e->waiting_fall, error);
}

bool tr_export_champsim(tr_reader *reader, insn_code *code, const char *to, uint64_t limit, const volatile int *cancel, uint64_t *insns, GError **error)
{
    g_autoptr(tr_export_file) file = tr_export_file_open(to, error);
    if (!file)
        return false;
    exporter e = { .code = code, .file = file, .limit = limit, .blocks = g_array_new(FALSE, TRUE, sizeof(prepared_block)) };
    bool ok = put_all(&e, reader, cancel, error) && tr_export_file_finish(file, error);
    for (guint i = 0; i < e.blocks->len; i++)
        g_free(g_array_index(e.blocks, prepared_block, i).insns);
    g_array_unref(e.blocks);
    *insns = e.insns;
    return ok;
}
