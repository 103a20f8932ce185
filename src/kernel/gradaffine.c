/* gradaffine.c: the gradient of x, dx = rstd * ((scale * dy - k1) - xhat * k2), for rows, columns and element-wise
 * scale.
 *
 * xhat is formed first, because it is of order one: a product such as rstd * rstd would underflow for |x| near 1e30.
 * One formula serves all norms, so that norms which are equal as mathematics (group norm with one channel per group
 * and instance norm, for example) have gradients that are equal bit for bit. dx may be dy.
 */
#include "kernel/kernel.h"
#include "kernel/simd/simd.h"

typedef struct {
    f32x16 hi, lo, rstd, scale, k1, k2;
} gradient16;

EK_INLINE f32x16 gradient_eval(f32x16 x, f32x16 dy, const gradient16 *p) {
    f32x16 xhat = f32x16_mul(f32x16_sub(f32x16_sub(x, p->hi), p->lo), p->rstd);
    f32x16 g = f32x16_sub(f32x16_mul(p->scale, dy), p->k1);
    return f32x16_mul(p->rstd, f32x16_sub(g, f32x16_mul(xhat, p->k2)));
}

EK_INLINE gradient16 gradient_set1(const eki_gradient *p) {
    return (gradient16){f32x16_set1(p->mean_hi), f32x16_set1(p->mean_lo), f32x16_set1(p->rstd),
                        f32x16_set1(p->scale),   f32x16_set1(p->k1),      f32x16_set1(p->k2)};
}

EK_INLINE void gradient_row(const float *x, const float *dy, float *dx, size_t n, const float *scale, gradient16 v) {
    size_t i = 0;
    for (; i + 16 <= n; i += 16) {
        if (scale != NULL) v.scale = f32x16_load(scale + i);
        f32x16_store(dx + i, gradient_eval(f32x16_load(x + i), f32x16_load(dy + i), &v));
    }
    if (i < n) {
        size_t m = n - i;
        if (scale != NULL) v.scale = f32x16_load_n(scale + i, m);
        f32x16_store_n(dx + i, gradient_eval(f32x16_load_n(x + i, m), f32x16_load_n(dy + i, m), &v), m);
    }
}

void EK_FN(f32_row_gradaffine)(const float *x, const float *dy, float *dx, size_t n, const eki_gradient *p) {
    gradient_row(x, dy, dx, n, NULL, gradient_set1(p));
}

void EK_FN(f32_vec_gradaffine)(const float *x, const float *dy, float *dx, size_t n, const float *scale,
                               const eki_gradient *p) {
    eki_gradient one = *p;
    one.scale = 1.0f;
    if (scale != NULL) {
        gradient_row(x, dy, dx, n, scale, gradient_set1(&one));
    } else {
        gradient_row(x, dy, dx, n, NULL, gradient_set1(&one));
    }
}

EK_INLINE void gradient_tile(const float *x, const float *dy, float *dx, size_t rows, size_t stride,
                             const eki_gradient_columns *p, size_t c) {
    gradient16 v = {f32x16_load(p->mean_hi + c), f32x16_load(p->mean_lo + c), f32x16_load(p->rstd + c),
                    f32x16_load(p->scale + c),   f32x16_load(p->k1 + c),      f32x16_load(p->k2 + c)};
    for (size_t r = 0, i = c; r < rows; r++, i += stride) {
        fetch_next_strip(x + i, stride);
        fetch_next_strip(dy + i, stride);
        f32x16_store(dx + i, gradient_eval(f32x16_load(x + i), f32x16_load(dy + i), &v));
    }
}

EK_INLINE void gradient_tile_n(const float *x, const float *dy, float *dx, size_t rows, size_t stride,
                               const eki_gradient_columns *p, size_t c, size_t n) {
    gradient16 v = {f32x16_load_n(p->mean_hi + c, n), f32x16_load_n(p->mean_lo + c, n), f32x16_load_n(p->rstd + c, n),
                    f32x16_load_n(p->scale + c, n),   f32x16_load_n(p->k1 + c, n),      f32x16_load_n(p->k2 + c, n)};
    for (size_t r = 0, i = c; r < rows; r++, i += stride) {
        f32x16_store_n(dx + i, gradient_eval(f32x16_load_n(x + i, n), f32x16_load_n(dy + i, n), &v), n);
    }
}

void EK_FN(f32_col_gradaffine)(const float *x, const float *dy, float *dx, size_t rows, size_t stride, size_t cols,
                               const eki_gradient_columns *p) {
    size_t strip = cols <= 16 || rows < STRIP_ROWS ? rows : STRIP_ROWS;
    for (size_t r = 0; r < rows; r += strip) {
        size_t high = rows - r < strip ? rows - r : strip, c = 0, at = r * stride;
        for (; c + 16 <= cols; c += 16) gradient_tile(x + at, dy + at, dx + at, high, stride, p, c);
        if (c < cols) gradient_tile_n(x + at, dy + at, dx + at, high, stride, p, c, cols - c);
    }
}
