/* wide_phases.c: moments, affine, gradient sums and gradient affine of f64 data, for BATCH and GROUP. */
#include "norm/wide.h"

#include <math.h>

eki_line eki_line_of(const ek_norm_plan *plan, int64_t sample, int64_t channel) {
    int64_t c = plan->channels, s = plan->space;
    if (plan->blocked) {
        int64_t tile = plan->tile;
        return (eki_line){((sample * plan->tiles + channel / tile) * s) * tile + channel % tile, tile};
    }
    if (plan->desc.layout == EK_LAYOUT_NHWC) return (eki_line){sample * s * c + channel, c};
    return (eki_line){(sample * c + channel) * s, 1};
}

eki_pair eki_wide_lanes_sum(const eki_wide_lanes *lanes) {
    eki_wide_lanes sum = *lanes;
    for (int width = EKI_WIDE_LANES / 2; width > 0; width /= 2) {
        for (int l = 0; l < width; l++) {
            sum.a[l] += sum.a[l + width];
            sum.b[l] += sum.b[l + width];
        }
    }
    return (eki_pair){sum.a[0], sum.b[0]};
}

eki_wide_affine eki_wide_affine_of(const eki_job *job, int64_t sample, int64_t channel) {
    if (job->plan->family == EKI_BATCH) return job->wide_affine[channel];
    int64_t set = eki_set_of(job->plan, sample, channel);
    return (eki_wide_affine){job->stats.mean[set], job->stats.rstd[set], eki_scale_of(job, channel),
                             eki_bias_of(job, channel)};
}

static eki_wide_gradient gradient_of(const eki_job *job, int64_t sample, int64_t channel) {
    if (job->plan->family == EKI_BATCH) return job->wide_gradient[channel];
    int64_t set = eki_set_of(job->plan, sample, channel);
    return (eki_wide_gradient){job->stats.mean[set], job->stats.rstd[set], eki_scale_of(job, channel),
                               job->wide_means[2 * set], job->wide_means[2 * set + 1]};
}

double eki_wide_input(const eki_job *job, const eki_wide_affine *p, int64_t at) {
    double t = ((eki_wide_at(job->x_of_forward, at) - p->mean) * p->rstd) * p->scale + p->bias;
    return job->residual != NULL ? t + eki_wide_at(job->residual, at) : t;
}

double eki_wide_before(const eki_job *job, const eki_wide_affine *p, int64_t at) {
    double dy = eki_wide_at(job->dy, at);
    const ek_norm_desc *desc = &job->plan->desc;
    if (desc->activation == EK_ACTIVATION_NONE) return dy;
    bool output = job->y_of_forward != NULL;
    return dy * eki_wide_slope(desc, output ? eki_wide_at(job->y_of_forward, at) : eki_wide_input(job, p, at));
}

/* Mean first, then squares about it: what the first pass left of the mean is taken back. */
static eki_moments unit_moments(const eki_job *job, int64_t u, int64_t channel) {
    const ek_norm_plan *plan = job->plan;
    eki_span span = eki_unit(&plan->units, u);
    double shift = 0, n = 0;
    eki_moments moments = {0, 0, 0};
    for (int pass = plan->centred ? 0 : 1; pass < 2; pass++) {
        eki_wide_lanes lanes = {{0}, {0}};
        n = 0;
        for (int64_t i = span.sample; i < span.sample + span.samples; i++) {
            eki_line line = eki_line_of(plan, i, channel);
            for (int64_t s = span.begin; s < span.begin + span.length; s++) {
                if (!eki_wide_valid(job, i, s)) continue;
                double x = eki_wide_at(job->x, line.first + s * line.stride);
                if (n == 0 && pass == 0) shift = x;
                double d = x - shift;
                lanes.a[s % EKI_WIDE_LANES] += d;
                lanes.b[s % EKI_WIDE_LANES] += pass == 1 ? d * d : 0.0;
                n += 1;
            }
        }
        if (n == 0) return moments;
        eki_pair sums = eki_wide_lanes_sum(&lanes);
        moments = eki_moments_from_sums(n, shift, sums.a, pass == 1 ? sums.b : 0.0, plan->centred);
        shift = moments.mean;
    }
    return moments;
}

void eki_wide_moments(const eki_job *job, int64_t begin, int64_t end) {
    int64_t channels = job->plan->channels;
    for (int64_t i = begin; i < end; i++) job->moments[i] = unit_moments(job, i / channels, i % channels);
}

