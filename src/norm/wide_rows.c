/* wide_rows.c: f64 layer and RMS norm with one scale and bias per element. Rows are cut into blocks, and rows into
 * blocks for the parameter gradients, as in rows.c; partial results meet in the same trees. */
#include "norm/variants/mask.h"
#include "norm/wide.h"

#include <string.h>

enum { COLUMNS = 64 };

static int64_t block_end(const ek_norm_plan *plan, int64_t begin) {
    return plan->space - begin < EKI_ROW_LIMIT ? plan->space : begin + EKI_ROW_LIMIT;
}

static eki_moments block_moments(const eki_job *job, int64_t row, int64_t begin) {
    const ek_norm_plan *plan = job->plan;
    const double *x = (const double *)job->x + row * plan->space;
    int64_t end = block_end(plan, begin);
    double shift = plan->centred ? x[begin] : 0.0;
    eki_moments moments = {0, 0, 0};
    for (int pass = plan->centred ? 0 : 1; pass < 2; pass++) {
        eki_wide_lanes lanes = {{0}, {0}};
        for (int64_t s = begin; s < end; s++) {
            double d = x[s] - shift;
            lanes.a[s % EKI_WIDE_LANES] += d;
            lanes.b[s % EKI_WIDE_LANES] += pass == 1 ? d * d : 0.0;
        }
        eki_pair sums = eki_wide_lanes_sum(&lanes);
        moments = eki_moments_from_sums((double)(end - begin), shift, sums.a, pass == 1 ? sums.b : 0.0, plan->centred);
        shift = moments.mean;
    }
    return moments;
}

/* Of the element at position s of a row. */
static eki_wide_affine affine_at(const eki_job *job, int64_t row, int64_t s) {
    return (eki_wide_affine){job->stats.mean[row], job->stats.rstd[row], eki_scale_of(job, s), eki_bias_of(job, s)};
}

static void clear_row(const eki_job *job, double *tensor, int64_t row) {
    int64_t space = job->plan->space;
    if (tensor != NULL) memset(tensor + row * space, 0, (size_t)space * sizeof *tensor);
}

void eki_wide_rows_forward(const eki_job *job, int64_t first, int64_t last) {
    const ek_norm_plan *plan = job->plan;
    double *y = job->y;
    for (int64_t row = first; row < last; row++) {
        eki_moments_stack stack;
        stack.count = 0;
        if (eki_row_hidden(job, row)) {
            eki_stats_set(&job->stats, row, (eki_moments){0, 0, 0}, plan->desc.epsilon);
            clear_row(job, y, row);
            continue;
        }
        for (int64_t begin = 0; begin < plan->space; begin += EKI_ROW_LIMIT) {
            eki_moments_push(&stack, block_moments(job, row, begin));
        }
        eki_stats_set(&job->stats, row, eki_moments_root(&stack), plan->desc.epsilon);
        for (int64_t s = 0; s < plan->space; s++) {
            eki_wide_affine p = affine_at(job, row, s);
            int64_t at = row * plan->space + s;
            y[at] = eki_wide_activate(&plan->desc, eki_wide_input(job, &p, at));
        }
    }
}

static eki_pair part_sums(const eki_job *job, int64_t row, int64_t begin) {
    const ek_norm_plan *plan = job->plan;
    eki_wide_lanes lanes = {{0}, {0}};
    for (int64_t s = begin; s < block_end(plan, begin); s++) {
        eki_wide_affine p = affine_at(job, row, s);
        int64_t at = row * plan->space + s;
        double g = p.scale * eki_wide_before(job, &p, at);
        lanes.a[s % EKI_WIDE_LANES] += g;
        lanes.b[s % EKI_WIDE_LANES] += g * (eki_wide_at(job->x, at) - p.mean);
    }
    return eki_wide_lanes_sum(&lanes);
}

static void gradient_row(const eki_job *job, int64_t row, double k1, double k2) {
    double *dx = job->dx, *dresidual = job->dresidual;
    for (int64_t s = 0; s < job->plan->space; s++) {
        eki_wide_affine p = affine_at(job, row, s);
        int64_t at = row * job->plan->space + s;
        double g = eki_wide_before(job, &p, at), xhat = (eki_wide_at(job->x, at) - p.mean) * p.rstd;
        if (dresidual != NULL) dresidual[at] = g;
        if (dx != NULL) dx[at] = p.rstd * ((p.scale * g - k1) - xhat * k2);
    }
}

void eki_wide_rows_gradient(const eki_job *job, int64_t first, int64_t last) {
    const ek_norm_plan *plan = job->plan;
    double n = (double)plan->space;
    for (int64_t row = first; row < last; row++) {
        eki_pair_stack stack;
        stack.count = 0;
        if (eki_row_hidden(job, row)) {
            clear_row(job, job->dx, row);
            clear_row(job, job->dresidual, row);
            continue;
        }
        for (int64_t begin = 0; begin < plan->space; begin += EKI_ROW_LIMIT) {
            eki_pair_push(&stack, part_sums(job, row, begin));
        }
        eki_pair sum = eki_pair_root(&stack);
        gradient_row(job, row, plan->centred ? sum.a / n : 0.0, sum.b * job->stats.rstd[row] / n);
    }
}

/* The sums down one block of rows of some columns. */
static void block_sums(const eki_job *job, int64_t block, int64_t first, int64_t last, eki_pair *sums) {
    const ek_norm_plan *plan = job->plan;
    int64_t end = (block + 1) * plan->param_rows;
    for (int64_t j = first; j < last; j++) sums[j - first] = (eki_pair){0, 0};
    for (int64_t row = block * plan->param_rows; row < end && row < plan->samples; row++) {
        if (eki_row_hidden(job, row)) continue;
        for (int64_t j = first; j < last; j++) {
            eki_wide_affine p = affine_at(job, row, j);
            int64_t at = row * plan->space + j;
            double g = eki_wide_before(job, &p, at);
            sums[j - first].a += g;
            sums[j - first].b += g * ((eki_wide_at(job->x, at) - p.mean) * p.rstd);
        }
    }
}

void eki_wide_rows_parameters(const eki_job *job, int64_t begin, int64_t end) {
    const ek_norm_plan *plan = job->plan;
    eki_pair_stack stacks[COLUMNS];
    eki_pair sums[COLUMNS];
    for (int64_t first = begin; first < end; first += COLUMNS) {
        int64_t last = end - first < COLUMNS ? end : first + COLUMNS;
        for (int64_t j = first; j < last; j++) stacks[j - first].count = 0;
        for (int64_t block = 0; block < plan->param_blocks; block++) {
            block_sums(job, block, first, last, sums);
            for (int64_t j = first; j < last; j++) eki_pair_push(&stacks[j - first], sums[j - first]);
        }
        for (int64_t j = first; j < last; j++) {
            eki_pair total = eki_pair_root(&stacks[j - first]);
            eki_put(plan, job->dbias, j, total.a);
            eki_put(plan, job->dscale, j, total.b);
        }
    }
}
