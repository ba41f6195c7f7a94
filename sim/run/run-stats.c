/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "run-stats.h"

#include <glib.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* Stephens 1986, table 4.7: upper 5% point of the modified A-squared, mean and variance unknown. */
#define NORMALITY_CRITICAL 0.752
/* Differences below this part of the larger value are what is left of rounding. */
#define ROUNDING 1e-12

const char *const run_test_names[] = {"none", "paired-t", "wilcoxon"};
const char *const run_verdict_names[] = {"too-few-pairs", "equal", "constant", "no-difference-seen", "lower", "higher"};

/* ---- Student's t ----------------------------------------------------------------------------------------------------- */

static double log_gamma(double x)
{
    int sign;
    return lgamma_r(x, &sign);
}

/* The continued fraction of the incomplete beta function, DLMF 8.17.22, by Lentz's method as modified by Thompson and Barnett (J. Comp. Phys. 64, 1986). */
static double beta_fraction(double a, double b, double x)
{
    const double tiny = 1e-300;
    double c = 1, d = 1 - (a + b) * x / (a + 1);
    d = 1 / (fabs(d) < tiny ? tiny : d);
    double f = d;
    for (int m = 1; m < 10000; m++) {
        double even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
        double odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1));
        const double terms[] = {even, odd};
        double step = 1;
        for (int i = 0; i < 2; i++) {
            d = 1 + terms[i] * d;
            c = 1 + terms[i] / c;
            d = 1 / (fabs(d) < tiny ? tiny : d);
            c = fabs(c) < tiny ? tiny : c;
            step = c * d;
            f *= step;
        }
        if (fabs(step - 1) < 1e-15)
            break;
    }
    return f;
}

/* I_x(a, b) */
static double beta_regularised(double a, double b, double x)
{
    if (x <= 0 || x >= 1)
        return x <= 0 ? 0 : 1;
    double front = exp(log_gamma(a + b) - log_gamma(a) - log_gamma(b) + a * log(x) + b * log1p(-x));
    return x < (a + 1) / (a + b + 2) ? front * beta_fraction(a, b, x) / a : 1 - front * beta_fraction(b, a, 1 - x) / b;
}

/* P(|T| > t) */
static double t_two_sided(double t, double df)
{
    return beta_regularised(df / 2, 0.5, df / (df + t * t));
}

double run_stats_t_cdf(double t, double df)
{
    double tail = t_two_sided(t, df) / 2;
    return t > 0 ? 1 - tail : tail;
}

double run_stats_t_quantile(double p, double df)
{
    bool upper = p > 0.5;
    double tail = 2 * (upper ? 1 - p : p), low = 0, high = 1;
    while (t_two_sided(high, df) > tail && high < 1e300)
        high *= 2;
    for (int i = 0; i < 200 && high - low > 1e-14 * high; i++) {
        double middle = (low + high) / 2;
        *(t_two_sided(middle, df) > tail ? &low : &high) = middle;
    }
    return (upper ? 1 : -1) * (low + high) / 2;
}

/* ---- a sample ---------------------------------------------------------------------------------------------------------- */

run_summary run_stats_summary(const double *v, unsigned n)
{
    run_summary s = {.n = n};
    double squares = 0;
    if (!n)
        return s;
    s.min = s.max = v[0];
    for (unsigned i = 0; i < n; i++) {
        s.mean += (v[i] - s.mean) / (i + 1);
        s.min = MIN(s.min, v[i]);
        s.max = MAX(s.max, v[i]);
    }
    if (s.min == s.max)
        s.mean = s.min;
    for (unsigned i = 0; i < n; i++)
        squares += (v[i] - s.mean) * (v[i] - s.mean);
    s.low = s.high = s.mean;
    if (n < 2)
        return s;
    s.sd = sqrt(squares / (n - 1));
    double half = run_stats_t_quantile(0.975, n - 1) * s.sd / sqrt(n);
    s.has_interval = true;
    s.low = s.mean - half;
    s.high = s.mean + half;
    return s;
}

