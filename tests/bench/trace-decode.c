/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reads and decodes a trace and does nothing with it: trace-decode TRACE. */
#include "cpu-machine.h"
#include "tr-reader.h"

#include <stdio.h>

int main(int argc, char **argv)
{
    g_autoptr(GError) error = NULL;
    insn_batch batch;
    tr_progress now = { 0 };
    uint64_t sum = 0;
    int got = -1;
    tr_reader *r = argc == 2 ? tr_reader_open(argv[1], &error) : NULL;
    insn_code *code = cpu_code_new();
    if (r) {
        tr_reader_start(r, code, false);
        while ((got = tr_reader_next(r, &batch, &now, &error)) > 0)
            sum += batch.n_blocks + batch.n_addrs;
    }
    if (got < 0)
        fprintf(stderr, "trace-decode: %s\n", error ? error->message : "which trace?");
    else
        printf("%" G_GUINT64_FORMAT " instructions, %" G_GUINT64_FORMAT " blocks and addresses\n", now.insns, sum);
    tr_reader_free(r);
    cpu_code_free(code);
    return got < 0;
}
