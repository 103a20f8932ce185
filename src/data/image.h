/* image.h: decoding one PNG or JPEG file. */
#ifndef EKI_IMAGE_H
#define EKI_IMAGE_H

#include "base/error.h"

#include <stddef.h>

/* A decoded image, or with pixels NULL what its header promises. */
typedef struct eki_image {
    int width, height;
    int channels;          /* 1 = gray, 3 = RGB */
    unsigned char *pixels; /* height x width x channels, eki_alloc */
} eki_image;

/* Sides and total at most this much: a small file must not become a large allocation. */
enum { EKI_IMAGE_MAX_SIDE = 16384, EKI_IMAGE_MAX_PIXELS = 1 << 26 };

/* The encoded bytes of a file, with its path for messages. */
typedef struct eki_encoded {
    const char *path;
    const unsigned char *data;
    size_t size;
} eki_encoded;

/* Reads the header only, within the limits. The kind is told by the first bytes, not by the name. */
ek_status eki_image_probe(const eki_encoded *file, eki_image *image, ek_error *err);

/* Decodes to 8-bit gray or RGB: 16 bits are reduced, palettes expanded, alpha dropped; CMYK is refused. */
ek_status eki_image_decode(const eki_encoded *file, eki_image *image, ek_error *err);
void eki_image_free(eki_image *image);

ek_status eki_png_probe(const eki_encoded *file, eki_image *image, ek_error *err);
ek_status eki_png_decode(const eki_encoded *file, eki_image *image, ek_error *err);
ek_status eki_jpeg_probe(const eki_encoded *file, eki_image *image, ek_error *err);
ek_status eki_jpeg_decode(const eki_encoded *file, eki_image *image, ek_error *err);

#endif
