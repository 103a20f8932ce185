/* proof_diff.c: which nodes of two documents differ.
 *
 * Nodes are found again by their first output. They are the same when operator, attributes, names of inputs and outputs
 * and the data of initializers are; and when the operator means the same at both opsets. Graphs within them are looked
 * at on their own: here they only must have the same inputs and outputs.
 */
#include "surgery/diff.h"
#include "surgery/proof.h"

#include <string.h>

static bool same_name(const eki_value *a, const eki_value *b) {
    return a == NULL || b == NULL ? a == b : strcmp(a->name, b->name) == 0;
}

static bool same_data(const eki_tensor *a, const eki_tensor *b) {
    if (a == NULL || b == NULL || a == b) return a == b;
    return a->dtype == b->dtype && a->stored == b->stored && eki_shape_equal(&a->shape, &b->shape) &&
           a->bytes == b->bytes && (a->data == b->data || memcmp(a->data, b->data, a->bytes) == 0);
}

static bool same_values(eki_value *const *a, int n_a, eki_value *const *b, int n_b) {
    if (n_a != n_b) return false;
    for (int k = 0; k < n_a; k++) {
        if (!same_name(a[k], b[k])) return false;
        if (a[k] != NULL && !same_data(a[k]->init, b[k]->init)) return false;
    }
    return true;
}

static bool same_graph(const eki_graph *a, const eki_graph *b) {
    return same_values(a->inputs, (int)a->n_inputs, b->inputs, (int)b->n_inputs) &&
           same_values(a->outputs, (int)a->n_outputs, b->outputs, (int)b->n_outputs);
}

static bool same_attr(const eki_attr *a, const eki_attr *b) {
    if (a == NULL || b == NULL || a->type != b->type || a->count != b->count) return false;
    if (a->type != EKI_ATTR_GRAPHS) return eki_attr_same(a, b);
    for (size_t i = 0; i < a->count; i++) {
        if (!same_graph(a->graphs[i], b->graphs[i])) return false;
    }
    return true;
}

static bool same_node(const eki_node *a, const eki_node *b) {
    if (a->op_type == NULL || b->op_type == NULL) return a->op_type == b->op_type;
    if (!eki_same_operator(a, b) || a->n_attr != b->n_attr) return false;
    if (!same_values(a->in, a->n_in, b->in, b->n_in) || !same_values(a->out, a->n_out, b->out, b->n_out)) return false;
    for (int i = 0; i < a->n_attr; i++) {
        if (!same_attr(&a->attrs[i], eki_node_attr(b, a->attrs[i].name))) return false;
    }
    return true;
}

/* Whether the operator changed between the opsets of the documents. What cannot be run is taken to mean the same: who
 * moved it looked at ops.def. */
static bool moved(const eki_graph *a, const eki_graph *b, const eki_node *node) {
    int64_t one = eki_graph_opset(a, node->domain), other = eki_graph_opset(b, node->domain);
    int64_t low = one < other ? one : other, high = one < other ? other : one;
    if (low == high || eki_op_find(node->op, one) == NULL || eki_op_find(node->op, other) == NULL) return false;
    int64_t change = eki_op_next_change(node->op, low);
    return change != 0 && change <= high;
}

static const eki_node *counterpart(const eki_node *node, const eki_graph *other) {
    for (int k = 0; k < node->n_out; k++) {
        if (node->out[k] == NULL) continue;
        const eki_value *value = eki_graph_find(other, node->out[k]->name);
        return value != NULL ? value->producer : NULL;
    }
    return NULL;
}

ek_status eki_proof_mark(eki_proving *p) {
    eki_side *a = &p->sides[0], *b = &p->sides[1];
    for (size_t i = 0; i < b->graph->n_nodes; i++) b->region[i] = 0;
    for (size_t i = 0; i < a->graph->n_nodes; i++) {
        const eki_node *node = a->graph->nodes[i], *other = counterpart(node, b->graph);
        bool same = other != NULL && same_node(node, other) && !moved(a->graph, b->graph, node) &&
                    !eki_proof_calls_another(p, node);
        a->region[node->id] = same ? -1 : 0;
        if (!same) continue;
        b->region[other->id] = -1;
        EKI_TRY(eki_proof_nested(p, node, other));
    }
    return EK_OK;
}
