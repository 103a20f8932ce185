/* feed.c: what a batch of images must look like for a model, for training and evaluation alike. */
#include "train/trainer.h"

#include <inttypes.h>

static const eki_value *input_of(const ek_model *model) {
    for (size_t i = 0; i < model->graph->n_inputs; i++) {
        if (model->graph->inputs[i]->init == NULL) return model->graph->inputs[i];
    }
    return NULL;
}

ek_status eki_feed_check(const ek_model *model, ek_error *err) {
    size_t inputs = ek_model_input_count(model);
    const eki_value *input = input_of(model);
    char text[192];
    if (inputs != 1) {
        return eki_fail(err, EK_ERR_UNSUPPORTED,
                        "the model has %zu inputs; training and evaluation feed one, a batch of images", inputs);
    }
    if (input->dtype != EK_F32) {
        return eki_fail(err, EK_ERR_DTYPE, "input '%s' is %s; images are fed as float32", input->name,
                        eki_dtype_name(input->dtype));
    }
    if (input->shape.rank < 2) {
        return eki_fail(err, EK_ERR_SHAPE,
                        "input '%s' has shape %s; a batch of images has examples first, as [N,C,H,W]", input->name,
                        eki_shape_text(model->graph, &input->shape, text));
    }
    if (eki_model_logits_value(model) == NULL) {
        return eki_fail(err, EK_ERR_UNSUPPORTED, "the model has no output to take logits from");
    }
    return EK_OK;
}

static ek_status check_against_data(const ek_model *model, const eki_value *input, const eki_shape *shape,
                                    const ek_dataset_info *info, ek_error *err) {
    char text[192];
    int64_t wanted = 1, given = (int64_t)info->channels * info->height * info->width;
    const int64_t extents[3] = {info->channels, info->height, info->width};
    bool fits = true;
    for (int i = 1; i < shape->rank; i++) {
        if (!eki_mul_i64(wanted, shape->dims[i], &wanted)) fits = false;
        if (shape->rank == 4 && shape->dims[i] != extents[i - 1]) fits = false;
    }
    if (fits && wanted == given) return EK_OK;
    return eki_fail(err, EK_ERR_SHAPE,
                    "images are %d x %d x %d (channels, height, width), but input '%s' wants %s; use data of that size "
                    "or have the images resized",
                    info->channels, info->height, info->width, input->name,
                    eki_shape_text(model->graph, &input->shape, text));
}

ek_status eki_feed_shape(const ek_model *model, int64_t count, const ek_dataset_info *info, eki_shape *shape,
                         int64_t *fixed, ek_error *err) {
    const eki_value *input = input_of(model);
    char text[192];
    *shape = input->shape;
    if (fixed != NULL) *fixed = shape->dims[0] > 0 ? shape->dims[0] : 0;
    if (fixed == NULL && shape->dims[0] >= 0 && shape->dims[0] != count) {
        return eki_fail(err, EK_ERR_SHAPE,
                        "the batch has %" PRId64 " examples, but the model was written for batches of %" PRId64
                        " only; use that batch size and drop the last short batch",
                        count, shape->dims[0]);
    }
    if (shape->dims[0] < 0) shape->dims[0] = count;
    for (int i = 1; i < shape->rank; i++) {
        const int64_t extents[3] = {info != NULL ? info->channels : -1, info != NULL ? info->height : -1,
                                    info != NULL ? info->width : -1};
        if (shape->dims[i] >= 0) continue;
        if (shape->rank != 4 || extents[i - 1] < 0) {
            return eki_fail(err, EK_ERR_SHAPE,
                            "input '%s' has shape %s; all extents but the first must be fixed for training",
                            input->name, eki_shape_text(model->graph, &input->shape, text));
        }
        shape->dims[i] = extents[i - 1];
    }
    if (info == NULL) return EK_OK;
    size_t bytes;
    EKI_TRY(check_against_data(model, input, shape, info, err));
    return eki_input_bytes(model->graph, input->name, EK_F32, shape, &bytes, err);
}

ek_status eki_feed_classes(eki_exec *exec, int64_t rows, int64_t *classes, ek_error *err) {
    eki_view logits = eki_exec_output(exec, 0);
    char text[192];
    int64_t count = 0;
    bool fits = logits.shape.rank >= 2 && logits.shape.dims[0] == rows && eki_shape_count(&logits.shape, &count);
    *classes = !fits ? 0 : rows > 0 ? count / rows : logits.shape.dims[1]; /* a rank may have no example */
    if (fits && logits.shape.dims[1] == *classes && *classes > 0 && logits.dtype == EK_F32) return EK_OK;
    return eki_fail(err, EK_ERR_SHAPE,
                    "the model's logits have shape %s; a classifier gives [examples, classes], here %" PRId64
                    " examples",
                    eki_shape_text(NULL, &logits.shape, text), rows);
}
