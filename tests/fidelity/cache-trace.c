/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A recorded guest through a machine's caches, without a VMM: cache-trace TRACE MACHINE. Prints instructions, and the misses of D1, I1 and the last level. */
#include "cpu-core.h"
#include "tr-reader.h"

#include <inttypes.h>
#include <stdio.h>

int main(int argc, char **argv)
{
    g_autoptr(GError) error = NULL;
    if (argc != 3) {
        fprintf(stderr, "usage: cache-trace TRACE MACHINE\n");
        return 2;
    }
    g_autoptr(cpu_machine) machine = cpu_machine_load(argv[2], NULL, &error);
    tr_reader *r = machine ? tr_reader_open(argv[1], &error) : NULL;
    if (!r) {
        fprintf(stderr, "cache-trace: %s\n", error->message);
        return 1;
    }
    insn_code *code = cpu_code_new();
    tr_reader_start(r, code, false);
    cpu_complex *complex = cpu_complex_new(machine);
    cpu_space *space = cpu_space_new(code, 1);
    cpu_lp *lp = cpu_complex_lp(complex, 0);
    insn_batch batch;
    tr_progress now = {0};
    int got;
    cpu_lp_start(lp, space);
    while ((got = tr_reader_next(r, &batch, &now, &error)) > 0) {
        cpu_lp_feed(lp, &batch, 0, 0);
        cpu_lp_run(lp, UINT64_MAX);
    }
    cpu_lp_stop(lp);
    uint64_t c[SIM_EV_COUNT];
    cpu_lp_counts(lp, c);
    printf("%" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 "\n", c[SIM_EV_INSTRUCTIONS], c[SIM_EV_L1D_LOAD_MISSES] + c[SIM_EV_L1D_STORE_MISSES],
           c[SIM_EV_L1I_MISSES], c[SIM_EV_LLC_MISSES]);
    cpu_complex_free(complex);
    cpu_space_free(space);
    tr_reader_free(r);
    cpu_code_free(code);
    if (got < 0)
        fprintf(stderr, "cache-trace: %s\n", error->message);
    return got < 0;
}
