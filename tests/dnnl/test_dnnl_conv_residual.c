/* Does the residual of a convolution give what an addition behind it does? */
#include "base/memory.h"
#include "dnnl/dnnl_cases.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

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
        cmocka_unit_test(residual_equals_addition),
    };
    return cmocka_run_group_tests_name("dnnl_conv_residual", tests, NULL, NULL);
}
