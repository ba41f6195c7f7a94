/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Each distinct instruction (address, bytes or description, shape of its accesses) is a `shape`; a `node` is a way of shapes from a
 * block's first one, so that a known way leads to its block without building the key of a definition again. */
#include "tr-import-blocks.h"

#include "sim-error.h"
#include "tr-import-map.h"
#include "tr-import-x86.h"

#include <string.h>

enum {
    BLOCK_INSNS = INSN_ABSTRACT_MAX, BLOCK_SLOTS = 1024,
    INSN_ACCESSES = 512,               /* of one instruction; more are told as further iterations */
    MAX_SHAPES = 4 << 20, MAX_POOL = 64 << 20, MAX_NODES = 16 << 20,
    PAGE_BITS = 12, MAX_PAGES = 4 << 20, RECENT = 256,
};

typedef struct {
    uint16_t size;
    uint8_t flags, pad;
} access_shape;

typedef struct {
    uint64_t addr;
    uint32_t next;       /* other shape at the address, + 1 */
    uint32_t accesses;   /* index of the first in `pool` */
    uint16_t n_accesses;
    uint8_t size;
    bool real, again;    /* real: `as` holds bytes */
    uint8_t flow;        /* tr_x86_flow, or TR_X86_ENDS of an abstract branch */
    union {
        uint8_t code[32];
        insn_abstract abstract;
    } as;
} shape;

/* An instruction address: its shapes, the one met last first, and what kind of branch it turned out to be. */
typedef struct {
    uint32_t shapes; /* + 1 */
    uint8_t op;      /* TR_IMPORT_OP_UNKNOWN: it has always gone on with the next instruction */
} site;

typedef struct {
    uint32_t shape;
    uint32_t block;      /* id + 1 of the block that ends here */
    uint32_t on, on_shape;   /* the way on that was taken last: node, its shape */
    uint32_t follow, follow_shape; /* the beginning of the block that followed last */
    uint16_t n_insns;    /* of that block */
} node;

struct tr_blocks {
    insn_code *code;
    tr_writer *writer;
    tr_blocks_options options;
    tr_map site_of, node_of, page_of;
    GArray *sites, *shapes, *nodes, *pool; /* nodes[0]: the beginning of a block */
    uint64_t recent[RECENT];
    uint64_t n_pages;
    /* The instruction that waits for its accesses and its successor. */
    tr_import_insn pending;
    uint8_t pending_code[16];
    bool has_pending;
    unsigned n_accesses;
    uint64_t access_addr[INSN_ACCESSES];
    access_shape access[INSN_ACCESSES];
    uint64_t rep_addr;   /* of the rep instruction that was executed last and may go on */
    bool in_rep;
    /* The block under way. */
    uint32_t at;         /* node */
    uint32_t way[BLOCK_INSNS];
    unsigned n_way, way_slots;
    uint32_t last_node;  /* where the block before ended */
    /* The batch under way. */
    uint32_t ids[TR_BATCH_BLOCKS], n_ids;
    uint64_t addrs[TR_BATCH_ADDRS + TR_ADDR_MARGIN];
    uint32_t n_addrs, n_done_addrs; /* done: those of whole blocks */
    tr_progress now;
    uint64_t given, blocks, accesses, without_code;
    bool cancelled;
};

#define SITE(b, i) (&((site *)(void *)(b)->sites->data)[i])
#define SHAPE(b, i) (&((shape *)(void *)(b)->shapes->data)[i])
#define NODE(b, i) (&((node *)(void *)(b)->nodes->data)[i])

static bool too_much(const tr_blocks *b, GError **error)
{
    g_set_error(error, SIM_ERROR, SIM_ERROR_INPUT, "%s: more different code than a trace can hold (about 4 million blocks)", b->options.name);
    return false;
}

tr_blocks *tr_blocks_new(insn_code *code, tr_writer *writer, const tr_blocks_options *options)
{
    tr_blocks *b = g_new0(tr_blocks, 1);
    node root = { 0 };
    b->code = code;
    b->writer = writer;
    b->options = *options;
    tr_map_init(&b->site_of);
    tr_map_init(&b->node_of);
    tr_map_init(&b->page_of);
    b->sites = g_array_new(FALSE, FALSE, sizeof(site));
    b->shapes = g_array_new(FALSE, FALSE, sizeof(shape));
    b->nodes = g_array_new(FALSE, FALSE, sizeof(node));
    b->pool = g_array_new(FALSE, FALSE, sizeof(access_shape));
    g_array_append_val(b->nodes, root);
    return b;
}

