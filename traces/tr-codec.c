/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tr-codec.h"

#include <string.h>

enum { KIND_FIRST, KIND_SECOND, KIND_ID, RUN_ESCAPE = 7, MASK_BITS = 3, MAX_TEXT = 4096 };

void tr_codec_init(tr_codec *c)
{
    memset(c, 0, sizeof *c);
    c->max_blocks = 256;
    c->blocks = g_new0(struct tr_codec_block, c->max_blocks);
    c->n_blocks = 1;
    c->max_slots = 1024;
    c->slots = g_new0(struct tr_codec_slot, c->max_slots);
}

void tr_codec_clear(tr_codec *c)
{
    g_free(c->blocks);
    g_free(c->slots);
    g_free(c->numbers);
}

static struct tr_codec_block *add(tr_codec *c)
{
    if (c->n_blocks == c->max_blocks)
        c->blocks = g_renew(struct tr_codec_block, c->blocks, c->max_blocks *= 2);
    struct tr_codec_block *b = &c->blocks[c->n_blocks];
    *b = (struct tr_codec_block){ .slots = c->n_slots, .next = { c->n_blocks, c->n_blocks } };
    c->n_blocks++;
    return b;
}

void tr_codec_add(tr_codec *c, uint32_t id, uint16_t n_slots)
{
    struct tr_codec_block *b = add(c);
    b->id = id;
    b->n_slots = n_slots;
    b->defined = true;
    c->n_slots += n_slots;
    if (c->n_slots > c->max_slots) {
        uint32_t n = c->n_slots + c->n_slots / 2;
        c->slots = g_renew(struct tr_codec_slot, c->slots, n);
        memset(c->slots + c->max_slots, 0, sizeof *c->slots * (n - c->max_slots));
        c->max_slots = n;
    }
}

void tr_codec_add_undefined(tr_codec *c)
{
    add(c);
}

void tr_codec_begin(tr_codec *c)
{
    c->current = 0;
    for (uint32_t i = 0; i < c->n_blocks; i++)
        c->blocks[i].next[0] = c->blocks[i].next[1] = i;
    memset(c->slots, 0, sizeof *c->slots * c->n_slots);
}

static G_GNUC_NO_INLINE void number(tr_codec *c, insn_code *code, uint32_t id)
{
    if (id >= c->max_numbers) {
        uint32_t n = MAX(id + 1, MAX(c->max_numbers * 2, 1024));
        c->numbers = g_renew(uint32_t, c->numbers, n);
        memset(c->numbers + c->max_numbers, 0, sizeof *c->numbers * (n - c->max_numbers));
        c->max_numbers = n;
    }
    c->numbers[id] = c->n_blocks;
    tr_codec_add(c, id, code->facts(code, id)->n_slots);
}

unsigned tr_codec_meet(tr_codec *c, insn_code *code, const insn_batch *batch)
{
    uint32_t before = c->n_blocks;
    for (uint32_t i = 0; i < batch->n_blocks; i++) {
        uint32_t id = batch->blocks[i];
        if (G_UNLIKELY(id >= c->max_numbers || !c->numbers[id]))
            number(c, code, id);
    }
    return c->n_blocks - before;
}

static inline void follow(struct tr_codec_block *from, uint32_t id)
{
    if (from->next[0] != id) {
        from->next[1] = from->next[0];
        from->next[0] = id;
    }
}

static inline void correct(struct tr_codec_slot *s, int64_t d)
{
    int32_t near = d == (int32_t)d ? (int32_t)d : 0;
    if (near == s->candidate)
        s->stride = near;
    s->candidate = near;
    s->last += (uint64_t)d;
}

/* ---- numbers ---------------------------------------------------------------------------------------------------- */

static inline uint8_t *put_number(uint8_t *p, uint64_t v)
{
    unsigned bits = 64 - (unsigned)__builtin_clzll(v | 1), n = (bits + 6) / 7;
    if (n > 8) {
        *p++ = 0;
        memcpy(p, &v, 8);
        return p + 8;
    }
    uint64_t w = (v << n) | (UINT64_C(1) << (n - 1));
    memcpy(p, &w, 8); /* beyond the n bytes: slack */
    return p + n;
}

