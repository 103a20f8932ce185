/* phase_gradsums.c: sum dy and sum dy (x - mean) of every unit and channel, in f64, in the order of the moments. */
#include "norm/phases.h"
#include "norm/variants/mask.h"

static void row_sums(const eki_job *job, int64_t unit, int64_t channel) {
    const ek_norm_plan *plan = job->plan;
    eki_span s = eki_unit(&plan->units, unit);
    int64_t offset = (s.sample * plan->channels + channel) * plan->space + s.begin;
    int64_t set = eki_set_of(plan, s.sample, channel);
    double mean = eki_centre(job, set, channel), sums[2];
    eki_epilogue fused;
    eki_scaling again;
    if (eki_computes_again(job)) again = eki_scaling_of(job, s.sample, channel);
    const eki_epilogue *e = eki_fuse_row(job, offset, eki_computes_again(job) ? &again : NULL, &fused);
    if (!job->forms) fused.dresidual = NULL;
    const void *x = eki_from(job, job->x, offset), *dy = eki_from(job, job->dy, offset);
    size_t length = (size_t)s.length, samples = (size_t)s.samples, stride = (size_t)(plan->channels * plan->space);
    if (job->valid != NULL) {
        const unsigned char *valid = eki_valid_at(job, s.sample, s.begin);
        job->kernels->row_gradsums_masked(x, dy, valid, length, samples, stride, (size_t)plan->space, mean, sums, e);
    } else {
        job->kernels->row_gradsums(x, dy, length, samples, stride, mean, sums, e);
    }
    if (job->from_y) sums[1] *= eki_unscale(job, set, channel);
    job->sums[unit * plan->channels + channel] = (eki_pair){sums[0], sums[1]};
}

void eki_gradsums_rows(const eki_job *job, int64_t begin, int64_t end) {
    int64_t count = job->window.count;
    for (int64_t i = begin; i < end; i++) row_sums(job, i / count, job->window.first + i % count);
}

/* Where the sums of a tile go, and what forms the gradient before the activation. */
typedef struct {
    const double *mean;
    double *sdy, *sdyx;
    const eki_scaling_columns *again;
} tile_sums;

static void grid_sums(const eki_job *job, int64_t offset, const eki_grid *grid, const tile_sums *to) {
    eki_epilogue fused;
    const eki_epilogue *e = eki_fuse_columns(job, offset, to->again, &fused);
    if (!job->forms) fused.dresidual = NULL;
    job->kernels->col_gradsums(eki_from(job, job->x, offset), eki_from(job, job->dy, offset), grid, to->mean, to->sdy,
                               to->sdyx, e);
}

static void masked_sums(const eki_job *job, eki_span s, int64_t offset, const eki_grid *grid, const tile_sums *to) {
    for (int64_t i = 0; i < (int64_t)grid->count; i++, offset += (int64_t)grid->distance) {
        const unsigned char *valid = eki_valid_at(job, s.sample + i, s.begin);
        for (int64_t begin = 0, end = 0; eki_next_run(valid, (int64_t)grid->rows, &begin, &end);) {
            eki_grid run = {(size_t)(end - begin), grid->stride, grid->cols, 1, 0, 0};
            grid_sums(job, offset + begin * (int64_t)grid->stride, &run, to);
        }
    }
}

static void column_sums(const eki_job *job, eki_span s, int64_t t, tile_sums *to) {
    eki_scaling_buffer buffer;
    eki_scaling_columns again;
    if (eki_computes_again(job)) {
        int64_t cols = eki_tile_columns(job->plan, t);
        again = eki_scaling_channels(job, s.sample, t * job->plan->tile, cols, &buffer);
        to->again = &again;
    }
    eki_grid grid = eki_tile_grid(job->plan, s, t);
    int64_t offset = eki_tile_offset(job->plan, s.sample, s.begin, t);
    if (job->valid != NULL) {
        masked_sums(job, s, offset, &grid, to);
    } else {
        grid_sums(job, offset, &grid, to);
    }
    if (job->forms) eki_clear_padding(job, job->dresidual, offset, &grid, eki_tile_padding(job->plan, t));
}

static void column_unit(const eki_job *job, int64_t u, int64_t t) {
    const ek_norm_plan *plan = job->plan;
    eki_span s = eki_unit(&plan->units, u);
    double mean[EKI_TILE], sdy[EKI_TILE] = {0}, sdyx[EKI_TILE] = {0};
    int64_t cols = eki_tile_columns(plan, t), first = t * plan->tile;
    for (int64_t j = 0; j < cols; j++) {
        mean[j] = eki_centre(job, eki_set_of(plan, s.sample, first + j), first + j);
    }
    column_sums(job, s, t, &(tile_sums){mean, sdy, sdyx, NULL});
    eki_pair *sums = job->sums + u * plan->channels + first;
    for (int64_t j = 0; j < cols; j++) {
        if (job->from_y) sdyx[j] *= eki_unscale(job, eki_set_of(plan, s.sample, first + j), first + j);
        sums[j] = (eki_pair){sdy[j], sdyx[j]};
    }
}

void eki_gradsums_tiles(const eki_job *job, int64_t begin, int64_t end) {
    int64_t count = job->window.count;
    for (int64_t i = begin; i < end; i++) column_unit(job, i / count, job->window.first + i % count);
}
