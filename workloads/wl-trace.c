/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "wl-trace.h"

#include <string.h>

/* An x86 page: accesses that cross one come from Unicorn as three loads (the whole, and the two aligned words
 * around the border), or as one store. */
#define PAGE UINT64_C(4096)
#define MAX_ACCESSES ((unsigned)TR_ADDR_MARGIN)

void wl_trace_init(wl_trace *t, insn_code *code)
{
    memset(t, 0, sizeof *t);
    t->code = code;
    t->addrs = g_new(uint64_t, TR_BATCH_ADDRS + TR_ADDR_MARGIN);
    t->tags = g_new(uint8_t, TR_BATCH_ADDRS + TR_ADDR_MARGIN);
    t->blocks = g_new(uint32_t, TR_BATCH_BLOCKS);
    t->cur = t->open_at = t->addrs;
    t->end = t->addrs + TR_BATCH_ADDRS + TR_ADDR_MARGIN;
    t->insns_stop = UINT64_MAX;
    t->gather = g_new(uint16_t, TR_ADDR_MARGIN);
    t->seen = g_new(insn_access, TR_ADDR_MARGIN);
    t->sorted = g_new(uint64_t, TR_ADDR_MARGIN);
    t->table_mask = 1023;
    t->table = g_new0(wl_block *, t->table_mask + 1);
}

static void free_block(gpointer data)
{
    wl_block *b = data;
    g_free(b->gather);
    g_free(b->code);
    g_free(b);
}

void wl_trace_forget(wl_trace *t)
{
    if (t->all)
        g_ptr_array_free(t->all, TRUE);
    t->all = NULL;
    memset(t->table, 0, sizeof *t->table * (t->table_mask + 1));
    t->n_table = 0;
    t->open = t->last = NULL;
}

void wl_trace_clear(wl_trace *t)
{
    wl_trace_forget(t);
    g_free(t->table);
    g_free(t->addrs);
    g_free(t->tags);
    g_free(t->blocks);
    g_free(t->gather);
    g_free(t->seen);
    g_free(t->sorted);
}

void wl_trace_begin(wl_trace *t, uint32_t max_blocks)
{
    t->cur = t->open_at = t->addrs;
    t->n_blocks = 0;
    t->max_blocks = CLAMP(max_blocks, 1, TR_BATCH_BLOCKS);
}

/* ---- the table ------------------------------------------------------------------------------------------------- */

static uint32_t hash(uint64_t addr, uint32_t size)
{
    return (uint32_t)(((addr + ((uint64_t)size << 40)) * UINT64_C(0x9e3779b97f4a7c15)) >> 32);
}

wl_block *wl_trace_find(const wl_trace *t, uint64_t addr, uint32_t size)
{
    for (uint32_t i = hash(addr, size);; i++) {
        wl_block *b = t->table[i & t->table_mask];
        if (!b || (b->addr == addr && b->size == size))
            return b;
    }
}

static void insert(wl_trace *t, wl_block *b)
{
    uint32_t i = hash(b->addr, b->size);
    while (t->table[i & t->table_mask])
        i++;
    t->table[i & t->table_mask] = b;
    t->n_table++;
}

static void rebuild(wl_trace *t, uint32_t mask, const wl_block *without)
{
    wl_block **old = t->table;
    uint32_t n = t->table_mask + 1;
    t->table = g_new0(wl_block *, mask + 1);
    t->table_mask = mask;
    t->n_table = 0;
    for (uint32_t i = 0; i < n; i++)
        if (old[i] && old[i] != without)
            insert(t, old[i]);
    g_free(old);
}

void wl_trace_drop(wl_trace *t, wl_block *b)
{
    b->size = 0; /* matches no look-up any more, by table or as a successor */
    rebuild(t, t->table_mask, b);
}

static wl_block *new_block(wl_trace *t, uint64_t addr, const uint8_t *bytes, uint32_t size, bool again, bool writable)
{
    const insn_block_facts *f = t->code->define(t->code, addr, bytes, (uint16_t)size, again ? INSN_BLOCK_REP_AGAIN : 0, NULL, 0);
    if (!f) {
        t->failed = true;
        return NULL;
    }
    wl_block *b = g_new0(wl_block, 1);
    b->addr = addr;
    b->size = size;
    b->id = f->id;
    b->n_raw = WL_UNLEARNED;
    b->n_slots = f->n_slots;
    b->n_insns = f->n_insns;
    b->rep_at = f->ends_with_rep ? addr + f->last_at : WL_NO_REP;
    b->facts = f;
    b->is_again = again;
    b->code = g_memdup2(bytes, size);
    b->writable = writable;
    if (!t->all)
        t->all = g_ptr_array_new_with_free_func(free_block);
    g_ptr_array_add(t->all, b);
    t->n_new++;
    return b;
}

