/* layer.c: layer and RMS norm over the last dimensions with one scale and bias per element of the row.
 *
 * A row that fits the cache is read once from memory per pass. Parameter gradients are sums down the rows: blocks of
 * rows, whose number is a function of the shape, have their own f64 sums, which merge in the fixed tree. Where there
 * are several such blocks, a block also makes its dx, a few rows at a time, while the rows are in the cache; else
 * parameter gradients run over tiles of columns and dx over rows. Either way the bits are the same.
 */
#include "norm/norm_job.h"

#include <string.h>

enum { ROWS_AT_ONCE = 4, NARROW_ROW = 512, COLUMN_TILE = 1024, MERGED = 64 };

static eki_pair *row_sums(const eki_job *job) { return job->sums; }

/* After the sums of the pieces of the sets; a block of rows has L sums for dscale and L for dbias. */
static double *block_sums(const eki_job *job, int64_t block) {
    const ek_norm_plan *plan = job->plan;
    int64_t pieces = plan->set_blocks > 1 ? plan->sets * plan->set_blocks : 0;
    pieces = (pieces + 3) / 4 * 4;
    return (double *)(void *)(job->sums + pieces + block * plan->space);
}

static const float *from(const void *parameters, int64_t begin) {
    return parameters != NULL ? (const float *)parameters + begin : NULL;
}

static eki_affine row_affine(const eki_job *job, int64_t row) {
    return eki_affine_make(job->stats.mean[row], job->stats.rstd[row], 1.0, 0.0);
}

/* What is fused, for the elements of a row, or of rows that begin there, from `begin`. */
static const eki_epilogue *fuse(const eki_job *job, int64_t row, int64_t begin, const eki_affine *rows,
                                eki_epilogue *e) {
    if (eki_fuse_row(job, row * job->plan->space + begin, rows, e) == NULL) return NULL;
    e->scale = from(job->scale, begin);
    e->bias = from(job->bias, begin);
    return e;
}

static void clear_piece(const eki_job *job, void *tensor, int64_t offset, int64_t length) {
    if (tensor != NULL) memset(eki_to(job, tensor, offset), 0, (size_t)(length * job->plan->element_bytes));
}

/* `rows` rows with their own coefficients, none of them hidden. */
static void affine_rows(const eki_job *job, int64_t row, int64_t rows, int64_t begin, int64_t length,
                        const eki_affine *p) {
    const eki_kernels *k = job->kernels;
    const float *scale = from(job->scale, begin), *bias = from(job->bias, begin);
    int64_t offset = row * job->plan->space + begin;
    const void *x = eki_at(job, job->x, offset);
    void *y = eki_to(job, job->y, offset);
    size_t count = (size_t)rows, stride = (size_t)job->plan->space, n = (size_t)length;
    eki_epilogue fused;
    if (job->stream && !eki_fuses(job)) {
        k->vec_affine_stream(x, y, count, stride, n, scale, bias, p);
    } else {
        k->vec_affine(x, y, count, stride, n, scale, bias, p, fuse(job, row, begin, p, &fused));
    }
}

static void affine_piece(const eki_job *job, int64_t row, int64_t begin, int64_t length) {
    if (eki_row_hidden(job, row)) {
        clear_piece(job, job->y, row * job->plan->space + begin, length);
        return;
    }
    eki_affine p = row_affine(job, row);
    affine_rows(job, row, 1, begin, length, &p);
}

static void apply_forward(const eki_job *job, int64_t first, int64_t last) {
    eki_affine p[EKI_TOGETHER];
    if (job->valid != NULL) {
        for (int64_t row = first; row < last; row++) affine_piece(job, row, 0, job->plan->space);
        return;
    }
    for (int64_t row = first; row < last; row++) p[row - first] = row_affine(job, row);
    affine_rows(job, first, last - first, 0, job->plan->space, p);
}

static void fused_forward(void *context, int64_t begin, int64_t end) {
    const eki_job *job = context;
    int64_t together = eki_sets_together(job->plan);
    for (int64_t row = begin; row < end; row += together) {
        int64_t last = row + together < end ? row + together : end;
        eki_set_statistics(job, row, last);
        apply_forward(job, row, last);
    }
    eki_end_stream(job);
}

static int64_t piece_length(const ek_norm_plan *plan, int64_t block) {
    int64_t rest = plan->space - block * EKI_ROW_LIMIT;
    return rest < EKI_ROW_LIMIT ? rest : EKI_ROW_LIMIT;
}

static void affine_pieces(void *context, int64_t begin, int64_t end) {
    const eki_job *job = context;
    int64_t blocks = job->plan->set_blocks;
    for (int64_t i = begin; i < end; i++) {
        affine_piece(job, i / blocks, i % blocks * EKI_ROW_LIMIT, piece_length(job->plan, i % blocks));
    }
    eki_end_stream(job);
}

void eki_rows_forward(const eki_job *job) {
    const ek_norm_plan *plan = job->plan;
    eki_job copy = *job;
    if (plan->set_blocks == 1) {
        copy.stream = eki_streams_once(job);
        eki_ranges(plan, plan->sets, plan->space, fused_forward, &copy);
        return;
    }
    eki_phase_set_moments(job);
    eki_ranges(plan, plan->sets * plan->set_blocks, EKI_ROW_LIMIT, affine_pieces, &copy);
}

