/* norm_stats.c: from merged moments to statistics, and from statistics to coefficients in f32.
 *
 * Statistics are f64 until the last moment. The mean becomes a pair of floats, high part and rest, because one float
 * would cost |mean|/std units of accuracy; gain and rstd become one float each.
 */
#include "norm/norm_stats.h"

#include "norm/small_sample.h"

#include <float.h>
#include <math.h>
#include <string.h>

_Static_assert(sizeof(eki_saved_header) % sizeof(double) == 0, "statistics follow the header");

uint64_t eki_saved_bytes(const ek_norm_plan *plan) {
    unsigned values = (plan->centred ? 2u : 1u) + (plan->renorm ? 2u : 0u) + plan->masked;
    return sizeof(eki_saved_header) + values * (uint64_t)plan->sets * sizeof(double);
}

uint64_t eki_stats_bytes(const ek_norm_plan *plan) { return 2 * (uint64_t)plan->sets * sizeof(double); }

eki_stats eki_stats_at(const ek_norm_plan *plan, void *saved, void *more) {
    eki_stats stats = {.header = saved, .rstd = more};
    double *next = (double *)(void *)(stats.header + 1);
    int64_t sets = plan->sets;
    if (plan->centred) {
        stats.mean = next;
        next += sets;
    } else if (more != NULL) {
        stats.mean = stats.rstd + sets;
    }
    stats.var = next;
    next += sets;
    if (plan->renorm) {
        stats.r = next;
        stats.d = next + sets;
        next += 2 * sets;
    }
    if (plan->masked) stats.n = next;
    return stats;
}

void eki_saved_begin(const ek_norm_plan *plan, void *saved, eki_source source) {
    eki_saved_header *header = saved;
    memset(header, 0, sizeof *header);
    header->magic = EKI_SAVED_MAGIC;
    header->key = plan->key;
    header->count = plan->set_size;
    header->source = source;
    header->frozen = plan->family == EKI_BATCH && !plan->masked && eki_small_frozen(plan);
}

double eki_saved_var(const ek_norm_plan *plan, const eki_stats *stats, int64_t set) {
    double value = stats->var[set];
    if (!stats->header->given) return value;
    double var = value == 0.0 ? 0.0 : 1.0 / (value * value) - plan->desc.epsilon;
    return var < 0.0 ? 0.0 : var;
}

double eki_rstd(double var, double epsilon) {
    double sum = var + epsilon, inverse = 1.0 / sqrt(sum);
    return sum == 0.0 ? 0.0 : inverse;
}

void eki_rstds(const double *var, int64_t count, double epsilon, double *rstd) {
    for (int64_t i = 0; i < count; i++) rstd[i] = eki_rstd(var[i], epsilon);
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
