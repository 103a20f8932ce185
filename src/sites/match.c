/* match.c: readers, makers and constants, for recognising subgraphs. */
#include "sites/match.h"

#include <stdlib.h>
#include <string.h>

ek_status eki_uses_create(const eki_graph *graph, eki_uses *uses, ek_error *err) {
    uses->count = eki_calloc(graph->n_values + 1, sizeof *uses->count);
    uses->user = eki_calloc(graph->n_values + 1, sizeof *uses->user);
    if (uses->count == NULL || uses->user == NULL) {
        eki_uses_free(uses);
        return eki_fail_nomem(err, graph->n_values * (sizeof(int) + sizeof(void *)));
    }
    for (size_t i = 0; i < graph->n_values; i++) uses->count[i] = graph->values[i]->captured;
    for (size_t i = 0; i < graph->n_nodes; i++) {
        for (int j = 0; j < graph->nodes[i]->n_in; j++) {
            const eki_value *value = graph->nodes[i]->in[j];
            if (value == NULL) continue;
            uses->count[value->id]++;
            uses->user[value->id] = graph->nodes[i];
        }
    }
    return EK_OK;
}

void eki_uses_free(eki_uses *uses) {
    free(uses->count);
    free(uses->user);
    *uses = (eki_uses){0};
}

bool eki_is_op(const eki_node *node, eki_opcode op) {
    return node != NULL && node->op == op && node->n_out == 1 && node->out[0] != NULL;
}

eki_node *eki_next(const eki_uses *uses, const eki_node *node, eki_opcode op) {
    const eki_value *out = node->out[0];
    if (out->is_output || uses->count[out->id] != 1) return NULL;
    eki_node *user = uses->user[out->id];
    return eki_is_op(user, op) ? user : NULL;
}

const eki_tensor *eki_constant(const eki_value *value) {
    if (value == NULL) return NULL;
    if (value->init != NULL) return value->input_index < 0 ? value->init : NULL;
    if (!eki_is_op(value->producer, EKI_OP_Constant)) return NULL;
    const eki_attr *attr = eki_node_attr(value->producer, "value");
    return attr != NULL && attr->type == EKI_ATTR_TENSOR ? attr->t : NULL;
}

eki_value *eki_other(const eki_node *node, const eki_value *value) {
    if (node->n_in != 2) return NULL;
    if (node->in[0] == value) return node->in[1];
    return node->in[1] == value ? node->in[0] : NULL;
}

bool eki_all_equal(const eki_tensor *tensor, int64_t count, float value) {
    if (tensor == NULL || tensor->dtype != EK_F32 || tensor->shape.rank != 1 || tensor->shape.dims[0] != count) {
        return false;
    }
    for (int64_t i = 0; i < count; i++) {
        if (eki_tensor_f32(tensor, i) != value) return false;
    }
    return true;
}
