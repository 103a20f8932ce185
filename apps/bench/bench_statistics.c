/* bench_statistics.c: medians, and the interval of a ratio by bootstrap: rounds are drawn with replacement, and the
 * medians of the draws, in order, show how much the median would move. Drawn by counter, so equal times give equal
 * intervals. */
#include "bench/bench_internal.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { DRAWS = 1000 };

static int ascending(const void *a, const void *b) {
    const double *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

/* SplitMix64: the counter-th number of a fixed stream. */
static uint64_t mixed(uint64_t counter) {
    uint64_t z = (counter + 1) * UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

double ekb_median(const double *values, int count) {
    double sorted[EKB_BENCH_MAX_ROUNDS];
    memcpy(sorted, values, (size_t)count * sizeof(double));
    qsort(sorted, (size_t)count, sizeof(double), ascending);
    return count % 2 ? sorted[count / 2] : 0.5 * (sorted[count / 2 - 1] + sorted[count / 2]);
}

ekb_interval ekb_ratio_interval(const double *numerator, const double *denominator, int count) {
    double ratios[EKB_BENCH_MAX_ROUNDS], drawn[EKB_BENCH_MAX_ROUNDS], medians[DRAWS];
    for (int i = 0; i < count; i++) ratios[i] = numerator[i] / denominator[i];
    for (int d = 0; d < DRAWS; d++) {
        for (int i = 0; i < count; i++) {
            uint64_t counter = (uint64_t)d * (uint64_t)count + (uint64_t)i;
            drawn[i] = ratios[mixed(counter) % (uint64_t)count];
        }
        medians[d] = ekb_median(drawn, count);
    }
    qsort(medians, DRAWS, sizeof(double), ascending);
    return (ekb_interval){ekb_median(ratios, count), medians[DRAWS / 40], medians[DRAWS - 1 - DRAWS / 40]};
}
