/* place.c: decoded images as examples, and ek_image_read, which gives one as a data set would. */
#include "data/place.h"

#include "base/options.h"

#include <evenkeel/image.h>
#include <string.h>

static void to_gray(eki_image *image) {
    size_t count = (size_t)image->width * (size_t)image->height;
    unsigned char *p = image->pixels;
    for (size_t i = 0; i < count; i++) p[i] = eki_luma(p[3 * i], p[3 * i + 1], p[3 * i + 2]);
    image->channels = 1;
}

/* Height x width x channels to planes; gray is repeated. */
static void to_planes(const eki_image *image, int channels, unsigned char *out) {
    size_t plane = (size_t)image->width * (size_t)image->height, step = (size_t)image->channels;
    for (size_t c = 0; c < (size_t)channels; c++) {
        const unsigned char *from = image->pixels + (step == 1 ? 0 : c);
        for (size_t i = 0; i < plane; i++) out[c * plane + i] = from[i * step];
    }
}

ek_status eki_image_place(eki_image *image, int channels, eki_extent to, unsigned char *out, ek_error *err) {
    if (channels < image->channels) to_gray(image);
    if (image->width != to.width || image->height != to.height) {
        return eki_resize_image(image, channels, out, to, err);
    }
    to_planes(image, channels, out);
    return EK_OK;
}

static ek_status check_options(const ek_image_options *given, ek_image_options *o, ek_error *err) {
    *o = (ek_image_options){.struct_size = sizeof *o};
    if (given != NULL) EKI_TRY(eki_options_take(o, sizeof *o, given, "ek_image_options", err));
    if (o->height < 0 || o->width < 0 || (o->height == 0) != (o->width == 0) || o->height > EKI_IMAGE_MAX_SIDE ||
        o->width > EKI_IMAGE_MAX_SIDE) {
        return eki_fail(err, EK_ERR_ARG, "height %d and width %d: give both, from 1 to %d, or neither", o->height,
                        o->width, EKI_IMAGE_MAX_SIDE);
    }
    if (o->channels != 0 && o->channels != 1 && o->channels != 3) {
        return eki_fail(err, EK_ERR_ARG, "channels is %d, expected 0, 1 or 3", o->channels);
    }
    return EK_OK;
}

ek_status ek_image_read(const char *path, const ek_image_options *options, ek_image *image, ek_error *err) {
    EKI_GIVEN(path, err);
    EKI_GIVEN(image, err);
    *image = (ek_image){0};
    ek_image_options o;
    EKI_TRY(check_options(options, &o, err));
    unsigned char *data;
    eki_encoded file;
    eki_image decoded = {0};
    EKI_TRY(eki_image_slurp(path, &data, &file, err));
    ek_status status = eki_image_decode(&file, &decoded, err);
    eki_free(data);
    if (status != EK_OK) return status;
    ek_image result = {.channels = o.channels != 0 ? o.channels : decoded.channels,
                       .height = o.height != 0 ? o.height : decoded.height,
                       .width = o.width != 0 ? o.width : decoded.width};
    eki_size size = eki_image_bytes(result.channels, result.height, result.width);
    result.pixels = eki_alloc(size);
    status = result.pixels == NULL ? eki_fail_nomem(err, size.bytes)
                                   : eki_image_place(&decoded, result.channels,
                                                     (eki_extent){result.height, result.width}, result.pixels, err);
    eki_image_free(&decoded);
    if (status == EK_OK) *image = result;
    if (status != EK_OK) eki_free(result.pixels);
    return status;
}

void ek_image_free(ek_image *image) {
    if (image == NULL) return;
    eki_free(image->pixels);
    *image = (ek_image){0};
}
