/* row_sums.c: moments and gradient sums of contiguous elements.
 *
 * Sixteen f64 lanes: element i of a segment goes to lane i mod 16, each segment begins at lane 0 again, the tail adds
 * to its own lanes only, and the lanes are summed in the fixed tree 16 -> 8 -> 4 -> 2 -> 1. f64 because a product of
 * two f32 is exact in it and because |x| up to 1e30 must not overflow; a shift by a member of the set because sums of
 * raw squares cancel (docs/numerics.md). Eight lanes are one vector here, so a sum is a pair of vectors.
 */
#include "kernel/row_lanes.h"

void EK_FN(row_moments)(const void *x, size_t n, size_t count, size_t stride, double shift, double sums[2]) {
    lanes s = lanes_zero();
    for (size_t j = 0; j < count; j++)
        add_squares(&s, element_at(x, j * stride), n, segment_ahead(n, count), f64x8_set1(shift));
    lanes_sum(&s, sums);
}

EK_INLINE void row_gradsums(lanes *s, const element *x, const element *dy, size_t n, size_t count, size_t stride,
                            double mean, const eki_epilogue *e, int fusion) {
    again16 again = again_row(e, e != NULL ? e->affine : NULL);
    for (size_t j = 0; j < count; j++) {
        size_t at = j * stride;
        if (fusion == FUSE_NOTHING) {
            add_gradients(s, x + at, dy + at, n, segment_ahead(n, count), NULL, f64x8_set1(mean));
        } else {
            eki_epilogue here = epilogue_shift(e, at);
            add_fused(s, x + at, dy + at, n, segment_ahead(n, count), NULL, f64x8_set1(mean), &here, &again, fusion);
        }
    }
}

void EK_FN(row_gradsums)(const void *x, const void *dy, size_t n, size_t count, size_t stride, double mean,
                         double sums[2], const eki_epilogue *e) {
    lanes s = lanes_zero();
    if (e == NULL) {
        row_gradsums(&s, x, dy, n, count, stride, mean, NULL, FUSE_NOTHING);
    } else if (e->activation == EKI_RELU) {
        row_gradsums(&s, x, dy, n, count, stride, mean, e, FUSE_RELU);
    } else {
        row_gradsums(&s, x, dy, n, count, stride, mean, e, FUSE_ANY);
    }
    lanes_sum(&s, sums);
}

void EK_FN(vec_gradsums)(const void *x, const void *dy, size_t n, const float *scale, double mean, double sums[2],
                         const eki_epilogue *e) {
    lanes s = lanes_zero();
    if (e != NULL) {
        again16 again = again_row(e, e->affine);
        add_fused(&s, x, dy, n, FETCH_ELEMENTS, scale, f64x8_set1(mean), e, &again, FUSE_ANY);
    } else if (scale != NULL) {
        add_gradients(&s, x, dy, n, FETCH_ELEMENTS, scale, f64x8_set1(mean));
    } else {
        add_gradients(&s, x, dy, n, FETCH_ELEMENTS, NULL, f64x8_set1(mean));
    }
    lanes_sum(&s, sums);
}
