/* test_divide.c: a part of a set: the size asked for, of each class the same share, chosen by seed; nothing is lost. */
#include "data_files.h"

#include <stdio.h>
#include <string.h>

enum { COUNT = 97, VALUES = 6, CLASSES = 5 };

static int class_of(int i) { return i < 50 ? 0 : i < 80 ? 1 : i < 95 ? 2 : i == 95 ? 3 : 4; }

static ek_dataset *open_set(ek_dtype dtype) {
    float x[COUNT][1][2][3];
    unsigned char bytes[COUNT][1][2][3], labels[COUNT];
    char spec[2100];
    for (int i = 0; i < COUNT; i++) {
        labels[i] = (unsigned char)class_of(i);
        for (int j = 0; j < VALUES; j++) {
            (&x[i][0][0][0])[j] = (float)(i + j);
            (&bytes[i][0][0][0])[j] = (unsigned char)(i + j);
        }
    }
    const int64_t dims[4] = {COUNT, 1, 2, 3};
    assert_int_equal(ek_npy_write(at("x.npy"), dtype, 4, dims, dtype == EK_F32 ? (void *)x : bytes, NULL), EK_OK);
    assert_int_equal(ek_npy_write(at("y.npy"), EK_U8, 1, (const int64_t[]){COUNT}, labels, NULL), EK_OK);
    (void)snprintf(spec, sizeof spec, "%s,%s", at("x.npy"), at("y.npy"));
    return open_good(spec, EK_SPLIT_TRAIN, NULL);
}

/* The number of an example, whose values and label must be its own. */
static int number_of(const ek_dataset *d, int64_t at, ek_dtype dtype) {
    float x[VALUES];
    int32_t label;
    const float unit = dtype == EK_F32 ? 1 : 255;
    assert_int_equal(ek_dataset_read(d, at, x, &label, NULL), EK_OK);
    int number = (int)(x[0] * unit + 0.5f);
    for (int j = 0; j < VALUES; j++) assert_int_equal((int)(x[j] * unit + 0.5f), number + j);
    assert_int_equal(label, class_of(number));
    return number;
}

/* Marks the examples of a set; they stand in order. */
static void mark(const ek_dataset *d, ek_dtype dtype, char taken[COUNT], int counts[CLASSES]) {
    int before = -1;
    for (int64_t i = 0; i < ek_dataset_describe(d).count; i++) {
        int number = number_of(d, i, dtype);
        assert_true(number > before);
        before = number;
        taken[number]++;
        counts[class_of(number)]++;
    }
}

static void divide(ek_dtype dtype, double fraction, uint64_t seed, const int want[CLASSES], char taken[COUNT]) {
    ek_dataset *set = open_set(dtype), *part;
    ek_error err;
    char all[COUNT] = {0};
    int counts[CLASSES] = {0}, rest[CLASSES] = {0};
    if (ek_dataset_divide(set, fraction, seed, &part, &err) != EK_OK) fail_msg("%s", err.text);
    memset(taken, 0, COUNT);
    mark(part, dtype, taken, counts);
    memcpy(all, taken, sizeof all);
    mark(set, dtype, all, rest);
    for (int i = 0; i < COUNT; i++) assert_int_equal(all[i], 1);
    for (int c = 0; c < CLASSES; c++) assert_int_equal(counts[c], want[c]);
    assert_int_equal(ek_dataset_split(part), EK_SPLIT_VALIDATION);
    assert_int_equal(ek_dataset_describe(part).classes, CLASSES);
    assert_string_equal(ek_dataset_describe(part).class_names[2], "2");
    ek_dataset_close(set);
    ek_dataset_close(part);
}

static void test_shares(void **state) {
    (void)state;
    char a[COUNT], b[COUNT], c[COUNT];
    divide(EK_F32, 0.1, 1, (const int[CLASSES]){5, 3, 2, 0, 0}, a); /* 10 of 97: remainders 0, 0, 0.5, 0.1, 0.1 */
    divide(EK_U8, 0.1, 1, (const int[CLASSES]){5, 3, 2, 0, 0}, b);
    divide(EK_U8, 0.1, 2, (const int[CLASSES]){5, 3, 2, 0, 0}, c);
    assert_memory_equal(a, b, sizeof a);
    assert_memory_not_equal(a, c, sizeof a);
    divide(EK_U8, 0.5, 1, (const int[CLASSES]){25, 15, 8, 0, 0}, c);
    divide(EK_U8, 0.001, 1, (const int[CLASSES]){1, 0, 0, 0, 0}, c); /* remainders 0.05, 0.03, 0.015, 0.001 */
}

static void test_refused(void **state) {
    (void)state;
    ek_dataset *set = open_set(EK_U8), *part = set;
    const double wrong[] = {0, 1, -0.5, 2};
    ek_error err;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        assert_int_equal(ek_dataset_divide(set, wrong[i], 1, &part, &err), EK_ERR_ARG);
        assert_text(&err, "above 0 and below 1");
        assert_null(part);
    }
    assert_int_equal(ek_dataset_describe(set).count, COUNT);
    ek_dataset_close(set);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_shares, folder_setup, folder_teardown),
        cmocka_unit_test_setup_teardown(test_refused, folder_setup, folder_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
