/* patterns_constants.c: parameters behind nodes and in other forms of Constant; the twins have a Tanh of the same
 * constant, which is no node that constants are read through. */
#include "patterns.h"

#include <stdio.h>
#include <string.h>

/* The node's input goes through another node first. */
static eki_node *behind(net *n, eki_node *reader, int input, const char *op_type, eki_value *second) {
    eki_value *x = n->x, *in[2] = {reader->in[input], second};
    char name[64];
    (void)snprintf(name, sizeof name, "%s%d", op_type, n->made++);
    eki_node *node = net_node(n, op_type, name, in, second == NULL ? 1 : 2);
    reader->in[input] = n->x;
    n->x = x;
    return node;
}

static void axes(net *n, eki_node *node, int64_t axis) { OK(eki_node_set_ints(n->graph, node, "axes", &axis, 1, err)); }

static eki_value *whole(net *n, const char *name, int64_t number) {
    eki_value *value;
    const int64_t one = 1;
    eki_shape shape = eki_shape_of(1, &one);
    OK(eki_graph_add_tensor(n->graph, name, EK_I64, &shape, &value, err));
    memcpy(value->init->data, &number, sizeof number);
    return value;
}

/* A convolution and a norm, one input of one of which is behind a node. */
static ek_model *through(const char *op_type, bool of_conv, int input, int64_t opset) {
    net n = net_image(opset, 3, 8);
    eki_node *conv = net_conv(&n, "conv", (conv_shape){3, 5, 3, 1, 1}, true), *bn = net_bn(&n, "bn", 5);
    behind(&n, of_conv ? conv : bn, input, op_type, NULL);
    return net_finish(&n);
}

static ek_model *identity_scale(bool twin) { return through(twin ? "Tanh" : "Identity", false, 1, 13); }
static ek_model *identity_variance(bool twin) { return through(twin ? "Tanh" : "Identity", false, 4, 9); }
static ek_model *identity_weight(bool twin) { return through(twin ? "Tanh" : "Identity", true, 1, 17); }
static ek_model *negative_bias(bool twin) { return through(twin ? "Tanh" : "Neg", true, 2, 17); }
static ek_model *root_variance(bool twin) { return through(twin ? "Exp" : "Sqrt", false, 4, 15); }

/* The weight of a Gemm behind a Transpose. */
static ek_model *transposed_weight(bool twin) {
    const int64_t dims[2] = {4, 6};
    net n = net_start(13, 2, dims);
    eki_node *fc = net_gemm(&n, "fc", 6, 5, true, true);
    OK(eki_node_set_int(n.graph, fc, "transB", 0, err));
    behind(&n, fc, 1, twin ? "Tanh" : "Transpose", NULL);
    if (twin) OK(eki_node_set_int(n.graph, fc, "transB", 1, err));
    net_bn(&n, "bn", 5);
    return net_finish(&n);
}

/* A factor per channel that gets its axes by nodes, at an opset with them as attributes and as an input. */
static ek_model *unsqueezed_factor(bool twin, int64_t opset) {
    net n = net_image(opset, 3, 8);
    net_conv(&n, "conv", (conv_shape){3, 5, 3, 1, 1}, false);
    net_bn(&n, "bn", 5);
    eki_node *mul = net_two(&n, "Mul", "mul", net_vector(&n, "factor", 5, 0.5, 2));
    for (int i = 0; i < 2; i++) {
        eki_node *node = behind(&n, mul, 1, "Unsqueeze", opset < 13 ? NULL : whole(&n, i == 0 ? "axis0" : "axis1", 1));
        if (opset < 13) axes(&n, node, 1);
    }
    if (twin) behind(&n, n.x->producer->in[0]->producer, 2, "Tanh", NULL);
    return net_finish(&n);
}
static ek_model *factor_attribute(bool twin) { return unsqueezed_factor(twin, 11); }
static ek_model *factor_input(bool twin) { return unsqueezed_factor(twin, 13); }

/* A Constant with value_floats. */
static ek_model *value_floats(bool twin) {
    static const float numbers[5] = {0.5F, -1, 2, 0.25F, 3};
    net n = net_image(13, 3, 8);
    net_conv(&n, "conv", (conv_shape){3, 5, 3, 1, 1}, true);
    eki_node *bn = net_bn(&n, "bn", 5), *made = net_node(&n, "Constant", "numbers", NULL, 0);
    eki_attr *attr;
    OK(eki_node_attr_slot(n.graph, made, "value_floats", &attr, err));
    attr->type = EKI_ATTR_FLOATS;
    attr->floats = numbers;
    attr->count = 5;
    bn->in[1] = made->out[0];
    n.x = bn->out[0];
    if (twin) behind(&n, bn, 1, "Tanh", NULL);
    return net_finish(&n);
}

/* One tensor as the scale of two norms and, behind Identity, of a third that stays: nothing of it goes. */
static ek_model *shared_scale(bool twin) {
    net n = net_image(13, 5, 8);
    net_conv(&n, "conv", (conv_shape){5, 5, 3, 1, 1}, false);
    eki_node *a = net_bn(&n, "bn", 5);
    net_one(&n, "Relu", "relu");
    net_conv(&n, "conv2", (conv_shape){5, 5, 3, 1, 1}, false);
    eki_node *b = net_bn(&n, "bn2", 5);
    b->in[1] = a->in[1];
    behind(&n, b, 1, "Identity", NULL);
    if (twin) behind(&n, a, 3, "Tanh", NULL);
    return net_finish(&n);
}

const pattern patterns_constants[] = {
    {"scale behind Identity", identity_scale, 0, "bn", "its scale is no constant"},
    {"variance behind Identity", identity_variance, 0, "bn", "its variance is no constant"},
    {"weight behind Identity", identity_weight, 0, "bn", "the weight of node 'conv' (Conv) is no constant"},
    {"bias behind Neg", negative_bias, 0, "bn", "the bias of node 'conv' (Conv) is no constant that folding sees"},
    {"variance behind Sqrt", root_variance, 0, "bn", "its variance is no constant"},
    {"weight behind Transpose", transposed_weight, 0, "bn", "the weight of node 'fc' (Gemm) is no constant"},
    {"factor behind Unsqueeze, attributes", factor_attribute, 0, "bn", "its bias is no constant"},
    {"factor behind Unsqueeze, inputs", factor_input, 0, "bn", "its bias is no constant"},
    {"scale as value_floats", value_floats, 0, "bn", "its scale is no constant"},
    {"one scale of two norms", shared_scale, 0, "bn", "its mean is no constant"},
    {0},
};
