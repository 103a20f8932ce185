/* model.c: life of a model: load, save, metadata.
 *
 * A model is a graph plus the index of its norms. What is loaded is lifted and fused (weights in Constant nodes become
 * initializers, lift.c; group and RMS norms that are written out become one node, src/sites); what is saved goes
 * through a view at the wanted opset (lower.c), so that saving never changes the model. The metadata key
 * `evenkeel.opset` makes an opset stick: saves that name none then use it.
 */
#include "model/model.h"

#include "onnx/onnx.h"
#include "sites/sites.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

ek_status eki_model_wrap(eki_graph *graph, ek_model **out, ek_error *err) {
    *out = NULL;
    ek_model *model = calloc(1, sizeof *model);
    if (model == NULL) {
        eki_graph_destroy(graph);
        return eki_fail_nomem(err, sizeof *model);
    }
    model->graph = graph;
    ek_status status = eki_model_index_norms(model, err);
    if (status != EK_OK) {
        ek_model_destroy(model);
        return status;
    }
    *out = model;
    return EK_OK;
}

static bool may_need(void *graph, int64_t opset, const uint8_t *ignore) {
    return eki_opset_check(graph, opset, ignore, NULL) == EK_OK;
}

/* Cheap look before inference and matching: most models have nothing to fuse. */
static bool worth_looking(const eki_graph *graph) {
    if (eki_graph_opset(graph, "") < EKI_OPSET_MIN) return false;
    for (size_t i = 0; i < graph->n_nodes; i++) {
        const eki_node *node = graph->nodes[i];
        bool root = node->op == EKI_OP_Sqrt || node->op == EKI_OP_Pow;
        if (root || node->op == EKI_OP_InstanceNormalization) return true;
    }
    return false;
}

ek_status eki_fuse_norms(eki_graph *graph, ek_error *err) {
    if (!worth_looking(graph)) return EK_OK;
    ek_error ignored;
    if (eki_graph_infer(graph, NULL, &ignored) != EK_OK) return EK_OK; /* the model runs nowhere here; leave it */
    eki_fuse_options options = {.kinds = EKI_FUSE_GROUP | EKI_FUSE_RMS, .may_need = may_need, .context = graph};
    int64_t needed;
    EKI_TRY(eki_sites_fuse(graph, &options, &needed, err));
    if (needed == 0) return EK_OK;
    EKI_TRY(eki_graph_sort(graph, err));
    return eki_opset_declare(graph, needed, err);
}

static ek_status fuse_and_wrap(eki_graph *graph, ek_model **model, ek_error *err) {
    ek_status status = eki_lift_parameters(graph, err);
    if (status == EK_OK) status = eki_fuse_norms(graph, err);
    if (status != EK_OK) {
        eki_graph_destroy(graph);
        return status;
    }
    return eki_model_wrap(graph, model, err);
}

ek_status ek_model_load(const char *path, ek_model **model, ek_error *err) {
    EKI_GIVEN(path, err);
    EKI_GIVEN(model, err);
    eki_graph *graph;
    *model = NULL;
    EKI_TRY(eki_onnx_load(path, NULL, &graph, err));
    return fuse_and_wrap(graph, model, err);
}

ek_status eki_model_load_bytes(const void *data, size_t size, const char *name, ek_model **model, ek_error *err) {
    eki_graph *graph;
    *model = NULL;
    EKI_TRY(eki_onnx_load_bytes(data, size, name, NULL, &graph, err));
    return fuse_and_wrap(graph, model, err);
}

void ek_model_destroy(ek_model *model) {
    if (model == NULL) return;
    eki_graph_destroy(model->graph);
    free(model->norms);
    free(model);
}

/* The opset to write at: asked for, else kept in the metadata, else the lowest that has the model's operators. */
static ek_status target_opset(const ek_model *model, const ek_save_options *options, int64_t *target, ek_error *err) {
    int64_t own = eki_graph_opset(model->graph, ""), needed = eki_opset_needed(model->graph);
    const char *kept = eki_graph_meta(model->graph, EKI_META_OPSET);
    *target = options != NULL ? options->opset : 0;
    if (*target == 0 && kept != NULL) *target = strtol(kept, NULL, 10);
    if (*target == 0) *target = own > needed ? own : needed;
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
    *graph = model->graph;
    EKI_TRY(target_opset(model, options, &target, err));
    if (target == eki_graph_opset(model->graph, "")) return EK_OK;
    EKI_TRY(eki_graph_view(model->graph, view, err));
    EKI_TRY(eki_opset_check(*view, target, NULL, err));
    EKI_TRY(eki_lower_norms(*view, target, err));
    EKI_TRY(eki_opset_declare(*view, target, err));
    *graph = *view;
    return EK_OK;
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
    eki_writer *writer;
    EKI_TRY(eki_writer_open(path, &writer, err));
    ek_status status = eki_model_write(model, options, writer, err);
    if (status != EK_OK) {
        eki_writer_discard(writer);
        return status;
    }
    return eki_writer_commit(writer, err);
}

const char *ek_model_metadata(const ek_model *model, const char *key) {
    return model == NULL || key == NULL ? NULL : eki_graph_meta(model->graph, key);
}

ek_status eki_meta_set(eki_graph *graph, const char *key, const char *value, ek_error *err) {
    if (value != NULL) return eki_graph_set_meta(graph, key, value, err);
    for (size_t i = 0; i < graph->n_meta; i++) {
        if (strcmp(graph->meta[i].key, key) != 0) continue;
        memmove(graph->meta + i, graph->meta + i + 1, (graph->n_meta - i - 1) * sizeof *graph->meta);
        graph->n_meta--;
        return EK_OK;
    }
    return EK_OK;
}

const char *eki_meta_of(const eki_graph *graph, const char *prefix, const char *output) {
    size_t length = strlen(prefix);
    for (size_t i = 0; i < graph->n_meta; i++) {
        const char *key = graph->meta[i].key;
        if (strncmp(key, prefix, length) == 0 && strcmp(key + length, output) == 0) return graph->meta[i].value;
    }
    return NULL;
}

ek_status eki_meta_set_of(eki_graph *graph, const char *prefix, const char *output, const char *value, ek_error *err) {
    size_t room = strlen(prefix) + strlen(output) + 1;
    char *key = malloc(room);
    if (key == NULL) return eki_fail_nomem(err, room);
    (void)snprintf(key, room, "%s%s", prefix, output);
    ek_status status = eki_meta_set(graph, key, value, err);
    free(key);
    return status;
}

ek_status ek_model_set_metadata(ek_model *model, const char *key, const char *value, ek_error *err) {
    EKI_GIVEN(model, err);
    EKI_GIVEN(key, err);
    if (key[0] == '\0') return eki_fail(err, EK_ERR_ARG, "a metadata key may not be empty");
    EKI_TRY(eki_meta_set(model->graph, key, value, err));
    bool of_norms = strncmp(key, "evenkeel.", strlen("evenkeel.")) == 0;
    return of_norms ? eki_model_index_norms(model, err) : EK_OK;
}
