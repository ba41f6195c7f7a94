/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The insides of chunks: the input is a list of payloads (kind, two bytes of size, count, payload), from which a trace with right
 * checksums is made; it is read, and what it says is timed on two machines and described. */
#include "cpu-core.h"
#include "fuzz.h"
#include "tr-reader.h"

enum { BATCHES = 32, CYCLES = 200000 };

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
    g_autoptr(GByteArray) file = fuzz_trace(data, size);
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
