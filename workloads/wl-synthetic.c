/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "wl-synthetic.h"

#include "sim-error.h"
#include "sim-random.h"
#include "wl-source.h"
#include "wl-synthetic-spec.h"

#include <string.h>

/* Each phase has code and data of its own: all code lies below all data. */
#define CODE_AT UINT64_C(0x400000)
#define CODE_STEP (UINT64_C(8) << 20)
#define DATA_AT (UINT64_C(1) << 35)
#define DATA_STEP (UINT64_C(1) << 35)
G_STATIC_ASSERT(WL_SYN_PHASES_MAX * CODE_STEP < DATA_AT - CODE_AT && WL_SYN_CODE_MAX < CODE_STEP && WL_SYN_WS_MAX < DATA_STEP);
G_STATIC_ASSERT((WL_SYN_PHASES_MAX + 1) * DATA_STEP <= UINT64_C(1) << 47);
enum { INSN_BYTES = 4, LINE = 64 };

/* Registers of the generated code. */
enum { R_INDEX = 0, R_VALUE = 1, R_SUM = 2, R_FIRST_CHAIN = 3 };

/* A phase, ready to run. */
typedef struct {
    wl_syn_phase spec;
    uint32_t *ids;        /* the phase's blocks; what each is depends on the kind */
    uint16_t *insns;      /* instructions of each */
    uint32_t n_ids;
    uint64_t data;        /* address of the working set */
    uint64_t at;          /* place in it, or number of the next block or outcome */
    uint64_t rarer;       /* per mille of the accesses that [1] makes */
    uint64_t owed;        /* per mille of one of them */
    uint64_t pattern;     /* outcomes that repeat, a bit each */
    uint64_t key;         /* of a chase's order, of which `at` is the number of the next place */
    uint64_t mask;        /* 2^k - 1: as many places as lines, or up to twice */
    unsigned shift;       /* about half of k */
} phase;

typedef struct {
    wl_source source;
    wl_syn_spec spec;
    GArray *phases;       /* of phase */
    sim_random random;
    sim_random jitter;    /* of sleeps: a stream of its own, so that it changes no access */
    uint32_t *blocks;
    uint64_t *addrs;
    uint32_t n_blocks, n_addrs;
    unsigned current;     /* phase */
    bool begun;
    uint64_t left;        /* instructions of it */
    uint64_t round, rounds; /* done; of one life */
    uint64_t insns, touched;
    bool dead;
} synthetic;

/* ---- code -------------------------------------------------------------------------------------------------------------- */

typedef struct {
    insn_abstract insns[INSN_ABSTRACT_MAX];
    unsigned n;
} code;

static insn_abstract *add(code *c, insn_op op)
{
    insn_abstract *a = &c->insns[c->n++];
    *a = (insn_abstract){ .size = INSN_BYTES, .op = (uint8_t)op };
    memset(a->src, INSN_REG_NONE, sizeof a->src);
    memset(a->dst, INSN_REG_NONE, sizeof a->dst);
    memset(a->addr, INSN_REG_NONE, sizeof a->addr);
    return a;
}

static void add_op(code *c, insn_op op, unsigned dst, unsigned src)
{
    bool vector = op == INSN_OP_FP_ADD || op == INSN_OP_FP_MUL || op == INSN_OP_FP_DIV || op == INSN_OP_VEC;
    insn_abstract *a = add(c, op);
    a->dst[0] = (uint8_t)(dst + (vector ? INSN_REG_VEC : 0));
    a->src[0] = a->dst[0];
    a->src[1] = (uint8_t)(src + (vector ? INSN_REG_VEC : 0));
}

/* 8 bytes. */
static void add_access(code *c, unsigned flags, unsigned addr, unsigned value)
{
    insn_abstract *a = add(c, INSN_OP_MOVE);
    a->addr[0] = (uint8_t)addr;
    a->access[a->n_accesses++] = (uint8_t)(flags | 3 << 2);
    if (flags & INSN_ACCESS_LOAD)
        a->dst[0] = (uint8_t)value;
    else
        a->src[0] = (uint8_t)value;
}

