/* bench_internal.h: shared by the files of this folder. */
#ifndef EKB_BENCH_INTERNAL_H
#define EKB_BENCH_INTERNAL_H

#include "bench/bench.h"

#include <stddef.h>

enum { EKB_BENCH_MAX_ROUNDS = 1000 };

/* ---- bench_support.c ---- */
#define EKB_TRY(call)                                                                                                  \
    do {                                                                                                               \
        ek_status ekb_try_ = (call);                                                                                   \
        if (ekb_try_ != EK_OK) return ekb_try_;                                                                        \
    } while (0)
ek_status ekb_fail(ek_error *err, ek_status status, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
ek_status ekb_fail_nomem(ek_error *err, size_t bytes);
void *ekb_memory(size_t bytes); /* 64-byte aligned, for free(); NULL = there is none */
void *ekb_zeroed(size_t bytes);
/* Threads of the pool that oneDNN and Evenkeel share: how many; sets them, unless 0; runs tasks on so many. */
int ekb_threads(void);
void ekb_threads_set(int threads);
void ekb_tasks(int threads, size_t tasks, void (*body)(void *argument, size_t index), void *argument);
/* Splits [0, total) into nearly equal parts: [*begin, *end) is the part-th. */
void ekb_split(size_t total, size_t parts, size_t part, size_t *begin, size_t *end);
/* Channels with their padding. */
int64_t ekb_whole_blocks(ek_layout layout, int64_t channels);

/* ---- bench_copy.c: copies `count` floats on all threads ---- */
void ekb_copy_plain(float *to, const float *from, size_t count, int threads);
void ekb_copy_stream(float *to, const float *from, size_t count, int threads); /* stores that pass by the caches */

/* ---- bench_apart.c: to = a + b, to = max(a, 0), to = y > 0 ? dy : 0 ---- */
void ekb_apart_add(float *to, const float *a, const float *b, size_t count, int threads);
void ekb_apart_relu(float *to, const float *a, size_t count, int threads);
void ekb_apart_slope(float *to, const float *dy, const float *y, size_t count, int threads);

/* ---- bench_statistics.c ---- */
double ekb_median(const double *values, int count);

/* Median of numerator / denominator, and the bounds that hold 95 % of the medians of resampled rounds. */
typedef struct ekb_interval {
    double median, low, high;
} ekb_interval;
ekb_interval ekb_ratio_interval(const double *numerator, const double *denominator, int count);

#endif
