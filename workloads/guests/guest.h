/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the guest programs share: arguments, a random sequence, a checksum. */
#ifndef GUEST_H
#define GUEST_H

#include "quanta-guest.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Task kinds of the shipped guests. */
enum { TASK_SORT = 1, TASK_MATMUL, TASK_CHASE, TASK_STREAM, TASK_JOIN, TASK_COMPRESS, TASK_INTERPRET, TASK_FFT, TASK_HASH, TASK_BTREE, TASK_REQUEST, TASK_PHASE };

/* Argument `n` as a whole number in [min, max], or `fallback`; ends the program with a message when it is something else. */
static inline uint64_t guest_arg(int argc, char **argv, int n, const char *what, uint64_t fallback, uint64_t min, uint64_t max)
{
    if (n >= argc)
        return fallback;
    char *end;
    unsigned long long value = strtoull(argv[n], &end, 10);
    if (end == argv[n] || *end || value < min || value > max) {
        fprintf(stderr, "%s: '%s' is no valid %s: a whole number from %llu to %llu\n", argv[0], argv[n], what, (unsigned long long)min,
                (unsigned long long)max);
        exit(2);
    }
    return value;
}

static inline void *guest_alloc(size_t bytes)
{
    void *p = malloc(bytes ? bytes : 1);
    if (!p) {
        fprintf(stderr, "out of memory (%zu bytes)\n", bytes);
        exit(3);
    }
    return p;
}

/* xorshift64*: Vigna, 2016. */
static inline uint64_t guest_random(uint64_t *state)
{
    uint64_t x = *state;
    x ^= x >> 12;
    x ^= x << 25;
    x ^= x >> 27;
    *state = x;
    return x * UINT64_C(0x2545f4914f6cdd1d);
}

static inline uint64_t guest_mix(uint64_t sum, uint64_t value)
{
    sum ^= value + UINT64_C(0x9e3779b97f4a7c15) + (sum << 6) + (sum >> 2);
    return sum * UINT64_C(0xff51afd7ed558ccd);
}

static inline int guest_done(const char *name, uint64_t checksum)
{
    printf("%s checksum=0x%016llx\n", name, (unsigned long long)checksum);
    return fflush(stdout) == 0 ? 0 : 1;
}

#endif
