/* test_table_columns.c: tables of numbers, several labels, columns that are named; what is wrong, by line. */
#include "data_files.h"

#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A gray image of one colour. */
static void put_flat(const char *name, int value) {
    unsigned char pixels[4];
    memset(pixels, value, sizeof pixels);
    put_png(name, &(picture){.width = 2, .height = 2, .channels = 1, .bits = 8, .pixels = pixels});
}

static void put_images(const char *folder) {
    for (int i = 1; i <= 4; i++) {
        char name[64];
        snprintf(name, sizeof name, "%s/%d.png", folder, i);
        put_flat(name, 10 * i);
    }
}

static ek_dataset_options with(const ek_column_array *columns, size_t count) {
    return (ek_dataset_options){
        .struct_size = sizeof(ek_dataset_options), .columns = columns, .column_count = count, .columns_only = 1};
}

static double value_at(ek_dtype dtype, const void *data, size_t i) {
    switch (dtype) {
    case EK_F32: return (double)((const float *)data)[i];
    case EK_I64: return (double)((const int64_t *)data)[i];
    case EK_I32: return ((const int32_t *)data)[i];
    case EK_I16: return ((const int16_t *)data)[i];
    default: return ((const unsigned char *)data)[i];
    }
}

/* The rows of an array, "1 2; 3 4". */
static void expect_array(const ek_dataset *d, size_t index, const char *name, ek_dtype dtype, const char *rows) {
    char text[512] = "";
    ek_batch_array a = ek_dataset_array(d, index);
    assert_string_equal(a.name, name);
    assert_int_equal(a.dtype, dtype);
    size_t each = 1;
    for (int i = 1; i < a.rank; i++) each *= (size_t)a.dims[i];
    for (int64_t r = 0; r < a.dims[0]; r++) {
        int64_t row[64];
        assert_true(each <= 64);
        assert_int_equal(ek_dataset_read_array(d, index, r, row, NULL), EK_OK);
        for (size_t i = 0; i < each; i++)
            snprintf(text + strlen(text), sizeof text - strlen(text), "%s%g",
                     i > 0   ? " "
                     : r > 0 ? "; "
                             : "",
                     value_at(dtype, row, i));
    }
    assert_string_equal(text, rows);
}

static void expect_classes(const ek_dataset *d, ek_labels labels, const char *classes) {
    char text[256] = "";
    ek_dataset_info info = ek_dataset_describe(d);
    assert_int_equal(ek_dataset_labels(d), labels);
    for (int i = 0; i < info.classes; i++)
        snprintf(text + strlen(text), sizeof text - strlen(text), "%s%s", i > 0 ? "," : "", info.class_names[i]);
    assert_string_equal(text, classes);
}

static void test_numbers(void **state) {
    (void)state;
    static const ek_column_array columns[] = {{.name = "x", .columns = "a,b"},
                                              {.name = "y", .columns = "c", .use = EK_COLUMN_NUMBERS}};
    ek_dataset_options o = with(columns, 2);
    put_text("t.csv", "id,b,a,c\nx1,1.5,-2e3,7\nx2,TRUE,0.25,\"8\"\n");
    ek_dataset *d = open_good(at("t.csv"), EK_SPLIT_TRAIN, &o);
    assert_int_equal(ek_dataset_describe(d).count, 2);
    assert_int_equal(ek_dataset_describe(d).channels, 0);
    expect_classes(d, EK_LABELS_NUMBERS, "c");
    expect_array(d, 0, "y", EK_F32, "7; 8");
    expect_array(d, 1, "x", EK_F32, "-2000 1.5; 0.25 1");
    ek_dataset_close(d);
}

/* What a host program's language writes numbers with does not matter. */
static void test_language(void **state) {
    (void)state;
    static const ek_column_array columns[] = {{.name = "x", .columns = "a"},
                                              {.name = "y", .columns = "b", .use = EK_COLUMN_NUMBERS}};
    ek_dataset_options o = with(columns, 2);
    const char *there = setlocale(LC_NUMERIC, "de_DE.UTF-8");
    put_text("t.csv", "a,b\n1.5,2.5\n");
    ek_dataset *d = open_good(at("t.csv"), EK_SPLIT_TRAIN, &o);
    (void)setlocale(LC_NUMERIC, "C");
    expect_array(d, 1, "x", EK_F32, "1.5");
    ek_dataset_close(d);
    if (there == NULL) print_message("no language with a decimal comma here\n");
}

