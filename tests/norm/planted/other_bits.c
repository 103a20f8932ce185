/* other_bits.c: two kernels that break the contract on bits as real ones would: a fused multiply-add, and sums in
 * another order. */
#include "kernel/kernel.h"

#include <math.h>

#if defined(PLANT_FMA)
void EK_FN(hand_row_affine)(const void *x, void *y, size_t rows, size_t stride, size_t n, const eki_scaling_columns *p,
                            const eki_epilogue *e);

void EK_FN(hand_row_affine)(const void *x, void *y, size_t rows, size_t stride, size_t n, const eki_scaling_columns *p,
                            const eki_epilogue *e) {
    const float *from = x;
    float *to = y;
    EK_FN(row_affine)(x, y, rows, stride, n, p, e);
    for (size_t r = 0; e == NULL && r < rows; r++) {
        for (size_t i = r * stride; i < r * stride + n; i++) {
            to[i] = fmaf((from[i] - p->mean_hi[r]) - p->mean_lo[r], p->gain[r], p->bias[r]);
        }
    }
}
#else
void EK_FN(hand_row_moments)(const void *x, size_t n, size_t count, size_t stride, double shift, double sums[2]);

void EK_FN(hand_row_moments)(const void *x, size_t n, size_t count, size_t stride, double shift, double sums[2]) {
    const float *from = x;
    sums[0] = sums[1] = 0;
    for (size_t c = 0; c < count; c++) {
        for (size_t i = c * stride; i < c * stride + n; i++) {
            double d = (double)from[i] - shift;
            sums[0] += d;
            sums[1] += d * d;
        }
    }
}
#endif
