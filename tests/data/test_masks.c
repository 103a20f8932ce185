/* test_masks.c: images with masks: how they are found, what values mean, how they move with their images, what is
 * wrong.
 */
#include "data_files.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SIDE = 4 };

/* A gray image of one colour. */
static void put_image(const char *name, int value) {
    unsigned char pixels[SIDE * SIDE];
    memset(pixels, value, sizeof pixels);
    put_png(name, &(picture){.width = SIDE, .height = SIDE, .channels = 1, .bits = 8, .pixels = pixels});
}

/* A mask whose pixels are `first` and then `rest`. */
static void put_mask(const char *name, int first, int rest, int bits, int palette) {
    unsigned char pixels[SIDE * SIDE];
    memset(pixels, rest, sizeof pixels);
    pixels[0] = (unsigned char)first;
    put_png(
        name,
        &(picture){.width = SIDE, .height = SIDE, .channels = 1, .bits = bits, .palette = palette, .pixels = pixels});
}

/* The first two pixels of each mask, "1 0; -100 2". */
static void expect(const char *spec, ek_split split, const char *kind, int classes, const char *pixels) {
    char text[256] = "";
    ek_dataset *d = open_good(spec, split, NULL);
    ek_batch_array a = ek_dataset_array(d, 0);
    assert_string_equal(ek_dataset_describe(d).kind, kind);
    assert_int_equal(ek_dataset_labels(d), EK_LABELS_PIXELS);
    assert_int_equal(ek_dataset_describe(d).classes, classes);
    assert_string_equal(a.name, "target");
    assert_int_equal(a.dtype, EK_I16);
    assert_int_equal(a.rank, 3);
    assert_int_equal(a.dims[1], ek_dataset_describe(d).height);
    assert_int_equal(a.dims[2], ek_dataset_describe(d).width);
    for (int64_t i = 0; i < a.dims[0]; i++) {
        int16_t mask[SIDE * SIDE];
        assert_int_equal(ek_dataset_read_array(d, 0, i, mask, NULL), EK_OK);
        snprintf(text + strlen(text), sizeof text - strlen(text), "%s%d %d", i > 0 ? "; " : "", mask[0], mask[1]);
    }
    assert_string_equal(text, pixels);
    ek_dataset_close(d);
}

static void expect_note(const char *spec, ek_split split, const char *word) {
    ek_dataset *d = open_good(spec, split, NULL);
    if (word == NULL)
        assert_null(ek_dataset_note(d));
    else
        assert_non_null(strstr(ek_dataset_note(d), word));
    ek_dataset_close(d);
}

static void test_table(void **state) {
    (void)state;
    put_image("f/1.png", 10);
    put_image("f/2.png", 20);
    put_mask("f/m/1.png", 3, 0, 8, 1);
    put_mask("f/m/2.png", 255, 2, 8, 0);
    put_text("f/train.csv", "image,mask\n1.png,m/1.png\n2.png,m/2.png\n");
    expect(at("f"), EK_SPLIT_TRAIN, "table", 4, "3 0; -100 2");
    expect_note(at("f"), EK_SPLIT_TRAIN, "255 belong to no class");
    put_mask("f/m/1.png", 1, 0, 1, 0); /* one bit a pixel, and four of a palette: values as they are */
    put_mask("f/m/2.png", 0, 15, 4, 1);
    expect(at("f"), EK_SPLIT_TRAIN, "table", 16, "1 0; 0 15");
    expect_note(at("f"), EK_SPLIT_TRAIN, NULL);
    put_text("f/train.csv", "file,width,label\n1.png,4,m/1.png\n2.png,4,m/2.png\n"); /* files: no names of classes */
    expect(at("f"), EK_SPLIT_TRAIN, "table", 16, "1 0; 0 15");
}

