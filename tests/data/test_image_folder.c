/* test_image_folder.c: class folders of PNG and JPEG files: order, layout, colour, sizes, kinds of PNG. */
#include "data_files.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { W = 6, H = 4 };

/* An 8-bit picture whose sample (y, x, c) is seed + 10 y + 3 x + 40 c. */
static unsigned char *samples(int channels, int seed) {
    static unsigned char data[H * W * 4];
    for (int i = 0; i < H * W * channels; i++) {
        data[i] = (unsigned char)(seed + 10 * (i / channels / W) + 3 * (i / channels % W) + 40 * (i % channels));
    }
    return data;
}

static void put_simple(const char *name, int channels, int seed) {
    picture p = {.width = W, .height = H, .channels = channels, .bits = 8, .pixels = samples(channels, seed)};
    put_png(name, &p);
}

/* Value of channel c at (y, x), as 0..255. */
static int value(const ek_dataset *d, int64_t i, int c, int y, int x) {
    float image[3 * H * W];
    assert_int_equal(ek_dataset_read(d, i, image, NULL, NULL), EK_OK);
    return (int)lrintf(image[(c * H + y) * W + x] * 255.0f);
}

static int64_t skipped(const ek_dataset *d, const char *kind) {
    const ek_skipped *all;
    size_t count = ek_dataset_skipped(d, &all);
    for (size_t i = 0; i < count; i++) {
        if (strcmp(all[i].kind, kind) == 0) return all[i].count;
    }
    return 0;
}

static void test_order_and_names(void **state) {
    (void)state;
    put_simple("f/dog/b.png", 3, 20);
    put_simple("f/dog/a.PNG", 3, 10);
    put_simple("f/Zebra/10.png", 3, 2);
    put_simple("f/Zebra/9.png", 3, 3);
    put_text("f/dog/notes.txt", "not an image");
    put_text("f/dog/.hidden.png", "not an image");
    put_text("f/.git/x.png", "not an image");
    put_text("f/readme.png", "beside the classes");
    ek_dataset *d = open_good(at("f"), EK_SPLIT_TRAIN, NULL);
    ek_dataset_info info = ek_dataset_describe(d);
    assert_string_equal(info.kind, "folder");
    assert_int_equal(info.count, 4);
    assert_int_equal(info.classes, 2);
    assert_string_equal(info.class_names[0], "Zebra");
    assert_string_equal(info.class_names[1], "dog");
    static const int seeds[4] = {2, 3, 10, 20};
    for (int i = 0; i < 4; i++) {
        int32_t label;
        assert_int_equal(ek_dataset_read(d, i, NULL, &label, NULL), EK_OK);
        assert_int_equal(label, i / 2);
        for (int c = 0; c < 3; c++) assert_int_equal(value(d, i, c, 3, 5), seeds[i] + 30 + 15 + 40 * c);
    }
    assert_int_equal(skipped(d, "beside the class folders"), 1);
    assert_int_equal(skipped(d, "hidden"), 2);
    ek_dataset_close(d);
    d = open_good(at("f"), EK_SPLIT_TEST, NULL); /* no split: the whole folder again */
    assert_int_equal(ek_dataset_describe(d).count, 4);
    ek_dataset_close(d);
    ek_dataset_options o = {.struct_size = sizeof o, .limit = 2};
    d = open_good(at("f"), EK_SPLIT_TRAIN, &o); /* evenly spread: one of each class */
    assert_int_equal(value(d, 0, 0, 0, 0), 2);
    assert_int_equal(value(d, 1, 0, 0, 0), 10);
    ek_dataset_close(d);
}