wl_block *wl_trace_add(wl_trace *t, uint64_t addr, const uint8_t *bytes, uint32_t size, bool again, bool writable)
{
    wl_block *b = new_block(t, addr, bytes, size, again, writable);
    if (!b)
        return NULL;
    if (t->n_table * 2 > t->table_mask)
        rebuild(t, t->table_mask * 2 + 1, NULL);
    insert(t, b);
    return b;
}

wl_block *wl_trace_again(wl_trace *t, wl_block *b)
{
    if (b->is_again)
        return b;
    if (!b->again) {
        uint32_t at = (uint32_t)(b->rep_at - b->addr);
        b->again = new_block(t, b->rep_at, b->code + at, b->size - at, true, b->writable);
    }
    return b->again;
}

/* ---- callbacks to slots ----------------------------------------------------------------------------------------- */

typedef struct {
    const uint64_t *addrs;
    const uint8_t *tags;
    unsigned n;
} raws;

static raws open_raws(const wl_trace *t)
{
    return (raws){ t->open_at, t->tags + (t->open_at - t->addrs), MIN((unsigned)(t->cur - t->open_at), MAX_ACCESSES) };
}

static unsigned raw_size(const raws *r, unsigned i)
{
    return r->tags[i] & ~WL_RAW_WRITE;
}

static bool is_write(const raws *r, unsigned i)
{
    return r->tags[i] & WL_RAW_WRITE;
}

/* Callbacks of one load or store of `size` bytes that start at i: 0 when there is none. Emulators split what is
 * wider than 8 bytes into ascending parts. */
static unsigned take_one(const raws *r, unsigned i, unsigned size, bool write)
{
    unsigned got = 0, k = i;
    while (k < r->n && is_write(r, k) == write && got < size && r->addrs[k] == r->addrs[i] + got) {
        unsigned s = raw_size(r, k);
        uint64_t at = r->addrs[k];
        got += s;
        k++;
        if (!write && s > 1 && at % PAGE + s > PAGE && k + 1 < r->n && !is_write(r, k) && !is_write(r, k + 1)
            && r->addrs[k] == (at & ~(uint64_t)(s - 1)) && r->addrs[k + 1] == r->addrs[k] + s)
            k += 2;
    }
    return got == size ? k - i : 0;
}

static unsigned take_slot(const raws *r, unsigned i, const insn_access *slot)
{
    unsigned n = 0;
    if (slot->flags & INSN_ACCESS_LOAD) {
        n = take_one(r, i, slot->size, false);
        if (!n || !(slot->flags & INSN_ACCESS_STORE))
            return n;
    }
    unsigned m = i + n < r->n && (!n || r->addrs[i + n] == r->addrs[i]) ? take_one(r, i + n, slot->size, true) : 0;
    return m ? n + m : 0;
}

/* Maps callbacks to the decoded slots, in order and completely. */
static bool match(const raws *r, const insn_access *slots, unsigned n_slots, uint16_t *gather, bool *crossing)
{
    unsigned at = 0;
    *crossing = false;
    for (unsigned s = 0; s < n_slots; s++) {
        unsigned n = take_slot(r, at, &slots[s]);
        if (!n)
            return false;
        for (unsigned i = at; i < at + n; i++)
            *crossing |= r->addrs[i] % PAGE + raw_size(r, i) > PAGE;
        gather[s] = (uint16_t)at;
        at += n;
    }
    return at == r->n;
}

/* The same callbacks in another order than decoding says (cmps loads its second operand first in some emulators). */
static bool match_permuted(const raws *r, const insn_access *slots, unsigned n_slots, uint16_t *gather)
{
    bool used[256] = { false };
    unsigned left = r->n;
    if (r->n > G_N_ELEMENTS(used))
        return false;
    for (unsigned s = 0; s < n_slots; s++) {
        unsigned i = 0, n = 0;
        for (; i < r->n && !n; i++)
            n = used[i] ? 0 : take_slot(r, i, &slots[s]);
        if (!n)
            return false;
        gather[s] = (uint16_t)(i - 1);
        for (unsigned k = 0; k < n; k++) {
            if (used[i - 1 + k])
                return false;
            used[i - 1 + k] = true;
        }
        left -= n;
    }
    return left == 0;
}

