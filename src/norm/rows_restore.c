/* rows_restore.c: of norms in place with a scale per element: x - mean of a row again, from y. */
#include "norm/phases.h"

void eki_rows_restore(const eki_job *job, int64_t row, int64_t begin, int64_t length, float *x) {
    const float *scale = job->scale, *bias = job->bias;
    double rstd = job->stats.rstd[row];
    float spread = (float)(rstd == 0.0 ? 0.0 : 1.0 / rstd);
    job->kernels->widen(eki_from(job, job->x, row * job->plan->space + begin), (size_t)length, x);
    for (int64_t j = 0; bias != NULL && j < length; j++) x[j] -= bias[begin + j];
    for (int64_t j = 0; scale != NULL && j < length; j++) x[j] /= scale[begin + j];
    for (int64_t j = 0; j < length; j++) x[j] *= spread;
    job->kernels->narrow(x, (size_t)length, x); /* f32: as it is */
}