static eki_pair piece_sums(const eki_job *job, int64_t row, int64_t block) {
    int64_t begin = block * EKI_ROW_LIMIT, offset = row * job->plan->space + begin;
    double sums[2];
    if (eki_row_hidden(job, row)) return (eki_pair){0, 0};
    eki_affine again = row_affine(job, row);
    eki_epilogue fused;
    const eki_epilogue *e = fuse(job, row, begin, &again, &fused);
    fused.dresidual = NULL;
    job->kernels->vec_gradsums(eki_at(job, job->x, offset), eki_at(job, job->dy, offset),
                               (size_t)piece_length(job->plan, block), from(job->scale, begin), job->stats.mean[row],
                               sums, e);
    return (eki_pair){sums[0], sums[1]};
}

static void set_row_means(const eki_job *job, int64_t row, eki_pair sum) {
    double n = eki_count_of(job, row);
    job->small[2 * row] = job->plan->centred ? (float)eki_mean_of(sum.a, n) : 0.0f;
    job->small[2 * row + 1] = (float)eki_mean_of(sum.b * job->stats.rstd[row], n);
}

static void gradient_piece(const eki_job *job, int64_t row, int64_t block) {
    const eki_kernels *k = job->kernels;
    int64_t begin = block * EKI_ROW_LIMIT, offset = row * job->plan->space + begin;
    size_t length = (size_t)piece_length(job->plan, block);
    const void *x = eki_at(job, job->x, offset), *dy = eki_at(job, job->dy, offset);
    const float *scale = from(job->scale, begin);
    eki_gradient p = eki_gradient_make(job->stats.mean[row], job->stats.rstd[row], 1.0, (double)job->small[2 * row],
                                       (double)job->small[2 * row + 1]);
    eki_affine again = row_affine(job, row);
    eki_epilogue fused;
    if (eki_row_hidden(job, row)) {
        clear_piece(job, job->dx, offset, (int64_t)length);
        clear_piece(job, job->dresidual, offset, (int64_t)length);
        return;
    }
    if (job->stream && !eki_fuses(job)) {
        k->vec_gradaffine_stream(x, dy, eki_to(job, job->dx, offset), length, scale, &p);
        return;
    }
    k->vec_gradaffine(x, dy, eki_to(job, job->dx, offset), length, scale, &p, fuse(job, row, begin, &again, &fused));
}

/* How many rows go from the sums to dx at once: they stay in the first cache. */
static int64_t rows_at_once(const ek_norm_plan *plan) {
    return plan->space <= NARROW_ROW ? 2 * ROWS_AT_ONCE : ROWS_AT_ONCE;
}

/* The sums of rows and those of their block, in one reading; with nothing fused. */
static void sum_all(const eki_job *job, int64_t row, int64_t count) {
    const ek_norm_plan *plan = job->plan;
    double sums[4 * ROWS_AT_ONCE], *dscale = block_sums(job, row / plan->param_rows);
    int64_t offset = row * plan->space;
    size_t space = (size_t)plan->space;
    job->kernels->vec_allsums(eki_at(job, job->x, offset), eki_at(job, job->dy, offset), (size_t)count, space, space,
                              job->scale, job->stats.mean + row, job->stats.rstd + row, sums, dscale, dscale + space);
    for (int64_t r = 0; r < count; r++) set_row_means(job, row + r, (eki_pair){sums[2 * r], sums[2 * r + 1]});
}

static void sum_rows(const eki_job *job, int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; row++) set_row_means(job, row, piece_sums(job, row, 0));
}

static void apply_rows(const eki_job *job, int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; row++) gradient_piece(job, row, 0);
}

static void gradient_rows(void *context, int64_t begin, int64_t end) {
    const eki_job *job = context;
    int64_t together = eki_sets_together(job->plan);
    for (int64_t first = begin; first < end; first += together) {
        int64_t last = first + together < end ? first + together : end;
        sum_rows(job, first, last);
        apply_rows(job, first, last);
    }
    eki_end_stream(job);
}

static void pieces_sum(void *context, int64_t begin, int64_t end) {
    const eki_job *job = context;
    int64_t blocks = job->plan->set_blocks;
    for (int64_t i = begin; i < end; i++) row_sums(job)[i] = piece_sums(job, i / blocks, i % blocks);
}

static void pieces_gradient(void *context, int64_t begin, int64_t end) {
    const eki_job *job = context;
    int64_t blocks = job->plan->set_blocks;
    for (int64_t i = begin; i < end; i++) gradient_piece(job, i / blocks, i % blocks);
    eki_end_stream(job);
}

