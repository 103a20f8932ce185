/* col_sums.c: moments and gradient sums of columns; a row holds one element of every column.
 *
 * One f64 accumulator pair per column, rows added in order, carried in memory between calls so that a set may span
 * several stretches of rows. A tile of at most sixteen columns stays in registers while it walks down the rows; wide
 * rows are walked in strips of a few rows so that a strip is still in the first cache when the next tile reads it.
 * Neither the tile nor the strip changes the order of the additions of a column.
 */
#include "kernel/epilogue.h"

/* Rows of so many columns that follow each other are one tile, where the registers hold it, three vectors for eight
 * columns: memory is then read in order. Apart from the narrow tiles below, of the same form: with one body for both
 * the compiler makes the narrow ones a twentieth slower. */
enum { WIDE_VECTORS = F64X8_REGISTERS / 4, WIDE_COLUMNS = 8 * WIDE_VECTORS };

EK_INLINE int is_wide(const eki_grid *g) {
    return WIDE_VECTORS > 2 && g->cols == WIDE_COLUMNS && g->stride == WIDE_COLUMNS;
}

__attribute__((noinline)) static void moments_wide(const element *x, const eki_grid *g, const double *shift, double *s1,
                                                   double *s2) {
    f64x8 k[WIDE_VECTORS], a[WIDE_VECTORS], b[WIDE_VECTORS];
    for (int v = 0; v < WIDE_VECTORS; v++) {
        k[v] = f64x8_load(shift + 8 * v);
        a[v] = f64x8_load(s1 + 8 * v);
        b[v] = f64x8_load(s2 + 8 * v);
    }
    for (size_t i = 0; i < g->count; i++) {
        const element *at = x + i * g->distance;
        for (size_t r = 0; r < g->rows; r++, at += WIDE_COLUMNS) {
            for (int v = 0; v < WIDE_VECTORS; v += 2) fetch(at + FETCH_ELEMENTS + 8 * v);
            for (int v = 0; v < WIDE_VECTORS; v++) {
                f64x8 d = f64x8_sub(data_widen(at + 8 * v), k[v]);
                a[v] = f64x8_add(a[v], d);
                b[v] = f64x8_add(b[v], f64x8_mul(d, d));
            }
        }
    }
    for (int v = 0; v < WIDE_VECTORS; v++) {
        f64x8_store(s1 + 8 * v, a[v]);
        f64x8_store(s2 + 8 * v, b[v]);
    }
}

__attribute__((noinline)) static void gradsums_wide(const element *x, const element *dy, const eki_grid *g,
                                                    const double *mean, double *sdy, double *sdyx) {
    f64x8 k[WIDE_VECTORS], a[WIDE_VECTORS], b[WIDE_VECTORS];
    for (int v = 0; v < WIDE_VECTORS; v++) {
        k[v] = f64x8_load(mean + 8 * v);
        a[v] = f64x8_load(sdy + 8 * v);
        b[v] = f64x8_load(sdyx + 8 * v);
    }
    for (size_t i = 0; i < g->count; i++) {
        size_t at = i * g->distance;
        for (size_t r = 0; r < g->rows; r++, at += WIDE_COLUMNS) {
            for (int v = 0; v < WIDE_VECTORS; v += 2) {
                fetch(x + at + FETCH_ELEMENTS + 8 * v);
                fetch(dy + at + FETCH_ELEMENTS + 8 * v);
            }
            for (int v = 0; v < WIDE_VECTORS; v++) {
                f64x8 d = data_widen(dy + at + 8 * v);
                a[v] = f64x8_add(a[v], d);
                b[v] = f64x8_add(b[v], f64x8_mul(d, f64x8_sub(data_widen(x + at + 8 * v), k[v])));
            }
        }
    }
    for (int v = 0; v < WIDE_VECTORS; v++) {
        f64x8_store(sdy + 8 * v, a[v]);
        f64x8_store(sdyx + 8 * v, b[v]);
    }
}

EK_INLINE void moments_tile(const element *x, const eki_grid *g, size_t ahead, const double *shift, double *s1,
                            double *s2, int vectors) {
    f64x8 k[2], a[2], b[2];
    for (int v = 0; v < vectors; v++) {
        k[v] = f64x8_load(shift + 8 * v);
        a[v] = f64x8_load(s1 + 8 * v);
        b[v] = f64x8_load(s2 + 8 * v);
    }
    for (size_t i = 0; i < g->count; i++) {
        const element *at = x + i * g->distance;
        for (size_t r = 0; r < g->rows; r++, at += g->stride) {
            fetch(at + ahead);
            for (int v = 0; v < vectors; v++) {
                f64x8 d = f64x8_sub(data_widen(at + 8 * v), k[v]);
                a[v] = f64x8_add(a[v], d);
                b[v] = f64x8_add(b[v], f64x8_mul(d, d));
            }
        }
    }
    for (int v = 0; v < vectors; v++) {
        f64x8_store(s1 + 8 * v, a[v]);
        f64x8_store(s2 + 8 * v, b[v]);
    }
}

