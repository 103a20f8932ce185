/* intake.c: whether images fit a model's input, and how they get there. */
#include "feed/intake.h"

#include <limits.h>
#include <string.h>

ek_status eki_intake_check(const ek_model *model, ek_error *err) {
    const eki_value *input = eki_model_image_input(model);
    char text[192];
    if (input == NULL) return eki_fail(err, EK_ERR_UNSUPPORTED, "the model has no input; images are fed to one");
    if (input->dtype != EK_F32) {
        return eki_fail(err, EK_ERR_DTYPE, "input '%s' is %s; images are fed as float32", input->name,
                        eki_dtype_name(input->dtype));
    }
    if (input->shape.rank >= 2) return EK_OK;
    return eki_fail(err, EK_ERR_SHAPE, "input '%s' has shape %s; a batch of images has examples first, as [N,C,H,W]",
                    input->name, eki_shape_text(model->graph, &input->shape, text));
}

/* Whether the input's extents 1, 2 and 3 are these, where both are known. */
static bool fits(const eki_shape *shape, const int64_t extents[3]) {
    for (int i = 0; i < 3; i++) {
        if (shape->dims[i + 1] >= 0 && extents[i] > 0 && shape->dims[i + 1] != extents[i]) return false;
    }
    return true;
}

/* Where the model itself does not tell the order, the images do: the one that fits. */
static bool wants_channels_last(const ek_model *model, const ek_dataset_info *d) {
    bool guessed;
    bool last = eki_model_image_layout(model, &guessed) == EKI_CHANNELS_LAST;
    const eki_shape *shape = &eki_model_image_input(model)->shape;
    if (!guessed) return last;
    bool first_fits = fits(shape, (int64_t[]){d->channels, d->height, d->width});
    bool last_fits = fits(shape, (int64_t[]){d->height, d->width, d->channels});
    return first_fits == last_fits ? last : last_fits;
}

static ek_status refuse(const eki_intake *in, const ek_dataset_info *d, ek_error *err) {
    char text[192];
    return eki_fail(err, EK_ERR_SHAPE,
                    "images are %dx%dx%d (channels, height, width), which input '%s' of shape %s%s does not take; use "
                    "data of that size or have the images resized",
                    d->channels, d->height, d->width, in->input->name,
                    eki_shape_text(in->graph, &in->input->shape, text), in->channels_last ? ", channels last," : "");
}

/* Extents that the model leaves open are the images'. */
static ek_status close_extents(eki_intake *in, const ek_dataset_info *d, ek_error *err) {
    const int64_t first[3] = {d->channels, d->height, d->width}, last[3] = {d->height, d->width, d->channels};
    const int64_t flat = (int64_t)d->channels * d->height * d->width, *extents = in->channels_last ? last : first;
    char text[192];
    for (int i = 1; i < in->shape.rank; i++) {
        int64_t own = in->shape.rank == 4 ? extents[i - 1] : in->shape.rank == 2 ? flat : 0;
        if (in->shape.dims[i] >= 0) continue;
        if (own == 0) {
            return eki_fail(err, EK_ERR_SHAPE,
                            "input '%s' has shape %s, and neither it nor the data say all extents but the first",
                            in->input->name, eki_shape_text(in->graph, &in->input->shape, text));
        }
        in->shape.dims[i] = own;
    }
    return in->shape.rank == 4 && !fits(&in->shape, extents) ? refuse(in, d, err) : EK_OK;
}

static int own_extent(int given, int64_t own) { return given > 0 || own < 0 || own > INT_MAX ? given : (int)own; }

/* Extents that the data do not say are the model's. */
static ek_dataset_info complete(const eki_intake *in, const ek_dataset_info *given) {
    ek_dataset_info d = *given;
    const int64_t *dims = in->shape.dims;
    if (in->shape.rank != 4) return d;
    d.channels = own_extent(d.channels, dims[in->channels_last ? 3 : 1]);
    d.height = own_extent(d.height, dims[in->channels_last ? 1 : 2]);
    d.width = own_extent(d.width, dims[in->channels_last ? 2 : 3]);
    return d;
}

ek_status eki_intake_open(const ek_model *model, const ek_dataset_info *images, eki_intake *in, ek_error *err) {
    EKI_TRY(eki_intake_check(model, err));
    *in = (eki_intake){.graph = model->graph, .input = eki_model_image_input(model), .each = 1};
    in->shape = in->input->shape;
    in->fixed = in->shape.dims[0] > 0 ? in->shape.dims[0] : 0;
    in->channels_last = in->shape.rank == 4 && wants_channels_last(model, images);
    const ek_dataset_info d = complete(in, images);
    EKI_TRY(close_extents(in, &d, err));
    bool small = true;
    for (int i = 1; i < in->shape.rank; i++) small = small && eki_mul_i64(in->each, in->shape.dims[i], &in->each);
    in->channels = d.channels;
    bool known = d.channels > 0 && d.height > 0 && d.width > 0;
    return small && (!known || in->each == (int64_t)d.channels * d.height * d.width) ? EK_OK : refuse(in, &d, err);
}

ek_status eki_intake_shape(const eki_intake *in, int64_t rows, eki_shape *shape, size_t *bytes, ek_error *err) {
    size_t size;
    *shape = in->shape;
    shape->dims[0] = rows;
    EKI_TRY(eki_input_bytes(in->graph, in->input->name, EK_F32, shape, &size, err));
    if (bytes != NULL) *bytes = size;
    return EK_OK;
}

/* Planes become pixels. */
static void interleave(const float *planes, int64_t channels, int64_t pixels, float *to) {
    for (int64_t i = 0; i < pixels; i++) {
        for (int64_t c = 0; c < channels; c++) to[i * channels + c] = planes[c * pixels + i];
    }
}

void eki_intake_fill(const eki_intake *in, const float *images, int64_t count, int64_t rows, float *to) {
    size_t bytes = (size_t)in->each * sizeof *to;
    for (int64_t row = 0; row < rows; row++, to += in->each) {
        if (row >= count) {
            memcpy(to, to - count * in->each, bytes);
        } else if (in->channels_last && in->channels > 1) {
            interleave(images + row * in->each, in->channels, in->each / in->channels, to);
        } else if (bytes > 0) {
            memcpy(to, images + row * in->each, bytes);
        }
    }
}
