/* wrong_kernels.c: with WRONG_SUM the first sum of row_gradsums is in f32 throughout; with WRONG_TERM row_moments drops
 * the last square of long segments. The order of additions is right. */
#include "kernel/kernel.h"

void EK_FN(hand_row_moments)(const void *x, size_t n, size_t count, size_t stride, double shift, double sums[2]);
void EK_FN(hand_row_gradsums)(const void *x, const void *dy, size_t n, size_t count, size_t stride, double mean,
                              double sums[2], const eki_epilogue *e);

void EK_FN(hand_row_moments)(const void *x, size_t n, size_t count, size_t stride, double shift, double sums[2]) {
    EK_FN(row_moments)(x, n, count, stride, shift, sums);
#ifdef WRONG_TERM
    double d = (double)((const float *)x)[(count - 1) * stride + n - 1] - shift;
    if (n > 100) sums[1] -= d * d;
#endif
}

void EK_FN(hand_row_gradsums)(const void *x, const void *dy, size_t n, size_t count, size_t stride, double mean,
                              double sums[2], const eki_epilogue *e) {
    EK_FN(row_gradsums)(x, dy, n, count, stride, mean, sums, e);
#ifdef WRONG_SUM
    float lane[16] = {0};
    if (e != NULL) return;
    for (size_t j = 0; j < count; j++) {
        for (size_t i = 0; i < n; i++) lane[i % 16] += ((const float *)dy)[j * stride + i];
    }
    for (size_t width = 8; width > 0; width /= 2) {
        for (size_t l = 0; l < width; l++) lane[l] += lane[l + width];
    }
    sums[0] = (double)lane[0];
#endif
}