static void test_split(void **state) {
    (void)state;
    put_simple("f/train/a/1.png", 1, 1);
    put_simple("f/train/b/1.png", 1, 2);
    open_bad(at("f"), EK_SPLIT_TEST, NULL, EK_ERR_IO, "no folder test/ or val/", NULL);
    put_simple("f/val/a/1.png", 1, 3);
    open_bad(at("f"), EK_SPLIT_TEST, NULL, EK_ERR_FORMAT, "'b'", "train", "val", "same classes", NULL);
    open_bad(at("f"), EK_SPLIT_TRAIN, NULL, EK_ERR_FORMAT, "'b'", "same classes", NULL);
    put_simple("f/val/b/1.png", 1, 4);
    put_simple("f/val/b/2.png", 1, 5);
    for (int split = 0; split < 2; split++) {
        ek_dataset *d = open_good(at("f"), (ek_split)split, NULL);
        assert_int_equal(ek_dataset_describe(d).count, 2 + split);
        assert_int_equal(ek_dataset_describe(d).channels, 1);
        assert_int_equal(value(d, 0, 0, 0, 0), split == 0 ? 1 : 3);
        ek_dataset_close(d);
    }
    put_simple("g/train/1.png", 1, 1); /* "train" and "bus" are classes here */
    put_simple("g/bus/1.png", 1, 1);
    ek_dataset *d = open_good(at("g"), EK_SPLIT_TRAIN, NULL);
    assert_string_equal(ek_dataset_describe(d).class_names[1], "train");
    ek_dataset_close(d);
}

static void test_nested(void **state) {
    (void)state;
    put_simple("f/only/dog/2.png", 1, 4);
    put_simple("f/only/dog/1/z.png", 1, 2);
    put_simple("f/only/dog/1/b/a.png", 1, 1);
    put_simple("f/only/dog/1.png", 1, 3);
    put_simple("f/only/cat/x/y.png", 1, 0);
    put_text("f/only/dog/1/a.tiff", "");
    put_text("f/only/dog/x.GIF", "");
    put_text("f/only/readme", "");
    ek_dataset *d = open_good(at("f"), EK_SPLIT_TRAIN, NULL); /* "only" is no class: there is nothing beside it */
    assert_int_equal(ek_dataset_split(d), EK_SPLIT_ALL);
    assert_false(ek_dataset_has_split(d, EK_SPLIT_TEST));
    assert_int_equal(ek_dataset_describe(d).classes, 2);
    assert_int_equal(ek_dataset_describe(d).count, 5);
    static const int order[] = {0, 3, 1, 2, 4}; /* 1.png, 1/b/a.png, 1/z.png, 2.png: by bytes */
    for (int i = 0; i < 5; i++) {
        int32_t label;
        assert_int_equal(ek_dataset_read(d, i, NULL, &label, NULL), EK_OK);
        assert_int_equal(label, i > 0);
        assert_int_equal(value(d, i, 0, 0, 0), order[i]);
    }
    assert_int_equal(skipped(d, ".tiff"), 1);
    assert_int_equal(skipped(d, ".gif"), 1);
    assert_int_equal(skipped(d, "not called like an image"), 1);
    ek_dataset_close(d);
    put_text("f/only/bird/a.heic", "");
    open_bad(at("f"), EK_SPLIT_TRAIN, NULL, EK_ERR_FORMAT, "bird", "1 .heic (not read; mogrify -format png *.heic",
             NULL);
}

static void test_three_splits(void **state) {
    (void)state;
    static const char *const names[] = {"Training", "TEST", "dev"};
    for (int split = 0; split < 3; split++) {
        char name[64];
        for (int i = 0; i <= split; i++) {
            (void)snprintf(name, sizeof name, "f/%s/a/%d.png", names[split], i);
            put_simple(name, 1, split);
        }
    }
    put_simple("f/more/b/1.png", 1, 9);
    put_text("f/README", "");
    for (int split = 0; split < 3; split++) {
        ek_dataset *d = open_good(at("f"), (ek_split)split, NULL);
        assert_int_equal(ek_dataset_split(d), split);
        assert_int_equal(ek_dataset_describe(d).count, split + 1);
        assert_int_equal(value(d, 0, 0, 0, 0), split);
        for (int other = 0; other < 3; other++) assert_true(ek_dataset_has_split(d, (ek_split)other));
        assert_int_equal(skipped(d, "folders beside those of the split"), split == 0);
        assert_int_equal(skipped(d, "not called like an image"), split == 0);
        ek_dataset_close(d);
    }
    put_simple("f/Test/a/1.png", 1, 1);
    open_bad(at("f"), EK_SPLIT_TRAIN, NULL, EK_ERR_FORMAT, "f/TEST", "f/Test", "same split", NULL);
    put_simple("g/train/1.png", 1, 1); /* no classes in them: they are not classes themselves */
    put_simple("g/test/1.png", 1, 1);
    open_bad(at("g"), EK_SPLIT_TRAIN, NULL, EK_ERR_FORMAT, "g/train", "1 image and 0 class folders", "labels.csv",
             NULL);
}