/* 0 and 255 are two classes where the training masks have no others. */
static void test_drawn(void **state) {
    (void)state;
    put_image("f/train/images/a.png", 10);
    put_image("f/train/images/b.png", 10);
    put_image("f/val/images/c.png", 10);
    put_mask("f/train/masks/a.png", 255, 0, 8, 0);
    put_mask("f/train/masks/b_mask.png", 0, 255, 8, 0);
    put_mask("f/val/masks/c.png", 255, 0, 8, 0);
    expect(at("f"), EK_SPLIT_TRAIN, "masks", 2, "1 0; 0 1");
    expect_note(at("f"), EK_SPLIT_TRAIN, "255 is taken as class 1");
    expect(at("f"), EK_SPLIT_VALIDATION, "masks", 2, "1 0");
    expect(at("f"), EK_SPLIT_TEST, "masks", 2, "1 0");
    put_mask("f/train/masks/b_mask.png", 2, 255, 8, 0);
    expect(at("f"), EK_SPLIT_TRAIN, "masks", 3, "-100 0; 2 -100");
    expect(at("f"), EK_SPLIT_VALIDATION, "masks", 2, "-100 0");
}

static void test_folders(void **state) {
    (void)state;
    put_image("f/JPEGImages/train/b.png", 10);
    put_image("f/JPEGImages/train/a.png", 10);
    put_image("f/JPEGImages/train/alone.png", 10);
    put_image("f/JPEGImages/test/x.y.png", 10);
    put_mask("f/Masks/train/a.png", 1, 0, 8, 1);
    put_mask("f/Masks/train/b.png", 2, 1, 8, 1);
    put_mask("f/Masks/train/c.png", 2, 1, 8, 1);
    put_mask("f/Masks/test/x.y.png", 5, 1, 8, 1);
    expect(at("f"), EK_SPLIT_TRAIN, "masks", 3, "1 0; 2 1");
    expect(at("f"), EK_SPLIT_TEST, "masks", 6, "5 1");
    ek_dataset *d = open_good(at("f"), EK_SPLIT_TRAIN, NULL);
    const ek_skipped *skipped;
    assert_int_equal(ek_dataset_skipped(d, &skipped), 2);
    assert_string_equal(skipped[0].kind, "images without a mask");
    assert_string_equal(skipped[1].kind, "masks without an image");
    assert_int_equal(ek_dataset_has_split(d, EK_SPLIT_TEST), 1);
    assert_int_equal(ek_dataset_has_split(d, EK_SPLIT_VALIDATION), 0);
    ek_dataset_close(d);
    put_image("g/images/deep/a.png", 10);
    put_mask("g/labels/deep/a.png", 1, 0, 8, 1);
    expect(at("g"), EK_SPLIT_TRAIN, "masks", 2, "1 0");
}

/* Resized by the nearest pixel, limited like the images, divided with them. */
static void test_resized(void **state) {
    (void)state;
    char name[64];
    for (int i = 0; i < 6; i++) {
        snprintf(name, sizeof name, "f/images/%d.png", i);
        put_image(name, 40 * i);
        snprintf(name, sizeof name, "f/masks/%d.png", i);
        put_mask(name, i, 9, 8, 1);
    }
    ek_dataset_options o = {.struct_size = sizeof o, .height = 8, .width = 2, .limit = 3};
    ek_dataset *d = open_good(at("f"), EK_SPLIT_TRAIN, &o), *part;
    int16_t mask[64];
    assert_int_equal(ek_dataset_read_array(d, 0, 1, mask, NULL), EK_OK);
    /* the middle of the left column of two lies on the border of the first and second pixel of four */
    static const int16_t expected[16] = {9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9};
    assert_memory_equal(mask, expected, sizeof expected);
    ek_dataset_close(d);
    o.width = 8;
    d = open_good(at("f"), EK_SPLIT_TRAIN, &o);
    assert_int_equal(ek_dataset_read_array(d, 0, 1, mask, NULL), EK_OK);
    for (int p = 0; p < 64; p++) assert_int_equal(mask[p], p % 8 < 2 && p / 8 < 2 ? 2 : 9);
    ek_dataset_close(d);
    d = open_good(at("f"), EK_SPLIT_TRAIN, NULL);
    assert_int_equal(ek_dataset_divide(d, 0.5, 1, &part, NULL), EK_OK);
    const ek_dataset *both[] = {d, part};
    for (int k = 0; k < 2; k++) {
        for (int64_t i = 0; i < 3; i++) {
            float image[SIDE * SIDE];
            assert_int_equal(ek_dataset_read(both[k], i, image, NULL, NULL), EK_OK);
            assert_int_equal(ek_dataset_read_array(both[k], 0, i, mask, NULL), EK_OK);
            assert_int_equal(mask[0], (int)(image[0] * 255 / 40 + 0.5f));
        }
    }
    ek_dataset_close(part);
    ek_dataset_close(d);
}

