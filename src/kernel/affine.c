/* affine.c: the forward map y = ((x - mean_hi) - mean_lo) * gain + bias, for rows, columns and element-wise scale.
 *
 * In f32, with separate multiply and add. The mean is subtracted in two parts: x - mean_hi is exact when x is within
 * a factor of two of the mean (Sterbenz), and mean_lo then brings the bits of the mean that one f32 cannot hold, so
 * |mean|/std up to 1e6 costs no accuracy. y may be x: every vector is loaded before it is stored.
 */
#include "kernel/kernel.h"
#include "kernel/simd/simd.h"

typedef struct {
    f32x16 hi, lo, gain, bias;
} affine16;

EK_INLINE f32x16 affine_eval(f32x16 x, const affine16 *p) {
    f32x16 centred = f32x16_sub(f32x16_sub(x, p->hi), p->lo);
    return f32x16_add(f32x16_mul(centred, p->gain), p->bias);
}

void EK_FN(f32_row_affine)(const float *x, float *y, size_t n, const eki_affine *p) {
    affine16 v = {f32x16_set1(p->mean_hi), f32x16_set1(p->mean_lo), f32x16_set1(p->gain), f32x16_set1(p->bias)};
    size_t i = 0;
    for (; i + 16 <= n; i += 16) f32x16_store(y + i, affine_eval(f32x16_load(x + i), &v));
    if (i < n) f32x16_store_n(y + i, affine_eval(f32x16_load_n(x + i, n - i), &v), n - i);
}

EK_INLINE void affine_tile(const float *x, float *y, size_t rows, size_t stride, const eki_affine_columns *p,
                           size_t c) {
    affine16 v = {f32x16_load(p->mean_hi + c), f32x16_load(p->mean_lo + c), f32x16_load(p->gain + c),
                  f32x16_load(p->bias + c)};
    for (size_t r = 0; r < rows; r++) {
        fetch_next_strip(x + r * stride + c, stride);
        f32x16_store(y + r * stride + c, affine_eval(f32x16_load(x + r * stride + c), &v));
    }
}

EK_INLINE void affine_tile_n(const float *x, float *y, size_t rows, size_t stride, const eki_affine_columns *p,
                             size_t c, size_t n) {
    affine16 v = {f32x16_load_n(p->mean_hi + c, n), f32x16_load_n(p->mean_lo + c, n), f32x16_load_n(p->gain + c, n),
                  f32x16_load_n(p->bias + c, n)};
    for (size_t r = 0; r < rows; r++) {
        f32x16_store_n(y + r * stride + c, affine_eval(f32x16_load_n(x + r * stride + c, n), &v), n);
    }
}

void EK_FN(f32_col_affine)(const float *x, float *y, size_t rows, size_t stride, size_t cols,
                           const eki_affine_columns *p) {
    size_t strip = cols <= 16 || rows < STRIP_ROWS ? rows : STRIP_ROWS;
    for (size_t r = 0; r < rows; r += strip) {
        size_t high = rows - r < strip ? rows - r : strip, c = 0, at = r * stride;
        for (; c + 16 <= cols; c += 16) affine_tile(x + at, y + at, high, stride, p, c);
        if (c < cols) affine_tile_n(x + at, y + at, high, stride, p, c, cols - c);
    }
}

/* with_scale and with_bias are constants at every call, so each combination is a loop of its own. */
EK_INLINE f32x16 vec_eval(f32x16 x, f32x16 scale, f32x16 bias, const affine16 *p, int with_scale, int with_bias) {
    f32x16 y = f32x16_mul(f32x16_sub(f32x16_sub(x, p->hi), p->lo), p->gain);
    if (with_scale) y = f32x16_mul(y, scale);
    return with_bias ? f32x16_add(y, bias) : y;
}

EK_INLINE void vec_affine(const float *x, float *y, size_t n, const float *scale, const float *bias,
                          const eki_affine *p, int with_scale, int with_bias) {
    f32x16 zero = f32x16_set1(0.0f);
    affine16 v = {f32x16_set1(p->mean_hi), f32x16_set1(p->mean_lo), f32x16_set1(p->gain), zero};
    size_t i = 0;
    for (; i + 16 <= n; i += 16) {
        f32x16 s = with_scale ? f32x16_load(scale + i) : zero, b = with_bias ? f32x16_load(bias + i) : zero;
        f32x16_store(y + i, vec_eval(f32x16_load(x + i), s, b, &v, with_scale, with_bias));
    }
    if (i < n) {
        size_t m = n - i;
        f32x16 s = with_scale ? f32x16_load_n(scale + i, m) : zero, b = with_bias ? f32x16_load_n(bias + i, m) : zero;
        f32x16_store_n(y + i, vec_eval(f32x16_load_n(x + i, m), s, b, &v, with_scale, with_bias), m);
    }
}

void EK_FN(f32_vec_affine)(const float *x, float *y, size_t n, const float *scale, const float *bias,
                           const eki_affine *p) {
    if (scale != NULL && bias != NULL) {
        vec_affine(x, y, n, scale, bias, p, 1, 1);
    } else if (scale != NULL) {
        vec_affine(x, y, n, scale, bias, p, 1, 0);
    } else if (bias != NULL) {
        vec_affine(x, y, n, scale, bias, p, 0, 1);
    } else {
        vec_affine(x, y, n, scale, bias, p, 0, 0);
    }
}