static void add_branch(code *c, insn_op op, unsigned src)
{
    insn_abstract *a = add(c, op);
    if (op == INSN_OP_COND || op == INSN_OP_IJUMP)
        a->src[0] = (uint8_t)src;
}

static bool define(synthetic *y, phase *p, const code *c, uint64_t addr)
{
    insn_code *store = y->source.base.code;
    const insn_block_facts *f = store->define(store, addr, (const uint8_t *)c->insns, (uint16_t)(c->n * sizeof c->insns[0]), INSN_BLOCK_ABSTRACT, NULL, 0);
    if (!f)
        return false;
    p->ids[p->n_ids] = f->id;
    p->insns[p->n_ids++] = f->n_insns;
    return true;
}

/* [0] makes the more frequent of loads and stores and is a loop of its own; [1], behind it, the other, once, and goes back. So
 * no branch ever changes its target, and the one that leaves [0] is foreseen as far as its pattern fits into the predictor. */
static bool make_accesses(synthetic *y, phase *p, uint64_t at)
{
    bool mostly_stores = p->spec.stores > 500;
    p->rarer = mostly_stores ? 1000 - p->spec.stores : p->spec.stores;
    for (unsigned i = 0; i < 2; i++) {
        code c = { .n = 0 };
        bool store = mostly_stores != (i == 1);
        add_access(&c, store ? INSN_ACCESS_STORE : INSN_ACCESS_LOAD, p->spec.kind == WL_SYN_CHASE ? R_VALUE : R_INDEX, store ? R_SUM : R_VALUE);
        add_op(&c, INSN_OP_INT, R_SUM, store ? R_INDEX : R_VALUE);
        add_op(&c, INSN_OP_INT, R_INDEX, R_INDEX);
        add_branch(&c, i ? INSN_OP_JUMP : INSN_OP_COND, R_INDEX);
        if (!define(y, p, &c, at))
            return false;
        at += c.n * INSN_BYTES;
    }
    return true;
}

static bool make_loop(synthetic *y, phase *p, uint64_t at)
{
    code c = { .n = 0 };
    for (unsigned i = 0; i + 1 < p->spec.body; i++)
        add_op(&c, (insn_op)p->spec.op, (unsigned)(R_FIRST_CHAIN + i % p->spec.ilp), (unsigned)(R_FIRST_CHAIN + i % p->spec.ilp));
    add_branch(&c, INSN_OP_COND, R_INDEX);
    return define(y, p, &c, at);
}

/* [0] ends with the branch in question, [1] follows it when not taken, [2] when taken; [3]... are targets of the indirect branch that
 * then ends [1] and [2]; all go back to [0]. */
static bool make_branches(synthetic *y, phase *p, uint64_t at)
{
    code head = { .n = 0 };
    for (unsigned i = 0; i + 1 < p->spec.body; i++)
        add_op(&head, INSN_OP_INT, R_FIRST_CHAIN + i % 4, R_FIRST_CHAIN + i % 4);
    add_branch(&head, INSN_OP_COND, R_SUM);
    uint64_t next = at + head.n * INSN_BYTES;
    if (!define(y, p, &head, at))
        return false;
    for (unsigned way = 0; way < 2; way++) {
        code c = { .n = 0 };
        add_op(&c, INSN_OP_INT, R_SUM, R_INDEX);
        add_branch(&c, p->spec.targets ? INSN_OP_IJUMP : INSN_OP_JUMP, R_SUM);
        if (!define(y, p, &c, next + way * 1024))
            return false;
    }
    for (unsigned i = 0; i < p->spec.targets; i++) {
        code c = { .n = 0 };
        add_op(&c, INSN_OP_INT, R_VALUE, R_VALUE);
        add_branch(&c, INSN_OP_JUMP, 0);
        if (!define(y, p, &c, next + 4096 + i * LINE))
            return false;
    }
    return true;
}

