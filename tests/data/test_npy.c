/* test_npy.c: .npy files read and written, hostile headers, and sets made of a pair of them. */
#include "data_files.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A version 1.0 file with this dictionary and so many zero bytes after it. */
static void put_npy(const char *name, const char *dictionary, size_t bytes) {
    static unsigned char data[4096];
    size_t length = strlen(dictionary);
    memset(data, 0, sizeof data);
    memcpy(data, "\x93NUMPY\x01\x00", 8);
    data[8] = (unsigned char)(length & 255);
    data[9] = (unsigned char)(length >> 8);
    memcpy(data + 10, dictionary, length);
    put_file(name, data, 10 + length + bytes);
}

static void read_bad(ek_status status, const char *word, const char *remedy) {
    ek_npy a;
    ek_error err;
    ek_status found = ek_npy_read(at("x.npy"), &a, &err);
    if (found != status) fail_msg("%s, expected %s: %s", ek_status_name(found), ek_status_name(status), err.text);
    assert_text(&err, "x.npy");
    assert_text(&err, word);
    assert_text(&err, remedy);
    assert_null(a.data);
}

static void test_round_trip(void **state) {
    (void)state;
    static const struct {
        ek_dtype dtype;
        size_t bytes;
    } types[] = {{EK_F32, 4}, {EK_F64, 8}, {EK_F16, 2}, {EK_U8, 1},  {EK_I8, 1},  {EK_BOOL, 1},
                 {EK_I16, 2}, {EK_I32, 4}, {EK_I64, 8}, {EK_U16, 2}, {EK_U32, 4}, {EK_U64, 8}};
    unsigned char data[8 * 24];
    for (size_t i = 0; i < sizeof data; i++) data[i] = (unsigned char)(i * 37);
    const int64_t dims[EK_NPY_MAX_RANK] = {2, 3, 4, 1, 1, 1, 1, 1};
    for (size_t t = 0; t < sizeof types / sizeof types[0]; t++) {
        for (int rank = 0; rank <= EK_NPY_MAX_RANK; rank++) {
            ek_npy a;
            size_t count = rank == 0 ? 1 : rank == 1 ? 2 : rank == 2 ? 6 : 24;
            assert_int_equal(ek_npy_write(at("x.npy"), types[t].dtype, rank, dims, data, NULL), EK_OK);
            assert_int_equal(ek_npy_read(at("x.npy"), &a, NULL), EK_OK);
            assert_int_equal(a.dtype, types[t].dtype);
            assert_int_equal(a.rank, rank);
            assert_int_equal(a.bytes, count * types[t].bytes);
            assert_memory_equal(a.dims, dims, (size_t)rank * sizeof *dims);
            assert_memory_equal(a.data, data, a.bytes);
            ek_npy_free(&a);
            assert_null(a.data);
        }
    }
    ek_npy_free(NULL);
}

static void test_written_bytes(void **state) {
    (void)state;
    const float x[3] = {1, 2, 3};
    size_t bytes;
    assert_int_equal(ek_npy_write(at("x.npy"), EK_F32, 1, (const int64_t[]){3}, x, NULL), EK_OK);
    unsigned char *data = get_file("x.npy", &bytes);
    static const char start[] = "\x93NUMPY\x01\x00v\x00{'descr': '<f4', 'fortran_order': False, 'shape': (3,), }";
    assert_memory_equal(data, start, sizeof start - 1);
    assert_int_equal(bytes, 128 + sizeof x);
    assert_int_equal(data[127], '\n');
    free(data);
}

static void test_write_errors(void **state) {
    (void)state;
    ek_error err;
    const float x = 1;
    assert_int_equal(ek_npy_write(at("x.npy"), EK_BF16, 0, NULL, &x, &err), EK_ERR_DTYPE);
    assert_text(&err, "f32");
    assert_int_equal(ek_npy_write(at("x.npy"), EK_F32, 9, NULL, &x, &err), EK_ERR_SHAPE);
    assert_int_equal(ek_npy_write(at("x.npy"), EK_F32, 1, (const int64_t[]){-1}, &x, &err), EK_ERR_SHAPE);
    assert_int_equal(ek_npy_write(at("no/x.npy"), EK_F32, 0, NULL, &x, &err), EK_ERR_IO);
    assert_text(&err, "no/x.npy");
}