static void test_patterns(void **state) {
    (void)state;
    static const ek_column_array columns[] = {{.name = "x", .columns = "p*,z", .dtype = EK_I64},
                                              {.name = "y", .columns = "p2", .use = EK_COLUMN_CLASS}};
    ek_dataset_options o = with(columns, 2);
    put_text("t.csv", "p1,p2,p3,z,split\n1,b,2,3,train\n4,a,5,6,train\n7,a,8,9,val\n");
    ek_dataset *d = open_good(at("t.csv"), EK_SPLIT_TRAIN, &o);
    expect_classes(d, EK_LABELS_CLASS, "a,b");
    expect_array(d, 0, "y", EK_I32, "1; 0");
    expect_array(d, 1, "x", EK_I64, "1 2 3; 4 5 6");
    ek_dataset_close(d);
    static const ek_column_array all[] = {{.name = "x", .columns = "*"},
                                          {.name = "y", .columns = "p2", .use = EK_COLUMN_CLASS}};
    o = with(all, 2);
    d = open_good(at("t.csv"), EK_SPLIT_VALIDATION, &o);
    expect_array(d, 0, "y", EK_I32, "0");
    expect_array(d, 1, "x", EK_F32, "7 8 9");
    ek_dataset_close(d);
}

static void expect_several(const char *table, const char *classes, const char *rows) {
    put_text("f/labels.csv", table);
    ek_dataset *d = open_good(at("f"), EK_SPLIT_TRAIN, NULL);
    expect_classes(d, EK_LABELS_SEVERAL, classes);
    expect_array(d, 0, "target", EK_F32, rows);
    ek_dataset_close(d);
}

static void test_several(void **state) {
    (void)state;
    put_images("f");
    expect_several("path,labels\n1.png,b|a\n2.png,\n3.png, a | c d \n", "a,b,c d", "1 1 0; 0 0 0; 1 0 1");
    expect_several("image_name,tags\n1.png,haze primary\n2.png,primary\n3.png,  haze  haze \n", "haze,primary",
                   "1 1; 0 1; 1 0");
    expect_several("path,labels\n1.png,\"b, a\"\n2.png,c\n", "a,b,c", "1 1 0; 0 0 1");
    expect_several("path;labels\n1.png;\"x;y\"\n2.png;y\n", "x,y", "1 1; 0 1");
    put_text("f/labels.csv", "path,labels,split\n1.png,a b,train\n2.png,b,val\n");
    ek_dataset *d = open_good(at("f"), EK_SPLIT_VALIDATION, NULL);
    expect_classes(d, EK_LABELS_SEVERAL, "a,b");
    expect_array(d, 0, "target", EK_F32, "0 1");
    ek_dataset_close(d);
    expect_several("path,labels\n1.png,0|3\n2.png,1\n", "0,1,2,3", "1 0 0 1; 0 1 0 0");
}

/* Columns of 0 and 1, one column of them, one class among columns, two targets. */
static void test_flags(void **state) {
    (void)state;
    static const ek_column_array several[] = {{.name = "t", .columns = "cat,dog", .use = EK_COLUMN_LABELS}};
    static const ek_column_array one[] = {{.name = "t", .columns = "cat", .use = EK_COLUMN_LABELS}};
    static const ek_column_array class[] = {{.name = "target", .columns = "cat,dog", .use = EK_COLUMN_CLASS}};
    static const ek_column_array two[] = {{.name = "a", .columns = "kind", .use = EK_COLUMN_CLASS},
                                          {.name = "b", .columns = "size", .use = EK_COLUMN_NUMBERS}};
    put_images("f");
    put_text("f/t.csv", "file,cat,dog,kind,size\n1.png,1,0,x,0.5\n2.png,False,true,w,2\n");
    ek_dataset_options o = with(several, 1);
    ek_dataset *d = open_good(at("f/t.csv"), EK_SPLIT_TRAIN, &o);
    expect_classes(d, EK_LABELS_SEVERAL, "cat,dog");
    expect_array(d, 0, "t", EK_F32, "1 0; 0 1");
    ek_dataset_close(d);
    o = with(one, 1);
    d = open_good(at("f/t.csv"), EK_SPLIT_TRAIN, &o);
    expect_classes(d, EK_LABELS_SEVERAL, "cat");
    expect_array(d, 0, "t", EK_F32, "1; 0");
    ek_dataset_close(d);
    o = with(class, 1);
    d = open_good(at("f/t.csv"), EK_SPLIT_TRAIN, &o);
    expect_classes(d, EK_LABELS_CLASS, "cat,dog");
    int32_t label;
    assert_int_equal(ek_dataset_read(d, 1, NULL, &label, NULL), EK_OK);
    assert_int_equal(label, 1);
    assert_int_equal(ek_dataset_array_count(d), 0);
    ek_dataset_close(d);
    o = with(two, 2);
    d = open_good(at("f/t.csv"), EK_SPLIT_TRAIN, &o);
    expect_classes(d, EK_LABELS_CLASS, "w,x");
    expect_array(d, 0, "a", EK_I32, "1; 0");
    expect_array(d, 1, "b", EK_F32, "0.5; 2");
    ek_dataset_close(d);
}

