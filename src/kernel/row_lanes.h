/* row_lanes.h: sums of contiguous elements in sixteen f64 lanes, whose order row_sums.c describes. */
#ifndef EKI_ROW_LANES_H
#define EKI_ROW_LANES_H

#include "kernel/epilogue.h"

typedef struct {
    f64x8 a[2], b[2]; /* two sums of sixteen lanes */
} lanes;

EK_INLINE lanes lanes_zero(void) {
    f64x8 zero = f64x8_set1(0.0);
    return (lanes){{zero, zero}, {zero, zero}};
}

EK_INLINE void lanes_add(lanes *s, int half, f64x8 a, f64x8 b) {
    s->a[half] = f64x8_add(s->a[half], a);
    s->b[half] = f64x8_add(s->b[half], b);
}

EK_INLINE void lanes_add_n(lanes *s, int half, f64x8 a, f64x8 b, size_t n) {
    s->a[half] = f64x8_add_n(s->a[half], a, n);
    s->b[half] = f64x8_add_n(s->b[half], b, n);
}

EK_INLINE void lanes_sum(const lanes *s, double sums[2]) {
    sums[0] = f64x16_sum(s->a[0], s->a[1]);
    sums[1] = f64x16_sum(s->b[0], s->b[1]);
}

/* `half` is a constant at every call, so that the lanes stay in registers. */
EK_INLINE void add_squares_n(lanes *s, int half, const element *x, size_t n, f64x8 shift) {
    f64x8 d = f64x8_sub(data_widen_n(x, n), shift);
    lanes_add_n(s, half, d, f64x8_mul(d, d), n);
}

/* `ahead`: how many elements ahead memory is fetched. */
EK_INLINE void add_squares(lanes *s, const element *x, size_t n, size_t ahead, f64x8 shift) {
    size_t i = 0;
    for (; i + 16 <= n; i += 16) {
        fetch(x + i + ahead);
        for (int half = 0; half < 2; half++) {
            f64x8 d = f64x8_sub(data_widen(x + i + 8 * half), shift);
            lanes_add(s, half, d, f64x8_mul(d, d));
        }
    }
    if (i + 8 <= n) {
        f64x8 d = f64x8_sub(data_widen(x + i), shift);
        lanes_add(s, 0, d, f64x8_mul(d, d));
        if (i + 8 < n) add_squares_n(s, 1, x + i + 8, n - i - 8, shift);
    } else if (i < n) {
        add_squares_n(s, 0, x + i, n - i, shift);
    }
}

/* Two rows side by side, that begin at x and z; `ahead` counts from x, two steps each time. Their sums of
 * squares are added on the units for products, which take longer: those of one row would wait for each other. */
EK_INLINE void add_squares_of_two(lanes *s, const element *x, const element *z, size_t n, size_t ahead,
                                  const f64x8 shift[2]) {
    size_t i = 0;
    for (; i + 16 <= n; i += 16) {
        fetch(x + ahead + 2 * i);
        fetch(x + ahead + 2 * i + 16);
        for (int half = 0; half < 2; half++) {
            f64x8 d = f64x8_sub(data_widen(x + i + 8 * half), shift[0]);
            f64x8 e = f64x8_sub(data_widen(z + i + 8 * half), shift[1]);
            s[0].a[half] = f64x8_add(s[0].a[half], d);
            s[1].a[half] = f64x8_add(s[1].a[half], e);
            s[0].b[half] = f64x8_plus(s[0].b[half], f64x8_mul(d, d));
            s[1].b[half] = f64x8_plus(s[1].b[half], f64x8_mul(e, e));
        }
    }
    if (i == n) return;
    add_squares(s, x + i, n - i, 0, shift[0]);
    add_squares(s + 1, z + i, n - i, 0, shift[1]);
}

/* Eight lanes of g = scale * dy, exact in f64, and of g * (x - mean); first n lanes. */
EK_INLINE void add_products(lanes *s, int half, const element *x, f64x8 g, const float *scale, f64x8 mean, size_t n) {
    if (n < 8) {
        if (scale != NULL) g = f64x8_mul(g, f64x8_widen_n(scale, n));
        lanes_add_n(s, half, g, f64x8_mul(g, f64x8_sub(data_widen_n(x, n), mean)), n);
    } else {
        if (scale != NULL) g = f64x8_mul(g, f64x8_widen(scale));
        lanes_add(s, half, g, f64x8_mul(g, f64x8_sub(data_widen(x), mean)));
    }
}

EK_INLINE void add_gradients(lanes *s, const element *x, const element *dy, size_t n, size_t ahead, const float *scale,
                             f64x8 mean) {
    size_t i = 0;
    for (; i + 16 <= n; i += 16) {
        fetch(x + i + ahead);
        fetch(dy + i + ahead);
        add_products(s, 0, x + i, data_widen(dy + i), scale != NULL ? scale + i : NULL, mean, 8);
        add_products(s, 1, x + i + 8, data_widen(dy + i + 8), scale != NULL ? scale + i + 8 : NULL, mean, 8);
    }
    if (i + 8 <= n) {
        add_products(s, 0, x + i, data_widen(dy + i), scale != NULL ? scale + i : NULL, mean, 8);
        i += 8;
        if (i < n)
            add_products(s, 1, x + i, data_widen_n(dy + i, n - i), scale != NULL ? scale + i : NULL, mean, n - i);
    } else if (i < n) {
        add_products(s, 0, x + i, data_widen_n(dy + i, n - i), scale != NULL ? scale + i : NULL, mean, n - i);
    }
}

/* Products of the gradient before the activation: sixteen at a time, then halves. */
EK_INLINE void add_fused(lanes *s, const element *x, const element *dy, size_t n, size_t ahead, const float *scale,
                         f64x8 mean, const eki_epilogue *e, again16 *again, int fusion) {
    size_t i = 0;
    for (; i + 16 <= n; i += 16) {
        fetch(x + i + ahead);
        fetch(dy + i + ahead);
        fetch_fused(e, i + ahead);
        if (fusion == FUSE_ANY) again_elements(again, e, i, 16);
        f32x16 g = before(dy, e, again, i, 16, fusion);
        if (e->dresidual != NULL) data_store(element_to(e->dresidual, i), g);
        add_products(s, 0, x + i, f64x8_half(g, 0), scale != NULL ? scale + i : NULL, mean, 8);
        add_products(s, 1, x + i + 8, f64x8_half(g, 1), scale != NULL ? scale + i + 8 : NULL, mean, 8);
    }
    if (i == n) return;
    if (fusion == FUSE_ANY) again_elements(again, e, i, n - i);
    f32x16 g = before(dy, e, again, i, n - i, fusion);
    if (e->dresidual != NULL) data_store_n(element_to(e->dresidual, i), g, n - i);
    add_products(s, 0, x + i, f64x8_half(g, 0), scale != NULL ? scale + i : NULL, mean, n - i < 8 ? n - i : 8);
    if (n - i > 8) {
        add_products(s, 1, x + i + 8, f64x8_half(g, 1), scale != NULL ? scale + i + 8 : NULL, mean, n - i - 8);
    }
}

#endif
