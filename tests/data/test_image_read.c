/* test_image_read.c: one image by its path: every kind, every orientation, gray and colour, resized; and damage. */
#include "data_files.h"

#include "data/exif.h"

#include <evenkeel/image.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { W = 5, H = 3 };

static unsigned char pixels[64 * 64 * 4];

static void fill_pixels(void) {
    for (size_t i = 0; i < sizeof pixels; i++) pixels[i] = (unsigned char)(i * i / 7 + 3 * i);
}

static ek_image read_good(const char *path, const ek_image_options *options) {
    ek_image image;
    ek_error err = {EK_OK, ""};
    if (ek_image_read(path, options, &image, &err) != EK_OK) fail_msg("%s", err.text);
    return image;
}

static void read_bad(const char *path, const ek_image_options *options, ek_status status, const char *word) {
    ek_image image;
    ek_error err = {EK_OK, ""};
    assert_int_equal(ek_image_read(path, options, &image, &err), status);
    assert_null(image.pixels);
    assert_text(&err, word);
}

static int at_pixel(const ek_image *image, int c, int y, int x) {
    return image->pixels[(c * image->height + y) * image->width + x];
}

static void check_plain(const char *path) {
    ek_image image = read_good(path, NULL);
    assert_int_equal(image.channels, 3);
    assert_int_equal(image.height, H);
    assert_int_equal(image.width, W);
    for (int i = 0; i < W * H * 3; i++) assert_int_equal(at_pixel(&image, i % 3, i / 3 / W, i / 3 % W), pixels[i]);
    ek_image_free(&image);
}

static void test_kinds(void **state) {
    (void)state;
    put_png("a.png", &(picture){.width = W, .height = H, .channels = 3, .bits = 8, .pixels = pixels});
    put_webp("b.png", W, H, 3, pixels); /* the content decides */
    check_plain(at("a.png"));
    check_plain(at("b.png"));
    unsigned char alpha[W * H * 4];
    for (int i = 0; i < W * H; i++) {
        memcpy(alpha + 4 * i, pixels + 3 * i, 3);
        alpha[4 * i + 3] = (unsigned char)(1 + 17 * i);
    }
    put_webp("c.webp", W, H, 4, alpha); /* dropped, not blended */
    check_plain(at("c.webp"));
}

/* What EXIF says of the eight: where the first row and the first column of what is stored belong. */
static int stored(int orientation, int y, int x) {
    static const char *const first[9] = {"",         "top left",  "top right",    "bottom right", "bottom left",
                                         "left top", "right top", "right bottom", "left bottom"};
    const char *row = first[orientation], *column = strchr(row, ' ') + 1;
    int turned = row[0] == 'l' || row[0] == 'r', height = turned ? W : H, width = turned ? H : W;
    int from_row = row[0] == 't' ? y : row[0] == 'b' ? height - 1 - y : row[0] == 'l' ? x : width - 1 - x;
    int from_column = column[0] == 't' ? y : column[0] == 'b' ? height - 1 - y : column[0] == 'l' ? x : width - 1 - x;
    return from_row * W + from_column;
}

static void check_oriented(const char *name, int orientation, const ek_image *plain) {
    orient(name, orientation, W, H);
    ek_image image = read_good(at(name), NULL);
    assert_int_equal(image.height, orientation > 4 ? W : H);
    assert_int_equal(image.width, orientation > 4 ? H : W);
    for (int y = 0; y < image.height; y++) {
        for (int x = 0; x < image.width; x++) {
            int from = stored(orientation, y, x);
            for (int c = 0; c < image.channels; c++) {
                assert_int_equal(at_pixel(&image, c, y, x), at_pixel(plain, c, from / W, from % W));
            }
        }
    }
    ek_image_free(&image);
}

static void test_orientation(void **state) {
    (void)state;
    for (int kind = 0; kind < 4; kind++) {
        for (int orientation = 1; orientation <= 8; orientation++) {
            int channels = kind == 3 ? 1 : 3;
            if (kind == 0) put_jpeg("x", W, H, 3, pixels);
            if (kind == 1) put_webp("x", W, H, 3, pixels);
            if (kind > 1)
                put_png("x", &(picture){.width = W, .height = H, .channels = channels, .bits = 8, .pixels = pixels});
            ek_image plain = read_good(at("x"), NULL);
            assert_int_equal(plain.channels, channels);
            check_oriented("x", orientation, &plain);
            ek_image_free(&plain);
        }
    }
}

