/* Do Winograd's method and the residual of a convolution give what they should, and are they taken only where allowed?
 */
#include "base/memory.h"
#include "dnnl/dnnl_cases.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* Winograd's method adds before it multiplies: its error is measured against the largest result, not element by
 * element. */
static const char *const wide_cases[] = {
    "3 64 64 1 | 9x7 | 3x3 | 1x1 | 1x1 | 1x1 | 1x1",
    "2 64 96 1 | 8x8 | 3x3 | 1x1 | 1x1 | 1x1 | 1x1",
    "2 72 64 1 | 6x5 | 3x3 | 1x1 | 1x1 | 0x0 | 0x0", /* channels that fill no blocks */
    "1 64 64 1 | 1x2 | 3x3 | 1x1 | 1x1 | 1x1 | 1x1",
    "5 64 64 1 | 3x13 | 3x3 | 1x1 | 1x1 | 0x0 | 0x0",
    "2 64 80 1 | 16x4 | 3x3 | 1x1 | 1x1 | 1x1 | 1x1",
    "1 64 64 1 | 4x4 | 3x3 | 1x1 | 1x1 | 0x1 | 1x0", /* direct all the same: pads that differ, */
    "1 64 64 1 | 4x5 | 3x3 | 1x1 | 1x1 | 2x2 | 2x2", /* wide pads, */
    "2 64 64 1 | 9x9 | 3x3 | 2x2 | 1x1 | 1x1 | 1x1", /* strides, */
    "2 64 64 1 | 9x9 | 3x3 | 1x1 | 2x2 | 2x2 | 2x2", /* dilation, */
    "2 48 64 1 | 9x9 | 3x3 | 1x1 | 1x1 | 1x1 | 1x1", /* few channels */
};
enum { WIDE_CASES = sizeof wide_cases / sizeof wide_cases[0], BY_WINOGRAD = 6 };

static void assert_near(const float *got, const float *want, int64_t count, const char *what) {
    double largest = 0, worst = 0;
    for (int64_t i = 0; i < count; i++) {
        largest = fmax(largest, fabs((double)want[i]));
        double distance = fabs((double)got[i] - (double)want[i]);
        if (!(distance <= worst)) worst = distance;
    }
    if (!(worst <= 5e-6 * largest)) fail_msg("%s: off by %.3g, the largest result is %.3g", what, worst, largest);
}

static bool runs_winograd(eki_conv_desc desc) {
    eki_conv *conv;
    ek_error err = {0};
    eki_conv_choose_layouts(&desc, EK_LAYOUT_NCHW, eki_dnnl_block());
    assert_int_equal(eki_conv_create(&desc, &conv, &err), EK_OK);
    bool found = strstr(eki_conv_implementation(conv), "wino") != NULL;
    eki_conv_destroy(conv);
    return found;
}

static void winograd_equals_naive_loops(void **state) {
    (void)state;
    for (int i = 0; i < WIDE_CASES; i++) {
        eki_conv_desc desc = parse_conv(wide_cases[i]);
        desc.winograd = true;
        if (eki_dnnl_block() == EK_LAYOUT_BLOCKED16) assert_int_equal(runs_winograd(desc), i < BY_WINOGRAD);
        conv_data data = make_conv(&desc, 17);
        conv_result want = naive_conv(&data);
        conv_result got = run_conv(&data, true);
        assert_near(got.dst, want.dst, data.dst_count, wide_cases[i]);
        assert_near(got.dsrc, want.dsrc, data.src_count, wide_cases[i]);
        assert_near(got.dweights, want.dweights, data.weight_count, wide_cases[i]);
        assert_close(got.dbias, want.dbias, desc.o, 5e-5, wide_cases[i]);
        free_result(&got);
        free_result(&want);
        free_conv(&data);
    }
}

/* Neither inference nor reproducible training asks for it; where bits are promised it is not taken when asked for. */
static void winograd_is_only_taken_where_allowed(void **state) {
    (void)state;
    eki_conv_desc desc = parse_conv(wide_cases[0]);
    assert_false(runs_winograd(desc));
    desc.winograd = desc.reproducible = true;
    desc.chunk = 1;
    assert_false(runs_winograd(desc));
}

/* A residual gives the bits of an addition afterwards, within the primitive or (other layouts, gemm) behind it. */
static void check_residual(const char *code, bool layouts, bool forward_only) {
    eki_conv_desc desc = parse_conv(code);
    desc.want_dx = desc.want_dw = false;
    desc.forward_only = desc.ungrouped = forward_only;
    conv_data data = make_conv(&desc, 29);
    conv_result want = run_conv(&data, layouts);
    data.desc.residual = true;
    conv_result got = run_conv(&data, layouts);
    for (int64_t i = 0; i < data.dst_count; i++) want.dst[i] += data.ddst[i]; /* which run_conv adds */
    assert_bits(got.dst, want.dst, data.dst_count, code);
    free_result(&want);
    free_result(&got);
    free_conv(&data);
}

static void residual_equals_addition(void **state) {
    (void)state;
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
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
        check_residual(codes[i], true, true);
        check_residual(codes[i], true, false);
        check_residual(codes[i], false, false);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(winograd_equals_naive_loops),
        cmocka_unit_test(winograd_is_only_taken_where_allowed),
        cmocka_unit_test(residual_equals_addition),
    };
    return cmocka_run_group_tests_name("dnnl_conv_ways", tests, NULL, NULL);
}