/* Blocks of one cache line each, linked in a random order. */
static bool make_code(synthetic *y, phase *p, uint64_t at)
{
    code c = { .n = 0 };
    for (unsigned i = 0; i + 1 < LINE / INSN_BYTES; i++)
        add_op(&c, INSN_OP_INT, R_FIRST_CHAIN + i % 4, R_FIRST_CHAIN + i % 4);
    add_branch(&c, INSN_OP_JUMP, 0);
    uint64_t n = p->spec.ws / LINE;
    for (uint64_t i = 0; i < n; i++)
        if (!define(y, p, &c, at + i * LINE))
            return false;
    for (uint64_t i = n - 1; i > 0; i--) { /* the order in which they are visited */
        uint64_t k = sim_random_below(&y->random, i + 1);
        uint32_t id = p->ids[i];
        p->ids[i] = p->ids[k];
        p->ids[k] = id;
    }
    return true;
}

/* Outcomes that repeat: `taken` per mille of them are 1, at random places. */
static uint64_t make_pattern(synthetic *y, const wl_syn_phase *spec)
{
    uint64_t ones = (spec->taken * spec->pattern + 500) / 1000, pattern = 0;
    for (uint64_t i = 0; i < spec->pattern; i++) { /* each place, as many ones as are left among the places left */
        if (sim_random_below(&y->random, spec->pattern - i) < ones) {
            pattern |= UINT64_C(1) << i;
            ones--;
        }
    }
    return pattern;
}

static bool make_phase(synthetic *y, const wl_syn_phase *spec, unsigned number)
{
    phase p = { .spec = *spec, .data = DATA_AT + number * DATA_STEP };
    uint64_t at = CODE_AT + number * CODE_STEP, blocks = spec->kind == WL_SYN_CODE ? spec->ws / LINE : 3 + spec->targets;
    p.ids = g_new0(uint32_t, blocks);
    p.insns = g_new0(uint16_t, blocks);
    p.pattern = make_pattern(y, spec);
    p.key = sim_random_next(&y->random);
    unsigned bits = g_bit_storage(MAX(spec->ws / LINE, 2) - 1);
    p.mask = (UINT64_C(1) << bits) - 1;
    p.shift = (bits + 1) / 2;
    bool ok = true;
    switch (spec->kind) {
    case WL_SYN_LOOP: ok = make_loop(y, &p, at); break;
    case WL_SYN_STREAM:
    case WL_SYN_RANDOM:
    case WL_SYN_CHASE: ok = make_accesses(y, &p, at); break;
    case WL_SYN_BRANCH: ok = make_branches(y, &p, at); break;
    case WL_SYN_CODE: ok = make_code(y, &p, at); break;
    default: break;
    }
    g_array_append_val(y->phases, p);
    return ok;
}

/* ---- running -------------------------------------------------------------------------------------------------------------- */

static inline void emit(synthetic *y, const phase *p, uint32_t which)
{
    y->blocks[y->n_blocks++] = p->ids[which];
    y->left -= MIN(y->left, p->insns[which]);
    y->insns += p->insns[which];
}

static inline bool chance(synthetic *y, uint64_t per_mille)
{
    return per_mille && (per_mille == 1000 || sim_random_next(&y->random) % 1000 < per_mille);
}

static inline bool rarer_is_due(phase *p)
{
    p->owed += p->rarer;
    if (p->owed < 1000)
        return false;
    p->owed -= 1000;
    return true;
}

/* The next line of the set in an order by chance: a bijection of [0, 2^k), of which those beyond the set, less than half, are
 * passed over. It is made of xorshifts and odd multiplications (the constants of splitmix64, Steele, Lea and Flood, OOPSLA 2014), with a key
 * before each. */
static inline uint64_t next_line(phase *p)
{
    const uint64_t lines = p->spec.ws / LINE, mask = p->mask;
    const unsigned shift = p->shift;
    uint64_t x;
    do {
        x = p->at;
        p->at = (p->at + 1) & mask;
        x = ((x ^ p->key) * UINT64_C(0xbf58476d1ce4e5b9)) & mask;
        x ^= x >> shift;
        x = ((x ^ p->key >> 20) * UINT64_C(0x94d049bb133111eb)) & mask;
        x ^= x >> shift;
        x = ((x ^ p->key >> 40) * UINT64_C(0xbf58476d1ce4e5b9)) & mask;
        x ^= x >> shift;
    } while (x >= lines);
    return x;
}

