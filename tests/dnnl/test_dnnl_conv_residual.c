/* Do the residual and the ReLU of a convolution give what steps behind it do? */
#include "base/memory.h"
#include "dnnl/dnnl_cases.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

typedef struct tail {
    bool residual, relu, finite;
} tail;

/* Within the primitive or (other layouts, gemm, a ReLU of what may be NaN) behind it. */
static void check_tail(const char *code, bool layouts, bool forward_only, tail behind) {
    eki_conv_desc desc = parse_conv(code);
    desc.want_dx = desc.want_dw = false;
    desc.forward_only = desc.ungrouped = forward_only;
    conv_data data = make_conv(&desc, 29);
    conv_result want = run_conv(&data, layouts);
    data.desc.residual = behind.residual;
    data.desc.relu = behind.relu;
    data.finite = behind.finite;
    conv_result got = run_conv(&data, layouts);
    for (int64_t i = 0; i < data.dst_count; i++) {
        if (behind.residual) want.dst[i] += data.ddst[i]; /* which run_conv adds */
        if (behind.relu) want.dst[i] = want.dst[i] <= 0.0f ? 0.0f : want.dst[i];
    }
    assert_bits(got.dst, want.dst, data.dst_count, code);
    free_result(&want);
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
    static const tail tails[] = {
        {true, false, false}, {false, true, false}, {false, true, true}, {true, true, false}, {true, true, true}};
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
        for (size_t k = 0; k < sizeof tails / sizeof tails[0]; k++) {
            check_tail(codes[i], true, true, tails[k]);
            check_tail(codes[i], true, false, tails[k]);
            check_tail(codes[i], false, false, tails[k]);
        }
    }
}

/* Where the caller does not know that nothing is NaN. */
static void nan_goes_through_relu(void **state) {
    (void)state;
    for (size_t i = 0; i + 1 < sizeof codes / sizeof codes[0]; i++) {
        for (int forward_only = 0; forward_only <= 1; forward_only++) {
            eki_conv_desc desc = parse_conv(codes[i]);
            desc.want_dx = desc.want_dw = false;
            desc.forward_only = desc.ungrouped = forward_only;
            conv_data data = make_conv(&desc, 31);
            data.src[0] = (float)strtod("nan", NULL);
            conv_result want = run_conv(&data, true);
            data.desc.relu = true;
            conv_result got = run_conv(&data, true);
            int64_t seen = 0;
            for (int64_t k = 0; k < data.dst_count; k++) {
                bool nan = want.dst[k] != want.dst[k];
                seen += nan;
                assert_true(nan ? got.dst[k] != got.dst[k] : got.dst[k] == (want.dst[k] > 0.0f ? want.dst[k] : 0.0f));
            }
            assert_true(seen > 0);
            free_result(&want);
            free_result(&got);
            free_conv(&data);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tail_equals_steps),
        cmocka_unit_test(nan_goes_through_relu),
    };
    return cmocka_run_group_tests_name("dnnl_conv_residual", tests, NULL, NULL);
}
