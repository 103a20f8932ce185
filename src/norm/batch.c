/* batch.c: batch norm: statistics per channel over all samples and positions.
 *
 * Forward: partial moments of every unit and channel; per channel their tree, statistics and coefficients; then the
 * affine map. Backward: the same with the two gradient sums. With running statistics nothing depends on the batch,
 * and dx = scale * rstd * dy is an affine map of dy.
 */
#include "norm/norm_job.h"

/* Where coefficient i of the channels lies: four of job->affine, then six of job->gradient. */
static float *coefficient(const eki_job *job, int i) { return job->small + i * job->plan->channels; }

static void put_affine(const eki_job *job, int64_t c, eki_affine p) {
    coefficient(job, 0)[c] = p.mean_hi;
    coefficient(job, 1)[c] = p.mean_lo;
    coefficient(job, 2)[c] = p.gain;
    coefficient(job, 3)[c] = p.bias;
}

static void put_gradient(const eki_job *job, int64_t c, eki_gradient p) {
    coefficient(job, 4)[c] = p.mean_hi;
    coefficient(job, 5)[c] = p.mean_lo;
    coefficient(job, 6)[c] = p.rstd;
    coefficient(job, 7)[c] = p.scale;
    coefficient(job, 8)[c] = p.k1;
    coefficient(job, 9)[c] = p.k2;
}

static void merge_moments(void *context, int64_t begin, int64_t end) {
    const eki_job *job = context;
    const ek_norm_plan *plan = job->plan;
    for (int64_t c = begin; c < end; c++) {
        eki_moments m = eki_moments_tree(job->moments + c, plan->units.count, plan->channels);
        eki_stats_set(&job->stats, c, m, plan->desc.epsilon);
    }
}

void eki_batch_moments(const eki_job *job) {
    eki_job copy = *job;
    eki_phase_moments(job);
    eki_ranges(job->plan, job->plan->channels, 8 * job->plan->units.count, merge_moments, &copy);
}

static void put_forward(const eki_job *job) {
    for (int64_t c = 0; c < job->plan->channels; c++) {
        put_affine(job, c,
                   eki_affine_make(job->stats.mean[c], job->stats.rstd[c], eki_scale_of(job, c), eki_bias_of(job, c)));
    }
}

void eki_batch_forward(const eki_job *job) {
    put_forward(job);
    eki_phase_affine(job);
}

static void finish_channel(const eki_job *job, int64_t c) {
    const ek_norm_plan *plan = job->plan;
    eki_pair sum = eki_pair_tree(job->sums + c, plan->units.count, plan->channels);
    double rstd = job->stats.rstd[c], scale = eki_scale_of(job, c), n = (double)plan->set_size;
    if (job->dbias != NULL) job->dbias[c] = (float)sum.a;
    if (job->dscale != NULL) job->dscale[c] = (float)(rstd * sum.b);
    put_gradient(job, c,
                 eki_gradient_make(job->stats.mean[c], rstd, scale, scale * sum.a / n, scale * sum.b * rstd / n));
}

static void finish_channels(void *context, int64_t begin, int64_t end) {
    for (int64_t c = begin; c < end; c++) finish_channel(context, c);
}

/* dx = (scale * rstd) dy, by the forward kernels. */
static void scale_gradient(const eki_job *job) {
    eki_job map = *job;
    map.x = job->dy;
    map.y = job->dx;
    map.dy = NULL;
    for (int64_t c = 0; c < job->plan->channels; c++) {
        put_affine(job, c, eki_affine_make(0.0, job->stats.rstd[c], eki_scale_of(job, c), 0.0));
    }
    eki_phase_affine(&map);
}

/* The same with something fused: dx = gain * ((1 * g - 0) - (dy * gain) * 0), where the kernels form g from dy. */
static void scale_fused_gradient(const eki_job *job) {
    eki_job map = *job;
    map.x = job->dy;
    for (int64_t c = 0; c < job->plan->channels; c++) {
        double gain = (double)eki_narrow(eki_scale_of(job, c) * job->stats.rstd[c]);
        put_gradient(job, c, eki_gradient_make(0.0, gain, 1.0, 0.0, 0.0));
    }
    eki_phase_gradaffine(&map);
}

void eki_batch_backward(const eki_job *job, int through_statistics) {
    eki_job copy = *job;
    eki_epilogue fused;
    bool sums = job->dscale != NULL || job->dbias != NULL || (job->dx != NULL && through_statistics);
    if (eki_computes_again(job)) put_forward(job);
    if (sums) {
        eki_phase_gradsums(job);
        eki_ranges(job->plan, job->plan->channels, 8 * job->plan->units.count, finish_channels, &copy);
    }
    if (!eki_wants_dx(job)) return;
    if (through_statistics) {
        eki_phase_gradaffine(job);
    } else if (eki_fuse(job, 0, &fused) != NULL) {
        scale_fused_gradient(job);
    } else {
        scale_gradient(job);
    }
}