static void input_gradient(const eki_job *job) {
    const ek_norm_plan *plan = job->plan;
    eki_job copy = *job;
    if (plan->set_blocks == 1) {
        eki_ranges(plan, plan->sets, plan->space, gradient_rows, &copy);
        return;
    }
    eki_ranges(plan, plan->sets * plan->set_blocks, EKI_ROW_LIMIT, pieces_sum, &copy);
    for (int64_t row = 0; row < plan->sets; row++) {
        set_row_means(job, row, eki_pair_tree(row_sums(job) + row * plan->set_blocks, plan->set_blocks, 1));
    }
    eki_ranges(plan, plan->sets * plan->set_blocks, EKI_ROW_LIMIT, pieces_gradient, &copy);
}

/* Adds rows [row, row + rows), columns [begin, begin + length) to the sums of their block; at most EKI_PARAM_ROWS. */
static void add_stretch(const eki_job *job, int64_t row, int64_t rows, int64_t begin, int64_t length) {
    const ek_norm_plan *plan = job->plan;
    double *dscale = block_sums(job, row / plan->param_rows), *dbias = dscale + plan->space;
    int64_t offset = row * plan->space + begin;
    eki_affine again[EKI_PARAM_ROWS];
    eki_epilogue fused;
    if (eki_computes_again(job)) {
        for (int64_t i = 0; i < rows; i++) again[i] = row_affine(job, row + i);
    }
    job->kernels->vec_paramgrads(eki_at(job, job->x, offset), eki_at(job, job->dy, offset), (size_t)rows,
                                 (size_t)plan->space, (size_t)length, job->stats.mean + row, job->stats.rstd + row,
                                 dscale + begin, dbias + begin,
                                 fuse(job, row, begin, eki_computes_again(job) ? again : NULL, &fused));
}

/* The same of any rows but the hidden, in stretches, whose number changes no order. */
static void add_parameters(const eki_job *job, int64_t row, int64_t count, int64_t begin, int64_t length) {
    const unsigned char *valid = job->valid != NULL ? job->valid + row : NULL;
    for (int64_t first = 0, end = 0; eki_next_run(valid, count, &first, &end);) {
        for (; first < end; first += EKI_PARAM_ROWS) {
            int64_t rows = end - first < EKI_PARAM_ROWS ? end - first : EKI_PARAM_ROWS;
            add_stretch(job, row + first, rows, begin, length);
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
static void fused_blocks(void *context, int64_t begin, int64_t end) {
    eki_job *job = context;
    const ek_norm_plan *plan = job->plan;
    for (int64_t block = begin; block < end; block++) {
        clear_sums(job, block, 0, plan->space);
        int64_t last = block_end(plan, block);
        for (int64_t row = block * plan->param_rows; row < last; row += rows_at_once(plan)) {
            int64_t count = last - row < rows_at_once(plan) ? last - row : rows_at_once(plan);
            if (eki_wants_dx(job) && !eki_fuses(job) && job->valid == NULL) {
                sum_all(job, row, count);
            } else {
                if (eki_wants_dx(job)) sum_rows(job, row, row + count);
                add_parameters(job, row, count, 0, plan->space);
            }
            if (eki_wants_dx(job)) apply_rows(job, row, row + count);
        }
    }
    eki_end_stream(job);
}

static int64_t column_tiles(const ek_norm_plan *plan) { return (plan->space + COLUMN_TILE - 1) / COLUMN_TILE; }

static void parameter_tiles(void *context, int64_t begin, int64_t end) {
    const eki_job *job = context;
    const ek_norm_plan *plan = job->plan;
    int64_t tiles = column_tiles(plan);
    for (int64_t i = begin; i < end; i++) {
        int64_t block = i / tiles, first = i % tiles * COLUMN_TILE, row = block * plan->param_rows;
        int64_t length = plan->space - first < COLUMN_TILE ? plan->space - first : COLUMN_TILE;
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
static void merge_parameters(void *context, int64_t begin, int64_t end) {
    const eki_job *job = context;
    const ek_norm_plan *plan = job->plan;
    double *dscale = block_sums(job, 0), *dbias = dscale + plan->space;
    for (int64_t first = begin; first < end; first += MERGED) {
        int64_t count = end - first < MERGED ? end - first : MERGED;
        merge_columns(dscale + first, plan->param_blocks, 2 * plan->space, count);
        merge_columns(dbias + first, plan->param_blocks, 2 * plan->space, count);
        for (int64_t j = first; j < first + count; j++) {
            eki_put(plan, job->dbias, j, dbias[j]);
            eki_put(plan, job->dscale, j, dscale[j]);
        }
    }
}

/* Parameter gradients come first where dx may overwrite dy. */
void eki_rows_backward(const eki_job *job) {
    const ek_norm_plan *plan = job->plan;
    eki_job copy = *job;
    bool parameters = job->dscale != NULL || job->dbias != NULL;
    bool fused = parameters && plan->set_blocks == 1 && plan->param_blocks > 1;
    if (fused) {
        eki_ranges(plan, plan->param_blocks, plan->param_rows * plan->space, fused_blocks, &copy);
    } else if (parameters) {
        eki_ranges(plan, plan->param_blocks * column_tiles(plan), COLUMN_TILE * plan->param_rows, parameter_tiles,
                   &copy);
    }
    if (eki_wants_dx(job) && !fused) input_gradient(job);
    if (parameters) eki_ranges(plan, plan->space, plan->param_blocks, merge_parameters, &copy);
}
