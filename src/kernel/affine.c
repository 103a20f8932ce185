/* affine.c: the forward map y = ((x - mean_hi) - mean_lo) * gain + bias, for rows, columns and element-wise scale.
 *
 * In f32, with separate multiply and add. The mean is subtracted in two parts: x - mean_hi is exact when x is within
 * a factor of two of the mean (Sterbenz), and mean_lo then brings the bits of the mean that one f32 cannot hold, so
 * |mean|/std up to 1e6 costs no accuracy. y may be x or the residual: every vector is loaded before it is stored.
 */
#include "kernel/epilogue.h"

typedef struct {
    f32x16 hi, lo, gain, bias;
} affine16;

EK_INLINE f32x16 affine_eval(f32x16 x, const affine16 *p) {
    f32x16 centred = f32x16_sub(f32x16_sub(x, p->hi), p->lo);
    return f32x16_add(f32x16_mul(centred, p->gain), p->bias);
}

/* Row r has the r-th coefficients. */
EK_INLINE void row_affine(const element *x, element *y, size_t rows, size_t stride, size_t n,
                          const eki_scaling_columns *columns, const eki_epilogue *e, int fusion) {
    const eki_scaling_columns p = *columns; /* stores cannot change it */
    for (size_t r = 0; r < rows; r++) {
        affine16 v = {f32x16_set1(p.mean_hi[r]), f32x16_set1(p.mean_lo[r]), f32x16_set1(p.gain[r]),
                      f32x16_set1(p.bias[r])};
        size_t i = r * stride, end = i + n;
        for (; i + 16 <= end; i += 16) {
            fetch_to(y + i + FETCH_ELEMENTS);
            data_store(y + i, finish(affine_eval(data_load(x + i), &v), e, i, 16, fusion));
        }
        if (i == end) continue;
        data_store_n(y + i, finish(affine_eval(data_load_n(x + i, end - i), &v), e, i, end - i, fusion), end - i);
    }
}

void EK_FN(row_affine)(const void *x, void *y, size_t rows, size_t stride, size_t n, const eki_scaling_columns *p,
                       const eki_epilogue *e) {
    WITH_FUSION(fusion_of(e), row_affine(x, y, rows, stride, n, p, e, F));
}

/* The n <= 16 columns at c. */
EK_INLINE void affine_tile(const element *x, element *y, const eki_grid *g, size_t ahead, const eki_scaling_columns *p,
                           size_t c, size_t n, const eki_epilogue *e, int fusion) {
    for (size_t stretch = 0; stretch < g->count; stretch++) {
        size_t i = c + stretch * g->distance, k = c + stretch * g->advance;
        affine16 v = {load16(p->mean_hi + k, n), load16(p->mean_lo + k, n), load16(p->gain + k, n),
                      load16(p->bias + k, n)};
        for (size_t r = 0; r < g->rows; r++, i += g->stride) {
            if (g->stride > 2 * ONE_TILE) fetch(x + i + ahead);
            data_store16(y + i, finish(affine_eval(data_load16(x + i, n), &v), e, i, n, fusion), n);
        }
    }
}

/* One strip. */
EK_INLINE void affine_strip(const element *x, element *y, const eki_grid *g, size_t ahead, const eki_scaling_columns *p,
                            const eki_epilogue *e, int fusion) {
    size_t c = 0;
    for (; c + 16 <= g->cols; c += 16) affine_tile(x, y, g, ahead, p, c, 16, e, fusion);
    if (c < g->cols) affine_tile(x, y, g, ahead, p, c, g->cols - c, e, fusion);
}

EK_INLINE void col_affine(const element *x, element *y, const eki_grid *grid, const eki_scaling_columns *p,
                          const eki_epilogue *e, int fusion) {
    strips s = strips_of(grid, 1);
    if (grid->cols >= WIDE_ROW && grid->cols == grid->stride) s = strips_of_rows(grid);
    for (size_t i = 0; i < s.count; i++) {
        size_t at;
        eki_grid g = strip_of(grid, &s, i, &at);
        eki_epilogue here = epilogue_shift(e, at);
        affine_strip(x + at, y + at, &g, s.ahead, p, &here, fusion);
    }
}

void EK_FN(col_affine)(const void *x, void *y, const eki_grid *grid, const eki_scaling_columns *p,
                       const eki_epilogue *e) {
    WITH_FUSION(fusion_of(e), col_affine(x, y, grid, p, e, F));
}

/* The n <= 16 elements at i; with_scale and with_bias are constants at every call, so each combination is a loop. */
EK_INLINE f32x16 vec_eval(const element *x, const float *scale, const float *bias, size_t i, size_t n,
                          const affine16 *p, int with_scale, int with_bias) {
    f32x16 y = f32x16_mul(f32x16_sub(f32x16_sub(data_load16(x + i, n), p->hi), p->lo), p->gain);
    if (with_scale) y = f32x16_mul(y, load16(scale + i, n));
    return with_bias ? f32x16_add(y, load16(bias + i, n)) : y;
}

/* Row r has the r-th coefficients. */
EK_INLINE void vec_affine(const element *x, element *y, size_t rows, size_t stride, size_t n, const float *scale,
                          const float *bias, const eki_scaling *p, int with_scale, int with_bias, const eki_epilogue *e,
                          int fusion) {
    for (size_t r = 0; r < rows; r++, x += stride, y += stride) {
        affine16 v = {f32x16_set1(p[r].mean_hi), f32x16_set1(p[r].mean_lo), f32x16_set1(p[r].gain), f32x16_set1(0.0f)};
        eki_epilogue here = epilogue_shift(e, r * stride);
        size_t i = 0;
        for (; i + 16 <= n; i += 16) {
            fetch_to(y + i + FETCH_ELEMENTS);
            f32x16 t = vec_eval(x, scale, bias, i, 16, &v, with_scale, with_bias);
            data_store(y + i, finish(t, &here, i, 16, fusion));
        }
        if (i == n) continue;
        f32x16 t = vec_eval(x, scale, bias, i, n - i, &v, with_scale, with_bias);
        data_store_n(y + i, finish(t, &here, i, n - i, fusion), n - i);
    }
}

EK_INLINE void vec_affine_any(const element *x, element *y, size_t rows, size_t stride, size_t n, const float *scale,
                              const float *bias, const eki_scaling *p, const eki_epilogue *e, int fusion) {
    if (scale != NULL && bias != NULL) {
        vec_affine(x, y, rows, stride, n, scale, bias, p, 1, 1, e, fusion);
    } else if (scale != NULL) {
        vec_affine(x, y, rows, stride, n, scale, bias, p, 1, 0, e, fusion);
    } else if (bias != NULL) {
        vec_affine(x, y, rows, stride, n, scale, bias, p, 0, 1, e, fusion);
    } else {
        vec_affine(x, y, rows, stride, n, scale, bias, p, 0, 0, e, fusion);
    }
}

void EK_FN(vec_affine)(const void *x, void *y, size_t rows, size_t stride, size_t n, const float *scale,
                       const float *bias, const eki_scaling *p, const eki_epilogue *e) {
    if (e == NULL) {
        vec_affine_any(x, y, rows, stride, n, scale, bias, p, e, FUSE_NOTHING);
    } else {
        vec_affine_any(x, y, rows, stride, n, scale, bias, p, e, FUSE_ANY);
    }
}
