/* kernel_cases.c: for every kernel, how to call it and what it should give, term by term in long double. */
#include "kernelcheck/kernelcheck.h"

#include "support/activation_ref.h"
#include <math.h>

typedef long double real;

static real x_at(const problem *p, size_t row, size_t i) { return (real)p->xs[row * p->stride + i]; }

/* The rows as one stretch or, where they are even, as two: one after the other, or taking turns. */
static eki_grid grid_of(const problem *p) {
    if (p->rows % 2 != 0) return (eki_grid){p->rows, p->stride, p->n, 1, 0, 0};
    if (p->rows % 4 == 0) return (eki_grid){p->rows / 2, 2 * p->stride, p->n, 2, p->stride, 0};
    return (eki_grid){p->rows / 2, p->stride, p->n, 2, p->rows / 2 * p->stride, 0};
}

/* The epilogue with the coefficients that a shape of memory reads. */
static eki_epilogue epilogue;
static int affine_per_row; /* else the first row's is that of all */
static eki_scaling_columns epilogue_columns;
static int column_is_row; /* columns belong to rows */

static const eki_epilogue *fused_with(const problem *p, int columns, int elements) {
    if (p->fused == NULL) return NULL;
    epilogue = *p->fused;
    epilogue_columns = (eki_scaling_columns){p->column[0], p->column[1], p->column[2], p->column[3]};
    affine_per_row = elements;
    column_is_row = 0;
    if (columns) epilogue.columns = &epilogue_columns;
    if (elements) epilogue.scale = p->scale;
    if (elements) epilogue.bias = p->bias;
    return &epilogue;
}
static const eki_epilogue *fused_rows(const problem *p) { return fused_with(p, 0, 0); }
static const eki_epilogue *fused_columns(const problem *p) { return fused_with(p, 1, 0); }
static const eki_epilogue *fused_channels(const problem *p) {
    const eki_epilogue *e = fused_with(p, 1, 0);
    epilogue_columns = (eki_scaling_columns){p->channel[0], p->channel[1], p->channel[2], p->channel[3]};
    column_is_row = 1;
    return e;
}
static const eki_epilogue *fused_elements(const problem *p) { return fused_with(p, 0, 1); }

/* What a fused kernel computes again as t, given its coefficients, scale and bias. */
static real inner_again(const problem *p, size_t row, size_t i) {
    const eki_epilogue *e = &epilogue; /* of the run before */
    const eki_scaling *a = affine_per_row ? e->affine + row : e->affine;
    const eki_scaling_columns *c = e->columns;
    size_t at = column_is_row ? row : i;
    real hi = c ? (real)c->mean_hi[at] : (real)a->mean_hi, lo = c ? (real)c->mean_lo[at] : (real)a->mean_lo;
    real gain = c ? (real)c->gain[at] : (real)a->gain, bias = c ? (real)c->bias[at] : (real)a->bias;
    if (e->scale != NULL) gain *= (real)e->scale[i];
    if (e->bias != NULL) bias = (real)e->bias[i];
    real t = (x_at(p, row, i) - hi - lo) * gain + bias;
    return e->residual != NULL ? t + (real)((const float *)e->residual)[row * p->stride + i] : t;
}

/* Where the slope jumps, a rounding of t may take either side of it. */
static int at_corner(const eki_epilogue *e, real t) {
    return e->activation == EKI_HARD_SWISH && fabsl(fabsl(t) - 3) < 1e-5L;
}

/* dy, or the gradient before the activation. */
static real dy_at(const problem *p, size_t row, size_t i) {
    const eki_epilogue *e = p->fused;
    real dy = (real)p->dys[row * p->stride + i];
    if (e == NULL || e->activation == EKI_NO_ACTIVATION) return dy;
    real t = e->y != NULL ? (real)p->inner[row * p->stride + i] : inner_again(p, row, i);
    if (p->ceiling) return 1.5L * fabsl(dy) * (at_corner(e, t) ? 0x1p24L : 1);
    return dy * eki_ref_slope(e->activation, t, (double)e->alpha, (double)e->beta);
}

static void add(expected *sum, real term) {
    sum->value += term;
    sum->magnitude += fabsl(term);
}

