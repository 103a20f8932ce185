/* wide.h: f64 data: the phases in plain loops, for every family, layout and mask, in the same units and the same trees.
 *
 * Parameters, coefficients and results are double; nothing is narrowed. An element is found by its sample, channel and
 * position, whatever the layout; ROWS has one channel, and scale and bias that change with the position.
 */
#ifndef EKI_WIDE_H
#define EKI_WIDE_H

#include "norm/phases.h"

/* The elements of one sample and channel: first, and distance. */
typedef struct eki_line {
    int64_t first, stride;
} eki_line;

eki_line eki_line_of(const ek_norm_plan *plan, int64_t sample, int64_t channel);

/* y = ((x - mean) * rstd) * scale + bias; of the element at `position` where ROWS has one per element. */
double eki_wide_input(const eki_job *job, const eki_wide_affine *p, int64_t at);

/* dy times the slope of the activation. */
double eki_wide_before(const eki_job *job, const eki_wide_affine *p, int64_t at);

/* What forward applies to one sample and channel. */
eki_wide_affine eki_wide_affine_of(const eki_job *job, int64_t sample, int64_t channel);

/* wide_math.c: activations and slopes; `at` is y where eki_reads_output(), else t. */
double eki_wide_activate(const ek_norm_desc *desc, double t);
double eki_wide_slope(const ek_norm_desc *desc, double at);

static inline bool eki_wide_valid(const eki_job *job, int64_t sample, int64_t position) {
    return job->valid == NULL || job->valid[sample * job->plan->space + position];
}
static inline double eki_wide_at(const void *tensor, int64_t at) { return ((const double *)tensor)[at]; }

/* Sixteen sums, the element at position s in lane s mod 16, and their tree. */
enum { EKI_WIDE_LANES = 16 };
typedef struct eki_wide_lanes {
    double a[EKI_WIDE_LANES], b[EKI_WIDE_LANES];
} eki_wide_lanes;
eki_pair eki_wide_lanes_sum(const eki_wide_lanes *lanes);

#endif
