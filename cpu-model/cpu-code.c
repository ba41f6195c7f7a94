/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cpu-code.h"

#include <stdatomic.h>
#include <string.h>

/* Blocks live in segments that never move, so that readers need no lock: an id is handed out only after its
 * block is in place. */
enum { SEGMENT_BITS = 10, SEGMENT = 1 << SEGMENT_BITS, MAX_SEGMENTS = 1 << 12 };

typedef struct {
    insn_code base;
    GMutex lock;
    cpu_block *segments[MAX_SEGMENTS];
    _Atomic uint32_t count;
    uint32_t unknown;
    cpu_block **buckets;
    uint32_t n_buckets; /* a power of two */
} code_store;

static uint32_t bucket_of(const code_store *s, uint64_t addr, uint16_t size)
{
    uint64_t h = (addr ^ ((uint64_t)size << 48)) * UINT64_C(0x9e3779b97f4a7c15);
    return (uint32_t)(h >> 32) & (s->n_buckets - 1);
}

static void grow(code_store *s)
{
    uint32_t old_n = s->n_buckets;
    cpu_block **old = s->buckets;
    s->n_buckets = old_n * 2;
    s->buckets = g_new0(cpu_block *, s->n_buckets);
    for (uint32_t i = 0; i < old_n; i++)
        for (cpu_block *b = old[i], *next; b; b = next) {
            next = b->next;
            cpu_block **bucket = &s->buckets[bucket_of(s, b->facts.addr, b->facts.code_bytes)];
            b->next = *bucket;
            *bucket = b;
        }
    g_free(old);
}

static bool same_accesses(const cpu_block *b, const insn_access *seen, unsigned n_seen)
{
    if (!seen)
        return !b->variant;
    if (!b->variant || b->facts.n_slots != n_seen)
        return false;
    for (unsigned i = 0; i < n_seen; i++)
        if (b->slots[i].size != seen[i].size || b->slots[i].flags != seen[i].flags || b->slots[i].insn != seen[i].insn)
            return false;
    return true;
}

static const insn_block_facts *store_define(insn_code *code, uint64_t addr, const uint8_t *bytes, uint16_t size,
                                            unsigned flags, const insn_access *seen, unsigned n_seen)
{
    code_store *s = (code_store *)code;
    if (flags & INSN_BLOCK_ABSTRACT && !insn_abstract_valid(bytes, size))
        return NULL;
    g_mutex_lock(&s->lock);
    cpu_block **bucket = &s->buckets[bucket_of(s, addr, size)];
    cpu_block *b = *bucket;
    while (b && !(b->facts.addr == addr && b->facts.code_bytes == size && b->flags == flags &&
                  same_accesses(b, seen, n_seen) && memcmp(b->bytes, bytes, size) == 0))
        b = b->next;
    if (!b) {
        uint32_t id = atomic_load_explicit(&s->count, memory_order_relaxed);
        if (id == (uint32_t)MAX_SEGMENTS * SEGMENT) {
            g_mutex_unlock(&s->lock);
            return NULL;
        }
        cpu_block **segment = &s->segments[id >> SEGMENT_BITS];
        if (!*segment)
            *segment = g_new0(cpu_block, SEGMENT);
        b = &(*segment)[id & (SEGMENT - 1)];
        cpu_decode_block(b, addr, bytes, size, flags, seen, n_seen);
        b->facts.id = id;
        b->next = *bucket;
        *bucket = b;
        s->unknown += b->unknown;
        atomic_store_explicit(&s->count, id + 1, memory_order_release);
        if (id > s->n_buckets)
            grow(s);
    }
    g_mutex_unlock(&s->lock);
    return &b->facts;
}

static const insn_block_facts *store_facts(insn_code *code, uint32_t id)
{
    return &cpu_code_block(code, id)->facts;
}

static bool store_instruction(insn_code *code, uint32_t id, unsigned index, insn_instruction *out)
{
    return cpu_describe(cpu_code_block(code, id), index, out);
}

insn_code *cpu_code_new(void)
{
    code_store *s = g_new0(code_store, 1);
    s->base.define = store_define;
    s->base.facts = store_facts;
    s->base.instruction = store_instruction;
    g_mutex_init(&s->lock);
    s->n_buckets = 1024;
    s->buckets = g_new0(cpu_block *, s->n_buckets);
    return &s->base;
}

void cpu_code_free(insn_code *code)
{
    if (!code)
        return;
    code_store *s = (code_store *)code;
    uint32_t n = cpu_code_count(code);
    for (uint32_t id = 0; id < n; id++)
        cpu_block_clear(&s->segments[id >> SEGMENT_BITS][id & (SEGMENT - 1)]);
    for (unsigned i = 0; i < MAX_SEGMENTS; i++)
        g_free(s->segments[i]);
    g_free(s->buckets);
    g_mutex_clear(&s->lock);
    g_free(s);
}

const cpu_block *cpu_code_block(const insn_code *code, uint32_t id)
{
    const code_store *s = (const code_store *)code;
    return &s->segments[id >> SEGMENT_BITS][id & (SEGMENT - 1)];
}

uint32_t cpu_code_count(const insn_code *code)
{
    return atomic_load_explicit(&((code_store *)(uintptr_t)code)->count, memory_order_acquire);
}

uint32_t cpu_code_unknown(const insn_code *code)
{
    return ((const code_store *)code)->unknown;
}