static void run_accesses(synthetic *y, phase *p)
{
    const wl_syn_phase *s = &p->spec;
    while (y->left && y->n_blocks < TR_BATCH_BLOCKS && y->n_addrs < TR_BATCH_ADDRS) {
        uint64_t offset;
        if (s->kind == WL_SYN_STREAM) {
            offset = p->at;
            p->at = p->at + s->stride + 8 <= s->ws ? p->at + s->stride : 0;
        } else if (s->kind == WL_SYN_CHASE) {
            offset = next_line(p) * LINE;
        } else {
            offset = sim_random_below(&y->random, s->ws / 8) * 8;
        }
        y->addrs[y->n_addrs++] = p->data + offset;
        emit(y, p, rarer_is_due(p));
    }
}

static void run_branches(synthetic *y, phase *p)
{
    const wl_syn_phase *s = &p->spec;
    while (y->left && y->n_blocks + 3 <= TR_BATCH_BLOCKS) {
        bool by_chance = chance(y, s->entropy);
        bool taken = by_chance ? chance(y, s->taken) : p->pattern >> p->at % s->pattern & 1;
        emit(y, p, 0);
        emit(y, p, taken ? 2 : 1);
        if (s->targets)
            emit(y, p, 3 + (uint32_t)(by_chance ? sim_random_below(&y->random, s->targets) : p->at % s->targets));
        p->at++;
    }
}

static void run_simple(synthetic *y, phase *p)
{
    while (y->left && y->n_blocks < TR_BATCH_BLOCKS) {
        emit(y, p, (uint32_t)p->at);
        p->at = p->at + 1 < p->n_ids ? p->at + 1 : 0;
    }
}

static uint64_t footprint(const phase *p)
{
    switch (p->spec.kind) {
    case WL_SYN_STREAM:
    case WL_SYN_CHASE:
    case WL_SYN_RANDOM:
    case WL_SYN_CODE: return (p->spec.ws + 4095) & ~UINT64_C(4095);
    case WL_SYN_SLEEP:
    case WL_SYN_IO:
    case WL_SYN_YIELD: return 0;
    default: return 4096;
    }
}

static void begin_phase(synthetic *y, phase *p)
{
    y->begun = true;
    y->left = p->spec.insns;
    if (y->round == 0)
        y->touched += footprint(p);
}

static void end_phase(synthetic *y)
{
    y->begun = false;
    if (++y->current < y->phases->len)
        return;
    y->current = 0;
    y->round++;
    y->dead = y->spec.repeat && y->round >= y->spec.repeat;
}

/* Runs the present phase on; false once an event is to be told. */
static bool run(synthetic *y, insn_event *event)
{
    phase *p = &g_array_index(y->phases, phase, y->current);
    if (!y->begun)
        begin_phase(y, p);
    switch (p->spec.kind) {
    case WL_SYN_SLEEP: /* nanosleep */
        *event = (insn_event){ .kind = INSN_EVENT_SLEEP, .nr = 35, .arg0 = p->spec.amount };
        event->arg0 += p->spec.jitter ? sim_random_below(&y->jitter, p->spec.jitter + 1) : 0;
        break;
    case WL_SYN_IO: /* pwrite64, pread64 */
        *event = (insn_event){ .kind = INSN_EVENT_IO, .nr = p->spec.write ? 18 : 17, .arg0 = p->spec.amount, .arg1 = p->spec.write };
        break;
    case WL_SYN_YIELD: *event = (insn_event){ .kind = INSN_EVENT_YIELD, .nr = 24 }; break; /* sched_yield */
    case WL_SYN_BRANCH: run_branches(y, p); break;
    case WL_SYN_LOOP:
    case WL_SYN_CODE: run_simple(y, p); break;
    default: run_accesses(y, p);
    }
    bool over = event->kind != INSN_EVENT_NONE || y->left == 0;
    if (over)
        end_phase(y);
    return over && event->kind == INSN_EVENT_NONE && !y->dead;
}

