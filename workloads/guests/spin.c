/* SPDX-License-Identifier: GPL-2.0-or-later */
/* spin [million turns]: the tightest of loops. */
#include "guest.h"

int main(int argc, char **argv)
{
    guest_usage(argc, argv, "[million turns]");
    uint64_t turns = guest_arg(argc, argv, 1, "number of million turns", 10, 1, 1000000);
    uint64_t x = 1;
    quanta_roi_begin();
    for (uint64_t t = 0; t < turns; t++) {
        quanta_task_begin(TASK_SPIN, t);
        for (int i = 0; i < 1000000; i++) {
            x = x * 3 + 1;
            __asm__ volatile("" : "+r"(x));
        }
        quanta_task_end(TASK_SPIN, t);
    }
    quanta_roi_end();
    return guest_done("spin", x);
}
