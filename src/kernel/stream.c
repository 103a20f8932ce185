/* stream.c: the affine maps with stores that pass by the caches, for results too large to stay in them: a cached store
 * first reads the line it is about to overwrite. Same expressions, same bits as affine.c and gradaffine.c.
 *
 * Rows begin anywhere: elements up to the first aligned one of the result, and after the last, are stored plainly.
 * Columns are walked row by row, in order of memory; where their rows do not begin at lines, stores are plain. The
 * caller orders these stores before others by a fence.
 */
#include "kernel/epilogue.h"

typedef struct {
    f32x16 hi, lo, gain, bias;
} affine16;

typedef struct {
    f32x16 hi, lo, rstd, scale, k1, k2;
} gradient16;

EK_INLINE f32x16 affine_eval(f32x16 x, affine16 p) {
    return f32x16_add(f32x16_mul(f32x16_sub(f32x16_sub(x, p.hi), p.lo), p.gain), p.bias);
}

EK_INLINE f32x16 gradient_eval(f32x16 x, f32x16 dy, gradient16 p) {
    f32x16 xhat = f32x16_mul(f32x16_sub(f32x16_sub(x, p.hi), p.lo), p.rstd);
    f32x16 g = f32x16_sub(f32x16_mul(p.scale, dy), p.k1);
    return f32x16_mul(p.rstd, f32x16_sub(g, f32x16_mul(xhat, p.k2)));
}

/* Elements before the first that is aligned to 64 bytes, at most n. */
EK_INLINE size_t before_line(const float *p, size_t n) {
    size_t head = (64 - (uintptr_t)p % 64) % 64 / sizeof(float);
    return head < n ? head : n;
}

/* Whether every vector of whole columns begins at an aligned address. */
EK_INLINE int lines_begin(const float *p, size_t stride) { return (uintptr_t)p % 64 == 0 && stride % 16 == 0; }

EK_INLINE void affine_row(const float *x, float *y, size_t n, const eki_affine *p, const eki_epilogue *e, int fusion) {
    affine16 v = {f32x16_set1(p->mean_hi), f32x16_set1(p->mean_lo), f32x16_set1(p->gain), f32x16_set1(p->bias)};
    size_t i = before_line(y, n);
    if (i > 0) f32x16_store_n(y, finish(affine_eval(f32x16_load_n(x, i), v), e, 0, i, fusion), i);
    for (; i + 16 <= n; i += 16) {
        f32x16_stream(y + i, finish(affine_eval(f32x16_load(x + i), v), e, i, 16, fusion));
    }
    if (i < n) f32x16_store_n(y + i, finish(affine_eval(f32x16_load_n(x + i, n - i), v), e, i, n - i, fusion), n - i);
}

void EK_FN(f32_row_affine_stream)(const float *x, float *y, size_t n, const eki_affine *p, const eki_epilogue *e) {
    WITH_FUSION(fusion_of(e), affine_row(x, y, n, p, e, F));
}

EK_INLINE affine16 affine_columns(const eki_affine_columns *p, size_t c) {
    return (affine16){f32x16_load(p->mean_hi + c), f32x16_load(p->mean_lo + c), f32x16_load(p->gain + c),
                      f32x16_load(p->bias + c)};
}

/* Constants at every call, so each is a loop of its own. */
EK_INLINE void store(float *p, f32x16 a, int streaming) {
    if (streaming) {
        f32x16_stream(p, a);
    } else {
        f32x16_store(p, a);
    }
}

EK_INLINE void affine_rows(const float *x, float *y, size_t rows, size_t stride, size_t cols,
                           const eki_affine_columns *columns, int streaming, const eki_epilogue *e, int fusion) {
    const eki_affine_columns local = *columns, *p = &local; /* stores cannot change it */
    for (size_t r = 0, i = 0; r < rows; r++, i += stride) {
        size_t c = 0;
        for (; c + 16 <= cols; c += 16) {
            f32x16 t = affine_eval(f32x16_load(x + i + c), affine_columns(p, c));
            store(y + i + c, finish(t, e, i + c, 16, fusion), streaming);
        }
        if (c < cols) {
            size_t n = cols - c;
            affine16 v = {f32x16_load_n(p->mean_hi + c, n), f32x16_load_n(p->mean_lo + c, n),
                          f32x16_load_n(p->gain + c, n), f32x16_load_n(p->bias + c, n)};
            f32x16_store_n(y + i + c, finish(affine_eval(f32x16_load_n(x + i + c, n), v), e, i + c, n, fusion), n);
        }
    }
}

/* One block of channels: its coefficients stay in registers. */
EK_INLINE void affine_block(const float *x, float *y, size_t rows, size_t stride, const eki_affine_columns *p,
                            const eki_epilogue *e, int fusion) {
    affine16 v = affine_columns(p, 0);
    for (size_t r = 0, i = 0; r < rows; r++, i += stride) {
        f32x16_stream(y + i, finish(affine_eval(f32x16_load(x + i), v), e, i, 16, fusion));
    }
}

EK_INLINE void affine_any(const float *x, float *y, size_t rows, size_t stride, size_t cols,
                          const eki_affine_columns *p, const eki_epilogue *e, int fusion) {
    if (!lines_begin(y, stride)) {
        affine_rows(x, y, rows, stride, cols, p, 0, e, fusion);
    } else if (cols == 16) {
        affine_block(x, y, rows, stride, p, e, fusion);
    } else {
        affine_rows(x, y, rows, stride, cols, p, 1, e, fusion);
    }
}

void EK_FN(f32_col_affine_stream)(const float *x, float *y, size_t rows, size_t stride, size_t cols,
                                  const eki_affine_columns *p, const eki_epilogue *e) {
    WITH_FUSION(fusion_of(e), affine_any(x, y, rows, stride, cols, p, e, F));
}

