/* image.h: decoding one image file. */
#ifndef EKI_IMAGE_H
#define EKI_IMAGE_H

#include "base/error.h"
#include "base/memory.h"

#include <stdbool.h>
#include <stddef.h>

/* A decoded image, or with pixels NULL what its header promises. */
typedef struct eki_image {
    int width, height;     /* upright, of a codec: as stored */
    int channels;          /* 1 = gray, 3 = RGB */
    unsigned char *pixels; /* height x width x channels, eki_alloc */
} eki_image;

/* Sides and total at most this much: a small file must not become a large allocation. */
enum { EKI_IMAGE_MAX_SIDE = 16384, EKI_IMAGE_MAX_PIXELS = 1 << 26, EKI_IMAGE_MAX_FILE = 1 << 28 };

/* The encoded bytes of a file, with its path for messages. */
typedef struct eki_encoded {
    const char *path;
    const unsigned char *data;
    size_t size;
} eki_encoded;

/* Of all pixels. */
eki_size eki_image_bytes(int channels, int height, int width);

/* Reads the header only, within the limits. The kind is told by the first bytes, not by the name. */
ek_status eki_image_probe(const eki_encoded *file, eki_image *image, ek_error *err);

/* Decodes to 8-bit gray or RGB, upright: 16 bits are reduced, palettes expanded, alpha dropped; CMYK is refused. */
ek_status eki_image_decode(const eki_encoded *file, eki_image *image, ek_error *err);
/* Decodes a mask, upright: the indices of a palette, or gray values as they are, one byte each. EK_ERR_FORMAT: it is
 * neither, or no PNG. */
ek_status eki_image_decode_mask(const eki_encoded *file, eki_image *image, ek_error *err);
void eki_image_free(eki_image *image);

/* A whole encoded file in memory; `data` is the caller's to free. */
ek_status eki_image_slurp(const char *path, unsigned char **data, eki_encoded *file, ek_error *err);

/* Turns an image that is stored with an EXIF orientation (1 to 8) upright. */
ek_status eki_image_turn(eki_image *image, int orientation, ek_error *err);

/* What a file's name says of it: an image that is read, one that is not, or something else. The extension as this
 * library writes it is in *extension, for images. */
typedef enum eki_image_name { EKI_NAME_READ, EKI_NAME_UNREAD, EKI_NAME_OTHER } eki_image_name;
eki_image_name eki_image_classify(const char *name, const char **extension);

/* Kind by the first bytes of an image that is not read, such as "GIF"; else NULL. */
const char *eki_image_unread_kind(const eki_encoded *file);

/* The line that converts other kinds; ends "... *" where an extension follows. */
#define EKI_IMAGE_CONVERT "mogrify -format png" /* of ImageMagick */

ek_status eki_png_probe(const eki_encoded *file, eki_image *image, ek_error *err);
ek_status eki_png_decode(const eki_encoded *file, eki_image *image, ek_error *err);
ek_status eki_png_mask(const eki_encoded *file, eki_image *image, ek_error *err);
ek_status eki_jpeg_probe(const eki_encoded *file, eki_image *image, ek_error *err);
ek_status eki_jpeg_decode(const eki_encoded *file, eki_image *image, ek_error *err);
ek_status eki_webp_probe(const eki_encoded *file, eki_image *image, ek_error *err);
ek_status eki_webp_decode(const eki_encoded *file, eki_image *image, ek_error *err);
ek_status eki_bmp_probe(const eki_encoded *file, eki_image *image, ek_error *err);
ek_status eki_bmp_decode(const eki_encoded *file, eki_image *image, ek_error *err);

#endif
