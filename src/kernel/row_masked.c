/* row_masked.c: sums of the contiguous elements that a mask leaves, in the lanes of all of them; and clearing the
 * others.
 *
 * Sixteen bytes of the mask at a time: none is set and nothing is done, all are and the plain loop does it, or the
 * elements are copied with zeros at the hidden ones. So a mask that hides nothing gives the bits of the plain kernels,
 * and costs the more the more often valid and hidden elements change.
 */
#include "kernel/row_lanes.h"
#include <string.h>

/* Sixteen bytes of a mask, the last of them zero where fewer are left: none is 1, all are, or some. */
typedef enum { HIDDEN, WHOLE, MIXED } mask_state;

EK_INLINE mask_state mask_take(const unsigned char *valid, size_t left) {
    const uint64_t ones = UINT64_C(0x0101010101010101);
    uint64_t words[2] = {0, 0};
    if (left >= 16) {
        memcpy(words, valid, 16);
    } else {
        memcpy(words, valid, left);
    }
    if ((words[0] | words[1]) == 0) return HIDDEN;
    return (words[0] & words[1]) == ones ? WHOLE : MIXED;
}

/* The bits of an element. */
#if defined(EK_DATA_f32)
typedef uint32_t word;
#else
typedef uint16_t word;
#endif
_Static_assert(sizeof(word) == sizeof(element), "a word is the bits of an element");

/* Sixteen elements, `other` where they are hidden; `left` of them are there. By their bits: written as a choice, it
 * becomes a branch, which a random mask makes slow. */
EK_INLINE void keep16(element to[16], const element *from, const unsigned char *valid, size_t left, element other) {
    word bits[16] = {0}, instead;
    unsigned char bytes[16] = {0};
    memcpy(&instead, &other, sizeof instead);
    if (left >= 16) {
        memcpy(bits, from, sizeof bits);
        memcpy(bytes, valid, sizeof bytes);
    } else {
        memcpy(bits, from, left * sizeof *bits);
        memcpy(bytes, valid, left);
    }
    for (int l = 0; l < 16; l++) {
        word keep = (word)(0 - (word)bytes[l]);
        bits[l] = (word)((bits[l] & keep) | (instead & (word)~keep));
    }
    memcpy(to, bits, sizeof bits);
}

/* A hidden element takes the value of the shift: it adds 0, which changes no sum. */
EK_INLINE void add_squares_mixed(lanes *s, const element *x, const unsigned char *valid, size_t left, f64x8 shift,
                                 element k) {
    element kept[16];
    keep16(kept, x, valid, left, k);
    for (int half = 0; half < 2; half++) {
        f64x8 d = f64x8_sub(data_widen(kept + 8 * half), shift);
        lanes_add(s, half, d, f64x8_mul(d, d));
    }
}

/* The shift is an element, or 0. */
EK_INLINE element element_of(double shift) {
    element all[16];
    data_store(all, f32x16_set1((float)shift));
    return all[0];
}

void EK_FN(row_moments_masked)(const void *x, const unsigned char *valid, size_t n, size_t count, size_t stride,
                               size_t valid_stride, double shift, double sums[2]) {
    lanes s = lanes_zero();
    const f64x8 shifts = f64x8_set1(shift);
    const element k = element_of(shift);
    for (size_t j = 0; j < count; j++) {
        const element *segment = element_at(x, j * stride);
        const unsigned char *mask = valid + j * valid_stride;
        for (size_t i = 0; i < n; i += 16) {
            mask_state state = mask_take(mask + i, n - i);
            if (state == WHOLE) add_squares(&s, segment + i, 16, FETCH_ELEMENTS, shifts);
            if (state == MIXED) add_squares_mixed(&s, segment + i, mask + i, n - i, shifts, k);
        }
    }
    lanes_sum(&s, sums);
}

/* Sixteen elements of every tensor that a gradient sum reads. */
typedef struct {
    element x[16], dy[16], y[16], residual[16];
} kept16;

/* With a dy of 0 a hidden element adds 0, whatever its slope, as long as that is finite: all else is 0 too. */
EK_INLINE void add_products_mixed(lanes *s, const element *x, const element *dy, const unsigned char *valid,
                                  size_t left, double mean, const eki_epilogue *e, again16 *again, int fusion) {
    kept16 k;
    keep16(k.x, x, valid, left, 0);
    keep16(k.dy, dy, valid, left, 0);
    if (fusion == FUSE_NOTHING) {
        add_gradients(s, k.x, k.dy, 16, 0, NULL, f64x8_set1(mean));
        return;
    }
    eki_epilogue kept = *e;
    if (e->y != NULL) keep16(k.y, e->y, valid, left, 0);
    if (e->residual != NULL) keep16(k.residual, e->residual, valid, left, 0);
    kept.x = k.x;
    kept.y = e->y != NULL ? k.y : NULL;
    kept.residual = e->residual != NULL ? k.residual : NULL;
    add_fused(s, k.x, k.dy, 16, 0, NULL, f64x8_set1(mean), &kept, again, fusion);
}

EK_INLINE void row_gradsums_masked(lanes *s, const element *x, const element *dy, const unsigned char *valid, size_t n,
                                   double mean, const eki_epilogue *e, again16 *again, int fusion) {
    for (size_t i = 0; i < n; i += 16) {
        mask_state state = mask_take(valid + i, n - i);
        if (state == HIDDEN) continue;
        eki_epilogue here = epilogue_shift(e, i);
        here.dresidual = NULL;
        if (state == MIXED) {
            add_products_mixed(s, x + i, dy + i, valid + i, n - i, mean, &here, again, fusion);
        } else if (fusion == FUSE_NOTHING) {
            add_gradients(s, x + i, dy + i, 16, FETCH_ELEMENTS, NULL, f64x8_set1(mean));
        } else {
            add_fused(s, x + i, dy + i, 16, FETCH_ELEMENTS, NULL, f64x8_set1(mean), &here, again, fusion);
        }
    }
}

void EK_FN(row_gradsums_masked)(const void *x, const void *dy, const unsigned char *valid, size_t n, size_t count,
                                size_t stride, size_t valid_stride, double mean, double sums[2],
                                const eki_epilogue *e) {
    lanes s = lanes_zero();
    again16 again = again_row(e, e != NULL ? e->affine : NULL);
    for (size_t j = 0; j < count; j++) {
        const element *xs = element_at(x, j * stride), *gs = element_at(dy, j * stride);
        const unsigned char *mask = valid + j * valid_stride;
        eki_epilogue here = epilogue_shift(e, j * stride);
        if (e == NULL) {
            row_gradsums_masked(&s, xs, gs, mask, n, mean, NULL, &again, FUSE_NOTHING);
        } else {
            row_gradsums_masked(&s, xs, gs, mask, n, mean, &here, &again, FUSE_ANY);
        }
    }
    lanes_sum(&s, sums);
}

void EK_FN(row_hide)(const void *x, void *y, const unsigned char *valid, size_t n) {
    for (size_t i = 0; i < n; i += 16) {
        element kept[16];
        mask_state state = mask_take(valid + i, n - i);
        if (state == WHOLE && x == y) continue;
        keep16(kept, element_at(x, i), valid + i, n - i, 0);
        if (n - i >= 16) {
            memcpy(element_to(y, i), kept, sizeof kept);
        } else {
            memcpy(element_to(y, i), kept, (n - i) * sizeof *kept);
        }
    }
}