static inline const uint8_t *get_number(const uint8_t *p, uint64_t *v)
{
    uint64_t w;
    memcpy(&w, p, 8);
    if (G_LIKELY(w & 0xff)) {
        unsigned n = (unsigned)__builtin_ctzll(w) + 1;
        *v = (w << (64 - 8 * n)) >> (64 - 7 * n);
        return p + n;
    }
    memcpy(v, p + 1, 8);
    return p + 9;
}

static inline uint64_t zigzag(int64_t d)
{
    return ((uint64_t)d << 1) ^ (uint64_t)(d >> 63);
}

static inline int64_t unzigzag(uint64_t z)
{
    return (int64_t)(z >> 1) ^ -(int64_t)(z & 1);
}

/* ---- encoding --------------------------------------------------------------------------------------------------- */

/* With the final zero; a longer text is cut. */
static size_t text_size(const insn_event *e)
{
    return e->text ? strnlen(e->text, MAX_TEXT - 1) + 1 : 0;
}

static uint8_t *put_header(uint8_t *p, const insn_batch *batch, const tr_progress *now, const tr_progress *before)
{
    const insn_event *e = &batch->event;
    const uint64_t numbers[] = {
        batch->n_blocks, batch->n_addrs, e->kind, e->nr, e->arg0, e->arg1, e->ip, text_size(e),
        now->out_len - before->out_len, now->err_len - before->err_len, now->insns - before->insns,
        zigzag((int64_t)(now->touched - before->touched)), now->n_missing - before->n_missing, now->last_missing, now->reads_time,
    };
    for (unsigned i = 0; i < G_N_ELEMENTS(numbers); i++)
        p = put_number(p, numbers[i]);
    return p;
}

/* The model's tables, apart from the codec, so that writing bytes does not make the compiler load them anew. */
typedef struct {
    struct tr_codec_block *blocks;
    struct tr_codec_slot *slots;
} tables;

static inline uint8_t *put_slots(uint8_t *p, struct tr_codec_slot *s, unsigned n, const uint64_t *addrs, uint8_t *control)
{
    uint8_t *mask = control;
    unsigned shift = 2;
    if (n > MASK_BITS) {
        mask = p;
        shift = 0;
        p += (n + 7) / 8;
        memset(mask, 0, (size_t)(p - mask));
    }
    for (unsigned i = 0; i < n; i++, s++) {
        if (addrs[i] == s->last + (uint64_t)(int64_t)s->stride) {
            s->last = addrs[i];
            continue;
        }
        int64_t d = (int64_t)(addrs[i] - s->last);
        mask[(i + shift) / 8] |= (uint8_t)(1u << ((i + shift) % 8));
        p = put_number(p, zigzag(d));
        correct(s, d);
    }
    return p;
}

static inline uint8_t *put_block(uint8_t *p, tables t, uint32_t current, uint32_t id, const uint64_t *addrs, uint32_t run)
{
    struct tr_codec_block *from = &t.blocks[current], *b = &t.blocks[id];
    unsigned kind = id == from->next[0] ? KIND_FIRST : id == from->next[1] ? KIND_SECOND : KIND_ID;
    uint8_t *control = p++;
    if (run >= RUN_ESCAPE)
        p = put_number(p, run - RUN_ESCAPE);
    if (kind == KIND_ID)
        p = put_number(p, id - 1);
    *control = (uint8_t)(kind | MIN(run, RUN_ESCAPE) << 5);
    p = put_slots(p, &t.slots[b->slots], b->n_slots, addrs, control);
    follow(from, id);
    return p;
}

