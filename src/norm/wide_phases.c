/* wide_phases.c: moments, affine, gradient sums and gradient affine of f64 data. */
#include "norm/wide.h"

#include <math.h>

/* The elements of one sample and channel: first, and distance. Channels last, those of the next sample follow. */
typedef struct {
    int64_t first, stride;
} line;

static line line_of(const ek_norm_plan *plan, int64_t sample, int64_t channel) {
    int64_t c = plan->channels, s = plan->space;
    if (plan->blocked) {
        int64_t tile = plan->tile;
        return (line){((sample * plan->tiles + channel / tile) * s) * tile + channel % tile, tile};
    }
    if (!plan->row_apply) return (line){sample * s * c + channel, c};
    return (line){(sample * c + channel) * s, 1};
}

static bool is_valid(const eki_job *job, int64_t sample, int64_t position) {
    if (job->valid == NULL) return true;
    return job->valid[job->plan->family == EKI_ROWS ? sample : sample * job->plan->space + position];
}

/* Sixteen sums, the element at position s in lane s mod 16, and their tree. */
enum { LANES = 16 };
typedef struct {
    double a[LANES], b[LANES];
} lanes;

static eki_pair lanes_sum(const lanes *all) {
    lanes sum = *all;
    for (int width = LANES / 2; width > 0; width /= 2) {
        for (int l = 0; l < width; l++) {
            sum.a[l] += sum.a[l + width];
            sum.b[l] += sum.b[l + width];
        }
    }
    return (eki_pair){sum.a[0], sum.b[0]};
}

eki_wide_affine eki_wide_affine_of(const eki_job *job, int64_t sample, int64_t channel) {
    int64_t set = eki_set_of(job->plan, sample, channel);
    return (eki_wide_affine){job->stats.mean[set], job->stats.rstd[set], eki_map_scale(job, channel),
                             eki_map_bias(job, channel)};
}

/* dx = rstd * ((scale * g - k1) - ((x - mean) * rstd) * k2). */
typedef struct {
    double mean, rstd, scale, k1, k2;
} gradient;

static gradient gradient_of(const eki_job *job, int64_t sample, int64_t channel) {
    const ek_norm_plan *plan = job->plan;
    const eki_gradient_columns *p = &job->gradient;
    if (plan->family == EKI_BATCH) {
        return (gradient){eki_real(plan, p->mean_hi, channel), eki_real(plan, p->rstd, channel),
                          eki_real(plan, p->scale, channel), eki_real(plan, p->k1, channel),
                          eki_real(plan, p->k2, channel)};
    }
    int64_t set = eki_set_of(plan, sample, channel);
    return (gradient){job->stats.mean[set], job->stats.rstd[set], eki_scale_of(job, channel),
                      eki_real(plan, job->small, 2 * set), eki_real(plan, job->small, 2 * set + 1)};
}

static double input(const eki_job *job, const eki_wide_affine *p, int64_t at) {
    double t = ((eki_wide_at(job->x_of_forward, at) - p->mean) * p->rstd) * p->scale + p->bias;
    return job->residual != NULL ? t + eki_wide_at(job->residual, at) : t;
}

double eki_wide_before(const eki_job *job, const eki_wide_affine *p, int64_t at) {
    double dy = eki_wide_at(job->dy, at);
    const ek_norm_desc *desc = &job->plan->desc;
    if (desc->activation == EK_ACTIVATION_NONE) return dy;
    bool output = job->y_of_forward != NULL;
    return dy * eki_wide_slope(desc, output ? eki_wide_at(job->y_of_forward, at) : input(job, p, at));
}

/* Mean first, then squares about it: what the first pass left of the mean is taken back. */
static eki_moments unit_moments(const eki_job *job, int64_t u, int64_t channel) {
    const ek_norm_plan *plan = job->plan;
    eki_span span = eki_unit(&plan->units, u);
    double shift = 0, n = 0;
    eki_moments moments = {0, 0, 0};
    for (int pass = plan->centred ? 0 : 1; pass < 2; pass++) {
        lanes all = {{0}, {0}};
        n = 0;
        for (int64_t i = span.sample; i < span.sample + span.samples; i++) {
            line at = line_of(plan, i, channel);
            for (int64_t s = span.begin; s < span.begin + span.length; s++) {
                if (!is_valid(job, i, s)) continue;
                double x = eki_wide_at(job->x, at.first + s * at.stride);
                if (n == 0 && pass == 0) shift = x;
                double d = x - shift;
                all.a[s % LANES] += d;
                all.b[s % LANES] += pass == 1 ? d * d : 0.0;
                n += 1;
            }
        }
        if (n == 0) return moments;
        eki_pair sums = lanes_sum(&all);
        moments = eki_moments_from_sums(n, shift, sums.a, pass == 1 ? sums.b : 0.0, plan->centred);
        shift = moments.mean;
    }
    return moments;
}

void eki_wide_moments(const eki_job *job, int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; i++) {
        int64_t u = i / job->window.count, first;
        int64_t count = eki_channels_of(job->plan, (eki_slabs){job->window.first + i % job->window.count, 1}, &first);
        eki_moments *to = job->moments + u * job->plan->channels;
        for (int64_t c = first; c < first + count; c++) to[c] = unit_moments(job, u, c);
    }
}