static void synthetic_fill(insn_source *source, uint64_t now_ps, uint32_t limit, insn_batch *batch)
{
    (void)now_ps, (void)limit;
    synthetic *y = (synthetic *)(void *)source;
    y->n_blocks = y->n_addrs = 0;
    *batch = (insn_batch){ .blocks = y->blocks, .addrs = y->addrs, .event = { .kind = INSN_EVENT_NONE } };
    while (!y->dead && run(y, &batch->event))
        ;
    batch->n_blocks = y->n_blocks;
    batch->n_addrs = y->n_addrs;
    if (y->dead && batch->event.kind == INSN_EVENT_NONE)
        batch->event = (insn_event){ .kind = INSN_EVENT_END, .nr = 231 }; /* exit_group */
}

/* ---- life ------------------------------------------------------------------------------------------------------------------- */

static void synthetic_report(const insn_source *source, wl_report *report)
{
    const synthetic *y = (const synthetic *)(const void *)source;
    *report = (wl_report){ .out = "", .err = "", .insns = y->insns, .touched_bytes = y->touched };
}

static void synthetic_free(insn_source *source)
{
    synthetic *y = (synthetic *)(void *)source;
    for (unsigned i = 0; i < y->phases->len; i++) {
        g_free(g_array_index(y->phases, phase, i).ids);
        g_free(g_array_index(y->phases, phase, i).insns);
    }
    g_array_unref(y->phases);
    wl_syn_clear(&y->spec);
    g_free(y->blocks);
    g_free(y->addrs);
    g_free(y);
}

bool wl_synthetic_check(const char *spec, GError **error)
{
    wl_syn_spec parsed;
    bool ok = wl_syn_parse(&parsed, spec, error);
    wl_syn_clear(&parsed);
    return ok;
}

insn_source *wl_synthetic_new(const char *name, const char *spec, uint64_t seed, insn_code *store, GError **error)
{
    return wl_synthetic_new_at(name, spec, seed, 0, store, error);
}

unsigned wl_synthetic_phases(const char *spec)
{
    wl_syn_spec parsed;
    unsigned n = wl_syn_parse(&parsed, spec, NULL) && parsed.repeat ? parsed.phases->len : 0;
    wl_syn_clear(&parsed);
    return n;
}

void wl_synthetic_restart(insn_source *source)
{
    synthetic *y = (synthetic *)(void *)source;
    y->spec.repeat = y->round + y->rounds;
    y->dead = false;
}

insn_source *wl_synthetic_new_at(const char *name, const char *spec, uint64_t seed, unsigned first, insn_code *store, GError **error)
{
    synthetic *y = g_new0(synthetic, 1);
    g_autofree char *stream = g_strconcat("synthetic/", name, NULL), *jitter = g_strconcat("synthetic-jitter/", name, NULL);
    y->source.base = (insn_source){ .code = store, .fill = synthetic_fill, .free = synthetic_free };
    y->source.report = synthetic_report;
    y->phases = g_array_new(FALSE, FALSE, sizeof(phase));
    y->blocks = g_new(uint32_t, TR_BATCH_BLOCKS);
    y->addrs = g_new(uint64_t, TR_BATCH_ADDRS + TR_ADDR_MARGIN);
    sim_random_init(&y->random, seed, stream);
    sim_random_init(&y->jitter, seed, jitter);
    bool ok = wl_syn_parse(&y->spec, spec, error);
    y->rounds = y->spec.repeat;
    for (unsigned i = 0; ok && i < y->spec.phases->len; i++) {
        ok = first + i < WL_SYN_PHASES_MAX && make_phase(y, &g_array_index(y->spec.phases, wl_syn_phase, i), first + i);
        if (!ok)
            g_set_error(error, SIM_ERROR, SIM_ERROR_INPUT, "synthetic: phase %u: the code store is full", i + 1);
    }
    if (ok)
        return &y->source.base;
    synthetic_free(&y->source.base);
    return NULL;
}
