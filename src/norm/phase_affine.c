/* phase_affine.c: y = ((x - mean_hi) - mean_lo) * gain + bias over all cells.
 *
 * BATCH has its coefficients ready in arrays over channels; GROUP makes them from the statistics of the sample where
 * it needs them, on the stack. A tile of eight blocked channels is read as sixteen columns, two rows at a time.
 */
#include "norm/phases.h"
#include "norm/variants/mask.h"

#include <string.h>

eki_scaling eki_scaling_of(const eki_job *job, int64_t sample, int64_t channel) {
    if (job->plan->family == EKI_BATCH) {
        const eki_scaling_columns *p = &job->affine;
        return (eki_scaling){p->mean_hi[channel], p->mean_lo[channel], p->gain[channel], p->bias[channel]};
    }
    int64_t set = eki_set_of(job->plan, sample, channel);
    return eki_scaling_make(job->stats.mean[set], job->stats.rstd[set], eki_scale_of(job, channel),
                            eki_bias_of(job, channel));
}

eki_scaling_columns eki_scaling_channels(const eki_job *job, int64_t sample, int64_t first, int64_t count,
                                         eki_scaling_buffer *buffer) {
    const eki_scaling_columns *p = &job->affine;
    if (job->plan->family == EKI_BATCH) {
        return (eki_scaling_columns){p->mean_hi + first, p->mean_lo + first, p->gain + first, p->bias + first};
    }
    for (int64_t j = 0; j < count; j++) {
        eki_scaling c = eki_scaling_of(job, sample, first + j);
        buffer->value[0][j] = c.mean_hi;
        buffer->value[1][j] = c.mean_lo;
        buffer->value[2][j] = c.gain;
        buffer->value[3][j] = c.bias;
    }
    return (eki_scaling_columns){buffer->value[0], buffer->value[1], buffer->value[2], buffer->value[3]};
}

void eki_affine_rows(const eki_job *job, int64_t begin, int64_t end) {
    const ek_norm_plan *plan = job->plan;
    const eki_kernels *k = job->kernels;
    eki_scaling_buffer buffer;
    eki_epilogue fused;
    for (eki_rows r; eki_next_rows(job->cells, job->window, &begin, end, &r);) {
        int64_t offset = (r.sample * plan->channels + r.channel) * plan->space + r.begin;
        eki_scaling_columns p = eki_scaling_channels(job, r.sample, r.channel, r.count, &buffer);
        (job->stream ? k->row_affine_stream : k->row_affine)(eki_from(job, job->x, offset), eki_to(job, job->y, offset),
                                                             (size_t)r.count, (size_t)plan->space, (size_t)r.length, &p,
                                                             eki_fuse(job, offset, &fused));
        eki_hide_segments(job, job->y, r);
    }
}

const float *eki_twice(float wide[16], const float eight[8]) {
    memcpy(wide, eight, 8 * sizeof(float));
    memcpy(wide + 8, eight, 8 * sizeof(float));
    return wide;
}

eki_scaling_columns eki_scaling_twice(float wide[4][16], const eki_scaling_columns *p) {
    return (eki_scaling_columns){eki_twice(wide[0], p->mean_hi), eki_twice(wide[1], p->mean_lo),
                                 eki_twice(wide[2], p->gain), eki_twice(wide[3], p->bias)};
}

static void columns(const eki_job *job, int64_t offset, const eki_grid *grid, const eki_scaling_columns *p) {
    const eki_kernels *k = job->kernels;
    eki_epilogue fused;
    (job->stream ? k->col_affine_stream : k->col_affine)(eki_from(job, job->x, offset), eki_to(job, job->y, offset),
                                                         grid, p, eki_fuse(job, offset, &fused));
}

eki_grid eki_grid_pairs(const eki_grid *grid, eki_grid *last) {
    *last = (eki_grid){grid->rows % 2, 8, 8, grid->count, grid->distance, 0};
    return (eki_grid){grid->rows / 2, 16, 16, grid->count, grid->distance, 0};
}

static void paired_rows(const eki_job *job, int64_t offset, const eki_grid *grid, const eki_scaling_columns *p) {
    float wide[4][16];
    eki_scaling_columns both = eki_scaling_twice(wide, p);
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

void eki_affine_tiles(const eki_job *job, int64_t begin, int64_t end) {
    const ek_norm_plan *plan = job->plan;
    eki_scaling_buffer buffer;
    for (eki_tiles tiles; eki_next_tiles(plan, job->cells, job->window, &begin, end, &tiles);) {
        eki_span s = tiles.span;
        int64_t offset = eki_tile_offset(plan, s.sample, s.begin, tiles.t), channels = eki_tiles_channels(plan, &tiles);
        eki_grid grid = eki_tiles_grid(plan, &tiles);
        eki_scaling_columns p = eki_scaling_channels(job, s.sample, tiles.t * plan->tile, channels, &buffer);
        if (eki_pairs(&grid)) {
            paired_rows(job, offset, &grid, &p);
        } else {
            columns(job, offset, &grid, &p);
        }
        eki_clear_padding(job, job->y, offset, &grid, eki_tile_padding(plan, tiles.t));
        eki_hide_rows(job, job->y, offset, eki_valid_at(job, s.sample, s.begin), s.length, (int64_t)grid.cols);
    }
}
