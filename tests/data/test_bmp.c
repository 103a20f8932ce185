/* test_bmp.c: BMP files of every header and depth, made byte by byte; cut anywhere, and lying. */
#include "data_files.h"

#include <evenkeel/image.h>
#include <stdlib.h>
#include <string.h>

enum { W = 5, H = 3, ROOM = 4096 };

typedef struct bmp {
    unsigned char bytes[ROOM];
    size_t size;
} bmp;

static void number(unsigned char *p, int bytes, uint32_t value) {
    for (int i = 0; i < bytes; i++) p[i] = (unsigned char)(value >> (8 * i));
}

/* File header, a header of `header` bytes, then `more` bytes (masks, palette), then room for the rows. */
static unsigned char *start(bmp *b, uint32_t header, int bits, uint32_t compression, const void *more, size_t count,
                            int height) {
    size_t stride = (size_t)((W * bits + 31) / 32 * 4), offset = 14 + header + count;
    memset(b, 0, sizeof *b);
    memcpy(b->bytes, "BM", 2);
    b->size = offset + stride * H;
    assert_true(b->size <= ROOM);
    number(b->bytes + 10, 4, (uint32_t)offset);
    number(b->bytes + 14, 4, header);
    if (header == 12) {
        number(b->bytes + 18, 2, W);
        number(b->bytes + 20, 2, H);
        number(b->bytes + 24, 2, (uint32_t)bits);
    } else {
        number(b->bytes + 18, 4, W);
        number(b->bytes + 22, 4, (uint32_t)height);
        number(b->bytes + 28, 2, (uint32_t)bits);
        number(b->bytes + 30, 4, compression);
    }
    if (count > 0) memcpy(b->bytes + 14 + header, more, count);
    return b->bytes + offset;
}

static ek_image read_good(const bmp *b) {
    ek_image image;
    ek_error err = {EK_OK, ""};
    put_file("x.bmp", b->bytes, b->size);
    if (ek_image_read(at("x.bmp"), NULL, &image, &err) != EK_OK) fail_msg("%s", err.text);
    assert_int_equal(image.width, W);
    assert_int_equal(image.height, H);
    return image;
}

static void read_bad(const bmp *b, ek_status status, const char *word) {
    ek_image image;
    ek_error err = {EK_OK, ""};
    put_file("x.bmp", b->bytes, b->size);
    ek_status found = ek_image_read(at("x.bmp"), NULL, &image, &err);
    if (found != status) fail_msg("%s, expected %s: %s", ek_status_name(found), ek_status_name(status), err.text);
    assert_text(&err, "x.bmp: ");
    assert_text(&err, word);
}

static int colour(int c, int y, int x) { return 10 * (c + 1) + 50 * y + 7 * x; }

static void expect_colours(const bmp *b) {
    ek_image image = read_good(b);
    assert_int_equal(image.channels, 3);
    for (int i = 0; i < 3 * H * W; i++) assert_int_equal(image.pixels[i], colour(i / (H * W), i / W % H, i % W));
    ek_image_free(&image);
}

static void test_colour(void **state) {
    (void)state;
    static const unsigned char masks[12] = {0, 0, 0, 0xff, 0, 0, 0xff, 0, 0, 0xff, 0, 0}; /* red in the top byte */
    static const uint32_t headers[] = {12, 40, 108, 124};
    for (int n = 0; n < 8; n++) {
        int bits = n < 4 ? 24 : 32, down = n % 2, fields = n == 6 || n == 7;
        uint32_t header = fields ? 40 : headers[n % 4];
        bmp b;
        unsigned char *rows = start(&b, header, bits, fields ? 3 : 0, masks, fields ? 12 : 0, down ? -H : H);
        int downwards = down && header != 12;
        size_t stride = bits == 24 ? 16 : 4 * W;
        for (int i = 0; i < H * W; i++) {
            int y = i / W, x = i % W;
            unsigned char *p = rows + (size_t)(downwards ? y : H - 1 - y) * stride + (size_t)(x * bits / 8);
            for (int c = 0; c < 3; c++) p[fields ? 3 - c : 2 - c] = (unsigned char)colour(c, y, x);
        }
        expect_colours(&b);
    }
}

static void test_16_bits(void **state) {
    (void)state;
    static const unsigned char masks[12] = {0, 0xf8, 0, 0, 0xe0, 0x07, 0, 0, 0x1f, 0, 0, 0}; /* 5, 6, 5 */
    for (int fields = 0; fields < 2; fields++) {
        bmp b;
        unsigned char *rows = start(&b, 40, 16, fields ? 3 : 0, masks, fields ? 12 : 0, -H);
        number(rows, 2, fields ? 31u << 11 | 32u << 5 | 16 : 31u << 10 | 16u << 5 | 16);
        ek_image image = read_good(&b);
        assert_int_equal(image.pixels[0], 255);
        assert_int_equal(image.pixels[H * W], fields ? (32 * 255 + 31) / 63 : (16 * 255 + 15) / 31);
        assert_int_equal(image.pixels[2 * H * W], (16 * 255 + 15) / 31);
        assert_int_equal(image.pixels[1], 0);
        ek_image_free(&image);
    }
}

