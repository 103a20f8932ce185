/* test_measure.c: mean and deviation against a plain f64 computation. */
#include "data_files.h"

#include <math.h>
#include <stdio.h>

enum { COUNT = 7, C = 3, PLANE = 6 };

static ek_dataset *open_array(ek_dtype dtype, const void *images) {
    char spec[2100];
    const unsigned char labels[COUNT] = {0};
    assert_int_equal(ek_npy_write(at("x.npy"), dtype, 4, (const int64_t[]){COUNT, C, 2, 3}, images, NULL), EK_OK);
    assert_int_equal(ek_npy_write(at("y.npy"), EK_U8, 1, (const int64_t[]){COUNT}, labels, NULL), EK_OK);
    (void)snprintf(spec, sizeof spec, "%s,%s", at("x.npy"), at("y.npy"));
    return open_good(spec, EK_SPLIT_TRAIN, NULL);
}

static void check(const ek_dataset *d, int64_t limit, int examples) {
    float mean[EK_MAX_CHANNELS], std[EK_MAX_CHANNELS], x[C * PLANE];
    assert_int_equal(ek_dataset_measure(d, limit, mean, std, NULL), EK_OK);
    for (int c = 0; c < C; c++) {
        double sum = 0, squares = 0, n = examples * PLANE;
        for (int pass = 0; pass < 2; pass++) {
            for (int i = 0; i < examples; i++) {
                assert_int_equal(ek_dataset_read(d, i, x, NULL, NULL), EK_OK);
                for (int j = 0; j < PLANE; j++) {
                    double v = (double)x[c * PLANE + j];
                    if (pass == 0) sum += v;
                    if (pass == 1) squares += (v - sum / n) * (v - sum / n);
                }
            }
        }
        assert_true(fabs((double)mean[c] - sum / n) <= 1e-6 * fabs(sum / n));
        assert_true(fabs((double)std[c] - sqrt(squares / n)) <= 1e-6 * sqrt(squares / n));
    }
    assert_true(mean[3] == 0 && std[3] == 1);
}

static void test_both_types(void **state) {
    (void)state;
    unsigned char u8[COUNT * C * PLANE];
    float f32[COUNT * C * PLANE];
    for (int i = 0; i < COUNT * C * PLANE; i++) {
        u8[i] = (unsigned char)(i * i % 251);
        f32[i] = 1e5f + (float)(i * 7 % 31);
    }
    ek_dataset *d = open_array(EK_U8, u8);
    check(d, 0, COUNT);
    check(d, 3, 3);
    check(d, 1000, COUNT);
    ek_error err;
    float mean[EK_MAX_CHANNELS], std[EK_MAX_CHANNELS];
    assert_int_equal(ek_dataset_measure(d, -1, mean, std, &err), EK_ERR_ARG);
    ek_dataset_close(d);
    d = open_array(EK_F32, f32);
    check(d, 0, COUNT);
    check(d, 2, 2);
    ek_dataset_close(d);
}

static void test_not_finite(void **state) {
    (void)state;
    float f32[COUNT * C * PLANE] = {0}, mean[EK_MAX_CHANNELS], std[EK_MAX_CHANNELS];
    ek_error err;
    f32[2 * C * PLANE + PLANE] = NAN;
    ek_dataset *d = open_array(EK_F32, f32);
    assert_int_equal(ek_dataset_measure(d, 0, mean, std, &err), EK_ERR_NONFINITE);
    assert_text(&err, "x.npy");
    assert_text(&err, "example 2, channel 1");
    assert_int_equal(ek_dataset_measure(d, 2, mean, std, &err), EK_OK);
    assert_true(mean[0] == 0 && std[0] == 0);
    ek_dataset_close(d);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, folder_setup, folder_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {TEST(test_both_types), TEST(test_not_finite)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
