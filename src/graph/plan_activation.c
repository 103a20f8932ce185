/* plan_activation.c: the function of one element behind a convolution or a norm: a node, or the two of x * gate(x), as
 * exporters write SiLU and hard swish. */
#include "graph/plan_tail.h"

#include <float.h>
#include <math.h>

/* A limit of Clip: an attribute before opset 11, then an input. Whether it is known. */
static bool read_limit(const eki_node *node, int input, const char *attribute, float otherwise, float *limit) {
    *limit = eki_node_float(node, attribute, otherwise);
    if (input >= node->n_in || node->in[input] == NULL) return true;
    const eki_tensor *init = node->in[input]->init;
    int64_t count;
    bool known = init != NULL && init->data != NULL && init->dtype == EK_F32 && eki_shape_count(&init->shape, &count) &&
                 count == 1;
    if (known) *limit = *(const float *)init->data;
    return known;
}

static eki_activation clip(const eki_node *node) {
    eki_activation f = {.kind = EK_ACTIVATION_CLIP};
    bool known = read_limit(node, 1, "min", -FLT_MAX, &f.alpha) && read_limit(node, 2, "max", FLT_MAX, &f.beta);
    if (!known || !(f.alpha <= 0.0f && f.beta >= 0.0f)) f.kind = EK_ACTIVATION_NONE;
    return f;
}

static bool is_hard_swish_gate(const eki_node *node) {
    const float alpha = eki_node_float(node, "alpha", 0.2f), beta = eki_node_float(node, "beta", 0.5f);
    return node->op == EKI_OP_HardSigmoid && alpha == 1.0f / 6.0f && beta == 0.5f;
}

static eki_activation of_node(const eki_node *node) {
    switch (node->op) {
    case EKI_OP_Relu: return (eki_activation){.kind = EK_ACTIVATION_RELU};
    case EKI_OP_LeakyRelu:
        return (eki_activation){.kind = EK_ACTIVATION_LEAKY_RELU, .alpha = eki_node_float(node, "alpha", 0.01f)};
    case EKI_OP_Clip: return clip(node);
    case EKI_OP_HardSwish: return (eki_activation){.kind = EK_ACTIVATION_HARD_SWISH};
    default: return (eki_activation){.kind = EK_ACTIVATION_NONE};
    }
}

static eki_activation of_gate(const eki_node *gate) {
    if (gate->op == EKI_OP_Sigmoid) return (eki_activation){.kind = EK_ACTIVATION_SILU};
    if (is_hard_swish_gate(gate)) return (eki_activation){.kind = EK_ACTIVATION_HARD_SWISH};
    return (eki_activation){.kind = EK_ACTIVATION_NONE};
}

/* The node that multiplies `value` with what one other node makes of it; NULL where it is read in another way. */
static const eki_node *product_with_gate(const eki_tail_finder *f, const eki_value *value, const eki_node **gate) {
    const eki_node *product = f->user[value->id];
    if (f->uses[value->id] != 2 || product == NULL || product->op != EKI_OP_Mul || product->n_in != 2) return NULL;
    const eki_value *other = product->in[0] == value ? product->in[1] : product->in[0];
    bool both = (product->in[0] == value) != (product->in[1] == value);
    if (!both || other == NULL || other->producer == NULL || eki_only_user(f, other) != product) return NULL;
    *gate = other->producer;
    return (*gate)->n_in == 1 && (*gate)->in[0] == value ? product : NULL;
}

static void take(const eki_tail_finder *f, eki_activation activation, const eki_node *node, eki_tail_plan *tail) {
    if (activation.kind == EK_ACTIVATION_NONE || node->out[0] == NULL) return;
    tail->activation = activation;
    tail->last = node;
    f->tails->absorbed[node->id] = true;
}

void eki_activation_find(const eki_tail_finder *f, const eki_value *value, bool any, eki_tail_plan *tail) {
    const eki_node *gate, *node = eki_only_user(f, value);
    if (node != NULL && node->n_in > 0 && node->in[0] == value && (any || node->op == EKI_OP_Relu)) {
        take(f, of_node(node), node, tail);
        return;
    }
    node = any && f->known[value->id].dtype == EK_F32 ? product_with_gate(f, value, &gate) : NULL;
    if (node == NULL) return;
    take(f, of_gate(gate), node, tail);
    if (tail->last == node) f->tails->absorbed[gate->id] = true;
}
