/* objective_feed.c: the arrays of a batch become the inputs of the graph. */
#include "train/objective.h"

#include "feed/array.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *array_name(const eki_objective *o, const eki_value *input) {
    for (size_t i = 0; i < o->count; i++) {
        const eki_term *term = &o->terms[i];
        if (term->target == input) return term->array; /* NULL = the labels */
        if (term->share != NULL && (term->other == input || term->share == input)) return NULL;
    }
    return input->name;
}

static const ek_batch_array *find(const ek_batch *batch, const char *name) {
    for (size_t i = 0; name != NULL && i < batch->array_count; i++) {
        if (strcmp(batch->arrays[i].name, name) == 0) return &batch->arrays[i];
    }
    return NULL;
}

static ek_status fail_missing(const eki_objective *o, const eki_value *input, const ek_batch *batch, ek_error *err) {
    const char *name = array_name(o, input);
    char names[200] = "";
    size_t used = 0;
    if (name == NULL) {
        return eki_fail(err, EK_ERR_ARG, "the loss needs labels, which these examples do not have; name a target");
    }
    for (size_t i = 0; i < batch->array_count && used < sizeof names; i++) {
        int n = snprintf(names + used, sizeof names - used, "%s'%s'", i > 0 ? ", " : "", batch->arrays[i].name);
        used += n > 0 ? (size_t)n : 0;
    }
    bool own = (size_t)input->id < o->own_values;
    return eki_fail(err, EK_ERR_ARG, "'%s' is %s, and no array of that name is given; there is %s", name,
                    own ? "an input that the loss depends on" : "an input of the loss and no value of the model",
                    batch->array_count > 0 ? names : "none");
}

/* What the graph declares of it, where it does. */
static ek_status check_declared(const eki_objective *o, const eki_value *input, const ek_batch_array *array,
                                ek_error *err) {
    char found[192], declared[192];
    const eki_shape shape = eki_shape_of(array->rank, array->dims);
    bool fits = input->shape.rank < 0 || input->shape.rank == shape.rank;
    for (int i = 0; fits && i < input->shape.rank; i++) {
        fits = input->shape.dims[i] < 0 || input->shape.dims[i] == shape.dims[i];
    }
    if (!fits) {
        return eki_fail(err, EK_ERR_SHAPE, "array '%s' has shape %s, but '%s' is declared as %s", array->name,
                        eki_shape_text(NULL, &shape, found), input->name,
                        eki_shape_text(o->graph, &input->shape, declared));
    }
    if (input->dtype == EK_DTYPE_NONE || eki_array_converts(array->dtype, input->dtype)) return EK_OK;
    bool own = (size_t)input->id < o->own_values;
    return eki_fail(err, EK_ERR_DTYPE, "array '%s' is %s, but %s%s%s takes %s; save it as that type (numpy: x.astype)",
                    array->name, eki_dtype_name(array->dtype), own ? "input '" : "the loss", own ? input->name : "",
                    own ? "'" : "", eki_dtype_name(input->dtype));
}

static ek_status check_array(const ek_batch_array *array, int64_t rows, ek_error *err) {
    if (array->rank < 1 || array->rank > EKI_MAX_RANK || array->dims[0] != rows) {
        return eki_fail(err, EK_ERR_SHAPE, "array '%s' has %" PRId64 " rows in a batch of %" PRId64 " examples",
                        array->name, array->rank < 1 ? 0 : array->dims[0], rows);
    }
    if (array->data == NULL && rows > 0) return eki_fail(err, EK_ERR_ARG, "array '%s' has no data", array->name);
    return EK_OK;
}

static ek_status check_used(const eki_objective *o, const eki_exec *exec, const ek_batch *batch, ek_error *err) {
    for (size_t k = 0; k < batch->array_count; k++) {
        bool used = false;
        for (size_t i = 0; i < eki_exec_input_count(exec) && !used; i++) {
            const char *name = array_name(o, eki_exec_input_value(exec, i));
            used = eki_exec_input_needed(exec, i) && name != NULL && strcmp(name, batch->arrays[k].name) == 0;
        }
        if (used) continue;
        return eki_fail(err, EK_ERR_ARG,
                        "array '%s' is used by nothing: it is no input that the losses depend on, and no target",
                        batch->arrays[k].name);
    }
    return EK_OK;
}

/* Extents of 1 beyond the examples may be missing or too many: the elements are the same, in the same order. */
static bool fit_shape(const eki_shape *whole, eki_shape *shape) {
    eki_shape fitted = *whole;
    int at = 1;
    for (int i = 1; i < whole->rank; i++) {
        if (whole->dims[i] == 1) continue;
        while (at < shape->rank && shape->dims[at] == 1) at++;
        if (at == shape->rank || (whole->dims[i] >= 0 && whole->dims[i] != shape->dims[at])) return false;
        fitted.dims[i] = shape->dims[at++];
    }
    while (at < shape->rank && shape->dims[at] == 1) at++;
    if (at < shape->rank) return false;
    *shape = fitted;
    return true;
}

/* A target against what the model declares of the scores: one number for each, or for cross-entropy one for each place
 * of the classes. */