/* The training table has the classes; a part of the examples keeps its rows. */
static void test_parts(void **state) {
    (void)state;
    static const ek_column_array columns[] = {{.name = "x", .columns = "x"},
                                              {.name = "target", .columns = "y", .use = EK_COLUMN_CLASS}};
    ek_dataset_options o = with(columns, 2);
    char text[512] = "x,y\n";
    for (int i = 0; i < 12; i++) snprintf(text + strlen(text), 32, "%d,%s\n", i, i % 3 == 0 ? "b" : "a");
    put_text("s/train.csv", text);
    put_text("s/test.csv", "y,x\na,100\n");
    ek_dataset *d = open_good(at("s"), EK_SPLIT_TRAIN, &o), *part = NULL;
    assert_int_equal(ek_dataset_divide(d, 0.5, 3, &part, NULL), EK_OK);
    const ek_dataset *both[] = {d, part};
    int seen = 0;
    for (int k = 0; k < 2; k++) {
        int b = 0;
        assert_int_equal(ek_dataset_describe(both[k]).count, 6);
        for (int64_t i = 0; i < 6; i++) {
            int32_t y;
            float x;
            assert_int_equal(ek_dataset_read_array(both[k], 0, i, &y, NULL), EK_OK);
            assert_int_equal(ek_dataset_read_array(both[k], 1, i, &x, NULL), EK_OK);
            assert_int_equal(y, (int)x % 3 == 0);
            seen |= 1 << (int)x;
            b += y;
        }
        assert_int_equal(b, 2); /* of each class alike */
    }
    assert_int_equal(seen, 0xfff);
    ek_dataset_close(part);
    ek_dataset_close(d);
    d = open_good(at("s"), EK_SPLIT_TEST, &o);
    expect_classes(d, EK_LABELS_CLASS, "a,b");
    expect_array(d, 1, "x", EK_F32, "100");
    ek_dataset_close(d);
    o.limit = 3; /* evenly spread */
    d = open_good(at("s"), EK_SPLIT_TRAIN, &o);
    expect_array(d, 1, "x", EK_F32, "0; 4; 8");
    ek_dataset_close(d);
}

static void bad(const char *text, const char *inputs, ek_column_use use, const char *targets, ek_status status,
                const char *word, const char *other) {
    const ek_column_array columns[] = {{.name = "x", .columns = inputs},
                                       {.name = "target", .columns = targets, .use = use}};
    ek_dataset_options o = with(inputs != NULL ? columns : columns + 1, inputs != NULL ? 2 : 1);
    put_text("f/t.csv", text);
    open_bad(at("f/t.csv"), EK_SPLIT_TRAIN, &o, status, "t.csv", word, other, NULL);
}

