/* phase_moments.c: partial moments, (count, mean, M2) in f64, of every unit.
 *
 * The shift of a unit is its first element, a member of the set, which bounds the cancellation in M2 (proof in
 * docs/numerics.md); RMS norm, which has no mean, takes 0.
 */
#include "norm/norm_job.h"

#include <string.h>

enum { TOGETHER_NEAR = 8192, TOGETHER_FAR = 2048 }; /* elements */

static eki_moments row_unit(const eki_job *job, int64_t u, int64_t channel) {
    const ek_norm_plan *plan = job->plan;
    eki_span s = eki_unit(&plan->units, u);
    if (job->valid != NULL) return eki_masked_row_moments(job, s, channel);
    const void *x = eki_at(job, job->x, (s.sample * plan->channels + channel) * plan->space + s.begin);
    double shift = plan->centred ? eki_value(job, x) : 0.0, sums[2];
    job->kernels->row_moments(x, (size_t)s.length, (size_t)s.samples, (size_t)(plan->channels * plan->space), shift,
                              sums);
    return eki_moments_from_sums((double)(s.samples * s.length), shift, sums[0], sums[1], plan->centred);
}

/* Returns the number of rows that were added; with a mask run by run. */
static int64_t column_sums(const eki_job *job, eki_span s, int64_t t, const double *shift, double *s1, double *s2) {
    eki_grid grid = eki_tile_grid(job->plan, s, t);
    int64_t offset = eki_tile_offset(job->plan, s.sample, s.begin, t);
    if (job->valid == NULL) {
        job->kernels->col_moments(eki_at(job, job->x, offset), &grid, shift, s1, s2);
        return s.samples * s.length;
    }
    int64_t added = 0, rows = (int64_t)grid.rows;
    for (int64_t i = 0; i < (int64_t)grid.count; i++, offset += (int64_t)grid.distance) {
        const unsigned char *valid = eki_valid_at(job, s.sample + i, s.begin);
        for (int64_t begin = 0, end = 0; eki_next_run(valid, rows, &begin, &end); added += end - begin) {
            eki_grid run = {(size_t)(end - begin), grid.stride, grid.cols, 1, 0, 0};
            const void *x = eki_at(job, job->x, offset + begin * (int64_t)grid.stride);
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
            return eki_at(job, job->x, offset + begin * (int64_t)grid.stride);
        }
    }
    return NULL;
}

static void column_unit(const eki_job *job, int64_t u, int64_t t) {
    const ek_norm_plan *plan = job->plan;
    eki_span s = eki_unit(&plan->units, u);
    float first[EKI_TILE];
    double shift[EKI_TILE], s1[EKI_TILE] = {0}, s2[EKI_TILE] = {0};
    int64_t cols = eki_tile_columns(plan, t);
    eki_moments *partial = job->moments + u * plan->channels + t * plan->tile;
    const void *row = first_row(job, s, t);
    if (row == NULL) {
        memset(partial, 0, (size_t)cols * sizeof *partial);
        return;
    }
    job->kernels->widen(row, (size_t)cols, first);
    for (int64_t j = 0; j < cols; j++) shift[j] = plan->centred ? (double)first[j] : 0.0;
    double n = (double)column_sums(job, s, t, shift, s1, s2);
    for (int64_t j = 0; j < cols; j++) partial[j] = eki_moments_from_sums(n, shift[j], s1[j], s2[j], plan->centred);
}

void eki_moments_piece(const eki_job *job, int64_t unit, int64_t piece) {
    if (job->plan->row_apply) {
        job->moments[unit * job->plan->channels + piece] = row_unit(job, unit, piece);
    } else {
        column_unit(job, unit, piece);
    }
}

void eki_phase_moments(const eki_job *job) {
    if (job->plan->wide) {
        eki_wide_moments(job);
        return;
    }
    eki_each_unit(job, eki_moments_piece);
}

eki_moments eki_set_piece_moments(const eki_job *job, int64_t set, int64_t block) {
    if (eki_row_hidden(job, set)) return (eki_moments){0, 0, 0};
    if (job->valid != NULL && job->plan->family != EKI_ROWS) return eki_masked_set_piece(job, set, block);
    const ek_norm_plan *plan = job->plan;
    int64_t begin = block * EKI_ROW_LIMIT, rest = plan->set_size - begin;
    int64_t length = rest < EKI_ROW_LIMIT ? rest : EKI_ROW_LIMIT;
    const void *x = eki_at(job, job->x, set * plan->set_size + begin);
    double shift = plan->centred ? eki_value(job, x) : 0.0, sums[2];
    job->kernels->row_moments(x, (size_t)length, 1, 0, shift, sums);
    return eki_moments_from_sums((double)length, shift, sums[0], sums[1], plan->centred);
}

static void set_pieces(void *context, int64_t begin, int64_t end) {
    const eki_job *job = context;
    int64_t blocks = job->plan->set_blocks;
    for (int64_t i = begin; i < end; i++) job->moments[i] = eki_set_piece_moments(job, i / blocks, i % blocks);
}

int64_t eki_sets_together(const ek_norm_plan *plan) {
    int64_t sets = (plan->stream ? TOGETHER_FAR : TOGETHER_NEAR) / (plan->set_size > 0 ? plan->set_size : 1);
    if (sets >= 8) return sets < EKI_TOGETHER ? 8 : EKI_TOGETHER; /* statistics are made eight at a time */
    if (sets >= 2) return sets;
    return plan->set_size <= TOGETHER_FAR ? 2 : 1;
}

void eki_set_statistics(const eki_job *job, int64_t first, int64_t last) {
    const ek_norm_plan *plan = job->plan;
    size_t n = (size_t)plan->set_size;
    if (job->valid == NULL && n > 0) {
        job->kernels->row_statistics(eki_at(job, job->x, first * plan->set_size), (size_t)(last - first), n, n,
                                     plan->centred, plan->desc.epsilon, job->stats.mean + first, job->stats.var + first,
                                     job->stats.rstd + first);
        return;
    }
    for (int64_t set = first; set < last; set++) {
        eki_stats_set(&job->stats, set, eki_set_piece_moments(job, set, 0), plan->desc.epsilon);
    }
}

static void sets_whole(void *context, int64_t begin, int64_t end) { eki_set_statistics(context, begin, end); }

/* Statistics of contiguous sets: at once where a set is one piece, else pieces and then their tree. */
void eki_phase_set_moments(const eki_job *job) {
    const ek_norm_plan *plan = job->plan;
    eki_job copy = *job;
    if (plan->set_blocks == 1) {
        eki_ranges(plan, plan->sets, plan->set_size, sets_whole, &copy);
        return;
    }
    eki_ranges(plan, plan->sets * plan->set_blocks, EKI_ROW_LIMIT, set_pieces, &copy);
    for (int64_t set = 0; set < plan->sets; set++) {
        const eki_moments *pieces = job->moments + set * plan->set_blocks;
        eki_stats_set(&job->stats, set, eki_moments_tree(pieces, plan->set_blocks, 1), plan->desc.epsilon);
    }
}
