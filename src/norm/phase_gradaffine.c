/* phase_gradaffine.c: dx = rstd * ((scale * dy - k1) - xhat * k2) over all cells; the shape of phase_affine.c. */
#include "norm/norm_job.h"

#include <string.h>

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

void eki_gradaffine_row(const eki_job *job, int64_t sample, int64_t channel, int64_t begin, int64_t length) {
    const ek_norm_plan *plan = job->plan;
    int64_t offset = (sample * plan->channels + channel) * plan->space + begin;
    eki_gradient p = coefficients(job, sample, channel);
    const eki_kernels *k = job->kernels;
    (job->stream ? k->f32_row_gradaffine_stream : k->f32_row_gradaffine)(job->x + offset, job->dy + offset,
                                                                         job->dx + offset, (size_t)length, &p);
}

static void row_cells(void *context, int64_t begin, int64_t end) {
    const eki_job *job = context;
    const ek_norm_plan *plan = job->plan;
    int64_t blocks = plan->cells.blocks;
    for (int64_t i = begin; i < end; i++) {
        int64_t at = i / blocks / plan->channels * blocks + i % blocks;
        eki_span s = eki_unit(&plan->cells, at);
        eki_gradaffine_row(job, s.sample, i / blocks % plan->channels, s.begin, s.length);
    }
    eki_end_stream(job);
}

typedef struct {
    float value[6][EKI_TILE];
} gradient_buffer;

static eki_gradient_columns tile_coefficients(const eki_job *job, int64_t sample, int64_t t, gradient_buffer *b) {
    int64_t first = t * job->plan->tile, cols = eki_tile_columns(job->plan, t);
    const eki_gradient_columns *p = &job->gradient;
    if (job->plan->family == EKI_BATCH) {
        return (eki_gradient_columns){p->mean_hi + first, p->mean_lo + first, p->rstd + first,
                                      p->scale + first,   p->k1 + first,      p->k2 + first};
    }
    for (int64_t j = 0; j < cols; j++) {
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

static const float *twice(float wide[16], const float eight[8]) {
    memcpy(wide, eight, 8 * sizeof(float));
    memcpy(wide + 8, eight, 8 * sizeof(float));
    return wide;
}

/* Two rows of eight columns are one row of sixteen. */
static void paired_rows(const eki_job *job, int64_t offset, size_t rows, const eki_gradient_columns *p) {
    const float *x = job->x + offset, *dy = job->dy + offset;
    float *dx = job->dx + offset, wide[6][16];
    eki_gradient_columns both = {twice(wide[0], p->mean_hi), twice(wide[1], p->mean_lo), twice(wide[2], p->rstd),
                                 twice(wide[3], p->scale),   twice(wide[4], p->k1),      twice(wide[5], p->k2)};
    size_t pairs = rows / 2, done = pairs * 16;
    (job->stream ? job->kernels->f32_col_gradaffine_stream : job->kernels->f32_col_gradaffine)(x, dy, dx, pairs, 16, 16,
                                                                                               &both);
    if (rows % 2) job->kernels->f32_col_gradaffine(x + done, dy + done, dx + done, 1, 8, 8, p);
}

static void clear_padding(float *dx, int64_t rows, int64_t stride, int64_t cols, int64_t padding) {
    for (int64_t r = 0; r < rows; r++) {
        for (int64_t j = 0; j < padding; j++) dx[r * stride + cols + j] = 0.0f;
    }
}

static void column_cell(const eki_job *job, int64_t cell, int64_t t) {
    const ek_norm_plan *plan = job->plan;
    eki_span s = eki_unit(&plan->cells, cell);
    int64_t offset = eki_tile_offset(plan, s.sample, s.begin, t), stride = eki_tile_stride(plan);
    int64_t cols = plan->whole_rows ? plan->channels : eki_tile_columns(plan, t), padding = eki_tile_padding(plan, t);
    gradient_buffer buffer;
    eki_gradient_columns p = tile_coefficients(job, s.sample, t, &buffer);
    if (stride == 8 && cols == 8) {
        paired_rows(job, offset, (size_t)s.length, &p);
    } else {
        (job->stream ? job->kernels->f32_col_gradaffine_stream : job->kernels->f32_col_gradaffine)(
            job->x + offset, job->dy + offset, job->dx + offset, (size_t)s.length, (size_t)stride, (size_t)cols, &p);
    }
    if (padding > 0) clear_padding(job->dx + offset, s.length, stride, cols, padding);
}

static void column_cells(void *context, int64_t begin, int64_t end) {
    const eki_job *job = context;
    int64_t tiles = job->plan->cell_tiles;
    for (int64_t i = begin; i < end; i++) column_cell(job, i / tiles, i % tiles);
    eki_end_stream(job);
}

void eki_phase_gradaffine(const eki_job *job) {
    if (job->valid != NULL) {
        eki_masked_gradaffine(job);
        return;
    }
    const ek_norm_plan *plan = job->plan;
    eki_job copy = *job;
    int64_t items = plan->cells.count * plan->cell_tiles;
    eki_ranges(plan, items, plan->elements / items + 1, plan->row_apply ? row_cells : column_cells, &copy);
}
