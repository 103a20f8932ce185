/* spread.c: quantiles and a histogram. */
#include "spread.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

const char *const quantile_names[QUANTILES] = {"min", "5 %", "25 %", "median", "75 %", "95 %", "max"};
static const double shares[QUANTILES] = {0, 0.05, 0.25, 0.5, 0.75, 0.95, 1};
static const double far_apart = 30; /* largest / smallest */

static int by_value(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Moves what is not finite to the end; how many are. */
static int64_t finite_first(double *values, int64_t count) {
    int64_t kept = 0;
    for (int64_t i = 0; i < count; i++) {
        if (!isfinite(values[i])) continue;
        double swapped = values[kept];
        values[kept++] = values[i];
        values[i] = swapped;
    }
    return kept;
}

static double at_share(const double *sorted, int64_t count, double share) {
    double place = share * (double)(count - 1);
    int64_t below = (int64_t)place;
    double rest = place - (double)below;
    if (below + 1 >= count || rest == 0) return sorted[below];
    return sorted[below] * (1 - rest) + sorted[below + 1] * rest;
}

static double along(const spread *s, double value) { return s->logarithmic ? log(value) : value / 2; } /* no overflow */

static void fill_bins(spread *s, const double *sorted, int64_t count) {
    double low = along(s, s->at[Q_MIN]), width = along(s, s->at[Q_MAX]) - low;
    for (int64_t i = 0; i < count; i++) {
        double place = width > 0 ? (along(s, sorted[i]) - low) / width * SPREAD_BINS : SPREAD_BINS / 2.0;
        int bin = place >= SPREAD_BINS ? SPREAD_BINS - 1 : place > 0 ? (int)place : 0;
        s->bins[bin]++;
    }
}

void spread_take(spread *s, double *values, int64_t count) {
    memset(s, 0, sizeof *s);
    int64_t finite = finite_first(values, count);
    s->count = count;
    s->nonfinite = count - finite;
    if (finite > 0) qsort(values, (size_t)finite, sizeof *values, by_value);
    for (int q = 0; q < QUANTILES; q++) s->at[q] = finite > 0 ? at_share(values, finite, shares[q]) : NAN;
    s->logarithmic = finite > 0 && s->at[Q_MIN] > 0 && s->at[Q_MAX] / s->at[Q_MIN] > far_apart;
    if (finite > 0) fill_bins(s, values, finite);
}
