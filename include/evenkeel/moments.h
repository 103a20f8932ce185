/* moments.h: exact statistics over many batches, by merging counts, means and sums of squared deviations.
 *
 * A moving average weighs late batches more and a mean over batches loses the variance between them. Merged moments
 * have neither fault: after any number of batches, of any sizes, they are the mean and variance of all elements
 * together, up to the rounding of f64.
 *
 *     ek_moments total[C] = {{0}}, batch[C];
 *     for (int b = 0; b < batches; b++) {
 *         args.x = x[b];
 *         if (ek_norm_forward(plan, EK_STATS_BATCH, &args, &err) != EK_OK ||
 *             ek_norm_batch_moments(plan, saved, batch, &err) != EK_OK)
 *             return err.status;
 *         for (int c = 0; c < C; c++) total[c] = ek_moments_merge(total[c], batch[c]);
 *     }
 *     return ek_norm_set_running(plan, total, running_mean, running_var, &err);
 *
 * Batches may differ in size: use one plan per size. Merging is by Chan, Golub and LeVeque 1979.
 */
#ifndef EVENKEEL_MOMENTS_H
#define EVENKEEL_MOMENTS_H

#include <evenkeel/norm.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Of a set of numbers: how many, their mean, and the sum of squared deviations from it. All zero = the empty set. */
typedef struct ek_moments {
    int64_t count;
    double mean, m2;
} ek_moments;

/* The moments of both sets together. An empty set leaves the other as it is, bit for bit. */
EK_API ek_moments ek_moments_merge(ek_moments a, ek_moments b);

/* m2 / count, or m2 / (count - 1) for UNBIASED; 0 where the divisor would be 0. */
EK_API double ek_moments_variance(ek_moments moments, ek_running_variance divisor);

/* Moments of the batch that the forward of `saved` saw, out[ek_norm_sets(plan)], in order of sets. Empty moments where
 * that forward used running statistics or had no elements. RMS norm: mean 0 and the sum of squares.
 * EK_ERR_NONFINITE (with the set; out is left as it was) when the batch held NaN or infinity. */
EK_API EK_NODISCARD ek_status ek_norm_batch_moments(const ek_norm_plan *plan, const void *saved, ek_moments *out,
                                                    ek_error *err);

/* Running statistics of a BATCH plan from moments[C]: the mean, and the variance with the divisor of the descriptor's
 * running_variance over the whole count. All channels or none: EK_ERR_ARG when a channel has no elements,
 * EK_ERR_NONFINITE when a result does not fit f32 (or f64, in an f64 plan). */
EK_API EK_NODISCARD ek_status ek_norm_set_running(const ek_norm_plan *plan, const ek_moments *moments,
                                                  void *running_mean, void *running_var, ek_error *err);

#ifdef __cplusplus
}
#endif
#endif
