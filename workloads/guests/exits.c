/* SPDX-License-Identifier: GPL-2.0-or-later */
/* exits [kind [count [work]]]: executes an instruction that a VMM may want to see, `count` times, each after `work` turns of a loop. */
#include "guest.h"

#include <fcntl.h>
#include <time.h>
#include <unistd.h>

static const char *const kinds[] = {"cpuid", "pause", "rdtsc", "sleep", "read", "wbinvd", "hypercall", "yield", "none"};

static void one(const char *kind)
{
    uint32_t a = 0, b, c = 0, d;
    if (strcmp(kind, "cpuid") == 0) {
        __asm__ volatile("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
    } else if (strcmp(kind, "pause") == 0) {
        __asm__ volatile("pause; pause; pause; pause");
    } else if (strcmp(kind, "rdtsc") == 0) {
        __asm__ volatile("rdtsc" : "=a"(a), "=d"(d));
    } else if (strcmp(kind, "sleep") == 0) {
        struct timespec t = {0, 50000};
        nanosleep(&t, NULL);
    } else if (strcmp(kind, "read") == 0) {
        char byte[512];
        int fd = open("input.bin", O_RDONLY);
        if (fd < 0 || read(fd, byte, sizeof byte) < 0)
            exit(1);
        close(fd);
    } else if (strcmp(kind, "wbinvd") == 0) {
        quanta_wbinvd();
    } else if (strcmp(kind, "hypercall") == 0) {
        quanta_hypercall(1, 2);
    } else if (strcmp(kind, "yield") == 0) {
        quanta_yield();
    }
}

int main(int argc, char **argv)
{
    guest_usage(argc, argv, "[cpuid|pause|rdtsc|sleep|read|wbinvd|hypercall|yield|none [count [work]]]");
    const char *kind = argc > 1 ? argv[1] : "cpuid";
    uint64_t count = guest_arg(argc, argv, 2, "how often", 100, 1, 10000000);
    uint64_t work = guest_arg(argc, argv, 3, "turns of the loop before each", 1000, 0, 100000000);
    unsigned known = 0;
    for (unsigned i = 0; i < sizeof kinds / sizeof *kinds; i++)
        known |= strcmp(kind, kinds[i]) == 0;
    if (!known) {
        fprintf(stderr, "%s: '%s' is no kind of them\n", argv[0], kind);
        guest_usage_exit(argv[0]);
    }
    uint64_t x = 1;
    quanta_roi_begin();
    for (uint64_t i = 0; i < count; i++) {
        for (uint64_t k = 0; k < work; k++) {
            x = x * 3 + 1;
            __asm__ volatile("" : "+r"(x));
        }
        one(kind);
    }
    quanta_roi_end();
    printf("exits kind=%s count=%llu\n", kind, (unsigned long long)count);
    return 0;
}