void tr_blocks_free(tr_blocks *b)
{
    if (!b)
        return;
    tr_map_clear(&b->site_of);
    tr_map_clear(&b->node_of);
    tr_map_clear(&b->page_of);
    g_array_unref(b->sites);
    g_array_unref(b->shapes);
    g_array_unref(b->nodes);
    g_array_unref(b->pool);
    g_free(b);
}

bool tr_blocks_begun(const tr_blocks *b)
{
    return b->has_pending;
}

bool tr_blocks_full(const tr_blocks *b)
{
    return (b->options.limit && b->given >= b->options.limit) || (b->options.cancel && *b->options.cancel);
}

tr_ended tr_blocks_ended(const tr_blocks *b)
{
    return b->cancelled ? TR_ENDED_INTERRUPTED : b->options.limit && b->given >= b->options.limit ? TR_ENDED_LIMIT : TR_ENDED_IMPORT;
}

/* ---- batches --------------------------------------------------------------------------------------------------------- */

/* Past MAX_PAGES pages the figure stays; it is for people. */
static void touch(tr_blocks *b, uint64_t addr)
{
    uint64_t page = (addr >> PAGE_BITS) + 1;
    uint64_t *recent = &b->recent[page % RECENT];
    if (G_LIKELY(*recent == page))
        return;
    *recent = page;
    if (b->n_pages >= MAX_PAGES || tr_map_get(&b->page_of, page))
        return;
    tr_map_put(&b->page_of, page, 1);
    b->now.touched = ++b->n_pages << PAGE_BITS;
}

static bool flush_batch(tr_blocks *b, GError **error)
{
    insn_batch batch = { .blocks = b->ids, .addrs = b->addrs, .n_blocks = b->n_ids, .n_addrs = b->n_done_addrs };
    if (!b->n_ids)
        return true;
    b->n_ids = 0;
    bool ok = tr_writer_append(b->writer, &batch, &b->now, error);
    memmove(b->addrs, b->addrs + b->n_done_addrs, (b->n_addrs - b->n_done_addrs) * sizeof *b->addrs);
    b->n_addrs -= b->n_done_addrs;
    b->n_done_addrs = 0;
    return ok;
}

/* ---- definitions ------------------------------------------------------------------------------------------------------ */

static bool as_decoded(const insn_block_facts *f, const insn_access *seen, unsigned n)
{
    if (f->n_slots != n)
        return false;
    for (unsigned i = 0; i < n; i++)
        if (f->slots[i].size != seen[i].size || f->slots[i].flags != seen[i].flags)
            return false;
    return true;
}

static const insn_block_facts *define_real(tr_blocks *b, uint64_t addr, unsigned flags, GError **error)
{
    uint8_t bytes[BLOCK_INSNS * 15];
    insn_access seen[BLOCK_SLOTS + INSN_ACCESSES];
    unsigned size = 0, n = 0;
    for (unsigned i = 0; i < b->n_way; i++) {
        const shape *s = SHAPE(b, b->way[i]);
        memcpy(bytes + size, s->as.code, s->size);
        size += s->size;
        for (unsigned k = 0; k < s->n_accesses; k++) {
            const access_shape *a = &g_array_index(b->pool, access_shape, s->accesses + k);
            seen[n++] = (insn_access){ .size = a->size, .flags = a->flags, .insn = (uint8_t)i };
        }
    }
    const insn_block_facts *f = b->code->define(b->code, addr, bytes, (uint16_t)size, flags, NULL, 0);
    if (f && !flags && f->n_insns != b->n_way) {
        g_set_error(error, SIM_ERROR, SIM_ERROR_INPUT, "%s: the code bytes at 0x%" G_GINT64_MODIFIER "x are not the %u instruction%s that "
                    "were executed there: those of another program, or at another address?", b->options.name, addr, b->n_way,
                    b->n_way == 1 ? "" : "s");
        return NULL;
    }
    if (f && !as_decoded(f, seen, n))
        f = b->code->define(b->code, addr, bytes, (uint16_t)size, flags, seen, n);
    if (!f)
        too_much(b, error);
    return f;
}

static const insn_block_facts *define_abstract(tr_blocks *b, uint64_t addr, unsigned flags, GError **error)
{
    insn_abstract insns[BLOCK_INSNS];
    for (unsigned i = 0; i < b->n_way; i++)
        insns[i] = SHAPE(b, b->way[i])->as.abstract;
    const insn_block_facts *f = b->code->define(b->code, addr, (const uint8_t *)insns, (uint16_t)(b->n_way * sizeof insns[0]),
                                                flags | INSN_BLOCK_ABSTRACT, NULL, 0);
    if (!f)
        too_much(b, error);
    return f;
}

