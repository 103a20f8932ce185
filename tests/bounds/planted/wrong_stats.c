/* wrong_stats.c: norm_stats.c with an error: with WRONG_MEAN the mean of a set is rounded to f32, with WRONG_PART the
 * second part of the mean is left out of y. */
#define eki_stats_set right_stats_set
#define eki_scaling_make right_scaling_make
#include "norm/norm_stats.c"
#undef eki_stats_set
#undef eki_scaling_make

void eki_stats_set(const eki_stats *stats, int64_t set, eki_moments moments, double epsilon);
eki_scaling eki_scaling_make(double mean, double rstd, double scale, double bias);

void eki_stats_set(const eki_stats *stats, int64_t set, eki_moments moments, double epsilon) {
#ifdef WRONG_MEAN
    moments.mean = (double)(float)moments.mean;
#endif
    right_stats_set(stats, set, moments, epsilon);
}

eki_scaling eki_scaling_make(double mean, double rstd, double scale, double bias) {
    eki_scaling p = right_scaling_make(mean, rstd, scale, bias);
#ifdef WRONG_PART
    p.mean_lo = 0;
#endif
    return p;
}
