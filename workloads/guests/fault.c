/* SPDX-License-Identifier: GPL-2.0-or-later */
/* fault MODE: misbehaves as told; for tests. Natively, `oom` wants a limit on its address space. */
#include "guest.h"

#include <sys/mman.h>

static volatile int zero, depth;

static int null_write(void)
{
    *(volatile int *)(uintptr_t)zero = 1;
    return 0;
}

static int wild_jump(void)
{
    ((void (*)(void))(uintptr_t)(UINT64_C(0xdead0000) + (uint64_t)zero))();
    return 0;
}

static int ud2(void)
{
    __asm__ volatile("ud2");
    return 0;
}

static int hlt(void)
{
    __asm__ volatile("hlt");
    return 0;
}

static int div0(void)
{
    /* In C a compiler may turn 1 / zero into a comparison. */
    uint32_t low = 1, high = 0;
    __asm__ volatile("divl %2" : "+a"(low), "+d"(high) : "r"(zero) : "cc");
    return (int)low;
}

static int read_only(void)
{
    *(volatile char *)(uintptr_t)read_only = 1;
    return 0;
}

static __attribute__((noinline)) int recurse(volatile char *above)
{
    volatile char frame[4096];
    frame[0] = above[0];
    if (++depth == 1 << 30)
        return 0;
    return recurse(frame) + frame[0];
}

static int stack(void)
{
    volatile char frame[1] = {1};
    printf("%d\n", recurse(frame));
    return 0;
}

static int exit42(void)
{
    return 42;
}

static int call_abort(void)
{
    abort();
}

static int oom(void)
{
    size_t total = 0, step = 1 << 20;
    while (total < (size_t)1 << 36) {
        char *p = mmap(NULL, step, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (p == MAP_FAILED)
            break;
        memset(p, 1, step);
        total += step;
    }
    printf("mapped %zu MiB\n", total >> 20);
    return 0;
}

static int loop(void)
{
    while (!zero)
        ;
    return 0;
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        int (*run)(void);
    } modes[] = {
        {"null", null_write}, {"wild-jump", wild_jump}, {"ud2", ud2},       {"hlt", hlt},
        {"div0", div0},       {"read-only", read_only}, {"stack", stack},   {"exit42", exit42},
        {"abort", call_abort}, {"oom", oom},            {"loop", loop},
    };
    for (size_t i = 0; argc == 2 && i < sizeof modes / sizeof *modes; i++)
        if (!strcmp(argv[1], modes[i].name)) {
            printf("fault %s\n", argv[1]);
            fflush(stdout);
            return modes[i].run();
        }
    fprintf(stderr, "usage: %s null|wild-jump|ud2|hlt|div0|read-only|stack|exit42|abort|oom|loop\n", argv[0]);
    return 2;
}
