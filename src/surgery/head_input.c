/* head_input.c: other extents of a model's input: a batch that the file fixes, images of another size.
 *
 * Tried on a view first. What the file declares of shapes stays, but for the extents that inference has other now.
 */
#include "surgery/head.h"

#include <stdlib.h>

static eki_value *fed_input(const eki_graph *graph) {
    eki_value *found = NULL;
    for (size_t i = 0; i < graph->n_inputs; i++) {
        if (graph->inputs[i]->init != NULL) continue;
        if (found != NULL) return NULL;
        found = graph->inputs[i];
    }
    return found;
}

/* A declared shape with the extents that are other now; false where it has another rank. */
static bool follow(eki_shape *declared, const eki_shape *now) {
    if (declared->rank >= 0 && declared->rank != now->rank) return false;
    for (int i = 0; i < declared->rank; i++) {
        if (declared->dims[i] >= 0) declared->dims[i] = now->dims[i];
    }
    return true;
}

static void redeclare(eki_graph *graph, eki_declared *declared) {
    for (size_t i = 0; i < declared->count; i++) {
        eki_value *value = graph->values[i];
        if (value->producer == NULL) {
            declared->values[i].dtype = value->dtype;
            declared->values[i].shape = value->shape;
        } else if (!follow(&declared->values[i].shape, &value->shape) && !value->is_output) {
            value->declared = false;
        }
    }
    eki_declared_restore(graph, declared);
}

ek_status eki_input_set(eki_graph *graph, const int64_t dims[4], ek_error *err) {
    eki_value *input = fed_input(graph);
    if (input == NULL || input->shape.rank < 2 || input->shape.rank > 4) {
        return eki_fail(err, EK_ERR_UNSUPPORTED, "the model must have one input of rank 2 to 4 for other extents");
    }
    for (int i = 0; i < input->shape.rank; i++) {
        if (dims[i] > 0) input->shape.dims[i] = dims[i];
        if (dims[i] >= 0 || input->shape.dims[i] < 0) continue;
        EKI_TRY(eki_graph_symbol(graph, "N", &input->shape.dims[i], err));
    }
    eki_declared *declared;
    EKI_TRY(eki_graph_sort(graph, err));
    EKI_TRY(eki_declared_keep(graph, &declared, err));
    ek_status status = eki_graph_infer(graph, NULL, err);
    if (status == EK_OK) {
        redeclare(graph, declared);
    } else {
        free(declared);
    }
    return status;
}

/* Whether every example still has a row of its own: the first output's first extent follows the batch. */
static ek_status try_batch(eki_graph *view, int64_t batch, ek_error *err) {
    eki_shape shape = fed_input(view)->shape;
    const eki_value *out = view->n_outputs > 0 ? view->outputs[0] : NULL;
    shape.dims[0] = batch;
    for (int i = 1; i < shape.rank; i++) {
        if (shape.dims[i] < 0) return EK_OK; /* other free extents: nothing to compute with */
    }
    EKI_TRY(eki_graph_infer(view, &shape, err));
    if (out == NULL || out->shape.rank < 1 || out->shape.dims[0] == batch) return EK_OK;
    return eki_fail(err, EK_ERR_SHAPE,
                    "the graph fixes the batch: for %lld examples its first output has %lld rows; export it with a "
                    "dynamic batch, or train with --batch as the file has it",
                    (long long)batch, (long long)out->shape.dims[0]);
}

ek_status ek_set_input(ek_model *model, const int64_t dims[4], ek_error *err) {
    EKI_GIVEN(model, err);
    EKI_GIVEN(dims, err);
    eki_graph *view;
    EKI_TRY(eki_refuse_preprocessed(model->document, "its input cannot get other extents", err));
    EKI_TRY(eki_graph_view(model->document, &view, err));
    ek_status status = eki_input_set(view, dims, err);
    if (status == EK_OK && dims[0] < 0) status = try_batch(view, 3, err);
    if (status == EK_OK && dims[0] < 0) status = try_batch(view, 5, err);
    eki_graph_destroy(view);
    if (status == EK_OK) status = eki_input_set(model->document, dims, err);
    return status == EK_OK ? eki_model_rebuild(model, err) : status;
}
