/* stream.c: the affine maps with stores that pass by the caches, for results too large to stay in them: a cached store
 * first reads the line it is about to overwrite. Same expressions, same bits as affine.c and gradaffine.c.
 *
 * Only whole lines are streamed. Rows begin anywhere: elements before the first line of the result, and after the last,
 * are stored plainly. Columns are walked row by row, in order of memory; where their rows do not begin at lines, stores
 * are plain. The
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

/* Elements before the first line, at most n. */
EK_INLINE size_t before_line(const void *p, size_t n) {
    size_t head = (64 - (uintptr_t)p % 64) % 64 / sizeof(element);
    return head < n ? head : n;
}

/* Whether every row begins with a line. */
EK_INLINE int lines_begin(const void *p, size_t stride) { return (uintptr_t)p % 64 == 0 && stride % LINE == 0; }

/* Whether rows of sixteen columns follow each other, and one of the first two begins a line. */
EK_INLINE int is_block(const void *p, size_t stride, size_t cols) {
    return cols == 16 && stride == 16 && (uintptr_t)p % (16 * sizeof(element)) == 0;
}

/* Elements [i, end) with plain stores. */
EK_INLINE void affine_plain(const element *x, element *y, size_t i, size_t end, affine16 v, const eki_epilogue *e,
                            int fusion) {
    for (; i < end; i += 16) {
        size_t n = end - i < 16 ? end - i : 16;
        data_store16(y + i, finish(affine_eval(data_load16(x + i, n), v), e, i, n, fusion), n);
    }
}

/* n elements with the same coefficients, or with those of element i mod 16. */
EK_INLINE void affine_run(const element *x, element *y, size_t n, affine16 v, const eki_epilogue *e, int fusion) {
    size_t i = before_line(y, n);
    affine_plain(x, y, 0, i, v, e, fusion);
    for (; i + LINE <= n; i += LINE) {
        f32x16 line[LINE_VECTORS];
        for (size_t k = 0; k < LINE_VECTORS; k++) {
            size_t at = i + 16 * k;
            line[k] = finish(affine_eval(data_load(x + at), v), e, at, 16, fusion);
        }
        data_stream(y + i, line);
    }
    affine_plain(x, y, i, n, v, e, fusion);
}

EK_INLINE void affine_row(const element *x, element *y, size_t rows, size_t stride, size_t n,
                          const eki_scaling_columns *columns, const eki_epilogue *e, int fusion) {
    const eki_scaling_columns p = *columns; /* stores cannot change it */
    for (size_t r = 0, at = 0; r < rows; r++, at += stride) {
        affine16 v = {f32x16_set1(p.mean_hi[r]), f32x16_set1(p.mean_lo[r]), f32x16_set1(p.gain[r]),
                      f32x16_set1(p.bias[r])};
        eki_epilogue here = epilogue_shift(e, at);
        affine_run(x + at, y + at, n, v, &here, fusion);
    }
}

void EK_FN(row_affine_stream)(const void *x, void *y, size_t rows, size_t stride, size_t n,
                              const eki_scaling_columns *p, const eki_epilogue *e) {
    WITH_FUSION(fusion_of(e), affine_row(x, y, rows, stride, n, p, e, F));
}

EK_INLINE affine16 affine_columns(const eki_scaling_columns *p, size_t c, size_t n) {
    return (affine16){load16(p->mean_hi + c, n), load16(p->mean_lo + c, n), load16(p->gain + c, n),
                      load16(p->bias + c, n)};
}

/* `streaming` is a constant at every call, so each is a loop of its own. */
EK_INLINE void affine_rows(const element *x, element *y, const eki_grid *g, const eki_scaling_columns *columns,
                           size_t first, int streaming, const eki_epilogue *e, int fusion) {
    const eki_scaling_columns *from = columns; /* stores cannot change what is local */
    const eki_scaling_columns local = {from->mean_hi + first, from->mean_lo + first, from->gain + first,
                                       from->bias + first},
                              *p = &local;
    size_t cols = g->cols;
    for (size_t r = 0, i = 0; r < g->rows; r++, i += g->stride) {
        size_t c = 0;
        for (; streaming && c + LINE <= cols; c += LINE) {
            f32x16 line[LINE_VECTORS];
            for (size_t k = 0; k < LINE_VECTORS; k++) {
                size_t at = c + 16 * k;
                f32x16 t = affine_eval(data_load(x + i + at), affine_columns(p, at, 16));
                line[k] = finish(t, e, i + at, 16, fusion);
            }
            data_stream(y + i + c, line);
        }
        for (; c + 16 <= cols; c += 16) affine_plain(x, y, i + c, i + c + 16, affine_columns(p, c, 16), e, fusion);
        if (c < cols) affine_plain(x, y, i + c, i + cols, affine_columns(p, c, cols - c), e, fusion);
    }
}

