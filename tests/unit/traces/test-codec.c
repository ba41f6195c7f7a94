/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Any stream comes back as it was, however unforeseeable. */
#include "support.h"

#include "tr-codec.h"

#include <string.h>

enum { BLOCKS = 40 };

static insn_block_facts facts[BLOCKS];
static uint64_t state;

static uint64_t next_random(void)
{
    state = state * UINT64_C(6364136223846793005) + 1442695040888963407u;
    return state >> 20;
}

static const insn_block_facts *get_facts(insn_code *code, uint32_t id)
{
    (void)code;
    return &facts[id];
}

static insn_code code = { .facts = get_facts };

/* A batch of random walks: mostly loops with strides, now and then anything. */
static void make_batch(insn_batch *batch, uint32_t *blocks, uint64_t *addrs, uint64_t *base)
{
    uint32_t id = (uint32_t)(next_random() % BLOCKS), n = 1 + (uint32_t)(next_random() % 1300), n_addrs = 0;
    for (uint32_t i = 0; i < n; i++) {
        blocks[i] = id;
        for (unsigned k = 0; k < facts[id].n_slots; k++) {
            uint64_t kind = next_random() % 8;
            base[k] = kind == 0 ? next_random() << (next_random() % 24) : base[k] + (kind < 6 ? 8 : kind == 6 ? 0 : (uint64_t)-72);
            addrs[n_addrs++] = base[k];
        }
        uint64_t way = next_random() % 16;
        id = way < 12 ? (id + 1) % 5 : way < 14 ? id : (uint32_t)(next_random() % BLOCKS);
    }
    *batch = (insn_batch){ .blocks = blocks, .addrs = addrs, .n_blocks = n, .n_addrs = n_addrs };
    if (next_random() % 2) {
        batch->event = (insn_event){
            .kind = INSN_EVENT_IO, .nr = (uint32_t)next_random(), .arg0 = UINT64_MAX - next_random(), .arg1 = 1, .ip = next_random(),
            .text = next_random() % 2 ? "reason" : NULL,
        };
    }
}

START_TEST(streams_come_back)
{
    g_autoptr(GByteArray) bytes = g_byte_array_new();
    g_autofree uint32_t *blocks = g_new(uint32_t, TR_BATCH_BLOCKS), *back = g_new(uint32_t, TR_BATCH_BLOCKS);
    g_autofree uint64_t *addrs = g_new(uint64_t, TR_BATCH_BLOCKS * 12), *back_addrs = g_new(uint64_t, TR_BATCH_BLOCKS * 12);
    uint64_t base[12] = { 0 };
    tr_codec in, out;
    tr_progress before = { 0 }, now = { 0 }, got = { 0 };
    state = (uint64_t)_i + 1;
    for (unsigned i = 0; i < BLOCKS; i++)
        facts[i] = (insn_block_facts){ .id = i, .n_slots = (uint16_t)(i % 13) };
    tr_codec_init(&in);
    tr_codec_init(&out);
    for (unsigned round = 0; round < 60; round++) {
        insn_batch batch, copy;
        make_batch(&batch, blocks, addrs, base);
        now.insns += next_random() % 1000;
        now.out_len += next_random() % 10;
        now.touched = next_random();
        now.reads_time = round > 30;
        g_byte_array_set_size(bytes, 0);
        for (unsigned n = tr_codec_meet(&in, &code, &batch); n; n--) {
            uint32_t id = in.blocks[in.n_blocks - n].id;
            tr_codec_add(&out, id, facts[id].n_slots);
        }
        if (round % 10 == 0) { /* a new chunk */
            tr_codec_begin(&in);
            tr_codec_begin(&out);
            before = got = (tr_progress){ 0 };
        }
        tr_codec_encode(&in, bytes, &batch, &now, &before);
        before = now;
        guint size = bytes->len;
        g_byte_array_set_size(bytes, size + TR_CODEC_SLACK);
        const uint8_t *end = tr_codec_decode(&out, bytes->data, bytes->data + size, back, back_addrs, &copy, &got);
        ck_assert_ptr_eq(end, bytes->data + size);
        ck_assert_uint_eq(copy.n_blocks, batch.n_blocks);
        ck_assert_uint_eq(copy.n_addrs, batch.n_addrs);
        ck_assert_mem_eq(back, blocks, sizeof *blocks * batch.n_blocks);
        ck_assert_mem_eq(back_addrs, addrs, sizeof *addrs * batch.n_addrs);
        ck_assert_mem_eq(&got, &now, sizeof now);
        ck_assert_str_eq(copy.event.text ? copy.event.text : "", batch.event.text ? batch.event.text : "");
        g_free((char *)copy.event.text);
        copy.event.text = batch.event.text = NULL;
        ck_assert(copy.event.kind == batch.event.kind && copy.event.nr == batch.event.nr && copy.event.arg0 == batch.event.arg0
                  && copy.event.arg1 == batch.event.arg1 && copy.event.ip == batch.event.ip);
    }
    tr_codec_clear(&in);
    tr_codec_clear(&out);
}
END_TEST

TCase *codec_tests(void)
{
    TCase *t = tcase_create("codec");
    tcase_add_loop_test(t, streams_come_back, 0, 8);
    return t;
}
