/* rows.c: layer and RMS norm over the last dimensions with one scale and bias per element of the row.
 *
 * A row that fits the cache is read once from memory per pass. Parameter gradients are sums down the rows: blocks of
 * rows, whose number is a function of the shape, have their own f64 sums, which merge in the fixed tree. Where there
 * are several such blocks, a block also makes its dx, a few rows at a time, while the rows are in the cache; else
 * parameter gradients run over tiles of columns and dx over rows.
 */
#include "norm/phases.h"
#include "norm/variants/mask.h"

#include <string.h>

enum { ROWS_AT_ONCE = 4, NARROW_ROW = 512, MERGED = 64 };

/* After the sums of the blocks of the sets; a block of rows has L sums for dscale and L for dbias. */
static double *block_sums(const eki_job *job, int64_t block) {
    const ek_norm_plan *plan = job->plan;
    int64_t others = plan->set_blocks > 1 ? plan->sets * plan->set_blocks : 0;
    return (double *)(void *)(job->sums + (others + 3) / 4 * 4 + block * plan->space);
}

static const float *from(const void *parameters, int64_t begin) {
    return parameters != NULL ? (const float *)parameters + begin : NULL;
}

static eki_scaling row_affine(const eki_job *job, int64_t row) {
    return eki_scaling_make(job->stats.mean[row], job->stats.rstd[row], 1.0, 0.0);
}

/* What is fused, for the elements of a row, or of rows that begin there, from `begin`. */
static const eki_epilogue *fuse(const eki_job *job, int64_t row, int64_t begin, const eki_scaling *rows,
                                eki_epilogue *e) {
    if (eki_fuse_row(job, row * job->plan->space + begin, rows, e) == NULL) return NULL;
    e->scale = from(job->scale, begin);
    e->bias = from(job->bias, begin);
    return e;
}

static void clear_block(const eki_job *job, void *tensor, int64_t offset, int64_t length) {
    if (tensor != NULL) memset(eki_to(job, tensor, offset), 0, (size_t)(length * job->plan->element_bytes));
}

/* `rows` rows with their own coefficients, none of them hidden. */
static void affine_rows(const eki_job *job, int64_t row, int64_t rows, int64_t begin, int64_t length,
                        const eki_scaling *p) {
    const eki_kernels *k = job->kernels;
    const float *scale = from(job->scale, begin), *bias = from(job->bias, begin);
    int64_t offset = row * job->plan->space + begin;
    const void *x = eki_from(job, job->x, offset);
    void *y = eki_to(job, job->y, offset);
    size_t count = (size_t)rows, stride = (size_t)job->plan->space, n = (size_t)length;
    eki_epilogue fused;
    if (job->stream && !eki_fuses(job)) {
        k->vec_affine_stream(x, y, count, stride, n, scale, bias, p);
    } else {
        k->vec_affine(x, y, count, stride, n, scale, bias, p, fuse(job, row, begin, p, &fused));
    }
}

static void affine_block(const eki_job *job, int64_t row, int64_t begin, int64_t length) {
    if (eki_row_hidden(job, row)) {
        clear_block(job, job->y, row * job->plan->space + begin, length);
        return;
    }
    eki_scaling p = row_affine(job, row);
    affine_rows(job, row, 1, begin, length, &p);
}

void eki_rows_affine(const eki_job *job, int64_t begin, int64_t end) {
    eki_scaling p[EKI_TOGETHER];
    if (job->valid != NULL) {
        for (int64_t row = begin; row < end; row++) affine_block(job, row, 0, job->plan->space);
        return;
    }
    for (int64_t row = begin; row < end; row++) p[row - begin] = row_affine(job, row);
    affine_rows(job, begin, end - begin, 0, job->plan->space, p);
}

static int64_t block_length(const ek_norm_plan *plan, int64_t block) {
    int64_t rest = plan->space - block * EKI_ROW_LIMIT;
    return rest < EKI_ROW_LIMIT ? rest : EKI_ROW_LIMIT;
}

void eki_rows_affine_blocks(const eki_job *job, int64_t begin, int64_t end) {
    int64_t blocks = job->plan->set_blocks;
    for (int64_t i = begin; i < end; i++) {
        affine_block(job, i / blocks, i % blocks * EKI_ROW_LIMIT, block_length(job->plan, i % blocks));
    }
}

