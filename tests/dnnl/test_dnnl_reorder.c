/* Does a change of layout and type put every element where the layout says, rounded where the type is bf16, and zeros
 * in the padding of blocked tensors? */
#include "base/half.h"
#include "base/memory.h"
#include "dnnl/dnnl_cases.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static const ek_layout layouts[] = {EK_LAYOUT_NCHW, EK_LAYOUT_NHWC, EK_LAYOUT_BLOCKED8, EK_LAYOUT_BLOCKED16};

static const ek_dtype pairs[4][2] = {{EK_F32, EK_F32}, {EK_F32, EK_BF16}, {EK_BF16, EK_F32}, {EK_BF16, EK_BF16}};

static int64_t block_of(ek_layout layout, int64_t channels) {
    return layout == EK_LAYOUT_NCHW ? 1 : layout == EK_LAYOUT_NHWC ? channels : (int64_t)layout;
}

static int64_t stored(ek_layout layout, int64_t channels) {
    int64_t block = block_of(layout, channels);
    return (channels + block - 1) / block * block;
}

/* Where (n, c, s) lies, by the definition in norm.h: N, blocks, space, block. */
static int64_t place(ek_layout layout, int64_t channels, int64_t space, int64_t n, int64_t c, int64_t s) {
    int64_t b = block_of(layout, channels);
    return ((n * (stored(layout, channels) / b) + c / b) * space + s) * b + c % b;
}

/* From floats by way of the types: those in `src` are rounded first where the source is bf16, those of `dst` are what
 * its type holds, widened. */
static void change(const float *src, int64_t src_count, eki_dnnl_form from, float *dst, int64_t dst_count,
                   eki_dnnl_form to, int rank, const int64_t *dims, int threads) {
    float *a = random_floats(src_count, 3), *b = random_floats(dst_count, 4);
    if (from.dtype == EK_BF16) eki_half_narrow(EK_BF16, src, a, (size_t)src_count);
    assert_int_equal(eki_reorder(from.dtype == EK_BF16 ? a : src, from, to.dtype == EK_BF16 ? b : dst, to, rank, dims,
                                 threads, NULL),
                     EK_OK);
    if (to.dtype == EK_BF16) eki_half_widen(EK_BF16, b, dst, (size_t)dst_count);
    eki_free(a);
    eki_free(b);
}

static const ek_dtype *types; /* of source and result */

static void check(ek_layout from, ek_layout to, int rank, const int64_t *dims, int threads) {
    int64_t n = dims[0], channels = dims[1], space = 1;
    for (int i = 2; i < rank; i++) space *= dims[i];
    int64_t src_count = n * stored(from, channels) * space, dst_count = n * stored(to, channels) * space;
    float *src = random_floats(src_count, 1), *dst = random_floats(dst_count, 2);
    /* The padding of a source is zero by contract. */
    for (int64_t i = 0; i < n * space; i++) {
        for (int64_t c = channels; c < stored(from, channels); c++) {
            src[place(from, channels, space, i / space, c, i % space)] = 0.0f;
        }
    }
    change(src, src_count, (eki_dnnl_form){types[0], from}, dst, dst_count, (eki_dnnl_form){types[1], to}, rank, dims,
           threads);
    if (types[0] == EK_BF16 || types[1] == EK_BF16) eki_half_round(EK_BF16, src, (size_t)src_count);
    for (int64_t i = 0; i < n * space; i++) {
        for (int64_t c = 0; c < stored(to, channels); c++) {
            float found = dst[place(to, channels, space, i / space, c, i % space)];
            float wanted = c < channels ? src[place(from, channels, space, i / space, c, i % space)] : 0.0f;
            assert_true(found == wanted);
        }
    }
    eki_free(src);
    eki_free(dst);
}

static void every_pair_of(const ek_dtype *pair) {
    types = pair;
    static const int64_t channels[] = {1, 3, 6, 8, 16, 20, 33};
    for (int i = 0; i < 4 * 4 * 7; i++) {
        int64_t dims[5] = {2, channels[i / 16], 3, 5, 7};
        for (int rank = 3; rank <= 5; rank++) check(layouts[i % 4], layouts[i / 4 % 4], rank, dims, i % 3 + 1);
    }
}

static void every_pair(void **state) {
    (void)state;
    for (int i = 0; i < 4; i++) every_pair_of(pairs[i]);
}

static void one_pixel_and_many_of(const ek_dtype *pair) {
    types = pair;
    check(EK_LAYOUT_NCHW, EK_LAYOUT_BLOCKED16, 4, (int64_t[]){1, 100, 1, 1}, 2);
    check(EK_LAYOUT_BLOCKED8, EK_LAYOUT_NCHW, 4, (int64_t[]){3, 12, 67, 41}, 2);
    check(EK_LAYOUT_BLOCKED8, EK_LAYOUT_BLOCKED16, 4, (int64_t[]){3, 12, 67, 41}, 2);
    check(EK_LAYOUT_NHWC, EK_LAYOUT_NHWC, 2, (int64_t[]){3, 12}, 2);
}

static void one_pixel_and_many(void **state) {
    (void)state;
    for (int i = 0; i < 4; i++) one_pixel_and_many_of(pairs[i]);
}

static void nothing_to_move(void **state) {
    (void)state;
    int64_t dims[4] = {0, 3, 4, 4};
    assert_int_equal(eki_reorder(NULL, (eki_dnnl_form){EK_F32, EK_LAYOUT_NCHW}, NULL,
                                 (eki_dnnl_form){EK_F32, EK_LAYOUT_BLOCKED8}, 4, dims, 2, NULL),
                     EK_OK);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_pair),
        cmocka_unit_test(one_pixel_and_many),
        cmocka_unit_test(nothing_to_move),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