static void test_gray_and_colour(void **state) {
    (void)state;
    put_simple("f/a/1.png", 1, 5);
    put_simple("f/a/2.png", 2, 5); /* gray with alpha */
    ek_dataset *d = open_good(at("f"), EK_SPLIT_TRAIN, NULL);
    assert_int_equal(ek_dataset_describe(d).channels, 1);
    ek_dataset_close(d);
    put_simple("f/b/1.png", 4, 7);
    d = open_good(at("f"), EK_SPLIT_TRAIN, NULL);
    assert_int_equal(ek_dataset_describe(d).channels, 3);
    for (int c = 0; c < 3; c++) {
        assert_int_equal(value(d, 0, c, 1, 1), 5 + 13);
        assert_int_equal(value(d, 1, c, 1, 1), 5 + 13);
        assert_int_equal(value(d, 2, c, 1, 1), 7 + 13 + 40 * c);
    }
    ek_dataset_close(d);
}

static void test_png_kinds(void **state) {
    (void)state;
    unsigned char wide[H * W * 6], indices[H * W];
    for (int i = 0; i < H * W * 3; i++) {
        wide[2 * i] = (unsigned char)i;
        wide[2 * i + 1] = (unsigned char)i; /* 257 i of 65535 is i of 255 */
        if (i < H * W) indices[i] = (unsigned char)(i % 4);
    }
    put_png("f/a/1.png", &(picture){.width = W, .height = H, .channels = 3, .bits = 16, .pixels = wide});
    put_png("f/a/2.png",
            &(picture){.width = W, .height = H, .channels = 1, .bits = 2, .palette = 1, .pixels = indices});
    put_png("f/a/3.png", &(picture){.width = W, .height = H, .channels = 1, .bits = 2, .pixels = indices});
    put_png("f/a/4.png",
            &(picture){.width = W, .height = H, .channels = 3, .bits = 8, .interlaced = 1, .pixels = samples(3, 9)});
    ek_dataset *d = open_good(at("f"), EK_SPLIT_TRAIN, NULL);
    assert_int_equal(value(d, 0, 1, 2, 3), 3 * (2 * W + 3) + 1);
    assert_int_equal(value(d, 1, 0, 0, 1), 200);
    assert_int_equal(value(d, 1, 2, 0, 1), 50);
    assert_int_equal(value(d, 2, 0, 0, 1), 85);
    assert_int_equal(value(d, 3, 2, 3, 4), 9 + 30 + 12 + 80);
    ek_dataset_close(d);
}

/* What is transparent keeps its colour: alpha is dropped, not blended. */
static void test_transparent(void **state) {
    (void)state;
    unsigned char indices[H * W], wide[H * W * 6] = {0};
    for (int i = 0; i < H * W; i++) indices[i] = (unsigned char)(i % 4);
    picture kinds[] = {{.channels = 1, .bits = 2, .palette = 1, .pixels = indices},
                       {.channels = 1, .bits = 2, .pixels = indices},
                       {.channels = 1, .bits = 16, .pixels = wide},
                       {.channels = 3, .bits = 16, .pixels = wide},
                       {.channels = 3, .bits = 8, .pixels = samples(3, 9)}};
    for (int k = 0; k < 5; k++) {
        for (int transparent = 0; transparent < 2; transparent++) {
            char name[32];
            (void)snprintf(name, sizeof name, "f/a/%d%d.png", k, transparent);
            kinds[k].width = W;
            kinds[k].height = H;
            kinds[k].transparent = transparent;
            put_png(name, &kinds[k]);
        }
    }
    ek_dataset *d = open_good(at("f"), EK_SPLIT_TRAIN, NULL);
    assert_int_equal(ek_dataset_describe(d).count, 10);
    for (int k = 0; k < 5; k++) {
        for (int i = 0; i < 3 * H * W; i++) {
            int c = i / (H * W), y = i / W % H, x = i % W;
            assert_int_equal(value(d, 2 * k, c, y, x), value(d, 2 * k + 1, c, y, x));
        }
    }
    assert_int_equal(value(d, 1, 2, 0, 0), 30); /* the palette's first colour, which is the transparent one */
    ek_dataset_close(d);
}

