/* adjust.c: what is done to the values of a set before anybody sees them: gray images as RGB or RGB as gray, for a
 * model that wants the other, and y = gain x + offset, another exposure of the same images.
 */
#include "data/dataset.h"

#include <string.h>

/* How the values of a set are read anew. */
typedef struct reading {
    const ek_dataset *set;
    size_t example, plane; /* values of each */
    bool gray;             /* the luma of three planes */
} reading;

static unsigned char pixel(const reading *r, size_t example, size_t channel, size_t i) {
    const unsigned char *at = r->set->pixels + example * r->example + channel * r->plane + i;
    return r->gray ? eki_luma(at[0], at[r->plane], at[2 * r->plane]) : *at;
}

static float value(const reading *r, size_t example, size_t channel, size_t i) {
    const float *at = r->set->values + example * r->example + channel * r->plane + i;
    return r->gray ? 0.299f * at[0] + 0.587f * at[r->plane] + 0.114f * at[2 * r->plane] : *at;
}

/* The set's values anew, with so many channels. */
static ek_status remake(ek_dataset *d, int channels, const eki_open_args *args, ek_error *err) {
    ek_dataset from = *d;
    reading r = {.set = &from, .example = from.example_values, .gray = channels < from.info.channels};
    r.plane = (size_t)from.info.height * (size_t)from.info.width;
    int64_t chw[3] = {channels, from.info.height, from.info.width};
    d->pixels = NULL;
    d->values = NULL;
    d->labels = NULL;
    ek_status status = eki_dataset_reserve(d, from.image_name, from.dtype, from.info.count, chw, err);
    if (status == EK_OK) memcpy(d->labels, from.labels, (size_t)from.info.count * sizeof *from.labels);
    size_t planes = status == EK_OK ? (size_t)from.info.count * (size_t)channels : 0;
    for (size_t p = 0; p < planes; p++) {
        size_t example = p / (size_t)channels, channel = p % (size_t)channels % (size_t)from.info.channels;
        for (size_t i = 0; i < r.plane; i++) {
            if (from.dtype == EK_F32)
                d->values[p * r.plane + i] = args->gain * value(&r, example, channel, i) + args->offset;
            else
                d->pixels[p * r.plane + i] = pixel(&r, example, channel, i);
        }
    }
    eki_free(from.pixels);
    eki_free(from.values);
    eki_free(from.labels);
    return status;
}

ek_status eki_dataset_adjust(ek_dataset *d, const eki_open_args *args, ek_error *err) {
    int have = d->info.channels, channels = args->channels != 0 ? args->channels : have;
    bool convert = channels != have, shift = args->gain != 1.0f || args->offset != 0.0f;
    if (convert && have != 1 && have != 3) {
        return eki_fail(err, EK_ERR_SHAPE, "%s: images have %d channels, expected 1 or 3", d->image_name, have);
    }
    for (int v = 0; v < 256; v++) d->of_byte[v] = args->gain * d->of_byte[v] + args->offset;
    return convert || (shift && d->dtype == EK_F32) ? remake(d, channels, args, err) : EK_OK;
}
