/* test_idx.c: IDX sets, plain and gzip, good and bad; real MNIST where it is present. */
#include "data_files.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { COUNT = 12, SIDE_Y = 5, SIDE_X = 4, IMAGE = SIDE_Y * SIDE_X };

static size_t make_header(unsigned char *to, int rank, const uint32_t *dims) {
    to[0] = to[1] = 0;
    to[2] = 8;
    to[3] = (unsigned char)rank;
    for (int i = 0; i < rank; i++) {
        for (int b = 0; b < 4; b++) to[4 + 4 * i + b] = (unsigned char)(dims[i] >> (24 - 8 * b));
    }
    return 4 + 4 * (size_t)rank;
}

/* Image i has pixel j = (7 i + j) mod 256 and label i mod 10. */
static size_t make_images(unsigned char *to, uint32_t count) {
    uint32_t dims[3] = {count, SIDE_Y, SIDE_X};
    size_t used = make_header(to, 3, dims);
    for (uint32_t i = 0; i < count; i++) {
        for (uint32_t j = 0; j < IMAGE; j++) to[used++] = (unsigned char)(7 * i + j);
    }
    return used;
}

static size_t make_labels(unsigned char *to, uint32_t count) {
    size_t used = make_header(to, 1, &count);
    for (uint32_t i = 0; i < count; i++) to[used++] = (unsigned char)(i % 10);
    return used;
}

typedef void (*put_fn)(const char *name, const void *data, size_t bytes);

static void put_pair(const char *images, const char *labels, put_fn put) {
    unsigned char data[1024];
    put(images, data, make_images(data, COUNT));
    put(labels, data, make_labels(data, COUNT));
}

static void put_train(void) { put_pair("set/train-images-idx3-ubyte", "set/train-labels-idx1-ubyte", put_file); }

static void check_set(ek_dataset *d, int64_t count) {
    ek_dataset_info info = ek_dataset_describe(d);
    assert_string_equal(info.kind, "idx");
    assert_int_equal(info.count, count);
    assert_int_equal(info.channels, 1);
    assert_int_equal(info.height, SIDE_Y);
    assert_int_equal(info.width, SIDE_X);
    assert_int_equal(info.classes, 10);
    assert_string_equal(info.class_names[9], "9");
    for (int64_t i = 0; i < count; i++) {
        float image[IMAGE];
        int32_t label;
        assert_int_equal(ek_dataset_read(d, i, image, &label, NULL), EK_OK);
        assert_int_equal(label, i % 10);
        for (int j = 0; j < IMAGE; j++) assert_true(image[j] == (float)((7 * i + j) & 255) / 255.0f);
    }
    ek_dataset_close(d);
}

static void test_plain_and_gzip(void **state) {
    (void)state;
    put_train();
    check_set(open_good(at("set"), EK_SPLIT_TRAIN, NULL), COUNT);
    put_pair("set/t10k-images-idx3-ubyte.gz", "set/t10k-labels.idx1-ubyte.gz", put_gzip);
    check_set(open_good(at("set"), EK_SPLIT_TEST, NULL), COUNT);
    ek_dataset_options o = {.struct_size = sizeof o, .limit = 5};
    check_set(open_good(at("set"), EK_SPLIT_TRAIN, &o), 5);
    check_set(open_good(at("set"), EK_SPLIT_TEST, &o), 5);
}

static void test_gzip_members(void **state) {
    (void)state;
    unsigned char data[1024];
    size_t n = make_images(data, COUNT), first, second;
    put_gzip("a.gz", data, 100);
    put_gzip("b.gz", data + 100, n - 100);
    unsigned char *a = get_file("a.gz", &first), *b = get_file("b.gz", &second);
    memcpy(data, a, first);
    memcpy(data + first, b, second);
    put_file("set/train-images-idx3-ubyte.gz", data, first + second);
    put_file("set/train-labels-idx1-ubyte", data, make_labels(data, COUNT));
    check_set(open_good(at("set"), EK_SPLIT_TRAIN, NULL), COUNT);
    free(a);
    free(b);
}

