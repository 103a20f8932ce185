/* data_files.h: a temporary folder, small files in it, and checks of status and text. */
#ifndef TESTS_DATA_FILES_H
#define TESTS_DATA_FILES_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <evenkeel/data.h>

/* cmocka setup and teardown: an empty folder for each test, removed with all that is in it. */
int folder_setup(void **state);
int folder_teardown(void **state);

/* PATH in the folder, made with its parents; the text is valid for eight more calls. */
const char *at(const char *name);

/* Writes a file (parents are made), plain or gzip. */
void put_file(const char *name, const void *data, size_t bytes);
void put_gzip(const char *name, const void *data, size_t bytes);
void put_text(const char *name, const char *text);
void make_folder(const char *name);
void remove_file(const char *name);

/* Reads a file of the folder into malloc memory. */
unsigned char *get_file(const char *name, size_t *bytes);

typedef struct picture {
    int width, height, channels; /* channels 1 to 4: gray, gray+alpha, RGB, RGBA */
    int bits;                    /* PNG: 1, 2, 4, 8 or 16 */
    int palette;                 /* PNG: `channels` is 1, values are indices of a colour palette */
    int interlaced;
    int transparent;             /* PNG: one colour of the palette, of gray or of RGB is transparent */
    const unsigned char *pixels; /* one sample per byte, two (high first) with 16 bits */
} picture;

void put_png(const char *name, const picture *p);
void put_jpeg(const char *name, int width, int height, int channels, const unsigned char *pixels);

/* Lossless; RGB or, with 4 channels, RGBA. */
void put_webp(const char *name, int width, int height, int channels, const unsigned char *pixels);
/* Puts an EXIF orientation into a JPEG, PNG or WebP file (of this size); odd ones big-endian, even ones little. */
void orient(const char *name, int orientation, int width, int height);

/* Decodes exactly these bytes; the address sanitizer watches their ends. True when they are an image; else there is an
 * error text. */
int decodes(const unsigned char *data, size_t bytes);

/* Opens and asserts success, or asserts failure with `status` and each of the words (ended by NULL) in the text. */
ek_dataset *open_good(const char *spec, ek_split split, const ek_dataset_options *options);
void open_bad(const char *spec, ek_split split, const ek_dataset_options *options, ek_status status, ...);

void assert_text(const ek_error *err, const char *word);

#endif
