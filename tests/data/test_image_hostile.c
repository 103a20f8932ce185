/* test_image_hostile.c: image folders that are empty, and files that are damaged, truncated, huge or of other kinds. */
#include "data_files.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static unsigned char pixels[64 * 64 * 4];

static void fill_pixels(void) {
    for (size_t i = 0; i < sizeof pixels; i++) pixels[i] = (unsigned char)(i * i / 7);
}

static void put_good_png(const char *name) {
    put_png(name, &(picture){.width = 16, .height = 16, .channels = 3, .bits = 8, .pixels = pixels});
}

static void test_empty(void **state) {
    (void)state;
    make_folder("f");
    open_bad(at("f"), EK_SPLIT_TRAIN, NULL, EK_ERR_FORMAT, "/f", "0 class folders", "train-images-idx3-ubyte",
             "data_batch_1.bin", "PNG", NULL);
    put_good_png("f/cat/1.png");
    put_text("f/dog/readme.txt", "no image here");
    open_bad(at("f"), EK_SPLIT_TRAIN, NULL, EK_ERR_FORMAT, "f/dog", "no image", ".png", NULL);
    put_text("f/dog/1.png", "");
    open_bad(at("f"), EK_SPLIT_TRAIN, NULL, EK_ERR_FORMAT, "dog/1.png", "empty", NULL);
    put_text("plain.txt", "x");
    open_bad(at("plain.txt"), EK_SPLIT_TRAIN, NULL, EK_ERR_FORMAT, "plain.txt", "not a folder", NULL);
}

static void test_not_a_file(void **state) {
    (void)state;
    put_good_png("f/cat/1.png");
    assert_int_equal(mkfifo(at("f/cat/2.png"), 0666), 0);
    open_bad(at("f"), EK_SPLIT_TRAIN, NULL, EK_ERR_IO, "cat/2.png", "pipe", NULL);
}

static void check_truncated(const char *name, unsigned step, size_t keep_tail) {
    size_t bytes;
    unsigned char *data = get_file(name, &bytes);
    for (size_t cut = 0; cut + keep_tail < bytes; cut += step) {
        ek_dataset *d = NULL;
        ek_error err;
        put_file(name, data, cut);
        assert_int_equal(ek_dataset_open(at("f"), EK_SPLIT_TRAIN, NULL, &d, &err), EK_ERR_FORMAT);
        assert_text(&err, name);
        assert_text(&err, "remove it");
    }
    free(data);
}

static void test_truncated_png(void **state) {
    (void)state;
    put_good_png("f/cat/0.png");
    put_good_png("f/cat/1.png");
    check_truncated("f/cat/1.png", 7, 0);
}

static void test_truncated_jpeg(void **state) {
    (void)state;
    put_jpeg("f/cat/0.jpg", 16, 16, 3, pixels);
    put_jpeg("f/cat/1.jpg", 16, 16, 3, pixels);
    check_truncated("f/cat/1.jpg", 11, 2);
}

/* Any flipped byte gives a set or a named error; the sanitizers watch the rest. */
static void check_flips(const char *name, unsigned step) {
    size_t bytes;
    unsigned char *data = get_file(name, &bytes);
    for (size_t i = 0; i < bytes; i += step) {
        ek_dataset *d = NULL;
        ek_error err;
        data[i] ^= 0xff;
        put_file(name, data, bytes);
        if (ek_dataset_open(at("f"), EK_SPLIT_TRAIN, NULL, &d, &err) != EK_OK) assert_text(&err, name);
        ek_dataset_close(d);
        data[i] ^= 0xff;
    }
    free(data);
}

static void test_flipped(void **state) {
    (void)state;
    put_good_png("f/cat/0.png");
    put_good_png("f/cat/1.png");
    check_flips("f/cat/1.png", 3);
    put_jpeg("f/cat/1.png", 16, 16, 3, pixels);
    check_flips("f/cat/1.png", 5);
}

static void test_png_checksum(void **state) {
    (void)state;
    size_t bytes;
    put_good_png("f/cat/0.png");
    unsigned char *data = get_file("f/cat/0.png", &bytes);
    data[60] ^= 1; /* inside the pixels: the chunk's checksum no longer fits */
    put_file("f/cat/1.png", data, bytes);
    open_bad(at("f"), EK_SPLIT_TRAIN, NULL, EK_ERR_FORMAT, "1.png", "damaged PNG", NULL);
    free(data);
}

static void test_bombs(void **state) {
    (void)state;
    size_t bytes;
    put_good_png("f/cat/0.png");
    unsigned char *data = get_file("f/cat/0.png", &bytes);
    static const unsigned char sizes[][8] = {{0x7f, 0xff, 0xff, 0xff, 0, 0, 0, 1},
                                             {0, 0, 0x40, 0, 0, 0, 0x40, 1},
                                             {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff},
                                             {0, 0, 0x3f, 0xff, 0, 0, 0x3f, 0xff}};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        memcpy(data + 16, sizes[i], 8);
        put_file("f/cat/0.png", data, bytes);
        open_bad(at("f"), EK_SPLIT_TRAIN, NULL, EK_ERR_LIMIT, "0.png", "pixels", "shrink", NULL);
    }
    memset(data + 16, 0, 8);
    put_file("f/cat/0.png", data, bytes);
    open_bad(at("f"), EK_SPLIT_TRAIN, NULL, EK_ERR_FORMAT, "0.png", "0 x 0", NULL);
    free(data);
}

static void test_other_kinds(void **state) {
    (void)state;
    put_jpeg("f/cat/0.jpg", 16, 16, 4, pixels);
    open_bad(at("f"), EK_SPLIT_TRAIN, NULL, EK_ERR_UNSUPPORTED, "0.jpg", "CMYK", "convert", NULL);
    put_text("f/cat/0.jpg", "GIF89a, not what the name says");
    open_bad(at("f"), EK_SPLIT_TRAIN, NULL, EK_ERR_UNSUPPORTED, "0.jpg", "is a GIF file", "mogrify -format png", NULL);
    put_text("f/cat/0.jpg", "no picture at all");
    open_bad(at("f"), EK_SPLIT_TRAIN, NULL, EK_ERR_FORMAT, "0.jpg", "neither PNG, JPEG, WebP nor BMP", NULL);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, folder_setup, folder_teardown)

int main(void) {
    fill_pixels();
    const struct CMUnitTest tests[] = {
        TEST(test_empty),   TEST(test_not_a_file),   TEST(test_truncated_png), TEST(test_truncated_jpeg),
        TEST(test_flipped), TEST(test_png_checksum), TEST(test_bombs),         TEST(test_other_kinds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
