/* data_files.c: see data_files.h. */
#define _XOPEN_SOURCE 700
#include "data_files.h"

#include "data/image.h"

#include <errno.h>
#include <ftw.h>
#include <png.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <turbojpeg.h>
#include <unistd.h>
#include <webp/encode.h>
#include <zlib.h>

static char root[256];

int folder_setup(void **state) {
    (void)state;
    const char *base = getenv("TMPDIR");
    (void)snprintf(root, sizeof root, "%s/ek-data-XXXXXX", base != NULL ? base : "/tmp");
    return mkdtemp(root) != NULL ? 0 : -1;
}

static int remove_entry(const char *path, const struct stat *info, int kind, struct FTW *walk) {
    (void)info;
    (void)kind;
    (void)walk;
    return remove(path);
}

int folder_teardown(void **state) {
    (void)state;
    return nftw(root, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

const char *at(const char *name) {
    static char texts[8][1024];
    static int next;
    char *text = texts[next++ % 8];
    (void)snprintf(text, sizeof texts[0], "%s/%s", root, name);
    return text;
}

static void make_parents(const char *path) {
    char copy[1024];
    (void)snprintf(copy, sizeof copy, "%s", path);
    for (char *p = copy + strlen(root) + 1; *p != '\0'; p++) {
        if (*p != '/') continue;
        *p = '\0';
        if (mkdir(copy, 0777) != 0) assert_int_equal(errno, EEXIST);
        *p = '/';
    }
}

void make_folder(const char *name) {
    char path[1024];
    (void)snprintf(path, sizeof path, "%s/", at(name));
    make_parents(path);
}

void put_file(const char *name, const void *data, size_t bytes) {
    const char *path = at(name);
    make_parents(path);
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    if (bytes > 0) assert_int_equal(fwrite(data, 1, bytes, f), bytes);
    assert_int_equal(fclose(f), 0);
}

void put_text(const char *name, const char *text) { put_file(name, text, strlen(text)); }

void put_gzip(const char *name, const void *data, size_t bytes) {
    make_parents(at(name));
    gzFile f = gzopen(at(name), "wb");
    assert_non_null(f);
    if (bytes > 0) assert_int_equal(gzwrite(f, data, (unsigned)bytes), (int)bytes);
    assert_int_equal(gzclose(f), Z_OK);
}

void remove_file(const char *name) { assert_int_equal(unlink(at(name)), 0); }

unsigned char *get_file(const char *name, size_t *bytes) {
    FILE *f = fopen(at(name), "rb");
    assert_non_null(f);
    assert_int_equal(fseek(f, 0, SEEK_END), 0);
    *bytes = (size_t)ftell(f);
    rewind(f);
    unsigned char *data = malloc(*bytes + 1);
    assert_non_null(data);
    assert_int_equal(fread(data, 1, *bytes, f), *bytes);
    fclose(f);
    return data;
}

static int png_colour(const picture *p) {
    static const int types[] = {PNG_COLOR_TYPE_GRAY, PNG_COLOR_TYPE_GRAY_ALPHA, PNG_COLOR_TYPE_RGB,
                                PNG_COLOR_TYPE_RGB_ALPHA};
    return p->palette ? PNG_COLOR_TYPE_PALETTE : types[p->channels - 1];
}

static void set_palette(png_structp png, png_infop info, int bits) {
    png_color colours[256] = {{10, 20, 30}, {200, 100, 50}, {0, 0, 0}, {255, 255, 255}};
    png_set_PLTE(png, info, colours, 1 << bits);
}

void put_png(const char *name, const picture *p) {
    make_parents(at(name));
    FILE *f = fopen(at(name), "wb");
    assert_non_null(f);
    png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, NULL, NULL, NULL);
    png_infop info = png_create_info_struct(png);
    png_init_io(png, f);
    png_set_IHDR(png, info, (png_uint_32)p->width, (png_uint_32)p->height, p->bits, png_colour(p),
                 p->interlaced ? PNG_INTERLACE_ADAM7 : PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT,
                 PNG_FILTER_TYPE_DEFAULT);
    if (p->palette) set_palette(png, info, p->bits);
    png_color_16 first = {0};
    if (p->transparent) png_set_tRNS(png, info, (png_const_bytep) "\0", 1, &first);
    png_write_info(png, info);
    if (p->bits < 8) png_set_packing(png);
    size_t row = (size_t)p->width * (size_t)p->channels * (p->bits == 16 ? 2 : 1);
    int passes = png_set_interlace_handling(png);
    for (int pass = 0; pass < passes; pass++) {
        for (int y = 0; y < p->height; y++) png_write_row(png, p->pixels + (size_t)y * row);
    }
    png_write_end(png, NULL);
    png_destroy_write_struct(&png, &info);
    fclose(f);
}

void put_jpeg(const char *name, int width, int height, int channels, const unsigned char *pixels) {
    tjhandle tj = tjInitCompress();
    unsigned char *data = NULL;
    unsigned long bytes = 0;
    int format = channels == 1 ? TJPF_GRAY : channels == 4 ? TJPF_CMYK : TJPF_RGB;
    assert_int_equal(tjCompress2(tj, pixels, width, 0, height, format, &data, &bytes,
                                 channels == 1 ? TJSAMP_GRAY : TJSAMP_444, 95, 0),
                     0);
    put_file(name, data, bytes);
    tjFree(data);
    tjDestroy(tj);
}

ek_dataset *open_good(const char *spec, ek_split split, const ek_dataset_options *options) {
    ek_dataset *dataset = NULL;
    ek_error err = {EK_OK, ""};
    if (ek_dataset_open(spec, split, options, &dataset, &err) != EK_OK) fail_msg("%s", err.text);
    assert_non_null(dataset);
    return dataset;
}

void assert_text(const ek_error *err, const char *word) {
    if (strstr(err->text, word) == NULL) fail_msg("'%s' is not in: %s", word, err->text);
}

void open_bad(const char *spec, ek_split split, const ek_dataset_options *options, ek_status status, ...) {
    ek_dataset *dataset = NULL;
    ek_error err = {EK_OK, ""};
    ek_status found = ek_dataset_open(spec, split, options, &dataset, &err);
    if (found != status)
        fail_msg("status %s, expected %s: %s", ek_status_name(found), ek_status_name(status), err.text);
    assert_null(dataset);
    assert_int_equal(err.status, status);
    va_list words;
    va_start(words, status);
    for (const char *word = va_arg(words, const char *); word != NULL; word = va_arg(words, const char *)) {
        assert_text(&err, word);
    }
    va_end(words);
}

void put_webp(const char *name, int width, int height, int channels, const unsigned char *pixels) {
    uint8_t *data = NULL;
    size_t bytes = channels == 4 ? WebPEncodeLosslessRGBA(pixels, width, height, width * 4, &data)
                                 : WebPEncodeLosslessRGB(pixels, width, height, width * 3, &data);
    assert_true(bytes > 0);
    put_file(name, data, bytes);
    WebPFree(data);
}

static void put_number(unsigned char *p, int bytes, uint32_t value, int big) {
    for (int i = 0; i < bytes; i++) p[big ? bytes - 1 - i : i] = (unsigned char)(value >> (8 * i));
}

/* A TIFF block with one entry before the orientation. */
static size_t make_exif(unsigned char *tiff, int orientation, int big) {
    memset(tiff, 0, 38);
    memcpy(tiff, big ? "MM\0*" : "II*\0", 4);
    put_number(tiff + 4, 4, 8, big);
    put_number(tiff + 8, 2, 2, big);
    put_number(tiff + 10, 2, 0x010f, big);
    put_number(tiff + 12, 2, 2, big);
    put_number(tiff + 22, 2, 0x0112, big);
    put_number(tiff + 24, 2, 3, big);
    put_number(tiff + 26, 4, 1, big);
    put_number(tiff + 30, 2, (uint32_t)orientation, big);
    return 38;
}

/* What goes in, and where: a segment of JPEG, a chunk of PNG. */
static size_t wrap(unsigned char *out, const unsigned char *data, const unsigned char *tiff, size_t size) {
    if (data[0] == 0xff) {
        memcpy(out, "\xff\xe1\0\0Exif\0\0", 10);
        put_number(out + 2, 2, (uint32_t)size + 8, 1);
        memcpy(out + 10, tiff, size);
        return size + 10;
    }
    put_number(out, 4, (uint32_t)size, 1);
    memcpy(out + 4, "eXIf", 4);
    memcpy(out + 8, tiff, size);
    put_number(out + 8 + size, 4, (uint32_t)crc32(crc32(0, NULL, 0), out + 4, (uInt)size + 4), 1);
    return size + 12;
}

/* RIFF, VP8X (EXIF flag, size), the picture, EXIF. */
static void orient_webp(const char *name, const unsigned char *data, size_t bytes, const unsigned char *tiff,
                        size_t size, int width, int height) {
    unsigned char *all = calloc(1, bytes + size + 64);
    assert_non_null(all);
    memcpy(all, "RIFF____WEBPVP8X", 16);
    all[16] = 10;
    all[20] = 8;
    put_number(all + 24, 3, (uint32_t)width - 1, 0);
    put_number(all + 27, 3, (uint32_t)height - 1, 0);
    memcpy(all + 30, data + 12, bytes - 12);
    unsigned char *p = all + 30 + bytes - 12;
    memcpy(p, "EXIF", 4);
    put_number(p + 4, 4, (uint32_t)size, 0);
    memcpy(p + 8, tiff, size);
    put_number(all + 4, 4, (uint32_t)(p + 8 + size - all - 8), 0);
    put_file(name, all, (size_t)(p + 8 + size - all));
    free(all);
}

void orient(const char *name, int orientation, int width, int height) {
    unsigned char tiff[64], wrapped[128];
    size_t bytes, size = make_exif(tiff, orientation, orientation % 2);
    unsigned char *data = get_file(name, &bytes);
    if (data[0] == 'R') {
        orient_webp(name, data, bytes, tiff, size, width, height);
    } else {
        size_t at = data[0] == 0xff ? 2 : 33, more = wrap(wrapped, data, tiff, size);
        unsigned char *all = malloc(bytes + more);
        assert_non_null(all);
        memcpy(all, data, at);
        memcpy(all + at, wrapped, more);
        memcpy(all + at + more, data + at, bytes - at);
        put_file(name, all, bytes + more);
        free(all);
    }
    free(data);
}

int decodes(const unsigned char *data, size_t bytes) {
    unsigned char *copy = malloc(bytes + 1);
    assert_non_null(copy);
    memcpy(copy + 1, data, bytes);
    eki_image image = {0};
    ek_error err = {EK_OK, ""};
    ek_status status = eki_image_decode(&(eki_encoded){.path = "x", .data = copy + 1, .size = bytes}, &image, &err);
    if (status != EK_OK) assert_text(&err, "x: ");
    eki_image_free(&image);
    free(copy);
    return status == EK_OK;
}