/* The elements of x from the block on are at x. */
static eki_pair sums_of(const eki_job *job, int64_t row, int64_t block, const void *x) {
    int64_t begin = block * EKI_ROW_LIMIT, offset = row * job->plan->space + begin;
    double sums[2];
    eki_scaling again;
    eki_epilogue fused;
    if (eki_computes_again(job)) again = row_affine(job, row);
    const eki_epilogue *e = fuse(job, row, begin, eki_computes_again(job) ? &again : NULL, &fused);
    fused.dresidual = NULL;
    job->kernels->vec_gradsums(x, eki_from(job, job->dy, offset), (size_t)block_length(job->plan, block),
                               from(job->scale, begin), job->stats.mean[row], sums, e);
    return (eki_pair){sums[0], sums[1]};
}

__attribute__((noinline)) static eki_pair sums_from_y(const eki_job *job, int64_t row, int64_t block) {
    float x[EKI_ROW_LIMIT];
    eki_rows_restore(job, row, block * EKI_ROW_LIMIT, block_length(job->plan, block), x);
    return sums_of(job, row, block, x);
}

static eki_pair block_sums_of(const eki_job *job, int64_t row, int64_t block) {
    if (eki_row_hidden(job, row)) return (eki_pair){0, 0};
    if (job->from_y) return sums_from_y(job, row, block);
    return sums_of(job, row, block, eki_from(job, job->x, row * job->plan->space + block * EKI_ROW_LIMIT));
}

static eki_gradient row_gradient(const eki_job *job, int64_t row, double k1, double k2) {
    return eki_gradient_make(job->stats.mean[row], job->stats.rstd[row], 1.0, k1, k2);
}

/* Of the sums of a row. */
static eki_pair row_means(const eki_job *job, int64_t row, eki_pair sum) {
    double n = eki_count_of(job, row);
    return (eki_pair){job->plan->centred ? eki_mean_of(sum.a, n) : 0.0, eki_mean_of(sum.b * job->stats.rstd[row], n)};
}

static void set_row_means(const eki_job *job, int64_t row, eki_pair sum) {
    eki_pair k = row_means(job, row, sum);
    eki_put(job->plan, job->small, 2 * row, k.a);
    eki_put(job->plan, job->small, 2 * row + 1, k.b);
}

/* Elements [begin, begin + length) of `rows` rows with their own coefficients; x of the first is at x. */
static void gradient_rows(const eki_job *job, int64_t row, int64_t rows, int64_t begin, int64_t length, const void *x,
                          const eki_gradient *p, const eki_scaling *again) {
    const eki_kernels *k = job->kernels;
    int64_t offset = row * job->plan->space + begin;
    const void *dy = eki_from(job, job->dy, offset);
    void *dx = eki_to(job, job->dx, offset);
    size_t count = (size_t)rows, stride = (size_t)job->plan->space, n = (size_t)length;
    const float *scale = from(job->scale, begin);
    eki_epilogue fused;
    if (job->stream && !eki_fuses(job) && !job->adds_dx) {
        k->vec_gradaffine_stream(x, dy, dx, count, stride, n, scale, p);
    } else {
        k->vec_gradaffine(x, dy, dx, count, stride, n, scale, p,
                          eki_fuse_adding(job, fuse(job, row, begin, again, &fused), &fused));
    }
}

static void gradient_of(const eki_job *job, int64_t row, int64_t block, const void *x) {
    eki_gradient p =
        row_gradient(job, row, eki_real(job->plan, job->small, 2 * row), eki_real(job->plan, job->small, 2 * row + 1));
    eki_scaling again;
    if (eki_computes_again(job)) again = row_affine(job, row);
    gradient_rows(job, row, 1, block * EKI_ROW_LIMIT, block_length(job->plan, block), x, &p,
                  eki_computes_again(job) ? &again : NULL);
}

__attribute__((noinline)) static void gradient_from_y(const eki_job *job, int64_t row, int64_t block) {
    float x[EKI_ROW_LIMIT];
    eki_rows_restore(job, row, block * EKI_ROW_LIMIT, block_length(job->plan, block), x);
    gradient_of(job, row, block, x);
}