static bool define(tr_blocks *b, node *n, GError **error)
{
    const shape *first = SHAPE(b, b->way[0]);
    unsigned flags = first->again ? INSN_BLOCK_REP_AGAIN : 0;
    const insn_block_facts *f = first->real ? define_real(b, first->addr, flags, error) : define_abstract(b, first->addr, flags, error);
    if (!f)
        return false;
    g_assert(f->n_slots == b->way_slots);
    n->block = f->id + 1;
    n->n_insns = f->n_insns;
    return true;
}

/* The block under way has executed. */
static bool end_block(tr_blocks *b, GError **error)
{
    if (!b->n_way)
        return true;
    node *n = NODE(b, b->at);
    if (!n->block && !define(b, n, error))
        return false;
    b->ids[b->n_ids++] = n->block - 1;
    b->n_done_addrs = b->n_addrs;
    b->now.insns += n->n_insns;
    b->blocks++;
    b->last_node = b->at;
    b->at = 0;
    b->n_way = b->way_slots = 0;
    return (b->n_ids < TR_BATCH_BLOCKS && b->n_done_addrs < TR_BATCH_ADDRS) || flush_batch(b, error);
}

/* ---- shapes and ways ---------------------------------------------------------------------------------------------------- */

static bool same_accesses(const tr_blocks *b, const shape *s, const access_shape *accesses, unsigned n)
{
    return s->n_accesses == n && (n == 0 || memcmp(&g_array_index(b->pool, access_shape, s->accesses), accesses, n * sizeof *accesses) == 0);
}

static bool same_shape(const tr_blocks *b, const shape *s, const shape *wanted, const access_shape *accesses)
{
    return s->size == wanted->size && s->real == wanted->real && s->again == wanted->again
           && memcmp(&s->as, &wanted->as, sizeof s->as) == 0 && same_accesses(b, s, accesses, wanted->n_accesses);
}

/* The number of a shape that looks like `wanted` at the site; it moves to the front. UINT32_MAX and error set when there are too many. */
static uint32_t find_shape(tr_blocks *b, uint32_t site_index, const shape *wanted, const access_shape *accesses, GError **error)
{
    site *at = SITE(b, site_index);
    uint32_t before = 0;
    for (uint32_t i = at->shapes; i; before = i, i = SHAPE(b, i - 1)->next) {
        shape *s = SHAPE(b, i - 1);
        if (!same_shape(b, s, wanted, accesses))
            continue;
        if (before) {
            SHAPE(b, before - 1)->next = s->next;
            s->next = at->shapes;
            at->shapes = i;
        }
        return i - 1;
    }
    if (b->shapes->len >= MAX_SHAPES || b->pool->len >= MAX_POOL) {
        too_much(b, error);
        return UINT32_MAX;
    }
    shape s = *wanted;
    s.next = at->shapes;
    s.accesses = b->pool->len;
    if (s.n_accesses)
        g_array_append_vals(b->pool, accesses, s.n_accesses);
    g_array_append_val(b->shapes, s);
    at->shapes = b->shapes->len;
    touch(b, s.addr);
    return b->shapes->len - 1;
}

/* Goes on to the next node. */
static bool advance(tr_blocks *b, uint32_t shape_index, GError **error)
{
    const node *from = b->at ? NODE(b, b->at) : NODE(b, b->last_node);
    if (b->at ? from->on && from->on_shape == shape_index : from->follow && from->follow_shape == shape_index) {
        b->at = b->at ? from->on : from->follow;
        return true;
    }
    uint64_t key = (uint64_t)b->at << 32 | shape_index;
    uint32_t to = tr_map_get(&b->node_of, key);
    if (!to) {
        node n = { .shape = shape_index };
        if (b->nodes->len >= MAX_NODES)
            return too_much(b, error);
        g_array_append_val(b->nodes, n);
        to = b->nodes->len - 1;
        tr_map_put(&b->node_of, key, to);
    }
    node *origin = NODE(b, b->at ? b->at : b->last_node);
    *(b->at ? &origin->on : &origin->follow) = to;
    *(b->at ? &origin->on_shape : &origin->follow_shape) = shape_index;
    b->at = to;
    return true;
}

static uint32_t site_at(tr_blocks *b, uint64_t addr)
{
    uint32_t found = tr_map_get(&b->site_of, addr);
    if (found)
        return found - 1;
    site s = { .op = TR_IMPORT_OP_UNKNOWN };
    g_array_append_val(b->sites, s);
    tr_map_put(&b->site_of, addr, b->sites->len);
    return b->sites->len - 1;
}

