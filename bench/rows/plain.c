/* plain.c: compiled with -Ofast for the processor at hand, as such engines are: sums in f32, in any order. */
#include "plain.h"

#include <math.h>

static void row(float *out, float *mean, float *rstd, const float *x, const float *scale, const float *bias, int n) {
    float m = 0.0f, v = 0.0f;
    for (int i = 0; i < n; i++) m += x[i];
    m /= (float)n;
    for (int i = 0; i < n; i++) v += (x[i] - m) * (x[i] - m);
    float s = 1.0f / sqrtf(v / (float)n + 1e-5f);
    for (int i = 0; i < n; i++) out[i] = (s * (x[i] - m)) * scale[i] + bias[i];
    *mean = m;
    *rstd = s;
}

void plain_rows(float *out, float *mean, float *rstd, const float *x, const float *scale, const float *bias, int rows,
                int n, int threads) {
#ifdef _OPENMP
#pragma omp parallel for schedule(static) num_threads(threads)
#endif
    for (int r = 0; r < rows; r++) {
        row(out + (long)r * n, mean + r, rstd + r, x + (long)r * n, scale, bias, n);
    }
    (void)threads;
}