static void test_missing(void **state) {
    (void)state;
    open_bad(at("nowhere"), EK_SPLIT_TRAIN, NULL, EK_ERR_IO, "nowhere", "no such folder", "builtin:strokes", NULL);
    put_train();
    open_bad(at("set"), EK_SPLIT_TEST, NULL, EK_ERR_IO, "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte", ".gz",
             "put", NULL);
    remove_file("set/train-labels-idx1-ubyte");
    open_bad(at("set"), EK_SPLIT_TRAIN, NULL, EK_ERR_IO, "there is no train-labels-idx1-ubyte",
             "train-labels.idx1-ubyte.gz", NULL);
    make_folder("set/train-labels-idx1-ubyte");
    open_bad(at("set"), EK_SPLIT_TRAIN, NULL, EK_ERR_IO, "train-labels-idx1-ubyte", "folder", "regular file", NULL);
}

static void test_truncated_anywhere(void **state) {
    (void)state;
    unsigned char data[1024];
    size_t n = make_images(data, COUNT), packed;
    put_train();
    for (size_t cut = 0; cut < n; cut += cut < 24 ? 1 : 13) {
        put_file("set/train-images-idx3-ubyte", data, cut);
        open_bad(at("set"), EK_SPLIT_TRAIN, NULL, EK_ERR_FORMAT, "train-images-idx3-ubyte", "truncated", "again", NULL);
    }
    remove_file("set/train-images-idx3-ubyte");
    put_gzip("set/train-images-idx3-ubyte.gz", data, n);
    unsigned char *gz = get_file("set/train-images-idx3-ubyte.gz", &packed);
    for (size_t cut = 0; cut < packed; cut++) {
        put_file("set/train-images-idx3-ubyte.gz", gz, cut);
        open_bad(at("set"), EK_SPLIT_TRAIN, NULL, EK_ERR_FORMAT, "train-images-idx3-ubyte.gz", NULL);
    }
    free(gz);
}

static void test_trailing_junk(void **state) {
    (void)state;
    unsigned char data[1024];
    put_train();
    size_t n = make_images(data, COUNT), packed;
    data[n] = 0;
    put_file("set/train-images-idx3-ubyte", data, n + 1);
    open_bad(at("set"), EK_SPLIT_TRAIN, NULL, EK_ERR_FORMAT, "train-images", "after the end", NULL);
    remove_file("set/train-images-idx3-ubyte");
    put_gzip("set/train-images-idx3-ubyte.gz", data, n + 1);
    open_bad(at("set"), EK_SPLIT_TRAIN, NULL, EK_ERR_FORMAT, "train-images", "after the end", NULL);
    put_gzip("set/train-images-idx3-ubyte.gz", data, n);
    unsigned char *gz = get_file("set/train-images-idx3-ubyte.gz", &packed);
    gz[packed] = 'x'; /* get_file leaves room for one byte */
    put_file("set/train-images-idx3-ubyte.gz", gz, packed + 1);
    open_bad(at("set"), EK_SPLIT_TRAIN, NULL, EK_ERR_FORMAT, "train-images", "after the end", NULL);
    gz[packed - 6] ^= 1; /* the checksum */
    put_file("set/train-images-idx3-ubyte.gz", gz, packed);
    open_bad(at("set"), EK_SPLIT_TRAIN, NULL, EK_ERR_FORMAT, "train-images", "damaged gzip", NULL);
    free(gz);
}

static void test_wrong_magic(void **state) {
    (void)state;
    unsigned char data[1024];
    put_train();
    for (int byte = 0; byte < 4; byte++) {
        size_t n = make_images(data, COUNT);
        data[byte] ^= 4;
        put_file("set/train-images-idx3-ubyte", data, n);
        open_bad(at("set"), EK_SPLIT_TRAIN, NULL, EK_ERR_FORMAT, "train-images", "begins with", "expected 00 00 08 03",
                 NULL);
    }
    put_file("set/train-labels-idx1-ubyte", data, make_images(data, COUNT));
    open_bad(at("set"), EK_SPLIT_TRAIN, NULL, EK_ERR_FORMAT, "train-labels", "expected 00 00 08 01", NULL);
}