static void gradient_block(const eki_job *job, int64_t row, int64_t block) {
    int64_t offset = row * job->plan->space + block * EKI_ROW_LIMIT;
    if (eki_row_hidden(job, row)) {
        if (!job->adds_dx) clear_block(job, job->dx, offset, block_length(job->plan, block));
        clear_block(job, job->dresidual, offset, block_length(job->plan, block));
    } else if (job->from_y) {
        gradient_from_y(job, row, block);
    } else {
        gradient_of(job, row, block, eki_from(job, job->x, offset));
    }
}

/* How many rows go from the sums to dx at once: they stay in the first cache. */
static int64_t rows_at_once(const ek_norm_plan *plan) {
    return plan->space <= NARROW_ROW ? 2 * ROWS_AT_ONCE : ROWS_AT_ONCE;
}

/* All of backward of rows of one block, with nothing fused: the sums of the rows and of the block in one reading, and
 * dx while the rows are in the first cache. */
static void plain_rows(const eki_job *job, int64_t row, int64_t count) {
    const ek_norm_plan *plan = job->plan;
    double sums[4 * ROWS_AT_ONCE], *dscale = block_sums(job, row / plan->param_rows);
    eki_gradient p[2 * ROWS_AT_ONCE];
    size_t space = (size_t)plan->space;
    const void *x = eki_from(job, job->x, row * plan->space), *dy = eki_from(job, job->dy, row * plan->space);
    job->kernels->vec_allsums(x, dy, (size_t)count, space, space, job->scale, job->stats.mean + row,
                              job->stats.rstd + row, sums, dscale, dscale + space);
    for (int64_t r = 0; r < count; r++) {
        eki_pair k = row_means(job, row + r, (eki_pair){sums[2 * r], sums[2 * r + 1]});
        p[r] = row_gradient(job, row + r, k.a, k.b);
    }
    gradient_rows(job, row, count, 0, plan->space, x, p, NULL);
}

static bool is_plain(const eki_job *job) {
    return eki_wants_dx(job) && !eki_fuses(job) && job->valid == NULL && !job->from_y;
}

void eki_rows_sums(const eki_job *job, int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; row++) set_row_means(job, row, block_sums_of(job, row, 0));
}

void eki_rows_sum_blocks(const eki_job *job, int64_t begin, int64_t end) {
    int64_t blocks = job->plan->set_blocks;
    for (int64_t i = begin; i < end; i++) job->sums[i] = block_sums_of(job, i / blocks, i % blocks);
}

void eki_rows_means(const eki_job *job, int64_t begin, int64_t end) {
    int64_t blocks = job->plan->set_blocks;
    for (int64_t row = begin; row < end; row++) {
        set_row_means(job, row, eki_pair_tree(job->sums + row * blocks, blocks, 1));
    }
}

void eki_rows_gradient(const eki_job *job, int64_t begin, int64_t end) {
    int64_t blocks = job->plan->set_blocks;
    for (int64_t i = begin; i < end; i++) gradient_block(job, i / blocks, i % blocks);
}

/* Adds rows [row, row + rows), columns [begin, begin + length) to the sums of their block; at most EKI_PARAM_ROWS. */
static void add_some(const eki_job *job, int64_t row, int64_t rows, int64_t begin, int64_t length, const void *x) {
    const ek_norm_plan *plan = job->plan;
    double *dscale = block_sums(job, row / plan->param_rows), *dbias = dscale + plan->space;
    int64_t offset = row * plan->space + begin;
    eki_scaling again[EKI_PARAM_ROWS];
    eki_epilogue fused;
    if (eki_computes_again(job)) {
        for (int64_t i = 0; i < rows; i++) again[i] = row_affine(job, row + i);
    }
    job->kernels->vec_paramgrads(x, eki_from(job, job->dy, offset), (size_t)rows, (size_t)plan->space, (size_t)length,
                                 job->stats.mean + row, job->stats.rstd + row, dscale + begin, dbias + begin,
                                 fuse(job, row, begin, eki_computes_again(job) ? again : NULL, &fused));
}