/* Where an image that is its own mask is moved, the mask goes with it; what comes from outside is ignored. */
static void test_moved(void **state) {
    (void)state;
    char name[64];
    unsigned char pixels[SIDE * SIDE];
    for (int i = 0; i < 8; i++) {
        for (int p = 0; p < SIDE * SIDE; p++) pixels[p] = (unsigned char)(1 + p + 16 * i);
        picture p = {.width = SIDE, .height = SIDE, .channels = 1, .bits = 8, .pixels = pixels};
        snprintf(name, sizeof name, "f/images/%d.png", i);
        put_png(name, &p);
        snprintf(name, sizeof name, "f/masks/%d.png", i);
        put_png(name, &p);
    }
    ek_dataset *d = open_good(at("f"), EK_SPLIT_TRAIN, NULL);
    ek_loader_options o = ek_loader_options_default();
    ek_loader *loader;
    ek_batch batch;
    o.batch = 8, o.crop = 2, o.flip = 1, o.shuffle = 1;
    int moved = 0, outside = 0;
    assert_int_equal(ek_loader_create(d, &o, &loader, NULL), EK_OK);
    for (int epoch = 0; epoch < 4; epoch++) {
        assert_int_equal(ek_loader_start_epoch(loader, epoch, 0, NULL), EK_OK);
        assert_int_equal(ek_loader_next(loader, &batch, NULL), EK_OK);
        const int16_t *mask = batch.arrays[0].data;
        for (int i = 0; i < 8 * SIDE * SIDE; i++) {
            int image = (int)(255 * batch.images[i] + 0.5f);
            assert_int_equal(mask[i], image == 0 ? -100 : image);
            moved += image != 0 && image != 1 + i % 16 + 16 * (int)batch.ids[i / 16];
            outside += image == 0;
        }
    }
    assert_true(moved > 0 && outside > 0);
    ek_loader_destroy(loader);
    ek_dataset_close(d);
}

/* A mask that is written is a mask that is read, in the colours of Pascal VOC. */
static void test_written(void **state) {
    (void)state;
    unsigned char classes[SIDE * SIDE] = {0, 1, 2, 254, 255};
    put_image("f/images/a.png", 1);
    make_folder("f/masks");
    assert_int_equal(ek_mask_write(at("f/masks/a.png"), SIDE, SIDE, classes, NULL), EK_OK);
    ek_dataset *d = open_good(at("f"), EK_SPLIT_TRAIN, NULL);
    int16_t mask[SIDE * SIDE];
    assert_int_equal(ek_dataset_read_array(d, 0, 0, mask, NULL), EK_OK);
    for (int i = 0; i < SIDE * SIDE; i++) assert_int_equal(mask[i], classes[i] == 255 ? -100 : classes[i]);
    ek_dataset_close(d);
    ek_image image;
    static const unsigned char colours[5][3] = {{0, 0, 0}, {128, 0, 0}, {0, 128, 0}, {192, 224, 224}, {224, 224, 192}};
    assert_int_equal(ek_image_read(at("f/masks/a.png"), NULL, &image, NULL), EK_OK);
    for (int c = 0; c < 3; c++) {
        for (int i = 0; i < 5; i++) {
            if (i == 3) continue; /* 254 is 255 but for its last bit, which is red's */
            assert_int_equal(image.pixels[c * SIDE * SIDE + i], colours[i][c]);
        }
    }
    ek_image_free(&image);
    ek_error err = {EK_OK, ""};
    assert_int_equal(ek_mask_write(at("f/none/a.png"), SIDE, SIDE, classes, &err), EK_ERR_IO);
    assert_text(&err, "none/a.png");
    assert_int_equal(ek_mask_write(at("f/masks/a.png"), 0, SIDE, classes, &err), EK_ERR_ARG);
}