static void test_counts_and_labels(void **state) {
    (void)state;
    unsigned char data[1024];
    put_train();
    put_file("set/train-labels-idx1-ubyte", data, make_labels(data, COUNT - 1));
    open_bad(at("set"), EK_SPLIT_TRAIN, NULL, EK_ERR_FORMAT, "12 images", "11 labels", "belong together", NULL);
    size_t n = make_labels(data, COUNT);
    data[8 + 3] = 77;
    put_file("set/train-labels-idx1-ubyte", data, n);
    open_bad(at("set"), EK_SPLIT_TRAIN, NULL, EK_ERR_FORMAT, "train-labels", "label 77 at example 3", "0 to 9", NULL);
    put_train();
    put_pair("set/t10k-images-idx3-ubyte", "set/t10k-labels-idx1-ubyte", put_file);
    data[8 + 3] = 10;
    put_file("set/t10k-labels-idx1-ubyte", data, n);
    open_bad(at("set"), EK_SPLIT_TEST, NULL, EK_ERR_FORMAT, "t10k-labels", "label 10 at example 3", "0 to 9", NULL);
    put_file("set/train-labels-idx1-ubyte", data, n); /* now label 10 is one of eleven classes */
    ek_dataset *d = open_good(at("set"), EK_SPLIT_TEST, NULL);
    assert_int_equal(ek_dataset_describe(d).classes, 11);
    ek_dataset_close(d);
}

static void put_claim(const char *name, put_fn put, uint32_t count, uint32_t height, uint32_t width) {
    unsigned char data[64] = {0};
    uint32_t dims[3] = {count, height, width};
    put(name, data, make_header(data, 3, dims) + 20);
}

static void test_hostile_sizes(void **state) {
    (void)state;
    unsigned char data[1024];
    put_train();
    static const uint32_t claims[][3] = {{12, 0xffffffff, 0xffffffff}, {12, 0, 5}, {12, 65535, 65535}, {12, 1, 0}};
    for (size_t i = 0; i < sizeof claims / sizeof claims[0]; i++) {
        const uint32_t *c = claims[i];
        ek_dataset *d = NULL;
        ek_error err;
        put_claim("set/train-images-idx3-ubyte", put_file, c[0], c[1], c[2]);
        assert_int_not_equal(ek_dataset_open(at("set"), EK_SPLIT_TRAIN, NULL, &d, &err), EK_OK);
        assert_text(&err, "train-images-idx3-ubyte");
        remove_file("set/train-images-idx3-ubyte");
        put_claim("set/train-images-idx3-ubyte.gz", put_gzip, c[0], c[1], c[2]);
        assert_int_not_equal(ek_dataset_open(at("set"), EK_SPLIT_TRAIN, NULL, &d, &err), EK_OK);
        assert_text(&err, "train-images-idx3-ubyte.gz");
        remove_file("set/train-images-idx3-ubyte.gz");
    }
    put_file("set/train-images-idx3-ubyte", data, make_images(data, 0));
    put_file("set/train-labels-idx1-ubyte", data, make_labels(data, 0));
    open_bad(at("set"), EK_SPLIT_TRAIN, NULL, EK_ERR_FORMAT, "train-images", "no examples", NULL);
    put_train();
    ek_dataset_options o = {.struct_size = sizeof o, .max_bytes = 100};
    open_bad(at("set"), EK_SPLIT_TRAIN, &o, EK_ERR_LIMIT, "train-", "limit", NULL);
}

