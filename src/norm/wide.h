/* wide.h: f64 data: the phases in plain loops, for every family, layout and mask, over the same cells, units and trees.
 *
 * Parameters, coefficients and results are double; nothing is narrowed. An element is found by its sample, channel and
 * position, whatever the layout. ROWS has one channel, and scale and bias that change with the position.
 */
#ifndef EKI_WIDE_H
#define EKI_WIDE_H

#include "norm/phases.h"

/* y = ((x - mean) * rstd) * scale + bias. */
typedef struct eki_wide_affine {
    double mean, rstd, scale, bias;
} eki_wide_affine;

/* What forward applies to a sample and channel; with ROWS, then, to the element at `position`. */
eki_wide_affine eki_wide_affine_of(const eki_job *job, int64_t sample, int64_t channel);
static inline void eki_wide_element(const eki_job *job, int64_t position, eki_wide_affine *p) {
    p->scale = eki_scale_of(job, position);
    p->bias = eki_bias_of(job, position);
}

/* dy times the slope of the activation, of the element at `at`. */
double eki_wide_before(const eki_job *job, const eki_wide_affine *p, int64_t at);

/* (x - mean) of the element at `at`; of y, where y is in the place of x. */
static inline double eki_wide_at(const void *tensor, int64_t at) { return ((const double *)tensor)[at]; }
static inline double eki_wide_centred(const eki_job *job, const eki_wide_affine *p, double mean, int64_t at) {
    if (!job->from_y) return eki_wide_at(job->x, at) - mean;
    double gain = p->scale * p->rstd;
    return gain == 0.0 ? 0.0 : (eki_wide_at(job->x, at) - p->bias) / gain;
}

/* wide_math.c: activations and slopes; `at` is y where eki_reads_output(), else t. */
double eki_wide_activate(const ek_norm_desc *desc, double t);
double eki_wide_slope(const ek_norm_desc *desc, double at);

#endif
