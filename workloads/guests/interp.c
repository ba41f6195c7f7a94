/* SPDX-License-Identifier: GPL-2.0-or-later */
/* interp [rounds] [limit]: a byte-code machine that counts primes by a sieve and follows Collatz sequences. */
#include "guest.h"

enum op { PUSH, LOAD, STORE, GET, SET, ADD, SUB, MUL, HALF, ODD, LESS, JUMP, JUMPZ, HALT };

struct code {
    int op;
    int64_t arg;
};

enum { V_I, V_J, V_N, V_COUNT, V_X, V_STEPS, N_VARS };

/* Sieve of Eratosthenes over mem[2..n), then the Collatz steps of 1..n/8. */
static const struct code program[] = {
    /* 0: i = 2 */ {PUSH, 2}, {STORE, V_I},
    /* 2: while i < n */ {LOAD, V_I}, {LOAD, V_N}, {LESS, 0}, {JUMPZ, 33},
    /* 6: if mem[i] == 0 */ {LOAD, V_I}, {GET, 0}, {JUMPZ, 10}, {JUMP, 28},
    /* 10: count++, j = i + i */ {LOAD, V_COUNT}, {PUSH, 1}, {ADD, 0}, {STORE, V_COUNT}, {LOAD, V_I}, {LOAD, V_I}, {ADD, 0}, {STORE, V_J},
    /* 18: while j < n: mem[j] = 1, j += i */ {LOAD, V_J}, {LOAD, V_N}, {LESS, 0}, {JUMPZ, 28},
    /* 22 */ {LOAD, V_J}, {SET, 1}, {LOAD, V_J}, {LOAD, V_I}, {ADD, 0}, {JUMP, 60},
    /* 28: i++ */ {LOAD, V_I}, {PUSH, 1}, {ADD, 0}, {STORE, V_I}, {JUMP, 2},
    /* 33: i = 1 */ {PUSH, 1}, {STORE, V_I},
    /* 35: while i < n / 8 */ {LOAD, V_I}, {LOAD, V_N}, {HALF, 0}, {HALF, 0}, {HALF, 0}, {LESS, 0}, {JUMPZ, 62}, {LOAD, V_I}, {STORE, V_X},
    /* 44: while 1 < x */ {PUSH, 1}, {LOAD, V_X}, {LESS, 0}, {JUMPZ, 55}, {LOAD, V_STEPS}, {PUSH, 1}, {ADD, 0}, {STORE, V_STEPS},
    /* 52: odd? */ {LOAD, V_X}, {ODD, 0}, {JUMP, 63},
    /* 55: i++ */ {LOAD, V_I}, {PUSH, 1}, {ADD, 0}, {STORE, V_I}, {JUMP, 35},
    /* 60: store j */ {STORE, V_J}, {JUMP, 18},
    /* 62 */ {HALT, 0},
    /* 63: top of stack says odd */ {JUMPZ, 71}, {LOAD, V_X}, {PUSH, 3}, {MUL, 0}, {PUSH, 1}, {ADD, 0}, {STORE, V_X}, {JUMP, 44},
    /* 71 */ {LOAD, V_X}, {HALF, 0}, {STORE, V_X}, {JUMP, 44},
};

static void run(int64_t *vars, uint8_t *mem)
{
    static const void *const targets[] = {
        &&push, &&load, &&store, &&get, &&set, &&add, &&sub, &&mul, &&half, &&odd, &&less, &&jump, &&jumpz, &&halt,
    };
    int64_t stack[16], *top = stack;
    const struct code *pc = program;
#define NEXT goto *targets[(pc++)->op]
#define ARG (pc[-1].arg)
    NEXT;
push: *top++ = ARG; NEXT;
load: *top++ = vars[ARG]; NEXT;
store: vars[ARG] = *--top; NEXT;
get: top[-1] = mem[top[-1]]; NEXT;
set: mem[*--top] = (uint8_t)ARG; NEXT;
add: top--; top[-1] += top[0]; NEXT;
sub: top--; top[-1] -= top[0]; NEXT;
mul: top--; top[-1] *= top[0]; NEXT;
half: top[-1] >>= 1; NEXT;
odd: top[-1] &= 1; NEXT;
less: top--; top[-1] = top[-1] < top[0]; NEXT;
jump: pc = program + ARG; NEXT;
jumpz: if (*--top == 0) pc = program + ARG; NEXT;
halt: return;
}

int main(int argc, char **argv)
{
    guest_usage(argc, argv, "[rounds] [limit]");
    uint64_t rounds = guest_arg(argc, argv, 1, "number of rounds", 3, 1, 1000000);
    uint64_t limit = guest_arg(argc, argv, 2, "limit", 10000, 16, 10000000);
    uint8_t *mem = guest_alloc(limit);
    uint64_t sum = 0;
    quanta_roi_begin();
    for (uint64_t r = 0; r < rounds; r++) {
        int64_t vars[N_VARS] = {[V_N] = (int64_t)limit - (int64_t)(r % 8)};
        quanta_task_begin(TASK_INTERPRET, r);
        memset(mem, 0, limit);
        run(vars, mem);
        sum = guest_mix(guest_mix(sum, (uint64_t)vars[V_COUNT]), (uint64_t)vars[V_STEPS]);
        quanta_task_end(TASK_INTERPRET, r);
    }
    quanta_roi_end();
    return guest_done("interp", sum);
}