static void bad(ek_status status, const char *word, const char *other) {
    open_bad(at("f"), EK_SPLIT_TRAIN, NULL, status, word, other, NULL);
}

static void test_wrong(void **state) {
    (void)state;
    unsigned char pixels[SIDE * SIDE * 8] = {0};
    put_image("f/images/a.png", 10);
    make_folder("f/masks");
    bad(EK_ERR_FORMAT, "1 images and", "0 masks");
    put_mask("f/masks/b.png", 1, 0, 8, 0);
    bad(EK_ERR_FORMAT, "none belong together", ".png");
    remove_file("f/masks/b.png");
    put_png("f/masks/a.png", &(picture){.width = SIDE, .height = SIDE, .channels = 3, .bits = 8, .pixels = pixels});
    bad(EK_ERR_FORMAT, "masks/a.png: is a colour image", "palette");
    put_png("f/masks/a.png", &(picture){.width = SIDE, .height = SIDE, .channels = 2, .bits = 8, .pixels = pixels});
    bad(EK_ERR_FORMAT, "masks/a.png: is gray with an alpha channel", "palette");
    put_png("f/masks/a.png", &(picture){.width = SIDE, .height = SIDE, .channels = 1, .bits = 16, .pixels = pixels});
    bad(EK_ERR_FORMAT, "masks/a.png: is of 16 bits", "8 bits");
    put_png("f/masks/a.png", &(picture){.width = 5, .height = SIDE, .channels = 1, .bits = 8, .pixels = pixels});
    bad(EK_ERR_SHAPE, "masks/a.png: is 4 x 5", "images/a.png is 4 x 4");
    put_jpeg("f/masks/a.png", SIDE, SIDE, 1, pixels);
    bad(EK_ERR_FORMAT, "masks/a.png: is no PNG", "change values");
    put_text("f/masks/a.png", "x");
    bad(EK_ERR_FORMAT, "masks/a.png", "neither PNG");
    put_mask("f/masks/a.png", 1, 0, 8, 0);
    size_t bytes;
    unsigned char *whole = get_file("f/masks/a.png", &bytes);
    put_file("f/masks/a.png", whole, bytes - 20);
    free(whole);
    bad(EK_ERR_FORMAT, "masks/a.png: damaged PNG", "replace");
    put_mask("f/masks/a.png", 1, 0, 8, 0);
    put_mask("f/masks/deep/a.png", 1, 0, 8, 0);
    bad(EK_ERR_FORMAT, "are masks of one name", "rename");
    remove_file("f/masks/deep/a.png");
    open_bad(at("f"), EK_SPLIT_VALIDATION, NULL, EK_ERR_IO, "no validation data", NULL);
    ek_dataset_options o = {.struct_size = sizeof o, .max_bytes = 20};
    open_bad(at("f"), EK_SPLIT_TRAIN, &o, EK_ERR_LIMIT, "1 masks of 4 x 4", "limit of 20 bytes", NULL);
    put_text("f/train.csv", "image,mask\nimages/a.png,\n");
    bad(EK_ERR_FORMAT, "train.csv, line 2", "mask is empty");
    put_text("f/train.csv", "image,mask\nimages/a.png,masks/z.png\n");
    bad(EK_ERR_IO, "train.csv, line 2: there is no", "masks/z.png");
    put_image("g/train/images/a.png", 1);
    put_mask("g/train/masks/a.png", 1, 0, 8, 0);
    open_bad(at("g"), EK_SPLIT_TEST, NULL, EK_ERR_IO, "no test or val folder", NULL);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, folder_setup, folder_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {TEST(test_table), TEST(test_drawn),   TEST(test_folders), TEST(test_resized),
                                       TEST(test_moved), TEST(test_written), TEST(test_wrong)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
