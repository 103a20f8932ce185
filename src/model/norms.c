/* norms.c: the index of the norms that the program runs.
 *
 * Each is one node: BatchNormalization, InstanceNormalization, GroupNormalization, LayerNormalization or
 * RMSNormalization (fuse_norms.c has turned subgraphs into nodes before). Its parameters are the initializers it reads,
 * found through Identity nodes, which exporters use where two layers share a tensor.
 */
#include "model/model.h"

#include <stdlib.h>
#include <string.h>

static ek_norm_kind kind_of(eki_opcode op) {
    switch (op) {
    case EKI_OP_LayerNormalization: return EK_NORM_LAYER;
    case EKI_OP_GroupNormalization: return EK_NORM_GROUP;
    case EKI_OP_InstanceNormalization: return EK_NORM_INSTANCE;
    case EKI_OP_RMSNormalization: return EK_NORM_RMS;
    default: return EK_NORM_BATCH;
    }
}

/* The initializer behind an input, or NULL. */
static const eki_value *parameter(const eki_node *node, int input) {
    const eki_value *value = input < node->n_in ? node->in[input] : NULL;
    for (int hops = 0; value != NULL && value->init == NULL && hops < 8; hops++) {
        const eki_node *producer = value->producer;
        bool identity = producer != NULL && producer->op == EKI_OP_Identity && producer->n_in == 1;
        value = identity ? producer->in[0] : NULL;
    }
    return value != NULL && value->init != NULL ? value : NULL;
}

static const char *parameter_name(const eki_node *node, int input) {
    const eki_value *value = parameter(node, input);
    return value == NULL ? "" : value->name;
}

static int64_t channels_of(const eki_node *node) {
    const eki_value *scale = parameter(node, 1);
    int64_t count = 0;
    if (scale != NULL && eki_shape_count(&scale->init->shape, &count)) return count;
    const eki_value *x = node->n_in > 0 ? node->in[0] : NULL;
    return x != NULL && x->shape.rank >= 2 && x->shape.dims[1] > 0 ? x->shape.dims[1] : 0;
}

static ek_model_norm describe(const eki_graph *document, const eki_node *node, ek_norm_kind kind) {
    const eki_value *out = node->n_out > 0 ? node->out[0] : NULL;
    bool batch = kind == EK_NORM_BATCH;
    ek_model_norm info = {.kind = kind,
                          .node = node->name,
                          .output = node->norm_of != NULL ? node->norm_of
                                    : out == NULL         ? ""
                                                          : out->name,
                          .scale = parameter_name(node, 1),
                          .bias = kind == EK_NORM_RMS ? "" : parameter_name(node, 2),
                          .mean = batch ? parameter_name(node, 3) : "",
                          .variance = batch ? parameter_name(node, 4) : "",
                          .channels = channels_of(node),
                          .groups = 1,
                          .spelling = eki_spelling_name(EKI_SPELL_OPERATOR)};
    info.path = info.node[0] != '\0' ? info.node : info.output;
    if (kind == EK_NORM_GROUP) info.groups = eki_node_int(node, "num_groups", 1);
    if (kind == EK_NORM_INSTANCE) info.groups = info.channels;

    info.epsilon = (double)eki_node_float(node, "epsilon", 1e-5F);
    if (batch) info.momentum = (double)eki_node_float(node, "momentum", 0.9F);
    eki_freeze_read(document, info.output, &info.stats_frozen, &info.affine_frozen);
    if (batch) (void)eki_updates_read(document, info.output, &info.updates);
    return info;
}

ek_status eki_model_index_norms(ek_model *model, ek_error *err) {
    const eki_graph *graph = model->graph;
    size_t count = 0;
    for (size_t i = 0; i < graph->n_nodes; i++) count += eki_op_has(graph->nodes[i]->op, EKI_NORM);
    eki_norm_ref *norms = eki_calloc(count + 1, sizeof *norms);
    if (norms == NULL) return eki_fail_nomem(err, (count + 1) * sizeof *norms);
    count = 0;
    for (size_t i = 0; i < graph->n_nodes; i++) {
        if (!eki_op_has(graph->nodes[i]->op, EKI_NORM)) continue;
        norms[count].node = graph->nodes[i];
        norms[count].info = describe(model->document, graph->nodes[i], kind_of(graph->nodes[i]->op));
        count++;
    }
    free(model->norms);
    model->norms = norms;
    model->n_norms = count;
    return eki_model_index_apart(model, err);
}

size_t ek_model_norm_count(const ek_model *model) { return model == NULL ? 0 : model->n_norms + model->n_apart; }

ek_model_norm ek_model_norm_get(const ek_model *model, size_t index) {
    static const ek_model_norm none = {
        .node = "", .output = "", .scale = "", .bias = "", .mean = "", .variance = "", .path = "", .spelling = ""};
    if (index >= ek_model_norm_count(model)) return none;
    return index < model->n_norms ? model->norms[index].info : model->apart[index - model->n_norms].info;
}

eki_node *eki_model_norm_node(const ek_model *model, size_t norm) {
    const eki_value *own = model->norms[norm].node->out[0];
    const eki_value *out = own == NULL || own->body != NULL ? NULL : eki_graph_find(model->document, own->name);
    return out == NULL ? NULL : out->producer;
}
