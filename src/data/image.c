/* image.c: which decoder, and the limits that hold for both.
 *
 * The size in the header is checked before a decoder allocates anything, and the pixel buffer is ours.
 */
#include "data/image.h"

#include "base/memory.h"

#include <stdbool.h>
#include <string.h>

typedef ek_status (*image_call)(const eki_encoded *file, eki_image *image, ek_error *err);

static bool begins_with(const eki_encoded *file, const char *magic, size_t length) {
    return file->size >= length && memcmp(file->data, magic, length) == 0;
}

static ek_status pick(const eki_encoded *file, image_call png, image_call jpeg, image_call *call, ek_error *err) {
    *call = begins_with(file, "\x89PNG\r\n\x1a\n", 8) ? png : begins_with(file, "\xff\xd8\xff", 3) ? jpeg : NULL;
    if (*call != NULL) return EK_OK;
    return eki_fail(err, EK_ERR_FORMAT, "%s: is neither PNG nor JPEG by its first bytes%s; convert or remove it",
                    file->path, file->size == 0 ? " (it is empty)" : "");
}

ek_status eki_image_probe(const eki_encoded *file, eki_image *image, ek_error *err) {
    memset(image, 0, sizeof *image);
    image_call probe;
    EKI_TRY(pick(file, eki_png_probe, eki_jpeg_probe, &probe, err));
    EKI_TRY(probe(file, image, err));
    if (image->width < 1 || image->height < 1) {
        return eki_fail(err, EK_ERR_FORMAT, "%s: %d x %d pixels, expected at least 1 x 1; convert or remove it",
                        file->path, image->height, image->width);
    }
    if (image->width > EKI_IMAGE_MAX_SIDE || image->height > EKI_IMAGE_MAX_SIDE ||
        (int64_t)image->width * image->height > EKI_IMAGE_MAX_PIXELS) {
        return eki_fail(err, EK_ERR_LIMIT, "%s: %d x %d pixels, expected at most %d a side and %d in all; shrink it",
                        file->path, image->height, image->width, EKI_IMAGE_MAX_SIDE, EKI_IMAGE_MAX_PIXELS);
    }
    return EK_OK;
}

ek_status eki_image_decode(const eki_encoded *file, eki_image *image, ek_error *err) {
    EKI_TRY(eki_image_probe(file, image, err));
    image_call decode;
    EKI_TRY(pick(file, eki_png_decode, eki_jpeg_decode, &decode, err));
    size_t bytes = (size_t)image->width * (size_t)image->height * (size_t)image->channels;
    image->pixels = eki_alloc(bytes);
    if (image->pixels == NULL) return eki_fail_nomem(err, bytes);
    ek_status status = decode(file, image, err);
    if (status != EK_OK) eki_image_free(image);
    return status;
}

void eki_image_free(eki_image *image) {
    eki_free(image->pixels);
    image->pixels = NULL;
}
