/* kernel_cases.c: for every kernel, how to call it and what it should give, term by term in long double. */
#include "kernelcheck/kernelcheck.h"

#include <math.h>

typedef long double real;

static real x_at(const problem *p, size_t row, size_t i) { return (real)p->x[row * p->stride + i]; }
static real dy_at(const problem *p, size_t row, size_t i) { return (real)p->dy[row * p->stride + i]; }

static void add(expected *sum, real term) {
    sum->value += term;
    sum->magnitude += fabsl(term);
}

/* The i-th sum: i = 0, 1 of all elements (rows), or sum i / n of column i % n, which starts at 0.5. */
typedef real (*term_fn)(const problem *p, size_t row, size_t i, int which);

static expected sum_all(const problem *p, int which, term_fn term) {
    expected sum = {0, 0};
    for (size_t row = 0; row < p->rows; row++) {
        for (size_t i = 0; i < p->n; i++) add(&sum, term(p, row, i, which));
    }
    return sum;
}

static expected sum_column(const problem *p, size_t i, term_fn term) {
    expected sum = {0.5L, 0.5L};
    for (size_t row = 0; row < p->rows; row++) add(&sum, term(p, row, i % p->n, (int)(i / p->n)));
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
static real parameter_gradient(const problem *p, size_t row, size_t i, int which) {
    if (which) return dy_at(p, row, i);
    return dy_at(p, row, i) * ((x_at(p, row, i) - (real)p->mean[row]) * (real)p->rstd[row]);
}

/* ((x - hi) - lo) * gain * scale + bias */
static expected affine(real x, real hi, real lo, real gain, real scale, real bias) {
    real product = (x - hi - lo) * gain * scale;
    return (expected){product + bias, fabsl(product) + fabsl(bias)};
}

/* rstd * ((scale * dy - k1) - xhat * k2) */
static expected gradient(real x, real dy, const eki_gradient *g, real scale) {
    real r = (real)g->rstd, xhat = (x - (real)g->mean_hi - (real)g->mean_lo) * r;
    real a = scale * dy, b = (real)g->k1, c = xhat * (real)g->k2;
    return (expected){r * (a - b - c), fabsl(r) * (fabsl(a) + fabsl(b) + fabsl(c))};
}

static eki_gradient column_of(const problem *p, size_t i) {
    return (eki_gradient){p->column[0][i], p->column[1][i], p->column[2][i],
                          p->column[3][i], p->column[4][i], p->column[5][i]};
}

#define CASE(kernel, kind, single, bound)                                                                              \
    static void run_##kernel(const eki_kernels *kernels, const problem *p);                                            \
    static expected ref_##kernel(const problem *p, size_t row, size_t i);                                              \
    const kernel_case case_##kernel = {#kernel, kind, single, bound, run_##kernel, ref_##kernel};

CASE(f32_row_moments, TWO_SUMS, 0, 4)
static void run_f32_row_moments(const eki_kernels *k, const problem *p) {
    k->f32_row_moments(p->x, p->n, p->rows, p->stride, p->mean[0], p->sums);
}
static expected ref_f32_row_moments(const problem *p, size_t row, size_t i) {
    (void)row;
    return sum_all(p, (int)i, row_moment);
}

CASE(f32_col_moments, COLUMN_SUMS, 0, 4)
static void run_f32_col_moments(const eki_kernels *k, const problem *p) {
    k->f32_col_moments(p->x, p->rows, p->stride, p->n, p->mean, p->sums, p->sums + p->n);
}
static expected ref_f32_col_moments(const problem *p, size_t row, size_t i) {
    (void)row;
    return sum_column(p, i, column_moment);
}

CASE(f32_row_gradsums, TWO_SUMS, 0, 4)
static void run_f32_row_gradsums(const eki_kernels *k, const problem *p) {
    k->f32_row_gradsums(p->x, p->dy, p->n, p->rows, p->stride, p->mean[0], p->sums);
}
static expected ref_f32_row_gradsums(const problem *p, size_t row, size_t i) {
    (void)row;
    return sum_all(p, (int)i, row_gradient);
}

CASE(f32_col_gradsums, COLUMN_SUMS, 0, 4)
static void run_f32_col_gradsums(const eki_kernels *k, const problem *p) {
    k->f32_col_gradsums(p->x, p->dy, p->rows, p->stride, p->n, p->mean, p->sums, p->sums + p->n);
}
static expected ref_f32_col_gradsums(const problem *p, size_t row, size_t i) {
    (void)row;
    return sum_column(p, i, column_gradient);
}

CASE(f32_vec_gradsums, TWO_SUMS, 1, 4)
static void run_f32_vec_gradsums(const eki_kernels *k, const problem *p) {
    k->f32_vec_gradsums(p->x, p->dy, p->n, p->scale, p->mean[0], p->sums);
}
static expected ref_f32_vec_gradsums(const problem *p, size_t row, size_t i) {
    (void)row;
    return sum_all(p, (int)i, scaled_gradient);
}

CASE(f32_vec_paramgrads, COLUMN_SUMS, 0, 5)
static void run_f32_vec_paramgrads(const eki_kernels *k, const problem *p) {
    k->f32_vec_paramgrads(p->x, p->dy, p->rows, p->stride, p->n, p->mean, p->rstd, p->sums, p->sums + p->n);
}
static expected ref_f32_vec_paramgrads(const problem *p, size_t row, size_t i) {
    (void)row;
    return sum_column(p, i, parameter_gradient);
}

CASE(f32_row_affine, ELEMENTS, 1, 4)
static void run_f32_row_affine(const eki_kernels *k, const problem *p) {
    k->f32_row_affine(p->x, p->y, p->n, &p->affine);
}
static expected ref_f32_row_affine(const problem *p, size_t row, size_t i) {
    const eki_affine *a = &p->affine;
    return affine(x_at(p, row, i), (real)a->mean_hi, (real)a->mean_lo, (real)a->gain, 1, (real)a->bias);
}

CASE(f32_col_affine, ELEMENTS, 0, 4)
static void run_f32_col_affine(const eki_kernels *k, const problem *p) {
    eki_affine_columns columns = {p->column[0], p->column[1], p->column[2], p->column[3]};
    k->f32_col_affine(p->x, p->y, p->rows, p->stride, p->n, &columns);
}
static expected ref_f32_col_affine(const problem *p, size_t row, size_t i) {
    eki_gradient c = column_of(p, i);
    return affine(x_at(p, row, i), (real)c.mean_hi, (real)c.mean_lo, (real)c.rstd, 1, (real)c.scale);
}

CASE(f32_vec_affine, ELEMENTS, 1, 5)
static void run_f32_vec_affine(const eki_kernels *k, const problem *p) {
    k->f32_vec_affine(p->x, p->y, p->n, p->scale, p->bias, &p->affine);
}
static expected ref_f32_vec_affine(const problem *p, size_t row, size_t i) {
    const eki_affine *a = &p->affine;
    return affine(x_at(p, row, i), (real)a->mean_hi, (real)a->mean_lo, (real)a->gain, p->scale ? (real)p->scale[i] : 1,
                  p->bias ? (real)p->bias[i] : 0);
}

CASE(f32_row_gradaffine, ELEMENTS, 1, 7)
static void run_f32_row_gradaffine(const eki_kernels *k, const problem *p) {
    k->f32_row_gradaffine(p->x, p->dy, p->y, p->n, &p->gradient);
}
static expected ref_f32_row_gradaffine(const problem *p, size_t row, size_t i) {
    return gradient(x_at(p, row, i), dy_at(p, row, i), &p->gradient, (real)p->gradient.scale);
}

CASE(f32_col_gradaffine, ELEMENTS, 0, 7)
static void run_f32_col_gradaffine(const eki_kernels *k, const problem *p) {
    eki_gradient_columns columns = {p->column[0], p->column[1], p->column[2], p->column[3], p->column[4], p->column[5]};
    k->f32_col_gradaffine(p->x, p->dy, p->y, p->rows, p->stride, p->n, &columns);
}
static expected ref_f32_col_gradaffine(const problem *p, size_t row, size_t i) {
    eki_gradient c = column_of(p, i);
    return gradient(x_at(p, row, i), dy_at(p, row, i), &c, (real)c.scale);
}

CASE(f32_vec_gradaffine, ELEMENTS, 1, 7)
static void run_f32_vec_gradaffine(const eki_kernels *k, const problem *p) {
    k->f32_vec_gradaffine(p->x, p->dy, p->y, p->n, p->scale, &p->gradient);
}
static expected ref_f32_vec_gradaffine(const problem *p, size_t row, size_t i) {
    return gradient(x_at(p, row, i), dy_at(p, row, i), &p->gradient, p->scale ? (real)p->scale[i] : 1);
}

CASE(f32_row_affine_stream, ELEMENTS, 1, 4)
static void run_f32_row_affine_stream(const eki_kernels *k, const problem *p) {
    k->f32_row_affine_stream(p->x, p->y, p->n, &p->affine);
}
static expected ref_f32_row_affine_stream(const problem *p, size_t row, size_t i) {
    return ref_f32_row_affine(p, row, i);
}

CASE(f32_col_affine_stream, ELEMENTS, 0, 4)
static void run_f32_col_affine_stream(const eki_kernels *k, const problem *p) {
    eki_affine_columns columns = {p->column[0], p->column[1], p->column[2], p->column[3]};
    k->f32_col_affine_stream(p->x, p->y, p->rows, p->stride, p->n, &columns);
}
static expected ref_f32_col_affine_stream(const problem *p, size_t row, size_t i) {
    return ref_f32_col_affine(p, row, i);
}

CASE(f32_row_gradaffine_stream, ELEMENTS, 1, 7)
static void run_f32_row_gradaffine_stream(const eki_kernels *k, const problem *p) {
    k->f32_row_gradaffine_stream(p->x, p->dy, p->y, p->n, &p->gradient);
}
static expected ref_f32_row_gradaffine_stream(const problem *p, size_t row, size_t i) {
    return ref_f32_row_gradaffine(p, row, i);
}

CASE(f32_col_gradaffine_stream, ELEMENTS, 0, 7)
static void run_f32_col_gradaffine_stream(const eki_kernels *k, const problem *p) {
    eki_gradient_columns columns = {p->column[0], p->column[1], p->column[2], p->column[3], p->column[4], p->column[5]};
    k->f32_col_gradaffine_stream(p->x, p->dy, p->y, p->rows, p->stride, p->n, &columns);
}
static expected ref_f32_col_gradaffine_stream(const problem *p, size_t row, size_t i) {
    return ref_f32_col_gradaffine(p, row, i);
}
