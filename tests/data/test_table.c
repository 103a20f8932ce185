/* test_table.c: sets named by a table: how tables are written, where they and their images lie, and what is wrong. */
#include "data_files.h"

#include "data/csv.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A gray image of one colour. */
static void put_flat(const char *name, int value) {
    unsigned char pixels[4];
    memset(pixels, value, sizeof pixels);
    put_png(name, &(picture){.width = 2, .height = 2, .channels = 1, .bits = 8, .pixels = pixels});
}

/* Colour and label of every example, "10:0 20:1". */
static void expect(const char *spec, ek_split split, ek_split is, const char *classes, const char *examples) {
    ek_dataset *d = open_good(spec, split, NULL);
    ek_dataset_info info = ek_dataset_describe(d);
    char text[256] = "";
    assert_string_equal(info.kind, "table");
    assert_int_equal(ek_dataset_split(d), is);
    for (int64_t i = 0; i < info.count; i++) {
        float image[4];
        int32_t label;
        assert_int_equal(ek_dataset_read(d, i, image, &label, NULL), EK_OK);
        snprintf(text + strlen(text), sizeof text - strlen(text), "%s%d:%d", i > 0 ? " " : "",
                 (int)lrintf(255 * image[0]), label);
    }
    assert_string_equal(text, examples);
    text[0] = '\0';
    for (int i = 0; i < info.classes; i++) {
        snprintf(text + strlen(text), sizeof text - strlen(text), "%s%s", i > 0 ? " " : "", info.class_names[i]);
    }
    assert_string_equal(text, classes);
    ek_dataset_close(d);
}

static void put_images(const char *folder) {
    for (int i = 1; i <= 4; i++) {
        char name[64];
        snprintf(name, sizeof name, "%s/%d.png", folder, i);
        put_flat(name, 10 * i);
    }
}

static void test_writing(void **state) {
    (void)state;
    put_images("f");
    put_flat("f/a,\"b\".png", 50);
    static const char *const same[] = {
        "path,label\n1.png,dog\n2.png,cat\n",
        "label,width,Path\r\ndog,2,1.png\r\n\r\n cat ,2, 2.png \r\n",
        ("\xef\xbb\xbf" /* apart: "f" would be one more digit */
         "filename;CLASS\n\"1.png\";\"dog\"\n\n2.png;cat"),
        "image\ttarget\n1.png\tdog\n2.png\tcat\n  \n",
        "\"file_name\",\"category\" \n\"1.png\" ,dog\n\"2.png\",\"cat\"",
    };
    for (size_t i = 0; i < sizeof same / sizeof same[0]; i++) {
        put_text("f/labels.csv", same[i]);
        expect(at("f"), EK_SPLIT_TRAIN, EK_SPLIT_ALL, "cat dog", "10:1 20:0");
        expect(at("f/labels.csv"), EK_SPLIT_TEST, EK_SPLIT_ALL, "cat dog", "10:1 20:0");
    }
    put_text("f/labels.csv", "path,label\n\"a,\"\"b\"\".png\",\"two\nlines\"\n1.png,3\n");
    expect(at("f"), EK_SPLIT_TRAIN, EK_SPLIT_ALL, "3 two\nlines", "50:1 10:0");
    put_text("f/labels.csv", "path,label\n4.png,3\n1.png,0\n2.png,03\n"); /* numbers, not names */
    expect(at("f"), EK_SPLIT_TRAIN, EK_SPLIT_ALL, "0 1 2 3", "40:3 10:0 20:3");
    char text[1024];
    snprintf(text, sizeof text, "path,label\n%s,x\n", at("f/3.png"));
    put_text("other.csv", text);
    expect(at("other.csv"), EK_SPLIT_TRAIN, EK_SPLIT_ALL, "x", "30:0");
}