EK_INLINE void moments_tile_n(const element *x, const eki_grid *g, const double *shift, double *s1, double *s2,
                              size_t n) {
    f64x8 k = f64x8_load_n(shift, n), a = f64x8_load_n(s1, n), b = f64x8_load_n(s2, n);
    for (size_t i = 0; i < g->count; i++) {
        const element *at = x + i * g->distance;
        for (size_t r = 0; r < g->rows; r++, at += g->stride) {
            f64x8 d = f64x8_sub(data_widen_n(at, n), k);
            a = f64x8_add(a, d);
            b = f64x8_add(b, f64x8_mul(d, d));
        }
    }
    f64x8_store_n(s1, a, n);
    f64x8_store_n(s2, b, n);
}

void EK_FN(col_moments)(const void *x, const eki_grid *grid, const double *shift, double *s1, double *s2) {
    if (is_wide(grid)) {
        moments_wide(x, grid, shift, s1, s2);
        return;
    }
    strips s = strips_of(grid, 1);
    for (size_t i = 0; i < s.count; i++) {
        size_t at, c = 0;
        eki_grid g = strip_of(grid, &s, i, &at);
        const element *top = element_at(x, at);
        for (; c + 16 <= g.cols; c += 16) moments_tile(top + c, &g, s.ahead, shift + c, s1 + c, s2 + c, 2);
        for (; c + 8 <= g.cols; c += 8) moments_tile(top + c, &g, s.ahead, shift + c, s1 + c, s2 + c, 1);
        if (c < g.cols) moments_tile_n(top + c, &g, shift + c, s1 + c, s2 + c, g.cols - c);
    }
}

EK_INLINE void gradsums_tile(const element *x, const element *dy, const eki_grid *g, size_t ahead, const double *mean,
                             double *sdy, double *sdyx, int vectors) {
    f64x8 k[2], a[2], b[2];
    for (int v = 0; v < vectors; v++) {
        k[v] = f64x8_load(mean + 8 * v);
        a[v] = f64x8_load(sdy + 8 * v);
        b[v] = f64x8_load(sdyx + 8 * v);
    }
    for (size_t i = 0; i < g->count; i++) {
        size_t at = i * g->distance;
        for (size_t r = 0; r < g->rows; r++, at += g->stride) {
            fetch(x + at + ahead);
            fetch(dy + at + ahead);
            for (int v = 0; v < vectors; v++) {
                f64x8 d = data_widen(dy + at + 8 * v);
                a[v] = f64x8_add(a[v], d);
                b[v] = f64x8_add(b[v], f64x8_mul(d, f64x8_sub(data_widen(x + at + 8 * v), k[v])));
            }
        }
    }
    for (int v = 0; v < vectors; v++) {
        f64x8_store(sdy + 8 * v, a[v]);
        f64x8_store(sdyx + 8 * v, b[v]);
    }
}

EK_INLINE void gradsums_tile_n(const element *x, const element *dy, const eki_grid *g, const double *mean, double *sdy,
                               double *sdyx, size_t n) {
    f64x8 k = f64x8_load_n(mean, n), a = f64x8_load_n(sdy, n), b = f64x8_load_n(sdyx, n);
    for (size_t i = 0; i < g->count; i++) {
        size_t at = i * g->distance;
        for (size_t r = 0; r < g->rows; r++, at += g->stride) {
            f64x8 d = data_widen_n(dy + at, n);
            a = f64x8_add(a, d);
            b = f64x8_add(b, f64x8_mul(d, f64x8_sub(data_widen_n(x + at, n), k)));
        }
    }
    f64x8_store_n(sdy, a, n);
    f64x8_store_n(sdyx, b, n);
}

/* Sums of the gradient before the activation, of the n <= 16 columns at c. */
EK_INLINE void gradsums_fused(const element *x, const element *dy, const eki_grid *grid, size_t ahead,
                              const double *mean, double *sdy, double *sdyx, size_t c, size_t n, const eki_epilogue *e,
                              int fusion) {
    again16 again = fusion == FUSE_ANY ? again_columns(e, c, n) : again_none();
    size_t low = n < 8 ? n : 8, high = n - low;
    f64x8 k[2] = {load8(mean + c, low), load8(mean + c + low, high)};
    f64x8 a[2] = {load8(sdy + c, low), load8(sdy + c + low, high)};
    f64x8 b[2] = {load8(sdyx + c, low), load8(sdyx + c + low, high)};
    for (size_t stretch = 0; stretch < grid->count; stretch++) {
        size_t i = c + stretch * grid->distance;
        for (size_t r = 0; r < grid->rows; r++, i += grid->stride) {
            fetch(x + i + ahead);
            fetch(dy + i + ahead);
            fetch_fused(e, i + ahead);
            f32x16 g = before(dy, e, &again, i, n, fusion), v = data_load16(x + i, n);
            if (e->dresidual != NULL) data_store16(element_to(e->dresidual, i), g, n);
            for (int half = 0; half < 2; half++) {
                f64x8 wide = f64x8_half(g, half);
                a[half] = f64x8_add(a[half], wide);
                b[half] = f64x8_add(b[half], f64x8_mul(wide, f64x8_sub(f64x8_half(v, half), k[half])));
            }
        }
    }
    store8(sdy + c, a[0], low);
    store8(sdy + c + low, a[1], high);
    store8(sdyx + c, b[0], low);
    store8(sdyx + c + low, b[1], high);
}