static eki_pair unit_products(const eki_job *job, int64_t u, int64_t channel) {
    const ek_norm_plan *plan = job->plan;
    eki_span span = eki_unit(&plan->units, u);
    eki_wide_lanes lanes = {{0}, {0}};
    eki_wide_affine p = {0};
    if (eki_computes_again(job)) p = eki_wide_affine_of(job, span.sample, channel);
    double mean = job->stats.mean[eki_set_of(plan, span.sample, channel)];
    for (int64_t i = span.sample; i < span.sample + span.samples; i++) {
        eki_line line = eki_line_of(plan, i, channel);
        for (int64_t s = span.begin; s < span.begin + span.length; s++) {
            if (!eki_wide_valid(job, i, s)) continue;
            int64_t at = line.first + s * line.stride;
            double g = eki_wide_before(job, &p, at);
            lanes.a[s % EKI_WIDE_LANES] += g;
            lanes.b[s % EKI_WIDE_LANES] += g * (eki_wide_at(job->x, at) - mean);
        }
    }
    return eki_wide_lanes_sum(&lanes);
}

void eki_wide_gradsums(const eki_job *job, int64_t begin, int64_t end) {
    int64_t channels = job->plan->channels;
    for (int64_t i = begin; i < end; i++) job->sums[i] = unit_products(job, i / channels, i % channels);
}

/* `job->x` is dy where the map scales gradients, and then nothing is fused. */
static void affine_line(const eki_job *job, int64_t sample, int64_t channel) {
    eki_line line = eki_line_of(job->plan, sample, channel);
    eki_wide_affine p = eki_wide_affine_of(job, sample, channel);
    double *y = job->y;
    for (int64_t s = 0; s < job->plan->space; s++) {
        int64_t at = line.first + s * line.stride;
        if (!eki_wide_valid(job, sample, s)) {
            y[at] = 0.0;
        } else if (job->x != job->x_of_forward) {
            y[at] = ((eki_wide_at(job->x, at) - p.mean) * p.rstd) * p.scale + p.bias;
        } else {
            y[at] = eki_wide_activate(&job->plan->desc, eki_wide_input(job, &p, at));
        }
    }
}

static void gradient_line(const eki_job *job, int64_t sample, int64_t channel) {
    eki_line line = eki_line_of(job->plan, sample, channel);
    eki_wide_gradient p = gradient_of(job, sample, channel);
    eki_wide_affine again = {0};
    if (eki_computes_again(job)) again = eki_wide_affine_of(job, sample, channel);
    double *dx = job->dx, *dresidual = job->dresidual;
    for (int64_t s = 0; s < job->plan->space; s++) {
        int64_t at = line.first + s * line.stride;
        bool valid = eki_wide_valid(job, sample, s);
        double g = eki_wide_before(job, &again, at), xhat = (eki_wide_at(job->x, at) - p.mean) * p.rstd;
        if (dresidual != NULL) dresidual[at] = valid ? g : 0.0;
        if (dx != NULL) dx[at] = valid ? p.rstd * ((p.scale * g - p.k1) - xhat * p.k2) : 0.0;
    }
}

/* The channels of a block that do not exist. */
static void clear_padding(const eki_job *job, void *tensor, int64_t sample) {
    const ek_norm_plan *plan = job->plan;
    int64_t t = plan->tiles - 1;
    eki_grid grid = eki_tile_grid(plan, (eki_span){sample, 1, 0, plan->space}, t);
    eki_clear_padding(job, tensor, eki_tile_offset(plan, sample, 0, t), &grid, eki_tile_padding(plan, t));
}

void eki_wide_affine_lines(const eki_job *job, int64_t begin, int64_t end) {
    int64_t channels = job->plan->channels;
    for (int64_t i = begin; i < end; i++) {
        affine_line(job, i / channels, i % channels);
        if (i % channels == channels - 1) clear_padding(job, job->y, i / channels);
    }
}

void eki_wide_gradaffine(const eki_job *job, int64_t begin, int64_t end) {
    int64_t channels = job->plan->channels;
    for (int64_t i = begin; i < end; i++) {
        gradient_line(job, i / channels, i % channels);
        if (i % channels != channels - 1) continue;
        clear_padding(job, job->dx, i / channels);
        clear_padding(job, job->dresidual, i / channels);
    }
}
