/* norm_stats.c: from merged moments to statistics, and from statistics to coefficients in f32.
 *
 * Statistics are f64 until the last moment. The mean becomes a pair of floats, high part and rest, because one float
 * would cost |mean|/std units of accuracy; gain and rstd become one float each.
 */
#include "norm/norm_stats.h"

#include <float.h>
#include <math.h>

_Static_assert(sizeof(eki_saved_header) == 64, "the header of saved is 64 bytes");

uint64_t eki_saved_bytes(int64_t sets, bool renorm, bool masked) {
    return sizeof(eki_saved_header) + (3u + (renorm ? 2u : 0u) + masked) * (uint64_t)sets * sizeof(double);
}

eki_stats eki_stats_at(void *memory, int64_t sets, bool renorm, bool masked) {
    eki_saved_header *header = memory;
    double *values = (double *)(void *)(header + 1);
    eki_stats stats = {.header = header, .mean = values, .rstd = values + sets, .var = values + 2 * sets};
    if (renorm) {
        stats.r = values + 3 * sets;
        stats.d = values + 4 * sets;
    }
    if (masked) stats.n = values + (renorm ? 5 : 3) * sets;
    return stats;
}

double eki_rstd(double var, double epsilon) {
    double sum = var + epsilon;
    return sum == 0.0 ? 0.0 : 1.0 / sqrt(sum);
}

void eki_stats_set(const eki_stats *stats, int64_t set, eki_moments moments, double epsilon) {
    double var = moments.n > 0 ? moments.m2 / moments.n : 0.0;
    if (stats->n != NULL) stats->n[set] = moments.n;
    stats->mean[set] = moments.mean;
    stats->var[set] = var;
    stats->rstd[set] = eki_rstd(var, epsilon);
}

/* f64 to f32; what is beyond the range becomes the largest number, so that 0 times it is 0. NaN stays NaN. */
static float narrow(double value) {
    if (value > (double)FLT_MAX) return FLT_MAX;
    if (value < -(double)FLT_MAX) return -FLT_MAX;
    return (float)value;
}

eki_scaling eki_scaling_make(double mean, double rstd, double scale, double bias) {
    float high = (float)mean;
    return (eki_scaling){high, (float)(mean - (double)high), narrow(scale * rstd), (float)bias};
}

eki_gradient eki_gradient_make(double mean, double rstd, double scale, double k1, double k2) {
    float high = (float)mean;
    return (eki_gradient){high, (float)(mean - (double)high), narrow(rstd), (float)scale, (float)k1, (float)k2};
}