/* Whether a block comes as the model foresees; then the model has moved on. */
static inline bool foreseen(tables t, uint32_t current, uint32_t id, const uint64_t *addrs)
{
    const struct tr_codec_block *b = &t.blocks[id];
    struct tr_codec_slot *s = &t.slots[b->slots];
    unsigned n = b->n_slots;
    if (t.blocks[current].next[0] != id)
        return false;
    for (unsigned i = 0; i < n; i++)
        if (addrs[i] != s[i].last + (uint64_t)(int64_t)s[i].stride)
            return false;
    for (unsigned i = 0; i < n; i++)
        s[i].last = addrs[i];
    return true;
}

void tr_codec_encode(tr_codec *c, GByteArray *out, const insn_batch *batch, const tr_progress *now, const tr_progress *before)
{
    size_t text = text_size(&batch->event);
    guint start = out->len;
    /* The most a block can take: control, run, id, mask; each address 9 bytes and its mask bit. */
    g_byte_array_set_size(out, start + 256 + (guint)text + 32 * batch->n_blocks + 10 * batch->n_addrs);
    uint8_t *p = put_header(out->data + start, batch, now, before);
    if (text) {
        memcpy(p, batch->event.text, text - 1);
        p[text - 1] = 0;
    }
    p += text;
    const tables t = { c->blocks, c->slots };
    const uint32_t *numbers = c->numbers, *ids = batch->blocks;
    const uint64_t *addrs = batch->addrs;
    uint32_t run = 0, current = c->current;
    for (uint32_t i = 0, n = batch->n_blocks; i < n; i++) {
        uint32_t id = numbers[ids[i]];
        unsigned n_slots = t.blocks[id].n_slots;
        if (foreseen(t, current, id, addrs)) {
            run++;
        } else {
            p = put_block(p, t, current, id, addrs, run);
            run = 0;
        }
        current = id;
        addrs += n_slots;
    }
    c->current = current;
    if (run) {
        *p++ = (uint8_t)(MIN(run, RUN_ESCAPE) << 5);
        if (run >= RUN_ESCAPE)
            p = put_number(p, run - RUN_ESCAPE);
    }
    g_byte_array_set_size(out, (guint)(p - out->data));
}

/* ---- decoding --------------------------------------------------------------------------------------------------- */

static const uint8_t *get_header(const uint8_t *p, const uint8_t *end, insn_batch *batch, tr_progress *now)
{
    uint64_t v[15];
    for (unsigned i = 0; i < G_N_ELEMENTS(v); i++)
        p = get_number(p, &v[i]);
    if (v[0] > TR_BATCH_BLOCKS || v[1] > TR_BATCH_ADDRS + TR_ADDR_MARGIN || v[2] >= INSN_EVENT_COUNT || v[3] > UINT32_MAX
        || v[7] > MAX_TEXT || p > end || v[7] > (uint64_t)(end - p) || (v[7] && p[v[7] - 1] != 0) || v[13] > UINT32_MAX || v[14] > 1)
        return NULL;
    batch->n_blocks = (uint32_t)v[0];
    batch->n_addrs = (uint32_t)v[1];
    batch->event = (insn_event){ .kind = (insn_event_kind)v[2], .nr = (uint32_t)v[3], .arg0 = v[4], .arg1 = v[5], .ip = v[6] };
    if (v[7])
        batch->event.text = g_strndup((const char *)p, v[7] - 1);
    now->out_len += v[8];
    now->err_len += v[9];
    now->insns += v[10];
    now->touched += (uint64_t)unzigzag(v[11]);
    now->n_missing += v[12];
    now->last_missing = (uint32_t)v[13];
    now->reads_time = v[14];
    return p + v[7];
}

/* `run` blocks that came as foreseen, from *current on; NULL when those before the last one have addresses beyond `limit`. */
static inline uint64_t *get_run(tables t, uint32_t *current, uint32_t run, uint32_t *blocks, uint64_t *to, const uint64_t *limit)
{
    uint32_t id = *current;
    for (uint32_t i = 0; i < run; i++) {
        if (G_UNLIKELY(to > limit))
            return NULL;
        id = t.blocks[id].next[0];
        const struct tr_codec_block *b = &t.blocks[id];
        struct tr_codec_slot *s = &t.slots[b->slots];
        unsigned n = b->n_slots;
        blocks[i] = b->id;
        for (; n; n--, s++)
            *to++ = s->last += (uint64_t)(int64_t)s->stride;
    }
    *current = id;
    return to;
}

