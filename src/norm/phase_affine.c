/* phase_affine.c: y = ((x - mean_hi) - mean_lo) * gain + bias over all cells.
 *
 * BATCH has its coefficients ready in arrays over channels; GROUP makes them from the statistics of the sample where
 * it needs them, on the stack. A tile of eight blocked channels is read as sixteen columns, two rows at a time.
 */
#include "norm/norm_job.h"

#include <string.h>

eki_affine eki_affine_of(const eki_job *job, int64_t sample, int64_t channel) {
    if (job->plan->family == EKI_BATCH) {
        const eki_affine_columns *p = &job->affine;
        return (eki_affine){p->mean_hi[channel], p->mean_lo[channel], p->gain[channel], p->bias[channel]};
    }
    int64_t set = eki_set_of(job->plan, sample, channel);
    return eki_affine_make(job->stats.mean[set], job->stats.rstd[set], eki_scale_of(job, channel),
                           eki_bias_of(job, channel));
}

eki_affine_columns eki_affine_channels(const eki_job *job, int64_t sample, int64_t first, int64_t count,
                                       eki_affine_buffer *buffer) {
    const eki_affine_columns *p = &job->affine;
    if (job->plan->family == EKI_BATCH) {
        return (eki_affine_columns){p->mean_hi + first, p->mean_lo + first, p->gain + first, p->bias + first};
    }
    for (int64_t j = 0; j < count; j++) {
        eki_affine c = eki_affine_of(job, sample, first + j);
        buffer->value[0][j] = c.mean_hi;
        buffer->value[1][j] = c.mean_lo;
        buffer->value[2][j] = c.gain;
        buffer->value[3][j] = c.bias;
    }
    return (eki_affine_columns){buffer->value[0], buffer->value[1], buffer->value[2], buffer->value[3]};
}

void eki_affine_rows(const eki_job *job, eki_rows rows) {
    const ek_norm_plan *plan = job->plan;
    int64_t offset = (rows.sample * plan->channels + rows.channel) * plan->space + rows.begin;
    eki_affine_buffer buffer;
    eki_affine_columns p = eki_affine_channels(job, rows.sample, rows.channel, rows.count, &buffer);
    const eki_kernels *k = job->kernels;
    const void *x = eki_at(job, job->x, offset);
    void *y = eki_to(job, job->y, offset);
    size_t count = (size_t)rows.count, stride = (size_t)plan->space, length = (size_t)rows.length;
    eki_epilogue fused;
    if (job->stream) {
        k->row_affine_stream(x, y, count, stride, length, &p, eki_fuse(job, offset, &fused));
    } else {
        k->row_affine(x, y, count, stride, length, &p, eki_fuse(job, offset, &fused));
    }
    eki_hide_segments(job, job->y, rows);
}

eki_affine_columns eki_affine_tiles(const eki_job *job, int64_t sample, int64_t t, int64_t count,
                                    eki_affine_buffer *buffer) {
    int64_t channels = count > 1 ? count * job->plan->tile : eki_tile_columns(job->plan, t);
    return eki_affine_channels(job, sample, t * job->plan->tile, channels, buffer);
}

const float *eki_twice(float wide[16], const float eight[8]) {
    memcpy(wide, eight, 8 * sizeof(float));
    memcpy(wide + 8, eight, 8 * sizeof(float));
    return wide;
}

eki_affine_columns eki_affine_twice(float wide[4][16], const eki_affine_columns *p) {
    return (eki_affine_columns){eki_twice(wide[0], p->mean_hi), eki_twice(wide[1], p->mean_lo),
                                eki_twice(wide[2], p->gain), eki_twice(wide[3], p->bias)};
}

static void columns(const eki_job *job, int64_t offset, const eki_grid *grid, const eki_affine_columns *p) {
    const void *x = eki_at(job, job->x, offset);
    void *y = eki_to(job, job->y, offset);
    eki_epilogue fused;
    if (job->stream) {
        job->kernels->col_affine_stream(x, y, grid, p, eki_fuse(job, offset, &fused));
    } else {
        job->kernels->col_affine(x, y, grid, p, eki_fuse(job, offset, &fused));
    }
}

eki_grid eki_grid_pairs(const eki_grid *grid, eki_grid *last) {
    *last = (eki_grid){grid->rows % 2, 8, 8, grid->count, grid->distance, 0};
    return (eki_grid){grid->rows / 2, 16, 16, grid->count, grid->distance, 0};
}

static void paired_rows(const eki_job *job, int64_t offset, const eki_grid *grid, const eki_affine_columns *p) {
    float wide[4][16];
    eki_affine_columns both = eki_affine_twice(wide, p);
    eki_grid last, pairs = eki_grid_pairs(grid, &last);
    columns(job, offset, &pairs, &both);
    columns(job, offset + (int64_t)pairs.rows * 16, &last, p);
}

void eki_clear_padding(const eki_job *job, void *tensor, int64_t offset, const eki_grid *grid, int64_t padding) {
    if (tensor == NULL || padding == 0) return;
    size_t bytes = (size_t)(padding * job->plan->element_bytes);
    for (size_t i = 0; i < grid->count * grid->rows; i++) {
        size_t at = i / grid->rows * grid->distance + i % grid->rows * grid->stride + grid->cols;
        memset(eki_to(job, tensor, offset + (int64_t)at), 0, bytes);
    }
}

/* Tiles from t on, or all columns, of a span. */
static void column_span(const eki_job *job, eki_span s, int64_t t, int64_t count) {
    const ek_norm_plan *plan = job->plan;
    int64_t offset = eki_tile_offset(plan, s.sample, s.begin, t);
    eki_grid grid = eki_tiles_grid(plan, s, t, count);
    eki_affine_buffer buffer;
    eki_affine_columns p = eki_affine_tiles(job, s.sample, t, count, &buffer);
    if (grid.stride == 8 && grid.cols == 8) {
        paired_rows(job, offset, &grid, &p);
    } else {
        columns(job, offset, &grid, &p);
    }
    eki_clear_padding(job, job->y, offset, &grid, eki_tile_padding(plan, t));
    eki_hide_rows(job, job->y, offset, eki_valid_at(job, s.sample, s.begin), s.length, (int64_t)grid.cols);
}

void eki_affine_slab(const eki_job *job, int64_t piece) { eki_one_piece(job, piece, eki_affine_rows, column_span); }

void eki_phase_affine(const eki_job *job) {
    if (job->plan->wide) {
        eki_wide_affine_phase(job);
        return;
    }
    eki_each_cell(job, eki_affine_rows, column_span);
}
