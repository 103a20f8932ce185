/* batch.c: batch norm, between the phases: per channel, over all samples and positions, statistics from the tree over
 * the partial moments, and parameter gradients from the two gradient sums; and the coefficients of the maps.
 */
#include "norm/phases.h"

#include <math.h>

/* What the type of parameters leaves of the mean goes into a second one. f64 makes its map of the statistics. */
static double rounded(const eki_job *job, double mean) {
    double kept;
    eki_put(job->plan, &kept, 0, mean);
    return eki_real(job->plan, &kept, 0);
}

/* Coefficients `first` and so on of channel c. */
static void put(const eki_job *job, int64_t c, int first, int count, const double *value) {
    for (int i = 0; i < count; i++) eki_put(job->plan, job->small, (first + i) * job->plan->channels + c, value[i]);
}

static void put_affine(const eki_job *job, int64_t c, double mean, double rstd, double scale, double bias) {
    double high = rounded(job, mean);
    put(job, c, 6, 4, (const double[]){high, mean - high, eki_limited(job->plan, scale * rstd), bias});
}

static void put_gradient(const eki_job *job, int64_t c, double mean, double rstd, double scale, double k1, double k2) {
    double high = rounded(job, mean);
    put(job, c, 0, 6, (const double[]){high, mean - high, eki_limited(job->plan, rstd), scale, k1, k2});
}

static double clip(double value, double low, double high) { return value < low ? low : value > high ? high : value; }

/* Ioffe 2017: r = sigma_batch / sigma_running in [1 / r_max, r_max], d = (mean_batch - mean_running) / sigma_running in
 * [-d_max, d_max]. Without renorm for running statistics: r = 1, d = 0. */
static void correct(const eki_job *job, int64_t c, bool running) {
    const ek_norm_desc *desc = &job->plan->desc;
    double rstd = running ? 0.0 : eki_rstd(eki_real(job->plan, job->running_var, c), desc->epsilon);
    double r = sqrt(job->stats.var[c] + desc->epsilon) * rstd;
    double d = running ? 0.0 : (job->stats.mean[c] - eki_real(job->plan, job->running_mean, c)) * rstd;
    job->stats.r[c] = running ? 1.0 : clip(r, 1.0 / desc->renorm_r_max, desc->renorm_r_max);
    job->stats.d[c] = clip(d, -desc->renorm_d_max, desc->renorm_d_max);
}

void eki_batch_coefficients(const eki_job *job, int64_t begin, int64_t end) {
    for (int64_t c = begin; c < end; c++) {
        put_affine(job, c, job->stats.mean[c], job->stats.rstd[c], eki_map_scale(job, c), eki_map_bias(job, c));
    }
}

void eki_batch_statistics(const eki_job *job, int64_t begin, int64_t end) {
    const ek_norm_plan *plan = job->plan;
    for (int64_t c = begin; c < end; c++) {
        eki_moments m = eki_moments_tree(job->moments + c, plan->units.count, plan->channels);
        eki_stats_set(&job->stats, c, m, plan->desc.epsilon);
        if (plan->renorm) correct(job, c, false);
    }
    eki_batch_coefficients(job, begin, end);
}

void eki_batch_running(const eki_job *job, int64_t begin, int64_t end) {
    for (int64_t c = begin; c < end; c++) {
        job->stats.mean[c] = eki_real(job->plan, job->running_mean, c);
        job->stats.var[c] = eki_real(job->plan, job->running_var, c);
        job->stats.rstd[c] = eki_rstd(job->stats.var[c], job->plan->desc.epsilon);
        if (job->stats.n != NULL) job->stats.n[c] = (double)job->valid_count;
        if (job->plan->renorm) correct(job, c, true);
    }
    eki_batch_coefficients(job, begin, end);
}

void eki_batch_gradient(const eki_job *job, int64_t c, eki_pair sum) {
    double rstd = job->stats.rstd[c], scale = eki_map_scale(job, c), n = eki_count_of(job, c);
    eki_pair total = {sum.a, rstd * sum.b};
    if (job->stats.r != NULL) total.b = job->stats.r[c] * total.b + job->stats.d[c] * sum.a;
    eki_put_gradients(job, c, total.b, total.a);
    if (job->totals != NULL) job->totals[c] = total;
    double k1 = job->plan->centred ? eki_mean_of(scale * sum.a, n) : 0.0;
    double k2 = eki_mean_of(scale * sum.b * rstd, n);
    if (job->from_y && !job->plan->wide) k2 *= eki_unscale(job, c, c);
    put_gradient(job, c, eki_centre(job, c, c), rstd, scale, k1, k2);
}

void eki_batch_totals(const eki_job *job, int64_t begin, int64_t end) {
    const ek_norm_plan *plan = job->plan;
    for (int64_t c = begin; c < end; c++) {
        eki_batch_gradient(job, c, eki_pair_tree(job->sums + c, plan->units.count, plan->channels));
    }
}

/* dx = (scale * rstd) dy, by the forward kernels; with something fused dx = gain * ((1 * g - 0) - (dy * gain) * 0),
 * where the kernels form g from dy. */
void eki_batch_scaling(const eki_job *job, int64_t begin, int64_t end) {
    eki_job local;
    bool fused = eki_fuses(eki_formed(job, &local)) || eki_adds_by_kernels(job);
    for (int64_t c = begin; c < end; c++) {
        double rstd = job->stats.rstd[c], scale = eki_map_scale(job, c), gain = scale * rstd;
        if (fused) {
            put_gradient(job, c, 0.0, gain, 1.0, 0.0, 0.0);
        } else {
            put_affine(job, c, 0.0, rstd, scale, 0.0);
        }
    }
}

void eki_batch_scale(const eki_job *job, int64_t begin, int64_t end) {
    eki_job local, map = *eki_formed(job, &local);
    map.x = map.dy;
    map.y = map.dx;
    map.x_of_forward = NULL;
    eki_phases_of(job->plan)->affine(&map, begin, end);
}

void eki_batch_scale_fused(const eki_job *job, int64_t begin, int64_t end) {
    eki_job map = *job;
    map.x = job->dy;
    eki_phases_of(job->plan)->gradaffine(&map, begin, end);
}