/* An orientation that is damaged in any byte never makes an image an error. */
static void test_hostile_exif(void **state) {
    (void)state;
    size_t bytes;
    put_jpeg("x.jpg", W, H, 1, pixels);
    orient("x.jpg", 6, W, H);
    unsigned char *data = get_file("x.jpg", &bytes);
    for (size_t i = 12; i < 12 + 38; i++) {
        unsigned char kept = data[i];
        for (int v = 0; v < 256; v++) {
            data[i] = (unsigned char)v;
            assert_true(decodes(data, bytes));
        }
        data[i] = kept;
    }
    free(data);
    static const char *const blocks[] = {"",
                                         "II*\0",
                                         "II*\0\xff\xff\xff\xff",
                                         "II*\0\x08\0\0\0",
                                         "II*\0\0\0\0\0\0",
                                         "II*\0\x08\0\0\0\xff\xff",
                                         "MM\0*\0\0\0\x08\0"};
    static const size_t sizes[] = {0, 4, 8, 8, 9, 10, 9};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        unsigned char *copy = malloc(sizes[i] + 1);
        assert_non_null(copy);
        memcpy(copy + 1, blocks[i], sizes[i]);
        assert_int_equal(eki_exif_orientation((eki_exif){copy + 1, sizes[i]}), 1);
        free(copy);
    }
}

/* Cut anywhere, or with any byte flipped: an image or an error, never more. */
static void test_hostile_containers(void **state) {
    (void)state;
    for (int kind = 0; kind < 3; kind++) {
        if (kind == 0) put_jpeg("x", W, H, 3, pixels);
        if (kind == 1) put_webp("x", W, H, 3, pixels);
        if (kind == 2) put_png("x", &(picture){.width = W, .height = H, .channels = 3, .bits = 8, .pixels = pixels});
        orient("x", 6, W, H);
        size_t bytes;
        unsigned char *data = get_file("x", &bytes);
        assert_true(decodes(data, bytes));
        for (size_t i = 0; i < bytes; i++) {
            /* What ends a JPEG or a PNG, or the EXIF behind a WebP, may be missed; pixels may not. */
            if (i < bytes - 60 || kind == 2) assert_false(decodes(data, i));
            (void)decodes(data, i);
            data[i] ^= 0xff;
            (void)decodes(data, bytes);
            data[i] ^= 0xff;
        }
        free(data);
    }
}

static uint32_t draw(uint32_t *state) {
    *state = *state * 1664525u + 1013904223u;
    return *state >> 8;
}

/* A BMP of 32 bits with masks of its own. */
static void put_masked_bmp(const char *name) {
    unsigned char b[66 + 4 * W * H] = {'B', 'M'};
    b[10] = 66;
    b[14] = 40;
    b[18] = W;
    b[22] = H;
    b[26] = 1;
    b[28] = 32;
    b[30] = 3;
    b[54] = b[59] = b[64] = 0xff;
    put_file(name, b, sizeof b);
}

/* Several bytes changed at once, most of them in the header. */
static void test_mutations(void **state) {
    (void)state;
    static const char *const names[] = {"a", "b", "c", "d"};
    put_jpeg("a", W, H, 3, pixels);
    put_webp("b", W, H, 3, pixels);
    put_png("c", &(picture){.width = W, .height = H, .channels = 3, .bits = 8, .pixels = pixels});
    for (int i = 0; i < 3; i++) orient(names[i], 5 + i, W, H);
    put_masked_bmp("d");
    for (int i = 0; i < 4; i++) {
        size_t bytes;
        uint32_t dice = 1 + (uint32_t)i;
        unsigned char *data = get_file(names[i], &bytes), *copy = malloc(bytes);
        assert_non_null(copy);
        assert_true(decodes(data, bytes));
        for (int round = 0; round < 3000; round++) {
            memcpy(copy, data, bytes);
            for (uint32_t n = draw(&dice) % 5; n < 5; n++) {
                size_t most = draw(&dice) % 3 > 0 && bytes > 80 ? 80 : bytes;
                copy[draw(&dice) % most] = (unsigned char)(draw(&dice) % 3 > 0 ? draw(&dice) : 0);
            }
            (void)decodes(copy, draw(&dice) % 4 > 0 ? bytes : draw(&dice) % bytes);
        }
        free(copy);
        free(data);
    }
}