static ek_status fit_target(const eki_objective *o, const eki_value *input, eki_shape *shape, ek_error *err) {
    char found[192], wanted[192];
    const eki_term *term = NULL;
    for (size_t i = 0; i < o->count; i++) term = o->terms[i].target == input ? &o->terms[i] : term;
    if (term == NULL || term->scores->shape.rank < 1) return EK_OK;
    eki_shape whole = term->scores->shape;
    bool classes = term->loss.kind == EK_LOSS_CROSS_ENTROPY && whole.rank > 1;
    for (int i = 2; i < whole.rank && classes; i++) whole.dims[i - 1] = whole.dims[i];
    whole.rank -= classes;
    whole.dims[0] = shape->dims[0]; /* the examples */
    bool fits = shape->rank == whole.rank;
    for (int i = 1; fits && i < whole.rank; i++) fits = whole.dims[i] < 0 || whole.dims[i] == shape->dims[i];
    if (fits || fit_shape(&whole, shape)) return EK_OK;
    return eki_fail(err, EK_ERR_SHAPE, "target '%s' has shape %s; for output '%s' %s is expected%s", term->array,
                    eki_shape_text(NULL, shape, found), term->name, eki_shape_text(o->graph, &whole, wanted),
                    classes ? ", a class for each place" : ", the same (numpy: reshape)");
}

/* The shape of one input; labels are one number for each example. */
static ek_status shape_of(const eki_objective *o, const eki_value *input, const ek_batch *batch, eki_shape *shape,
                          ek_error *err) {
    const ek_batch_array *array = find(batch, array_name(o, input));
    *shape = (eki_shape){.rank = 1, .dims = {batch->count}};
    if (array == NULL && array_name(o, input) == NULL && (batch->labels != NULL || batch->count == 0)) return EK_OK;
    if (array == NULL) return fail_missing(o, input, batch, err);
    EKI_TRY(check_array(array, batch->count, err));
    EKI_TRY(check_declared(o, input, array, err));
    *shape = eki_shape_of(array->rank, array->dims);
    EKI_TRY(fit_target(o, input, shape, err));
    size_t bytes;
    return eki_input_bytes(o->graph, array->name, EK_I64, shape, &bytes, err);
}

ek_status eki_objective_prepare(const eki_objective *o, eki_exec *exec, const ek_model *model, const ek_batch *batch,
                                const ek_dataset_info *images, eki_intake *intake, ek_error *err) {
    size_t count = eki_exec_input_count(exec);
    eki_shape *shapes = eki_calloc(count + 1, sizeof *shapes);
    if (shapes == NULL) return eki_fail_nomem(err, count * sizeof *shapes);
    ek_status status = check_used(o, exec, batch, err);
    for (size_t i = 0; i < count && status == EK_OK; i++) {
        const eki_value *input = eki_exec_input_value(exec, i);
        bool pixels = i == 0 && batch->images != NULL;
        if (!eki_exec_input_needed(exec, i)) continue;
        if (pixels) {
            status = eki_intake_open(model, images, intake, err);
            if (status == EK_OK) status = eki_intake_shape(intake, batch->count, &shapes[i], NULL, err);
        } else {
            status = shape_of(o, input, batch, &shapes[i], err);
            const ek_batch_array *array = find(batch, array_name(o, input));
            eki_value *untold = o->graph->values[input->id];
            if (status == EK_OK && untold->dtype == EK_DTYPE_NONE) untold->dtype = array->dtype;
        }
    }
    if (status == EK_OK) status = eki_exec_prepare(exec, shapes, err);
    free(shapes);
    return status == EK_OK ? eki_objective_check(o, exec, batch->count, err) : status;
}

/* The labels of a batch, what is mixed in, and the shares: one number for each example. */
static void fill_labels(const eki_objective *o, const eki_value *input, const ek_batch *batch, const eki_view *view) {
    const int32_t *labels = batch->labels;
    for (size_t i = 0; i < o->count; i++) {
        const eki_term *term = &o->terms[i];
        if (term->share != NULL && term->other == input && batch->shares != NULL) labels = batch->others;
        if (term->share == NULL || term->share != input) continue;
        float *shares = view->data;
        for (int64_t r = 0; r < batch->count; r++) shares[r] = batch->shares != NULL ? batch->shares[r] : 1;
        return;
    }
    for (int64_t r = 0; r < batch->count; r++) ((int64_t *)view->data)[r] = labels[r];
}

void eki_objective_feed(const eki_objective *o, eki_exec *exec, const ek_batch *batch, const eki_intake *intake) {
    for (size_t i = 0; i < eki_exec_input_count(exec); i++) {
        if (!eki_exec_input_needed(exec, i)) continue;
        eki_view view = eki_exec_input(exec, i);
        const char *name = array_name(o, eki_exec_input_value(exec, i));
        if (i == 0 && batch->images != NULL) {
            eki_intake_fill(intake, batch->images, batch->count, batch->count, view.data);
        } else if (name == NULL) {
            fill_labels(o, eki_exec_input_value(exec, i), batch, &view);
        } else {
            eki_array_fill(find(batch, name), 0, eki_view_elements(&view), view.dtype, view.data);
        }
    }
}