/* With ROWS of scale * dy. */
static eki_pair unit_products(const eki_job *job, int64_t u, int64_t channel) {
    const ek_norm_plan *plan = job->plan;
    eki_span span = eki_unit(&plan->units, u);
    lanes all = {{0}, {0}};
    bool rows = plan->family == EKI_ROWS;
    double mean = job->stats.mean[eki_set_of(plan, span.sample, channel)];
    for (int64_t i = span.sample; i < span.sample + span.samples; i++) {
        line of = line_of(plan, i, channel);
        eki_wide_affine p = eki_wide_affine_of(job, i, channel);
        for (int64_t s = span.begin; s < span.begin + span.length; s++) {
            if (rows) eki_wide_element(job, s, &p);
            if (!is_valid(job, i, s)) continue;
            int64_t at = of.first + s * of.stride;
            double g = rows ? p.scale * eki_wide_before(job, &p, at) : eki_wide_before(job, &p, at);
            all.a[s % LANES] += g;
            all.b[s % LANES] += g * eki_wide_centred(job, &p, mean, at);
        }
    }
    return lanes_sum(&all);
}

void eki_wide_gradsums(const eki_job *job, int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; i++) {
        int64_t u = i / job->window.count, first;
        int64_t count = eki_channels_of(job->plan, (eki_slabs){job->window.first + i % job->window.count, 1}, &first);
        eki_pair *to = job->sums + u * job->plan->channels;
        for (int64_t c = first; c < first + count; c++) to[c] = unit_products(job, u, c);
    }
}

/* Positions [begin, end) of one sample and channel; they may go on into the samples that follow (BATCH, channels last).
 */
typedef void (*line_body)(const eki_job *job, int64_t sample, int64_t channel, int64_t begin, int64_t end);

/* Without an x of forward the map scales gradients, and nothing is fused. */
static void affine_line(const eki_job *job, int64_t sample, int64_t channel, int64_t begin, int64_t end) {
    line of = line_of(job->plan, sample, channel);
    bool scales = job->x_of_forward == NULL, rows = job->plan->family == EKI_ROWS;
    eki_wide_affine p = eki_wide_affine_of(job, sample, channel);
    double *y = job->y;
    for (int64_t s = begin; s < end; s++) {
        int64_t at = of.first + s * of.stride;
        if (rows) eki_wide_element(job, s, &p);
        bool valid = is_valid(job, sample, s), adds = scales && job->adds_dx;
        if (!valid) {
            if (!adds) y[at] = 0.0;
        } else if (scales) {
            double of_x = (eki_wide_at(job->x, at) * p.rstd) * p.scale;
            y[at] = adds ? y[at] + of_x : of_x;
        } else {
            y[at] = eki_wide_activate(&job->plan->desc, input(job, &p, at));
        }
    }
}

static void gradient_line(const eki_job *job, int64_t sample, int64_t channel, int64_t begin, int64_t end) {
    line of = line_of(job->plan, sample, channel);
    gradient p = gradient_of(job, sample, channel);
    eki_wide_affine again = eki_wide_affine_of(job, sample, channel);
    bool rows = job->plan->family == EKI_ROWS;
    double *dx = job->dx, *dresidual = job->dresidual;
    for (int64_t s = begin; s < end; s++) {
        int64_t at = of.first + s * of.stride;
        bool valid = is_valid(job, sample, s);
        if (rows) {
            eki_wide_element(job, s, &again);
            p.scale = again.scale;
        }
        double g = eki_wide_before(job, &again, at), xhat = eki_wide_centred(job, &again, p.mean, at) * p.rstd;
        if (dresidual != NULL) dresidual[at] = valid ? g : 0.0;
        if (dx == NULL || (job->adds_dx && !valid)) continue;
        double of_x = valid ? p.rstd * ((p.scale * g - p.k1) - xhat * p.k2) : 0.0;
        dx[at] = job->adds_dx ? dx[at] + of_x : of_x;
    }
}

static void row_cells(const eki_job *job, int64_t begin, int64_t end, line_body body) {
    for (eki_rows r; eki_next_rows(job->cells, job->window, &begin, end, &r);) {
        for (int64_t c = r.channel; c < r.channel + r.count; c++) body(job, r.sample, c, r.begin, r.begin + r.length);
    }
}

static void tile_cells(const eki_job *job, int64_t begin, int64_t end, line_body body, void *const written[2]) {
    const ek_norm_plan *plan = job->plan;
    for (eki_tiles tiles; eki_next_tiles(plan, job->cells, job->window, &begin, end, &tiles);) {
        eki_span s = tiles.span;
        int64_t first = tiles.t * plan->tile, last = eki_min(first + tiles.count * plan->tile, plan->channels);
        for (int64_t i = s.sample; i < s.sample + s.samples; i++) {
            for (int64_t c = first; c < last; c++) body(job, i, c, s.begin, s.begin + s.length);
        }
        eki_grid grid = eki_tiles_grid(plan, &tiles);
        int64_t offset = eki_tile_offset(plan, s.sample, s.begin, tiles.t), padding = eki_tile_padding(plan, tiles.t);
        for (int i = 0; i < 2; i++) eki_clear_padding(job, written[i], offset, &grid, padding);
    }
}

static void each_cell(const eki_job *job, int64_t begin, int64_t end, line_body body, void *const written[2]) {
    if (job->plan->row_apply) {
        row_cells(job, begin, end, body);
    } else {
        tile_cells(job, begin, end, body, written);
    }
}

void eki_wide_affine_cells(const eki_job *job, int64_t begin, int64_t end) {
    each_cell(job, begin, end, affine_line, (void *const[2]){job->y, NULL});
}

void eki_wide_gradaffine(const eki_job *job, int64_t begin, int64_t end) {
    each_cell(job, begin, end, gradient_line, (void *const[2]){job->dx, job->dresidual});
}
