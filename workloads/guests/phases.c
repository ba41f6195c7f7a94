/* SPDX-License-Identifier: GPL-2.0-or-later */
/* phases [rounds] [loop turns] [KiB to stream]: a tight loop over an array that L1 holds, then a stream through
 * more than the caches hold, then a write-back and invalidation of all caches, as before a device takes over. */
#include "guest.h"

int main(int argc, char **argv)
{
    guest_usage(argc, argv, "[rounds] [loop turns] [KiB to stream]");
    uint64_t rounds = guest_arg(argc, argv, 1, "number of rounds", 6, 1, 1000000);
    uint64_t turns = guest_arg(argc, argv, 2, "number of loop turns", 2000, 1, 100000000);
    size_t n = guest_arg(argc, argv, 3, "size in KiB", 2048, 1, 1048576) * 1024 / sizeof(uint64_t);
    static uint64_t small[512];
    uint64_t *large = guest_alloc(n * sizeof *large), sum = 0;
    for (size_t i = 0; i < n; i++)
        large[i] = i * 3;
    quanta_roi_begin();
    for (uint64_t r = 0; r < rounds; r++) {
        quanta_task_begin(TASK_PHASE, 2 * r);
        for (uint64_t t = 0; t < turns; t++)
            for (int i = 0; i < 512; i++)
                small[i] += t ^ (uint64_t)i;
        quanta_task_end(TASK_PHASE, 2 * r);
        quanta_task_begin(TASK_PHASE, 2 * r + 1);
        for (size_t i = 0; i < n; i++)
            large[i] = large[i] * 5 + r;
        quanta_task_end(TASK_PHASE, 2 * r + 1);
        quanta_wbinvd();
        sum = guest_mix(guest_mix(sum, small[r % 512]), large[(r * 7919) % n]);
    }
    quanta_roi_end();
    return guest_done("phases", sum);
}