static void test_wrong(void **state) {
    (void)state;
    const ek_column_use numbers = EK_COLUMN_NUMBERS, labels = EK_COLUMN_LABELS, class = EK_COLUMN_CLASS;
    put_images("f");
    bad("a,b\n1,2\n", "a,c", numbers, "b", EK_ERR_ARG, "has no column 'c' (input)", "are: a, b");
    bad("a,b\n1,2\n", "a", numbers, "c", EK_ERR_ARG, "has no column 'c' (target)", "are: a, b");
    bad("a,b\n1,2\n", "a", numbers, "q*", EK_ERR_ARG, "no column like 'q*'", "are: a, b");
    bad("a,b\n1,2\n", "a,", numbers, "b", EK_ERR_ARG, "is no list of columns", "input");
    bad("a,b\n1,2\n", "a,a", numbers, "b", EK_ERR_ARG, "twice the column 'a'", "input");
    bad("a,b\n1,2\n", "a,b", numbers, "b", EK_ERR_ARG, "two uses for the column 'b'", "input");
    bad("a,b,a\n1,2,3\n", "a", numbers, "b", EK_ERR_ARG, "has two columns 'a'", "input");
    bad("a,b\n1,2\n,3\n", "a", numbers, "b", EK_ERR_FORMAT, "line 3: 'a' is missing (empty)", "remove the row");
    bad("a,b\n1,2\n1,NaN\n", "a", numbers, "b", EK_ERR_FORMAT, "line 3: 'b' is missing ('NaN')", "fill it in");
    bad("a,b\n1,N/A\n", "a", numbers, "b", EK_ERR_FORMAT, "line 2: 'b' is missing", "N/A");
    bad("a,b\n1,x\n", "a", numbers, "b", EK_ERR_FORMAT, "line 2: b is 'x', which is no number", "");
    bad("a;b\n1,5;2\n", "a", numbers, "b", EK_ERR_FORMAT, "line 2: a is '1,5', which is no number", "");
    bad("a,b\n1,2e99\n", "a", numbers, "b", EK_ERR_FORMAT, "line 2: b is '2e99'", "float32");
    bad("a,b\n1,0x10\n", "a", numbers, "b", EK_ERR_FORMAT, "'0x10'", "no number");
    bad("a,b\n1,inf\n", "a", numbers, "b", EK_ERR_FORMAT, "'inf'", "no number");
    bad("a,b\n1,1-2\n", "a", numbers, "b", EK_ERR_FORMAT, "'1-2'", "no number");
    bad("a,b\n1,2\n\n1,2,3\n", "a", numbers, "b", EK_ERR_FORMAT, "line 4", "3 fields, but the header has 2");
    bad("a,b,c\n1,1,2\n", "a", labels, "b,c", EK_ERR_FORMAT, "line 2: c is '2'", "neither 0 nor 1");
    bad("a,b,c\n1,1,1\n", "a", class, "b,c", EK_ERR_FORMAT, "line 2: 2 of the 2 label columns are 1", "bce");
    bad("a,b,c\n1,0,0\n", "a", class, "b,c", EK_ERR_FORMAT, "line 2: 0 of the 2 label columns are 1", "one of them");
    bad("a,b\n1,x\n2,\n", "a", class, "b", EK_ERR_FORMAT, "line 3: the b is empty", "remove");
    bad("a,b\n1,\n2,\n", "a", labels, "b", EK_ERR_FORMAT, "'b' has no label in any row", "");
    bad("a,b\n1,2\n", "a", class, NULL, EK_ERR_FORMAT, "no column for the labels", "are: a, b");
    bad("a,b\n1,2\n", NULL, numbers, "b", EK_ERR_FORMAT, "no column for the images", "--input");
    bad("path,b\n9.png,2\n", NULL, numbers, "b", EK_ERR_IO, "line 2: there is no", "9.png");
    bad("path,b\n,2\n", NULL, numbers, "b", EK_ERR_FORMAT, "line 2: the path is empty", "");
    bad("a,mask\n1,1.png\n", "a", class, "mask", EK_ERR_ARG, "column of masks", "no images");
    ek_column_array x = {.name = "x", .columns = "a", .dtype = EK_I64};
    ek_dataset_options o = with(&x, 1);
    o.unlabelled = 1;
    put_text("f/t.csv", "a\n1.5\n");
    open_bad(at("f/t.csv"), EK_SPLIT_TRAIN, &o, EK_ERR_FORMAT, "line 2: a is '1.5'", "no whole number", NULL);
    put_text("f/t.csv", "a\n99999999999999999999\n");
    open_bad(at("f/t.csv"), EK_SPLIT_TRAIN, &o, EK_ERR_FORMAT, "line 2", "int64", NULL);
    put_text("g/train.csv", "a,y\n1,2\n");
    put_text("g/test.csv", "a,y\n1,2\n");
    x.columns = "y,a";
    o.max_bytes = 4;
    open_bad(at("g"), EK_SPLIT_TRAIN, &o, EK_ERR_LIMIT, "train.csv", "2 columns", "npy", NULL);
    open_bad(at("f/1.png"), EK_SPLIT_TRAIN, &o, EK_ERR_ARG, "1.png", "is no table", NULL);
    open_bad("builtin:strokes", EK_SPLIT_TRAIN, &o, EK_ERR_ARG, "strokes", "is no table", NULL);
}

/* Another split has the same columns. */
static void test_wrong_split(void **state) {
    (void)state;
    static const ek_column_array columns[] = {{.name = "x", .columns = "x*"},
                                              {.name = "target", .columns = "y", .use = EK_COLUMN_LABELS}};
    ek_dataset_options o = with(columns, 2);
    put_text("s/train.csv", "x1,x2,y\n1,2,0\n1,2,1\n");
    put_text("s/test.csv", "x1,y\n1,1\n");
    open_bad(at("s"), EK_SPLIT_TEST, &o, EK_ERR_FORMAT, "test.csv", "train.csv", "same columns", NULL);
    put_text("s/test.csv", "x1,x2,y\n1,2,7\n");
    open_bad(at("s"), EK_SPLIT_TEST, &o, EK_ERR_FORMAT, "test.csv, line 2: y is '7'", "0 or 1", NULL);
    put_text("s/train.csv", "x1,x2,y\n1,2,a b\n1,2,c\n");
    put_text("s/test.csv", "x1,x2,y\n1,2,a d\n");
    open_bad(at("s"), EK_SPLIT_TEST, &o, EK_ERR_FORMAT, "test.csv, line 2: 'd' is not among the 3 classes", NULL);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, folder_setup, folder_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {TEST(test_numbers), TEST(test_language),   TEST(test_patterns),
                                       TEST(test_several), TEST(test_flags),      TEST(test_parts),
                                       TEST(test_wrong),   TEST(test_wrong_split)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