static void test_jpeg(void **state) {
    (void)state;
    unsigned char flat[H * W * 3];
    memset(flat, 100, sizeof flat);
    put_jpeg("f/a/1.jpg", W, H, 1, flat);
    put_jpeg("f/a/2.JPEG", W, H, 1, flat);
    ek_dataset *d = open_good(at("f"), EK_SPLIT_TRAIN, NULL);
    assert_int_equal(ek_dataset_describe(d).channels, 1);
    assert_int_equal(value(d, 1, 0, 2, 2), 100);
    ek_dataset_close(d);
    put_jpeg("f/a/3.png", W, H, 3, flat); /* a JPEG by its content, whatever its name says */
    d = open_good(at("f"), EK_SPLIT_TRAIN, NULL);
    assert_int_equal(ek_dataset_describe(d).channels, 3);
    assert_true(abs(value(d, 2, 1, 2, 2) - 100) <= 1);
    ek_dataset_close(d);
}

static void test_sizes(void **state) {
    (void)state;
    unsigned char flat[9 * 8];
    memset(flat, 50, sizeof flat);
    put_simple("f/a/1.png", 1, 1);
    put_png("f/b/2.png", &(picture){.width = 9, .height = 8, .channels = 1, .bits = 8, .pixels = flat});
    open_bad(at("f"), EK_SPLIT_TRAIN, NULL, EK_ERR_SHAPE, "a/1.png", "b/2.png", "8 x 9", "4 x 6", "height and width",
             NULL);
    ek_dataset_options o = {.struct_size = sizeof o, .height = H, .width = W};
    ek_dataset *d = open_good(at("f"), EK_SPLIT_TRAIN, &o);
    assert_int_equal(value(d, 0, 0, 3, 5), 1 + 30 + 15);
    assert_int_equal(value(d, 1, 0, 2, 2), 50);
    ek_dataset_close(d);
    o = (ek_dataset_options){.struct_size = sizeof o, .files_height = 2, .files_width = 3};
    d = open_good(at("f"), EK_SPLIT_TRAIN, &o);
    assert_int_equal(ek_dataset_describe(d).height, 2);
    ek_dataset_close(d);
    o.files_width = 0;
    open_bad(at("f"), EK_SPLIT_TRAIN, &o, EK_ERR_ARG, "height 2 and width 0", NULL);
    o = (ek_dataset_options){.struct_size = sizeof o, .height = H, .width = W};
    for (o.max_bytes = 1; o.max_bytes < 60; o.max_bytes += 23) { /* room for none, one and both */
        d = open_good(at("f"), EK_SPLIT_TRAIN, &o);
        for (int again = 0; again < 2; again++) {
            assert_int_equal(value(d, 0, 0, 3, 5), 1 + 30 + 15);
            assert_int_equal(value(d, 1, 0, 2, 2), 50);
        }
        ek_dataset_close(d);
    }
}

static void test_many(void **state) {
    (void)state;
    for (int i = 0; i < 100; i++) {
        char name[32];
        (void)snprintf(name, sizeof name, "f/%c/%03d.png", 'a' + i / 50, i);
        put_simple(name, 1, i);
    }
    ek_dataset *d = open_good(at("f"), EK_SPLIT_TRAIN, NULL);
    for (int i = 0; i < 100; i++) assert_int_equal(value(d, i, 0, 0, 0), i);
    ek_dataset_close(d);
    put_text("f/a/020.png", "broken");
    put_text("f/b/090.png", "broken");
    for (int i = 0; i < 5; i++) open_bad(at("f"), EK_SPLIT_TRAIN, NULL, EK_ERR_FORMAT, "a/020.png", NULL);
}

