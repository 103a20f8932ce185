/* data_files.c: see data_files.h. */
#define _XOPEN_SOURCE 700
#include "data_files.h"

#include <errno.h>
#include <ftw.h>
#include <png.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <turbojpeg.h>
#include <unistd.h>
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

static void set_palette(png_structp png, png_infop info) {
    png_color colours[4] = {{10, 20, 30}, {200, 100, 50}, {0, 0, 0}, {255, 255, 255}};
    png_set_PLTE(png, info, colours, 4);
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
    if (p->palette) set_palette(png, info);
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
