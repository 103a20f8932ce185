/* bench_statistics.c: medians, and the interval of a ratio by bootstrap: rounds are drawn with replacement, and the
 * medians of the draws, in order, show how much the median would move. Drawn by counter, so equal times give equal
 * intervals. */
#include "base/random.h"
#include "bench/bench_internal.h"

#include <stdlib.h>
#include <string.h>

enum { DRAWS = 1000 };

static int ascending(const void *a, const void *b) {
    const double *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

double eki_median(const double *values, int count) {
    double sorted[EKI_BENCH_MAX_ROUNDS];
    memcpy(sorted, values, (size_t)count * sizeof(double));
    qsort(sorted, (size_t)count, sizeof(double), ascending);
    return count % 2 ? sorted[count / 2] : 0.5 * (sorted[count / 2 - 1] + sorted[count / 2]);
}

eki_interval eki_ratio_interval(const double *numerator, const double *denominator, int count) {
    double ratios[EKI_BENCH_MAX_ROUNDS], drawn[EKI_BENCH_MAX_ROUNDS], medians[DRAWS];
    for (int i = 0; i < count; i++) ratios[i] = numerator[i] / denominator[i];
    eki_random random = eki_random_stream(1, "bench", 0, 0);
    for (int d = 0; d < DRAWS; d++) {
        for (int i = 0; i < count; i++) {
            uint64_t counter = (uint64_t)d * (uint64_t)count + (uint64_t)i;
            drawn[i] = ratios[eki_random_below(random, counter, (uint64_t)count)];
        }
        medians[d] = eki_median(drawn, count);
    }
    qsort(medians, DRAWS, sizeof(double), ascending);
    return (eki_interval){eki_median(ratios, count), medians[DRAWS / 40], medians[DRAWS - 1 - DRAWS / 40]};
}
