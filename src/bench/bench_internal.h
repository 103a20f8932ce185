/* bench_internal.h: shared by the files of this folder. */
#ifndef EKI_BENCH_INTERNAL_H
#define EKI_BENCH_INTERNAL_H

#define EK_EXPERIMENTAL
#include <evenkeel/bench.h>
#include <stddef.h>

enum { EKI_BENCH_MAX_ROUNDS = 1000 };

/* ---- bench_copy.c: copies `count` floats on all threads ---- */
void eki_copy_plain(float *to, const float *from, size_t count, int threads);
void eki_copy_stream(float *to, const float *from, size_t count, int threads); /* stores that pass by the caches */

/* ---- bench_apart.c: to = a + b, to = max(a, 0), to = y > 0 ? dy : 0 ---- */
void eki_apart_add(float *to, const float *a, const float *b, size_t count, int threads);
void eki_apart_relu(float *to, const float *a, size_t count, int threads);
void eki_apart_slope(float *to, const float *dy, const float *y, size_t count, int threads);

/* ---- bench_statistics.c ---- */
double eki_median(const double *values, int count);

/* Median of numerator / denominator, and the bounds that hold 95 % of the medians of resampled rounds. */
typedef struct eki_interval {
    double median, low, high;
} eki_interval;
eki_interval eki_ratio_interval(const double *numerator, const double *denominator, int count);

#endif
