/* Does a layout change put every element where the layout says, and zeros in the padding of blocked tensors? */
#include "base/memory.h"
#include "dnnl/dnnl_cases.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static const ek_layout layouts[] = {EK_LAYOUT_NCHW, EK_LAYOUT_NHWC, EK_LAYOUT_BLOCKED8, EK_LAYOUT_BLOCKED16};

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
    assert_int_equal(eki_reorder(src, from, dst, to, rank, dims, threads, NULL), EK_OK);
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

static void every_pair(void **state) {
    (void)state;
    static const int64_t channels[] = {1, 3, 6, 8, 16, 20, 33};
    for (int i = 0; i < 4 * 4 * 7; i++) {
        int64_t dims[5] = {2, channels[i / 16], 3, 5, 7};
        for (int rank = 3; rank <= 5; rank++) check(layouts[i % 4], layouts[i / 4 % 4], rank, dims, i % 3 + 1);
    }
}

static void one_pixel_and_many(void **state) {
    (void)state;
    check(EK_LAYOUT_NCHW, EK_LAYOUT_BLOCKED16, 4, (int64_t[]){1, 100, 1, 1}, 2);
    check(EK_LAYOUT_BLOCKED8, EK_LAYOUT_NCHW, 4, (int64_t[]){3, 12, 67, 41}, 2);
    check(EK_LAYOUT_BLOCKED8, EK_LAYOUT_BLOCKED16, 4, (int64_t[]){3, 12, 67, 41}, 2);
}

static void nothing_to_move(void **state) {
    (void)state;
    int64_t dims[4] = {0, 3, 4, 4};
    assert_int_equal(eki_reorder(NULL, EK_LAYOUT_NCHW, NULL, EK_LAYOUT_BLOCKED8, 4, dims, 2, NULL), EK_OK);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_pair),
        cmocka_unit_test(one_pixel_and_many),
        cmocka_unit_test(nothing_to_move),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
