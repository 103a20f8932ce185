/* hand_kernels.c: two kernels as somebody would write them by hand: widen is right, row_hide shows what is hidden. */
#include "kernel/kernel.h"

#include <string.h>

void EK_FN(hand_widen)(const void *x, size_t n, float *y);
void EK_FN(hand_row_hide)(const void *x, void *y, const unsigned char *valid, size_t n);

void EK_FN(hand_widen)(const void *x, size_t n, float *y) { memcpy(y, x, n * sizeof *y); }

void EK_FN(hand_row_hide)(const void *x, void *y, const unsigned char *valid, size_t n) {
    (void)valid;
    memmove(y, x, n * sizeof(float));
}
