/* vec_sums.c: all sums of the backward pass of rows with element-wise scale, in one reading: of each row those of
 * vec_gradsums, and down the rows those of vec_paramgrads. Both need the same differences in f64, and conversions are
 * what bounds such sums. The order of every addition is that of the two kernels.
 */
#include "kernel/epilogue.h"

enum { ROWS_TOGETHER = 4 };

typedef struct {
    f64x8 a[2], b[2]; /* sixteen lanes of each sum of a row */
} lanes;

/* Eight columns of the block: their sums so far, and scale. */
typedef struct {
    f64x8 dscale, dbias, factor;
} columns;

/* n <= 8 elements of one row. */
EK_INLINE void add_row(lanes *s, int half, columns *down, size_t n, const element *x, const element *dy, int scaled,
                       double mean, double rstd) {
    f64x8 g = n < 8 ? data_widen_n(dy, n) : data_widen(dy);
    f64x8 d = f64x8_sub(n < 8 ? data_widen_n(x, n) : data_widen(x), f64x8_set1(mean));
    down->dscale = f64x8_add(down->dscale, f64x8_mul(g, f64x8_mul(d, f64x8_set1(rstd))));
    down->dbias = f64x8_add(down->dbias, g);
    if (scaled) g = f64x8_mul(g, down->factor);
    f64x8 product = f64x8_mul(g, d);
    s->a[half] = n < 8 ? f64x8_add_n(s->a[half], g, n) : f64x8_add(s->a[half], g);
    s->b[half] = n < 8 ? f64x8_add_n(s->b[half], product, n) : f64x8_add(s->b[half], product);
}

/* n <= 8 elements of `count` rows, 1 or 4; written out so that all lanes stay in registers. */
EK_INLINE void add_columns(lanes *s, int half, size_t n, const element *x, const element *dy, size_t stride, int count,
                           const float *scale, const double *mean, const double *rstd, double *dscale, double *dbias) {
    columns down = {load8(dscale, n), load8(dbias, n), f64x8_set1(1.0)};
    int scaled = scale != NULL;
    if (scaled) down.factor = n < 8 ? f64x8_widen_n(scale, n) : f64x8_widen(scale);
    add_row(s, half, &down, n, x, dy, scaled, mean[0], rstd[0]);
    if (count == ROWS_TOGETHER) {
        add_row(s + 1, half, &down, n, x + stride, dy + stride, scaled, mean[1], rstd[1]);
        add_row(s + 2, half, &down, n, x + 2 * stride, dy + 2 * stride, scaled, mean[2], rstd[2]);
        add_row(s + 3, half, &down, n, x + 3 * stride, dy + 3 * stride, scaled, mean[3], rstd[3]);
    }
    store8(dscale, down.dscale, n);
    store8(dbias, down.dbias, n);
}

EK_INLINE void lanes_sum(const lanes *s, double sums[2]) {
    sums[0] = f64x16_sum(s->a[0], s->a[1]);
    sums[1] = f64x16_sum(s->b[0], s->b[1]);
}

/* The next rows are fetched meanwhile. */
EK_INLINE void add_rows(const element *x, const element *dy, size_t stride, int count, size_t cols, const float *scale,
                        const double *mean, const double *rstd, double *sums, double *dscale, double *dbias) {
    const f64x8 zero = f64x8_set1(0.0);
    const lanes none = {{zero, zero}, {zero, zero}};
    lanes s[ROWS_TOGETHER] = {none, none, none, none};
    size_t c = 0, ahead = (size_t)count * stride;
    for (; c + 16 <= cols; c += 16) {
        for (int r = 0; r < count; r++) {
            fetch(x + c + ahead + (size_t)r * stride);
            fetch(dy + c + ahead + (size_t)r * stride);
        }
        add_columns(s, 0, 8, x + c, dy + c, stride, count, scale != NULL ? scale + c : NULL, mean, rstd, dscale + c,
                    dbias + c);
        add_columns(s, 1, 8, x + c + 8, dy + c + 8, stride, count, scale != NULL ? scale + c + 8 : NULL, mean, rstd,
                    dscale + c + 8, dbias + c + 8);
    }
    size_t low = cols - c < 8 ? cols - c : 8, high = cols - c - low;
    if (low > 0) {
        add_columns(s, 0, low, x + c, dy + c, stride, count, scale != NULL ? scale + c : NULL, mean, rstd, dscale + c,
                    dbias + c);
    }
    if (high > 0) {
        add_columns(s, 1, high, x + c + 8, dy + c + 8, stride, count, scale != NULL ? scale + c + 8 : NULL, mean, rstd,
                    dscale + c + 8, dbias + c + 8);
    }
    lanes_sum(s, sums);
    if (count < ROWS_TOGETHER) return;
    lanes_sum(s + 1, sums + 2);
    lanes_sum(s + 2, sums + 4);
    lanes_sum(s + 3, sums + 6);
}

/* `with` is scale or NULL, a constant at every call. */
EK_INLINE void all_rows(const element *x, const element *dy, size_t rows, size_t stride, size_t cols, const float *with,
                        const double *mean, const double *rstd, double *sums, double *dscale, double *dbias) {
    size_t r = 0;
    for (; r + ROWS_TOGETHER <= rows; r += ROWS_TOGETHER) {
        add_rows(x + r * stride, dy + r * stride, stride, ROWS_TOGETHER, cols, with, mean + r, rstd + r, sums + 2 * r,
                 dscale, dbias);
    }
    for (; r < rows; r++) {
        add_rows(x + r * stride, dy + r * stride, stride, 1, cols, with, mean + r, rstd + r, sums + 2 * r, dscale,
                 dbias);
    }
}

void EK_FN(vec_allsums)(const void *x, const void *dy, size_t rows, size_t stride, size_t cols, const float *scale,
                        const double *mean, const double *rstd, double *sums, double *dscale, double *dbias) {
    if (scale != NULL) {
        all_rows(x, dy, rows, stride, cols, scale, mean, rstd, sums, dscale, dbias);
    } else {
        all_rows(x, dy, rows, stride, cols, NULL, mean, rstd, sums, dscale, dbias);
    }
}