static inline const uint8_t *get_slot(const uint8_t *p, struct tr_codec_slot *s, bool told, uint64_t *to)
{
    if (told) {
        uint64_t z;
        p = get_number(p, &z);
        correct(s, unzigzag(z));
    } else {
        s->last += (uint64_t)(int64_t)s->stride;
    }
    *to = s->last;
    return p;
}

static inline const uint8_t *get_slots(struct tr_codec_slot *s, unsigned n, const uint8_t *p, unsigned control, uint64_t *to)
{
    if (n <= MASK_BITS) {
        for (unsigned i = 0; i < n; i++)
            p = get_slot(p, s++, control >> (2 + i) & 1, to++);
        return p;
    }
    const uint8_t *mask = p;
    p += (n + 7) / 8;
    for (unsigned i = 0; i < n; i++)
        p = get_slot(p, s++, mask[i / 8] >> (i % 8) & 1, to++);
    return p;
}

/* `left` blocks; NULL when what stands there is not that. `limit` leaves room for one block's addresses beyond. */
static const uint8_t *get_blocks(tr_codec *c, const uint8_t *p, const uint8_t *end, uint32_t left, uint32_t *blocks, uint64_t **addrs,
                                 const uint64_t *limit)
{
    const tables t = { c->blocks, c->slots };
    const uint32_t n_blocks = c->n_blocks;
    uint64_t *to = *addrs;
    uint32_t current = c->current;
    while (left) {
        if (G_UNLIKELY(p >= end))
            return NULL;
        unsigned control = *p++;
        uint64_t run = control >> 5, id;
        if (run == RUN_ESCAPE) {
            p = get_number(p, &run);
            run += RUN_ESCAPE;
        }
        if (G_UNLIKELY(run > left || (current == 0 && (run || (control & 3) != KIND_ID))))
            return NULL;
        to = get_run(t, &current, (uint32_t)run, blocks, to, limit);
        if (G_UNLIKELY(!to))
            return NULL;
        blocks += run;
        left -= (uint32_t)run;
        if (!left)
            break;
        if (G_UNLIKELY(to > limit))
            return NULL;
        if ((control & 3) == KIND_ID) {
            p = get_number(p, &id);
            if (G_UNLIKELY(++id >= n_blocks || id == 0 || !t.blocks[id].defined))
                return NULL;
        } else if (G_LIKELY((control & 3) != 3)) {
            id = t.blocks[current].next[control & 1];
        } else {
            return NULL;
        }
        follow(&t.blocks[current], (uint32_t)id);
        current = (uint32_t)id;
        const struct tr_codec_block *b = &t.blocks[id];
        unsigned n = b->n_slots;
        *blocks++ = b->id;
        left--;
        p = get_slots(&t.slots[b->slots], n, p, control, to);
        to += n;
    }
    c->current = current;
    *addrs = to;
    return p;
}

const uint8_t *tr_codec_decode(tr_codec *c, const uint8_t *p, const uint8_t *end, uint32_t *blocks, uint64_t *addrs, insn_batch *batch,
                               tr_progress *progress)
{
    uint64_t *to = addrs;
    p = get_header(p, end, batch, progress);
    if (!p)
        return NULL;
    batch->blocks = blocks;
    batch->addrs = addrs;
    p = get_blocks(c, p, end, batch->n_blocks, blocks, &to, addrs + TR_BATCH_ADDRS);
    if (p && p <= end && to == addrs + batch->n_addrs)
        return p;
    g_free((char *)batch->event.text);
    *batch = (insn_batch){ .event = { .kind = INSN_EVENT_NONE } };
    return NULL;
}
