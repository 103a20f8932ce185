#include "example.h"

static ek_status example(const float *x, float *y) {
    for (int c = 0; c < C; c++) scale[c] = running_var[c] = 1;
    for (int i = 0; i < SIZE; i++) dy[i] = (float)(i % 3);
#include "norm-1.inc"
    return EK_OK;
}

int main(void) {
    for (int i = 0; i < SIZE; i++) x[0][i] = (float)(i % 5);
    return judged(example(x[0], y)) || dbias[0] < 50000 || running_mean[0] < 0.19F;
}
