/* SPDX-License-Identifier: GPL-2.0-or-later */
/* fault MODE: misbehaves as told; for tests. */
#include "guest.h"

#include <sys/mman.h>

static volatile int depth;

static __attribute__((noinline)) int recurse(volatile char *above)
{
    volatile char frame[4096];
    frame[0] = above[0];
    if (++depth == 1 << 30)
        return 0;
    return recurse(frame) + frame[0];
}

int main(int argc, char **argv)
{
    const char *mode = argc > 1 ? argv[1] : "";
    volatile int zero = 0;
    printf("fault %s\n", mode);
    fflush(stdout);
    if (!strcmp(mode, "null"))
        *(volatile int *)(uintptr_t)zero = 1;
    else if (!strcmp(mode, "wild-jump"))
        ((void (*)(void))(uintptr_t)(UINT64_C(0xdead0000) + (uint64_t)zero))();
    else if (!strcmp(mode, "ud2"))
        __asm__ volatile("ud2");
    else if (!strcmp(mode, "hlt"))
        __asm__ volatile("hlt");
    else if (!strcmp(mode, "div0"))
        printf("%d\n", 1 / zero);
    else if (!strcmp(mode, "read-only"))
        *(volatile char *)(uintptr_t)main = 1;
    else if (!strcmp(mode, "stack")) {
        volatile char frame[1] = {1};
        printf("%d\n", recurse(frame));
    } else if (!strcmp(mode, "exit42"))
        return 42;
    else if (!strcmp(mode, "abort"))
        abort();
    else if (!strcmp(mode, "oom")) {
        size_t total = 0, step = 1 << 20;
        for (char *p; (p = mmap(NULL, step, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)) != MAP_FAILED && total < (size_t)1 << 36; total += step)
            memset(p, 1, step);
        printf("mapped %zu MiB\n", total >> 20);
    } else if (!strcmp(mode, "loop"))
        for (;;)
            __asm__ volatile("");
    else {
        fprintf(stderr, "fault: the modes are null wild-jump ud2 hlt div0 read-only stack exit42 abort oom loop\n");
        return 2;
    }
    return 0;
}
