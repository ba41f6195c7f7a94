/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the guest programs share: arguments, a random sequence, a checksum. A program is one file, so all is static. */
#ifndef GUEST_H
#define GUEST_H

#include "quanta-guest.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Task kinds of the shipped guests. */
enum {
    TASK_SORT = 1,
    TASK_MATMUL,
    TASK_CHASE,
    TASK_STREAM,
    TASK_JOIN,
    TASK_COMPRESS,
    TASK_INTERPRET,
    TASK_FFT,
    TASK_HASH,
    TASK_BTREE,
    TASK_REQUEST,
    TASK_PHASE,
    TASK_SPIN,
};

static const char *guest_usage_text = "";

static inline _Noreturn void guest_usage_exit(const char *program)
{
    fprintf(stderr, "usage: %s %s\n", program, guest_usage_text);
    exit(2);
}

/* Comes first in main. `usage` names each optional argument in brackets; more arguments than that end the program. */
static inline void guest_usage(int argc, char **argv, const char *usage)
{
    int max = 0;
    for (const char *p = usage; *p; p++)
        max += *p == '[';
    guest_usage_text = usage;
    if (argc > max + 1) {
        fprintf(stderr, "%s: '%s' is one argument too many\n", argv[0], argv[max + 1]);
        guest_usage_exit(argv[0]);
    }
}

/* Argument `n` as a whole number in [min, max], or `fallback`; ends the program when it is something else. */
static inline uint64_t guest_arg(int argc, char **argv, int n, const char *what, uint64_t fallback, uint64_t min,
                                 uint64_t max)
{
    if (n >= argc)
        return fallback;
    char *end;
    errno = 0; /* strtoull would take "-1" for its largest number, and give that for an overflow */
    unsigned long long value = strtoull(argv[n], &end, 10);
    if (argv[n][0] < '0' || argv[n][0] > '9' || *end || errno || value < min || value > max) {
        fprintf(stderr, "%s: '%s' is no valid %s: a whole number from %llu to %llu\n", argv[0], argv[n], what,
                (unsigned long long)min, (unsigned long long)max);
        guest_usage_exit(argv[0]);
    }
    return value;
}

/* Argument `n` as the state of guest_random, which must not be 0. */
static inline uint64_t guest_seed(int argc, char **argv, int n, uint64_t fallback)
{
    return guest_arg(argc, argv, n, "seed", fallback, 1, UINT64_MAX);
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