/* The luma of Rec. 601 by its definition, in f64. */
static int luma(int r, int g, int b) { return (int)floor(0.299 * r + 0.587 * g + 0.114 * b + 0.5); }

static void test_channels(void **state) {
    (void)state;
    put_simple("f/a/1.png", 1, 7);
    put_simple("f/a/2.png", 3, 9);
    ek_dataset_options o = {.struct_size = sizeof o, .channels = 1};
    ek_dataset *d = open_good(at("f"), EK_SPLIT_TRAIN, &o);
    assert_int_equal(ek_dataset_describe(d).channels, 1);
    assert_int_equal(ek_dataset_stored_channels(d), 3);
    assert_int_equal(value(d, 0, 0, 3, 5), 7 + 30 + 15);
    for (int y = 0; y < H; y++) {
        int base = 9 + 10 * y;
        assert_int_equal(value(d, 1, 0, y, 0), luma(base, base + 40, base + 80));
    }
    ek_dataset_close(d);
    o.channels = 3;
    remove_file("f/a/2.png");
    d = open_good(at("f"), EK_SPLIT_TRAIN, &o);
    assert_int_equal(ek_dataset_describe(d).channels, 3);
    assert_int_equal(ek_dataset_stored_channels(d), 1);
    for (int c = 0; c < 3; c++) assert_int_equal(value(d, 0, c, 3, 5), 7 + 30 + 15);
    ek_dataset_close(d);
    o.channels = 2;
    open_bad(at("f"), EK_SPLIT_TRAIN, &o, EK_ERR_ARG, "expected 0, 1 or 3", NULL);
}

/* Sets that are read first and made gray after it: the same luma, of u8 as of f32. */
static void test_channels_of_arrays(void **state) {
    (void)state;
    float wide[3 * H * W];
    unsigned char planes[3 * H * W], labels[1] = {0};
    for (int i = 0; i < 3 * H * W; i++) {
        planes[i] = (unsigned char)(i * 37 % 256);
        wide[i] = (float)planes[i] / 255.0f;
    }
    ek_error err;
    int64_t dims[4] = {1, 3, H, W};
    char spec[2][1024];
    for (int f32 = 0; f32 < 2; f32++) {
        const char *file = at(f32 ? "f.npy" : "u.npy");
        assert_int_equal(ek_npy_write(file, f32 ? EK_F32 : EK_U8, 4, dims, f32 ? (void *)wide : planes, &err), EK_OK);
        snprintf(spec[f32], sizeof spec[f32], "%s,%s", file, at("y.npy"));
    }
    assert_int_equal(ek_npy_write(at("y.npy"), EK_U8, 1, dims, labels, &err), EK_OK);
    ek_dataset_options o = {.struct_size = sizeof o, .channels = 1};
    for (int f32 = 0; f32 < 2; f32++) {
        float image[H * W];
        ek_dataset *d = open_good(spec[f32], EK_SPLIT_TRAIN, &o);
        assert_int_equal(ek_dataset_stored_channels(d), 3);
        assert_int_equal(ek_dataset_read(d, 0, image, NULL, NULL), EK_OK);
        for (int i = 0; i < H * W; i++) {
            double exact = 0.299 * planes[i] + 0.587 * planes[H * W + i] + 0.114 * planes[2 * H * W + i];
            assert_true(fabs(255.0 * (double)image[i] - exact) <= (f32 ? 1e-4 : 0.501));
        }
        ek_dataset_close(d);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, folder_setup, folder_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_order_and_names), TEST(test_nested),    TEST(test_three_splits), TEST(test_split),
        TEST(test_gray_and_colour), TEST(test_png_kinds), TEST(test_transparent),  TEST(test_jpeg),
        TEST(test_sizes),           TEST(test_many),      TEST(test_channels),     TEST(test_channels_of_arrays),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
