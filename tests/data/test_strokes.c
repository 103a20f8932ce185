/* test_strokes.c: the built-in set is the same everywhere, balanced, and different between splits. */
#include "data_files.h"

#include "base/file.h"
#include "base/threads.h"
#include "data/dataset.h"

static uint32_t checksum(const ek_dataset *d) {
    size_t count = (size_t)d->info.count;
    uint32_t crc = eki_crc32c(0, d->pixels, count * d->example_values);
    return eki_crc32c(crc, d->labels, count * sizeof *d->labels);
}

static void test_counts(void **state) {
    (void)state;
    static const struct {
        const char *spec;
        int train, test;
    } rows[] = {{"builtin:strokes", 12000, 2000}, {"builtin:strokes:600", 600, 100}, {"builtin:strokes:1", 1, 1}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        for (int split = 0; split < 2; split++) {
            ek_dataset *d = open_good(rows[i].spec, (ek_split)split, NULL);
            ek_dataset_info info = ek_dataset_describe(d);
            assert_string_equal(info.kind, "strokes");
            assert_int_equal(info.count, split == 0 ? rows[i].train : rows[i].test);
            assert_int_equal(info.channels * 10000 + info.height * 100 + info.width, 12828);
            assert_int_equal(info.classes, 10);
            ek_dataset_close(d);
        }
    }
}

/* These numbers are part of the contract: results on the set can be compared between machines and versions. */
static void test_pinned(void **state) {
    (void)state;
    ek_dataset *train = open_good("builtin:strokes:500", EK_SPLIT_TRAIN, NULL);
    ek_dataset *test = open_good("builtin:strokes:3000", EK_SPLIT_TEST, NULL);
    assert_int_equal(checksum(train), 0x69248370);
    assert_int_equal(checksum(test), 0xb7dfcae8);
    ek_dataset_close(train);
    ek_dataset_close(test);
}

static void test_prefix_and_threads(void **state) {
    (void)state;
    ek_dataset_options o = {.struct_size = sizeof o, .limit = 300};
    ek_dataset *a = open_good("builtin:strokes:300", EK_SPLIT_TRAIN, NULL);
    int threads = eki_threads_get();
    eki_threads_set(1);
    ek_dataset *b = open_good("builtin:strokes", EK_SPLIT_TRAIN, &o);
    eki_threads_set(threads);
    ek_dataset *c = open_good("builtin:strokes:1800", EK_SPLIT_TEST, NULL);
    assert_int_equal(checksum(a), checksum(b));
    assert_int_not_equal(checksum(a), checksum(c));
    ek_dataset_close(a);
    ek_dataset_close(b);
    ek_dataset_close(c);
}

static void test_balance_and_ink(void **state) {
    (void)state;
    ek_dataset *d = open_good("builtin:strokes:1000", EK_SPLIT_TRAIN, NULL);
    int count[10] = {0};
    for (int64_t i = 0; i < 1000; i++) {
        float image[784], sum = 0;
        int32_t label;
        assert_int_equal(ek_dataset_read(d, i, image, &label, NULL), EK_OK);
        assert_in_range(label, 0, 9);
        count[label]++;
        for (int j = 0; j < 784; j++) sum += image[j];
        assert_true(sum > 10 && sum < 400);
    }
    for (int k = 0; k < 10; k++) assert_int_equal(count[k], 100);
    ek_dataset_close(d);
}

static void test_bad(void **state) {
    (void)state;
    open_bad("builtin:digits", EK_SPLIT_TRAIN, NULL, EK_ERR_ARG, "builtin:digits", "builtin:strokes", NULL);
    static const char *const bad[] = {"builtin:strokes:", "builtin:strokes:0", "builtin:strokes:-4",
                                      "builtin:strokes:12x", "builtin:strokes:99999999999999999999"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        open_bad(bad[i], EK_SPLIT_TRAIN, NULL, EK_ERR_ARG, bad[i], "from 1 to", NULL);
    }
    open_bad("builtin:strokesx", EK_SPLIT_TRAIN, NULL, EK_ERR_ARG, "no such built-in", NULL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_counts),
        cmocka_unit_test(test_pinned),
        cmocka_unit_test(test_prefix_and_threads),
        cmocka_unit_test(test_balance_and_ink),
        cmocka_unit_test(test_bad),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