EK_INLINE void col_gradsums_fused(const element *x, const element *dy, const eki_grid *grid, const double *mean,
                                  double *sdy, double *sdyx, const eki_epilogue *e, int fusion) {
    strips s = strips_of(grid, 2);
    for (size_t i = 0; i < s.count; i++) {
        size_t at, c = 0;
        eki_grid g = strip_of(grid, &s, i, &at);
        eki_epilogue here = epilogue_shift(e, at);
        for (; c < g.cols; c += 16) {
            size_t n = g.cols - c < 16 ? g.cols - c : 16;
            if (n == 16) gradsums_fused(x + at, dy + at, &g, s.ahead, mean, sdy, sdyx, c, 16, &here, fusion);
            if (n < 16) gradsums_fused(x + at, dy + at, &g, s.ahead, mean, sdy, sdyx, c, n, &here, fusion);
        }
    }
}

void EK_FN(col_gradsums)(const void *x, const void *dy, const eki_grid *grid, const double *mean, double *sdy,
                         double *sdyx, const eki_epilogue *e) {
    if (e != NULL && e->activation == EKI_RELU) {
        col_gradsums_fused(x, dy, grid, mean, sdy, sdyx, e, FUSE_RELU);
        return;
    }
    if (e != NULL) {
        col_gradsums_fused(x, dy, grid, mean, sdy, sdyx, e, FUSE_ANY);
        return;
    }
    if (is_wide(grid)) {
        gradsums_wide(x, dy, grid, mean, sdy, sdyx);
        return;
    }
    strips s = strips_of(grid, 2);
    for (size_t i = 0; i < s.count; i++) {
        size_t at, c = 0;
        eki_grid g = strip_of(grid, &s, i, &at);
        const element *xt = element_at(x, at), *gt = element_at(dy, at);
        for (; c + 16 <= g.cols; c += 16) gradsums_tile(xt + c, gt + c, &g, s.ahead, mean + c, sdy + c, sdyx + c, 2);
        for (; c + 8 <= g.cols; c += 8) gradsums_tile(xt + c, gt + c, &g, s.ahead, mean + c, sdy + c, sdyx + c, 1);
        if (c < g.cols) gradsums_tile_n(xt + c, gt + c, &g, mean + c, sdy + c, sdyx + c, g.cols - c);
    }
}

/* One vector of columns; n = 8 or the columns that are left. With `e` its tensors and parameters begin at c. */
EK_INLINE void paramgrads_tile(const element *x, const element *dy, size_t rows, size_t stride, const double *mean,
                               const double *rstd, double *dscale, double *dbias, size_t c, size_t n,
                               const eki_epilogue *e) {
    f64x8 a = load8(dscale + c, n), b = load8(dbias + c, n);
    for (size_t r = 0, i = c; r < rows; r++, i += stride) {
        f64x8 g;
        if (e != NULL) {
            again16 again = again_row(e, e->affine != NULL ? e->affine + r : NULL);
            again_elements(&again, e, c, n);
            g = f64x8_half(before(dy, e, &again, i, n, FUSE_ANY), 0);
        } else {
            g = n < 8 ? data_widen_n(dy + i, n) : data_widen(dy + i);
        }
        f64x8 d = f64x8_sub(n < 8 ? data_widen_n(x + i, n) : data_widen(x + i), f64x8_set1(mean[r]));
        a = f64x8_add(a, f64x8_mul(g, f64x8_mul(d, f64x8_set1(rstd[r]))));
        b = f64x8_add(b, g);
    }
    store8(dscale + c, a, n);
    store8(dbias + c, b, n);
}

void EK_FN(vec_paramgrads)(const void *x, const void *dy, size_t rows, size_t stride, size_t cols, const double *mean,
                           const double *rstd, double *dscale, double *dbias, const eki_epilogue *e) {
    size_t c = 0;
    if (e == NULL) {
        for (; c + 8 <= cols; c += 8) paramgrads_tile(x, dy, rows, stride, mean, rstd, dscale, dbias, c, 8, NULL);
        if (c < cols) paramgrads_tile(x, dy, rows, stride, mean, rstd, dscale, dbias, c, cols - c, NULL);
    } else {
        for (; c + 8 <= cols; c += 8) paramgrads_tile(x, dy, rows, stride, mean, rstd, dscale, dbias, c, 8, e);
        if (c < cols) paramgrads_tile(x, dy, rows, stride, mean, rstd, dscale, dbias, c, cols - c, e);
    }
}
