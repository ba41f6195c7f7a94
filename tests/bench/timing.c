/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Speed of the timing model alone, fed from memory: timing TRACE MACHINE [KEY=VALUE...]. Decodes a batch, times only what the model does with it. */
#include "cpu-core.h"
#include "sim-error.h"
#include "tr-reader.h"

#include <stdio.h>
#include <time.h>

static double seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

int main(int argc, char **argv)
{
    g_autoptr(GError) error = NULL;
    insn_batch batch;
    tr_progress now = {0};
    if (argc < 3) {
        fprintf(stderr, "usage: timing TRACE MACHINE [KEY=VALUE...]\n");
        return 2;
    }
    g_autoptr(cpu_machine) machine = cpu_machine_load(argv[2], (const char *const *)argv + 3, &error);
    tr_reader *r = machine ? tr_reader_open(argv[1], &error) : NULL;
    if (!r) {
        fprintf(stderr, "timing: %s\n", error->message);
        return 1;
    }
    insn_code *code = cpu_code_new();
    tr_reader_start(r, code, false);
    cpu_complex *complex = cpu_complex_new(machine);
    cpu_space *space = cpu_space_new(code, 1);
    cpu_lp *lp = cpu_complex_lp(complex, 0);
    double spent = 0;
    int got;
    cpu_lp_start(lp, space);
    while ((got = tr_reader_next(r, &batch, &now, &error)) > 0) {
        double begin = seconds();
        cpu_lp_feed(lp, &batch, 0, 0);
        cpu_lp_run(lp, UINT64_MAX);
        spent += seconds() - begin;
    }
    cpu_lp_stop(lp);
    uint64_t counts[SIM_EV_COUNT];
    cpu_lp_counts(lp, counts);
    printf("%" G_GUINT64_FORMAT " instructions, %" G_GUINT64_FORMAT " cycles, %.3f seconds\n", counts[SIM_EV_INSTRUCTIONS], counts[SIM_EV_CYCLES], spent);
    cpu_complex_free(complex);
    cpu_space_free(space);
    tr_reader_free(r);
    cpu_code_free(code);
    return got < 0;
}
