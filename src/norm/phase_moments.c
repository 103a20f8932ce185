/* phase_moments.c: partial moments, (count, mean, M2) in f64, of every unit.
 *
 * The shift of a unit is its first element, a member of the set, which bounds the cancellation in M2 (proof in
 * docs/numerics.md); RMS norm, which has no mean, takes 0.
 */
#include "norm/phases.h"
#include "norm/variants/mask.h"

#include <string.h>

void eki_moments_rows(const eki_job *job, int64_t begin, int64_t end) {
    const ek_norm_plan *plan = job->plan;
    for (int64_t i = begin; i < end; i++) {
        int64_t u = i / job->window.count, channel = job->window.first + i % job->window.count;
        eki_span s = eki_unit(&plan->units, u);
        eki_moments *partial = &job->moments[u * plan->channels + channel];
        if (job->valid != NULL) {
            *partial = eki_masked_row_moments(job, s, channel);
            continue;
        }
        const void *x = eki_from(job, job->x, (s.sample * plan->channels + channel) * plan->space + s.begin);
        double shift = plan->centred ? eki_value(job, x) : 0.0, sums[2];
        job->kernels->row_moments(x, (size_t)s.length, (size_t)s.samples, (size_t)(plan->channels * plan->space), shift,
                                  sums);
        *partial = eki_moments_from_sums((double)(s.samples * s.length), shift, sums[0], sums[1], plan->centred);
    }
}

/* With a mask run by run. Returns the number of rows that were added. */
static int64_t masked_sums(const eki_job *job, eki_span s, int64_t t, const double *shift, double *s1, double *s2) {
    eki_grid grid = eki_tile_grid(job->plan, s, t);
    int64_t offset = eki_tile_offset(job->plan, s.sample, s.begin, t), added = 0, rows = (int64_t)grid.rows;
    for (int64_t i = 0; i < (int64_t)grid.count; i++, offset += (int64_t)grid.distance) {
        const unsigned char *valid = eki_valid_at(job, s.sample + i, s.begin);
        for (int64_t begin = 0, end = 0; eki_next_run(valid, rows, &begin, &end); added += end - begin) {
            eki_grid run = {(size_t)(end - begin), grid.stride, grid.cols, 1, 0, 0};
            const void *x = eki_from(job, job->x, offset + begin * (int64_t)grid.stride);
            job->kernels->col_moments(x, &run, shift, s1, s2);
        }
    }
    return added;
}

/* The first valid row of a unit, or NULL. */
static const void *first_row(const eki_job *job, eki_span s, int64_t t) {
    eki_grid grid = eki_tile_grid(job->plan, s, t);
    int64_t offset = eki_tile_offset(job->plan, s.sample, s.begin, t);
    for (int64_t i = 0; i < (int64_t)grid.count; i++, offset += (int64_t)grid.distance) {
        int64_t begin = 0, end = 0;
        if (eki_next_run(eki_valid_at(job, s.sample + i, s.begin), (int64_t)grid.rows, &begin, &end)) {
            return eki_from(job, job->x, offset + begin * (int64_t)grid.stride);
        }
    }
    return NULL;
}

static void tile_moments(const eki_job *job, int64_t u, int64_t t) {
    const ek_norm_plan *plan = job->plan;
    eki_span s = eki_unit(&plan->units, u);
    float first[EKI_TILE];
    double shift[EKI_TILE], s1[EKI_TILE] = {0}, s2[EKI_TILE] = {0}, n = (double)(s.samples * s.length);
    int64_t cols = eki_tile_columns(plan, t);
    eki_moments *partial = job->moments + u * plan->channels + t * plan->tile;
    const void *row = first_row(job, s, t);
    if (row == NULL) {
        memset(partial, 0, (size_t)cols * sizeof *partial);
        return;
    }
    job->kernels->widen(row, (size_t)cols, first);
    for (int64_t j = 0; j < cols; j++) shift[j] = plan->centred ? (double)first[j] : 0.0;
    if (job->valid != NULL) {
        n = (double)masked_sums(job, s, t, shift, s1, s2);
    } else {
        eki_grid grid = eki_tile_grid(plan, s, t);
        job->kernels->col_moments(row, &grid, shift, s1, s2);
    }
    for (int64_t j = 0; j < cols; j++) partial[j] = eki_moments_from_sums(n, shift[j], s1[j], s2[j], plan->centred);
}

void eki_moments_tiles(const eki_job *job, int64_t begin, int64_t end) {
    int64_t count = job->window.count;
    for (int64_t i = begin; i < end; i++) tile_moments(job, i / count, job->window.first + i % count);
}

static eki_moments set_block(const eki_job *job, int64_t set, int64_t block) {
    if (eki_row_hidden(job, set)) return (eki_moments){0, 0, 0};
    if (job->valid != NULL && job->plan->family != EKI_ROWS) return eki_masked_set_block(job, set, block);
    const ek_norm_plan *plan = job->plan;
    int64_t begin = block * EKI_ROW_LIMIT, rest = plan->set_size - begin;
    int64_t length = rest < EKI_ROW_LIMIT ? rest : EKI_ROW_LIMIT;
    const void *x = eki_from(job, job->x, set * plan->set_size + begin);
    double shift = plan->centred ? eki_value(job, x) : 0.0, sums[2];
    job->kernels->row_moments(x, (size_t)length, 1, 0, shift, sums);
    return eki_moments_from_sums((double)length, shift, sums[0], sums[1], plan->centred);
}

void eki_set_blocks(const eki_job *job, int64_t begin, int64_t end) {
    int64_t blocks = job->plan->set_blocks;
    for (int64_t i = begin; i < end; i++) job->moments[i] = set_block(job, i / blocks, i % blocks);
}

void eki_set_merge(const eki_job *job, int64_t begin, int64_t end) {
    const ek_norm_plan *plan = job->plan;
    for (int64_t set = begin; set < end; set++) {
        eki_moments m = eki_moments_tree(job->moments + set * plan->set_blocks, plan->set_blocks, 1);
        eki_stats_set(&job->stats, set, m, plan->desc.epsilon);
    }
}

void eki_set_statistics(const eki_job *job, int64_t begin, int64_t end) {
    const ek_norm_plan *plan = job->plan;
    size_t n = (size_t)plan->set_size;
    if (job->valid == NULL && n > 0) {
        job->kernels->row_statistics(eki_from(job, job->x, begin * plan->set_size), (size_t)(end - begin), n, n,
                                     plan->centred, plan->desc.epsilon, job->stats.mean + begin, job->stats.var + begin,
                                     job->stats.rstd + begin);
        return;
    }
    for (int64_t set = begin; set < end; set++) {
        eki_stats_set(&job->stats, set, set_block(job, set, 0), plan->desc.epsilon);
    }
}
