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

/* Elements before the first where a vector is aligned, at most n. */
EK_INLINE size_t before_line(const void *p, size_t n) {
    size_t head = (DATA_VECTOR - (uintptr_t)p % DATA_VECTOR) % DATA_VECTOR / sizeof(element);
    return head < n ? head : n;
}

/* Whether every vector of whole columns begins at an aligned address. */
EK_INLINE int lines_begin(const void *p, size_t stride) { return (uintptr_t)p % DATA_VECTOR == 0 && stride % 16 == 0; }

EK_INLINE void affine_row(const element *x, element *y, size_t rows, size_t stride, size_t n,
                          const eki_affine_columns *columns, const eki_epilogue *e, int fusion) {
    const eki_affine_columns p = *columns; /* stores cannot change it */
    for (size_t r = 0; r < rows; r++) {
        affine16 v = {f32x16_set1(p.mean_hi[r]), f32x16_set1(p.mean_lo[r]), f32x16_set1(p.gain[r]),
                      f32x16_set1(p.bias[r])};
        size_t i = r * stride, end = i + n, head = before_line(y + i, n);
        if (head > 0) data_store_n(y + i, finish(affine_eval(data_load_n(x + i, head), v), e, i, head, fusion), head);
        for (i += head; i + 16 <= end; i += 16) {
            data_stream(y + i, finish(affine_eval(data_load(x + i), v), e, i, 16, fusion));
        }
        if (i == end) continue;
        data_store_n(y + i, finish(affine_eval(data_load_n(x + i, end - i), v), e, i, end - i, fusion), end - i);
    }
}

void EK_FN(row_affine_stream)(const void *x, void *y, size_t rows, size_t stride, size_t n, const eki_affine_columns *p,
                              const eki_epilogue *e) {
    WITH_FUSION(fusion_of(e), affine_row(x, y, rows, stride, n, p, e, F));
}

EK_INLINE affine16 affine_columns(const eki_affine_columns *p, size_t c) {
    return (affine16){f32x16_load(p->mean_hi + c), f32x16_load(p->mean_lo + c), f32x16_load(p->gain + c),
                      f32x16_load(p->bias + c)};
}

/* Constants at every call, so each is a loop of its own. */
EK_INLINE void store(element *p, f32x16 a, int streaming) {
    if (streaming) {
        data_stream(p, a);
    } else {
        data_store(p, a);
    }
}

EK_INLINE void affine_rows(const element *x, element *y, size_t rows, size_t stride, size_t cols,
                           const eki_affine_columns *columns, int streaming, const eki_epilogue *e, int fusion) {
    const eki_affine_columns local = *columns, *p = &local; /* stores cannot change it */
    for (size_t r = 0, i = 0; r < rows; r++, i += stride) {
        size_t c = 0;
        for (; c + 16 <= cols; c += 16) {
            f32x16 t = affine_eval(data_load(x + i + c), affine_columns(p, c));
            store(y + i + c, finish(t, e, i + c, 16, fusion), streaming);
        }
        if (c < cols) {
            size_t n = cols - c;
            affine16 v = {f32x16_load_n(p->mean_hi + c, n), f32x16_load_n(p->mean_lo + c, n),
                          f32x16_load_n(p->gain + c, n), f32x16_load_n(p->bias + c, n)};
            data_store_n(y + i + c, finish(affine_eval(data_load_n(x + i + c, n), v), e, i + c, n, fusion), n);
        }
    }
}

/* One block of channels: its coefficients stay in registers. */
EK_INLINE void affine_block(const element *x, element *y, size_t rows, size_t stride, const eki_affine_columns *p,
                            const eki_epilogue *e, int fusion) {
    affine16 v = affine_columns(p, 0);
    for (size_t r = 0, i = 0; r < rows; r++, i += stride) {
        data_stream(y + i, finish(affine_eval(data_load(x + i), v), e, i, 16, fusion));
    }
}

EK_INLINE void affine_any(const element *x, element *y, size_t rows, size_t stride, size_t cols,
                          const eki_affine_columns *p, const eki_epilogue *e, int fusion) {
    if (!lines_begin(y, stride)) {
        affine_rows(x, y, rows, stride, cols, p, 0, e, fusion);
    } else if (cols == 16) {
        affine_block(x, y, rows, stride, p, e, fusion);
    } else {
        affine_rows(x, y, rows, stride, cols, p, 1, e, fusion);
    }
}

void EK_FN(col_affine_stream)(const void *x, void *y, size_t rows, size_t stride, size_t cols,
                              const eki_affine_columns *p, const eki_epilogue *e) {
    WITH_FUSION(fusion_of(e), affine_any(x, y, rows, stride, cols, p, e, F));
}

EK_INLINE void gradient_row(const element *x, const element *dy, element *dx, size_t n, gradient16 v) {
    size_t i = before_line(dx, n);
    if (i > 0) data_store_n(dx, gradient_eval(data_load_n(x, i), data_load_n(dy, i), v), i);
    for (; i + 16 <= n; i += 16) data_stream(dx + i, gradient_eval(data_load(x + i), data_load(dy + i), v));
    if (i < n) {
        size_t m = n - i;
        data_store_n(dx + i, gradient_eval(data_load_n(x + i, m), data_load_n(dy + i, m), v), m);
    }
}