/* The i-th sum: i = 0, 1 of all elements (rows), or sum i / n of column i % n, which starts at 0.5. */
typedef real (*term_fn)(const problem *p, size_t row, size_t i, int which);

/* With something fused dy is a float with a few roundings more. */
static void add_term(expected *sum, const problem *p, size_t row, size_t i, int which, term_fn term) {
    add(sum, term(p, row, i, which));
    if (p->fused == NULL) return;
    problem wide = *p;
    wide.ceiling = 1;
    sum->magnitude += 0x1p29L * 8 * fabsl(term(&wide, row, i, which));
}

static expected sum_all(const problem *p, int which, term_fn term) {
    expected sum = {0, 0};
    for (size_t row = 0; row < p->rows; row++) {
        for (size_t i = 0; i < p->n; i++) add_term(&sum, p, row, i, which, term);
    }
    return sum;
}

static expected sum_column(const problem *p, size_t i, term_fn term) {
    expected sum = {0.5L, 0.5L};
    for (size_t row = 0; row < p->rows; row++) add_term(&sum, p, row, i % p->n, (int)(i / p->n), term);
    return sum;
}

static real row_moment(const problem *p, size_t row, size_t i, int which) {
    real d = x_at(p, row, i) - (real)p->mean[0];
    return which ? d * d : d;
}
static real column_moment(const problem *p, size_t row, size_t i, int which) {
    real d = x_at(p, row, i) - (real)p->mean[i];
    return which ? d * d : d;
}
static real row_gradient(const problem *p, size_t row, size_t i, int which) {
    return dy_at(p, row, i) * (which ? x_at(p, row, i) - (real)p->mean[0] : 1);
}
static real column_gradient(const problem *p, size_t row, size_t i, int which) {
    return dy_at(p, row, i) * (which ? x_at(p, row, i) - (real)p->mean[i] : 1);
}
static real scaled_gradient(const problem *p, size_t row, size_t i, int which) {
    return row_gradient(p, row, i, which) * (p->scale ? (real)p->scale[i] : 1);
}
/* Every row has its own mean. */
static real scaled_row_gradient(const problem *p, size_t row, size_t i, int which) {
    real g = dy_at(p, row, i) * (p->scale ? (real)p->scale[i] : 1);
    return g * (which ? x_at(p, row, i) - (real)p->mean[row] : 1);
}
static real parameter_gradient(const problem *p, size_t row, size_t i, int which) {
    if (which) return dy_at(p, row, i);
    return dy_at(p, row, i) * ((x_at(p, row, i) - (real)p->mean[row]) * (real)p->rstd[row]);
}

/* ((x - hi) - lo) * gain * scale + bias, and what is fused; slopes are at most 1.5. */
static expected affine(const problem *p, size_t at, real hi, real lo, real gain, real scale, real bias) {
    const eki_epilogue *e = p->fused;
    real product = ((real)p->xs[at] - hi - lo) * gain * scale, residual = 0;
    if (e == NULL) return (expected){product + bias, fabsl(product) + fabsl(bias)};
    if (e->residual != NULL) residual = (real)((const float *)e->residual)[at];
    real t = product + bias + residual, y = eki_ref_activation(e->activation, t, (double)e->alpha, (double)e->beta);
    if (e->activation == EKI_NO_ACTIVATION || e->activation == EKI_RELU) {
        return (expected){y, fabsl(product) + fabsl(bias) + fabsl(residual)};
    }
    return (expected){y, 1.5L * (fabsl(product) + fabsl(bias) + fabsl(residual)) + fabsl(y) + 1};
}

/* rstd * ((scale * dy - k1) - xhat * k2) */
static expected gradient(real x, real dy, const eki_gradient *g, real scale) {
    real r = (real)g->rstd, xhat = (x - (real)g->mean_hi - (real)g->mean_lo) * r;
    real a = scale * dy, b = (real)g->k1, c = xhat * (real)g->k2;
    return (expected){r * (a - b - c), fabsl(r) * (fabsl(a) + fabsl(b) + fabsl(c))};
}

