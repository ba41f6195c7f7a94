/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What runs with several seeds say: mean and 95% interval of a figure, and a paired test against a reference that ran with the same seeds.
 * docs/metrics.md ("Statistics over seeds") says why which test; nothing here claims more than it should: fewer than three pairs, equal pairs and seeds
 * that change nothing each have a verdict of their own. */
#pragma once

#include <stdbool.h>

/* Student's t. P(T <= t) with `df` > 0 degrees of freedom, and its inverse for 0 < p < 1. By the regularised incomplete beta function, as continued
 * fraction (NIST Digital Library of Mathematical Functions 8.17.5, 8.17.22; Abramowitz and Stegun 26.7.1); the inverse by bisection. Relative error below
 * 1e-10. */
double run_stats_t_cdf(double t, double df);
double run_stats_t_quantile(double p, double df);

typedef struct {
    unsigned n;
    double mean, sd, min, max; /* sd: of the sample (n - 1); 0 when n < 2 */
    bool has_interval;         /* n >= 2 */
    double low, high;          /* 95% confidence interval of the mean: mean -+ t(0.975, n - 1) sd / sqrt n; the mean when there is none */
} run_summary;

/* n may be 0: all zero. */
run_summary run_stats_summary(const double *values, unsigned n);

typedef enum { RUN_TEST_NONE, RUN_TEST_T, RUN_TEST_WILCOXON } run_test;
extern const char *const run_test_names[]; /* "none", "paired-t", "wilcoxon" */

typedef enum {
    RUN_VERDICT_TOO_FEW,       /* fewer than RUN_STATS_PAIRS pairs: no claim */
    RUN_VERDICT_EQUAL,         /* every pair is equal */
    RUN_VERDICT_CONSTANT,      /* both sides are the same with every seed, and differ: chance has no part in it, nor has statistics */
    RUN_VERDICT_NO_DIFFERENCE, /* none seen */
    RUN_VERDICT_LOWER,         /* than the reference */
    RUN_VERDICT_HIGHER,
} run_verdict;
/* "too-few-pairs", "equal", "constant", "no-difference-seen", "lower", "higher" */
extern const char *const run_verdict_names[];

enum {
    RUN_STATS_PAIRS = 3,     /* for a claim */
    RUN_STATS_NORMALITY = 8, /* from which on normality is judged */
    RUN_STATS_EXACT = 50     /* up to which ranks are counted out */
};
#define RUN_STATS_ALPHA 0.05

typedef struct {
    unsigned n;                /* pairs */
    unsigned up, down;         /* pairs in which the value is above, below the reference */
    double mean, low, high;    /* of the differences value - reference; interval as above */
    bool has_interval;
    double ratio;              /* mean of the values / mean of the reference; 0 when that is 0 */
    run_test test;
    double p;                  /* two-sided; 1 without a test */
    double p_adjusted;         /* after run_stats_holm; before, p */
    run_verdict verdict;       /* by p_adjusted < RUN_STATS_ALPHA */
} run_paired;

/* The test of n pairs: values[i] and reference[i] come from the same seed. Paired t; where n >= RUN_STATS_NORMALITY and Anderson-Darling's test rejects at
 * 5% that the differences are normal, or where all differences are equal, Wilcoxon's signed ranks. With fewer pairs than that no difference is claimed
 * unless all pairs that differ do so in the same direction. */
run_paired run_stats_paired(const double *values, const double *reference, unsigned n);

/* Adjusts the p of a family of tests that are shown together (Holm 1979), and their verdicts by it. Those without a test do not count. */
void run_stats_holm(run_paired *const *tests, unsigned n);

/* ---- for tests ----------------------------------------------------------------------------------------------------- */

/* Two-sided p of Wilcoxon's signed rank test of differences (none of them 0). Up to RUN_STATS_EXACT exact, with average ranks for ties; beyond that normal
 * approximation with correction for ties and continuity. */
double run_stats_wilcoxon(const double *differences, unsigned n);
/* Anderson and Darling's A-squared for normality with mean and variance estimated, times 1 + 0.75/n + 2.25/n^2: above 0.752 normality is rejected at 5%
 * (M. Stephens in D'Agostino and Stephens, Goodness-of-Fit Techniques, 1986, table 4.7). n >= 3, and values not all equal. */
double run_stats_normality(const double *values, unsigned n);