void EK_FN(row_gradaffine_stream)(const void *x, const void *dy, void *dx, size_t rows, size_t stride, size_t n,
                                  const eki_gradient_columns *columns) {
    const eki_gradient_columns p = *columns; /* stores cannot change it */
    for (size_t r = 0; r < rows; r++) {
        gradient16 v = {f32x16_set1(p.mean_hi[r]), f32x16_set1(p.mean_lo[r]), f32x16_set1(p.rstd[r]),
                        f32x16_set1(p.scale[r]),   f32x16_set1(p.k1[r]),      f32x16_set1(p.k2[r])};
        size_t at = r * stride;
        gradient_row(element_at(x, at), element_at(dy, at), element_to(dx, at), n, v);
    }
}

EK_INLINE gradient16 gradient_columns(const eki_gradient_columns *p, size_t c) {
    return (gradient16){f32x16_load(p->mean_hi + c), f32x16_load(p->mean_lo + c), f32x16_load(p->rstd + c),
                        f32x16_load(p->scale + c),   f32x16_load(p->k1 + c),      f32x16_load(p->k2 + c)};
}

EK_INLINE void gradient_rows(const element *x, const element *dy, element *dx, size_t rows, size_t stride, size_t cols,
                             const eki_gradient_columns *columns, int streaming) {
    const eki_gradient_columns local = *columns, *p = &local; /* stores cannot change it */
    for (size_t r = 0, i = 0; r < rows; r++, i += stride) {
        size_t c = 0;
        for (; c + 16 <= cols; c += 16) {
            f32x16 g = data_load(dy + i + c);
            store(dx + i + c, gradient_eval(data_load(x + i + c), g, gradient_columns(p, c)), streaming);
        }
        if (c < cols) {
            size_t n = cols - c;
            gradient16 v = {f32x16_load_n(p->mean_hi + c, n), f32x16_load_n(p->mean_lo + c, n),
                            f32x16_load_n(p->rstd + c, n),    f32x16_load_n(p->scale + c, n),
                            f32x16_load_n(p->k1 + c, n),      f32x16_load_n(p->k2 + c, n)};
            f32x16 g = data_load_n(dy + i + c, n);
            data_store_n(dx + i + c, gradient_eval(data_load_n(x + i + c, n), g, v), n);
        }
    }
}

EK_INLINE void gradient_block(const element *x, const element *dy, element *dx, size_t rows, size_t stride,
                              const eki_gradient_columns *p) {
    gradient16 v = gradient_columns(p, 0);
    for (size_t r = 0, i = 0; r < rows; r++, i += stride) {
        data_stream(dx + i, gradient_eval(data_load(x + i), data_load(dy + i), v));
    }
}

void EK_FN(col_gradaffine_stream)(const void *x, const void *dy, void *dx, size_t rows, size_t stride, size_t cols,
                                  const eki_gradient_columns *p) {
    if (!lines_begin(dx, stride)) {
        gradient_rows(x, dy, dx, rows, stride, cols, p, 0);
    } else if (cols == 16) {
        gradient_block(x, dy, dx, rows, stride, p);
    } else {
        gradient_rows(x, dy, dx, rows, stride, cols, p, 1);
    }
}

/* With scale and bias. */
EK_INLINE void affine_elements(const element *x, element *y, size_t n, const float *scale, const float *bias,
                               const eki_affine *p) {
    size_t i = before_line(y, n);
    f32x16 hi = f32x16_set1(p->mean_hi), lo = f32x16_set1(p->mean_lo), gain = f32x16_set1(p->gain);
    EK_FN(vec_affine)(x, y, i, scale, bias, p, NULL);
    for (; i + 16 <= n; i += 16) {
        f32x16 xhat = f32x16_mul(f32x16_sub(f32x16_sub(data_load(x + i), hi), lo), gain);
        data_stream(y + i, f32x16_add(f32x16_mul(xhat, f32x16_load(scale + i)), f32x16_load(bias + i)));
    }
    EK_FN(vec_affine)(x + i, y + i, n - i, scale + i, bias + i, p, NULL);
}

/* The rare forms without scale or bias take plain stores. */
void EK_FN(vec_affine_stream)(const void *x, void *y, size_t n, const float *scale, const float *bias,
                              const eki_affine *p) {
    if (scale == NULL || bias == NULL) {
        EK_FN(vec_affine)(x, y, n, scale, bias, p, NULL);
    } else {
        affine_elements(x, y, n, scale, bias, p);
    }
}

EK_INLINE void gradient_elements(const element *x, const element *dy, element *dx, size_t n, const float *scale,
                                 const eki_gradient *p) {
    size_t i = before_line(dx, n);
    gradient16 v = {f32x16_set1(p->mean_hi), f32x16_set1(p->mean_lo), f32x16_set1(p->rstd),
                    f32x16_set1(1.0f),       f32x16_set1(p->k1),      f32x16_set1(p->k2)};
    EK_FN(vec_gradaffine)(x, dy, dx, i, scale, p, NULL);
    for (; i + 16 <= n; i += 16) {
        v.scale = f32x16_load(scale + i);
        data_stream(dx + i, gradient_eval(data_load(x + i), data_load(dy + i), v));
    }
    EK_FN(vec_gradaffine)(x + i, dy + i, dx + i, n - i, scale + i, p, NULL);
}

void EK_FN(vec_gradaffine_stream)(const void *x, const void *dy, void *dx, size_t n, const float *scale,
                                  const eki_gradient *p) {
    if (scale == NULL) {
        EK_FN(vec_gradaffine)(x, dy, dx, n, NULL, p, NULL);
    } else {
        gradient_elements(x, dy, dx, n, scale, p);
    }
}