/* What was seen, as accesses: those that decoding expects where they fit in order, the rest as they came. */
static unsigned list_seen(const raws *r, const insn_access *slots, unsigned n_slots, insn_access *seen, uint16_t *gather)
{
    unsigned n_seen = 0, expected = 0;
    for (unsigned at = 0; at < r->n; n_seen++) {
        unsigned n = 0, s = expected;
        for (; s < n_slots && !n; s++)
            n = take_slot(r, at, &slots[s]);
        gather[n_seen] = (uint16_t)at;
        if (n) {
            seen[n_seen] = slots[s - 1];
            expected = s;
        } else {
            n = 1;
            seen[n_seen] = (insn_access){
                .size = (uint16_t)raw_size(r, at), .flags = is_write(r, at) ? INSN_ACCESS_STORE : INSN_ACCESS_LOAD,
                .insn = expected ? slots[expected - 1].insn : 0,
            };
        }
        at += n;
    }
    return n_seen;
}

/* ---- finishing -------------------------------------------------------------------------------------------------- */

static void hand_out(wl_trace *t, const insn_block_facts *f, const uint16_t *gather)
{
    for (unsigned i = 0; i < f->n_slots; i++)
        t->sorted[i] = t->open_at[gather[i]];
    memcpy(t->open_at, t->sorted, sizeof *t->sorted * f->n_slots);
    t->cur = t->open_at + f->n_slots;
    t->blocks[t->n_blocks++] = f->id;
    t->insns += f->n_insns;
}

static void learn(wl_block *b, const insn_block_facts *f, const uint16_t *gather, unsigned n_raw)
{
    bool identity = f->n_slots == n_raw;
    b->permuted = false;
    for (unsigned i = 0; i < f->n_slots; i++) {
        identity &= gather[i] == i;
        b->permuted |= gather[i] < i || (i && gather[i] <= gather[i - 1]);
    }
    g_free(b->gather);
    b->gather = identity ? NULL : g_memdup2(gather, sizeof *gather * f->n_slots);
    b->n_raw = n_raw;
    b->n_slots = f->n_slots;
    b->n_insns = f->n_insns;
    b->id = f->id;
}

void wl_trace_finish_slow(wl_trace *t)
{
    uint16_t *gather = t->gather;
    wl_block *b = t->open;
    const insn_block_facts *f = b->facts;
    const raws r = open_raws(t);
    bool crossing = false;
    t->last = b;
    t->open = NULL;
    if (b->is_again && r.n == 0)
        return; /* the emulator enters a rep instruction once more to find the count at zero: no iteration */
    if (f->n_slots <= MAX_ACCESSES
        && (match(&r, f->slots, f->n_slots, gather, &crossing) || match_permuted(&r, f->slots, f->n_slots, gather))) {
        if (!crossing)
            learn(b, f, gather, r.n);
        hand_out(t, f, gather);
        return;
    }
    unsigned n_seen = list_seen(&r, f->slots, f->n_slots, t->seen, gather);
    const insn_block_facts *v = t->code->define(t->code, b->addr, b->code, (uint16_t)b->size,
                                                b->is_again ? INSN_BLOCK_REP_AGAIN : 0, t->seen, n_seen);
    if (!v) {
        t->failed = true;
        return;
    }
    /* A block that never behaves as decoded is taken as it is; not a rep, whose count varies. */
    if (b->n_raw == WL_UNLEARNED && b->rep_at == WL_NO_REP)
        learn(b, v, gather, r.n);
    hand_out(t, v, gather);
}

int wl_trace_insn(const wl_trace *t)
{
    if (!t->open)
        return -1;
    const insn_block_facts *f = t->open->facts;
    const raws r = open_raws(t);
    unsigned at = 0, s = 0, n;
    while (s < f->n_slots && at < r.n && (n = take_slot(&r, at, &f->slots[s])) > 0) {
        at += n;
        s++;
    }
    /* What is left over are parts of the access itself. */
    return s < f->n_slots && r.n - at < 3 && f->slots[s].insn < UINT8_MAX ? f->slots[s].insn : -1;
}

void wl_trace_finish_fault(wl_trace *t, uint64_t ip)
{
    uint16_t *gather = t->gather;
    const wl_block *b = t->open;
    t->open = t->last = NULL;
    if (!b)
        return;
    if (ip <= b->addr || ip - b->addr >= b->size) {
        t->cur = t->open_at;
        return;
    }
    const insn_block_facts *f = t->code->define(t->code, b->addr, b->code, (uint16_t)(ip - b->addr), 0, NULL, 0);
    const raws r = open_raws(t);
    unsigned at = 0, s = 0;
    for (; f && f->n_slots <= MAX_ACCESSES && s < f->n_slots; s++) {
        unsigned n = take_slot(&r, at, &f->slots[s]);
        if (!n)
            break;
        gather[s] = (uint16_t)at;
        at += n;
    }
    if (f && s == f->n_slots)
        hand_out(t, f, gather);
    else
        t->cur = t->open_at;
}

void wl_trace_emit(wl_trace *t, const insn_block_facts *f)
{
    t->blocks[t->n_blocks++] = f->id;
    t->insns += f->n_insns;
    t->last = NULL;
}
