/* inspect.c: looking into a model: interface, nodes, initializers, logits.
 *
 * Everything returned points into the model. Lists that the graph does not keep (fed inputs, initializers) are counted
 * on the fly: models have hundreds of values, and a graph may be changed between two calls.
 */
#include "model/model.h"

#include <string.h>

static ek_tensor_info describe(const eki_graph *graph, const eki_value *value) {
    ek_tensor_info info = {.name = value->name, .dtype = value->dtype, .stored = value->stored};
    const eki_shape *shape = value->init != NULL ? &value->init->shape : &value->shape;
    info.rank = shape->rank;
    for (int i = 0; i < EK_MAX_RANK; i++) {
        int64_t dim = i < shape->rank ? shape->dims[i] : 0;
        size_t symbol = dim < 0 ? (size_t)(-1 - dim) : graph->n_symbols;
        info.dims[i] = dim < 0 ? -1 : dim;
        info.dim_names[i] = symbol < graph->n_symbols ? graph->symbols[symbol] : "";
    }
    if (value->init != NULL) {
        info.dtype = value->init->dtype;
        info.stored = value->init->stored;
        info.data = value->init->data;
        info.bytes = value->init->bytes;
    }
    return info;
}

static ek_tensor_info no_tensor(void) {
    ek_tensor_info info = {.name = "", .rank = -1};
    for (int i = 0; i < EK_MAX_RANK; i++) info.dim_names[i] = "";
    return info;
}

const char *ek_model_path(const ek_model *model) { return model == NULL ? "" : model->graph->path; }
int64_t ek_model_opset(const ek_model *model) { return model == NULL ? 0 : eki_graph_opset(model->document, ""); }

size_t ek_model_input_count(const ek_model *model) {
    if (model == NULL) return 0;
    size_t count = 0;
    for (size_t i = 0; i < model->graph->n_inputs; i++) count += model->graph->inputs[i]->init == NULL;
    return count;
}

ek_tensor_info ek_model_input(const ek_model *model, size_t index) {
    if (model == NULL) return no_tensor();
    const eki_graph *graph = model->graph;
    for (size_t i = 0; i < graph->n_inputs; i++) {
        if (graph->inputs[i]->init != NULL) continue;
        if (index-- == 0) return describe(graph, graph->inputs[i]);
    }
    return no_tensor();
}

size_t ek_model_output_count(const ek_model *model) { return model == NULL ? 0 : model->graph->n_outputs; }

ek_tensor_info ek_model_output(const ek_model *model, size_t index) {
    if (model == NULL || index >= model->graph->n_outputs) return no_tensor();
    return describe(model->graph, model->graph->outputs[index]);
}

size_t ek_model_node_count(const ek_model *model) { return model == NULL ? 0 : model->document->n_nodes; }

ek_node_info ek_model_node(const ek_model *model, size_t index) {
    if (model == NULL || index >= model->document->n_nodes)
        return (ek_node_info){.name = "", .op_type = "", .domain = "", .output = ""};
    const eki_node *node = model->document->nodes[index];
    const char *output = eki_node_output(node);
    return (ek_node_info){.name = node->name,
                          .op_type = node->op_type,
                          .domain = node->domain,
                          .output = output,
                          .inputs = node->n_in,
                          .outputs = node->n_out};
}

size_t ek_model_tensor_count(const ek_model *model) {
    if (model == NULL) return 0;
    size_t count = 0;
    for (size_t i = 0; i < model->graph->n_values; i++) count += model->graph->values[i]->init != NULL;
    return count;
}

ek_tensor_info ek_model_tensor(const ek_model *model, size_t index) {
    if (model == NULL) return no_tensor();
    const eki_graph *graph = model->graph;
    for (size_t i = 0; i < graph->n_values; i++) {
        if (graph->values[i]->init == NULL) continue;
        if (index-- == 0) return describe(graph, graph->values[i]);
    }
    return no_tensor();
}

ek_status ek_model_tensor_data(ek_model *model, const char *name, ek_tensor_info *info, void **data, ek_error *err) {
    EKI_GIVEN(model, err);
    EKI_GIVEN(name, err);
    eki_value *value = eki_graph_find(model->graph, name);
    if (value == NULL || value->init == NULL) {
        return eki_fail(err, EK_ERR_ARG, "the model has no initializer '%s'; evenkeel models FILE.onnx lists them",
                        name);
    }
    EKI_TRY(eki_tensor_own(value->init, err));
    if (info != NULL) *info = describe(model->graph, value);
    if (data != NULL) *data = value->init->data;
    return EK_OK;
}

const eki_value *eki_logits_behind(const eki_value *output) {
    const eki_node *last = output->producer;
    bool softmax = last != NULL && last->op == EKI_OP_Softmax;
    return softmax && last->n_in > 0 && last->in[0] != NULL ? last->in[0] : output;
}

const eki_value *eki_model_logits_value(const ek_model *model) {
    return model->graph->n_outputs == 0 ? NULL : eki_logits_behind(model->graph->outputs[0]);
}

const char *ek_model_logits(const ek_model *model) {
    if (model == NULL) return "";
    const eki_value *value = eki_model_logits_value(model);
    return value == NULL ? "" : value->name;
}