static void test_splits(void **state) {
    (void)state;
    put_images("f/images");
    put_images("f/train");
    put_text("f/Train.csv", "image,label\n1.png,b\n2.png,a\n3.png,c\n");
    open_bad(at("f"), EK_SPLIT_TEST, NULL, EK_ERR_IO, "no test or validation table", NULL);
    put_text("f/val_labels.csv", "image,label\n4.png,c\n");
    expect(at("f"), EK_SPLIT_TRAIN, EK_SPLIT_TRAIN, "a b c", "10:1 20:0 30:2");
    expect(at("f"), EK_SPLIT_TEST, EK_SPLIT_VALIDATION, "a b c", "40:2");
    put_text("f/test.csv", "image\n1.png\n"); /* without labels, as in a competition: no table */
    expect(at("f"), EK_SPLIT_TEST, EK_SPLIT_VALIDATION, "a b c", "40:2");
    put_text("f/test.csv", "image,label\n1.png,a\n");
    expect(at("f"), EK_SPLIT_TEST, EK_SPLIT_TEST, "a b c", "10:0");
    expect(at("f"), EK_SPLIT_VALIDATION, EK_SPLIT_VALIDATION, "a b c", "40:2");
    put_text("f/test.csv", "image,label\n1.png,a\n\n2.png,zebra\n");
    open_bad(at("f"), EK_SPLIT_TEST, NULL, EK_ERR_FORMAT, "test.csv, line 4", "zebra", "3 classes", NULL);
    put_text("f/testing.csv", "image,label\n1.png,a\n");
    open_bad(at("f"), EK_SPLIT_TEST, NULL, EK_ERR_FORMAT, "test.csv", "testing.csv", "name one", NULL);

    put_images("g");
    put_text("g/metadata.csv", "file_name,split,label\n1.png,train,b\n2.png,Test,a\n3.png,train,a\n");
    expect(at("g"), EK_SPLIT_TRAIN, EK_SPLIT_TRAIN, "a b", "10:1 30:0");
    expect(at("g"), EK_SPLIT_TEST, EK_SPLIT_TEST, "a b", "20:0");
    open_bad(at("g"), EK_SPLIT_VALIDATION, NULL, EK_ERR_IO, "no validation rows", NULL);
    put_text("g/metadata.csv", "file_name,split,label\n1.png,train,b\n2.png,7,a\n");
    open_bad(at("g"), EK_SPLIT_TRAIN, NULL, EK_ERR_FORMAT, "line 3", "'7' is no split", NULL);
}

/* Tables of other things beside class folders do not count. */
static void test_not_a_table(void **state) {
    (void)state;
    put_flat("f/cat/1.png", 1);
    put_flat("f/dog/1.png", 2);
    put_text("f/labels.csv", "ClassId,Name\n0,cat\n");
    put_text("f/notes.csv", "path,label\nx,y\n");
    ek_dataset *d = open_good(at("f"), EK_SPLIT_TRAIN, NULL);
    assert_string_equal(ek_dataset_describe(d).kind, "folder");
    ek_dataset_close(d);
}

static void bad_table(const char *text, ek_status status, const char *word, const char *other) {
    put_text("f/t.csv", text);
    open_bad(at("f/t.csv"), EK_SPLIT_TRAIN, NULL, status, "t.csv", word, other, NULL);
}