/* Adds a shape with its addresses to the block under way. */
static bool put_shape(tr_blocks *b, uint32_t site_index, const shape *wanted, const access_shape *accesses, const uint64_t *addrs, GError **error)
{
    uint32_t index = find_shape(b, site_index, wanted, accesses, error);
    if (index == UINT32_MAX || !advance(b, index, error))
        return false;
    b->way[b->n_way++] = index;
    for (unsigned i = 0; i < wanted->n_accesses; i++) {
        b->addrs[b->n_addrs++] = addrs[i];
        touch(b, addrs[i]);
    }
    b->way_slots += wanted->n_accesses;
    b->accesses += wanted->n_accesses;
    b->without_code += !wanted->real && !wanted->again;
    return true;
}

/* ---- instructions --------------------------------------------------------------------------------------------------------- */

/* A store at the place of an earlier load of the same instruction makes that load a read-modify-write. */
static void merge_accesses(tr_blocks *b)
{
    unsigned n = 0;
    for (unsigned i = 0; i < b->n_accesses; i++) {
        unsigned k = 0;
        if (b->access[i].flags == INSN_ACCESS_STORE)
            while (k < n && !(b->access[k].flags == INSN_ACCESS_LOAD && b->access_addr[k] == b->access_addr[i] && b->access[k].size == b->access[i].size))
                k++;
        else
            k = n;
        if (k < n) {
            b->access[k].flags = INSN_ACCESS_LOAD | INSN_ACCESS_STORE;
            continue;
        }
        b->access[n] = b->access[i];
        b->access_addr[n++] = b->access_addr[i];
    }
    b->n_accesses = n;
}

/* Valgrind makes an atomic instruction of a load and a compare-and-swap: both are the one read-modify-write operand. */
static void fold_atomic(tr_blocks *b)
{
    const unsigned both = INSN_ACCESS_LOAD | INSN_ACCESS_STORE;
    if (b->n_accesses == 2 && b->access[0].flags == INSN_ACCESS_LOAD && b->access[1].flags == both
        && b->access_addr[0] == b->access_addr[1] && b->access[0].size == b->access[1].size) {
        b->access[0].flags = both;
        b->n_accesses = 1;
    }
}

/* What an instruction that did not go on with the one behind it is likely to be: forms of x86-64 branches. */
static insn_op guess_branch(unsigned size, const access_shape *accesses, unsigned n)
{
    bool load = false, store = false;
    for (unsigned i = 0; i < n; i++) {
        load |= accesses[i].flags & INSN_ACCESS_LOAD;
        store |= accesses[i].flags & INSN_ACCESS_STORE;
    }
    if (store)
        return size == 5 && !load ? INSN_OP_CALL : INSN_OP_ICALL;
    if (load)
        return size <= 2 ? INSN_OP_RET : INSN_OP_IJUMP;
    return size == 5 ? INSN_OP_JUMP : size == 3 ? INSN_OP_IJUMP : INSN_OP_COND;
}

static uint8_t access_code(const access_shape *a)
{
    unsigned log = 0;
    while (log < 6 && 1u << log < a->size)
        log++;
    return (uint8_t)(a->flags | log << 2);
}

/* How many of the accesses one abstract instruction can tell: loads before stores, at most INSN_ABSTRACT_ACCESSES. */
static unsigned fitting(const access_shape *accesses, unsigned n)
{
    bool stored = false;
    for (unsigned i = 0; i < n; i++) {
        if (i == INSN_ABSTRACT_ACCESSES || (stored && accesses[i].flags & INSN_ACCESS_LOAD))
            return i;
        stored |= accesses[i].flags == INSN_ACCESS_STORE;
    }
    return n;
}

static shape abstract_shape(const tr_import_insn *in, uint8_t op, bool again, const access_shape *accesses, unsigned n)
{
    shape s = { .addr = in->addr, .size = in->size, .again = again, .n_accesses = (uint16_t)n, .flow = op >= INSN_OP_COND ? TR_X86_ENDS : TR_X86_PLAIN };
    insn_abstract *a = &s.as.abstract;
    *a = (insn_abstract){ .size = in->size, .op = op, .n_accesses = (uint8_t)n };
    memcpy(a->src, in->src, sizeof a->src);
    memcpy(a->dst, in->dst, sizeof a->dst);
    memcpy(a->addr, in->base, sizeof a->addr);
    for (unsigned i = 0; i < n; i++)
        a->access[i] = access_code(&accesses[i]);
    return s;
}

