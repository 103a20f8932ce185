/* masked_apply.c: y and dx at valid positions, in the order of the kernels, and zero at the others.
 *
 * One item is one sample and one channel (row memory) or one tile of channels (column memory). y may be x and dx may be
 * dy: an element is read before it is written.
 */
#include "norm/norm_job.h"

static eki_affine affine_of(const eki_job *job, int64_t sample, int64_t channel) {
    if (job->plan->family == EKI_BATCH) {
        const eki_affine_columns *p = &job->affine;
        return (eki_affine){p->mean_hi[channel], p->mean_lo[channel], p->gain[channel], p->bias[channel]};
    }
    int64_t set = eki_set_of(job->plan, sample, channel);
    return eki_affine_make(job->stats.mean[set], job->stats.rstd[set], eki_scale_of(job, channel),
                           eki_bias_of(job, channel));
}

static float affine_value(float x, const eki_affine *p) {
    float centred = (x - p->mean_hi) - p->mean_lo;
    return centred * p->gain + p->bias;
}

static eki_gradient gradient_of(const eki_job *job, int64_t sample, int64_t channel) {
    if (job->plan->family == EKI_BATCH) {
        const eki_gradient_columns *p = &job->gradient;
        return (eki_gradient){p->mean_hi[channel], p->mean_lo[channel], p->rstd[channel],
                              p->scale[channel],   p->k1[channel],      p->k2[channel]};
    }
    int64_t set = eki_set_of(job->plan, sample, channel);
    const float *k = job->small + 2 * set;
    return eki_gradient_make(job->stats.mean[set], job->stats.rstd[set], eki_scale_of(job, channel), (double)k[0],
                             (double)k[1]);
}

static float gradient_value(float x, float dy, const eki_gradient *p) {
    float xhat = ((x - p->mean_hi) - p->mean_lo) * p->rstd;
    float g = p->scale * dy - p->k1;
    return p->rstd * (g - xhat * p->k2);
}

/* Without a branch: values of hidden elements are formed and dropped. */
static void affine_row(const eki_job *job, int64_t sample, int64_t channel) {
    int64_t space = job->plan->space, offset = (sample * job->plan->channels + channel) * space;
    const unsigned char *valid = job->valid + sample * space;
    const float *x = eki_at(job, job->x, offset);
    float *y = eki_to(job, job->y, offset);
    eki_affine p = affine_of(job, sample, channel);
    for (int64_t s = 0; s < space; s++) {
        float value = affine_value(x[s], &p);
        y[s] = valid[s] ? value : 0.0f;
    }
}

static void clear(float *y, int64_t count) {
    for (int64_t j = 0; j < count; j++) y[j] = 0.0f;
}

static void affine_tile(const eki_job *job, int64_t sample, int64_t t) {
    const ek_norm_plan *plan = job->plan;
    int64_t cols = eki_tile_columns(plan, t), padding = eki_tile_padding(plan, t);
    float hi[EKI_TILE], lo[EKI_TILE], gain[EKI_TILE], bias[EKI_TILE];
    for (int64_t j = 0; j < cols; j++) {
        eki_affine p = affine_of(job, sample, t * plan->tile + j);
        hi[j] = p.mean_hi;
        lo[j] = p.mean_lo;
        gain[j] = p.gain;
        bias[j] = p.bias;
    }
    for (int64_t s = 0; s < plan->space; s++) {
        int64_t offset = eki_tile_offset(plan, sample, s, t);
        bool valid = job->valid[sample * plan->space + s];
        const float *x = eki_at(job, job->x, offset);
        float *y = eki_to(job, job->y, offset);
        for (int64_t j = 0; j < cols && valid; j++) y[j] = ((x[j] - hi[j]) - lo[j]) * gain[j] + bias[j];
        clear(valid ? y + cols : y, valid ? padding : cols + padding);
    }
}

static void affine_items(void *context, int64_t begin, int64_t end) {
    const eki_job *job = context;
    int64_t channels = job->plan->channels, tiles = job->plan->tiles;
    for (int64_t i = begin; i < end; i++) {
        if (job->plan->row_apply) {
            affine_row(job, i / channels, i % channels);
        } else {
            affine_tile(job, i / tiles, i % tiles);
        }
    }
}

static void gradient_row(const eki_job *job, int64_t sample, int64_t channel) {
    int64_t space = job->plan->space, offset = (sample * job->plan->channels + channel) * space;
    const unsigned char *valid = job->valid + sample * space;
    const float *x = eki_at(job, job->x, offset), *dy = eki_at(job, job->dy, offset);
    float *dx = eki_to(job, job->dx, offset);
    eki_gradient p = gradient_of(job, sample, channel);
    for (int64_t s = 0; s < space; s++) {
        float value = gradient_value(x[s], dy[s], &p);
        dx[s] = valid[s] ? value : 0.0f;
    }
}

static void gradient_tile(const eki_job *job, int64_t sample, int64_t t) {
    const ek_norm_plan *plan = job->plan;
    int64_t cols = eki_tile_columns(plan, t), padding = eki_tile_padding(plan, t);
    float hi[EKI_TILE], lo[EKI_TILE], rstd[EKI_TILE], scale[EKI_TILE], k1[EKI_TILE], k2[EKI_TILE];
    for (int64_t j = 0; j < cols; j++) {
        eki_gradient p = gradient_of(job, sample, t * plan->tile + j);
        hi[j] = p.mean_hi;
        lo[j] = p.mean_lo;
        rstd[j] = p.rstd;
        scale[j] = p.scale;
        k1[j] = p.k1;
        k2[j] = p.k2;
    }
    for (int64_t s = 0; s < plan->space; s++) {
        int64_t offset = eki_tile_offset(plan, sample, s, t);
        bool valid = job->valid[sample * plan->space + s];
        const float *x = eki_at(job, job->x, offset), *dy = eki_at(job, job->dy, offset);
        float *dx = eki_to(job, job->dx, offset);
        for (int64_t j = 0; j < cols && valid; j++) {
            float xhat = ((x[j] - hi[j]) - lo[j]) * rstd[j];
            dx[j] = rstd[j] * ((scale[j] * dy[j] - k1[j]) - xhat * k2[j]);
        }
        clear(valid ? dx + cols : dx, valid ? padding : cols + padding);
    }
}

static void gradient_items(void *context, int64_t begin, int64_t end) {
    const eki_job *job = context;
    int64_t channels = job->plan->channels, tiles = job->plan->tiles;
    for (int64_t i = begin; i < end; i++) {
        if (job->plan->row_apply) {
            gradient_row(job, i / channels, i % channels);
        } else {
            gradient_tile(job, i / tiles, i % tiles);
        }
    }
}

static void all_items(const eki_job *job, eki_range_fn body) {
    const ek_norm_plan *plan = job->plan;
    eki_job copy = *job;
    int64_t items = plan->samples * (plan->row_apply ? plan->channels : plan->tiles);
    eki_ranges(plan, items, plan->elements / items + 1, body, &copy);
}

void eki_masked_affine(const eki_job *job) { all_items(job, affine_items); }

void eki_masked_gradaffine(const eki_job *job) { all_items(job, gradient_items); }
