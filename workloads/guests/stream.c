/* SPDX-License-Identifier: GPL-2.0-or-later */
/* stream [KiB per array] [passes]: copy, scale, add, triad over three arrays of doubles (after McCalpin's STREAM). */
#include "guest.h"

int main(int argc, char **argv)
{
    guest_usage(argc, argv, "[KiB per array] [passes]");
    size_t n = guest_arg(argc, argv, 1, "size in KiB", 1024, 1, 1048576) * 1024 / sizeof(double);
    uint64_t passes = guest_arg(argc, argv, 2, "number of passes", 16, 1, 1000000);
    double *a = guest_alloc(n * sizeof *a), *b = guest_alloc(n * sizeof *b), *c = guest_alloc(n * sizeof *c);
    uint64_t sum = 0;
    for (size_t i = 0; i < n; i++) {
        a[i] = 1.0 + (double)(i % 17);
        b[i] = 2.0;
        c[i] = 0.0;
    }
    quanta_roi_begin();
    for (uint64_t p = 0; p < passes; p++) {
        quanta_task_begin(TASK_STREAM, p);
        for (size_t i = 0; i < n; i++) {
            double x = a[i];
            __asm__("" : "+x"(x)); /* or the compiler calls memcpy, whose path depends on the processor */
            c[i] = x;
        }
        for (size_t i = 0; i < n; i++)
            b[i] = 0.5 * c[i];
        for (size_t i = 0; i < n; i++)
            c[i] = a[i] + b[i];
        for (size_t i = 0; i < n; i++)
            a[i] = b[i] + 0.25 * c[i];
        quanta_task_end(TASK_STREAM, p);
    }
    quanta_roi_end();
    for (size_t i = 0; i < n; i++) {
        uint64_t bits;
        memcpy(&bits, &a[i], sizeof bits);
        sum = guest_mix(sum, bits);
    }
    return guest_done("stream", sum);
}
