/* batch.c: batch norm, between the phases: per channel, over all samples and positions, statistics from the tree over
 * the partial moments, and parameter gradients from the two gradient sums; and the coefficients of the maps.
 */
#include "norm/phases.h"

#include <math.h>

/* Batch renorm is an affine map behind xhat: it changes scale and bias, and nothing else. r and d are constants. */
static double channel_scale(const eki_job *job, int64_t c) {
    return eki_scale_of(job, c) * (job->stats.r != NULL ? job->stats.r[c] : 1.0);
}

static double channel_bias(const eki_job *job, int64_t c) {
    return eki_bias_of(job, c) + (job->stats.d != NULL ? eki_scale_of(job, c) * job->stats.d[c] : 0.0);
}

/* Where coefficient i of the channels lies: six of job->gradient, then four of job->affine. */
static float *coefficient(const eki_job *job, int i) { return job->small + i * job->plan->channels; }

static void put_affine(const eki_job *job, int64_t c, double mean, double rstd, double scale, double bias) {
    if (job->plan->wide) {
        job->wide_affine[c] = (eki_wide_affine){mean, rstd, scale, bias};
        return;
    }
    eki_scaling p = eki_scaling_make(mean, rstd, scale, bias);
    coefficient(job, 6)[c] = p.mean_hi;
    coefficient(job, 7)[c] = p.mean_lo;
    coefficient(job, 8)[c] = p.gain;
    coefficient(job, 9)[c] = p.bias;
}

static void put_gradient(const eki_job *job, int64_t c, double mean, double rstd, double scale, double k1, double k2) {
    if (job->plan->wide) {
        job->wide_gradient[c] = (eki_wide_gradient){mean, rstd, scale, k1, k2};
        return;
    }
    eki_gradient p = eki_gradient_make(mean, rstd, scale, k1, k2);
    coefficient(job, 0)[c] = p.mean_hi;
    coefficient(job, 1)[c] = p.mean_lo;
    coefficient(job, 2)[c] = p.rstd;
    coefficient(job, 3)[c] = p.scale;
    coefficient(job, 4)[c] = p.k1;
    coefficient(job, 5)[c] = p.k2;
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
        put_affine(job, c, job->stats.mean[c], job->stats.rstd[c], channel_scale(job, c), channel_bias(job, c));
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
    double rstd = job->stats.rstd[c], scale = channel_scale(job, c), n = eki_count_of(job, c);
    eki_pair total = {sum.a, rstd * sum.b};
    if (job->stats.r != NULL) total.b = job->stats.r[c] * total.b + job->stats.d[c] * sum.a;
    eki_put(job->plan, job->dbias, c, total.a);
    eki_put(job->plan, job->dscale, c, total.b);
    if (job->totals != NULL) job->totals[c] = total;
    put_gradient(job, c, job->stats.mean[c], rstd, scale, eki_mean_of(scale * sum.a, n),
                 eki_mean_of(scale * sum.b * rstd, n));
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
    bool fused = eki_fuses(eki_formed(job, &local));
    for (int64_t c = begin; c < end; c++) {
        double rstd = job->stats.rstd[c], scale = channel_scale(job, c), gain = scale * rstd;
        if (fused) {
            put_gradient(job, c, 0.0, job->plan->wide ? gain : (double)eki_narrow(gain), 1.0, 0.0, 0.0);
        } else {
            put_affine(job, c, 0.0, rstd, scale, 0.0);
        }
    }
}

void eki_batch_scale(const eki_job *job, int64_t begin, int64_t end) {
    eki_job local, map = *eki_formed(job, &local);
    map.x = map.dy;
    map.y = map.dx;
    eki_phases_of(job->plan)->affine(&map, begin, end);
}

void eki_batch_scale_fused(const eki_job *job, int64_t begin, int64_t end) {
    eki_job map = *job;
    map.x = job->dy;
    eki_phases_of(job->plan)->gradaffine(&map, begin, end);
}
