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

static eki_gradient_columns tile_coefficients(const eki_job *job, int64_t sample, int64_t t, gradient_buffer *b) {
    return channel_coefficients(job, sample, t * job->plan->tile, eki_tile_columns(job->plan, t), b);
}

static void columns(const eki_job *job, int64_t offset, int64_t rows, int64_t stride, int64_t cols,
                    const eki_gradient_columns *p, const eki_affine_columns *again) {
    const void *x = eki_at(job, job->x, offset), *dy = eki_at(job, job->dy, offset);
    void *dx = eki_to(job, job->dx, offset);
    eki_epilogue fused;
    if (job->stream && !eki_fuses(job)) {
        job->kernels->col_gradaffine_stream(x, dy, dx, (size_t)rows, (size_t)stride, (size_t)cols, p);
    } else {
        job->kernels->col_gradaffine(x, dy, dx, (size_t)rows, (size_t)stride, (size_t)cols, p,
                                     eki_fuse_columns(job, offset, again, &fused));
    }
}

/* Two rows of eight columns are one row of sixteen. */
static void paired_rows(const eki_job *job, int64_t offset, int64_t rows, const eki_gradient_columns *p,
                        const eki_affine_columns *again) {
    float wide[6][16], more[4][16];
    eki_gradient_columns both = {eki_twice(wide[0], p->mean_hi), eki_twice(wide[1], p->mean_lo),
                                 eki_twice(wide[2], p->rstd),    eki_twice(wide[3], p->scale),
                                 eki_twice(wide[4], p->k1),      eki_twice(wide[5], p->k2)};
    eki_affine_columns again_both;
    if (again != NULL) again_both = eki_affine_twice(more, again);
    eki_epilogue fused;
    int64_t last = offset + rows / 2 * 16;
    columns(job, offset, rows / 2, 16, 16, &both, again != NULL ? &again_both : NULL);
    if (rows % 2 == 0) return;
    job->kernels->col_gradaffine(eki_at(job, job->x, last), eki_at(job, job->dy, last), eki_to(job, job->dx, last), 1,
                                 8, 8, p, eki_fuse_columns(job, last, again, &fused));
}

static void column_cell(const eki_job *job, int64_t cell, int64_t t) {
    const ek_norm_plan *plan = job->plan;
    eki_span s = eki_unit(&plan->cells, cell);
    int64_t offset = eki_tile_offset(plan, s.sample, s.begin, t), stride = eki_tile_stride(plan);
    int64_t cols = plan->whole_rows ? plan->channels : eki_tile_columns(plan, t), padding = eki_tile_padding(plan, t);
    gradient_buffer buffer;
    eki_gradient_columns p = tile_coefficients(job, s.sample, t, &buffer);
    eki_affine_buffer again_buffer;
    eki_affine_columns again_columns, *again = NULL;
    if (eki_computes_again(job)) {
        again_columns = eki_affine_tile(job, s.sample, t, &again_buffer);
        again = &again_columns;
    }
    if (stride == 8 && cols == 8) {
        paired_rows(job, offset, s.length, &p, again);
    } else {
        columns(job, offset, s.length, stride, cols, &p, again);
    }
    if (padding > 0 && job->dx != NULL) eki_clear_padding(job, job->dx, offset, s.length, cols, padding);
    if (padding > 0 && job->dresidual != NULL) {
        eki_clear_padding(job, job->dresidual, offset, s.length, cols, padding);
    }
    const unsigned char *valid = eki_valid_at(job, s.sample, s.begin);
    eki_hide_rows(job, job->dx, offset, valid, s.length, cols);
    eki_hide_rows(job, job->dresidual, offset, valid, s.length, cols);
}

void eki_gradaffine_piece(const eki_job *job, int64_t cell, int64_t piece) {
    if (job->plan->row_apply) {
        eki_span s = eki_unit(&job->plan->cells, cell);
        eki_gradaffine_rows(job, (eki_rows){s.sample, piece, 1, s.begin, s.length});
    } else {
        column_cell(job, cell, piece);
    }
}

/* In the order of memory; short rows many at a time. */
static void all_rows(void *context, int64_t begin, int64_t end) {
    const eki_job *job = context;
    for (int64_t i = begin; i < end;) {
        eki_rows rows = eki_rows_from(job->plan, i, end);
        eki_gradaffine_rows(job, rows);
        i += rows.count;
    }
    eki_end_stream(job);
}

static void all_columns(void *context, int64_t begin, int64_t end) {
    const eki_job *job = context;
    int64_t tiles = job->plan->cell_tiles;
    for (int64_t i = begin; i < end; i++) column_cell(job, i / tiles, i % tiles);
    eki_end_stream(job);
}

void eki_phase_gradaffine(const eki_job *job) {
    if (job->plan->wide) {
        eki_wide_gradaffine(job);
        return;
    }
    const ek_norm_plan *plan = job->plan;
    eki_job copy = *job;
    int64_t items = plan->cells.count * plan->cell_tiles;
    eki_ranges(plan, items, plan->elements / items + 1, plan->row_apply ? all_rows : all_columns, &copy);
}
