/* model.c: life of a model: load, save, metadata.
 *
 * A model is a document, the program lowered from it (copy.c) and the index of its norms. What is saved is the
 * document, or a view of it at another opset where one was asked for (lower.c), so that saving never changes the model.
 * The metadata key `evenkeel.opset` makes that opset stick: saves that name none then use it.
 */
#include "model/model.h"

#include "onnx/onnx.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

ek_status eki_model_rebuild(ek_model *model, ek_error *err) {
    eki_graph *program;
    EKI_TRY(eki_graph_program(model->document, &program, err));
    eki_graph_destroy(model->graph);
    model->graph = program;
    return eki_model_index_norms(model, err);
}

ek_status eki_model_wrap(eki_graph *document, ek_model **out, ek_error *err) {
    *out = NULL;
    ek_model *model = eki_calloc(1, sizeof *model);
    if (model == NULL) {
        eki_graph_destroy(document);
        return eki_fail_nomem(err, sizeof *model);
    }
    model->document = document;
    ek_status status = eki_model_rebuild(model, err);
    if (status != EK_OK) {
        ek_model_destroy(model);
        return status;
    }
    *out = model;
    return EK_OK;
}

ek_status eki_model_wake(const ek_model *model, ek_error *err) {
    EKI_TRY(eki_graph_wake(model->document, err));
    return eki_graph_wake(model->graph, err);
}

ek_status ek_model_load(const char *path, ek_model **model, ek_error *err) {
    EKI_GIVEN(path, err);
    EKI_GIVEN(model, err);
    eki_graph *graph;
    *model = NULL;
    EKI_TRY(eki_onnx_load(path, NULL, &graph, err));
    return eki_model_wrap(graph, model, err);
}

ek_status eki_model_load_bytes(const void *data, size_t size, const char *name, ek_model **model, ek_error *err) {
    eki_graph *graph;
    *model = NULL;
    EKI_TRY(eki_onnx_load_bytes(data, size, name, NULL, &graph, err));
    return eki_model_wrap(graph, model, err);
}

void ek_model_destroy(ek_model *model) {
    if (model == NULL) return;
    eki_graph_destroy(model->graph);
    eki_graph_destroy(model->document);
    free(model->norms);
    free(model->apart);
    eki_sites_free(&model->sites);
    free(model);
}

/* The opset to write at: asked for, else kept in the metadata (of a model that was built here at a higher one), else
 * the document's own. */
static ek_status target_opset(const ek_model *model, const ek_save_options *options, int64_t *target, ek_error *err) {
    int64_t own = eki_graph_opset(model->document, "");
    const char *kept = eki_graph_meta(model->document, EKI_META_OPSET);
    *target = options != NULL ? options->opset : 0;
    if (*target == 0 && kept != NULL) *target = strtol(kept, NULL, 10);
    bool asked = options != NULL && options->opset != 0;
    if (!asked && (*target == 0 || *target > own)) *target = own;
    if (*target == own || (*target >= EKI_OPSET_MIN && *target <= EKI_OPSET_RMS)) return EK_OK;
    return eki_fail(err, EK_ERR_ARG,
                    "opset %" PRId64 " cannot be written: choose one from %d to %d, or 0 for the lowest", *target,
                    EKI_OPSET_MIN, EKI_OPSET_RMS);
}

/* The graph to write: the model's own, or *view, which the caller destroys. */
static ek_status graph_to_write(const ek_model *model, const ek_save_options *options, eki_graph **view,
                                const eki_graph **graph, ek_error *err) {
    int64_t target;
    *view = NULL;
    *graph = model->document;
    EKI_TRY(target_opset(model, options, &target, err));
    if (target == eki_graph_opset(model->document, "")) return EK_OK;
    EKI_TRY(eki_graph_view(model->document, view, err));
    EKI_TRY(eki_opset_check(*view, target, NULL, err));
    EKI_TRY(eki_lower_norms(*view, target, err));
    EKI_TRY(eki_opset_declare(*view, target, err));
    *graph = *view;
    return EK_OK;
}

ek_status ek_model_copy(const ek_model *model, ek_model **copy, ek_error *err) {
    EKI_GIVEN(model, err);
    EKI_GIVEN(copy, err);
    eki_graph *view;
    *copy = NULL;
    EKI_TRY(eki_graph_view(model->document, &view, err));
    return eki_model_wrap(view, copy, err);
}

ek_status eki_model_write(const ek_model *model, const ek_save_options *options, eki_writer *writer, ek_error *err) {
    eki_graph *view;
    const eki_graph *graph;
    ek_status status = graph_to_write(model, options, &view, &graph, err);
    if (status == EK_OK) status = eki_onnx_write(graph, writer, err);
    eki_graph_destroy(view);
    return status;
}

ek_status ek_model_check_save(const ek_model *model, const ek_save_options *options, ek_error *err) {
    EKI_GIVEN(model, err);
    eki_graph *view;
    const eki_graph *graph;
    ek_status status = graph_to_write(model, options, &view, &graph, err);
    eki_graph_destroy(view);
    return status;
}

ek_status ek_model_save(const ek_model *model, const char *path, const ek_save_options *options, ek_error *err) {
    EKI_GIVEN(model, err);
    EKI_GIVEN(path, err);
    eki_graph *view;
    const eki_graph *graph;
    ek_status status = graph_to_write(model, options, &view, &graph, err);
    if (status == EK_OK) status = eki_onnx_save(graph, path, err);
    eki_graph_destroy(view);
    return status;
}

const char *ek_model_metadata(const ek_model *model, const char *key) {
    return model == NULL || key == NULL ? NULL : eki_graph_meta(model->document, key);
}

ek_status ek_model_set_metadata(ek_model *model, const char *key, const char *value, ek_error *err) {
    EKI_GIVEN(model, err);
    EKI_GIVEN(key, err);
    if (key[0] == '\0') return eki_fail(err, EK_ERR_ARG, "a metadata key may not be empty");
    EKI_TRY(eki_graph_set_meta(model->document, key, value, err));
    bool of_norms = strncmp(key, "evenkeel.", strlen("evenkeel.")) == 0;
    return of_norms ? eki_model_index_norms(model, err) : EK_OK;
}

ek_status eki_model_without_dropout(const ek_model *model, ek_model **view, ek_error *err) {
    eki_graph *graph;
    EKI_TRY(eki_graph_view(model->document, &graph, err));
    for (size_t i = 0; i < graph->n_nodes; i++) {
        eki_node *node = graph->nodes[i];
        if (node->op != EKI_OP_Dropout) continue;
        eki_node_become(node, EKI_OP_Identity);
        node->n_in = node->n_out = 1;
        node->n_attr = 0;
    }
    return eki_model_wrap(graph, view, err);
}

ek_status eki_model_untie(ek_model *model, ek_error *err) {
    bool untied;
    EKI_TRY(eki_untie_statistics(model->document, &untied, err));
    return untied ? eki_model_rebuild(model, err) : EK_OK;
}