static void test_wrong(void **state) {
    (void)state;
    put_images("f");
    bad_table("", EK_ERR_FORMAT, "is empty", "header");
    bad_table("\n \n", EK_ERR_FORMAT, "is empty", "header");
    bad_table("path,label\n", EK_ERR_FORMAT, "no rows", "header");
    bad_table("1.png,cat\n", EK_ERR_FORMAT, "no column for the images", "path,label");
    bad_table("path,kind\n1.png,cat\n", EK_ERR_FORMAT, "no column for the labels", "path,label");
    bad_table("path,label\n1.png,cat\n2.png\n", EK_ERR_FORMAT, "line 3", "1 fields, but the header has 2");
    bad_table("path,label\n1.png,cat\n\"two\nlines\",cat,3\n", EK_ERR_FORMAT, "line 3", "3 fields");
    bad_table("path,label\n1.png,cat\n\n,cat\n", EK_ERR_FORMAT, "line 4", "path is empty");
    bad_table("path,label\n1.png,\n", EK_ERR_FORMAT, "line 2", "label is empty");
    bad_table("path,label\n1.png,cat\n9.png,cat\n", EK_ERR_IO, "line 3: there is no", "f/9.png");
    bad_table("path,label\n\"1.png,cat\n", EK_ERR_FORMAT, "line 2", "never closed");
    bad_table("path,label\n\"1.png\"x,cat\n", EK_ERR_FORMAT, "line 2", "written twice");
    bad_table("\xff\xfep", EK_ERR_UNSUPPORTED, "UTF-16", "UTF-8");
    put_file("f/t.csv", "path,label\n1.png\0,x\n", 20);
    open_bad(at("f/t.csv"), EK_SPLIT_TRAIN, NULL, EK_ERR_FORMAT, "t.csv", "bytes of zero", NULL);
    put_gzip("f/t.csv", "path,label\n", 11);
    open_bad(at("f/t.csv"), EK_SPLIT_TRAIN, NULL, EK_ERR_UNSUPPORTED, "t.csv", "gunzip", NULL);
    open_bad(at("f/none.csv"), EK_SPLIT_TRAIN, NULL, EK_ERR_IO, "none.csv", NULL);
    put_text("f/5.png", "no picture");
    put_text("f/t.csv", "path,label\n1.png,a\n5.png,a\n");
    open_bad(at("f/t.csv"), EK_SPLIT_TRAIN, NULL, EK_ERR_FORMAT, "f/5.png", "neither PNG", NULL);
}

/* Every prefix and every byte changed of a table: fields end inside the text, or there is an error. */
static void test_hostile(void **state) {
    (void)state;
    static const char text[] = "\"path\",label\r\n\"a\"\"b\" , c\n\n\"x\ny\",\"\"\nz,\n";
    static const char bytes[] = "\",\n\r \t;a";
    for (size_t size = 0; size < sizeof text; size++) {
        for (size_t change = 0; change <= (size == sizeof text - 1 ? (sizeof text - 1) * (sizeof bytes - 1) : 0);
             change++) {
            char copy[sizeof text];
            memcpy(copy, text, sizeof text);
            if (change > 0) copy[(change - 1) % (sizeof text - 1)] = bytes[(change - 1) / (sizeof text - 1)];
            put_file("t.csv", copy, size);
            eki_csv csv;
            ek_error err = {EK_OK, ""};
            const char *path = at("t.csv");
            ek_status status = eki_csv_open(path, SIZE_MAX, &csv, &err);
            int64_t line = 0;
            while (status == EK_OK && csv.count > 0) {
                assert_true(csv.line > line);
                line = csv.line;
                for (size_t i = 0; i < csv.count; i++) {
                    assert_in_range(csv.fields[i] - csv.text, 0, csv.size);
                    assert_in_range(csv.fields[i] + strlen(csv.fields[i]) - csv.text, 0, csv.size);
                }
                status = eki_csv_next(&csv, &err);
            }
            if (status != EK_OK) assert_text(&err, "t.csv");
            if (csv.text != NULL) eki_csv_close(&csv);
        }
    }
}

static void test_unlabelled(void **state) {
    (void)state;
    put_images("f");
    put_text("f/t.csv", "path\n3.png\n1.png\n");
    ek_dataset_options o = {.struct_size = sizeof o, .unlabelled = 1};
    ek_dataset *d = open_good(at("f/t.csv"), EK_SPLIT_TRAIN, &o);
    assert_int_equal(ek_dataset_describe(d).classes, 0);
    assert_int_equal(ek_dataset_describe(d).count, 2);
    ek_dataset_close(d);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, folder_setup, folder_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {TEST(test_writing), TEST(test_splits),  TEST(test_not_a_table),
                                       TEST(test_wrong),   TEST(test_hostile), TEST(test_unlabelled)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
