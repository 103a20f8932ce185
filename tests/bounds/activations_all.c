/* activations_all.c: N13 and N14 without an error of t: every activation and its slope, at every f32 from 2^-14 to 128
 * in magnitude and some of the others, and at as many f64.
 *
 * bounds_activations [STEP]: every STEP-th f32 (default 1). Prints the worst ratio of error to bound; status 1
 * beyond 1.
 */
#include "bounds/theorems.h"

#include "cpu/dispatch.h"
#include "norm/wide.h"
#include "support/activation_ref.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TOGETHER = 1024, FEW = 1021 };

static const char *const names[] = {"none", "relu", "leaky relu",   "clip",       "sigmoid",
                                    "tanh", "silu", "hard sigmoid", "hard swish", "gelu"};

/* Worst ratios: y and slope of f32, of f64. */
typedef struct worst {
    double y, slope, wide_y, wide_slope;
} worst;

static ek_norm_desc desc_of(ek_activation activation) {
    ek_norm_desc d = ek_norm_desc_default(EK_NORM_BATCH);
    d.activation = activation;
    if (activation == EK_ACTIVATION_LEAKY_RELU) d.activation_alpha = (double)0.1f;
    if (activation == EK_ACTIVATION_CLIP) d.activation_alpha = -0.5, d.activation_beta = 6;
    if (activation == EK_ACTIVATION_HARD_SIGMOID) d.activation_alpha = (double)0.2f, d.activation_beta = 0.5;
    return d;
}

static void note(double *most, double error, double bound) {
    if (isinf(bound)) return;
    double ratio = error == 0 ? 0 : error / bound;
    if (!(ratio <= *most)) *most = ratio;
}

static bool reads_output(ek_activation a) { return a <= EK_ACTIVATION_TANH || a == EK_ACTIVATION_HARD_SIGMOID; }

/* What the kernels make of t, where the norm changes nothing, and of dy = 1. */
static void run_kernels(const ek_norm_desc *d, const float *t, float *y, float *slope, size_t n) {
    const float zero = 0, one = 1;
    static float ones[TOGETHER];
    for (size_t i = 0; i < n; i++) ones[i] = 1;
    const eki_scaling_columns map = {&zero, &zero, &one, &zero};
    const eki_gradient_columns gradient = {&zero, &zero, &one, &one, &zero, &zero};
    eki_epilogue e = {
        .activation = (int)d->activation, .alpha = (float)d->activation_alpha, .beta = (float)d->activation_beta};
    const eki_kernels *k = eki_kernels_get(EKI_F32);
    k->row_affine(t, y, 1, n, n, &map, &e);
    e.x = t, e.columns = &map, e.dresidual = slope;
    e.y = reads_output(d->activation) ? y : NULL;
    k->row_gradaffine(t, ones, NULL, 1, n, n, &gradient, &e);
}

static void check(const ek_norm_desc *d, const float *t, size_t n, worst *w) {
    static float y[TOGETHER], slope[TOGETHER];
    const arithmetic narrow = arithmetic_of(EK_F32), wide = arithmetic_of(EK_F64);
    double a = d->activation_alpha, b = d->activation_beta;
    run_kernels(d, t, y, slope, n);
    for (size_t i = 0; i < n; i++) {
        real at = (real)t[i], right = eki_ref_activation((int)d->activation, at, a, b);
        real grade = eki_ref_slope((int)d->activation, at, a, b);
        note(&w->y, (double)fabsl((real)y[i] - right), activation_bound(d, &narrow, at, 0));
        double bound = slope_bound(d, &narrow, at, 0) + narrow.w * fabs((double)grade) + 2 * narrow.half;
        note(&w->slope, (double)fabsl((real)slope[i] - grade), bound);
        double more = (double)t[i] * (1 + (double)(i * 2654435761u % 9973u) * 0x1p-38); /* digits that f32 has not */
        right = eki_ref_activation((int)d->activation, (real)more, a, b);
        grade = eki_ref_slope((int)d->activation, (real)more, a, b);
        double value = eki_wide_activate(d, more), from = reads_output(d->activation) ? value : more;
        note(&w->wide_y, (double)fabsl((real)value - right), activation_bound(d, &wide, (real)more, 0));
        bound = slope_bound(d, &wide, (real)more, 0) + 2 * wide.half;
        note(&w->wide_slope, (double)fabsl((real)eki_wide_slope(d, from) - grade), bound);
    }
}

static void all_of(const ek_norm_desc *d, uint64_t step, worst *w) {
    float t[TOGETHER];
    size_t n = 0;
    for (uint64_t i = 0, k = 0; i < UINT64_C(1) << 32; i += step, k++) {
        uint32_t bits = (uint32_t)i;
        float value;
        memcpy(&value, &bits, sizeof value);
        double size = fabs((double)value);
        bool usual = size >= 0x1p-14 && size < 128;
        if (!isfinite(value) || size > 1e30 || (!usual && step < FEW && k % FEW != 0)) continue;
        t[n++] = value;
        if (n < TOGETHER) continue;
        check(d, t, n, w);
        n = 0;
    }
    if (n > 0) check(d, t, n, w);
}

int main(int argc, char **argv) {
    uint64_t step = argc > 1 ? strtoull(argv[1], NULL, 10) : 1;
    int broken = 0;
    if (step == 0) return 2;
    printf("%-14s %8s %8s %8s %8s\n", "activation", "f32 y", "slope", "f64 y", "slope");
    for (int a = EK_ACTIVATION_RELU; a <= EK_ACTIVATION_GELU; a++) {
        worst w = {0, 0, 0, 0};
        ek_norm_desc d = desc_of((ek_activation)a);
        all_of(&d, step, &w);
        broken += !(w.y <= 1 && w.slope <= 1 && w.wide_y <= 1 && w.wide_slope <= 1);
        printf("%-14s %8.3f %8.3f %8.3f %8.3f\n", names[a], w.y, w.slope, w.wide_y, w.wide_slope);
        fflush(stdout);
    }
    return broken > 0;
}
