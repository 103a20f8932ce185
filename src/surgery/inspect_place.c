/* inspect_place.c: does a norm stand before or after the activation? */
#include "surgery/inspect.h"

/* What may stand between a norm and its activation. */
enum { BETWEEN = EKI_SUM | EKI_POOLING | EKI_SAME | EKI_RESHAPE };

static bool feeds_activation(const eki_graph *graph, const eki_value *value, int hops) {
    for (size_t i = 0; i < graph->n_nodes; i++) {
        const eki_node *node = graph->nodes[i];
        bool reads = false;
        for (int k = 0; k < node->n_in; k++) reads |= node->in[k] == value;
        if (!reads) continue;
        if (eki_op_has(node->op, EKI_ACTIVATION)) return true;
        if (hops > 0 && eki_op_has(node->op, BETWEEN) && node->n_out > 0 && node->out[0] != NULL &&
            feeds_activation(graph, node->out[0], hops - 1))
            return true;
    }
    return false;
}

static bool made_by_activation(const eki_node *node) {
    for (int hops = 0; node != NULL && hops < 3; hops++) {
        if (eki_op_has(node->op, EKI_ACTIVATION)) return true;
        if (!eki_op_has(node->op, EKI_POOLING | EKI_SAME) || node->n_in < 1 || node->in[0] == NULL) return false;
        node = node->in[0]->producer;
    }
    return false;
}

ek_place_seen eki_place_of(const eki_graph *graph, const eki_node *node) {
    bool before = node->n_out > 0 && node->out[0] != NULL && feeds_activation(graph, node->out[0], 2);
    bool after = node->n_in > 0 && node->in[0] != NULL && made_by_activation(node->in[0]->producer);
    return (ek_place_seen)((before ? EK_SEEN_BEFORE : 0) | (after ? EK_SEEN_AFTER : 0));
}