/* With the coefficients from `first` on. */
EK_INLINE void affine_stretch(const element *x, element *y, const eki_grid *g, const eki_scaling_columns *p,
                              size_t first, const eki_epilogue *e, int fusion) {
    if (is_block(y, g->stride, g->cols)) {
        affine_run(x, y, 16 * g->rows, affine_columns(p, first, 16), e, fusion);
    } else if (lines_begin(y, g->stride)) {
        affine_rows(x, y, g, p, first, 1, e, fusion);
    } else {
        affine_rows(x, y, g, p, first, 0, e, fusion);
    }
}

EK_INLINE void affine_grid(const element *x, element *y, const eki_grid *g, const eki_scaling_columns *p,
                           const eki_epilogue *e, int fusion) {
    for (size_t i = 0, at = 0; i < g->count; i++, at += g->distance) {
        eki_epilogue here = epilogue_shift(e, at);
        affine_stretch(x + at, y + at, g, p, i * g->advance, &here, fusion);
    }
}

void EK_FN(col_affine_stream)(const void *x, void *y, const eki_grid *grid, const eki_scaling_columns *p,
                              const eki_epilogue *e) {
    WITH_FUSION(fusion_of(e), affine_grid(x, y, grid, p, e, F));
}

EK_INLINE void gradient_plain(const element *x, const element *dy, element *dx, size_t i, size_t end, gradient16 v) {
    for (; i < end; i += 16) {
        size_t n = end - i < 16 ? end - i : 16;
        data_store16(dx + i, gradient_eval(data_load16(x + i, n), data_load16(dy + i, n), v), n);
    }
}

EK_INLINE void gradient_run(const element *x, const element *dy, element *dx, size_t n, gradient16 v) {
    size_t i = before_line(dx, n);
    gradient_plain(x, dy, dx, 0, i, v);
    for (; i + LINE <= n; i += LINE) {
        f32x16 line[LINE_VECTORS];
        for (size_t k = 0; k < LINE_VECTORS; k++) {
            line[k] = gradient_eval(data_load(x + i + 16 * k), data_load(dy + i + 16 * k), v);
        }
        data_stream(dx + i, line);
    }
    gradient_plain(x, dy, dx, i, n, v);
}

void EK_FN(row_gradaffine_stream)(const void *x, const void *dy, void *dx, size_t rows, size_t stride, size_t n,
                                  const eki_gradient_columns *columns) {
    const eki_gradient_columns p = *columns; /* stores cannot change it */
    for (size_t r = 0, at = 0; r < rows; r++, at += stride) {
        gradient16 v = {f32x16_set1(p.mean_hi[r]), f32x16_set1(p.mean_lo[r]), f32x16_set1(p.rstd[r]),
                        f32x16_set1(p.scale[r]),   f32x16_set1(p.k1[r]),      f32x16_set1(p.k2[r])};
        gradient_run(element_at(x, at), element_at(dy, at), element_to(dx, at), n, v);
    }
}

EK_INLINE gradient16 gradient_columns(const eki_gradient_columns *p, size_t c, size_t n) {
    return (gradient16){load16(p->mean_hi + c, n), load16(p->mean_lo + c, n), load16(p->rstd + c, n),
                        load16(p->scale + c, n),   load16(p->k1 + c, n),      load16(p->k2 + c, n)};
}

EK_INLINE void gradient_rows(const element *x, const element *dy, element *dx, const eki_grid *g,
                             const eki_gradient_columns *columns, size_t first, int streaming) {
    const eki_gradient_columns *from = columns; /* stores cannot change what is local */
    const eki_gradient_columns local = {from->mean_hi + first, from->mean_lo + first, from->rstd + first,
                                        from->scale + first,   from->k1 + first,      from->k2 + first},
                               *p = &local;
    size_t cols = g->cols;
    for (size_t r = 0, i = 0; r < g->rows; r++, i += g->stride) {
        size_t c = 0;
        for (; streaming && c + LINE <= cols; c += LINE) {
            f32x16 line[LINE_VECTORS];
            for (size_t k = 0; k < LINE_VECTORS; k++) {
                size_t at = i + c + 16 * k;
                line[k] = gradient_eval(data_load(x + at), data_load(dy + at), gradient_columns(p, c + 16 * k, 16));
            }
            data_stream(dx + i + c, line);
        }
        for (; c + 16 <= cols; c += 16) gradient_plain(x, dy, dx, i + c, i + c + 16, gradient_columns(p, c, 16));
        if (c < cols) gradient_plain(x, dy, dx, i + c, i + cols, gradient_columns(p, c, cols - c));
    }
}