void EK_FN(f32_row_gradaffine_stream)(const float *x, const float *dy, float *dx, size_t n, const eki_gradient *p) {
    gradient16 v = {f32x16_set1(p->mean_hi), f32x16_set1(p->mean_lo), f32x16_set1(p->rstd),
                    f32x16_set1(p->scale),   f32x16_set1(p->k1),      f32x16_set1(p->k2)};
    size_t i = before_line(dx, n);
    if (i > 0) f32x16_store_n(dx, gradient_eval(f32x16_load_n(x, i), f32x16_load_n(dy, i), v), i);
    for (; i + 16 <= n; i += 16) f32x16_stream(dx + i, gradient_eval(f32x16_load(x + i), f32x16_load(dy + i), v));
    if (i < n) {
        size_t m = n - i;
        f32x16_store_n(dx + i, gradient_eval(f32x16_load_n(x + i, m), f32x16_load_n(dy + i, m), v), m);
    }
}

EK_INLINE gradient16 gradient_columns(const eki_gradient_columns *p, size_t c) {
    return (gradient16){f32x16_load(p->mean_hi + c), f32x16_load(p->mean_lo + c), f32x16_load(p->rstd + c),
                        f32x16_load(p->scale + c),   f32x16_load(p->k1 + c),      f32x16_load(p->k2 + c)};
}

EK_INLINE void gradient_rows(const float *x, const float *dy, float *dx, size_t rows, size_t stride, size_t cols,
                             const eki_gradient_columns *columns, int streaming) {
    const eki_gradient_columns local = *columns, *p = &local; /* stores cannot change it */
    for (size_t r = 0, i = 0; r < rows; r++, i += stride) {
        size_t c = 0;
        for (; c + 16 <= cols; c += 16) {
            f32x16 g = f32x16_load(dy + i + c);
            store(dx + i + c, gradient_eval(f32x16_load(x + i + c), g, gradient_columns(p, c)), streaming);
        }
        if (c < cols) {
            size_t n = cols - c;
            gradient16 v = {f32x16_load_n(p->mean_hi + c, n), f32x16_load_n(p->mean_lo + c, n),
                            f32x16_load_n(p->rstd + c, n),    f32x16_load_n(p->scale + c, n),
                            f32x16_load_n(p->k1 + c, n),      f32x16_load_n(p->k2 + c, n)};
            f32x16 g = f32x16_load_n(dy + i + c, n);
            f32x16_store_n(dx + i + c, gradient_eval(f32x16_load_n(x + i + c, n), g, v), n);
        }
    }
}

EK_INLINE void gradient_block(const float *x, const float *dy, float *dx, size_t rows, size_t stride,
                              const eki_gradient_columns *p) {
    gradient16 v = gradient_columns(p, 0);
    for (size_t r = 0, i = 0; r < rows; r++, i += stride) {
        f32x16_stream(dx + i, gradient_eval(f32x16_load(x + i), f32x16_load(dy + i), v));
    }
}

void EK_FN(f32_col_gradaffine_stream)(const float *x, const float *dy, float *dx, size_t rows, size_t stride,
                                      size_t cols, const eki_gradient_columns *p) {
    if (!lines_begin(dx, stride)) {
        gradient_rows(x, dy, dx, rows, stride, cols, p, 0);
    } else if (cols == 16) {
        gradient_block(x, dy, dx, rows, stride, p);
    } else {
        gradient_rows(x, dy, dx, rows, stride, cols, p, 1);
    }
}

/* The rare forms without scale or bias take plain stores. */
void EK_FN(f32_vec_affine_stream)(const float *x, float *y, size_t n, const float *scale, const float *bias,
                                  const eki_affine *p) {
    size_t i = before_line(y, n);
    if (scale == NULL || bias == NULL) {
        EK_FN(f32_vec_affine)(x, y, n, scale, bias, p, NULL);
        return;
    }
    f32x16 hi = f32x16_set1(p->mean_hi), lo = f32x16_set1(p->mean_lo), gain = f32x16_set1(p->gain);
    EK_FN(f32_vec_affine)(x, y, i, scale, bias, p, NULL);
    for (; i + 16 <= n; i += 16) {
        f32x16 xhat = f32x16_mul(f32x16_sub(f32x16_sub(f32x16_load(x + i), hi), lo), gain);
        f32x16_stream(y + i, f32x16_add(f32x16_mul(xhat, f32x16_load(scale + i)), f32x16_load(bias + i)));
    }
    EK_FN(f32_vec_affine)(x + i, y + i, n - i, scale + i, bias + i, p, NULL);
}

void EK_FN(f32_vec_gradaffine_stream)(const float *x, const float *dy, float *dx, size_t n, const float *scale,
                                      const eki_gradient *p) {
    size_t i = before_line(dx, n);
    if (scale == NULL) {
        EK_FN(f32_vec_gradaffine)(x, dy, dx, n, NULL, p, NULL);
        return;
    }
    gradient16 v = {f32x16_set1(p->mean_hi), f32x16_set1(p->mean_lo), f32x16_set1(p->rstd),
                    f32x16_set1(1.0f),       f32x16_set1(p->k1),      f32x16_set1(p->k2)};
    EK_FN(f32_vec_gradaffine)(x, dy, dx, i, scale, p, NULL);
    for (; i + 16 <= n; i += 16) {
        v.scale = f32x16_load(scale + i);
        f32x16_stream(dx + i, gradient_eval(f32x16_load(x + i), f32x16_load(dy + i), v));
    }
    EK_FN(f32_vec_gradaffine)(x + i, dy + i, dx + i, n - i, scale + i, p, NULL);
}
