/* Do the residual and the activation of a convolution give what steps behind it do? */
#include "base/memory.h"
#include "dnnl/dnnl_cases.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

typedef struct tail {
    bool residual;
    eki_activation activation;
    bool finite;
} tail;

static const eki_activation functions[] = {{EK_ACTIVATION_NONE, 0, 0},          {EK_ACTIVATION_RELU, 0, 0},
                                           {EK_ACTIVATION_LEAKY_RELU, 0.1f, 0}, {EK_ACTIVATION_LEAKY_RELU, -1.5f, 0},
                                           {EK_ACTIVATION_CLIP, 0, 0.5f},       {EK_ACTIVATION_CLIP, -0.25f, 0},
                                           {EK_ACTIVATION_HARD_SWISH, 0, 0},    {EK_ACTIVATION_SILU, 0, 0}};
enum { FUNCTIONS = sizeof functions / sizeof functions[0] };

/* By their definitions, in double precision; NaN of NaN. */
static double defined(eki_activation f, double x) {
    switch (f.kind) {
    case EK_ACTIVATION_RELU: return x <= 0 ? 0 : x;
    case EK_ACTIVATION_LEAKY_RELU: return x < 0 ? (double)f.alpha * x : x;
    case EK_ACTIVATION_CLIP: return x < (double)f.alpha ? (double)f.alpha : x > (double)f.beta ? (double)f.beta : x;
    case EK_ACTIVATION_HARD_SWISH: return x * (x < -3 ? 0 : x > 3 ? 1 : x / 6 + 0.5);
    case EK_ACTIVATION_SILU: return x / (1 + exp(-x));
    default: return x;
    }
}

/* Those that are exact, to the bit; the others to units in the last place of x, which their gates are multiplied with.
 */
static void assert_function(eki_activation f, const float *got, const float *x, int64_t count, const char *code) {
    for (int64_t i = 0; i < count; i++) {
        double want = defined(f, x[i]);
        double off = eki_activation_is_gate(f) ? 4 * 0x1p-23 * fabs((double)x[i]) : 0;
        bool nan = x[i] != x[i];
        if (nan ? got[i] != got[i] : fabs((double)got[i] - (off > 0 ? want : (double)(float)want)) <= off) continue;
        fail_msg("%s, function %d, x %.9g: %.9g, not %.9g", code, (int)f.kind, (double)x[i], (double)got[i], want);
    }
}

/* Within the primitive or (other layouts, gemm, a ReLU of what may be NaN) behind it. */
static void check_tail(const char *code, bool layouts, bool forward_only, tail behind) {
    eki_conv_desc desc = parse_conv(code);
    desc.want_dx = desc.want_dw = false;
    desc.forward_only = desc.ungrouped = forward_only;
    conv_data data = make_conv(&desc, 29);
    conv_result sums = run_conv(&data, layouts);
    data.desc.residual = behind.residual;
    data.desc.activation = behind.activation;
    data.finite = behind.finite;
    conv_result got = run_conv(&data, layouts);
    for (int64_t i = 0; i < data.dst_count && behind.residual; i++) sums.dst[i] += data.ddst[i]; /* run_conv adds it */
    assert_function(behind.activation, got.dst, sums.dst, data.dst_count, code);
    free_result(&sums);
    free_result(&got);
    free_conv(&data);
}

static const char *const codes[] = {
    "2 3 16 1 | 9x9 | 3x3 | 1x1 | 1x1 | 1x1 | 1x1",     /* plain source */
    "3 20 50 1 | 7x7 | 3x3 | 1x1 | 1x1 | 1x1 | 1x1",    /* channels that fill no blocks */
    "2 32 32 32 | 9x8 | 3x3 | 2x2 | 1x1 | 0x1 | 1x1",   /* depthwise */
    "2 24 24 4 | 6x6 | 3x3 | 1x1 | 1x1 | 1x1 | 1x1",    /* groups */
    "1 64 256 1 | 14x14 | 1x1 | 1x1 | 1x1 | 0x0 | 0x0", /* channels last */
    "2 128 64 1 | 9x7 | 3x3 | 1x1 | 1x1 | 1x1 | 1x1",
    "1 512 96 1 | 7x7 | 1x1 | 2x2 | 1x1 | 0x0 | 0x0",
    "2 16 20 1 | 5x6x7 | 3x2x3 | 2x1x2 | 1x1x1 | 1x0x1 | 1x1x0",
    "0 16 16 1 | 4x4 | 3x3 | 1x1 | 1x1 | 1x1 | 1x1", /* nothing at all */
};

static void tail_equals_steps(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
        for (int k = 0; k < 4 * FUNCTIONS; k++) {
            const tail behind = {.residual = (k & 1) != 0, .finite = (k & 2) != 0, .activation = functions[k / 4]};
            check_tail(codes[i], true, true, behind);
            check_tail(codes[i], true, false, behind);
            check_tail(codes[i], false, false, behind);
        }
    }
}

/* Where the caller does not know that nothing is NaN. */
static void check_nan(const char *code, bool forward_only, eki_activation f) {
    eki_conv_desc desc = parse_conv(code);
    desc.want_dx = desc.want_dw = false;
    desc.forward_only = desc.ungrouped = forward_only;
    conv_data data = make_conv(&desc, 31);
    data.src[0] = (float)strtod("nan", NULL);
    data.src[1] = (float)strtod("inf", NULL);
    conv_result sums = run_conv(&data, true);
    data.desc.activation = f;
    conv_result got = run_conv(&data, true);
    int64_t seen = 0;
    for (int64_t k = 0; k < data.dst_count; k++) {
        seen += sums.dst[k] != sums.dst[k];
        if (isinf(sums.dst[k])) sums.dst[k] = got.dst[k] = 0.0f; /* a gate of 0 makes NaN of it, or not */
    }
    assert_function(f, got.dst, sums.dst, data.dst_count, code);
    assert_true(seen > 0);
    free_result(&sums);
    free_result(&got);
    free_conv(&data);
}

static void nan_goes_through(void **state) {
    (void)state;
    for (size_t i = 0; i + 1 < sizeof codes / sizeof codes[0]; i++) {
        for (int k = 0; k < 2 * FUNCTIONS; k++) check_nan(codes[i], k % 2 != 0, functions[k / 2]);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tail_equals_steps),
        cmocka_unit_test(nan_goes_through),
    };
    return cmocka_run_group_tests_name("dnnl_conv_residual", tests, NULL, NULL);
}
