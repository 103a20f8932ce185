/* mask_write.c: ek_mask_write: classes as a PNG with a palette, in the colours of Pascal VOC. */
#include "base/error.h"
#include "base/memory.h"

#include <evenkeel/files.h>
#include <evenkeel/image.h>
#include <png.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { COLOURS = 256, BITS = 8 };

typedef struct writing {
    int height, width;
    const unsigned char *classes;
    unsigned char *bytes;
    size_t size, room;
    png_structp png;
    png_infop info;
    char message[128];
} writing;

static void on_error(png_structp png, png_const_charp text) {
    writing *w = png_get_error_ptr(png);
    (void)snprintf(w->message, sizeof w->message, "%s", text);
    png_longjmp(png, 1);
}

static void on_warning(png_structp png, png_const_charp text) {
    (void)png;
    (void)text;
}

static void on_write(png_structp png, png_bytep data, size_t bytes) {
    writing *w = png_get_io_ptr(png);
    void *all = w->bytes;
    if (!eki_grow(&all, &w->room, w->size + bytes, 1)) png_error(png, "out of memory");
    w->bytes = all;
    memcpy(w->bytes + w->size, data, bytes);
    w->size += bytes;
}

static void on_flush(png_structp png) { (void)png; }

/* Class c's colour: its bits, three by three, from the highest bit of red, green and blue downwards. */
static void fill_palette(png_color colours[COLOURS]) {
    for (unsigned c = 0; c < COLOURS; c++) {
        unsigned rgb[3] = {0, 0, 0};
        for (int bit = 0; bit < BITS; bit++) {
            for (int k = 0; k < 3; k++) rgb[k] |= (c >> (3 * bit + k) & 1U) << (BITS - 1 - bit);
        }
        colours[c] = (png_color){(png_byte)rgb[0], (png_byte)rgb[1], (png_byte)rgb[2]};
    }
}

/* The part that may jump. */
static void encode(writing *w) {
    png_color colours[COLOURS];
    fill_palette(colours);
    png_set_write_fn(w->png, w, on_write, on_flush);
    png_set_IHDR(w->png, w->info, (png_uint_32)w->width, (png_uint_32)w->height, BITS, PNG_COLOR_TYPE_PALETTE,
                 PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
    png_set_PLTE(w->png, w->info, colours, COLOURS);
    png_write_info(w->png, w->info);
    for (int y = 0; y < w->height; y++) png_write_row(w->png, w->classes + (size_t)y * (size_t)w->width);
    png_write_end(w->png, NULL);
}

static int run(writing *w) {
    w->png = png_create_write_struct(PNG_LIBPNG_VER_STRING, w, on_error, on_warning);
    w->info = w->png != NULL ? png_create_info_struct(w->png) : NULL;
    if (w->info == NULL) return -1;
    if (setjmp(png_jmpbuf(w->png)) != 0) return 1;
    encode(w);
    return 0;
}

ek_status ek_mask_write(const char *path, int height, int width, const unsigned char *classes, ek_error *err) {
    EKI_GIVEN(path, err);
    EKI_GIVEN(classes, err);
    if (height < 1 || width < 1) {
        return eki_fail(err, EK_ERR_ARG, "a mask of %d x %d pixels; expected at least 1 x 1", height, width);
    }
    writing w = {.height = height, .width = width, .classes = classes};
    int result = run(&w);
    if (w.png != NULL) png_destroy_write_struct(&w.png, &w.info);
    ek_status status = result == 0  ? ek_file_replace(path, w.bytes, w.size, err)
                       : result < 0 ? eki_fail_nomem(err, COLOURS)
                                    : eki_fail(err, EK_ERR_IO, "%s: cannot be encoded: %s", path, w.message);
    free(w.bytes);
    return status;
}
