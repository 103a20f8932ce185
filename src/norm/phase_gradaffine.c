/* phase_gradaffine.c: dx = rstd * ((scale * dy - k1) - xhat * k2) over all cells; the shape of phase_affine.c. */
#include "norm/norm_job.h"

static eki_gradient coefficients(const eki_job *job, int64_t sample, int64_t channel) {
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

typedef struct {
    float value[6][EKI_TILE];
} gradient_buffer;

static eki_gradient_columns channel_coefficients(const eki_job *job, int64_t sample, int64_t first, int64_t count,
                                                 gradient_buffer *b) {
    const eki_gradient_columns *p = &job->gradient;
    if (job->plan->family == EKI_BATCH) {
        return (eki_gradient_columns){p->mean_hi + first, p->mean_lo + first, p->rstd + first,
                                      p->scale + first,   p->k1 + first,      p->k2 + first};
    }
    for (int64_t j = 0; j < count; j++) {
        eki_gradient c = coefficients(job, sample, first + j);
        b->value[0][j] = c.mean_hi;
        b->value[1][j] = c.mean_lo;
        b->value[2][j] = c.rstd;
        b->value[3][j] = c.scale;
        b->value[4][j] = c.k1;
        b->value[5][j] = c.k2;
    }
    return (eki_gradient_columns){b->value[0], b->value[1], b->value[2], b->value[3], b->value[4], b->value[5]};
}

void eki_gradaffine_rows(const eki_job *job, eki_rows rows) {
    const ek_norm_plan *plan = job->plan;
    int64_t offset = (rows.sample * plan->channels + rows.channel) * plan->space + rows.begin;
    gradient_buffer buffer;
    eki_gradient_columns p = channel_coefficients(job, rows.sample, rows.channel, rows.count, &buffer);
    const void *x = eki_at(job, job->x, offset), *dy = eki_at(job, job->dy, offset);
    void *dx = eki_to(job, job->dx, offset);
    size_t count = (size_t)rows.count, stride = (size_t)plan->space, length = (size_t)rows.length;
    if (job->stream && !eki_fuses(job)) {
        job->kernels->row_gradaffine_stream(x, dy, dx, count, stride, length, &p);
        return;
    }
    eki_epilogue fused;
    eki_affine_buffer again_buffer;
    eki_affine_columns again;
    if (eki_computes_again(job)) again = eki_affine_channels(job, rows.sample, rows.channel, rows.count, &again_buffer);
    job->kernels->row_gradaffine(x, dy, dx, count, stride, length, &p,
                                 eki_fuse_columns(job, offset, eki_computes_again(job) ? &again : NULL, &fused));
    eki_hide_segments(job, job->dx, rows);
    eki_hide_segments(job, job->dresidual, rows);
}

static eki_gradient_columns tile_coefficients(const eki_job *job, int64_t sample, int64_t t, int64_t count,
                                              gradient_buffer *b) {
    int64_t channels = count > 1 ? count * job->plan->tile : eki_tile_columns(job->plan, t);
    return channel_coefficients(job, sample, t * job->plan->tile, channels, b);
}

static void columns(const eki_job *job, int64_t offset, const eki_grid *grid, const eki_gradient_columns *p,
                    const eki_affine_columns *again) {
    const void *x = eki_at(job, job->x, offset), *dy = eki_at(job, job->dy, offset);
    void *dx = eki_to(job, job->dx, offset);
    eki_epilogue fused;
    if (job->stream && !eki_fuses(job)) {
        job->kernels->col_gradaffine_stream(x, dy, dx, grid, p);
    } else {
        job->kernels->col_gradaffine(x, dy, dx, grid, p, eki_fuse_columns(job, offset, again, &fused));
    }
}

static void paired_rows(const eki_job *job, int64_t offset, const eki_grid *grid, const eki_gradient_columns *p,
                        const eki_affine_columns *again) {
    float wide[6][16], more[4][16];
    eki_gradient_columns both = {eki_twice(wide[0], p->mean_hi), eki_twice(wide[1], p->mean_lo),
                                 eki_twice(wide[2], p->rstd),    eki_twice(wide[3], p->scale),
                                 eki_twice(wide[4], p->k1),      eki_twice(wide[5], p->k2)};
    eki_affine_columns again_both;
    if (again != NULL) again_both = eki_affine_twice(more, again);
    eki_grid last, pairs = eki_grid_pairs(grid, &last);
    columns(job, offset, &pairs, &both, again != NULL ? &again_both : NULL);
    columns(job, offset + (int64_t)pairs.rows * 16, &last, p, again);
}

/* Tiles from t on, or all columns, of a span. */
static void column_span(const eki_job *job, eki_span s, int64_t t, int64_t count) {
    const ek_norm_plan *plan = job->plan;
    int64_t offset = eki_tile_offset(plan, s.sample, s.begin, t), padding = eki_tile_padding(plan, t);
    eki_grid grid = eki_tiles_grid(plan, s, t, count);
    gradient_buffer buffer;
    eki_gradient_columns p = tile_coefficients(job, s.sample, t, count, &buffer);
    eki_affine_buffer again_buffer;
    eki_affine_columns again_columns, *again = NULL;
    if (eki_computes_again(job)) {
        again_columns = eki_affine_tiles(job, s.sample, t, count, &again_buffer);
        again = &again_columns;
    }
    if (grid.stride == 8 && grid.cols == 8) {
        paired_rows(job, offset, &grid, &p, again);
    } else {
        columns(job, offset, &grid, &p, again);
    }
    eki_clear_padding(job, job->dx, offset, &grid, padding);
    eki_clear_padding(job, job->dresidual, offset, &grid, padding);
    const unsigned char *valid = eki_valid_at(job, s.sample, s.begin);
    eki_hide_rows(job, job->dx, offset, valid, s.length, (int64_t)grid.cols);
    eki_hide_rows(job, job->dresidual, offset, valid, s.length, (int64_t)grid.cols);
}

void eki_gradaffine_slab(const eki_job *job, int64_t piece) {
    eki_one_piece(job, piece, eki_gradaffine_rows, column_span);
}

void eki_phase_gradaffine(const eki_job *job) {
    if (job->plan->wide) {
        eki_wide_gradaffine(job);
        return;
    }
    eki_each_cell(job, eki_gradaffine_rows, column_span);
}