static void test_not_regular(void **state) {
    (void)state;
    put_train();
    remove_file("set/train-images-idx3-ubyte");
    assert_int_equal(mkfifo(at("set/train-images-idx3-ubyte"), 0666), 0);
    open_bad(at("set"), EK_SPLIT_TRAIN, NULL, EK_ERR_IO, "train-images", "pipe", NULL);
}

static void test_options(void **state) {
    (void)state;
    put_train();
    ek_dataset_options o = {.struct_size = 0};
    open_bad(at("set"), EK_SPLIT_TRAIN, &o, EK_ERR_ARG, "struct_size", "sizeof", NULL);
    o = (ek_dataset_options){.struct_size = sizeof o, .height = 8};
    open_bad(at("set"), EK_SPLIT_TRAIN, &o, EK_ERR_ARG, "give both", NULL);
    o = (ek_dataset_options){.struct_size = sizeof o, .limit = -1};
    open_bad(at("set"), EK_SPLIT_TRAIN, &o, EK_ERR_ARG, "limit", NULL);
    open_bad("", EK_SPLIT_TRAIN, NULL, EK_ERR_ARG, "empty", NULL);
    open_bad(at("set"), (ek_split)7, NULL, EK_ERR_ARG, "split", NULL);
    struct {
        ek_dataset_options o;
        uint64_t newer;
    } longer = {{.struct_size = sizeof longer}, 1};
    open_bad(at("set"), EK_SPLIT_TRAIN, &longer.o, EK_ERR_UNSUPPORTED, "does not know", NULL);
    longer.newer = 0;
    check_set(open_good(at("set"), EK_SPLIT_TRAIN, &longer.o), COUNT);
    o = (ek_dataset_options){.struct_size = offsetof(ek_dataset_options, limit), .limit = 3};
    check_set(open_good(at("set"), EK_SPLIT_TRAIN, &o), COUNT); /* an older, shorter struct: limit is not read */
    ek_dataset *d = open_good(at("set"), EK_SPLIT_TRAIN, NULL);
    ek_error err;
    assert_int_equal(ek_dataset_read(d, COUNT, NULL, NULL, &err), EK_ERR_ARG);
    assert_text(&err, "example 12 does not exist");
    assert_int_equal(ek_dataset_read(d, -1, NULL, NULL, NULL), EK_ERR_ARG);
    ek_dataset_close(d);
    ek_dataset_close(NULL);
}

static void test_mnist(void **state) {
    (void)state;
    const char *folder = EK_SOURCE_DIR "/../shared/data/mnist";
    struct stat info;
    if (stat(folder, &info) != 0) {
        print_message("skipped: MNIST is not in %s\n", folder);
        skip();
    }
    static const int counts[2] = {60000, 10000}, first[2] = {5, 7};
    for (int split = 0; split < 2; split++) {
        ek_dataset *d = open_good(folder, (ek_split)split, NULL);
        ek_dataset_info about = ek_dataset_describe(d);
        assert_int_equal(about.count, counts[split]);
        assert_int_equal(about.classes, 10);
        assert_int_equal(about.height, 28);
        int32_t label;
        assert_int_equal(ek_dataset_read(d, 0, NULL, &label, NULL), EK_OK);
        assert_int_equal(label, first[split]);
        float mean[EK_MAX_CHANNELS], std[EK_MAX_CHANNELS];
        assert_int_equal(ek_dataset_measure(d, 0, mean, std, NULL), EK_OK);
        assert_true(split == 1 || (mean[0] > 0.13065f && mean[0] < 0.13067f && std[0] > 0.3081f && std[0] < 0.3082f));
        ek_dataset_close(d);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, folder_setup, folder_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_plain_and_gzip),
        TEST(test_gzip_members),
        TEST(test_missing),
        TEST(test_truncated_anywhere),
        TEST(test_trailing_junk),
        TEST(test_wrong_magic),
        TEST(test_counts_and_labels),
        TEST(test_hostile_sizes),
        TEST(test_not_regular),
        TEST(test_options),
        TEST(test_mnist),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