static int compare_doubles(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

double run_stats_normality(const double *v, unsigned n)
{
    g_autofree double *z = g_memdup2(v, n * sizeof *v);
    run_summary s = run_stats_summary(v, n);
    double sum = 0;
    qsort(z, n, sizeof *z, compare_doubles);
    for (unsigned i = 0; i < n; i++) {
        /* log F(z_i) and log(1 - F(z_(n-1-i))), from the tail that keeps its digits */
        double below = 0.5 * erfc(-(z[i] - s.mean) / s.sd / M_SQRT2), above = 0.5 * erfc((z[n - 1 - i] - s.mean) / s.sd / M_SQRT2);
        sum += (2.0 * i + 1) * (log(MAX(below, 1e-300)) + log(MAX(above, 1e-300)));
    }
    double a2 = -(double)n - sum / n;
    return a2 * (1 + 0.75 / n + 2.25 / ((double)n * n));
}

/* ---- Wilcoxon's signed ranks ------------------------------------------------------------------------------------------ */

static int compare_magnitudes(const void *a, const void *b)
{
    double x = fabs(*(const double *)a), y = fabs(*(const double *)b);
    return x < y ? -1 : x > y;
}

/* Twice the average ranks of the magnitudes, which are whole numbers, of differences sorted by magnitude; `ties`: sum of t^3 - t over groups of equal ones. */
static void double_ranks(const double *sorted, unsigned n, unsigned *ranks, double *ties)
{
    *ties = 0;
    for (unsigned i = 0, end; i < n; i = end) {
        for (end = i + 1; end < n && fabs(sorted[end]) == fabs(sorted[i]); end++)
            ;
        double t = end - i;
        *ties += t * t * t - t;
        for (unsigned k = i; k < end; k++)
            ranks[k] = i + 1 + end;
    }
}

/* Of all 2^n ways to give the ranks signs, the part in which the sum of the positive ones is at most `sum` (in doubled ranks). */
static double exact_tail(const unsigned *ranks, unsigned n, unsigned sum)
{
    unsigned all = 0;
    double below = 0;
    for (unsigned i = 0; i < n; i++)
        all += ranks[i];
    g_autofree double *ways = g_new0(double, all + 1);
    ways[0] = 1;
    for (unsigned i = 0; i < n; i++)
        for (unsigned s = all + 1; s-- > ranks[i];)
            ways[s] += ways[s - ranks[i]];
    for (unsigned s = 0; s <= sum; s++)
        below += ways[s];
    return below / ldexp(1, (int)n);
}

double run_stats_wilcoxon(const double *differences, unsigned n)
{
    if (!n)
        return 1;
    g_autofree double *d = g_memdup2(differences, n * sizeof *d);
    g_autofree unsigned *ranks = g_new(unsigned, n);
    double ties, up = 0, down = 0;
    qsort(d, n, sizeof *d, compare_magnitudes);
    double_ranks(d, n, ranks, &ties);
    for (unsigned i = 0; i < n; i++)
        *(d[i] > 0 ? &up : &down) += ranks[i];
    double less = MIN(up, down);
    if (n <= RUN_STATS_EXACT)
        return MIN(1, 2 * exact_tail(ranks, n, (unsigned)less));
    double nn = n, mean = nn * (nn + 1) / 4, variance = nn * (nn + 1) * (2 * nn + 1) / 24 - ties / 48;
    double z = MAX(0, mean - less / 2 - 0.5) / sqrt(variance);
    return erfc(z / M_SQRT2);
}

/* ---- pairs --------------------------------------------------------------------------------------------------------------- */

static run_verdict judge(const run_paired *t)
{
    bool split = t->up && t->down && t->n < RUN_STATS_NORMALITY;
    if (t->p_adjusted >= RUN_STATS_ALPHA || split)
        return RUN_VERDICT_NO_DIFFERENCE;
    return t->mean > 0 ? RUN_VERDICT_HIGHER : RUN_VERDICT_LOWER;
}

/* Wilcoxon drops pairs that are equal (Wilcoxon 1945). */
static double ranks_of_pairs(const double *d, unsigned n)
{
    g_autofree double *left = g_new(double, n);
    unsigned k = 0;
    for (unsigned i = 0; i < n; i++)
        if (d[i] != 0)
            left[k++] = d[i];
    return run_stats_wilcoxon(left, k);
}

static void choose_test(run_paired *t, const double *d, const run_summary *s)
{
    bool same = s->max - s->min <= ROUNDING * MAX(fabs(s->max), fabs(s->min));
    bool normal = !same && (t->n < RUN_STATS_NORMALITY || run_stats_normality(d, t->n) <= NORMALITY_CRITICAL);
    t->test = normal ? RUN_TEST_T : RUN_TEST_WILCOXON;
    t->p = normal ? t_two_sided(s->mean / (s->sd / sqrt(t->n)), t->n - 1) : ranks_of_pairs(d, t->n);
    t->p_adjusted = t->p;
    t->verdict = judge(t);
}

run_paired run_stats_paired(const double *values, const double *reference, unsigned n)
{
    run_paired t = {.n = n, .p = 1, .p_adjusted = 1};
    g_autofree double *d = g_new0(double, n + 1);
    for (unsigned i = 0; i < n; i++) {
        d[i] = values[i] - reference[i];
        if (fabs(d[i]) <= ROUNDING * MAX(fabs(values[i]), fabs(reference[i])))
            d[i] = 0;
        t.up += d[i] > 0;
        t.down += d[i] < 0;
    }
    run_summary s = run_stats_summary(d, n), a = run_stats_summary(values, n), b = run_stats_summary(reference, n);
    t.mean = s.mean;
    t.low = s.low;
    t.high = s.high;
    t.has_interval = s.has_interval;
    t.ratio = b.mean != 0 ? a.mean / b.mean : 0;
    if (n < RUN_STATS_PAIRS)
        t.verdict = RUN_VERDICT_TOO_FEW;
    else if (!t.up && !t.down)
        t.verdict = RUN_VERDICT_EQUAL;
    else if (a.min == a.max && b.min == b.max)
        t.verdict = RUN_VERDICT_CONSTANT;
    else
        choose_test(&t, d, &s);
    return t;
}

/* ---- many tests ---------------------------------------------------------------------------------------------------------- */

static int compare_p(const void *a, const void *b)
{
    const run_paired *x = *(run_paired *const *)a, *y = *(run_paired *const *)b;
    return x->p < y->p ? -1 : x->p > y->p;
}

void run_stats_holm(run_paired *const *tests, unsigned n)
{
    g_autofree run_paired **order = g_new(run_paired *, n + 1);
    unsigned m = 0;
    double worst = 0;
    for (unsigned i = 0; i < n; i++)
        if (tests[i]->test != RUN_TEST_NONE)
            order[m++] = tests[i];
    qsort(order, m, sizeof *order, compare_p);
    for (unsigned i = 0; i < m; i++) {
        worst = MAX(worst, MIN(1, order[i]->p * (m - i)));
        order[i]->p_adjusted = worst;
        order[i]->verdict = judge(order[i]);
    }
}