static uint8_t op_of(site *s, const tr_import_insn *in, const access_shape *accesses, unsigned n, const tr_import_insn *next)
{
    if (in->op != TR_IMPORT_OP_UNKNOWN)
        return in->op;
    if (s->op == TR_IMPORT_OP_UNKNOWN && next && next->addr != in->addr + in->size && next->addr != in->addr)
        s->op = (uint8_t)guess_branch(in->size, accesses, n);
    if (s->op != TR_IMPORT_OP_UNKNOWN)
        return s->op;
    return n ? INSN_OP_MOVE : INSN_OP_INT;
}

static bool block_is_over(const tr_blocks *b, const tr_import_insn *in, const shape *s, const tr_import_insn *next)
{
    return s->flow != TR_X86_PLAIN || s->again || !next || next->addr != in->addr + in->size || next->again || !next->code != !in->code
           || b->n_way == BLOCK_INSNS || b->way_slots >= BLOCK_SLOTS;
}

/* What does not fit into the abstract instruction follows as further iterations of it. */
static bool put_abstract(tr_blocks *b, uint32_t site_index, const tr_import_insn *in, const tr_import_insn *next, shape *s, GError **error)
{
    unsigned at = fitting(b->access, b->n_accesses);
    uint8_t op = op_of(SITE(b, site_index), in, b->access, b->n_accesses, next);
    *s = abstract_shape(in, op, in->again, b->access, at);
    if (!put_shape(b, site_index, s, b->access, b->access_addr, error))
        return false;
    while (at < b->n_accesses) {
        unsigned n = fitting(b->access + at, b->n_accesses - at);
        if (!end_block(b, error))
            return false;
        *s = abstract_shape(in, INSN_OP_MOVE, true, b->access + at, n);
        if (!put_shape(b, site_index, s, b->access + at, b->access_addr + at, error))
            return false;
        at += n;
    }
    return true;
}

/* The pending instruction is complete: `next` is executed after it (NULL: nothing is). */
static bool take(tr_blocks *b, const tr_import_insn *next, GError **error)
{
    const tr_import_insn *in = &b->pending;
    shape s = { .addr = in->addr, .size = in->size, .real = true, .again = in->again };
    if (!b->has_pending || (in->code && in->again && !b->n_accesses))
        return true; /* a rep instruction is entered once more to find its count at zero: no iteration */
    if (b->options.merge)
        merge_accesses(b);
    uint32_t site_index = site_at(b, in->addr);
    if (in->code) {
        fold_atomic(b);
        memcpy(s.as.code, in->code, in->size);
        s.flow = (uint8_t)tr_x86_flow_of(in->code, in->size);
        s.n_accesses = (uint16_t)b->n_accesses;
        if (!put_shape(b, site_index, &s, b->access, b->access_addr, error))
            return false;
    } else if (!put_abstract(b, site_index, in, next, &s, error)) {
        return false;
    }
    return !block_is_over(b, in, &s, next) || end_block(b, error);
}

bool tr_blocks_insn(tr_blocks *b, const tr_import_insn *insn, GError **error)
{
    tr_import_insn next = *insn;
    bool rep = insn->code && tr_x86_flow_of(insn->code, insn->size) == TR_X86_REP;
    next.again |= rep && b->in_rep && b->rep_addr == insn->addr;
    if (!take(b, &next, error))
        return false;
    b->in_rep = rep;
    b->rep_addr = insn->addr;
    b->pending = next;
    if (insn->code) {
        memcpy(b->pending_code, insn->code, insn->size);
        b->pending.code = b->pending_code;
    }
    b->has_pending = true;
    b->n_accesses = 0;
    b->given += !next.again;
    return true;
}

bool tr_blocks_access(tr_blocks *b, uint64_t addr, uint32_t size, unsigned flags, GError **error)
{
    if (b->n_accesses == INSN_ACCESSES) {
        tr_import_insn more = b->pending;
        more.again = true;
        if (!take(b, &more, error))
            return false;
        b->pending.again = true;
        b->n_accesses = 0;
    }
    b->access[b->n_accesses] = (access_shape){ .size = (uint16_t)MIN(size, UINT16_MAX), .flags = (uint8_t)flags };
    b->access_addr[b->n_accesses++] = addr;
    return true;
}

bool tr_blocks_finish(tr_blocks *b, tr_import_report *report, GError **error)
{
    b->cancelled = b->options.cancel && *b->options.cancel && !(b->options.limit && b->given >= b->options.limit);
    if (!take(b, NULL, error) || !end_block(b, error) || !flush_batch(b, error))
        return false;
    report->insns = b->now.insns;
    report->blocks = b->blocks;
    report->accesses = b->accesses;
    report->without_code = b->without_code;
    return true;
}
