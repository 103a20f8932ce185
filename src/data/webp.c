/* webp.c: WebP files through libwebp, reading from memory. Always RGB; alpha is dropped, not blended. */
#include "data/image.h"

#include <webp/decode.h>

static ek_status fail_damaged(const eki_encoded *file, ek_error *err) {
    return eki_fail(err, EK_ERR_FORMAT, "%s: damaged WebP (or it ends too early); replace or remove it", file->path);
}

ek_status eki_webp_probe(const eki_encoded *file, eki_image *image, ek_error *err) {
    WebPBitstreamFeatures features;
    if (WebPGetFeatures(file->data, file->size, &features) != VP8_STATUS_OK) return fail_damaged(file, err);
    if (features.has_animation) {
        return eki_fail(err, EK_ERR_UNSUPPORTED,
                        "%s: is an animated WebP, expected one picture; take a frame of it (webpmux -get frame 1), or "
                        "remove it",
                        file->path);
    }
    image->width = features.width;
    image->height = features.height;
    image->channels = 3;
    return EK_OK;
}

ek_status eki_webp_decode(const eki_encoded *file, eki_image *image, ek_error *err) {
    size_t row = (size_t)image->width * 3;
    const uint8_t *done =
        WebPDecodeRGBInto(file->data, file->size, image->pixels, row * (size_t)image->height, (int)row);
    return done != NULL ? EK_OK : fail_damaged(file, err);
}
