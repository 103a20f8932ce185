/* inspect_place.c: does a norm stand before or after the activation? */
#include "surgery/inspect.h"

#include <string.h>

static bool one_of(const eki_node *node, const char *const *names) {
    if (node == NULL || node->domain[0] != '\0') return false;
    for (; *names != NULL; names++) {
        if (strcmp(node->op_type, *names) == 0) return true;
    }
    return false;
}

static bool is_activation(const eki_node *node) {
    static const char *const names[] = {"Relu",        "LeakyRelu", "PRelu",    "Elu",  "Selu",     "Celu",
                                        "Sigmoid",     "Tanh",      "Clip",     "Gelu", "Softplus", "Mish",
                                        "HardSigmoid", "HardSwish", "Softsign", "Erf",  NULL};
    return one_of(node, names);
}

/* Nodes that may stand between a norm and its activation. */
static bool is_between(const eki_node *node) {
    static const char *const names[] = {"Add", "Sum", "MaxPool", "AveragePool", "Dropout", "Identity", "Reshape", NULL};
    return one_of(node, names);
}

static bool feeds_activation(const eki_graph *graph, const eki_value *value, int hops) {
    for (size_t i = 0; i < graph->n_nodes; i++) {
        const eki_node *node = graph->nodes[i];
        bool reads = false;
        for (int k = 0; k < node->n_in; k++) reads |= node->in[k] == value;
        if (!reads) continue;
        if (is_activation(node)) return true;
        if (hops > 0 && is_between(node) && node->n_out > 0 && node->out[0] != NULL &&
            feeds_activation(graph, node->out[0], hops - 1))
            return true;
    }
    return false;
}

static bool made_by_activation(const eki_node *node) {
    static const char *const through[] = {"MaxPool", "AveragePool", "Dropout", "Identity", NULL};
    for (int hops = 0; node != NULL && hops < 3; hops++) {
        if (is_activation(node)) return true;
        if (!one_of(node, through) || node->n_in < 1 || node->in[0] == NULL) return false;
        node = node->in[0]->producer;
    }
    return false;
}

ek_place_seen eki_place_of(const eki_graph *graph, const eki_node *node) {
    bool before = node->n_out > 0 && node->out[0] != NULL && feeds_activation(graph, node->out[0], 2);
    bool after = node->n_in > 0 && node->in[0] != NULL && made_by_activation(node->in[0]->producer);
    return (ek_place_seen)((before ? EK_SEEN_BEFORE : 0) | (after ? EK_SEEN_AFTER : 0));
}
