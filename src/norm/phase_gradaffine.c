/* phase_gradaffine.c: dx = rstd * ((scale * dy - k1) - xhat * k2) over all cells. */
#include "norm/phases.h"
#include "norm/variants/mask.h"

static eki_gradient coefficients(const eki_job *job, int64_t sample, int64_t channel) {
    if (job->plan->family == EKI_BATCH) {
        const eki_gradient_columns *p = &job->gradient;
        return (eki_gradient){p->mean_hi[channel], p->mean_lo[channel], p->rstd[channel],
                              p->scale[channel],   p->k1[channel],      p->k2[channel]};
    }
    int64_t set = eki_set_of(job->plan, sample, channel);
    double k2 = eki_real(job->plan, job->small, 2 * set + 1);
    if (job->from_y) k2 *= eki_unscale(job, set, channel);
    return eki_gradient_make(eki_centre(job, set, channel), job->stats.rstd[set], eki_scale_of(job, channel),
                             eki_real(job->plan, job->small, 2 * set), k2);
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

static void rows_gradient(const eki_job *job, const eki_rows *r, int64_t offset) {
    const eki_kernels *k = job->kernels;
    gradient_buffer buffer;
    eki_gradient_columns p = channel_coefficients(job, r->sample, r->channel, r->count, &buffer);
    const void *x = eki_from(job, job->x, offset), *dy = eki_from(job, job->dy, offset);
    void *dx = eki_to(job, job->dx, offset);
    size_t count = (size_t)r->count, stride = (size_t)job->plan->space, length = (size_t)r->length;
    if (job->stream && !eki_fuses(job) && !job->adds_dx) {
        k->row_gradaffine_stream(x, dy, dx, count, stride, length, &p);
        return;
    }
    eki_epilogue fused;
    eki_scaling_buffer again_buffer;
    eki_scaling_columns columns, *again = NULL;
    if (eki_computes_again(job)) {
        columns = eki_scaling_channels(job, r->sample, r->channel, r->count, &again_buffer);
        again = &columns;
    }
    const eki_epilogue *e = eki_fuse_adding(job, eki_fuse_columns(job, offset, again, &fused), &fused);
    k->row_gradaffine(x, dy, dx, count, stride, length, &p, e);
}

/* What is added to leaves out what is hidden. */
static void runs_gradient(const eki_job *job, const eki_rows *r) {
    const unsigned char *valid = job->adds_dx ? eki_valid_at(job, r->sample, r->begin) : NULL;
    for (int64_t begin = 0, end = 0; eki_next_run(valid, r->length, &begin, &end);) {
        eki_rows run = {r->sample, r->channel, r->count, r->begin + begin, end - begin};
        rows_gradient(job, &run, (r->sample * job->plan->channels + r->channel) * job->plan->space + run.begin);
    }
}

void eki_gradaffine_rows(const eki_job *given, int64_t begin, int64_t end) {
    eki_job local;
    const eki_job *job = eki_formed(given, &local);
    for (eki_rows r; eki_next_rows(job->cells, job->window, &begin, end, &r);) {
        runs_gradient(job, &r);
        if (!job->adds_dx) eki_hide_segments(job, job->dx, r);
        eki_hide_segments(job, job->dresidual, r);
    }
}

static void columns(const eki_job *job, int64_t offset, const eki_grid *grid, const eki_gradient_columns *p,
                    const eki_scaling_columns *again) {
    const void *x = eki_from(job, job->x, offset), *dy = eki_from(job, job->dy, offset);
    void *dx = eki_to(job, job->dx, offset);
    eki_epilogue fused;
    if (job->stream && !eki_fuses(job) && !job->adds_dx) {
        job->kernels->col_gradaffine_stream(x, dy, dx, grid, p);
    } else {
        const eki_epilogue *e = eki_fuse_adding(job, eki_fuse_columns(job, offset, again, &fused), &fused);
        job->kernels->col_gradaffine(x, dy, dx, grid, p, e);
    }
}

static void paired_rows(const eki_job *job, int64_t offset, const eki_grid *grid, const eki_gradient_columns *p,
                        const eki_scaling_columns *again) {
    float wide[6][16], more[4][16];
    eki_gradient_columns both = {eki_twice(wide[0], p->mean_hi), eki_twice(wide[1], p->mean_lo),
                                 eki_twice(wide[2], p->rstd),    eki_twice(wide[3], p->scale),
                                 eki_twice(wide[4], p->k1),      eki_twice(wide[5], p->k2)};
    eki_scaling_columns again_both;
    if (again != NULL) again_both = eki_scaling_twice(more, again);
    eki_grid last, pairs = eki_grid_pairs(grid, &last);
    columns(job, offset, &pairs, &both, again != NULL ? &again_both : NULL);
    columns(job, offset + (int64_t)pairs.rows * 16, &last, p, again);
}

static void tiles_gradient(const eki_job *job, const eki_tiles *tiles, int64_t offset, const eki_grid *grid) {
    int64_t sample = tiles->span.sample, first = tiles->t * job->plan->tile;
    int64_t channels = eki_tiles_channels(job->plan, tiles);
    gradient_buffer buffer;
    eki_gradient_columns p = channel_coefficients(job, sample, first, channels, &buffer);
    eki_scaling_buffer again_buffer;
    eki_scaling_columns again_columns, *again = NULL;
    if (eki_computes_again(job)) {
        again_columns = eki_scaling_channels(job, sample, first, channels, &again_buffer);
        again = &again_columns;
    }
    if (eki_pairs(grid)) {
        paired_rows(job, offset, grid, &p, again);
    } else {
        columns(job, offset, grid, &p, again);
    }
}

/* Under a mask a grid is one stretch. */
static void added_runs(const eki_job *job, const eki_tiles *tiles, int64_t offset, const eki_grid *grid,
                       const unsigned char *valid) {
    for (int64_t begin = 0, end = 0; eki_next_run(valid, (int64_t)grid->rows, &begin, &end);) {
        eki_grid run = {(size_t)(end - begin), grid->stride, grid->cols, 1, 0, 0};
        tiles_gradient(job, tiles, offset + begin * (int64_t)grid->stride, &run);
    }
}

void eki_gradaffine_tiles(const eki_job *given, int64_t begin, int64_t end) {
    eki_job local;
    const eki_job *job = eki_formed(given, &local);
    const ek_norm_plan *plan = job->plan;
    void *const written[] = {job->dx, job->dresidual};
    for (eki_tiles tiles; eki_next_tiles(plan, job->cells, job->window, &begin, end, &tiles);) {
        eki_span s = tiles.span;
        int64_t offset = eki_tile_offset(plan, s.sample, s.begin, tiles.t);
        eki_grid grid = eki_tiles_grid(plan, &tiles);
        const unsigned char *valid = eki_valid_at(job, s.sample, s.begin);
        if (job->adds_dx && valid != NULL) {
            added_runs(job, &tiles, offset, &grid, valid);
        } else {
            tiles_gradient(job, &tiles, offset, &grid);
        }
        for (int i = 0; i < 2; i++) {
            eki_clear_padding(job, written[i], offset, &grid, eki_tile_padding(plan, tiles.t));
            if (i == 1 || !job->adds_dx) eki_hide_rows(job, written[i], offset, valid, s.length, (int64_t)grid.cols);
        }
    }
}