static expected gradient_at(const problem *p, size_t row, size_t i, const eki_gradient *g, real scale) {
    expected e = gradient(x_at(p, row, i), dy_at(p, row, i), g, scale);
    problem wide = *p;
    wide.ceiling = 1;
    if (p->fused != NULL) e.magnitude += 2 * gradient(x_at(p, row, i), dy_at(&wide, row, i), g, scale).magnitude;
    return e;
}

static eki_gradient column_of(const problem *p, size_t i) {
    return (eki_gradient){p->column[0][i], p->column[1][i], p->column[2][i],
                          p->column[3][i], p->column[4][i], p->column[5][i]};
}

static eki_gradient channel_of(const problem *p, size_t row) {
    return (eki_gradient){p->channel[0][row], p->channel[1][row], p->channel[2][row],
                          p->channel[3][row], p->channel[4][row], p->channel[5][row]};
}
static eki_scaling_columns affine_of_rows(const problem *p) {
    return (eki_scaling_columns){p->channel[0], p->channel[1], p->channel[2], p->channel[3]};
}
static eki_gradient_columns gradient_of_rows(const problem *p) {
    return (eki_gradient_columns){p->channel[0], p->channel[1], p->channel[2],
                                  p->channel[3], p->channel[4], p->channel[5]};
}

#define CASE(kernel, kind, single, bound)                                                                              \
    static void run_##kernel(const eki_kernels *kernels, const problem *p);                                            \
    static expected ref_##kernel(const problem *p, size_t row, size_t i);                                              \
    const kernel_case case_##kernel = {#kernel, kind, single, bound, run_##kernel, ref_##kernel};

/* Exact for f32; tests/norm/test_norm_convert.c has every value of the other types. */
CASE(widen, FLOATS, 1, 0)
static void run_widen(const eki_kernels *k, const problem *p) { k->widen(p->x, p->n, p->y); }
static expected ref_widen(const problem *p, size_t row, size_t i) {
    return (expected){x_at(p, row, i), fabsl(x_at(p, row, i))};
}

CASE(narrow, ELEMENTS, 1, 0)
static void run_narrow(const eki_kernels *k, const problem *p) { k->narrow(p->xs, p->n, p->y); }
static expected ref_narrow(const problem *p, size_t row, size_t i) { return ref_widen(p, row, i); }

CASE(row_moments, TWO_SUMS, 0, 4)
static void run_row_moments(const eki_kernels *k, const problem *p) {
    k->row_moments(p->x, p->n, p->rows, p->stride, p->mean[0], p->sums);
}
static expected ref_row_moments(const problem *p, size_t row, size_t i) {
    (void)row;
    return sum_all(p, (int)i, row_moment);
}

/* RMS where there is no scale, epsilon 0 where there is no bias; of no elements nobody asks. */
static double epsilon_of(const problem *p) { return p->bias != NULL ? 1e-5 : 0.0; }

CASE(row_statistics, ROW_STATISTICS, 0, 8)
static void run_row_statistics(const eki_kernels *k, const problem *p) {
    double *mean = p->sums, *var = mean + p->rows, *rstd = var + p->rows;
    if (p->n > 0) {
        k->row_statistics(p->x, p->rows, p->stride, p->n, p->scale != NULL, epsilon_of(p), mean, var, rstd);
    } else {
        for (size_t i = 0; i < 3 * p->rows; i++) p->sums[i] = 0;
    }
}
/* Errors are those of the sums over n; that of rstd follows from that of the variance by its slope. */
static expected ref_row_statistics(const problem *p, size_t row, size_t i) {
    (void)row;
    if (p->n == 0) return (expected){0, 0};
    size_t r = i % p->rows, which = i / p->rows;
    real n = (real)p->n, shift = p->scale != NULL ? x_at(p, r, 0) : 0, s1 = 0, s2 = 0, sizes = 0;
    for (size_t j = 0; j < p->n; j++) {
        real d = x_at(p, r, j) - shift;
        s1 += d;
        s2 += d * d;
        sizes += fabsl(d);
    }
    real mean = p->scale != NULL ? shift + s1 / n : 0, var = (p->scale != NULL ? s2 - s1 * s1 / n : s2) / n;
    if (!(var >= 0)) var = isnan((double)var) ? var : 0;
    real sum = var + (real)epsilon_of(p), rstd = sum == 0 ? 0 : 1 / sqrtl(sum), slope = rstd / sum;
    if (which == 0) return (expected){mean, p->scale != NULL ? fabsl(shift) + sizes / n : 0};
    if (which == 1) return (expected){var, 4 * s2 / n};
    return (expected){rstd, rstd == 0 ? 0 : rstd + slope * 4 * s2 / n}; /* 0 also of infinity */
}

