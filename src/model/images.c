/* images.c: what a file says of the images that it is for: the extents of its input, and the metadata that training
 * keeps. The keys are read here and nowhere else.
 */
#include "model/model.h"

#include <evenkeel/data.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LONGEST_SIDE = 65536 };

/* "0.1,0.2,0.3": *count numbers, 0 = no such key. */
static ek_status read_moments(const ek_model *model, const char *key, int *count, float values[EK_MAX_CHANNELS],
                              ek_error *err) {
    const char *text = ek_model_metadata(model, key), *at = text;
    bool more = text != NULL;
    *count = 0;
    while (more && *count < EK_MAX_CHANNELS) {
        char *end;
        float value = strtof(at, &end);
        if (end == at || !isfinite(value)) break;
        values[(*count)++] = value;
        more = *end == ',';
        at = more ? end + 1 : end;
    }
    if (text == NULL || (!more && *at == '\0')) return EK_OK;
    return eki_fail(err, EK_ERR_FORMAT,
                    "metadata %s = '%s' is not one number for each of 1 to %d channels, as 0.5,0.5,0.5", key, text,
                    EK_MAX_CHANNELS);
}

static ek_status read_size(const ek_model *model, ek_model_images *images, ek_error *err) {
    const char *text = ek_model_metadata(model, "evenkeel.size");
    char *end = NULL, *last = NULL;
    if (text == NULL) return EK_OK;
    long height = strtol(text, &end, 10), width = *end == 'x' ? strtol(end + 1, &last, 10) : 0;
    if (last == NULL || *last != '\0' || height < 1 || width < 1 || height > LONGEST_SIDE || width > LONGEST_SIDE) {
        return eki_fail(err, EK_ERR_FORMAT, "metadata evenkeel.size = '%s' is not HEIGHTxWIDTH, as 48x192", text);
    }
    images->height = (int)height;
    images->width = (int)width;
    return EK_OK;
}

static int extent(int64_t dim, int otherwise) { return dim > 0 && dim <= LONGEST_SIDE ? (int)dim : otherwise; }

ek_status ek_model_describe_images(const ek_model *model, ek_model_images *images, ek_error *err) {
    EKI_GIVEN(model, err);
    EKI_GIVEN(images, err);
    ek_model_images d = {.std = {1, 1, 1, 1}};
    int deviations;
    *images = d;
    EKI_TRY(read_moments(model, "evenkeel.mean", &d.moments, d.mean, err));
    EKI_TRY(read_moments(model, "evenkeel.std", &deviations, d.std, err));
    if (d.moments > 0 && deviations > 0 && d.moments != deviations) {
        return eki_fail(
            err, EK_ERR_FORMAT, "metadata evenkeel.mean = '%s' has %d numbers, but evenkeel.std = '%s' has %d",
            ek_model_metadata(model, "evenkeel.mean"), d.moments, ek_model_metadata(model, "evenkeel.std"), deviations);
    }
    if (d.moments == 0) d.moments = deviations;
    EKI_TRY(read_size(model, &d, err));
    d.channels = d.moments;
    ek_tensor_info input = ek_model_input(model, 0);
    if (input.rank == 4) {
        bool guessed;
        d.channels_last = eki_model_image_layout(model, &guessed) == EKI_CHANNELS_LAST;
        d.channels = extent(input.dims[d.channels_last ? 3 : 1], d.channels);
        d.height = extent(input.dims[d.channels_last ? 1 : 2], d.height);
        d.width = extent(input.dims[d.channels_last ? 2 : 3], d.width);
    }
    const char *names = ek_model_metadata(model, "evenkeel.classes");
    d.classes = names != NULL && *names != '\0';
    for (; d.classes > 0 && *names != '\0'; names++) d.classes += *names == '\n';
    *images = d;
    return EK_OK;
}

size_t ek_model_class_name(const ek_model *model, int index, char *name, size_t room) {
    const char *text = ek_model_metadata(model, "evenkeel.classes");
    for (; text != NULL && index > 0; index--) {
        text = strchr(text, '\n');
        if (text != NULL) text++;
    }
    size_t length = text == NULL ? 0 : strcspn(text, "\n");
    if (room > 0)
        (void)snprintf(name, room, "%.*s", (int)(length < room ? length : room - 1), text == NULL ? "" : text);
    return length;
}

ek_status eki_model_moments(const ek_model *model, int channels, float *mean, float *std, ek_error *err) {
    ek_model_images images;
    EKI_TRY(ek_model_describe_images(model, &images, err));
    if (images.moments != 0 && images.moments != channels) {
        const char *key = ek_model_metadata(model, "evenkeel.mean") != NULL ? "evenkeel.mean" : "evenkeel.std";
        return eki_fail(err, EK_ERR_FORMAT, "metadata %s = '%s' does not hold %d numbers, one per channel of the data",
                        key, ek_model_metadata(model, key), channels);
    }
    memcpy(mean, images.mean, sizeof images.mean);
    memcpy(std, images.std, sizeof images.std);
    return EK_OK;
}
