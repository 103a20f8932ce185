/* test_resize.c: resampling keeps constants and means, copies at equal size, and is bilinear when enlarging. */
#include "data_files.h"

#include "data/resize.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static eki_resizer *resizer_of(eki_extent from, eki_extent to) {
    eki_resizer *r;
    assert_int_equal(eki_resizer_create(from, to, &r, NULL), EK_OK);
    return r;
}

/* Planes of f32 from one size to another. */
static void resize(const float *in, int planes, eki_extent from, float *out, eki_extent to) {
    eki_resizer *r = resizer_of(from, to);
    assert_int_equal(eki_resize(r, in, planes, out, NULL), EK_OK);
    eki_resizer_destroy(r);
}

static void test_constant(void **state) {
    (void)state;
    static const eki_extent sizes[] = {{1, 1}, {1, 7}, {5, 3}, {13, 8}, {40, 1}, {64, 64}};
    enum { KINDS = sizeof sizes / sizeof sizes[0] };
    static unsigned char in[64 * 64 * 2], out[64 * 64 * 2];
    memset(in, 137, sizeof in);
    for (int a = 0; a < KINDS; a++) {
        for (int b = 0; b < KINDS; b++) {
            memset(out, 0, sizeof out);
            eki_resizer *r = resizer_of(sizes[a], sizes[b]);
            assert_int_equal(eki_resize_u8(r, in, 2, out, NULL), EK_OK);
            eki_resizer_destroy(r);
            size_t n = 2 * (size_t)sizes[b].height * (size_t)sizes[b].width;
            for (size_t i = 0; i < n; i++) assert_int_equal(out[i], 137);
            if (n < sizeof out) assert_int_equal(out[n], 0);
        }
    }
}

static void test_same_size(void **state) {
    (void)state;
    float in[60], out[60];
    for (int i = 0; i < 60; i++) in[i] = (float)(i * i % 17);
    resize(in, 2, (eki_extent){5, 6}, out, (eki_extent){5, 6});
    assert_memory_equal(in, out, sizeof in);
}

static void test_halving_and_doubling(void **state) {
    (void)state;
    const float in[4] = {0, 0, 8, 8}, wide[2] = {0, 8};
    float out[4];
    resize(in, 1, (eki_extent){1, 4}, out, (eki_extent){1, 2});
    assert_true(fabsf(out[0] - 8.0f / 7) < 1e-6f && fabsf(out[1] - 8 * 6.0f / 7) < 1e-6f); /* 3,3,1 of 7 */
    resize(wide, 1, (eki_extent){2, 1}, out, (eki_extent){4, 1});
    static const float expected[4] = {0, 2, 6, 8};
    assert_memory_equal(out, expected, sizeof out);
}

static void test_dataset(void **state) {
    (void)state;
    float x[2][3][3], first[2][2];
    for (int i = 0; i < 18; i++) (&x[0][0][0])[i] = (float)(i % 9);
    assert_int_equal(ek_npy_write(at("x.npy"), EK_F32, 3, (const int64_t[]){2, 3, 3}, x, NULL), EK_OK);
    assert_int_equal(ek_npy_write(at("y.npy"), EK_U8, 1, (const int64_t[]){2}, "\x01\x00", NULL), EK_OK);
    char spec[2100];
    (void)snprintf(spec, sizeof spec, "%s,%s", at("x.npy"), at("y.npy"));
    ek_dataset_options o = {.struct_size = sizeof o, .height = 2, .width = 2};
    ek_dataset *d = open_good(spec, EK_SPLIT_TRAIN, &o);
    assert_int_equal(ek_dataset_describe(d).height, 2);
    int32_t label;
    assert_int_equal(ek_dataset_read(d, 0, &first[0][0], &label, NULL), EK_OK);
    assert_int_equal(label, 1);
    float sum = first[0][0] + first[0][1] + first[1][0] + first[1][1];
    assert_true(fabsf(sum - 16) < 1e-4f && first[0][0] < first[0][1] && first[0][1] < first[1][0]);
    ek_dataset_close(d);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_constant),
        cmocka_unit_test(test_same_size),
        cmocka_unit_test(test_halving_and_doubling),
        cmocka_unit_test_setup_teardown(test_dataset, folder_setup, folder_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