CASE(col_moments, COLUMN_SUMS, 0, 4)
static void run_col_moments(const eki_kernels *k, const problem *p) {
    eki_grid grid = grid_of(p);
    k->col_moments(p->x, &grid, p->mean, p->sums, p->sums + p->n);
}
static expected ref_col_moments(const problem *p, size_t row, size_t i) {
    (void)row;
    return sum_column(p, i, column_moment);
}

CASE(row_gradsums, TWO_SUMS, 0, 4)
static void run_row_gradsums(const eki_kernels *k, const problem *p) {
    k->row_gradsums(p->x, p->dy, p->n, p->rows, p->stride, p->mean[0], p->sums, fused_rows(p));
}
static expected ref_row_gradsums(const problem *p, size_t row, size_t i) {
    (void)row;
    return sum_all(p, (int)i, row_gradient);
}

/* A hidden element is in no sum, whatever it holds. */
static double masked_shift(const problem *p) { /* the first valid element, as the kernel asks */
    for (size_t i = 0; i < p->rows * p->n; i++) {
        if (p->valid[i]) return (double)p->xs[i / p->n * p->stride + i % p->n];
    }
    return 0;
}
static real masked_moment(const problem *p, size_t row, size_t i, int which) {
    if (!p->valid[row * p->n + i]) return 0;
    real d = x_at(p, row, i) - (real)masked_shift(p);
    return which ? d * d : d;
}
static real masked_gradient(const problem *p, size_t row, size_t i, int which) {
    return p->valid[row * p->n + i] ? row_gradient(p, row, i, which) : 0;
}

CASE(row_moments_masked, TWO_SUMS, 0, 4)
static void run_row_moments_masked(const eki_kernels *k, const problem *p) {
    k->row_moments_masked(p->x, p->valid, p->n, p->rows, p->stride, p->n, masked_shift(p), p->sums);
}
static expected ref_row_moments_masked(const problem *p, size_t row, size_t i) {
    (void)row;
    return sum_all(p, (int)i, masked_moment);
}

CASE(row_gradsums_masked, TWO_SUMS, 0, 4)
static void run_row_gradsums_masked(const eki_kernels *k, const problem *p) {
    k->row_gradsums_masked(p->x, p->dy, p->valid, p->n, p->rows, p->stride, p->n, p->mean[0], p->sums, fused_rows(p));
}
static expected ref_row_gradsums_masked(const problem *p, size_t row, size_t i) {
    (void)row;
    return sum_all(p, (int)i, masked_gradient);
}

CASE(col_gradsums, COLUMN_SUMS, 0, 4)
static void run_col_gradsums(const eki_kernels *k, const problem *p) {
    eki_grid grid = grid_of(p);
    k->col_gradsums(p->x, p->dy, &grid, p->mean, p->sums, p->sums + p->n, fused_columns(p));
}
static expected ref_col_gradsums(const problem *p, size_t row, size_t i) {
    (void)row;
    return sum_column(p, i, column_gradient);
}

CASE(vec_gradsums, TWO_SUMS, 1, 4)
static void run_vec_gradsums(const eki_kernels *k, const problem *p) {
    k->vec_gradsums(p->x, p->dy, p->n, p->scale, p->mean[0], p->sums, fused_elements(p));
}
static expected ref_vec_gradsums(const problem *p, size_t row, size_t i) {
    (void)row;
    return sum_all(p, (int)i, scaled_gradient);
}

CASE(vec_paramgrads, COLUMN_SUMS, 0, 5)
static void run_vec_paramgrads(const eki_kernels *k, const problem *p) {
    k->vec_paramgrads(p->x, p->dy, p->rows, p->stride, p->n, p->mean, p->rstd, p->sums, p->sums + p->n,
                      fused_elements(p));
}
static expected ref_vec_paramgrads(const problem *p, size_t row, size_t i) {
    (void)row;
    return sum_column(p, i, parameter_gradient);
}

