/* SPDX-License-Identifier: GPL-2.0-or-later */
/* list [KiB] [steps] [seed]: follows pointers round one random cycle through so much memory, a cache line a node. */
#include "guest.h"

struct node {
    struct node *next;
    uint64_t value[7];
};

int main(int argc, char **argv)
{
    guest_usage(argc, argv, "[KiB] [steps] [seed]");
    size_t n = guest_arg(argc, argv, 1, "size in KiB", 4096, 1, 4194304) * 1024 / sizeof(struct node);
    uint64_t steps = guest_arg(argc, argv, 2, "number of steps", 4000000, 1, UINT64_MAX);
    struct node *nodes = guest_alloc(n * sizeof *nodes);
    uint32_t *order = guest_alloc(n * sizeof *order);
    uint64_t seed = guest_seed(argc, argv, 3, 99), sum = 0;
    for (size_t i = 0; i < n; i++)
        order[i] = (uint32_t)i;
    for (size_t i = n - 1; i > 0; i--) {
        size_t j = guest_random(&seed) % (i + 1);
        uint32_t t = order[i];
        order[i] = order[j];
        order[j] = t;
    }
    for (size_t i = 0; i < n; i++) {
        nodes[order[i]].next = &nodes[order[(i + 1) % n]];
        nodes[order[i]].value[0] = guest_random(&seed);
    }
    quanta_roi_begin();
    const struct node *p = nodes;
    for (uint64_t done = 0, id = 0; done < steps; id++) {
        uint64_t part = steps - done < 100000 ? steps - done : 100000;
        quanta_task_begin(TASK_CHASE, id);
        for (uint64_t i = 0; i < part; i++) {
            sum += p->value[0];
            p = p->next;
        }
        quanta_task_end(TASK_CHASE, id);
        done += part;
    }
    quanta_roi_end();
    return guest_done("list", guest_mix(sum, (uint64_t)(p - nodes)));
}
