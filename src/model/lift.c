/* lift.c: parameters that a file keeps in Constant nodes, as initializers.
 *
 * Some exporters (Paddle's) write every weight as a Constant node. To whoever trains, recalibrates, folds or freezes,
 * a weight is an initializer; so those that layers read as parameters become initializers of the same name and data.
 * Other constants (shapes, factors, anchors) stay nodes. Before IR version 4 an initializer had to be an input too, and
 * nothing is lifted.
 *
 * Others write one of several equal tensors and give it to the other layers through Identity nodes. Running statistics
 * cannot be shared: each batch norm gets its own copy, in the program, and in the document before anything is measured,
 * else training would have nowhere to put them.
 */
#include "model/model.h"
#include "onnx/schema.h"
#include "onnx/wire.h"

#include <string.h>

/* Whether the node reads input `input` as a parameter. */
static bool reads_parameter(const eki_node *node, int input) {
    if (eki_op_has(node->op, EKI_PRODUCT | EKI_NORM)) return input > 0;
    if (node->op != EKI_OP_Add || node->n_in != 2) return false;
    const eki_value *other = node->in[1 - input]; /* a bias that a layer leaves to an Add */
    return other != NULL && other->producer != NULL && eki_op_has(other->producer->op, EKI_PRODUCT);
}

/* The data of a Constant node that can be lifted, or NULL. */
static eki_tensor *constant_data(const eki_value *value) {
    if (value == NULL || value->init != NULL || value->is_output || value->producer == NULL) return NULL;
    if (value->producer->op != EKI_OP_Constant) return NULL;
    const eki_attr *attr = eki_node_attr(value->producer, "value");
    if (attr == NULL || attr->type != EKI_ATTR_TENSOR || attr->t == NULL) return NULL;
    return attr->t->dtype == EK_F32 && attr->t->shape.rank > 0 ? attr->t : NULL;
}

/* The initializer behind one or more Identity nodes, or NULL. */
static const eki_tensor *shared_data(const eki_value *value) {
    if (value == NULL || value->init != NULL || value->is_output) return NULL;
    for (int hops = 0; value->init == NULL && hops < 8; hops++) {
        const eki_node *node = value->producer;
        if (node == NULL || node->op != EKI_OP_Identity || node->n_in != 1 || node->n_out != 1 || node->in[0] == NULL)
            return NULL;
        value = node->in[0];
    }
    return value->init != NULL && value->init->dtype == EK_F32 ? value->init : NULL;
}

static void lift(eki_value *value, eki_tensor *tensor) {
    eki_node_drop(value->producer); /* swept later; attributes live in the graph's arena */
    value->producer = NULL;
    value->init = tensor;
    value->dtype = tensor->dtype;
    value->stored = tensor->stored;
    value->shape = tensor->shape;
    value->declared = false;
    value->origin = (eki_bytes){0};
    value->in_file = 0;
}

static ek_status copy_tensor(eki_graph *graph, const eki_tensor *from, eki_tensor **to, ek_error *err) {
    EKI_TRY(eki_tensor_create(graph, from->dtype, &from->shape, to, err));
    (*to)->stored = from->stored;
    if ((*to)->bytes > 0) memcpy((*to)->data, from->data, (*to)->bytes);
    return EK_OK;
}

static ek_status untie_node(eki_graph *graph, const eki_node *node, bool *untied, ek_error *err) {
    for (int k = 3; k < node->n_in && node->op == EKI_OP_BatchNormalization; k++) {
        eki_tensor *tensor;
        const eki_tensor *shared = shared_data(node->in[k]);
        if (shared == NULL) continue;
        EKI_TRY(copy_tensor(graph, shared, &tensor, err));
        lift(node->in[k], tensor);
        *untied = true;
    }
    return EK_OK;
}

ek_status eki_untie_statistics(eki_graph *graph, bool *untied, ek_error *err) {
    *untied = false;
    if (graph->ir_version < 4) return EK_OK;
    for (size_t i = 0; i < graph->n_nodes; i++) EKI_TRY(untie_node(graph, graph->nodes[i], untied, err));
    if (*untied) eki_graph_sweep(graph);
    return EK_OK;
}

static void lift_node(const eki_node *node, bool *lifted) {
    for (int k = 0; k < node->n_in; k++) {
        eki_tensor *tensor = reads_parameter(node, k) ? constant_data(node->in[k]) : NULL;
        if (tensor == NULL) continue;
        lift(node->in[k], tensor);
        *lifted = true;
    }
}

ek_status eki_lift_parameters(eki_graph *graph, ek_error *err) {
    bool lifted = false;
    ek_status status = EK_OK;
    if (graph->ir_version < 4) return EK_OK;
    for (size_t i = 0; status == EK_OK && i < graph->n_nodes; i++) {
        const eki_node *node = graph->nodes[i];
        if (node->op_type == NULL) continue;
        lift_node(node, &lifted);
        status = untie_node(graph, node, &lifted, err);
    }
    if (lifted) eki_graph_sweep(graph);
    return status;
}
