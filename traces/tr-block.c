/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tr-block.h"

#include "tr-format.h"

#include <string.h>

void tr_block_put(GByteArray *out, const insn_block_facts *f)
{
    tr_block_header h = { .addr = f->addr, .code_bytes = f->code_bytes, .n_slots = f->n_slots, .flags = f->flags, .variant = f->variant };
    g_byte_array_append(out, (const guint8 *)&h, sizeof h);
    g_byte_array_append(out, f->code, f->code_bytes);
    for (unsigned i = 0; i < f->n_slots; i++) {
        tr_block_slot s = { .size = f->slots[i].size, .flags = f->slots[i].flags, .insn = f->slots[i].insn };
        g_byte_array_append(out, (const guint8 *)&s, sizeof s);
    }
}

static bool same_slots(const insn_block_facts *f, const insn_access *slots, unsigned n)
{
    if (f->n_slots != n)
        return false;
    for (unsigned i = 0; i < n; i++)
        if (f->slots[i].size != slots[i].size || f->slots[i].flags != slots[i].flags)
            return false;
    return true;
}

static const insn_block_facts *define(insn_code *code, const tr_block_header *h, const uint8_t *bytes, const insn_access *slots)
{
    const insn_block_facts *f = NULL;
    if (!h->variant)
        f = code->define(code, h->addr, bytes, h->code_bytes, h->flags, NULL, 0);
    if (h->variant || (f && !same_slots(f, slots, h->n_slots)))
        f = code->define(code, h->addr, bytes, h->code_bytes, h->flags, slots, h->n_slots);
    return f;
}

const insn_block_facts *tr_block_get(insn_code *code, const uint8_t **at, const uint8_t *end, const char **why)
{
    tr_block_header h;
    *why = "a block's definition is cut off";
    if ((size_t)(end - *at) < sizeof h)
        return NULL;
    memcpy(&h, *at, sizeof h);
    const uint8_t *bytes = *at + sizeof h;
    if ((size_t)(end - bytes) < h.code_bytes + h.n_slots * sizeof(tr_block_slot))
        return NULL;
    *why = "a block's definition is malformed";
    if (h.code_bytes == 0 || h.code_bytes > TR_BLOCK_BYTES_MAX || h.n_slots > TR_BLOCK_SLOTS_MAX || h.flags & ~(unsigned)INSN_BLOCK_FLAGS
        || h.variant > 1 || (h.flags & INSN_BLOCK_ABSTRACT && !insn_abstract_valid(bytes, h.code_bytes)))
        return NULL;
    insn_access slots[TR_BLOCK_SLOTS_MAX + 1] = { 0 };
    for (unsigned i = 0; i < h.n_slots; i++) {
        tr_block_slot s;
        memcpy(&s, bytes + h.code_bytes + i * sizeof s, sizeof s);
        if (s.flags == 0 || s.flags > (INSN_ACCESS_LOAD | INSN_ACCESS_STORE))
            return NULL;
        slots[i] = (insn_access){ .size = s.size, .flags = s.flags, .insn = s.insn };
    }
    const insn_block_facts *f = define(code, &h, bytes, slots);
    *why = "too many different blocks of code";
    if (f && f->n_slots != h.n_slots) {
        *why = "a block's definition has no meaning";
        return NULL;
    }
    *at = bytes + h.code_bytes + h.n_slots * sizeof(tr_block_slot);
    return f;
}
