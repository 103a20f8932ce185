/* row_statistics.c: mean, variance and 1 / sqrt(variance + epsilon) of rows, each a set of its own.
 *
 * Two rows at a time are summed as row_moments sums one (of long rows one: their memory comes in order); the sums of
 * eight then become statistics together, in vectors, by the expressions of norm/partial.c and norm/norm_stats.c: apart,
 * the divisions and the root of a row take as long as the sums of a short one.
 */
#include "kernel/row_lanes.h"

enum { TOGETHER = 8, LONG_ROW = 2048 };

typedef struct {
    f64x8 shift, s1, s2; /* a lane per row */
} sums_of_rows;

EK_INLINE void keep(const lanes *s, f64x8 *a, f64x8 *b) {
    *a = f64x8_add(s->a[0], s->a[1]);
    *b = f64x8_add(s->b[0], s->b[1]);
}

/* Sums of a row as vectors of eight lanes. */
EK_INLINE void sum_one(const element *x, size_t n, int centred, double *shift, f64x8 *a, f64x8 *b) {
    lanes s = lanes_zero();
    *shift = centred ? data_first(x) : 0.0;
    add_squares(&s, x, n, FETCH_ELEMENTS, f64x8_set1(*shift));
    keep(&s, a, b);
}

/* Shifted sums of two rows. The next two are fetched meanwhile, line by line, as memory has them. */
EK_INLINE void sum_two(const element *x, size_t stride, size_t n, int centred, double *shift, f64x8 *a, f64x8 *b) {
    lanes s[2] = {lanes_zero(), lanes_zero()};
    size_t ahead = 2 * n < FETCH_ELEMENTS ? FETCH_ELEMENTS : 2 * n;
    for (int r = 0; r < 2; r++) shift[r] = centred ? data_first(x + (size_t)r * stride) : 0.0;
    const f64x8 by[2] = {f64x8_set1(shift[0]), f64x8_set1(shift[1])};
    add_squares_of_two(s, x, x + stride, n, ahead, by);
    for (int r = 0; r < 2; r++) keep(s + r, a + r, b + r);
}

/* `rows` <= 8. */
EK_INLINE sums_of_rows sum_rows(const element *x, size_t rows, size_t stride, size_t n, int centred) {
    const f64x8 zero = f64x8_set1(0.0);
    double shift[TOGETHER] = {0};
    f64x8 a[TOGETHER], b[TOGETHER];
    for (int r = 0; r < TOGETHER; r++) a[r] = b[r] = zero;
    for (size_t r = 0; r < rows; r += 2) {
        const element *at = x + r * stride;
        if (r + 1 < rows && n <= LONG_ROW) {
            sum_two(at, stride, n, centred, shift + r, a + r, b + r);
        } else {
            sum_one(at, n, centred, shift + r, a + r, b + r);
            if (r + 1 < rows) sum_one(at + stride, n, centred, shift + r + 1, a + r + 1, b + r + 1);
        }
    }
    return (sums_of_rows){f64x8_load(shift), f64x8_sums(a), f64x8_sums(b)};
}

EK_INLINE void statistics(const sums_of_rows *sum, size_t rows, double count, int centred, double epsilon, double *mean,
                          double *var, double *rstd) {
    f64x8 zero = f64x8_set1(0.0), one = f64x8_set1(1.0), n = f64x8_set1(count), m = zero, m2 = sum->s2;
    if (centred) {
        m = f64x8_add(sum->shift, f64x8_div(sum->s1, n));
        m2 = f64x8_max(zero, f64x8_sub(m2, f64x8_div(f64x8_mul(sum->s1, sum->s1), n)));
    }
    f64x8 v = f64x8_div(m2, n);
    store8(mean, m, rows);
    store8(var, v, rows);
    store8(rstd, f64x8_div(one, f64x8_sqrt(f64x8_add(v, f64x8_set1(epsilon)))), rows);
    for (size_t r = 0; epsilon == 0.0 && r < rows; r++) {
        if (var[r] == 0.0) rstd[r] = 0.0;
    }
}

void EK_FN(row_statistics)(const void *x, size_t rows, size_t stride, size_t n, int centred, double epsilon,
                           double *mean, double *var, double *rstd) {
    for (size_t r = 0; r < rows; r += TOGETHER) {
        size_t some = rows - r < TOGETHER ? rows - r : TOGETHER;
        sums_of_rows sum = sum_rows(element_at(x, r * stride), some, stride, n, centred);
        statistics(&sum, some, (double)n, centred, epsilon, mean + r, var + r, rstd + r);
    }
}