EK_INLINE void gradient_stretch(const element *x, const element *dy, element *dx, const eki_grid *g,
                                const eki_gradient_columns *p, size_t first) {
    if (is_block(dx, g->stride, g->cols)) {
        gradient_run(x, dy, dx, 16 * g->rows, gradient_columns(p, first, 16));
    } else if (lines_begin(dx, g->stride)) {
        gradient_rows(x, dy, dx, g, p, first, 1);
    } else {
        gradient_rows(x, dy, dx, g, p, first, 0);
    }
}

void EK_FN(col_gradaffine_stream)(const void *x, const void *dy, void *dx, const eki_grid *g,
                                  const eki_gradient_columns *p) {
    for (size_t i = 0, at = 0; i < g->count; i++, at += g->distance) {
        gradient_stretch(element_at(x, at), element_at(dy, at), element_to(dx, at), g, p, i * g->advance);
    }
}

/* With scale and bias. */
EK_INLINE void affine_elements(const element *x, element *y, size_t n, const float *scale, const float *bias,
                               const eki_scaling *p) {
    size_t i = before_line(y, n);
    f32x16 hi = f32x16_set1(p->mean_hi), lo = f32x16_set1(p->mean_lo), gain = f32x16_set1(p->gain);
    if (i > 0) EK_FN(vec_affine)(x, y, 1, 0, i, scale, bias, p, NULL);
    for (; i + LINE <= n; i += LINE) {
        f32x16 line[LINE_VECTORS];
        for (size_t k = 0; k < LINE_VECTORS; k++) {
            size_t at = i + 16 * k;
            f32x16 xhat = f32x16_mul(f32x16_sub(f32x16_sub(data_load(x + at), hi), lo), gain);
            line[k] = f32x16_add(f32x16_mul(xhat, f32x16_load(scale + at)), f32x16_load(bias + at));
        }
        data_stream(y + i, line);
    }
    if (i < n) EK_FN(vec_affine)(x + i, y + i, 1, 0, n - i, scale + i, bias + i, p, NULL);
}

/* The rare forms without scale or bias take plain stores. */
void EK_FN(vec_affine_stream)(const void *x, void *y, size_t rows, size_t stride, size_t n, const float *scale,
                              const float *bias, const eki_scaling *p) {
    if (scale == NULL || bias == NULL) {
        EK_FN(vec_affine)(x, y, rows, stride, n, scale, bias, p, NULL);
        return;
    }
    for (size_t r = 0; r < rows; r++) {
        affine_elements(element_at(x, r * stride), element_to(y, r * stride), n, scale, bias, p + r);
    }
}

EK_INLINE void gradient_elements(const element *x, const element *dy, element *dx, size_t n, const float *scale,
                                 const eki_gradient *p) {
    size_t i = before_line(dx, n);
    gradient16 v = {f32x16_set1(p->mean_hi), f32x16_set1(p->mean_lo), f32x16_set1(p->rstd),
                    f32x16_set1(1.0f),       f32x16_set1(p->k1),      f32x16_set1(p->k2)};
    if (i > 0) EK_FN(vec_gradaffine)(x, dy, dx, 1, 0, i, scale, p, NULL);
    for (; i + LINE <= n; i += LINE) {
        f32x16 line[LINE_VECTORS];
        for (size_t k = 0; k < LINE_VECTORS; k++) {
            v.scale = f32x16_load(scale + i + 16 * k);
            line[k] = gradient_eval(data_load(x + i + 16 * k), data_load(dy + i + 16 * k), v);
        }
        data_stream(dx + i, line);
    }
    if (i < n) EK_FN(vec_gradaffine)(x + i, dy + i, dx + i, 1, 0, n - i, scale + i, p, NULL);
}

void EK_FN(vec_gradaffine_stream)(const void *x, const void *dy, void *dx, size_t rows, size_t stride, size_t n,
                                  const float *scale, const eki_gradient *p) {
    if (scale == NULL) {
        EK_FN(vec_gradaffine)(x, dy, dx, rows, stride, n, NULL, p, NULL);
        return;
    }
    for (size_t r = 0, at = 0; r < rows; r++, at += stride) {
        gradient_elements(element_at(x, at), element_at(dy, at), element_to(dx, at), n, scale, p + r);
    }
}