/* Two sums of every row, then two of every column. */
CASE(vec_allsums, ROW_AND_COLUMN_SUMS, 0, 5)
static void run_vec_allsums(const eki_kernels *k, const problem *p) {
    double *columns = p->sums + 2 * p->rows;
    k->vec_allsums(p->x, p->dy, p->rows, p->stride, p->n, p->scale, p->mean, p->rstd, p->sums, columns, columns + p->n);
}
static expected ref_vec_allsums(const problem *p, size_t row, size_t i) {
    (void)row;
    if (i >= 2 * p->rows) return ref_vec_paramgrads(p, 0, i - 2 * p->rows);
    expected sum = {0, 0};
    for (size_t j = 0; j < p->n; j++) add_term(&sum, p, i / 2, j, (int)(i % 2), scaled_row_gradient);
    return sum;
}

CASE(row_affine, ELEMENTS, 0, 4)
static void run_row_affine(const eki_kernels *k, const problem *p) {
    eki_scaling_columns c = affine_of_rows(p);
    k->row_affine(p->x, p->y, p->rows, p->stride, p->n, &c, fused_rows(p));
}
static expected ref_row_affine(const problem *p, size_t row, size_t i) {
    eki_gradient c = channel_of(p, row);
    return affine(p, row * p->stride + i, (real)c.mean_hi, (real)c.mean_lo, (real)c.rstd, 1, (real)c.scale);
}

CASE(col_affine, ELEMENTS, 0, 4)
static void run_col_affine(const eki_kernels *k, const problem *p) {
    eki_grid grid = grid_of(p);
    eki_scaling_columns columns = {p->column[0], p->column[1], p->column[2], p->column[3]};
    k->col_affine(p->x, p->y, &grid, &columns, fused_columns(p));
}
static expected ref_col_affine(const problem *p, size_t row, size_t i) {
    eki_gradient c = column_of(p, i);
    return affine(p, row * p->stride + i, (real)c.mean_hi, (real)c.mean_lo, (real)c.rstd, 1, (real)c.scale);
}

/* The coefficients of rows, together. */
static const eki_scaling *affines_of_rows(const problem *p) {
    static eki_scaling all[MOST];
    for (size_t r = 0; r < p->rows; r++) {
        all[r] = (eki_scaling){p->channel[0][r], p->channel[1][r], p->channel[2][r], 0.7f};
    }
    return all;
}

CASE(vec_affine, ELEMENTS, 0, 5)
static void run_vec_affine(const eki_kernels *k, const problem *p) {
    k->vec_affine(p->x, p->y, p->rows, p->stride, p->n, p->scale, p->bias, affines_of_rows(p), fused_elements(p));
}
static expected ref_vec_affine(const problem *p, size_t row, size_t i) {
    eki_gradient c = channel_of(p, row);
    return affine(p, row * p->stride + i, (real)c.mean_hi, (real)c.mean_lo, (real)c.rstd,
                  p->scale ? (real)p->scale[i] : 1, p->bias ? (real)p->bias[i] : 0);
}

CASE(row_gradaffine, ELEMENTS, 0, 7)
static void run_row_gradaffine(const eki_kernels *k, const problem *p) {
    eki_gradient_columns c = gradient_of_rows(p);
    k->row_gradaffine(p->x, p->dy, p->y, p->rows, p->stride, p->n, &c, fused_channels(p));
}
static expected ref_row_gradaffine(const problem *p, size_t row, size_t i) {
    eki_gradient c = channel_of(p, row);
    return gradient_at(p, row, i, &c, (real)c.scale);
}

CASE(col_gradaffine, ELEMENTS, 0, 7)
static void run_col_gradaffine(const eki_kernels *k, const problem *p) {
    eki_grid grid = grid_of(p);
    eki_gradient_columns columns = {p->column[0], p->column[1], p->column[2], p->column[3], p->column[4], p->column[5]};
    k->col_gradaffine(p->x, p->dy, p->y, &grid, &columns, fused_columns(p));
}
static expected ref_col_gradaffine(const problem *p, size_t row, size_t i) {
    eki_gradient c = column_of(p, i);
    return gradient_at(p, row, i, &c, (real)c.scale);
}