static void test_palettes(void **state) {
    (void)state;
    for (int n = 0; n < 8; n++) {
        int bits = 1 << (n / 2), gray = n % 2, core = n == 4;
        unsigned char palette[256 * 4] = {0};
        int entry = core ? 3 : 4, colours = 1 << bits;
        for (int i = 0; i < colours; i++) {
            for (int c = 0; c < 3; c++) palette[i * entry + c] = (unsigned char)(gray ? 200 - i : 60 * (3 - c) + i);
        }
        bmp b;
        unsigned char *rows = start(&b, core ? 12 : 40, bits, 0, palette, (size_t)(colours * entry), H);
        size_t stride = (size_t)((W * bits + 31) / 32 * 4);
        for (int i = 0; i < H * W; i++) {
            unsigned index = (unsigned)(i % colours);
            unsigned char *p = rows + (size_t)(H - 1 - i / W) * stride + i % W * bits / 8;
            *p = (unsigned char)(*p | index << (8 - bits - i % W * bits % 8));
        }
        ek_image image = read_good(&b);
        assert_int_equal(image.channels, gray ? 1 : 3);
        for (int i = 0; i < H * W; i++) {
            assert_int_equal(image.pixels[i], gray ? 200 - i % colours : 60 + i % colours);
            if (!gray) assert_int_equal(image.pixels[2 * H * W + i], 180 + i % colours);
        }
        ek_image_free(&image);
    }
}

static void test_cut_and_flipped(void **state) {
    (void)state;
    unsigned char palette[16] = {0, 0, 0, 0, 10, 20, 30, 0, 0, 0, 0, 0, 1, 1, 1, 0};
    for (int bits = 2; bits <= 32; bits *= 4) {
        bmp b;
        (void)start(&b, 40, bits, 0, palette, bits == 2 ? 16 : 0, H);
        if (bits == 8) number(b.bytes + 46, 4, 1); /* palettes of one colour: the first rows' bytes */
        assert_true(decodes(b.bytes, b.size));
        for (size_t i = 0; i < b.size; i++) {
            assert_false(decodes(b.bytes, i));
            for (int bit = 0; bit < 8; bit++) {
                b.bytes[i] ^= (unsigned char)(1 << bit);
                (void)decodes(b.bytes, b.size);
                b.bytes[i] ^= (unsigned char)(1 << bit);
            }
        }
    }
}

static void test_lies(void **state) {
    (void)state;
    bmp b;
    (void)start(&b, 40, 24, 0, NULL, 0, H);
    number(b.bytes + 18, 4, 0x7fffffff);
    read_bad(&b, EK_ERR_LIMIT, "pixels");
    number(b.bytes + 18, 4, 0x80000000);
    read_bad(&b, EK_ERR_FORMAT, "at least 1 x 1");
    number(b.bytes + 18, 4, W);
    number(b.bytes + 22, 4, 0x80000000);
    read_bad(&b, EK_ERR_LIMIT, "pixels");
    number(b.bytes + 22, 4, 8000);
    read_bad(&b, EK_ERR_FORMAT, "ends too early");
    number(b.bytes + 22, 4, H);
    number(b.bytes + 10, 4, 0xffffffff);
    read_bad(&b, EK_ERR_FORMAT, "ends too early");
    (void)start(&b, 40, 8, 1, NULL, 0, H);
    read_bad(&b, EK_ERR_UNSUPPORTED, "run lengths");
    (void)start(&b, 40, 24, 5, NULL, 0, H);
    read_bad(&b, EK_ERR_UNSUPPORTED, "compressed");
    (void)start(&b, 40, 32, 3, "\xff\0\xff\0\0\xff\0\0\0\0\xff", 12, H);
    read_bad(&b, EK_ERR_FORMAT, "colour masks");
    (void)start(&b, 40, 16, 3, "\x1f\0\0\0\0\0\0\0\xe0\3\0", 12, H); /* no green */
    read_bad(&b, EK_ERR_FORMAT, "colour masks");
    (void)start(&b, 40, 4, 0, "\1\2\3", 4, H);
    number(b.bytes + 46, 4, 1);
    b.bytes[58] = 0x20; /* colour 2 of 1 */
    read_bad(&b, EK_ERR_FORMAT, "palette");
    number(b.bytes + 46, 4, 17);
    read_bad(&b, EK_ERR_FORMAT, "more colours");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, folder_setup, folder_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {TEST(test_colour), TEST(test_16_bits), TEST(test_palettes),
                                       TEST(test_cut_and_flipped), TEST(test_lies)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
