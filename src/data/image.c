/* image.c: which decoder, the limits that hold for all, and the way up.
 *
 * The size in the header is checked before a decoder allocates anything, and the pixel buffer is ours.
 */
#include "data/image.h"

#include "base/memory.h"
#include "data/exif.h"
#include "data/source.h"

#include <string.h>

typedef struct codec {
    size_t offset, length; /* of the bytes that tell it */
    const char *magic;
    ek_status (*probe)(const eki_encoded *file, eki_image *image, ek_error *err);
    ek_status (*decode)(const eki_encoded *file, eki_image *image, ek_error *err);
    eki_exif (*exif)(const unsigned char *data, size_t size);
} codec;

static const codec codecs[] = {
    {0, 8, "\x89PNG\r\n\x1a\n", eki_png_probe, eki_png_decode, eki_exif_in_png},
    {0, 3, "\xff\xd8\xff", eki_jpeg_probe, eki_jpeg_decode, eki_exif_in_jpeg},
    {8, 4, "WEBP", eki_webp_probe, eki_webp_decode, eki_exif_in_webp},
    {0, 2, "BM", eki_bmp_probe, eki_bmp_decode, NULL},
};

static ek_status pick(const eki_encoded *file, const codec **found, ek_error *err) {
    for (size_t i = 0; i < sizeof codecs / sizeof codecs[0]; i++) {
        *found = &codecs[i];
        size_t end = codecs[i].offset + codecs[i].length;
        if (file->size >= end && memcmp(file->data + codecs[i].offset, codecs[i].magic, codecs[i].length) == 0) {
            return EK_OK;
        }
    }
    const char *kind = eki_image_unread_kind(file);
    if (kind != NULL) {
        return eki_fail(err, EK_ERR_UNSUPPORTED,
                        "%s: is a %s file by its content, and those are not read (PNG, JPEG, WebP and BMP are); "
                        "convert it, for example by ImageMagick's " EKI_IMAGE_CONVERT ", or remove it",
                        file->path, kind);
    }
    return eki_fail(err, EK_ERR_FORMAT,
                    "%s: is neither PNG, JPEG, WebP nor BMP by its first bytes%s; convert or remove it", file->path,
                    file->size == 0 ? " (it is empty)" : "");
}

/* Codec, size as stored, and orientation. */
static ek_status probe_stored(const eki_encoded *file, const codec **found, eki_image *image, int *orientation,
                              ek_error *err) {
    memset(image, 0, sizeof *image);
    EKI_TRY(pick(file, found, err));
    EKI_TRY((*found)->probe(file, image, err));
    if (image->width < 1 || image->height < 1) {
        return eki_fail(err, EK_ERR_FORMAT, "%s: %d x %d pixels, expected at least 1 x 1; convert or remove it",
                        file->path, image->height, image->width);
    }
    if (image->width > EKI_IMAGE_MAX_SIDE || image->height > EKI_IMAGE_MAX_SIDE ||
        (int64_t)image->width * image->height > EKI_IMAGE_MAX_PIXELS) {
        return eki_fail(err, EK_ERR_LIMIT, "%s: %d x %d pixels, expected at most %d a side and %d in all; shrink it",
                        file->path, image->height, image->width, EKI_IMAGE_MAX_SIDE, EKI_IMAGE_MAX_PIXELS);
    }
    *orientation = (*found)->exif == NULL ? 1 : eki_exif_orientation((*found)->exif(file->data, file->size));
    return EK_OK;
}

ek_status eki_image_probe(const eki_encoded *file, eki_image *image, ek_error *err) {
    const codec *found;
    int orientation;
    EKI_TRY(probe_stored(file, &found, image, &orientation, err));
    if (orientation < 5) return EK_OK;
    int width = image->width;
    image->width = image->height;
    image->height = width;
    return EK_OK;
}

enum { ASKED = 1 << 20 }; /* bytes from which on the budget is asked, which takes as long as a small image */

eki_size eki_image_bytes(int channels, int height, int width) {
    return eki_size_of((size_t)height, eki_size_of((size_t)width, (size_t)channels).bytes);
}

/* Values of a mask, or the picture. */
static ek_status decode(const eki_encoded *file, bool mask, eki_image *image, ek_error *err) {
    const codec *found;
    int orientation;
    EKI_TRY(probe_stored(file, &found, image, &orientation, err));
    if (mask && found->decode != eki_png_decode) {
        return eki_fail(err, EK_ERR_FORMAT, "%s: is no PNG; masks are, since other kinds change values", file->path);
    }
    if (mask) image->channels = 1;
    eki_size size = eki_image_bytes(image->channels, image->height, image->width);
    size_t left = size.bytes < ASKED ? SIZE_MAX : eki_memory_left();
    if (size.bytes > left) {
        return eki_fail(err, EK_ERR_LIMIT, "%s: %d x %d pixels take %zu MiB; %zu MiB of memory are left; shrink it",
                        file->path, image->height, image->width, size.bytes >> 20, left >> 20);
    }
    image->pixels = eki_alloc(size);
    if (image->pixels == NULL) return eki_fail_nomem(err, size.bytes);
    ek_status status = mask ? eki_png_mask(file, image, err) : found->decode(file, image, err);
    if (status == EK_OK) status = eki_image_turn(image, orientation, err);
    if (status != EK_OK) eki_image_free(image);
    return status;
}

ek_status eki_image_decode(const eki_encoded *file, eki_image *image, ek_error *err) {
    return decode(file, false, image, err);
}

ek_status eki_image_decode_mask(const eki_encoded *file, eki_image *image, ek_error *err) {
    return decode(file, true, image, err);
}

void eki_image_free(eki_image *image) {
    eki_free(image->pixels);
    image->pixels = NULL;
}

ek_status eki_image_slurp(const char *path, unsigned char **data, eki_encoded *file, ek_error *err) {
    file->path = path;
    ek_status status = eki_source_slurp(path, EKI_IMAGE_MAX_FILE, data, &file->size, err);
    file->data = *data;
    return status;
}
