/* SPDX-License-Identifier: GPL-2.0-or-later */
/* server [requests] [pause in us] [records] [seed]: sleeps, then answers a request: look-ups in a table of records, a
 * line of text. */
#include "guest.h"

#include <time.h>

struct record {
    uint64_t key, hits;
    char name[48];
};

int main(int argc, char **argv)
{
    guest_usage(argc, argv, "[requests] [pause in us] [records] [seed]");
    uint64_t requests = guest_arg(argc, argv, 1, "number of requests", 800, 1, 100000000);
    uint64_t pause = guest_arg(argc, argv, 2, "pause in microseconds", 200, 0, 10000000);
    uint64_t n = guest_arg(argc, argv, 3, "number of records", 4096, 1, 10000000);
    struct record *table = guest_alloc(n * sizeof *table);
    uint64_t seed = guest_seed(argc, argv, 4, 31), sum = 0;
    for (uint64_t i = 0; i < n; i++) {
        table[i].key = i * UINT64_C(0x9e3779b97f4a7c15);
        table[i].hits = 0;
        snprintf(table[i].name, sizeof table[i].name, "record-%llu", (unsigned long long)i);
    }
    quanta_roi_begin();
    for (uint64_t r = 0; r < requests; r++) {
        if (pause) {
            uint64_t us = pause / 2 + guest_random(&seed) % (pause + 1);
            struct timespec t = {(time_t)(us / 1000000), (long)(us % 1000000) * 1000};
            nanosleep(&t, NULL);
        }
        quanta_task_begin(TASK_REQUEST, r);
        char line[256];
        int length = 0;
        for (int k = 0; k < 4; k++) {
            struct record *x = &table[guest_random(&seed) % n];
            x->hits++;
            length += snprintf(line + length, sizeof line - (size_t)length, "%s=%llu;", x->name, (unsigned long long)(x->key ^ x->hits));
        }
        for (int i = 0; i < 12; i++)
            for (int k = 0; k < length; k++)
                sum = guest_mix(sum, (uint8_t)line[k]);
        quanta_task_end(TASK_REQUEST, r);
    }
    quanta_roi_end();
    return guest_done("server", sum);
}