static void test_lenient_forms(void **state) {
    (void)state;
    static const char *const good[] = {
        "{\"shape\":(2,2),\"descr\":\"<f4\",\"fortran_order\":False}\n",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (4,), }      \n",
        "  {'descr': '<f4', 'shape': ( 2 , 2 , ), 'fortran_order': False}",
        "{'descr': '|u1', 'fortran_order': False, 'shape': (16,)}",
        "{'descr': '<i8', 'fortran_order': False, 'shape': (2,), }",
    };
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        ek_npy a;
        ek_error err = {EK_OK, ""};
        put_npy("x.npy", good[i], 16);
        if (ek_npy_read(at("x.npy"), &a, &err) != EK_OK) fail_msg("%s: %s", good[i], err.text);
        assert_int_equal(a.bytes, 16);
        ek_npy_free(&a);
    }
    put_npy("x.npy", "{'descr': '<f4', 'fortran_order': False, 'shape': (0, 9223372036854775807)}", 0);
    ek_npy a;
    assert_int_equal(ek_npy_read(at("x.npy"), &a, NULL), EK_OK);
    assert_int_equal(a.bytes, 0);
    ek_npy_free(&a);
}

static void test_hostile_headers(void **state) {
    (void)state;
#define HEAD "{'descr': '<f4', 'fortran_order': False, 'shape': "
    static const struct {
        const char *dictionary;
        ek_status status;
        const char *word, *remedy;
    } bad[] = {
        {"", EK_ERR_FORMAT, "expected {", "numpy.save"},
        {"__import__('os').system('true')", EK_ERR_FORMAT, "expected {", "numpy.save"},
        {"{'descr': __import__('os'), 'fortran_order': False, 'shape': (4,)}", EK_ERR_FORMAT, "quoted", "numpy.save"},
        {"{'descr': '<f4', 'fortran_order': False}", EK_ERR_FORMAT, "'shape'", "numpy.save"},
        {HEAD "(4,), 'shape': (4,)}", EK_ERR_FORMAT, "once", "numpy.save"},
        {HEAD "(4,), 'more': 1}", EK_ERR_FORMAT, "only", "numpy.save"},
        {HEAD "(4,)} and more", EK_ERR_FORMAT, "nothing after", "numpy.save"},
        {HEAD "(-4,)}", EK_ERR_FORMAT, "number", "numpy.save"},
        {HEAD "(4.0,)}", EK_ERR_FORMAT, ", or )", "numpy.save"},
        {HEAD "(4", EK_ERR_FORMAT, ", or )", "numpy.save"},
        {HEAD "(", EK_ERR_FORMAT, "number", "numpy.save"},
        {HEAD "[4]}", EK_ERR_FORMAT, "( of", "numpy.save"},
        {"{'descr': '<f4", EK_ERR_FORMAT, "closing quote", "numpy.save"},
        {"{'descr': '<f4\x1b[31m', 'fortran_order': False, 'shape': (4,)}", EK_ERR_FORMAT, "plain string",
         "numpy.save"},
        {"{'descr': '<f4', 'fortran_order': Maybe, 'shape': (4,)}", EK_ERR_FORMAT, "True or False", "numpy.save"},
        {HEAD "(99999999999999999999,)}", EK_ERR_LIMIT, "64 bits", "shape"},
        {HEAD "(4294967296, 4294967296)}", EK_ERR_LIMIT, "multiply", "memory"},
        {HEAD "(4611686018427387904,)}", EK_ERR_LIMIT, "multiply", "memory"},
        {HEAD "(1,1,1,1,1,1,1,1,1)}", EK_ERR_LIMIT, "8 dimensions", "reshape"},
        {HEAD "(1000000000,)}", EK_ERR_FORMAT, "truncated", "again"},
        {HEAD "(3,)}", EK_ERR_FORMAT, "after the end", "again"},
        {"{'descr': '<f4', 'fortran_order': True, 'shape': (2,2)}", EK_ERR_UNSUPPORTED, "Fortran", "ascontiguousarray"},
        {"{'descr': '>f4', 'fortran_order': False, 'shape': (4,)}", EK_ERR_DTYPE, "big-endian", "astype('<f4')"},
        {"{'descr': '|O', 'fortran_order': False, 'shape': (4,)}", EK_ERR_DTYPE, "Python objects", "astype"},
        {"{'descr': '<U4', 'fortran_order': False, 'shape': (1,)}", EK_ERR_DTYPE, "<U4", "astype"},
        {"{'descr': '<c8', 'fortran_order': False, 'shape': (2,)}", EK_ERR_DTYPE, "<c8", "astype"},
        {"{'descr': '', 'fortran_order': False, 'shape': (2,)}", EK_ERR_DTYPE, "''", "astype"},
        {"{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (4,)}", EK_ERR_DTYPE, "records", "one field"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        put_npy("x.npy", bad[i].dictionary, 16);
        read_bad(bad[i].status, bad[i].word, bad[i].remedy);
    }
}

static void test_damaged_files(void **state) {
    (void)state;
    const double x[5] = {1, 2, 3, 4, 5};
    size_t bytes;
    assert_int_equal(ek_npy_write(at("x.npy"), EK_F64, 1, (const int64_t[]){5}, x, NULL), EK_OK);
    unsigned char *data = get_file("x.npy", &bytes);
    for (size_t cut = 0; cut < bytes; cut++) {
        put_file("x.npy", data, cut);
        read_bad(EK_ERR_FORMAT, "truncated", "again");
    }
    data[1] = 'X';
    put_file("x.npy", data, bytes);
    read_bad(EK_ERR_FORMAT, "does not begin", ".npy");
    memcpy(data, "PK\x03\x04", 4);
    put_file("x.npy", data, bytes);
    read_bad(EK_ERR_FORMAT, ".npz", "unzip");
    memcpy(data, "\x93NUMPY\x04", 7);
    put_file("x.npy", data, bytes);
    read_bad(EK_ERR_UNSUPPORTED, "version 4.0", "1.0");
    data[6] = 2; /* a length of four bytes, of which two are text: far too long */
    put_file("x.npy", data, bytes);
    read_bad(EK_ERR_LIMIT, "header", "at most");
    put_gzip("x.npy", data, bytes);
    read_bad(EK_ERR_FORMAT, "gzip", "unpack");
    remove_file("x.npy");
    read_bad(EK_ERR_IO, "cannot open", "No such file");
    free(data);
}

static void put_array(const char *name, ek_dtype dtype, int rank, const int64_t *dims, const void *data) {
    assert_int_equal(ek_npy_write(at(name), dtype, rank, dims, data, NULL), EK_OK);
}

static const char *pair(const char *images, const char *labels) {
    static char spec[2100];
    (void)snprintf(spec, sizeof spec, "%s,%s", at(images), at(labels));
    return spec;
}

static void test_pair(void **state) {
    (void)state;
    unsigned char u8[3 * 2 * 2 * 2];
    float f32[3 * 2 * 2], image[8];
    for (int i = 0; i < 24; i++) u8[i] = (unsigned char)(i * 10);
    for (int i = 0; i < 12; i++) f32[i] = (float)i - 4.5f;
    put_array("u8.npy", EK_U8, 4, (const int64_t[]){3, 2, 2, 2}, u8);
    put_array("f32.npy", EK_F32, 3, (const int64_t[]){3, 2, 2}, f32);
    put_array("i64.npy", EK_I64, 1, (const int64_t[]){3}, (const int64_t[]){2, 0, 6});
    put_array("i1.npy", EK_I8, 1, (const int64_t[]){3}, (const signed char[]){2, 0, 6});
    for (int split = 0; split < 2; split++) {
        int32_t label;
        ek_dataset *d = open_good(pair("u8.npy", "i64.npy"), (ek_split)split, NULL);
        ek_dataset_info info = ek_dataset_describe(d);
        assert_string_equal(info.kind, "npy");
        assert_int_equal(info.channels, 2);
        assert_int_equal(info.classes, 7);
        assert_int_equal(ek_dataset_read(d, 2, image, &label, NULL), EK_OK);
        assert_int_equal(label, 6);
        assert_true(image[7] == 230.0f / 255.0f);
        ek_dataset_close(d);
        d = open_good(pair("f32.npy", "i1.npy"), (ek_split)split, NULL);
        assert_int_equal(ek_dataset_describe(d).channels, 1);
        assert_int_equal(ek_dataset_read(d, 1, image, &label, NULL), EK_OK);
        assert_true(image[3] == 2.5f && label == 0);
        ek_dataset_close(d);
    }
}

static void test_pair_bad(void **state) {
    (void)state;
    const unsigned char zero[64] = {0};
    put_array("x.npy", EK_U8, 3, (const int64_t[]){3, 2, 2}, zero);
    put_array("y.npy", EK_I64, 1, (const int64_t[]){3}, (const int64_t[]){2, -1, 6});
    open_bad(at("x.npy"), EK_SPLIT_TRAIN, NULL, EK_ERR_ARG, "images.npy,labels.npy", NULL);
    open_bad(pair("x.npy", "no.npy"), EK_SPLIT_TRAIN, NULL, EK_ERR_IO, "no.npy", "cannot open", NULL);
    open_bad(pair("x.npy", "y.npy"), EK_SPLIT_TRAIN, NULL, EK_ERR_FORMAT, "y.npy", "label -1 at example 1", NULL);
    put_array("y.npy", EK_I64, 1, (const int64_t[]){3}, (const int64_t[]){2, 1, (int64_t)1 << 40});
    open_bad(pair("x.npy", "y.npy"), EK_SPLIT_TRAIN, NULL, EK_ERR_FORMAT, "y.npy", "example 2", NULL);
    put_array("y.npy", EK_U8, 1, (const int64_t[]){4}, zero);
    open_bad(pair("x.npy", "y.npy"), EK_SPLIT_TRAIN, NULL, EK_ERR_SHAPE, "3 images", "4 labels", NULL);
    put_array("y.npy", EK_F32, 1, (const int64_t[]){3}, zero);
    open_bad(pair("x.npy", "y.npy"), EK_SPLIT_TRAIN, NULL, EK_ERR_DTYPE, "y.npy", "astype('int64')", NULL);
    put_array("y.npy", EK_U8, 3, (const int64_t[]){3, 1, 1}, zero);
    open_bad(pair("x.npy", "y.npy"), EK_SPLIT_TRAIN, NULL, EK_ERR_SHAPE, "y.npy", "[N]", NULL);
    put_array("y.npy", EK_U8, 1, (const int64_t[]){3}, zero);
    put_array("x.npy", EK_F64, 3, (const int64_t[]){3, 2, 1}, zero);
    open_bad(pair("x.npy", "y.npy"), EK_SPLIT_TRAIN, NULL, EK_ERR_DTYPE, "x.npy", "astype('float32')", NULL);
    put_array("x.npy", EK_U8, 2, (const int64_t[]){3, 2}, zero);
    open_bad(pair("x.npy", "y.npy"), EK_SPLIT_TRAIN, NULL, EK_ERR_SHAPE, "x.npy", "[N,C,H,W]", NULL);
    put_array("x.npy", EK_U8, 4, (const int64_t[]){3, 5, 1, 3}, zero);
    open_bad(pair("x.npy", "y.npy"), EK_SPLIT_TRAIN, NULL, EK_ERR_SHAPE, "x.npy", "transpose(0,3,1,2)", NULL);
    put_array("x.npy", EK_U8, 3, (const int64_t[]){3, 0, 2}, zero);
    open_bad(pair("x.npy", "y.npy"), EK_SPLIT_TRAIN, NULL, EK_ERR_SHAPE, "x.npy", "0 x 2", NULL);
}

static void check_columns(ek_dtype dtype, const void *data) {
    put_array("y.npy", dtype, 2, (const int64_t[]){3, 3}, data);
    ek_dataset *d = open_good(pair("x.npy", "y.npy"), EK_SPLIT_TRAIN, NULL);
    assert_int_equal(ek_dataset_split(d), EK_SPLIT_ALL);
    assert_int_equal(ek_dataset_describe(d).classes, 3);
    assert_non_null(strstr(ek_dataset_note(d), "one-hot"));
    for (int i = 0; i < 3; i++) {
        int32_t label;
        assert_int_equal(ek_dataset_read(d, i, NULL, &label, NULL), EK_OK);
        assert_int_equal(label, i == 2 ? 0 : i);
    }
    ek_dataset_close(d);
}

static void test_one_hot(void **state) {
    (void)state;
    const unsigned char zero[64] = {0}, bytes[9] = {1, 0, 0, 0, 1, 0, 1, 0, 0};
    float floats[9];
    double doubles[9];
    for (int i = 0; i < 9; i++) doubles[i] = floats[i] = bytes[i];
    put_array("x.npy", EK_U8, 3, (const int64_t[]){3, 2, 2}, zero);
    check_columns(EK_U8, bytes);
    check_columns(EK_F32, floats);
    check_columns(EK_F64, doubles);
    static const float wrong[] = {0, 2, -1, 0.5f, NAN};
    for (int i = 0; i < 5; i++) {
        floats[4] = wrong[i];
        put_array("y.npy", EK_F32, 2, (const int64_t[]){3, 3}, floats);
        open_bad(pair("x.npy", "y.npy"), EK_SPLIT_TRAIN, NULL, EK_ERR_FORMAT, "y.npy", "row 1", "argmax(axis=1)", NULL);
    }
    floats[4] = floats[5] = 1;
    put_array("y.npy", EK_F32, 2, (const int64_t[]){3, 3}, floats);
    open_bad(pair("x.npy", "y.npy"), EK_SPLIT_TRAIN, NULL, EK_ERR_FORMAT, "y.npy", "row 1", "argmax(axis=1)", NULL);
    put_array("y.npy", EK_I64, 2, (const int64_t[]){3, 1}, (const int64_t[]){2, 0, 1}); /* a column of numbers */
    ek_dataset *d = open_good(pair("x.npy", "y.npy"), EK_SPLIT_TRAIN, NULL);
    assert_int_equal(ek_dataset_describe(d).classes, 3);
    assert_null(ek_dataset_note(d));
    ek_dataset_close(d);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, folder_setup, folder_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_round_trip),    TEST(test_written_bytes),   TEST(test_write_errors),
        TEST(test_lenient_forms), TEST(test_hostile_headers), TEST(test_damaged_files),
        TEST(test_pair),          TEST(test_pair_bad),        TEST(test_one_hot),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