static void test_colours_and_size(void **state) {
    (void)state;
    put_png("c.png", &(picture){.width = W, .height = H, .channels = 3, .bits = 8, .pixels = pixels});
    put_png("g.png", &(picture){.width = W, .height = H, .channels = 1, .bits = 8, .pixels = pixels});
    ek_image_options o = {.struct_size = sizeof o, .channels = 1};
    ek_image gray = read_good(at("c.png"), &o);
    assert_int_equal(gray.channels, 1);
    for (int i = 0; i < W * H; i++) {
        const unsigned char *p = pixels + 3 * i;
        assert_int_equal(gray.pixels[i], (int)(0.299 * p[0] + 0.587 * p[1] + 0.114 * p[2] + 0.5));
    }
    ek_image_free(&gray);
    o.channels = 3;
    ek_image wide = read_good(at("g.png"), &o);
    for (int i = 0; i < W * H * 3; i++) assert_int_equal(wide.pixels[i], pixels[i % (W * H)]);
    ek_image_free(&wide);
    o.channels = 2;
    read_bad(at("g.png"), &o, EK_ERR_ARG, "0, 1 or 3");
    o.channels = 0;
    o.height = 4;
    read_bad(at("g.png"), &o, EK_ERR_ARG, "give both");
}

/* A data set of the same file gives the same values. */
static void test_as_a_set(void **state) {
    (void)state;
    put_jpeg("f/a/1.jpg", 64, 48, 3, pixels);
    put_webp("f/a/2.webp", 20, 33, 3, pixels);
    put_png("f/b/3.png", &(picture){.width = 9, .height = 7, .channels = 1, .bits = 8, .pixels = pixels});
    orient("f/a/1.jpg", 8, 64, 48);
    ek_dataset_options d = {.struct_size = sizeof d, .height = 17, .width = 13};
    ek_image_options o = {.struct_size = sizeof o, .height = 17, .width = 13, .channels = 3};
    static const char *const names[] = {"f/a/1.jpg", "f/a/2.webp", "f/b/3.png"};
    ek_dataset *set = open_good(at("f"), EK_SPLIT_TRAIN, &d);
    for (int n = 0; n < 3; n++) {
        float values[3 * 17 * 13];
        ek_image image = read_good(at(names[n]), &o);
        assert_int_equal(ek_dataset_read(set, n, values, NULL, NULL), EK_OK);
        for (int i = 0; i < 3 * 17 * 13; i++) assert_true((float)image.pixels[i] / 255.0f == values[i]);
        ek_image_free(&image);
    }
    ek_dataset_close(set);
}

static void test_refused(void **state) {
    (void)state;
    static const struct {
        const char *bytes, *kind;
        size_t size;
    } rows[] = {{"GIF89a......", "GIF", 12},  {"II*\0........", "TIFF", 12}, {"....ftypheic", "HEIC", 12},
                {"....ftypavif", "AVIF", 12}, {"MM\0*........", "TIFF", 12}, {"....JXL ....", "JPEG XL", 12},
                {"%PDF-1.4....", "PDF", 12}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        put_file("x.jpg", rows[i].bytes, rows[i].size);
        read_bad(at("x.jpg"), NULL, EK_ERR_UNSUPPORTED, rows[i].kind);
        read_bad(at("x.jpg"), NULL, EK_ERR_UNSUPPORTED, "mogrify -format png");
    }
    put_jpeg("x.jpg", 16, 16, 4, pixels);
    read_bad(at("x.jpg"), NULL, EK_ERR_UNSUPPORTED, "CMYK");
    read_bad(at("none.jpg"), NULL, EK_ERR_IO, "none.jpg");
    put_text("x.jpg", "");
    read_bad(at("x.jpg"), NULL, EK_ERR_FORMAT, "empty");
    static const unsigned char animated[] = "RIFF\x20\0\0\0WEBPVP8X\x0a\0\0\0\x02\0\0\0\x04\0\0\x02\0\0ANIM\x06\0\0\0";
    put_file("x.webp", animated, sizeof animated - 1);
    read_bad(at("x.webp"), NULL, EK_ERR_UNSUPPORTED, "animated");
    static const unsigned char huge[] = "RIFF\x20\0\0\0WEBPVP8X\x0a\0\0\0\0\0\0\0\xff\x3f\0\xff\x3f\0....";
    put_file("x.webp", huge, sizeof huge - 1);
    read_bad(at("x.webp"), NULL, EK_ERR_LIMIT, "pixels");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, folder_setup, folder_teardown)

int main(void) {
    fill_pixels();
    const struct CMUnitTest tests[] = {
        TEST(test_kinds),     TEST(test_orientation),      TEST(test_hostile_exif), TEST(test_hostile_containers),
        TEST(test_mutations), TEST(test_colours_and_size), TEST(test_as_a_set),     TEST(test_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