static const eki_gradient *gradients_of_rows(const problem *p) {
    static eki_gradient all[MOST];
    for (size_t r = 0; r < p->rows; r++) all[r] = channel_of(p, r);
    return all;
}

CASE(vec_gradaffine, ELEMENTS, 0, 7)
static void run_vec_gradaffine(const eki_kernels *k, const problem *p) {
    k->vec_gradaffine(p->x, p->dy, p->y, p->rows, p->stride, p->n, p->scale, gradients_of_rows(p), fused_elements(p));
}
static expected ref_vec_gradaffine(const problem *p, size_t row, size_t i) {
    eki_gradient c = channel_of(p, row);
    return gradient_at(p, row, i, &c, p->scale ? (real)p->scale[i] : 1);
}

CASE(row_hide, ELEMENTS, 1, 0)
static void run_row_hide(const eki_kernels *k, const problem *p) { k->row_hide(p->x, p->y, p->valid, p->n); }
static expected ref_row_hide(const problem *p, size_t row, size_t i) {
    return p->valid[row * p->n + i] ? ref_widen(p, row, i) : (expected){0, 0};
}

CASE(row_affine_stream, ELEMENTS, 0, 4)
static void run_row_affine_stream(const eki_kernels *k, const problem *p) {
    eki_scaling_columns c = affine_of_rows(p);
    k->row_affine_stream(p->x, p->y, p->rows, p->stride, p->n, &c, fused_rows(p));
}
static expected ref_row_affine_stream(const problem *p, size_t row, size_t i) { return ref_row_affine(p, row, i); }

CASE(col_affine_stream, ELEMENTS, 0, 4)
static void run_col_affine_stream(const eki_kernels *k, const problem *p) {
    eki_grid grid = grid_of(p);
    eki_scaling_columns columns = {p->column[0], p->column[1], p->column[2], p->column[3]};
    k->col_affine_stream(p->x, p->y, &grid, &columns, fused_columns(p));
}
static expected ref_col_affine_stream(const problem *p, size_t row, size_t i) { return ref_col_affine(p, row, i); }

CASE(row_gradaffine_stream, ELEMENTS, 0, 7)
static void run_row_gradaffine_stream(const eki_kernels *k, const problem *p) {
    eki_gradient_columns c = gradient_of_rows(p);
    k->row_gradaffine_stream(p->x, p->dy, p->y, p->rows, p->stride, p->n, &c);
}
static expected ref_row_gradaffine_stream(const problem *p, size_t row, size_t i) {
    return ref_row_gradaffine(p, row, i);
}

CASE(col_gradaffine_stream, ELEMENTS, 0, 7)
static void run_col_gradaffine_stream(const eki_kernels *k, const problem *p) {
    eki_grid grid = grid_of(p);
    eki_gradient_columns columns = {p->column[0], p->column[1], p->column[2], p->column[3], p->column[4], p->column[5]};
    k->col_gradaffine_stream(p->x, p->dy, p->y, &grid, &columns);
}
static expected ref_col_gradaffine_stream(const problem *p, size_t row, size_t i) {
    return ref_col_gradaffine(p, row, i);
}

CASE(vec_affine_stream, ELEMENTS, 0, 5)
static void run_vec_affine_stream(const eki_kernels *k, const problem *p) {
    k->vec_affine_stream(p->x, p->y, p->rows, p->stride, p->n, p->scale, p->bias, affines_of_rows(p));
}
static expected ref_vec_affine_stream(const problem *p, size_t row, size_t i) { return ref_vec_affine(p, row, i); }

CASE(vec_gradaffine_stream, ELEMENTS, 0, 7)
static void run_vec_gradaffine_stream(const eki_kernels *k, const problem *p) {
    k->vec_gradaffine_stream(p->x, p->dy, p->y, p->rows, p->stride, p->n, p->scale, gradients_of_rows(p));
}
static expected ref_vec_gradaffine_stream(const problem *p, size_t row, size_t i) {
    return ref_vec_gradaffine(p, row, i);
}
