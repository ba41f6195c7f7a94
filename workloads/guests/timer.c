/* SPDX-License-Identifier: GPL-2.0-or-later */
/* timer [rounds]: reads the clock and the time stamp counter around some work; its output depends on the time it is given. */
#include "guest.h"

#include <time.h>

static uint64_t rdtsc(void)
{
    uint32_t low, high;
    __asm__ volatile("rdtsc" : "=a"(low), "=d"(high));
    return (uint64_t)high << 32 | low;
}

int main(int argc, char **argv)
{
    guest_usage(argc, argv, "[rounds]");
    uint64_t rounds = guest_arg(argc, argv, 1, "number of rounds", 20, 1, 1000000);
    uint64_t last_ns = 0, last_tsc = 0, x = 1, first_ns = 0;
    int monotonic = 1;
    quanta_roi_begin();
    for (uint64_t r = 0; r < rounds; r++) {
        struct timespec t;
        clock_gettime(CLOCK_MONOTONIC, &t);
        uint64_t ns = (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec, tsc = rdtsc();
        if (r == 0)
            first_ns = ns;
        monotonic &= ns >= last_ns && tsc >= last_tsc;
        last_ns = ns;
        last_tsc = tsc;
        for (int i = 0; i < 100000; i++)
            x = x * 3 + 1;
        __asm__ volatile("" : "+r"(x));
    }
    quanta_roi_end();
    printf("timer monotonic=%d nanoseconds=%llu\n", monotonic, (unsigned long long)(last_ns - first_ns));
    return monotonic ? 0 : 1;
}