__attribute__((noinline)) static void add_from_y(const eki_job *job, int64_t row, int64_t begin, int64_t length) {
    float x[EKI_ROW_LIMIT];
    eki_rows_restore(job, row, begin, length, x);
    add_some(job, row, 1, begin, length, x);
}

/* Adds any rows but the hidden, some at a time, which changes no order. */
static void add_parameters(const eki_job *job, int64_t row, int64_t count, int64_t begin, int64_t length) {
    const unsigned char *valid = job->valid != NULL ? job->valid + row : NULL;
    for (int64_t first = 0, end = 0; eki_next_run(valid, count, &first, &end);) {
        for (; job->from_y && first < end; first++) add_from_y(job, row + first, begin, length);
        for (; first < end; first += EKI_PARAM_ROWS) {
            int64_t rows = end - first < EKI_PARAM_ROWS ? end - first : EKI_PARAM_ROWS;
            const void *x = eki_from(job, job->x, (row + first) * job->plan->space + begin);
            add_some(job, row + first, rows, begin, length, x);
        }
    }
}

static void clear_sums(const eki_job *job, int64_t block, int64_t begin, int64_t length) {
    double *dscale = block_sums(job, block), *dbias = dscale + job->plan->space;
    for (int64_t j = begin; j < begin + length; j++) dscale[j] = dbias[j] = 0.0;
}

static int64_t block_end(const ek_norm_plan *plan, int64_t block) {
    int64_t end = (block + 1) * plan->param_rows;
    return end < plan->samples ? end : plan->samples;
}

/* Row sums come first: they read memory in order; the others then find the rows in the cache. */
void eki_rows_pass(const eki_job *job, int64_t begin, int64_t end) {
    const ek_norm_plan *plan = job->plan;
    for (int64_t block = begin; block < end; block++) {
        clear_sums(job, block, 0, plan->space);
        int64_t last = block_end(plan, block);
        for (int64_t row = block * plan->param_rows; row < last; row += rows_at_once(plan)) {
            int64_t count = last - row < rows_at_once(plan) ? last - row : rows_at_once(plan);
            if (is_plain(job)) {
                plain_rows(job, row, count);
                continue;
            }
            if (eki_wants_dx(job)) eki_rows_sums(job, row, row + count);
            add_parameters(job, row, count, 0, plan->space);
            if (eki_wants_dx(job)) eki_rows_gradient(job, row, row + count);
        }
    }
}

void eki_rows_parameters(const eki_job *job, int64_t begin, int64_t end) {
    const ek_norm_plan *plan = job->plan;
    int64_t tiles = plan->param_tiles;
    for (int64_t i = begin; i < end; i++) {
        int64_t block = i / tiles, first = i % tiles * EKI_PARAM_TILE, row = block * plan->param_rows;
        int64_t length = plan->space - first < EKI_PARAM_TILE ? plan->space - first : EKI_PARAM_TILE;
        clear_sums(job, block, first, length);
        add_parameters(job, row, block_end(plan, block) - row, first, length);
    }
}

/* Adds up the blocks of `count` columns, each block's `stride` after the other's, into the first: the fixed tree. */
static void merge_columns(double *sums, int64_t blocks, int64_t stride, int64_t count) {
    for (int64_t step = 1; step < blocks; step *= 2) {
        for (int64_t block = 0; block + step < blocks; block += 2 * step) {
            double *restrict left = sums + block * stride;
            const double *restrict right = sums + (block + step) * stride;
            for (int64_t j = 0; j < count; j++) left[j] += right[j];
        }
    }
}

/* Some columns at a time, which stay in the first cache. */
void eki_rows_totals(const eki_job *job, int64_t begin, int64_t end) {
    const ek_norm_plan *plan = job->plan;
    double *dscale = block_sums(job, 0), *dbias = dscale + plan->space;
    for (int64_t first = begin; first < end; first += MERGED) {
        int64_t count = end - first < MERGED ? end - first : MERGED;
        merge_columns(dscale + first, plan->param_blocks, 2 * plan->space, count);
        merge_columns(dbias + first, plan->param_blocks, 2 * plan->space, count);
        for (int64_t j = first; j < first + count; j++) eki_put_gradients(job, j, dscale[j], dbias[j]);
    }
}
