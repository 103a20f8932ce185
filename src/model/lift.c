/* lift.c: parameters that a file keeps in Constant nodes, as initializers.
 *
 * Some exporters (Paddle's) write every weight as a Constant node. To whoever trains, recalibrates, folds or freezes,
 * a weight is an initializer; so those that layers read as parameters become initializers of the same name and data.
 * Other constants (shapes, factors, anchors) stay nodes. Before IR version 4 an initializer had to be an input too, and
 * nothing is lifted.
 */
#include "model/model.h"
#include "onnx/schema.h"
#include "onnx/wire.h"

#include <string.h>

static bool is_one_of(const eki_node *node, const char *const *names) {
    if (node == NULL || node->domain[0] != '\0') return false;
    for (; *names != NULL; names++) {
        if (strcmp(node->op_type, *names) == 0) return true;
    }
    return false;
}

/* Whether the node reads input `input` as a parameter. */
static bool reads_parameter(const eki_node *node, int input) {
    static const char *const layers[] = {"Conv", "ConvTranspose", "Gemm", "MatMul", NULL};
    static const char *const norms[] = {"BatchNormalization", "InstanceNormalization", "GroupNormalization",
                                        "LayerNormalization", "RMSNormalization",      NULL};
    static const char *const add[] = {"Add", NULL};
    if (is_one_of(node, layers) || is_one_of(node, norms)) return input > 0;
    if (!is_one_of(node, add) || node->n_in != 2) return false;
    const eki_value *other = node->in[1 - input]; /* a bias that a layer leaves to an Add */
    return other != NULL && is_one_of(other->producer, layers);
}

/* The data of a Constant node that can be lifted, or NULL. */
static eki_tensor *constant_data(const eki_value *value) {
    static const char *const constant[] = {"Constant", NULL};
    if (value == NULL || value->init != NULL || value->is_output || !is_one_of(value->producer, constant)) return NULL;
    const eki_attr *attr = eki_node_attr(value->producer, "value");
    if (attr == NULL || attr->type != EKI_ATTR_TENSOR || attr->t == NULL) return NULL;
    return attr->t->dtype == EK_F32 && attr->t->shape.rank > 0 ? attr->t : NULL;
}

/* The kept bytes without the constant's own name: an initializer has that of its value. False = no memory. */
static bool drop_name(eki_graph *graph, eki_tensor *tensor) {
    unsigned char *kept = eki_arena_alloc(&graph->arena, tensor->keep.size);
    eki_wire wire = eki_wire_of(tensor->keep.data, 0, tensor->keep.size);
    size_t size = 0;
    eki_field field;
    bool more;
    if (kept == NULL) return false;
    while (eki_wire_next(&wire, &field, &more, NULL) == EK_OK && more) {
        if (field.number == TENSOR_NAME) continue;
        memcpy(kept + size, wire.base + field.start, field.end - field.start);
        size += field.end - field.start;
    }
    tensor->keep = (eki_bytes){.data = kept, .size = size};
    return true;
}

void eki_lift_parameters(eki_graph *graph) {
    bool lifted = false;
    if (graph->ir_version < 4) return;
    for (size_t i = 0; i < graph->n_nodes; i++) {
        const eki_node *node = graph->nodes[i];
        for (int k = 0; node->op_type != NULL && k < node->n_in; k++) {
            eki_tensor *tensor = constant_data(node->in[k]);
            if (tensor == NULL || !reads_parameter(node, k)) continue;
            if (tensor->keep.size > 0 && !drop_name(graph, tensor)) continue;
            eki_value *value = node->in[k];
            value->producer->op_type = NULL; /* swept below; attributes live in the graph's arena */
            value->producer = NULL;
            value->init = tensor;
            value->dtype = tensor->dtype;
            value->shape = tensor->shape;
            value->declared = false;
            value->keep = (eki_bytes){0};
            lifted = true;
        }
    }
    if (lifted) eki_graph_sweep(graph);
}
