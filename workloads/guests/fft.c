/* SPDX-License-Identifier: GPL-2.0-or-later */
/* fft [log2 of the size] [rounds] [seed]: radix-2 complex FFT in place, forth and back; the error of the round trip is
 * checked. */
#include "guest.h"

struct cplx {
    double re, im;
};

/* sin and cos by their Taylor series on [-pi/4, pi/4], so that no libm decides a bit. */
static struct cplx unit(double x)
{
    double s = x, c = 1, term_s = x, term_c = 1;
    for (int k = 1; k < 12; k++) {
        term_c *= -x * x / ((2 * k - 1) * (2 * k));
        term_s *= -x * x / ((2 * k) * (2 * k + 1));
        c += term_c;
        s += term_s;
    }
    return (struct cplx){c, s};
}

static void fft(struct cplx *a, const struct cplx *roots, size_t n, double sign)
{
    for (size_t i = 1, j = 0; i < n; i++) {
        size_t bit = n >> 1;
        for (; j & bit; bit >>= 1)
            j ^= bit;
        j ^= bit;
        if (i < j) {
            struct cplx t = a[i];
            a[i] = a[j];
            a[j] = t;
        }
    }
    for (size_t half = 1; half < n; half *= 2)
        for (size_t i = 0; i < n; i += 2 * half)
            for (size_t k = 0; k < half; k++) {
                struct cplx w = roots[k * (n / 2 / half)], *x = &a[i + k], *y = &a[i + k + half];
                double re = y->re * w.re - sign * y->im * w.im, im = y->im * w.re + sign * y->re * w.im;
                *y = (struct cplx){x->re - re, x->im - im};
                *x = (struct cplx){x->re + re, x->im + im};
            }
}

int main(int argc, char **argv)
{
    guest_usage(argc, argv, "[log2 of the size] [rounds] [seed]");
    unsigned bits = (unsigned)guest_arg(argc, argv, 1, "log2 of the size", 13, 3, 24);
    uint64_t rounds = guest_arg(argc, argv, 2, "number of rounds", 10, 1, 1000000);
    size_t n = (size_t)1 << bits;
    struct cplx *a = guest_alloc(n * sizeof *a), *roots = guest_alloc(n / 2 * sizeof *roots);
    for (size_t k = 0; k < n / 2; k++) { /* eighths of the circle from the first */
        size_t octant = k * 8 / n, in = octant % 2 ? (octant + 1) * (n / 8) - k : k - octant * (n / 8);
        struct cplx u = unit(2 * 3.14159265358979323846 * (double)in / (double)n);
        if (octant % 4 == 1 || octant % 4 == 2)
            u = (struct cplx){u.im, u.re};
        if (octant >= 2)
            u.re = -u.re;
        roots[k] = u;
    }
    uint64_t seed = guest_seed(argc, argv, 3, 3), sum = 0;
    quanta_roi_begin();
    for (uint64_t r = 0; r < rounds; r++) {
        quanta_task_begin(TASK_FFT, r);
        uint64_t again = seed;
        for (size_t i = 0; i < n; i++)
            a[i] = (struct cplx){(double)(guest_random(&seed) >> 44), 0};
        fft(a, roots, n, -1);
        for (size_t i = 0; i < n; i += 16) {
            uint64_t word;
            memcpy(&word, &a[i].re, sizeof word);
            sum = guest_mix(sum, word);
        }
        fft(a, roots, n, 1);
        for (size_t i = 0; i < n; i++) {
            double wrong = a[i].re / (double)n - (double)(guest_random(&again) >> 44);
            if (wrong > 1e-3 || wrong < -1e-3) {
                fprintf(stderr, "fft: the round trip failed at %zu\n", i);
                return 1;
            }
        }
        quanta_task_end(TASK_FFT, r);
    }
    quanta_roi_end();
    return guest_done("fft", sum);
}
