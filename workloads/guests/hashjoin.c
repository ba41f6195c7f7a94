/* SPDX-License-Identifier: GPL-2.0-or-later */
/* hashjoin [build rows] [probe rows] [seed]: builds a chained hash table and probes it with keys of which half match. */
#include "guest.h"

struct row {
    uint64_t key, payload;
    uint32_t next;
};

int main(int argc, char **argv)
{
    guest_usage(argc, argv, "[build rows] [probe rows] [seed]");
    uint64_t build = guest_arg(argc, argv, 1, "number of build rows", 100000, 1, 100000000);
    uint64_t probe = guest_arg(argc, argv, 2, "number of probe rows", 800000, 1, UINT64_MAX);
    size_t buckets = 1;
    while (buckets < build)
        buckets *= 2;
    uint32_t *heads = guest_alloc(buckets * sizeof *heads);
    struct row *rows = guest_alloc((build + 1) * sizeof *rows);
    uint64_t seed = guest_seed(argc, argv, 3, 5), sum = 0, matches = 0;
    memset(heads, 0, buckets * sizeof *heads);
    quanta_roi_begin();
    quanta_task_begin(TASK_JOIN, 0);
    for (uint64_t i = 1; i <= build; i++) {
        uint64_t key = i * 2;
        size_t h = key * UINT64_C(0x9e3779b97f4a7c15) >> 20 & (buckets - 1);
        rows[i] = (struct row){key, guest_random(&seed), heads[h]};
        heads[h] = (uint32_t)i;
    }
    quanta_task_end(TASK_JOIN, 0);
    for (uint64_t done = 0, id = 1; done < probe; id++) {
        quanta_task_begin(TASK_JOIN, id);
        for (uint64_t i = 0; i < 50000 && done < probe; i++, done++) {
            uint64_t key = 2 + guest_random(&seed) % (2 * build);
            size_t h = key * UINT64_C(0x9e3779b97f4a7c15) >> 20 & (buckets - 1);
            for (uint32_t r = heads[h]; r; r = rows[r].next)
                if (rows[r].key == key) {
                    sum += rows[r].payload;
                    matches++;
                    break;
                }
        }
        quanta_task_end(TASK_JOIN, id);
    }
    quanta_roi_end();
    return guest_done("hashjoin", guest_mix(sum, matches));
}
