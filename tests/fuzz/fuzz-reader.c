/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A trace file as it is: headers, index, scanning, salvage. */
#include "cpu-machine.h"
#include "fuzz.h"
#include "tr-reader.h"

enum { BATCHES = 64 };

static void read_all(const char *path, bool salvage, uint64_t from)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(tr_reader) r = tr_reader_open(path, &error);
    if (!r)
        return;
    insn_code *code = cpu_code_new();
    insn_batch batch;
    tr_progress now;
    tr_reader_start(r, code, salvage);
    if (tr_reader_seek(r, from, &error))
        for (unsigned i = 0; i < BATCHES && tr_reader_next(r, &batch, &now, error ? NULL : &error) > 0; i++)
            ;
    tr_reader_free(g_steal_pointer(&r));
    cpu_code_free(code);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *path = fuzz_file(data, size);
    read_all(path, false, 0);
    read_all(path, true, 1000);
    return 0;
}
