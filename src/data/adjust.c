/* adjust.c: what is done to the values of a set before anybody sees them: gray images as RGB for a model that wants
 * three channels, and y = gain x + offset, another exposure of the same images.
 */
#include "data/dataset.h"

#include <string.h>

/* The set's values anew, `copies` planes for each; f32 when `wide`. */
static ek_status remake(ek_dataset *d, size_t copies, bool wide, const eki_open_args *args, ek_error *err) {
    ek_dataset from = *d;
    size_t plane = (size_t)from.info.height * (size_t)from.info.width;
    size_t planes = (size_t)from.info.count * (size_t)from.info.channels;
    int64_t chw[3] = {(int64_t)copies * from.info.channels, from.info.height, from.info.width};
    d->pixels = NULL;
    d->values = NULL;
    d->labels = NULL;
    ek_status status = eki_dataset_reserve(d, from.image_name, wide ? EK_F32 : EK_U8, from.info.count, chw, err);
    if (status == EK_OK) memcpy(d->labels, from.labels, (size_t)from.info.count * sizeof *from.labels);
    for (size_t p = 0; status == EK_OK && p < planes * copies; p++) {
        size_t source = p / copies * plane, to = p * plane;
        for (size_t i = 0; i < plane; i++) {
            float value = from.dtype == EK_U8 ? (float)from.pixels[source + i] / 255.0f : from.values[source + i];
            if (wide)
                d->values[to + i] = args->gain * value + args->offset;
            else
                d->pixels[to + i] = from.pixels[source + i];
        }
    }
    eki_free(from.pixels);
    eki_free(from.values);
    eki_free(from.labels);
    return status;
}

ek_status eki_dataset_adjust(ek_dataset *d, const eki_open_args *args, ek_error *err) {
    bool repeat = args->channels == 3 && d->info.channels == 1, shift = args->gain != 1.0f || args->offset != 0.0f;
    if (args->channels != 0 && d->info.channels != args->channels && !repeat) {
        return eki_fail(err, EK_ERR_SHAPE, "%s: images have %d channels, expected 1 or %d", d->image_name,
                        d->info.channels, args->channels);
    }
    if (!repeat && !shift) return EK_OK;
    return remake(d, repeat ? 3 : 1, shift || d->dtype == EK_F32, args, err);
}
