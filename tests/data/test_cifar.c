/* test_cifar.c: CIFAR-10 binary files, good and bad. */
#include "data_files.h"

#include <stdlib.h>
#include <string.h>

enum { PIXELS = 3072, RECORD = 3073, MOST = 8 };

/* Record i: label (first + i) mod 10, pixel j = (31 (first + i) + j) mod 256. */
static void put_records(const char *name, int first, int count) {
    static unsigned char data[MOST * RECORD];
    for (int i = 0; i < count; i++) {
        unsigned char *record = data + (size_t)i * RECORD;
        record[0] = (unsigned char)((first + i) % 10);
        for (int j = 0; j < PIXELS; j++) record[1 + j] = (unsigned char)(31 * (first + i) + j);
    }
    put_file(name, data, (size_t)count * RECORD);
}

static void check_set(ek_dataset *d, int first, int64_t count) {
    static float image[PIXELS];
    ek_dataset_info info = ek_dataset_describe(d);
    assert_string_equal(info.kind, "cifar10");
    assert_int_equal(info.count, count);
    assert_int_equal(info.channels, 3);
    assert_int_equal(info.classes, 10);
    for (int i = 0; i < count; i++) {
        int32_t label;
        assert_int_equal(ek_dataset_read(d, i, image, &label, NULL), EK_OK);
        assert_int_equal(label, (first + i) % 10);
        for (int j = 0; j < PIXELS; j++) assert_true(image[j] == (float)((31 * (first + i) + j) & 255) / 255.0f);
    }
}

static void test_good(void **state) {
    (void)state;
    put_records("c/data_batch_1.bin", 0, 4);
    put_records("c/data_batch_2.bin", 4, 3);
    put_records("c/test_batch.bin", 50, 5);
    ek_dataset *d = open_good(at("c"), EK_SPLIT_TRAIN, NULL);
    check_set(d, 0, 7);
    assert_string_equal(ek_dataset_describe(d).class_names[6], "frog");
    ek_dataset_close(d);
    d = open_good(at("c"), EK_SPLIT_TEST, NULL);
    check_set(d, 50, 5);
    ek_dataset_close(d);
    ek_dataset_options o = {.struct_size = sizeof o, .limit = 5};
    d = open_good(at("c"), EK_SPLIT_TRAIN, &o);
    check_set(d, 0, 5);
    ek_dataset_close(d);
}

static void test_names(void **state) {
    (void)state;
    put_records("c/test_batch.bin", 0, 2);
    put_text("c/batches.meta.txt", "a\nb\r\nc\nd\ne\nf\ng\nh\ni\nj\n\n");
    ek_dataset *d = open_good(at("c"), EK_SPLIT_TEST, NULL);
    assert_string_equal(ek_dataset_describe(d).class_names[1], "b");
    assert_string_equal(ek_dataset_describe(d).class_names[9], "j");
    ek_dataset_close(d);
    put_text("c/batches.meta.txt", "a\nb\n");
    open_bad(at("c"), EK_SPLIT_TEST, NULL, EK_ERR_FORMAT, "batches.meta.txt", "ten class names", NULL);
    put_text("c/batches.meta.txt", "a\nb\nc\nd\ne\nf\ng\nh\ni\nj\nk\n");
    open_bad(at("c"), EK_SPLIT_TEST, NULL, EK_ERR_FORMAT, "batches.meta.txt", "ten class names", NULL);
}

static void test_bad(void **state) {
    (void)state;
    put_records("c/data_batch_1.bin", 0, 2);
    open_bad(at("c"), EK_SPLIT_TEST, NULL, EK_ERR_IO, "no test_batch.bin", "put", NULL);
    put_records("c/data_batch_3.bin", 0, 2);
    open_bad(at("c"), EK_SPLIT_TRAIN, NULL, EK_ERR_IO, "no data_batch_2.bin", NULL);
    size_t bytes;
    unsigned char *data = get_file("c/data_batch_1.bin", &bytes);
    for (size_t cut = 0; cut < bytes; cut += 439) {
        if (cut == RECORD) continue;
        put_file("c/test_batch.bin", data, cut);
        open_bad(at("c"), EK_SPLIT_TEST, NULL, EK_ERR_FORMAT, "test_batch.bin", "multiple of 3073", "again", NULL);
    }
    put_gzip("c/test_batch.bin", data, bytes);
    open_bad(at("c"), EK_SPLIT_TEST, NULL, EK_ERR_FORMAT, "test_batch.bin", "gzip", "unpack", NULL);
    data[RECORD] = 10;
    put_file("c/test_batch.bin", data, bytes);
    open_bad(at("c"), EK_SPLIT_TEST, NULL, EK_ERR_FORMAT, "test_batch.bin", "label 10 at record 1", "0 to 9", NULL);
    free(data);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, folder_setup, folder_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {TEST(test_good), TEST(test_names), TEST(test_bad)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
