/* SPDX-License-Identifier: GPL-2.0-or-later */
/* sort [keys] [rounds] [seed]: quicksort of random 32-bit keys, insertion sort below 16, and a merge of the halves. */
#include "guest.h"

static void quicksort(uint32_t *a, long n)
{
    while (n > 16) {
        uint32_t x = a[0], y = a[n / 2], z = a[n - 1];
        uint32_t pivot = x < y ? (y < z ? y : x < z ? z : x) : (x < z ? x : y < z ? z : y);
        long i = 0, j = n - 1;
        for (;;) {
            while (a[i] < pivot)
                i++;
            while (a[j] > pivot)
                j--;
            if (i >= j)
                break;
            uint32_t t = a[i];
            a[i++] = a[j];
            a[j--] = t;
        }
        quicksort(a, j + 1);
        a += j + 1;
        n -= j + 1;
    }
    for (long i = 1; i < n; i++) {
        uint32_t key = a[i];
        long j = i;
        for (; j > 0 && a[j - 1] > key; j--)
            a[j] = a[j - 1];
        a[j] = key;
    }
}

int main(int argc, char **argv)
{
    guest_usage(argc, argv, "[keys] [rounds] [seed]");
    long n = (long)guest_arg(argc, argv, 1, "number of keys", 100000, 2, 100000000);
    uint64_t rounds = guest_arg(argc, argv, 2, "number of rounds", 3, 1, 1000000);
    uint32_t *a = guest_alloc((size_t)n * sizeof *a), *b = guest_alloc((size_t)n * sizeof *b);
    uint64_t seed = guest_seed(argc, argv, 3, 42), sum = 0;
    quanta_roi_begin();
    for (uint64_t r = 0; r < rounds; r++) {
        quanta_task_begin(TASK_SORT, r);
        for (long i = 0; i < n; i++)
            a[i] = (uint32_t)(guest_random(&seed) >> 32);
        quicksort(a, n / 2);
        quicksort(a + n / 2, n - n / 2);
        for (long i = 0, j = n / 2, k = 0; k < n; k++)
            b[k] = j == n || (i < n / 2 && a[i] <= a[j]) ? a[i++] : a[j++];
        for (long i = 0; i < n; i++) {
            if (i && b[i - 1] > b[i]) {
                fprintf(stderr, "sort: not in order at %ld\n", i);
                return 1;
            }
            sum = guest_mix(sum, b[i]);
        }
        quanta_task_end(TASK_SORT, r);
    }
    quanta_roi_end();
    return guest_done("sort", sum);
}
