/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The insides of chunks: the input is a list of payloads (kind, two bytes of size, count, payload), from which a trace with right
 * checksums is made; it is read, and what it says is timed on two machines and described. */
#include "cpu-core.h"
#include "fuzz.h"
#include "tr-chunk.h"
#include "tr-reader.h"

#include <string.h>
#include <xxhash.h>

enum { BATCHES = 32, CYCLES = 200000 };

static void put_header(GByteArray *file)
{
    tr_header h = { .magic = TR_MAGIC, .version_major = TR_VERSION_MAJOR, .isa = TR_ISA_X86_64, .header_bytes = sizeof h };
    h.hash = XXH64(&h, offsetof(tr_header, hash), 0);
    g_byte_array_append(file, (const guint8 *)&h, sizeof h);
}

static GByteArray *make_trace(const uint8_t *data, size_t size)
{
    GByteArray *file = g_byte_array_new();
    tr_packer *packer = tr_packer_new();
    uint32_t defined = 0, number = 0;
    put_header(file);
    while (size >= 4) {
        size_t n = MIN((size_t)(data[1] | data[2] << 8), size - 4);
        tr_chunk_header h = { .kind = data[0] & 7, .count = data[3], .number = number++ };
        h.first = h.kind == TR_CHUNK_CODE ? defined : 0;
        defined += h.kind == TR_CHUNK_CODE ? h.count : 0;
        size_t stored;
        const uint8_t *chunk = tr_packer_pack(packer, &h, data + 4, n, &stored);
        g_byte_array_append(file, chunk, (guint)stored);
        data += 4 + n;
        size -= 4 + n;
    }
    tr_packer_free(packer);
    return file;
}

static void time_batch(cpu_complex *x, cpu_space *space, const insn_batch *batch)
{
    cpu_lp *lp = cpu_complex_lp(x, 0);
    cpu_lp_start(lp, space);
    cpu_lp_feed(lp, batch, 0, 0);
    cpu_lp_run(lp, cpu_lp_clock(lp) + (uint64_t)CYCLES * CPU_SUB);
    cpu_lp_stop(lp);
}

static void describe(insn_code *code, const insn_batch *batch)
{
    insn_instruction i;
    for (uint32_t b = 0; b < MIN(batch->n_blocks, 8u); b++)
        for (unsigned k = 0; k < 16 && code->instruction(code, batch->blocks[b], k, &i); k++)
            g_assert(i.first_slot + i.n_slots <= code->facts(code, batch->blocks[b])->n_slots);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static cpu_machine *machines[2];
    if (!machines[0]) {
        machines[0] = cpu_machine_load("skylake", NULL, NULL);
        machines[1] = cpu_machine_load("atom-bonnell", NULL, NULL);
        g_assert(machines[0] && machines[1]);
    }
    g_autoptr(GByteArray) file = make_trace(data, size);
    g_autoptr(tr_reader) r = tr_reader_open(fuzz_file(file->data, file->len), NULL);
    if (!r)
        return 0;
    insn_code *code = cpu_code_new();
    cpu_complex *x = cpu_complex_new(machines[size & 1]);
    cpu_space *space = cpu_space_new(code, 1);
    insn_batch batch;
    tr_progress now;
    tr_reader_start(r, code, true);
    for (unsigned i = 0; i < BATCHES && tr_reader_next(r, &batch, &now, NULL) > 0; i++) {
        describe(code, &batch);
        time_batch(x, space, &batch);
    }
    cpu_complex_free(x);
    cpu_space_free(space);
    tr_reader_free(g_steal_pointer(&r));
    cpu_code_free(code);
    return 0;
}
