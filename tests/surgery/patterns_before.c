/* patterns_before.c: norms in front of a convolution or product, and norms in a row. */
#include "patterns.h"

static ek_model *unpadded(bool twin) {
    net n = net_image(17, 3, 8);
    net_bn(&n, "bn", 3);
    if (twin) net_one(&n, "Relu", "relu");
    net_conv(&n, "conv", (conv_shape){3, 5, 3, 0, 1}, true);
    return net_finish(&n);
}

static ek_model *padded(bool twin) {
    net n = net_image(17, 3, twin ? -1 : 8);
    net_bn(&n, "bn", 3);
    net_conv(&n, "conv", (conv_shape){3, 5, 3, 1, 1}, true);
    return net_finish(&n);
}

/* A file may declare any extents; the border is an image of them. */
static ek_model *claimed(bool twin) {
    net n = net_image(17, 3, twin ? 1 << 16 : 9);
    net_bn(&n, "bn", 3);
    net_conv(&n, "conv", (conv_shape){3, 5, 3, 2, 1}, true);
    return net_finish(&n);
}

static ek_model *strided(bool twin) {
    const int64_t strides[2] = {2, 3}, dilations[2] = {2, 1}, pads[4] = {2, 0, 1, 3};
    net n = net_image(17, 4, 11);
    eki_node *bn = net_bn(&n, "bn", 4);
    eki_node *conv = net_conv(&n, "conv", (conv_shape){4, 6, 3, 1, 2}, false);
    OK(eki_node_set_ints(n.graph, conv, "strides", strides, 2, err));
    OK(eki_node_set_ints(n.graph, conv, "dilations", dilations, 2, err));
    OK(eki_node_set_ints(n.graph, conv, "pads", pads, 4, err));
    if (twin) net_output(&n, bn->out[0]);
    return net_finish(&n);
}

static ek_model *automatic_pads(bool twin) {
    const int64_t strides[2] = {2, 2};
    net n = net_image(17, 3, 8);
    net_bn(&n, "bn", 3);
    eki_node *conv = net_conv(&n, "conv", (conv_shape){3, 5, 3, 0, 1}, true);
    eki_node_remove_attr(conv, "pads");
    OK(eki_node_set_string(n.graph, conv, "auto_pad", "SAME_UPPER", err));
    OK(eki_node_set_ints(n.graph, conv, "strides", strides, 2, err));
    if (twin) OK(eki_graph_add_input(n.graph, conv->in[2], err));
    return net_finish(&n);
}

static const int64_t square[2] = {6, 6}, cube[3] = {2, 4, 6};

static ek_model *gemm(bool twin) {
    net n = net_start(17, 2, square);
    net_bn(&n, "bn", 6);
    eki_node *fc = net_gemm(&n, "fc", 6, 4, true, true);
    OK(eki_node_set_float(n.graph, fc, "alpha", 2.0F, err));
    OK(eki_node_set_float(n.graph, fc, "beta", 0.5F, err));
    if (twin) OK(eki_node_set_int(n.graph, fc, "transA", 1, err));
    return net_finish(&n);
}

static ek_model *matmul(bool twin) {
    net n = net_start(17, twin ? 3 : 2, twin ? cube : square);
    net_bn(&n, "bn", twin ? 4 : 6);
    net_matmul(&n, "fc", 6, 3);
    return net_finish(&n);
}

static ek_model *two_readers(bool twin) {
    net n = net_image(17, 3, 8);
    eki_node *bn = net_bn(&n, "bn", 3);
    eki_value *left = net_conv(&n, "left", (conv_shape){3, 3, 3, 1, 1}, true)->out[0];
    n.x = bn->out[0];
    net_conv(&n, "right", (conv_shape){3, 3, 1, 0, 1}, false);
    if (twin) left = bn->out[0];
    net_two(&n, "Add", "sum", left);
    return net_finish(&n);
}

static ek_model *in_a_row(bool twin) {
    const int64_t channel[4] = {1, 3, 1, 1};
    net n = net_image(17, 3, 8);
    net_one(&n, "Relu", "first");
    eki_value *bn = net_bn(&n, "bn", 3)->out[0];
    net_two(&n, "Mul", "mul", net_constant(&n, "factor", 4, channel, 0.5, 2));
    net_bn(&n, "second", 3);
    net_one(&n, "Relu", "last");
    if (twin) net_two(&n, "Add", "sum", bn);
    return net_finish(&n);
}

/* A norm on either side of one convolution, the first one behind a border. */
static ek_model *both_sides(bool twin) {
    net n = net_image(17, 3, 8);
    net_bn(&n, "first", 3);
    eki_node *conv = net_conv(&n, "conv", (conv_shape){3, 5, 3, 1, 1}, true), *bn = net_bn(&n, "bn", 5);
    if (twin) {
        ((float *)conv->in[1]->init->data)[0] = 1e30F;
        ((float *)bn->in[1]->init->data)[0] = 1e30F;
    }
    return net_finish(&n);
}

const pattern patterns_before[] = {
    {"no padding", unpadded, 0, "bn", "no convolution or product beside it: it reads a graph input and feeds"},
    {"padding", padded, 0, "bn", "height and width are not fixed"},
    {"strides, dilations, groups", strided, 0, "bn", "is also an output of the graph"},
    {"automatic padding", automatic_pads, 0, "bn",
     "the bias of node 'conv' (Conv) is no constant: it is also a graph input"},
    {"Gemm", gemm, 0, "bn", "transposed"},
    {"MatMul", matmul, 0, "bn", "has no two-dimensional input"},
    {"two readers", two_readers, 0, "bn", "could take in, is also read by"},
    {"in a row", in_a_row, 1, "bn", "no convolution or product beside it"},
    {"both sides", both_sides, 0, "bn", "would not be finite"},
    {"padded, large image", claimed, 0, "bn", "its border would be an image of more than 16777216 values"},
    {0},
};
