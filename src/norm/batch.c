/* batch.c: batch norm: statistics per channel over all samples and positions.
 *
 * Forward: partial moments of every unit and channel; per channel their tree, statistics and coefficients; then the
 * affine map. Backward: the same with the two gradient sums. With running statistics nothing depends on the batch,
 * and dx = scale * rstd * dy is an affine map of dy.
 */
#include "norm/norm_job.h"

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
    eki_affine p = eki_affine_make(mean, rstd, scale, bias);
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

static void merge_channel(const eki_job *job, int64_t c) {
    const ek_norm_plan *plan = job->plan;
    eki_moments m = eki_moments_tree(job->moments + c, plan->units.count, plan->channels);
    eki_stats_set(&job->stats, c, m, plan->desc.epsilon);
}

static void merge_moments(void *context, int64_t begin, int64_t end) {
    for (int64_t c = begin; c < end; c++) merge_channel(context, c);
}

void eki_batch_statistics(const eki_job *job) {
    eki_job copy = *job;
    eki_ranges(job->plan, job->plan->channels, 8 * job->plan->units.count, merge_moments, &copy);
}

static void take_running(const eki_job *job) {
    for (int64_t c = 0; c < job->plan->channels; c++) {
        job->stats.mean[c] = eki_real(job->plan, job->running_mean, c);
        job->stats.var[c] = eki_real(job->plan, job->running_var, c);
        job->stats.rstd[c] = eki_rstd(job->stats.var[c], job->plan->desc.epsilon);
        if (job->stats.n != NULL) job->stats.n[c] = (double)job->valid_count;
    }
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

static void channel_coefficients(const eki_job *job, int64_t c) {
    double mean = job->stats.mean[c], rstd = job->stats.rstd[c];
    put_affine(job, c, mean, rstd, channel_scale(job, c), channel_bias(job, c));
}

void eki_batch_coefficients(const eki_job *job) {
    for (int64_t c = 0; c < job->plan->channels; c++) channel_coefficients(job, c);
}

void eki_batch_channels(const eki_job *job, int64_t begin, int64_t end) {
    for (int64_t c = begin; c < end; c++) {
        merge_channel(job, c);
        if (job->plan->renorm) correct(job, c, false);
        channel_coefficients(job, c);
    }
}

void eki_batch_affine(const eki_job *job) {
    eki_batch_coefficients(job);
    eki_phase_affine(job);
}

void eki_batch_forward(const eki_job *job, bool running) {
    eki_job once = *job;
    once.stream = eki_streams_once(job);
    if (!running && eki_by_slabs(job)) {
        eki_slabs_forward(&once);
        return;
    }
    if (running) {
        take_running(job);
    } else {
        eki_phase_moments(job);
        eki_batch_statistics(job);
    }
    for (int64_t c = 0; job->plan->renorm && c < job->plan->channels; c++) correct(job, c, running);
    eki_batch_affine(&once);
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

void eki_batch_gradients(const eki_job *job, int64_t begin, int64_t end) {
    const ek_norm_plan *plan = job->plan;
    for (int64_t c = begin; c < end; c++) {
        eki_batch_gradient(job, c, eki_pair_tree(job->sums + c, plan->units.count, plan->channels));
    }
}

static void finish_channels(void *context, int64_t begin, int64_t end) {
    int64_t first;
    (void)eki_window_channels(context, &first);
    eki_batch_gradients(context, first + begin, first + end);
}

/* dx = (scale * rstd) dy, by the forward kernels. */
static void scale_gradient(const eki_job *job) {
    eki_job map = *job;
    map.x = job->dy;
    map.y = job->dx;
    for (int64_t c = 0; c < job->plan->channels; c++) {
        put_affine(job, c, 0.0, job->stats.rstd[c], channel_scale(job, c), 0.0);
    }
    eki_phase_affine(&map);
}

/* The same with something fused: dx = gain * ((1 * g - 0) - (dy * gain) * 0), where the kernels form g from dy. */
static void scale_fused_gradient(const eki_job *job) {
    eki_job map = *job;
    map.x = job->dy;
    for (int64_t c = 0; c < job->plan->channels; c++) {
        double gain = channel_scale(job, c) * job->stats.rstd[c];
        if (!job->plan->wide) gain = (double)eki_narrow(gain);
        put_gradient(job, c, 0.0, gain, 1.0, 0.0, 0.0);
    }
    eki_phase_gradaffine(&map);
}

void eki_batch_totals(const eki_job *job) {
    eki_job copy = *job;
    int64_t first, channels = eki_window_channels(job, &first);
    eki_ranges(job->plan, channels, 8 * job->plan->units.count, finish_channels, &copy);
}

static void backward_window(eki_job *job) {
    eki_form_first(job);
    eki_phase_gradsums(job);
    eki_batch_totals(job);
    eki_form_done(job);
    if (eki_wants_dx(job)) eki_phase_gradaffine(job);
}

void eki_batch_backward(const eki_job *whole, bool through_statistics) {
    eki_job local = *whole, *job = &local;
    bool parameters = job->dscale != NULL || job->dbias != NULL || job->totals != NULL;
    if (eki_computes_again(job)) eki_batch_coefficients(job);
    if (through_statistics && (parameters || job->dx != NULL)) {
        if (eki_by_slabs(job)) {
            eki_slabs_backward(job);
        } else {
            eki_each_window(job, backward_window);
        }
        return;
    }
    if (parameters) {
        eki_form_first(job);
        eki_phase_gradsums(job);
        eki_batch_totals(job);
        eki_form_done(job);
    }
    if (!eki_wants_dx(job)) return;
    if (through_statistics) {
        eki_phase_gradaffine(job);
    } else if (eki_fuses(job)) {
        scale_fused_gradient(job);
    } else {
        scale_gradient(job);
    }
}
