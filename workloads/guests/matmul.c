/* SPDX-License-Identifier: GPL-2.0-or-later */
/* matmul [n] [rounds] [seed]: product of two n x n matrices of doubles, in blocks of 32. */
#include "guest.h"

enum { BLOCK = 32 };

int main(int argc, char **argv)
{
    guest_usage(argc, argv, "[n] [rounds] [seed]");
    size_t n = guest_arg(argc, argv, 1, "size", 144, 1, 8192);
    uint64_t rounds = guest_arg(argc, argv, 2, "number of rounds", 2, 1, 1000000);
    double *a = guest_alloc(n * n * sizeof *a), *b = guest_alloc(n * n * sizeof *b), *c = guest_alloc(n * n * sizeof *c);
    uint64_t seed = guest_seed(argc, argv, 3, 7), sum = 0;
    for (size_t i = 0; i < n * n; i++) {
        a[i] = (double)(guest_random(&seed) >> 40) / 1048576.0;
        b[i] = (double)(guest_random(&seed) >> 40) / 1048576.0;
    }
    quanta_roi_begin();
    for (uint64_t r = 0; r < rounds; r++) {
        quanta_task_begin(TASK_MATMUL, r);
        memset(c, 0, n * n * sizeof *c);
        for (size_t ib = 0; ib < n; ib += BLOCK)
            for (size_t kb = 0; kb < n; kb += BLOCK)
                for (size_t i = ib; i < ib + BLOCK && i < n; i++)
                    for (size_t k = kb; k < kb + BLOCK && k < n; k++) {
                        double x = a[i * n + k];
                        for (size_t j = 0; j < n; j++)
                            c[i * n + j] += x * b[k * n + j];
                    }
        for (size_t i = 0; i < n * n; i++) {
            uint64_t bits;
            memcpy(&bits, &c[i], sizeof bits);
            sum = guest_mix(sum, bits);
        }
        a[r % (n * n)] += 1.0;
        quanta_task_end(TASK_MATMUL, r);
    }
    quanta_roi_end();
    return guest_done("matmul", sum);
}
