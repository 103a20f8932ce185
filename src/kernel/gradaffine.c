/* gradaffine.c: the gradient of x, dx = rstd * ((scale * dy - k1) - xhat * k2), for rows, columns and element-wise
 * scale.
 *
 * xhat is formed first, because it is of order one: a product such as rstd * rstd would underflow for |x| near 1e30.
 * One formula serves all norms, so that norms which are equal as mathematics (group norm with one channel per group
 * and instance norm, for example) have gradients that are equal bit for bit. dx may be dy.
 * What dresidual receives is the gradient before the activation; it may be dy too.
 */
#include "kernel/epilogue.h"

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

/* The n <= 16 elements at i. */
EK_INLINE void gradient_step(const element *x, const element *dy, element *dx, size_t i, size_t n, const gradient16 *v,
                             const again16 *again, const eki_epilogue *e, int fusion) {
    f32x16 g = before(dy, e, again, i, n, fusion);
    if (fusion == FUSE_ADD_RELU || (fusion == FUSE_ANY && e->dresidual != NULL))
        data_store16(element_to(e->dresidual, i), g, n);
    if (fusion == FUSE_ANY && dx == NULL) return;
    f32x16 gradient = gradient_eval(data_load16(x + i, n), g, v);
    if (fusion == FUSE_ANY && e->adds) gradient = f32x16_add(data_load16(dx + i, n), gradient);
    data_store16(dx + i, gradient, n);
}

/* Of a row where scale, and what t is computed from, change with every element. */
EK_INLINE void gradient_element(const element *x, const element *dy, element *dx, size_t i, size_t n,
                                const float *scale, gradient16 *v, again16 *again, const eki_epilogue *e, int fusion) {
    if (fusion == FUSE_ANY) again_elements(again, e, i, n);
    if (scale != NULL) v->scale = load16(scale + i, n);
    gradient_step(x, dy, dx, i, n, v, again, e, fusion);
}

EK_INLINE void gradient_vec(const element *x, const element *dy, element *dx, size_t n, const float *scale,
                            const eki_gradient *p, const eki_epilogue *e, const eki_scaling *affine, int fusion) {
    gradient16 v = gradient_set1(p);
    again16 again = again_row(e, affine);
    size_t i = 0;
    v.scale = f32x16_set1(1.0f);
    for (; i + 16 <= n; i += 16) gradient_element(x, dy, dx, i, 16, scale, &v, &again, e, fusion);
    if (i < n) gradient_element(x, dy, dx, i, n - i, scale, &v, &again, e, fusion);
}

/* Row r has the r-th coefficients, forward's too. */
EK_INLINE void gradient_vecs(const element *x, const element *dy, element *dx, size_t rows, size_t stride, size_t n,
                             const float *scale, const eki_gradient *p, const eki_epilogue *e, int fusion) {
    for (size_t r = 0, at = 0; r < rows; r++, at += stride) {
        eki_epilogue here = epilogue_shift(e, at);
        gradient_vec(x + at, dy + at, dx != NULL ? dx + at : NULL, n, scale, p + r, &here,
                     here.affine != NULL ? here.affine + r : NULL, fusion);
    }
}

/* Row r has the r-th coefficients. */
EK_INLINE void gradient_rows(const element *x, const element *dy, element *dx, size_t rows, size_t stride, size_t n,
                             const eki_gradient_columns *columns, const eki_epilogue *e, int fusion) {
    const eki_gradient_columns p = *columns; /* stores cannot change it */
    for (size_t r = 0; r < rows; r++) {
        gradient16 v =
            gradient_set1(&(eki_gradient){p.mean_hi[r], p.mean_lo[r], p.rstd[r], p.scale[r], p.k1[r], p.k2[r]});
        again16 again = fusion == FUSE_ANY ? again_channel(e, r) : again_none();
        size_t i = r * stride, end = i + n;
        for (; i + 16 <= end; i += 16) gradient_step(x, dy, dx, i, 16, &v, &again, e, fusion);
        if (i < end) gradient_step(x, dy, dx, i, end - i, &v, &again, e, fusion);
    }
}

void EK_FN(row_gradaffine)(const void *x, const void *dy, void *dx, size_t rows, size_t stride, size_t n,
                           const eki_gradient_columns *p, const eki_epilogue *e) {
    WITH_FUSION(gradient_fusion_of(e, dx), gradient_rows(x, dy, dx, rows, stride, n, p, e, F));
}

void EK_FN(vec_gradaffine)(const void *x, const void *dy, void *dx, size_t rows, size_t stride, size_t n,
                           const float *scale, const eki_gradient *p, const eki_epilogue *e) {
    if (e != NULL) {
        gradient_vecs(x, dy, dx, rows, stride, n, scale, p, e, FUSE_ANY);
    } else if (scale != NULL) {
        gradient_vecs(x, dy, dx, rows, stride, n, scale, p, NULL, FUSE_NOTHING);
    } else {
        gradient_vecs(x, dy, dx, rows, stride, n, NULL, p, NULL, FUSE_NOTHING);
    }
}

/* The n <= 16 columns at c. */
EK_INLINE void gradient_tile(const element *x, const element *dy, element *dx, const eki_grid *g, size_t ahead,
                             const eki_gradient_columns *p, size_t c, size_t n, const eki_epilogue *e, int fusion) {
    for (size_t stretch = 0; stretch < g->count; stretch++) {
        size_t i = c + stretch * g->distance, k = c + stretch * g->advance;
        gradient16 v = {load16(p->mean_hi + k, n), load16(p->mean_lo + k, n), load16(p->rstd + k, n),
                        load16(p->scale + k, n),   load16(p->k1 + k, n),      load16(p->k2 + k, n)};
        again16 again = fusion == FUSE_ANY ? again_columns(e, k, n) : again_none();
        for (size_t r = 0; r < g->rows; r++, i += g->stride) {
            if (g->stride > 2 * ONE_TILE) {
                fetch(x + i + ahead);
                fetch(dy + i + ahead);
            }
            gradient_step(x, dy, dx, i, n, &v, &again, e, fusion);
        }
    }
}

EK_INLINE void gradient_columns(const element *x, const element *dy, element *dx, const eki_grid *grid,
                                const eki_gradient_columns *p, const eki_epilogue *e, int fusion) {
    strips s = strips_of(grid, 2);
    for (size_t i = 0; i < s.count; i++) {
        size_t at, c = 0;
        eki_grid g = strip_of(grid, &s, i, &at);
        eki_epilogue here = epilogue_shift(e, at);
        element *to = dx != NULL ? dx + at : NULL;
        for (; c + 16 <= g.cols; c += 16) gradient_tile(x + at, dy + at, to, &g, s.ahead, p, c, 16, &here, fusion);
        if (c < g.cols) gradient_tile(x + at, dy + at, to, &g, s.ahead, p, c, g.cols - c, &here, fusion);
    }
}

void EK_FN(col_gradaffine)(const void *x, const void *dy, void *dx, const eki_grid *grid, const eki_gradient_columns *p,
                           const eki_epilogue *e) {
    WITH_FUSION(gradient_fusion_of(e, dx), gradient_columns(x, dy, dx, grid, p, e, F));
}
